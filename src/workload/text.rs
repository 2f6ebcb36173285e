//! A source as lines: what carriers put before them is taken off, and what is left is a log in one of its formats.

use std::collections::BTreeMap;

use super::csvlog::Csvlog;
use super::envelope::{Bare, Envelope, LinePart};
use super::format::SourceFormat;
use super::json::{Json, ObjectKind};
use super::jsonlog::Jsonlog;
use super::lines::{LogLine, RECORD_BYTES_MAX};
use super::reader::KnownSource;
use super::session::Out;
use super::stderr::{From, Stderr};

/// Streams that may have an unfinished line at most.
const STREAMS_MAX: usize = 256;

/// A log as lines.
pub(super) struct LogText {
    envelope: Envelope,
    log: ServerLog,
    /// Lines whose end comes with the next one of their stream.
    begun: BTreeMap<u64, Vec<u8>>,
    /// Where the last line came from, for those that a carrier left as they are.
    last: From,
    /// How long was what the carrier put before that.
    head_length: usize,
}

enum ServerLog {
    Stderr(Box<Stderr>),
    Csvlog(Box<Csvlog>),
    Jsonlog(Box<Jsonlog>),
    Json(Box<Json>),
}

/// The lines of a beginning without what carriers put before them.
pub(super) fn bared(begins: &[u8], envelope: &Envelope) -> Vec<u8> {
    let mut bared = Vec::with_capacity(begins.len());
    for line in begins.split(|byte| *byte == b'\n') {
        if let Some(bare) = envelope.strip(line.strip_suffix(b"\r").unwrap_or(line)) {
            bared.extend_from_slice(&bare.bytes);
            bared.push(b'\n');
        }
    }
    bared
}

impl LogText {
    /// A log of that format which begins so, once without its envelope.
    pub(super) fn new(
        format: SourceFormat,
        envelope: Envelope,
        begins: &[u8],
        known: &KnownSource,
    ) -> Self {
        let log = match format {
            SourceFormat::Csvlog => ServerLog::Csvlog(Box::default()),
            SourceFormat::Jsonlog => ServerLog::Jsonlog(Box::default()),
            SourceFormat::JsonList => ServerLog::Json(Box::new(Json::new(known.clone()))),
            SourceFormat::Stderr | SourceFormat::CsvList => {
                ServerLog::Stderr(Box::new(Stderr::new(begins, known)))
            }
        };
        Self { envelope, log, begun: BTreeMap::new(), last: From::default(), head_length: 0 }
    }

    /// A further line.
    pub(super) fn line(&mut self, line: LogLine<'_>, out: &mut Out<'_>) {
        if self.envelope.is_empty() {
            return self.log.line(line, From::default(), out);
        }
        match self.envelope.strip(line.bytes) {
            Some(bare) => self.bare(&bare, line, out),
            None if line.bytes.is_empty() => {}
            // A journal prints the further lines of a message below its first one, as far from the margin.
            None if line.bytes[0].is_ascii_whitespace() => {
                let indent = line.bytes.iter().take_while(|byte| **byte == b' ').count();
                let rest = &line.bytes[indent.min(self.head_length)..];
                let continued = [b"\t", rest.strip_prefix(b"\t").unwrap_or(rest)].concat();
                self.log.line(line.with(&continued), self.last, out);
            }
            None => out.counts.malformed += 1,
        }
    }

    fn bare(&mut self, bare: &Bare<'_>, line: LogLine<'_>, out: &mut Out<'_>) {
        let from = From {
            stream: bare.stream,
            session: bare.session,
            is_further: bare.part == LinePart::Further,
        };
        self.last = From { is_further: false, ..from };
        self.head_length = line.bytes.len().saturating_sub(bare.bytes.len());
        if bare.part == LinePart::Begun || !self.begun.is_empty() {
            let room = self.begun.len() < STREAMS_MAX || self.begun.contains_key(&bare.stream);
            let mut begun = self.begun.remove(&bare.stream).unwrap_or_default();
            begun.extend_from_slice(&bare.bytes);
            if bare.part == LinePart::Begun && room && begun.len() < RECORD_BYTES_MAX {
                self.begun.insert(bare.stream, begun);
                return;
            }
            return self.lines(line.with(&begun), from, out);
        }
        self.lines(line.with(&bare.bytes), from, out);
    }

    /// One line, or several that a carrier has put into one.
    fn lines(&mut self, line: LogLine<'_>, from: From, out: &mut Out<'_>) {
        for bytes in line.bytes.split(|byte| *byte == b'\n') {
            self.log.line(line.with(bytes), from, out);
        }
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) -> SourceFormat {
        for (stream, begun) in std::mem::take(&mut self.begun) {
            self.lines(LogLine::of(&begun, true), From { stream, ..From::default() }, out);
        }
        match &mut self.log {
            ServerLog::Stderr(log) => {
                log.end(out);
                SourceFormat::Stderr
            }
            ServerLog::Csvlog(log) => {
                log.end(out);
                SourceFormat::Csvlog
            }
            ServerLog::Jsonlog(log) => {
                log.end(out);
                SourceFormat::Jsonlog
            }
            ServerLog::Json(log) => match log.end(out) {
                ObjectKind::List => SourceFormat::JsonList,
                ObjectKind::Messages => SourceFormat::Jsonlog,
                ObjectKind::Lines(read) => read.format.unwrap_or(SourceFormat::JsonList),
            },
        }
    }
}

impl ServerLog {
    fn line(&mut self, line: LogLine<'_>, from: From, out: &mut Out<'_>) {
        match self {
            Self::Stderr(log) => log.line(line, from, out),
            Self::Csvlog(log) => log.line(line, out),
            Self::Jsonlog(log) => log.line(line, out),
            Self::Json(log) => {
                log.push(line.bytes, out);
                log.push(b"\n", out);
            }
        }
    }
}
