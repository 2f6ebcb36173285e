//! Statements out of a source, as its bytes come.

use super::csvlog::Csvlog;
use super::entry::{Counts, Entry};
use super::format::{Format, MARK};
use super::jsonlog::Jsonlog;
use super::lines::{Line, Lines};
use super::list::{CsvList, JsonList};
use super::session::Out;
use super::stderr::Stderr;

/// Reads a source chunk by chunk. Its memory does not grow with the source, and where chunks end does not matter.
pub struct Reader {
    form: Form,
    lines: Lines,
    counts: Counts,
    database: Option<String>,
}

/// What a source is read as.
enum Form {
    /// Nothing yet: its beginning tells, where nobody said.
    Unknown {
        format: Option<Format>,
        begins: Vec<u8>,
    },
    /// Its beginning is of no format: nothing of it is read.
    Foreign,
    Stderr(Box<Stderr>),
    Csvlog(Box<Csvlog>),
    Jsonlog(Box<Jsonlog>),
    CsvList(Box<CsvList>),
    JsonList(Box<JsonList>),
}

impl Form {
    fn of(format: Format) -> Self {
        match format {
            Format::Stderr => Self::Stderr(Box::default()),
            Format::Csvlog => Self::Csvlog(Box::default()),
            Format::Jsonlog => Self::Jsonlog(Box::default()),
            Format::CsvList => Self::CsvList(Box::default()),
            Format::JsonList => Self::JsonList(Box::default()),
        }
    }

    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        match self {
            Self::Stderr(form) => form.line(line, out),
            Self::Csvlog(form) => form.line(line, out),
            Self::Jsonlog(form) => form.line(line, out),
            Self::CsvList(form) => form.line(line, out),
            Self::Unknown { .. } | Self::Foreign | Self::JsonList(_) => {}
        }
    }

    fn end(&mut self, out: &mut Out<'_>) {
        match self {
            Self::Stderr(form) => form.end(out),
            Self::Csvlog(form) => form.end(out),
            Self::Jsonlog(form) => form.end(out),
            Self::CsvList(form) => form.end(out),
            Self::JsonList(form) => form.end(out),
            Self::Unknown { .. } | Self::Foreign => {}
        }
    }
}

/// What is wrong with a source of no format, and what would be one.
pub const NO_FORMAT: &str = "neither a server log nor a list of statements that can be read: CSV with a header that \
                             names `sql`, or JSON with `statements`, each with its `sql`";

/// What a source turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Its format; none where its beginning is of no format, or a list holds no statement that can be read.
    pub format: Option<Format>,
    /// What was read.
    pub counts: Counts,
}

impl Reader {
    /// For a source of this format, or of the one that its beginning tells.
    pub fn new(format: Option<Format>) -> Self {
        Self {
            form: Form::Unknown { format, begins: Vec::new() },
            lines: Lines::default(),
            counts: Counts::default(),
            database: None,
        }
    }

    /// Passes over statements that ran in another database. Where the source does not tell, they are taken.
    #[must_use]
    pub fn of_database(self, name: impl Into<String>) -> Self {
        Self { database: Some(name.into()), ..self }
    }

    /// Reads a further chunk, and hands on the statements that end in it.
    pub fn push(&mut self, chunk: &[u8], mut to: impl FnMut(Entry)) {
        self.counts.bytes += chunk.len() as u64;
        let Form::Unknown { begins, .. } = &mut self.form else {
            return self.read(chunk, &mut to);
        };
        begins.extend_from_slice(chunk);
        if begins.len() >= Format::SAMPLE_BYTES {
            self.settle(&mut to);
        }
    }

    /// Hands on the statements that no further chunk ends.
    pub fn finish(mut self, mut to: impl FnMut(Entry)) -> Read {
        self.settle(&mut to);
        let Self { mut form, mut lines, mut counts, database } = self;
        let database = database.as_deref();
        lines.end(&mut counts, |line, counts| {
            form.line(line, &mut Out { counts, database, to: &mut to });
        });
        form.end(&mut Out { counts: &mut counts, database, to: &mut to });
        // Of a log, lines that are not understood are its own; of a list, they are all there is.
        let holds_none = counts.entries == 0 && counts.elsewhere == 0 && counts.malformed > 0;
        let format = match form {
            Form::Unknown { .. } | Form::Foreign => None,
            Form::CsvList(_) | Form::JsonList(_) if holds_none => None,
            Form::Stderr(_) => Some(Format::Stderr),
            Form::Csvlog(_) => Some(Format::Csvlog),
            Form::Jsonlog(_) => Some(Format::Jsonlog),
            Form::CsvList(_) => Some(Format::CsvList),
            Form::JsonList(_) => Some(Format::JsonList),
        };
        Read { format, counts }
    }

    /// Decides what the source is, and reads its beginning.
    fn settle(&mut self, to: &mut dyn FnMut(Entry)) {
        let Form::Unknown { format, begins } = &mut self.form else { return };
        let begins = std::mem::take(begins);
        let Some(format) = format.or_else(|| Format::detect(&begins)) else {
            self.form = Form::Foreign;
            return;
        };
        self.form = Form::of(format);
        self.read(begins.strip_prefix(MARK).unwrap_or(&begins), to);
    }

    fn read(&mut self, chunk: &[u8], to: &mut dyn FnMut(Entry)) {
        let (form, database) = (&mut self.form, self.database.as_deref());
        if let Form::JsonList(list) = form {
            return list.push(chunk, &mut Out { counts: &mut self.counts, database, to });
        }
        self.lines.push(chunk, &mut self.counts, |line, counts| {
            form.line(line, &mut Out { counts, database, to });
        });
    }
}
