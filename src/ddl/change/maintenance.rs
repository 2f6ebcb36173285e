//! `VACUUM` and `ANALYZE`.

use crate::ddl::Ddl;
use crate::ddl::statement;
use crate::model::{Maintenance, MaintenanceVerb, QualifiedName, Statement};

/// Run maintenance.
pub(in crate::ddl) fn maintain(maintenance: &Maintenance) -> Ddl {
    let Maintenance { object, verb, preconditions, caveats, .. } = maintenance;
    Ddl {
        title: format!("{} `{object}`", title(*verb)),
        statements: vec![statement(maintenance)],
        undo: Vec::new(),
        preconditions: preconditions.clone(),
        caveats: [caveats.clone(), vec!["it changes no row and needs no undo".to_owned()]].concat(),
    }
}

/// The statement alone, where it follows another change.
pub(super) fn statement(maintenance: &Maintenance) -> Statement {
    let names: Vec<String> = maintenance.tables.iter().map(QualifiedName::to_sql).collect();
    let sql = format!("{} {};", command(maintenance.verb), names.join(", "));
    statement::maintenance(sql, maintenance.verb == MaintenanceVerb::VacuumFull)
}

fn command(verb: MaintenanceVerb) -> &'static str {
    match verb {
        MaintenanceVerb::Vacuum => "VACUUM",
        MaintenanceVerb::VacuumFreeze => "VACUUM (FREEZE)",
        MaintenanceVerb::VacuumAnalyze => "VACUUM (ANALYZE)",
        MaintenanceVerb::VacuumFull => "VACUUM (FULL)",
        MaintenanceVerb::Analyze => "ANALYZE",
    }
}

fn title(verb: MaintenanceVerb) -> &'static str {
    match verb {
        MaintenanceVerb::Vacuum => "Vacuum",
        MaintenanceVerb::VacuumFreeze => "Vacuum and freeze",
        MaintenanceVerb::VacuumAnalyze => "Vacuum and analyze",
        MaintenanceVerb::VacuumFull => "Rewrite",
        MaintenanceVerb::Analyze => "Analyze",
    }
}
