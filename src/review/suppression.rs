//! Comments that suppress findings: `-- dbopt-ignore CHECK[, CHECK…]`, on the line itself or the one before, or
//! `-- dbopt-ignore-file CHECK…` for all of a file.

use std::collections::BTreeSet;

use super::LocatedFinding;
use super::file::ParsedFile;

const LINE: &str = "dbopt-ignore ";
const FILE: &str = "dbopt-ignore-file ";

/// What is suppressed where.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    /// Checks with the line they are suppressed on; none for everywhere.
    checks: BTreeSet<(Option<u32>, String)>,
}

impl Suppressions {
    pub(super) fn of(text: &str) -> Self {
        let mut all = Self::default();
        let lines: Vec<&str> = text.lines().collect();
        let next_code = next_code(&lines);
        for (position, line) in lines.iter().enumerate() {
            let Some((code, comment)) = line.split_once("--") else { continue };
            let comment = format!("{} ", comment.trim());
            let (named, at) = if let Some(named) = comment.strip_prefix(FILE) {
                (named, None)
            } else if let Some(named) = comment.strip_prefix(LINE) {
                let own = !code.trim().is_empty();
                let line = if own { position } else { next_code[position] };
                (named, Some(u32::try_from(line + 1).unwrap_or(u32::MAX)))
            } else {
                continue;
            };
            // What follows the list is the reason.
            let list = named.split(" - ").next().unwrap_or_default();
            let checks = list.split(',').map(str::trim).filter(|check| !check.is_empty());
            all.checks.extend(checks.map(|check| (at, check.to_owned())));
        }
        all
    }

    /// Whether the finding is suppressed: by its own line, or the first of its statement.
    pub(super) fn cover(&self, file: &ParsedFile, found: &LocatedFinding) -> bool {
        let (own, _) = file.place(found.at);
        let (first, _) =
            file.place(file.statement_at(found.at).map_or(found.at, |(begin, _)| *begin));
        let on = |line| self.checks.contains(&(line, found.check.to_owned()));
        !self.checks.is_empty() && (on(None) || on(Some(own)) || on(Some(first)))
    }
}

/// For each line, the next one on which there is something to run; itself where there is none.
fn next_code(lines: &[&str]) -> Vec<usize> {
    let is_code = |line: &str| !line.trim().is_empty() && !line.trim().starts_with("--");
    let mut next = None;
    let mut all: Vec<usize> = (0..lines.len()).collect();
    for (position, line) in lines.iter().enumerate().rev() {
        if is_code(line) {
            next = Some(position);
        }
        all[position] = next.unwrap_or(position);
    }
    all
}
