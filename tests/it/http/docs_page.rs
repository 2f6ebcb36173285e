//! Swagger UI as a person uses it: in a real browser.

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::{Service, TestDb, any_server};

/// Opens an operation, fills in the target, and executes it. Elements are looked up each time, because the page replaces them.
const EXECUTE: &str = "
    const part = (selector) => document.querySelector('.opblock[id$=\"-toast\"] ' + selector);
    (await until('operation', () => part('.opblock-summary-control'))).click();
    const field = await until('field', () => part('tr[data-param-name=\"target\"] input:not([disabled])'));
    field.focus();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, 'warehouse');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.blur();
    (await until('Execute', () => part('.execute'))).click();
    const text = async (selector) => (await until(selector, () => part(selector))).innerText.trim();
    return {
        body: await text('.live-responses-table .response .highlight-code pre'),
        address: await text('.request-url pre'),
        status: (await text('.live-responses-table .response .response-col_status')).slice(0, 3),
    };";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_executes_an_analysis_in_swagger_ui_and_sends_no_threshold() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    service.register("warehouse", db.server.dsn(&db.name).as_str()).await;
    let address = service.listen().await;
    let used = tokio::task::spawn_blocking(move || {
        Some(Browser::open(&format!("http://{address}/docs/"))?.run(EXECUTE))
    });
    let Some(used) = used.await.unwrap() else { return };
    assert_eq!(used["address"], format!("http://{address}/v1/targets/warehouse/toast"));
    assert_eq!(used["status"], "200", "{used:#}");
    let body: Value = serde_json::from_str(used["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["target"], &body["superpower"]), (&"warehouse".into(), &"toast".into()));
}
