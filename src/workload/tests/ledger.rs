//! The ledger's arithmetic.

use super::*;
use crate::sql::{Access, Clause, JsonStep};

fn key(key: &str) -> Vec<JsonStep> {
    key.split('.').map(|key| JsonStep::Key(key.to_owned())).collect()
}

fn entry(sql: &str, calls: u64, total_ms: Option<f64>) -> Entry {
    Entry { calls, total_ms, ..Entry::once(sql) }
}

fn ledger(entries: &[Entry]) -> Ledger {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    for entry in entries {
        book.add(StatementSource::Log, entry);
    }
    book.into_ledger()
}

fn features(ledger: &Ledger) -> &ColumnUse {
    ledger.column(&name("features"), "data").unwrap()
}

fn percent(share: Option<f64>) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a share is at most 1")]
    share.map(|share| (share * 100.0).round() as i64)
}

#[test]
fn calls_and_time_are_counted_by_path_and_each_call_once() {
    let ledger = ledger(&[
        entry(
            "select data ->> 'a', data -> 'a' from features where data ->> 'b' = 'x'",
            30,
            Some(60.0),
        ),
        entry("select (data ->> 'a')::int from features", 10, Some(140.0)),
        entry("select data -> 'c' ->> 'd' from features", 40, None),
        entry("select id from features", 100, Some(9.0)),
    ]);
    let column = features(&ledger);
    assert_eq!((column.touched.calls, column.touched.entries), (80, 3));
    assert_eq!(
        (column.touched.timed_calls, column.touched.total_ms.to_string().as_str()),
        (40, "200")
    );
    assert_eq!(column.paths.len(), 3);
    let a = column.share(&key("a"));
    assert_eq!((percent(a.calls), percent(a.time)), (Some(50), Some(100)));
    let b = column.share(&key("b"));
    assert_eq!((percent(b.calls), percent(b.time)), (Some(38), Some(30)));
    let d = column.share(&key("c.d"));
    assert_eq!((percent(d.calls), percent(d.time)), (Some(50), Some(0)));
    assert_eq!(ledger.table(&name("features")).unwrap().touched.calls, 180);
}

#[test]
fn ways_tell_access_place_cast_and_comparison() {
    let ledger = ledger(&[
        entry("select 1 from features where (data ->> 'a')::int > 5", 3, None),
        entry("select data -> 'a' from features order by data -> 'a'", 2, None),
    ]);
    let path = &features(&ledger).paths[&key("a")];
    let patterns: Vec<_> = path
        .patterns
        .iter()
        .map(|(pattern, stats)| {
            let compared = pattern.comparison.as_ref().map(|with| with.operator.as_str());
            (pattern.access, pattern.place, pattern.cast.as_deref(), compared, stats.calls)
        })
        .collect();
    assert_eq!(
        patterns,
        [
            (Access::Value, Clause::Select, None, None, 2),
            (Access::Value, Clause::OrderBy, None, None, 2),
            (Access::Text, Clause::Where, Some("int4"), Some(">"), 3),
        ]
    );
    assert_eq!(path.touched.calls, 5);
}

#[test]
fn coverage_tells_what_was_attributed_and_what_was_not() {
    let ledger = ledger(&[
        entry("select data ->> 'a' from features", 50, Some(5.0)),
        entry("select data ->> $1 from features", 30, Some(3.0)),
        entry("select x.y ->> 'a' from missing x, features", 10, Some(1.0)),
        entry("selec", 10, Some(1.0)),
        entry("begin", 1000, Some(90.0)),
    ]);
    let coverage = ledger.coverage()[&StatementSource::Log];
    let calls = |stats: CallStats| stats.calls;
    assert_eq!(calls(coverage.all), 1100);
    assert_eq!(calls(coverage.documents), 90);
    assert_eq!(calls(coverage.traced), 80);
    assert_eq!(calls(coverage.bound), 30);
    assert_eq!(calls(coverage.unknown_key), 30);
    assert_eq!(calls(coverage.attributed), 50);
    assert_eq!(calls(coverage.not_understood), 10);
    assert_eq!(percent(coverage.attributed_share().calls), Some(50));
    assert_eq!(percent(coverage.unattributed_share().time), Some(50));
    assert_eq!(ledger.table(&name("features")).unwrap().untraced.calls, 10);
    // Of the calls that may use this column: its own, those not followed, those not understood.
    assert_eq!(percent(Some(ledger.attributed(&name("features"), "data"))), Some(50));
    assert_eq!(percent(Some(ledger.attributed(&name("users"), "profile"))), Some(0));
}

fn bound(sql: &str, values: &[&str]) -> Entry {
    let parameters = Parameters::from_values(values.iter().map(|value| Some(*value)));
    Entry { parameters, ..Entry::once(sql) }
}

#[test]
fn keys_that_are_parameters_are_told_by_their_values() {
    let ledger = ledger(&[
        bound("select data ->> $1 from features where id = $2", &["it's", "42"]),
        bound("select data ->> $1 from features where id = $2", &["it's", "43"]),
        bound("select 1 from features where data @> $1", &["{\"a\": {\"b\": \"secret\"}}"]),
        bound("select 1 from features where data #>> $1 = $2", &["{c,d}", "x"]),
        bound("select data ->> $1, data ->> $2 from features", &["e", "f"]),
    ]);
    let column = features(&ledger);
    let paths: Vec<_> = column.paths.keys().map(|path| crate::sql::path_to_string(path)).collect();
    assert_eq!(paths, ["a.b", "c.d", "e", "f", "\"it's\""]);
    assert_eq!(column.unknown_key.calls, 0);
    let used = &column.paths[&key("it's")];
    assert_eq!((used.touched.calls, used.bound.calls), (2, 2));
    let coverage = ledger.coverage()[&StatementSource::Log];
    // A document that is a parameter is no key that is one: an index serves it all the same.
    assert_eq!((coverage.bound.calls, coverage.attributed.calls), (4, 5));
    let text = serde_json::to_string(&ledger).unwrap();
    assert!(text.contains("data ->> $1") && !text.contains("secret"));
}

#[test]
fn a_key_whose_value_is_not_told_stays_unknown() {
    let ledger = ledger(&[
        bound("select data ->> $2 from features where id = $1", &["42"]),
        Entry::once("select data ->> $1 from features"),
    ]);
    assert_eq!(features(&ledger).unknown_key.calls, 2);
    assert_eq!(features(&ledger).paths.len(), 1);
}

#[test]
fn no_literal_and_no_comment_is_ever_held() {
    let ledger = ledger(&[
        entry(
            "select data ->> 'k' /* secret */ from features where data ->> 'k' = 'secret' and id = 777777",
            1,
            None,
        ),
        entry("select 1 from features where data @> '{\"k\": [\"secret\", 777777]}'", 1, None),
        entry(
            "select 1 from features where data @? '$.k ? (@ == \"secret\" || @ > 777777)'",
            1,
            None,
        ),
        entry(
            "update features set data = jsonb_set(data, '{k}', '\"secret\"') where note = $$secret$$",
            1,
            None,
        ),
        entry(
            "update features set data = data || '{\"k\": \"secret\"}' where note = E'secret'",
            1,
            None,
        ),
        entry("insert into features (data) values ('{\"secret\": 777777}')", 1, None),
        entry("select secret from", 1, None),
        bound("select data ->> 'k' from features where name = $1", &["secret"]),
        bound("select data -> 'k' from features where data ->> $1 = $2", &["k", "secret"]),
    ]);
    let text = serde_json::to_string(&ledger).unwrap();
    assert!(!text.contains("secret") && !text.contains("777777"), "{text}");
    assert!(features(&ledger).paths.contains_key(&key("k")));
}

#[test]
fn definitions_are_mentions_without_calls() {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    let table = name("features");
    book.mention(&Definition::Statement(
        "CREATE INDEX i ON public.features USING btree (((data ->> 'a'::text)))",
    ));
    book.mention(&Definition::Query(" SELECT features.data ->> 'b'::text FROM features;"));
    book.mention(&Definition::Expression { table: &table, expression: "(data ->> 'c'::text)" });
    let ledger = book.into_ledger();
    let column = features(&ledger);
    assert_eq!(column.paths.keys().cloned().collect::<Vec<_>>(), [key("a"), key("b"), key("c")]);
    assert_eq!((column.touched.calls, column.touched.entries), (0, 3));
    assert_eq!(column.paths[&key("a")].sources[&StatementSource::Catalog].entries, 1);
    assert_eq!(column.paths[&key("a")].patterns.keys().next().unwrap().place, Clause::Index);
    assert_eq!(column.share(&key("a")).calls, None);
}

#[test]
#[expect(clippy::float_cmp, reason = "quotients of whole numbers")]
fn calls_whose_key_is_not_known_may_use_any() {
    let attributed = |entries: &[Entry]| ledger(entries).attributed(&name("features"), "data");
    let known = entry("select data ->> 'a' from features", 100, None);
    let unknown = entry("select data ->> $1 from features", 300, None);
    assert_eq!(attributed(&[]), 0.0);
    assert_eq!(attributed(std::slice::from_ref(&known)), 1.0);
    assert_eq!(attributed(&[known.clone(), unknown]), 0.25);
    assert_eq!(attributed(&[known, entry("selec", 100, None)]), 0.5, "what is not understood, too");
}

#[test]
fn two_ledgers_make_one_as_if_all_had_been_added_to_it() {
    let entries = [
        entry("select data ->> 'a' from features where id = 1", 3, Some(1.5)),
        entry("select data ->> 'a' from features where id = 2", 4, None),
        entry("select data ->> $1 from features", 5, Some(2.0)),
        entry("select profile -> 'x' from users", 6, Some(4.0)),
        entry("selec", 7, None),
    ];
    for split in 0..=entries.len() {
        let (one, other) = entries.split_at(split);
        let mut merged = ledger(one);
        merged.merge(ledger(other));
        assert_eq!(merged, ledger(&entries));
    }
    let stored = serde_json::to_string(&ledger(&entries)).unwrap();
    assert_eq!(serde_json::from_str::<Ledger>(&stored).unwrap(), ledger(&entries));
}

#[test]
fn ids_for_keys_do_not_make_it_grow_and_do_not_drive_out_a_hot_key() {
    let ids = |range: std::ops::Range<usize>| {
        range.map(|id| entry(&format!("select data ->> 'id{id}' from features"), 1, None))
    };
    let hot = entry("select data ->> 'hot' from features", 500, None);
    let entries: Vec<_> = ids(0..1500).chain([hot]).chain(ids(1500..4000)).collect();
    let ledger = ledger(&entries);
    let column = features(&ledger);
    assert!(column.paths.len() <= PATHS_MAX);
    assert_eq!(column.paths_left_out + column.paths.len() as u64, 4001);
    assert_eq!(column.touched.calls, 4500);
    assert_eq!(column.paths[&key("hot")].touched.calls, 500);
    assert!(ledger.statements_by_time().len() <= STATEMENTS_MAX);
    assert_eq!(ledger.statements_by_time()[0].stats.calls, 500);
    assert_eq!(ledger.statements_left_out() + ledger.statements_by_time().len() as u64, 4001);
}

#[test]
fn statements_with_the_same_keys_are_one_and_with_other_keys_two() {
    let ledger = ledger(&[
        entry("select data ->> 'a' from features where id = 1", 1, Some(1.0)),
        entry("SELECT data->>'a' FROM features WHERE id = 2", 1, Some(2.0)),
        entry("select data ->> 'b' from features where id = 1", 1, Some(9.0)),
    ]);
    let statements = ledger.statements_by_time();
    let told: Vec<_> =
        statements.iter().map(|one| (one.stats.calls, one.uses[0].path.clone())).collect();
    assert_eq!(told, [(1, key("b")), (2, key("a"))]);
    assert_eq!(statements[1].redacted, "select data ->> $1 from features where id = $2");
}

#[test]
fn what_the_advisor_itself_runs_is_no_part_of_the_workload() {
    let own = entry("/* dbopt */ select data::text from only public.features as t", 5, Some(1.0));
    assert_eq!(ledger(&[own]), Ledger::default());
}
