//! Plans that are decoded over HTTP.

use axum::http::StatusCode;
use serde_json::json;

use super::PLAN;
use crate::support::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_plan_is_decoded_over_http_and_compared_with_an_earlier_one() {
    let service = Service::start().await;
    let reply = service.with("POST", "/v1/plan/decode", json!({"plan": PLAN})).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let plan = reply.json();
    assert_eq!(plan["format"], "text");
    assert_eq!(plan["source"], "pasted");
    assert_eq!(plan["plan"]["children"][0]["children"][1]["id"], 3);
    assert_eq!(plan["plan"]["children"][0]["children"][0]["estimate_factor"], 1000.0);
    assert_eq!(plan["summary"]["temp_bytes"], 512 * 8192);

    let two = service.with("POST", "/v1/plan/decode", json!({"plan": format!("{PLAN}\n{PLAN}")}));
    assert_eq!(two.await.json()["plans"].as_array().map(Vec::len), Some(2));

    let after = PLAN.replace("Nested Loop", "Hash Join");
    let body = json!({"plan": after, "before": PLAN});
    let compared = service.with("POST", "/v1/plan/decode", body).await.json();
    let change = &compared["comparison"]["changes"][0];
    assert_eq!(change["about"], "o, p", "{compared:#}");
    assert_eq!((&change["before"], &change["after"]), (&json!("Nested Loop"), &json!("Hash Join")));

    let other = "Seq Scan on lines l  (cost=0.00..18.50 rows=850 width=72)";
    let body = json!({"plan": other, "before": PLAN});
    let compared = service.with("POST", "/v1/plan/decode", body).await.json();
    assert_eq!(compared.get("comparison"), None, "{compared:#}");
    let gaps = compared["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["observation"] == "plan.comparison").unwrap();
    assert_eq!(gap["lift"], "send two plans of one statement");

    let number = service.with("POST", "/v1/plan/decode", json!({"plan": PLAN, "before": 5})).await;
    assert_eq!(number.json()["errors"][0]["pointer"], "/before", "{number:?}");

    let value = json!([{"Plan": {"Node Type": "Result", "Startup Cost": 0.0, "Total Cost": 0.01, "Plan Rows": 1, "Plan Width": 4}}]);
    let as_it_is = service.with("POST", "/v1/plan/decode", json!({"plan": value})).await;
    assert_eq!(as_it_is.json()["format"], "json", "{as_it_is:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_problem_with_its_place_and_without_its_text() {
    let service = Service::start().await;
    let cut = "[{\"Plan\": {\"Node Type\": \"Seq Scan\",\n \"Filter\": \"secret";
    let reply = service.with("POST", "/v1/plan/decode", json!({"plan": cut})).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.problem(), "unreadable-plan");
    assert!(reply.text.contains("line 2, column") && !reply.text.contains("secret"), "{reply:?}");
    for body in [
        json!({"plan": 5}),
        json!({"plan": PLAN, "nothing": 1}),
        json!({"plan": PLAN, "findings_max": 0}),
        json!({}),
    ] {
        let reply = service.with("POST", "/v1/plan/decode", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
    }
    let path = "/v1/plan/decode?refresh=true";
    let reply = service.with("POST", path, json!({"plan": PLAN})).await;
    assert_eq!(reply.problem(), "invalid-request");
}
