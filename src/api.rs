//! The HTTP side: one router, one file per noun.
//!
//! [`router`] lists every route of the product. Handlers read their parameters strictly, ask
//! [`crate::access`] whether the caller may, ask [`crate::store`] or the writer, and answer JSON;
//! every failure is one problem document. The OpenAPI document is generated from the handlers.
//!
//! Limits: bodies 1 MiB; lists are paged; a series request answers at most 200,000 points.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use chrono_tz::Tz;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::Gate, clock::SharedClock, import::Words, live::Live, readiness::Readiness,
    store::Store, writer::WriterHandle,
};

mod answer;
mod assessment;
mod body;
mod call;
mod caller;
mod city;
mod contract;
mod desk;
mod device;
mod document;
mod dossier;
mod export;
mod formality;
mod gap;
mod health;
mod import;
mod indicator;
mod journal;
mod live;
mod metric;
mod open311;
mod openapi;
mod page;
mod paging;
mod params;
mod petition;
mod problem;
mod quarantine;
mod record;
#[cfg(test)]
mod route_tests;
mod scorecard;
mod series;
mod session;
mod source;
mod state;
mod ticket;
mod unit;
#[cfg(test)]
mod wire;

pub use caller::{Caller, SESSION_COOKIE, identify, same_origin};
pub use device::DeviceState;
pub use problem::Problem;

/// Largest request body.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// What the live view says of a device, by its source; none when it never heard of it.
pub type StateOf = Arc<dyn Fn(&str) -> Option<DeviceState> + Send + Sync>;
/// The metrics of the process as Prometheus text.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the HTTP side needs to know of the configuration.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Folder of the built dashboards.
    pub dashboards: PathBuf,
    /// Length of a session.
    pub session_length: TimeDelta,
    /// Marks the session cookie for encrypted connections only.
    pub secure_cookies: bool,
    /// The hub listens or talks beyond this machine without encryption.
    pub insecure: bool,
    /// Version and revision.
    pub build: String,
    /// Zone of the city's civil days.
    pub zone: Tz,
    /// Raw intervals older than this are gone; older spans are answered from the rollup.
    pub interval_horizon: TimeDelta,
    /// 5 minutes older than this are gone; older spans are answered from hours and days.
    pub rollup_horizon: TimeDelta,
    /// Token of the city.
    pub city: String,
    /// The city is a demonstration, which every screen then says.
    pub demonstration: bool,
    /// Subscriptions of one live connection.
    pub subscriptions: usize,
    /// A live client that reads nothing for this long is closed.
    pub slow_client: Duration,
    /// A ticket without a due time of its own counts as overdue after this.
    pub default_due: TimeDelta,
    /// Headers and words of imported tables.
    pub words: Arc<Words>,
    /// Names that columns of personal data have.
    pub personal_keys: Vec<String>,
}

/// What the handlers share.
pub struct App {
    /// The database.
    pub store: Store,
    /// The hub's clock.
    pub clock: SharedClock,
    /// Configuration.
    pub settings: ApiSettings,
    /// State of the parts that the hub depends on.
    pub ready: watch::Receiver<Readiness>,
    /// Metrics as text.
    pub metrics: MetricsText,
    /// Live state of devices.
    pub state_of: StateOf,
    /// The live view.
    pub live: Live,
    /// Cancelled when the hub stops.
    pub stop: CancellationToken,
    /// The way to the writer.
    pub writer: WriterHandle,
    /// Guards signing in.
    pub gate: Gate,
    /// What indicators are computed with; none before the registry is known.
    pub reform: watch::Receiver<Option<Arc<crate::reform::Context>>>,
}

/// Every route that the OpenAPI document describes.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(session::sign_in))
        .routes(routes!(session::current, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(city::city))
        .routes(routes!(device::list))
        .routes(routes!(device::one))
        .routes(routes!(unit::areas))
        .routes(routes!(unit::units))
        .routes(routes!(series::series))
        .routes(routes!(series::total::total))
        .routes(routes!(state::state))
        .routes(routes!(ticket::list))
        .routes(routes!(ticket::one))
        .routes(routes!(call::list))
        .routes(routes!(desk::summary))
        .routes(routes!(dossier::list))
        .routes(routes!(dossier::one))
        .routes(routes!(petition::list))
        .routes(routes!(petition::one))
        .routes(routes!(document::list))
        .routes(routes!(document::one))
        .routes(routes!(assessment::list))
        .routes(routes!(formality::list))
        .routes(routes!(metric::catalogue))
        .routes(routes!(metric::figures))
        .routes(routes!(source::list))
        .routes(routes!(source::accept))
        .routes(routes!(gap::list))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::one, quarantine::discard))
        .routes(routes!(quarantine::replay))
        .routes(routes!(journal::list))
        .routes(routes!(import::run, import::list))
        .routes(routes!(indicator::catalogue))
        .routes(routes!(indicator::values))
        .routes(routes!(indicator::records))
        .routes(routes!(indicator::identities))
        .routes(routes!(scorecard::decision766))
        .routes(routes!(scorecard::nine))
        .routes(routes!(scorecard::overrule))
        .routes(routes!(scorecard::close_period))
        .routes(routes!(export::ii06a))
        .routes(routes!(open311::discovery))
        .routes(routes!(open311::services))
        .routes(routes!(open311::requests))
        .routes(routes!(open311::request))
        .routes(routes!(open311::counts))
}

/// Every route of the product. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`: the address of the peer decides what
/// `/metrics` and `/readyz` show and slows down password guessing.
pub fn router(app: Arc<App>) -> Router {
    let (routes, _document) = routes().split_for_parts();
    let pages = if app.settings.dashboards.join("index.html").is_file() {
        page::files(&app.settings.dashboards)
    } else {
        Router::new().fallback(page::missing)
    };
    let api = routes
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .route("/api/v1/live", axum::routing::get(live::open))
        .route("/api/{*rest}", axum::routing::any(no_such_resource))
        .layer(CompressionLayer::new());
    pages
        .merge(api)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), caller::refuse_cross_site))
        .layer(middleware::from_fn(page::security_headers))
        .with_state(app)
}

async fn no_such_resource() -> Response {
    Problem::not_found("there is no such resource; /api/v1/openapi.json lists them").into_response()
}

/// The OpenAPI document of the API.
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
