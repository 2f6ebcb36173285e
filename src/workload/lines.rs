//! Chunks of bytes cut into lines, in bounded memory.

use super::entry::SourceCounts;

/// The longest line, and the longest record of several lines, whose end is read: a statement of the longest length that
/// is read, each of its characters escaped.
pub(super) const RECORD_BYTES_MAX: usize = 4 * crate::sql::TEXT_BYTES_MAX;

/// One line, without what ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLine<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether its end is missing, for it is too long.
    pub(super) cut_off: bool,
    /// Whether the end that is missing holds an odd number of quotes.
    odd_quotes_lost: bool,
}

impl<'a> LogLine<'a> {
    /// All of a line, or its beginning.
    pub(super) fn of(bytes: &'a [u8], cut_off: bool) -> Self {
        Self { bytes, cut_off, odd_quotes_lost: false }
    }

    /// The same line with other bytes, of which the end is missing where it was.
    pub(super) fn with(self, bytes: &[u8]) -> LogLine<'_> {
        LogLine { bytes, cut_off: self.cut_off, odd_quotes_lost: self.odd_quotes_lost }
    }

    /// Whether it holds an odd number of quotes, so that a quoted field ends or begins in it.
    pub(super) fn has_odd_quotes(&self) -> bool {
        has_odd_quotes(self.bytes) ^ self.odd_quotes_lost
    }
}

fn has_odd_quotes(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'"', bytes).count() % 2 == 1
}

/// A line that has begun.
#[derive(Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    cut_off: bool,
    odd_quotes_lost: bool,
}

impl Lines {
    /// The lines that end in this chunk.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        counts: &mut SourceCounts,
        mut to: impl FnMut(LogLine<'_>, &mut SourceCounts),
    ) {
        let mut at = 0;
        for newline in memchr::memchr_iter(b'\n', chunk) {
            let piece = &chunk[at..newline];
            at = newline + 1;
            counts.lines += 1;
            if self.begun.is_empty() && piece.len() <= RECORD_BYTES_MAX {
                let bytes = unended(piece);
                to(LogLine { bytes, cut_off: false, odd_quotes_lost: false }, counts);
                continue;
            }
            self.append(piece);
            to(self.line(), counts);
            self.clear();
        }
        self.append(&chunk[at..]);
    }

    /// The line that no newline ends.
    pub(super) fn end(
        &mut self,
        counts: &mut SourceCounts,
        to: impl FnOnce(LogLine<'_>, &mut SourceCounts),
    ) {
        if !self.begun.is_empty() {
            counts.lines += 1;
            to(self.line(), counts);
            self.clear();
        }
    }

    fn line(&self) -> LogLine<'_> {
        let bytes = unended(&self.begun);
        LogLine { bytes, cut_off: self.cut_off, odd_quotes_lost: self.odd_quotes_lost }
    }

    fn clear(&mut self) {
        self.begun.clear();
        (self.cut_off, self.odd_quotes_lost) = (false, false);
    }

    fn append(&mut self, piece: &[u8]) {
        let room = RECORD_BYTES_MAX.saturating_sub(self.begun.len());
        let (kept, lost) = piece.split_at(piece.len().min(room));
        self.begun.extend_from_slice(kept);
        self.cut_off |= !lost.is_empty();
        self.odd_quotes_lost ^= has_odd_quotes(lost);
    }
}

/// Without the carriage return of a line that Windows ended.
fn unended(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A record of several lines that has begun.
#[derive(Default)]
pub(super) struct Record {
    pub(super) bytes: Vec<u8>,
    pub(super) cut_off: bool,
}

impl Record {
    /// Begin again with this line.
    pub(super) fn begin(&mut self, line: LogLine<'_>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(line.bytes);
        self.cut_off = line.cut_off;
    }

    /// A further line.
    pub(super) fn add(&mut self, line: &[u8], cut_off: bool) {
        if self.bytes.len() < RECORD_BYTES_MAX {
            self.bytes.push(b'\n');
        }
        self.append(line, cut_off);
    }

    /// More of the same line.
    pub(super) fn append(&mut self, piece: &[u8], cut_off: bool) {
        let room = RECORD_BYTES_MAX.saturating_sub(self.bytes.len());
        self.cut_off |= cut_off || piece.len() > room;
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}
