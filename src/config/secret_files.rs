//! Secrets that stand in files, as orchestrators mount them: `DBOPT_X_FILE` names the file that holds `DBOPT_X`.

use std::collections::BTreeMap;

use super::{Error, SETTINGS};

/// The secrets whose variables name a file, by the variable that each stands for. `read` reads a file.
pub(super) fn secrets(
    env: &dyn Fn(&str) -> Option<String>,
    read: impl Fn(&str) -> std::io::Result<String>,
) -> Result<BTreeMap<&'static str, String>, Error> {
    let set = |name: &str| env(name).filter(|text| !text.is_empty());
    let mut secrets = BTreeMap::new();
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        let variable = file_variable(setting.env);
        let Some(path) = set(&variable) else { continue };
        if set(setting.env).is_some() {
            return Err(Error::GivenTwice { variable: setting.env, file: variable });
        }
        let text = match read(&path) {
            Ok(text) => text,
            Err(source) => return Err(Error::SecretFile { variable, source }),
        };
        // Editors and `echo` end a file with a line break.
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(Error::EmptySecretFile { variable });
        }
        secrets.insert(setting.env, secret.to_owned());
    }
    Ok(secrets)
}

/// Variables that name a file with a secret.
pub fn secret_file_variables() -> impl Iterator<Item = String> {
    SETTINGS.iter().filter(|setting| setting.secret).map(|setting| file_variable(setting.env))
}

/// The variable that names the file with the secret of another variable.
fn file_variable(variable: &str) -> String {
    format!("{variable}_FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> std::io::Result<String> {
        match path {
            "/run/secrets/key" => Ok("hush\r\n".to_owned()),
            "/run/secrets/empty" => Ok("\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn of(variables: &[(&str, &str)]) -> Result<BTreeMap<&'static str, String>, String> {
        let env = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        secrets(&env, read).map_err(|error| error.to_string())
    }

    #[test]
    fn each_secret_may_stand_in_a_file_and_nothing_else_may() {
        let secret = SETTINGS.iter().filter(|setting| setting.secret);
        let mut seen = 0;
        for setting in secret {
            let variable = file_variable(setting.env);
            let found = of(&[(&variable, "/run/secrets/key")]).unwrap();
            assert_eq!(found[setting.env], "hush");
            seen += 1;
        }
        assert!(seen >= 5, "{seen}");
        assert!(of(&[("DBOPT_LISTEN_FILE", "/run/secrets/key")]).unwrap().is_empty());
        assert!(
            of(&[("DBOPT_SECRET_KEY_FILE", "")]).unwrap().is_empty(),
            "empty counts as not set"
        );
    }

    #[test]
    fn a_file_that_cannot_be_the_secret_is_refused_and_not_shown() {
        let given_twice =
            [("DBOPT_SECRET_KEY", "hush"), ("DBOPT_SECRET_KEY_FILE", "/run/secrets/key")];
        for (variables, wanted) in [
            (&given_twice[..], "DBOPT_SECRET_KEY and DBOPT_SECRET_KEY_FILE are both set"),
            (&[("DBOPT_SECRET_KEY_FILE", "/hush")], "file of DBOPT_SECRET_KEY_FILE cannot be read"),
            (
                &[("DBOPT_SECRET_KEY_FILE", "/run/secrets/empty")],
                "file of DBOPT_SECRET_KEY_FILE is empty",
            ),
        ] {
            let error = of(variables).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("hush"), "{error}");
        }
    }
}
