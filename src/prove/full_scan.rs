//! What a sample cannot promise of every row is read off every row, while that is quick: one value that is no key, or one
//! document that `jsonb` refuses, and the statement would fail. Nothing is written, so this is part of every analysis.

use std::time::Duration;

use tokio::time::timeout;

use super::foreign_code;
use crate::jsonb::{Conversion, conversion};
use crate::model::{
    Action, AdoptedKey, Cost, Grade, IndexedKey, KeyExpression, Proof, ProofMethod, QualifiedName,
    Renaming, Verdict, quote_identifier, quote_literal,
};
use crate::pg::{Question, Session, Target};

/// How long the rows of one table may take.
const SCAN_TIME_MAX: Duration = Duration::from_secs(1);

/// What reading every row says of an action, added to what it costs; none where the action needs no such thing.
pub(super) async fn prove(target: &Target, action: &Action, cost: &mut Cost) -> Option<Proof> {
    let scanned = match action {
        Action::AdoptPrimaryKey { table, key, .. } if needs_scan(key) => {
            timeout(SCAN_TIME_MAX, key_holds(target, table, key, cost)).await
        }
        Action::ConvertToJsonb { table, column, .. } => {
            timeout(SCAN_TIME_MAX, documents_convert(target, table, column, cost)).await
        }
        Action::ShortenKeys { renaming, .. } => {
            // Told only where it stands against the action: what codes save is for a sampled copy to say.
            let scan = timeout(SCAN_TIME_MAX, codes_are_free(target, renaming, cost)).await;
            return scan.ok()?.ok().filter(|scan| scan.against > 0).map(|scan| scan.proof());
        }
        Action::IndexKey { indexed, .. } => {
            // The same: what an index brings is for a sampled copy to say.
            let scan = timeout(SCAN_TIME_MAX, values_are_cast(target, indexed, cost)).await;
            return scan.ok()?.ok().filter(|scan| scan.against > 0).map(|scan| scan.proof());
        }
        _ => return None,
    };
    Some(match scanned {
        Ok(Ok(scan)) => scan.proof(),
        Ok(Err(reason)) => not_run(reason),
        Err(_) => not_run("reading every row takes over a second; it rests on the sample"),
    })
}

fn needs_scan(key: &AdoptedKey) -> bool {
    key.before.is_none() || !key.nullable.is_empty()
}

fn not_run(reason: &str) -> Proof {
    Proof::not_run(ProofMethod::FullScan, Grade::Statistics, reason)
}

/// What was read of all rows.
#[derive(Debug, Default)]
struct Scan {
    /// Rows that stand against the action.
    against: u64,
    /// Why they do.
    why: &'static str,
}

impl Scan {
    fn proof(&self) -> Proof {
        let (verdict, reason) = match self.against {
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
}

/// Whether the columns are never NULL, and no two rows have the same values in them.
async fn key_holds(
    target: &Target,
    table: &QualifiedName,
    key: &AdoptedKey,
    cost: &mut Cost,
) -> Result<Scan, &'static str> {
    let (sql, columns) = (table.to_sql(), key.columns.iter().map(|name| quote_identifier(name)));
    let columns: Vec<_> = columns.collect();
    let nulls: Vec<String> =
        key.nullable.iter().map(|name| format!("{} is null", quote_identifier(name))).collect();
    let nulls = match nulls.as_slice() {
        [] => "0".to_owned(),
        nulls => format!("(select count(*) from only {sql} where {})", nulls.join(" or ")),
    };
    // A unique index has told already.
    let twice = match key.before {
        Some(_) => "0".to_owned(),
        None => format!(
            "(select count(*) from (select from only {sql} group by {columns} having count(*) > 1) as t)",
            columns = columns.join(", ")
        ),
    };
    let mut scan = Scan {
        why: "rows hold NULL there, or values that other rows hold, too",
        ..Scan::default()
    };
    let counted = format!("select /* dbopt */ pg_catalog.concat({nulls} + {twice})");
    *cost +=
        ask((target, table), counted, |row| scan.against = row.parse().unwrap_or(u64::MAX)).await?;
    Ok(scan)
}

/// Whether `jsonb` takes every document, and keeps its values.
async fn documents_convert(
    target: &Target,
    table: &QualifiedName,
    column: &str,
    cost: &mut Cost,
) -> Result<Scan, &'static str> {
    let column = quote_identifier(column);
    let mut scan = Scan {
        why: "documents are refused by jsonb, or lose a key given twice",
        ..Scan::default()
    };
    let all = format!(
        "select /* dbopt */ {column}::pg_catalog.text from {} where {column} is not null",
        table.to_sql()
    );
    *cost += ask((target, table), all, |document| {
        scan.against += u64::from(matches!(conversion(document), Ok(Conversion::Lost) | Err(_)));
    })
    .await?;
    Ok(scan)
}

/// Whether no document holds a code as a key already: the first statement would refuse.
async fn codes_are_free(
    target: &Target,
    renaming: &Renaming,
    cost: &mut Cost,
) -> Result<Scan, &'static str> {
    let codes: Vec<String> = renaming.codes.values().map(|code| quote_literal(code)).collect();
    let counted = format!(
        "select /* dbopt */ pg_catalog.concat(count(*)) from only {} as t where exists (
            select
            from pg_catalog.jsonb_path_query(t.{}, 'strict $.** ? (@.type() == \"object\")') as o
            where o ?| array[{}]
        )",
        renaming.table.to_sql(),
        quote_identifier(&renaming.column),
        codes.join(", ")
    );
    let why = "documents hold one of the codes as a key already";
    let mut scan = Scan { why, ..Scan::default() };
    *cost += ask((target, &renaming.table), counted, |row| {
        scan.against = row.parse().unwrap_or(u64::MAX);
    })
    .await?;
    Ok(scan)
}

/// Whether each value stands the cast that the index is to hold: on one that does not it could not be built.
async fn values_are_cast(
    target: &Target,
    indexed: &IndexedKey,
    cost: &mut Cost,
) -> Result<Scan, &'static str> {
    let why = "rows hold a value that the index's cast refuses";
    let mut scan = Scan { why, ..Scan::default() };
    let Some(to) = &indexed.expression.cast else { return Ok(scan) };
    let text = KeyExpression { cast: None, ..indexed.expression.clone() }.to_sql("t.");
    let counted = format!(
        "select /* dbopt */ pg_catalog.concat(count(*)) from (select {text} as value from {} as t) as x
        where x.value is not null and not ({})",
        indexed.table.to_sql(),
        stands_cast(to)
    );
    *cost += ask((target, &indexed.table), counted, |row| {
        scan.against = row.parse().unwrap_or(u64::MAX);
    })
    .await?;
    Ok(scan)
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

/// Ask one question in a session that only reads, and hand out its rows; what it cost.
async fn ask(
    (target, table): (&Target, &QualifiedName),
    sql: String,
    mut on_row: impl FnMut(&str) + Send,
) -> Result<Cost, &'static str> {
    const UNREAD: &str = "the rows could not be read; it rests on the sample";
    let mut session: Session = target.session().await.map_err(|_| UNREAD)?;
    if !target.trusts_code() {
        let mut refused = false;
        let look = [foreign_code::question(table)];
        let looked = session.ask(&look, |_, _| refused = true).await;
        if refused || !matches!(looked.as_deref(), Ok([Ok(())])) {
            session.finish();
            return Err(if refused { foreign_code::REFUSED } else { UNREAD });
        }
    }
    let question = Question {
        source: "full_scan",
        sql,
        parameters: Vec::new(),
        settings: "",
        continues: false,
    };
    let answers = session.ask_finally(&[question], |_, row| on_row(row)).await;
    let cost = session.cost();
    session.finish();
    match answers.as_deref() {
        Ok([Ok(())]) => Ok(cost),
        _ => Err(UNREAD),
    }
}
