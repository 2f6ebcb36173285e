//! Verdicts on numbers that are given, by the promises that the trials make.

use super::*;
use crate::model::ProofSample;
use crate::prove::trial::{Arm, Bound, TrialRows};

const TIMES: &[(Name, Unit)] = &[
    ("call_ms", Unit::Ms),
    ("filter_ms", Unit::Ms),
    ("write_ms", Unit::Ms),
    ("read_ms", Unit::Ms),
    ("bytes", Unit::Bytes),
];

fn runs(numbers: &[(Name, f64)]) -> Runs {
    numbers.iter().map(|(name, number)| (*name, vec![*number; 5])).collect()
}

fn trial(promise: Promise, remarks: Vec<Remark>) -> TrialPlan {
    let arm = |promise, remarks| Arm {
        name: String::new(),
        proves: Vec::new(),
        stored: None,
        converted: None,
        setup: Vec::new(),
        stages: Vec::new(),
        promise,
        remarks,
    };
    let relation = crate::model::QualifiedName { schema: "ml".to_owned(), name: "t".to_owned() };
    let subject = TrialRows { relation, oid: 1, column: "data".to_owned(), rows_max: 1.0 };
    let arms = vec![arm(Promise::All(Vec::new()), Vec::new()), arm(promise, remarks)];
    TrialPlan { arms, ..TrialPlan::new(subject, TIMES) }
}

fn outcome(rows: i64, arms: Vec<Runs>) -> Outcome {
    Outcome { arms, sample: ProofSample { rows, bytes: 1, of_rows: None }, on_lab: false }
}

fn judged(promise: Promise, today: &[(Name, f64)], then: &[(Name, f64)]) -> Proof {
    let outcome = outcome(2000, vec![runs(today), runs(then)]);
    proof(&trial(promise, Vec::new()), &outcome, 1)
}

fn faster(metric: Name, gain_min: f64) -> Promise {
    Promise::Faster { metric, what: "a call", gain_min, says_minimum: true }
}

#[test]
fn a_time_must_fall_by_the_promised_share() {
    let halved = |ms: f64| judged(faster("call_ms", 0.5), &[("call_ms", 10.0)], &[("call_ms", ms)]);
    let (enough, short) = (halved(4.9), halved(5.1));
    assert_eq!(enough.verdict, Verdict::Confirmed);
    assert_eq!(
        enough.reason.unwrap(),
        "a call takes 51 % less time; measured in a temporary table on the target"
    );
    assert_eq!(short.verdict, Verdict::Refuted);
    assert_eq!(
        short.reason.unwrap(),
        "a call takes 49 % less time; the minimum is 50 % less; measured in a temporary table on the target"
    );
    let names: Vec<_> = short.measurements.iter().map(|m| (m.name.as_str(), m.runs)).collect();
    assert_eq!(names, [("call_ms", 5)], "what today's arm has not is left out");
}

#[test]
fn a_gain_that_the_spread_hides_is_inconclusive() {
    let then = vec![1.0, 3.0, 7.0, 11.0, 13.0];
    let arms = vec![runs(&[("call_ms", 10.0)]), Runs::from([("call_ms", then)])];
    let proof = proof(&trial(faster("call_ms", 0.2), Vec::new()), &outcome(2000, arms), 1);
    assert_eq!(proof.verdict, Verdict::Inconclusive, "{proof:?}");
    assert!(proof.reason.unwrap().contains("30 % less time, which the spread of 57 % hides"));
}

#[test]
fn a_server_that_gives_no_times_proves_nothing() {
    let nothing = judged(faster("call_ms", 0.2), &[("call_ms", f64::NAN)], &[("call_ms", 1.0)]);
    assert_eq!(nothing.verdict, Verdict::Inconclusive);
    assert_eq!(judged(faster("call_ms", 0.2), &[], &[]).verdict, Verdict::Inconclusive);
}

#[test]
fn of_all_that_is_promised_the_first_that_fails_is_the_verdict() {
    let room = Promise::Room { metrics: &["bytes"], growth_max: 0.25 };
    let promise = Promise::All(vec![room, faster("call_ms", 0.05)]);
    let today = [("call_ms", 10.0), ("bytes", 100.0)];
    let verdict = |ms, bytes| judged(promise.clone(), &today, &[("call_ms", ms), ("bytes", bytes)]);
    assert_eq!(verdict(5.0, 125.0).verdict, Verdict::Confirmed);
    let larger = verdict(5.0, 150.0);
    assert_eq!(larger.verdict, Verdict::Refuted);
    assert!(larger.reason.unwrap().starts_with("it takes 50 % more space;"));
    assert_eq!(verdict(10.0, 100.0).verdict, Verdict::Refuted);
}

#[test]
fn of_several_ways_to_gain_the_best_is_the_verdict_unless_another_loses() {
    let otherwise = "what it gains on one side it loses on the other";
    let promise = Promise::All(vec![
        Promise::NotSlower { metrics: &["read_ms", "write_ms"], otherwise },
        Promise::Any(vec![faster("read_ms", 0.05), faster("write_ms", 0.05)]),
    ]);
    let today = [("read_ms", 10.0), ("write_ms", 10.0)];
    let verdict =
        |read, write| judged(promise.clone(), &today, &[("read_ms", read), ("write_ms", write)]);
    assert_eq!(verdict(10.0, 5.0).verdict, Verdict::Confirmed);
    assert_eq!(verdict(5.0, 10.0).verdict, Verdict::Confirmed);
    assert_eq!(verdict(10.0, 10.0).verdict, Verdict::Refuted);
    assert!(verdict(12.0, 5.0).reason.unwrap().starts_with(otherwise));
}

#[test]
fn bytes_are_saved_or_not() {
    let promise = Promise::Saves { metrics: &["bytes"], what: "the index", gain_min: 0.2 };
    let saved = |bytes| judged(promise.clone(), &[("bytes", 100.0)], &[("bytes", bytes)]);
    assert_eq!(saved(79.0).verdict, Verdict::Confirmed);
    assert!(saved(81.0).reason.unwrap().starts_with("it saves 19 % of the index, less than 20 %;"));
    assert!(saved(100.0).reason.unwrap().starts_with("it saves 0 % of"));
    assert_eq!(saved(140.0).verdict, Verdict::Refuted);
}

#[test]
fn what_the_servers_plans_say_stands_against_any_time() {
    let read = Promise::IndexUseShare {
        name: "indexed_share",
        of_today: false,
        share: Bound::Above(0.0),
        otherwise: "the server reads no such index",
    };
    let promise = Promise::All(vec![read, faster("call_ms", 0.5)]);
    let verdict =
        |then: &[(Name, f64)]| judged(promise.clone(), &[("call_ms", 10.0)], then).verdict;
    assert_eq!(verdict(&[("call_ms", 1.0), ("indexed_share", 0.0)]), Verdict::Refuted);
    assert_eq!(verdict(&[("call_ms", 1.0), ("indexed_share", 0.2)]), Verdict::Confirmed);
    assert_eq!(verdict(&[("call_ms", 1.0)]), Verdict::Confirmed, "a lab has no plan of it");
}

#[test]
fn remarks_are_said_beside_the_verdict_where_they_are_so() {
    let remarks = vec![
        Remark::NoBetterThan { arm: 0, metric: "call_ms", what: "the index" },
        Remark::Dearer { metric: "write_ms", what: "writing a row" },
    ];
    let trial = trial(faster("call_ms", 0.5), remarks);
    let today = runs(&[("call_ms", 10.0), ("write_ms", 1.0)]);
    let said = |then: &[(Name, f64)]| {
        proof(&trial, &outcome(2000, vec![today.clone(), runs(then)]), 1).reason.unwrap()
    };
    let dear = said(&[("call_ms", 9.9), ("write_ms", 3.0)]);
    assert!(
        dear.contains(", no better than the index, writing a row takes 3.0 times as long;"),
        "{dear}"
    );
    let cheap = said(&[("call_ms", 1.0), ("write_ms", 1.05)]);
    assert_eq!(cheap, "a call takes 90 % less time; measured in a temporary table on the target");
}

#[test]
fn a_few_rows_prove_nothing() {
    let trial = trial(faster("call_ms", 0.5), Vec::new());
    let arms = vec![runs(&[("call_ms", 10.0)]), runs(&[("call_ms", 1.0)])];
    let few = Outcome { on_lab: true, ..outcome(5, arms) };
    let proof = proof(&trial, &few, 1);
    assert_eq!(proof.verdict, Verdict::Inconclusive);
    assert_eq!(proof.reason.unwrap(), "too few rows could be copied; measured on the lab database");
}

#[test]
fn one_disturbed_run_of_five_does_not_widen_the_spread() {
    assert_eq!(median_and_spread(vec![1.0, 1.0, 9.0, 1.0, 1.0]), (1.0, 0.0));
}
