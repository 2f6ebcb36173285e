//! A source as objects of JSON: statements of a list, messages of a log, or lines of a log that a carrier has wrapped.
//!
//! What an object is shows in its members: `error_severity` beside `message` is a message, `textPayload` a line, `sql` a
//! statement. Lines are read as a source of their own, for they may be of any format, and wrapped again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::list::ListedStatement;
use super::objects::Objects;
use super::prefix::time_of;
use super::reader::{KnownSource, Read, SourceReader};
use super::session::{Message, Out, Sessions, identity};
use super::severity::severity;

/// Wrappers around one another at most.
const WRAPPERS_MAX: u8 = 3;

/// Members that hold a line of a log, or several.
const LINES: [&str; 11] = [
    "textPayload",
    "LogFileData",
    "MESSAGE",
    "log",
    "line",
    "_raw",
    "@message",
    "message",
    "body",
    "Message",
    "event",
];
/// Members that hold the object which is meant.
const INNER: [&str; 7] =
    ["record", "properties", "jsonPayload", "_source", "fields", "result", "data"];

/// A source as objects of JSON.
pub(super) struct Json {
    objects: Objects,
    objects_to: Contents,
}

/// What the objects hold.
struct Contents {
    sessions: Sessions,
    /// Lines that were wrapped.
    lines: Option<Box<SourceReader>>,
    known: KnownSource,
    objects: u64,
    messages: u64,
    /// Objects that were lines.
    wrapped: u64,
}

/// The members of an object.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// What was read of objects.
pub(super) enum ObjectKind {
    /// Statements, or nothing.
    List,
    /// Messages.
    Messages,
    /// Lines of a source of its own.
    Lines(Read),
}

impl Json {
    /// Of a source of which this is known.
    pub(super) fn new(known: KnownSource) -> Self {
        let contents = Contents {
            sessions: Sessions::default(),
            lines: None,
            known,
            objects: 0,
            messages: 0,
            wrapped: 0,
        };
        Self { objects: Objects::default(), objects_to: contents }
    }

    /// Further bytes.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Out<'_>) {
        let Self { objects, objects_to } = self;
        objects.push(chunk, |object, cut_off| {
            objects_to.object(object, cut_off, out);
        });
    }

    /// How many objects were read.
    pub(super) fn objects_seen(&self) -> u64 {
        self.objects_to.objects
    }

    /// How many of them were lines, which are counted as such.
    pub(super) fn wrapped(&self) -> u64 {
        self.objects_to.wrapped
    }

    /// No byte will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) -> ObjectKind {
        out.counts.malformed += self.objects.end();
        self.objects_to.sessions.end(out);
        let Some(mut lines) = self.objects_to.lines.take() else {
            return if self.objects_to.messages > 0 {
                ObjectKind::Messages
            } else {
                ObjectKind::List
            };
        };
        let read = lines.finish_to(&mut *out.to);
        out.counts.add_wrapped(&read.counts);
        ObjectKind::Lines(read)
    }
}

impl Contents {
    fn object(&mut self, object: &[u8], cut_off: bool, out: &mut Out<'_>) {
        self.objects += 1;
        let text = String::from_utf8_lossy(object);
        let members = serde_json::from_str::<Members<'_>>(&text).ok().filter(|_| !cut_off);
        let understood = members.is_some_and(|members| self.members(&members, &text, out));
        out.counts.malformed += u64::from(!understood);
        out.counts.cut_off += u64::from(cut_off);
    }

    /// Whether an object is understood.
    fn members(&mut self, members: &Members<'_>, text: &str, out: &mut Out<'_>) -> bool {
        // Azure writes the whole line beside its level.
        let is_message = |text: &str| {
            members.contains_key("error_severity") || severity(text.as_bytes()).is_none()
        };
        if let Some(message) = member(members, &["message"])
            && let Some(level) = member(members, &["error_severity", "errorLevel"])
            && is_message(&message)
        {
            self.messages += 1;
            let is_success = member(members, &["state_code", "sql_state_code", "sqlerrcode"])
                .is_none_or(|state| state.is_empty() || state == "00000");
            if is_success && !level.is_empty() {
                self.message(members, &message, out);
            }
            return true;
        }
        for inner in INNER.iter().filter_map(|name| members.get(*name)) {
            let inner = inner.get();
            if inner.starts_with('{')
                && let Ok(inner_members) = serde_json::from_str::<Members<'_>>(inner)
                && self.members(&inner_members, inner, out)
            {
                return true;
            }
        }
        if !["sql", "query", "statement"].iter().any(|name| members.contains_key(*name))
            && let Some(line) = member(members, &LINES)
        {
            // Docker ends each line, and cuts those that are too long.
            let is_whole = !(members.contains_key("log") && members.contains_key("stream"));
            return self.line(&line, is_whole, out);
        }
        match serde_json::from_str::<ListedStatement>(text) {
            Ok(listed) => {
                listed.give(out);
                true
            }
            // An operator's own messages are none of the server's.
            Err(_) => members.contains_key("logger") && members.contains_key("msg"),
        }
    }

    fn message(&mut self, members: &Members<'_>, text: &str, out: &mut Out<'_>) {
        let session = member(members, &["session_id", "process_id", "pid", "processId"]);
        let database = member(members, &["dbname", "database_name"]);
        let detail = member(members, &["detail"]).unwrap_or_default();
        let message = Message {
            session: session.filter(|id| !id.is_empty()).map(|id| identity(&*id)),
            database: database.as_deref(),
            time: member(members, &["log_time", "timestamp"])
                .and_then(|time| time_of(time.as_bytes())),
            query_id: member(members, &["query_id"]).and_then(|id| id.parse().ok()),
            text,
            detail: &detail,
            cut_off: false,
        };
        self.sessions.read_message(&message, out);
    }

    /// A line, or several; one without its end goes on in the next object.
    fn line(&mut self, line: &str, is_whole: bool, out: &mut Out<'_>) -> bool {
        if self.known.wrappers == WRAPPERS_MAX {
            return false;
        }
        let known = || KnownSource { wrappers: self.known.wrappers + 1, ..self.known.clone() };
        let lines = self.lines.get_or_insert_with(|| Box::new(SourceReader::knowing(known())));
        lines.push(line.as_bytes(), &mut *out.to);
        if is_whole && !line.ends_with('\n') {
            lines.push(b"\n", &mut *out.to);
        }
        self.wrapped += 1;
        true
    }
}

/// The first of these members that is a text or a number.
fn member<'a>(members: &Members<'a>, names: &[&str]) -> Option<Cow<'a, str>> {
    names.iter().find_map(|name| {
        let value: &'a RawValue = members.get(*name)?;
        let value = value.get();
        match value.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(value).ok().map(Cow::Owned),
            b'0'..=b'9' | b'-' => Some(Cow::Borrowed(value)),
            _ => None,
        }
    })
}
