//! TLS settings from PEM files: rustls with the ring provider, TLS 1.2 and 1.3.
//!
//! Every failure names the file and the option that named it. The provider is passed explicitly, so
//! nothing has to be installed for the whole process first.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::options::{SessionError, TlsOptions};

/// The certificates that the system trusts, as Debian and its relatives keep them in one file
/// (package `ca-certificates`). Used when no CA file is named.
pub const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The settings of one client.
pub(super) fn client(files: &TlsOptions) -> Result<ClientConfig, SessionError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(files.ca.as_deref().unwrap_or(Path::new(SYSTEM_CA)))?);
    match (&files.client_cert, &files.client_key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates("tls.client_cert", certificate)?, private_key(key)?)
            .map_err(|source| SessionError::TlsContent {
                key: "tls.client_key",
                what: "the private key of the client certificate",
                path: key.clone(),
                source,
            }),
        (Some(_), None) => Err(SessionError::Pair { given: "tls.client_cert" }),
        (None, Some(_)) => Err(SessionError::Pair { given: "tls.client_key" }),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, SessionError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("tls.ca", path)? {
        store.add(certificate).map_err(|source| SessionError::TlsContent {
            key: "tls.ca",
            what: "the CA certificates",
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(store)
}

fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, SessionError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|found| if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) })
        .map_err(|source| SessionError::TlsFile {
            key,
            what: "certificates",
            path: path.to_owned(),
            source,
        })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SessionError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| SessionError::TlsFile {
        key: "tls.client_key",
        what: "a private key",
        path: path.to_owned(),
        source,
    })
}
