//! What a shape says of each column: one use for each operator, place and expression.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::observation::{
    ColumnName, Compared, JoinPair, OperatorUse, OrderKey, Predicate, QueryBlock, StatementShape,
    Subject, UsePlace,
};

/// A way of using a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct UseKey {
    expression: Option<String>,
    operator: Option<String>,
    place: UsePlace,
    with: Compared,
    cast: Option<String>,
    within: bool,
    joins: bool,
    under_or: bool,
    under_not: bool,
    descending: bool,
}

impl UseKey {
    /// The same in the ledger's words, without calls.
    pub(super) fn into_use(self) -> OperatorUse {
        OperatorUse {
            expression: self.expression,
            operator: self.operator,
            place: self.place,
            with: self.with,
            cast: self.cast,
            within: self.within,
            joins: self.joins,
            under_or: self.under_or,
            under_not: self.under_not,
            descending: self.descending,
            ..OperatorUse::default()
        }
    }
}

type Uses = BTreeMap<ColumnName, BTreeSet<UseKey>>;

/// How a statement uses each column, each way once.
pub(super) fn uses(shape: &StatementShape) -> Uses {
    let mut uses = Uses::new();
    for block in &shape.blocks {
        of_block(&mut uses, block);
    }
    for write in &shape.writes {
        for column in &write.columns {
            let name = ColumnName {
                schema: write.table.schema.clone(),
                table: write.table.name.clone(),
                column: column.clone(),
            };
            let key = UseKey { place: UsePlace::Set, ..UseKey::default() };
            uses.entry(name).or_default().insert(key);
        }
    }
    uses
}

fn of_block(uses: &mut Uses, block: &QueryBlock) {
    for predicate in &block.predicates {
        of_predicate(uses, predicate);
    }
    for pair in &block.joins {
        of_join(uses, pair);
    }
    for (subjects, place) in [
        (&block.group_by, UsePlace::GroupBy),
        (&block.distinct, UsePlace::Distinct),
        (&block.projected, UsePlace::Select),
    ] {
        for subject in subjects {
            add(uses, subject, &UseKey { place, ..UseKey::default() });
        }
    }
    for key in &block.order_by {
        of_order(uses, key);
    }
}

fn of_predicate(uses: &mut Uses, predicate: &Predicate) {
    let operator = Some(predicate.operator.clone()).filter(|_| predicate.place != UsePlace::Index);
    let key = UseKey {
        operator,
        place: predicate.place,
        with: predicate.with,
        under_or: predicate.under_or,
        under_not: predicate.under_not,
        ..UseKey::default()
    };
    add(uses, &predicate.subject, &key);
}

fn of_join(uses: &mut Uses, pair: &JoinPair) {
    for (subject, operator) in
        [(&pair.left, pair.operator.clone()), (&pair.right, crate::sql::commuted(&pair.operator))]
    {
        let key = UseKey {
            operator: Some(operator),
            place: pair.place,
            with: Compared::Expression,
            joins: true,
            under_or: pair.under_or,
            under_not: pair.under_not,
            ..UseKey::default()
        };
        add(uses, subject, &key);
    }
}

fn of_order(uses: &mut Uses, key: &OrderKey) {
    let place = UsePlace::OrderBy;
    let descending = key.descending;
    add(uses, &key.subject, &UseKey { place, descending, ..UseKey::default() });
}

/// A use of each column of an expression, and of the operators within it.
fn add(uses: &mut Uses, subject: &Subject, key: &UseKey) {
    for column in &subject.columns {
        let expression = (!subject.plain).then(|| subject.expression.clone());
        let key = UseKey { expression, cast: subject.cast.clone(), ..key.clone() };
        uses.entry(column.clone()).or_default().insert(key);
    }
    for applied in &subject.applied {
        let column = applied.column.column.as_str();
        let plain = crate::model::quote_identifier(column) == applied.expression;
        let expression = (!plain).then(|| applied.expression.clone());
        let key = UseKey {
            expression,
            operator: Some(applied.operator.clone()),
            with: applied.with,
            within: true,
            ..key.clone()
        };
        uses.entry(applied.column.clone()).or_default().insert(key);
    }
}
