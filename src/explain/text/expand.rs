//! Lines that hold several properties: `Sort Method: quicksort  Memory: 25kB`. Each becomes what the JSON format prints.

use super::super::slice::{split_once, trim};

/// Reports the properties of a line, by the names of the JSON format.
pub(super) fn expand(key: &str, value: &str, report: &mut dyn FnMut(&str, &str)) {
    match key {
        "Buffers" => buffers(value, report),
        "I/O Timings" => io_timings(value, report),
        "WAL" => pairs(value, WAL, report),
        "Tuples" => pairs(value, TUPLES, report),
        "Heap Blocks" => pairs(value, HEAP_BLOCKS, report),
        "Prefetch" => pairs(value, PREFETCH, report),
        "I/O" => pairs(value, IO, report),
        "Estimates" => estimates(value, report),
        "Sort Method" | "Buckets" | "Batches" | "Planned Partitions" | "Hits" | "Storage"
        | "Memory Usage" => {
            columns(key, value, report);
        }
        _ => report(key, value),
    }
}

type Abbreviations = &'static [(&'static str, &'static str)];

const WAL: Abbreviations = &[
    ("records", "WAL Records"),
    ("fpi", "WAL FPI"),
    ("bytes", "WAL Bytes"),
    ("fpi bytes", "WAL FPI Bytes"),
    ("buffers full", "WAL Buffers Full"),
];
const TUPLES: Abbreviations = &[
    ("inserted", "Tuples Inserted"),
    ("updated", "Tuples Updated"),
    ("deleted", "Tuples Deleted"),
    ("skipped", "Tuples Skipped"),
];
const HEAP_BLOCKS: Abbreviations =
    &[("exact", "Exact Heap Blocks"), ("lossy", "Lossy Heap Blocks")];
const PREFETCH: Abbreviations = &[
    ("avg", "Average Prefetch Distance"),
    ("max", "Max Prefetch Distance"),
    ("capacity", "Prefetch Capacity"),
];
const IO: Abbreviations = &[
    ("count", "I/O Count"),
    ("waits", "I/O Waits"),
    ("size", "Average I/O Size"),
    ("in-progress", "Average I/Os In Progress"),
];
const ESTIMATES: Abbreviations = &[
    ("capacity", "Estimated Capacity"),
    ("distinct keys", "Estimated Distinct Lookup Keys"),
    ("lookups", "Estimated Lookups"),
    ("hit percent", "Estimated Hit Percent"),
];

/// `name=value name=value`, where a name may hold a blank.
fn pairs(value: &str, names: Abbreviations, report: &mut dyn FnMut(&str, &str)) {
    let mut rest = trim(value);
    while let Some((name, after)) = split_once(rest, b'=') {
        let (number, after) = split_once(after, b' ').unwrap_or((after, ""));
        let name = trim(name);
        if let Some((_, known)) = names.iter().find(|(printed, _)| *printed == name) {
            report(known, number);
        } else {
            report(name, number);
        }
        rest = after;
    }
}

fn estimates(value: &str, report: &mut dyn FnMut(&str, &str)) {
    pairs(value.trim_end_matches('%'), ESTIMATES, report);
}

/// `shared hit=1 read=2, local hit=3, temp read=4 written=5`.
fn buffers(value: &str, report: &mut dyn FnMut(&str, &str)) {
    for part in value.split(',') {
        let mut words = part.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        for (name, number) in words.filter_map(|word| split_once(word, b'=')) {
            if let Some(key) = block_key(kind, name) {
                report(key, number);
            }
        }
    }
}

fn block_key(kind: &str, name: &str) -> Option<&'static str> {
    Some(match (kind, name) {
        ("shared", "hit") => "Shared Hit Blocks",
        ("shared", "read") => "Shared Read Blocks",
        ("shared", "dirtied") => "Shared Dirtied Blocks",
        ("shared", "written") => "Shared Written Blocks",
        ("local", "hit") => "Local Hit Blocks",
        ("local", "read") => "Local Read Blocks",
        ("local", "dirtied") => "Local Dirtied Blocks",
        ("local", "written") => "Local Written Blocks",
        ("temp", "read") => "Temp Read Blocks",
        ("temp", "written") => "Temp Written Blocks",
        _ => return None,
    })
}

/// `read=1 write=2` before 15, `shared/local read=1, temp write=2` in 15 and 16, `shared read=1, local read=2` from 17 on.
fn io_timings(value: &str, report: &mut dyn FnMut(&str, &str)) {
    for part in value.split(',') {
        let part = part.trim();
        let (kind, times) = match part.split_once(' ') {
            Some((kind, times)) if !kind.contains('=') => (kind, times),
            _ => ("shared", part),
        };
        for (name, number) in times.split_whitespace().filter_map(|word| word.split_once('=')) {
            let key = match (kind, name) {
                ("shared" | "shared/local", "read") => "Shared I/O Read Time",
                ("shared" | "shared/local", "write") => "Shared I/O Write Time",
                ("local", "read") => "Local I/O Read Time",
                ("local", "write") => "Local I/O Write Time",
                ("temp", "read") => "Temp I/O Read Time",
                ("temp", "write") => "Temp I/O Write Time",
                _ => continue,
            };
            report(key, number);
        }
    }
}

/// `Batches: 1  Memory Usage: 9kB`: properties with two blanks between.
fn columns(key: &str, value: &str, report: &mut dyn FnMut(&str, &str)) {
    let mut name = key;
    let hash_table = key == "Buckets";
    for part in value.split("  ").map(str::trim).filter(|part| !part.is_empty()) {
        let value = match part.split_once(": ") {
            Some((next, value)) => {
                name = next;
                value
            }
            None => part,
        };
        column((name, value), hash_table, report);
    }
}

fn column((name, value): (&str, &str), hash_table: bool, report: &mut dyn FnMut(&str, &str)) {
    let number = value.strip_suffix("kB").unwrap_or(value);
    match name {
        "Memory" | "Disk" => {
            report("Sort Space Used", number);
            report("Sort Space Type", name);
        }
        "Buckets" => originally(value, "Hash Buckets", "Original Hash Buckets", report),
        "Batches" if hash_table => {
            originally(value, "Hash Batches", "Original Hash Batches", report);
        }
        "Batches" => report("HashAgg Batches", number),
        "Memory Usage" => report("Peak Memory Usage", number),
        "Hits" => report("Cache Hits", number),
        "Misses" => report("Cache Misses", number),
        "Evictions" => report("Cache Evictions", number),
        "Overflows" => report("Cache Overflows", number),
        _ => report(name, number),
    }
}

/// `4096 (originally 1024)`.
fn originally(value: &str, now: &str, before: &str, report: &mut dyn FnMut(&str, &str)) {
    let (value, planned) = value.split_once(" (originally ").unwrap_or((value, value));
    report(now, value);
    report(before, planned.trim_end_matches(')'));
}
