use proptest::prelude::*;

use super::*;
use crate::sql::path_to_string;

/// The result and, behind a bar, what is read beside.
fn reads(path: &str) -> String {
    let reading = read(path);
    let result = reading.result.map(|path| format!("${}", path_to_string(&path)));
    let beside: Vec<_> = reading.beside.iter().map(|path| path_to_string(path)).collect();
    format!("{} | {}", result.unwrap_or_default(), beside.join(" ")).trim().to_owned()
}

#[test]
fn a_path_is_followed_step_by_step() {
    for (path, expected) in [
        ("$", "$ |"),
        ("$.a", "$a |"),
        ("lax $.a.b", "$a.b |"),
        ("strict $ . \"a b\" . c", "$\"a b\".c |"),
        ("$.a[*].b", "$a[].b |"),
        ("$.a[0].b[last]", "$a[0].b[0] |"),
        ("$.a[0, 2].b[1 to last]", "$a[].b[] |"),
        ("$.a[last - 1]", "$a[0] |"),
        ("$.*.a", "$*.a |"),
        ("$.**.a", "$*.a |"),
        ("$.**{2 to last}.a", "$*.a |"),
        ("$.a.size()", "$a |"),
        ("$.a.keyvalue().key", "$a.*.key |"),
        ("$.a.datetime(\"HH24:MI\").b", "$a.b |"),
        ("$.type", "$type |"),
        ("$.a /* why */ .b", "$a.b |"),
        ("$.\"\\u0061\\\"\\x62\"", "$\"a\\\"b\" |"),
        ("$.é.日本", "$é.日本 |"),
        ("($.a).b", "$a.b |"),
        ("-$.a", "$a |"),
    ] {
        assert_eq!(reads(path), expected, "{path}");
    }
}

#[test]
fn filters_and_conditions_are_read_beside() {
    for (path, expected) in [
        ("$.a ? (@.b == 1)", "$a | a.b"),
        ("$.items[*] ? (@.a == 1 && @.b.c > 2).d", "$items[].d | items[].a items[].b.c"),
        ("$ ? (exists(@.a ? (@.b > $x))).c", "$c | a.b a"),
        ("$ ? (!(@.a like_regex \"^x\" flag \"i\") || @.b starts with \"y\")", "$ | a b"),
        ("$ ? ((@.a > 1) is unknown)", "$ | a"),
        ("$.a == 1", "| a"),
        ("$.a > $.b || $.c != \"x\"", "| a b c"),
        ("$.a + $.b * 2", "| a b"),
        ("exists($.a)", "| a"),
        ("$.a[$.i]", "$a[0] | i"),
        ("$.a ? (@ > 1.5e-3 && @ < 0x1F)", "$a | a"),
        ("$x.a == $.b", "| b"),
        ("true", "|"),
    ] {
        assert_eq!(reads(path), expected, "{path}");
    }
}

#[test]
fn what_cannot_be_read_may_read_anything() {
    let nested = format!("$ ? ({}@.a{})", "(".repeat(10_000), ")".repeat(10_000));
    let long = format!("$.{}", "a".repeat(10_000));
    let within = format!("$ ? {}1 == 1{}", "(@.a ? ".repeat(100), ")".repeat(100));
    for path in [
        "",
        "$.",
        "$.a b",
        "a.b",
        "$[",
        "$.a ? (",
        "\"",
        "$.\"\\ud800\"",
        "$.a ===",
        "{1}",
        &nested,
        &long,
        &within,
    ] {
        assert_eq!(reads(path), "$* |", "{path:.40}");
    }
}

proptest! {
    #[test]
    fn arbitrary_paths_never_make_it_panic(path in ".{0,100}") {
        let _ = read(&path);
    }

    #[test]
    fn signs_of_paths_in_any_order_never_make_it_panic(
        signs in proptest::collection::vec(
            proptest::sample::select(&[
                "$", "@", ".", "*", "**", "[", "]", "(", ")", "?", "{", "}", "&&", "==", "!", "-", "a", "\"b\"", "1",
                "1.", "last", "to", "exists", "like_regex", "flag", "is", "unknown", "starts", "with", "$x", "\\", "\"",
                "keyvalue()", ",", "/*", "*/", " ",
            ][..]),
            0..30,
        )
    ) {
        let _ = read(&signs.concat());
    }
}
