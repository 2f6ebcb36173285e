//! From the parser's trees to definitions.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, ConstrType, Constraint, CreateStmt,
    DropStmt, Node, ObjectType, PartitionBoundSpec, PartitionSpec, RangeVar, RenameStmt,
};

use super::condition::{self, CheckCondition, ConstantValue};
use super::{
    BoundClause, DdlStatement, LikeClause, RangeDatum, TableAction, TableDefinition, index,
};
use crate::sql::error::NotUnderstood;
use crate::sql::{parse, tree};

/// What the statements of a text define, in their order.
pub fn definitions(text: &str) -> Result<Vec<DdlStatement>, NotUnderstood> {
    let parsed = parse::parse(text)?;
    Ok(parsed.iter().filter_map(|statement| definition(&statement.tree)).collect())
}

fn definition(node: &Node) -> Option<DdlStatement> {
    Some(match tree::inner(node)? {
        NodeEnum::CreateStmt(table) => DdlStatement::Table(Box::new(new_table(table)?)),
        NodeEnum::AlterTableStmt(altered) => changes(altered)?,
        NodeEnum::IndexStmt(made) => DdlStatement::Index {
            table: relation(made.relation.as_ref()?),
            index: index::of_statement(made),
        },
        NodeEnum::DropStmt(dropped) => dropped_objects(dropped)?,
        NodeEnum::RenameStmt(renamed) => renaming(renamed)?,
        NodeEnum::AlterObjectSchemaStmt(moved)
            if moved.object_type() == ObjectType::ObjectTable =>
        {
            DdlStatement::Moved {
                table: relation(moved.relation.as_ref()?),
                schema: moved.newschema.clone(),
            }
        }
        _ => return None,
    })
}

/// A table's name as its parts are, with its schema where that is named.
pub(super) fn relation(of: &RangeVar) -> String {
    if of.schemaname.is_empty() {
        of.relname.clone()
    } else {
        format!("{}.{}", of.schemaname, of.relname)
    }
}

fn new_table(statement: &CreateStmt) -> Option<TableDefinition> {
    let mut elements = Vec::new();
    let mut copied = Vec::new();
    for element in &statement.table_elts {
        match tree::inner(element) {
            Some(NodeEnum::ColumnDef(column)) => elements.extend(new_column(column)),
            Some(NodeEnum::Constraint(own)) => elements.extend(constraint(own, None)),
            Some(NodeEnum::TableLikeClause(like)) => copied.push(LikeClause {
                table: relation(like.relation.as_ref()?),
                checks: like.options & LIKE_CONSTRAINTS != 0,
                indexes: like.options & LIKE_INDEXES != 0,
            }),
            _ => {}
        }
    }
    let parents = statement.inh_relations.iter().filter_map(|parent| match tree::inner(parent) {
        Some(NodeEnum::RangeVar(parent)) => Some(relation(parent)),
        _ => None,
    });
    let mut parents: Vec<String> = parents.collect();
    let bound = statement.partbound.as_ref().map(bound);
    let part_of = bound.and_then(|bound| Some((parents.pop()?, bound)));
    Some(TableDefinition {
        name: relation(statement.relation.as_ref()?),
        is_optional: statement.if_not_exists,
        elements,
        copied,
        parents,
        part_of,
        partitioned_by: statement.partspec.as_ref().map(partition_keys),
    })
}

/// Bits of `LIKE … INCLUDING` as the server's grammar has them.
const LIKE_CONSTRAINTS: u32 = 1 << 2;
const LIKE_INDEXES: u32 = 1 << 6;

/// A column and the constraints that stand at it.
fn new_column(column: &ColumnDef) -> Vec<TableAction> {
    let name = column.colname.clone();
    let type_name = column.type_name.as_ref().map(tree::type_name).unwrap_or_default();
    let is_serial = type_name.ends_with("serial") || type_name.starts_with("serial");
    let mut changes = vec![TableAction::Column { name: name.clone(), type_name }];
    if is_serial || column.is_not_null {
        changes.push(not_null(&name));
    }
    for one in &column.constraints {
        if let Some(NodeEnum::Constraint(one)) = tree::inner(one) {
            changes.extend(constraint(one, Some(&name)));
        }
    }
    changes
}

fn not_null(column: &str) -> TableAction {
    TableAction::NotNull { column: column.to_owned(), name: None, is_valid: true }
}

/// What a constraint does; `column` is the one that it stands at.
fn constraint(of: &Constraint, column: Option<&str>) -> Vec<TableAction> {
    let name = Some(of.conname.clone()).filter(|name| !name.is_empty());
    let is_valid = !of.skip_validation;
    let one = match of.contype() {
        ConstrType::ConstrNotnull => {
            let named = of.keys.first().and_then(tree::name).or(column);
            named.map(|column| TableAction::NotNull { column: column.to_owned(), name, is_valid })
        }
        ConstrType::ConstrIdentity => column.map(not_null),
        ConstrType::ConstrCheck => of.raw_expr.as_deref().map(|expression| TableAction::Check {
            name,
            condition: CheckCondition::of(expression),
            is_valid,
        }),
        ConstrType::ConstrPrimary | ConstrType::ConstrUnique if !of.indexname.is_empty() => {
            let is_primary = of.contype() == ConstrType::ConstrPrimary;
            Some(TableAction::UseIndex { index: of.indexname.clone(), is_primary })
        }
        ConstrType::ConstrPrimary | ConstrType::ConstrUnique | ConstrType::ConstrExclusion => {
            Some(TableAction::Index(index::of_constraint(of, column)))
        }
        ConstrType::ConstrForeign => index::foreign_key(of, column).map(TableAction::ForeignKey),
        _ => None,
    };
    one.into_iter().collect()
}

fn partition_keys(spec: &PartitionSpec) -> Vec<Option<String>> {
    let keys = spec.part_params.iter().map(|param| match tree::inner(param) {
        Some(NodeEnum::PartitionElem(key)) => {
            Some(key.name.clone()).filter(|name| key.expr.is_none() && !name.is_empty())
        }
        _ => None,
    });
    keys.collect()
}

fn bound(spec: &PartitionBoundSpec) -> BoundClause {
    if spec.is_default {
        return BoundClause::Default;
    }
    match spec.strategy.as_str() {
        "r" => BoundClause::Range { from: data(&spec.lowerdatums), to: data(&spec.upperdatums) },
        "l" => BoundClause::List(spec.listdatums.iter().map(listed).collect()),
        _ => BoundClause::Hash,
    }
}

fn listed(node: &Node) -> Option<ConstantValue> {
    Some(ConstantValue::of(node)).filter(|value| *value != ConstantValue::Other)
}

fn data(nodes: &[Node]) -> Vec<RangeDatum> {
    let data = nodes.iter().map(|node| match condition::column(node).as_deref() {
        Some("minvalue") => RangeDatum::Least,
        Some("maxvalue") => RangeDatum::Greatest,
        Some(_) => RangeDatum::Other,
        None => listed(node).map_or(RangeDatum::Other, RangeDatum::Value),
    });
    data.collect()
}

fn changes(altered: &AlterTableStmt) -> Option<DdlStatement> {
    if altered.objtype() != ObjectType::ObjectTable {
        return None;
    }
    let commands = altered.cmds.iter().map(|command| match tree::inner(command) {
        Some(NodeEnum::AlterTableCmd(command)) => change(command),
        _ => Vec::new(),
    });
    let actions = commands.collect();
    Some(DdlStatement::Altered { table: relation(altered.relation.as_ref()?), actions })
}

fn change(command: &AlterTableCmd) -> Vec<TableAction> {
    let name = || command.name.clone();
    let definition = command.def.as_deref().and_then(tree::inner);
    match (command.subtype(), definition) {
        (AlterTableType::AtAddColumn, Some(NodeEnum::ColumnDef(column))) => new_column(column),
        (AlterTableType::AtDropColumn, _) => vec![TableAction::DropColumn(name())],
        (AlterTableType::AtAlterColumnType, Some(NodeEnum::ColumnDef(column))) => {
            let type_name = column.type_name.as_ref().map(tree::type_name).unwrap_or_default();
            vec![TableAction::Type { column: name(), type_name }]
        }
        (AlterTableType::AtSetNotNull, _) => vec![not_null(&command.name)],
        (AlterTableType::AtDropNotNull, _) => vec![TableAction::Nullable(name())],
        (AlterTableType::AtAddConstraint, Some(NodeEnum::Constraint(own))) => constraint(own, None),
        (AlterTableType::AtValidateConstraint, _) => vec![TableAction::Validate(name())],
        (AlterTableType::AtDropConstraint, _) => vec![TableAction::DropConstraint(name())],
        (AlterTableType::AtAttachPartition, Some(NodeEnum::PartitionCmd(part))) => {
            let attach = part.name.as_ref().zip(part.bound.as_ref());
            let attach = attach.map(|(partition, of)| TableAction::Attach {
                partition: relation(partition),
                bound: bound(of),
            });
            attach.into_iter().collect()
        }
        (AlterTableType::AtDetachPartition, Some(NodeEnum::PartitionCmd(part))) => {
            let detach = part.name.as_ref().map(|partition| TableAction::Detach {
                partition: relation(partition),
                is_concurrent: part.concurrent,
            });
            detach.into_iter().collect()
        }
        (AlterTableType::AtAddInherit, Some(NodeEnum::RangeVar(parent))) => {
            vec![TableAction::Inherit(relation(parent))]
        }
        (AlterTableType::AtDropInherit, Some(NodeEnum::RangeVar(parent))) => {
            vec![TableAction::Disinherit(relation(parent))]
        }
        _ => Vec::new(),
    }
}

fn dropped_objects(dropped: &DropStmt) -> Option<DdlStatement> {
    let names = dropped.objects.iter().map(|object| tree::names(tree::items(object)).join("."));
    match dropped.remove_type() {
        ObjectType::ObjectTable => Some(DdlStatement::DroppedTables(names.collect())),
        ObjectType::ObjectIndex => Some(DdlStatement::DroppedIndexes(names.collect())),
        _ => None,
    }
}

fn renaming(renamed: &RenameStmt) -> Option<DdlStatement> {
    let table = relation(renamed.relation.as_ref()?);
    let new = renamed.newname.clone();
    let old = renamed.subname.clone();
    match renamed.rename_type() {
        ObjectType::ObjectTable => Some(DdlStatement::RenamedTable { table, new }),
        ObjectType::ObjectIndex => Some(DdlStatement::RenamedIndex { index: table, new }),
        ObjectType::ObjectColumn => Some(DdlStatement::Altered {
            table,
            actions: vec![vec![TableAction::RenameColumn { old, new }]],
        }),
        ObjectType::ObjectTabconstraint => Some(DdlStatement::Altered {
            table,
            actions: vec![vec![TableAction::RenameConstraint { old, new }]],
        }),
        _ => None,
    }
}
