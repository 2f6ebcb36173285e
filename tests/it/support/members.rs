//! Which servers a page runs on: derived from the servers there are and from where our queries differ, never listed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use database_optimizer::model::MAJORS_SUPPORTED;

use super::server::{absent, listed};
use super::skipped;

/// A server by its name in `scripts/servers`: who built it, then its major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub major: u32,
    pub has_lz4: bool,
    pub has_vector: bool,
}

impl Member {
    pub fn named(name: &str) -> Self {
        let major = name.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap();
        Self {
            name: name.to_owned(),
            major,
            has_lz4: name.starts_with("deb"),
            // No package registry has a build of it for the others.
            has_vector: (15..=18).contains(&major),
        }
    }

    /// Whether it offers what a page needs.
    fn offers(&self, need: Option<&str>) -> bool {
        match need {
            // A cluster of its own every member can be.
            None | Some("own-server") => true,
            // Debian's builds have both.
            Some("lz4" | "jit") => self.has_lz4,
            Some("vector") => self.has_vector,
            Some(other) => panic!("a page needs `{other}`, which no server is known for"),
        }
    }
}

/// Where a page runs, and where it should but cannot.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    members: Vec<String>,
    /// Servers without what the page needs.
    lacking: Vec<String>,
    /// Major versions of which there is no server.
    absent: Vec<u32>,
}

/// The servers for a page of a superpower that needs something or nothing. What is left out is counted by `scripts/test`;
/// a major version of which there is no server fails where that is not allowed.
pub fn members_for(page: &str, need: Option<&str>) -> Vec<String> {
    let members: Vec<Member> = listed().map(|(name, _)| Member::named(name)).collect();
    let superpower = page.split('/').next().unwrap_or_default().replace('-', "_");
    let choice = match std::env::var_os("DBOPT_TEST_EVERY_MAJOR") {
        Some(_) => every(&members, need),
        None => oldest_newest_and(&changes(&superpower), &members, need),
    };
    for name in choice.lacking {
        skipped(&format!("not offered: `{need}` on {name}", need = need.unwrap_or_default()));
    }
    for major in choice.absent {
        absent(&format!("no server of PostgreSQL {major}"));
    }
    choice.members
}

/// All but those that are refused.
fn every(members: &[Member], need: Option<&str>) -> Choice {
    let mut choice =
        Choice { absent: without_server(MAJORS_SUPPORTED, members), ..Choice::default() };
    for member in members.iter().filter(|member| member.major > 13) {
        let list = if member.offers(need) { &mut choice.members } else { &mut choice.lacking };
        list.push(member.name.clone());
    }
    choice
}

/// One server of the oldest major version that offers it, one of the newest, and one of each from which on we ask
/// otherwise.
fn oldest_newest_and(changes: &BTreeSet<u32>, members: &[Member], need: Option<&str>) -> Choice {
    let of = |major| members.iter().filter(move |member| member.major == major);
    let offered: Vec<&Member> =
        MAJORS_SUPPORTED.filter_map(|major| of(major).find(|member| member.offers(need))).collect();
    let newest = offered.last().map_or(0, |member| member.major);
    let ends = [offered.first().map_or(0, |member| member.major), newest];
    let wanted = |major: &u32| ends.contains(major) || changes.contains(major);
    let called = [*MAJORS_SUPPORTED.start(), *MAJORS_SUPPORTED.end()];
    let required = called.into_iter().chain(changes.iter().copied());
    Choice {
        members: offered.iter().filter(|m| wanted(&m.major)).map(|m| m.name.clone()).collect(),
        lacking: members
            .iter()
            .filter(|member| member.major > newest && !member.offers(need))
            .map(|member| member.name.clone())
            .collect(),
        absent: without_server(required.filter(|major| MAJORS_SUPPORTED.contains(major)), members),
    }
}

fn without_server(majors: impl Iterator<Item = u32>, members: &[Member]) -> Vec<u32> {
    let absent = |major: &u32| !members.iter().any(|member| member.major == *major);
    majors.filter(absent).collect::<BTreeSet<u32>>().into_iter().collect()
}

/// The major versions from which on a query differs: `name.pg17.sql`, `since: 17` of a column, or `17.. =>` and `major >= 17`
/// in code that writes one. A folder that is named as another superpower asks for that one alone.
fn changes(superpower: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let others: Vec<String> = folders(Path::new("src/checks"));
    for root in ["src/observe", "src/prove"] {
        scan(
            Path::new(root),
            &|folder| folder == superpower || !others.iter().any(|o| o == folder),
            &mut found,
        );
    }
    found
}

fn scan(folder: &Path, concerns: &dyn Fn(&str) -> bool, found: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            if concerns(&name) {
                scan(&path, concerns, found);
            }
        } else if let Some((_, major)) = name.trim_end_matches(".sql").rsplit_once(".pg") {
            found.insert(major.parse().unwrap());
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(compared(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The major versions that code distinguishes.
fn compared(code: &str) -> impl Iterator<Item = u32> {
    let after = |line: &str, mark: &str| -> Option<u32> {
        let (_, rest) = line.split_once(mark)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    code.lines().filter_map(move |line| {
        let arm = line.trim_start().split_once(".. =>").and_then(|(major, _)| major.parse().ok());
        arm.or_else(|| {
            ["major >= ", "major < ", "since: "].iter().find_map(|mark| after(line, mark))
        })
    })
}

fn folders(parent: &Path) -> Vec<String> {
    let entries = fs::read_dir(parent).unwrap().flatten().filter(|entry| entry.path().is_dir());
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 8] = ["pg13", "pg14", "pg15", "pg16", "pg17", "deb15", "deb17", "deb19"];

    fn chosen(names: &[&str], changes: &[u32], need: Option<&str>) -> Choice {
        let members: Vec<Member> = names.iter().map(|name| Member::named(name)).collect();
        oldest_newest_and(&changes.iter().copied().collect(), &members, need)
    }

    #[test]
    fn a_page_runs_on_the_oldest_the_newest_and_where_a_query_differs() {
        assert_eq!(chosen(&ALL, &[15, 17], None).members, ["pg15", "pg17", "deb19"]);
        assert_eq!(chosen(&ALL, &[], Some("lz4")).members, ["deb15", "deb19"]);
    }

    #[test]
    fn what_the_newest_does_not_offer_is_said_and_runs_on_the_newest_that_does() {
        let choice = chosen(&ALL, &[], Some("vector"));
        assert_eq!(choice.members, ["pg15", "pg17"]);
        assert_eq!(choice.lacking, ["deb19"]);
        assert_eq!(choice.absent, [0_u32; 0]);
    }

    #[test]
    fn a_major_version_without_a_server_is_absent() {
        let choice = chosen(&["pg15", "pg16"], &[17], None);
        assert_eq!(
            (choice.members, choice.absent),
            (vec!["pg15".into(), "pg16".into()], vec![17, 19])
        );
    }

    #[test]
    fn every_major_is_every_server_that_is_not_refused() {
        let members: Vec<Member> = ALL.iter().map(|name| Member::named(name)).collect();
        let choice = every(&members, Some("vector"));
        assert_eq!(choice.members, ["pg15", "pg16", "pg17", "deb15", "deb17"]);
        assert_eq!(
            (choice.lacking, choice.absent),
            (vec!["pg14".into(), "deb19".into()], vec![18])
        );
    }

    #[test]
    fn versions_that_code_tells_apart_are_read_off_it() {
        let code = "    18.. => format!(x),\n    _ => 1,\n if major >= 16 {\n(major < 17).then\n since: 19,";
        assert_eq!(compared(code).collect::<Vec<u32>>(), [18, 16, 17, 19]);
        assert!(changes("toast").contains(&17), "of stored values, `pg_column_toast_chunk_id`");
    }
}
