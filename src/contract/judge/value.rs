//! One document against the rules, in bounded steps: what breaks them, at which path and how. No value goes along.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::Contract;
use super::path::{PathStep, push};
use super::rules::{
    ArrayRules, At, Conditional, NumberRules, ObjectRules, Rules, SchemaNode, type_bit,
};
use super::same::{is_integer, order, same};
use crate::model::observation::DriftKind;

/// Steps that one document may take: a thousand keys take some thousands. This number took 0.2 to 0.4 s in a debug build.
const STEPS_MAX: u64 = 400_000;
/// Most findings of one document, each path and kind once.
const FOUND_MAX: usize = 50;
/// Rules in rules in values, before the stack would end.
const DEPTH_MAX: usize = 400;
/// How far a float may be from a multiple, as a share: 0.07 is seven times 0.01 and a little more.
const MULTIPLE_ERROR: f64 = 1e-9;

/// A path and how documents break the contract there.
pub(super) type Deviation = (String, DriftKind);

/// What is to be said of a document.
pub(super) enum DocumentVerdict {
    /// It keeps the contract.
    Kept,
    /// It breaks it: each path and kind once.
    Broken(Vec<Deviation>),
    /// It would take too long to know.
    Unknown,
}

/// Judge a document.
pub(super) fn judge(contract: &Contract, document: &Value) -> DocumentVerdict {
    let mut judge = ValueJudge {
        nodes: &contract.nodes,
        steps: STEPS_MAX,
        depth: 0,
        path: String::new(),
        found: Vec::new(),
        unknown: false,
    };
    judge.value(0, document);
    let ValueJudge { mut found, unknown, .. } = judge;
    found.sort();
    found.dedup();
    match (found.is_empty(), unknown) {
        (false, _) => DocumentVerdict::Broken(found),
        (true, true) => DocumentVerdict::Unknown,
        (true, false) => DocumentVerdict::Kept,
    }
}

struct ValueJudge<'a> {
    nodes: &'a [SchemaNode],
    steps: u64,
    depth: usize,
    path: String,
    found: Vec<Deviation>,
    /// Whether something could not be decided; then nothing is found there.
    unknown: bool,
}

impl ValueJudge<'_> {
    /// Spend steps; false where there are none left.
    fn spend(&mut self, steps: u64) -> bool {
        let enough = self.steps >= steps;
        self.steps = self.steps.saturating_sub(steps);
        self.unknown |= !enough;
        if !enough {
            self.steps = 0;
        }
        enough
    }

    fn find(&mut self, kind: DriftKind) {
        let again = |(path, of): &Deviation| *of == kind && *path == self.path;
        if self.found.len() < FOUND_MAX && !self.found.iter().any(again) {
            self.found.push((self.path.clone(), kind));
        }
    }

    /// Look at a part of the document, one step further down.
    fn step(&mut self, step: PathStep<'_>, look: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        push(&mut self.path, step);
        look(self);
        self.path.truncate(length);
    }

    /// What is found in a subschema, apart from what was found before.
    fn apart(&mut self, at: At, value: &Value) -> Vec<Deviation> {
        let before = std::mem::take(&mut self.found);
        self.value(at, value);
        std::mem::replace(&mut self.found, before)
    }

    fn value(&mut self, at: At, value: &Value) {
        self.value_or(at, value, DriftKind::Other);
    }

    /// The same; what may not be there at all is of that kind.
    fn value_or(&mut self, at: At, value: &Value, never: DriftKind) {
        if self.depth >= DEPTH_MAX {
            self.unknown = true;
            return;
        }
        if !self.spend(1) {
            return;
        }
        let nodes = self.nodes;
        match &nodes[at] {
            SchemaNode::Any => {}
            SchemaNode::Never => self.find(never),
            SchemaNode::Rules(rules) => {
                self.depth += 1;
                self.rules(rules, value);
                self.depth -= 1;
            }
        }
    }

    fn rules(&mut self, rules: &Rules, value: &Value) {
        if rules.types.is_some_and(|types| !is_of(types, value)) {
            // What else it breaks, it breaks by that.
            return self.find(DriftKind::WrongType);
        }
        for allowed in &rules.allowed {
            let steps = allowed.len() as u64 * size(value);
            if self.spend(steps) && !allowed.iter().any(|one| same(one, value)) {
                self.find(DriftKind::NotAllowed);
            }
        }
        match value {
            Value::Number(number) => self.number(&rules.number, number),
            Value::String(text) => self.text(rules, text),
            Value::Object(fields) => self.object(&rules.object, fields, value),
            Value::Array(items) => self.array(&rules.array, items),
            Value::Null | Value::Bool(_) => {}
        }
        for at in &rules.all {
            self.value(*at, value);
        }
        for (choices, only_one) in &rules.choices {
            self.choice(choices, *only_one, value);
        }
        if let Some(not) = rules.not {
            let unknown = self.unknown;
            if self.apart(not, value).is_empty() && self.unknown == unknown {
                self.find(DriftKind::Other);
            }
        }
        if let Some(condition) = rules.condition {
            self.condition(condition, value);
        }
    }

    fn condition(&mut self, condition: Conditional, value: &Value) {
        let unknown = self.unknown;
        let holds = self.apart(condition.when, value).is_empty();
        if self.unknown != unknown {
            return;
        }
        let then = if holds { condition.then } else { condition.otherwise };
        if let Some(at) = then {
            self.value(at, value);
        }
    }

    fn number(&mut self, rules: &NumberRules, number: &Number) {
        let Some(value) = number.as_f64() else { return };
        let multiple = rules.multiple_of.is_none_or(|of| {
            let times = value / of;
            (times - times.round()).abs() <= MULTIPLE_ERROR * times.abs().max(1.0)
        });
        let compared = |bound: &Option<Number>, breaks: &[Ordering]| {
            bound.as_ref().is_none_or(|bound| !breaks.contains(&order(number, bound)))
        };
        let within = compared(&rules.minimum, &[Ordering::Less])
            && compared(&rules.maximum, &[Ordering::Greater])
            && compared(&rules.above, &[Ordering::Less, Ordering::Equal])
            && compared(&rules.below, &[Ordering::Greater, Ordering::Equal]);
        if !(multiple && within) {
            self.find(DriftKind::OutOfRange);
        }
    }

    fn text(&mut self, rules: &Rules, text: &str) {
        let bounded = rules.length.min.is_some() || rules.length.max.is_some();
        if bounded
            && self.spend(1 + text.len() as u64 / 64)
            && !rules.length.admit(text.chars().count() as u64)
        {
            self.find(DriftKind::OutOfRange);
        }
        if let Some(pattern) = &rules.pattern
            && self.spend(pattern.steps(text))
        {
            match pattern.is_match(text) {
                Some(true) => {}
                Some(false) => self.find(DriftKind::Malformed),
                None => self.unknown = true,
            }
        }
        if rules.format.is_some_and(|format| !format.admits(text)) {
            self.find(DriftKind::Malformed);
        }
    }

    fn object(&mut self, rules: &ObjectRules, fields: &Map<String, Value>, whole: &Value) {
        if !rules.count.admit(fields.len() as u64) {
            self.find(DriftKind::OutOfRange);
        }
        let missing = |key: &&String| !fields.contains_key(*key);
        let demanded = rules.dependent.iter().filter(|(key, _)| fields.contains_key(key));
        let demanded = rules.required.iter().chain(demanded.flat_map(|(_, keys)| keys));
        for key in demanded.filter(missing) {
            if self.spend(1) {
                self.step(PathStep::Key(key), |judge| judge.find(DriftKind::MissingKey));
            }
        }
        for (key, at) in &rules.dependent_schemas {
            if fields.contains_key(key) {
                self.value(*at, whole);
            }
        }
        let looks = !rules.properties.is_empty()
            || !rules.patterns.is_empty()
            || rules.additional.is_some()
            || rules.names.is_some();
        for (key, value) in fields.iter().filter(|_| looks) {
            if !self.spend(1) {
                return;
            }
            self.field(rules, key, value);
        }
    }

    fn field(&mut self, rules: &ObjectRules, key: &str, value: &Value) {
        if let Some(names) = rules.names {
            let unknown = self.unknown;
            let found = self.apart(names, &Value::from(key));
            if !found.is_empty() && self.unknown == unknown {
                self.step(PathStep::Key(key), |judge| judge.find(DriftKind::UnknownKey));
            }
        }
        let mut known = false;
        if let Some(at) = rules.properties.get(key) {
            known = true;
            self.step(PathStep::Key(key), |judge| {
                judge.value_or(*at, value, DriftKind::UnknownKey);
            });
        }
        for (pattern, at) in &rules.patterns {
            if !self.spend(pattern.steps(key)) {
                return;
            }
            match pattern.is_match(key) {
                Some(false) => {}
                // Where it cannot be known, nothing is found.
                None => (known, self.unknown) = (true, true),
                Some(true) => {
                    known = true;
                    self.step(PathStep::Data, |judge| {
                        judge.value_or(*at, value, DriftKind::UnknownKey);
                    });
                }
            }
        }
        let Some(at) = rules.additional.filter(|_| !known) else { return };
        if matches!(self.nodes[at], SchemaNode::Never) {
            self.step(PathStep::Key(key), |judge| judge.find(DriftKind::UnknownKey));
        } else {
            self.step(PathStep::Data, |judge| judge.value(at, value));
        }
    }

    fn array(&mut self, rules: &ArrayRules, items: &[Value]) {
        if !rules.count.admit(items.len() as u64) {
            self.find(DriftKind::OutOfRange);
        }
        if rules.unique && !self.unique(items) {
            self.find(DriftKind::Other);
        }
        for (position, item) in items.iter().enumerate() {
            let Some(at) = rules.prefix.get(position).copied().or(rules.items) else { break };
            if !self.spend(1) {
                return;
            }
            self.step(PathStep::Items, |judge| judge.value_or(at, item, DriftKind::OutOfRange));
        }
        if let Some((at, wanted)) = rules.contains {
            let unknown = self.unknown;
            let mut count = 0;
            for item in items {
                count += u64::from(self.apart(at, item).is_empty());
            }
            if self.unknown == unknown && !wanted.admit(count) {
                self.find(DriftKind::Other);
            }
        }
    }

    /// By their texts: 1 and 1.0 pass for different.
    fn unique(&mut self, items: &[Value]) -> bool {
        if !self.spend(items.iter().map(size).sum()) {
            return true;
        }
        let mut seen = HashSet::new();
        items.iter().all(|item| seen.insert(item.to_string()))
    }

    /// Of several subschemas one must hold. Where none does, what is reported is what the likeliest of them finds: not one
    /// of another type, and of the others the one that finds least.
    fn choice(&mut self, choices: &[At], only_one: bool, value: &Value) {
        let unknown = self.unknown;
        let (mut valid, mut best): (usize, Option<(usize, Vec<Deviation>)>) = (0, None);
        for at in choices {
            let found = self.apart(*at, value);
            if self.unknown != unknown {
                return;
            }
            if found.is_empty() {
                valid += 1;
                if !only_one {
                    return;
                }
                continue;
            }
            let rank = self.rank(&found);
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, found));
            }
        }
        match (valid, best) {
            (1, _) => {}
            (0, Some((_, found))) => {
                let room = FOUND_MAX.saturating_sub(self.found.len());
                self.found.extend(found.into_iter().take(room));
            }
            _ => self.find(DriftKind::Other),
        }
    }

    /// How unlikely it is that a value was meant for the subschema that finds this.
    fn rank(&self, found: &[Deviation]) -> usize {
        let here = |(path, kind): &&Deviation| *path == self.path && *kind == DriftKind::WrongType;
        // What is distinguished by a tag breaks that first.
        let tag = |(path, kind): &&Deviation| {
            *kind == DriftKind::NotAllowed && is_below(&self.path, path)
        };
        found.len()
            + found.iter().filter(tag).count() * 10
            + found.iter().filter(here).count() * 1000
    }
}

/// Whether a path is one key below another.
fn is_below(above: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(above) else { return false };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    !rest.is_empty() && !rest.contains(['.', '['])
}

fn is_of(types: u8, value: &Value) -> bool {
    let of = |name: &str| type_bit(name).is_some_and(|bit| types & bit != 0);
    match value {
        Value::Null => of("null"),
        Value::Bool(_) => of("boolean"),
        Value::String(_) => of("string"),
        Value::Array(_) => of("array"),
        Value::Object(_) => of("object"),
        Value::Number(number) => of("number") || of("integer") && is_integer(number),
    }
}

/// What it costs to compare a value, in steps.
fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<u64>(),
        Value::String(text) => 1 + text.len() as u64 / 64,
        _ => 1,
    }
}
