//! Fields of a record of CSV.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Fields distinguished at most; a record of a log has at most 26.
const FIELDS_MAX: usize = 256;

/// The fields of a record, unquoted. Its memory serves the next one.
#[derive(Default)]
pub(super) struct RecordFields {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// By which byte fields are separated, and what reads them.
    reader: Option<(u8, Box<Reader>)>,
    count: usize,
}

impl RecordFields {
    /// Read a record. One with too many fields has none.
    pub(super) fn read(&mut self, record: &[u8], separator: u8) {
        let reader = match &mut self.reader {
            Some((known, reader)) if *known == separator => reader,
            reader => {
                let built = ReaderBuilder::new().delimiter(separator).build();
                &mut reader.insert((separator, Box::new(built))).1
            }
        };
        reader.reset();
        self.bytes.resize(self.bytes.len().max(record.len() + 1), 0);
        self.ends.resize(FIELDS_MAX, 0);
        let (result, read, wrote, mut fields) =
            reader.read_record(record, &mut self.bytes, &mut self.ends);
        self.count = match result {
            ReadRecordResult::Record => fields,
            ReadRecordResult::InputEmpty => {
                // Nothing more comes, which ends the last field.
                let (result, _, _, last) = reader.read_record(
                    &record[read..],
                    &mut self.bytes[wrote..],
                    &mut self.ends[fields..],
                );
                fields += last;
                if matches!(result, ReadRecordResult::Record) { fields } else { 0 }
            }
            _ => 0,
        };
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The bytes of a field; none of one that is not there.
    pub(super) fn get(&self, field: usize) -> &[u8] {
        if field >= self.count {
            return &[];
        }
        let begin = field.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(begin..self.ends[field]).unwrap_or_default()
    }

    /// A field as text.
    pub(super) fn text(&self, field: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.get(field))
    }
}
