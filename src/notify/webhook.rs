//! Messages by HTTP: POST of JSON with a signature. No redirects, no proxy, no cookies.
//!
//! `X-Hub-Signature: t=UNIX_SECONDS,v1=HEX`, where HEX is HMAC-SHA256 (RFC 2104) of `UNIX_SECONDS.BODY`
//! with the secret of the endpoint; a receiver refuses what is too old, so that a caught message cannot be
//! played again. `Idempotency-Key: ENDPOINT:SEQ` stays the same when a message is sent again.

use std::{fmt::Write as _, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, Uri, body::Incoming, client::conn::http1, header,
    http::uri::Scheme,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use sha2::Sha256;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{message::Message, send::Outcome};

/// Header of the signature.
pub const SIGNATURE: &str = "x-hub-signature";
/// Header of the key that stays the same when a message is sent again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Where to post.
#[derive(Clone)]
pub struct Webhook {
    uri: Uri,
    secret: String,
    /// For https.
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("target", &self.target()).finish_non_exhaustive()
    }
}

/// The signature of a body.
pub fn signature(secret: &str, unix_s: i64, body: &[u8]) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(unix_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = format!("t={unix_s},v1=");
    for byte in mac.finalize().into_bytes() {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

/// Reads an address; whether it is https beside it.
pub(super) fn address(text: &str) -> Option<(Uri, bool)> {
    let uri: Uri = text.parse().ok()?;
    let encrypted = match uri.scheme()? {
        scheme if *scheme == Scheme::HTTP => false,
        scheme if *scheme == Scheme::HTTPS => true,
        _ => return None,
    };
    let authority = uri.authority()?.as_str();
    (!authority.contains('@') && !uri.host()?.is_empty()).then_some((uri, encrypted))
}

impl Webhook {
    /// A webhook at an address that [`address`] took; with `tls` for https.
    pub(super) const fn new(
        uri: Uri,
        secret: String,
        tls: Option<Arc<rustls::ClientConfig>>,
    ) -> Self {
        Self { uri, secret, tls }
    }

    /// Scheme, host and path; a query may hold a secret.
    pub(super) fn target(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}{}", self.uri.path())
    }

    pub(super) async fn send(&self, message: &Message, now: i64) -> Outcome {
        let body = match serde_json::to_vec(message) {
            Ok(body) => body,
            Err(error) => return Outcome::Refused(format!("the message is no JSON: {error}")),
        };
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::post(path)
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "ioc-hub")
            .header(header::CONNECTION, "close")
            .header(IDEMPOTENCY_KEY, &message.id)
            .header(SIGNATURE, signature(&self.secret, now, &body))
            .body(Full::new(Bytes::from(body)));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Outcome::Refused(format!("the request cannot be made: {error}")),
        };
        match self.exchange(request).await {
            Ok(response) => judge(&response),
            Err(why) => Outcome::again(why),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let host = self.uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = self.uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((bare, port))
            .await
            .map_err(|error| format!("no connection to {bare} port {port}: {error}"))?;
        let Some(tls) = &self.tls else { return speak(stream, request).await };
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
        let stream = tokio_rustls::TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        let stream =
            stream.map_err(|error| format!("no encrypted connection to {bare}: {error}"))?;
        speak(stream, request).await
    }
}

/// Sends the request and waits for the head of the answer; its body is of no interest.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, String> {
    let broken = |error: hyper::Error| format!("the answer broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = sender.send_request(request);
    // The connection must be driven for the exchange to go on; it may end first.
    match select(pin!(exchange), pin!(connection)).await {
        Either::Left((answered, _)) => answered.map_err(broken),
        Either::Right((_, exchange)) => exchange.await.map_err(broken),
    }
}

/// What an answer means. RFC 9110, section 15.
fn judge(response: &Response<Incoming>) -> Outcome {
    let status = response.status();
    let answered = format!("answered {}", status.as_u16());
    if status.is_success() {
        return Outcome::Delivered(answered);
    }
    if status.is_redirection() {
        return Outcome::Refused(format!("{answered}: redirects are not followed"));
    }
    let may_change = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if !may_change {
        return Outcome::Refused(answered);
    }
    let wait = response.headers().get(header::RETRY_AFTER);
    let seconds = wait.and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
    Outcome::Again { why: answered, after: seconds.map(Duration::from_secs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let expected = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        let found = signature("secret", 1_700_000_000, br#"{"a":1}"#);
        assert_eq!(found, format!("t=1700000000,v1={expected}"));
    }

    #[test]
    fn an_address_is_http_with_a_host_and_without_a_password() {
        assert_eq!(address("https://a.example/x").map(|(_, encrypted)| encrypted), Some(true));
        assert_eq!(
            address("http://127.0.0.1:9/x?k=v").map(|(_, encrypted)| encrypted),
            Some(false)
        );
        for text in ["ftp://a.example", "http://u:p@a.example", "/x", "http:///x", ""] {
            assert!(address(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_query() {
        let (uri, _) = address("https://a.example:8443/hook/x?token=geheim").unwrap();
        let webhook = Webhook::new(uri, "secret".into(), None);
        assert_eq!(webhook.target(), "https://a.example:8443/hook/x");
        assert!(!format!("{webhook:?}").contains("secret"));
    }
}
