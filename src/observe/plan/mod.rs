//! What Plan Decoder reads beside the common sources.

use super::Interest;
use super::batch::{Batch, Slot};
use super::look::Look;
use super::source::Source;
use crate::model::Topic;
use crate::model::observation::{MaintainedTable, Plan};

static MAINTAINED_TABLES: Source =
    Source::new("maintained_tables", include_str!("sql/maintained_tables.sql"));

/// The sources of Plan Decoder.
pub(super) struct PlanLook {
    maintained_tables: Slot<MaintainedTable>,
}

impl PlanLook {
    pub(super) fn new() -> Self {
        Self { maintained_tables: Slot::unasked(&MAINTAINED_TABLES) }
    }
}

impl Look for PlanLook {
    type Seen = Plan;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::MAINTAINED_TABLES]) {
            self.maintained_tables = batch.query_together(&MAINTAINED_TABLES);
        }
    }

    fn seen(self) -> Plan {
        Plan { maintained_tables: self.maintained_tables.rows(), ..Plan::default() }
    }
}
