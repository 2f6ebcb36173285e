//! What a finding is about.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quote_identifier;

macro_rules! define_object {
    ($($(#[$doc:meta])* $named:ident { $field:ident };)*) => {
        /// The thing a finding is about. A finding that holds for all partitions is about the root.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[schema(as = AffectedObject)]
        pub enum Object {
            /// A table, or the root of a partitioned one.
            Table {
                /// Its schema.
                schema: String,
                /// Its name.
                table: String,
            },
            /// A materialized view.
            MaterializedView {
                /// Its schema.
                schema: String,
                /// Its name.
                table: String,
            },
            /// One partition that alone is affected.
            Partition {
                /// The root's schema.
                schema: String,
                /// The root's name.
                table: String,
                /// The partition; as `schema.partition` where its schema is not the root's, or its name has a dot.
                partition: String,
            },
            /// A column.
            Column {
                /// The relation's schema.
                schema: String,
                /// The relation's name; the root's for a partition.
                table: String,
                /// The column.
                column: String,
                /// The partition that alone is affected; as `schema.partition` where its schema is not the root's, or its
                /// name has a dot.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                partition: Option<String>,
            },
            /// A place in a file.
            Source {
                /// The file's path, as it was given.
                path: String,
                /// The line, counted from 1.
                line: u32,
                /// The character in the line, counted from 1.
                column: u32,
                /// The function it is in.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                function: Option<String>,
            },
            /// A key of a column's documents.
            Key {
                /// The relation's schema.
                schema: String,
                /// The relation's name.
                table: String,
                /// The column.
                column: String,
                /// The key's path: `a.b`, `a[]` for the elements of an array.
                key: String,
            },
            /// An index; of a partitioned table the root's.
            Index {
                /// The table's schema.
                schema: String,
                /// The table's name; the root's for a partition.
                table: String,
                /// The index, in the table's schema.
                index: String,
            },
            /// A setting of the server.
            Setting {
                /// Its name.
                name: String,
            },
            /// A statement of the workload.
            Statement {
                /// The server's identifier, as `pg_stat_statements` prints it.
                query_id: String,
            },
            /// The server as a whole.
            Cluster,
            $($(#[$doc])* $named {
                /// Its name.
                $field: String,
            },)*
            /// A node of a plan.
            PlanNode {
                /// The node, counted in the order of printing.
                node: u32,
                /// The scanned table's schema, where the plan names it.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                schema: Option<String>,
                /// The scanned table, where the node scans one.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                table: Option<String>,
                /// The statement of the workload that has the plan: the same for statements that differ in constants only.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                statement: Option<String>,
            },
        }

        impl Object {
            /// Schema and name of the table that it is or belongs to; the root's for a partition.
            pub fn table(&self) -> Option<(&str, &str)> {
                match self {
                    Self::Table { schema, table }
                    | Self::MaterializedView { schema, table }
                    | Self::Partition { schema, table, .. }
                    | Self::Column { schema, table, .. }
                    | Self::Key { schema, table, .. }
                    | Self::Index { schema, table, .. } => Some((schema, table)),
                    Self::PlanNode { schema, table, .. } => Some((schema.as_deref()?, table.as_deref()?)),
                    Self::Source { .. }
                    | Self::Setting { .. }
                    | Self::Statement { .. }
                    | Self::Cluster => None,
                    $(Self::$named { .. } => None,)*
                }
            }
        }

        impl std::fmt::Display for Object {
            /// As prose names it: `schema.table.column`, quoted as SQL would.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::Table { schema, table } | Self::MaterializedView { schema, table } => {
                        dotted(f, &[schema, table])
                    }
                    Self::Partition { schema, partition, .. } => dotted(f, &qualified(schema, partition)),
                    Self::Column { schema, table, column, partition } => {
                        let relation = partition.as_ref().map_or_else(
                            || [schema.as_str(), table.as_str()],
                            |partition| qualified(schema, partition),
                        );
                        dotted(f, &[relation[0], relation[1], column])
                    }
                    Self::Source { path, line, column, .. } => write!(f, "{path}:{line}:{column}"),
                    Self::Index { schema, index, .. } => dotted(f, &[schema, index]),
                    Self::Setting { name } => f.write_str(name),
                    Self::Statement { query_id } => write!(f, "statement {query_id}"),
                    Self::Cluster => f.write_str("the cluster"),
                    $(Self::$named { $field } => dotted(f, &[$field]),)*
                    Self::PlanNode { node, table: None, .. } => write!(f, "node {node}"),
                    Self::PlanNode { node, table: Some(table), .. } => {
                        write!(f, "node {node} on {}", quote_identifier(table))
                    }
                    Self::Key { schema, table, column, key } => {
                        dotted(f, &[schema, table, column])?;
                        write!(f, " -> {key}")
                    }
                }
            }
        }
    };
}

named_objects!(define_object);

/// [`Object`] under a name that the API's document can refer to: one called `Object` is any object there.
pub type AffectedObject = Object;

/// A partition's schema and name: its own where it is given, else the root's.
fn qualified<'a>(schema: &'a str, partition: &'a str) -> [&'a str; 2] {
    partition.split_once('.').map_or([schema, partition], |(schema, name)| [schema, name])
}

fn dotted(f: &mut std::fmt::Formatter<'_>, names: &[&str]) -> std::fmt::Result {
    for (position, name) in names.iter().enumerate() {
        if position > 0 {
            f.write_str(".")?;
        }
        f.write_str(&quote_identifier(name))?;
    }
    Ok(())
}
