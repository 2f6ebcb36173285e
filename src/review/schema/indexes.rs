//! Which table an index is of: by the name it was given, or by the one that the server chooses.

use super::MigratedSchema;
use crate::review::tables::unqualified;
use crate::sql::DdlStatement;

impl MigratedSchema {
    /// Takes note of an index's name.
    pub(super) fn note_index(&mut self, name: &str, number: usize) {
        self.by_index.entry(unqualified(name).to_owned()).or_default().push(number);
    }

    /// The numbers of the tables that have an index of a name. A name that the server chooses begins with the table's.
    pub(super) fn tables_of_index(&self, index: &str) -> Vec<usize> {
        let own = unqualified(index);
        let ends = own.match_indices('_').map(|(end, _)| end);
        let tables = ends.filter_map(|end| self.by_name.get(&own[..end]));
        let named = self.by_index.get(own);
        let mut numbers: Vec<usize> = tables.chain(named).flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.retain(|number| self.tables[*number].index(index).is_some());
        numbers
    }

    /// The partitioned table that a definition changes, or drops an index of.
    pub(super) fn partitioned_table(&self, definition: &DdlStatement) -> Option<String> {
        let numbers = match definition {
            DdlStatement::Altered { table, .. } | DdlStatement::Index { table, .. } => {
                self.find(table).into_iter().collect()
            }
            DdlStatement::DroppedIndexes(names) => {
                names.iter().flat_map(|name| self.tables_of_index(name)).collect()
            }
            _ => Vec::new(),
        };
        let root = numbers.into_iter().find(|own| self.tables[*own].partitioned_by.is_some());
        root.map(|root| self.tables[root].name.clone())
    }

    /// The indexes that a definition drops or changes, each with its table.
    pub(super) fn tables_of_indexes(&self, definition: &DdlStatement) -> Vec<(String, String)> {
        let names: &[String] = match definition {
            DdlStatement::DroppedIndexes(names) => names,
            DdlStatement::RenamedIndex { index, .. } => std::slice::from_ref(index),
            _ => return Vec::new(),
        };
        let table = |name: &String| {
            let number = *self.tables_of_index(name).first()?;
            Some((name.clone(), self.tables[number].name.clone()))
        };
        names.iter().filter_map(table).collect()
    }
}
