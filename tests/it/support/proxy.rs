//! A proxy between client and server: counts round trips, adds delay, stalls, cuts, or falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Chunks on their way at most, as a network holds only so much.
const CHUNKS_MAX: usize = 1024;

/// A proxy to a server on this machine.
pub struct Proxy {
    pub port: u16,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    /// Times the client spoke after it had been answered. With a delay, what is sent ahead is one turn.
    turns: AtomicU32,
    server_spoke_last: AtomicBool,
    stalled: AtomicBool,
    /// Connections so far, and how many of them are silent for good.
    connections: AtomicU32,
    silenced: AtomicU32,
    /// How many of them were cut.
    cut: watch::Sender<u32>,
    /// Milliseconds by which each direction is delayed from now on.
    delay_ms: AtomicU64,
}

impl Proxy {
    /// Forward to the port, each direction delayed.
    pub async fn start(to: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let watch = Arc::new(Watch::default());
        watch.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
        let seen = watch.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Where the server is away, so are we.
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (client_read, client_write) = client.into_split();
                let (server_read, server_write) = server.into_split();
                let number = seen.connections.fetch_add(1, Ordering::SeqCst);
                let line = |by_client| (seen.clone(), by_client, number);
                tokio::spawn(forward(client_read, server_write, line(true)));
                tokio::spawn(forward(server_read, client_write, line(false)));
            }
        });
        Self { port, watch }
    }

    /// Round trips so far, the login's among them.
    pub fn round_trips(&self) -> u32 {
        self.watch.turns.load(Ordering::SeqCst)
    }

    /// Connections there are end in the middle of whatever they carry: new ones are forwarded.
    pub fn cut(&self) {
        self.watch.cut.send_replace(self.watch.connections.load(Ordering::SeqCst));
    }

    /// From now on each direction takes so long.
    pub fn slow(&self, delay: Duration) {
        self.watch.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// What was held back goes on its way.
    pub fn resume(&self) {
        self.watch.stalled.store(false, Ordering::SeqCst);
    }

    /// Connections there are forward nothing any more, and none is closed: new ones are forwarded.
    pub fn silence(&self) {
        self.watch.silenced.store(self.watch.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// From now on nothing is forwarded any more, and no connection is closed.
    pub fn stall(&self) {
        self.watch.stalled.store(true, Ordering::SeqCst);
    }
}

impl Watch {
    fn is_cut(&self, number: u32) -> bool {
        number < *self.cut.borrow()
    }

    /// Resolves when the connection is cut.
    async fn cuts(&self, number: u32) {
        let _ = self.cut.subscribe().wait_for(|cut| number < *cut).await;
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.load(Ordering::SeqCst))
    }

    /// Something left the client or the server.
    fn left(&self, by_client: bool) {
        if by_client && self.server_spoke_last.swap(false, Ordering::SeqCst) {
            self.turns.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What one of them sent is about to reach the other.
    fn arrives(&self, by_client: bool) {
        if !by_client {
            self.server_spoke_last.store(true, Ordering::SeqCst);
        }
    }
}

/// A line of that delay: what was read waits its time, and what comes behind it is read meanwhile.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    (watch, by_client, number): (Arc<Watch>, bool, u32),
) {
    let (line, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let seen = watch.clone();
    tokio::spawn(async move {
        while let Some((due, bytes)) = arriving.recv().await {
            tokio::time::sleep_until(due).await;
            while watch.stalled.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if number < watch.silenced.load(Ordering::SeqCst) {
                continue;
            }
            if watch.is_cut(number) {
                return;
            }
            watch.arrives(by_client);
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = seen.cuts(number) => return,
        };
        let Ok(length @ 1..) = read else { return };
        seen.left(by_client);
        if line.send((Instant::now() + seen.delay(), buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}
