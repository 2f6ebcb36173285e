//! What runs migrations, and how it sends a file: some statements cannot run in a transaction.
//!
//! PostgreSQL takes several statements in one message for one transaction, so a runner that sends a file as it is makes one
//! even where no one asked for it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};
use utoipa::ToSchema;

use super::file::{ParsedFile, code};
use super::tokens::{first_word, has_token};
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity};

/// What runs the migrations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// `psql -f`: statement by statement.
    #[default]
    Psql,
    /// `psql --single-transaction`
    PsqlSingleTransaction,
    /// Sqitch, which runs psql.
    Sqitch,
    /// golang-migrate
    GolangMigrate,
    /// Prisma Migrate
    Prisma,
    /// Flyway
    Flyway,
    /// Liquibase, changesets as SQL.
    Liquibase,
    /// Alembic
    Alembic,
    /// Django, `RunSQL` or `sqlmigrate`.
    Django,
    /// Rails
    Rails,
    /// dbmate
    Dbmate,
    /// goose
    Goose,
    /// sql-migrate
    SqlMigrate,
    /// node-pg-migrate
    NodePgMigrate,
    /// sqlx of Rust
    Sqlx,
    /// Diesel
    Diesel,
    /// refinery
    Refinery,
    /// Drizzle
    Drizzle,
    /// Atlas
    Atlas,
    /// tern
    Tern,
    /// The command line of Supabase
    Supabase,
}

/// How a runner sends a file.
struct Habit {
    runner: Runner,
    name: &'static str,
    /// Whether it opens a transaction for a file.
    in_transaction: bool,
    /// Comments that keep it from that, in lower case.
    opt_out: &'static [&'static str],
    /// Whether it sends a file in one message.
    in_one_message: bool,
    /// What to do instead, where the transaction is its own.
    instead: &'static str,
}

const fn habit(
    runner: Runner,
    name: &'static str,
    (in_transaction, opt_out, in_one_message): (bool, &'static [&'static str], bool),
    instead: &'static str,
) -> Habit {
    Habit { runner, name, in_transaction, opt_out, in_one_message, instead }
}

const HABITS: [Habit; 21] = [
    habit(Runner::Psql, "psql", (false, &[], false), ""),
    habit(
        Runner::PsqlSingleTransaction,
        "psql-single-transaction",
        (true, &[], false),
        "run its file without --single-transaction",
    ),
    habit(Runner::Sqitch, "sqitch", (false, &[], false), ""),
    habit(Runner::GolangMigrate, "golang-migrate", (false, &[], true), ""),
    habit(Runner::Prisma, "prisma", (false, &[], true), ""),
    habit(
        Runner::Flyway,
        "flyway",
        (true, &[], false),
        "set `executeInTransaction=false` in a configuration of its file",
    ),
    habit(
        Runner::Liquibase,
        "liquibase",
        (true, &["runintransaction:false"], false),
        "mark its changeset `runInTransaction:false`",
    ),
    habit(
        Runner::Alembic,
        "alembic",
        (true, &[], false),
        "use `op.get_context().autocommit_block()`",
    ),
    habit(
        Runner::Django,
        "django",
        (true, &[], false),
        "set `atomic = False` in a migration of its own",
    ),
    habit(
        Runner::Rails,
        "rails",
        (true, &[], false),
        "use `disable_ddl_transaction!` in a migration of its own",
    ),
    habit(
        Runner::Dbmate,
        "dbmate",
        (true, &["transaction:false"], true),
        "write `-- migrate:up transaction:false`",
    ),
    habit(
        Runner::Goose,
        "goose",
        (true, &["+goose no transaction"], false),
        "write `-- +goose NO TRANSACTION`",
    ),
    habit(
        Runner::SqlMigrate,
        "sql-migrate",
        (true, &["notransaction"], false),
        "write `-- +migrate Up notransaction`",
    ),
    habit(Runner::NodePgMigrate, "node-pg-migrate", (true, &[], true), "use `pgm.noTransaction()`"),
    habit(
        Runner::Sqlx,
        "sqlx",
        (true, &["-- no-transaction"], true),
        "begin the file with `-- no-transaction`",
    ),
    habit(
        Runner::Diesel,
        "diesel",
        (true, &[], true),
        "set `run_in_transaction = false` in its metadata.toml",
    ),
    habit(Runner::Refinery, "refinery", (true, &[], true), "run it outside of the migrations"),
    habit(Runner::Drizzle, "drizzle", (true, &[], false), "run it outside of the migrations"),
    habit(
        Runner::Atlas,
        "atlas",
        (true, &["atlas:txmode none"], false),
        "write `-- atlas:txmode none`",
    ),
    habit(
        Runner::Tern,
        "tern",
        (true, &["tern: disable-tx"], true),
        "write `---- tern: disable-tx ----`",
    ),
    habit(Runner::Supabase, "supabase", (true, &[], true), "run it outside of the migrations"),
];

impl Runner {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        HABITS.iter().map(|habit| habit.name)
    }

    fn habit(self) -> &'static Habit {
        HABITS.iter().find(|habit| habit.runner == self).unwrap_or(&HABITS[0])
    }
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.habit().name)
    }
}

impl FromStr for Runner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = HABITS.iter().find(|habit| habit.name == text);
        known.map(|habit| habit.runner).ok_or_else(|| {
            format!("no such runner; known are {}", Self::names().collect::<Vec<_>>().join(", "))
        })
    }
}

/// In which transaction of its file each statement runs: by changeset, and counted; none for one that runs alone.
pub(super) fn transactions(file: &ParsedFile, runner: Runner) -> Vec<Option<(usize, usize)>> {
    let habit = runner.habit();
    let statements: Vec<ast::Stmt> = statements(file);
    let sections = Sections::of(file, habit);
    let is_message = habit.in_one_message && statements.len() > 1;
    let is_own = habit.in_transaction && !is_detected(habit, &statements);
    let (mut number, mut is_open) = (0, false);
    let nodes = file.statements().iter();
    let place = |(at, node): &(usize, SyntaxNode)| {
        if let Some(opens) = ast::Stmt::cast(node.clone()).as_ref().and_then(control) {
            number += usize::from(!opens);
            is_open = opens;
        }
        let (section, opts_out) = sections.at(*at);
        (is_message || is_open || is_own && !opts_out).then_some((section, number))
    };
    nodes.map(place).collect()
}

fn statements(file: &ParsedFile) -> Vec<ast::Stmt> {
    file.statements().iter().filter_map(|(_, node)| ast::Stmt::cast(node.clone())).collect()
}

/// The parts of a file that a runner runs apart, and whether their transaction is turned off: changesets of Liquibase, else the
/// whole file.
struct Sections {
    begins: Vec<(usize, bool)>,
    whole: bool,
}

impl Sections {
    fn of(file: &ParsedFile, habit: &Habit) -> Self {
        let (mut begins, mut at) = (Vec::new(), 0);
        for line in file.text.split_inclusive('\n') {
            let comment =
                line.trim_start().strip_prefix("--").map(|rest| rest.trim().to_lowercase());
            if let Some(comment) = comment
                && habit.runner == Runner::Liquibase
                && comment.starts_with("changeset ")
            {
                let opts_out = habit.opt_out.iter().any(|marker| comment.contains(marker));
                begins.push((at, opts_out));
            }
            at += line.len();
        }
        Self { begins, whole: opts_out(&file.text, habit.opt_out) }
    }

    /// The part that holds a byte, and whether its transaction is turned off.
    fn at(&self, at: usize) -> (usize, bool) {
        let behind = self.begins.partition_point(|(begin, _)| *begin <= at);
        let part = self.begins[..behind].last().map(|(_, opts_out)| *opts_out);
        (behind, part.unwrap_or(self.whole && self.begins.is_empty()))
    }
}

/// Whether a runner runs a file without a transaction because it knows each of its statements for one that has to be.
fn is_detected(habit: &Habit, statements: &[ast::Stmt]) -> bool {
    habit.runner == Runner::Flyway && !statements.is_empty() && statements.iter().all(detects)
}

/// Whether Flyway knows a statement for one that runs outside of transactions. Those it does not know it sends in one.
fn detects(statement: &ast::Stmt) -> bool {
    match statement {
        ast::Stmt::AlterTable(_) | ast::Stmt::Repack(_) => false,
        ast::Stmt::Reindex(_) => !has_token(statement.syntax(), "concurrently"),
        _ => true,
    }
    .then(|| barred(statement))
    .flatten()
    .is_some()
}

/// Statements that fail, for they run in a transaction.
pub(super) fn judge(file: &ParsedFile, runner: Runner) -> Vec<LocatedFinding> {
    let habit = runner.habit();
    let statements: Vec<ast::Stmt> = statements(file);
    let controls = statements.iter().any(|one| control(one).is_some());
    let sections = Sections::of(file, habit);
    let in_one_message = habit.in_one_message && statements.len() > 1;
    // A file that begins and ends transactions itself says where they are.
    let is_own = habit.in_transaction && !controls && !is_detected(habit, &statements);
    let mut is_open = false;
    let mut found = Vec::new();
    for statement in &statements {
        if let Some(opens) = control(statement) {
            is_open = opens;
        }
        let Some((what, check)) = barred(statement) else { continue };
        let at = code(statement.syntax());
        let message = if is_own && habit.runner == Runner::Flyway && detects(statement) {
            format!(
                "Flyway refuses a file that holds {what} beside statements of a transaction: move it to a file of its own"
            )
        } else if is_own && !sections.at(at).1 {
            let (name, instead) = (habit.name, habit.instead);
            format!(
                "{what} fails in a transaction, and {name} runs a file in one transaction: {instead}"
            )
        } else if in_one_message {
            format!(
                "{what} fails in a transaction, and {} sends a file in one message, which is one transaction where it has \
                 several statements: move it to a file of its own",
                habit.name
            )
        } else if is_open {
            format!("{what} fails in a transaction, and the file has begun one: commit before it")
        } else {
            continue;
        };
        found.push(LocatedFinding {
            fix: None,
            at,
            check,
            severity: Severity::High,
            blocked: BlockedTable::None,
            confidence: Confidence::High,
            message,
        });
    }
    found
}

/// Whether a comment of the file turns the runner's transaction off.
fn opts_out(text: &str, markers: &[&str]) -> bool {
    let comments = text.lines().map(str::trim_start).filter(|line| line.starts_with("--"));
    let mut comments = comments.map(str::to_lowercase);
    !markers.is_empty() && comments.any(|line| markers.iter().any(|marker| line.contains(marker)))
}

/// Whether a statement opens a transaction, or ends one; none where it does neither.
fn control(statement: &ast::Stmt) -> Option<bool> {
    match (statement, first_word(statement.syntax()).as_str()) {
        (ast::Stmt::Begin(_), _) => Some(true),
        (_, "commit" | "end" | "rollback" | "abort") => Some(false),
        _ => None,
    }
}

/// What a statement is that PostgreSQL refuses in a transaction, and the check that says so.
fn barred(statement: &ast::Stmt) -> Option<(&'static str, &'static str)> {
    const INDEX: &str = "migration/concurrent-index-in-transaction";
    const OTHER: &str = "migration/statement-in-transaction";
    let has = |word: &str| has_token(statement.syntax(), word);
    match statement {
        ast::Stmt::CreateIndex(index) if index.concurrently_token().is_some() => {
            Some(("CREATE INDEX CONCURRENTLY", INDEX))
        }
        ast::Stmt::DropIndex(index) if index.concurrently_token().is_some() => {
            Some(("DROP INDEX CONCURRENTLY", INDEX))
        }
        ast::Stmt::Reindex(_) if has("concurrently") => Some(("REINDEX CONCURRENTLY", INDEX)),
        ast::Stmt::Reindex(_) if has("database") || has("schema") || has("system") => {
            Some(("REINDEX of a schema or database", OTHER))
        }
        ast::Stmt::AlterTable(table) => {
            let mut actions = table.actions();
            let detaches = actions.any(|action| {
                matches!(&action, ast::AlterTableAction::DetachPartition(detach)
                    if has_token(detach.syntax(), "concurrently"))
            });
            detaches.then_some(("DETACH PARTITION CONCURRENTLY", OTHER))
        }
        ast::Stmt::Repack(_) if has("concurrently") => Some(("REPACK (CONCURRENTLY)", OTHER)),
        ast::Stmt::Vacuum(_) => Some(("VACUUM", OTHER)),
        ast::Stmt::CreateDatabase(_) => Some(("CREATE DATABASE", OTHER)),
        ast::Stmt::DropDatabase(_) => Some(("DROP DATABASE", OTHER)),
        ast::Stmt::CreateTablespace(_) => Some(("CREATE TABLESPACE", OTHER)),
        ast::Stmt::DropTablespace(_) => Some(("DROP TABLESPACE", OTHER)),
        ast::Stmt::AlterSystem(_) => Some(("ALTER SYSTEM", OTHER)),
        _ => None,
    }
}
