//! What is said of a statement besides its keys: its kind, its tables, its text without literals, why it is refused.

use super::UseKind::{Delete, Insert, Merge, Select, Update, Utility};
use super::*;

fn only(text: &str) -> Understood {
    let mut all = statement(text, &catalog()).unwrap();
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

#[test]
fn a_text_holds_several_statements_each_of_its_kind() {
    let text = "select 1; insert into features (id) values (1); update features set id = 1; delete from features;
        merge into features f using users u on u.id = f.id when matched then delete; vacuum features; begin";
    let kinds: Vec<_> = statement(text, &catalog()).unwrap().iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Select, Insert, Update, Delete, Merge, Utility, Utility]);
    assert_eq!(statement(" ; -- nothing\n", &catalog()), Ok(Vec::new()));
}

#[test]
fn tables_are_those_of_the_catalog_behind_aliases_and_views_too() {
    let tables =
        |text| only(text).tables.iter().map(QualifiedName::to_sql).collect::<Vec<_>>().join(" ");
    assert_eq!(tables("select 1 from nested_view v, hr.\"Users\""), "hr.\"Users\" public.features");
    assert_eq!(
        tables("insert into archive.features select f.id from features f, missing"),
        "archive.features public.features"
    );
    assert_eq!(tables("with features as (select 1) select * from features"), "");
    assert_eq!(tables("select 1"), "");
}

#[test]
fn the_search_path_decides_what_an_unqualified_name_means() {
    let mut catalog = Catalog::new(vec!["archive".to_owned(), "public".to_owned()]);
    catalog.insert(name("archive", "features"), table("id data*"));
    catalog.insert(name("public", "features"), table("id data*"));
    catalog.insert(name("public", "users"), table("id profile*"));
    let text = "select f.data ->> 'a', u.profile ->> 'b' from features f, users u";
    let uses = &statement(text, &catalog).unwrap()[0].uses;
    let uses: Vec<_> = uses.iter().map(ToString::to_string).collect();
    assert_eq!(uses, ["archive.features.data: a ->> select", "public.users.profile: b ->> select"]);
}

#[test]
fn a_catalog_survives_being_stored() {
    let stored = serde_json::to_string(&catalog()).unwrap();
    assert_eq!(serde_json::from_str::<Catalog>(&stored).unwrap(), catalog());
}

#[test]
fn what_was_understood_survives_being_stored() {
    let understood =
        only("select data -> 'a' -> $1 ->> 0 from features where data @> '{\"b\": 1}'");
    let stored = serde_json::to_string(&understood).unwrap();
    assert_eq!(serde_json::from_str::<Understood>(&stored).unwrap(), understood);
}

#[test]
fn a_key_that_only_the_running_statement_knows_is_bound() {
    let bound = |text| only(text).uses[0].is_bound();
    assert!(bound("select data ->> $1 from features"));
    assert!(!bound("select data ->> 'a' from features"));
}

#[test]
fn fingerprints_tell_statements_apart_but_not_their_constants() {
    let fingerprint = |text: &str| only(text).fingerprint;
    let one = fingerprint("select data ->> 'a' from features where id = 1");
    assert_eq!(one, fingerprint("SELECT data->>'b' FROM features WHERE id = $1 -- two"));
    assert_ne!(one, fingerprint("select data -> 'a' from features where id = 1"));
    assert_eq!(one.len(), 16);
    let table = |table| fingerprint(&format!("select 1 from {table}"));
    assert_eq!(table("features"), table("features f"));
    assert_ne!(table("features f"), table("orders f"));
    assert_ne!(table("features"), table("archive.features"));
    assert_ne!(table("events_2024"), table("events_2025"));
}

#[test]
fn a_redacted_statement_holds_no_literal_and_no_comment() {
    for (text, redacted) in [
        (
            "select data->>'secret' /* secret */ from features where id = 42 and name = $1",
            "select data->>$2 from features where id = $3 and name = $1",
        ),
        (
            "select 'secret'::varchar(10) -- secret\n order by 1",
            "select $1::varchar(10) order by 1",
        ),
        ("execute login('secret', 42)", "execute login($1, $2)"),
        ("create role r password 'secret'", "create role r password $1"),
        (
            "create index on features ((data ->> 'secret')) where id > 42",
            "create index on features ((data ->> $1)) where id > $2",
        ),
        ("do $x$ begin perform 'secret'; end $x$", "do $1"),
        (
            "select * from json_table('{}', '$.secret' columns (a int path '$.secret'))",
            "select * from json_table($1, $2 columns (a int path $3))",
        ),
        (
            "select interval '42 days', date '2042-01-01', e'\\'secret', x'42', u&'secret'",
            "select interval $1, date $2, $3, $4, $5",
        ),
        ("explain select 'secret'", "explain select $1"),
        ("prepare p as select 'secret'", "prepare p as select $1"),
        (
            "insert into users (email) values ('secret'), ('42')",
            "insert into users (email) values ($1), ($2)",
        ),
        ("update features set data['secret'] = '42'", "update features set data[$1] = $2"),
        ("select 1 where name = %(secret)s", "select $2 where name = $1"),
    ] {
        assert_eq!(only(text).redacted, redacted);
    }
}

#[test]
fn an_error_says_where_and_repeats_nothing() {
    let error = |text| statement(text, &catalog()).unwrap_err();
    for (text, at) in [
        ("selec 1", 0),
        ("select secret from where x", 19),
        ("select 1; secret", 10),
        ("select 'secret", 14),
        ("select (1", 9),
        ("select %(a)s frm x where y = ? secret of", 17),
        ("select %(a)s from x where y = ? secret of", 32),
        ("select a\0b", 8),
        ("select 1 from t where a = %s and and", 33),
    ] {
        let found = error(text);
        assert_eq!(found, NotUnderstood::Syntax { at }, "{text}");
        assert!(!found.to_string().contains("secret"));
    }
}
