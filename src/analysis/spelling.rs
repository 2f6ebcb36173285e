//! Expressions of the catalog, spelled as those of statements are, so that checks may compare them.

use crate::model::observation::KeyColumn;
use crate::model::{Observation, Snapshot};
use crate::sql::{spelled, spelled_key};

/// Spells what indexes are on, and what generated columns hold.
pub(super) fn spell(snapshot: &mut Snapshot) {
    let Observation::Seen(layouts) = &mut snapshot.layouts else { return };
    for layout in layouts {
        let jsonb =
            layout.columns.iter().filter(|column| column.is_json() && column.type_name == "jsonb");
        let jsonb: Vec<String> = jsonb.map(|column| column.name.clone()).collect();
        for index in &mut layout.document_indexes {
            for key in &mut index.keys {
                key.spelled = spelled(&key.on, &jsonb).unwrap_or_else(|| key.on.clone());
            }
            let predicate = index.predicate.as_deref();
            index.spelled_predicate = predicate.and_then(|predicate| spelled(predicate, &jsonb));
        }
        for column in layout.columns.iter_mut().filter(|column| column.generated.is_some()) {
            let key =
                column.default.as_deref().and_then(|expression| spelled_key(expression, &jsonb));
            column.holds = key.map(|(document, path)| KeyColumn { document, path });
        }
    }
}
