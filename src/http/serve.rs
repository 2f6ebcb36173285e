//! Listening, and stopping in time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::serve::Listener;
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt as _;

use super::clients::{ClientAddress, ClientShare, Shares};
use super::log::rounded_ms;
use super::router;
use super::silence::{ConnectionActivity, InFlight, Silences, TimedStream};
use crate::app::App;
use crate::config::ShutdownConfig;
use crate::store;

/// How long what cancels requests on their targets may take to leave.
const CANCEL_GRACE: Duration = Duration::from_millis(300);

/// How often measured durations are taken into their histograms.
const TIDYING: Duration = Duration::from_secs(5);

/// Why the service does not listen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// No one would be kept out.
    #[error(
        "refusing to listen on {address}, which others can reach, while no API key exists: make one with \
         `dbopt keys create`, or listen on 127.0.0.1"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(store::Error),
}

/// A service that listens and does not answer yet.
pub struct ListeningService {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
}

/// Listen. Anything but loopback needs an API key to exist.
pub async fn bind(app: App, address: SocketAddr) -> Result<ListeningService, Error> {
    if !address.ip().is_loopback() && !app.store().needs_key().await.map_err(Error::Store)? {
        return Err(Error::Open { address });
    }
    let listen = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok(ListeningService { listener, address, app })
}

impl ListeningService {
    /// What is served.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens, with the port that the system chose where none was named.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answer until `stop`, and for as long after it as callers may not know; then finish or cancel what is under way.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let Self { listener, app, .. } = self;
        let connected = GracefulShutdown::new();
        let stopped = async {
            stop.await;
            let ShutdownConfig { delay, grace } = app.stop();
            let (delay_s, grace_s) = (delay.as_secs(), grace.as_secs());
            tracing::info!(delay_s, grace_s, "stopping: /readyz answers 503");
            sleep(delay).await;
            grace
        };
        let grace = tokio::select! {
            never = answer_all(listener, router(&app), &connected) => match never {},
            grace = stopped => grace,
            never = tidy(&app) => match never {},
        };
        let begun = Instant::now();
        let is_cancelled = timeout(grace, connected.shutdown()).await.is_err();
        if is_cancelled {
            tracing::warn!("requests under way were cancelled");
            sleep(CANCEL_GRACE).await;
        }
        let took_ms = rounded_ms(begun.elapsed());
        tracing::info!(took_ms, "stopped");
    }
}

/// Answer every connection.
async fn answer_all(
    mut listener: TcpListener,
    router: Router,
    connected: &GracefulShutdown,
) -> Infallible {
    let router = router.with_state(());
    let connections = Shares::of_connections();
    loop {
        let (stream, peer) = Listener::accept(&mut listener).await;
        let client = ClientAddress(peer.ip());
        // Who has too many is hung up on.
        if let Some(share) = connections.take(Some(client)) {
            let (router, watcher) = (router.clone(), connected.watcher());
            let silences = Silences::default();
            let connection = AcceptedConnection { stream, client, _share: Some(share) };
            tokio::spawn(connection.answer(router, watcher, silences));
        }
    }
}

/// A connection of a client.
struct AcceptedConnection {
    stream: TcpStream,
    client: ClientAddress,
    /// What it takes of the connections that its client may have, until it is closed.
    _share: Option<ClientShare>,
}

impl AcceptedConnection {
    /// Answer its requests until it is closed, falls silent, or its watcher is notified that we stop.
    async fn answer(self, router: Router, watcher: Watcher, silences: Silences) {
        let Self { stream, client, _share } = self;
        let activity = Arc::new(ConnectionActivity::default());
        let counted = Arc::clone(&activity);
        let service = router
            .map_request(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                if !request.body().is_end_stream() {
                    request.extensions_mut().insert(client);
                }
                request
            })
            .map_future(move |answer| InFlight::begin(&counted).until(answer));
        let builder = Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(service);
        let stream = TimedStream::new(stream, Arc::clone(&activity));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            biased;
            _ = watcher.watch(connection) => {}
            () = activity.falls_silent(silences) => {}
        }
    }
}

/// What is to be done from time to time, for as long as we serve.
async fn tidy(app: &App) -> Infallible {
    loop {
        sleep(TIDYING).await;
        app.tidy();
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const SILENCE: Duration = Duration::from_millis(300);

    /// A caller of a service that is patient for so long.
    async fn called(silences: Silences) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let late = get(async || {
            sleep(2 * SILENCE).await;
            "late"
        });
        let router = Router::new().route("/late", late).route("/", get(async || "soon"));
        let client = ClientAddress(std::net::Ipv4Addr::LOCALHOST.into());
        tokio::spawn(async move {
            let connected = GracefulShutdown::new();
            let connection = AcceptedConnection { stream, client, _share: None };
            connection.answer(router, connected.watcher(), silences).await;
        });
        caller
    }

    /// What is received until the service hangs up.
    async fn rest(caller: &mut TcpStream) -> String {
        let mut received = Vec::new();
        let read =
            timeout(Duration::from_secs(10), caller.read_to_end(&mut received)).await.unwrap();
        // A client that still sends when it closes gets a reset.
        assert!(read.is_ok() || !received.is_empty(), "{read:?}");
        String::from_utf8(received).unwrap()
    }

    /// What is received after sending `said`.
    async fn received(said: &str) -> String {
        let mut caller = called(Silences { first: SILENCE, later: SILENCE }).await;
        caller.write_all(said.as_bytes()).await.unwrap();
        rest(&mut caller).await
    }

    #[tokio::test]
    async fn who_connects_and_never_asks_is_hung_up_on() {
        for said in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n"] {
            assert_eq!(received(said).await, "", "{said:?}");
        }
    }

    #[tokio::test]
    async fn who_asked_is_answered_however_long_it_takes_and_then_hung_up_on_when_silent() {
        let received = received("GET /late HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(
            received.starts_with("HTTP/1.1 200 OK") && received.ends_with("late"),
            "{received}"
        );
    }

    #[tokio::test]
    async fn the_head_of_a_later_request_may_not_take_longer_than_that_of_the_first() {
        let begun = Instant::now();
        let hour = Duration::from_hours(1);
        let mut caller = called(Silences { first: SILENCE, later: hour }).await;
        caller.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        // A byte now and then is no request.
        let trickled = async {
            let mut sent = 0;
            while caller
                .write_all(b"GET / HTTP/1.1\r\nX: yyyyyyyyyy"[sent % 28..][..1].as_ref())
                .await
                .is_ok()
            {
                sent += 1;
                sleep(SILENCE / 10).await;
            }
            sent
        };
        let sent = timeout(Duration::from_secs(10), trickled).await.unwrap();
        assert!(sent > 5 && begun.elapsed() < 10 * SILENCE, "{sent} in {:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_connection_that_is_idle_between_requests_is_kept() {
        let hour = Duration::from_hours(1);
        let mut caller = called(Silences { first: SILENCE, later: hour }).await;
        let mut answer = [0; 1024];
        for _ in 0..2 {
            caller.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let read = caller.read(&mut answer).await.unwrap();
            assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
            sleep(4 * SILENCE).await;
        }
    }
}
