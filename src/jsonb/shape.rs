//! What documents are made of, and not what they say: enough to price them under other keys.

use super::size::{self, ValueExtent, container};

/// Pieces kept at most, of 8 bytes each: a thousand documents of sixty keys.
pub(super) const PIECES_MAX: usize = 131_072;

/// One piece of a document. A value is its size.
#[derive(Debug, Clone, Copy)]
pub(super) enum SizedPiece {
    /// An object begins.
    Object,
    /// An array begins.
    Array,
    /// The present object or array ends.
    End,
    /// A key, by its path.
    Key(u32),
    /// A key that has no path of its own, by its length.
    OtherKey(u32),
    /// A scalar, or what was not looked into, by its size; and whether it starts at a multiple of 4.
    Value(u32, bool),
}

/// The first documents of many, piece by piece, in memory that has a bound.
#[derive(Debug, Default)]
pub(super) struct DocumentPieces {
    pieces: Vec<SizedPiece>,
    /// Which documents these are, and where each begins.
    begins: Vec<(u64, usize)>,
    /// Where the present document begins.
    begun: usize,
    /// Whether there was no room for all.
    full: bool,
}

impl DocumentPieces {
    pub(super) fn begin(&mut self) {
        self.begun = self.pieces.len();
    }

    pub(super) fn push(&mut self, piece: SizedPiece) {
        self.full |= self.pieces.len() >= PIECES_MAX;
        if !self.full {
            self.pieces.push(piece);
        }
    }

    pub(super) fn push_value(&mut self, extent: ValueExtent) {
        // A value is smaller than 1 GB.
        let bytes = u32::try_from(extent.bytes).unwrap_or(u32::MAX);
        self.push(SizedPiece::Value(bytes, extent.aligned));
    }

    /// The present document is the one of that number, or is no document.
    pub(super) fn end(&mut self, document: Option<u64>) {
        match document {
            Some(document) if !self.full => self.begins.push((document, self.begun)),
            _ => self.pieces.truncate(self.begun),
        }
    }

    /// The number of each document, and the bytes it would take uncompressed with these keys.
    pub(super) fn priced(&self, keys: &[&str]) -> Vec<(u64, u64)> {
        let price = |(document, at): &(u64, usize)| {
            let mut reader = PieceReader { pieces: &self.pieces[*at..], keys };
            let scalar = matches!(reader.pieces.first(), Some(SizedPiece::Value(..)));
            let root = reader.value();
            let bytes = if scalar { container(1, 0, &[root]) } else { root.bytes };
            (*document, size::WORD + bytes)
        };
        self.begins.iter().map(price).collect()
    }
}

struct PieceReader<'a> {
    pieces: &'a [SizedPiece],
    /// The key of each path.
    keys: &'a [&'a str],
}

impl PieceReader<'_> {
    fn next(&mut self) -> SizedPiece {
        let (first, rest) = self.pieces.split_first().unwrap_or((&SizedPiece::End, &[]));
        self.pieces = rest;
        *first
    }

    fn value(&mut self) -> ValueExtent {
        match self.next() {
            SizedPiece::Object => ValueExtent { bytes: self.object(), aligned: true },
            SizedPiece::Array => ValueExtent { bytes: self.array(), aligned: true },
            SizedPiece::Value(bytes, aligned) => ValueExtent { bytes: bytes.into(), aligned },
            SizedPiece::End | SizedPiece::Key(_) | SizedPiece::OtherKey(_) => {
                ValueExtent { bytes: 0, aligned: false }
            }
        }
    }

    /// Values stand in the order of their keys, and that is another one under other keys.
    fn object(&mut self) -> u64 {
        let mut fields: Vec<((usize, &str), ValueExtent)> = Vec::new();
        loop {
            let key = match self.next() {
                SizedPiece::Key(path) => self.keys.get(path as usize).copied().unwrap_or_default(),
                SizedPiece::OtherKey(bytes) => {
                    let value = self.value();
                    fields.push(((bytes as usize, ""), value));
                    continue;
                }
                _ => break,
            };
            let value = self.value();
            fields.push(((key.len(), key), value));
        }
        fields.sort_by_key(|(key, _)| *key);
        let bytes = fields.iter().map(|((length, _), _)| *length as u64).sum();
        let values: Vec<ValueExtent> = fields.iter().map(|(_, value)| *value).collect();
        container(2 * values.len() as u64, bytes, &values)
    }

    fn array(&mut self) -> u64 {
        let mut values = Vec::new();
        while !matches!(self.pieces.first(), None | Some(SizedPiece::End)) {
            values.push(self.value());
        }
        self.next();
        container(values.len() as u64, 0, &values)
    }
}
