//! Statements that drop columns and tables which they do not name: those of a type, of a schema, of an owner.

use std::collections::HashSet;

use squawk_syntax::SyntaxNode;

use super::file::{ParsedFile, code};
use super::tables::name;
use super::tokens::{first_word, qualified, tokens};
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity};

const CHECK: &str = "migration/drop-cascade";

/// What tables depend on with their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum DroppedKind {
    /// Columns are of it: a type, a domain, a collation.
    OfColumns(&'static str),
    Schema,
    Extension,
}

/// What a statement makes or drops.
struct NamedObjects {
    kind: DroppedKind,
    names: Vec<String>,
    is_optional: bool,
    cascades: bool,
}

pub(super) fn judge(file: &ParsedFile) -> Vec<LocatedFinding> {
    let (mut made, mut found) = (HashSet::new(), Vec::new());
    for (_, statement) in file.statements() {
        let verb = first_word(statement);
        if verb != "create" && verb != "drop" {
            continue;
        }
        let words = tokens(statement);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["drop", "owned", "by", owner, ..] = words.as_slice() {
            found.push(owned(statement, owner));
            continue;
        }
        let Some(named) = named(&words[1..]) else { continue };
        if verb == "create" {
            made.extend(named.names.into_iter().map(|own| (named.kind, own)));
        } else if named.cascades {
            // What the file makes itself is of no table that was there before.
            let is_old = |own: &&String| !made.contains(&(named.kind, (*own).clone()));
            if let Some(old) = named.names.iter().find(is_old) {
                found.push(cascading(statement, &named, old));
            }
        }
    }
    found
}

/// `type if exists a, b cascade`, and what stands there of a definition.
fn named(words: &[&str]) -> Option<NamedObjects> {
    let (kind, rest) = match words {
        ["type", rest @ ..] => (DroppedKind::OfColumns("type"), rest),
        ["domain", rest @ ..] => (DroppedKind::OfColumns("domain"), rest),
        ["collation", rest @ ..] => (DroppedKind::OfColumns("collation"), rest),
        ["schema", rest @ ..] => (DroppedKind::Schema, rest),
        ["extension", rest @ ..] => (DroppedKind::Extension, rest),
        _ => return None,
    };
    let (is_optional, mut rest) = match rest {
        ["if", "exists", rest @ ..] | ["if", "not", "exists", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut names = Vec::new();
    while let Some((own, behind)) = qualified(rest) {
        names.push(own);
        rest = behind;
        let [",", behind @ ..] = rest else { break };
        rest = behind;
    }
    Some(NamedObjects { kind, names, is_optional, cascades: rest.first() == Some(&"cascade") })
}

fn cascading(statement: &SyntaxNode, named: &NamedObjects, own: &str) -> LocatedFinding {
    let (what, lost) = match named.kind {
        DroppedKind::OfColumns(what) => {
            (what, format!("every column of the {what} `{own}`, in all tables, with its values"))
        }
        DroppedKind::Schema => {
            ("schema", format!("every table of the schema `{own}` with its rows"))
        }
        DroppedKind::Extension => (
            "extension",
            format!(
                "the tables of the extension `{own}`, and every column of its types, with their values"
            ),
        ),
    };
    let condition =
        if named.is_optional { format!("where that {what} exists, ") } else { String::new() };
    let message = format!(
        "{condition}CASCADE drops {lost}, and names none of them: change or drop these by name, and then drop the {what} without \
         CASCADE, which fails while anything depends on it"
    );
    // Whether anything depends on it is not known here, but for a schema, which is rarely empty.
    let (severity, confidence) = match (named.kind, named.is_optional) {
        (DroppedKind::Schema, false) => (Severity::High, Confidence::High),
        (_, false) => (Severity::High, Confidence::Medium),
        (DroppedKind::Schema, true) => (Severity::Medium, Confidence::Medium),
        (_, true) => (Severity::Medium, Confidence::Low),
    };
    found(statement, severity, confidence, message)
}

fn owned(statement: &SyntaxNode, owner: &str) -> LocatedFinding {
    let message = format!(
        "DROP OWNED drops every table that `{}` owns in this database, with its rows: drop them by name, or give them to \
         another owner with REASSIGN OWNED before",
        name(owner)
    );
    found(statement, Severity::High, Confidence::High, message)
}

fn found(
    statement: &SyntaxNode,
    severity: Severity,
    confidence: Confidence,
    message: String,
) -> LocatedFinding {
    LocatedFinding {
        fix: None,
        at: code(statement),
        check: CHECK,
        severity,
        blocked: BlockedTable::None,
        confidence,
        message,
    }
}
