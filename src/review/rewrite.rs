//! What rewrites a table while no one else may read it, by PostgreSQL's rules.
//!
//! A test runs statements of each kind on the oldest and the newest server and compares the table's file before and after.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxElement, SyntaxNode};

use super::file::{ParsedFile, code};
use super::tables::{changed, type_of};
use super::types::{Type, TypeChange};
use super::{BlockedTable, LocatedFinding, ReviewContext};
use crate::model::{Confidence, Severity};

/// PostgreSQL's own functions of which no overload is volatile, on every supported major.
const STABLE: &str = include_str!("stable_functions.txt");
/// What looks like a function and is an expression of the grammar; `timezone` is volatile for `timetz` alone.
const GRAMMAR: [&str; 8] =
    ["array", "coalesce", "greatest", "grouping", "least", "nullif", "row", "timezone"];
/// PostgreSQL's own volatile functions that a default may call.
const VOLATILE: [&str; 13] = [
    "clock_timestamp",
    "currval",
    "current_query",
    "gen_random_uuid",
    "lastval",
    "nextval",
    "random",
    "random_normal",
    "set_config",
    "setval",
    "timeofday",
    "uuidv4",
    "uuidv7",
];
const SERIAL: [&str; 6] = ["smallserial", "serial2", "serial", "serial4", "bigserial", "serial8"];

/// Whether a default has another value for each row.
#[derive(Debug, PartialEq, Eq)]
enum Volatility {
    /// One value serves all rows.
    Stable,
    /// It calls a function that PostgreSQL declares volatile.
    Volatile(String),
    /// It calls a function that is not PostgreSQL's own.
    Unknown(String),
}

pub(super) fn judge(file: &ParsedFile, index: usize, known: &ReviewContext) -> Vec<LocatedFinding> {
    let old = |at: usize| known.types.get(&(index, at));
    let statements = file.tree.syntax_node().children();
    statements.flat_map(|statement| judge_statement(&statement, (&old, known))).collect()
}

/// The type that a column has before the statement at a byte changes it, where that is known.
type Old<'a> = &'a dyn Fn(usize) -> Option<&'a Type>;

fn judge_statement(
    statement: &SyntaxNode,
    (old, known): (Old<'_>, &ReviewContext),
) -> Vec<LocatedFinding> {
    let rewritten = |what: &str, instead: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE: {instead}");
        vec![found(code(statement), "migration/table-rewrite", Severity::High, message)]
    };
    match ast::Stmt::cast(statement.clone()) {
        Some(ast::Stmt::AlterTable(table)) => {
            let own = changed(statement).unwrap_or_default();
            // What is logged already stays as it is.
            let is_done = |action: &ast::AlterTableAction| {
                matches!(action, ast::AlterTableAction::SetLogged(_))
                    && known.logged.same(&own).next().is_some()
            };
            let actions = table.actions().filter(|action| !is_done(action));
            actions.filter_map(|action| judge_action(action, old)).collect()
        }
        Some(ast::Stmt::Cluster(_)) => {
            rewritten("CLUSTER", "run it in a maintenance window, or use pg_repack")
        }
        Some(ast::Stmt::Vacuum(vacuum)) if vacuum.is_full() => {
            rewritten("VACUUM FULL", "run it in a maintenance window, or use pg_repack")
        }
        Some(ast::Stmt::Refresh(refresh)) if refresh.concurrently_token().is_none() => {
            let message = "REFRESH MATERIALIZED VIEW blocks readers of the view until it ends: add CONCURRENTLY, which \
                           needs a unique index";
            let check = "migration/table-rewrite";
            vec![found(code(statement), check, Severity::High, message.to_owned())]
        }
        _ => Vec::new(),
    }
}

fn judge_action(action: ast::AlterTableAction, old: Old<'_>) -> Option<LocatedFinding> {
    use ast::AlterTableAction as Of;
    let at = code(action.syntax());
    let rewritten = |what: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE");
        Some(found(at, "migration/table-rewrite", Severity::High, message))
    };
    match action {
        Of::AddColumn(added) => judge_added(&added),
        Of::AlterColumn(altered) => match altered.option()? {
            ast::AlterColumnOption::SetType(set) => judge_type(&set, old),
            ast::AlterColumnOption::SetExpression(_) => {
                rewritten("SET EXPRESSION of a stored generated column")
            }
            _ => None,
        },
        Of::SetLogged(_) => rewritten("SET LOGGED"),
        Of::SetUnlogged(_) => rewritten("SET UNLOGGED"),
        Of::SetAccessMethod(_) | Of::SetTablespace(_) => Some(moved(action.syntax())),
        _ => None,
    }
}

/// A table that is written elsewhere or otherwise, unless it is so already: as most tables are where the default is named.
fn moved(action: &SyntaxNode) -> LocatedFinding {
    let text = action.text().to_string().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_default = matches!(words.last(), Some(&("heap" | "pg_default" | "default")));
    let what = if words.contains(&"tablespace") {
        "SET TABLESPACE copies the table under ACCESS EXCLUSIVE, unless it is there already"
    } else {
        "SET ACCESS METHOD rewrites the table under ACCESS EXCLUSIVE, unless it is the table's own"
    };
    let severity = if is_default { Severity::Medium } else { Severity::High };
    found(code(action), "migration/table-rewrite", severity, what.to_owned())
}

fn judge_added(added: &ast::AddColumn) -> Option<LocatedFinding> {
    const CHECK: &str = "migration/adding-field-with-default";
    const INSTEAD: &str =
        "add the column without it, set the default for new rows, and fill old rows in batches";
    let rewritten = |at: &SyntaxNode, what: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE: {INSTEAD}");
        Some(found(code(at), CHECK, Severity::High, message))
    };
    if let Some(ty) = added.ty().filter(|ty| SERIAL.contains(&type_of(ty).as_str())) {
        return rewritten(ty.syntax(), "a serial column, whose default is nextval,");
    }
    added.constraints().find_map(|constraint| match constraint {
        ast::Constraint::GeneratedConstraint(generated) => match generated.generated_as()? {
            ast::GeneratedAs::GeneratedIdentity(_) => {
                rewritten(generated.syntax(), "an identity column")
            }
            ast::GeneratedAs::GeneratedStored(_) if is_stored(generated.syntax()) => {
                rewritten(generated.syntax(), "a stored generated column")
            }
            ast::GeneratedAs::GeneratedStored(_) => None,
        },
        ast::Constraint::DefaultConstraint(default) => {
            let expression = default.expr()?;
            match volatility(expression.syntax()) {
                Volatility::Stable => None,
                Volatility::Volatile(name) => {
                    rewritten(expression.syntax(), &format!("a default that calls {name}, which is volatile,"))
                }
                Volatility::Unknown(name) => {
                    let message = format!(
                        "if {name} is volatile, as functions are unless declared otherwise, this default rewrites the table \
                         under ACCESS EXCLUSIVE: {INSTEAD}"
                    );
                    let found = found(code(expression.syntax()), CHECK, Severity::Medium, message);
                    Some(LocatedFinding { confidence: Confidence::Medium, ..found })
                }
            }
        }
        _ => None,
    })
}

/// Whether the values of a generated column are stored; they are computed by readers otherwise.
fn is_stored(generated: &SyntaxNode) -> bool {
    let mut tokens = generated.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    tokens.any(|token| token.text().eq_ignore_ascii_case("stored"))
}

fn volatility(expression: &SyntaxNode) -> Volatility {
    let mut unknown = None;
    for call in expression.descendants().filter_map(ast::CallExpr::cast) {
        let Some(function) = call.expr() else { continue };
        let name = super::tables::name(&function.syntax().text().to_string());
        let own = name.trim_start_matches("pg_catalog.");
        if VOLATILE.contains(&own) {
            return Volatility::Volatile(name);
        }
        let is_stable = GRAMMAR.contains(&own) || STABLE.lines().any(|stable| stable == own);
        if !is_stable {
            unknown.get_or_insert(name);
        }
    }
    unknown.map_or(Volatility::Stable, Volatility::Unknown)
}

/// Types to which the server changes others without a rewrite, where these are narrower.
const WIDENED: [&str; 8] =
    ["text", "varchar", "numeric", "varbit", "inet", "timestamptz", "timestamp", "interval"];

/// A change of type, by the type that the column has, where that is known.
fn judge_type(set: &ast::SetType, old: Old<'_>) -> Option<LocatedFinding> {
    const CHECK: &str = "migration/changing-column-type";
    let text = set.ty().map(|ty| ty.syntax().text().to_string()).unwrap_or_default();
    let new = Type::parse(&text);
    let at = code(set.syntax());
    let has_collation = set.syntax().descendants().any(|node| ast::Collate::can_cast(node.kind()));
    let known = old(at).filter(|_| set.using_expr().is_none() && !has_collation);
    if let Some(old) = known {
        match old.changed_to(&new) {
            TypeChange::Catalog => return None,
            TypeChange::Rewrite => {
                let message = format!(
                    "changing a column from {} to {} rewrites the table and its indexes under ACCESS EXCLUSIVE",
                    old.name, new.name
                );
                return Some(found(at, CHECK, Severity::High, message));
            }
            TypeChange::Unknown => {
                let message = format!(
                    "changing a column from {} to {} may rewrite the table under ACCESS EXCLUSIVE (of timestamp and \
                     timestamptz it does not where the session's time zone is UTC)",
                    old.name, new.name
                );
                let found = found(at, CHECK, Severity::Medium, message);
                return Some(LocatedFinding { confidence: Confidence::Low, ..found });
            }
        }
    } else if set.using_expr().is_none() && WIDENED.contains(&new.name.as_str()) {
        let message = format!(
            "changing a type to {} rewrites the table under ACCESS EXCLUSIVE, unless the column's type, which is not known \
             here, is the same kind without a lower limit (varchar(100) to text is no rewrite); name the database with --dsn",
            new.name
        );
        let found = found(at, CHECK, Severity::Medium, message);
        return Some(LocatedFinding { confidence: Confidence::Low, ..found });
    }
    let message = "changing a column's type rewrites the table and its indexes under ACCESS EXCLUSIVE, unless the old type \
                   is binary coercible to the new one";
    Some(found(at, CHECK, Severity::High, message.to_owned()))
}

fn found(at: usize, check: &'static str, severity: Severity, message: String) -> LocatedFinding {
    LocatedFinding {
        fix: None,
        at,
        check,
        severity,
        blocked: BlockedTable::Changed,
        confidence: Confidence::High,
        message,
    }
}
