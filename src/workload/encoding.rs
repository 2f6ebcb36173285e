//! A source as UTF-8, whatever it was sent as: compressed with gzip, as files of logs that were rotated, or as UTF-16, which
//! `PowerShell` writes.

use std::io::Write as _;

use flate2::write::MultiGzDecoder;

/// Bytes decoded at once at most: a few of them may expand a thousandfold.
const PIECE_BYTES: usize = 4 * 1024;

/// How a source is encoded.
pub(super) enum Encoding {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Utf16(Utf16),
    /// Nothing of it can be decoded any more.
    Broken,
}

/// Text as UTF-16, of which units are left that are not complete.
pub(super) struct Utf16 {
    big_endian: bool,
    left: Vec<u8>,
}

impl Encoding {
    /// Bytes that decide it.
    pub(super) const BEGIN_BYTES: usize = 64;

    /// The encoding of what begins so.
    pub(super) fn of(begins: &[u8]) -> Self {
        let utf16 = |big_endian| Self::Utf16(Utf16 { big_endian, left: Vec::new() });
        match begins {
            [0x1F, 0x8B, ..] => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            [0xFF, 0xFE, ..] => utf16(false),
            [0xFE, 0xFF, ..] => utf16(true),
            _ => is_utf16(begins).map_or(Self::Plain, utf16),
        }
    }

    /// Hands on a chunk as UTF-8, piece by piece, each with how many bytes it was; as long as the taker goes on. Returns false
    /// where it does not, or where the chunk cannot be decoded.
    pub(super) fn decode(
        &mut self,
        chunk: &[u8],
        mut to: impl FnMut(usize, &[u8]) -> bool,
    ) -> bool {
        match self {
            Self::Plain => to(chunk.len(), chunk),
            Self::Gzip(decoder) => chunk.chunks(PIECE_BYTES).all(|piece| {
                let is_whole = decoder.write_all(piece).is_ok();
                to(piece.len(), &std::mem::take(decoder.get_mut())) && is_whole
            }),
            Self::Utf16(utf16) => to(chunk.len(), utf16.decode(chunk).as_bytes()),
            Self::Broken => true,
        }
    }

    /// Hands on what is left. Returns false where its end is missing.
    pub(super) fn end(self, mut to: impl FnMut(&[u8])) -> bool {
        match self {
            Self::Plain | Self::Broken => true,
            Self::Gzip(mut decoder) => {
                let is_whole = decoder.try_finish().is_ok();
                to(decoder.get_ref());
                is_whole
            }
            Self::Utf16(utf16) => utf16.left.is_empty(),
        }
    }
}

impl Utf16 {
    fn decode(&mut self, chunk: &[u8]) -> String {
        self.left.extend_from_slice(chunk);
        let from_bytes = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let unit = |pair: &[u8]| from_bytes([pair[0], pair[1]]);
        let mut units: Vec<u16> = self.left.chunks_exact(2).map(unit).collect();
        // The first half of a character waits for the second one.
        if units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            units.pop();
        }
        self.left.drain(..units.len() * 2);
        String::from_utf16_lossy(&units)
    }
}

/// Whether every other of the first bytes is zero, as in Latin text without a byte order mark, and whether the first of a
/// pair is.
fn is_utf16(begins: &[u8]) -> Option<bool> {
    let head = &begins[..begins.len().min(Encoding::BEGIN_BYTES)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let is_most = |from: usize| head.len() >= 16 && zeros(from) * 2 >= head.len() - 2;
    if is_most(0) { Some(true) } else { is_most(1).then_some(false) }
}
