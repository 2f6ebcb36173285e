//! Properties of nodes, workers and the statement.

use std::borrow::Cow;

use serde_json::Value;
use smol_str::SmolStr;

use super::super::detail::{
    GroupingSet, PlannerMemory, Serialization, SortGroups, TargetTable, Trigger, Worker,
};
use super::super::plan::{Node, ParsedPlan};
use super::super::property;
use super::super::scalar::Scalar;
use super::{ROOT_STEP, STEP, Section, TextReader, expand, head, indent, jit, list, name};

fn untyped(value: &str) -> Scalar<'_> {
    Scalar::Untyped(Cow::Borrowed(value))
}

/// A line with a property.
struct PropertyLine<'l> {
    /// The column where it starts.
    column: usize,
    /// The line without the blanks around it.
    text: &'l str,
    key: &'l str,
    /// What stands behind the first colon; empty where there is none.
    value: &'l str,
}

impl<'l> PropertyLine<'l> {
    fn read(line: &'l str) -> Self {
        let column = indent(line);
        let text = line.trim_end().trim_ascii_start();
        let (key, value) = match memchr::memchr(b':', text.as_bytes()) {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (text, ""),
        };
        Self { column, text, key, value: value.trim_start() }
    }
}

impl TextReader<'_> {
    /// A property of what the line's place says.
    pub(super) fn property(&mut self, line: &str) {
        let line = PropertyLine::read(line);
        let PropertyLine { column, text, key, value } = line;
        if let Section::Worker(_, at) | Section::WorkerJit(_, at) | Section::RemotePlanning(at) =
            self.section
            && column <= at
        {
            self.section = Section::Node;
        }
        if column <= self.base && self.section != Section::Node {
            self.section = Section::Statement;
        }
        if column <= self.base {
            self.group = super::classify::is_group(text).then(|| key.to_owned());
        }
        let above = self.node_above(column);
        let Some(plan) = self.plans.last_mut() else { return };
        if column <= self.base && statement(plan, &mut self.section, &line) {
            return;
        }
        match self.section {
            Section::Planning => planning(plan, key, value),
            Section::Jit => jit::apply(plan.jit.get_or_insert_default(), key, value),
            Section::Serialization => {
                let target = plan.serialization.get_or_insert_default();
                expand::expand(key, value, &mut |key, value| {
                    let _ = property::buffers(&mut target.buffers, key, &untyped(value))
                        || property::io(&mut target.io, key, &untyped(value));
                });
            }
            Section::Statement | Section::Outside => {
                statement_extra(plan, self.group.as_deref(), (key, value));
            }
            Section::RemotePlanning(_) => (),
            Section::Node if key == "Planning" && value.is_empty() => {
                self.section = Section::RemotePlanning(column);
            }
            Section::Node | Section::Worker(..) | Section::WorkerJit(..) => {
                // Some print properties of a node behind the nodes below it.
                let last = plan.nodes.len().wrapping_sub(1);
                let Some(node) = plan.nodes.get_mut(above.unwrap_or(last)) else { return };
                self.section = in_node(node, self.section, &line);
            }
        }
    }
}

impl TextReader<'_> {
    /// The node at whose properties a line stands where that is not the last one: some print properties of a node behind
    /// the nodes below it. Where the columns are not the server's, what stands behind an arrow belongs to its node.
    fn node_above(&self, column: usize) -> Option<usize> {
        let own = self.open.last().map_or(0, |(open, _)| *open);
        if column >= self.column || self.is_scaled && column > own {
            return None;
        }
        if self.is_scaled {
            return self.open.iter().rev().find(|(open, _)| *open < column).map(|(_, id)| *id);
        }
        let above = self.open.iter().rev().skip(1).find(|(open, _)| open + STEP == column);
        let of_root = (column == self.base + ROOT_STEP).then_some(0);
        above.map(|(_, id)| *id).or(of_root)
    }
}

/// A property of a node or of one of its workers; the section that follows.
fn in_node(node: &mut Node, section: Section, line: &PropertyLine) -> Section {
    let PropertyLine { column, key, value, .. } = *line;
    if let Some(number) = key.strip_prefix("Worker ").and_then(|number| number.parse().ok()) {
        worker_line(node, number, value);
        return Section::Worker(number, column);
    }
    match section {
        Section::Worker(number, at) if key == "JIT" && value.is_empty() => {
            Section::WorkerJit(number, at)
        }
        Section::WorkerJit(number, _) => {
            jit::apply(worker(node, number).jit.get_or_insert_default(), key, value);
            section
        }
        Section::Worker(number, _) => {
            worker_property(worker(node, number), key, value);
            section
        }
        _ => {
            node_property(node, line);
            section
        }
    }
}

fn node_property(node: &mut Node, line: &PropertyLine) {
    let PropertyLine { text, key, value, .. } = *line;
    match key {
        "Output" => node.output = list::split(value),
        "Sort Key" if node.node_type == "Aggregate" => {
            let sort_key = list::split(value);
            node.grouping_sets.push(GroupingSet { sort_key, ..GroupingSet::default() });
        }
        "Sort Key" => node.sort_key = list::split(value),
        "Presorted Key" => node.presorted_key = list::split(value),
        "Group Key" | "Hash Key" => group_key(node, key, value),
        "Conflict Arbiter Indexes" => {
            let names = list::split(value).iter().map(|index| name::identifier(index).0).collect();
            node.merge.get_or_insert_default().conflict_arbiters = names;
        }
        "Full-sort Groups" => {
            node.incremental_sort.get_or_insert_default().full_sort = Some(sort_groups(value));
        }
        "Pre-sorted Groups" => {
            node.incremental_sort.get_or_insert_default().pre_sorted = Some(sort_groups(value));
        }
        "Sampling" => sampling(node, value),
        _ if value.is_empty() && super::classify::is_target(text) => target(node, text),
        _ => expand::expand(key, value, &mut |key, value| {
            if !property::set(node, key, &untyped(value)) {
                node.extra.insert(key.to_owned(), untyped(value).to_value());
            }
        }),
    }
}

/// `Update on part_1 t_1`, under a `ModifyTable` with several tables.
fn target(node: &mut Node, text: &str) {
    let mut table = Node::default();
    name::read(&mut table, text);
    let Node { relation, schema, alias, .. } = table;
    node.target_tables.push(TargetTable { relation, schema, alias });
}

/// One key is the key of the groups; several, or hashed ones, are grouping sets.
fn group_key(node: &mut Node, key: &str, value: &str) {
    let expressions = if value == "()" { Vec::new() } else { list::split(value) };
    let hashed = key == "Hash Key";
    let single = !hashed && !expressions.is_empty() && node.grouping_sets.is_empty();
    if single && node.group_key.is_empty() {
        node.group_key = expressions;
        return;
    }
    if !node.group_key.is_empty() {
        // The first key was one of several.
        let keys = vec![std::mem::take(&mut node.group_key)];
        node.grouping_sets.push(GroupingSet { keys, ..GroupingSet::default() });
    }
    match node.grouping_sets.last_mut() {
        Some(set) if !hashed && !set.hashed => set.keys.push(expressions),
        _ => {
            let keys = vec![expressions];
            node.grouping_sets.push(GroupingSet { keys, hashed, ..GroupingSet::default() });
        }
    }
}

/// `7  Sort Methods: quicksort, external merge  Average Memory: 27kB  Peak Memory: 27kB`.
fn sort_groups(value: &str) -> SortGroups {
    let mut groups = SortGroups::default();
    for (place, part) in value.split("  ").map(str::trim).enumerate() {
        let (name, value) = part.split_once(": ").unwrap_or(("", part));
        let kb = value.strip_suffix("kB").and_then(|number| number.parse().ok());
        match name {
            "" if place == 0 => groups.count = value.parse().unwrap_or_default(),
            "Sort Method" | "Sort Methods" => groups.methods = list::split(value),
            "Average Memory" => groups.average_memory_kb = kb,
            "Peak Memory" => groups.peak_memory_kb = kb,
            "Average Disk" => groups.average_disk_kb = kb,
            "Peak Disk" => groups.peak_disk_kb = kb,
            _ => (),
        }
    }
    groups
}

/// `system ('50'::real) REPEATABLE ('1'::double precision)`.
fn sampling(node: &mut Node, value: &str) {
    let (method, parameters) = value.split_once(" (").unwrap_or((value, ""));
    let (parameters, seed) = match parameters.split_once(") REPEATABLE (") {
        Some((parameters, seed)) => (parameters, seed.strip_suffix(')')),
        None => (parameters.strip_suffix(')').unwrap_or(parameters), None),
    };
    node.extra.insert("Sampling Method".to_owned(), name::identifier(method).0.as_str().into());
    let parameters: Vec<Value> =
        list::split(parameters).iter().map(|one| one.as_str().into()).collect();
    node.extra.insert("Sampling Parameters".to_owned(), parameters.into());
    if let Some(seed) = seed {
        node.extra.insert("Repeatable Seed".to_owned(), seed.into());
    }
}

fn worker(node: &mut Node, number: u64) -> &mut Worker {
    match node.workers.iter().position(|worker| worker.number == number) {
        Some(at) => &mut node.workers[at],
        None => node.workers.push_mut(Worker { number, ..Worker::default() }),
    }
}

/// `Worker 0:  actual rows=3 loops=1`, or before 13 `Worker 0:  Sort Method: quicksort  Memory: 25kB`.
fn worker_line(node: &mut Node, number: u64, value: &str) {
    let worker = worker(node, number);
    if let Some(actual) = head::worker(value) {
        worker.actual_startup_ms = actual.actual_startup_ms;
        worker.actual_total_ms = actual.actual_total_ms;
        worker.actual_rows = actual.actual_rows;
        worker.actual_loops = actual.actual_loops;
    } else if let Some((key, value)) = value.split_once(": ") {
        worker_property(worker, key, value);
    }
}

fn worker_property(worker: &mut Worker, key: &str, value: &str) {
    match key {
        "Full-sort Groups" => {
            worker.incremental_sort.get_or_insert_default().full_sort = Some(sort_groups(value));
        }
        "Pre-sorted Groups" => {
            worker.incremental_sort.get_or_insert_default().pre_sorted = Some(sort_groups(value));
        }
        _ => {
            let memoized = key == "Hits";
            expand::expand(key, value, &mut |key, value| {
                if !property::set_worker(worker, memoized, key, &untyped(value)) {
                    worker.extra.insert(key.to_owned(), untyped(value).to_value());
                }
            });
        }
    }
}

/// A property of the statement; false where it is none.
fn statement(plan: &mut ParsedPlan, section: &mut Section, line: &PropertyLine) -> bool {
    let PropertyLine { text, key, value, .. } = *line;
    let ms = || value.trim_end_matches(" ms").parse().ok();
    let before = std::mem::replace(section, Section::Statement);
    match key {
        "Planning Time" | "Planning time" => plan.planning_ms = ms(),
        "Execution Time" | "Execution time" | "Total runtime" => plan.execution_ms = ms(),
        "Planning" => {
            *section = Section::Planning;
            // Some who shorten plans by hand put its first property behind it.
            if let Some((key, value)) = value.split_once(": ") {
                planning(plan, key, value);
            }
        }
        "JIT" => *section = Section::Jit,
        "Settings" => settings(plan, value),
        "Query Identifier" => plan.query_id = value.parse().ok(),
        "Serialization" => {
            *section = Section::Serialization;
            serialization(plan.serialization.get_or_insert_default(), value);
        }
        _ if text.starts_with("Trigger ") => plan.triggers.extend(trigger(text)),
        _ => {
            // A property of the root, whose blanks were lost.
            if before == Section::Node && super::classify::is_known(key) {
                *section = before;
            }
            return false;
        }
    }
    true
}

/// A property of the statement that this reader does not know, or of the group of them that is open.
fn statement_extra(plan: &mut ParsedPlan, group: Option<&str>, (key, value): (&str, &str)) {
    let own = if group == Some(key) && value.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        untyped(value).to_value()
    };
    match group.and_then(|group| plan.extra.get_mut(group)) {
        Some(Value::Object(group)) => _ = group.insert(key.to_owned(), own),
        _ => _ = plan.extra.insert(key.to_owned(), own),
    }
}

/// `work_mem = '4MB', search_path = 'a, b'`.
fn settings(plan: &mut ParsedPlan, value: &str) {
    for setting in list::split(value) {
        if let Some((name, value)) = setting.split_once(" = ") {
            let value = value.trim_matches('\'').replace("''", "'");
            plan.settings.insert(name.to_owned(), value);
        }
    }
}

/// `Trigger for constraint k on t: time=0.1 calls=2`; a name may hold any sign.
fn trigger(text: &str) -> Option<Trigger> {
    let (who, figures) = text.rsplit_once(": ")?;
    let who = who.strip_prefix("Trigger ")?;
    let mut trigger = Trigger::default();
    for (name, number) in figures.split(' ').filter_map(|pair| pair.split_once('=')) {
        match name {
            "time" => trigger.ms = number.parse().ok(),
            "calls" => trigger.calls = untyped(number).whole().unwrap_or_default(),
            _ => (),
        }
    }
    let (who, relation) = match who.rsplit_once(" on ") {
        Some((who, relation)) => (who, Some(SmolStr::new(relation))),
        None => (who, None),
    };
    trigger.relation = relation;
    let constraint =
        who.strip_prefix("for constraint ").or_else(|| Some(who.split_once(" for constraint ")?.1));
    trigger.constraint = constraint.map(SmolStr::new);
    trigger.name = constraint.unwrap_or(who).into();
    Some(trigger)
}

fn planning(plan: &mut ParsedPlan, key: &str, value: &str) {
    if key == "Memory" {
        let mut memory = PlannerMemory::default();
        for (name, number) in value.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            let kb = number.trim_end_matches("kB").parse().unwrap_or_default();
            match name {
                "used" => memory.used_kb = kb,
                "allocated" => memory.allocated_kb = kb,
                _ => (),
            }
        }
        plan.planning_memory = Some(memory);
        return;
    }
    expand::expand(key, value, &mut |key, value| {
        let known = property::buffers(&mut plan.planning_buffers, key, &untyped(value))
            || property::io(&mut plan.planning_io, key, &untyped(value));
        if !known {
            plan.extra.insert(key.to_owned(), untyped(value).to_value());
        }
    });
}

/// `time=0.1 ms  output=12kB  format=text`.
fn serialization(serialization: &mut Serialization, value: &str) {
    for (name, value) in value.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        match name {
            "time" => serialization.ms = value.parse().ok(),
            "output" => {
                serialization.output_kb = value.trim_end_matches("kB").parse().unwrap_or_default();
            }
            "format" => serialization.format = value.into(),
            _ => (),
        }
    }
}
