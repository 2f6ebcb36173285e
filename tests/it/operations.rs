//! What an operator sees of a service: its log from the first line to the last, how it stops, where its secrets come from.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use database_optimizer::store::KeyScope;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::program::dbopt;
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::{Service, TestDb, any_server, server};

/// A service in a process of its own, whose log is kept.
struct Served {
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    /// With a log in JSON, once it listens.
    fn start(mut command: Command) -> Self {
        command.env("DBOPT_LOG_FORMAT", "json").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), log.clone());
        let reader = std::thread::spawn(move || {
            lines.for_each(|line| kept.lock().unwrap().push(line.unwrap()));
        });
        let mut served = Self { child, address: String::new(), log, reader: Some(reader) };
        let deadline = Instant::now() + Duration::from_secs(30);
        while served.address.is_empty() {
            assert!(Instant::now() < deadline, "{:?}", served.log);
            let found = served.log.lock().unwrap().iter().find_map(|line| {
                let (_, rest) = line.split_once("http://")?;
                Some(rest.split("/docs").next()?.to_owned())
            });
            served.address = found.unwrap_or_default();
        }
        served
    }

    fn get(&self, path: &str, headers: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        ))
    }

    fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Its log, once it has ended well.
    fn ended(mut self) -> Vec<Value> {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        self.reader.take().unwrap().join().unwrap();
        of_json(&self.log.lock().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Each line, which is an object.
fn of_json(lines: &[String]) -> Vec<Value> {
    let parsed = lines.iter().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(value["level"].is_string() && value["timestamp"].is_string(), "{line}");
        value
    });
    parsed.collect()
}

/// The lines with that message.
fn said<'a>(log: &'a [Value], message: &str) -> Vec<&'a Value> {
    log.iter()
        .map(|line| &line["fields"])
        .filter(|fields| fields["message"].as_str().unwrap().starts_with(message))
        .collect()
}

/// What serves from a store.
fn serve(store: &str) -> Command {
    let mut command = dbopt(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DBOPT_STORE_URL", store).env("DBOPT_SECRET_KEY", "0".repeat(64));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_from_its_first_line_to_its_last_and_shows_no_secret() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    service.register("dead", "postgresql://lovelace:hush@127.0.0.1:1/d").await;
    let (key, token) = service.app.store().create_key("k", &[KeyScope::Read]).await.unwrap();
    let mut command = serve(service.store_url().expose_secret());
    command.args(["--target", "flagged=postgresql://lovelace:hush@127.0.0.1:1/d"]);
    let log = tokio::task::spawn_blocking(move || {
        let served = Served::start(command);
        let key = format!("Authorization: Bearer {}\r\n", token.expose_secret());
        for (path, status) in [("/v1/targets/demo/toast", "200"), ("/v1/targets/dead/toast", "502")]
        {
            let headers = format!("{key}X-Request-Id: of-{status}\r\n");
            let answer = served.get(path, &headers);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
        let guess = served.get("/v1/targets", "Authorization: Bearer dbopt_guess-hush\r\n");
        assert!(guess.starts_with("HTTP/1.1 401"), "{guess}");
        served.terminate();
        served.ended()
    });
    let log = log.await.unwrap();
    let starting = said(&log, "starting")[0];
    assert_eq!(starting["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&starting["store"], &starting["targets"]),
        (&"store_url".into(), &"flagged".into())
    );
    let settings = starting["settings"].as_str().unwrap();
    for set in [
        "concurrency_limit=512;",
        "listen=127.0.0.1:0 (a flag)",
        "log_format=json (DBOPT_LOG_FORMAT)",
        "secret_key=(secret) (DBOPT_SECRET_KEY)",
    ] {
        assert!(settings.contains(set), "{set}: {settings}");
    }
    assert_eq!(said(&log, "--target shows its password").len(), 1);
    assert_eq!(said(&log, "the schema of the store is up to date")[0]["migrations"], "none");
    let answered = said(&log, "answered");
    let of = |id: &str| answered.iter().find(|line| line["id"] == id).unwrap();
    let well = of("of-200");
    assert_eq!((&well["target"], &well["key"]), (&"demo".into(), &key.id.clone().into()));
    let digits = well["took_ms"].to_string();
    assert!(digits.split('.').nth(1).is_none_or(|behind| behind.len() <= 3), "{digits}");
    assert_eq!(of("of-502")["cause"], "target `dead`: refused");
    let guess = answered.iter().find(|line| line["status"] == 401).unwrap();
    assert!(guess.get("key").is_none(), "{guess}");
    assert_eq!(said(&log, "received a signal")[0]["signal"], "SIGTERM");
    assert_eq!(said(&log, "stopping: ")[0]["delay_s"], 0);
    assert_eq!(log.last().unwrap()["fields"]["message"], "stopped");
    let all = serde_json::to_string(&log).unwrap();
    for secret in ["hush", "lovelace", &"0".repeat(64)] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[rstest]
#[case::a_setting_that_cannot_be(&[("DBOPT_CONCURRENCY_LIMIT", "hush")], "`concurrency_limit`")]
#[case::a_store_that_is_not_there(&[("DBOPT_STORE_URL", "postgresql://lovelace:hush@127.0.0.1:1/d")], "the store cannot be reached")]
#[case::a_secret_that_is_not_there(&[("DBOPT_SECRET_KEY_FILE", "/nowhere/hush")], "DBOPT_SECRET_KEY_FILE")]
#[test]
fn a_start_that_is_refused_says_why_in_the_form_of_the_log(
    #[case] variables: &[(&str, &str)],
    #[case] why: &str,
) {
    for format in ["json", "text"] {
        let mut command = dbopt(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DBOPT_LOG_FORMAT", format).envs(variables.iter().copied());
        command.env("DBOPT_STORE_URL", "postgresql://127.0.0.1:1/d");
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(why) && !text.contains("hush"), "{text}");
        if format == "json" {
            let log = of_json(&text.lines().map(str::to_owned).collect::<Vec<_>>());
            let last = log.last().unwrap();
            assert_eq!(last["level"], "ERROR", "{text}");
        } else {
            assert!(text.lines().last().unwrap().starts_with("dbopt: "), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_may_stand_in_files_as_orchestrators_mount_them() {
    let store = TestDb::create(any_server()).await;
    let folder = tempfile::tempdir().unwrap();
    let (url, key) = (folder.path().join("url"), folder.path().join("key"));
    std::fs::write(&url, format!("{}\n", store.dsn().expose_secret())).unwrap();
    std::fs::write(&key, format!("{}\n", "0".repeat(64))).unwrap();
    let mut command = dbopt(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DBOPT_STORE_URL_FILE", &url).env("DBOPT_SECRET_KEY_FILE", &key);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&url, &link).unwrap();
    let log = tokio::task::spawn_blocking(move || {
        let served = Served::start(command);
        assert!(served.get("/readyz", "").starts_with("HTTP/1.1 200"));
        // Who may register a target does not connect by our secrets.
        for file in [&url, &link] {
            let body = format!(r#"{{"name": "a", "dsn_file": "{}"}}"#, file.display());
            let refused = served.post("/v1/targets", &body);
            assert!(refused.starts_with("HTTP/1.1 422"), "{refused}");
            assert!(refused.contains("holds a secret of the service"), "{refused}");
        }
        served.terminate();
        served.ended()
    });
    let log = log.await.unwrap();
    let settings = said(&log, "starting")[0]["settings"].as_str().unwrap();
    assert!(settings.contains("store_url=(secret)"), "{settings}");
    assert_ne!(said(&log, "the schema of the store is up to date")[0]["migrations"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_stop_is_not_ready_at_once_and_answers_until_callers_know() {
    let store = TestDb::create(any_server()).await;
    let mut command = serve(store.dsn().expose_secret());
    command.env("DBOPT_SHUTDOWN_DELAY_SECONDS", "2");
    let log = tokio::task::spawn_blocking(move || {
        let served = Served::start(command);
        assert!(served.get("/readyz", "").starts_with("HTTP/1.1 200"));
        let told = Instant::now();
        served.terminate();
        loop {
            let ready = served.get("/readyz", "");
            if ready.starts_with("HTTP/1.1 503") {
                assert!(ready.contains("\"stopping\""), "{ready}");
                break;
            }
            assert!(told.elapsed() < Duration::from_secs(1), "{ready}");
        }
        assert!(served.get("/v1/targets", "").starts_with("HTTP/1.1 200"), "it still answers");
        assert!(served.get("/healthz", "").starts_with("HTTP/1.1 200"), "and is not killed");
        let log = served.ended();
        let took = told.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(8), "{took:?}");
        log
    });
    let log = log.await.unwrap();
    assert_eq!(said(&log, "stopping: ")[0]["delay_s"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_and_the_return_of_redis_and_of_the_store_are_each_logged_once() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let mut redis = Redis::start().await;
    let proxy = Proxy::start(any_server().port, Duration::ZERO).await;
    let store = service.store();
    let url =
        format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, store.name);
    let mut command = serve(&url);
    command.env("DBOPT_REDIS_URL", redis.url().expose_secret());
    let served = Arc::new(tokio::task::spawn_blocking(|| Served::start(command)).await.unwrap());
    let get = async |path: &'static str| {
        let served = Arc::clone(&served);
        tokio::task::spawn_blocking(move || served.get(path, "")).await.unwrap()
    };
    let anew = "/v1/targets/demo/toast?refresh=true";
    let until_ready = async |what: &str| {
        let deadline = Instant::now() + Duration::from_secs(15);
        while !get("/readyz").await.contains(what) {
            assert!(Instant::now() < deadline, "never {what}");
        }
    };
    until_ready("\"cache\":\"ok\"").await;

    redis.stop();
    for _ in 0..5 {
        assert!(get(anew).await.starts_with("HTTP/1.1 200"));
        get("/readyz").await;
    }
    redis.restart().await;
    until_ready("\"cache\":\"ok\"").await;
    redis.command("CONFIG SET maxmemory-policy noeviction").await;
    redis.command("CONFIG SET maxmemory 1").await;
    for _ in 0..5 {
        assert!(get(anew).await.starts_with("HTTP/1.1 200"));
    }
    redis.command("CONFIG SET maxmemory 0").await;
    assert!(get(anew).await.starts_with("HTTP/1.1 200"));

    proxy.stall();
    for _ in 0..5 {
        assert!(get("/v1/targets").await.starts_with("HTTP/1.1 503"));
    }
    proxy.resume();
    until_ready("\"store\":\"ok\"").await;
    assert!(get("/v1/targets").await.starts_with("HTTP/1.1 200"));

    served.terminate();
    let served = Arc::into_inner(served).unwrap();
    let log = tokio::task::spawn_blocking(move || served.ended()).await.unwrap();
    for message in [
        "Redis does not answer",
        "Redis answers again",
        "Redis refuses answers",
        "Redis takes answers again",
        "the store does not answer",
        "the store answers again",
    ] {
        assert_eq!(said(&log, message).len(), 1, "{message}: {log:#?}");
    }
}

/// Why a target cannot be used is said in a word, without its host and user, to clients and on the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn clients_and_the_terminal_learn_the_cause_of_a_failure_and_no_host_or_user() {
    let Some(server) = server("pg18") else { return };
    let db = TestDb::create(server).await;
    let port = server.port;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().map(|address| (silent, address.port())).unwrap();
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deaf_port = deaf.local_addr().unwrap().port();
    let hanging_up = tokio::spawn(async move { while deaf.accept().await.is_ok() {} });
    let service = Service::start().await;
    for (dsn, cause, status) in [
        ("postgresql://lovelace@no-such-host.invalid/d".to_owned(), "dns", 502),
        ("postgresql://lovelace@127.0.0.1:1/d".to_owned(), "refused", 502),
        (
            format!("postgresql://lovelace@127.0.0.1:{}/d?sslmode=disable", silent.1),
            "timed-out",
            504,
        ),
        (format!("postgresql://lovelace@127.0.0.1:{deaf_port}/d?sslmode=disable"), "hung-up", 502),
        (format!("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=require"), "tls", 502),
        (format!("postgresql://lovelace@127.0.0.1:{port}/postgres?sslmode=disable"), "login", 502),
        (
            format!("postgresql://postgres@127.0.0.1:{port}/nowhere?sslmode=disable"),
            "no-database",
            502,
        ),
    ] {
        service.register(cause, &dsn).await;
        let reply = service.get(&format!("/v1/targets/{cause}/toast")).await;
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        let problem = reply.json();
        assert_eq!(problem["cause"], cause, "{problem:#}");
        let detail = problem["detail"].as_str().unwrap();
        let mut analyse = dbopt(&["analyse", "--format", "json"]);
        analyse.env("DBOPT_DSN", &dsn);
        let terminal =
            tokio::task::spawn_blocking(move || analyse.output().unwrap()).await.unwrap();
        assert_eq!(terminal.status.code(), Some(2), "{cause}");
        let terminal = String::from_utf8(terminal.stderr).unwrap();
        // What follows the target's name is the same.
        let advice = detail.split_once("` ").or_else(|| detail.split_once('`')).unwrap().1;
        assert!(terminal.contains(advice), "{cause}: {terminal} {advice}");
        for secret in ["127.0.0.1", "no-such-host", "lovelace", &port.to_string()] {
            assert!(!detail.contains(secret) && !terminal.contains(secret), "{detail} {terminal}");
        }
    }
    hanging_up.abort();
    drop(db);
}
