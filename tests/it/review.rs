//! Migrations are reviewed before they run, on the command line and over HTTP.

use std::path::Path;
use std::process::{Command, Stdio};

use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::schema::admitted_sarif;
use crate::support::{Service, TestDb, any_server};

const FOLDER: &str = "tests/it/migrations";

/// `dbopt review` with these arguments: the exit status, and what it said.
fn review(arguments: &[&str], input: Option<&str>) -> (i32, String, String) {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbopt"));
    command.arg("review").args(arguments).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json_of(arguments: &[&str]) -> Value {
    let (_, out, err) = review(&[arguments, &["--format", "json"]].concat(), None);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

/// `path:line check` of each finding.
fn places(review: &Value) -> Vec<String> {
    let findings = review["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        let object = &finding["object"];
        assert_eq!(object["kind"], "source");
        let path = object["path"].as_str().unwrap().rsplit('/').next().unwrap();
        format!("{path}:{} {}", object["line"], finding["check"].as_str().unwrap())
    };
    findings.iter().map(place).collect()
}

#[test]
fn the_offline_sql_of_alembic_is_judged_statement_by_statement() {
    let review = json_of(&[&format!("{FOLDER}/alembic.sql")]);
    let places = places(&review);
    for expected in [
        "alembic.sql:13 hybrid-schema/text-json",
        "alembic.sql:23 migration/changing-column-type",
        "alembic.sql:25 hybrid-schema/deep-nesting",
        "alembic.sql:25 hybrid-schema/long-keys",
    ] {
        assert!(places.iter().any(|place| place == expected), "no {expected}: {places:#?}");
    }
    assert!(!places.iter().any(|place| place.contains("missing-primary-key")), "{places:#?}");
    // The table is as new as its index.
    assert!(!places.iter().any(|place| place.contains("index-not-concurrent")), "{places:#?}");
    assert_eq!(review["gaps"], json!([]));
}

#[test]
fn a_script_for_psql_is_read_past_its_commands_and_data_and_a_key_that_comes_later_is_seen() {
    let review = json_of(&[&format!("{FOLDER}/psql.sql")]);
    assert_eq!(review["gaps"], json!([]), "{review:#}");
    let places = places(&review);
    assert!(!places.iter().any(|place| place.contains("hybrid-schema")), "{places:#?}");
}

#[test]
fn a_folder_is_read_in_order_and_the_exit_status_says_what_was_found() {
    let (status, out, err) = review(&[FOLDER, "--fail-on", "medium"], None);
    assert_eq!((status, err.as_str()), (1, ""));
    let first = out.lines().next().unwrap();
    assert!(first.starts_with("tests/it/migrations/alembic.sql:"), "{out}");
    assert!(out.lines().last().unwrap().ends_with("no gap"), "{out}");
    let (status, ..) = review(&[FOLDER, "--fail-on", "critical"], None);
    assert_eq!(status, 0);
}

#[test]
fn standard_input_is_reviewed_and_what_cannot_be_read_is_told() {
    let (status, out, _) = review(&["-"], Some("create table t (a json);"));
    assert_eq!(status, 0, "nothing high: {out}");
    assert!(out.contains("-:1:"), "{out}");
    let (status, out, err) = review(&["/nonexistent/m.sql"], None);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("/nonexistent/m.sql cannot be read"), "{err}");
    let (status, out, _) = review(&["/nonexistent/../etc/../nonexistent.py"], None);
    assert_eq!((status, out.as_str()), (2, ""), "a file that is not there is no gap");
}

#[test]
fn a_folder_without_sql_is_a_gap_and_no_clean_review() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("versions")).unwrap();
    std::fs::write(folder.path().join("versions/0001_users.py"), "op.create_table('users')")
        .unwrap();
    let path = folder.path().to_str().unwrap();
    let (_, out, _) = review(&[path, "--format", "json"], None);
    let reviewed: Value = serde_json::from_str(&out).unwrap();
    let [gap] = &reviewed["gaps"].as_array().unwrap()[..] else { panic!("{reviewed:#}") };
    assert!(gap["detail"].as_str().unwrap().starts_with(path), "{gap}");
    assert!(gap["lift"].as_str().unwrap().contains("alembic"), "{gap}");
}

#[test]
fn our_own_migrations_have_no_high_finding() {
    let review = json_of(&["migrations"]);
    let findings = review["findings"].as_array().unwrap();
    assert!(!findings.iter().any(|found| found["severity"] == "high"), "{review:#}");
    assert_eq!(review["gaps"], json!([]));
}

#[test]
fn code_scanning_is_told_the_place_in_the_file() {
    let (_, out, _) = review(&[FOLDER, "--format", "sarif"], None);
    let sarif = admitted_sarif(&out);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let nested = results.iter().find(|r| r["ruleId"] == "hybrid-schema/deep-nesting").unwrap();
    let place = &nested["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "tests/it/migrations/alembic.sql");
    assert_eq!(place["region"], json!({"startLine": 25, "startColumn": 1}));
    let (_, out, _) = review(&[FOLDER, "--format", "markdown"], None);
    assert!(out.starts_with("| place |"), "{out}");
}

/// A table large enough for its size to matter.
async fn large() -> TestDb {
    let mut db = TestDb::create(any_server()).await;
    db.run("create table big (a int, b text)").await;
    db.run("insert into big select i, repeat('x', 900) from generate_series(1, 20000) as i").await;
    db.run("create table small (a int)").await;
    db.run("analyze").await;
    db.settle().await;
    db
}

const INDEXES: &str = "set lock_timeout = 1; set statement_timeout = 1;
create index on big (a);
create index on small (a);";

#[tokio::test(flavor = "multi_thread")]
async fn with_a_database_it_is_told_what_is_blocked_and_a_small_table_is_no_matter() {
    let db = large().await;
    let dsn = db.dsn().expose_secret().to_owned();
    let command = move || review(&["-", "--dsn", &dsn, "--format", "json"], Some(INDEXES));
    let (status, out, err) = tokio::task::spawn_blocking(command).await.unwrap();
    assert_eq!(status, 1, "{out}{err}");
    let review: Value = serde_json::from_str(&out).unwrap();
    let [big, small] = &review["findings"].as_array().unwrap()[..] else { panic!("{review:#}") };
    assert_eq!((&big["severity"], &small["severity"]), (&json!("high"), &json!("low")));
    assert!(big["message"].as_str().unwrap().contains("(blocks `big`, for about"), "{review:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_one_migration_or_several_are_reviewed_and_nonsense_is_named() {
    let service = Service::start().await;
    let db = large().await;
    service.register("demo", db.dsn().expose_secret()).await;
    let post = |body| service.with("POST", "/v1/review/migration", body);

    let one = post(json!({"sql": "create table t (a json);"})).await;
    assert_eq!(one.status, StatusCode::OK, "{one:?}");
    assert!(one.text.contains("\"path\":\"migration.sql\""), "{one:?}");
    let several = json!({"files": [{"path": "1.sql", "sql": INDEXES}], "target": "demo"});
    let several = post(several).await;
    assert!(several.text.contains("blocks `big`"), "{several:?}");

    let none = post(json!({"target": "none", "sql": ""})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    for (body, named) in [
        (json!({}), "give `sql` or `files`"),
        (json!({"sql": "", "files": []}), "give `sql` or `files`"),
        (json!({"files": []}), "/files"),
        (json!({"files": [{"path": "a"}]}), "/files/0"),
        (json!({"files": [], "path": "a"}), "/path"),
        (json!({"sq": "select 1"}), "sql"),
    ] {
        let reply = post(body.clone()).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {reply:?}");
        assert!(reply.text.contains(named), "{body}: {reply:?}");
    }
    let nested = format!("select {}1{};", "(".repeat(50_000), ")".repeat(50_000));
    let subscripts = format!("select a{};", "[1]".repeat(30_000));
    for sql in [nested, subscripts] {
        let hostile = post(json!({"sql": sql})).await;
        assert_eq!(hostile.status, StatusCode::OK);
        let gaps = hostile.json()["gaps"].clone();
        let [gap] = &gaps.as_array().unwrap()[..] else { panic!("{hostile:?}") };
        assert!(gap["detail"].as_str().unwrap().starts_with("migration.sql was not reviewed: "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_column_is_known_from_the_database_and_the_runner_is_named() {
    let mut db = TestDb::create(any_server()).await;
    db.run("create table named (id int primary key, name varchar(100), code text)").await;
    db.settle().await;
    let sql = "set lock_timeout = 1; set statement_timeout = 1;
alter table named alter column name type text;
alter table named alter column code type varchar(10);";
    let checks = |reviewed: &Value| -> Vec<String> {
        let findings = reviewed["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|one| format!("{}:{}", one["object"]["line"], one["severity"].as_str().unwrap()))
            .collect()
    };
    let dsn = db.dsn().expose_secret().to_owned();
    let with = move || review(&["-", "--dsn", &dsn, "--format", "json"], Some(sql));
    let (_, out, err) = tokio::task::spawn_blocking(with).await.unwrap();
    let known: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    // The table is small, so no one waits for long.
    assert_eq!(checks(&known), ["3:low"], "{known:#}");
    let (_, out, _) = review(&["-", "--format", "json"], Some(sql));
    let unknown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(checks(&unknown), ["2:medium", "3:medium"], "{unknown:#}");
    assert!(out.contains("which is not known here"), "{unknown:#}");

    let index = "create index concurrently if not exists i on named (code);\nselect 1;";
    let (status, out, _) = review(&["-", "--runner", "golang-migrate"], Some(index));
    assert!(status == 1 && out.contains("golang-migrate sends a file in one message"), "{out}");
    assert_eq!(review(&["-"], Some(index)).0, 0);
    let (status, _, err) = review(&["-", "--runner", "mysql"], Some(index));
    assert!(status == 2 && err.contains("prisma"), "{err}");
    let service = Service::start().await;
    let post = |body| service.with("POST", "/v1/review/migration", body);
    let reply = post(json!({"sql": index, "runner": "flyway"})).await;
    assert!(reply.text.contains("concurrent-index-in-transaction"), "{reply:?}");
    let reply = post(json!({"sql": index, "runner": "ms"})).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
}

/// Status, output and errors of a review of `db` in this folder.
fn reviewed_in(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbopt"));
    command.args(["review", "db"]).args(more).env_clear().current_dir(folder);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_committed_file_says_which_runner_it_is_what_to_print_and_what_to_live_with_until_when() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("db")).unwrap();
    write("db/1.sql", "create index concurrently if not exists i on named (code);\nselect 1;\n");
    write(
        "db/2.sql",
        "set lock_timeout = 1; set statement_timeout = 1;\nalter table t alter column c type bigint;\n",
    );
    let run = |more: &[&str]| reviewed_in(folder.path(), more);
    let checks = |out: &str| -> Vec<String> {
        let review: Value =
            serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"));
        places(&review)
    };
    write(".dbopt.toml", "format = 'json'\n[review]\nrunner = 'golang-migrate'\n");
    let (status, out, _) = run(&[]);
    let all = checks(&out);
    let has = |all: &[String], check: &str| all.iter().any(|place| place.contains(check));
    assert!(
        status == 1 && has(&all, "1.sql:1 migration/concurrent-index-in-transaction"),
        "{all:?}"
    );
    assert!(has(&all, "2.sql:2 migration/changing-column-type"), "{all:?}");
    // A flag is nearer than the file.
    let flagged = checks(&run(&["--runner", "psql"]).1);
    assert!(!has(&flagged, "concurrent-index-in-transaction"), "{flagged:?}");
    assert!(!run(&["--format", "table"]).1.starts_with('{'));

    let ignore = |check: &str, object: &str, until: &str| {
        format!(
            "format = 'json'\n[review]\nrunner = 'golang-migrate'\n[[ignore]]\ncheck = '{check}'\nobject = '{object}'\n\
             reason = 'ran by hand'\nuntil = {until}\n"
        )
    };
    write(
        ".dbopt.toml",
        &ignore("migration/concurrent-index-in-transaction", "db/1.sql", "2999-12-31"),
    );
    let (_, out, err) = run(&[]);
    let left = checks(&out);
    assert!(!has(&left, "concurrent-index-in-transaction") && has(&left, "2.sql:2"), "{left:?}");
    assert!(err.contains("1 finding is left out, as .dbopt.toml says"), "{err}");
    write(".dbopt.toml", &ignore("migration", "db", "2999-12-31"));
    let (status, out, _) = run(&[]);
    assert_eq!((status, checks(&out)), (0, vec![]));
    write(".dbopt.toml", &ignore("migration", "db", "2020-12-31"));
    let (status, out, err) = run(&[]);
    assert_eq!((status, checks(&out).len()), (1, all.len()), "{err}");
    assert!(err.contains("`migration` was ignored until 2020-12-31: ran by hand"), "{err}");

    write(".dbopt.toml", "fail_on = 'never'\n");
    assert_eq!(run(&[]).0, 0);
    assert_eq!(run(&["--fail-on", "medium"]).0, 1);
}

#[test]
fn a_typo_in_the_committed_file_is_refused_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("db")).unwrap();
    std::fs::write(folder.path().join("db/1.sql"), "select 1;\n").unwrap();
    for (text, says) in [
        ("[reviews]\n", "did you mean `review`"),
        ("[review]\nrunner = 'mysql'\n", "prisma"),
        ("[thresholds]\ntoast_share_mx = 0.2\n", "did you mean `toast_share_max`"),
        ("[[ignore]]\ncheck = 'toast/pglz'\nreason = 'x'\n", "toast/pglz-on-wide-values"),
        ("format = 'xml'\n", "markdown"),
    ] {
        std::fs::write(folder.path().join(".dbopt.toml"), text).unwrap();
        let (status, out, err) = reviewed_in(folder.path(), &[]);
        assert!(
            (status, &*out) == (2, "") && err.contains(".dbopt.toml") && err.contains(says),
            "{text}: {err}"
        );
    }
}
