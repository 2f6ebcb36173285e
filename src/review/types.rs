//! The types that columns have before a migration changes them, and whether the change rewrites the table.
//!
//! What the target says is where a run begins; what its files declare and change comes on top, in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use squawk_syntax::ast::{self, AstNode};

use super::added::defined_name;
use super::file::{FilePosition, ParsedFile, code};
use super::session::SessionZone;
use super::tables::name;
use super::target::TargetTables;
use super::tokens::has_tokens;

/// What holds before each statement that changes a type: by where SET TYPE stands.
pub(super) type Before = BTreeMap<FilePosition, BeforeChange>;

/// What holds before a type is changed.
pub(super) struct BeforeChange {
    /// The type that the column has, where that is known.
    pub(super) old: Option<Type>,
    /// Whether the file has set the session's time zone to UTC.
    pub(super) is_utc: bool,
}

/// A type with its modifiers: `varchar(100)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) name: String,
    modifiers: Vec<i64>,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.modifiers.is_empty() {
            return Ok(());
        }
        let modifiers: Vec<String> = self.modifiers.iter().map(i64::to_string).collect();
        write!(f, "({})", modifiers.join(","))
    }
}

/// What a change of type does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeChange {
    /// Only the catalog changes.
    Catalog,
    /// Every row is written.
    Rewrite,
    /// Every row is written, unless the session's time zone is UTC.
    Zone,
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
    pub(super) fn changed_to(&self, new: &Self, made: &MadeTypes) -> TypeChange {
        // The values of a domain are those of its type.
        made.domains.get(&plain_name(&self.name)).unwrap_or(self).stored_as(new, made)
    }

    /// The same for a type that is no domain.
    fn stored_as(&self, new: &Self, made: &MadeTypes) -> TypeChange {
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
                if new.precision() >= self.precision() {
                    TypeChange::Catalog
                } else {
                    TypeChange::Rewrite
                }
            }
            ("cidr", "inet")
            | ("citext" | "xml", "text" | "varchar")
            | ("text", "citext")
            | ("bit", "varbit") => widened(None, new.modifiers.first()),
            _ if is_oid(old_name) && is_oid(new_name) => TypeChange::Catalog,
            ("timestamp", "timestamptz") | ("timestamptz", "timestamp")
                if self.precision() <= new.precision() =>
            {
                TypeChange::Zone
            }
            _ if self.is_converted(made) && new.is_converted(made) => TypeChange::Rewrite,
            _ => TypeChange::Unknown,
        }
    }

    /// Digits of the fraction of a second.
    fn precision(&self) -> i64 {
        self.modifiers.first().copied().unwrap_or(6)
    }

    /// Whether it is a date with a time.
    pub(super) fn is_timestamp(&self) -> bool {
        matches!(self.name.as_str(), "timestamp" | "timestamptz")
    }

    /// Whether the server converts its values where it becomes another type: one of its own, or an enumerated one.
    fn is_converted(&self, made: &MadeTypes) -> bool {
        is_built_in(&self.name) || made.enums.contains(&plain_name(&self.name))
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

/// Whether values are numbers of objects, which the server takes for one another as they are.
fn is_oid(name: &str) -> bool {
    ["oid", "integer", "regclass", "regproc", "regtype", "regrole", "regnamespace"].contains(&name)
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

/// The types that the files make, by their names without schema and quotes.
#[derive(Default)]
pub(super) struct MadeTypes {
    /// Enumerated ones.
    enums: BTreeSet<String>,
    /// Domains, each with the type that its values are stored as, which is no domain made before it.
    domains: BTreeMap<String, Type>,
}

/// The types that the files make.
pub(super) fn made(files: &[ParsedFile]) -> MadeTypes {
    let mut made = MadeTypes::default();
    for (_, statement) in files.iter().flat_map(ParsedFile::statements) {
        match ast::Stmt::cast(statement.clone()) {
            Some(ast::Stmt::CreateType(_)) => {
                let own = defined_name(statement);
                let own = own.filter(|_| has_tokens(statement, &["as", "enum"]));
                made.enums.extend(own.map(|own| plain_name(&own)));
            }
            Some(ast::Stmt::CreateDomain(domain)) => {
                let of = domain.ty().map(|of| Type::parse(&of.syntax().text().to_string()));
                let (Some(own), Some(of)) = (defined_name(statement), of) else { continue };
                let of = made.domains.get(&plain_name(&of.name)).cloned().unwrap_or(of);
                made.domains.insert(plain_name(&own), of);
            }
            _ => (),
        }
    }
    made
}

/// A type's name without schema and quotes, in lower case, as types are kept here.
fn plain_name(text: &str) -> String {
    unqualified(text).trim_matches('"').to_lowercase()
}

/// The types that columns have where statements change them.
pub(super) fn before(files: &[ParsedFile], sizes: &TargetTables) -> Before {
    let mut types = ColumnTypes { target: sizes, known: BTreeMap::new() };
    let mut before = Before::new();
    for (index, file) in files.iter().enumerate() {
        let mut zone = SessionZone::default();
        for (_, statement) in file.statements() {
            match ast::Stmt::cast(statement.clone()) {
                Some(ast::Stmt::CreateTable(table)) => types.create_table(&table),
                Some(ast::Stmt::AlterTable(table)) => {
                    let is_utc = zone.is_utc();
                    for TypeReplaced { byte, old } in types.alter_table(&table) {
                        let at = FilePosition { file: index, byte };
                        before.insert(at, BeforeChange { old, is_utc });
                    }
                }
                _ => zone.follow(statement),
            }
        }
    }
    before
}

/// The types of columns, as the target has them and the statements that were read leave them.
struct ColumnTypes<'t> {
    target: &'t TargetTables,
    /// Those that statements give, by table and column.
    known: BTreeMap<(String, String), Type>,
}

/// A type that SET TYPE replaces.
struct TypeReplaced {
    /// Where SET TYPE stands.
    byte: usize,
    /// Where it is known.
    old: Option<Type>,
}

impl ColumnTypes<'_> {
    fn create_table(&mut self, table: &ast::CreateTable) {
        let (Some(own), Some(arguments)) = (table.table_name(), table.table_arg_list()) else {
            return;
        };
        let own = unqualified(&name(&own.syntax().text().to_string()));
        for argument in arguments.args() {
            if let ast::TableArg::Column(column) = argument
                && let (Some(called), Some(ty)) = (column.name(), column.ty())
            {
                let column = name(&called.syntax().text().to_string());
                let ty = Type::parse(&ty.syntax().text().to_string());
                self.known.insert((own.clone(), column), ty);
            }
        }
    }

    /// The types that a statement replaces.
    fn alter_table(&mut self, table: &ast::AlterTable) -> Vec<TypeReplaced> {
        let Some(relation) = table.table_relation_name() else { return Vec::new() };
        let own = unqualified(&name(&relation.syntax().text().to_string()));
        let mut replaced = Vec::new();
        for action in table.actions() {
            match action {
                ast::AlterTableAction::AddColumn(added) => self.add_column(&own, &added),
                ast::AlterTableAction::AlterColumn(altered) => {
                    replaced.extend(self.alter_column(&own, &altered));
                }
                _ => {}
            }
        }
        replaced
    }

    fn add_column(&mut self, table: &str, added: &ast::AddColumn) {
        if let (Some(called), Some(ty)) = (added.column_name(), added.ty()) {
            let column = name(&called.syntax().text().to_string());
            let ty = Type::parse(&ty.syntax().text().to_string());
            self.known.insert((table.to_owned(), column), ty);
        }
    }

    fn alter_column(&mut self, table: &str, altered: &ast::AlterColumn) -> Option<TypeReplaced> {
        let ast::AlterColumnOption::SetType(set) = altered.option()? else { return None };
        let column = name(&altered.column_name_ref()?.syntax().text().to_string());
        let new = Type::parse(&set.ty()?.syntax().text().to_string());
        let of_target = self.target.type_of(table, &column).map(Type::parse);
        let old = self.known.insert((table.to_owned(), column), new).or(of_target);
        Some(TypeReplaced { byte: code(set.syntax()), old })
    }
}

fn unqualified(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(_, own)| own).to_owned()
}
