//! TLS by rustls, as far as the DSN's `sslmode` goes.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::{Dsn, TlsMode};

/// Larger than any bundle of root certificates.
const ROOTS_BYTES_MAX: u64 = 4 << 20;

/// A connector that verifies what the DSN asks to be verified.
///
/// # Errors
/// What to do where the root certificates cannot be read.
pub(crate) fn connector(dsn: &Dsn) -> Result<MakeRustlsConnect, &'static str> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // libpq: `require` verifies the authority as soon as root certificates are given.
    let verified = match dsn.tls {
        TlsMode::VerifyFull | TlsMode::VerifyCa => true,
        TlsMode::Require => dsn.root_certificates.is_some(),
        TlsMode::Prefer | TlsMode::Disable => false,
    };
    let authority = if verified { Some(authority(dsn, &provider)?) } else { None };
    let as_libpq =
        Verifier { authority, host: dsn.tls == TlsMode::VerifyFull, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| "the TLS library offers no protocol version")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(as_libpq))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn authority(
    dsn: &Dsn,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, &'static str> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &dsn.root_certificates {
        let pem = small_file(path).ok_or("`sslrootcert` names a file that cannot be read")?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate =
                certificate.map_err(|_| "`sslrootcert` names a file that is not PEM")?;
            roots
                .add(certificate)
                .map_err(|_| "`sslrootcert` holds a certificate that is no root")?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| "there is no root certificate to trust; name one with `sslrootcert`")
}

/// Neither a pipe that never ends nor a device that never stops holds certificates; to read it would hold us.
fn small_file(path: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(path).ok()?;
    let small = metadata.is_file() && metadata.len() <= ROOTS_BYTES_MAX;
    if small { std::fs::read(path).ok() } else { None }
}

/// Verifies as much as libpq would under the same `sslmode`.
#[derive(Debug)]
struct Verifier {
    /// Absent where libpq does not verify either.
    authority: Option<Arc<WebPkiServerVerifier>>,
    /// Whether the certificate must name the host.
    host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        match authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn root_certificates_are_read_from_a_small_file_and_nothing_that_never_ends() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.to_str().unwrap(), "/dev/zero", "/", "/nonexistent"] {
            let dsn = format!("postgresql://h/d?sslmode=verify-full&sslrootcert={path}");
            let (sender, outcome) = mpsc::channel();
            // On a thread of its own, for it would never come back.
            std::thread::spawn(move || sender.send(connector(&Dsn::parse(&dsn).unwrap()).err()));
            let problem = outcome.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(problem, Some("`sslrootcert` names a file that cannot be read"), "{path}");
        }
    }
}
