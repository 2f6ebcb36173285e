//! Bodies compressed once for all who ask for that: doing it for each would cost ten times the answer.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter ones are not worth it: they fit a packet as they are.
const BYTES_MIN: usize = 1024;

/// The compressed form of one body, made when first asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gzip {
    made: Arc<OnceLock<Option<Bytes>>>,
}

impl Gzip {
    /// `body` compressed, where that is worth it. Always the same body: the one it belongs to.
    pub fn of(&self, body: &[u8]) -> Option<Bytes> {
        self.made.get_or_init(|| compressed(body)).clone()
    }
}

fn compressed(body: &[u8]) -> Option<Bytes> {
    if body.len() < BYTES_MIN {
        return None;
    }
    let room = Vec::with_capacity(body.len() / 4);
    let mut encoder = GzEncoder::new(room, Compression::default());
    encoder.write_all(body).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < body.len()).then(|| compressed.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_body_is_compressed_once_and_read_back_whole() {
        let body = "analysis ".repeat(500);
        let gzip = Gzip::default();
        let compressed = gzip.of(body.as_bytes()).unwrap();
        assert_eq!(gzip.clone().of(body.as_bytes()).unwrap().as_ptr(), compressed.as_ptr());
        let mut read = String::new();
        GzDecoder::new(&compressed[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, body);
    }

    #[test]
    fn a_short_body_is_sent_as_it_is() {
        assert_eq!(Gzip::default().of(b"{}"), None);
    }
}
