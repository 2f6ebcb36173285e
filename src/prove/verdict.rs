//! From runs to a verdict. Pure.

use std::fmt::Write as _;

use super::copy::{RUNS, is_too_small};
use super::key_trial::{KeyMeasured, KeyRun};
use super::key_use::Place;
use super::method::Promise;
use super::sampled_copy::{Measured, Run};
use crate::model::{Grade, Measurement, Proof, ProofMethod, Unit, Verdict};

/// A gain below this is not worth a lock, however certain.
const GAIN_MIN: f64 = 0.05;
/// A gain in reading that is to pay for wider rows must be worth them.
const READ_GAIN_MIN: f64 = 0.20;
/// The share of its time that a call of the workload must lose, for an index to be kept up or queries to be changed: the
/// specification's for a key that becomes a column.
const CALL_GAIN_MIN: f64 = 0.50;
/// How much more room the values may take.
const GROWTH_MAX: f64 = 0.25;

/// What the runs of an arm say, against those of the baseline, which is the first.
pub(super) fn proof(promise: Promise, measured: &Measured, arm: usize) -> Proof {
    let runs = (measured.arms[0].as_slice(), measured.arms[arm].as_slice());
    let mut measurements = vec![
        measurement("write_ms", Unit::Ms, runs, |run| run.write_ms),
        measurement("read_column_ms", Unit::Ms, runs, |run| run.read_column_ms),
        measurement("scan_others_ms", Unit::Ms, runs, |run| run.scan_others_ms),
        measurement("heap_bytes", Unit::Bytes, runs, |run| run.heap_bytes),
        measurement("toast_bytes", Unit::Bytes, runs, |run| run.toast_bytes),
    ];
    if let Promise::LessRoom { .. } = promise {
        let bytes = |run: &Run| run.heap_bytes + run.toast_bytes;
        measurements.push(measurement("relation_bytes", Unit::Bytes, runs, bytes));
        let read = |run: &Run| run.read_key_ms.unwrap_or(f64::NAN);
        measurements.push(measurement("read_key_ms", Unit::Ms, runs, read));
    }
    let (verdict, reason) = if is_too_small(&measured.sample) {
        (Verdict::Inconclusive, "too few rows could be copied".to_owned())
    } else {
        judge(promise, &measurements)
    };
    let place =
        if measured.on_lab { "on the lab database" } else { "in a temporary table on the target" };
    Proof {
        grade: Grade::Measured,
        method: ProofMethod::SampledCopy,
        verdict,
        reason: Some(format!("{reason}; measured {place}")),
        measurements,
        sample: Some(measured.sample.clone()),
    }
}

/// What the runs of one way to keep a key say, against those with the key in the document as it is.
pub(super) fn key_proof(measured: &KeyMeasured, place: Place) -> Proof {
    let runs_of = |wanted: Place| {
        let found = measured.arms.iter().find(|(place, _)| *place == wanted);
        found.map_or(&[][..], |(_, runs)| runs.as_slice())
    };
    let measurements = |place: Place| key_measurements((runs_of(Place::Today), runs_of(place)));
    let numbers = measurements(place);
    let planned = planned(measured, place);
    let by_times = planned.is_none();
    let (verdict, mut reason) = if is_too_small(&measured.sample) {
        (Verdict::Inconclusive, "too few rows could be copied".to_owned())
    } else if let Some(reason) = planned {
        (Verdict::Refuted, reason.to_owned())
    } else {
        promised("a call of the workload", &numbers[0], CALL_GAIN_MIN)
    };
    if verdict == Verdict::Refuted && by_times {
        let _ = write!(reason, "; the minimum is {:.0} % less", CALL_GAIN_MIN * 100.0);
    }
    let indexed = measured.arms.iter().any(|(place, _)| *place == Place::Indexed);
    if place == Place::IndexedColumn && indexed {
        let index = measurements(Place::Indexed);
        if !numbers[0].is_clearly_less_than(&index[0]) {
            reason.push_str(", no better than the expression index");
        }
    }
    let written = numbers.iter().find(|measured| measured.name == "write_ms");
    if let Some(written) = written.filter(|written| worse(written)) {
        let longer = written.candidate / written.baseline;
        let _ = write!(reason, ", writing a row takes {longer:.1} times as long");
    }
    let where_ =
        if measured.on_lab { "on the lab database" } else { "in a temporary table on the target" };
    Proof {
        grade: Grade::Measured,
        method: ProofMethod::SampledCopy,
        verdict,
        reason: Some(format!("{reason}; measured {where_}")),
        measurements: numbers,
        sample: Some(measured.sample.clone()),
    }
}

/// What the server's plans say against it, whatever was timed.
fn planned(measured: &KeyMeasured, place: Place) -> Option<&'static str> {
    let KeyMeasured { indexed_calls, there_calls, find_calls, .. } = measured;
    if *there_calls > 0 && there_calls * 2 >= *find_calls {
        return Some("the server reads an index that is there already for these statements");
    }
    (place == Place::Indexed && *indexed_calls == Some(0))
        .then_some("the server reads no such index for these statements as they are spelled")
}

/// The mean of a call first.
fn key_measurements(runs: (&[KeyRun], &[KeyRun])) -> Vec<Measurement> {
    let mut measurements = vec![measurement("call_ms", Unit::Ms, runs, |run| run.call_ms)];
    // Where the workload does no such thing, there is no time of it.
    let mut add = |name: &str, of: fn(&KeyRun) -> Option<f64>| {
        if runs.0.iter().all(|run| of(run).is_some()) {
            let of = |run: &KeyRun| of(run).unwrap_or(f64::NAN);
            measurements.push(measurement(name, Unit::Ms, runs, of));
        }
    };
    add("filter_ms", |run| run.filter_ms);
    add("read_key_ms", |run| run.read_key_ms);
    measurements.extend([
        measurement("write_ms", Unit::Ms, runs, |run| run.write_ms),
        measurement("heap_bytes", Unit::Bytes, runs, |run| run.heap_bytes),
        measurement("toast_bytes", Unit::Bytes, runs, |run| run.toast_bytes),
        measurement("index_bytes", Unit::Bytes, runs, |run| run.index_bytes),
    ]);
    measurements
}

fn judge(promise: Promise, measurements: &[Measurement]) -> (Verdict, String) {
    let [write, read, _, heap, toast, ..] = measurements else {
        unreachable!("five metrics are measured of every arm")
    };
    let growth =
        (heap.candidate + toast.candidate) / (heap.baseline + toast.baseline).max(1.0) - 1.0;
    if growth > GROWTH_MAX {
        return (Verdict::Refuted, format!("it takes {:.0} % more room", growth * 100.0));
    }
    match promise {
        Promise::LessRoom { saving_ratio_min } => less_room(0.0 - growth, saving_ratio_min),
        Promise::FasterReads => promised("reading the column", read, READ_GAIN_MIN),
        Promise::CheaperWrites => promised("writing", write, GAIN_MIN),
        Promise::LessCpu => {
            let both = [
                promised("reading the column", read, GAIN_MIN),
                promised("writing", write, GAIN_MIN),
            ];
            let [reading, writing] = both;
            // The better of the two, unless the other gets clearly worse.
            match (worse(read) || worse(write), rank(reading.0) >= rank(writing.0)) {
                (true, _) => {
                    (Verdict::Refuted, "what it gains on one side it loses on the other".to_owned())
                }
                (false, true) => reading,
                (false, false) => writing,
            }
        }
    }
}

/// Bytes are the same in every run: nothing hides them.
fn less_room(saved: f64, saving_ratio_min: f64) -> (Verdict, String) {
    let said = format!("it saves {:.0} % of heap and TOAST", saved * 100.0);
    if saved >= saving_ratio_min {
        (Verdict::Confirmed, said)
    } else {
        (Verdict::Refuted, format!("{said}, less than {:.0} %", saving_ratio_min * 100.0))
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Confirmed => 3,
        Verdict::Inconclusive => 2,
        Verdict::Refuted | Verdict::NotRun => 1,
    }
}

/// Whether the promised gain is there, and wider than the runs spread.
fn promised(what: &str, metric: &Measurement, gain_min: f64) -> (Verdict, String) {
    let gain = gain(metric);
    let said = format!(
        "{what} takes {:.0} % {} time",
        gain.abs() * 100.0,
        if gain >= 0.0 { "less" } else { "more" }
    );
    if gain.is_nan() {
        (Verdict::Inconclusive, "the server gave no times".to_owned())
    } else if gain >= gain_min && gain > metric.spread {
        (Verdict::Confirmed, said)
    } else if gain >= gain_min || metric.spread > gain_min.max(gain.abs()) {
        (
            Verdict::Inconclusive,
            format!("{said}, which the spread of {:.0} % hides", metric.spread * 100.0),
        )
    } else {
        (Verdict::Refuted, said)
    }
}

fn gain(metric: &Measurement) -> f64 {
    (metric.baseline - metric.candidate) / metric.baseline
}

fn worse(metric: &Measurement) -> bool {
    -gain(metric) > 2.0 * GAIN_MIN + metric.spread
}

fn measurement<Run>(
    name: &str,
    unit: Unit,
    (baseline, candidate): (&[Run], &[Run]),
    of: impl Fn(&Run) -> f64,
) -> Measurement {
    let (before, spread_before) = median_and_spread(baseline.iter().map(&of).collect());
    let (after, spread_after) = median_and_spread(candidate.iter().map(&of).collect());
    Measurement {
        name: name.to_owned(),
        baseline: before,
        candidate: after,
        unit,
        runs: RUNS,
        spread: (spread_before.max(spread_after) * 1e4).round() / 1e4,
    }
}

/// The median, and half the range of the middle runs over it: the fastest and the slowest run are left out,
/// for other work on the machine disturbs one of five.
fn median_and_spread(mut runs: Vec<f64>) -> (f64, f64) {
    runs.sort_by(f64::total_cmp);
    let median = runs[runs.len() / 2];
    let middle = if runs.len() >= 5 { &runs[1..runs.len() - 1] } else { &runs[..] };
    let range = middle[middle.len() - 1] - middle[0];
    (median, if median > 0.0 { range / 2.0 / median } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProofSample;

    fn metric(baseline: f64, candidate: f64, spread: f64) -> Measurement {
        Measurement { name: String::new(), baseline, candidate, unit: Unit::Ms, runs: 5, spread }
    }

    fn verdict(
        promise: Promise,
        write: Measurement,
        read: Measurement,
        bytes: (f64, f64),
    ) -> Verdict {
        let size = metric(bytes.0, bytes.1, 0.0);
        judge(promise, &[write, read, metric(1.0, 1.0, 0.0), size, metric(0.0, 0.0, 0.0)]).0
    }

    #[test]
    fn a_gain_wider_than_the_spread_is_confirmed() {
        let same = || metric(10.0, 10.0, 0.01);
        let read = metric(10.0, 5.0, 0.02);
        assert_eq!(verdict(Promise::FasterReads, same(), read, (1.0, 1.0)), Verdict::Confirmed);
    }

    #[test]
    fn a_gain_that_the_spread_hides_is_inconclusive() {
        let same = || metric(10.0, 10.0, 0.01);
        let read = metric(10.0, 7.0, 0.5);
        assert_eq!(verdict(Promise::FasterReads, same(), read, (1.0, 1.0)), Verdict::Inconclusive);
    }

    #[test]
    fn no_gain_is_refuted() {
        let same = || metric(10.0, 10.0, 0.01);
        assert_eq!(verdict(Promise::CheaperWrites, same(), same(), (1.0, 1.0)), Verdict::Refuted);
        assert_eq!(verdict(Promise::LessCpu, same(), same(), (1.0, 1.0)), Verdict::Refuted);
    }

    #[test]
    fn a_gain_that_takes_much_more_room_is_refuted() {
        let better = || metric(10.0, 5.0, 0.01);
        assert_eq!(verdict(Promise::LessCpu, better(), better(), (1.0, 1.5)), Verdict::Refuted);
    }

    #[test]
    fn room_is_saved_or_not() {
        let same = || metric(10.0, 10.0, 0.5);
        let promise = Promise::LessRoom { saving_ratio_min: 0.2 };
        assert_eq!(verdict(promise, same(), same(), (100.0, 79.0)), Verdict::Confirmed);
        assert_eq!(verdict(promise, same(), same(), (100.0, 81.0)), Verdict::Refuted);
        assert_eq!(verdict(promise, same(), same(), (100.0, 140.0)), Verdict::Refuted);
    }

    #[test]
    fn one_disturbed_run_of_five_does_not_widen_the_spread() {
        assert_eq!(median_and_spread(vec![1.0, 1.0, 9.0, 1.0, 1.0]), (1.0, 0.0));
    }

    fn key_runs(call_ms: f64, write_ms: f64) -> Vec<KeyRun> {
        let run = KeyRun { call_ms, write_ms, filter_ms: Some(call_ms), ..KeyRun::default() };
        vec![run; 5]
    }

    fn measured(today: Vec<KeyRun>, index: Vec<KeyRun>, column: Vec<KeyRun>) -> KeyMeasured {
        KeyMeasured {
            arms: vec![
                (Place::Today, today),
                (Place::Indexed, index),
                (Place::IndexedColumn, column),
            ],
            indexed_calls: Some(1),
            there_calls: 0,
            find_calls: 1,
            sample: ProofSample { rows: 2000, bytes: 1, of_rows: None },
            on_lab: false,
        }
    }

    #[test]
    fn a_call_must_take_half_of_the_time() {
        let halved = measured(key_runs(10.0, 1.0), key_runs(5.1, 1.0), key_runs(4.9, 3.0));
        let column = key_proof(&halved, Place::IndexedColumn);
        assert_eq!(column.verdict, Verdict::Confirmed);
        let reason = column.reason.unwrap();
        assert!(reason.contains("writing a row takes 3.0 times as long"), "{reason}");
        assert!(reason.contains("no better than"), "{reason}");
        let index = key_proof(&halved, Place::Indexed);
        assert_eq!(index.verdict, Verdict::Refuted);
        assert!(index.reason.unwrap().contains("the minimum is 50 % less"));
        let names: Vec<_> = index.measurements.iter().map(|m| m.name.as_str()).collect();
        let sizes = ["write_ms", "heap_bytes", "toast_bytes", "index_bytes"];
        assert_eq!(names, [&["call_ms", "filter_ms"][..], &sizes[..]].concat());
    }

    #[test]
    fn what_the_server_does_not_read_or_reads_already_is_refuted() {
        let fast = || measured(key_runs(10.0, 1.0), key_runs(1.0, 1.0), key_runs(1.0, 1.0));
        let unread = KeyMeasured { indexed_calls: Some(0), ..fast() };
        let proof = key_proof(&unread, Place::Indexed);
        assert_eq!(proof.verdict, Verdict::Refuted);
        assert!(proof.reason.unwrap().contains("as they are spelled"));
        assert_eq!(key_proof(&unread, Place::IndexedColumn).verdict, Verdict::Confirmed);
        let there = KeyMeasured { there_calls: 1, ..fast() };
        for place in [Place::Indexed, Place::IndexedColumn] {
            assert_eq!(key_proof(&there, place).verdict, Verdict::Refuted);
        }
    }

    #[test]
    fn a_few_rows_prove_nothing_of_a_key() {
        let mut few = measured(key_runs(10.0, 1.0), key_runs(1.0, 1.0), key_runs(1.0, 1.0));
        few.sample.rows = 5;
        assert_eq!(key_proof(&few, Place::Indexed).verdict, Verdict::Inconclusive);
    }
}
