//! The corpus of `scripts/plans`: each statement on each major, in four formats.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;

use database_optimizer::explain::{ParsedPlan, PlanFormat, read};
use flate2::read::GzDecoder;

use super::walk;

const FOLDER: &str = "tests/fixtures/plans";

/// A statement's plan, and what differs from run to run.
pub struct Block {
    pub marks: String,
    pub text: String,
}

/// The blocks of a file, by the name of the statement.
pub fn blocks(file: &str) -> BTreeMap<String, Block> {
    ordered(file).into_iter().collect()
}

fn ordered(file: &str) -> Vec<(String, Block)> {
    let mut text = String::from("\n");
    let file = File::open(format!("{FOLDER}/{file}.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let block = |block: &str| {
        let (head, text) = block.split_once('\n').unwrap();
        let (name, marks) = head.split_once(' ').unwrap_or((head, ""));
        (name.to_owned(), Block { marks: marks.to_owned(), text: text.to_owned() })
    };
    text.split("\n### ").skip(1).map(block).collect()
}

/// The servers that the corpus was made on.
pub fn members() -> Vec<String> {
    let names = fs::read_dir(FOLDER).unwrap().flatten().map(|file| file.file_name());
    let mut members: Vec<String> = names
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".json.gz")?.to_owned()))
        .collect();
    members.sort();
    assert!(members.len() >= 7, "{members:?}");
    members
}

/// Takes out what differs between two executions.
fn settle(plan: &mut ParsedPlan, marks: &str) {
    plan.format = PlanFormat::Text;
    plan.planning_buffers = None;
    let marked = |mark: &str| marks.split(' ').any(|found| found == mark);
    if marked("timed") {
        (plan.planning_ms, plan.execution_ms, plan.jit) = (None, None, None);
        plan.planning_memory = None;
        plan.serialization.iter_mut().for_each(|serialization| serialization.ms = None);
        plan.triggers.iter_mut().for_each(|trigger| trigger.ms = None);
    }
    for node in &mut plan.nodes {
        // Text says it with VERBOSE only.
        node.inner_unique = None;
        if marked("timed") {
            (node.actual_startup_ms, node.actual_total_ms, node.io) = (None, None, None);
            for worker in &mut node.workers {
                (worker.actual_startup_ms, worker.actual_total_ms) = (None, None);
                (worker.jit, worker.io) = (None, None);
            }
        }
        if marked("writes") {
            // Pages that the first of the four left behind change the estimates of the next.
            (node.startup_cost, node.total_cost, node.plan_rows) = (None, None, None);
            (node.buffers, node.wal) = (None, None);
        }
        if marked("workers") {
            (node.actual_rows, node.actual_loops, node.never_executed) = (None, None, false);
            (node.sort, node.hash, node.hash_aggregate, node.buffers) = (None, None, None, None);
            node.workers.clear();
            node.rows_removed.clear();
        }
    }
}

#[test]
fn the_four_formats_of_a_plan_give_the_same_tree() {
    let mut compared = 0;
    for member in members() {
        let json = blocks(&format!("{member}.json"));
        for format in ["text", "yaml", "xml"] {
            for (name, block) in blocks(&format!("{member}.{format}")) {
                let mut one =
                    read(&block.text).unwrap_or_else(|e| panic!("{member} {format} {name}: {e}"));
                let mut other = read(&json[&name].text).unwrap();
                for plan in one.iter_mut().chain(&mut other) {
                    settle(plan, &block.marks);
                }
                assert!(one == other, "{member} {format} {name}\n{one:#?}\n{other:#?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1500, "{compared}");
}

#[test]
fn parents_estimates_and_actual_rows_are_those_of_the_json_structure() {
    let mut nodes = 0;
    for member in members() {
        for (name, block) in blocks(&format!("{member}.json")) {
            let plans = read(&block.text).unwrap();
            let walked = walk::plans(&serde_json::from_str(&block.text).unwrap());
            let read: Vec<Vec<walk::Walked>> = plans.iter().map(walk::of_plan).collect();
            assert_eq!(read, walked, "{member} {name}");
            nodes += read.iter().map(Vec::len).sum::<usize>();
        }
    }
    assert!(nodes > 1500, "{nodes}");
}

#[test]
fn every_property_that_servers_print_has_its_field() {
    // What single plugins print stays in `extra`.
    let expected = [
        "Function Call",
        "Remote SQL",
        "Relations",
        "Repeatable Seed",
        "Replaces",
        "Sampling Method",
        "Sampling Parameters",
        "Table Function Call",
        "Table Function Name",
        "Window",
        "Prefetch Capacity",
        "Average Prefetch Distance",
        "Max Prefetch Distance",
        "Average I/O Size",
        "Average I/Os In Progress",
        "I/O Count",
        "I/O Waits",
    ];
    for member in members() {
        for (name, block) in blocks(&format!("{member}.json")) {
            for plan in read(&block.text).unwrap() {
                assert_eq!(plan.extra, BTreeMap::new(), "{member} {name}");
                let mut extra = plan.nodes.iter().flat_map(|node| node.extra.keys());
                assert_eq!(
                    extra.find(|key| !expected.contains(&key.as_str())),
                    None,
                    "{member} {name}"
                );
            }
        }
    }
}

#[test]
fn every_frame_of_psql_holds_the_same_plan() {
    let mut plain = Vec::new();
    let mut frames = 0;
    for (name, block) in ordered("frames.txt") {
        let plans = read(&block.text).unwrap_or_else(|e| panic!("{name} {}: {e}", block.marks));
        if block.marks == "plain" {
            plain = plans;
            continue;
        }
        assert!(plans == plain, "{name} {}\n{plans:#?}", block.marks);
        frames += 1;
    }
    assert!(frames >= 260, "{frames}");
}
