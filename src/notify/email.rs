//! Messages by e-mail over SMTP: plain text in the language of the receiver.
//!
//! The `Message-ID` is made of endpoint and seq and stays the same when a message is sent again, so that
//! mail servers and readers can drop the second. Encrypted connections trust only the named authorities.

use std::time::Duration;

use chrono_tz::Tz;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use serde::Deserialize;

use super::{endpoint::Language, message::Message, send::Outcome, text};

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From the first byte.
    Tls,
    /// After STARTTLS, which the server must offer.
    Starttls,
    /// Not at all.
    Plain,
}

/// How a server is reached.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    /// Authorities that are trusted, PEM; null for a plain connection.
    pub(super) ca: Option<Vec<u8>>,
    /// User name and password; null for none.
    pub(super) login: Option<(String, String)>,
}

/// Who sends e-mail to whom.
#[derive(Clone)]
pub struct Email {
    reach: Reach,
    from: Mailbox,
    to: Vec<Mailbox>,
    language: Language,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("target", &self.target()).finish_non_exhaustive()
    }
}

macro_rules! header_text {
    ($name:ident, $text:literal) => {
        /// A header of plain text.
        #[derive(Debug, Clone)]
        struct $name(String);

        impl header::Header for $name {
            fn name() -> header::HeaderName {
                header::HeaderName::new_from_ascii_str($text)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.to_owned()))
            }

            fn display(&self) -> header::HeaderValue {
                header::HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

header_text!(IdempotencyKey, "X-Hub-Notification");
header_text!(AutoSubmitted, "Auto-Submitted");

impl Email {
    pub(super) fn new(
        reach: Reach,
        from: &str,
        to: &[String],
        language: Language,
    ) -> Result<Self, String> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("{text:?} is no e-mail address: {error}"))
        };
        if to.is_empty() {
            return Err("to is empty".to_owned());
        }
        let to = to.iter().map(|one| mailbox(one)).collect::<Result<_, _>>()?;
        Ok(Self { from: mailbox(from)?, reach, to, language })
    }

    /// Recipients and server.
    pub(super) fn target(&self) -> String {
        let to: Vec<String> = self.to.iter().map(|one| one.email.to_string()).collect();
        format!("{} by {}:{}", to.join(", "), self.reach.host, self.reach.port)
    }

    pub(super) async fn send(&self, message: &Message, timeout: Duration, zone: Tz) -> Outcome {
        let mail = match self.mail(message, zone) {
            Ok(mail) => mail,
            Err(why) => return Outcome::Refused(format!("the e-mail cannot be made: {why}")),
        };
        let transport = match self.transport(timeout) {
            Ok(transport) => transport,
            Err(error) => return Outcome::again(chain(&error)),
        };
        match transport.send(mail).await {
            Ok(answer) => {
                let words: Vec<&str> = answer.message().collect();
                Outcome::Delivered(format!("answered {} {}", answer.code(), words.join(" ")))
            }
            // 5yz: the same again will be refused again. RFC 5321, section 4.2.1.
            Err(error) if error.is_permanent() => Outcome::Refused(chain(&error)),
            Err(error) => Outcome::again(chain(&error)),
        }
    }

    fn mail(&self, message: &Message, zone: Tz) -> Result<lettre::Message, String> {
        let (subject, body) = text::write(message, self.language, zone);
        let at = message.id.replace(':', ".");
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .date(message.made_at.into())
            .message_id(Some(format!("<{at}@{}.ioc-hub>", message.city)))
            .subject(subject)
            .header(header::ContentType::TEXT_PLAIN)
            .header(IdempotencyKey(message.id.clone()))
            // No answers of absent people come back. RFC 3834.
            .header(AutoSubmitted("auto-generated".to_owned()));
        for one in &self.to {
            mail = mail.to(one.clone());
        }
        mail.body(body).map_err(|error| error.to_string())
    }

    fn transport(
        &self,
        timeout: Duration,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, SmtpError> {
        let Reach { host, port, security, ca, login } = &self.reach;
        let tls = match (security, ca) {
            (Security::Plain, _) | (_, None) => Tls::None,
            (Security::Tls, Some(ca)) => Tls::Wrapper(parameters(host, ca)?),
            (Security::Starttls, Some(ca)) => Tls::Required(parameters(host, ca)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(*port)
            .tls(tls)
            .timeout(Some(timeout))
            .hello_name(ClientId::Domain("ioc-hub".to_owned()));
        if let Some((user, password)) = login {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(transport.build())
    }
}

fn parameters(host: &str, ca: &[u8]) -> Result<TlsParameters, SmtpError> {
    TlsParameters::builder(host.to_owned())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(Certificate::from_pem(ca)?)
        .build()
}

/// The error with its causes.
fn chain(error: &SmtpError) -> String {
    crate::hub::explain(error)
}
