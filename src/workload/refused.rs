//! Sources that are no text, and what makes them one.

/// What is wrong with a source that is compressed with gzip and broken.
pub(super) const BROKEN: &str =
    "compressed with gzip, and cannot be decompressed: send the log itself";

/// What is wrong with one of which much more comes out than logs hold.
pub(super) const EXPANDS: &str = "compressed with gzip, and over 200 times as long when decompressed: what is one line again and \
                                  again says nothing more; send a part of it, through `gzip -dc FILE | head -n 1000000`";

/// What a query of Loki answers: its lines are values of arrays.
const LOKI: &str = "the answer of a query of Loki: send its lines, which `jq -r '.data.result[].values[][1]'` prints";

/// What is wrong with a source that begins so, and what to do; none of one that may be text.
pub(super) fn refused(begins: &[u8]) -> Option<&'static str> {
    let by_mark: &[(&[u8], &str)] = &[
        (b"\x28\xB5\x2F\xFD", "compressed with zstd: send it through `zstd -dc FILE`"),
        (b"\xFD7zXZ\0", "compressed with xz: send it through `xz -dc FILE`"),
        (b"BZh", "compressed with bzip2: send it through `bzip2 -dc FILE`"),
        (b"\x04\x22\x4D\x18", "compressed with lz4: send it through `lz4 -dc FILE`"),
        (b"PK\x03\x04", "a zip archive: send each file of it through `unzip -p FILE NAME`"),
    ];
    let marked = by_mark.iter().find(|(mark, _)| begins.starts_with(mark)).map(|(_, why)| *why);
    marked.or_else(|| is_loki(begins).then_some(LOKI))
}

/// Whether an object begins as the answers of Loki do.
fn is_loki(begins: &[u8]) -> bool {
    let head = &begins[..begins.len().min(4096)];
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    head.trim_ascii_start().starts_with(b"{") && has(b"\"resultType\"") && has(b"\"streams\"")
}
