//! The server's log as CSV.

use super::lines::{LogLine, Record};
use super::separated::RecordFields;
use super::session::{Message, Out, Sessions, identity};

/// Columns of PostgreSQL 9.0 to 12, 13, and 14 to 19.
const COLUMNS: &[usize] = &[23, 24, 26];

const DATABASE: usize = 2;
const SESSION: usize = 5;
const SQLSTATE: usize = 12;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
/// From PostgreSQL 14 on.
const QUERY_ID: usize = 25;

/// A log as CSV.
#[derive(Default)]
pub(super) struct Csvlog {
    record: Record,
    /// Whether a quote is open where the record ends as yet.
    open: bool,
    fields: RecordFields,
    sessions: Sessions,
}

impl Csvlog {
    /// A further line.
    pub(super) fn line(&mut self, line: LogLine<'_>, out: &mut Out<'_>) {
        let odd = line.has_odd_quotes();
        if self.open && !begins_record(line.bytes) {
            self.record.add(line.bytes, line.cut_off);
            self.open ^= odd;
            self.close_record(out);
            return;
        }
        if self.open {
            // A quote was never closed. One broken record must not take all that follow with it.
            out.counts.malformed += 1;
        }
        if line.bytes.is_empty() {
            return;
        }
        self.open = odd;
        self.record.begin(line);
        self.close_record(out);
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        out.counts.malformed += u64::from(self.open);
        self.sessions.end(out);
    }

    fn close_record(&mut self, out: &mut Out<'_>) {
        if self.open {
            return;
        }
        self.fields.read(&self.record.bytes, b',');
        let fields = &self.fields;
        let complete = COLUMNS.contains(&fields.len()) && fields.get(SQLSTATE).len() == 5;
        // Of a record whose end is missing, the message has to be begun.
        let begun = self.record.cut_off && fields.len() > MESSAGE;
        if !complete && !begun {
            out.counts.malformed += 1;
            return;
        }
        // Only messages of success show that a statement ran.
        if fields.get(SQLSTATE) != b"00000" {
            return;
        }
        let (database, text) = (fields.text(DATABASE), fields.text(MESSAGE));
        let detail = fields.text(DETAIL);
        let message = Message {
            session: Some(identity(fields.get(SESSION))),
            database: Some(&database),
            time: None,
            query_id: fields.text(QUERY_ID).parse().ok(),
            text: &text,
            detail: &detail,
            cut_off: self.record.cut_off,
        };
        self.sessions.read_message(&message, out);
    }
}

/// Whether a line begins a record of a csvlog: a time and a comma, and a second time in it. A line of a statement that
/// looks so too is rare enough.
pub(super) fn begins_record(line: &[u8]) -> bool {
    let pattern = b"0000-00-00 00:00:00.000 ";
    let time = line.len() > pattern.len()
        && pattern.iter().zip(line).all(|(pattern, byte)| match pattern {
            b'0' => byte.is_ascii_digit(),
            pattern => byte == pattern,
        });
    let zone = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-_/:".contains(byte);
    let rest = &line[line.len().min(pattern.len())..];
    let comma = rest.iter().position(|byte| !zone(byte));
    time && comma.is_some_and(|comma| comma > 0 && rest[comma] == b',')
}
