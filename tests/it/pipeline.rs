//! The command line in a pipeline: what is known already, where experiments run, what the environment says, what a shell
//! completes.

use std::fs;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::program::{Said, dbopt, said};
use crate::support::{TestDb, any_server, server};

async fn run(arguments: &[&str]) -> Said {
    said(dbopt(arguments)).await
}

#[tokio::test]
async fn every_shell_has_a_script_that_completes_commands_and_flags() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).await;
        assert_eq!((script.status, script.err.as_str()), (0, ""), "{shell}");
        for word in ["hybrid-schema", "severity-min", "write-baseline"] {
            assert!(script.out.contains(word), "{shell} completes no {word}");
        }
    }
}

#[tokio::test]
async fn a_variable_with_a_typo_is_warned_of() {
    let mut command = dbopt(&["openapi"]);
    command.env("DBOPT_LISTN", "x").env("DBOPT_SERVICE_HOST", "x").env("DBOPT_APP_DSN", "x");
    let said = said(command).await;
    let warning = "dbopt: warning: unknown environment variable `DBOPT_LISTN`; did you mean `DBOPT_LISTEN`?\n";
    assert_eq!((said.status, said.err.as_str()), (0, warning));
}

/// A table without a primary key.
async fn flawed() -> TestDb {
    let db = TestDb::create(any_server()).await;
    db.run("create schema app").await;
    db.run("create table app.orders (id bigint, data text)").await;
    db.run("insert into app.orders select i, repeat('x', 900) from generate_series(1, 20000) as i")
        .await;
    db.run("analyze app.orders").await;
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_baseline_makes_no_command_fail_and_what_is_new_does() {
    let db = flawed().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    let file = file.to_str().unwrap();
    let dsn = db.dsn();
    let check = "hybrid-schema/missing-primary-key";
    let base = ["analyse", "--dsn", dsn.expose_secret(), "--check", check, "--fail-on", "low"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    assert_eq!(run(&base).await.status, 1);
    let written = run(&[&with(&["--write-baseline"])[..], &[file]].concat()).await;
    assert_eq!(written.status, 0, "{}{}", written.out, written.err);
    assert!(written.err.contains("wrote 1 findings to"), "{}", written.err);
    let known = run(&[&with(&["--baseline"])[..], &[file]].concat()).await;
    assert_eq!(known.status, 0, "{}{}", known.out, known.err);
    db.run("create table app.lines (id bigint, data text)").await;
    db.run("insert into app.lines select i, repeat('x', 900) from generate_series(1, 20000) as i")
        .await;
    db.run("analyze app.lines").await;
    let new = run(&[&with(&["--format", "json", "--baseline"])[..], &[file]].concat()).await;
    let found: Value = serde_json::from_str(&new.out).unwrap();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!((new.status, findings.len()), (1, 1), "{}", new.out);
    assert_eq!(findings[0]["object"]["table"], "lines");
    let missing = run(&with(&["--baseline", "/nonexistent/baseline.json"])).await;
    assert_eq!(missing.status, 2, "{}", missing.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_is_where_experiments_run_and_one_that_is_away_is_an_error() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    db.run("create schema ml").await;
    db.run("create table ml.images (id bigint primary key, body bytea)").await;
    db.run(
        "insert into ml.images select i, (select string_agg(sha512((i * 1000 + g)::text::bytea), '') \
         from generate_series(1, 60) as g) from generate_series(1, 4000) as i",
    )
    .await;
    db.run("analyze ml.images").await;
    let (dsn, lab) = (db.dsn(), TestDb::create(server).await);
    let check = "toast/incompressible-values";
    let base = ["toast", "--dsn", dsn.expose_secret(), "--check", check, "--prove", "full"];
    let on_lab = lab.dsn();
    let ran = [&base[..], &["--format", "json", "--lab", on_lab.expose_secret()]].concat();
    let ran = run(&ran).await;
    assert!(ran.out.contains("on the lab database"), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("in a temporary table on the target"), "{}", ran.out);
    for prove in ["full", "none"] {
        let away = ["toast", "--dsn", dsn.expose_secret(), "--prove", prove];
        let away = [&away[..], &["--lab", "host=127.0.0.1 port=1 user=u dbname=d"]].concat();
        let away = run(&away).await;
        assert_eq!((away.status, away.out.as_str()), (2, ""), "{}", away.err);
        assert!(away.err.contains("(lab)` could not be reached"), "{}", away.err);
    }
}

#[tokio::test]
async fn a_review_shows_the_line_and_the_statement_without_the_problem() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("0001.sql");
    fs::write(&file, "set lock_timeout = '2s';\ncreate index orders_at on app.orders (at);\n")
        .unwrap();
    let reviewed = run(&["review", file.to_str().unwrap()]).await;
    assert_eq!(reviewed.status, 1, "{}", reviewed.err);
    let lines: Vec<&str> = reviewed.out.lines().collect();
    let at = lines.iter().position(|line| line.contains("migration/index-not-concurrent")).unwrap();
    assert_eq!(lines[at + 1], "    | create index orders_at on app.orders (at);");
    assert!(lines[at + 2].starts_with("    fix: "), "{}", reviewed.out);
    assert_eq!(lines[at + 3], "    + create index concurrently orders_at on app.orders (at);");
    assert!(lines[at].contains(". Use `concurrently`"), "two sentences: {}", lines[at]);
    let json = run(&["review", "--format", "json", file.to_str().unwrap()]).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let fixes = json["findings"].as_array().unwrap().iter().filter(|one| one["fix"].is_object());
    assert_eq!(fixes.count(), 1, "{json:#}");
}
