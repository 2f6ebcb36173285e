//! The pool plan as callers see it: over HTTP and on the command line.

use std::process::Command;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::session;
use crate::support::{Service, TestDb, any_server};

async fn service() -> (Service, TestDb) {
    let (service, db) = (Service::start().await, TestDb::create(any_server()).await);
    let body = json!({"name": "demo", "dsn": db.dsn().expose_secret()});
    let reply = service.with("POST", "/v1/targets", body).await;
    assert_eq!(reply.status.as_u16(), 201, "{reply:?}");
    (service, db)
}

const PATH: &str = "/v1/targets/demo/concurrency/pool-plan";

fn input<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let inputs = plan["inputs"].as_array().unwrap().iter();
    inputs.clone().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {plan:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_divides_the_server_among_processes_and_says_where_each_number_is_from() {
    let (service, db) = service().await;
    let _web = session(&db, "web").await;
    let body = json!({
        "cores": 16, "pods": 8, "workers": 2, "arrival_rate": 1600.0, "service_time_ms": 10.0,
        "target_wait_ms": 5.0, "replicas": 2,
    });
    let reply = service.with("POST", PATH, body).await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    let plan = reply.json();
    assert_eq!((&plan["ceiling"], &plan["budget"]), (&json!(32), &json!(32)));
    assert_eq!((&plan["processes"], &plan["pool"]["size"]), (&json!(16), &json!(2)));
    for (name, provenance) in [
        ("cores", "given"),
        ("arrival_rate", "given"),
        ("spindles", "default"),
        ("max_connections", "observed"),
        ("other_sessions", "observed"),
        ("connections_max", "policy"),
    ] {
        assert_eq!(input(&plan, name)["provenance"], provenance, "{name}");
    }
    assert!(plan["waiting"]["mean_wait_ms"].as_f64().unwrap() > 0.0);
    let asyncpg = plan["code"]["asyncpg"].as_str().unwrap();
    assert!(asyncpg.contains("min_size=2, max_size=2"), "{asyncpg}");
    assert_eq!(plan["pgbouncer"]["verdict"], "not_needed", "{plan:#}");
    assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_stays_within_the_connection_limit_of_the_database() {
    let (service, db) = service().await;
    let _web = session(&db, "web").await;
    let limit = "do $$ begin execute format('alter database %I connection limit 25', current_database()); end $$";
    db.run(limit).await;
    let reply = service.with("POST", PATH, json!({"cores": 16, "pods": 8, "workers": 2})).await;
    let plan = reply.json();
    assert_eq!((&plan["ceiling"], &plan["budget"]), (&json!(32), &json!(20)), "{plan:#}");
    assert_eq!(input(&plan, "connection_limit")["provenance"], "observed");
    assert!(plan["formula"].as_str().unwrap().contains("connection_limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_not_known_is_invented() {
    let (service, db) = service().await;
    let _web = session(&db, "web").await;
    let reply = service.with("POST", PATH, json!({})).await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    let plan = reply.json();
    for absent in ["ceiling", "budget", "pool", "waiting", "code"] {
        assert!(plan[absent].is_null(), "{absent}: {plan:#}");
    }
    let gaps: Vec<&str> = plan["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|gap| gap["observation"].as_str())
        .collect();
    for gap in ["cores", "processes", "waiting", "session_rate"] {
        assert!(gaps.contains(&gap), "{gap}: {plan:#}");
    }
    assert_eq!(input(&plan, "pods")["provenance"], "observed");
    assert!(plan["formula"].as_str().unwrap().contains("cores * 2 + spindles"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_pods_get_a_configuration_that_names_no_server_unless_it_was_given() {
    let (service, db) = service().await;
    let mut body = json!({"cores": 16, "pods": 60, "workers": 2, "pgbouncer_version": "1.18.0"});
    let reply = service.with("POST", PATH, body.clone()).await;
    let plan = reply.json();
    let ini = plan["pgbouncer"]["ini"].as_str().unwrap_or_else(|| panic!("{plan:#}"));
    assert!(ini.contains("host=db.example.com port=5432") && ini.contains("replace"), "{ini}");
    let port = db.server.port.to_string();
    let mut numbers = reply.text.split(|c: char| !c.is_ascii_digit());
    let names_server = numbers.any(|number| number == port) || reply.text.contains(&db.name);
    assert!(!names_server, "the DSN is in it: port {port}, {}, {plan:#}", db.name);
    assert!(!plan["pgbouncer"]["known_defects"].as_array().unwrap().is_empty(), "{plan:#}");
    body["server_host"] = json!("pg.internal");
    let plan = service.with("POST", PATH, body).await.json();
    assert!(plan["pgbouncer"]["ini"].as_str().unwrap().contains("host=pg.internal"), "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_its_place() {
    let (service, _db) = service().await;
    for (body, pointer) in [
        (json!({"cores": 0}), "/cores"),
        (json!({"cores": -1}), "/cores"),
        (json!({"pods": "many"}), "/pods"),
        (json!({"arrival_rate": 0}), "/arrival_rate"),
        (json!({"service_time_ms": -3}), "/service_time_ms"),
        (json!({"server_host": "db\nauth_type = any"}), "/server_host"),
        (json!({"pgbouncer_version": "new"}), "/pgbouncer_version"),
        (json!({"spindels": 1}), "/spindels"),
    ] {
        let reply = service.with("POST", PATH, body.clone()).await;
        assert_eq!(reply.status.as_u16(), 422, "{body}: {reply:?}");
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{body}: {reply:?}");
    }
    let reply = service.with("POST", "/v1/targets/none/concurrency/pool-plan", json!({})).await;
    assert_eq!(reply.problem(), "unknown-target");
}

fn dbopt(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dbopt")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_plans_beside_its_analysis() {
    let db = TestDb::create(any_server()).await;
    let dsn = db.dsn();
    let dsn = dsn.expose_secret();
    let flags = ["concurrency", "--dsn", dsn, "--pods", "8", "--workers", "2", "--cores", "16"];
    let (status, text, _) = dbopt(&flags);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("each process: 2 connections") && text.contains("create_pool("),
        "{text}"
    );
    let (_, text, _) = dbopt(&[&flags[..], &["--format", "json"]].concat());
    let both: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(both["superpower"], "concurrency");
    assert_eq!(both["pool_plan"]["pool"]["size"], 2);
    let (_, text, _) = dbopt(&["concurrency", "--dsn", dsn, "--format", "json"]);
    assert!(serde_json::from_str::<Value>(&text).unwrap().get("pool_plan").is_none());
}

#[test]
fn application_code_is_refused_with_what_to_give_instead() {
    let dsn = "postgresql://nobody@127.0.0.1:1/none";
    let (status, out, err) =
        dbopt(&["concurrency", "--dsn", dsn, "--app-config", "src/api/config.py"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.contains("application code is not read yet"), "{err}");
    let (status, _, err) = dbopt(&["concurrency", "--dsn", dsn, "--cores", "0"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("--cores: must be from 1 to 4096"), "{err}");
}
