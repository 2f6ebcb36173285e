//! A replication slot dropped, and made again.

use crate::ddl::Ddl;
use crate::ddl::statement::definition;
use crate::model::{SlotDrop, quote_literal};

/// Drop a slot.
pub(in crate::ddl) fn drop_slot(drop: &SlotDrop) -> Ddl {
    let name = quote_literal(&drop.name);
    let make = match &drop.plugin {
        Some(plugin) => format!(
            "SELECT pg_catalog.pg_create_logical_replication_slot({name}, {}{});",
            quote_literal(plugin),
            // Not temporary; the last parameter is new in 17.
            match (drop.two_phase, drop.failover) {
                (false, false) => "",
                (true, false) => ", false, true",
                (false, true) => ", false, false, true",
                (true, true) => ", false, true, true",
            }
        ),
        None => format!("SELECT pg_catalog.pg_create_physical_replication_slot({name});"),
    };
    let consumer = match &drop.plugin {
        Some(_) => {
            "its subscription has to copy its tables again, from a new slot: ALTER SUBSCRIPTION … DISABLE, SET (slot_name = NONE), \
             then drop it and create it again"
        }
        None => {
            "its standby has to be copied again (pg_basebackup), unless an archive has the WAL that it lacks"
        }
    };
    Ddl {
        title: format!("Drop slot `{}`", drop.object),
        statements: vec![definition(format!(
            "SELECT pg_catalog.pg_drop_replication_slot({name});"
        ))],
        undo: vec![definition(make)],
        preconditions: vec!["no consumer streams from it".to_owned()],
        caveats: vec![
            consumer.to_owned(),
            "the WAL that it lost is gone already: made again, it begins at the present".to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;

    #[test]
    fn a_slot_is_made_again_as_what_it_was() {
        let drop = |plugin: Option<&str>| {
            let name = "it's".to_owned();
            let object = Object::Slot { slot: name.clone() };
            let plugin = plugin.map(str::to_owned);
            SlotDrop { object, name, plugin, two_phase: false, failover: false }
        };
        let physical = drop_slot(&drop(None));
        assert_eq!(
            physical.statements[0].sql,
            "SELECT pg_catalog.pg_drop_replication_slot('it''s');"
        );
        assert_eq!(
            physical.undo[0].sql,
            "SELECT pg_catalog.pg_create_physical_replication_slot('it''s');"
        );
        let logical = drop_slot(&drop(Some("pgoutput")));
        assert!(logical.undo[0].sql.ends_with("('it''s', 'pgoutput');"), "{}", logical.undo[0].sql);
        assert_ne!(physical.caveats, logical.caveats);
        for (two_phase, failover, rest) in
            [(true, false, ", false, true);"), (false, true, ", false, false, true);")]
        {
            let made = drop_slot(&SlotDrop { two_phase, failover, ..drop(Some("pgoutput")) });
            assert!(made.undo[0].sql.ends_with(rest), "{}", made.undo[0].sql);
        }
    }
}
