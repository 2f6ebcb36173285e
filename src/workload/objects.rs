//! Objects of JSON cut out of a stream of bytes, in bounded memory.

use super::lines::{RECORD_BYTES_MAX, Record};

/// Objects of JSON: an array of them, alone or as a member of one; or one object after the other.
///
/// They may be one line of any length, so they are read by byte: each object without another around it but that of the
/// list is kept until its end.
#[derive(Default)]
pub(super) struct Objects {
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

/// Names of members that hold a list: of statements, or of what clouds export of a log.
const LISTS: [&[u8]; 7] = [
    b"\"statements\"",
    b"\"events\"",
    b"\"records\"",
    b"\"entries\"",
    b"\"logEvents\"",
    b"\"logs\"",
    b"\"rows\"",
];

/// Whether an object that begins like this holds the list, and is no element itself.
fn is_list(begun: &[u8]) -> bool {
    let name = begun.trim_ascii_end().strip_suffix(b":").unwrap_or_default().trim_ascii_end();
    LISTS.iter().any(|list| name.ends_with(list))
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

impl Objects {
    /// Further bytes.
    pub(super) fn push(&mut self, chunk: &[u8], mut to: impl FnMut(&[u8], bool)) {
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
                        self.close_object(&mut to);
                    }
                }
                _ => {}
            }
        }
        if self.kept.is_some() {
            self.keep(&chunk[begin..]);
        }
    }

    /// How much is wrong where no byte follows: an object that was not closed, or none at all.
    pub(super) fn end(&self) -> u64 {
        let holds_none = matches!(self.holds, Holds::Nothing | Holds::Strays);
        u64::from(self.kept.is_some() || self.depth > 0 || holds_none)
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

    fn close_object(&mut self, to: &mut impl FnMut(&[u8], bool)) {
        self.holds = Holds::Objects;
        to(&self.object.bytes, self.object.cut_off);
        self.kept = None;
        self.object.bytes.clear();
        self.object.cut_off = false;
    }
}
