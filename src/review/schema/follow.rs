//! Following the statements of all files in their order.

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::MigratedSchema;
use crate::model::observation::ExistingTable;
use crate::review::LocatedFinding;
use crate::review::file::{FilePosition, ParsedFile, code};
use crate::sql::definitions;

/// What follows from the order of the statements.
pub(in crate::review) struct SchemaFindings {
    /// What is found in each file.
    found: Vec<Vec<LocatedFinding>>,
    /// Statements that change a partitioned table while it has no partition.
    rootless: BTreeSet<FilePosition>,
    /// Statements that change a partitioned table, or an index of one, with the table.
    partitioned: BTreeMap<FilePosition, String>,
    /// The tables of the indexes that statements drop or change, each with the index.
    of_indexes: BTreeMap<FilePosition, Vec<(String, String)>>,
}

impl SchemaFindings {
    /// What is found in a file.
    pub(in crate::review) fn of_file(&self, file: usize) -> Vec<LocatedFinding> {
        self.found.get(file).cloned().unwrap_or_default()
    }

    /// Whether the statement there changes a partitioned table that has no partition: there is nothing to read.
    pub(in crate::review) fn reads_nothing(&self, at: FilePosition) -> bool {
        self.rootless.contains(&at)
    }

    /// The partitioned table that the statement there changes.
    pub(in crate::review) fn partitioned(&self, at: FilePosition) -> Option<&str> {
        self.partitioned.get(&at).map(String::as_str)
    }

    /// The table of an index that the statement there drops or changes.
    pub(in crate::review) fn table_of(&self, at: FilePosition, index: &str) -> Option<&str> {
        let named = self.of_indexes.get(&at)?.iter().find(|(own, _)| own == index);
        named.map(|(_, table)| table.as_str())
    }
}

/// Follow the statements of all files from the tables that exist before them, as far as there is time.
pub(in crate::review) fn follow(
    files: &[ParsedFile],
    existing: &[ExistingTable],
    goes_on: &dyn Fn() -> bool,
) -> SchemaFindings {
    let mut schema = MigratedSchema::of_existing(existing, goes_on);
    let mut followed = SchemaFindings {
        found: Vec::new(),
        rootless: BTreeSet::new(),
        partitioned: BTreeMap::new(),
        of_indexes: BTreeMap::new(),
    };
    for (number, file) in files.iter().enumerate() {
        let mut found = Vec::new();
        for (at, statement) in file.statements() {
            if !defines(statement) || file.is_broken(*at) {
                continue;
            }
            if !goes_on() {
                return followed;
            }
            let position = FilePosition { file: number, byte: *at };
            let text = statement.text().to_string();
            for definition in definitions(&text).unwrap_or_default() {
                if schema.is_without_rows(&definition) {
                    followed.rootless.insert(position);
                }
                if let Some(root) = schema.partitioned_table(&definition) {
                    followed.partitioned.insert(position, root);
                }
                let of_indexes = schema.tables_of_indexes(&definition);
                if !of_indexes.is_empty() {
                    followed.of_indexes.entry(position).or_default().extend(of_indexes);
                }
                found.extend(schema.judge(&definition, statement));
                schema.apply(definition, text.len());
            }
        }
        followed.found.push(found);
    }
    followed
}

/// Whether a statement may make or change a table or an index.
fn defines(statement: &SyntaxNode) -> bool {
    use ast::Stmt as Of;
    matches!(
        ast::Stmt::cast(statement.clone()),
        Some(
            Of::CreateTable(_)
                | Of::AlterTable(_)
                | Of::CreateIndex(_)
                | Of::DropTable(_)
                | Of::DropIndex(_)
                | Of::AlterIndex(_)
        )
    )
}

/// The byte where each action of an ALTER TABLE begins.
pub(super) fn action_places(statement: &SyntaxNode) -> Vec<usize> {
    match ast::Stmt::cast(statement.clone()) {
        Some(ast::Stmt::AlterTable(table)) => {
            table.actions().map(|action| code(action.syntax())).collect()
        }
        _ => Vec::new(),
    }
}
