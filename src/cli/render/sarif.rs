//! For code scanning: SARIF 2.1.0.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::words;
use crate::analysis::REVIEW_RULES;
use crate::checks;
use crate::model::{Analysis, Gap, Object, ReportedFinding, Review, Severity, Statement};

pub(super) fn analysis(analysis: &Analysis) -> String {
    let results: Vec<Value> =
        analysis.findings.iter().map(|f| result(f, &message(analysis, f))).collect();
    let invocation = invocation(&analysis.gaps, Some(analysis.observed_at));
    // One database's results do not take the place of another's.
    let of = format!("dbopt/analysis/{}/", encoded(&analysis.target));
    report(&of, &results, &rules(&analysis.findings), &invocation)
}

pub(super) fn review(review: &Review) -> String {
    let results: Vec<Value> = review.findings.iter().map(|f| result(f, &f.message)).collect();
    let invocation = invocation(&review.gaps, None);
    report("dbopt/review/", &results, &rules(&review.findings), &invocation)
}

/// Where the repository is; empty where its manifest does not say.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

fn report(of: &str, results: &[Value], rules: &[Value], invocation: &Value) -> String {
    let mut report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "dbopt",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {"id": of},
            "invocations": [invocation],
            "results": results,
        }],
    });
    if let Some(uri) = Some(REPOSITORY).filter(|uri| !uri.is_empty()) {
        report["runs"][0]["tool"]["driver"]["informationUri"] = json!(uri);
    }
    format!("{report:#}\n")
}

fn invocation(gaps: &[Gap], ended: Option<Timestamp>) -> Value {
    let gaps = gaps.iter().map(|gap| {
        json!({
            "level": "note",
            "descriptor": {"id": gap.reason},
            "message": {"text": format!("{}: {}", gap.observation, gap.detail)},
        })
    });
    let mut invocation = json!({
        "executionSuccessful": true,
        "toolExecutionNotifications": gaps.collect::<Vec<_>>(),
    });
    if let Some(ended) = ended {
        invocation["endTimeUtc"] = json!(ended);
    }
    invocation
}

/// The checks that found something.
fn rules(findings: &[ReportedFinding]) -> Vec<Value> {
    let ids: BTreeSet<&str> = findings.iter().map(|finding| finding.check.as_str()).collect();
    let rule = |id: &str| checks::find(id).map_or_else(|_| rule_of_migrations(id), rule);
    ids.into_iter().map(rule).collect()
}

fn rule(check: &checks::Check) -> Value {
    let mut rule = json!({
        "id": check.id,
        "shortDescription": {"text": check.title()},
        "fullDescription": {"text": check.summary()},
        "help": {"text": check.page, "markdown": check.page},
        "properties": {"tags": ["postgresql", check.superpower.as_str()]},
    });
    if let Some(uri) = page_uri(REPOSITORY, check.id) {
        rule["helpUri"] = json!(uri);
    }
    rule
}

/// Where the page of a check is read, in a repository.
fn page_uri(repository: &str, id: &str) -> Option<String> {
    let page = id.replace('-', "_");
    (!repository.is_empty()).then(|| format!("{repository}/blob/main/src/checks/{page}.md"))
}

/// A rule of reviews, which has two sentences and no page.
fn rule_of_migrations(id: &str) -> Value {
    let known = REVIEW_RULES.iter().find(|rule| rule.id == id);
    let mut rule = json!({ "id": id, "properties": {"tags": ["postgresql", "migration"]} });
    if let Some(known) = known {
        rule["shortDescription"] = json!({"text": known.title});
        rule["fullDescription"] = json!({"text": known.why});
        rule["help"] = json!({"text": format!("{} {}", known.why, known.instead)});
    }
    rule
}

fn result(finding: &ReportedFinding, message: &str) -> Value {
    json!({
        "ruleId": finding.check,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [location(&finding.object)],
        "partialFingerprints": {"dbopt/v1": finding.id},
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "object": finding.object,
            "evidence": finding.evidence,
        },
    })
}

/// A place in a file, where there is one. An object of a database has a name and no file.
fn location(object: &Object) -> Value {
    match object {
        Object::Source { path, line, column, .. } => json!({
            "physicalLocation": {
                "artifactLocation": {"uri": uri(path)},
                "region": {"startLine": line, "startColumn": column},
            },
        }),
        _ => json!({"logicalLocations": [{"fullyQualifiedName": object.to_string()}]}),
    }
}

/// A path as a URI: each part by itself.
fn uri(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn message(analysis: &Analysis, finding: &ReportedFinding) -> String {
    let advice = |id: &String| {
        let recommendation = words::recommendation(analysis, id)?;
        let sql = |statement: &Statement| statement.sql.clone();
        let sql: Vec<String> = recommendation.statements.iter().map(sql).collect();
        let proof = words::proof(&recommendation.proof);
        Some(format!("{} ({proof}):\n{}", recommendation.title, sql.join("\n")))
    };
    let parts = std::iter::once(finding.message.clone());
    parts.chain(finding.recommendations.iter().filter_map(advice)).collect::<Vec<_>>().join("\n\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A part of a URI.
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, RESERVED).to_string()
}

/// Everything but what a URI leaves as it is.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_it_is_about_and_leads_to_a_page_that_is_there() {
        for check in checks::all() {
            let rule = rule(check);
            let full = rule["fullDescription"]["text"].as_str().unwrap();
            assert!(full.len() > 20 && !full.contains('\n') && !full.starts_with('#'), "{full}");
            assert_eq!(rule["properties"]["tags"][1], check.superpower.as_str());
            let uri = page_uri("https://repository.example/dbopt", check.id).unwrap();
            let (_, page) = uri.split_once("/blob/main/").unwrap();
            assert!(std::path::Path::new(page).exists(), "{page}");
        }
        assert_eq!(page_uri("", "toast/bloated-toast"), None);
    }
}
