//! What containers, clouds and collectors make of a server's log, line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// A line of the server's plain log, without what ends it, and the process that wrote it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) pid: String,
    pub(super) text: String,
}

/// What a carrier makes of a log.
pub(super) type Form = fn(&[Line]) -> Vec<u8>;

/// Forms that leave every line as it is and put something before it, or wrap it.
pub(super) const FORMS: &[(&str, Form)] = &[
    ("plain", |log| each(log, |line| line.text.clone())),
    ("crlf", |log| each(log, |line| format!("{}\r", line.text))),
    ("byte order mark", |log| {
        [b"\xEF\xBB\xBF".to_vec(), each(log, |line| line.text.clone())].concat()
    }),
    ("utf-16", |log| utf16(&String::from_utf8(each(log, |line| line.text.clone())).unwrap())),
    ("gzip", |log| gzip(&each(log, |line| line.text.clone()))),
    ("compose", |log| each(log, |line| format!("db-1  | {}", line.text))),
    ("compose coloured", |log| {
        each(log, |line| format!("\u{1b}[36mdb-1  | \u{1b}[0m{}", line.text))
    }),
    ("compose beside others", |log| {
        let mut nth = 0;
        each(log, |line| {
            nth += 1;
            match nth % 7 {
                0 => format!(
                    "web-1 | 10.0.0.1 - - \"GET /orders HTTP/1.1\" 200\ndb-1  | {}",
                    line.text
                ),
                _ => format!("db-1  | {}", line.text),
            }
        })
    }),
    ("docker times", |log| each(log, |line| format!("{TIME} {}", line.text))),
    ("docker json-file", |log| {
        objects(
            log,
            |line| json!({"log": format!("{}\n", line.text), "stream": "stderr", "time": TIME}),
        )
    }),
    ("kubelet", |log| each(log, |line| format!("{TIME} stderr F {}", line.text))),
    ("kubectl prefix", |log| each(log, |line| format!("[pod/db-0/postgres] {}", line.text))),
    ("stern", |log| each(log, |line| format!("db-0 postgres {}", line.text))),
    ("stern times", |log| each(log, |line| format!("db-0 postgres {TIME} {}", line.text))),
    ("logcli raw", |log| each(log, |line| line.text.clone())),
    ("logcli default", |log| {
        each(log, |line| format!("{TIME} {{app=\"db\", stream=\"stderr\"}} {}", line.text))
    }),
    ("logcli jsonl", |log| {
        objects(log, |line| json!({"labels": {"app": "db"}, "line": line.text, "timestamp": TIME}))
    }),
    ("journalctl", |log| {
        let indent = " ".repeat("Nov 25 00:44:19 host postgres[1]: ".len());
        messages(log, |pid, lines| {
            let rest: Vec<String> =
                lines[1..].iter().map(|line| format!("\n{indent}{line}")).collect();
            format!("Nov 25 00:44:19 host postgres[{pid}]: {}{}", lines[0], rest.concat())
        })
    }),
    ("journalctl by line", |log| {
        each(log, |line| format!("Nov 25 00:44:19 host postgres[1]: {}", line.text))
    }),
    ("journalctl json", |log| {
        objects(
            log,
            |line| json!({"_PID": line.pid, "MESSAGE": line.text, "SYSLOG_IDENTIFIER": "postgres"}),
        )
    }),
    ("cloudwatch", |log| {
        objects_of_messages(
            log,
            |_, text| json!({"timestamp": 1_795_567_459_973_u64, "message": text, "ingestionTime": 1}),
        )
    }),
    ("cloudwatch filter", |log| {
        let events = by_message(log).into_iter().map(|(_, lines)| {
            json!({"logStreamName": "db.0", "timestamp": 1, "message": lines.join("\n"), "eventId": "3"})
        });
        json!({"events": events.collect::<Vec<_>>(), "searchedLogStreams": []})
            .to_string()
            .into_bytes()
    }),
    ("cloudwatch tail", |log| {
        each(log, |line| format!("2026-11-25T00:44:19.973000+00:00 db.0 {}", line.text))
    }),
    ("rds download", |log| {
        let text: Vec<&str> = log.iter().map(|line| line.text.as_str()).collect();
        json!({"LogFileData": text.join("\n"), "Marker": "1", "AdditionalDataPending": false})
            .to_string()
            .into_bytes()
    }),
    ("cloud sql", |log| {
        let entries = by_message(log).into_iter().map(|(_, lines)| {
            json!({"insertId": "s=1", "logName": "projects/p/logs/cloudsql.googleapis.com%2Fpostgres.log",
                "resource": {"type": "cloudsql_database"}, "severity": "INFO", "textPayload": lines.join("\n")})
        });
        serde_json::to_vec_pretty(&entries.collect::<Vec<_>>()).unwrap()
    }),
    ("azure", |log| {
        objects_of_messages(log, |pid, text| {
            json!({"category": "PostgreSQLLogs", "operationName": "LogEvent", "properties": {"errorLevel": "LOG",
                "message": text, "processId": pid, "sqlerrcode": "00000", "timestamp": "2026-11-25 00:44:19.973 UTC"}})
        })
    }),
    ("vector", |log| {
        objects(log, |line| json!({"host": "h", "message": line.text, "source_type": "file"}))
    }),
    ("filebeat", |log| {
        objects(
            log,
            |line| json!({"@timestamp": TIME, "message": line.text, "log": {"offset": 1, "file": {"path": "/x"}}}),
        )
    }),
    ("elastic export", |log| {
        objects(
            log,
            |line| json!({"_index": "x", "_source": {"@timestamp": TIME, "message": line.text}}),
        )
    }),
    ("syslog unsplit", |log| {
        messages(log, |pid, lines| {
            format!(
                "Nov 25 00:44:19 host postgres[{pid}]: {}",
                lines.join("#012").replace('\t', "#011")
            )
        })
    }),
];

/// Forms that need to know which process wrote a line: the server's own messages to syslog.
pub(super) const SYSLOG: &[(&str, Form)] = &[
    ("syslog", |log| syslog(log, |pid| format!("Nov 25 00:44:19 host postgres[{pid}]: "))),
    ("syslog rfc 5424", |log| syslog(log, |pid| format!("<134>1 {TIME} host postgres {pid} - - "))),
    ("syslog iso", |log| {
        syslog(log, |pid| format!("2026-11-25T00:44:19.973123+01:00 host postgres[{pid}]: "))
    }),
];

/// What is made of the server's log as JSON.
pub(super) const JSON: &[(&str, Make)] = &[
    ("jsonlog", |log| log.into()),
    ("jsonlog sorted", |log| {
        records(log, |record| serde_json::to_string(&sorted(&record)).unwrap())
    }),
    ("jsonlog pretty", |log| {
        records(log, |record| serde_json::to_string_pretty(&sorted(&record)).unwrap())
    }),
    ("jsonlog as an array", |log| {
        serde_json::to_vec_pretty(&log.lines().map(record).collect::<Vec<_>>()).unwrap()
    }),
    ("jsonlog as an array in one line", |log| {
        serde_json::to_vec(&log.lines().map(record).collect::<Vec<_>>()).unwrap()
    }),
    ("jsonlog of compose", |log| records(log, |record| format!("db-1  | {record}"))),
    ("jsonlog of a kubelet", |log| records(log, |record| format!("{TIME} stderr F {record}"))),
    ("jsonlog of docker", |log| {
        records(log, |record| {
            json!({"log": format!("{record}\n"), "stream": "stderr", "time": TIME}).to_string()
        })
    }),
    ("jsonlog of loki", |log| {
        records(log, |record| {
            json!({"labels": {}, "line": record.to_string(), "timestamp": TIME}).to_string()
        })
    }),
    ("operator", |log| {
        records(log, |record| {
            let names = [
                ("timestamp", "log_time"),
                ("user", "user_name"),
                ("dbname", "database_name"),
                ("pid", "process_id"),
                ("state_code", "sql_state_code"),
            ];
            let mut own = json!({"sql_state_code": "00000"});
            for (name, value) in record.as_object().unwrap() {
                let name = names
                    .iter()
                    .find(|(theirs, _)| theirs == name)
                    .map_or(name.as_str(), |(_, own)| *own);
                own[name] =
                    Value::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            json!({"level": "info", "ts": TIME, "logger": "postgres", "msg": "record", "record": own, "logging_pod": "db-1"})
                .to_string()
        })
    }),
];

/// What a carrier makes of a log.
pub(super) type Make = fn(&str) -> Vec<u8>;

/// What is made of the server's log as CSV.
pub(super) const CSV: &[(&str, Make)] = &[
    ("csvlog", |log| log.into()),
    ("csvlog crlf", |log| log.replace('\n', "\r\n").into()),
    ("csvlog gzip", |log| gzip(log.as_bytes())),
    ("csvlog utf-16", utf16),
    ("csvlog of compose", |log| behind("db-1  | ", log)),
    ("csvlog of a kubelet", |log| behind(&format!("{TIME} stdout F "), log)),
    ("csvlog of docker", |log| {
        let object = |line: &str| {
            json!({"log": format!("{line}\n"), "stream": "stdout", "time": TIME}).to_string() + "\n"
        };
        log.lines().map(object).collect::<String>().into()
    }),
];

fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// With its members in the order of their names.
fn sorted(record: &Value) -> BTreeMap<String, Value> {
    record.as_object().unwrap().clone().into_iter().collect()
}

fn records(log: &str, form: impl Fn(Value) -> String) -> Vec<u8> {
    log.lines().map(|line| form(record(line)) + "\n").collect::<String>().into_bytes()
}

const TIME: &str = "2026-11-25T00:44:19.973123456Z";

fn each(log: &[Line], mut form: impl FnMut(&Line) -> String) -> Vec<u8> {
    log.iter().map(|line| form(line) + "\n").collect::<String>().into_bytes()
}

fn objects(log: &[Line], object: impl Fn(&Line) -> Value) -> Vec<u8> {
    each(log, |line| object(line).to_string())
}

/// Messages with their lines. Details are messages of their own, as collectors see them.
fn by_message(log: &[Line]) -> Vec<(&str, Vec<&str>)> {
    let mut messages: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in log {
        match messages.last_mut() {
            Some((_, lines)) if line.text.starts_with('\t') => lines.push(&line.text),
            _ => messages.push((&line.pid, vec![&line.text])),
        }
    }
    messages
}

fn messages(log: &[Line], form: impl Fn(&str, &[&str]) -> String) -> Vec<u8> {
    let messages = by_message(log).into_iter();
    messages.map(|(pid, lines)| form(pid, &lines) + "\n").collect::<String>().into_bytes()
}

fn objects_of_messages(log: &[Line], object: impl Fn(&str, &str) -> Value) -> Vec<u8> {
    messages(log, |pid, lines| object(pid, &lines.join("\n")).to_string())
}

/// As the server itself sends a message: in pieces of 900 bytes at most, numbered, one number where there is one piece.
fn syslog(log: &[Line], head: impl Fn(&str) -> String) -> Vec<u8> {
    let (mut sent, mut sequence) = (String::new(), 0);
    // Its details are a part of a message.
    let mut whole: Vec<(&str, Vec<&str>)> = Vec::new();
    for (pid, lines) in by_message(log) {
        match whole.last_mut() {
            Some((_, own))
                if lines[0].contains("DETAIL:  ") || lines[0].contains("STATEMENT:  ") =>
            {
                own.extend(lines);
            }
            _ => whole.push((pid, lines)),
        }
    }
    for (pid, lines) in whole {
        sequence += 1;
        let head = head(pid);
        if lines.len() == 1 && lines[0].len() <= 900 {
            writeln!(sent, "{head}[{sequence}] {}", lines[0]).unwrap();
            continue;
        }
        let mut piece = 0;
        for line in lines {
            let mut rest = line;
            while !rest.is_empty() {
                let mut length = rest.floor_char_boundary(900);
                let is_within =
                    rest[length..].chars().next().is_some_and(|next| !next.is_whitespace());
                if is_within
                    && let Some(blank) =
                        rest[..length].rfind(char::is_whitespace).filter(|at| *at > 0)
                {
                    length = blank;
                }
                piece += 1;
                let said = rest[..length].replace('\t', "#011");
                writeln!(sent, "{head}[{sequence}-{piece}] {said}").unwrap();
                rest = &rest[length..];
            }
        }
    }
    sent.into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    [&[0xFF, 0xFE][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()]
        .concat()
}

/// Each line behind this.
fn behind(head: &str, log: &str) -> Vec<u8> {
    let lines: Vec<String> = log.lines().map(|line| [head, line, "\n"].concat()).collect();
    lines.concat().into()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
