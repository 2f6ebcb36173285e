//! No Docker engine runs here, so what the container files say is run without one: every command, every file
//! they copy, every variable they set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use database_optimizer::config::SETTINGS;
use secrecy::ExposeSecret as _;
use serde_yaml_ng::Value;

use crate::support::{TestDb, any_server};

const DBOPT: &str = env!("CARGO_BIN_EXE_dbopt");

/// An instruction of the Dockerfile and what follows it.
type Instruction = (String, String);

fn dockerfile() -> Vec<Instruction> {
    let text = fs::read_to_string("Dockerfile").unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let split = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap();
        (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    text.lines().map(split).collect()
}

/// The instructions of that name in the last stage, which is the image.
fn of_image(name: &str) -> Vec<String> {
    let all = dockerfile();
    let last = all.iter().rposition(|(instruction, _)| instruction == "FROM").unwrap();
    let named = all[last..].iter().filter(|(instruction, _)| instruction == name);
    named.map(|(_, rest)| rest.clone()).collect()
}

/// The only instruction of that name, in exec form: no shell is in between that would keep signals.
fn exec(name: &str) -> Vec<String> {
    let found = of_image(name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    let json = &found[0][found[0].find('[').unwrap()..];
    serde_json::from_str(json).unwrap()
}

fn compose() -> Value {
    serde_yaml_ng::from_str(&fs::read_to_string("docker-compose.yml").unwrap()).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    value.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Variables of a service, with those of who starts it filled in.
fn environment(service: &str) -> BTreeMap<String, String> {
    let compose = compose();
    let variables = compose["services"][service]["environment"].as_mapping().unwrap();
    let filled = |value: &str| {
        let value =
            value.replace("${POSTGRES_PASSWORD:?see the top of docker-compose.yml}", "secret");
        let value = value
            .replace("${DBOPT_SECRET_KEY:?see the top of docker-compose.yml}", &"0".repeat(64));
        assert!(!value.contains('$'), "{value}");
        value
    };
    variables
        .iter()
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), filled(value.as_str().unwrap())))
        .collect()
}

/// Variables of the image.
fn image_environment() -> BTreeMap<String, String> {
    let pairs = of_image("ENV").join(" ");
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    pairs.split(' ').map(split).collect()
}

#[test]
fn the_image_is_built_from_what_is_there_and_from_pinned_images() {
    let ignored = fs::read_to_string(".dockerignore").unwrap();
    let sent: BTreeSet<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let mut copied = BTreeSet::new();
    for (_, rest) in dockerfile().iter().filter(|(name, _)| name == "COPY") {
        let mut paths: Vec<&str> = rest.split(' ').collect();
        paths.pop();
        if paths[0].starts_with("--from=build") {
            continue;
        }
        for path in paths {
            assert!(Path::new(path).exists(), "`{path}` is not there");
            copied.insert(path.to_owned());
        }
    }
    assert_eq!(copied.iter().map(String::as_str).collect::<BTreeSet<_>>(), sent);

    let images: Vec<String> = dockerfile()
        .into_iter()
        .filter(|(name, _)| name == "FROM")
        .map(|(_, image)| image.split(' ').next().unwrap().to_owned())
        .collect();
    let pinned = |image: &String| {
        image.split_once(':').is_some_and(|(_, tag)| tag.contains(|c: char| c.is_ascii_digit()))
    };
    let is_ours = |image: &&String| *image != "scratch";
    assert!(images.iter().filter(is_ours).all(pinned), "{images:?}");
    let toolchain = fs::read_to_string("rust-toolchain.toml").unwrap();
    let rust = images[0].trim_start_matches("rust:").split('-').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{rust}\"")), "{rust} is not the toolchain");
}

#[test]
fn nothing_in_the_image_runs_as_root() {
    let users = of_image("USER");
    let [user] = users.as_slice() else { panic!("{users:?}") };
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().unwrap()).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| *id >= 1000), "{user}");
    assert!(
        of_image("RUN").is_empty(),
        "a command of the image would run as its own user or as root"
    );
}

#[test]
fn every_variable_is_a_setting() {
    let of_services = ["dbopt", "first-key"].into_iter().flat_map(environment);
    for (name, _) in image_environment().into_iter().chain(of_services) {
        assert!(SETTINGS.iter().any(|setting| setting.env == name), "`{name}` is no setting");
    }
    let ports = image_environment()["DBOPT_LISTEN"].rsplit(':').next().unwrap().to_owned();
    assert_eq!(of_image("EXPOSE"), [ports.as_str()]);
    let published = words(&compose()["services"]["dbopt"]["ports"]);
    assert!(published.iter().all(|port| port.ends_with(&format!(":{ports}"))), "{published:?}");
}

#[test]
fn services_wait_for_services_that_exist() {
    let compose = compose();
    let services = compose["services"].as_mapping().unwrap();
    for (name, service) in services {
        let Some(needed) = service.get("depends_on") else { continue };
        for (other, how) in needed.as_mapping().unwrap() {
            let other =
                services.get(other).unwrap_or_else(|| panic!("{name:?} waits for {other:?}"));
            let healthy = how["condition"].as_str().unwrap() == "service_healthy";
            assert_eq!(healthy, other["healthcheck"].get("test").is_some(), "{name:?}");
        }
    }
}

/// Run the build's own steps with a `cargo` that looks at its arguments and compiles nothing.
#[test]
fn the_steps_of_the_build_run_where_they_find_what_was_copied() {
    let home = tempfile::tempdir().unwrap();
    let (root, tools) = (home.path().join("build"), home.path().join("tools"));
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(&tools).unwrap();
    let cargo = tools.join("cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());

    let all = dockerfile();
    let stage = all.iter().skip(1).take_while(|(name, _)| name != "FROM");
    let mut compiled = 0;
    for (name, rest) in stage {
        match name.as_str() {
            "COPY" => {
                let (from, to) = rest.rsplit_once(' ').unwrap();
                for from in from.split(' ') {
                    let to = if to == "./" { root.join(from) } else { root.join(to) };
                    run(Command::new("cp").arg("-rT").arg(from).arg(to));
                }
            }
            "RUN" => {
                let mut step = Command::new("sh");
                step.args(["-ec", rest]).current_dir(&root).env("PATH", &path);
                step.env("REAL_CARGO", env!("CARGO")).env("DBOPT", DBOPT);
                run(&mut step);
                compiled += rest.matches("cargo build").count();
            }
            "WORKDIR" => {}
            other => panic!("a step of another kind: {other}"),
        }
    }
    assert_eq!(compiled, 2, "once for the dependencies, once for the service");
    let binary = root.join("target/dist/dbopt");
    let version = run(Command::new(&binary).arg("--version"));
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    for (_, rest) in all.iter().filter(|(name, rest)| name == "COPY" && rest.starts_with("--from"))
    {
        let from = rest.split(' ').nth(1).unwrap();
        let there = root.join(from.trim_start_matches("/build/"));
        assert!(there.exists() || Path::new(from).exists(), "`{from}` is not in the build stage");
    }
}

/// What the build asks of cargo: the manifest must be whole where it is, and the lock file not need a change.
const CARGO: &str = r#"#!/bin/sh -e
[ "$*" = "build --locked --profile dist --bin dbopt" ]
host=$("$REAL_CARGO" -vV | sed -n 's/^host: //p')
metadata=$("$REAL_CARGO" metadata --locked --offline --filter-platform "$host" --format-version 1)
case $metadata in *'"kind":["bin"],"crate_types":["bin"],"name":"dbopt"'*) ;; *) exit 1 ;; esac
mkdir -p target/dist
cp "$DBOPT" target/dist/dbopt
"#;

/// What Compose starts, in its order: the first key, then the service, then its health check.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_starts_once_it_has_a_key_and_says_that_it_is_healthy() {
    let db = TestDb::create(any_server()).await;
    let port = free_port();
    let mut variables = image_environment();
    variables.extend(environment("dbopt"));
    assert_eq!(environment("dbopt"), environment("first-key"));
    variables.insert("DBOPT_STORE_URL".to_owned(), db.dsn().expose_secret().to_owned());
    let listen = variables["DBOPT_LISTEN"].replace("8080", &port.to_string());
    variables.insert("DBOPT_LISTEN".to_owned(), listen);
    let entry = exec("ENTRYPOINT");
    assert_eq!(entry, ["dbopt"]);
    let dbopt = |words: &[String]| {
        let mut command = Command::new(DBOPT);
        command.args(words).env_clear().envs(&variables).current_dir("/");
        command
    };
    let serve = words(&compose()["services"]["dbopt"]["command"]);
    assert_eq!(serve, exec("CMD"));
    let check = exec("HEALTHCHECK");
    assert_eq!(check[0], "dbopt");

    let refused = dbopt(&serve).output().unwrap();
    assert!(!refused.status.success(), "it listens for others without a key");
    assert!(!dbopt(&check[1..]).output().unwrap().status.success(), "healthy, and not there");

    let first_key = words(&compose()["services"]["first-key"]["command"]);
    let made = run(&mut dbopt(&first_key));
    assert!(made.trim().starts_with("dbopt_"), "{made}");
    assert_eq!(run(&mut dbopt(&first_key)), "", "a second key was made");

    let mut service = Ended(dbopt(&serve).stderr(Stdio::null()).spawn().unwrap());
    until("the service is healthy", || dbopt(&check[1..]).output().unwrap().status.success());
    assert!(service.0.try_wait().unwrap().is_none());
}

/// The commands of the images that are not ours, on the ports of servers that are.
#[tokio::test(flavor = "multi_thread")]
async fn what_compose_asks_of_redis_and_postgresql_is_understood_by_them() {
    let compose = compose();
    let port = free_port().to_string();
    let start = words(&compose["services"]["redis"]["command"]);
    let mut redis = Command::new(&start[0]);
    redis.args(&start[1..]).args(["--port", &port, "--bind", "127.0.0.1"]).stdout(Stdio::null());
    let _redis = Ended(redis.spawn().unwrap());
    let check = words(&compose["services"]["redis"]["healthcheck"]["test"]);
    assert_eq!(check[0], "CMD");
    let ping = || {
        let output = Command::new(&check[1]).args(["-p", &port]).args(&check[2..]).output();
        String::from_utf8_lossy(&output.unwrap().stdout).trim() == "PONG"
    };
    until("Redis is healthy", ping);

    let check = words(&compose["services"]["postgres"]["healthcheck"]["test"]);
    let ready = pg_isready(&check[1]);
    let port = any_server().port.to_string();
    run(Command::new(ready).args(&check[2..]).args(["--port", &port]));
    let variables = environment("postgres");
    let url = &environment("dbopt")["DBOPT_STORE_URL"];
    let [user, database, password] =
        ["POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"].map(|name| &variables[name]);
    assert_eq!(*url, format!("postgresql://{user}:{password}@postgres/{database}?sslmode=disable"));
}

/// The program of that name beside a server to test on.
fn pg_isready(name: &str) -> std::path::PathBuf {
    let servers = std::env::var("DBOPT_TEST_SERVERS").unwrap();
    let binaries = servers.split(':').filter_map(|entry| entry.split_once('='));
    let found = binaries.map(|(_, bin)| Path::new(bin).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| name.into())
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
