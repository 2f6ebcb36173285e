use crate::model::{Confidence, Grade, Object, ProofMethod, Proposal, SettingChange, SettingScope};

use super::*;

/// Sets `work_mem` for a database; each database is an alternative of its own.
fn setting(database: &str) -> Action {
    Action::SetSetting(SettingChange {
        object: Object::Setting { name: "work_mem".to_owned() },
        name: "work_mem".to_owned(),
        value: "64MB".to_owned(),
        scope: SettingScope::Database(database.to_owned()),
        before: None,
        known_by: None,
        needs_restart: false,
        caveats: Vec::new(),
    })
}

fn found(check: &'static str, severity: Severity, actions: &[Action]) -> Finding {
    let object = Object::Setting { name: "work_mem".to_owned() };
    let finding = Finding::new(check, object, severity, "found".to_owned());
    actions.iter().cloned().fold(finding, Finding::action)
}

/// A proof by a call that takes so long under the action, and 100 ms without it.
fn measured(verdict: Verdict, call_ms: f64) -> Proof {
    let measured = Measurement {
        name: "call_ms".to_owned(),
        baseline: 100.0,
        candidate: call_ms,
        unit: Unit::Ms,
        runs: 5,
        spread: 0.01,
    };
    let proof = Proof::not_run(ProofMethod::SampledCopy, Grade::Measured, "measured");
    Proof { verdict, measurements: vec![measured], ..proof }
}

/// What comes of findings whose actions have these proofs; an action without one has not been tried.
fn advised(
    findings: Vec<Finding>,
    proofs: &[(&'static str, &Action, Proof)],
    (severity_min, in_recovery): (Option<Severity>, bool),
) -> Analysis {
    let mut snapshot = Snapshot::default();
    snapshot.server.in_recovery = in_recovery;
    let mut all = BTreeMap::new();
    for finding in &findings {
        for action in &finding.actions {
            let key = Proposal::new("demo", finding.check, action.clone()).key;
            all.insert(
                key,
                Proof::not_run(ProofMethod::SampledCopy, Grade::Heuristic, "not tried"),
            );
        }
    }
    for (check, action, proof) in proofs {
        all.insert(Proposal::new("demo", check, (*action).clone()).key, proof.clone());
    }
    let scope = Scope { severity_min, ..Scope::default() };
    let policy = Policy::default();
    let run = RunContext {
        target: "demo",
        superpower: "wal",
        snapshot: &snapshot,
        scope: &scope,
        policy: &policy,
    };
    advise(&run, Judgement { findings, ..Judgement::default() }, &all, &[])
}

fn databases(analysis: &Analysis) -> Vec<&str> {
    let named = |one: &Recommendation| {
        let names = |name: &&str| {
            let of_database = format!("DATABASE {name} ");
            one.statements.iter().any(|statement| statement.sql.contains(&of_database))
        };
        ["a", "b", "c"].into_iter().find(names)
    };
    analysis.recommendations.iter().filter_map(named).collect()
}

const ALL: (Option<Severity>, bool) = (None, false);

#[test]
fn an_action_that_an_experiment_refuted_is_declined_with_its_numbers_and_the_finding_is_one_in_name()
 {
    let action = setting("a");
    let finding = found("wal/x", Severity::High, std::slice::from_ref(&action));
    let refuted = [("wal/x", &action, measured(Verdict::Refuted, 101.0))];
    let analysis = advised(vec![finding.clone()], &refuted, ALL);
    assert!(analysis.recommendations.is_empty(), "{analysis:#?}");
    assert_eq!(analysis.findings[0].severity, Severity::Info);
    assert_eq!(analysis.declined[0].reason, "an experiment refuted set_setting a");
    assert!(analysis.declined[0].detail.contains("call_ms 100 ms -> 101 ms"), "{analysis:#?}");
    // It is not reported where only more severe ones are wanted.
    let severe = advised(vec![finding], &refuted, (Some(Severity::Low), false));
    assert!(severe.findings.is_empty() && !severe.declined.is_empty(), "{severe:#?}");
}

#[test]
fn what_is_dearer_comes_first_only_where_it_is_measured_to_be_clearly_faster() {
    let actions = ["a", "b", "c"].map(setting);
    let in_order = |times: [Option<f64>; 3]| {
        let proofs: Vec<_> = actions
            .iter()
            .zip(times)
            .filter_map(|(action, ms)| Some(("wal/x", action, measured(Verdict::Confirmed, ms?))))
            .collect();
        let finding = found("wal/x", Severity::Low, &actions);
        databases(&advised(vec![finding], &proofs, ALL)).join("")
    };
    assert_eq!(in_order([None, None, None]), "abc");
    assert_eq!(in_order([Some(50.0), Some(48.0), Some(20.0)]), "cab");
    assert_eq!(in_order([None, Some(50.0), Some(20.0)]), "acb");
}

#[test]
fn the_same_advice_of_two_checks_comes_once_with_the_proof_of_the_one_that_measured() {
    let action = setting("a");
    let findings =
        ["wal/x", "wal/y"].map(|check| found(check, Severity::Low, std::slice::from_ref(&action)));
    let proofs = [("wal/y", &action, measured(Verdict::Confirmed, 20.0))];
    let analysis = advised(findings.to_vec(), &proofs, ALL);
    let [once] = analysis.recommendations.as_slice() else { panic!("{analysis:#?}") };
    let ids: Vec<&String> = analysis.findings.iter().map(|finding| &finding.id).collect();
    assert_eq!(once.findings.iter().collect::<Vec<_>>(), ids);
    assert_eq!((once.proof.verdict, once.expected.len()), (Verdict::Confirmed, 1));
    assert!(analysis.findings.iter().all(|finding| finding.recommendations == [once.id.clone()]));
}

#[test]
fn findings_come_by_severity_then_by_confidence_then_by_name() {
    let findings = vec![
        found("wal/b", Severity::Low, &[]),
        found("wal/a", Severity::Low, &[]),
        found("wal/c", Severity::High, &[]),
        found("wal/z", Severity::Low, &[]).confidence(Confidence::Low),
    ];
    let analysis = advised(findings, &[], ALL);
    let order: Vec<&str> = analysis.findings.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!(order, ["wal/c", "wal/a", "wal/b", "wal/z"]);
}

#[test]
fn on_a_standby_each_statement_says_on_which_server_it_is_to_be_run() {
    let system = |action: Action| match action {
        Action::SetSetting(change) => {
            Action::SetSetting(SettingChange { scope: SettingScope::System, ..change })
        }
        other => other,
    };
    for (action, where_to) in
        [(setting("a"), "run it on the primary"), (system(setting("a")), "run it on this standby")]
    {
        let finding = found("wal/x", Severity::Low, std::slice::from_ref(&action));
        let on_standby = advised(vec![finding.clone()], &[], (None, true));
        let first = &on_standby.recommendations[0].preconditions[0];
        assert!(first.starts_with(where_to), "{first}");
        let on_primary = advised(vec![finding], &[], ALL);
        assert!(on_primary.recommendations[0].preconditions.is_empty(), "{on_primary:#?}");
    }
}
