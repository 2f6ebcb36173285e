//! What the process takes of its machine, under the names that Prometheus' own clients use.

use std::fmt::Write as _;
use std::fs;

/// One family of one sample.
struct MetricFamily {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: f64,
}

/// In Prometheus' text format; nothing of what this system does not report.
pub(super) fn rendered() -> String {
    let mut text = String::new();
    for MetricFamily { name, kind, help, value } in families().into_iter().flatten() {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
    text
}

fn families() -> Option<Vec<MetricFamily>> {
    let family = |name, kind, help, value| MetricFamily { name, kind, help, value };
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let Stat { cpu_ticks, threads, started_ticks, virtual_bytes, resident_pages } =
        Stat::parse(&stat)?;
    #[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
    let (ticks, page) =
        (rustix::param::clock_ticks_per_second() as f64, rustix::param::page_size() as f64);
    let mut all = vec![
        family("process_cpu_seconds_total", "counter", "CPU time used.", cpu_ticks / ticks),
        family("process_resident_memory_bytes", "gauge", "Resident memory.", resident_pages * page),
        family("process_virtual_memory_bytes", "gauge", "Virtual memory.", virtual_bytes),
        family("process_threads", "gauge", "Threads.", threads),
    ];
    if let Some(booted) = booted() {
        let help = "When the process was started, in seconds since 1970.";
        all.push(family(
            "process_start_time_seconds",
            "gauge",
            help,
            booted + started_ticks / ticks,
        ));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The directory that is being read is one of them.
        #[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
        let open = open.count().saturating_sub(1) as f64;
        all.push(family("process_open_fds", "gauge", "Open files.", open));
    }
    if let Some(max) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        #[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
        let max = max as f64;
        all.push(family("process_max_fds", "gauge", "Files that may be open.", max));
    }
    Some(all)
}

/// What is taken of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: f64,
    threads: f64,
    started_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the name of the program, which may hold spaces and brackets.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Counted as proc(5) does, from 1; the third is the first here.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the machine was started, in seconds since 1970.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_may_hold_anything() {
        let stat = "7 (a) b) R 1 7 7 0 -1 0 1 2 3 4 50 25 0 0 20 0 9 0 400 8192 3 184";
        let parsed = Stat::parse(stat).unwrap();
        let wanted = Stat {
            cpu_ticks: 75.0,
            threads: 9.0,
            started_ticks: 400.0,
            virtual_bytes: 8192.0,
            resident_pages: 3.0,
        };
        assert_eq!(parsed, wanted);
        assert_eq!(Stat::parse("7 (a) R 1"), None);
    }

    #[test]
    fn what_is_said_of_this_process_is_near_the_truth() {
        let value = |name: &str| {
            let all = rendered();
            let line = all.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("no {name}: {all}")).parse::<f64>().unwrap()
        };
        let now = jiff::Timestamp::now().as_duration().as_secs_f64();
        let started = value("process_start_time_seconds");
        assert!(started <= now + 1.0 && started > now - 86_400.0, "{started} {now}");
        assert!((1e6..1e11).contains(&value("process_resident_memory_bytes")));
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= 64.0);
        assert!(value("process_threads") >= 1.0 && value("process_cpu_seconds_total") >= 0.0);
    }
}
