//! Names a caller asked for that nothing answers to: a typo must not look like health.

use crate::model::observation::Relation;
use crate::model::{Gap, GapReason, SCOPE, Scope};

/// A gap for each schema and table of the scope that no relation is called by.
pub(super) fn unmatched(relations: &[Relation], scope: &Scope) -> Vec<Gap> {
    let any = |scope: &Scope| relations.iter().any(|r| scope.holds(&r.schema, &r.name));
    let schemas = scope.schemas.iter().map(|schema| {
        let alone = Scope { schemas: vec![schema.clone()], ..Scope::default() };
        ("schema", schema, any(&alone))
    });
    let tables = scope.tables.iter().map(|table| {
        let alone = Scope { tables: vec![table.clone()], ..scope.clone() };
        ("table", table, any(&alone))
    });
    let missing = schemas.chain(tables).filter(|(.., matched)| !matched);
    missing.map(|(kind, name, _)| gap(kind, name)).collect()
}

fn gap(kind: &str, name: &str) -> Gap {
    let detail = match kind {
        "schema" => format!("no schema `{name}` contains a table, so nothing was judged there"),
        _ => format!("no table is named `{name}` in the schemas asked for, so nothing was judged"),
    };
    let lift = format!("name a {kind} of this database; names are case-sensitive");
    Gap::new(SCOPE, GapReason::NotEnoughEvidence, detail).lifted_by(lift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(schema: &str, name: &str) -> Relation {
        Relation::empty(1, schema, name)
    }

    fn missing(schemas: &[&str], tables: &[&str]) -> usize {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let scope = Scope { schemas: owned(schemas), tables: owned(tables), ..Scope::default() };
        unmatched(&[relation("ml", "features"), relation("public", "t")], &scope).len()
    }

    #[test]
    fn each_name_that_nothing_answers_to_is_a_gap() {
        assert_eq!(missing(&[], &[]), 0);
        assert_eq!(missing(&["ml"], &["features", "ml.features"]), 0);
        assert_eq!(missing(&["lm"], &[]), 1);
        assert_eq!(missing(&["ml"], &["featuress", "t"]), 2, "`t` is in another schema");
        assert_eq!(missing(&[], &["ml.feature"]), 1);
    }
}
