//! Every check's page is a test: its first example must be found, its second must not. Each recommended
//! statement is run, must clear the finding, and is undone exactly. A check that cannot judge yet has an example that leaves a
//! gap instead.

mod recorded;
mod renamed;

use std::path::PathBuf;

use database_optimizer::analysis::{self, PlanText, Request, decode};
use database_optimizer::checks::{self, Check};
use database_optimizer::model::{Analysis, ReportedFinding, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::support::advice::{advice, clears_and_is_undone, clears_and_is_undone_under, finding};
use crate::support::words::faults_of;
use crate::support::{
    Own, TestDb, TestServer, members_for, own_server, registered, request_of, server, shadow,
    workload,
};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_page_holds(
    #[files("*/*.md")]
    #[base_dir = "src/checks"]
    page: PathBuf,
) {
    let mut parts = page.iter().rev().map(|part| part.to_str().unwrap().replace('_', "-"));
    let (file, superpower) = (parts.next().unwrap(), parts.next().unwrap());
    let id = format!("{superpower}/{}", file.trim_end_matches(".md"));
    let check = checks::find(&id).unwrap();
    let mut runs = JoinSet::new();
    let needs = Example::first(check).needs;
    // What SQL alone cannot plant has a test of its own.
    if needs == Some("test") {
        return;
    }
    for member in members_for(&id, needs) {
        let own = Own { purpose: &id.replace('/', "-"), ..Own::default() };
        let found =
            if needs == Some("own-server") { own_server(&member, &own) } else { server(&member) };
        let Some(server) = found else { continue };
        runs.spawn(holds_on(server, check));
    }
    runs.join_all().await;
}

async fn holds_on(server: &'static TestServer, check: &'static Check) {
    let (id, member) = (check.id, &server.name);
    if Example::first(check).explain.is_some() {
        return plan_holds_on(server, check).await;
    }
    let (_, silent, _) = run(server, check, &Example::of(check, "Stays silent")).await;
    assert!(
        finding(&silent, id).is_none(),
        "{member}: {id} fires on its silent example: {silent:#?}"
    );

    let fires = Example::first(check);
    let (mut db, analysis, _open) = run(server, check, &fires).await;
    if check.page.contains(GAP) {
        let gap = analysis.gaps.iter().find(|gap| !silent.gaps.contains(gap) && gap.lift.is_some());
        assert!(gap.is_some(), "{member}: {id} leaves no gap: {analysis:#?}");
        return;
    }
    let Some(found) = finding(&analysis, id) else {
        panic!("{member}: {id} does not fire: {analysis:#?}");
    };
    holds_alone(&db, check, &fires, found).await;
    for recommendation in advice(&analysis, found) {
        let request = fires.request(&db, check).await;
        clears_and_is_undone(&mut db, &request, found, recommendation).await;
    }
}

/// Asked for alone, a check says the same: what it looks at is what it names.
async fn holds_alone(db: &TestDb, check: &Check, fires: &Example, found: &ReportedFinding) {
    let mut request = fires.request(db, check).await;
    request.scope.checks.push(check.id.to_owned());
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let alone = analysis::run(&target, &request).await.unwrap().analysis;
    let said = |found: &ReportedFinding| (found.object.clone(), found.severity, found.confidence);
    assert_eq!(finding(&alone, check.id).map(said), Some(said(found)), "{}: {alone:#?}", check.id);
    let unasked = alone.gaps.iter().find(|gap| gap.detail.contains("was not asked to look"));
    assert!(unasked.is_none(), "{}: {unasked:#?}", check.id);
}

/// A check of plans is shown the plan of a statement, as JSON and as text.
async fn plan_holds_on(server: &'static TestServer, check: &'static Check) {
    for (heading, fires) in [("Fires", true), ("Stays silent", false)] {
        let example = Example::of(check, heading);
        for (format, text) in explained(server, &example).await {
            let (id, member) = (check.id, &server.name);
            recorded::record(check, &example, member, &text);
            let mut request = request_of(check.superpower, &example.set);
            request.scope.checks.push(id.to_owned());
            let decoded = decode(request, plan_text(text.clone())).await;
            let decoded = decoded.unwrap_or_else(|e| panic!("{member}: {e}\n{text}"));
            let found = decoded.plans().iter().flat_map(|plan| &plan.findings).next();
            assert_eq!(
                found.is_some(),
                fires,
                "{member}: {id}, {heading}, {format}: {found:#?}\n{text}"
            );
            let message = found.map_or("", |found| found.message.as_str());
            assert!(message.len() < 220 && !message.ends_with('.'), "{message}");
        }
    }
}

fn plan_text(plan: String) -> PlanText {
    PlanText { plan, before: None, partial: false, findings_max: 9 }
}

/// The plan of the example's statement in both formats, each of a database of its own.
async fn explained(server: &'static TestServer, example: &Example) -> Vec<(&'static str, String)> {
    let statement = example.explain.unwrap();
    let mut plans = Vec::new();
    for format in ["json", "text"] {
        // What one run changes, and the pages that it marks as all-visible, must not be there for the other.
        let db = TestDb::create(server).await;
        for statement in example.statements() {
            db.run(statement.trim()).await;
        }
        let sql = format!("explain (analyze, buffers, settings, format {format}) {statement}");
        let rows = db.client.simple_query(&sql).await.unwrap();
        let line = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        let lines: Vec<String> = rows.into_iter().filter_map(line).collect();
        plans.push((format, lines.join("\n")));
    }
    plans
}

/// The same as a superuser, in a database where someone else made objects with the names of PostgreSQL's own, and of
/// those of pgvector, which is in a schema of its own.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_a_page_uses_what_others_put_into_the_search_path(
    #[values("pg15", "deb19")] member: &str,
    #[files("*/mod.rs")]
    #[base_dir = "src/checks"]
    folder: PathBuf,
) {
    let folder = folder.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let superpower: Superpower = folder.replace('_', "-").parse().unwrap();
    let mut tried = 0;
    for check in checks::all().filter(|check| check.superpower == superpower) {
        if let Some(server) = offered(check, member, "shadows") {
            tried += holds_among_shadows(server, check).await;
        }
    }
    // No pgvector is there for 19.
    assert!(
        tried > 0 || (superpower, member) == (Superpower::Vector, "deb19"),
        "{tried} of {superpower:?}"
    );
}

/// The server of an example that fires there; one of its own is for this purpose.
fn offered(check: &Check, member: &str, purpose: &str) -> Option<&'static TestServer> {
    let needs = Example::first(check).needs;
    // A plan that is judged has no statement to run.
    if check.page.contains(GAP) || needs == Some("test") || Example::first(check).explain.is_some()
    {
        return None;
    }
    let offered = members_for(check.id, needs).iter().any(|other| other == member);
    let purpose = format!("{purpose}-{}", check.id.replace('/', "-"));
    let own = Own { purpose: &purpose, ..Own::default() };
    match needs {
        _ if !offered => None,
        Some("own-server") => own_server(member, &own),
        _ => server(member),
    }
}

/// How many recommendations hold.
async fn holds_among_shadows(server: &'static TestServer, check: &'static Check) -> u32 {
    let fires = Example::of(check, "Fires").with_extension_in("ext");
    let (mut db, analysis, _open) = run(server, check, &fires).await;
    let found = finding(&analysis, check.id).unwrap();
    let recommendations = advice(&analysis, found);
    shadow::plant(&db, &recommendations).await;
    let request = fires.request(&db, check).await;
    let mut tried = 0;
    for recommendation in recommendations {
        for path in shadow::PATHS {
            let tried = (recommendation, *path);
            clears_and_is_undone_under(&mut db, &request, found, tried).await;
            // What is not undone cannot be done again.
            if recommendation.undo.is_empty() {
                break;
            }
        }
        tried += 1;
    }
    shadow::assert_unused(&db).await;
    tried
}

/// The heading of an example that a check cannot judge yet.
const GAP: &str = "## Leaves a gap";

async fn run(
    server: &'static TestServer,
    check: &Check,
    example: &Example,
) -> (TestDb, Analysis, Vec<Client>) {
    let mut db = TestDb::create(server).await;
    for statement in example.statements() {
        db.run_next(statement.trim()).await;
    }
    db.settle().await;
    let open = example.open_sessions(&db).await;
    let request = example.request(&db, check).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let run = analysis::run(&target, &request).await.unwrap();
    assert_eq!(faults_of(&run.analysis), Vec::<String>::new(), "{}", check.id);
    recorded::record(check, example, &server.name, &run.snapshot);
    (db, run.analysis, open)
}

/// A runnable example of a page: its SQL, sessions that stay open, the statements that an application runs, the contract of
/// a column, what the server must offer, and thresholds that differ.
struct Example {
    heading: String,
    sql: &'static str,
    sessions: Option<Sessions>,
    workload: Option<&'static str>,
    /// The column, and the contract that is registered for it.
    contract: Option<(&'static str, &'static str)>,
    needs: Option<&'static str>,
    /// The statement whose plan is judged.
    explain: Option<&'static str>,
    set: Vec<(&'static str, f64)>,
}

/// Sessions beside the one that runs the example's SQL: `sessions=COUNT role=ROLE application=the rest of the line`.
struct Sessions {
    count: usize,
    role: &'static str,
    application: &'static str,
    sql: &'static str,
}

impl Sessions {
    fn read(fence: &'static str) -> Self {
        let (info, rest) = fence.split_once('\n').unwrap();
        let (words, application) = info.split_once(" application=").unwrap_or((info, ""));
        let (count, role) = words.split_once(" role=").unwrap();
        let sql = rest.split_once("```").unwrap().0;
        Self { count: count.parse().unwrap(), role, application, sql }
    }
}

impl Example {
    fn first(check: &Check) -> Self {
        Self::of(check, if check.page.contains(GAP) { "Leaves a gap" } else { "Fires" })
    }

    fn of(check: &Check, heading: &str) -> Self {
        let section = check.page.split_once(&format!("## {heading}\n\n```sql")).unwrap().1;
        let (info, rest) = section.split_once('\n').unwrap();
        let (sql, rest) = rest.split_once("\n```").unwrap();
        let (rest, _) = rest.split_once("\n## ").unwrap_or((rest, ""));
        let fence = ["```csv\n", "```text\n"].into_iter().find_map(|fence| rest.split_once(fence));
        let workload = fence.map(|(_, rest)| rest.split_once("```").unwrap().0);
        let sessions = rest.split_once("```sql sessions=").map(|(_, rest)| Sessions::read(rest));
        let contract = rest.split_once("```json column=").map(|(_, rest)| {
            let (column, rest) = rest.split_once('\n').unwrap();
            (column, rest.split_once("```").unwrap().0)
        });
        let explain =
            rest.split_once("```explain\n").map(|(_, rest)| rest.split_once("```").unwrap().0);
        let words = || info.split_whitespace();
        let set = words().filter_map(|word| word.strip_prefix("set=")?.split_once('='));
        Self {
            heading: heading.to_owned(),
            sql,
            sessions,
            workload,
            contract,
            needs: words().find_map(|word| word.strip_prefix("needs=")),
            explain: explain.map(str::trim),
            set: set.map(|(name, value)| (name, value.parse().unwrap())).collect(),
        }
    }

    /// With pgvector in another schema than `public`, which examples that need it name.
    fn with_extension_in(self, schema: &str) -> Self {
        if self.needs != Some("vector") {
            return self;
        }
        let moved = |text: &str| -> &'static str {
            let extension = "create extension vector schema public";
            let made = format!("create schema {schema};\ncreate extension vector schema {schema}");
            text.replace(extension, &made).replace("public.", &format!("{schema}.")).leak()
        };
        Self { sql: moved(self.sql), workload: self.workload.map(moved), ..self }
    }

    async fn request(&self, db: &TestDb, check: &Check) -> Request {
        let mut request = request_of(check.superpower, &self.set);
        if check.page.contains(GAP) {
            // A gap says no check that it is of.
            request.scope.checks.push(check.id.to_owned());
        }
        if let Some((column, schema)) = self.contract {
            request.contracts.push(registered(column, schema));
        }
        if let Some(statements) = self.workload {
            request.workload = Some(workload(db, statements).await);
        }
        request
    }

    /// Sessions that stay open behind the example's SQL, each after its own statements.
    async fn open_sessions(&self, db: &TestDb) -> Vec<Client> {
        let Some(Sessions { count, role, application, sql }) = &self.sessions else {
            return Vec::new();
        };
        let mut open = Vec::new();
        for _ in 0..*count {
            let dsn = db.server.dsn(&db.name).replacen("postgres@", &format!("{role}@"), 1);
            let mut config: tokio_postgres::Config = dsn.parse().unwrap();
            config.application_name(*application);
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
            open.push(client);
        }
        open
    }

    /// Each alone: VACUUM runs outside a transaction block.
    fn statements(&self) -> Vec<&'static str> {
        pg_query::split_with_scanner(self.sql).unwrap_or_else(|why| panic!("{why}: {}", self.sql))
    }
}
