//! Passwords on the command line, which every user of the machine can read in the list of processes.

use super::{Flags, SETTINGS};

impl Flags {
    /// What to warn of: each flag that holds a password, and where to put it instead.
    pub fn exposed(&self) -> Vec<String> {
        let settings = self.settings.iter().filter(|(_, text)| holds_password(text));
        let settings = settings.filter_map(|(name, _)| {
            let setting = SETTINGS.iter().find(|setting| setting.name == *name)?;
            let file = format!("`{name}` in the configuration file");
            Some(exposed(setting.flag?, &format!("{} or {file}", setting.env)))
        });
        let targets = self.targets.iter().filter_map(|target| target.split_once('='));
        let targets = targets.filter(|(_, dsn)| holds_password(dsn)).map(|(name, _)| {
            let entry = format!("[targets.{name}] of the configuration file");
            exposed("target", &format!("`dsn_env` or `dsn_file` in {entry}"))
        });
        settings.chain(targets).collect()
    }
}

/// The warning of a flag, and what to use instead of it.
pub fn exposed(flag: &str, instead: &str) -> String {
    format!("--{flag} shows its password to every user of this machine; use {instead}")
}

/// Whether a DSN or a URL holds a password. One that is malformed may be taken to hold one.
pub fn holds_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        // A password that is not encoded may hold what ends an authority.
        if rest[end..].contains('@') { rest } else { &rest[..end] }
    });
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    let in_user = user
        .and_then(|user| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty());
    let lower = text.to_ascii_lowercase();
    let mut parameters = lower.match_indices("password").map(|(at, key)| &lower[at + key.len()..]);
    in_user || parameters.any(|rest| rest.trim_start().starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_every_form_of_a_dsn() {
        for (dsn, holds) in [
            ("postgresql://u:hush@h/d", true),
            ("redis://:hush@h:6379/0", true),
            ("postgresql://u:a/b@h/d", true),
            ("postgresql://u@h/d?password=hush", true),
            ("host=h user=u password = 'hush'", true),
            ("host=h PASSWORD=hush", true),
            ("postgresql://u@h:5432/d", false),
            ("postgresql://h:5432/d", false),
            ("redis://h:6379", false),
            ("host=h user=u dbname=password", false),
            ("", false),
        ] {
            assert_eq!(holds_password(dsn), holds, "{dsn}");
        }
    }

    #[test]
    fn a_warning_names_the_variable_and_the_file_and_shows_nothing_of_the_password() {
        let flags = Flags {
            settings: vec![
                ("store_url", "postgresql://u:hush@h/d".to_owned()),
                ("listen", "127.0.0.1:1".to_owned()),
            ],
            targets: vec!["a=host=h password=hush".to_owned(), "b=host=h".to_owned()],
            ..Flags::default()
        };
        assert_eq!(
            flags.exposed(),
            [
                "--store-url shows its password to every user of this machine; use DBOPT_STORE_URL or `store_url` in the configuration file",
                "--target shows its password to every user of this machine; use `dsn_env` or `dsn_file` in [targets.a] of the configuration file",
            ]
        );
    }
}
