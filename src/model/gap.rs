//! Why something could not be seen.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quote_identifier;

/// Why an observation is missing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The role may not read it.
    MissingPrivilege,
    /// An extension is not installed.
    MissingExtension,
    /// The server's major version does not offer it.
    ServerTooOld,
    /// The server's major version is newer than those we are tested on.
    ServerTooNew,
    /// The server was built without it.
    NotBuiltIn,
    /// A hot standby cannot do it.
    InRecovery,
    /// To plan or read it would run code of the target's own with our role's rights.
    ForeignCode,
    /// Another session held a lock for longer than we wait.
    Locked,
    /// It took longer than its time limit.
    TimedOut,
    /// The visit's budget was spent before its turn.
    BudgetSpent,
    /// The counters have not run for long enough.
    NotEnoughHistory,
    /// What was seen is too little to judge.
    NotEnoughEvidence,
    /// PostgreSQL does not show it in SQL.
    NotVisibleInSql,
}

impl GapReason {
    /// Whether another try may see it, with nothing changed.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Locked | Self::TimedOut)
    }
}

/// Something that could not be seen, why, and what would lift it. Never a pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// What could not be seen.
    #[schema(example = "toast_compression_mix")]
    pub observation: String,
    /// Why.
    pub reason: GapReason,
    /// The same in a sentence.
    pub detail: String,
    /// The statement or step that would lift it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "GRANT SELECT ON ml.features TO dbopt;")]
    pub lift: Option<String>,
}

/// Stands for the role that is connected in the text of a grant: no name in a database holds this character. The role is
/// known when the visit has ended; [`Gap::name_role`] puts it there.
const ROLE: char = '\0';

/// The statement that grants a privilege, such as `SELECT ON app.orders` or the membership in a role, to the role that is
/// connected.
pub fn grant(privilege: impl Display) -> String {
    format!("GRANT {privilege} TO {ROLE};")
}

/// The same for what is in a schema, which the role may not use as yet.
pub fn grant_in(schema: &str, privilege: impl Display) -> String {
    let usage = grant(format_args!("USAGE ON SCHEMA {}", quote_identifier(schema)));
    format!("{usage} {}", grant(privilege))
}

/// The statement that changes the role that is connected, such as `BYPASSRLS`.
pub fn alter_role(what: &str) -> String {
    format!("ALTER ROLE {ROLE} {what};")
}

/// The statements that give a setting of the server a value, as SQL writes it.
pub fn alter_system(name: &str, value: &str) -> String {
    format!("{ALTER_SYSTEM}{name} = {value}{RELOAD}")
}

const ALTER_SYSTEM: &str = "ALTER SYSTEM SET ";
const RELOAD: &str = "; SELECT pg_catalog.pg_reload_conf();";
/// What a hot standby refuses: it comes from its primary.
const OF_PRIMARY: [&str; 6] = [
    "GRANT ",
    "ANALYZE ",
    "CREATE EXTENSION ",
    "ALTER EXTENSION ",
    "ALTER ROLE ",
    "ALTER DATABASE ",
];

impl From<&Self> for Gap {
    /// What was not seen is said by each check that it keeps from judging.
    fn from(gap: &Self) -> Self {
        gap.clone()
    }
}

impl Gap {
    /// `observation` is missing because of `reason`.
    pub fn new(
        observation: impl Into<String>,
        reason: GapReason,
        detail: impl Into<String>,
    ) -> Self {
        Self { observation: observation.into(), reason, detail: detail.into(), lift: None }
    }

    /// Name the role that grants are for: the one that is connected, where it is known. No gap leaves the service before.
    pub fn name_role(gaps: &mut [Self], role: Option<&str>) {
        let named = quote_identifier(role.filter(|role| !role.is_empty()).unwrap_or("dbopt"));
        for step in gaps.iter_mut().filter_map(|gap| gap.lift.as_mut()) {
            *step = step.replace(ROLE, &named);
        }
    }

    /// Say of the statements that only the primary takes that they are to be run there, for a visit of a hot standby.
    pub fn name_primary(gaps: &mut [Self]) {
        for step in gaps.iter_mut().filter_map(|gap| gap.lift.as_mut()) {
            let first = OF_PRIMARY.iter().filter_map(|statement| step.find(statement)).min();
            if let Some(at) = first {
                step.insert_str(at, "on the primary: ");
            }
        }
    }

    /// The setting that lifts it, and its value, where [`alter_system`] wrote how.
    pub fn altered_setting(&self) -> Option<(&str, &str)> {
        let change = self.lift.as_deref()?.strip_prefix(ALTER_SYSTEM)?.strip_suffix(RELOAD)?;
        change.split_once(" = ")
    }

    /// With the statement or step after which it is seen; [`grant`] writes a grant.
    #[must_use]
    pub fn lifted_by(self, step: impl Into<String>) -> Self {
        Self { lift: Some(step.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_standby_refuses_is_for_the_primary() {
        for (step, expected) in [
            ("ANALYZE s.t;", "on the primary: ANALYZE s.t;"),
            (
                "restart the server, then CREATE EXTENSION x;",
                "restart the server, then on the primary: CREATE EXTENSION x;",
            ),
            (
                "GRANT USAGE ON SCHEMA s TO a; GRANT b TO a;",
                "on the primary: GRANT USAGE ON SCHEMA s TO a; GRANT b TO a;",
            ),
            ("EXPLAIN (ANALYZE, BUFFERS)", "EXPLAIN (ANALYZE, BUFFERS)"),
            ("ALTER SYSTEM SET a = on;", "ALTER SYSTEM SET a = on;"),
        ] {
            let mut gaps = [Gap::new("x", GapReason::MissingPrivilege, "unseen").lifted_by(step)];
            Gap::name_primary(&mut gaps);
            assert_eq!(gaps[0].lift.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_grant_is_for_the_role_that_is_connected() {
        let gap = |role| {
            let gap = Gap::new("sessions", GapReason::MissingPrivilege, "unseen");
            let mut gaps = [gap.lifted_by(grant_in("s", "SELECT ON s.t"))];
            Gap::name_role(&mut gaps, role);
            gaps[0].lift.clone().unwrap()
        };
        let named = "GRANT USAGE ON SCHEMA s TO \"My App\"; GRANT SELECT ON s.t TO \"My App\";";
        assert_eq!(gap(Some("My App")), named);
        assert_eq!(gap(None), "GRANT USAGE ON SCHEMA s TO dbopt; GRANT SELECT ON s.t TO dbopt;");
    }
}
