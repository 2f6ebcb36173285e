//! What names mean: the tables, columns and views that statements may speak of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::QualifiedName;

/// What names mean. Built by the caller from plain values; names are unquoted, as the catalog stores them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Relations by schema and name.
    relations: BTreeMap<String, BTreeMap<String, CatalogRelation>>,
    /// Schemas in which an unqualified name is looked for, in that order.
    search_path: Vec<String>,
}

/// What stands behind the name of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogRelation {
    /// What stores rows: a table, a materialized view, a foreign table. Its columns, in their order.
    Table(Vec<Column>),
    /// A view, by the `SELECT` that defines it.
    View(String),
    /// A partition: what is done with it is done with the table that it is a part of.
    Partition(QualifiedName),
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether its type is `json` or `jsonb`.
    pub json: bool,
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new(vec!["public".to_owned()])
    }
}

impl Catalog {
    /// A catalog that knows no relation yet.
    pub fn new(search_path: Vec<String>) -> Self {
        Self { relations: BTreeMap::new(), search_path }
    }

    /// Make a relation known. A relation of the same name is replaced.
    pub fn insert(&mut self, name: QualifiedName, relation: CatalogRelation) {
        self.relations.entry(name.schema).or_default().insert(name.name, relation);
    }

    /// The relation that a name means: of this schema, or else the first on the search path.
    pub fn find(
        &self,
        schema: Option<&str>,
        name: &str,
    ) -> Option<(QualifiedName, &CatalogRelation)> {
        let path = schema.map_or(self.search_path.as_slice(), |_| &[]);
        let schemas = schema.into_iter().chain(path.iter().map(String::as_str));
        schemas.into_iter().find_map(|schema| {
            let relation = self.relations.get(schema)?.get(name)?;
            self.whole(QualifiedName { schema: schema.to_owned(), name: name.to_owned() }, relation)
        })
    }

    /// The table that a partition is a part of, or the relation itself.
    fn whole<'a>(
        &'a self,
        name: QualifiedName,
        relation: &'a CatalogRelation,
    ) -> Option<(QualifiedName, &'a CatalogRelation)> {
        let CatalogRelation::Partition(root) = relation else { return Some((name, relation)) };
        let whole = self.relations.get(&root.schema)?.get(&root.name)?;
        (!matches!(whole, CatalogRelation::Partition(_))).then(|| (root.clone(), whole))
    }

    /// The relation that a name without a schema most likely means where the search path has none of that name: that of the
    /// only schema which has one, or of the first by name. With a schema, as [`Self::find`].
    pub fn find_anywhere(
        &self,
        schema: Option<&str>,
        name: &str,
    ) -> Option<(QualifiedName, &CatalogRelation)> {
        let found = self.find(schema, name);
        if found.is_some() || schema.is_some() {
            return found;
        }
        self.relations.iter().find_map(|(schema, relations)| {
            let relation = relations.get(name)?;
            let name = QualifiedName { schema: schema.clone(), name: name.to_owned() };
            self.whole(name, relation)
        })
    }

    /// Whether several schemas have a relation of this name.
    pub fn is_ambiguous(&self, name: &str) -> bool {
        self.relations.values().filter(|relations| relations.contains_key(name)).nth(1).is_some()
    }
}
