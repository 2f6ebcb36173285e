//! A visit, beside the same statements in psql, and with delay on the way.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use database_optimizer::analysis;
use database_optimizer::model::Superpower;
use database_optimizer::pg::Target;

use crate::process::{self, Visit, visit_apart};
use crate::statements::Recorder;
use crate::support::proxy::Proxy;
use crate::support::{TestDb, any_server};
use crate::table::{Measured, Table, median};

const ROUNDS: usize = 7;
/// Tables of the large catalog.
const TABLES: u32 = 50_000;
/// One table in so many has a GIN index.
const TABLES_A_GIN_INDEX: u32 = 10;
/// Makers at the same time.
const MAKERS: u32 = 2;
/// What the network adds to a round trip.
const DELAY: Duration = Duration::from_millis(20);

/// Tables as a warehouse has them: primary key, another index, a TOAST table, a few rows; one in ten with a GIN index.
const MAKE: &str = "create schema crowd;
create procedure crowd.make(first int, last int) language plpgsql as $$
begin
    for i in first..last loop
        execute format(
            'create table crowd.t%1$s (id bigint primary key, kind int, payload text, document jsonb);
            create index on crowd.t%1$s (kind);
            insert into crowd.t%1$s values (1, 1, ''a'', jsonb_build_object(''a'', 1)), (2, 2, ''b'', ''{}'')', i);
        if i % 10 = 0 then
            execute format('create index on crowd.t%1$s using gin (document)', i);
        end if;
        if i % 200 = 0 then commit; end if;
    end loop;
end $$";

/// A few that are large enough for a closer look and a sample.
const LARGE: &str = "create schema ml;
do $$
begin
    for i in 1..8 loop
        execute format(
            'create table ml.features_%1$s (id bigint primary key, payload text);
            insert into ml.features_%1$s
            select i, (select string_agg(md5(g::text), '''') from generate_series(1, 95) as g) || i
            from generate_series(1, 12000) as i', i);
    end loop;
end $$";

/// The least that a look at every table costs: each large catalog read once within the server, and each counter.
const FLOOR: &str = "set jit = off;
select count(*), sum(c.relpages), sum(i.indnatts) from pg_class as c left join pg_index as i on i.indexrelid = c.oid;
select count(*), sum(length(attname)) from pg_attribute;
select sum(pg_stat_get_live_tuples(oid) + pg_stat_get_dead_tuples(oid) + pg_stat_get_numscans(oid)
    + pg_stat_get_tuples_inserted(oid)) from pg_class where relkind in ('r', 't', 'i', 'm');
select count(*), sum(stanullfrac), sum(stawidth) from pg_statistic;
select count(*), sum(cardinality(conkey)) from pg_constraint;";

/// A catalog of 50,000 tables with 5,000 GIN indexes: time against psql and against the catalogs, memory, and the answer.
pub async fn measure_catalog() -> Table {
    let db = catalog().await;
    let mut table = Table::default();
    for superpower in [Superpower::Toast, Superpower::Gin] {
        against_psql(&db, superpower, &mut table).await;
    }
    against_catalogs(&db, &mut table);
    table
}

/// All superpowers in one visit, beside the same server's own reading of its catalogs.
fn against_catalogs(db: &TestDb, table: &mut Table) {
    let dsn = db.server.dsn(&db.name);
    let floor = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(floor.path(), FLOOR).unwrap();
    let (mut ratios, mut visits, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let least = psql(&dsn, &floor).as_secs_f64() * 1e3;
        let visit = visit_apart(&dsn, None);
        ratios.push(visit.target_ms / least);
        floors.push(least);
        visits.push(visit);
    }
    let of = |get: fn(&Visit) -> f64| visits.iter().map(get).collect::<Vec<f64>>();
    let detail = format!(
        "{:.0} ms of {:.0} ms; {} round trips",
        median(&of(|visit| visit.target_ms)),
        median(&floors),
        visits[0].round_trips
    );
    let what = format!("visit of {TABLES} tables for all / catalogs read in the server");
    table.at_most(3.5, Measured { what, rounds: ratios, detail });
    let what = "or that visit within 2.5 s, ms with the target".to_owned();
    let times = of(|visit| visit.target_ms);
    table.at_most(2500.0, Measured { what, rounds: times, detail: String::new() });
    let resident = of(|visit| megabytes(visit.resident_kb * 1024));
    let what = "resident in that visit for all, MB".to_owned();
    table.at_most(200.0, Measured { what, rounds: resident, detail: String::new() });
    let answers = of(|visit| megabytes(visit.answer_bytes as u64) * 1024.0);
    let what = "answer of that visit for all, KiB".to_owned();
    table.at_most(256.0, Measured { what, rounds: answers, detail: String::new() });
}

async fn against_psql(db: &TestDb, superpower: Superpower, table: &mut Table) {
    let dsn = db.server.dsn(&db.name);
    let script = recorded(db, superpower).await;
    let mut visits = Vec::new();
    let mut by_psql = Vec::new();
    for _ in 0..ROUNDS {
        by_psql.push(psql(&dsn, &script).as_secs_f64());
        visits.push(visit_apart(&dsn, Some(superpower)));
    }
    let times: Vec<f64> = visits.iter().map(|visit| visit.process.as_secs_f64()).collect();
    let ratios: Vec<f64> = times.iter().zip(&by_psql).map(|(ours, psql)| ours / psql).collect();
    let Visit { rows_read, bytes_read, round_trips, .. } = &visits[0];
    let detail = format!(
        "{:.2} s of {:.2} s; {rows_read} rows, {:.1} MB, {round_trips} round trips",
        median(&times),
        median(&by_psql),
        megabytes(*bytes_read),
    );
    let name = superpower.as_str();
    let gin = TABLES / TABLES_A_GIN_INDEX;
    let what = format!("{name} visit of {TABLES} tables, {gin} GIN indexes / psql");
    table.at_most(1.3, Measured { what, rounds: ratios, detail });
    let of = |get: fn(&Visit) -> f64| median(&visits.iter().map(get).collect::<Vec<_>>());
    let detail = format!(
        "analysis {:.0} ms, of these {:.0} ms with the target",
        of(|visit| visit.analysis_ms),
        of(|visit| visit.target_ms)
    );
    let resident: Vec<f64> =
        visits.iter().map(|visit| megabytes(visit.resident_kb * 1024)).collect();
    let what = format!("resident in that {name} visit, MB");
    table.at_most(200.0, Measured { what, rounds: resident, detail });
}

/// 20 ms of delay: half of it each way, so that every round trip takes so much longer.
pub async fn measure_delay() -> Table {
    let db = TestDb::create(any_server()).await;
    db.run(LARGE).await;
    db.run("analyze").await;
    let (near, far) = (Way::open(&db, Duration::ZERO).await, Way::open(&db, DELAY / 2).await);
    let (mut visits, mut logins) = (Vec::new(), Vec::new());
    let (mut near_times, mut far_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (quick, slow) = (near.visit().await, far.visit().await);
        visits.push((slow - quick) / DELAY.as_secs_f64());
        near_times.push(quick * 1e3);
        far_times.push(slow * 1e3);
        let (quick, slow) = (near.login_and_visit().await, far.login_and_visit().await);
        logins.push((slow - quick) / DELAY.as_secs_f64());
    }
    let detail = format!("{:.1} ms, {:.1} ms delayed", median(&near_times), median(&far_times));
    let what = "growth of a visit by 20 ms of delay, in delays".to_owned();
    let mut table = Table::default();
    table.at_most(4.0, Measured { what, rounds: visits, detail });
    let what = "the same with its login".to_owned();
    table.told(Measured { what, rounds: logins, detail: String::new() });
    table
}

/// A way to the target, with a connection that is logged in.
struct Way {
    dsn: String,
    target: Target,
}

impl Way {
    async fn open(db: &TestDb, each_way: Duration) -> Self {
        let port = Proxy::start(db.server.port, each_way).await.port;
        let dsn = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name);
        let way = Self { target: target(&dsn), dsn };
        way.visit().await;
        way
    }

    async fn visit(&self) -> f64 {
        seconds(&self.target).await
    }

    async fn login_and_visit(&self) -> f64 {
        seconds(&target(&self.dsn)).await
    }
}

fn target(dsn: &str) -> Target {
    Target::open("bench", &dsn.to_owned().into(), None).unwrap()
}

async fn seconds(target: &Target) -> f64 {
    let begun = Instant::now();
    let analysis =
        analysis::analyse(target, &process::request(Some(Superpower::Toast))).await.unwrap();
    // Sampling is the third round trip: nothing was left out.
    assert_eq!(analysis.cost.round_trips, 3, "{:#?}", analysis.gaps);
    begun.elapsed().as_secs_f64()
}

async fn catalog() -> TestDb {
    let db = TestDb::create(any_server()).await;
    let begun = Instant::now();
    db.run(MAKE).await;
    let each = TABLES / MAKERS;
    let made = (0..MAKERS).map(|maker| {
        let call = format!("call crowd.make({}, {})", maker * each + 1, (maker + 1) * each);
        run_apart(&db, call)
    });
    futures_util::future::join_all(made).await;
    db.run(LARGE).await;
    db.run("analyze").await;
    db.run("vacuum pg_class, pg_attribute, pg_index, pg_depend, pg_statistic").await;
    let tables = db
        .text("select count(*)::text from pg_class where relkind = 'r' and reltoastrelid <> 0")
        .await;
    eprintln!("{tables} tables with a TOAST table made in {:.0} s", begun.elapsed().as_secs_f64());
    db
}

async fn run_apart(db: &TestDb, sql: String) {
    let dsn = db.server.dsn(&db.name);
    let (client, connection) = tokio_postgres::connect(&dsn, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&sql).await.unwrap();
}

/// The statements of a visit, as they went to the server.
async fn recorded(db: &TestDb, superpower: Superpower) -> tempfile::NamedTempFile {
    let recorder = Recorder::start(db.server.port).await;
    let way =
        db.server.dsn(&db.name).replace(&db.server.port.to_string(), &recorder.port.to_string());
    let request = process::request(Some(superpower));
    analysis::analyse(&target(&format!("{way}?sslmode=disable")), &request).await.unwrap();
    let script = recorder.script();
    let own = if superpower == Superpower::Gin { "explain select" } else { "tablesample" };
    assert!(script.contains("pg_class") && script.contains(own), "{script}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    file
}

fn psql(dsn: &str, script: &tempfile::NamedTempFile) -> Duration {
    let begun = Instant::now();
    let output = Command::new("psql")
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f"])
        .arg(script.path())
        .stdout(Stdio::null())
        .output()
        .expect("psql is there: scripts/bench installs it");
    let time = begun.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    time
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
