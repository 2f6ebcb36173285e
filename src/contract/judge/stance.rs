//! What a contract says of a key, whether documents have it or not.

use super::Contract;
use super::path::Step;
use super::rules::{At, Node, Rules, type_bit};
use crate::model::observation::Stance;

/// What the contract says of the last key of a way from the top.
pub(super) fn stance(contract: &Contract, way: &[Step<'_>]) -> Stance {
    let mut here = closure(contract, vec![0]);
    let mut stance = Stance::Open;
    for step in way {
        let (next, said) = below(contract, &here, *step);
        stance = said;
        here = closure(contract, next);
    }
    stance
}

/// Subschemas of the same value as these, themselves among them.
fn closure(contract: &Contract, mut open: Vec<At>) -> Vec<At> {
    let mut all = Vec::new();
    while let Some(at) = open.pop() {
        if !all.contains(&at) {
            all.push(at);
            if let Node::Rules(rules) = &contract.nodes[at] {
                let excluded = rules.not;
                open.extend(rules.in_place().filter(|at| Some(*at) != excluded));
            }
        }
    }
    all
}

/// What stands below these at a step, and what they say of it.
fn below(contract: &Contract, here: &[At], step: Step<'_>) -> (Vec<At>, Stance) {
    let (mut named, mut data, mut forbidden) = (Vec::new(), Vec::new(), false);
    for rules in here.iter().filter_map(|at| of_type(&contract.nodes[*at], step)) {
        let Step::Key(key) = step else {
            named.extend(rules.array.prefix.iter().copied().chain(rules.array.items));
            continue;
        };
        let patterns = rules.object.patterns.iter();
        let matching = patterns.filter(|(pattern, _)| pattern.is_match(key) != Some(false));
        data.extend(matching.map(|(_, at)| *at));
        match (rules.object.properties.get(key), rules.object.additional) {
            (Some(at), _) => named.push(*at),
            (None, Some(at)) => match &contract.nodes[at] {
                Node::Never => forbidden = true,
                // `true` says no more than nothing does.
                Node::Any => {}
                Node::Rules(_) => data.push(at),
            },
            (None, None) => {}
        }
    }
    match (named.is_empty(), data.is_empty()) {
        (false, _) => (named, Stance::Named),
        (true, false) => (data, Stance::Data),
        (true, true) if forbidden => (Vec::new(), Stance::Forbidden),
        (true, true) => (Vec::new(), Stance::Open),
    }
}

/// The rules, if they are about a value that can have such a step below it.
fn of_type<'a>(node: &'a Node, step: Step<'_>) -> Option<&'a Rules> {
    let Node::Rules(rules) = node else { return None };
    let name = if step == Step::Items { "array" } else { "object" };
    let bit = type_bit(name)?;
    rules.types.is_none_or(|types| types & bit != 0).then_some(rules)
}
