//! A proxy between client and server: counts round trips, adds delay, stalls, or cuts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
}

impl Proxy {
    /// Forward to the port, each direction delayed.
    pub async fn start(to: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let watch = Arc::new(Watch::default());
        let seen = watch.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (client_read, client_write) = client.into_split();
                let (server_read, server_write) = server.into_split();
                tokio::spawn(forward(client_read, server_write, (seen.clone(), delay, true)));
                tokio::spawn(forward(server_read, client_write, (seen.clone(), delay, false)));
            }
        });
        Self { port, watch }
    }

    /// Round trips so far, the login's among them.
    pub fn round_trips(&self) -> u32 {
        self.watch.turns.load(Ordering::SeqCst)
    }

    /// What was held back goes on its way.
    pub fn resume(&self) {
        self.watch.stalled.store(false, Ordering::SeqCst);
    }

    /// From now on nothing is forwarded any more, and no connection is closed.
    pub fn stall(&self) {
        self.watch.stalled.store(true, Ordering::SeqCst);
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    (watch, delay, by_client): (Arc<Watch>, Duration, bool),
) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if by_client && watch.server_spoke_last.swap(false, Ordering::SeqCst) {
            watch.turns.fetch_add(1, Ordering::SeqCst);
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        while watch.stalled.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !by_client {
            watch.server_spoke_last.store(true, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
