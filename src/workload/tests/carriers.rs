//! Logs as containers, clouds and collectors deliver them: the same statements are read of each.

use super::*;

/// What a carrier makes of a line of a process.
type Form<'a> = &'a dyn Fn(u32, &str) -> String;

/// Messages of two processes that take turns, as the server prints them without a prefix: a statement of two lines and its
/// time, another one and its time, and one with its parameters.
const MESSAGES: [(u32, &str); 6] = [
    (812, "LOG:  statement: select data ->> 'a'\n\tfrom features"),
    (813, "LOG:  statement: select 2"),
    (812, "LOG:  duration: 1.500 ms"),
    (813, "LOG:  duration: 2.500 ms"),
    (812, "LOG:  duration: 0.100 ms  execute a: select $1"),
    (812, "DETAIL:  parameters: $1 = 'k'"),
];

const READ: [&str; 3] = [
    "1 x 1.5 ms: select data ->> 'a'\nfrom features",
    "1 x 2.5 ms: select 2",
    "1 x 0.1 ms: select $1",
];

/// The messages, each with what a prefix puts before it.
fn prefixed(prefix: impl Fn(u32, usize) -> String) -> Vec<(u32, String)> {
    let mut lines = std::collections::BTreeMap::<u32, usize>::new();
    let messages = MESSAGES.iter().map(|(pid, message)| {
        let line = lines.entry(*pid).or_default();
        *line += 1;
        (*pid, format!("{}{message}", prefix(*pid, *line)))
    });
    messages.collect()
}

/// The log of a default installation.
fn plain() -> Vec<(u32, String)> {
    prefixed(|pid, _| format!("2026-11-25 00:44:19.973 UTC [{pid}] "))
}

/// A log whose every line a carrier wraps.
fn each_line(wrap: impl Fn(u32, &str) -> String) -> String {
    let lines = plain();
    let lines = lines.iter().flat_map(|(pid, message)| message.lines().map(|line| (*pid, line)));
    lines.map(|(pid, line)| wrap(pid, line) + "\n").collect()
}

/// A log whose every message a carrier wraps, as JSON text.
fn each_message(wrap: impl Fn(u32, &str) -> String) -> Vec<String> {
    plain()
        .iter()
        .map(|(pid, message)| wrap(*pid, &serde_json::to_string(message).unwrap()))
        .collect()
}

/// As syslog sends messages: in numbered pieces, with tabs written out. The server itself sends details with their message.
fn syslog(head: impl Fn(u32) -> String) -> String {
    let mut log = String::new();
    let mut number = 0;
    for (pid, message) in plain() {
        number += usize::from(!message.contains("DETAIL"));
        let first = if message.contains("DETAIL") { 2 } else { 1 };
        for (piece, line) in (first..).zip(message.lines()) {
            let line = line.replace('\t', "#011");
            log.extend([head(pid), format!("[{number}-{piece}] {line}\n")]);
        }
    }
    log
}

fn assert_all_read(log: &str) {
    for log in [log.to_owned(), log.replace('\n', "\r\n"), format!("\u{FEFF}{log}")] {
        let (entries, read) = read(&log);
        let told = told(&entries);
        assert_eq!(sorted(&told), sorted(&READ.map(str::to_owned)), "{log}");
        let bound = entries.iter().find(|entry| entry.sql == "select $1").unwrap();
        assert_eq!(bound.parameters.get(1).as_deref(), Some("k"), "{log}");
        assert_eq!((read.counts.malformed, read.counts.skipped), (0, 0), "{log}");
    }
}

/// Processes take turns in another order where each has a stream of its own.
fn sorted(told: &[String]) -> Vec<String> {
    let mut told = told.to_vec();
    told.sort();
    told
}

#[test]
fn sessions_are_told_apart_under_every_prefix() {
    let prefixes: &[&dyn Fn(u32, usize) -> String] = &[
        &|p, l| format!("2026-11-25 00:44:19 UTC [{p}]: [{l}-1] db=shop,user=app "),
        &|p, l| format!("2026-11-25 00:44:19 UTC [{p}-{l}] app@shop "),
        &|p, _| format!("2026-11-25 00:44:19 UTC:10.0.0.1(5432):app@shop:[{p}]:"),
        &|p, _| format!("2026-11-25 00:44:19 UTC-6631d2a0.{p:x}-"),
        &|p, l| format!("2026-11-25 00:44:19 UTC {p} app shop {l} "),
        &|p, _| format!("pid={p},db=shop,client=10.0.0.1,txid=0"),
        &|p, _| format!("2026-11-25 00:44:19 UTC [{p}] db=shop,app=psql"),
        &|p, _| format!("time=2026-11-25 00:44:19 UTC, pid={p} client=build7"),
        &|p, _| format!("{p}"),
    ];
    for prefix in prefixes {
        let log: String = prefixed(prefix).into_iter().map(|(_, line)| line + "\n").collect();
        assert_all_read(&log);
    }
}

#[test]
fn a_prefix_that_somebody_names_tells_sessions_apart_where_numbers_do_not() {
    // Which number is the process cannot be seen: both stay the same in each session.
    let log: String = prefixed(|pid, _| format!("{} {pid} shop ", 5000 - pid))
        .into_iter()
        .chain([(0, "7 9 other LOG:  statement: select 7".to_owned())])
        .map(|(_, line)| line + "\n")
        .collect();
    let told_behind = |prefix: &str| {
        let prefix = LinePrefix::parse(prefix).unwrap();
        let mut reader = SourceReader::new(None).of_database("shop").behind(Some(prefix));
        let mut entries = Vec::new();
        reader.push(log.as_bytes(), |entry| entries.push(entry));
        let elsewhere = reader.finish(|entry| entries.push(entry)).counts.elsewhere;
        (sorted(&told(&entries)), elsewhere)
    };
    assert_eq!(told_behind("%x %p %d "), (sorted(&READ.map(str::to_owned)), 1));
    let (untimed, _) = told_behind("%x %l %d ");
    assert!(untimed.iter().filter(|told| told.contains("? ms")).count() == 2, "{untimed:?}");
}

#[test]
fn a_prefix_that_tells_no_process_leaves_times_unknown_and_no_statement_out() {
    for prefix in
        ["2026-11-25 00:44:19 UTC psql app shop", "txid=77", "2026-11-25 00:44:19 UTC [7-1] "]
    {
        let log: String =
            prefixed(|_, _| prefix.to_owned()).into_iter().map(|(_, line)| line + "\n").collect();
        let (entries, read) = read(&log);
        assert_eq!((entries.len(), read.counts.malformed), (3, 0), "{log}");
        assert_eq!(entries.iter().filter(|entry| entry.total_ms.is_some()).count(), 1, "{log}");
    }
}

#[test]
fn lines_are_read_behind_what_containers_put_before_them() {
    let forms: &[Form<'_>] = &[
        &|_, line| format!("db-1  | {line}"),
        &|_, line| format!("\x1B[36mpostgres_1 |\x1B[0m {line}"),
        &|_, line| format!("db-1  | 2026-11-25T00:44:19.973123456Z {line}"),
        &|_, line| format!("2026-11-25T00:44:19.973123456Z {line}"),
        &|_, line| format!("2026-11-25T00:44:19.973123456Z stdout F {line}"),
        &|_, line| format!("2026-11-25T00:44:19.973+01:00 stderr F {line}"),
        &|_, line| format!("[pod/db-0/postgres] 2026-11-25T00:44:19Z {line}"),
        &|pid, line| format!("Nov 25 00:44:19 host postgres[{pid}]: {line}"),
        &|_, line| format!("Nov 25 00:44:19 host docker[1]: {line}"),
        &|pid, line| format!("2026-11-25T00:44:19+0000 host postgres[{pid}]: {line}"),
    ];
    for form in forms {
        assert_all_read(&each_line(form));
    }
}

#[test]
fn pieces_of_syslog_are_put_together_by_process() {
    let heads: &[&dyn Fn(u32) -> String] = &[
        &|pid| format!("Nov 25 00:44:19 host postgres[{pid}]: "),
        &|pid| format!("Nov  5 00:44:19.973123 host postgres[{pid}]: "),
        &|pid| format!("<134>Nov 25 00:44:19 host postgres[{pid}]: "),
        &|pid| format!("2026-11-25T00:44:19.973123+01:00 host postgres[{pid}]: "),
        &|pid| format!("<134>1 2026-11-25T00:44:19.973Z host postgres {pid} - - "),
        &|pid| format!("2026-11-25T00:44:19+00:00 app[postgres.{pid}]: [DATABASE] "),
        &|pid| format!("Wed 2026-11-25 00:44:19 UTC host postgres[{pid}]: "),
    ];
    for head in heads {
        assert_all_read(&syslog(head));
    }
}

#[test]
fn a_long_line_that_was_sent_in_pieces_is_one() {
    let syslog = "Nov 25 00:44:19 h postgres[8]: [3-1] 2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select a,\n\
                  Nov 25 00:44:19 h postgres[9]: [7-1] 2026-11-25 00:44:19 UTC [9] LOG:  duration: 2.000 ms  statement: select 9\n\
                  Nov 25 00:44:19 h postgres[8]: [3-2]  b from t\n";
    let cri = "2026-11-25T00:44:19.1Z stdout P [8] LOG:  duration: 1.000 ms  statement: select a,\n\
               2026-11-25T00:44:19.2Z stdout F  b from t\n\
               2026-11-25T00:44:19.3Z stdout F [9] LOG:  duration: 2.000 ms  statement: select 9\n";
    let docker = r#"{"log":"[8] LOG:  duration: 1.000 ms  statement: select a,","stream":"stderr","time":"x"}
{"log":" b from t\n","stream":"stderr","time":"x"}
{"log":"[9] LOG:  duration: 2.000 ms  statement: select 9\n","stream":"stderr","time":"x"}
"#;
    for log in [syslog, cri, docker] {
        let (entries, read) = read(log);
        assert_eq!(
            sorted(&told(&entries)),
            ["1 x 1 ms: select a, b from t", "1 x 2 ms: select 9"],
            "{log}"
        );
        assert_eq!(read.counts.malformed, 0, "{log}");
    }
}

#[test]
fn a_journal_prints_further_lines_below_the_first() {
    let log = "Nov 25 00:44:19 host postgres[8]: 2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select a
                                  from t
Nov 25 00:44:20 host postgres[8]: 2026-11-25 00:44:20 UTC [8] LOG:  duration: 2.000 ms  statement: select 2
";
    let (entries, _) = read(log);
    assert_eq!(told(&entries), ["1 x 1 ms: select a\nfrom t", "1 x 2 ms: select 2"]);
}

#[test]
fn lines_wrapped_in_json_are_read() {
    let docker = each_line(|_, line| {
        let line = serde_json::to_string(&format!("{line}\n")).unwrap();
        format!(r#"{{"log":{line},"stream":"stderr","time":"2026-11-25T00:44:19.973Z"}}"#)
    });
    assert_all_read(&docker);
    let cloud_sql = each_message(|_, line| {
        format!(
            r#"{{"insertId":"x","resource":{{"labels":{{"database_id":"p:i"}}}},"textPayload":{line}}}"#
        )
    });
    assert_all_read(&format!("[{}]", cloud_sql.join(",\n")));
    let azure = each_message(|pid, line| {
        format!(
            r#"{{"category":"PostgreSQLLogs","properties":{{"message":{line},"errorLevel":"LOG","processId":{pid},"sqlerrcode":"00000"}}}}"#
        )
    });
    assert_all_read(&azure.join("\n"));
    assert_all_read(&format!("{{\"records\": [{}]}}", azure.join(",")));
    let watch = each_message(|_, line| {
        format!(r#"{{"timestamp":1795567459973,"message":{line},"ingestionTime":1}}"#)
    });
    assert_all_read(&format!(r#"{{"nextToken":"x","events":[{}]}}"#, watch.join(",")));
    let journal = each_message(|pid, line| format!(r#"{{"_PID":"{pid}","MESSAGE":{line}}}"#));
    assert_all_read(&journal.join("\n"));
    let all: Vec<String> = plain().into_iter().map(|(_, message)| message).collect();
    let portion = serde_json::to_string(&all.join("\n")).unwrap();
    assert_all_read(&format!(
        r#"{{"LogFileData":{portion},"Marker":"1","AdditionalDataPending":false}}"#
    ));
}

/// A message as an object of JSON, its members in this order.
fn object(pid: u32, message: &str, names: [&str; 5]) -> String {
    let [session, level, state, text, detail] = names;
    let (message, parameters) = match message.split_once("  ") {
        Some((_, text)) if message.starts_with("DETAIL") => ("", text),
        Some((_, text)) => (text, ""),
        None => (message, ""),
    };
    let quoted = |text: &str| serde_json::to_string(&text.replace("\n\t", "\n")).unwrap();
    format!(
        r#"{{"{session}":"6631d2a0.{pid:x}","{level}":"LOG","{state}":"00000","{text}":{},"{detail}":{}}}"#,
        quoted(message),
        quoted(parameters)
    )
}

/// The messages as objects, with details beside what they are of.
fn objects(names: [&str; 5], wrap: impl Fn(&str) -> String) -> Vec<String> {
    let mut objects = Vec::new();
    for (index, (pid, message)) in MESSAGES.iter().enumerate().take(5) {
        let object = object(*pid, message, names);
        let object = match index {
            4 => object.replace(
                &format!("\"{}\":\"\"", names[4]),
                &format!("\"{}\":\"parameters: $1 = 'k'\"", names[4]),
            ),
            _ => object,
        };
        objects.push(wrap(&object));
    }
    objects
}

#[test]
fn messages_as_json_are_read_whatever_their_order_and_whoever_wrapped_them() {
    let json = ["session_id", "error_severity", "state_code", "message", "detail"];
    assert_all_read(&objects(json, str::to_owned).join("\n"));
    assert_all_read(&format!("[{}]", objects(json, str::to_owned).join(",")));
    let operator = ["session_id", "error_severity", "sql_state_code", "message", "detail"];
    let wrap = |record: &str| {
        format!(
            r#"{{"level":"info","ts":"x","logger":"postgres","msg":"record","logging_pod":"db-1","record":{record}}}"#
        )
    };
    let mut lines = objects(operator, wrap);
    lines.insert(
        2,
        r#"{"level":"info","ts":"x","logger":"instance-manager","msg":"starting"}"#.to_owned(),
    );
    assert_all_read(&lines.join("\n"));
    let kubelet: Vec<String> =
        lines.iter().map(|line| format!("2026-11-25T00:44:19.973Z stdout F {line}")).collect();
    assert_all_read(&kubelet.join("\n"));
}

#[test]
fn a_log_cut_at_both_ends_loses_two_lines_and_says_so() {
    let log = each_line(|_, line| format!("2026-11-25T00:44:19.973Z stdout F {line}"));
    let cut = &log[30..log.len() - 20];
    let counts = read(cut).1.counts;
    assert_eq!(counts.entries, 2);
    let json =
        objects(["session_id", "error_severity", "state_code", "message", "detail"], str::to_owned)
            .join("\n");
    let cut = &json[12..json.len() - 3];
    let counts = read(cut).1.counts;
    assert_eq!((counts.entries, counts.malformed), (1, 2));
}

#[test]
fn a_statement_whose_further_lines_lost_their_tab_is_not_taken_for_the_whole() {
    let log = "2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select a\nfrom t\n\
               2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select 2\n";
    let (entries, read) = read(log);
    assert_eq!(entries.iter().map(|entry| entry.cut_off).collect::<Vec<_>>(), [true, false]);
    assert_eq!((read.counts.malformed, read.counts.cut_off), (1, 1));
}

#[test]
fn lines_of_other_programs_are_counted_and_harm_no_statement() {
    let log = "db-1   | 2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select a\n\
               web-1  | GET /orders 200\n\
               db-1   | \tfrom t\n\
               db-1   | 2026-11-25 00:44:19,973 INFO: no action. I am (db-1), the leader with the lock\n";
    let (entries, read) = read(log);
    assert_eq!(told(&entries), ["1 x 1 ms: select a\nfrom t"]);
    assert_eq!(read.counts.malformed, 1);
}

#[test]
fn a_log_in_another_encoding_is_read_wherever_its_chunks_end_and_its_missing_end_is_counted() {
    use std::io::Write as _;
    let log = "2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select 'é𝄞'\n"
        .repeat(900);
    let units: Vec<u16> = log.encode_utf16().collect();
    let little: Vec<u8> = units.iter().copied().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units.iter().copied().flat_map(u16::to_be_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(log.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    // Logs that were rotated are put one behind the other.
    let twice = [&*gzip, &gzip].concat();
    for (source, times) in [
        ([&[0xFF, 0xFE], &*little].concat(), 900),
        ([&[0xFE, 0xFF], &*big].concat(), 900),
        (little, 900),
        (big, 900),
        (twice, 1800),
    ] {
        for chunk in [1, 3, 4096, usize::MAX] {
            let (entries, read) = read_in_chunks(&source, None, chunk);
            assert_eq!((entries.len(), read.counts.malformed), (times, 0), "{chunk}");
            assert!(entries.iter().all(|entry| entry.sql == "select 'é𝄞'"));
            assert_eq!(read.counts.bytes, source.len() as u64);
        }
    }
    let (entries, read) = super::read(&gzip[..gzip.len() / 2]);
    assert!(!entries.is_empty() && entries.len() < 900 && read.counts.malformed > 0, "{read:?}");
}

#[test]
fn what_is_no_text_is_refused_with_what_to_do() {
    let log = "2026-11-25 00:44:19 UTC [8] LOG:  duration: 1.000 ms  statement: select 1\n";
    for (source, word) in [
        (&b"\x1F\x8B\x08\0\0\0\0\0"[..], "cannot be decompressed"),
        (b"\x28\xB5\x2F\xFD\x04\0", "zstd -dc"),
        (
            b"{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[]}}",
            "jq -r '.data.result",
        ),
        (b"{\"kind\": \"x\", \"line\": {\"of\": 1}}\n", "jq -r"),
        (b"dear sir", "neither a server log"),
    ] {
        let (entries, read) = super::read(source);
        assert_eq!((entries.len(), read.format), (0, None));
        assert!(read.refused.unwrap().contains(word), "{word}: {:?}", read.refused);
    }
    assert_eq!(super::read(log).1.refused, None);
}

#[test]
fn statements_of_another_database_are_passed_over_where_the_prefix_names_both() {
    let line = |database: &str| {
        format!(
            "2026-11-25 00:44:19 UTC [8] app@{database} LOG:  duration: 1.000 ms  statement: select 1\n"
        )
    };
    let log = [line("shop"), line("other"), line("shop")].concat();
    let counts = |wanted: &str| {
        let mut reader = SourceReader::new(None).of_database(wanted);
        reader.push(log.as_bytes(), |_| {});
        let counts = reader.finish(|_| {}).counts;
        (counts.entries, counts.elsewhere)
    };
    assert_eq!(counts("shop"), (2, 1));
    // A copy of the database is called otherwise, and its log says nothing of it.
    assert_eq!(counts("copy_of_shop"), (3, 0));
}

#[test]
fn a_log_with_the_last_message_first_gives_no_statement_another_ones_time_or_parameters() {
    let line = |second: u32, message: &str| {
        format!("2026-11-25 00:44:{second}.973 UTC [8]: [1-1] db=shop,user=app {message}")
    };
    let mut lines = vec![
        line(10, "LOG:  statement: select 1"),
        line(11, "LOG:  duration: 1.500 ms"),
        line(12, "LOG:  statement: select 2"),
        line(13, "LOG:  duration: 2.500 ms"),
        line(14, "LOG:  duration: 3.500 ms  execute a: select $1"),
        line(14, "DETAIL:  parameters: $1 = 'three'"),
        line(15, "LOG:  duration: 4.500 ms  execute a: select $1"),
        line(15, "DETAIL:  parameters: $1 = 'four'"),
    ];
    let wrapped = |lines: &[String]| {
        let objects = lines
            .iter()
            .map(|line| format!(r#"{{"textPayload":{}}}"#, serde_json::to_string(line).unwrap()));
        format!("[{}]", objects.collect::<Vec<_>>().join(","))
    };
    let (entries, _) = read(wrapped(&lines));
    assert_eq!(told(&entries)[..2], ["1 x 1.5 ms: select 1", "1 x 2.5 ms: select 2"]);
    assert_eq!(entries[2].parameters.get(1).as_deref(), Some("three"));
    lines.reverse();
    let (entries, _) = read(wrapped(&lines));
    assert_eq!(
        sorted(&told(&entries)),
        [
            "1 x 3.5 ms: select $1",
            "1 x 4.5 ms: select $1",
            "1 x ? ms: select 1",
            "1 x ? ms: select 2"
        ]
    );
    let third = entries.iter().find(|entry| entry.total_ms == Some(3.5)).unwrap();
    assert_eq!(third.parameters.get(1), None);
}
