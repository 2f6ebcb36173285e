//! Plans in logs: each handed on with its statement, few of them judged, what was found kept without literals.

use super::*;
use crate::model::observation::LoggedFinding;
use crate::model::{Confidence, Evidence, Grade, Object, Severity, Unit};

const PLAN: &str = "Query Text: select * from orders where total = 'hush'\nSeq Scan on orders  (cost=0.00..1.01 rows=1 width=8)";

/// Entries with their plans, as the reader hands them on.
fn all(log: &str) -> Vec<Entry> {
    let (mut reader, mut entries) = (SourceReader::new(None), Vec::new());
    reader.push(log.as_bytes(), |entry| entries.push(entry));
    reader.finish(|entry| entries.push(entry));
    entries
}

/// A log in the format `stderr`.
fn log(messages: &[&str]) -> String {
    let line = |message: &&str| {
        format!("2026-11-29 07:00:00.000 UTC [7] LOG:  {}\n", message.replace('\n', "\n\t"))
    };
    messages.iter().map(line).collect()
}

#[test]
fn a_plan_is_handed_on_with_its_statement_whichever_of_the_two_comes_first() {
    let sql = "select * from orders where total = 'hush'";
    let plan = format!("duration: 2.000 ms  plan:\n{PLAN}");
    let simple = all(&log(&[&plan, &format!("duration: 3.000 ms  statement: {sql}")]));
    assert_eq!(simple.len(), 1);
    assert_eq!(simple[0].total_ms, Some(3.0));
    let given = simple[0].plan.as_ref().unwrap();
    assert_eq!((given.text.as_str(), given.ms), (PLAN, 2.0));

    let extended = all(&log(&[&format!("duration: 3.000 ms  execute <unnamed>: {sql}"), &plan]));
    assert_eq!(extended.len(), 2);
    assert!(extended[0].plan.is_none() && extended[1].is_plan_alone());
    assert_eq!(extended[1].plan.as_ref().unwrap().text, PLAN);

    let alone = all(&log(&[&plan]));
    assert_eq!((alone.len(), alone[0].calls, alone[0].total_ms), (1, 1, Some(2.0)));
    assert!(alone[0].plan.is_some());
}

#[test]
fn a_plan_in_a_comment_does_not_end_the_statement() {
    let sql = "select /* was\nSeq Scan on orders  (cost=0.00..9.01 rows=1 width=8)\n*/ 1\n-- Limit  (cost=0.00..1.01 rows=1 width=8)\nfrom orders";
    let root = "Seq Scan on orders  (cost=0.00..1.01 rows=1 width=8)";
    let alone = all(&log(&[&format!("duration: 2.000 ms  plan:\nQuery Text: {sql}\n{root}")]));
    let told: Vec<&str> = alone.iter().map(|entry| entry.sql.as_str()).collect();
    assert_eq!(told, [sql]);
}

fn found(ms: f64, node: u32) -> LoggedFinding {
    let time = Evidence {
        name: "time_ms".to_owned(),
        value: ms.into(),
        unit: Unit::Ms,
        source: "plan".to_owned(),
        grade: Grade::Measured,
    };
    let table = Some("orders".to_owned());
    LoggedFinding {
        check: "plan/disk-sort".to_owned(),
        severity: Severity::Low,
        confidence: Confidence::High,
        object: Object::PlanNode { node, schema: None, table, statement: None },
        message: format!("{ms}"),
        evidence: vec![time],
        plans: 1,
    }
}

/// A ledger of plans that took so long, and those that were judged.
fn judged(times: &[f64]) -> (Ledger, Vec<f64>) {
    let catalog = catalog();
    let (mut book, mut judged) = (Bookkeeper::new(&catalog), Vec::new());
    for (node, ms) in (0..).zip(times) {
        let text = PLAN.to_owned();
        let plan = Some(LoggedPlan { text, ms: *ms });
        let sql = format!("select * from orders where total = {ms}");
        book.add_plan(&Entry { plan, ..Entry::once(sql) }, |_| {
            judged.push(*ms);
            Some(JudgedPlan { estimates_only: false, findings: vec![found(*ms, node)] })
        });
    }
    (book.into_ledger(), judged)
}

#[test]
fn the_first_plans_of_a_statement_are_judged_and_those_that_took_much_longer() {
    let times = [[5.0; 20].as_slice(), &[9.0, 11.0, 12.0, 30.0]].concat();
    let (ledger, judged) = judged(&times);
    assert_eq!(judged, [[5.0; 8].as_slice(), &[11.0, 30.0]].concat());
    let plans = ledger.logged_plans();
    assert_eq!(plans.len(), 1, "one statement");
    assert_eq!((plans[0].plans, plans[0].judged, plans[0].longest_ms), (24, 10, 30.0));
    assert_eq!(plans[0].findings.len(), 1, "one problem, whatever the number of the node");
    assert_eq!((plans[0].findings[0].plans, plans[0].findings[0].message.as_str()), (10, "30"));
}

#[test]
fn ledgers_add_up_their_plans_keep_no_literal_and_read_what_they_wrote() {
    let ((mut one, _), (other, _)) = (judged(&[5.0, 7.0]), judged(&[9.0]));
    one.merge(other);
    let plans = one.logged_plans();
    assert_eq!((plans[0].plans, plans[0].judged, plans[0].total_ms), (3, 3, 21.0));
    assert_eq!((plans[0].findings[0].plans, plans[0].findings[0].message.as_str()), (3, "9"));
    let written = serde_json::to_string(&one).unwrap();
    assert!(!written.contains("hush") && written.contains("orders where total = $1"), "{written}");
    assert_eq!(serde_json::from_str::<Ledger>(&written).unwrap(), one);
}
