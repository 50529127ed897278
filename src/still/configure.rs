//! From the section `[cameras]` of the configuration to what fetches pictures.

use std::{sync::Arc, time::Duration};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{Address, AddressError, FetchSettings, Fetcher, Stills};
use crate::config;

/// Why pictures cannot be fetched as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// The address template cannot be used; the configuration is checked before.
    #[error("cameras.still {0}")]
    Address(#[from] AddressError),
    /// The CA file cannot be used.
    #[error("cameras.ca_file {path}: {why}")]
    Ca {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Stills {
    /// Pictures as `cameras` says; `password` belongs to its user name.
    pub fn configured(
        cameras: &config::Cameras,
        password: Option<String>,
    ) -> Result<Self, ConfigureError> {
        if cameras.still.is_empty() {
            return Ok(Self::new(None));
        }
        let tls = match cameras.ca_file.as_str() {
            "" => None,
            path => Some(Arc::new(tls(path)?)),
        };
        let named = !cameras.username.is_empty();
        Ok(Self::new(Some(Fetcher::new(FetchSettings {
            hosts: cameras.hosts.clone(),
            address: Address::parse(&cameras.still, Some(&cameras.hosts))?,
            credentials: named.then(|| (cameras.username.clone(), password.unwrap_or_default())),
            tls,
            timeout: Duration::from_millis(cameras.timeout_ms),
            bytes_max: cameras.bytes_max,
        }))))
    }
}

fn tls(path: &str) -> Result<rustls::ClientConfig, ConfigureError> {
    let bad = |why: String| ConfigureError::Ca { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("holds no certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
