//! What rewrites a table while no one else may read it, by PostgreSQL's rules.
//!
//! A test runs statements of each kind on the oldest and the newest server and compares the table's file before and after.

use std::collections::BTreeSet;

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::tables::{changed, name, type_of, unqualified};
use super::tokens::{has_token, tokens};
use super::{BlockedTable, LocatedFinding, ReviewContext, retype};
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
    let statements = file.tree.syntax_node().children();
    statements.flat_map(|statement| judge_statement(&statement, index, known)).collect()
}

fn judge_statement(
    statement: &SyntaxNode,
    index: usize,
    known: &ReviewContext<'_>,
) -> Vec<LocatedFinding> {
    let rewritten = |what: &str, instead: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE: {instead}");
        vec![found(code(statement), "migration/table-rewrite", Severity::High, message)]
    };
    match ast::Stmt::cast(statement.clone()) {
        Some(ast::Stmt::AlterTable(table)) => {
            let own = changed(statement).unwrap_or_default();
            // What is so already stays as it is.
            let is_done = |action: &ast::AlterTableAction| match action {
                ast::AlterTableAction::SetLogged(_) => known.logged.is_always_logged(&own),
                ast::AlterTableAction::SetUnlogged(_) => known.logged.is_never_logged(&own),
                _ => false,
            };
            let actions = table.actions().filter(|action| !is_done(action));
            actions.filter_map(|action| judge_action(action, index, known)).collect()
        }
        Some(ast::Stmt::Cluster(_)) => {
            rewritten("CLUSTER", "run it in a maintenance window, or use pg_repack")
        }
        Some(ast::Stmt::Vacuum(vacuum)) if vacuum.is_full() => {
            rewritten("VACUUM FULL", "run it in a maintenance window, or use pg_repack")
        }
        Some(ast::Stmt::Repack(_)) if !has_token(statement, "concurrently") => rewritten(
            "REPACK",
            "use REPACK (CONCURRENTLY), outside of a transaction, or run it in a maintenance window",
        ),
        Some(ast::Stmt::Refresh(refresh)) if refresh.concurrently_token().is_none() => {
            let message = "REFRESH MATERIALIZED VIEW blocks readers of the view until it ends: add CONCURRENTLY, which \
                           needs a unique index";
            let check = "migration/table-rewrite";
            vec![found(code(statement), check, Severity::High, message.to_owned())]
        }
        _ => Vec::new(),
    }
}

fn judge_action(
    action: ast::AlterTableAction,
    index: usize,
    known: &ReviewContext<'_>,
) -> Option<LocatedFinding> {
    use ast::AlterTableAction as Of;
    let at = code(action.syntax());
    let rewritten = |what: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE");
        Some(found(at, "migration/table-rewrite", Severity::High, message))
    };
    match action {
        Of::AddColumn(added) => judge_added(&added, &known.stable_functions),
        Of::AlterColumn(altered) => match altered.option()? {
            ast::AlterColumnOption::SetType(set) => {
                let column = altered.column_name_ref();
                let column = column.map(|column| name(&column.syntax().text().to_string()));
                retype::judge(&set, &column.unwrap_or_default(), index, known)
            }
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
    let to = tokens(action).pop().unwrap_or_default();
    let is_default = matches!(to.as_str(), "heap" | "pg_default" | "default");
    let what = if has_token(action, "tablespace") {
        "SET TABLESPACE copies the table under ACCESS EXCLUSIVE, unless it is there already"
    } else {
        "SET ACCESS METHOD rewrites the table under ACCESS EXCLUSIVE, unless it is the table's own"
    };
    let (severity, confidence) = if is_default {
        (Severity::Low, Confidence::Low)
    } else {
        (Severity::High, Confidence::High)
    };
    let found = found(code(action), "migration/table-rewrite", severity, what.to_owned());
    LocatedFinding { confidence, ..found }
}

fn judge_added(added: &ast::AddColumn, declared: &BTreeSet<String>) -> Option<LocatedFinding> {
    const CHECK: &str = "migration/adding-field-with-default";
    const INSTEAD: &str =
        "add the column without it, set the default for new rows, and fill old rows in batches";
    const COUNTED: &str = "add a plain column, set nextval of a sequence as its default for new rows, and fill old rows in batches";
    const COMPUTED: &str = "add a plain column, let a trigger compute it for new rows, and fill old rows in batches; a VIRTUAL \
                            column, from PostgreSQL 18 on, is computed by readers and writes nothing";
    let rewritten = |at: &SyntaxNode, what: &str, instead: &str| {
        let message = format!("{what} rewrites the table under ACCESS EXCLUSIVE: {instead}");
        Some(found(code(at), CHECK, Severity::High, message))
    };
    if let Some(ty) = added.ty().filter(|ty| SERIAL.contains(&type_of(ty).as_str())) {
        return rewritten(ty.syntax(), "a serial column, whose default is nextval,", COUNTED);
    }
    added.constraints().find_map(|constraint| match constraint {
        ast::Constraint::GeneratedConstraint(generated) => match generated.generated_as()? {
            ast::GeneratedAs::GeneratedIdentity(_) => {
                rewritten(generated.syntax(), "an identity column", COUNTED)
            }
            ast::GeneratedAs::GeneratedStored(_) if is_stored(generated.syntax()) => {
                rewritten(generated.syntax(), "a stored generated column", COMPUTED)
            }
            ast::GeneratedAs::GeneratedStored(_) => None,
        },
        ast::Constraint::DefaultConstraint(default) => {
            let expression = default.expr()?;
            match volatility(expression.syntax(), declared) {
                Volatility::Stable => None,
                Volatility::Volatile(name) => {
                    let what = format!("a default that calls {name}, which is volatile,");
                    rewritten(expression.syntax(), &what, INSTEAD)
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
    has_token(generated, "stored")
}

fn volatility(expression: &SyntaxNode, declared: &BTreeSet<String>) -> Volatility {
    let mut unknown = None;
    for call in expression.descendants().filter_map(ast::CallExpr::cast) {
        let Some(function) = call.expr() else { continue };
        let name = super::tables::name(&function.syntax().text().to_string());
        let own = name.trim_start_matches("pg_catalog.");
        if VOLATILE.contains(&own) {
            return Volatility::Volatile(name);
        }
        let is_stable = GRAMMAR.contains(&own)
            || STABLE.lines().any(|stable| stable == own)
            || declared.contains(unqualified(own));
        if !is_stable {
            unknown.get_or_insert(name);
        }
    }
    unknown.map_or(Volatility::Stable, Volatility::Unknown)
}

/// The functions that files declare immutable or stable, by their names without schema; none where a declaration does not.
pub(super) fn stable_functions(files: &[ParsedFile]) -> BTreeSet<String> {
    let (mut stable, mut volatile) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        for (_, statement) in file.statements() {
            if !ast::CreateFunction::can_cast(statement.kind()) {
                continue;
            }
            let words = tokens(statement);
            let is_stable = words.iter().any(|word| word == "immutable" || word == "stable");
            let named = words.iter().skip_while(|word| *word != "function").skip(1);
            let own: String = named.take_while(|word| *word != "(").map(String::as_str).collect();
            let own = name(&own);
            let declared = if is_stable { &mut stable } else { &mut volatile };
            declared.insert(unqualified(&own).to_owned());
        }
    }
    stable.retain(|own| !volatile.contains(own));
    stable
}

pub(super) fn found(
    at: usize,
    check: &'static str,
    severity: Severity,
    message: String,
) -> LocatedFinding {
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
