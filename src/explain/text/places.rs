//! Where the arrows of nodes stand, to say which line is indented as no other is.

use std::collections::BTreeMap;

use super::STEP;
use super::shape::ShapeFault;
use crate::explain::error::StopReason;
use crate::explain::plan::ParsedPlan;

/// Where the line of a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodePlace {
    /// Its line in the input.
    pub(super) line: usize,
    /// The column of its arrow.
    pub(super) column: usize,
}

/// Why a tree is none that a server makes, and in which line.
pub(super) fn stopped(
    plan: &ParsedPlan,
    places: &[NodePlace],
    fault: ShapeFault,
    last_line: usize,
) -> (usize, StopReason) {
    let line = |id: usize| places.get(id).map(|place| place.line);
    let found = irregular(plan, places).or(match fault {
        ShapeFault::TooMany(id) => line(id),
        ShapeFault::TooFew => None,
    });
    match found {
        Some(line) => (line, StopReason::IrregularIndentation),
        None => (last_line, StopReason::CutOff),
    }
}

/// The first line whose arrow stands behind that of the node above by other columns than most do.
fn irregular(plan: &ParsedPlan, places: &[NodePlace]) -> Option<usize> {
    // The arrows below the root, and those of subplans, stand nearer.
    let step = |id: usize| {
        let node = plan.nodes.get(id).filter(|node| node.subplan_name.is_none())?;
        let above = node.parent.filter(|above| *above != 0)?;
        Some(places.get(id)?.column.saturating_sub(places.get(above)?.column))
    };
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for step in (0..plan.nodes.len()).filter_map(step) {
        *counts.entry(step).or_default() += 1;
    }
    let (usual, count) = counts.into_iter().max_by_key(|(step, count)| (*count, *step == STEP))?;
    let usual = if count > 1 { usual } else { STEP };
    let id = (0..plan.nodes.len()).find(|id| step(*id).is_some_and(|step| step != usual))?;
    places.get(id).map(|place| place.line)
}
