//! One picture from one camera over HTTP, within the named hosts and the limits of the configuration.
//!
//! An address is a template with `{id}` for the source token of the camera. Every step of a redirect is
//! checked like the first address; credentials go to the host of that address only. No proxy, no cookies.

use std::{pin::pin, sync::Arc, time::Duration};

use base64::Engine as _;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderValue},
    http::uri::Scheme,
};
use hyper_util::rt::TokioIo;
use ioc_ingest::Source;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::Taken;

/// Redirects that are followed.
pub const REDIRECTS_MAX: usize = 3;
/// What stands for the source token in an address.
const ID: &str = "{id}";
/// Pictures that a browser shows and that hold no script.
const MEDIA_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The configuration does not name the host.
    #[error("host {0} is not named in cameras.hosts")]
    Host(String),
    /// The address, or one that it leads to, is none.
    #[error("{0:?} is no http or https address")]
    Address(String),
    /// Nobody answers there.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Not within the limit.
    #[error("no answer in time")]
    TimedOut,
    /// The name or password is refused.
    #[error("refused with status {0}")]
    Refused(u16),
    /// Another answer than a picture.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer broke off or is no HTTP.
    #[error("broken answer: {0}")]
    Broken(String),
    /// Something else than a picture.
    #[error("media type {0:?} is no picture that is shown")]
    MediaType(String),
    /// More bytes than the limit.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    /// Led on and on.
    #[error("more than {REDIRECTS_MAX} redirects")]
    Redirects,
}

/// An address template of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why a template is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No such address.
    #[error("is no http or https address such as http://video.example/{{id}}.jpg")]
    Form,
    /// Not fetched from there.
    #[error("has the host {0}, which cameras.hosts does not name")]
    Host(String),
}

impl Address {
    /// Checks a template; with `hosts`, that one of them is its host.
    pub fn parse(text: &str, hosts: Option<&[String]>) -> Result<Self, AddressError> {
        let address = Self(text.to_owned());
        let uri: Uri = address.text("id").parse().map_err(|_no_uri| AddressError::Form)?;
        let (_, authority) = parts(&uri).ok_or(AddressError::Form)?;
        match hosts {
            Some(hosts) if !named(hosts, authority) => Err(AddressError::Host(authority.into())),
            _ => Ok(address),
        }
    }

    /// The address of one camera. Source tokens need no escaping.
    pub fn of(&self, source: &Source) -> String {
        self.text(source.as_str())
    }

    fn text(&self, id: &str) -> String {
        self.0.replace(ID, id)
    }
}

/// Scheme and `HOST` or `HOST:PORT` of an absolute http or https address without user name.
fn parts(uri: &Uri) -> Option<(bool, &str)> {
    let encrypted = match uri.scheme()? {
        scheme if *scheme == Scheme::HTTP => false,
        scheme if *scheme == Scheme::HTTPS => true,
        _ => return None,
    };
    let authority = uri.authority()?.as_str();
    (!authority.contains('@') && !uri.host()?.is_empty()).then_some((encrypted, authority))
}

fn named(hosts: &[String], authority: &str) -> bool {
    hosts.iter().any(|host| host.eq_ignore_ascii_case(authority))
}

/// What pictures are fetched with.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// `HOST` or `HOST:PORT` as they stand in addresses.
    pub hosts: Vec<String>,
    /// Where the picture of a camera is.
    pub address: Address,
    /// User name and password for basic authentication; null for none.
    pub credentials: Option<(String, String)>,
    /// For https addresses; null when none is allowed.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Longest time of one picture, redirects included.
    pub timeout: Duration,
    /// Largest picture.
    pub bytes_max: usize,
}

/// Fetches pictures.
#[derive(Debug, Clone)]
pub struct Fetcher(FetchSettings);

impl Fetcher {
    /// A fetcher with these settings.
    pub const fn new(settings: FetchSettings) -> Self {
        Self(settings)
    }

    /// The picture of a camera.
    pub(super) async fn picture(&self, source: &Source) -> Taken {
        let address = self.0.address.of(source);
        // On the heap: connections with their buffers are large.
        let fetching = Box::pin(self.follow(&address));
        tokio::time::timeout(self.0.timeout, fetching).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn follow(&self, address: &str) -> Taken {
        let no_address = |text: &str| FetchError::Address(text.to_owned());
        let first: Uri = address.parse().map_err(|_no_uri| no_address(address))?;
        let mut uri = first.clone();
        for _ in 0..=REDIRECTS_MAX {
            let (encrypted, authority) = parts(&uri).ok_or_else(|| no_address(&uri.to_string()))?;
            if !named(&self.0.hosts, authority) {
                return Err(FetchError::Host(authority.to_owned()));
            }
            let with_password =
                uri.authority() == first.authority() && uri.scheme() == first.scheme();
            let request = self.request(&uri, authority, with_password)?;
            match self.exchange(&uri, encrypted, request).await? {
                Answered::Picture(media_type, bytes) => return Ok((media_type, bytes)),
                Answered::Elsewhere(location) => {
                    uri = onward(&uri, &location).ok_or_else(|| no_address(&location))?;
                }
            }
        }
        Err(FetchError::Redirects)
    }

    fn request(
        &self,
        uri: &Uri,
        authority: &str,
        with_password: bool,
    ) -> Result<Request<Empty<Bytes>>, FetchError> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::get(path)
            .header(header::HOST, authority)
            .header(header::ACCEPT, MEDIA_TYPES.join(", "))
            .header(header::CONNECTION, "close");
        if let Some((user, password)) = self.0.credentials.as_ref().filter(|_| with_password) {
            let pair =
                base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        request.body(Empty::new()).map_err(|_bad| FetchError::Address(uri.to_string()))
    }

    async fn exchange(
        &self,
        uri: &Uri,
        encrypted: bool,
        request: Request<Empty<Bytes>>,
    ) -> Result<Answered, FetchError> {
        let unreachable =
            |error: &dyn std::fmt::Display| FetchError::Unreachable(error.to_string());
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, port)).await.map_err(|error| unreachable(&error))?;
        if !encrypted {
            return self.speak(stream, request).await;
        }
        let tls = self.0.tls.clone().ok_or_else(|| unreachable(&"cameras.ca_file is not set"))?;
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| unreachable(&error))?;
        let stream = tokio_rustls::TlsConnector::from(tls).connect(name, stream).await;
        self.speak(stream.map_err(|error| unreachable(&error))?, request).await
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        request: Request<Empty<Bytes>>,
    ) -> Result<Answered, FetchError> {
        let broken = |error: hyper::Error| FetchError::Broken(error.to_string());
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            read(response, self.0.bytes_max).await
        };
        // The connection must be driven for the exchange to go on; it may end first.
        match select(pin!(exchange), pin!(connection)).await {
            Either::Left((answered, _)) => answered,
            Either::Right((_, exchange)) => exchange.await,
        }
    }
}

#[derive(Debug)]
enum Answered {
    Picture(&'static str, Bytes),
    Elsewhere(String),
}

async fn read(response: Response<Incoming>, bytes_max: usize) -> Result<Answered, FetchError> {
    let status = response.status();
    let text =
        |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(FetchError::Refused(status.as_u16()));
        }
        _ if status.is_redirection() => {
            let location = text(header::LOCATION).ok_or(FetchError::Status(status.as_u16()))?;
            return Ok(Answered::Elsewhere(location.to_owned()));
        }
        _ => return Err(FetchError::Status(status.as_u16())),
    }
    let told = text(header::CONTENT_TYPE).unwrap_or_default();
    let bare = told.split(';').next().unwrap_or_default().trim();
    let media_type = MEDIA_TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(bare))
        .ok_or_else(|| FetchError::MediaType(bare.chars().take(80).collect()))?;
    let body = Limited::new(response.into_body(), bytes_max).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            FetchError::TooLarge(bytes_max)
        } else {
            FetchError::Broken(error.to_string())
        }
    })?;
    Ok(Answered::Picture(media_type, body.to_bytes()))
}

/// Where a redirect leads: an absolute address, or a path of the same host.
fn onward(from: &Uri, location: &str) -> Option<Uri> {
    if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(location.parse().ok()?);
        return Uri::from_parts(parts).ok();
    }
    location.parse().ok().filter(|uri: &Uri| uri.scheme().is_some())
}

#[cfg(test)]
mod tests;
