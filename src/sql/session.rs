//! What a statement keeps in its session beyond its transaction, and what it sets for the transaction.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, OnCommitAction, RangeVar, Token, VariableSetKind, VariableSetStmt};

use super::tree;
use crate::model::observation::SessionNeed;

/// What is kept, and of `SET` the setting.
type SessionState = (SessionNeed, Option<String>);

/// `CURSOR_OPT_HOLD` of the parser.
const CURSOR_HOLD: i32 = 0x20;

/// Functions that take an advisory lock until the session ends or unlocks it.
const ADVISORY: [&str; 4] = [
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
];

/// What has no ON COMMIT clause.
const NO_CLAUSE: i32 = OnCommitAction::OncommitNoop as i32;

/// Settings that end with the transaction, however they are set.
const OF_TRANSACTION: [&str; 3] =
    ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];

/// A longer name is no setting.
const NAME_BYTES_MAX: usize = 63;

/// What a statement keeps in its session.
pub(super) fn kept(statement: &Node, text: &str) -> BTreeSet<SessionState> {
    let mut kept = called(text);
    let of_statement = match tree::inner(statement) {
        Some(NodeEnum::VariableSetStmt(set)) => set_of(set),
        Some(NodeEnum::ListenStmt(_)) => Some((SessionNeed::Listen, None)),
        Some(NodeEnum::PrepareStmt(_)) => Some((SessionNeed::Prepare, None)),
        Some(NodeEnum::LoadStmt(_)) => Some((SessionNeed::Load, None)),
        Some(NodeEnum::DeclareCursorStmt(cursor)) => {
            (cursor.options & CURSOR_HOLD != 0).then_some((SessionNeed::HoldCursor, None))
        }
        Some(NodeEnum::CreateStmt(table)) => temporary(table.relation.as_ref(), table.oncommit),
        Some(NodeEnum::ViewStmt(view)) => temporary(view.view.as_ref(), NO_CLAUSE),
        Some(NodeEnum::CreateSeqStmt(sequence)) => temporary(sequence.sequence.as_ref(), NO_CLAUSE),
        Some(NodeEnum::CreateTableAsStmt(table)) => {
            let into = table.into.as_ref();
            into.and_then(|into| temporary(into.rel.as_ref(), into.on_commit))
        }
        Some(NodeEnum::SelectStmt(select)) => {
            let into = select.into_clause.as_ref();
            into.and_then(|into| temporary(into.rel.as_ref(), into.on_commit))
        }
        _ => None,
    };
    kept.extend(of_statement);
    kept
}

fn set_of(set: &VariableSetStmt) -> Option<SessionState> {
    let name = set.name.to_ascii_lowercase();
    let sets = match set.kind() {
        VariableSetKind::VarSetValue | VariableSetKind::VarSetCurrent => {
            !OF_TRANSACTION.contains(&name.as_str())
        }
        VariableSetKind::VarSetMulti => name == "session characteristics",
        _ => false,
    };
    let known = name.len() <= NAME_BYTES_MAX;
    let need = if set.is_local { SessionNeed::SetLocal } else { SessionNeed::Set };
    sets.then(|| (need, known.then_some(name)))
}

fn temporary(table: Option<&RangeVar>, on_commit: i32) -> Option<SessionState> {
    let dropped = on_commit == OnCommitAction::OncommitDrop as i32;
    let temporary =
        table.is_some_and(|table| table.relpersistence == "t" || table.schemaname == "pg_temp");
    (temporary && !dropped).then_some((SessionNeed::TemporaryTable, None))
}

/// What functions that it calls keep. Tokens show them: the name before a bracket, wherever it stands.
fn called(text: &str) -> BTreeSet<SessionState> {
    let mut kept = BTreeSet::new();
    let lower = text.to_ascii_lowercase();
    if !lower.contains("advisory") && !lower.contains("set_config") {
        return kept;
    }
    let Ok(tokens) = pg_query::scan_tokens(&lower) else { return kept };
    let word = |position: usize| {
        let token = tokens.get(position)?;
        let (start, end) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        lower.get(start..end)
    };
    for (position, token) in tokens.iter().enumerate() {
        if token.token() != Token::Ident || word(position + 1) != Some("(") {
            continue;
        }
        // A function of that name in another schema is another function.
        let before = |back: usize| position.checked_sub(back).and_then(word);
        if before(1) == Some(".") && before(2) != Some("pg_catalog") {
            continue;
        }
        match word(position) {
            Some(name) if ADVISORY.contains(&name) => {
                kept.insert((SessionNeed::AdvisoryLock, None));
            }
            // Whether it is local to the transaction is known where it is written as a constant.
            Some("set_config") if matches!(word(position + 6), Some("false" | "true")) => {
                let need = match word(position + 6) {
                    Some("true") => SessionNeed::SetLocal,
                    _ => SessionNeed::Set,
                };
                let literal = word(position + 2).unwrap_or_default();
                let name = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let name = name.filter(|name| name.len() <= NAME_BYTES_MAX);
                kept.insert((need, name.map(str::to_owned)));
            }
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use crate::model::observation::SessionNeed as Need;
    use crate::sql::{Catalog, statement};

    fn kept(sql: &str) -> Vec<(Need, Option<String>)> {
        let understood = statement(sql, &Catalog::new(vec!["public".to_owned()]));
        let understood = understood.unwrap_or_else(|error| unreachable!("{sql}: {error:?}"));
        understood.into_iter().flat_map(|one| one.session).collect()
    }

    #[test]
    fn what_outlives_its_transaction_is_kept_in_the_session() {
        for (sql, expected) in [
            ("LISTEN jobs", Need::Listen),
            ("PREPARE p AS SELECT 1", Need::Prepare),
            ("LOAD 'auto_explain'", Need::Load),
            ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", Need::HoldCursor),
            ("CREATE TEMP TABLE t (i int)", Need::TemporaryTable),
            ("CREATE TEMP TABLE t ON COMMIT DELETE ROWS AS SELECT 1", Need::TemporaryTable),
            ("SELECT 1 AS i INTO TEMP t", Need::TemporaryTable),
            ("CREATE TABLE pg_temp.t (i int)", Need::TemporaryTable),
            ("CREATE TEMP VIEW v AS SELECT 1", Need::TemporaryTable),
            ("CREATE TEMP SEQUENCE s", Need::TemporaryTable),
            ("SELECT pg_catalog.pg_advisory_lock($1)", Need::AdvisoryLock),
            ("select 1 where PG_TRY_ADVISORY_LOCK (1, 2)", Need::AdvisoryLock),
        ] {
            assert_eq!(kept(sql), [(expected, None)], "{sql}");
        }
        for (sql, setting) in [
            ("SET statement_timeout = $1", "statement_timeout"),
            ("SET SESSION Search_Path TO a, b", "search_path"),
            ("SET TIME ZONE 'UTC'", "timezone"),
            ("SET ROLE web", "role"),
            ("select set_config('app.tenant', '7', false)", "app.tenant"),
        ] {
            assert_eq!(kept(sql), [(Need::Set, Some(setting.to_owned()))], "{sql}");
        }
    }

    #[test]
    fn what_is_set_for_the_transaction_is_known_by_its_name() {
        for sql in
            ["SET LOCAL hnsw.ef_search = 100", "select set_config('hnsw.ef_search', $1, true)"]
        {
            let expected = (Need::SetLocal, Some("hnsw.ef_search".to_owned()));
            assert_eq!(kept(sql), [expected], "{sql}");
        }
    }

    #[test]
    fn what_ends_with_its_transaction_or_cleans_up_is_not() {
        for sql in [
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET transaction_isolation = 'serializable'",
            "RESET ALL",
            "SET search_path TO DEFAULT",
            "DISCARD ALL",
            "UNLISTEN *",
            "NOTIFY jobs",
            "DECLARE c CURSOR FOR SELECT 1",
            "CREATE TEMP TABLE t (i int) ON COMMIT DROP",
            "CREATE TABLE t (i int)",
            "SELECT pg_advisory_xact_lock(1)",
            "SELECT pg_advisory_unlock(1)",
            "SELECT app.pg_advisory_lock(1)",
            "CREATE VIEW v AS SELECT 1",
            "CREATE SEQUENCE s",
            "SELECT 'pg_advisory_lock(1)' -- pg_advisory_lock(1)",
            "select set_config($1, $2, $3)",
        ] {
            assert_eq!(kept(sql), [], "{sql}");
        }
    }
}
