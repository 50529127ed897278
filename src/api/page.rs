//! The dashboards: static files with precompressed siblings, the security headers of every answer.
//!
//! Files under `assets/` carry a hash in their names and are cached for ever; everything else is
//! asked for again each time. A path that is no file is answered with `index.html`, since the pages
//! route themselves, unless it names a file (a dot in its last part) and no page is asked for.

use std::{ffi::OsStr, path::Path, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse as _, Response},
};
use tower_http::services::{ServeDir, ServeFile};

use super::{App, problem::Problem};

/// Scripts, styles, fonts, data and workers from this origin only; no inline code, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
     manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the security headers to every answer.
pub(super) async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Serves the folder of the built dashboards.
pub(super) fn files(folder: &Path) -> Router<Arc<App>> {
    let index = ServeFile::new(folder.join("index.html")).precompressed_br().precompressed_gzip();
    let files = ServeDir::new(folder).precompressed_br().precompressed_gzip().fallback(index);
    Router::new().fallback_service(files).layer(middleware::from_fn(cache))
}

async fn cache(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::method_not_allowed().into_response();
    }
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    let in_assets = path.starts_with("/assets/");
    let mut response = next.run(request).await;
    let extension = Path::new(&path).extension().map(OsStr::to_ascii_lowercase);
    let names_a_file = extension.is_some_and(|extension| extension != "html");
    let is_html = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    // A missing file must not be answered with the page: the browser would take HTML for a script.
    if is_html && (in_assets || names_a_file && !wants_page) {
        return Problem::not_found(format!("there is no file {path:?}")).into_response();
    }
    let hashed = in_assets && response.status().is_success();
    let value = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// Says what to build when there are no dashboards.
pub(super) async fn missing(State(app): State<Arc<App>>) -> Response {
    let folder = app.settings.dashboards.display().to_string();
    let folder = folder.replace('&', "&amp;").replace('<', "&lt;");
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>IOC Hub</title>\
         <h1>The hub runs, its pages are not built</h1>\
         <p>There is no <code>index.html</code> in <code>{folder}</code>. Build the pages with \
         <code>make dashboards</code>, or set <code>dashboards</code> in <code>[http]</code> to \
         the folder that holds them.</p>\
         <p>The API is at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></html>"
    );
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], Html(text)).into_response()
}
