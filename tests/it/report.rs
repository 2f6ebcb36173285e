//! What a person reads at a terminal, and the exit status that a pipeline sees, from a recorded snapshot.

use crate::support::program::{Said, dbopt, said};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots/demo.json");

async fn judge(arguments: &[&str]) -> Said {
    said(dbopt(&[&["judge", DEMO], arguments].concat())).await
}

#[tokio::test]
async fn what_was_named_and_does_not_exist_ends_with_two_and_is_no_pass() {
    for named in [["--table", "nope"], ["--schema", "nope"], ["--table", "app.features"]] {
        let unseen = judge(&named).await;
        assert_eq!(unseen.status, 2, "{named:?}: {}", unseen.out);
        let named_so = format!("`{}`", named[1]);
        assert!(
            unseen.out.contains("scope: no ") && unseen.out.contains(&named_so),
            "{}",
            unseen.out
        );
        assert!(unseen.err.contains("--allow-gaps"), "{}", unseen.err);
        let allowed = judge(&[&named[..], &["--allow-gaps"]].concat()).await;
        assert_eq!(allowed.status, 0, "{named:?}: {}", allowed.out);
    }
}

#[tokio::test]
async fn a_severity_that_is_hidden_still_fails_and_never_does_not() {
    for (arguments, status) in [
        (&["--fail-on", "low"][..], 1),
        (&["--fail-on", "low", "--severity-min", "critical"], 1),
        (&["--fail-on", "never"], 0),
    ] {
        let judged = judge(arguments).await;
        assert_eq!(judged.status, status, "{arguments:?}: {}", judged.out);
    }
    let hidden = judge(&["--severity-min", "critical", "--fail-on", "never"]).await;
    assert!(hidden.out.contains("no finding, no recommendation"), "{}", hidden.out);
    let typo = judge(&["--fail-on", "severe"]).await;
    assert_eq!(typo.status, 2);
    assert!(typo.err.contains("info, low, medium, high, critical, never"), "{}", typo.err);
}

#[tokio::test]
async fn checks_are_chosen_and_left_out_by_superpower_or_by_name() {
    let checks = async |arguments: &[&str]| -> Vec<String> {
        let judged =
            judge(&[arguments, &["--format", "json", "--fail-on", "never"]].concat()).await;
        let analysis: serde_json::Value = serde_json::from_str(&judged.out).unwrap();
        let findings = analysis["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
    };
    let toast = checks(&["--check", "toast"]).await;
    assert!(!toast.is_empty() && toast.iter().all(|id| id.starts_with("toast/")), "{toast:?}");
    let rest = checks(&["--ignore", "toast"]).await;
    assert!(!rest.is_empty() && rest.iter().all(|id| !id.starts_with("toast/")), "{rest:?}");
    let one = toast[0].as_str();
    let others = checks(&["--check", "toast", "--ignore", one]).await;
    assert_eq!(others, toast.iter().filter(|id| *id != one).cloned().collect::<Vec<_>>());
    let none = judge(&["--check", one, "--ignore", one]).await;
    assert!(none.status == 2 && none.err.contains("no check is left"), "{}", none.err);
}

#[tokio::test]
async fn a_share_above_one_is_refused_with_its_range() {
    let refused = judge(&["--set", "hot_key_share=80"]).await;
    assert_eq!(refused.status, 2);
    let message = "--set: `hot_key_share` is a share: give a number from 0 to 1";
    assert!(refused.err.contains(message), "{}", refused.err);
    assert_eq!(judge(&["--set", "toast_share_max=1.5", "--fail-on", "never"]).await.status, 0);
}

#[tokio::test]
async fn a_finding_says_why_it_matters_and_a_long_statement_is_printed_once() {
    let judged = judge(&["--fail-on", "never"]).await;
    let lines: Vec<&str> = judged.out.lines().collect();
    let findings = lines.iter().filter(|line| line.contains(", confidence ")).count();
    let reasons = lines.iter().filter(|line| line.starts_with("   Why: ")).count();
    assert!(findings > 5 && findings == reasons, "{findings} findings, {reasons} reasons");
    let mut blocks: Vec<&str> = judged.out.split("DO $dbopt$").skip(1).collect();
    let count = blocks.len();
    blocks.sort_unstable();
    blocks.dedup_by_key(|block| block.split("$dbopt$;").next());
    assert_eq!(blocks.len(), count, "a block is printed twice");
    for (number, line) in lines.iter().enumerate() {
        let is_prose = !line.starts_with("       ") && !line.starts_with("      To see it: ");
        assert!(!is_prose || line.chars().count() <= 100, "line {number}: {line}");
    }
}
