//! One HTTP request: no redirect is followed, no proxy asked, no body read.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What is sent.
pub(super) struct Delivery<'a> {
    pub(super) url: &'a str,
    /// The same for each attempt.
    pub(super) id: String,
    /// When this attempt is made, in seconds since 1970.
    pub(super) timestamp: i64,
    pub(super) signature: Option<String>,
    pub(super) body: Bytes,
}

/// Why it was not taken. Never with the address.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: String,
    /// Whether another attempt may help.
    pub(super) again: bool,
}

impl Failed {
    pub(super) fn again(why: &str) -> Self {
        Self { why: why.to_owned(), again: true }
    }

    fn for_good(why: &str) -> Self {
        Self { why: why.to_owned(), again: false }
    }
}

/// Send it once.
pub(super) async fn post(delivery: &Delivery<'_>) -> Result<(), Failed> {
    let unusable = || Failed::for_good("the address is none");
    let uri: Uri = delivery.url.parse().map_err(|_| unusable())?;
    let host = uri.host().ok_or_else(unusable)?.trim_matches(['[', ']']).to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let request = request(delivery, &uri).ok_or_else(unusable)?;
    let connected = TcpStream::connect((host.as_str(), port)).await;
    let stream = connected.map_err(|_| Failed::again("no connection"))?;
    let status = if secure {
        let name = ServerName::try_from(host).map_err(|_| unusable())?;
        let stream = connector()?.connect(name, stream).await;
        send(stream.map_err(|_| Failed::again("TLS failed"))?, request).await?
    } else {
        send(stream, request).await?
    };
    if status.is_success() {
        return Ok(());
    }
    let again = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    Err(Failed { why: format!("status {}", status.as_u16()), again })
}

fn request(delivery: &Delivery<'_>, uri: &Uri) -> Option<Request<Full<Bytes>>> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, uri.authority()?.as_str())
        .header(USER_AGENT, concat!("dbopt/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("x-dbopt-event", "schema_drift")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", delivery.timestamp);
    if let Some(signature) = &delivery.signature {
        request = request.header("webhook-signature", signature);
    }
    request.body(Full::new(delivery.body.clone())).ok()
}

async fn send<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, Failed> {
    let lost = |_| Failed::again("the connection was lost");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    // On this task, so that both end when the time is up. What else the other side says is of no use.
    let response = pin!(sender.send_request(request));
    let response = match select(response, pin!(connection)).await {
        Either::Left((response, _)) => response,
        Either::Right((_, response)) => response.await,
    };
    response.map(|response| response.status()).map_err(lost)
}

/// TLS that trusts whom the system trusts, as for targets.
fn connector() -> Result<TlsConnector, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Failed::for_good("the TLS library offers no protocol version"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
