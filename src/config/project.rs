//! `.dbopt.toml`, which a repository commits: what its people have decided about findings, for everybody who runs the
//! command line there. The service does not read it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use toml::{Table, Value};

use super::Error;
use crate::model::UnknownName;

/// What the file is called.
pub const PROJECT_FILE: &str = ".dbopt.toml";

const KEYS: [&str; 6] = ["format", "fail_on", "baseline", "thresholds", "review", "ignore"];
const REVIEW_KEYS: [&str; 1] = ["runner"];
const IGNORE_KEYS: [&str; 4] = ["check", "object", "reason", "until"];

/// What a project has decided. Names of checks, thresholds and runners are as they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// How to print an answer, where no flag says so.
    pub format: Option<String>,
    /// The severity from which on a command fails, where no flag says so.
    pub fail_on: Option<String>,
    /// The file with the findings to leave out, where no flag says so.
    pub baseline: Option<String>,
    /// Thresholds by name.
    pub thresholds: BTreeMap<String, String>,
    /// What runs the migrations.
    pub runner: Option<String>,
    /// Findings that are not shown.
    pub ignored: Vec<Ignored>,
}

/// Findings that someone has decided to live with.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored {
    /// The check, or all checks of a superpower.
    pub check: String,
    /// What it is found on; everything where nothing is named. `*` stands for any text.
    pub object: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it is ignored.
    pub until: Option<Date>,
}

impl Project {
    /// What the text of the file says.
    ///
    /// # Errors
    /// Where it is no TOML, holds a key that no one knows, or a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let table: Table = text.parse().map_err(|error| super::load::malformed(text, &error))?;
        let mut project = Self::default();
        known(&table, &KEYS)?;
        for (key, value) in table {
            match (key.as_str(), value) {
                ("format", Value::String(text)) => project.format = Some(text),
                ("fail_on", Value::String(text)) => project.fail_on = Some(text),
                ("baseline", Value::String(text)) => project.baseline = Some(text),
                ("thresholds", Value::Table(table)) => {
                    project.thresholds =
                        table.into_iter().map(threshold).collect::<Result<_, _>>()?;
                }
                ("review", Value::Table(mut table)) => {
                    known(&table, &REVIEW_KEYS)?;
                    project.runner =
                        table.remove("runner").map(|value| text_of("runner", value)).transpose()?;
                }
                ("ignore", Value::Array(entries)) => {
                    project.ignored = entries.into_iter().map(ignored).collect::<Result<_, _>>()?;
                }
                ("thresholds" | "review", _) => return Err(wrong(&key, "a table")),
                ("ignore", _) => {
                    return Err(wrong(&key, "a list of tables, each written as `[[ignore]]`"));
                }
                _ => return Err(wrong(&key, "a string")),
            }
        }
        Ok(project)
    }
}

impl Ignored {
    /// Whether it covers what a check found on an object, which has several names: its own, and that of its table.
    pub fn covers(&self, check: &str, names: &[String]) -> bool {
        let is_check = self.check == check
            || check.strip_prefix(&self.check).is_some_and(|rest| rest.starts_with('/'));
        let is_object = |object: &String| names.iter().any(|name| is_within(object, name));
        is_check && self.object.as_ref().is_none_or(is_object)
    }

    /// Whether that day is behind its end.
    pub fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// Whether a name is what was written, or something within it: a column of a table, a file of a folder, a line of a file.
fn is_within(written: &str, name: &str) -> bool {
    let written = written.strip_suffix('/').unwrap_or(written);
    let ends =
        name.char_indices().filter(|(_, c)| matches!(c, '.' | '/' | ':' | ' ')).map(|(at, _)| at);
    ends.chain([name.len()]).any(|end| is_like(written.as_bytes(), &name.as_bytes()[..end]))
}

/// Whether a text has the form of a pattern, in which `*` stands for any text.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < text.len() {
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(byte) if *byte == text[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => match &mut star {
                // The star stands for one more.
                Some((pattern_at, text_at)) => {
                    *text_at += 1;
                    at = (*pattern_at + 1, *text_at);
                }
                None => return false,
            },
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

fn threshold((name, value): (String, Value)) -> Result<(String, String), Error> {
    match value {
        Value::Integer(number) => Ok((name, number.to_string())),
        Value::Float(number) => Ok((name, number.to_string())),
        _ => Err(wrong(&name, "a number")),
    }
}

fn ignored(entry: Value) -> Result<Ignored, Error> {
    let Value::Table(mut table) = entry else { return Err(wrong("ignore", "a list of tables")) };
    known(&table, &IGNORE_KEYS)?;
    let mut take = |key| table.remove(key).map(|value| text_of(key, value)).transpose();
    let [check, object, reason] = [take("check")?, take("object")?, take("reason")?];
    let needed = |key: &str, value: Option<String>| {
        value
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| wrong(key, "given in each `[[ignore]]`"))
    };
    let until = table.remove("until").map(day).transpose()?;
    Ok(Ignored { check: needed("check", check)?, object, reason: needed("reason", reason)?, until })
}

/// A day, as TOML writes one or as text.
fn day(value: Value) -> Result<Date, Error> {
    let text = match value {
        Value::String(text) => text,
        Value::Datetime(day) => day.to_string(),
        _ => String::new(),
    };
    text.parse().map_err(|_| wrong("until", "a day, such as 2027-01-31"))
}

fn text_of(key: &str, value: Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(key, "a string")),
    }
}

fn known(table: &Table, keys: &[&'static str]) -> Result<(), Error> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(Error::UnknownKey(UnknownName::new("key", key, keys.iter().copied()))),
        None => Ok(()),
    }
}

fn wrong(key: &str, expected: &str) -> Error {
    let (key, origin) = (key.to_owned(), PROJECT_FILE.to_owned());
    Error::Value { key, origin, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_how_to_print_what_to_fail_on_and_what_to_live_with() {
        let project = Project::parse(
            "format = 'markdown'\nfail_on = 'critical'\n[thresholds]\ntoast_share_max = 0.2\ndepth_max = 4\n\
             [review]\nrunner = 'flyway'\n[[ignore]]\ncheck = 'toast'\nobject = 'ml.*'\nreason = 'archive'\nuntil = 2027-01-31\n\
             [[ignore]]\ncheck = 'migration/table-rewrite'\nreason = 'small'\nuntil = '2027-02-01'\n",
        )
        .unwrap();
        assert_eq!(project.format.as_deref(), Some("markdown"));
        assert_eq!(project.fail_on.as_deref(), Some("critical"));
        assert_eq!(project.runner.as_deref(), Some("flyway"));
        assert_eq!(project.thresholds["toast_share_max"], "0.2");
        assert_eq!(project.thresholds["depth_max"], "4");
        let [one, other] = &project.ignored[..] else { panic!("{project:?}") };
        assert_eq!((one.object.as_deref(), other.object.as_deref()), (Some("ml.*"), None));
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(!one.is_over(day("2027-01-31")) && one.is_over(day("2027-02-01")));
        assert!(!other.is_over(day("2027-02-01")));
        assert_eq!(Project::parse("").unwrap(), Project::default());
    }

    #[test]
    fn what_is_ignored_is_named_exactly_within_or_by_a_pattern() {
        let covers = |check: &str, object: &str, found: &str, name: &str| {
            let entry = Ignored {
                check: check.to_owned(),
                object: (!object.is_empty()).then(|| object.to_owned()),
                reason: "known".to_owned(),
                until: None,
            };
            entry.covers(found, &[name.to_owned()])
        };
        for (object, name, is) in [
            ("", "app.orders", true),
            ("app.orders", "app.orders", true),
            ("app.orders", "app.orders.data", true),
            ("app.orders", "app.orders.data -> key", true),
            ("app.orders", "app.orders_archive", false),
            ("app", "app.orders", true),
            ("app.*_archive", "app.orders_archive.data", true),
            ("*", "the cluster", true),
            ("orders", "app.orders", false),
            ("migrations/", "migrations/0001.sql:3:1", true),
            ("migrations/0001.sql", "migrations/0001.sql:3:1", true),
            ("migrations/*.up.sql", "migrations/0001.down.sql:3:1", false),
            ("app.a*b*c", "app.a1b2b3c", true),
        ] {
            assert_eq!(covers("toast", object, "toast/x", name), is, "{object} {name}");
        }
        assert!(!covers("toast", "", "toasty/x", "a"));
        assert!(covers("toast/x", "", "toast/x", "a") && !covers("toast/x", "", "toast/xy", "a"));
    }

    #[test]
    fn what_nobody_knows_or_what_is_of_the_wrong_kind_is_an_error_that_says_what_was_meant() {
        for (text, says) in [
            ("fromat = 'json'", "did you mean `format`"),
            ("[review]\nruner = 'x'", "`runner`"),
            ("[[ignore]]\ncheck = 'a'\nreason = 'b'\nuntill = 2027-01-31", "`until`"),
            ("[[ignore]]\ncheck = 'a'", "`reason`"),
            ("[[ignore]]\ncheck = 'a'\nreason = ' '", "`reason`"),
            ("[[ignore]]\nreason = 'a'", "`check`"),
            ("[[ignore]]\ncheck = 'a'\nreason = 'b'\nuntil = 'soon'", "a day, such as"),
            ("[ignore]\ncheck = 'a'", "[[ignore]]"),
            ("[thresholds]\nx = 'many'", "a number"),
            ("format = 3", "a string"),
            ("review = 3", "a table"),
            ("a = = 1", "line 1"),
        ] {
            let error = Project::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
