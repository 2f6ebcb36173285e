//! What a contract says of a key, whether documents have it or not.

use super::Contract;
use super::path::PathStep;
use super::rules::{At, Rules, SchemaNode, type_bit};
use crate::model::observation::KeyRule;

/// What the contract says of the last key of a way from the top.
pub(super) fn key_rule(contract: &Contract, path: &[PathStep<'_>]) -> KeyRule {
    let mut here = closure(contract, vec![0]);
    let mut key_rule = KeyRule::Open;
    for step in path {
        let (next, said) = below(contract, &here, *step);
        key_rule = said;
        here = closure(contract, next);
    }
    key_rule
}

/// Subschemas of the same value as these, themselves among them.
fn closure(contract: &Contract, mut open: Vec<At>) -> Vec<At> {
    let mut all = Vec::new();
    while let Some(at) = open.pop() {
        if !all.contains(&at) {
            all.push(at);
            if let SchemaNode::Rules(rules) = &contract.nodes[at] {
                let excluded = rules.not;
                open.extend(rules.in_place().filter(|at| Some(*at) != excluded));
            }
        }
    }
    all
}

/// What stands below these at a step, and what they say of it.
fn below(contract: &Contract, here: &[At], step: PathStep<'_>) -> (Vec<At>, KeyRule) {
    let (mut named, mut data, mut forbidden) = (Vec::new(), Vec::new(), false);
    for rules in here.iter().filter_map(|at| of_type(&contract.nodes[*at], step)) {
        let PathStep::Key(key) = step else {
            named.extend(rules.array.prefix.iter().copied().chain(rules.array.items));
            continue;
        };
        let patterns = rules.object.patterns.iter();
        let matching = patterns.filter(|(pattern, _)| pattern.is_match(key) != Some(false));
        data.extend(matching.map(|(_, at)| *at));
        match (rules.object.properties.get(key), rules.object.additional) {
            (Some(at), _) => named.push(*at),
            (None, Some(at)) => match &contract.nodes[at] {
                SchemaNode::Never => forbidden = true,
                // `true` says no more than nothing does.
                SchemaNode::Any => {}
                SchemaNode::Rules(_) => data.push(at),
            },
            (None, None) => {}
        }
    }
    match (named.is_empty(), data.is_empty()) {
        (false, _) => (named, KeyRule::Named),
        (true, false) => (data, KeyRule::Data),
        (true, true) if forbidden => (Vec::new(), KeyRule::Forbidden),
        (true, true) => (Vec::new(), KeyRule::Open),
    }
}

/// The rules, if they are about a value that can have such a step below it.
fn of_type<'a>(node: &'a SchemaNode, step: PathStep<'_>) -> Option<&'a Rules> {
    let SchemaNode::Rules(rules) = node else { return None };
    let name = if step == PathStep::Items { "array" } else { "object" };
    let bit = type_bit(name)?;
    rules.types.is_none_or(|types| types & bit != 0).then_some(rules)
}
