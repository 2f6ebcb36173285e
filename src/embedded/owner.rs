//! Whom the server runs as: ourselves, or someone else where we are root, which PostgreSQL refuses.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Error;

/// The user a server runs as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    /// Absent where that is ourselves.
    other: Option<Other>,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    name: &'static str,
    user: u32,
    group: u32,
}

impl Owner {
    pub(super) fn find() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let other = ["postgres", "nobody"].into_iter().find_map(|name| entry(&users, name));
        Ok(Self { other: Some(other.ok_or(Error::NoOwner)?) })
    }

    /// Hand a directory over.
    pub(super) fn own(self, path: &Path) -> Result<(), Error> {
        let Some(other) = self.other else { return Ok(()) };
        chown(path, Some(other.user), Some(other.group))
            .map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    /// A command that runs as the owner, away from our terminal's signals, and receives a signal to stop when the
    /// thread that starts it ends.
    pub(super) fn command(self, program: &Path) -> Result<Command, Error> {
        let mut command = match setpriv() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "INT"]);
                if let Some(Other { user, group, .. }) = self.other {
                    command.arg(format!("--reuid={user}")).arg(format!("--regid={group}"));
                    command.arg("--clear-groups");
                }
                command.arg(program);
                command
            }
            None if self.other.is_some() => return Err(Error::NoSetpriv),
            None => Command::new(program),
        };
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).current_dir("/");
        // The environment of a client must not steer a server.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    /// Whether the owner may enter the directory.
    pub(super) fn check_reach(self, path: &Path) -> Result<(), Error> {
        let Some(other) = self.other else { return Ok(()) };
        let entered = self.command(Path::new("test"))?.arg("-x").arg(path).status();
        if entered.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(Error::Unreachable { owner: other.name, path: path.to_owned() })
    }
}

fn entry(users: &str, name: &'static str) -> Option<Other> {
    let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':');
    let user = fields.nth(2)?.parse().ok()?;
    Some(Other { name, user, group: fields.next()?.parse().ok()? })
}

/// Part of util-linux; other systems have none, and there a server outlives a killed parent.
fn setpriv() -> Option<&'static str> {
    ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().find(|path| Path::new(path).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users =
            "postgresql:x:1:1::/:\npostgres:x:107:115:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        let found = entry(users, "postgres").unwrap();
        assert_eq!((found.user, found.group), (107, 115));
        assert!(entry(users, "nobody").is_none());
    }
}
