//! Events to the operator's address: signed, tried again a few times, waited for by no one.

mod client;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::WebhookConfig;
use client::{Delivery, Failed, post};

/// How long to wait before each further attempt.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(5), Duration::from_secs(30)];
/// How long one attempt may take, from the name of the host to the status.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// Events on their way at most; the rest is sent with a later analysis.
const EVENTS_MAX: usize = 16;

/// The operator's address. Cheap to clone; Debug shows neither it nor the secret.
#[derive(Debug, Clone)]
pub struct Webhook {
    url: Arc<SecretString>,
    key: Option<Arc<SecretSlice<u8>>>,
    places: Arc<Semaphore>,
}

impl Webhook {
    /// To that address; none where only a secret was given.
    pub fn new(config: &WebhookConfig) -> Option<Self> {
        let WebhookConfig { url, secret } = config.clone();
        Some(Self {
            url: Arc::new(url?),
            key: secret.and_then(|secret| key(&secret)).map(Arc::new),
            places: Arc::new(Semaphore::new(EVENTS_MAX)),
        })
    }

    /// Send an event, and say whether it was taken: any status of success is a yes. A redirect is not followed, and
    /// what the address answers is not read.
    pub async fn deliver(&self, body: Vec<u8>) -> bool {
        let Ok(_place) = self.places.try_acquire() else {
            count("dropped");
            tracing::warn!("an event was not sent: too many are on their way");
            return false;
        };
        let body = Bytes::from(body);
        let mut pauses = PAUSES.iter();
        loop {
            let delivery = self.delivery(&body, Timestamp::now().as_second());
            let attempt = timeout(ATTEMPT_MAX, post(&delivery)).await;
            let failed = match attempt.unwrap_or(Err(Failed::again("no answer in time"))) {
                Ok(()) => {
                    count("delivered");
                    return true;
                }
                Err(failed) => failed,
            };
            let Some(pause) = pauses.next().filter(|_| failed.again) else {
                count("failed");
                tracing::warn!(event = delivery.id, why = failed.why, "an event was not taken");
                return false;
            };
            tokio::time::sleep(*pause).await;
        }
    }
}

impl Webhook {
    fn delivery(&self, body: &Bytes, timestamp: i64) -> Delivery<'_> {
        let id = hex::encode(&Sha256::digest(body)[..8]);
        let signature = self.key.as_ref().map(|key| signature(key, (&id, timestamp), body));
        Delivery { url: self.url.expose_secret(), id, timestamp, signature, body: body.clone() }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("dbopt_webhook_events_total", "outcome" => outcome).increment(1);
}

fn key(secret: &SecretString) -> Option<SecretSlice<u8>> {
    WebhookConfig::signing_key(secret.expose_secret()).map(SecretSlice::from)
}

/// The signature of Standard Webhooks over the id, the time and the body, so that none of them can be exchanged.
fn signature(key: &SecretSlice<u8>, (id, timestamp): (&str, i64), body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else {
        unreachable!("an HMAC takes a key of any length")
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_standard_webhooks_gives_as_an_example() {
        let secret = "whsec_plJ3nmyCDGBKInavdOK15jsl".to_owned().into();
        let of = ("msg_loFOjxBNrRLzqYUf", 1_731_705_121);
        let body = br#"{"event_type":"ping","data":{"success":true}}"#;
        let signed = signature(&key(&secret).unwrap(), of, body);
        assert_eq!(signed, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
    }
}
