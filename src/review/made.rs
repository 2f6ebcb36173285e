//! The tables that a run makes: until it ends, no session waits for them.

use std::collections::{HashMap, HashSet};

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{FilePosition, ParsedFile};
use super::tables::{TableNames, are_same, name, unqualified};
use super::target::TargetTables;

/// Where the statement that makes each table begins.
pub(super) struct MadeTables {
    places: TableNames<FilePosition>,
    /// Whether the target is known: what it lacks, and an earlier file makes, is as new as the run.
    has_target: bool,
}

/// A table that a statement makes.
struct MadeTable {
    name: String,
    /// Whether one of the name may be there already.
    is_optional: bool,
}

/// The tables that are there while the files are followed.
struct PresentTables<'a> {
    target: &'a TargetTables,
    /// Tables that were made, and not dropped since, by their names without schema.
    made: HashMap<String, Vec<String>>,
    dropped: HashSet<String>,
}

impl PresentTables<'_> {
    fn has(&self, table: &str) -> bool {
        let mut alike = self.made.get(unqualified(table)).into_iter().flatten();
        self.target.has(table) && !self.dropped.contains(table)
            || alike.any(|own| are_same(own, table))
    }

    fn add(&mut self, table: &str) {
        self.made.entry(unqualified(table).to_owned()).or_default().push(table.to_owned());
    }

    fn remove(&mut self, table: &str) {
        if let Some(alike) = self.made.get_mut(unqualified(table)) {
            alike.retain(|own| !are_same(own, table));
        }
        self.dropped.insert(table.to_owned());
    }
}

impl MadeTables {
    /// The tables that the files make, in their order.
    pub(super) fn of(files: &[ParsedFile], target: &TargetTables) -> Self {
        let mut places = Vec::new();
        let mut present = PresentTables { target, made: HashMap::new(), dropped: HashSet::new() };
        for (index, file) in files.iter().enumerate() {
            for (at, statement) in file.statements() {
                for table in dropped(statement) {
                    present.remove(&table);
                }
                let Some(MadeTable { name, is_optional }) = made(statement) else { continue };
                if !(is_optional && present.has(&name)) {
                    present.add(&name);
                    places.push((name, FilePosition { file: index, byte: *at }));
                }
            }
        }
        Self { places: TableNames::new(places), has_target: target.is_known() }
    }

    /// Whether a table is made before a statement: no session waits for it. What an earlier file makes may have been filled
    /// since, unless the target shows that the file was not run yet.
    pub(super) fn makes_before(&self, table: &str, at: FilePosition, is_in_target: bool) -> bool {
        self.places.same(table).any(|made| {
            made.file == at.file && made.byte < at.byte
                || self.has_target && !is_in_target && made.file < at.file
        })
    }
}

/// The table, or materialized view, that a statement makes.
fn made(statement: &SyntaxNode) -> Option<MadeTable> {
    let text = |node: &SyntaxNode| name(&node.text().to_string());
    let (name, is_optional) = match ast::Stmt::cast(statement.clone())? {
        ast::Stmt::CreateTable(table) => {
            (text(table.table_name()?.syntax()), table.if_not_exists().is_some())
        }
        ast::Stmt::CreateTableAs(table) => {
            (text(table.table_name()?.syntax()), table.if_not_exists().is_some())
        }
        ast::Stmt::CreateMaterializedView(view) => {
            (text(view.view()?.syntax()), view.if_not_exists().is_some())
        }
        _ => return None,
    };
    Some(MadeTable { name, is_optional })
}

/// The tables that a statement drops.
fn dropped(statement: &SyntaxNode) -> Vec<String> {
    let Some(ast::Stmt::DropTable(drop)) = ast::Stmt::cast(statement.clone()) else {
        return Vec::new();
    };
    drop.table_name_refs().map(|table| name(&table.syntax().text().to_string())).collect()
}
