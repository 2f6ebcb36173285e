//! The bytes between a target and the driver: TLS where the DSN asks for it, and a limit on what is taken.
//!
//! The driver keeps a message until it is complete, however long it says it is: a server that is hostile, or that is no
//! PostgreSQL, could fill our memory with one. And it asks the server for each type that it does not know, for the type below
//! that, and so on, one in the other: such a server could end our process by an overflow of its stack.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::types::Type;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::TlsMode;

/// Bytes of one row, or of one row of a COPY. Values may have 1 GB; ours are summaries, and samples wider than this are
/// not worth their memory.
const ROW_BYTES_MAX: usize = 64 << 20;
/// Bytes of any other message: errors, notices, descriptions of rows.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes of all settings that a server reports in one connection. The driver keeps each by its name.
const SETTINGS_BYTES_MAX: usize = 1 << 20;
/// What asks for TLS: its own length, and a number that is no version of the protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
type RustlsHandshake = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

/// What the bytes of one connection have shown.
#[derive(Debug, Default)]
pub(super) struct WireProgress {
    process_id: AtomicI32,
    too_large: AtomicBool,
}

impl WireProgress {
    /// The backend's process, as the server, or a pooler before it, said at login; 0 if it did not.
    pub(super) fn process_id(&self) -> i32 {
        self.process_id.load(Ordering::Relaxed)
    }

    /// Whether the connection ended because a message was larger than we take.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }
}

/// Makes streams with a limit. It asks for TLS itself, so that the driver gets the same type of stream with TLS and
/// without: the driver is set to `sslmode=require`, `sslnegotiation=direct`.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) tls: MakeRustlsConnect,
    pub(super) mode: TlsMode,
    pub(super) seen: Arc<WireProgress>,
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Bounded;
    type TlsConnect = Handshake;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, Self::Error> {
        let tls = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, domain)?;
        Ok(Handshake { tls, mode: self.mode, seen: self.seen.clone() })
    }
}

/// One connection's way to its stream.
pub(super) struct Handshake {
    tls: RustlsHandshake,
    mode: TlsMode,
    seen: Arc<WireProgress>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Bounded;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Bounded, Self::Error>>;

    fn connect(self, socket: Socket) -> Self::Future {
        async move {
            let carrier = match self.mode {
                TlsMode::Disable => Carrier::Plain(socket),
                mode => encrypted(socket, self.tls, mode).await?,
            };
            Ok(Bounded { carrier, frames: Frames::new(self.seen) })
        }
        .boxed()
    }
}

async fn encrypted(
    mut socket: Socket,
    tls: RustlsHandshake,
    mode: TlsMode,
) -> Result<Carrier, Box<dyn std::error::Error + Send + Sync>> {
    let mut reply = [0];
    let exchange = async {
        socket.write_all(&TLS_REQUEST).await?;
        socket.read_exact(&mut reply).await
    };
    exchange.await.map_err(TlsUnanswered)?;
    match (reply[0], mode) {
        (b'S', _) => Ok(Carrier::Tls(Box::new(tls.connect(socket).await?))),
        (_, TlsMode::Disable | TlsMode::Prefer) => Ok(Carrier::Plain(socket)),
        _ => Err("the server does not support TLS".into()),
    }
}

/// The connection ended before the server said whether it supports TLS: no fault of TLS.
#[derive(Debug, thiserror::Error)]
#[error("the server did not say whether it supports TLS")]
pub(super) struct TlsUnanswered(#[source] io::Error);

enum Carrier {
    Plain(Socket),
    Tls(Box<Rustls>),
}

/// A stream that ends with an error at a message that is too large.
pub(super) struct Bounded {
    carrier: Carrier,
    frames: Frames,
}

impl TlsStream for Bounded {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.carrier {
            Carrier::Plain(_) => ChannelBinding::none(),
            Carrier::Tls(tls) => tls.channel_binding(),
        }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Carrier::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buffer),
        })?;
        Poll::Ready(self.frames.take(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Carrier::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Carrier::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Carrier::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}

/// Follows the messages that pass by: a byte that names the kind, a length that counts itself, a body.
struct Frames {
    seen: Arc<WireProgress>,
    /// What has come of the header.
    header: [u8; 5],
    header_length: usize,
    /// What has come of the process in a body that names it.
    process_id: Option<Vec<u8>>,
    /// What has come of a body that describes columns.
    columns: Option<Vec<u8>>,
    /// Bytes of the body that are still to come.
    body_left: usize,
    settings_bytes: usize,
}

impl Frames {
    fn new(seen: Arc<WireProgress>) -> Self {
        Self {
            seen,
            header: [0; 5],
            header_length: 0,
            process_id: None,
            columns: None,
            body_left: 0,
            settings_bytes: 0,
        }
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let (body, rest) = bytes.split_at(bytes.len().min(self.body_left));
                self.body_left -= body.len();
                self.note_process(body);
                self.note_columns(body)?;
                bytes = rest;
                continue;
            }
            let missing = self.header.len() - self.header_length;
            let (header, rest) = bytes.split_at(bytes.len().min(missing));
            self.header[self.header_length..][..header.len()].copy_from_slice(header);
            self.header_length += header.len();
            bytes = rest;
            if self.header_length == self.header.len() {
                self.header_length = 0;
                self.begin()?;
            }
        }
        Ok(())
    }

    /// The header is complete.
    fn begin(&mut self) -> io::Result<()> {
        let [kind, length @ ..] = self.header;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let most = match kind {
            b'D' | b'd' => ROW_BYTES_MAX,
            b'S' => {
                self.settings_bytes = self.settings_bytes.saturating_add(length);
                SETTINGS_BYTES_MAX.saturating_sub(self.settings_bytes - length)
            }
            _ => MESSAGE_BYTES_MAX,
        };
        if length > most {
            self.seen.too_large.store(true, Ordering::Relaxed);
            return Err(io::Error::other("a message of the server is larger than is taken"));
        }
        // A length below that of itself is refused by the driver.
        self.body_left = length.saturating_sub(4);
        self.process_id = (kind == b'K').then(Vec::new);
        self.columns = (kind == b'T').then(Vec::new);
        Ok(())
    }

    /// All that we ask for is of types that the driver knows.
    fn note_columns(&mut self, body: &[u8]) -> io::Result<()> {
        let Some(bytes) = &mut self.columns else { return Ok(()) };
        bytes.extend_from_slice(body);
        if self.body_left > 0 {
            return Ok(());
        }
        let bytes = self.columns.take().unwrap_or_default();
        let is_known = |oid: &u32| Type::from_oid(*oid).is_some();
        if types(&bytes).iter().all(is_known) {
            return Ok(());
        }
        Err(io::Error::other("the server describes a column of an unexpected type"))
    }

    fn note_process(&mut self, body: &[u8]) {
        let Some(bytes) = &mut self.process_id else { return };
        bytes.extend_from_slice(&body[..body.len().min(4 - bytes.len())]);
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes.as_slice()) {
            self.seen.process_id.store(i32::from_be_bytes(bytes), Ordering::Relaxed);
            self.process_id = None;
        }
    }
}

/// The types of the columns that a body describes, as far as it is whole.
fn types(body: &[u8]) -> Vec<u32> {
    let mut types = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        // Behind the name: its table, its number there, its type, the length, modifier and format of that.
        let Some(column) = rest.get(end + 1..end + 19) else { break };
        types.push(u32::from_be_bytes([column[6], column[7], column[8], column[9]]));
        rest = &rest[end + 19..];
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    fn header(kind: u8, bytes: usize) -> Vec<u8> {
        [&[kind], u32::try_from(bytes).unwrap().to_be_bytes().as_slice()].concat()
    }

    #[test]
    fn messages_are_followed_however_they_are_cut() {
        let login = [
            message(b'R', &[0; 4]),
            message(b'S', b"server_version\x0018.1\0"),
            message(b'K', &[0, 0, 4, 210, 9, 9, 9, 9]),
            message(b'Z', b"I"),
        ]
        .concat();
        for length in 1..login.len() {
            let mut frames = Frames::new(Arc::default());
            for part in login.chunks(length) {
                frames.take(part).unwrap();
            }
            assert_eq!(frames.seen.process_id(), 1234, "in pieces of {length} bytes");
            assert_eq!((frames.header_length, frames.body_left), (0, 0));
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_by_its_header() {
        for (kind, bytes, taken) in [
            (b'D', ROW_BYTES_MAX, true),
            (b'D', ROW_BYTES_MAX + 1, false),
            (b'E', MESSAGE_BYTES_MAX, true),
            (b'E', MESSAGE_BYTES_MAX + 1, false),
            (b'N', 2_000_000_000, false),
            (b'T', u32::MAX as usize, false),
        ] {
            let mut frames = Frames::new(Arc::default());
            assert_eq!(frames.take(&header(kind, bytes)).is_ok(), taken, "{kind} {bytes}");
            assert_eq!(frames.seen.is_too_large(), !taken);
        }
    }

    #[test]
    fn columns_of_types_that_the_driver_would_ask_for_are_refused_however_they_are_cut() {
        let column =
            |name: &str, oid: u32| [name.as_bytes(), &[0; 7], &oid.to_be_bytes(), &[0; 8]].concat();
        let describing = |columns: &[Vec<u8>]| {
            let count = u16::try_from(columns.len()).unwrap().to_be_bytes();
            message(b'T', &[count.as_slice(), &columns.concat()].concat())
        };
        for (columns, taken) in [
            (vec![column("a", 25), column("b", 2278)], true),
            (vec![], true),
            (vec![column("a", 25), column("b", 99_999)], false),
            (vec![column("", 0x7fff_ffff)], false),
        ] {
            let sent = [describing(&columns), message(b'Z', b"T")].concat();
            for length in 1..=sent.len() {
                let mut frames = Frames::new(Arc::default());
                let all = sent.chunks(length).try_for_each(|part| frames.take(part));
                assert_eq!(all.is_ok(), taken, "{columns:?} in pieces of {length} bytes");
            }
        }
        assert_eq!(types(b"\0\x01a\0\0\0"), [0; 0], "half a column");
    }

    #[test]
    fn settings_are_counted_together() {
        let setting = message(b'S', &[b'x'; 1020]);
        let mut frames = Frames::new(Arc::default());
        let taken = (0..2000).take_while(|_| frames.take(&setting).is_ok()).count();
        assert_eq!(taken, SETTINGS_BYTES_MAX / 1024);
    }
}
