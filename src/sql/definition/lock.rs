//! The locks on tables that statements wait for, and that others wait behind: those that writers or readers cannot share.

use std::fmt;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ConstrType, Constraint, CreateStmt, DropStmt,
    Node, ObjectType, RangeVar, ReindexObjectType, RenameStmt, VacuumStmt,
};

use super::read::relation;
use crate::sql::error::NotUnderstood;
use crate::sql::{parse, tree};

/// A lock that writers, or readers too, cannot share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Writers wait.
    Share,
    /// Writers wait, and others that lock so.
    ShareRowExclusive,
    /// Writers wait, and readers that lock rows.
    Exclusive,
    /// All wait.
    AccessExclusive,
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// A lock on a table, or on the table of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLock {
    /// The table, or the index.
    pub relation: String,
    /// How it is locked.
    pub mode: LockMode,
}

/// The locks that the statements of a text take, and that stop writers.
pub fn table_locks(text: &str) -> Result<Vec<TableLock>, NotUnderstood> {
    let parsed = parse::parse(text)?;
    Ok(parsed.iter().flat_map(|statement| locks(&statement.tree)).collect())
}

fn locks(node: &Node) -> Vec<TableLock> {
    use LockMode::{AccessExclusive, Share, ShareRowExclusive};
    let Some(statement) = tree::inner(node) else { return Vec::new() };
    match statement {
        NodeEnum::AlterTableStmt(altered) => of_alter_table(altered),
        NodeEnum::CreateStmt(table) => of_new_table(table),
        NodeEnum::IndexStmt(index) if !index.concurrent => lock(index.relation.as_ref(), Share),
        NodeEnum::CreateTrigStmt(trigger) => {
            let referenced = lock(trigger.constrrel.as_ref(), AccessExclusive);
            [lock(trigger.relation.as_ref(), ShareRowExclusive), referenced].concat()
        }
        NodeEnum::CreatePolicyStmt(policy) => lock(policy.table.as_ref(), AccessExclusive),
        NodeEnum::AlterPolicyStmt(policy) => lock(policy.table.as_ref(), AccessExclusive),
        NodeEnum::RuleStmt(rule) => lock(rule.relation.as_ref(), AccessExclusive),
        NodeEnum::TruncateStmt(truncated) => of_list(&truncated.relations, AccessExclusive),
        NodeEnum::LockStmt(own) => {
            let mode = match own.mode {
                5 => Share,
                6 => ShareRowExclusive,
                7 => LockMode::Exclusive,
                8 => AccessExclusive,
                _ => return Vec::new(),
            };
            of_list(&own.relations, mode)
        }
        NodeEnum::ReindexStmt(index) => {
            let is_concurrent = has_option(&index.params, "concurrently");
            let is_one = matches!(
                index.kind(),
                ReindexObjectType::ReindexObjectIndex | ReindexObjectType::ReindexObjectTable
            );
            if is_one && !is_concurrent { lock(index.relation.as_ref(), Share) } else { Vec::new() }
        }
        NodeEnum::ClusterStmt(cluster) => lock(cluster.relation.as_ref(), AccessExclusive),
        NodeEnum::VacuumStmt(vacuum) => of_vacuum(vacuum),
        NodeEnum::RefreshMatViewStmt(view) if !view.concurrent => {
            lock(view.relation.as_ref(), AccessExclusive)
        }
        NodeEnum::RenameStmt(renamed) => of_rename(renamed),
        NodeEnum::AlterObjectSchemaStmt(moved)
            if moved.object_type() == ObjectType::ObjectTable =>
        {
            lock(moved.relation.as_ref(), AccessExclusive)
        }
        NodeEnum::DropStmt(dropped) => of_drop(dropped),
        _ => Vec::new(),
    }
}

fn lock(table: Option<&RangeVar>, mode: LockMode) -> Vec<TableLock> {
    table.map(|table| TableLock { relation: relation(table), mode }).into_iter().collect()
}

fn of_list(relations: &[Node], mode: LockMode) -> Vec<TableLock> {
    let tables = relations.iter().filter_map(|node| match tree::inner(node) {
        Some(NodeEnum::RangeVar(table)) => Some(table),
        _ => None,
    });
    tables.flat_map(|table| lock(Some(table), mode)).collect()
}

/// Whether an option of a list is on.
fn has_option(options: &[Node], name: &str) -> bool {
    options.iter().any(|option| match tree::inner(option) {
        Some(NodeEnum::DefElem(option)) if option.defname == name => {
            let value = option.arg.as_deref().and_then(|value| match tree::inner(value)? {
                NodeEnum::String(text) => Some(text.sval.to_lowercase()),
                NodeEnum::Boolean(value) => Some(value.boolval.to_string()),
                NodeEnum::Integer(value) => Some(value.ival.to_string()),
                _ => None,
            });
            !matches!(value.as_deref(), Some("false" | "off" | "0" | "no"))
        }
        _ => false,
    })
}

fn of_alter_table(altered: &AlterTableStmt) -> Vec<TableLock> {
    if altered.objtype() != ObjectType::ObjectTable {
        return Vec::new();
    }
    let commands = altered.cmds.iter().filter_map(|command| match tree::inner(command) {
        Some(NodeEnum::AlterTableCmd(command)) => Some(&**command),
        _ => None,
    });
    commands.flat_map(|command| of_action(altered.relation.as_ref(), command)).collect()
}

fn of_action(table: Option<&RangeVar>, command: &AlterTableCmd) -> Vec<TableLock> {
    use AlterTableType as Of;
    use LockMode::{AccessExclusive, ShareRowExclusive};
    let definition = command.def.as_deref().and_then(tree::inner);
    match (command.subtype(), definition) {
        (
            Of::AtValidateConstraint
            | Of::AtSetStatistics
            | Of::AtSetOptions
            | Of::AtResetOptions
            | Of::AtSetRelOptions
            | Of::AtResetRelOptions
            | Of::AtClusterOn
            | Of::AtDropCluster,
            _,
        ) => Vec::new(),
        (
            Of::AtEnableTrig
            | Of::AtEnableAlwaysTrig
            | Of::AtEnableReplicaTrig
            | Of::AtDisableTrig
            | Of::AtEnableTrigAll
            | Of::AtDisableTrigAll
            | Of::AtEnableTrigUser
            | Of::AtDisableTrigUser,
            _,
        ) => lock(table, ShareRowExclusive),
        (Of::AtAttachPartition, Some(NodeEnum::PartitionCmd(part))) => {
            lock(part.name.as_ref(), AccessExclusive)
        }
        (Of::AtDetachPartition, Some(NodeEnum::PartitionCmd(part))) if part.concurrent => {
            Vec::new()
        }
        (Of::AtAddConstraint, Some(NodeEnum::Constraint(own)))
            if own.contype() == ConstrType::ConstrForeign =>
        {
            [lock(table, ShareRowExclusive), lock(own.pktable.as_ref(), ShareRowExclusive)].concat()
        }
        (Of::AtAddColumn, Some(NodeEnum::ColumnDef(column))) => {
            let referenced = column.constraints.iter().flat_map(of_reference).collect();
            [lock(table, AccessExclusive), referenced].concat()
        }
        _ => lock(table, AccessExclusive),
    }
}

/// The lock on the table that a foreign key refers to.
fn of_reference(node: &Node) -> Vec<TableLock> {
    match tree::inner(node) {
        Some(NodeEnum::Constraint(own)) => of_foreign_key(own),
        Some(NodeEnum::ColumnDef(column)) => {
            column.constraints.iter().flat_map(of_reference).collect()
        }
        _ => Vec::new(),
    }
}

fn of_foreign_key(own: &Constraint) -> Vec<TableLock> {
    let is_foreign = own.contype() == ConstrType::ConstrForeign;
    lock(own.pktable.as_ref().filter(|_| is_foreign), LockMode::ShareRowExclusive)
}

/// The tables that a new one refers to, or is a part of.
fn of_new_table(table: &CreateStmt) -> Vec<TableLock> {
    let own = table.relation.as_ref().map(relation).unwrap_or_default();
    let mut locks: Vec<TableLock> = table.table_elts.iter().flat_map(of_reference).collect();
    locks.retain(|lock| lock.relation != own);
    if table.partbound.is_some() {
        locks.extend(of_list(&table.inh_relations, LockMode::AccessExclusive));
    }
    locks
}

fn of_vacuum(vacuum: &VacuumStmt) -> Vec<TableLock> {
    if !vacuum.is_vacuumcmd || !has_option(&vacuum.options, "full") {
        return Vec::new();
    }
    let tables = vacuum.rels.iter().filter_map(|node| match tree::inner(node) {
        Some(NodeEnum::VacuumRelation(table)) => table.relation.as_ref(),
        _ => None,
    });
    tables.flat_map(|table| lock(Some(table), LockMode::AccessExclusive)).collect()
}

fn of_rename(renamed: &RenameStmt) -> Vec<TableLock> {
    let is_of_table = match renamed.rename_type() {
        ObjectType::ObjectColumn => renamed.relation_type() == ObjectType::ObjectTable,
        ObjectType::ObjectTable
        | ObjectType::ObjectTabconstraint
        | ObjectType::ObjectTrigger
        | ObjectType::ObjectPolicy
        | ObjectType::ObjectRule => true,
        _ => false,
    };
    lock(renamed.relation.as_ref().filter(|_| is_of_table), LockMode::AccessExclusive)
}

fn of_drop(dropped: &DropStmt) -> Vec<TableLock> {
    let is_of_part = matches!(
        dropped.remove_type(),
        ObjectType::ObjectTrigger | ObjectType::ObjectPolicy | ObjectType::ObjectRule
    );
    let is_whole = match dropped.remove_type() {
        ObjectType::ObjectTable | ObjectType::ObjectView | ObjectType::ObjectMatview => true,
        ObjectType::ObjectIndex => !dropped.concurrent,
        _ => false,
    };
    let locks = dropped.objects.iter().filter_map(|object| {
        let mut names = tree::names(tree::items(object));
        if is_of_part {
            names.pop();
        }
        (!names.is_empty())
            .then(|| TableLock { relation: names.join("."), mode: LockMode::AccessExclusive })
    });
    if is_of_part || is_whole { locks.collect() } else { Vec::new() }
}
