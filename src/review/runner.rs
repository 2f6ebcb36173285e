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

impl Habit {
    /// A runner that sends a file statement by statement.
    const fn new(runner: Runner, name: &'static str) -> Self {
        Self {
            runner,
            name,
            in_transaction: false,
            opt_out: &[],
            in_one_message: false,
            instead: "",
        }
    }

    /// It opens a transaction for a file; `instead` says what keeps it from that.
    const fn in_transaction(self, instead: &'static str) -> Self {
        Self { in_transaction: true, instead, ..self }
    }

    /// It opens none where the file has one of these comments, in lower case.
    const fn unless(self, opt_out: &'static [&'static str]) -> Self {
        Self { opt_out, ..self }
    }

    const fn in_one_message(self) -> Self {
        Self { in_one_message: true, ..self }
    }
}

const HABITS: [Habit; 21] = [
    Habit::new(Runner::Psql, "psql"),
    Habit::new(Runner::PsqlSingleTransaction, "psql-single-transaction")
        .in_transaction("run its file without --single-transaction"),
    Habit::new(Runner::Sqitch, "sqitch"),
    Habit::new(Runner::GolangMigrate, "golang-migrate").in_one_message(),
    Habit::new(Runner::Prisma, "prisma").in_one_message(),
    Habit::new(Runner::Flyway, "flyway")
        .in_transaction("set `executeInTransaction=false` in a configuration of its file"),
    Habit::new(Runner::Liquibase, "liquibase")
        .in_transaction("mark its changeset `runInTransaction:false`")
        .unless(&["runintransaction:false"]),
    Habit::new(Runner::Alembic, "alembic")
        .in_transaction("use `op.get_context().autocommit_block()`"),
    Habit::new(Runner::Django, "django")
        .in_transaction("set `atomic = False` in a migration of its own"),
    Habit::new(Runner::Rails, "rails")
        .in_transaction("use `disable_ddl_transaction!` in a migration of its own"),
    Habit::new(Runner::Dbmate, "dbmate")
        .in_transaction("write `-- migrate:up transaction:false`")
        .unless(&["transaction:false"])
        .in_one_message(),
    Habit::new(Runner::Goose, "goose")
        .in_transaction("write `-- +goose NO TRANSACTION`")
        .unless(&["+goose no transaction"]),
    Habit::new(Runner::SqlMigrate, "sql-migrate")
        .in_transaction("write `-- +migrate Up notransaction`")
        .unless(&["notransaction"]),
    Habit::new(Runner::NodePgMigrate, "node-pg-migrate")
        .in_transaction("use `pgm.noTransaction()`")
        .in_one_message(),
    Habit::new(Runner::Sqlx, "sqlx")
        .in_transaction("begin the file with `-- no-transaction`")
        .unless(&["-- no-transaction"])
        .in_one_message(),
    Habit::new(Runner::Diesel, "diesel")
        .in_transaction("set `run_in_transaction = false` in its metadata.toml")
        .in_one_message(),
    Habit::new(Runner::Refinery, "refinery")
        .in_transaction("run it outside of the migrations")
        .in_one_message(),
    Habit::new(Runner::Drizzle, "drizzle").in_transaction("run it outside of the migrations"),
    Habit::new(Runner::Atlas, "atlas")
        .in_transaction("write `-- atlas:txmode none`")
        .unless(&["atlas:txmode none"]),
    Habit::new(Runner::Tern, "tern")
        .in_transaction("write `---- tern: disable-tx ----`")
        .unless(&["tern: disable-tx"])
        .in_one_message(),
    Habit::new(Runner::Supabase, "supabase")
        .in_transaction("run it outside of the migrations")
        .in_one_message(),
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
