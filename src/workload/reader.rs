//! Statements out of a source, as its bytes come.

use std::sync::Arc;

use super::encoding::Encoding;
use super::entry::{Entry, SourceCounts};
use super::envelope::Envelope;
use super::format::{MARK, SourceFormat};
use super::json::{Json, ObjectKind};
use super::line_prefix::LinePrefix;
use super::lines::{Lines, LogLine};
use super::list::CsvList;
use super::refused::{self, refused};
use super::session::Out;
use super::text::{LogText, bared};

/// Reads a source chunk by chunk. Its memory does not grow with the source, and where chunks end does not matter.
pub struct SourceReader {
    /// How it is encoded; none while its first bytes are awaited.
    encoding: Option<Encoding>,
    first: Vec<u8>,
    form: Form,
    lines: Lines,
    counts: SourceCounts,
    /// Bytes that were decoded, and what came out of them.
    decoded: u64,
    expanded: u64,
    known: KnownSource,
}

/// How many times as long a compressed source may become. Logs become 10 to 50 times as long; what is one line again and again, up to
/// a thousand times.
const EXPANSION_MAX: u64 = 200;
/// Bytes up to which it may expand as it likes: they are read in a few seconds.
const EXPANDED_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What is known of a source before it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownSource {
    /// The only database whose statements are wanted.
    pub(super) database: Option<String>,
    /// What stands before each message of a log as plain text, where someone says so.
    pub(super) prefix: Option<Arc<LinePrefix>>,
    /// How many wrappers of JSON are around it.
    pub(super) wrappers: u8,
}

/// What a source is read as.
enum Form {
    /// Nothing yet: its beginning shows it, where no one said.
    Unknown {
        format: Option<SourceFormat>,
        begins: Vec<u8>,
    },
    /// Its beginning is of no format: nothing of it is read.
    Foreign(&'static str),
    Text(Box<LogText>),
    CsvList(Box<CsvList>),
    Json(Box<Json>),
}

impl Form {
    fn line(&mut self, line: LogLine<'_>, out: &mut Out<'_>) {
        match self {
            Self::Text(form) => form.line(line, out),
            Self::CsvList(form) => form.line(line, out),
            Self::Unknown { .. } | Self::Foreign(_) | Self::Json(_) => {}
        }
    }
}

/// What is wrong with a source of no format, and what would be one.
pub const NO_FORMAT: &str = "neither a server log nor a list of statements that can be read: CSV with a header that \
                             names `sql`, or JSON with `statements`, each with its `sql`";

/// What is wrong with JSON that holds neither.
const NO_JSON: &str = "neither a server log nor a list of statements: JSON without `error_severity`, `textPayload`, `log` or \
                       `sql`; unwrap the lines of the log with `jq -r '.PATH.TO.LINE'`";

/// What a source turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Its format; none where its beginning is of no format, or a list holds no statement that can be read.
    pub format: Option<SourceFormat>,
    /// What was read.
    pub counts: SourceCounts,
    /// Why nothing was read, and what to do, where there is no format.
    pub refused: Option<&'static str>,
}

impl SourceReader {
    /// For a source of this format, or of the one that its beginning shows.
    pub fn new(format: Option<SourceFormat>) -> Self {
        Self {
            encoding: None,
            first: Vec::new(),
            form: Form::Unknown { format, begins: Vec::new() },
            lines: Lines::default(),
            counts: SourceCounts::default(),
            decoded: 0,
            expanded: 0,
            known: KnownSource::default(),
        }
    }

    /// For a source of which this is known.
    pub(super) fn knowing(known: KnownSource) -> Self {
        Self { known, ..Self::new(None) }
    }

    /// Passes over statements that ran in another database. Where the source does not show it, they are taken.
    #[must_use]
    pub fn of_database(self, name: impl Into<String>) -> Self {
        Self { known: KnownSource { database: Some(name.into()), ..self.known }, ..self }
    }

    /// Reads lines of a log behind this prefix, and infers none.
    #[must_use]
    pub fn behind(self, prefix: Option<LinePrefix>) -> Self {
        Self { known: KnownSource { prefix: prefix.map(Arc::new), ..self.known }, ..self }
    }

    /// Reads a further chunk, and hands on the statements that end in it.
    pub fn push(&mut self, chunk: &[u8], mut to: impl FnMut(Entry)) {
        self.counts.bytes += chunk.len() as u64;
        if let Some(encoding) = self.encoding.take() {
            return self.decode(encoding, chunk, &mut to);
        }
        self.first.extend_from_slice(chunk);
        if self.first.len() >= Encoding::BEGIN_BYTES {
            self.begin(&mut to);
        }
    }

    /// Reads the first bytes, which show the encoding.
    fn begin(&mut self, to: &mut dyn FnMut(Entry)) {
        let first = std::mem::take(&mut self.first);
        self.decode(Encoding::of(&first), &first, to);
    }

    fn decode(&mut self, mut encoding: Encoding, chunk: &[u8], to: &mut dyn FnMut(Entry)) {
        let is_readable = encoding.decode(chunk, |bytes, plain| {
            self.decoded += bytes as u64;
            self.expanded += plain.len() as u64;
            self.plain(plain, to);
            !self.expands_too_far()
        });
        if self.expands_too_far() {
            self.form = Form::Foreign(refused::EXPANDS);
        }
        // What follows is none of it, and is not read.
        self.encoding = Some(if is_readable { encoding } else { self.broken() });
    }

    /// Whether few bytes become so many that reading them takes longer than who sent them may have meant.
    fn expands_too_far(&self) -> bool {
        self.expanded > EXPANDED_BYTES_MIN && self.expanded / EXPANSION_MAX > self.decoded
    }

    /// A source whose end cannot be decoded.
    fn broken(&mut self) -> Encoding {
        self.counts.malformed += 1;
        if matches!(&self.form, Form::Unknown { begins, .. } if begins.is_empty()) {
            self.form = Form::Foreign(refused::BROKEN);
        }
        Encoding::Broken
    }

    fn plain(&mut self, chunk: &[u8], to: &mut dyn FnMut(Entry)) {
        let Form::Unknown { begins, .. } = &mut self.form else {
            return self.read(chunk, to);
        };
        begins.extend_from_slice(chunk);
        if begins.len() >= SourceFormat::SAMPLE_BYTES {
            self.settle(to);
        }
    }

    /// Hands on the statements that no further chunk ends.
    pub fn finish(mut self, mut to: impl FnMut(Entry)) -> Read {
        self.finish_to(&mut to)
    }

    pub(super) fn finish_to(&mut self, to: &mut dyn FnMut(Entry)) -> Read {
        if self.encoding.is_none() {
            self.begin(to);
        }
        let encoding = self.encoding.take();
        if encoding.is_some_and(|encoding| !encoding.end(|plain| self.plain(plain, to))) {
            self.broken();
        }
        self.settle(to);
        let Self { form, lines, counts, known, .. } = self;
        let database = known.database.as_deref();
        lines.end(counts, |line, counts| form.line(line, &mut Out { counts, database, to }));
        let format = match form {
            Form::Unknown { .. } | Form::Foreign(_) => None,
            Form::Text(text) => Some(text.end(&mut Out { counts, database, to })),
            Form::CsvList(list) => {
                list.end(&mut Out { counts, database, to });
                Some(SourceFormat::CsvList)
            }
            Form::Json(json) => match json.end(&mut Out { counts, database, to }) {
                ObjectKind::List => Some(SourceFormat::JsonList),
                ObjectKind::Messages => Some(SourceFormat::Jsonlog),
                ObjectKind::Lines(read) => {
                    counts.lines =
                        (counts.lines + read.counts.lines).saturating_sub(json.wrapped());
                    read.format
                }
            },
        };
        // Of a log, lines that are not understood are its own; of a list, they are all there is.
        let holds_none = counts.entries == 0 && counts.elsewhere == 0 && counts.malformed > 0;
        let is_list = matches!(format, Some(SourceFormat::CsvList | SourceFormat::JsonList));
        let format = format.filter(|_| !(is_list && holds_none));
        let refused = match form {
            _ if format.is_some() => None,
            Form::Foreign(why) => Some(*why),
            Form::Json(_) if counts.lines > 0 => Some(NO_JSON),
            _ => Some(NO_FORMAT),
        };
        Read { format, counts: *counts, refused }
    }

    /// Decides what the source is, and reads its beginning.
    fn settle(&mut self, to: &mut dyn FnMut(Entry)) {
        let Form::Unknown { format, begins } = &mut self.form else { return };
        let (format, begins) = (*format, std::mem::take(begins));
        let plain = begins.strip_prefix(MARK).unwrap_or(&begins);
        let sample = &plain[..plain.len().min(SourceFormat::SAMPLE_BYTES)];
        if let Some(why) = refused(&begins) {
            self.form = Form::Foreign(why);
            return;
        }
        let detected = format.or_else(|| SourceFormat::detect(sample));
        let plain = match detected {
            Some(SourceFormat::JsonList) => behind_cut_object(plain, &mut self.counts),
            _ => plain,
        };
        self.form = match detected {
            Some(SourceFormat::JsonList) => Form::Json(Box::new(Json::new(self.known.clone()))),
            Some(SourceFormat::CsvList) => Form::CsvList(Box::default()),
            _ => {
                let envelope = Envelope::of(sample);
                let bared =
                    if envelope.is_empty() { sample.to_vec() } else { bared(sample, &envelope) };
                // What stands before each line may hide the format, or look like another one.
                let inner = format.or_else(|| SourceFormat::detect(&bared)).or(detected);
                match inner {
                    None => Form::Foreign(NO_FORMAT),
                    Some(inner) => {
                        Form::Text(Box::new(LogText::new(inner, envelope, &bared, &self.known)))
                    }
                }
            }
        };
        self.read(plain, to);
    }

    fn read(&mut self, chunk: &[u8], to: &mut dyn FnMut(Entry)) {
        let (form, database) = (&mut self.form, self.known.database.as_deref());
        if let Form::Json(json) = form {
            let before = json.objects_seen();
            json.push(chunk, &mut Out { counts: &mut self.counts, database, to });
            self.counts.lines += json.objects_seen() - before;
            return;
        }
        self.lines.push(chunk, &mut self.counts, |line, counts| {
            form.line(line, &mut Out { counts, database, to });
        });
    }
}

/// A source that was cut in the middle of an object, from the next one on.
fn behind_cut_object<'a>(begins: &'a [u8], counts: &mut SourceCounts) -> &'a [u8] {
    let is_whole = matches!(begins.trim_ascii_start().first(), None | Some(b'{' | b'['));
    let next = memchr::memchr(b'\n', begins).map(|end| &begins[end + 1..]);
    match next.filter(|next| !is_whole && next.starts_with(b"{")) {
        Some(next) => {
            counts.malformed += 1;
            next
        }
        None => begins,
    }
}
