//! A cached analysis over HTTP, beside a bare handler that returns the same bytes and a bare Redis GET of them.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use database_optimizer::http;
use database_optimizer::store::KeyScope;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;

use crate::bare_redis::Redis;
use crate::load::{self, Rate, Shot};
use crate::support::{Service, TestDb, any_server};
use crate::table::{Measured, Table, median};

/// Rounds, each of which asks everything once: what disturbs the machine disturbs neighbours alike.
const ROUNDS: usize = 9;
/// Kept-alive connections of a load.
const CONNECTIONS: [u32; 3] = [1, 16, 64];
/// Bare GETs in a round, so that it takes about as long as the others.
const REDIS_REQUESTS: [u32; 3] = [40_000, 200_000, 200_000];

const PATH: &str = "/v1/targets/demo/toast";

/// Tables that are worth an analysis: documents out of line that are read back again and again.
const WAREHOUSE: &str = "create schema ml;
do $$
begin
    for i in 1..4 loop
        execute format(
            'create table ml.features_%1$s (id bigint primary key, score real, payload text);
            alter table ml.features_%1$s alter payload set storage external;
            insert into ml.features_%1$s
            select i, i, (select string_agg(md5(g::text), '''') from generate_series(1, 95) as g) || i
            from generate_series(1, 12000) as i', i);
    end loop;
end $$";

/// What is read back.
const READ: &str = "select sum(hashtext(payload)) from ml.features_1;
select sum(hashtext(payload)) from ml.features_2;
select sum(hashtext(payload)) from ml.features_3;
select sum(hashtext(payload)) from ml.features_4";

/// Measure everything over HTTP.
pub async fn measure() -> Table {
    log_as_the_service_does();
    let db = warehouse().await;
    let mut table = Table::default();
    in_process(&mut table, &db).await;
    through_redis(&mut table, &db).await;
    table
}

/// Load on a cached answer alone, for a profiler to watch.
pub async fn load_cached() {
    log_as_the_service_does();
    let db = warehouse().await;
    let service = Served::start(&db, &[]).await;
    for _ in 0..5 {
        let Rate { per_second, cpu_us } = service.cached.rate(16);
        println!("{per_second:.0} a second, {cpu_us:.1} us of processor time each");
    }
}

async fn warehouse() -> TestDb {
    let mut db = TestDb::create(any_server()).await;
    db.run(WAREHOUSE).await;
    db.run("analyze").await;
    for _ in 0..3 {
        db.run(READ).await;
    }
    db.settle().await;
    db
}

/// With the in-process cache: the body, 304, and the body as clients of the field ask for it.
async fn in_process(table: &mut Table, db: &TestDb) {
    let service = Served::start(db, &[]).await;
    let (bare, body) = service.bare_twin().await;
    let tag = load::header(&service.hit().await.0, "etag").to_owned();
    let unchanged = service.shot(vec![("if-none-match", tag)]);
    let (head, empty) = unchanged.once().await;
    assert!(head.starts_with("HTTP/1.1 304") && empty.is_empty(), "{head}");
    let squeezed = service.shot(vec![("accept-encoding", "gzip, deflate, br".to_owned())]);

    for connections in CONNECTIONS {
        let subjects = [&bare, &service.cached, &unchanged, &squeezed];
        let rates = interleaved(|subject| subjects.get(subject).map(|s| s.rate(connections)));
        let measured = |what: &str, subject: usize| Measured {
            what: format!("{what} / bare handler, {connections} connections"),
            rounds: ratios(&rates, subject, 0),
            detail: format!("{}, {} bytes", told(&rates, subject, 0), body.len()),
        };
        table.at_least(0.8, measured("cached", 1));
        table.at_least(0.9, measured("304", 2));
        table.told(measured("cached, compressed", 3));
    }
}

/// With Redis alone: nothing is held in process.
async fn through_redis(table: &mut Table, db: &TestDb) {
    let redis = Redis::start().await;
    let url = redis.url();
    let settings = [("cache_capacity_bytes", "0"), ("redis_url", url.as_str())];
    let service = Served::start(db, &settings).await;
    service.hit().await;
    let key = redis.only_key().await;
    let bare = bare_get(&redis, &key).await;
    for (connections, requests) in CONNECTIONS.into_iter().zip(REDIS_REQUESTS) {
        let rates = interleaved(|subject| match subject {
            0 => Some(Rate { per_second: redis.rate(&key, connections, requests), cpu_us: 0.0 }),
            1 => Some(bare.rate(connections)),
            2 => Some(service.cached.rate(connections)),
            _ => None,
        });
        let measured = |what: &str, floor: usize| Measured {
            what: format!("cached in Redis / {what}, {connections} connections"),
            rounds: ratios(&rates, 2, floor),
            detail: told(&rates, 2, floor),
        };
        table.at_least(0.5, measured("bare GET", 0));
        table.told(measured("bare handler that GETs", 1));
    }
}

/// The service on a port of its own, with an API key as in production, and a target registered.
struct Served {
    _service: Service,
    cached: Shot,
}

impl Served {
    async fn start(db: &TestDb, settings: &[(&'static str, &str)]) -> Self {
        let service = Service::configured(settings).await;
        service.register("demo", db.dsn().expose_secret()).await;
        let (_, token) = service.app.store().create_key("bench", &[KeyScope::Read]).await.unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = http::bind(service.app.clone(), loopback).await.unwrap();
        let address = bound.address();
        tokio::spawn(bound.serve(std::future::pending()));
        let headers = vec![("authorization", format!("Bearer {}", token.expose_secret()))];
        let cached = Shot { address, path: PATH.to_owned(), headers };
        let (head, _) = cached.once().await;
        assert!(load::header(&head, "x-cache") == "miss", "{head}");
        // Redis is written to in the background.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Self { _service: service, cached }
    }

    /// The same request with more headers.
    fn shot(&self, more: Vec<(&'static str, String)>) -> Shot {
        let headers = self.cached.headers.iter().cloned().chain(more).collect();
        Shot { address: self.cached.address, path: self.cached.path.clone(), headers }
    }

    /// An answer from the cache.
    async fn hit(&self) -> (String, Vec<u8>) {
        let (head, body) = self.cached.once().await;
        assert!(
            head.starts_with("HTTP/1.1 200") && load::header(&head, "x-cache") == "hit",
            "{head}"
        );
        (head, body)
    }

    /// A handler that returns the bytes of a hit, and nothing else.
    async fn bare_twin(&self) -> (Shot, Bytes) {
        let body = Bytes::from(self.hit().await.1);
        let answer = |State(body): State<Bytes>| async move {
            ([(header::CONTENT_TYPE, "application/json")], body)
        };
        let router = Router::new().route(PATH, get(answer)).with_state(body.clone());
        (serve(router).await, body)
    }
}

/// A handler that GETs the same value from Redis for each request, and nothing else.
async fn bare_get(redis: &Redis, key: &str) -> Shot {
    let (connection, key) = (redis.connect().await.unwrap(), key.to_owned());
    let answer = move || async move {
        let mut connection = connection;
        let value: Vec<u8> = redis::cmd("GET").arg(key).query_async(&mut connection).await.unwrap();
        ([(header::CONTENT_TYPE, "application/json")], value)
    };
    serve(Router::new().route(PATH, get(answer))).await
}

async fn serve(router: Router) -> Shot {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    Shot { address, path: PATH.to_owned(), headers: Vec::new() }
}

/// Rates of each subject in every round.
fn interleaved(rate: impl Fn(usize) -> Option<Rate>) -> Vec<Vec<Rate>> {
    let mut rates: Vec<Vec<Rate>> = Vec::new();
    for _ in 0..ROUNDS {
        let round = (0..).map_while(&rate);
        for (subject, rate) in round.enumerate() {
            if rates.len() == subject {
                rates.push(Vec::new());
            }
            rates[subject].push(rate);
        }
    }
    rates
}

/// A subject beside another one, round by round.
fn ratios(rates: &[Vec<Rate>], subject: usize, floor: usize) -> Vec<f64> {
    let rounds = rates[subject].iter().zip(&rates[floor]);
    rounds.map(|(ours, floor)| ours.per_second / floor.per_second).collect()
}

fn told(rates: &[Vec<Rate>], subject: usize, floor: usize) -> String {
    let of = |subject: usize, get: fn(&Rate) -> f64| {
        median(&rates[subject].iter().map(get).collect::<Vec<_>>())
    };
    let [ours, floors] = [subject, floor].map(|subject| of(subject, |rate| rate.per_second));
    let [cpu, floors_cpu] = [subject, floor].map(|subject| of(subject, |rate| rate.cpu_us));
    format!(
        "{ours:.0} of {floors:.0} a second, {cpu:.1} us of processor time, floor {floors_cpu:.1}"
    )
}

/// Logs are written as in service, to a file that no one reads.
fn log_as_the_service_does() {
    let log = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    tracing_subscriber::fmt().with_env_filter("info").with_writer(Mutex::new(log)).init();
}
