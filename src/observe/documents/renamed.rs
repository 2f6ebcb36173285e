//! What the documents of a sample would take under shorter keys.

use crate::jsonb::{DocumentCounts, Renamed};
use crate::model::observation::RenamedDocuments;

/// A row is compressed where it is longer than 2032 bytes, and its header takes 24 of these: a document shorter than
/// that may be compressed for what stands beside it, but need not be.
const COMPRESSED_FROM_BYTES: u64 = 2000;
/// A value of at most 126 bytes behind its length word is stored behind one byte in its place.
const SHORT_BYTES_MAX: u64 = 130;
/// What that saves.
const SHORT_SAVES: u64 = 3;

/// Rows end at a multiple of this.
const ROW_STEP_BYTES: i64 = 8;

/// How a document is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredDocument {
    pub(super) bytes: u64,
    pub(super) compressed: bool,
}

/// What was counted, under a code for each long key.
pub(super) fn renamed(counts: &DocumentCounts, stored: &[StoredDocument]) -> RenamedDocuments {
    let codes = counts.dictionary();
    let priced = counts.renamed(&codes);
    let mut all = RenamedDocuments { codes, ..RenamedDocuments::default() };
    for document in priced {
        let position = usize::try_from(document.position).unwrap_or(usize::MAX);
        let Some(stored) = stored.get(position) else { continue };
        all.documents += 1;
        all.stored_bytes += stored.bytes;
        all.uncompressed_bytes += document.bytes;
        all.renamed_uncompressed_bytes += document.renamed_bytes;
        let renamed_stored_bytes = then(*stored, document);
        all.renamed_stored_bytes += renamed_stored_bytes;
        all.saved_bytes += saved(stored.bytes, renamed_stored_bytes);
        all.compressed += u64::from(stored.compressed);
        all.no_longer_compressed +=
            u64::from(stored.compressed && document.renamed_bytes < COMPRESSED_FROM_BYTES);
    }
    all
}

/// In whole steps of a row, whatever stands beside the document.
fn saved(before: u64, after: u64) -> i64 {
    let saved = before.cast_signed() - after.cast_signed();
    saved.div_euclid(ROW_STEP_BYTES) * ROW_STEP_BYTES
}

/// Bytes of the document as it would be stored.
fn then(stored: StoredDocument, document: Renamed) -> u64 {
    let short = |bytes: u64| if bytes <= SHORT_BYTES_MAX { bytes - SHORT_SAVES } else { bytes };
    if !stored.compressed {
        // Out of line its length word is left out, and in a column that is PLAIN it is never short.
        let left_out = document.bytes.saturating_sub(stored.bytes);
        let is_short = document.bytes <= SHORT_BYTES_MAX;
        return match left_out {
            0 if is_short => document.renamed_bytes,
            _ if is_short => short(document.renamed_bytes),
            0 => short(document.renamed_bytes),
            out_of_line => document.renamed_bytes.saturating_sub(out_of_line),
        };
    }
    if document.renamed_bytes < COMPRESSED_FROM_BYTES {
        short(document.renamed_bytes)
    } else {
        stored.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(document: &str, stored: StoredDocument) -> RenamedDocuments {
        let mut counts = DocumentCounts::default();
        counts.add(document);
        renamed(&counts, &[stored])
    }

    #[test]
    fn a_document_that_is_not_compressed_is_priced_to_the_byte() {
        let plain = |bytes| StoredDocument { bytes, compressed: false };
        let all = counted(r#"{"timestamp": 123}"#, plain(33));
        assert_eq!((all.uncompressed_bytes, all.renamed_uncompressed_bytes), (36, 28));
        assert_eq!((all.stored_bytes, all.renamed_stored_bytes, all.saved_bytes), (33, 25, 8));
        let all = counted(r#"{"stamp": "abc"}"#, plain(21));
        assert_eq!((all.renamed_stored_bytes, all.saved_bytes), (19, 0));
        assert_eq!(counted(r#"{"timestamp": 123}"#, plain(36)).renamed_stored_bytes, 28);
    }

    #[test]
    fn a_compressed_document_saves_nothing_that_is_known_and_may_grow() {
        let values: Vec<String> = (0..40)
            .map(|n| format!("\"key_of_the_document_{n}\": \"{}\"", "x".repeat(50)))
            .collect();
        let long = format!("{{{}}}", values.join(", "));
        let compressed = StoredDocument { bytes: 300, compressed: true };
        let all = counted(&long, compressed);
        assert!(all.renamed_stored_bytes == 300 && all.no_longer_compressed == 0, "{all:?}");
        let values = values[..30].join(", ");
        let all = counted(&format!("{{{values}}}"), compressed);
        assert!(all.renamed_stored_bytes > 1500 && all.no_longer_compressed == 1, "{all:?}");
    }
}
