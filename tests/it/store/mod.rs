//! The store on a real PostgreSQL: targets, their DSNs at rest, and API keys.

mod dsns;
mod keys;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use database_optimizer::config::{self, Config, DsnSource, Flags};
use database_optimizer::model::Policy;
use database_optimizer::store::{
    self, DsnReference, Error, LabChange, NewTarget, SecretKey, Store, TargetChange,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::NoTls;

use crate::support::{any_server, until};

/// A database of this test's own.
struct Db {
    name: String,
}

/// The store is plain SQL: one major version is enough.
fn dsn(database: &str) -> String {
    any_server().dsn(database)
}

async fn connect(database: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&dsn(database), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Db {
    async fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("state_{}_{number}", std::process::id());
        connect("postgres").await.batch_execute(&format!("create database {name}")).await.unwrap();
        Self { name }
    }

    fn url(&self) -> SecretString {
        SecretString::from(dsn(&self.name))
    }

    async fn store(&self) -> Store {
        Store::connect(&self.url(), Some(key(1))).await.unwrap()
    }

    async fn client(&self) -> tokio_postgres::Client {
        connect(&self.name).await
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        let drop = format!("drop database {} with (force)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let _ = connect("postgres").await.batch_execute(&drop).await;
            });
        });
        let _ = dropping.join();
    }
}

fn key(byte: u8) -> SecretKey {
    SecretKey::parse(&SecretString::from(format!("{byte:02x}").repeat(32))).unwrap()
}

const DSN: &str = "postgresql://ada:hush@db.example.com/warehouse";

fn target(name: &str) -> NewTarget {
    NewTarget {
        name: name.to_owned(),
        dsn: DsnSource::Inline(DSN.into()),
        replicas: Vec::new(),
        lab: None,
        labels: BTreeMap::new(),
        policy: Policy::default(),
        model_version: None,
    }
}

fn whole_target(name: &str) -> NewTarget {
    NewTarget {
        replicas: vec!["host=hush-replica".into(), "host=hush-replica-2".into()],
        lab: Some("host=hush-lab".into()),
        labels: BTreeMap::from([("team".to_owned(), "ml".to_owned())]),
        policy: Policy(BTreeMap::from([("toast_share_max".to_owned(), 0.15)])),
        model_version: Some("v7".to_owned()),
        ..target(name)
    }
}

#[tokio::test]
async fn a_target_is_read_back_as_it_was_registered_but_for_its_dsn() {
    let db = Db::create().await;
    let store = db.store().await;
    let made = store.create_target(whole_target("demo")).await.unwrap();
    assert_eq!(made.dsn, DsnReference::Stored);
    assert_eq!((made.replicas, made.lab, made.model_version.as_str()), (2, true, "v7"));
    assert_eq!((&made.labels, &made.policy), (&whole_target("").labels, &whole_target("").policy));
    assert_eq!(made.created_at, made.updated_at);
    assert_eq!(*store.target("demo").await.unwrap().unwrap(), made);
    assert!(!format!("{made:?}").contains("hush"));
    assert_eq!(store.create_target(target("plain")).await.unwrap().model_version, "v1");
    assert_eq!(store.target("other").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_taken_once_and_must_be_a_name() {
    let db = Db::create().await;
    let store = db.store().await;
    store.create_target(target("demo")).await.unwrap();
    let again = store.create_target(target("demo")).await;
    assert!(matches!(again, Err(Error::NameTaken { name }) if name == "demo"));
    let too_long = "a".repeat(64);
    for name in ["", "Demo", "-demo", "de mo", "démo", "a/b", "demo\n", &too_long] {
        let refused = store.create_target(target(name)).await;
        assert!(matches!(refused, Err(Error::InvalidName { .. })), "{name}");
    }
    for version in ["", "a:b", "-1", "v 1", &too_long] {
        let made = NewTarget { model_version: Some(version.to_owned()), ..target("other") };
        let refused = store.create_target(made).await;
        assert!(matches!(refused, Err(Error::InvalidModelVersion { .. })), "{version}");
    }
    store.create_target(target(&"a".repeat(63))).await.unwrap();
}

#[tokio::test]
async fn targets_are_listed_by_name_page_by_page() {
    let db = Db::create().await;
    let store = db.store().await;
    for name in ["c", "a-b", "a", "b", "ab"] {
        store.create_target(target(name)).await.unwrap();
    }
    let mut names = Vec::new();
    loop {
        let after = names.last().cloned();
        let page = store.list_targets(after.as_deref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        names.extend(page.into_iter().map(|target| target.name));
    }
    assert_eq!(names, ["a", "a-b", "ab", "b", "c"]);
}

#[tokio::test]
async fn a_change_changes_what_it_names_and_nothing_else() {
    let db = Db::create().await;
    let store = db.store().await;
    let made = store.create_target(whole_target("demo")).await.unwrap();
    let change = |change: TargetChange| store.update_target("demo", change);

    let bump = TargetChange { model_version: Some("v8".to_owned()), ..TargetChange::default() };
    let bumped = change(bump).await.unwrap().unwrap();
    assert_eq!(bumped.model_version, "v8");
    assert_eq!((bumped.revision, &bumped.labels), (made.revision, &made.labels));
    assert!(bumped.updated_at > made.updated_at && bumped.created_at == made.created_at);
    assert_eq!(store.target("demo").await.unwrap().unwrap().model_version, "v8");

    let no_lab = TargetChange { lab: LabChange::Remove, ..TargetChange::default() };
    let changed = change(no_lab).await.unwrap().unwrap();
    assert!(!changed.lab && changed.replicas == 2 && changed.revision != made.revision);

    let dsn = Some(DsnSource::Env("STATE_DSN".to_owned()));
    let changed = change(TargetChange { dsn, ..TargetChange::default() }).await.unwrap().unwrap();
    assert_eq!(changed.dsn, DsnReference::Env("STATE_DSN".to_owned()));
    let dsn = Some(DsnSource::Inline("host=h".into()));
    let replicas = Some(Vec::new());
    let settings = Some(BTreeMap::new());
    let change = TargetChange { dsn, replicas, labels: settings, ..TargetChange::default() };
    let changed = store.update_target("demo", change).await.unwrap().unwrap();
    assert_eq!((&changed.dsn, changed.replicas), (&DsnReference::Stored, 0));
    assert!(changed.labels.is_empty() && changed.policy == made.policy);
    assert_eq!(store.target_dsn("demo").await.unwrap().dsn.expose_secret(), "host=h");

    let none = store.update_target("other", TargetChange::default()).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn a_target_that_was_forgotten_and_registered_again_is_another_one() {
    let db = Db::create().await;
    let store = db.store().await;
    let first = store.create_target(target("demo")).await.unwrap();
    assert!(store.target("demo").await.unwrap().is_some());
    assert!(store.delete_target("demo").await.unwrap());
    assert!(!store.delete_target("demo").await.unwrap());
    assert_eq!(store.target("demo").await.unwrap(), None);
    let gone = store.target_dsn("demo").await;
    assert!(matches!(gone, Err(Error::UnknownTarget { name }) if name == "demo"));
    let second = store.create_target(target("demo")).await.unwrap();
    assert_ne!(first.revision, second.revision);
}

#[tokio::test]
async fn a_configured_target_is_registered_and_then_left_alone_until_it_differs() {
    let db = Db::create().await;
    let store = db.store().await;
    let first = store.put_target(whole_target("demo")).await.unwrap();
    assert_eq!(store.put_target(whole_target("demo")).await.unwrap(), first);

    let unversioned = NewTarget { model_version: None, ..whole_target("demo") };
    assert_eq!(store.put_target(unversioned).await.unwrap(), first);

    let relabelled = NewTarget { labels: BTreeMap::new(), ..whole_target("demo") };
    let changed = store.put_target(relabelled).await.unwrap();
    assert!(changed.labels.is_empty() && changed.revision == first.revision);

    let moved = NewTarget { lab: Some("host=another-lab".into()), ..whole_target("demo") };
    let changed = store.put_target(moved).await.unwrap();
    assert_ne!(changed.revision, first.revision);
    let resolved = store.target_dsn("demo").await.unwrap();
    assert_eq!(resolved.lab.unwrap().expose_secret(), "host=another-lab");
}

fn configuration(file: &str, data_dir: &std::path::Path) -> Config {
    let settings = vec![("data_dir", data_dir.to_str().unwrap().to_owned())];
    config::resolve(Some(file), &|_| None, &Flags { settings, ..Flags::default() }).unwrap()
}

#[tokio::test]
async fn a_store_is_opened_with_the_targets_key_and_hosts_of_the_configuration() {
    let (db, dir) = (Db::create().await, tempfile::tempdir().unwrap());
    let file = "allowed_hosts = 'db.example.com'\n[targets.a]\ndsn = 'host=db.example.com'\n\
                [targets.b]\ndsn_env = 'STATE_DSN'\nmodel_version = 'v3'";
    let config = configuration(file, dir.path());
    let store = Store::open(&config, &db.url()).await.unwrap();
    let names = store.list_targets(None, 10).await.unwrap();
    assert_eq!(names.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let evil = NewTarget { dsn: DsnSource::Inline("host=evil.com".into()), ..target("c") };
    assert!(matches!(store.create_target(evil).await, Err(Error::DsnRefused { .. })));

    let again = Store::open(&config, &db.url()).await.unwrap();
    assert_eq!(again.target_dsn("a").await.unwrap().dsn.expose_secret(), "host=db.example.com");
    assert_eq!(*again.target("a").await.unwrap().unwrap(), names[0]);
}

#[tokio::test]
async fn a_store_that_was_given_has_no_key_but_a_given_one() {
    let (db, dir) = (Db::create().await, tempfile::tempdir().unwrap());
    let file = format!("store_url = '{}'", db.url().expose_secret());
    let store = Store::open(&configuration(&file, dir.path()), &db.url()).await.unwrap();
    assert!(matches!(store.create_target(target("demo")).await, Err(Error::NoKey)));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no key is made");

    let file = format!("{file}\nsecret_key = '{}'", "0a".repeat(32));
    let store = Store::open(&configuration(&file, dir.path()), &db.url()).await.unwrap();
    store.create_target(target("demo")).await.unwrap();
    let malformed = configuration("secret_key = 'hush'", dir.path());
    assert!(matches!(Store::open(&malformed, &db.url()).await, Err(Error::MalformedKey)));
}

#[tokio::test]
async fn another_process_sees_a_change_within_a_moment() {
    let db = Db::create().await;
    let [one, other] = [db.store().await, db.store().await];
    one.create_target(target("demo")).await.unwrap();
    assert_eq!(other.target("demo").await.unwrap().unwrap().model_version, "v1");
    let change = TargetChange { model_version: Some("v2".to_owned()), ..TargetChange::default() };
    one.update_target("demo", change).await.unwrap();
    until("the change is seen", async || {
        other.target("demo").await.unwrap().unwrap().model_version == "v2"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_callers_asks_once() {
    let db = Db::create().await;
    let store = db.store().await;
    store.create_target(target("demo")).await.unwrap();
    let mut admin = db.client().await;
    let lock = admin.transaction().await.unwrap();
    lock.batch_execute("lock table dbopt.targets").await.unwrap();

    let callers: Vec<_> = (0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.target("demo").await.unwrap().unwrap() })
        })
        .collect();
    let watcher = db.client().await;
    let waiting = async || -> i64 {
        let sql = "select count(*) from pg_locks where not granted and locktype = 'relation' \
                   and database = (select oid from pg_database where datname = current_database())";
        watcher.query_one(sql, &[]).await.unwrap().get(0)
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while waiting().await == 0 {
        assert!(Instant::now() < deadline, "nobody asked");
    }
    for _ in 0..20 {
        assert_eq!(waiting().await, 1);
    }
    lock.rollback().await.unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap().name, "demo");
    }
}

#[tokio::test]
async fn what_was_asked_before_a_change_is_not_found_after_it() {
    let db = Db::create().await;
    let store = db.store().await;
    store.create_target(target("demo")).await.unwrap();
    let mut admin = db.client().await;
    let lock = admin.transaction().await.unwrap();
    lock.batch_execute("lock table dbopt.targets").await.unwrap();
    let early = tokio::spawn({
        let store = store.clone();
        async move { store.target("demo").await }
    });
    tokio::task::yield_now().await;
    lock.rollback().await.unwrap();
    let change = TargetChange { model_version: Some("v2".to_owned()), ..TargetChange::default() };
    store.update_target("demo", change).await.unwrap();
    assert_eq!(store.target("demo").await.unwrap().unwrap().model_version, "v2");
    early.await.unwrap().unwrap();
    assert_eq!(store.target("demo").await.unwrap().unwrap().model_version, "v2");
}

#[tokio::test]
async fn migrations_run_once_however_many_start_together() {
    let db = Db::create().await;
    let starts = (0..4).map(|_| {
        let url = db.url();
        tokio::spawn(async move { store::migrate(&url).await.unwrap() })
    });
    let mut applied = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        applied.extend(start.await.unwrap());
    }
    assert_eq!(applied, ["V1__targets_and_keys", "V2__workloads", "V3__contracts", "V4__doors"]);
    assert_eq!(store::migrate(&db.url()).await.unwrap(), Vec::<String>::new());
    let left = "select count(*) from pg_locks where locktype = 'advisory' \
                and database = (select oid from pg_database where datname = current_database())";
    let row = db.client().await.query_one(left, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "the lock is let go");
}

#[tokio::test]
async fn a_store_that_is_away_is_an_error_without_its_address_and_comes_back() {
    let db = Db::create().await;
    let store = db.store().await;
    store.ping().await.unwrap();
    let admin = connect("postgres").await;
    admin
        .batch_execute(&format!("alter database {} with allow_connections false", db.name))
        .await
        .unwrap();
    let kick = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    admin.execute(kick, &[&db.name]).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    let error = loop {
        assert!(Instant::now() < deadline, "the store never failed");
        if let Err(error) = store.list_targets(None, 1).await {
            break error;
        }
    };
    assert!(!error.to_string().contains("55217"), "{error}");
    admin
        .batch_execute(&format!("alter database {} with allow_connections true", db.name))
        .await
        .unwrap();
    while store.ping().await.is_err() {
        assert!(Instant::now() < deadline, "the store never came back");
    }

    for url in ["hush", "postgresql://u:hush@127.0.0.1:1/d", "postgresql://u:hush@h/d?sslmode=hush"]
    {
        let error = Store::connect(&url.into(), None).await.err().unwrap().to_string();
        assert!(!error.contains("hush") && !error.contains("127.0.0.1"), "{error}");
    }
}
