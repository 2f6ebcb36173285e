//! Connections on which nothing is asked, or nothing but the beginning of a request. Each takes one of the files of the
//! process: who opens many and asks nothing would keep all others out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long a connection may ask nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silences {
    /// Until the head of its first request is complete; at most twice as long until that of a later one is.
    pub(super) first: Duration,
    /// After it was answered.
    pub(super) later: Duration,
}

impl Default for Silences {
    /// Between requests a little longer than proxies keep their connections.
    fn default() -> Self {
        Self { first: Duration::from_secs(15), later: Duration::from_secs(75) }
    }
}

/// Requests on a connection: how many there were, and since when there is none.
#[derive(Debug, Default)]
pub(super) struct ConnectionActivity {
    so_far: AtomicU64,
    in_flight: AtomicU64,
    /// Whether something came since the last request, and no whole head yet.
    is_begun: AtomicBool,
}

/// What a look at a connection shows.
#[derive(Debug, Clone, Copy)]
struct ActivitySnapshot {
    so_far: u64,
    is_answering: bool,
    is_begun: bool,
}

impl ConnectionActivity {
    /// Resolves when the connection has been silent for too long.
    ///
    /// A look now and then shows it: a timer for each request would cost what a cached answer can feel.
    pub(super) async fn falls_silent(&self, Silences { first, later }: Silences) {
        sleep(first).await;
        let mut before = self.look();
        if before.so_far == 0 {
            return;
        }
        let mut silent = Duration::ZERO;
        loop {
            sleep(first).await;
            let now = self.look();
            let is_silent = now.so_far == before.so_far && !now.is_answering;
            silent = if is_silent { silent + first } else { Duration::ZERO };
            if silent >= later || is_silent && before.is_begun && now.is_begun {
                return;
            }
            before = now;
        }
    }

    fn look(&self) -> ActivitySnapshot {
        ActivitySnapshot {
            so_far: self.so_far.load(Ordering::Relaxed),
            is_answering: self.in_flight.load(Ordering::Relaxed) > 0,
            is_begun: self.is_begun.load(Ordering::Relaxed),
        }
    }

    fn hears(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0 {
            self.is_begun.store(true, Ordering::Relaxed);
        }
    }
}

/// A request that is not answered yet, or given up.
pub(super) struct InFlight(Arc<ConnectionActivity>);

impl InFlight {
    pub(super) fn begin(activity: &Arc<ConnectionActivity>) -> Self {
        activity.so_far.fetch_add(1, Ordering::Relaxed);
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        activity.is_begun.store(false, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }

    pub(super) async fn until<T>(self, answer: impl Future<Output = T>) -> T {
        answer.await
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stream of a connection, which notes that something came.
pub(super) struct TimedStream {
    stream: TcpStream,
    activity: Arc<ConnectionActivity>,
    /// Of HTTP/2, where frames come that begin no request. Known from the first bytes.
    is_multiplexed: Option<bool>,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, activity: Arc<ConnectionActivity>) -> Self {
        Self { stream, activity, is_multiplexed: None }
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if !read.is_empty() {
            let begins_as_http2 = || read.starts_with(b"PRI ") || b"PRI ".starts_with(read);
            if !*self.is_multiplexed.get_or_insert_with(begins_as_http2) {
                self.activity.hears();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
