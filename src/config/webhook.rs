//! Where events of drift are posted.

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

/// What a secret begins with that is base64, by Standard Webhooks.
const ENCODED: &str = "whsec_";

/// Where events of drift are posted. Debug shows no secret: a URL often holds a token.
#[derive(Debug, Clone, Default)]
pub struct WebhookConfig {
    /// Where events are sent; absent where only a secret was given, and then nothing is sent.
    pub url: Option<SecretString>,
    /// What they are signed with.
    pub secret: Option<SecretString>,
}

impl WebhookConfig {
    /// The URL, if it is one that can be called.
    pub(super) fn address(text: &str) -> Option<SecretString> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().is_some_and(|scheme| ["https", "http"].contains(&scheme));
        let authority = uri.authority()?;
        // Who is to be distinguished is distinguished by the path: no password is sent.
        let callable = scheme && !authority.host().is_empty() && !authority.as_str().contains('@');
        callable.then(|| SecretString::from(text))
    }

    /// The bytes that events are signed with; none where a secret says that it is base64 and is not.
    pub fn signing_key(secret: &str) -> Option<Vec<u8>> {
        match secret.strip_prefix(ENCODED) {
            Some(encoded) => STANDARD.decode(encoded).ok().filter(|key| !key.is_empty()),
            None => Some(secret.as_bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_called_is_taken() {
        for url in ["https://hooks.example/a?b=c", "http://127.0.0.1:8080", "https://[::1]/x"] {
            assert!(WebhookConfig::address(url).is_some(), "{url}");
        }
        for url in [
            "",
            "hooks.example/a",
            "/a",
            "ftp://h/a",
            "https://",
            "https://u:p@h/a",
            "https://h h/",
        ] {
            assert!(WebhookConfig::address(url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_secret_is_text_or_base64_that_says_so() {
        assert_eq!(WebhookConfig::signing_key("Jefe").unwrap(), b"Jefe");
        assert_eq!(WebhookConfig::signing_key("whsec_SmVmZQ==").unwrap(), b"Jefe");
        for secret in ["whsec_", "whsec_Jefe!", "whsec_SmVmZQ"] {
            assert_eq!(WebhookConfig::signing_key(secret), None, "{secret}");
        }
    }
}
