//! One attempt to send a message, and what came of it.
//!
//! [`Outcome`] is the one place that says whether trying again can help: no answer, a late answer or a
//! server in trouble is tried again; a refusal is not.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::DateTime;
use chrono_tz::Tz;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{email::Email, endpoint::EndpointsError, message::Message, webhook::Webhook};

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it; its answer.
    Delivered(String),
    /// Trying again may help.
    Again {
        /// Why it was not taken.
        why: String,
        /// Not before this time, if the receiver says so.
        after: Option<Duration>,
    },
    /// Trying the same again cannot help.
    Refused(String),
}

impl Outcome {
    /// Not taken, and to be tried again at the usual pace.
    pub(super) fn again(why: impl Into<String>) -> Self {
        Self::Again { why: why.into(), after: None }
    }

    /// What happened, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::Delivered(words) | Self::Refused(words) | Self::Again { why: words, .. } => words,
        }
    }
}

/// How an endpoint is reached.
#[derive(Debug, Clone)]
pub enum Sender {
    /// By HTTP.
    Webhook(Webhook),
    /// By SMTP.
    Email(Email),
}

impl Sender {
    /// `webhook` or `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Email(_) => "email",
        }
    }

    /// Where messages go, without secrets.
    pub fn target(&self) -> String {
        match self {
            Self::Webhook(webhook) => webhook.target(),
            Self::Email(email) => email.target(),
        }
    }

    /// Sends a message; `now` is the instant of a signature, in the zone of times in e-mails.
    pub async fn send(&self, message: &Message, timeout: Duration, now: DateTime<Tz>) -> Outcome {
        let sending = async {
            match self {
                Self::Webhook(webhook) => webhook.send(message, now.timestamp()).await,
                Self::Email(email) => email.send(message, timeout, now.timezone()).await,
            }
        };
        let late = || Outcome::again(format!("no answer within {} s", timeout.as_secs_f32()));
        tokio::time::timeout(timeout, sending).await.unwrap_or_else(|_elapsed| late())
    }
}

/// The authorities in a PEM file.
pub(super) fn authorities(path: &Path) -> Result<Arc<rustls::ClientConfig>, EndpointsError> {
    let bad = |why: String| EndpointsError::Ca { path: path.display().to_string(), why };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("holds no certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
