//! Properties that are lists or objects, by the names of the JSON format.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::detail::{
    GroupingSet, IncrementalSort, Jit, PlannerMemory, Serialization, SortGroups, TargetTable,
    Trigger, Worker,
};
use super::plan::{Node, ParsedPlan};
use super::{property, scalar};

/// Sets a property of a node; what is not known goes to its `extra`.
pub(super) fn set(node: &mut Node, key: &str, value: Value) {
    if let Some(scalar) = scalar::of(&value) {
        if !property::set(node, key, &scalar) {
            node.extra.insert(key.to_owned(), value);
        }
        return;
    }
    match (key, value) {
        ("Output", Value::Array(list)) => node.output = texts(list),
        ("Sort Key", Value::Array(list)) => node.sort_key = texts(list),
        ("Presorted Key", Value::Array(list)) => node.presorted_key = texts(list),
        ("Group Key", Value::Array(list)) => node.group_key = texts(list),
        ("Conflict Arbiter Indexes", Value::Array(list)) => {
            node.merge.get_or_insert_default().conflict_arbiters = texts(list);
        }
        ("Workers", Value::Array(list)) => {
            for worker in list {
                if let Value::Object(map) = worker {
                    set_worker(node, map);
                }
            }
        }
        ("Grouping Sets", Value::Array(list)) => {
            node.grouping_sets = list.into_iter().flat_map(grouping_sets).collect();
        }
        ("Target Tables", Value::Array(list)) => {
            node.target_tables = list.iter().map(target_table).collect();
        }
        ("Full-sort Groups", Value::Object(map)) => {
            let sort = node.incremental_sort.get_or_insert_default();
            sort.full_sort = Some(sort_groups(&map));
        }
        ("Pre-sorted Groups", Value::Object(map)) => {
            let sort = node.incremental_sort.get_or_insert_default();
            sort.pre_sorted = Some(sort_groups(&map));
        }
        // XML gives both kinds of groups one name.
        ("Incremental Sort Groups", Value::Object(map)) => {
            let sort = node.incremental_sort.get_or_insert_default();
            let groups = Some(sort_groups(&map));
            if sort.full_sort.is_none() {
                sort.full_sort = groups;
            } else {
                sort.pre_sorted = groups;
            }
        }
        (_, value) => _ = node.extra.insert(key.to_owned(), value),
    }
}

/// Sets a property of the statement; what is not known goes to its `extra`.
pub(super) fn set_statement(plan: &mut ParsedPlan, key: &str, value: Value) {
    match (key, value) {
        ("Settings", Value::Object(map)) => {
            plan.settings =
                map.iter().map(|(name, value)| (name.clone(), text(value).into())).collect();
        }
        ("Triggers", Value::Array(list)) => plan.triggers = list.iter().map(trigger).collect(),
        ("JIT", Value::Object(map)) => plan.jit = Some(Box::new(jit(&map))),
        ("Planning", Value::Object(map)) => planning(plan, map),
        ("Serialization", Value::Object(map)) => {
            plan.serialization = Some(Box::new(serialization(&map)));
        }
        (_, value) => _ = plan.extra.insert(key.to_owned(), value),
    }
}

/// One worker; servers before 13 print a worker twice, once for its time and once for its sort.
fn set_worker(node: &mut Node, map: Map<String, Value>) {
    let number = map.get("Worker Number").and_then(Value::as_u64).or_else(|| {
        map.get("Worker Number").and_then(scalar::of).and_then(|number| number.whole())
    });
    let number = number.unwrap_or(node.workers.len() as u64);
    let index = node.workers.iter().position(|worker| worker.number == number);
    let worker = match index {
        Some(index) => &mut node.workers[index],
        None => node.workers.push_mut(Worker { number, ..Worker::default() }),
    };
    let memoized = map.contains_key("Cache Hits");
    for (key, value) in map {
        match (key.as_str(), value) {
            ("JIT", Value::Object(map)) => worker.jit = Some(Box::new(jit(&map))),
            ("Full-sort Groups", Value::Object(map)) => {
                worker_sort(worker).full_sort = Some(sort_groups(&map));
            }
            ("Pre-sorted Groups", Value::Object(map)) => {
                worker_sort(worker).pre_sorted = Some(sort_groups(&map));
            }
            (_, value) => {
                let known = scalar::of(&value)
                    .is_some_and(|scalar| property::set_worker(worker, memoized, &key, &scalar));
                if !known {
                    worker.extra.insert(key, value);
                }
            }
        }
    }
}

fn worker_sort(worker: &mut Worker) -> &mut IncrementalSort {
    worker.incremental_sort.get_or_insert_default()
}

fn text(value: &Value) -> SmolStr {
    scalar::of(value).and_then(|scalar| scalar.to_text()).unwrap_or_default()
}

fn texts(list: Vec<Value>) -> Vec<SmolStr> {
    let text = |value| match value {
        Value::String(text) => text.into(),
        other => text(&other),
    };
    list.into_iter().map(text).collect()
}

fn text_of(map: &Map<String, Value>, key: &str) -> Option<SmolStr> {
    map.get(key).map(text)
}

fn float_of(map: &Map<String, Value>, key: &str) -> Option<f64> {
    scalar::of(map.get(key)?)?.float()
}

fn whole_of(map: &Map<String, Value>, key: &str) -> Option<u64> {
    scalar::of(map.get(key)?)?.whole()
}

fn list_of(map: &mut Map<String, Value>, key: &str) -> Option<Vec<Value>> {
    match map.remove(key) {
        Some(Value::Array(list)) => Some(list),
        _ => None,
    }
}

/// The sets of one pass over the input: `Group Keys` that are sorted, `Hash Keys` that are hashed.
fn grouping_sets(value: Value) -> Vec<GroupingSet> {
    let Value::Object(mut map) = value else { return Vec::new() };
    let sort_key = list_of(&mut map, "Sort Key").map(texts).unwrap_or_default();
    let mut sets = Vec::new();
    for (key, hashed) in [("Hash Keys", true), ("Group Keys", false)] {
        if let Some(list) = list_of(&mut map, key) {
            let keys = list.into_iter().map(|key| match key {
                Value::Array(key) => texts(key),
                _ => Vec::new(),
            });
            sets.push(GroupingSet { sort_key: sort_key.clone(), keys: keys.collect(), hashed });
        }
    }
    sets
}

fn target_table(value: &Value) -> TargetTable {
    let Value::Object(map) = value else { return TargetTable::default() };
    TargetTable {
        relation: text_of(map, "Relation Name"),
        schema: text_of(map, "Schema"),
        alias: text_of(map, "Alias"),
    }
}

fn sort_groups(map: &Map<String, Value>) -> SortGroups {
    let methods = match map.get("Sort Methods Used") {
        Some(Value::Array(list)) => list.iter().map(text).collect(),
        _ => Vec::new(),
    };
    let (memory, disk) = sort_spaces(map, &methods);
    let used = |space: Option<&Value>, key: &str| whole_of(space?.as_object()?, key);
    SortGroups {
        count: whole_of(map, "Group Count").unwrap_or_default(),
        average_memory_kb: used(memory, "Average Sort Space Used"),
        peak_memory_kb: used(memory, "Peak Sort Space Used"),
        average_disk_kb: used(disk, "Average Sort Space Used"),
        peak_disk_kb: used(disk, "Peak Sort Space Used"),
        methods,
    }
}

/// Memory and temporary files of the groups. XML gives both one name: memory comes first, where there is any.
fn sort_spaces<'m>(
    map: &'m Map<String, Value>,
    methods: &[SmolStr],
) -> (Option<&'m Value>, Option<&'m Value>) {
    match map.get("Sort Space") {
        Some(Value::Array(both)) => (both.first(), both.get(1)),
        Some(one) if methods.iter().all(|method| method.starts_with("external")) => {
            (None, Some(one))
        }
        Some(one) => (Some(one), None),
        None => (map.get("Sort Space Memory"), map.get("Sort Space Disk")),
    }
}

fn trigger(value: &Value) -> Trigger {
    let Value::Object(map) = value else { return Trigger::default() };
    let constraint = text_of(map, "Constraint Name");
    Trigger {
        // The trigger of a constraint has a name that says nothing, and text leaves it out.
        name: constraint.clone().or_else(|| text_of(map, "Trigger Name")).unwrap_or_default(),
        constraint,
        relation: text_of(map, "Relation"),
        ms: float_of(map, "Time"),
        calls: whole_of(map, "Calls").unwrap_or_default(),
    }
}

fn jit(map: &Map<String, Value>) -> Jit {
    let empty = Map::new();
    let object = |map: &'_ Map<String, Value>, key: &str| match map.get(key) {
        Some(Value::Object(object)) => object.clone(),
        _ => empty.clone(),
    };
    let timing = object(map, "Timing");
    // From 17 on the time to generate code is an object: what it is for, and the total.
    let generation = object(&timing, "Generation");
    let options: BTreeMap<String, bool> = object(map, "Options")
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), scalar::of(value)?.bool()?)))
        .collect();
    Jit {
        functions: whole_of(map, "Functions").unwrap_or_default(),
        options,
        generation_ms: float_of(&timing, "Generation").or_else(|| float_of(&generation, "Total")),
        deform_ms: float_of(&generation, "Deform"),
        inlining_ms: float_of(&timing, "Inlining"),
        optimization_ms: float_of(&timing, "Optimization"),
        emission_ms: float_of(&timing, "Emission"),
        total_ms: float_of(&timing, "Total"),
    }
}

fn planning(plan: &mut ParsedPlan, map: Map<String, Value>) {
    let mut memory = PlannerMemory::default();
    let mut remembered = false;
    for (key, value) in map {
        let Some(scalar) = scalar::of(&value) else { continue };
        match key.as_str() {
            "Planning Time" => plan.planning_ms = scalar.float(),
            "Memory Used" => {
                (memory.used_kb, remembered) = (scalar.whole().unwrap_or_default(), true);
            }
            "Memory Allocated" => {
                (memory.allocated_kb, remembered) = (scalar.whole().unwrap_or_default(), true);
            }
            key => {
                let known = property::buffers(&mut plan.planning_buffers, key, &scalar)
                    || property::io(&mut plan.planning_io, key, &scalar);
                if !known {
                    plan.extra.insert(key.to_owned(), value);
                }
            }
        }
    }
    if remembered {
        plan.planning_memory = Some(memory);
    }
}

fn serialization(map: &Map<String, Value>) -> Serialization {
    let mut serialization = Serialization {
        ms: float_of(map, "Time"),
        output_kb: whole_of(map, "Output Volume").unwrap_or_default(),
        format: text_of(map, "Format").unwrap_or_default(),
        ..Serialization::default()
    };
    for (key, value) in map {
        if let Some(scalar) = scalar::of(value) {
            let _ = property::buffers(&mut serialization.buffers, key, &scalar)
                || property::io(&mut serialization.io, key, &scalar);
        }
    }
    serialization
}
