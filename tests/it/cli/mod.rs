//! The command line as a person or a pipeline uses it: the answer on standard output, everything else on standard
//! error, and the exit status.

mod services;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::program::{Running, Said, dbopt, said};
use crate::support::schema::admitted_sarif;
use crate::support::{TestDb, any_server};

async fn run(arguments: &[&str]) -> Said {
    said(dbopt(arguments)).await
}

#[tokio::test]
async fn a_password_on_the_command_line_is_warned_of_with_where_to_put_it() {
    let keys = ["keys", "list"];
    let store = "postgresql://u:hush@127.0.0.1:1/d";
    let by_flag = run(&[&keys[..], &["--store-url", store]].concat()).await;
    let warning = "dbopt: warning: --store-url shows its password to every user of this machine; \
                   use DBOPT_STORE_URL or `store_url` in the configuration file\n";
    assert!(by_flag.err.starts_with(warning), "{}", by_flag.err);
    assert!(!by_flag.err.contains("hush"), "{}", by_flag.err);
    let mut by_env = dbopt(&keys);
    by_env.env("DBOPT_STORE_URL", store);
    let by_env = said(by_env).await;
    assert!(!by_env.err.contains("warning"), "{}", by_env.err);
    assert_eq!((by_flag.status, by_env.status), (2, 2), "warned of, and used");
    let analyse = ["toast", "--dsn", "postgresql://u:hush@127.0.0.1:1/d?connect_timeout=1"];
    let by_flag = run(&analyse).await;
    let warning = "--dsn shows its password to every user of this machine; use DBOPT_DSN";
    assert!(by_flag.err.contains(warning) && !by_flag.err.contains("hush"), "{}", by_flag.err);
}

/// A table with a high finding and its advice.
async fn bloated() -> TestDb {
    let mut db = TestDb::create(any_server()).await;
    db.run(
        "create table sessions (id bigint, state text)
            with (autovacuum_enabled = false, toast.autovacuum_enabled = false);
        insert into sessions
        select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i
        from generate_series(1, 12000) as i;
        update sessions set state = state || 'x'",
    )
    .await;
    db.run("analyze sessions").await;
    db.settle().await;
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_is_printed_in_every_format_and_the_exit_status_says_what_was_found() {
    let db = bloated().await;
    let dsn = db.dsn();
    let toast = ["toast", "--dsn", dsn.expose_secret(), "--format"];
    let format = |format: &'static str| [&toast[..], &[format]].concat();

    let table = run(&format("table")).await;
    assert_eq!((table.status, table.err.as_str()), (1, ""), "{}", table.out);
    for part in ["HIGH The TOAST table of `public.sessions`", "VACUUM public.sessions;", "undo"] {
        assert!(table.out.contains(part), "{part}: {}", table.out);
    }
    assert!(!table.out.contains('\u{1b}'), "colours are for terminals");

    let json: Value = serde_json::from_str(&run(&format("json")).await.out).unwrap();
    assert_eq!((&json["superpower"], &json["target"]), (&"toast".into(), &db.name.clone().into()));
    let finding = &json["findings"][0];
    assert_eq!(finding["check"], "toast/bloated-toast", "{json:#}");

    let markdown = run(&format("markdown")).await.out;
    assert!(
        markdown.starts_with("## TOAST Whisperer") && markdown.contains("```sql\n"),
        "{markdown}"
    );

    let sarif = admitted_sarif(&run(&format("sarif")).await.out);
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["level"], &result["ruleId"]), (&"error".into(), &finding["check"]));
    assert_eq!(result["partialFingerprints"]["dbopt/v1"], finding["id"], "the same on every run");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == finding["check"]), "{rules:?}");

    let elsewhere = run(&[&format("json"), &["--table", "sesions"][..]].concat()).await;
    let elsewhere: Value = serde_json::from_str(&elsewhere.out).unwrap();
    assert!(elsewhere["gaps"][0]["detail"].as_str().unwrap().contains("`sesions`"), "no pass");

    for (arguments, status) in [
        (&["--fail-on", "critical"][..], 0),
        (&["--check", "toast/value-id-exhaustion"], 0),
        (&["--schema", "elsewhere"], 2),
        (&["--schema", "elsewhere", "--allow-gaps"], 0),
        (&["--set", "table_bytes_min=1e12"], 0),
        (&["--table", "sessions", "--fail-on", "low"], 1),
    ] {
        let narrowed = run(&[&format("json"), arguments].concat()).await;
        assert_eq!(narrowed.status, status, "{arguments:?}: {}{}", narrowed.out, narrowed.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_named_by_the_environment_as_for_psql() {
    let db = bloated().await;
    let mut command = dbopt(&["analyse", "--format", "json"]);
    command.env("PGHOST", "127.0.0.1").env("PGPORT", db.server.port.to_string());
    command.env("PGUSER", "postgres").env("PGDATABASE", &db.name);
    let said = said(command).await;
    assert_eq!((said.status, said.err.as_str()), (1, ""));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["superpower"], "all");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_ends_with_two_and_names_the_mend_and_no_secret() {
    let dsn = "postgresql://ada:hush@127.0.0.1:1/d";
    for (arguments, problem) in [
        (&["toast"][..], "no database given: use --dsn"),
        (&["plan"][..], "variables; a plan is decoded with --plan-file FILE"),
        (
            &["toast", "--dsn", "postgresql://ada:hush@h/d?sslmod=x"],
            "unknown option; known are host",
        ),
        (&["toast", "--dsn", dsn], "could not be reached"),
        (
            &["toast", "--dsn", dsn, "--check", "toast/bloated-tost"],
            "did you mean `toast/bloated-toast`?",
        ),
        (&["toast", "--dsn", dsn, "--set", "toast_share_mx=1"], "did you mean `toast_share_max`?"),
        (&["toast", "--dsn", dsn, "--set", "toast_share_max"], "NAME=VALUE"),
        (&["toast", "--dsn", dsn, "--alert-threshold", "much"], "must be a number"),
        (&["toast", "--dsn", dsn, "--severity-min", "hgh"], "did you mean `high`?"),
        (&["toast", "--dsn", dsn, "--prove", "all"], "known are none, cheap, full"),
        (&["explain", "toast/nothing"], "unknown check"),
        (&["explain", "migration/tabel-rewrite"], "did you mean `migration/table-rewrite`?"),
        (&["toast", "--dsn", dsn, "--check", "tost"], "did you mean `toast`?"),
        (&["toast", "--dsn", dsn, "--check", "x"], "`dbopt checks` and GET /v1/checks list them"),
        (&["migrate", "--listen", "127.0.0.1:1"], "unexpected argument"),
        (&["health", "--store-url", dsn], "unexpected argument"),
        (&["keys", "list", "--cache-ttl-seconds", "1"], "unexpected argument"),
        (&["toast", "--dsn", "service=nowhere"], "no service file defines this service"),
        (&["serve", "--listen", "everywhere"], "an address and a port"),
        (&["serve", "--target", "Demo=postgresql://ada:hush@h/d"], "NAME=DSN"),
        (&["keys", "create", "--scope", "reed"], "did you mean `read`?"),
        (&["migrate", "--store-url", dsn], "the store cannot be reached"),
        (&["demo", "--check", "--dsn", dsn], "could not be reached"),
        (&["tost"], "similar subcommand"),
    ] {
        let said = run(arguments).await;
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(problem), "{arguments:?}: {}", said.err);
        assert!(!said.err.contains("hush"), "{arguments:?}: {}", said.err);
    }
}

#[tokio::test]
async fn checks_are_listed_and_explained_without_any_server() {
    let listed = run(&["checks"]).await;
    assert!(listed.status == 0 && listed.out.contains("toast_share_max=0.1"), "{}", listed.out);
    let json: Value =
        serde_json::from_str(&run(&["checks", "--format", "json"]).await.out).unwrap();
    for check in json.as_array().unwrap() {
        let id = check["id"].as_str().unwrap();
        let explained = run(&["explain", id]).await;
        let section =
            if id.starts_with("migration/") { "## What to do" } else { "## Stays silent" };
        let page = explained.out.starts_with("# ") && explained.out.contains(section);
        assert!(explained.status == 0 && page, "{id}: {}", explained.out);
        assert!(check["severity_max"].is_string(), "{id}");
        let summary = check["summary"].as_str().unwrap();
        assert!(summary.ends_with('.') && listed.out.contains(id), "{id}: {summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked_in_the_configured_store() {
    let store = TestDb::create(any_server()).await;
    let url = store.dsn();
    let migrated = run(&["migrate", "--store-url", url.expose_secret()]).await;
    assert!(migrated.out.starts_with("applied V1"), "{}{}", migrated.out, migrated.err);
    let again = run(&["migrate", "--store-url", url.expose_secret()]).await;
    assert_eq!(again.out, "the schema is up to date\n");

    let keys = |arguments: &[&'static str]| {
        let mut command = dbopt(&[&["keys"], arguments].concat());
        command.env("DBOPT_STORE_URL", url.expose_secret());
        command
    };
    assert!(said(keys(&["list"])).await.out.starts_with("no key exists"));
    let made = said(keys(&["create", "--scope", "read,probe", "--name", "ci"])).await;
    assert!(made.out.starts_with("dbopt_") && made.out.lines().count() == 1, "{}", made.out);
    let second = said(keys(&["create", "--scope", "admin", "--if-none"])).await;
    assert_eq!((second.status, second.out.as_str()), (0, ""));

    let listed = said(keys(&["list"])).await.out;
    assert!(listed.contains("ci") && listed.contains("read, probe"), "{listed}");
    assert!(!listed.contains(made.out.trim()), "a key is shown once");
    let id = listed.split_whitespace().find(|word| word.starts_with("k_")).unwrap().to_owned();
    for status in [0, 2] {
        let mut command = dbopt(&["keys", "revoke", &id]);
        command.env("DBOPT_STORE_URL", url.expose_secret());
        assert_eq!(said(command).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_started_found_healthy_and_stopped_by_a_signal() {
    let (store, db) = (TestDb::create(any_server()).await, bloated().await);
    let mut command = dbopt(&["serve", "--listen", "127.0.0.1:0", "--target"]);
    command.arg(format!("demo={}", db.dsn().expose_secret()));
    command.env("DBOPT_STORE_URL", store.dsn().expose_secret());
    command.env("DBOPT_SECRET_KEY", "0".repeat(64));
    let running = tokio::task::spawn_blocking(|| Running::start(command)).await.unwrap();

    let healthy = run(&["health", "--listen", &running.address]).await;
    assert_eq!((healthy.status, healthy.out.as_str()), (0, "ready\n"), "{}", healthy.err);
    store.vanish().await;
    let address = running.address.clone();
    let unready = run(&["health", "--listen", &address]).await;
    assert!(unready.status == 2 && unready.err.contains("is not ready"), "{}", unready.err);

    let status = tokio::task::spawn_blocking(|| running.stop("-TERM")).await.unwrap();
    assert_eq!(status, 0);
    let gone = run(&["health", "--listen", &address]).await;
    assert!(gone.status == 2 && gone.err.contains("does not answer"), "{}", gone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_store_keeps_one_of_its_own_that_keys_reach_while_it_runs() {
    let directory = tempfile::Builder::new().permissions(readable()).tempdir().unwrap();
    let own = |arguments: &[&str]| {
        let mut command = dbopt(arguments);
        command.env("DBOPT_DATA_DIR", directory.path());
        command
    };
    let open = said(own(&["serve", "--listen", "0.0.0.0:0"])).await;
    assert!(open.status == 2 && open.err.contains("no API key exists"), "{}", open.err);
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "a refused start leaves nothing behind");
    let command = own(&["serve", "--listen", "127.0.0.1:0"]);
    let running = tokio::task::spawn_blocking(|| Running::start(command)).await.unwrap();
    let made = said(own(&["keys", "create", "--scope", "read"])).await;
    assert!(made.out.starts_with("dbopt_"), "{}", made.err);
    let second = said(own(&["serve", "--listen", "127.0.0.1:0"])).await;
    assert!(
        second.status == 2 && second.err.contains("in use by another process"),
        "{}",
        second.err
    );
    tokio::task::spawn_blocking(|| running.stop("-INT")).await.unwrap();

    let listed = said(own(&["keys", "list"])).await;
    assert!(listed.out.contains("read"), "{}{}", listed.out, listed.err);
}

/// What a lock hides may hold what the command is to fail on.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_no_pass_unless_gaps_are_allowed() {
    let db = TestDb::create(any_server()).await;
    db.run("create table public.hidden (id bigint primary key, data jsonb default '{}')").await;
    db.run("create index on public.hidden ((data ->> 'a'))").await;
    db.run("begin; lock table public.hidden in access exclusive mode").await;
    let dsn = db.dsn();
    let asked = ["hybrid-schema", "--fail-on", "low", "--dsn", dsn.expose_secret()];
    let unseen = run(&asked).await;
    assert_eq!(unseen.status, 2, "{}{}", unseen.out, unseen.err);
    assert!(unseen.out.contains("hidden"), "it is named: {}", unseen.out);
    let allowed = run(&[&asked[..], &["--allow-gaps"]].concat()).await;
    assert_eq!(allowed.status, 0, "{}{}", allowed.out, allowed.err);
}

fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}
