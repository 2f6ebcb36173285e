//! Which relations are worth a closer look: the largest, up to the budget.

use std::collections::BTreeSet;

use crate::model::observation::Relation;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{Families, Family};

use super::Interest;

/// Tables (partitioned ones count once) whose columns and counters are read.
const FAMILIES_MAX: usize = 200;
/// Relations whose true sizes are asked for and whose values are sampled.
const SAMPLES_MAX: usize = 32;
/// What a row may have out of line in a TOAST table that no vacuum counted and of which the counters know nothing.
const ROW_BYTES_MAX: f64 = 32.0 * 1024.0;
/// Partitions of one table among these: the largest speak for the rest.
const SAMPLES_PER_FAMILY_MAX: usize = 8;

/// Tables whose columns and keys are read: the largest, and as many without a primary key.
const LAYOUTS_MAX: usize = 200;
/// Tables whose documents are sampled.
const DOCUMENT_TABLES_MAX: usize = 32;
/// Partitions of one of these; the largest speak for the rest.
const DOCUMENT_LEAVES_MAX: usize = 4;

/// What the second look is about.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Choice {
    /// Every member of every chosen family: roots, inner nodes and leaves.
    pub(super) members: Vec<i64>,
    /// The leaves to measure and sample, the largest families first.
    pub(super) samples: Vec<i64>,
    /// Tables large enough that the budget left out.
    pub(super) families_left_out: usize,
}

/// Choose the largest families within the caller's interest.
pub(super) fn choose(relations: &[Relation], interest: &Interest) -> Choice {
    let all = Families::of(relations);
    let mut families: Vec<&Family<'_>> = all
        .iter()
        .filter(|family| family.is_in(&interest.scope))
        .filter(|family| family.leaves().any(|leaf| leaf.toastable))
        .filter(|family| is_large_enough(family, interest))
        .collect();
    families.sort_by_key(|family| std::cmp::Reverse(family.bytes()));

    let mut choice = Choice::default();
    for (rank, family) in families.iter().enumerate() {
        let room = SAMPLES_MAX - choice.samples.len();
        if rank >= FAMILIES_MAX || room == 0 {
            choice.families_left_out += 1;
            continue;
        }
        choice.members.extend(family.members.iter().map(|relation| relation.oid));
        choice.samples.extend(largest_leaves(family, room.min(SAMPLES_PER_FAMILY_MAX)));
    }
    choice
}

/// Tables whose columns, keys and documents are looked at.
#[derive(Debug, Default, PartialEq)]
pub(super) struct LayoutChoice {
    /// Every root, and of partitioned ones the leaves that speak for it.
    pub(super) relations: Vec<i64>,
    /// Tables whose documents are sampled.
    pub(super) documents: Vec<DocumentTable>,
    /// Tables that the budget left out.
    pub(super) left_out: usize,
    /// Tables whose documents it left out.
    pub(super) documents_left_out: usize,
}

/// A table with JSON columns, and the relations that hold its rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DocumentTable {
    pub(super) root: i64,
    /// The largest of them.
    pub(super) leaves: Vec<i64>,
    /// Whether these are all.
    pub(super) all: bool,
    /// Rows of the others.
    pub(super) other_rows: f64,
}

/// Choose the largest tables, those without a primary key among them, and those with `json` columns.
pub(super) fn choose_layouts(
    relations: &[Relation],
    json: &[i64],
    interest: &Interest,
) -> LayoutChoice {
    let json: BTreeSet<i64> = json.iter().copied().collect();
    let all = Families::of(relations);
    let mut families: Vec<&Family<'_>> =
        all.iter().filter(|family| family.is_in(&interest.scope)).collect();
    // A registered contract is to be held, however small the table is.
    families
        .sort_by_key(|family| (!has_contract(family, interest), std::cmp::Reverse(family.bytes())));
    let mut choice = LayoutChoice::default();
    let (mut keyed, mut keyless) = (0, 0);
    for family in &families {
        let count = if family.root.primary_key { &mut keyed } else { &mut keyless };
        *count += 1;
        if *count > LAYOUTS_MAX {
            choice.left_out += 1;
            continue;
        }
        let holds_json = family.members.iter().any(|member| json.contains(&member.oid));
        let leaves = largest_leaves(family, if holds_json { DOCUMENT_LEAVES_MAX } else { 1 });
        choice.relations.push(family.root.oid);
        choice.relations.extend(leaves.iter().filter(|leaf| **leaf != family.root.oid));
        if !holds_json || leaves.is_empty() {
            continue;
        }
        if choice.documents.len() == DOCUMENT_TABLES_MAX {
            choice.documents_left_out += 1;
            continue;
        }
        let others = || family.leaves().filter(|leaf| !leaves.contains(&leaf.oid));
        let other_rows = others().map(|leaf| leaf.rows_now(None)).sum();
        let (root, all) = (family.root.oid, others().next().is_none());
        choice.documents.push(DocumentTable { root, leaves, all, other_rows });
    }
    choice
}

/// Whether a column of it has a contract.
fn has_contract(family: &Family<'_>, interest: &Interest) -> bool {
    let Relation { schema, name, .. } = family.root;
    interest.contracts.iter().any(|contract| contract.schema == *schema && contract.table == *name)
}

/// Sizes that were never counted, or long ago, count as large enough where the rows may take as much: the next round trip
/// will show.
fn is_large_enough(family: &Family<'_>, interest: &Interest) -> bool {
    let least = interest.policy.get(&TABLE_BYTES_MIN);
    let counted = family.leaves().all(is_counted);
    #[expect(clippy::cast_precision_loss, reason = "sizes below 2^53 bytes")]
    let bytes = family.total_bytes() as f64;
    let rows_uncounted: f64 = family.leaves().filter(|leaf| !leaf.toast_counted).map(rows).sum();
    !counted || bytes + rows_uncounted * ROW_BYTES_MAX >= least
}

fn largest_leaves(family: &Family<'_>, most: usize) -> Vec<i64> {
    let mut leaves: Vec<&Relation> = family.leaves().collect();
    leaves.sort_by_key(|leaf| (std::cmp::Reverse(leaf.bytes_at_least()), leaf.oid));
    leaves.iter().take(most).map(|leaf| leaf.oid).collect()
}

/// Whether a vacuum or analyze counted it, and counted about the number of rows that the counters believe.
#[expect(clippy::cast_precision_loss, reason = "rows below 2^53")]
fn is_counted(relation: &Relation) -> bool {
    relation.rows.is_some_and(|rows| relation.live_rows as f64 <= 1.5 * rows + 1000.0)
}

/// Rows as last counted, or as the counters believe where that is more.
#[expect(clippy::cast_precision_loss, reason = "rows below 2^53")]
fn rows(relation: &Relation) -> f64 {
    relation.rows.unwrap_or(0.0).max(relation.live_rows as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observation::RelationKind;

    fn relation(oid: i64, pages: i64) -> Relation {
        let rows = Some(50_000.0);
        Relation { pages, rows, ..Relation::empty(oid, "ml", &format!("t{oid}")) }
    }

    fn interest() -> Interest {
        Interest::default()
    }

    #[test]
    fn the_largest_come_first_and_the_small_are_passed_over() {
        let chosen =
            choose(&[relation(1, 5_000), relation(2, 9_000), relation(3, 10)], &interest());
        assert_eq!(chosen.samples, [2, 1]);
        assert_eq!(chosen.families_left_out, 0);
    }

    #[test]
    fn a_partitioned_table_is_large_when_its_partitions_are_together() {
        let root = Relation { kind: RelationKind::PartitionedTable, rows: None, ..relation(1, 0) };
        let leaf = |oid| Relation { parent: Some(1), ..relation(oid, 700) };
        let chosen = choose(&[root, leaf(2), leaf(3)], &interest());
        assert_eq!(chosen.members, [1, 2, 3]);
        assert_eq!(chosen.samples, [2, 3]);
    }

    #[test]
    fn what_was_never_counted_gets_a_closer_look() {
        let fresh = Relation { rows: None, ..relation(1, 0) };
        assert_eq!(choose(&[fresh], &interest()).samples, [1]);
    }

    #[test]
    fn a_toast_table_that_no_vacuum_counted_may_hold_anything() {
        let narrow = Relation { toast_counted: false, ..relation(1, 10) };
        assert_eq!(choose(std::slice::from_ref(&narrow), &interest()).samples, [1]);
        let few = Relation { rows: Some(200.0), ..narrow };
        assert_eq!(choose(&[few], &interest()).samples, [] as [i64; 0]);
    }

    #[test]
    fn tables_without_a_primary_key_are_looked_at_however_many_larger_ones_have_one() {
        let mut many: Vec<Relation> = (1..400).map(|oid| relation(oid, 5_000)).collect();
        many.push(Relation { primary_key: false, ..relation(400, 1) });
        let chosen = choose_layouts(&many, &[400, 7], &interest());
        assert!(chosen.relations.contains(&400));
        assert_eq!(chosen.left_out, 199);
        let tables: Vec<i64> = chosen.documents.iter().map(|table| table.root).collect();
        assert_eq!(tables, [7, 400]);
    }

    #[test]
    fn the_largest_partitions_speak_for_a_table_of_documents() {
        let root = Relation { kind: RelationKind::PartitionedTable, rows: None, ..relation(1, 0) };
        let leaf = |oid| Relation { parent: Some(1), ..relation(oid, oid * 10) };
        let leaves: Vec<Relation> = (2..10).map(leaf).collect();
        let chosen = choose_layouts(&[vec![root], leaves].concat(), &[1, 2, 3], &interest());
        assert_eq!(chosen.relations, [1, 9, 8, 7, 6]);
        let table = &chosen.documents[0];
        assert_eq!((table.root, table.all), (1, false));
        assert_eq!(table.leaves, [9, 8, 7, 6]);
    }

    #[test]
    fn what_has_no_toast_table_is_none_of_toast_s_business() {
        let fixed = Relation { toastable: false, ..relation(1, 5_000) };
        assert_eq!(choose(std::slice::from_ref(&fixed), &interest()), Choice::default());
        assert_eq!(choose_layouts(&[fixed], &[], &interest()).relations, [1]);
    }

    #[test]
    fn what_the_budget_leaves_out_is_counted() {
        let many: Vec<Relation> = (0..40).map(|oid| relation(oid, 5_000)).collect();
        let chosen = choose(&many, &interest());
        assert_eq!((chosen.samples.len(), chosen.families_left_out), (32, 8));
    }
}
