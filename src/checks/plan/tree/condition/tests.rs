//! Conditions as servers print them, by example.

use super::*;

#[test]
fn a_condition_is_split_where_all_its_clauses_have_to_hold() {
    let text = "(((data ->> 'a AND b'::text) = 'x'::text) AND (n > 5) AND ((k = 1) OR (k = 2)))";
    assert_eq!(
        clauses(text),
        ["(data ->> 'a AND b'::text) = 'x'::text", "n > 5", "(k = 1) OR (k = 2)"]
    );
    assert_eq!(clauses("(a = 'it''s'::text)"), ["a = 'it''s'::text"]);
    assert_eq!(clauses("((a = 1) OR (b = 2))"), ["(a = 1) OR (b = 2)"]);
    assert_eq!(clauses("(("), ["(("]);
    assert_eq!(clauses(""), [""]);
}

#[test]
fn clauses_that_read_json_are_told_from_arrays_text_search_and_literals() {
    for clause in [
        "(data ->> 'kind'::text) = 'a'::text",
        "data @> '{\"a\": 1}'::jsonb",
        "(data -> 'a'::text) = '1'::jsonb",
        "jsonb_path_exists(data, '$.a'::jsonpath, '{}'::jsonb, false)",
    ] {
        assert!(is_json(clause), "{clause}");
    }
    for clause in [
        "tags @> '{a}'::text[]",
        "name = ' ->> '::text",
        "words @@ '''a'''::tsquery",
        "n > 5",
        "(attrs -> 'color'::text) = 'red'::text",
        "during @> '2026-01-01'::date",
        "path <@ 'top.a'::ltree",
    ] {
        assert!(!is_json(clause), "{clause}");
    }
}

#[test]
fn a_column_inside_a_cast_or_a_function_is_found() {
    let cast = |column: &str, kind: &str| {
        Some(Wrapped { column: column.to_owned(), wrapper: Wrapper::Cast(kind.to_owned()) })
    };
    let function = |column: &str, name: &str| {
        Some(Wrapped { column: column.to_owned(), wrapper: Wrapper::Function(name.to_owned()) })
    };
    let operator = |column: &str, name: &str| {
        Some(Wrapped { column: column.to_owned(), wrapper: Wrapper::Operator(name.to_owned()) })
    };
    for (clause, expected) in [
        ("(id)::numeric = 5.0", cast("id", "numeric")),
        ("(o.created_at)::date = '2026-01-03'::date", cast("created_at", "date")),
        ("lower(name) = 'x'::text", function("name", "lower")),
        ("lower((name)::text) = 'x'::text", function("name", "lower")),
        (
            "date_trunc('day'::text, ts) = '2026-01-03 00:00:00'::timestamp",
            function("ts", "date_trunc"),
        ),
        ("EXTRACT(year FROM ts) = '2026'::numeric", function("ts", "extract")),
        ("'5'::numeric = (id)::numeric", cast("id", "numeric")),
        ("(created_at)::date >= (CURRENT_DATE - '7 days'::interval)", cast("created_at", "date")),
        ("lower(email) = ANY ('{a,b}'::text[])", function("email", "lower")),
        ("lower(name) ~~ 'u1234%'::text", function("name", "lower")),
        ("(id)::numeric ~~ '12%'::text", cast("id", "numeric")),
        ("(id)::text ~~ '12%'::text", None),
        ("upper(name) ~~ '%234%'::text", None),
        ("upper(name) ~~ '_234'::text", None),
        ("lower(name) ~~ $1", None),
        ("lower(name) !~~ 'u1234%'::text", None),
        ("lower(name) ~~* 'u1234%'::text", None),
        ("(name)::text = 'x'::text", None),
        ("(net)::inet = '10.0.0.1'::inet", None),
        ("(relid)::oid = '16384'::oid", None),
        ("lower(name) = other", None),
        ("(n)::numeric(10,2) = 5.00", cast("n", "numeric")),
        ("(o.id + 1) = 5000", operator("id", "+")),
        ("(id % '1000'::bigint) = 7", operator("id", "%")),
        (
            "(at AT TIME ZONE 'UTC'::text) >= '2025-06-01 00:00:00'::timestamp without time zone",
            operator("at", "AT TIME ZONE"),
        ),
        ("5 < (10 - id)", operator("id", "-")),
        ("(a + b) = 5", None),
        ("(id + 1) = other", None),
        ("(a + 1 + b) = 5", None),
        ("(at)::timestamp(3) with time zone > now()", cast("at", "timestamp")),
        ("((qty)::numeric * price) > '100000'::numeric", None),
        ("((c.phone)::text || ''::text) ~~ '+49%'::text", None),
        ("((i.qty)::numeric * i.price) > '100000'::numeric", None),
        ("((a)::numeric + (b)::numeric) = '5'::numeric", None),
        ("id = 5", None),
        ("(a.id)::numeric = b.amount", None),
        ("(data ->> 'kind'::text) = 'a'::text", None),
        ("((data ->> 'n'::text))::integer = 5", None),
        ("jsonb_extract_path_text(data, 'a') = 'x'::text", None),
        ("id = lower('X'::text)", None),
    ] {
        assert_eq!(wrapped(clause), expected, "{clause}");
    }
}

#[test]
fn two_sides_are_joined_by_equality_of_what_is_no_constant() {
    for (clause, joins) in [
        ("o.customer_id = c.id", true),
        ("(o.ref)::text = c.phone", true),
        ("o.status = 'a'::text", false),
        ("o.id < c.id", false),
        ("(o.id = c.id) OR (o.ref = c.phone)", false),
        ("o.id = $1", false),
    ] {
        assert_eq!(compares_two(clause), joins, "{clause}");
    }
    let of = |text| qualifiers(text).map(Cow::into_owned).collect::<Vec<_>>();
    assert_eq!(of("(o.customer_id = c.id)"), ["o", "c"]);
    assert_eq!(of("(o.customer_id = \"C d\".id)"), ["o", "C d"]);
    assert_eq!(of("(\"a \"\" b\".id = abc.id)"), ["a \" b", "abc"]);
    assert_eq!(of("(customer_id = id)"), [""; 0]);
    assert_eq!(of("(\".id = 1)"), [""; 0]);
}

#[test]
fn parameters_are_found_outside_of_literals() {
    assert_eq!(numbers("(id = $1) AND (n > $12)"), [1, 12]);
    assert_eq!(numbers("InitPlan 1 (returns $0,$3)"), [0, 3]);
    assert_eq!(numbers("price = '$1'::text"), [0_u32; 0]);
}

#[test]
fn an_expression_of_columns_that_a_condition_does_not_name_is_not_in_it() {
    let filter = "((e.user_id = $1) AND (e.kind = $2))";
    for (expression, named) in [
        ("(user_id = 4711)", true),
        ("lower(kind)", true),
        ("(\"Kind\" = 1)", true),
        ("lower(note)", false),
        ("((status = 'kind'::text) AND (at IS NOT NULL))", false),
    ] {
        assert_eq!(may_name(filter, expression), named, "{expression}");
    }
    assert!(!may_name("((e.note)::text = $1)", "(status = 'open'::text)"), "a type is no column");
}
