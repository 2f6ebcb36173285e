//! Whom drift is told by HTTP.

use axum::http::Uri;
use secrecy::SecretString;

/// Whom drift is told by HTTP. Debug shows no secret: a URL often holds a token.
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
        // Who is to be told apart is told apart by the path: no password is sent.
        let callable = scheme && !authority.host().is_empty() && !authority.as_str().contains('@');
        callable.then(|| SecretString::from(text))
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
}
