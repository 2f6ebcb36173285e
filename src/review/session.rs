//! What the statements of a file set for the session that runs it.

use squawk_syntax::SyntaxNode;

use super::tokens::{first_word, tokens};

/// Names of the time zone in which timestamp and timestamptz are stored alike.
const UTC: [&str; 8] = ["utc", "gmt", "etc/utc", "etc/gmt", "uct", "zulu", "gmt0", "0"];

/// The time zone of the session.
#[derive(Default)]
pub(super) struct SessionZone {
    is_utc: bool,
    /// What holds again after the transaction, where SET LOCAL changed it.
    after: Option<bool>,
}

impl SessionZone {
    /// Whether the file has set it to UTC.
    pub(super) fn is_utc(&self) -> bool {
        self.is_utc
    }

    /// What a statement makes of it.
    pub(super) fn follow(&mut self, statement: &SyntaxNode) {
        let sets = ["set", "reset", "discard", "commit", "rollback", "end", "abort"];
        if !sets.contains(&first_word(statement).as_str()) {
            return;
        }
        let words = tokens(statement);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["set", "local", rest @ ..] => {
                if let Some(is_utc) = zone(rest) {
                    self.after.get_or_insert(self.is_utc);
                    self.is_utc = is_utc;
                }
            }
            ["set", "session", rest @ ..] | ["set", rest @ ..] => {
                self.is_utc = zone(rest).unwrap_or(self.is_utc);
            }
            ["reset", "timezone" | "time" | "all", ..] | ["discard", "all", ..] => {
                self.is_utc = false;
            }
            ["commit" | "rollback" | "end" | "abort", ..] => {
                self.is_utc = self.after.take().unwrap_or(self.is_utc);
            }
            _ => (),
        }
    }
}

/// Whether a setting is UTC, where it is that of the time zone.
fn zone(words: &[&str]) -> Option<bool> {
    let (["timezone", "=" | "to", value, ..] | ["time", "zone", value, ..]) = words else {
        return None;
    };
    Some(UTC.contains(&value.trim_matches(['\'', '"']).to_lowercase().as_str()))
}
