//! The page at `/plan/`: served from here alone, and drawn by a browser that may load nothing else.

use std::process::Command;

use crate::support::{Service, browser};

const PLAN: &str = "Sort  (cost=900.00..901.00 rows=20 width=8) (actual time=900.0..950.0 rows=20000 loops=1)
  Sort Key: o.note
  Sort Method: external merge  Disk: 4096kB
  ->  Seq Scan on orders o  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows=20000 loops=1)
Execution Time: 960.000 ms
";

#[tokio::test]
async fn the_page_loads_what_is_ours_alone_and_says_what_it_is_made_of() {
    let service = Service::start().await;
    assert_eq!(service.get("/plan").await.header("location"), "/plan/");
    let page = service.get("/plan/").await;
    assert!(!page.text.contains("style=") && !page.text.contains("<style"), "{}", page.text);
    let addresses = page.text.split("src=\"").skip(1).chain(page.text.split("href=\"").skip(1));
    let mut seen = 0;
    for address in addresses.map(|rest| rest.split('"').next().unwrap()) {
        let Some(name) = address.strip_prefix("./") else {
            assert!(["/docs/", "data:,"].contains(&address), "{address}");
            continue;
        };
        let file = service.get(&format!("/plan/{name}")).await;
        assert_eq!(file.status.as_u16(), 200, "{name}");
        assert!(file.text.len() > 40, "{name}");
        let policy = file.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        seen += 1;
    }
    assert_eq!(seen, 6, "{}", page.text);
    let licences = service.get("/plan/LICENSES.txt").await.text;
    for maker in ["Dalibo", "Evan", "Bootstrap"] {
        assert!(licences.contains(maker), "{maker}");
    }
    assert_eq!(service.get("/plan/vendor").await.problem(), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_draws_the_plan_of_the_answer_and_nothing_is_refused_to_it() {
    let Some(browser) = browser::command() else { return };
    let service = Service::start().await;
    let address = service.listen().await;
    let home = tempfile::tempdir().unwrap();
    let text = percent_encoding::utf8_percent_encode(PLAN, percent_encoding::NON_ALPHANUMERIC);
    let profile = format!("--user-data-dir={}", home.path().display());
    let page = format!("http://{address}/plan/#text={text}");
    let draw = move || {
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--enable-logging=stderr",
        ];
        let draw = ["--virtual-time-budget=20000", "--dump-dom"];
        Command::new(browser).args(flags).args(draw).args([profile, page]).output().unwrap()
    };
    let drawn = tokio::task::spawn_blocking(draw).await.unwrap();
    let (page, log) =
        (String::from_utf8_lossy(&drawn.stdout), String::from_utf8_lossy(&drawn.stderr));
    // pev2 made an element for each node of the answer, and the page a line for what was found.
    assert_eq!(page.matches("plan-node-body").count(), 2, "{log}\n{page}");
    assert!(page.contains("<li>medium: Sort"), "{log}\n{page}");
    assert!(!log.contains("Content Security Policy"), "{log}");
}
