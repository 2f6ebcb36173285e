//! Listening, and stopping in time.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::router;
use crate::app::App;
use crate::store;

/// How long work under way may take once we are told to stop; then it is cancelled on its targets.
const GRACE: Duration = Duration::from_secs(10);
/// How long what cancels it may take to leave.
const PARTING: Duration = Duration::from_millis(300);

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
    if !address.ip().is_loopback() && !app.store().any_key().await.map_err(Error::Store)? {
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
        let (told, mut stopping) = watch::channel(false);
        let stop = async move {
            stop.await;
            let _ = told.send(true);
        };
        let router = router(&self.app);
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(stop);
        let mut serving = std::pin::pin!(std::future::IntoFuture::into_future(serving));
        tokio::select! {
            _ = &mut serving => return,
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tidy(&self.app) => {}
        }
        if timeout(GRACE, &mut serving).await.is_err() {
            tracing::warn!("requests under way were cancelled");
            tokio::time::sleep(PARTING).await;
        }
    }
}

/// What is to be done from time to time, for as long as we serve.
async fn tidy(app: &App) {
    loop {
        tokio::time::sleep(TIDYING).await;
        app.tidy();
    }
}
