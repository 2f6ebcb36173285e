//! Storage parameters: set, and put back so that the catalog reads as it did before, order included.

use super::each::altered;
use super::statement::option;
use crate::model::{Member, Statement, quote_literal};

/// What sets the wanted options on each member, and what restores those that were there.
pub(super) fn set(
    members: &[Member<Vec<String>>],
    prefix: &str,
    wanted: &[(&str, String)],
) -> (Vec<Statement>, Vec<Statement>) {
    let list: Vec<String> =
        wanted.iter().map(|(name, value)| format!("{prefix}{name} = {value}")).collect();
    (
        altered(members, |_| format!("SET ({})", list.join(", ")), option),
        altered(members, |member| restore(member, prefix, wanted), option),
    )
}

/// The server appends what is set to the end of the list. So where one of the options was set before, all are
/// set again, in their order; one that was not set before is only taken away.
fn restore(member: &Member<Vec<String>>, prefix: &str, wanted: &[(&str, String)]) -> String {
    let before: Vec<(&str, &str)> =
        member.before.iter().filter_map(|option| option.split_once('=')).collect();
    let was_set = |name: &str| before.iter().any(|(set, _)| *set == name);
    let mut parts = Vec::new();
    if wanted.iter().any(|(name, _)| was_set(name)) {
        let all = before
            .iter()
            .map(|(name, value)| format!("{prefix}{name} = {}", quote_literal(value)))
            .collect::<Vec<_>>();
        parts.push(format!("SET ({})", all.join(", ")));
    }
    let new: Vec<String> = wanted
        .iter()
        .filter(|(name, _)| !was_set(name))
        .map(|(name, _)| format!("{prefix}{name}"))
        .collect();
    if !new.is_empty() {
        parts.push(format!("RESET ({})", new.join(", ")));
    }
    parts.join(", ")
}
