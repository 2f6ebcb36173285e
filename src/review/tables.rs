//! New tables and columns: keys, types, order.

use std::collections::HashMap;

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::{BlockedTable, LocatedFinding};
use crate::checks::migrations;
use crate::checks::row::{Item, MAXALIGN, Reordered, Widths, bytes, reorder};
use crate::checks::staging::names_staging;
use crate::model::{Confidence, Severity, quote_identifier};

/// Bytes a value of variable length is taken to have: what matters is that it has some.
const TEXT_BYTES: f64 = 20.0;

/// A table as it is declared.
struct DeclaredTable<'t> {
    node: &'t ast::CreateTable,
    name: String,
    arguments: ast::TableArgList,
    columns: Vec<DeclaredColumn>,
}

/// A column as it is declared.
struct DeclaredColumn {
    at: usize,
    name: String,
    type_name: String,
    /// Whether it is the primary key, or unique and never NULL.
    is_key: bool,
    not_null: bool,
    compression: bool,
}

/// The tables that are given a primary key by `ALTER TABLE`.
pub(super) fn keyed_later(file: &ParsedFile) -> Vec<String> {
    let root = file.tree.syntax_node();
    let altered = root.descendants().filter_map(ast::AlterTable::cast);
    let keyed = altered.filter(|alter| {
        let adds_key = |node| ast::PrimaryKeyConstraint::can_cast(node);
        alter.syntax().descendants().any(|node| adds_key(node.kind()))
    });
    keyed
        .filter_map(|alter| Some(name(&alter.table_relation_name()?.syntax().text().to_string())))
        .collect()
}

/// Which tables of the files are written to the WAL.
pub(super) struct Persistences {
    made_logged: TableNames<()>,
    made_unlogged: TableNames<()>,
    /// Those that become logged later, or may have been.
    set_logged: TableNames<()>,
    set_unlogged: TableNames<()>,
}

impl Persistences {
    /// Whether the files make a table that is logged, and none makes it unlogged.
    pub(super) fn is_always_logged(&self, table: &str) -> bool {
        let has = |tables: &TableNames<()>| tables.same(table).next().is_some();
        has(&self.made_logged) && !has(&self.made_unlogged) && !has(&self.set_unlogged)
    }

    /// Whether the files make a table that is unlogged, and none makes it logged.
    pub(super) fn is_never_logged(&self, table: &str) -> bool {
        let has = |tables: &TableNames<()>| tables.same(table).next().is_some();
        has(&self.made_unlogged) && !has(&self.made_logged) && !has(&self.set_logged)
    }
}

/// Which tables the files make logged or unlogged, at once or later.
pub(super) fn persistences(files: &[ParsedFile]) -> Persistences {
    use ast::AlterTableAction as Of;
    let (mut made_logged, mut made_unlogged) = (Vec::new(), Vec::new());
    let (mut set_logged, mut set_unlogged) = (Vec::new(), Vec::new());
    for file in files {
        let root = file.tree.syntax_node();
        for table in root.descendants().filter_map(ast::CreateTable::cast) {
            let Some(own) = table.table_name() else { continue };
            let own = name(&own.syntax().text().to_string());
            // Of what may be there already, either may be.
            let is_optional = table.if_not_exists().is_some();
            if table.persistence().is_some() || is_optional {
                made_unlogged.push((own.clone(), ()));
            }
            if table.persistence().is_none() || is_optional {
                made_logged.push((own, ()));
            }
        }
        for table in root.descendants().filter_map(ast::AlterTable::cast) {
            let Some(own) = changed(table.syntax()) else { continue };
            let mut actions = table.actions();
            if actions.any(|action| matches!(action, Of::SetUnlogged(_))) {
                set_unlogged.push((own, ()));
            } else if table.actions().any(|action| matches!(action, Of::SetLogged(_))) {
                set_logged.push((own, ()));
            }
        }
    }
    Persistences {
        made_logged: TableNames::new(made_logged),
        made_unlogged: TableNames::new(made_unlogged),
        set_logged: TableNames::new(set_logged),
        set_unlogged: TableNames::new(set_unlogged),
    }
}

pub(super) fn judge(file: &ParsedFile, keyed: &TableNames<()>) -> Vec<LocatedFinding> {
    let root = file.tree.syntax_node();
    let mut found = Vec::new();
    for table in root.descendants().filter_map(ast::CreateTable::cast) {
        found.extend(judge_table(&table, keyed));
    }
    for added in root.descendants().filter_map(ast::AddColumn::cast) {
        let type_name = added.ty().map(|ty| type_of(&ty)).unwrap_or_default();
        if type_name == "json" {
            let column = added.column_name().map(|name| name.syntax().text().to_string());
            found.push(text_json(code(added.syntax()), &column.unwrap_or_default()));
        }
    }
    found
}

fn judge_table(table: &ast::CreateTable, keyed: &TableNames<()>) -> Vec<LocatedFinding> {
    let own = table.table_name().map(|own| name(&own.syntax().text().to_string()));
    let (Some(own), Some(arguments)) = (own, table.table_arg_list()) else { return Vec::new() };
    if table.partition_of().is_some()
        || matches!(table.persistence(), Some(ast::Persistence::Temp(_)))
    {
        return Vec::new();
    }
    let columns: Vec<DeclaredColumn> = arguments.args().filter_map(column).collect();
    let table = DeclaredTable { node: table, name: own, arguments, columns };
    let mut found = Vec::new();
    found.extend(keyless(&table, keyed));
    let text = table.columns.iter().filter(|column| column.type_name == "json");
    found.extend(text.map(|column| text_json(column.at, &column.name)));
    found.extend(padded(&table));
    found.extend(compressed_by_pglz(&table.columns));
    found
}

fn column(argument: ast::TableArg) -> Option<DeclaredColumn> {
    let ast::TableArg::Column(column) = argument else { return None };
    let constraints = column.clauses();
    let (mut is_key, mut not_null, mut unique, mut compression) = (false, false, false, false);
    for clause in constraints {
        use ast::ColumnConstraint as Of;
        match clause {
            ast::ColumnClause::ColumnConstraint(Of::PrimaryKeyConstraint(_)) => is_key = true,
            ast::ColumnClause::ColumnConstraint(Of::NotNullConstraint(_)) => not_null = true,
            ast::ColumnClause::ColumnConstraint(Of::UniqueConstraint(_)) => unique = true,
            ast::ColumnClause::CompressionMethod(_) => compression = true,
            _ => {}
        }
    }
    Some(DeclaredColumn {
        at: code(column.syntax()),
        name: name(&column.name()?.syntax().text().to_string()),
        type_name: column.ty().map(|ty| type_of(&ty)).unwrap_or_default(),
        is_key: is_key || unique && not_null,
        not_null,
        compression,
    })
}

fn keyless(table: &DeclaredTable<'_>, keyed: &TableNames<()>) -> Option<LocatedFinding> {
    let DeclaredTable { node, name: own, arguments, columns } = table;
    // What is copied by LIKE may be a key.
    let is_key = |argument: ast::TableArg| {
        matches!(
            argument,
            ast::TableArg::LikeClause(_)
                | ast::TableArg::TableConstraint(ast::TableConstraint::PrimaryKeyConstraint(_))
        )
    };
    let excused = names_staging(own)
        || node.inherits().is_some()
        || node.of_type().is_some()
        || matches!(node.persistence(), Some(ast::Persistence::Unlogged(_)));
    let has_key = columns.iter().any(|column| column.is_key)
        || arguments
            .args()
            .any(|argument| is_key(argument.clone()) || identifies(&argument, columns))
        || keyed.same(own).next().is_some();
    (!excused && !has_key && !columns.is_empty()).then(|| LocatedFinding {
        fix: None,
        at: code(node.syntax()),
        check: migrations::MISSING_PRIMARY_KEY,
        severity: Severity::Medium,
        blocked: BlockedTable::None,
        confidence: Confidence::High,
        message: format!("`{own}` is made without a primary key"),
    })
}

/// Whether it is a unique constraint over columns that are never NULL, which serves as a key.
fn identifies(argument: &ast::TableArg, columns: &[DeclaredColumn]) -> bool {
    let ast::TableArg::TableConstraint(ast::TableConstraint::UniqueConstraint(unique)) = argument
    else {
        return false;
    };
    let text = unique.syntax().text().to_string();
    let list = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let filled =
        |own: &str| columns.iter().any(|column| column.not_null && column.name == name(own));
    list.is_some_and(|(list, _)| list.split(',').all(filled))
}

fn text_json(at: usize, column: &str) -> LocatedFinding {
    LocatedFinding {
        fix: None,
        at,
        check: migrations::TEXT_JSON,
        severity: Severity::Medium,
        blocked: BlockedTable::None,
        confidence: Confidence::Medium,
        message: format!(
            "`{column}` is json, which keeps text and parses it for each reader: jsonb is parsed once"
        ),
    }
}

/// Where another order of columns saves at least 8 bytes in each row, taking all to be filled.
fn padded(table: &DeclaredTable<'_>) -> Option<LocatedFinding> {
    let DeclaredTable { node, name: own, columns, .. } = table;
    let items: Option<Vec<Item>> = columns.iter().map(|column| item(&column.type_name)).collect();
    let items = items?;
    let Reordered { order, now, best } = reorder(&items, 0);
    let saved = now - best;
    let share = saved / bytes(&items, 0, Widths::Spread);
    (saved + 1e-6 >= MAXALIGN && share > migrations::PADDING_SHARE_MAX.default).then(|| {
        let names = order.iter().map(|position| quote_identifier(&columns[*position].name));
        let names: Vec<_> = names.collect();
        LocatedFinding {
            fix: None,
            at: code(node.syntax()),
            check: migrations::PADDED_COLUMNS,
            severity: Severity::Low,
            blocked: BlockedTable::None,
            confidence: Confidence::Medium,
            message: format!(
                "`{own}` pads each row with {saved:.0} bytes that this order of columns saves: {}",
                names.join(", ")
            ),
        }
    })
}

/// New documents follow the server's default, which is pglz unless someone changed it.
fn compressed_by_pglz(columns: &[DeclaredColumn]) -> Option<LocatedFinding> {
    let unset = |column: &&DeclaredColumn| column.type_name == "jsonb" && !column.compression;
    let names: Vec<&str> =
        columns.iter().filter(unset).map(|column| column.name.as_str()).collect();
    let at = columns.iter().find(unset)?.at;
    Some(LocatedFinding {
        fix: None,
        at,
        check: migrations::PGLZ_ON_WIDE_VALUES,
        severity: Severity::Info,
        blocked: BlockedTable::None,
        confidence: Confidence::Low,
        message: format!(
            "`{}` names no compression: documents over 2 kB are compressed with the server's default, pglz unless it was \
             changed; COMPRESSION lz4 takes less CPU where the server has it",
            names.join("`, `")
        ),
    })
}

/// Length and alignment of the types a migration usually names; none of others.
fn item(type_name: &str) -> Option<Item> {
    Some(match type_name {
        "bool" | "boolean" => Item::fixed(1, 1),
        "int2" | "smallint" | "smallserial" => Item::fixed(2, 2),
        "int" | "int4" | "integer" | "serial" | "float4" | "real" | "date" => Item::fixed(4, 4),
        "int8"
        | "bigint"
        | "bigserial"
        | "float8"
        | "double precision"
        | "timestamp"
        | "timestamptz"
        | "timestamp without time zone"
        | "timestamp with time zone"
        | "money"
        | "time" => Item::fixed(8, 8),
        "uuid" => Item::fixed(16, 1),
        "interval" => Item::fixed(16, 8),
        "text" | "varchar" | "character varying" | "numeric" | "decimal" | "bytea" | "json"
        | "jsonb" => Item::variable(TEXT_BYTES),
        _ => return None,
    })
}

/// A type's name, in lower case, without its modifier and the schema of PostgreSQL's own; arrays keep their brackets.
pub(super) fn type_of(ty: &ast::Type) -> String {
    let text = ty.syntax().text().to_string().to_lowercase();
    let mut plain = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").trim_start_matches("pg_catalog.").to_owned()
}

/// Names of tables, to be found by any name that may be the same table's.
#[derive(Debug)]
pub(super) struct TableNames<T>(HashMap<String, Vec<(String, T)>>);

impl<T> TableNames<T> {
    pub(super) fn new(names: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut all: HashMap<String, Vec<(String, T)>> = HashMap::new();
        for (name, of) in names {
            all.entry(unqualified(&name).to_owned()).or_default().push((name, of));
        }
        Self(all)
    }

    /// What stands by the names that may be those of this table: a search path may stand for the schema of one.
    pub(super) fn same(&self, table: &str) -> impl Iterator<Item = &T> {
        let alike = self.0.get(unqualified(table)).into_iter().flatten();
        alike.filter(|(name, _)| are_same(name, table)).map(|(_, of)| of)
    }
}

pub(super) fn unqualified(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, own)| own)
}

/// Whether two names may be those of one table.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    let ends = |name: &str, of: &str| of.strip_suffix(name).is_some_and(|of| of.ends_with('.'));
    one == other || ends(one, other) || ends(other, one)
}

/// The table that a statement changes, or that others wait for meanwhile: of ATTACH PARTITION, the partition; of DROP INDEX, the
/// index.
pub(super) fn changed(statement: &SyntaxNode) -> Option<String> {
    let dropped = match ast::Stmt::cast(statement.clone()) {
        Some(ast::Stmt::DropTable(drop)) => {
            drop.table_name_refs().next().map(|table| table.syntax().clone())
        }
        Some(ast::Stmt::DropIndex(drop)) => {
            drop.syntax().descendants().find(|node| ast::IndexRef::can_cast(node.kind()))
        }
        _ => None,
    };
    if let Some(relation) = dropped {
        return Some(name(&relation.text().to_string()));
    }
    let attached = statement.descendants().find_map(ast::AttachPartition::cast);
    if let Some(partition) = attached.and_then(|attach| attach.table_name_ref()) {
        return Some(name(&partition.syntax().text().to_string()));
    }
    statement.descendants().find_map(|node| {
        let own = ast::TableRelationName::can_cast(node.kind())
            || ast::RelationName::can_cast(node.kind());
        own.then(|| name(&node.text().to_string()))
    })
}

/// A name as the server would fold it: each part unquoted, or in lower case.
pub(super) fn name(text: &str) -> String {
    let parts = text.split('.').map(|part| {
        let part = part.trim();
        match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => part.to_lowercase(),
        }
    });
    let name: Vec<String> = parts.collect();
    name.join(".").trim_start_matches("only ").to_owned()
}
