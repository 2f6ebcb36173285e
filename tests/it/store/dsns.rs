//! Where a target's DSN comes from, and who sees it.

use database_optimizer::config::{AllowedHosts, DsnSource};
use database_optimizer::store::{DsnReference, Error, LabChange, NewTarget, Store, TargetChange};
use secrecy::ExposeSecret as _;

use super::{DSN, Db, key, target, whole_target};

#[tokio::test]
async fn dsns_are_handed_out_whole_and_shown_to_nobody() {
    let db = Db::create().await;
    let store = db.store().await;
    store.create_target(whole_target("demo")).await.unwrap();
    let resolved = store.target_dsn("demo").await.unwrap();
    assert_eq!(resolved.dsn.expose_secret(), DSN);
    assert_eq!(resolved.lab.as_ref().unwrap().expose_secret(), "host=hush-lab");
    assert_eq!(resolved.replicas[1].expose_secret(), "host=hush-replica-2");
    assert!(!format!("{resolved:?}").contains("hush"));

    let client = db.client().await;
    let row = client.query_one("select t::text from dbopt.targets t", &[]).await.unwrap();
    let text: String = row.get(0);
    let in_hex = hex::encode("hush");
    assert!(!text.contains("hush") && !text.contains(&in_hex), "{text}");
}

#[tokio::test]
async fn a_dsn_opens_only_under_its_key_and_its_name() {
    let db = Db::create().await;
    let store = db.store().await;
    store.create_target(target("demo")).await.unwrap();

    let wrong = Store::connect(&db.url(), Some(key(2))).await.unwrap();
    let error = wrong.target_dsn("demo").await.unwrap_err();
    assert!(error.to_string().contains("DBOPT_SECRET_KEY"), "{error}");
    let none = Store::connect(&db.url(), None).await.unwrap();
    assert!(matches!(none.target_dsn("demo").await, Err(Error::Decrypt { .. })));

    store.create_target(target("other")).await.unwrap();
    let client = db.client().await;
    let swap = "update dbopt.targets t set dsn_sealed = o.dsn_sealed from dbopt.targets o \
                where t.name = 'demo' and o.name = 'other'";
    client.execute(swap, &[]).await.unwrap();
    assert!(matches!(store.target_dsn("demo").await, Err(Error::Decrypt { .. })));
}

#[tokio::test]
async fn without_a_key_a_dsn_is_refused_and_a_reference_is_taken() {
    let db = Db::create().await;
    let store = Store::connect(&db.url(), None).await.unwrap();
    let error = store.create_target(target("demo")).await.unwrap_err().to_string();
    for problem in ["DBOPT_SECRET_KEY", "dsn_env", "dsn_file"] {
        assert!(error.contains(problem), "{error}");
    }
    let env = NewTarget { dsn: DsnSource::Env("STATE_DSN".to_owned()), ..target("demo") };
    let made = store.create_target(env).await.unwrap();
    assert_eq!(made.dsn, DsnReference::Env("STATE_DSN".to_owned()));
    let change = TargetChange { lab: LabChange::Use("host=lab".into()), ..TargetChange::default() };
    assert!(matches!(store.update_target("demo", change).await, Err(Error::NoKey)));
}

#[tokio::test]
async fn a_variable_is_read_at_use_and_named_when_it_is_missing() {
    let db = Db::create().await;
    let store = db.store().await;
    let from = |name: &str| NewTarget { dsn: DsnSource::Env(name.to_owned()), ..target("demo") };
    for name in ["DBOPT_SECRET_KEY", "DBOPT_STORE_URL", "DBOPT_REDIS_URL"] {
        let refused = store.create_target(from(name)).await;
        assert!(matches!(refused, Err(Error::DsnEnvReserved { .. })), "{name}");
    }
    for name in ["", "1A", "A=B", "A B"] {
        assert!(store.create_target(from(name)).await.is_err(), "{name}");
    }
    store.create_target(from("STATE_NOT_SET")).await.unwrap();
    let error = store.target_dsn("demo").await.unwrap_err().to_string();
    assert!(error.contains("STATE_NOT_SET is not set"), "{error}");
    // The only variable that every run of the tests has; it is no DSN, and that is all that is said of it.
    let change =
        TargetChange { dsn: Some(DsnSource::Env("PATH".into())), ..TargetChange::default() };
    store.update_target("demo", change).await.unwrap();
    let error = store.target_dsn("demo").await.unwrap_err();
    assert!(matches!(error, Error::DsnMalformed { .. }), "{error}");
    assert!(!error.to_string().contains("/bin"), "{error}");
}

#[tokio::test]
async fn a_file_is_read_at_use_and_what_changes_in_it_changes_the_revision() {
    let db = Db::create().await;
    let store = db.store().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dsn");
    let made = NewTarget { dsn: DsnSource::File(file.clone()), ..target("demo") };
    store.create_target(made).await.unwrap();
    let error = store.target_dsn("demo").await.unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()), "{error}");

    std::fs::write(&file, format!("{DSN}\n")).unwrap();
    let first = store.target_dsn("demo").await.unwrap();
    assert_eq!(first.dsn.expose_secret(), DSN);
    assert_eq!(store.target_dsn("demo").await.unwrap().revision, first.revision);
    std::fs::write(&file, "host=elsewhere").unwrap();
    assert_ne!(store.target_dsn("demo").await.unwrap().revision, first.revision);

    for endless in ["/dev/zero", "/dev", "/proc/self/mem"] {
        let dsn = Some(DsnSource::File(endless.into()));
        store.update_target("demo", TargetChange { dsn, ..TargetChange::default() }).await.unwrap();
        assert!(store.target_dsn("demo").await.is_err(), "{endless}");
    }

    let relative = NewTarget { dsn: DsnSource::File("dsn".into()), ..target("relative") };
    let refused = store.create_target(relative).await;
    assert!(matches!(refused, Err(Error::DsnFileRelative { .. })));
}

#[tokio::test]
async fn only_allowed_hosts_are_taken_and_handed_out() {
    let db = Db::create().await;
    let hosts = AllowedHosts::parse("*.example.com").unwrap();
    let store = db.store().await.allowing(hosts);
    store.create_target(target("demo")).await.unwrap();
    let evil = || "postgresql://u:hush@db.example.com,evil.com/d?sslmode=verify-full".into();
    for refused in [
        NewTarget { dsn: DsnSource::Inline(evil()), ..target("evil") },
        NewTarget { lab: Some(evil()), ..target("evil") },
        NewTarget { replicas: vec![DSN.into(), evil()], ..target("evil") },
    ] {
        let error = store.create_target(refused).await.unwrap_err();
        assert!(matches!(error, Error::DsnRefused { .. }), "{error}");
        assert!(!error.to_string().contains("evil.com"), "{error}");
    }
    let change = TargetChange { dsn: Some(DsnSource::Inline(evil())), ..TargetChange::default() };
    assert!(matches!(store.update_target("demo", change).await, Err(Error::DsnRefused { .. })));

    let stricter = store.allowing(AllowedHosts::parse("elsewhere.example.com").unwrap());
    assert!(matches!(stricter.target_dsn("demo").await, Err(Error::DsnRefused { .. })));
}

#[tokio::test]
async fn a_parameter_that_we_take_from_a_dsn_cannot_hide_its_host() {
    let db = Db::create().await;
    let store = db.store().await.allowing(AllowedHosts::parse("db.example.com").unwrap());
    for dsn in [
        "postgresql://evil.com/d?sslrootcert=@db.example.com/x",
        "postgresql://evil.com/d?sslrootcert=x&user=@db.example.com",
        "host=evil.com sslrootcert='x host=db.example.com'",
        "sslrootcert=' host=db.example.com ' host=evil.com",
    ] {
        let made = NewTarget { dsn: DsnSource::Inline(dsn.into()), ..target("evil") };
        let Ok(_) = store.create_target(made).await else { continue };
        // What was taken must lead to the allowed host, by the reading that connects.
        let resolved = store.target_dsn("evil").await.unwrap();
        let read = database_optimizer::pg::Dsn::parse(resolved.dsn.expose_secret()).unwrap();
        let hosts = format!("{:?}", read.config().get_hosts());
        assert_eq!(hosts, r#"[Tcp("db.example.com")]"#, "{dsn}");
        store.delete_target("evil").await.unwrap();
    }
}

#[tokio::test]
async fn a_malformed_dsn_is_refused_without_being_repeated() {
    let db = Db::create().await;
    let store = db.store().await;
    for dsn in ["hush", "postgresql://u:hush@h/d?hush=1", "host=h port=hush"] {
        let made = NewTarget { dsn: DsnSource::Inline(dsn.into()), ..target("demo") };
        let error = store.create_target(made).await.unwrap_err();
        assert!(matches!(error, Error::DsnMalformed { .. }), "{error}");
        let told = error.to_string().replace("`hush`", "the option's name");
        assert!(!told.contains("hush"), "{error}");
    }
}
