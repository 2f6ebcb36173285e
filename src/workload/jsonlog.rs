//! The server's log as lines of JSON, which PostgreSQL 15 and later write.

use serde::Deserialize;
use std::borrow::Cow;

use super::lines::LogLine;
use super::session::{Message, Out, Sessions, identity};

/// A log as lines of JSON.
#[derive(Default)]
pub(super) struct Jsonlog {
    sessions: Sessions,
}

/// What is read of a line.
#[derive(Deserialize)]
struct JsonlogRecord<'a> {
    #[serde(borrow, default)]
    dbname: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow)]
    error_severity: Cow<'a, str>,
    /// Absent in messages of success.
    #[serde(borrow, default)]
    state_code: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    detail: Cow<'a, str>,
    #[serde(default)]
    query_id: Option<i64>,
}

impl Jsonlog {
    /// A further line.
    pub(super) fn line(&mut self, line: LogLine<'_>, out: &mut Out<'_>) {
        if line.bytes.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(line.bytes);
        let Ok(logged) = serde_json::from_str::<JsonlogRecord<'_>>(&text) else {
            out.counts.malformed += 1;
            out.counts.cut_off += u64::from(line.cut_off);
            return;
        };
        let success = logged.state_code.is_empty() || logged.state_code == "00000";
        if !success || logged.error_severity.is_empty() {
            return;
        }
        let session = &*logged.session_id;
        let message = Message {
            session: Some(identity(session)),
            database: Some(&logged.dbname),
            time: None,
            query_id: logged.query_id,
            text: &logged.message,
            detail: &logged.detail,
            cut_off: false,
        };
        self.sessions.read_message(&message, out);
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.sessions.end(out);
    }
}
