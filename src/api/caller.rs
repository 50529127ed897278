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
        identify(app, &parts.headers).await?.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

/// Who the request's session cookie belongs to; nobody when there is none that is valid.
pub async fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Identity>, Problem> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else { return Ok(None) };
    Ok(access::identify(&app.store, cookie.value(), app.clock.now()).await?)
}

/// The address that the request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Address of the TCP peer; a proxy's own address when there is a proxy.
    pub(crate) address: IpAddr,
    /// Whether it is this machine and no proxy passed it on.
    pub(crate) local: bool,
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // Without connection information (no real socket) nothing is known, so it is not local.
        let known = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let passed_on = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
            .iter()
            .any(|name| parts.headers.contains_key(*name));
        let address = known.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        Ok(Self { address, local: address.is_loopback() && !passed_on })
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

    #[tokio::test]
    async fn only_a_direct_request_of_this_machine_is_local() {
        let peer = async |address: &str, forwarded: bool| {
            let mut request = Request::new(());
            let address: SocketAddr = address.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(address));
            if forwarded {
                request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("::1"));
            }
            let (mut parts, ()) = request.into_parts();
            let Ok(peer) = Peer::from_request_parts(&mut parts, &()).await;
            peer.local
        };
        assert!(peer("127.0.0.1:5000", false).await);
        assert!(peer("[::1]:5000", false).await);
        assert!(peer("[::ffff:127.0.0.1]:5000", false).await);
        assert!(!peer("127.0.0.1:5000", true).await);
        assert!(!peer("192.0.2.7:5000", false).await);
    }
}
