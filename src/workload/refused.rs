//! Sources that are no text, and what makes them one.

/// What is wrong with a source that begins so, and what to do; none of one that may be text.
pub(super) fn refused(begins: &[u8]) -> Option<&'static str> {
    let by_mark: &[(&[u8], &str)] = &[
        (b"\x1F\x8B", "compressed with gzip: send it through `gzip -dc FILE`"),
        (b"\x28\xB5\x2F\xFD", "compressed with zstd: send it through `zstd -dc FILE`"),
        (b"\xFD7zXZ\0", "compressed with xz: send it through `xz -dc FILE`"),
        (b"BZh", "compressed with bzip2: send it through `bzip2 -dc FILE`"),
        (b"\x04\x22\x4D\x18", "compressed with lz4: send it through `lz4 -dc FILE`"),
        (b"PK\x03\x04", "a zip archive: send each file of it through `unzip -p FILE NAME`"),
        (b"\xFF\xFE", UTF16),
        (b"\xFE\xFF", UTF16),
    ];
    let marked = by_mark.iter().find(|(mark, _)| begins.starts_with(mark)).map(|(_, why)| *why);
    marked.or_else(|| is_utf16(begins).then_some(UTF16))
}

const UTF16: &str =
    "text as UTF-16, as PowerShell writes it: send it through `iconv -f UTF-16 -t UTF-8 FILE`";

/// Whether every other of the first bytes is zero, as in Latin text without a byte order mark.
fn is_utf16(begins: &[u8]) -> bool {
    let head = &begins[..begins.len().min(64)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    head.len() >= 16 && (zeros(0) * 2 >= head.len() - 2 || zeros(1) * 2 >= head.len() - 2)
}
