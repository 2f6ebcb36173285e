//! The server's log as plain text, whatever `log_line_prefix` is.
//!
//! A message begins with its severity and a colon with two spaces; its further lines begin with a tab. Details follow as a
//! message of their own. Carriers mix messages of several processes line by line, so each stream has its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::line_prefix::LinePrefix;
use super::lines::{LogLine, Record};
use super::message::is_detail;
use super::parameters;
use super::prefix::{self, Prefix};
use super::reader::KnownSource;
use super::session::{Message, Out, Sessions, identity};
use super::severity::{SeverityField, severity};

/// Streams read at once at most; of more, all are read to their end.
const STREAMS_MAX: usize = 1024;

/// Where a line came from, as its carrier says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct From {
    /// Lines of one message stand in one stream.
    pub(super) stream: u64,
    /// The process, where the carrier shows it for certain.
    pub(super) session: Option<u64>,
    /// Whether it is a further piece of a message that was too long or had several lines.
    pub(super) is_further: bool,
}

/// A log as plain text.
pub(super) struct Stderr {
    prefix: Behind,
    streams: BTreeMap<u64, Stream>,
    sessions: Sessions,
}

/// What is known of the prefix of each message.
enum Behind {
    /// What someone says.
    Given(Arc<LinePrefix>),
    /// What its lines have in common.
    Inferred(Prefix),
}

impl Behind {
    /// The session and the database of a line.
    fn fields<'a>(&self, prefix: &'a [u8]) -> (Option<u64>, Option<&'a str>) {
        match self {
            Self::Given(given) => {
                let fields = given.fields(prefix).unwrap_or_default();
                (fields.session(), fields.database)
            }
            Self::Inferred(inferred) => (inferred.session(prefix), inferred.database(prefix)),
        }
    }
}

/// Messages of one process, or of all where lines are not mixed.
#[derive(Default)]
struct Stream {
    id: u64,
    /// The message whose lines are read.
    record: Record,
    /// Where it names its severity.
    severity: SeverityField,
    /// The process, where the carrier shows it.
    session: Option<u64>,
    /// The one before, while details of it may come.
    before: Option<PendingMessage>,
}

/// A message that was read to its end.
struct PendingMessage {
    session: Option<u64>,
    time: Option<u64>,
    database: Option<String>,
    text: String,
    detail: String,
    cut_off: bool,
}

impl Stderr {
    /// A log that begins so, of which one database's statements are wanted.
    pub(super) fn new(begins: &[u8], known: &KnownSource) -> Self {
        if let Some(given) = &known.prefix {
            return Self::behind(Behind::Given(Arc::clone(given)));
        }
        let lines = begins.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"\t"));
        let prefixes = lines.filter_map(|line| Some(&line[..severity(line)?.begin]));
        let prefixes: Vec<&[u8]> = prefixes.take(prefix::LINES_MAX).collect();
        Self::behind(Behind::Inferred(Prefix::of(&prefixes, known.database.as_deref())))
    }

    fn behind(prefix: Behind) -> Self {
        Self { prefix, streams: BTreeMap::new(), sessions: Sessions::default() }
    }

    /// A further line.
    pub(super) fn line(&mut self, line: LogLine<'_>, from: From, out: &mut Out<'_>) {
        let Self { prefix, streams, sessions } = self;
        if streams.len() >= STREAMS_MAX && !streams.contains_key(&from.stream) {
            end(streams, (prefix, sessions), out);
        }
        let stream = streams.entry(from.stream).or_default();
        stream.id = from.stream;
        if let Some(continued) = line.bytes.strip_prefix(b"\t") {
            if stream.record.bytes.is_empty() {
                out.counts.malformed += 1;
            } else {
                stream.record.add(continued, line.cut_off);
            }
            return;
        }
        if line.bytes.is_empty() {
            return;
        }
        let severity = severity(line.bytes);
        if severity.is_none() && from.is_further && !stream.record.bytes.is_empty() {
            stream.record.append(line.bytes, line.cut_off);
            return;
        }
        if severity.is_none() && !begins_otherwise(line.bytes) {
            // It may be a further line that has lost its tab: then the statement is not all there.
            stream.record.cut_off |= !stream.record.bytes.is_empty();
        }
        stream.close_record(prefix, sessions, out);
        match severity {
            Some(severity) => {
                stream.severity = severity;
                stream.session = from.session;
                stream.record.begin(line);
            }
            None => out.counts.malformed += 1,
        }
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        end(&mut self.streams, (&self.prefix, &mut self.sessions), out);
        self.sessions.end(out);
    }
}

/// Read all streams to their end.
fn end(
    streams: &mut BTreeMap<u64, Stream>,
    (prefix, sessions): (&Behind, &mut Sessions),
    out: &mut Out<'_>,
) {
    for mut stream in std::mem::take(streams).into_values() {
        stream.close_record(prefix, sessions, out);
        stream.flush(sessions, out);
    }
}

/// Whether a line begins as those of other programs do, and not as a part of a statement.
fn begins_otherwise(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'0'..=b'9' | b'[' | b'<' | b'{'))
}

impl Stream {
    /// The message is complete: it is one, or details of the one before.
    fn close_record(&mut self, prefix: &Behind, sessions: &mut Sessions, out: &mut Out<'_>) {
        let record = std::mem::take(&mut self.record.bytes);
        if record.is_empty() {
            return;
        }
        let severity = self.severity;
        let prefixed = &record[..severity.begin];
        let text = String::from_utf8_lossy(without_state(&record[severity.end..]));
        let word = String::from_utf8_lossy(&record[severity.begin..severity.word_end]);
        // Servers beside each other may have the same process.
        let (own, database) = prefix.fields(prefixed);
        let session = self.session.or(own.map(|session| identity((self.id, session))));
        let time = prefix::time_of(prefixed);
        if is_detail(&word) || parameters::begin(&text).is_some() {
            // Details of a message that was left out belong to none; those of a message have its time.
            let is_of = |before: &&mut PendingMessage| {
                before.session == session && prefix::is_same_time(before.time, time)
            };
            if let Some(before) = self.before.as_mut().filter(is_of) {
                before.detail = text.into_owned();
            }
            return self.recycle(record);
        }
        let pending = PendingMessage {
            session,
            time,
            database: database.map(str::to_owned),
            text: text.into_owned(),
            detail: String::new(),
            cut_off: self.record.cut_off,
        };
        self.flush(sessions, out);
        self.before = Some(pending);
        self.recycle(record);
    }

    /// Keep the memory of a record for the next one.
    fn recycle(&mut self, mut record: Vec<u8>) {
        record.clear();
        self.record.bytes = record;
        self.record.cut_off = false;
    }

    fn flush(&mut self, sessions: &mut Sessions, out: &mut Out<'_>) {
        if let Some(pending) = self.before.take() {
            let message = Message {
                session: pending.session,
                database: pending.database.as_deref(),
                time: pending.time,
                query_id: None,
                text: pending.text.trim_end_matches('\r'),
                detail: &pending.detail,
                cut_off: pending.cut_off,
            };
            sessions.read_message(&message, out);
        }
    }
}

/// A message without the state before it, which `log_error_verbosity = verbose` puts there: `00000: `.
fn without_state(text: &[u8]) -> &[u8] {
    let is_state = |state: &[u8]| {
        state.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && state.iter().any(u8::is_ascii_digit)
    };
    match text.split_at_checked(7) {
        Some((state, message)) if state.ends_with(b": ") && is_state(&state[..5]) => message,
        _ => text,
    }
}

/// Whether a line begins a message.
pub(super) fn begins_message(line: &[u8]) -> bool {
    severity(line).is_some()
}
