//! An archiver that fails, or has nothing to archive with: `wal/retained-wal` is where it is found.

use super::retained_wal::ID;
use super::setting;
use crate::checks::number::{float, whole};
use crate::model::observation::{Archiver, Context, Setting};
use crate::model::rate::duration;
use crate::model::{Case, Declined, Finding, Gap, Judgement, Object, Severity, Unit, counted};

pub(super) fn judge(case: &Case<'_>, context: &Context, judgement: &mut Judgement) {
    match archives(case) {
        Ok(true) => {}
        Ok(false) => return,
        Err(gap) => return judgement.gaps.push(gap),
    }
    let value = |name: &str| case.snapshot.common.setting(name).map(Setting::value);
    let (command, library) = (value("archive_command"), value("archive_library"));
    let by_library = library.is_some_and(|library| !library.is_empty());
    let name = if by_library { "archive_library" } else { "archive_command" };
    let object = Object::Setting { name: name.to_owned() };
    if !by_library && command == Some("") {
        judgement.findings.push(with_directory(case, of_nothing(object.clone())));
        judgement.declined.push(Declined::new(
            ID,
            object,
            "only you know where WAL is to be archived",
            "set archive_command or archive_library; archive_mode = off ends archiving when the server restarts, and \
                     until then archive_command = '/bin/true' drops what waits: older backups cannot be rolled forward past it",
        ));
        return;
    }
    match case.snapshot.wal.archiver.get() {
        Ok(archiver) => {
            let failing = failing(archiver, context, object);
            judgement.findings.extend(failing.map(|finding| with_directory(case, finding)));
        }
        Err(gap) => judgement.gaps.push(gap.clone()),
    }
}

/// Whether this server has an archiver: on a standby it runs only where `archive_mode` is `always`.
fn archives(case: &Case<'_>) -> Result<bool, Gap> {
    let mode = setting::seen(case, "archive_mode")?.value();
    Ok(mode == "always" || mode == "on" && !case.snapshot.server.in_recovery)
}

/// Without a command the server keeps all WAL until there is one, and counts no failure.
fn of_nothing(object: Object) -> Finding {
    let message = "`archive_mode` is on and `archive_command` is empty: all WAL is kept until it can be archived";
    Finding::new(ID, object, Severity::High, message)
}

/// Seconds between two attempts of an archiver that fails: three, and then it waits for a minute.
const ATTEMPT_S: f64 = 20.0;

/// An archiver whose last attempt failed keeps every file since.
fn failing(archiver: &Archiver, context: &Context, object: Object) -> Option<Finding> {
    let failed = archiver.last_failed?;
    if archiver.last_archived.is_some_and(|archived| archived >= failed) {
        return None;
    }
    let since = archiver.last_archived.or(archiver.counting_since).unwrap_or(failed);
    let seconds = float((context.now.as_second() - since.as_second()).max(0));
    let message = format!(
        "The archiver failed {} and has archived nothing for {}",
        counted(archiver.failed, "time", "times"),
        duration(seconds)
    );
    // A server that had nothing to archive fails for no longer than its attempts took.
    let failing_s = seconds.min(float(archiver.failed) * ATTEMPT_S);
    let severity = if failing_s >= 3600.0 { Severity::Critical } else { Severity::High };
    Some(
        Finding::new(ID, object, severity, message)
            .statistic("archiver.failed", archiver.failed, Unit::Count)
            .statistic("archiver.failing_s", whole(seconds), Unit::S),
    )
}

fn with_directory(case: &Case<'_>, finding: Finding) -> Finding {
    match case.snapshot.wal.directory.get() {
        Ok(directory) => finding
            .statistic("wal_directory.bytes", directory.bytes, Unit::Bytes)
            .statistic("wal_directory.ready", directory.ready, Unit::Count),
        Err(_) => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::retained_wal::CHECK;
    use super::super::testing::{case, edit, set, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn found(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        judgement.findings.into_iter().map(|f| (f.severity, f.message)).collect()
    }

    fn failing() -> Snapshot {
        let mut seen = snapshot();
        set(&mut seen, "archive_mode", "on");
        set(&mut seen, "archive_command", "false");
        let archiver = edit(&mut seen.wal.archiver);
        archiver.failed = 540;
        archiver.last_failed = "2026-03-01T11:59:00Z".parse().ok();
        archiver.last_archived = "2026-03-01T09:00:00Z".parse().ok();
        seen
    }

    #[test]
    fn an_archiver_that_fails_is_found_until_it_archives_again() {
        let mut seen = failing();
        let expected = "The archiver failed 540 times and has archived nothing for 3 hours";
        assert_eq!(found(&seen), [(Severity::Critical, expected.to_owned())]);
        // There was nothing to archive before.
        edit(&mut seen.wal.archiver).failed = 3;
        assert_eq!(found(&seen)[0].0, Severity::High);
        edit(&mut seen.wal.archiver).last_archived = "2026-03-01T11:59:30Z".parse().ok();
        assert!(found(&seen).is_empty());
    }

    #[test]
    fn a_standby_archives_only_where_it_always_does() {
        let mut seen = failing();
        seen.server.in_recovery = true;
        assert!(found(&seen).is_empty(), "what failed before it became a standby");
        set(&mut seen, "archive_mode", "always");
        assert_eq!(found(&seen).len(), 1);
    }

    #[test]
    fn an_archiver_without_a_command_or_library_keeps_all_wal_and_fails_never() {
        let mut seen = snapshot();
        set(&mut seen, "archive_mode", "on");
        assert_eq!(found(&seen)[0].0, Severity::High);
        set(&mut seen, "archive_library", "basic_archive");
        assert!(found(&seen).is_empty());
        set(&mut seen, "archive_library", "");
        set(&mut seen, "archive_mode", "off");
        assert!(found(&seen).is_empty());
    }
}
