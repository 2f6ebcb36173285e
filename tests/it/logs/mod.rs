//! One workload, logged by real servers under the prefixes and settings that are published, and delivered as containers,
//! clouds and collectors do: of each, calls and times are what the server ran, or what is missing is counted.

mod compare;
mod forms;

use std::collections::BTreeMap;
use std::fs;

use database_optimizer::workload::SourceCounts;
use rstest::rstest;
use tokio_postgres::{Client, NoTls};

use crate::support::{Own, TestServer, own_server, until};
use compare::{differences, lines, oracle, read, told};
use forms::{CSV, FORMS, JSON, SYSLOG};

/// Prefixes of documentations and defaults, each with whether a line shows its session.
const PREFIXES: &[(&str, bool)] = &[
    ("%m [%p] ", true),
    ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", true),
    ("%t [%p]: ", true),
    ("%m [%p]: [%l-1] db=%d,user=%u ", true),
    ("%t:%r:%u@%d:[%p]:", true),
    ("%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a", true),
    ("%t:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", true),
    ("%t-%c-", true),
    ("%t-%c-u\"%u\"u-", true),
    ("%m [%p] %q%u@%d ", true),
    ("%t %a %u %d", false),
    ("%m [%p] %q[user=%u,db=%d,app=%a] ", true),
    ("[%p][%b][%v][%x] %q[user=%u,db=%d,app=%a] ", true),
    ("%m [%p] db=%d,app=%a", true),
    ("%t [%p] txid=%x", true),
    ("%t [%p]: %u,client=%h", true),
    ("%m %p %c %l %u %d ", true),
    ("", false),
    ("%p", true),
    ("<%m %u %d %p>", true),
    ("%n [%p] ", true),
    ("%h %l %t [%p] %Q ", true),
    (
        "sql_error_code = %e time_ms = \"%m\" pid=\"%p\" proc_start_time=\"%s\" session_id=\"%c\" vtid=\"%v\" tid=\"%x\" log_line=\"%l\" %qdatabase=\"%d\" connection_source=\"%r\" user=\"%u\" application_name=\"%a\" ",
        true,
    ),
    ("%t [%p]: [%l-1] %c %x %d %u %a %h ", true),
    ("%m|%p|%u|%d|%a|", true),
    ("time=%t, pid=%p %q db=%d, usr=%u, client=%h , app=%a, line=%l ", true),
    ("%t LOG:%p:", true),
];

const SETTINGS: &[&str] = &[
    "logging_collector=on",
    "log_min_messages=warning",
    "log_rotation_size=0",
    "session_preload_libraries=auto_explain",
    "log_destination=stderr,csvlog,jsonlog",
    "log_connections=on",
    "log_disconnections=on",
];

/// Behind each prefix but the first, one of so many forms is read.
const FORMS_EACH: usize = 9;

/// Settings of a session, with what its log shows: the calls, and their times.
const LOGGINGS: &[(&str, &str, bool)] = &[
    ("duration", "-c log_min_duration_statement=0", true),
    ("apart", "-c log_statement=all -c log_duration=on", true),
    ("statement", "-c log_statement=all", false),
    ("both", "-c log_statement=all -c log_min_duration_statement=0", true),
    ("verbose", "-c log_min_duration_statement=0 -c log_error_verbosity=verbose", true),
    (
        "verbose apart",
        "-c log_statement=all -c log_duration=on -c log_error_verbosity=verbose",
        true,
    ),
    ("sampled", "-c log_min_duration_sample=0 -c log_statement_sample_rate=1", true),
    ("transaction", "-c log_transaction_sample_rate=1", true),
    ("without values", "-c log_min_duration_statement=0 -c log_parameter_max_length=0", true),
    ("plans", "-c auto_explain.log_min_duration=0", true),
    (
        "plans json",
        "-c auto_explain.log_min_duration=0 -c auto_explain.log_format=json -c auto_explain.log_analyze=on -c auto_explain.log_settings=on",
        true,
    ),
    (
        "plans analyze",
        "-c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_verbose=on -c auto_explain.log_buffers=on -c auto_explain.log_triggers=on -c auto_explain.log_settings=on",
        true,
    ),
    ("plans beside", "-c auto_explain.log_min_duration=0 -c log_min_duration_statement=0", true),
    (
        "plans apart",
        "-c auto_explain.log_min_duration=0 -c log_statement=all -c log_duration=on",
        true,
    ),
    (
        "plans terse",
        "-c auto_explain.log_min_duration=0 -c log_min_duration_statement=0 -c log_error_verbosity=terse",
        true,
    ),
];

const SIMPLE: &str = "select /*#*/ data ->> 'simple'\n\n  from features\n\twhere data ->> 'naïve \"key\"' = 'it''s: LOG:  x'";
const BOUND: &str = "select /*#*/ data ->> $1 from features where id = $2";
const LONG: &str = "select /*#*/ data -> 'long' from features where id in (@)";
const FETCHED: &str = "select /*#*/ data -> 'fetched' from features";
const SLOW: &str = "select /*#*/ data -> 'slow', pg_sleep(0.003) from features where id = 1";

async fn session(server: &TestServer, name: &str, options: &str) -> Client {
    let mut config: tokio_postgres::Config = server.dsn("postgres").parse().unwrap();
    config.application_name(name).options(options);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs the workload of one session, and says how often each statement ran.
async fn run(mut client: Client, tag: &str) -> BTreeMap<String, u64> {
    let ids: Vec<String> = (1..300).map(|id| id.to_string()).collect();
    let tagged = |sql: &str| sql.replace('#', tag).replace('@', &ids.join(", "));
    for sql in [SIMPLE, SIMPLE, SLOW, SIMPLE, LONG, SLOW] {
        client.batch_execute(&tagged(sql)).await.unwrap();
    }
    let bound = client.prepare(&tagged(BOUND)).await.unwrap();
    for id in 0..4_i32 {
        client.query(&bound, &[&"bound", &id]).await.unwrap();
    }
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(&tagged(FETCHED), &[]).await.unwrap();
    for _ in 0..3 {
        transaction.query_portal(&portal, 1).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let ran = [(SIMPLE, 3), (LONG, 1), (SLOW, 2), (BOUND, 4), (FETCHED, 1)];
    ran.map(|(sql, calls)| (tagged(sql), calls)).into()
}

/// Logs the workload of all sessions under a prefix into a file of its own, and reads it in its three formats.
async fn logged(
    server: &TestServer,
    admin: &Client,
    (number, prefix): (usize, &str),
) -> (BTreeMap<String, u64>, [String; 3]) {
    let name = format!("log{number}");
    // The process stands first, for what delivers the log and knows it. It is taken off again.
    for (setting, value) in
        [("log_line_prefix", format!("%p\u{1}{prefix}")), ("log_filename", name.clone())]
    {
        admin.batch_execute(&format!("alter system set {setting} = '{value}'")).await.unwrap();
    }
    admin.batch_execute("select pg_reload_conf()").await.unwrap();
    let row = admin.query_one("show data_directory", &[]).await.unwrap();
    let path = format!("{}/log/{name}", row.get::<_, String>(0));
    until(&format!("{path} comes"), async || fs::exists(&path).unwrap()).await;
    let mut ran = BTreeMap::new();
    let apps = ["psql", "", "app 7", "[unknown]", "a,b=c"];
    for (index, pair) in LOGGINGS.chunks(2).enumerate() {
        let clients =
            pair.iter().map(|(_, options, _)| session(server, apps[index % apps.len()], options));
        let clients = futures_util::future::join_all(clients).await;
        let runs = clients.into_iter().zip(pair).map(|(client, (tag, ..))| run(client, tag));
        ran.extend(futures_util::future::join_all(runs).await.into_iter().flatten());
    }
    admin.batch_execute("do $$ begin raise warning 'the end'; end $$").await.unwrap();
    let mut logs = [String::new(), String::new(), String::new()];
    for (log, suffix) in logs.iter_mut().zip(["", ".csv", ".json"]) {
        until(&format!("{path}{suffix} comes to its end"), async || {
            *log = fs::read_to_string(format!("{path}{suffix}")).unwrap_or_default();
            log.contains("the end")
        })
        .await;
    }
    (ran, logs)
}

#[rstest]
#[case("pg15")]
#[case("deb18")]
#[case("deb19")]
#[tokio::test]
async fn calls_and_times_are_what_the_server_ran(#[case] member: &str) {
    let own = Own { purpose: "logs", settings: SETTINGS, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let admin = session(server, "admin", "-c log_min_duration_statement=-1").await;
    admin
        .batch_execute(
            "create table features (id int, data jsonb); insert into features select n, '{}' from generate_series(1, 3) n",
        )
        .await
        .unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (number, (prefix, tells_session)) in PREFIXES.iter().enumerate() {
        let (ran, [stderr, csvlog, jsonlog]) = logged(server, &admin, (number, prefix)).await;
        let right = oracle(&jsonlog, &ran);
        let mut compare = |form: &str, log: &[u8], tells: bool| {
            compared += 1;
            let (entries, read) = read(log, usize::MAX);
            let mut found = differences(&told(&entries), &right, tells);
            let SourceCounts { malformed, skipped, .. } = read.counts;
            if read.format.is_none() || (malformed, skipped) != (0, 0) && !form.contains("beside") {
                found.insert(
                    0,
                    format!(
                        "    {:?} {:?} {malformed} malformed, {skipped} skipped",
                        read.format, read.refused
                    ),
                );
            }
            if !found.is_empty() {
                found.truncate(6);
                wrong.push(format!("{member} `{prefix}` {form}:\n{}", found.join("\n")));
            }
        };
        for (form, make) in JSON.iter().filter(|_| number == 0) {
            compare(form, &make(&jsonlog), true);
        }
        for (form, make) in CSV.iter().filter(|_| number == 0) {
            compare(form, &make(&csvlog), true);
        }
        let lines = lines(&stderr);
        // Every form behind one prefix, and every prefix in some forms, which are others behind the next one.
        let is_due =
            |form: usize| number == 0 || form == 0 || (form + number).is_multiple_of(FORMS_EACH);
        for (_, (form, make)) in FORMS.iter().enumerate().filter(|(form, _)| is_due(*form)) {
            compare(form, &make(&lines), *tells_session);
        }
        for (_, (form, make)) in SYSLOG.iter().enumerate().filter(|(form, _)| is_due(*form)) {
            compare(form, &make(&lines), true);
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}
