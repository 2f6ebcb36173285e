//! Texts hold to the rules of how they read: recorded answers, the document of the API, the command line's help, and literals and
//! comments of the source. Each run of a page is held to them, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use database_optimizer::analysis::REVIEW_RULES;
use database_optimizer::model::Analysis;
use serde_json::Value;

use super::architecture::files;
use crate::support::words::{faults, faults_of, private_word};

#[test]
fn recorded_analyses_read_well() {
    let mut read = 0;
    for file in fs::read_dir("openapi/examples").unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let Ok(analysis) = serde_json::from_str::<Analysis>(&text) else { continue };
        assert_eq!(faults_of(&analysis), Vec::<String>::new(), "{}", path.display());
        read += 1;
    }
    assert!(read >= 8, "{read}");
}

#[test]
fn what_reads_badly_is_found() {
    for (text, fault) in [
        ("nobody reads it", "`nobody`"),
        ("it takes 0.1234 ms", "digits"),
        ("12345 rows", "digits"),
        ("it ends.", "full stop"),
        ("two  blanks", "blanks"),
        ("DB-OPT-03 asks for it", "DB-OPT-0"),
    ] {
        let found = faults(text, 80);
        assert!(found.iter().any(|found| found.contains(fault)), "{text}: {found:?}");
    }
    assert!(!faults("a text that is long", 10).is_empty());
    assert!(faults("`nobody` holds 12,345,678 rows", 80).is_empty());
    assert!(faults("SQLSTATE 57014: pg_terminate_backend(31012), set 17920MB", 80).is_empty());
}

/// Every description, summary and title below a value, with its place.
fn descriptions(value: &Value, place: &str, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("example" | "examples", _) => {}
                    ("description" | "summary" | "title", Value::String(text)) => {
                        all.push((format!("{place}/{name}"), text.clone()));
                    }
                    _ => descriptions(value, &format!("{place}/{name}"), all),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, place, all)),
        _ => {}
    }
}

#[test]
fn the_document_of_the_api_uses_no_private_words() {
    let document = serde_json::from_str(database_optimizer::http::document()).unwrap();
    let mut all = Vec::new();
    descriptions(&document, "", &mut all);
    assert!(all.len() > 500, "{}", all.len());
    let bad: Vec<_> = all.iter().filter(|(_, text)| private_word(text).is_some()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Literals that are no prose, by file: names of columns.
const NAMES: [(&str, &str); 1] = [("store/contracts.rs", "told")];

#[test]
fn literals_of_the_source_use_no_private_words() {
    let mut bad = Vec::new();
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let own = text.split("#[cfg(test)]").next().unwrap();
        for literal in literals(own) {
            // Names in backticks are not ours.
            let prose = literal.split('`').step_by(2).collect::<String>();
            let Some(word) = private_word(&prose) else { continue };
            let is_prose = literal.contains(' ') && !literal.contains(&format!("{{{word}"));
            let is_name = NAMES.iter().any(|(of, name)| file.ends_with(of) && *name == word);
            if is_prose && !is_name {
                bad.push(format!("{}: {literal}", file.display()));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn comments_use_no_private_words() {
    let (mut bad, mut read) = (Vec::new(), 0);
    let code = ["src", "tests", "benches", "fuzz"].map(|folder| (folder, "rs", "//"));
    for (folder, extension, mark) in code.into_iter().chain([("src", "sql", "--")]) {
        for file in files(Path::new(folder), extension) {
            let text = fs::read_to_string(&file).unwrap();
            for comment in comments(&text, mark) {
                read += 1;
                // Names in backticks are not ours.
                let prose = comment.split('`').step_by(2).collect::<String>();
                if let Some(word) = private_word(&prose) {
                    bad.push(format!("{}: `{word}`: {comment}", file.display()));
                }
            }
        }
    }
    assert!(read > 10_000, "{read}");
    assert!(bad.is_empty(), "{bad:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["tests.rs", "testing.rs"].contains(&name)
        {
            all.push(path);
        }
    }
    all
}

/// The string literals of a source, without its comments.
fn literals(source: &str) -> Vec<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "").replace("\\\"", "\u{1}");
    code.split('"').skip(1).step_by(2).map(|literal| literal.replace('\u{1}', "\"")).collect()
}

/// The lines of a source that are comments and nothing else.
fn comments<'s>(source: &'s str, mark: &str) -> impl Iterator<Item = &'s str> {
    source.lines().map(str::trim_start).filter(move |line| line.starts_with(mark))
}

#[test]
fn every_rule_that_reviews_report_is_explained_and_no_other() {
    let sources = sources(Path::new("src/review"));
    let all: String = sources.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let literals = literals(all.as_str());
    let named: BTreeSet<&str> =
        literals.iter().map(String::as_str).filter(|id| id.starts_with("migration/")).collect();
    let known: BTreeSet<&str> = REVIEW_RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(named, known);
    // Each stands in the list of rules, and where it is reported.
    for id in known {
        assert!(literals.iter().filter(|literal| *literal == id).count() > 1, "{id}");
    }
}
