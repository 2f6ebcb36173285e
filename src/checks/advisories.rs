//! Known defects of servers and extensions, as data: each with the release note or commit that it comes from.

use crate::model::Server;
use crate::model::observation::Context;

/// What is defective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    /// PostgreSQL: the last affected minor release of each affected major version.
    Server(&'static [(u32, u32)]),
    /// An extension: its name, the first version that is affected, and the first that no longer is.
    Extension(&'static str, &'static str, &'static str),
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Advisory {
    /// What is defective.
    pub(super) component: Component,
    /// What it does, as the end of a sentence that begins with the version.
    pub(super) effect: &'static str,
    /// What to do about it.
    pub(super) cure: &'static str,
    /// Where that is from.
    pub(super) source: &'static str,
}

impl Advisory {
    /// The affected component and its version, where this server has it.
    pub(super) fn applies(&self, server: &Server, context: &Context) -> Option<String> {
        match self.component {
            Component::Server(_) => self.component.of_server(&server.version),
            Component::Extension(name, ..) => {
                let installed = context.extensions.iter().find(|found| found.name == name)?;
                let affected = self.component.affects(&installed.version);
                affected.then(|| format!("{name} {}", installed.version))
            }
        }
    }
}

impl Component {
    /// The server, if that version of it is affected.
    pub(super) fn of_server(&self, version: &str) -> Option<String> {
        let Self::Server(affected) = self else { return None };
        let (major, minor) = minor_release(version)?;
        let last = affected.iter().find(|(affected, _)| *affected == major)?;
        (minor <= last.1).then(|| format!("PostgreSQL {major}.{minor}"))
    }

    /// Whether that version of the extension is affected; a version that is no list of numbers is not.
    pub(super) fn affects(&self, version: &str) -> bool {
        let Self::Extension(_, since, fixed_in) = self else { return false };
        match (numbers(version), numbers(since), numbers(fixed_in)) {
            (Some(version), Some(since), Some(fixed_in)) => since <= version && version < fixed_in,
            _ => false,
        }
    }
}

/// Major and minor release; absent for one that is not released yet: `19rc1`.
fn minor_release(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_release_is_read_whatever_the_packager_adds() {
        assert_eq!(minor_release("17.12 (Debian 17.12-0+deb13u1)"), Some((17, 12)));
        assert_eq!(minor_release("18.6"), Some((18, 6)));
        assert_eq!(minor_release("19rc1 (Debian 19~rc1-1)"), None);
        assert_eq!(minor_release(""), None);
    }

    #[test]
    fn an_extension_is_affected_from_one_version_on_up_to_another() {
        let component = Component::Extension("vector", "0.6.0", "0.8.2");
        let affected = ["0.5.1", "0.6.0", "0.8.1", "0.8.2", "0.10.0", "unreleased"]
            .map(|version| component.affects(version));
        assert_eq!(affected, [false, true, true, false, false, false]);
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(numbers("0.8.6") > numbers("0.8"));
        assert!(numbers("0.10.0") > numbers("0.9.9"));
        assert_eq!(numbers("1.x"), None);
    }
}
