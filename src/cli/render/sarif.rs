//! For code scanning: SARIF 2.1.0.

use serde_json::{Value, json};

use super::words;
use crate::checks;
use crate::model::{Analysis, Object, ReportedFinding, Severity, Statement};

pub(super) fn analysis(analysis: &Analysis) -> String {
    let results: Vec<Value> = analysis.findings.iter().map(|f| result(analysis, f)).collect();
    let rules: Vec<Value> = checks::all()
        .filter(|check| analysis.findings.iter().any(|finding| finding.check == check.id))
        .map(rule)
        .collect();
    let gaps = analysis.gaps.iter().map(|gap| {
        json!({
            "level": "note",
            "descriptor": {"id": gap.reason},
            "message": {"text": format!("{}: {}", gap.observation, gap.detail)},
        })
    });
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "dbopt",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": analysis.observed_at,
                "toolExecutionNotifications": gaps.collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    });
    format!("{report:#}\n")
}

fn rule(check: &checks::Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": {"text": check.title()},
        "help": {"text": check.page, "markdown": check.page},
    })
}

fn result(analysis: &Analysis, finding: &ReportedFinding) -> Value {
    let (schema, table) = relation(&finding.object);
    json!({
        "ruleId": finding.check,
        "level": level(finding.severity),
        "message": {"text": message(analysis, finding)},
        "locations": [{
            // Code scanning shows only what has a file: a path that names the relation stands in for one.
            "physicalLocation": {
                "artifactLocation": {"uri": format!("database/{}/{}", encoded(schema), encoded(table))},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": finding.object.to_string()}],
        }],
        "partialFingerprints": {"dbopt/v1": finding.id},
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "object": finding.object,
            "evidence": finding.evidence,
        },
    })
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

fn relation(object: &Object) -> (&str, &str) {
    match object {
        Object::Table { schema, table }
        | Object::MaterializedView { schema, table }
        | Object::Partition { schema, table, .. }
        | Object::Column { schema, table, .. }
        | Object::Key { schema, table, .. } => (schema, table),
    }
}

/// A part of a URI.
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
