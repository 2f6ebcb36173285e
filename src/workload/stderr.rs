//! The server's log as plain text, whatever `log_line_prefix` is.
//!
//! A message begins with its severity and a colon with two spaces; its further lines begin with a tab. Details follow as a
//! message of their own.

use super::lines::{Line, Record};
use super::message::is_detail;
use super::parameters;
use super::session::{Message, Out, Sessions, identity};

/// The severity stands this near to the beginning: a prefix holds an application's name at most.
const PREFIX_BYTES_MAX: usize = 512;

/// A log as plain text.
#[derive(Default)]
pub(super) struct Stderr {
    /// The message whose lines are read.
    record: Record,
    /// Where it names its severity.
    severity: Severity,
    /// The one before, while details of it may come.
    before: Option<Heard>,
    sessions: Sessions,
}

/// A message that was read to its end.
struct Heard {
    session: Option<u64>,
    text: String,
    detail: String,
    cut_off: bool,
}

impl Stderr {
    /// A further line.
    pub(super) fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if let Some(continued) = line.bytes.strip_prefix(b"\t") {
            if self.record.bytes.is_empty() {
                out.counts.malformed += 1;
            } else {
                self.record.add(continued, line.cut_off);
            }
            return;
        }
        if line.bytes.is_empty() {
            return;
        }
        self.close_record(out);
        match severity(line.bytes) {
            Some(severity) => {
                self.severity = severity;
                self.record.begin(line);
            }
            None => out.counts.malformed += 1,
        }
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.close_record(out);
        self.tell(out);
        self.sessions.end(out);
    }

    /// The message is complete: it is one, or details of the one before.
    fn close_record(&mut self, out: &mut Out<'_>) {
        let record = std::mem::take(&mut self.record.bytes);
        if record.is_empty() {
            return;
        }
        let severity = self.severity;
        let text = String::from_utf8_lossy(&record[severity.end..]);
        let word = String::from_utf8_lossy(&record[severity.begin..severity.word_end]);
        if (is_detail(&word) || parameters::begin(&text).is_some())
            && let Some(before) = &mut self.before
        {
            before.detail = text.into_owned();
            self.recycle(record);
            return;
        }
        let heard = Heard {
            session: session(&record[..severity.begin]),
            text: text.into_owned(),
            detail: String::new(),
            cut_off: self.record.cut_off,
        };
        self.tell(out);
        self.before = Some(heard);
        self.recycle(record);
    }

    /// Keep the memory of a record for the next one.
    fn recycle(&mut self, mut record: Vec<u8>) {
        record.clear();
        self.record.bytes = record;
    }

    fn tell(&mut self, out: &mut Out<'_>) {
        if let Some(heard) = self.before.take() {
            let message = Message {
                session: heard.session,
                database: None,
                query_id: None,
                text: heard.text.trim_end_matches('\r'),
                detail: &heard.detail,
                cut_off: heard.cut_off,
            };
            self.sessions.hear(&message, out);
        }
    }
}

/// Where a line names its severity.
#[derive(Debug, Clone, Copy, Default)]
struct Severity {
    begin: usize,
    word_end: usize,
    end: usize,
}

/// The severity of a line: a word without small letters, a colon and two spaces. French puts a space before the colon.
fn severity(line: &[u8]) -> Option<Severity> {
    let head = &line[..line.len().min(PREFIX_BYTES_MAX)];
    let colon = memchr::memmem::find(head, b":  ")?;
    let word_end = head[..colon].iter().rposition(|byte| *byte != b' ')? + 1;
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || *byte >= 0x80;
    let begin = head[..word_end].iter().rposition(|byte| !is_letter(byte)).map_or(0, |at| at + 1);
    let whole = begin == 0 || !head[begin - 1].is_ascii_alphanumeric();
    (whole && begin < word_end).then_some(Severity { begin, word_end, end: colon + 3 })
}

/// What tells the session in a prefix: a number in brackets, as `%p` and `%c` mostly stand, or behind `pid=`.
fn session(prefix: &[u8]) -> Option<u64> {
    let brackets = memchr::memrchr_iter(b'[', prefix).filter_map(|bracket| {
        let (number, next) = number(&prefix[bracket + 1..])?;
        b"]-:".contains(&next).then_some(number)
    });
    let named = memchr::memmem::find(prefix, b"pid=");
    let named = named.and_then(|at| Some(number(&prefix[at + b"pid=".len()..])?.0));
    brackets.chain(named).next().map(identity)
}

/// A process id or a session id, and the byte behind it.
fn number(text: &[u8]) -> Option<(&[u8], u8)> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'.';
    let length = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let next = text.get(length).copied().unwrap_or(b' ');
    (text.first()?.is_ascii_hexdigit()).then_some((&text[..length], next))
}

/// Whether a line begins a message.
pub(super) fn begins_message(line: &[u8]) -> bool {
    severity(line).is_some()
}
