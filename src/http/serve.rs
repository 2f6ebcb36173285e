//! Listening, and stopping in time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use super::clients::{Client, Share, Shares};
use super::router;
use crate::app::App;
use crate::store;

/// How long work under way may take once we are told to stop; then it is cancelled on its targets.
const GRACE: Duration = Duration::from_secs(10);
/// How long what cancels it may take to leave.
const PARTING: Duration = Duration::from_millis(300);

/// How long a connection may ask nothing, and at most twice as long after it was answered: a little longer than proxies
/// keep theirs. Who opens many and asks nothing would keep all others out.
const SILENCE_MAX: Duration = Duration::from_secs(75);

/// How long who connects may take to ask for the first time.
const FIRST_MAX: Duration = Duration::from_secs(15);

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
    /// Nobody would be kept out.
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
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
}

/// Listen. Anything but loopback needs an API key to exist.
pub async fn bind(app: App, address: SocketAddr) -> Result<Bound, Error> {
    if !address.ip().is_loopback() && !app.store().needs_key().await.map_err(Error::Store)? {
        return Err(Error::Open { address });
    }
    let listen = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok(Bound { listener, address, app })
}

impl Bound {
    /// What is served.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens: the port, where any was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answer until `stop`; then finish or cancel what is under way.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let connected = GracefulShutdown::new();
        tokio::select! {
            never = answer_all(self.listener, router(&self.app), &connected) => match never {},
            () = stop => {}
            () = tidy(&self.app) => {}
        }
        if timeout(GRACE, connected.shutdown()).await.is_err() {
            tracing::warn!("requests under way were cancelled");
            tokio::time::sleep(PARTING).await;
        }
    }
}

/// Answer whoever connects.
async fn answer_all(
    mut listener: TcpListener,
    router: Router,
    connected: &GracefulShutdown,
) -> Infallible {
    let router = router.with_state(());
    let connections = Shares::of_connections();
    loop {
        let (stream, peer) = Listener::accept(&mut listener).await;
        let client = Client(peer.ip());
        // Who has too many is hung up on.
        if let Some(share) = connections.take(Some(client)) {
            let (router, watcher) = (router.clone(), connected.watcher());
            tokio::spawn(answer((stream, client, Some(share)), router, watcher, SILENCES));
        }
    }
}

/// Answer what is asked on a connection until it is closed, falls silent, or its watcher hears that we stop.
///
/// One look in a while tells who is silent: a timer for each request would cost what a cached answer can feel.
async fn answer(
    (stream, client, _share): (TcpStream, Client, Option<Share>),
    router: Router,
    watcher: Watcher,
    silences: Silences,
) {
    let asked = Arc::new(Asked::default());
    let counted = Arc::clone(&asked);
    let service = router
        .map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            if !request.body().is_end_stream() {
                request.extensions_mut().insert(client);
            }
            request
        })
        .map_future(move |answer| UnderWay::begin(&counted).until(answer));
    let builder = Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = watcher.watch(connection) => {}
        () = asked.falls_silent(silences) => {}
    }
}

/// How long a connection may ask nothing.
#[derive(Debug, Clone, Copy)]
struct Silences {
    first: Duration,
    later: Duration,
}

const SILENCES: Silences = Silences { first: FIRST_MAX, later: SILENCE_MAX };

/// Requests of a connection.
#[derive(Default)]
struct Asked {
    so_far: AtomicU64,
    under_way: AtomicU64,
}

impl Asked {
    /// Resolves when for so long nothing was asked and nothing is under way.
    async fn falls_silent(&self, Silences { first, later }: Silences) {
        sleep(first).await;
        let mut before = self.so_far.load(Ordering::Relaxed);
        if before == 0 {
            return;
        }
        loop {
            sleep(later).await;
            let so_far = self.so_far.load(Ordering::Relaxed);
            if so_far == before && self.under_way.load(Ordering::Relaxed) == 0 {
                return;
            }
            before = so_far;
        }
    }
}

/// A request that is not answered yet, or given up.
struct UnderWay(Arc<Asked>);

impl UnderWay {
    fn begin(asked: &Arc<Asked>) -> Self {
        asked.so_far.fetch_add(1, Ordering::Relaxed);
        asked.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(asked))
    }

    async fn until<T>(self, answer: impl Future<Output = T>) -> T {
        answer.await
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is to be done from time to time, for as long as we serve.
async fn tidy(app: &App) {
    loop {
        tokio::time::sleep(TIDYING).await;
        app.tidy();
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const SILENCE: Duration = Duration::from_millis(300);

    /// What is heard until the service hangs up, after saying `said`.
    async fn heard(said: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let router = Router::new().route(
            "/",
            get(async || {
                sleep(2 * SILENCE).await;
                "late"
            }),
        );
        let connected = GracefulShutdown::new();
        let silences = Silences { first: SILENCE, later: SILENCE };
        let client = Client(std::net::Ipv4Addr::LOCALHOST.into());
        tokio::spawn(answer((stream, client, None), router, connected.watcher(), silences));
        caller.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        timeout(Duration::from_secs(10), caller.read_to_end(&mut heard)).await.unwrap().unwrap();
        String::from_utf8(heard).unwrap()
    }

    #[tokio::test]
    async fn who_connects_and_never_asks_is_hung_up_on() {
        for said in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n"] {
            assert_eq!(heard(said).await, "", "{said:?}");
        }
    }

    #[tokio::test]
    async fn who_asked_is_answered_however_long_it_takes_and_then_hung_up_on_when_silent() {
        let heard = heard("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 OK") && heard.ends_with("late"), "{heard}");
    }
}
