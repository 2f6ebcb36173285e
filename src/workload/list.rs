//! Lists of statements: CSV with a header, or JSON; also what `pg_stat_statements` is exported as.

use serde::Deserialize;

use super::entry::Entry;
use super::lines::{Line, RECORD_BYTES_MAX, Record};
use super::separated::Fields;
use super::session::Out;

/// One statement of a list.
#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "query", alias = "statement")]
    sql: String,
    #[serde(default)]
    calls: Option<Figure>,
    #[serde(default, alias = "mean_exec_time", alias = "mean_time")]
    mean_ms: Option<Figure>,
    #[serde(default, alias = "total_exec_time", alias = "total_time")]
    total_ms: Option<Figure>,
}

/// A number; tools that export write it as text, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Figure {
    Number(f64),
    Text(String),
}

impl Figure {
    /// The number, unless it is none or below zero.
    fn value(&self) -> Option<f64> {
        let value = match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
        };
        value.filter(|value: &f64| value.is_finite() && *value >= 0.0)
    }
}

impl Listed {
    fn give(self, out: &mut Out<'_>) {
        let read = |figure: &Option<Figure>| match figure {
            None => Ok(None),
            Some(figure) => figure.value().map(Some).ok_or(()),
        };
        let (Ok(calls), Ok(mean), Ok(total)) =
            (read(&self.calls), read(&self.mean_ms), read(&self.total_ms))
        else {
            out.counts.malformed += 1;
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "more calls than fit count as many as fit"
        )]
        #[expect(clippy::cast_sign_loss, reason = "none is below zero")]
        let calls = calls.map_or(1, |calls| calls as u64);
        #[expect(clippy::cast_precision_loss, reason = "a mean time has no such precision")]
        let total_ms = total.or_else(|| mean.map(|mean| mean * calls as f64));
        out.give(Entry { calls, total_ms, listed: true, ..Entry::once(self.sql) });
    }
}

/// A list as CSV. The columns may stand in any order; those that are not known are passed over.
#[derive(Default)]
pub(super) struct CsvList {
    record: Record,
    open: bool,
    fields: Fields,
    header: Option<Header>,
}

/// Which columns hold what.
#[derive(Clone, Copy)]
pub(super) struct Header {
    separator: u8,
    sql: usize,
    calls: Option<usize>,
    mean_ms: Option<usize>,
    total_ms: Option<usize>,
}

impl Header {
    /// Of the first line of a list; none where no column holds statements.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        [b',', b';', b'\t'].into_iter().find_map(|separator| {
            let mut fields = Fields::default();
            fields.read(line, separator);
            let names: Vec<String> =
                (0..fields.len()).map(|field| fields.text(field).trim().to_lowercase()).collect();
            let column = |known: &[&str]| {
                known.iter().find_map(|known| names.iter().position(|name| name == known))
            };
            Some(Self {
                separator,
                sql: column(&["sql", "query", "statement"])?,
                calls: column(&["calls"]),
                mean_ms: column(&["mean_ms", "mean_exec_time", "mean_time"]),
                total_ms: column(&["total_ms", "total_exec_time", "total_time"]),
            })
        })
    }
}

impl CsvList {
    /// A further line.
    pub(super) fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        let odd = line.has_odd_quotes();
        if self.open {
            self.record.add(line.bytes, line.cut_off);
        } else if line.bytes.is_empty() {
            return;
        } else {
            self.record.begin(line);
        }
        self.open ^= odd;
        if !self.open {
            self.close_record(out);
        }
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        out.counts.malformed += u64::from(self.open);
    }

    fn close_record(&mut self, out: &mut Out<'_>) {
        let Some(header) = self.header else {
            self.header = Header::read(&self.record.bytes);
            out.counts.malformed += u64::from(self.header.is_none());
            return;
        };
        self.fields.read(&self.record.bytes, header.separator);
        if self.fields.len() <= header.sql || self.record.cut_off {
            out.counts.malformed += 1;
            out.counts.cut_off += u64::from(self.record.cut_off);
            return;
        }
        let figure = |column: Option<usize>| {
            let text = self.fields.text(column?).into_owned();
            (!text.trim().is_empty()).then_some(Figure::Text(text))
        };
        let listed = Listed {
            sql: self.fields.text(header.sql).into_owned(),
            calls: figure(header.calls),
            mean_ms: figure(header.mean_ms),
            total_ms: figure(header.total_ms),
        };
        listed.give(out);
    }
}

/// A list as JSON: an array of objects, alone or as a member of one; or one object after the other.
///
/// It may be one line of any length, so it is read by byte: each object without another around it but that of the list is
/// kept until its end.
#[derive(Default)]
pub(super) struct JsonList {
    /// How many brackets are open.
    depth: usize,
    /// The depth at which the object stands that is kept.
    kept: Option<usize>,
    object: Record,
    in_string: bool,
    escaped: bool,
    holds: Holds,
}

/// What of a list was seen so far, the most telling last.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    #[default]
    Nothing,
    Brackets,
    /// Values that are no objects.
    Strays,
    Objects,
}

/// Whether an object that begins like this holds the list, and is no statement itself.
fn is_list(begun: &[u8]) -> bool {
    let name = begun.trim_ascii_end().strip_suffix(b":").unwrap_or_default().trim_ascii_end();
    name.ends_with(b"\"statements\"")
}

impl Holds {
    /// By a byte that stands in no object.
    fn by(byte: u8) -> Self {
        match byte {
            b'{' | b'[' => Self::Brackets,
            b'}' | b']' | b',' | b':' => Self::Nothing,
            _ if byte.is_ascii_whitespace() => Self::Nothing,
            _ => Self::Strays,
        }
    }
}

impl JsonList {
    /// Further bytes.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Out<'_>) {
        let mut begin = 0;
        for (at, byte) in chunk.iter().enumerate() {
            if self.in_string {
                self.string(*byte);
                continue;
            }
            if self.kept.is_none() {
                self.holds = self.holds.max(Holds::by(*byte));
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' => {
                    if self.kept.is_none() {
                        self.kept = Some(self.depth);
                        begin = at;
                    }
                    self.depth += 1;
                }
                b'[' => {
                    if self.kept == Some(0) && self.depth == 1 {
                        self.keep(&chunk[begin..at]);
                        begin = at;
                        if is_list(&self.object.bytes) {
                            self.kept = None;
                            self.object.bytes.clear();
                        }
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.kept == Some(self.depth) {
                        self.keep(&chunk[begin..=at]);
                        self.close_object(out);
                    }
                }
                _ => {}
            }
        }
        if self.kept.is_some() {
            self.keep(&chunk[begin..]);
        }
    }

    /// No byte will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        let holds_none = matches!(self.holds, Holds::Nothing | Holds::Strays);
        out.counts.malformed += u64::from(self.kept.is_some() || self.depth > 0 || holds_none);
    }

    fn string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = RECORD_BYTES_MAX.saturating_sub(self.object.bytes.len());
        self.object.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        self.object.cut_off |= piece.len() > room;
    }

    fn close_object(&mut self, out: &mut Out<'_>) {
        self.holds = Holds::Objects;
        let text = String::from_utf8_lossy(&self.object.bytes);
        match serde_json::from_str::<Listed>(&text) {
            Ok(listed) if !self.object.cut_off => listed.give(out),
            _ => {
                out.counts.malformed += 1;
                out.counts.cut_off += u64::from(self.object.cut_off);
            }
        }
        self.kept = None;
        self.object.bytes.clear();
        self.object.cut_off = false;
    }
}
