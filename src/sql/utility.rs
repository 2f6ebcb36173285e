//! From a parsed statement to what is known of it.

use pg_query::protobuf::{CopyStmt, IndexStmt, Node};
use pg_query::{FingerprintOptions, NodeEnum};

use super::catalog::Catalog;
use super::parse::Parsed;
use super::reader::StatementReader;
use super::redact;
use super::scope::FromScope;
use super::session;
use super::shape;
use super::tree;
use super::understood::{Clause, Understood, UseKind};

/// What a statement means.
pub(super) fn understand(statement: &Parsed, catalog: &Catalog) -> Understood {
    let mut reader = StatementReader::new(catalog);
    reader.statement(&statement.tree);
    let kind = kind(&statement.tree);
    Understood {
        kind,
        fingerprint: fingerprint(&statement.text),
        redacted: redact::redacted(&statement.text, kind == UseKind::Utility),
        tables: reader.tables.into_iter().collect(),
        uses: reader.uses.into_iter().collect(),
        unresolved: reader.unresolved,
        shape: shape::shape(&statement.tree, catalog),
        session: session::kept(&statement.tree, &statement.text).into_iter().collect(),
    }
}

/// The same for statements that differ in constants only; empty where the text cannot be read.
pub fn fingerprint(statement: &str) -> String {
    // Relations count by schema and full name: neither by their alias, nor without the digits of the name.
    let relations = FingerprintOptions::RANGEVAR_PG17_COMPAT | FingerprintOptions::FULL_RELNAME;
    let fingerprint = pg_query::fingerprint(statement, 0, relations);
    fingerprint.map(|fingerprint| fingerprint.hex).unwrap_or_default()
}

fn kind(statement: &Node) -> UseKind {
    match tree::inner(statement) {
        Some(NodeEnum::SelectStmt(_)) => UseKind::Select,
        Some(NodeEnum::InsertStmt(_)) => UseKind::Insert,
        Some(NodeEnum::UpdateStmt(_)) => UseKind::Update,
        Some(NodeEnum::DeleteStmt(_)) => UseKind::Delete,
        Some(NodeEnum::MergeStmt(_)) => UseKind::Merge,
        _ => UseKind::Utility,
    }
}

impl StatementReader<'_> {
    /// Read a statement that someone sent.
    fn statement(&mut self, statement: &Node) {
        match tree::inner(statement) {
            Some(NodeEnum::SelectStmt(_)) => self.consume(statement, Clause::Select),
            Some(NodeEnum::IndexStmt(index)) => self.index(index),
            Some(NodeEnum::CreateStatsStmt(statistics)) => {
                self.scopes.push(FromScope::default());
                self.add_items(&statistics.relations);
                self.index_elements(&statistics.exprs);
                self.close_scope();
            }
            Some(NodeEnum::CopyStmt(copy)) => self.copy(copy),
            Some(NodeEnum::ExplainStmt(explain)) => self.inner_statement(explain.query.as_deref()),
            Some(NodeEnum::PrepareStmt(prepare)) => self.inner_statement(prepare.query.as_deref()),
            Some(NodeEnum::DeclareCursorStmt(cursor)) => {
                self.inner_statement(cursor.query.as_deref());
            }
            Some(NodeEnum::ViewStmt(view)) => self.inner_statement(view.query.as_deref()),
            Some(NodeEnum::CreateTableAsStmt(table)) => {
                self.inner_statement(table.query.as_deref());
            }
            _ => self.consume(statement, Clause::Returning),
        }
    }

    /// A statement within one that explains, prepares or stores it. None nests deeper than that.
    fn inner_statement(&mut self, statement: Option<&Node>) {
        if let Some(statement) = statement {
            self.statement(statement);
        }
    }

    fn index(&mut self, index: &IndexStmt) {
        self.scopes.push(FromScope::default());
        if let Some(relation) = &index.relation {
            let source = self.named_relation(relation);
            self.add(source);
        }
        self.index_elements(&index.index_params);
        self.index_elements(&index.index_including_params);
        self.read_all(index.where_clause.as_deref(), Clause::Index);
        self.close_scope();
    }

    /// What an index or a statistic is on: columns and expressions.
    pub(super) fn index_elements(&mut self, elements: &[Node]) {
        for element in elements {
            let (name, expression) = match tree::inner(element) {
                Some(NodeEnum::IndexElem(element)) => (&element.name, &element.expr),
                Some(NodeEnum::StatsElem(element)) => (&element.name, &element.expr),
                _ => continue,
            };
            self.read_all(expression.as_deref(), Clause::Index);
            if !name.is_empty() {
                let value = self.named(&[name]);
                self.take(&value, Clause::Index, None);
            }
        }
    }

    fn copy(&mut self, copy: &CopyStmt) {
        if let Some(query) = copy.query.as_deref() {
            return self.statement(query);
        }
        let Some(relation) = copy.relation.as_ref().filter(|_| !copy.is_from) else { return };
        let source = self.named_relation(relation);
        let listed = tree::names(&copy.attlist);
        for column in &source.columns.list {
            if listed.is_empty() || listed.contains(&column.name) {
                self.take(&column.value, Clause::Other, None);
            }
        }
    }
}
