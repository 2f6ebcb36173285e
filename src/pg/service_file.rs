//! The connection service file, in which libpq looks up `PGSERVICE` and the keyword `service` of a DSN.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where packages of Debian and of the PostgreSQL project put the file of the system.
const OF_SYSTEM: &str = "/etc/postgresql-common/pg_service.conf";

type Set<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The settings of the service of that name, by keyword.
///
/// # Errors
/// No file defines the service, or a line of its section cannot be read.
pub(super) fn settings(name: &str, set: &Set<'_>) -> Result<BTreeMap<String, String>, String> {
    for path in paths(set) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if let Some(section) = section(&text, name) {
            let problem = |line| format!("line {line} of {} must be KEYWORD=VALUE", path.display());
            // As with libpq, the first setting of a keyword holds.
            return Ok(section.map_err(problem)?.into_iter().rev().collect());
        }
    }
    // A name may be part of a DSN that is written wrongly, its password included.
    Err("no service file defines this service; PGSERVICEFILE names the file, else it is ~/.pg_service.conf".to_owned())
}

/// The files that may define it: the user's first, then that of the system.
fn paths(set: &Set<'_>) -> [PathBuf; 2] {
    let home = || Path::new(&set("HOME").unwrap_or_default()).join(".pg_service.conf");
    let of_user = set("PGSERVICEFILE").map_or_else(home, PathBuf::from);
    let of_system = set("PGSYSCONFDIR").map(|folder| Path::new(&folder).join("pg_service.conf"));
    [of_user, of_system.unwrap_or_else(|| OF_SYSTEM.into())]
}

/// The settings between `[name]` and the next section; the number of the line that is none. `None` where no section has that name.
fn section(text: &str, name: &str) -> Option<Result<Vec<(String, String)>, usize>> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| heading(line) != Some(name));
    lines.next()?;
    let settings = lines
        .take_while(|(_, line)| heading(line).is_none())
        .map(|(index, line)| (index, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Some(settings.map(|(index, line)| setting(line).ok_or(index + 1)).collect())
}

fn heading(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.split_once(']').map(|(name, _)| name)
}

/// `keyword=value`. As with libpq, the value is taken as it stands; a service may not name another.
fn setting(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let is_keyword = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (is_keyword && key != "service").then(|| (key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n[a]\nhost=a.example.com\n\n[ab]\n  port=6000\n# port=1\ndbname=ware house\n[c]\nhost\n";

    fn pairs(name: &str) -> Option<Result<Vec<(String, String)>, usize>> {
        section(FILE, name)
    }

    #[test]
    fn a_section_ends_where_the_next_begins_and_is_found_by_its_whole_name() {
        let of = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs("a"), Some(Ok(vec![of("host", "a.example.com")])));
        assert_eq!(pairs("ab"), Some(Ok(vec![of("port", "6000"), of("dbname", "ware house")])));
        assert_eq!(pairs("b"), None);
        assert_eq!(pairs("c"), Some(Err(10)));
    }

    #[test]
    fn the_users_file_comes_before_that_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("mine"), "[a]\nhost=mine\n").unwrap();
        fs::write(at("pg_service.conf"), "[a]\nhost=system\n[b]\nhost=system\n").unwrap();
        let set = |name: &str| match name {
            "PGSERVICEFILE" => Some(at("mine").display().to_string()),
            "PGSYSCONFDIR" => Some(folder.path().display().to_string()),
            _ => None,
        };
        let host = |name: &str| settings(name, &set).map(|found| found["host"].clone());
        assert_eq!(host("a").as_deref(), Ok("mine"));
        assert_eq!(host("b").as_deref(), Ok("system"));
        assert!(host("c").unwrap_err().contains("PGSERVICEFILE"));
    }
}
