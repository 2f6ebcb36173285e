//! Events to the operator's address: signed, tried again a few times, waited for by nobody.

mod client;

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
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
/// Events on their way at most; more are told with a later analysis.
const EVENTS_MAX: usize = 16;

/// The operator's address. Cheap to clone; Debug shows neither it nor the secret.
#[derive(Debug, Clone)]
pub struct Webhook {
    url: Arc<SecretString>,
    secret: Option<Arc<SecretString>>,
    places: Arc<Semaphore>,
}

impl Webhook {
    /// To that address; none where only a secret was given.
    pub fn new(config: &WebhookConfig) -> Option<Self> {
        let WebhookConfig { url, secret } = config.clone();
        Some(Self {
            url: Arc::new(url?),
            secret: secret.map(Arc::new),
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
        let delivery = Delivery {
            url: self.url.expose_secret(),
            id: hex::encode(&Sha256::digest(&body)[..8]),
            signature: self.secret.as_ref().map(|secret| signature(secret, &body)),
            body: body.into(),
        };
        let mut pauses = PAUSES.iter();
        loop {
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

fn count(outcome: &'static str) {
    metrics::counter!("dbopt_webhook_events_total", "outcome" => outcome).increment(1);
}

/// `sha256=` and the HMAC of the body in hex.
fn signature(secret: &SecretString, body: &[u8]) -> String {
    let key = secret.expose_secret().as_bytes();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("an HMAC takes a key of any length")
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_rfc_4231() {
        let signed = signature(&"Jefe".to_owned().into(), b"what do ya want for nothing?");
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signed, expected);
    }
}
