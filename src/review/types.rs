//! The types that columns have before a migration changes them, and whether the change rewrites the table.
//!
//! What the target says is where a run begins; what its files declare and change comes on top, in their order.

use std::collections::BTreeMap;

use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::tables::name;
use super::target::TargetTables;

/// Types of columns by the statements that change them: file, and the byte where SET TYPE stands.
pub(super) type Before = BTreeMap<(usize, usize), Type>;

/// A type with its modifiers: `varchar(100)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) name: String,
    modifiers: Vec<i64>,
}

/// What a change of type does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeChange {
    /// Only the catalog changes.
    Catalog,
    /// Every row is written.
    Rewrite,
    /// It depends on what is not known here.
    Unknown,
}

impl Type {
    /// As SQL writes it, with or without modifiers; aliases by PostgreSQL's own name.
    pub(super) fn parse(text: &str) -> Self {
        let lower = text.to_lowercase();
        let (mut plain, mut inner, mut depth) = (String::new(), String::new(), 0_u32);
        for c in lower.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                c if depth == 0 => plain.push(c),
                c => inner.push(c),
            }
        }
        let words: Vec<&str> = plain.split_whitespace().collect();
        let joined = words.join(" ");
        let modifiers = inner.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        let own = joined.trim_start_matches("pg_catalog.");
        let name = match own {
            "character varying" => "varchar",
            "character" | "bpchar" => "char",
            "decimal" => "numeric",
            "bit varying" => "varbit",
            "int" | "int4" | "serial" | "serial4" => "integer",
            "int8" | "bigserial" | "serial8" => "bigint",
            "int2" | "smallserial" | "serial2" => "smallint",
            "timestamp without time zone" => "timestamp",
            "timestamp with time zone" => "timestamptz",
            "time without time zone" => "time",
            "time with time zone" => "timetz",
            "bool" => "boolean",
            "float8" | "float" => "double precision",
            "float4" => "real",
            other => other,
        };
        Self { name: name.to_owned(), modifiers }
    }

    /// What changing it to another type does, by the rules of PostgreSQL 14 to 19.
    pub(super) fn changed_to(&self, new: &Self) -> TypeChange {
        let (old_name, new_name) = (self.name.as_str(), new.name.as_str());
        match (old_name, new_name) {
            _ if self == new => TypeChange::Catalog,
            ("varchar" | "text", "text" | "varchar") => {
                widened(self.modifiers.first(), new.modifiers.first())
            }
            ("varbit", "varbit") => widened(self.modifiers.first(), new.modifiers.first()),
            ("numeric", "numeric") => self.widened_numeric(new),
            ("timestamp", "timestamp")
            | ("timestamptz", "timestamptz")
            | ("time", "time")
            | ("timetz", "timetz")
            | ("interval", "interval") => {
                let precision = |of: &Self| of.modifiers.first().copied().unwrap_or(6);
                if precision(new) >= precision(self) {
                    TypeChange::Catalog
                } else {
                    TypeChange::Rewrite
                }
            }
            ("cidr", "inet") | ("citext", "text" | "varchar") | ("text", "citext") => {
                widened(None, new.modifiers.first())
            }
            // The server leaves rows as they are where the session's time zone is UTC.
            ("timestamp", "timestamptz") | ("timestamptz", "timestamp") => TypeChange::Unknown,
            _ if is_built_in(old_name) && is_built_in(new_name) => TypeChange::Rewrite,
            _ => TypeChange::Unknown,
        }
    }

    fn widened_numeric(&self, new: &Self) -> TypeChange {
        let scale = |of: &Self| of.modifiers.get(1).copied().unwrap_or(0);
        match (self.modifiers.first(), new.modifiers.first()) {
            (_, None) => TypeChange::Catalog,
            (Some(old), Some(wide)) if wide >= old && scale(self) == scale(new) => {
                TypeChange::Catalog
            }
            _ => TypeChange::Rewrite,
        }
    }
}

/// Whether a limit becomes longer, or goes.
fn widened(old: Option<&i64>, new: Option<&i64>) -> TypeChange {
    match (old, new) {
        (_, None) => TypeChange::Catalog,
        (Some(old), Some(new)) if new >= old => TypeChange::Catalog,
        _ => TypeChange::Rewrite,
    }
}

/// Types between which the server has functions to convert, which write each row.
fn is_built_in(name: &str) -> bool {
    [
        "integer",
        "bigint",
        "smallint",
        "numeric",
        "real",
        "double precision",
        "boolean",
        "text",
        "varchar",
        "char",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "timetz",
        "interval",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "inet",
        "cidr",
        "xml",
        "bit",
        "varbit",
        "money",
    ]
    .contains(&name)
}

/// The types that columns have where statements change them.
pub(super) fn before(files: &[ParsedFile], sizes: &TargetTables) -> Before {
    let mut known = BTreeMap::<(String, String), Type>::new();
    let mut before = Before::new();
    for (index, file) in files.iter().enumerate() {
        for statement in file.tree.syntax_node().children().filter_map(ast::Stmt::cast) {
            match statement {
                ast::Stmt::CreateTable(table) => declare(&table, &mut known),
                ast::Stmt::AlterTable(table) => {
                    let Some(relation) = table.table_relation_name() else { continue };
                    let table_name = unqualified(&name(&relation.syntax().text().to_string()));
                    for action in table.actions() {
                        alter(&action, (&table_name, index), sizes, (&mut known, &mut before));
                    }
                }
                _ => {}
            }
        }
    }
    before
}

fn declare(table: &ast::CreateTable, known: &mut BTreeMap<(String, String), Type>) {
    let (Some(own), Some(arguments)) = (table.table_name(), table.table_arg_list()) else { return };
    let own = unqualified(&name(&own.syntax().text().to_string()));
    for argument in arguments.args() {
        if let ast::TableArg::Column(column) = argument
            && let (Some(called), Some(ty)) = (column.name(), column.ty())
        {
            let column = name(&called.syntax().text().to_string());
            known.insert((own.clone(), column), Type::parse(&ty.syntax().text().to_string()));
        }
    }
}

fn alter(
    action: &ast::AlterTableAction,
    (table, file): (&str, usize),
    sizes: &TargetTables,
    (known, before): (&mut BTreeMap<(String, String), Type>, &mut Before),
) {
    match action {
        ast::AlterTableAction::AddColumn(added) => {
            if let (Some(called), Some(ty)) = (added.column_name(), added.ty()) {
                let column = name(&called.syntax().text().to_string());
                let ty = Type::parse(&ty.syntax().text().to_string());
                known.insert((table.to_owned(), column), ty);
            }
        }
        ast::AlterTableAction::AlterColumn(altered) => {
            let Some(ast::AlterColumnOption::SetType(set)) = altered.option() else { return };
            let (Some(called), Some(ty)) = (altered.column_name_ref(), set.ty()) else { return };
            let of = (table.to_owned(), name(&called.syntax().text().to_string()));
            let old =
                known.get(&of).cloned().or_else(|| sizes.type_of(&of.0, &of.1).map(Type::parse));
            before.extend(old.map(|old| ((file, code(set.syntax())), old)));
            known.insert(of, Type::parse(&ty.syntax().text().to_string()));
        }
        _ => {}
    }
}

fn unqualified(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(_, own)| own).to_owned()
}
