//! `dbopt health`: whether the service is ready, asked from inside its container.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CommandOutcome, Error, configured, print};
use crate::config::AddressFlags;

/// How long the service may take to say that it is ready: its store's ping has two seconds of its own.
const TIMEOUT: Duration = Duration::from_secs(4);

/// `dbopt health`.
#[derive(Debug, Args)]
pub(super) struct Health {
    #[command(flatten)]
    flags: AddressFlags,
}

impl Health {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let address = reachable(configured(&self.flags.0)?.listen);
        let not_ready = |why: &str| Error::NotReady(format!("the service at {address} {why}"));
        let answered = timeout(TIMEOUT, status(address)).await;
        let answer = answered.map_err(|_| not_ready("does not answer in time"))?;
        match answer.map_err(|_| not_ready("does not answer"))?.as_deref() {
            Some("200") => print("ready\n"),
            Some(_) => Err(not_ready("is not ready: GET /readyz says why")),
            None => Err(not_ready("is not ours: it does not speak HTTP")),
        }
    }
}

/// Listening everywhere includes here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The status of `GET /readyz`: one line of one answer, so no HTTP client is built in for it.
async fn status(address: SocketAddr) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.strip_prefix("HTTP/1.1 ").map(str::to_owned))
}
