//! What a sample cannot promise of every row is read off every row, while that is quick: one value that is no key, or one
//! document that `jsonb` refuses, and the statement would fail. Nothing is written, so this is part of every analysis.

use std::time::Duration;

use tokio::time::timeout;

use super::foreign_code;
use crate::jsonb::{Conversion, conversion};
use crate::model::{
    AdoptedKey, Cost, Grade, IndexedKey, KeyExpression, Proof, ProofMethod, QualifiedName,
    Renaming, Verdict, quote_identifier, quote_literal,
};
use crate::pg::{Question, ResultRow, Session, Target};

/// How long the rows of one table may take.
const TIME_MAX: Duration = Duration::from_secs(1);

/// A query over every row, and how many rows of the table each of its rows says stand against the action.
#[derive(Debug)]
pub(super) struct Scan {
    table: QualifiedName,
    sql: String,
    against: fn(&str) -> u64,
    /// Why they do.
    why: &'static str,
    /// Whether it proves the action where none does. Else it is reported only where some do, and what the action brings is for a
    /// sampled copy to say.
    confirms: bool,
}

impl Scan {
    /// What reading every row says, added to what it costs; none where that is nothing.
    pub(super) async fn prove(&self, target: &Target, cost: &mut Cost) -> Option<Proof> {
        let scanned = timeout(TIME_MAX, self.rows_against(target, cost)).await;
        let not_run = |reason| Proof::not_run(ProofMethod::FullScan, Grade::Statistics, reason);
        match scanned {
            Ok(Ok(against)) if against > 0 || self.confirms => Some(self.proof(against)),
            _ if !self.confirms => None,
            Ok(Err(reason)) => Some(not_run(reason)),
            _ => Some(not_run("reading every row takes over a second; it rests on the sample")),
        }
    }

    fn proof(&self, against: u64) -> Proof {
        let (verdict, reason) = match against {
            0 => (Verdict::Confirmed, "no row violates it".to_owned()),
            rows => (Verdict::Refuted, format!("{rows} {}", self.why)),
        };
        Proof {
            grade: Grade::Measured,
            method: ProofMethod::FullScan,
            verdict,
            reason: Some(reason),
            measurements: Vec::new(),
            sample: None,
        }
    }

    /// Ask in a session that only reads.
    async fn rows_against(&self, target: &Target, cost: &mut Cost) -> Result<u64, &'static str> {
        const UNREAD: &str = "the rows could not be read; it rests on the sample";
        let mut session: Session = target.session().await.map_err(|_| UNREAD)?;
        if !target.trusts_code() {
            let mut refused = false;
            let look = [foreign_code::question(&self.table)];
            let on_row = |_, _: ResultRow<'_>| {
                refused = true;
                Ok(())
            };
            let looked = session.query(&look, on_row).await;
            if refused || !matches!(looked.as_deref(), Ok([Ok(())])) {
                session.finish();
                return Err(if refused { foreign_code::REFUSED } else { UNREAD });
            }
        }
        let (sql, mut against) = (self.sql.clone(), 0_u64);
        let question = Question::new("full_scan", sql);
        let count = |_, row: ResultRow<'_>| {
            against = against.saturating_add((self.against)(row.text()?));
            Ok(())
        };
        let answers = session.query_finally(&[question], count).await;
        let spent = session.cost();
        session.finish();
        match answers.as_deref() {
            Ok([Ok(())]) => {
                *cost += spent;
                Ok(against)
            }
            _ => Err(UNREAD),
        }
    }
}

/// Of a query that counts them itself.
fn counted(row: &str) -> u64 {
    row.parse().unwrap_or(u64::MAX)
}

/// Whether the columns are never NULL, and no two rows have the same values in them. A unique index has proved it already.
pub(super) fn of_key(key: &AdoptedKey) -> Option<Scan> {
    if key.before.is_some() && key.nullable.is_empty() {
        return None;
    }
    let (sql, columns) =
        (key.table.to_sql(), key.columns.iter().map(|name| quote_identifier(name)));
    let columns: Vec<_> = columns.collect();
    let nulls: Vec<String> =
        key.nullable.iter().map(|name| format!("{} is null", quote_identifier(name))).collect();
    let nulls = match nulls.as_slice() {
        [] => "0".to_owned(),
        nulls => format!("(select count(*) from only {sql} where {})", nulls.join(" or ")),
    };
    let twice = match key.before {
        Some(_) => "0".to_owned(),
        None => format!(
            "(select count(*) from (select from only {sql} group by {columns} having count(*) > 1) as t)",
            columns = columns.join(", ")
        ),
    };
    Some(Scan {
        table: key.table.clone(),
        sql: format!("select /* dbopt */ pg_catalog.concat({nulls} + {twice})"),
        against: counted,
        why: "rows hold NULL there, or values that other rows hold, too",
        confirms: true,
    })
}

/// Whether `jsonb` takes every document, and keeps its values.
pub(super) fn of_documents(table: &QualifiedName, column: &str) -> Scan {
    let column = quote_identifier(column);
    Scan {
        table: table.clone(),
        sql: format!(
            "select /* dbopt */ {column}::pg_catalog.text from {} where {column} is not null",
            table.to_sql()
        ),
        against: |document| {
            u64::from(matches!(conversion(document), Ok(Conversion::Lost) | Err(_)))
        },
        why: "documents are refused by jsonb, or lose a key given twice",
        confirms: true,
    }
}

/// Whether no document holds a code as a key already: the first statement would refuse.
pub(super) fn of_codes(renaming: &Renaming) -> Scan {
    let codes: Vec<String> = renaming.codes.values().map(|code| quote_literal(code)).collect();
    Scan {
        table: renaming.table.clone(),
        sql: format!(
            "select /* dbopt */ pg_catalog.concat(count(*)) from only {} as t where exists (
                select
                from pg_catalog.jsonb_path_query(t.{}, 'strict $.** ? (@.type() == \"object\")') as o
                where o ?| array[{}]
            )",
            renaming.table.to_sql(),
            quote_identifier(&renaming.column),
            codes.join(", ")
        ),
        against: counted,
        why: "documents hold one of the codes as a key already",
        confirms: false,
    }
}

/// Whether each value stands the cast that the index is to hold: on one that does not it could not be built.
pub(super) fn of_casts(indexed: &IndexedKey) -> Option<Scan> {
    let to = indexed.expression.cast.as_ref()?;
    let text = KeyExpression { cast: None, ..indexed.expression.clone() }.to_sql("t.");
    Some(Scan {
        table: indexed.table.clone(),
        sql: format!(
            "select /* dbopt */ pg_catalog.concat(count(*)) from (select {text} as value from {} as t) as x
            where x.value is not null and not ({})",
            indexed.table.to_sql(),
            stands_cast(to)
        ),
        against: counted,
        why: "rows hold a value that the index's cast refuses",
        confirms: false,
    })
}

/// What holds of each text `x.value` that the cast takes. Spellings that no serializer writes are left out.
fn stands_cast(to: &str) -> String {
    let whole = |low: &str, high: &str| {
        format!(
            "case when x.value ~ '^ *[-+]?[0-9]{{1,19}} *$' then x.value::numeric between {low} and {high} else false end"
        )
    };
    match to {
        "smallint" => whole("-32768", "32767"),
        "integer" => whole("-2147483648", "2147483647"),
        "bigint" => whole("-9223372036854775808", "9223372036854775807"),
        "boolean" => "x.value ~* '^(t|true|f|false|y|yes|n|no|on|off|1|0)$'".to_owned(),
        "uuid" => "x.value ~* '^[{]?[0-9a-f]{4}(-?[0-9a-f]{4}){7}[}]?$'".to_owned(),
        _ => "x.value ~ '^ *([-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]{1,2})?|NaN|-?Infinity) *$'"
            .to_owned(),
    }
}
