//! `gin/pending-limit-unit`, explained in the page beside this file.

use super::index::{GinTree, LeafIndex, trees};
use super::limit::{
    CERTAIN_BYTES, NAME, PENDING_LIMIT_BYTES_MAX, PendingListLimit, allowed, meant_kb,
};
use crate::checks::number::whole;
use crate::checks::{Check, setting};
use crate::model::observation::{RoleSetting, Setting};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, Judgement, Object, OptionsChange, OptionsOf,
    Policy, SettingChange, SettingScope, Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::GIN, Topic::SETTINGS],
    uses: &[Topic::WAL_SERVER],
    requires: &[],
    thresholds: &[&PENDING_LIMIT_BYTES_MAX, &TABLE_BYTES_MIN],
    page: include_str!("pending_limit_unit.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "gin/pending-limit-unit";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let mut judgement = Judgement::default();
    let trees = trees(case)?;
    for tree in &trees {
        judgement.findings.extend(of_index(tree, policy));
    }
    seen.common.settings.get()?;
    if trees.is_empty() {
        return Ok(judgement);
    }
    let setting = seen.common.setting(NAME);
    if let Some((finding, declined)) = setting.and_then(|setting| of_server(case, setting)) {
        judgement.findings.push(finding);
        judgement.declined.extend(declined);
    }
    match seen.common.role_settings.get() {
        Ok(all) => judgement.findings.extend(of_roles(all, policy)),
        Err(gap) => judgement.gaps.push(gap.clone()),
    }
    Ok(judgement)
}

/// Whether a limit in kB is beyond what can be meant.
fn too_large(kilobytes: f64, policy: &Policy) -> bool {
    kilobytes * 1024.0 > policy.get(&PENDING_LIMIT_BYTES_MAX)
}

fn of_index(tree: &GinTree<'_>, policy: &Policy) -> Option<Finding> {
    let own = |leaf: &&LeafIndex<'_>| {
        let limit = leaf.index.option(NAME).and_then(|value| value.parse::<f64>().ok());
        leaf.fastupdate() && limit.is_some_and(|limit| too_large(limit, policy))
    };
    let affected: Vec<&LeafIndex<'_>> = tree.leaves.iter().filter(own).collect();
    let largest = affected.iter().map(|leaf| leaf.limit_kb(None)).reduce(f64::max)?;
    let object = tree.object(&affected);
    let small = tree.table_bytes < policy.get(&TABLE_BYTES_MIN);
    let meant = meant_kb(largest);
    let change = |set: Vec<(String, String)>, reset: Vec<String>, purpose: &str, title: String| {
        Action::SetOptions(OptionsChange {
            object: object.clone(),
            of: OptionsOf::Indexes,
            members: affected.iter().map(|leaf| leaf.index_member()).collect(),
            set,
            reset,
            then: None,
            title,
            purpose: purpose.to_owned(),
            caveats: vec![
                "a list that is longer already is drained by the next insert, or by VACUUM"
                    .to_owned(),
            ],
        })
    };
    Some(
        found(object.clone(), largest, small)
            .action(change(
                vec![(NAME.to_owned(), format!("{meant:.0}"))],
                Vec::new(),
                "limit in kB",
                format!("Limit the pending list of `{object}` to {meant:.0} kB"),
            ))
            .action(change(
                Vec::new(),
                vec![NAME.to_owned()],
                "server's limit",
                format!("Let the server's limit hold for the pending list of `{object}`"),
            )),
    )
}

fn found(object: Object, kilobytes: f64, small: bool) -> Finding {
    let certain = kilobytes * 1024.0 >= CERTAIN_BYTES;
    let severity = match (small, certain) {
        (true, _) => Severity::Low,
        (false, true) => Severity::High,
        (false, false) => Severity::Medium,
    };
    let message = format!("`{object}` allows {}", allowed(kilobytes));
    Finding::new(ID, object, severity, message)
        .confidence(if certain { Confidence::High } else { Confidence::Medium })
        .statistic("settings.pending_list_limit_bytes", whole(kilobytes * 1024.0), Unit::Bytes)
}

/// What the server has, unless our own role or database has it from elsewhere; and why no statement changes it, where none does.
fn of_server(case: &Case<'_>, setting: &Setting) -> Option<(Finding, Option<Declined>)> {
    let kilobytes = setting.number().filter(|limit| too_large(*limit, case.policy))?;
    if !matches!(
        &*setting.source,
        "configuration file" | "command line" | "environment variable" | "default"
    ) {
        return None;
    }
    let finding = found(Object::Setting { name: NAME.to_owned() }, kilobytes, false);
    let value = format!("{:.0}kB", meant_kb(kilobytes));
    let wanted = setting::WantedSetting { setting, value, caveats: Vec::new() };
    Some(setting::advise(case, finding, wanted))
}

fn change(object: Object, kilobytes: f64, scope: SettingScope, before: Option<String>) -> Action {
    Action::SetSetting(SettingChange {
        object,
        name: NAME.to_owned(),
        value: format!("{:.0}kB", meant_kb(kilobytes)),
        scope,
        before,
        known_by: None,
        needs_restart: false,
        caveats: Vec::new(),
    })
}

/// What roles and databases have of their own: one finding for each.
fn of_roles<'a>(all: &'a [RoleSetting], policy: &'a Policy) -> impl Iterator<Item = Finding> + 'a {
    all.iter().filter(|setting| setting.name == NAME).filter_map(|setting| {
        // A unit that was written is the one that was meant.
        let limit =
            PendingListLimit::read(&setting.value).filter(|limit| !limit.has_unit)?.kilobytes;
        if !too_large(limit, policy) {
            return None;
        }
        let (object, scope) = match (setting.role.clone(), setting.database.clone()) {
            (Some(role), Some(database)) => (
                Object::Role { role: role.clone() },
                SettingScope::RoleInDatabase { role, database },
            ),
            (Some(role), None) => (Object::Role { role: role.clone() }, SettingScope::Role(role)),
            (None, Some(database)) => {
                let object = Object::Database { database: database.clone() };
                (object, SettingScope::Database(database))
            }
            (None, None) => return None,
        };
        let before = Some(setting.value.clone());
        Some(found(object.clone(), limit, false).action(change(object, limit, scope, before)))
    })
}
