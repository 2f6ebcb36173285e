//! Arbitrary bytes, and chunks that end anywhere.

use std::io::Write as _;

use proptest::prelude::*;

use super::super::shape::shape;
use super::super::tokens::tokens;
use super::*;

const FORMATS: [Option<SourceFormat>; 6] = [
    None,
    Some(SourceFormat::Stderr),
    Some(SourceFormat::Csvlog),
    Some(SourceFormat::Jsonlog),
    Some(SourceFormat::CsvList),
    Some(SourceFormat::JsonList),
];

/// Pieces of every format.
const PIECES: &[&str] = &[
    "2026-11-25 00:44:19.973 UTC [11306] LOG:  ",
    "LOG:  ",
    "DETAIL:  ",
    "duration: 0.123 ms",
    "  statement: ",
    "  execute a: ",
    "  plan:\n",
    "\tQuery Text: ",
    "select data ->> $1",
    "$1 = 'a'",
    "\n",
    "\r\n",
    "\t",
    "\"",
    ",",
    "2026-11-25 00:44:19.973 UTC,\"a\",\"b\",1,\"c\",6b.2c,1,\"d\",x,1/2,0,LOG,00000,\"duration: 1.000 ms  statement: select 1\",,,,,,,,,\"\",\"\",,0\n",
    "2026-11-25 00:44:19.973 UTC,\"a\",\"b\",1,\"c\",6b.2c,1,\"d\",x,1/2,0,LOG,00000,\"",
    "{\"timestamp\":\"x\",\"error_severity\":\"LOG\",\"message\":\"duration: 1.000 ms  statement: select 1\"}\n",
    "{\"statements\":[",
    "{\"sql\":\"select 1\",\"calls\":2}",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "sql,calls\n",
    "\u{FEFF}",
    "é",
    "'",
    "\0",
];

fn source() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..40);
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        3 => pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        1 => noise,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn where_chunks_end_does_not_matter(
        source in source(),
        format in proptest::sample::select(&FORMATS[..]),
        chunk in 1..60_usize,
    ) {
        let whole = read_in_chunks(&source, format, usize::MAX);
        prop_assert_eq!(&read_in_chunks(&source, format, chunk), &whole);
        prop_assert_eq!(whole.1.counts.entries, whole.0.len() as u64);
        prop_assert_eq!(whole.1.counts.bytes, source.len() as u64);
    }

    #[test]
    fn whatever_is_read_is_understood_or_counted(source in source()) {
        let catalog = catalog();
        let mut book = Bookkeeper::new(&catalog);
        let (entries, _) = read(&source);
        for entry in &entries {
            book.add(StatementSource::Log, entry);
        }
        prop_assert_eq!(book.ledger().total_coverage().all.entries, entries.len() as u64);
    }

    #[test]
    fn tokens_are_pieces_of_the_text_in_their_order(text in ".{0,200}") {
        let mut end = 0;
        for token in tokens(&text) {
            prop_assert!(token.start >= end && token.end > token.start);
            prop_assert!(text.get(token.start..token.end).is_some());
            end = token.end;
        }
        let _ = shape(&text);
    }

    #[test]
    fn lines_that_are_no_messages_are_counted(lines in proptest::collection::vec("[a-z ]{1,20}", 0..20)) {
        let log = format!("LOG:  duration: 1.000 ms  statement: select 1\n{}", lines.join("\n"));
        let (entries, read) = read_in_chunks(log.as_bytes(), Some(SourceFormat::Stderr), 7);
        prop_assert_eq!((entries.len(), read.counts.malformed), (1, lines.len() as u64));
    }
}

#[test]
fn what_expands_a_thousandfold_is_refused_before_it_is_read_to_its_end() {
    let gzip = |plain: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    let line =
        b"2026-11-25 00:44:19.973 UTC [11306] LOG:  duration: 0.123 ms  statement: select 1\n";
    let (begins, more) = (gzip(line), gzip(&vec![b'a'; 1 << 20]));
    let read = |times: usize| {
        let mut reader = SourceReader::new(None);
        for part in std::iter::once(&begins).chain(std::iter::repeat_n(&more, times)) {
            reader.push(part, |_| {});
        }
        reader.finish(|_| {})
    };
    let of_few = read(3);
    assert_eq!((of_few.format, of_few.counts.entries), (Some(SourceFormat::Stderr), 1));
    let of_many = read(70);
    assert_eq!(of_many.format, None);
    assert!(of_many.refused.is_some_and(|why| why.contains("200 times")), "{of_many:?}");
    // What follows is not read.
    assert_eq!(read(90).counts.lines, of_many.counts.lines);
}
