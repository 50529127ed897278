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
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{Gate, Seen},
    clock::SharedClock,
    import::Words,
    live::Live,
    pcu::Pcu,
    quality::{Thresholds, standing::Standings},
    readiness::Readiness,
    registry::Registry,
    still::{Address, Stills},
    store::Store,
    writer::WriterHandle,
};

mod alarm;
mod alarm_action;
mod alarm_works;
mod answer;
mod assessment;
mod body;
mod call;
mod caller;
mod city;
mod contract;
mod desk;
mod device;
mod display;
mod document;
mod dossier;
mod export;
mod formality;
mod gap;
mod handover;
mod health;
mod history;
mod import;
mod indicator;
mod journal;
mod live;
mod metric;
mod notification;
mod open311;
mod openapi;
mod page;
mod paging;
mod params;
mod pcu;
mod performance;
mod petition;
mod problem;
mod quality;
mod quarantine;
mod record;
#[cfg(test)]
mod route_tests;
mod scorecard;
mod series;
mod session;
mod source;
mod state;
mod still;
mod ticket;
mod unit;
mod view;
#[cfg(test)]
mod wire;

pub use caller::{Caller, SESSION_COOKIE, identify_reader, same_origin};
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
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct ApiSettings {
    /// Folder of the built dashboards.
    pub dashboards: PathBuf,
    /// Length of a session.
    pub session_length: TimeDelta,
    /// Marks the session cookie for encrypted connections only.
    pub secure_cookies: bool,
    /// Every request comes through a proxy on this machine, which names the address that it comes from.
    pub proxy: bool,
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
    /// Headers and words of imported tables.
    pub words: Arc<Words>,
    /// Wall displays of the city folder.
    pub displays: Vec<crate::city::Display>,
    /// Names that columns of personal data have.
    pub personal_keys: Vec<String>,
    /// Address of the streams of cameras; null when none is configured.
    pub stream: Option<Address>,
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
    /// What is registered; null before it was read.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// Pictures of cameras.
    pub stills: Stills,
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
    /// Who was signed in a moment ago.
    pub seen: Seen,
    /// What figures should reach.
    pub targets: crate::performance::target::Targets,
    /// How the receivers of notifications do.
    pub notify: Arc<crate::notify::Board>,
    /// What indicators are computed with; none before the registry is known.
    pub reform: watch::Receiver<Option<Arc<crate::reform::Context>>>,
    /// States of detectors.
    pub standings: watch::Receiver<Standings>,
    /// Thresholds of data quality.
    pub thresholds: Arc<Thresholds>,
    /// Passenger-car units, levels of service, congestion.
    pub pcu: Arc<Pcu>,
    /// Rules of alarms.
    pub rules: Arc<crate::alarm::rule::Rules>,
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
        .routes(routes!(history::indications))
        .routes(routes!(history::equipment))
        .routes(routes!(still::list))
        .routes(routes!(still::still))
        .routes(routes!(unit::areas))
        .routes(routes!(unit::units))
        .routes(routes!(series::series))
        .routes(routes!(series::total::total))
        .routes(routes!(pcu::catalogue))
        .routes(routes!(pcu::traffic))
        .routes(routes!(state::state))
        .routes(routes!(ticket::categories))
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
        .routes(routes!(quality::list))
        .routes(routes!(quality::thresholds))
        .routes(routes!(quality::one))
        .routes(routes!(quality::declare_bad))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::one, quarantine::discard))
        .routes(routes!(quarantine::replay))
        .routes(routes!(journal::list))
        .routes(routes!(journal::silence))
        .routes(routes!(view::list, view::save))
        .routes(routes!(view::remove))
        .routes(routes!(display::list))
        .routes(routes!(display::set, display::reset))
        .routes(routes!(display::push, display::release))
        .routes(routes!(handover::list, handover::give))
        .routes(routes!(handover::take))
        .routes(routes!(alarm::list))
        .routes(routes!(alarm::rules))
        .routes(routes!(alarm_action::propose_limit))
        .routes(routes!(alarm::journal))
        .routes(routes!(alarm_works::list, alarm_works::plan))
        .routes(routes!(alarm_works::end))
        .routes(routes!(alarm_action::acknowledge))
        .routes(routes!(alarm::one))
        .routes(routes!(alarm_action::shelve))
        .routes(routes!(alarm_action::unshelve))
        .routes(routes!(alarm_action::suppress))
        .routes(routes!(alarm_action::unsuppress))
        .routes(routes!(alarm_action::out_of_service))
        .routes(routes!(alarm_action::in_service))
        .routes(routes!(alarm_action::reset))
        .routes(routes!(alarm_action::comment))
        .routes(routes!(alarm_action::assign))
        .routes(routes!(alarm_action::link))
        .routes(routes!(performance::performance))
        .routes(routes!(notification::list))
        .routes(routes!(notification::endpoints))
        .routes(routes!(notification::retry))
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
        .merge(open_routes(Arc::new(Semaphore::new(open311::AT_ONCE))))
}

/// What is public without signing in, `turns` requests at once.
fn open_routes(turns: Arc<Semaphore>) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(open311::discovery))
        .routes(routes!(open311::services))
        .routes(routes!(open311::requests))
        .routes(routes!(open311::request))
        .routes(routes!(open311::counts))
        .layer(middleware::from_fn_with_state(turns, open311::few_at_once))
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
