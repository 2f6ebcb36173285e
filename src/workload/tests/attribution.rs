//! Calls that a server counted are shared among the keys that texts name, and only among these.

use super::*;
use crate::sql::{JsonStep, path_to_string};

const NORMALIZED: &str = "select id from features where data->>$1 = $2";

fn counted(query_id: i64, sql: &str, calls: u64) -> StatementStats<'_> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let total_ms = calls as f64 * 2.0;
    StatementStats { query_id: Some(query_id), sql: Some(sql), calls, total_ms, counters: None }
}

fn text(key: &str) -> String {
    format!("select id from features where data->>'{key}' = 'x'")
}

type Heard<'a> = (StatementSource, Option<i64>, &'a str);

fn attributed(counted: Option<&[StatementStats<'_>]>, heard: &[Heard<'_>]) -> Attributed {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    for (source, query_id, sql) in heard {
        book.record_text(*source, &Entry { query_id: *query_id, ..Entry::once(*sql) });
    }
    book.attribute(counted, || true)
}

/// Calls by path.
fn calls(of: &Attributed) -> Vec<(String, u64)> {
    let used = of.ledger.column(&name("features"), "data");
    let paths = used.into_iter().flat_map(|used| &used.paths);
    paths.map(|(path, used)| (path_to_string(path), used.touched.calls)).collect()
}

fn path(path: &str, calls: u64) -> (String, u64) {
    (path.to_owned(), calls)
}

fn sample_size(of: &Attributed) -> Option<String> {
    let size = of.sample_sizes.get(&(name("features"), "data".to_owned()));
    size.map(|size| format!("{size:.1}"))
}

#[test]
fn a_statement_of_which_no_text_was_seen_is_attributed_to_no_key_and_sends_none() {
    let told = attributed(Some(&[counted(1, NORMALIZED, 900)]), &[]);
    assert_eq!(calls(&told), [path("$", 900)]);
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!((used.unknown_key.calls, used.parameter_key.calls), (900, 0));
    assert_eq!(told.ledger.attributed(&name("features"), "data").to_string(), "0");
    assert_eq!(sample_size(&told), None);
}

#[test]
fn calls_of_one_statement_are_shared_among_its_keys_as_its_texts_name_them() {
    let (a, b) = (text("a"), text("b"));
    let mut heard = vec![(StatementSource::Activity, Some(1), &*a); 3];
    heard.push((StatementSource::Qualstats, Some(1), &b));
    let told = attributed(Some(&[counted(1, NORMALIZED, 1001)]), &heard);
    assert_eq!(calls(&told), [path("a", 750), path("b", 251)]);
    assert_eq!(sample_size(&told).as_deref(), Some("4.0"));
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!(used.touched.calls, 1001, "each call once");
    assert_eq!(used.touched.total_ms.round().to_string(), "2002");
    assert_eq!(used.parameter_key.calls, 0);
}

#[test]
fn a_busy_statement_with_one_text_is_worth_one_text_whatever_the_others_are() {
    let (hot, cold) = (text("hot"), "select data->'cold' from features");
    let mut heard = vec![(StatementSource::Activity, Some(2), cold); 50];
    heard.push((StatementSource::Activity, Some(1), &hot));
    let busy =
        [counted(1, NORMALIZED, 1_000_000), counted(2, "select data->$1 from features", 1000)];
    assert_eq!(sample_size(&attributed(Some(&busy), &heard)).as_deref(), Some("1.0"));
}

#[test]
fn a_text_tells_only_of_the_statement_whose_identifier_and_shape_it_has() {
    let (a, two) = (text("a"), format!("{}; select 1", text("a")));
    let statements = [counted(1, NORMALIZED, 10)];
    for heard in
        [(StatementSource::Activity, Some(2), &*a), (StatementSource::Activity, Some(1), &*two)]
    {
        assert_eq!(calls(&attributed(Some(&statements), &[heard])), [path("$", 10)], "{heard:?}");
    }
    let logged = (StatementSource::Log, None, &*a);
    assert_eq!(calls(&attributed(Some(&statements), &[logged])), [path("a", 10)]);
    let twins = [counted(1, NORMALIZED, 10), counted(2, NORMALIZED, 5)];
    assert_eq!(calls(&attributed(Some(&twins), &[logged])), [path("$", 15)], "whose is it?");
    let known = (StatementSource::Activity, Some(2), &*a);
    let told = attributed(Some(&twins), &[logged, known]);
    assert_eq!(calls(&told), [path("a", 5), path("$", 10)]);
}

#[test]
fn a_key_is_sent_where_the_text_of_the_application_says_so() {
    let sent = (StatementSource::Activity, Some(1), NORMALIZED);
    let literal = text("a");
    let literal = (StatementSource::Activity, Some(2), &*literal);
    let twins = [counted(1, NORMALIZED, 60), counted(2, NORMALIZED, 40)];
    let told = attributed(Some(&twins), &[sent, literal]);
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!((used.parameter_key.calls, used.unknown_key.calls), (60, 60));
    assert_eq!(calls(&told), [path("a", 40), path("$", 60)]);
    // One of two statements of the log is counted no more; which one is not known.
    let mixed = [(StatementSource::Log, None, NORMALIZED), (StatementSource::Log, None, literal.2)];
    let told = attributed(Some(&twins[..1]), &mixed);
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!((used.parameter_key.calls, used.unknown_key.calls), (0, 60));
}

#[test]
fn a_document_that_is_sent_hides_its_keys_and_is_no_key_that_is_sent() {
    let sql = "select id from features where data @> $1";
    let told =
        attributed(Some(&[counted(1, sql, 60)]), &[(StatementSource::Activity, Some(1), sql)]);
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!((used.parameter_key.calls, used.unknown_key.calls), (0, 60));
    assert!(used.paths.values().all(|path| path.bound.calls == 0));
}

#[test]
fn without_counts_the_log_counts_itself_or_else_what_sessions_showed() {
    let (a, b) = (text("a"), text("b"));
    let shown = (StatementSource::Activity, None, &*a);
    let example = (StatementSource::Qualstats, Some(1), &*b);
    assert_eq!(calls(&attributed(None, &[shown, shown, example])), [path("a", 2)]);
    let logged = (StatementSource::Log, None, &*b);
    assert_eq!(calls(&attributed(None, &[shown, logged])), [path("b", 1)]);
}

#[test]
fn what_the_server_prints_of_constants_is_the_shape_of_its_texts() {
    for (normalized, sent) in [
        (
            "select data->>$1 from features where id in ($2 /*, ... */)",
            "select data->>'k' from features where id in (1, 2, 3)",
        ),
        (
            "select data->>$1 from features where id in ($2, $3) limit $4",
            "select data->>'k' from features where id in (1, 2) limit 10",
        ),
        (
            "select data #>> $1 from features where event_time > now() - interval $2",
            "select data #>> '{k}' from features where event_time > now() - interval '1 day'",
        ),
        (
            "select $1::text, data->>$2 from features where event_time > date $3",
            "select 'x'::text, data->>'k' from features where event_time > date '2026-11-25'",
        ),
        (
            "select data->>$2 from features where id = $1",
            "select data->>'k' from features where id = $1",
        ),
        (
            "update features set data = jsonb_set(data, $1, $2) where id = $3",
            "update features set data = jsonb_set(data, '{k}', '1') where id = -7",
        ),
        (
            "select 1 from features where data @> $1 and tags = any($2)",
            "select 1 from features where data @> '{\"k\": 1}' and tags = any('{a}')",
        ),
    ] {
        let heard = [(StatementSource::Activity, Some(1), sent)];
        let told = attributed(Some(&[counted(1, normalized, 10)]), &heard);
        let used = told.ledger.column(&name("features"), "data");
        let keys = used.map(|used| used.paths.keys().filter(|path| !path.is_empty()));
        let keys: Vec<&Vec<JsonStep>> = keys.into_iter().flatten().collect();
        assert_eq!(keys, [&vec![JsonStep::Key("k".to_owned())]], "{normalized}");
    }
}

#[test]
fn what_is_hidden_or_late_is_not_attributed_and_our_own_statements_are_no_workload() {
    let hidden =
        StatementStats { query_id: None, sql: None, calls: 70, total_ms: 1.0, counters: None };
    let own = counted(2, "select /* dbopt */ data::text from features", 5);
    let statements = [hidden, own];
    let told = attributed(Some(&statements), &[]);
    assert_eq!(told.ledger.total_coverage().not_understood.calls, 70);
    assert_eq!(told.ledger.total_coverage().all.calls, 70);
    let catalog = catalog();
    let late = Bookkeeper::new(&catalog).attribute(Some(&[counted(1, NORMALIZED, 9)]), || false);
    assert_eq!(late.ledger.total_coverage().not_understood.calls, 9);
}

#[test]
fn definitions_mention_keys_and_make_no_calls() {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    let index = "CREATE INDEX i ON public.features USING btree (((data ->> 'a'::text)))";
    book.mention(&Definition::Statement(index));
    let told = book.attribute(Some(&[]), || true);
    assert_eq!(calls(&told), [path("a", 0)]);
    let used = told.ledger.column(&name("features"), "data").unwrap();
    assert_eq!(used.sources[&StatementSource::Catalog].entries, 1);
}
