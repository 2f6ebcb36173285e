//! Expressions of the catalog, spelled as those of statements are, so that checks may compare them.

use crate::model::observation::KeyColumn;
use crate::model::{Observation, Snapshot};
use crate::sql::{spelled, spelled_key};

/// Spells what indexes are on, and what generated columns hold.
pub(super) fn spell(snapshot: &mut Snapshot) {
    let Observation::Seen(layouts) = &mut snapshot.layouts else { return };
    for layout in layouts {
        for index in &mut layout.document_indexes {
            for key in &mut index.keys {
                key.spelled = spelled(&key.on).unwrap_or_else(|| key.on.clone());
            }
            index.spelled_predicate = index.predicate.as_deref().and_then(spelled);
        }
        for column in layout.columns.iter_mut().filter(|column| column.generated.is_some()) {
            let key = column.default.as_deref().and_then(spelled_key);
            column.holds = key.map(|(document, path)| KeyColumn { document, path });
        }
    }
}
