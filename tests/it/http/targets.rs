//! The registry of targets.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::Service;

const DSN: &str = "postgresql://ada:hush@db.invalid:5999/warehouse";

#[tokio::test]
async fn a_target_is_registered_shown_changed_and_forgotten_and_its_dsn_never_shown() {
    let service = Service::start().await;
    let body = json!({"name": "warehouse", "dsn": DSN, "lab": DSN, "replicas": [DSN],
                      "labels": {"team": "ml"}, "policy": {"toast_share_max": 0.2}});
    let created = service.with("POST", "/v1/targets", body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    assert_eq!(created.header("location"), "/v1/targets/warehouse");

    let shown = service.get("/v1/targets/warehouse").await;
    let target = shown.json();
    assert_eq!(target["dsn"], json!({"kind": "stored"}));
    assert_eq!((&target["replicas"], &target["lab"]), (&json!(1), &json!(true)));
    assert_eq!(target["model_version"], "v1");

    let change = json!({"model_version": "v2", "lab": null});
    let changed = service.with("PATCH", "/v1/targets/warehouse", change).await;
    assert_eq!((changed.status, &changed.json()["lab"]), (StatusCode::OK, &json!(false)));
    assert_eq!(changed.json()["labels"], json!({"team": "ml"}), "what was not given stays");

    let listed = service.get("/v1/targets").await;
    assert_eq!(listed.json()["items"][0]["model_version"], "v2");
    for reply in [&created, &shown, &changed, &listed] {
        for secret in ["hush", "ada", "db.invalid", "5999"] {
            assert!(!reply.text.contains(secret), "{reply:?}");
        }
    }

    let gone = service.with("DELETE", "/v1/targets/warehouse", json!(null)).await;
    assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let missing = service.get("/v1/targets/warehouse").await;
    assert_eq!((missing.status.as_u16(), missing.problem().as_str()), (404, "unknown-target"));
    let missing = service.with("DELETE", "/v1/targets/warehouse", json!(null)).await;
    assert_eq!(missing.problem(), "unknown-target");
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_loss() {
    let service = Service::start().await;
    for name in ["c", "a", "e", "b", "d"] {
        service.register(name, DSN).await;
    }
    let mut names = Vec::new();
    let mut path = "/v1/targets?limit=2".to_owned();
    for _ in 0..3 {
        let page = service.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/targets?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_named_with_its_place() {
    let service = Service::start().await;
    service.register("taken", DSN).await;
    for (body, status, pointer, mend) in [
        (json!({"name": "a"}), 422, "/dsn", "exactly one of dsn, dsn_env and dsn_file"),
        (json!({"name": "a", "dsn": DSN, "dsn_env": "A"}), 422, "/dsn", "exactly one"),
        (json!({"name": "A b", "dsn": DSN}), 422, "/name", "lower-case letters"),
        (json!({"dsn": DSN}), 422, "", "missing field `name`"),
        (json!({"name": "a", "dns": DSN}), 422, "/dns", "unknown field `dns`"),
        (json!({"name": "a", "dsn": "mysql://hush"}), 422, "/dsn", "postgresql://"),
        (json!({"name": "a", "dsn": {"hush": 1}}), 422, "/dsn", "must be"),
        (json!({"name": "a", "dsn": DSN, "lab": "hush"}), 422, "/lab", "postgresql://"),
        (json!({"name": "a", "dsn": DSN, "replicas": [DSN, ""]}), 422, "/replicas/1", "no host"),
        (
            json!({"name": "a", "dsn": DSN, "policy": {"toast_share_mx": 1}}),
            422,
            "/policy/toast_share_mx",
            "did you mean `toast_share_max`",
        ),
        (
            json!({"name": "a", "dsn": DSN, "policy": {"toast_share_max": -1}}),
            422,
            "/policy/toast_share_max",
            "0 or more",
        ),
        (
            json!({"name": "a", "dsn": DSN, "model_version": "a:b"}),
            422,
            "/model_version",
            "letters",
        ),
        (json!({"name": "a", "dsn_file": "relative"}), 422, "/dsn_file", "absolute"),
        (json!({"name": "a", "dsn_env": "DBOPT_SECRET_KEY"}), 422, "/dsn_env", "secret"),
    ] {
        let reply = service.with("POST", "/v1/targets", body).await;
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        assert_eq!(reply.problem(), "invalid-request");
        let fault = &reply.json()["errors"][0];
        assert_eq!(fault["pointer"], pointer, "{reply:?}");
        assert!(fault["detail"].as_str().unwrap().contains(mend), "{reply:?}");
        assert!(!reply.text.contains("hush"), "{reply:?}");
    }
    let again = service.with("POST", "/v1/targets", json!({"name": "taken", "dsn": DSN})).await;
    assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "name-taken"));
}

#[tokio::test]
async fn a_parameter_with_a_character_that_no_database_stores_is_refused() {
    let service = Service::start().await;
    service.register("a", DSN).await;
    for query in ["hybrid-schema/keys?table=%00", "toast?table=a%00", "toast?%00=1"] {
        let reply = service.get(&format!("/v1/targets/a/{query}")).await;
        assert_eq!(reply.problem(), "invalid-request", "{query}: {reply:?}");
    }
}

#[tokio::test]
async fn hosts_outside_the_allowed_ones_are_refused() {
    let service = Service::configured(&[("allowed_hosts", "127.0.0.1,*.example.com")]).await;
    let reply = service.with("POST", "/v1/targets", json!({"name": "a", "dsn": DSN})).await;
    assert_eq!(reply.problem(), "invalid-request");
    assert!(reply.text.contains("DBOPT_ALLOWED_HOSTS") && !reply.text.contains("db.invalid"));
    service.register("inside", "postgresql://ada@db.example.com/warehouse").await;
}
