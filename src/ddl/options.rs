//! Storage parameters: set, and put back so that the catalog reads as it did before, order included.

use super::each::altered;
use super::statement::option;
use crate::model::{Member, OptionsChange, Statement, quote_literal};

/// What sets the wanted options on each member, and what restores those that were there.
pub(super) fn set(
    members: &[Member<Vec<String>>],
    prefix: &str,
    wanted: &[(&str, String)],
) -> (Vec<Statement>, Vec<Statement>) {
    let list: Vec<String> =
        wanted.iter().map(|(name, value)| format!("{prefix}{name} = {value}")).collect();
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    (
        altered(members, |_| format!("SET ({})", list.join(", ")), option),
        altered(members, |member| restore(member, prefix, &names, &names), option),
    )
}

/// What makes a change of storage parameters on each member, and what restores those that were there.
pub(super) fn change(
    change: &OptionsChange,
    statement: fn(String) -> Statement,
) -> (Vec<Statement>, Vec<Statement>) {
    let OptionsChange { members, set, reset, .. } = change;
    let list: Vec<String> =
        set.iter().map(|(name, value)| format!("{name} = {}", quote_literal(value))).collect();
    let clause = match (list.is_empty(), reset.is_empty()) {
        (false, true) => format!("SET ({})", list.join(", ")),
        (true, _) => format!("RESET ({})", reset.join(", ")),
        (false, false) => format!("SET ({}), RESET ({})", list.join(", "), reset.join(", ")),
    };
    let now: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
    let touched: Vec<&str> = now.iter().copied().chain(reset.iter().map(String::as_str)).collect();
    (
        altered(members, |_| clause.clone(), statement),
        altered(members, |member| restore(member, "", &now, &touched), statement),
    )
}

/// The server appends what is set to the end of the list. So where one of the options was set before, all are
/// set again, in their order; one that was not set before is only taken away. `now` are those that are set after the
/// change, `touched` all that it sets or takes away.
fn restore(member: &Member<Vec<String>>, prefix: &str, now: &[&str], touched: &[&str]) -> String {
    let before: Vec<(&str, &str)> =
        member.before.iter().filter_map(|option| option.split_once('=')).collect();
    let was_set = |name: &str| before.iter().any(|(set, _)| *set == name);
    let mut parts = Vec::new();
    if touched.iter().any(|name| was_set(name)) {
        let all = before
            .iter()
            .map(|(name, value)| format!("{prefix}{name} = {}", quote_literal(value)))
            .collect::<Vec<_>>();
        parts.push(format!("SET ({})", all.join(", ")));
    }
    let new: Vec<String> =
        now.iter().filter(|name| !was_set(name)).map(|name| format!("{prefix}{name}")).collect();
    if !new.is_empty() {
        parts.push(format!("RESET ({})", new.join(", ")));
    }
    parts.join(", ")
}
