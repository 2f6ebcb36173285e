//! What was read of a log, compared with what the server says of itself.

use std::collections::{BTreeMap, BTreeSet};

use database_optimizer::workload::{Entry, Read, SourceReader};
use serde_json::Value;

use super::forms::Line;

/// What was read of one statement: calls, and milliseconds where all of them are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Ran {
    calls: u64,
    timed: u64,
    ms: f64,
}

pub(super) type Told = BTreeMap<String, Ran>;

impl Ran {
    fn add(&mut self, calls: u64, ms: Option<f64>) {
        self.calls += calls;
        self.timed += if ms.is_some() { calls } else { 0 };
        self.ms += ms.unwrap_or(0.0);
    }
}

/// What the server says of each statement, read off its log as JSON with the least that shows it.
pub(super) fn oracle(log: &str, ran: &BTreeMap<String, u64>) -> Told {
    let mut times = BTreeMap::<String, f64>::new();
    let mut held = BTreeMap::<u64, String>::new();
    let mut told_by_statement = BTreeSet::new();
    let mut plans = BTreeMap::<String, f64>::new();
    for line in log.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (pid, text) =
            (record["pid"].as_u64().unwrap(), record["message"].as_str().unwrap_or_default());
        let sql = ran.keys().find(|sql| {
            text.contains(&**sql) || text.contains(&serde_json::to_string(sql).unwrap())
        });
        let ms = text
            .strip_prefix("duration: ")
            .and_then(|rest| rest.split(' ').next())
            .map(|ms| ms.parse::<f64>().unwrap());
        let is_prepared = text.contains(" ms  parse ") || text.contains(" ms  bind ");
        match (ms, sql) {
            (Some(ms), Some(sql)) if text.contains(" ms  plan:") => {
                *plans.entry(sql.clone()).or_default() += ms;
            }
            (Some(_), Some(_)) if is_prepared => {}
            (Some(ms), Some(sql)) => {
                told_by_statement.insert(sql.clone());
                *times.entry(sql.clone()).or_default() += ms;
            }
            (None, Some(sql)) => {
                told_by_statement.insert(sql.clone());
                held.insert(pid, sql.clone());
            }
            (Some(ms), None) => {
                if let Some(sql) = held.remove(&pid) {
                    *times.entry(sql).or_default() += ms;
                }
            }
            (None, None) => drop(held.remove(&pid)),
        }
    }
    let mut told = Told::new();
    for (sql, calls) in ran {
        let ms = if told_by_statement.contains(sql) { times.get(sql) } else { plans.get(sql) };
        told.insert(
            sql.clone(),
            Ran { calls: *calls, timed: ms.map_or(0, |_| *calls), ms: ms.copied().unwrap_or(0.0) },
        );
    }
    told
}

pub(super) fn read(log: &[u8], chunk: usize) -> (Vec<Entry>, Read) {
    let (mut reader, mut entries) = (SourceReader::new(None).of_database("postgres"), Vec::new());
    log.chunks(chunk).for_each(|chunk| reader.push(chunk, |entry| entries.push(entry)));
    let read = reader.finish(|entry| entries.push(entry));
    (entries, read)
}

pub(super) fn told(entries: &[Entry]) -> Told {
    let mut told = Told::new();
    for entry in entries.iter().filter(|entry| entry.sql.contains("/*")) {
        told.entry(entry.sql.clone()).or_default().add(entry.calls, entry.total_ms);
    }
    told
}

/// What differs from what the server ran: nothing, or each statement with what was read and what is right.
pub(super) fn differences(read: &Told, right: &Told, tells_session: bool) -> Vec<String> {
    let mut differences = Vec::new();
    let all: BTreeSet<&String> = read.keys().chain(right.keys()).collect();
    for sql in all {
        let (own, right) = (
            read.get(sql).copied().unwrap_or_default(),
            right.get(sql).copied().unwrap_or_default(),
        );
        let same_time = own.timed == right.timed && (own.ms - right.ms).abs() < 0.02;
        let unknown_time = !tells_session && own.ms <= right.ms + 0.02;
        if own.calls != right.calls || !(same_time || unknown_time) {
            differences
                .push(format!("    {:.40}: read {own:?}, right {right:?}", sql.replace('\n', " ")));
        }
    }
    differences
}

pub(super) fn lines(log: &str) -> Vec<Line> {
    let mut pid = String::new();
    let lines = log.lines().map(|line| {
        let text = match line.split_once('\u{1}') {
            Some((own, text)) if own.bytes().all(|byte| byte.is_ascii_digit()) => {
                own.clone_into(&mut pid);
                text
            }
            _ => line,
        };
        Line { pid: pid.clone(), text: text.to_owned() }
    });
    lines.collect()
}
