//! Targets that are not there, not ours, too old, too large, or gone in mid-sentence. Each ends in a clear problem
//! or a gap; nothing hangs, nothing leaks, and no connection is left behind.

mod servers;

use std::time::Duration;

use database_optimizer::analysis::{self};
use database_optimizer::pg::{self, Target};
use rstest::rstest;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::certificates::certificates;
use crate::support::leftovers::until_hung_up;
use crate::support::proxy::Proxy;
use crate::support::{
    COLUMNS_FROM_100_KB, Own, TestDb, compressible_features, own_server, request, server,
};

fn open(dsn: impl Into<secrecy::SecretString>) -> Target {
    Target::open("test", &dsn.into(), None).unwrap()
}

/// The error of a target that cannot be used, which names nothing that is secret.
async fn refused(target: &Target, secrets: &[&str]) -> pg::Error {
    let asked = request(COLUMNS_FROM_100_KB);
    let outcome = timeout(Duration::from_secs(20), analysis::analyse(target, &asked));
    let error = match outcome.await.expect("an analysis hangs") {
        Err(analysis::Error::Target(error)) => error,
        other => panic!("{other:?}"),
    };
    for secret in secrets {
        assert!(!error.to_string().contains(secret), "{error} names {secret}");
    }
    error
}

// ---- logins -------------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn whatever_answers_that_is_no_server_is_unreachable_and_silence_is_no_answer() {
    let unknown = open("postgresql://ada:hush@no-such-host.invalid/d".to_owned());
    let error = refused(&unknown, &["ada", "hush", "no-such-host"]).await;
    assert!(matches!(error, pg::Error::Unreachable { .. }), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let web = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    for mode in ["disable", "prefer", "require"] {
        let target = open(format!("postgresql://ada:hush@127.0.0.1:{port}/d?sslmode={mode}"));
        let error = refused(&target, &["ada", "hush", "127.0.0.1"]).await;
        let clear = matches!(error, pg::Error::Unreachable { .. } | pg::Error::Tls { .. });
        assert!(clear, "{mode}: {error:?}");
    }
    web.abort();

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let target = open(format!("postgresql://ada:hush@127.0.0.1:{port}/d?sslmode=disable"));
    let error = refused(&target, &["ada", "hush", "127.0.0.1"]).await;
    assert!(matches!(error, pg::Error::NoAnswer { .. }), "{error:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_wrong_missing_or_expired_is_a_refused_login(
    #[values("pg15", "deb19")] member: &str,
) {
    let own = Own {
        purpose: "passwords",
        hba: Some(
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
        ),
        settings: &["password_encryption=scram-sha-256"],
        ..Own::default()
    };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run("create role fresh login password 'hush' valid until 'infinity'").await;
    db.run("create role stale login password 'hush' valid until '2001-01-01'").await;
    db.run("create role full login password 'hush' connection limit 0").await;
    let at = |user: &str| {
        open(format!("postgresql://{user}@127.0.0.1:{}/{}?sslmode=disable", server.port, db.name))
    };
    for user in ["stale:hush", "fresh:wrong", "fresh", "nobody:hush"] {
        let error = refused(&at(user), &["hush", "stale", "fresh", "nobody", "127.0.0.1"]).await;
        assert!(matches!(error, pg::Error::LoginRefused { .. }), "{user}: {error:?}");
        assert!(error.to_string().contains("expired"), "{error}");
    }
    let error = refused(&at("full:hush"), &["full", "hush"]).await;
    assert!(matches!(error, pg::Error::NotAccepting { .. }), "{error:?}");
    let welcome = at("fresh:hush");
    assert!(analysis::analyse(&welcome, &request(COLUMNS_FROM_100_KB)).await.is_ok());
    drop(welcome);
    until_hung_up(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_version_13_is_refused_politely() {
    let Some(server) = server("pg13") else { return };
    let db = TestDb::create(server).await;
    let target = open(db.dsn());
    let error = refused(&target, &["127.0.0.1", "postgres"]).await;
    assert!(matches!(error, pg::Error::ServerTooOld { major: 13, .. }), "{error:?}");
    assert!(error.to_string().contains("runs PostgreSQL 13; 14 or newer"), "{error}");
    assert!(matches!(
        analysis::capabilities(&target).await,
        Err(analysis::Error::Target(pg::Error::ServerTooOld { .. }))
    ));
    drop(target);
    until_hung_up(&db).await;
}

// ---- TLS ----------------------------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn tls_goes_as_far_as_libpq_would_under_the_same_mode(
    #[values("pg15", "deb19")] member: &str,
) {
    let (ours, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, certificate, key) = certificates(ours.path());
    certificates(others.path());
    let own = Own {
        purpose: "tls",
        hba: Some(
            "host all postgres 127.0.0.1/32 trust\nhostssl all encrypted 127.0.0.1/32 trust\n",
        ),
        settings: &["ssl=on", "ssl_cert_file=$HOME/server.pem", "ssl_key_file=$HOME/server.key"],
        files: &[("server.pem", &certificate), ("server.key", &key)],
        ..Own::default()
    };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run("create role encrypted login").await;
    let root = |folder: &std::path::Path| format!("&sslrootcert={}/ca.pem", folder.display());
    let (right, wrong) = (root(ours.path()), root(others.path()));
    // What libpq does, mode by mode, with a certificate of `localhost`.
    for (host, mode, roots, welcome) in [
        ("127.0.0.1", "disable", "", false),
        ("127.0.0.1", "allow", "", true),
        ("127.0.0.1", "prefer", "", true),
        ("127.0.0.1", "require", "", true),
        ("127.0.0.1", "require", right.as_str(), true),
        ("127.0.0.1", "require", wrong.as_str(), false),
        ("127.0.0.1", "verify-ca", right.as_str(), true),
        ("127.0.0.1", "verify-ca", wrong.as_str(), false),
        ("127.0.0.1", "verify-full", right.as_str(), false),
        ("localhost", "verify-full", right.as_str(), true),
        ("localhost", "verify-full", wrong.as_str(), false),
    ] {
        let port = server.port;
        let dsn = format!("postgresql://encrypted@{host}:{port}/{}?sslmode={mode}{roots}", db.name);
        let target = open(dsn);
        let outcome = analysis::analyse(&target, &request(COLUMNS_FROM_100_KB)).await;
        assert_eq!(outcome.is_ok(), welcome, "{host} {mode}{roots}: {outcome:?}");
        if let Err(analysis::Error::Target(error)) = outcome {
            let clear = matches!(error, pg::Error::Tls { .. } | pg::Error::LoginRefused { .. });
            assert!(clear, "{host} {mode}{roots}: {error:?}");
        }
    }
    until_hung_up(&db).await;
}

// ---- gone in mid-sentence -----------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_dropped_in_mid_visit_is_a_lost_connection_and_then_no_database(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = compressible_features(server).await;
    let proxy = Proxy::start(server.port, Duration::from_millis(150)).await;
    let target =
        open(format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name));
    target.session().await.unwrap().finish();
    let gone = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        db.vanish().await;
    };
    let secrets = ["127.0.0.1", db.name.as_str()];
    let (error, ()) = tokio::join!(refused(&target, &secrets), gone);
    assert!(matches!(error, pg::Error::ConnectionLost { .. }), "{error:?}");
    let error = refused(&target, &secrets).await;
    assert!(matches!(error, pg::Error::NoSuchDatabase { .. }), "{error:?}");
}
