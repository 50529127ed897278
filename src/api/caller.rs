//! Who asks: the signed-in caller, the address the request came from, and whether a page of another
//! origin sent it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use axum_extra::extract::CookieJar;

use super::{App, problem::Problem};
use crate::access::{self, Identity, Right};

/// Name of the session cookie.
pub const SESSION_COOKIE: &str = "ioc_session";
/// Header in which each proxy adds the address that a request came to it from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The signed-in caller; without one the request is refused with 401.
#[derive(Debug)]
pub struct Caller(pub Identity);

impl Caller {
    /// Refuses with 403 when the caller lacks the right.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        access::decide(&self.0, right).map_err(Problem::from)
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let found = match parts.method {
            Method::GET | Method::HEAD => identify_reader(app, &parts.headers).await?,
            _ => identify(app, &parts.headers).await?,
        };
        found.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

/// Who the request's session cookie belongs to; nobody when there is none that is valid.
async fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Identity>, Problem> {
    let Some(token) = token(headers) else { return Ok(None) };
    Ok(access::identify(&app.store, &app.seen, &token, app.clock.now()).await?)
}

/// The same for a request that only reads: while the database is away whoever was signed in a moment ago
/// still is.
pub async fn identify_reader(app: &App, headers: &HeaderMap) -> Result<Option<Identity>, Problem> {
    let Some(token) = token(headers) else { return Ok(None) };
    Ok(access::identify_reader(&app.store, &app.seen, &token, app.clock.now()).await?)
}

fn token(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// The address that the request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Address of the TCP peer, or the one that the configured proxy of this machine names.
    pub(crate) address: IpAddr,
    /// Whether it is this machine and no proxy passed it on; never where a proxy is configured.
    pub(crate) local: bool,
}

impl Peer {
    /// `tcp` is the other end of the connection; null when it is not known, and then not local.
    fn of(tcp: Option<IpAddr>, headers: &HeaderMap, is_behind_proxy: bool) -> Self {
        let tcp = tcp.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        if is_behind_proxy {
            // Somebody elsewhere could name any address.
            let named = forwarded_for(headers).filter(|_| tcp.is_loopback());
            return Self { address: named.unwrap_or(tcp), local: false };
        }
        let was_passed_on = ["forwarded", FORWARDED_FOR, "x-real-ip", "via"]
            .iter()
            .any(|name| headers.contains_key(*name));
        Self { address: tcp, local: tcp.is_loopback() && !was_passed_on }
    }
}

/// The last address of `X-Forwarded-For`, which the nearest proxy wrote: those before it, its clients may
/// have invented.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    let with_port = || last.parse().map(|address: SocketAddr| address.ip());
    let address = last.parse().or_else(|_| with_port()).ok()?;
    Some(IpAddr::to_canonical(&address))
}

impl FromRequestParts<Arc<App>> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        let tcp = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self::of(tcp, &parts.headers, app.settings.proxy))
    }
}

/// Whether the request comes from a page of this origin, or from no page at all.
///
/// Browsers say it in `Sec-Fetch-Site`; older ones send `Origin`, whose host must be ours. A
/// request without both comes from no browser, and carries no cookie that it does not own.
pub fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| text(header::HOST) == Some(host))
}

/// Refuses every state-changing request of another origin's page.
pub(crate) async fn refuse_cross_site(
    State(_app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && !same_origin(request.headers()) {
        return Problem::cross_site().into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn a_page_of_another_origin_is_told_apart() {
        let own = ("host", "hub.example:8080");
        for (good, pairs) in [
            (true, vec![own]),
            (true, vec![own, ("sec-fetch-site", "same-origin")]),
            (true, vec![own, ("sec-fetch-site", "none")]),
            (false, vec![own, ("sec-fetch-site", "same-site")]),
            (
                false,
                vec![own, ("sec-fetch-site", "cross-site"), ("origin", "http://hub.example:8080")],
            ),
            (true, vec![own, ("origin", "http://hub.example:8080")]),
            (false, vec![own, ("origin", "http://hub.example")]),
            (false, vec![own, ("origin", "http://evil.example")]),
            (false, vec![own, ("origin", "null")]),
            (false, vec![("origin", "http://hub.example")]),
        ] {
            assert_eq!(same_origin(&headers(&pairs)), good, "{pairs:?}");
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_direct_request_of_this_machine_is_local() {
        let is_local = |tcp: &str, forwarded: &[(&'static str, &'static str)]| {
            Peer::of(Some(address(tcp)), &headers(forwarded), false).local
        };
        assert!(is_local("127.0.0.1", &[]));
        assert!(is_local("::1", &[]));
        assert!(is_local("::ffff:127.0.0.1", &[]));
        assert!(!is_local("127.0.0.1", &[(FORWARDED_FOR, "::1")]));
        assert!(!is_local("192.0.2.7", &[]));
        assert!(!Peer::of(None, &headers(&[]), false).local);
    }

    #[test]
    fn behind_the_proxy_the_address_is_the_one_that_it_added_and_nothing_is_local() {
        let peer = |tcp: &str, forwarded: &[(&'static str, &'static str)]| {
            let peer = Peer::of(Some(address(tcp)), &headers(forwarded), true);
            assert!(!peer.local, "{tcp} {forwarded:?}");
            peer.address.to_string()
        };
        assert_eq!(peer("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(peer("127.0.0.1", &[(FORWARDED_FOR, "198.51.100.7")]), "198.51.100.7");
        let added = [(FORWARDED_FOR, "127.0.0.1, 203.0.113.9, 198.51.100.7")];
        assert_eq!(
            peer("127.0.0.1", &added),
            "198.51.100.7",
            "what a client claims does not count"
        );
        assert_eq!(peer("::1", &[(FORWARDED_FOR, "[2001:db8::7]:443")]), "2001:db8::7");
        assert_eq!(peer("127.0.0.1", &[(FORWARDED_FOR, "unknown")]), "127.0.0.1");
        assert_eq!(peer("192.0.2.7", &added), "192.0.2.7", "only the proxy of this machine counts");
        let lines: Vec<_> = ["203.0.113.9", "198.51.100.7"].map(HeaderValue::from_static).into();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line);
        }
        let peer = Peer::of(Some(address("127.0.0.1")), &headers, true);
        assert_eq!(peer.address.to_string(), "198.51.100.7");
    }
}
