//! The tables that exist before the files run, read from the statements that would make them.

use super::MigratedSchema;
use crate::model::observation::ExistingTable;
use crate::sql::definitions;

impl MigratedSchema {
    /// The tables as the target has them, as far as there is time. One of which not all is understood is not known whole.
    pub(super) fn of_existing(existing: &[ExistingTable], goes_on: &dyn Fn() -> bool) -> Self {
        let mut schema = Self::default();
        let mut numbers = Vec::new();
        for table in existing {
            if !goes_on() {
                return schema;
            }
            let before = schema.tables.len();
            schema.run(&declaration(table));
            let number = (schema.tables.len() > before).then_some(before);
            numbers.extend(number.map(|number| (table, number)));
        }
        for (table, _) in &numbers {
            for parent in &table.parents {
                schema.run(parent);
            }
        }
        for (table, number) in numbers {
            let additions = table.constraints.iter().chain(&table.indexes);
            let mut is_known = schema.tables[number].children.len() == table.children;
            for addition in additions {
                is_known &= schema.run(addition);
            }
            schema.tables[number].is_known &= is_known;
        }
        schema
    }

    /// Applies what a statement of the target makes. Returns whether it was understood.
    fn run(&mut self, statement: &str) -> bool {
        let Ok(made) = definitions(statement) else { return false };
        for definition in made {
            self.apply(definition, statement.len());
        }
        true
    }
}

/// The statement that makes a table, without what others add to it.
fn declaration(table: &ExistingTable) -> String {
    let columns = table.columns.join(", ");
    let key = table.partition_key.as_ref().map(|key| format!(" partition by {key}"));
    format!("create table {} ({columns}){}", table.name, key.unwrap_or_default())
}
