//! Pictures of cameras: which cameras have one, and the picture itself, fetched or drawn by the hub.
//!
//! Works while the database is away. A picture is never kept by the browser or a proxy; its headers tell
//! how old it is. Failures are told as codes without addresses.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::{Service, Source};
use serde::Serialize;

use super::{App, answer, caller::Caller, problem::Problem};
use crate::{
    access::Right,
    registry::Device,
    simulate::picture::{Trouble, drawn},
    still::{FetchError, Still},
};

const FETCHED_AT: HeaderName = HeaderName::from_static("x-ioc-fetched-at");
const CHANGED_AT: HeaderName = HeaderName::from_static("x-ioc-changed-at");

/// Cameras in the order of their ids.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Cameras {
    /// Every camera that is registered.
    cameras: Vec<Camera>,
}

/// Where the pictures of a camera are.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Camera {
    /// Source token.
    id: String,
    /// `fetched` from its host, `drawn` because it is simulated, or `none`: no address is configured.
    picture: PictureOrigin,
    /// Address of its stream or of its page in the video system; null when none is configured.
    stream: Option<String>,
}

/// Where a picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PictureOrigin {
    /// From the host of the camera.
    Fetched,
    /// By the hub.
    Drawn,
    /// From nowhere.
    None,
}

fn origin(app: &App, device: &Device) -> PictureOrigin {
    match (device.simulated, app.stills.fetches()) {
        (true, _) => PictureOrigin::Drawn,
        (false, true) => PictureOrigin::Fetched,
        (false, false) => PictureOrigin::None,
    }
}

/// Cameras with where their pictures and streams are.
#[utoipa::path(get, operation_id = "list_cameras", path = "/api/v1/cameras", tag = "registry", responses(
    (status = 200, description = "The cameras in service", body = Cameras),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let registry = app.registry.borrow().clone().ok_or_else(Problem::starting)?;
    let of_cctv = registry.devices.values().filter(|device| device.service == Service::Cctv);
    let mut cameras: Vec<Camera> = of_cctv
        .map(|device| Camera {
            id: device.source.to_string(),
            picture: origin(&app, device),
            stream: app.settings.stream.as_ref().map(|address| address.of(&device.source)),
        })
        .collect();
    cameras.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    answer::tagged(&headers, &Cameras { cameras })
}

/// The latest picture of a camera, at most a second old.
///
/// The hub fetches it from the hosts that its configuration names. Headers tell when it got the picture
/// and since when the picture has been the same, byte for byte: one that does not change is frozen.
#[utoipa::path(get, operation_id = "still", path = "/api/v1/devices/{id}/still", tag = "registry",
    params(("id" = String, Path, description = "Source token of a camera")), responses(
    (status = 200, description = "The picture", headers(
        ("x-ioc-fetched-at" = String, description = "When the hub got it, hub clock, RFC 3339"),
        ("x-ioc-changed-at" = String, description = "Since when it has not changed, hub clock, RFC 3339")),
        content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"),
            (String = "image/svg+xml"))),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such camera, or no address of its picture is configured", body = Problem),
    (status = 502, description = "`camera_unreachable`, `camera_refused` or `camera_answer`: the camera gave no picture", body = Problem),
    (status = 504, description = "`camera_timeout`: not within the limit", body = Problem)))]
pub(super) async fn still(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let registry = app.registry.borrow().clone().ok_or_else(Problem::starting)?;
    let device = Source::parse(&id)
        .ok()
        .and_then(|source| registry.device(&source).cloned())
        .filter(|device| device.service == Service::Cctv)
        .ok_or_else(|| Problem::not_found(format!("there is no camera {id:?}")))?;
    let now = app.clock.now();
    let taken = match origin(&app, &device) {
        PictureOrigin::Drawn => Some(simulated(&app, &device.source, now).await),
        PictureOrigin::Fetched => app.stills.fetched(&device.source, now).await,
        PictureOrigin::None => None,
    };
    let taken = taken.ok_or_else(|| {
        Problem::not_found("no address of still pictures is configured (cameras.still)")
    })?;
    taken.map(answered).map_err(|error| failed(&device.source, &error))
}

/// What a simulated camera shows: what it says of itself decides.
async fn simulated(app: &App, source: &Source, now: DateTime<Utc>) -> Result<Still, FetchError> {
    let why = (app.state_of)(source.as_str()).and_then(|state| state.why);
    let why = why.as_deref().unwrap_or_default();
    let zone = app.settings.zone;
    let taken = || async {
        match why {
            "camera.auth" => Err(FetchError::Refused(401)),
            "silent" | "will" | "camera.unreachable" => {
                Err(FetchError::Unreachable(why.to_owned()))
            }
            _ => {
                let frozen = why == "camera.frozen";
                let trouble = Trouble { frozen, moved: why == "camera.off_preset" };
                let svg = drawn(source.as_str(), now, zone, trouble);
                Ok(("image/svg+xml", Bytes::from(svg)))
            }
        }
    };
    app.stills.take(source, now, taken).await
}

fn answered(still: Still) -> Response {
    let time = |time: DateTime<Utc>| {
        HeaderValue::try_from(time.to_rfc3339_opts(SecondsFormat::Millis, true)).ok()
    };
    let media_type = HeaderValue::from_static(still.media_type);
    let mut response = ([(header::CONTENT_TYPE, media_type)], still.bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in
        [(FETCHED_AT, time(still.fetched_at)), (CHANGED_AT, time(still.changed_at))]
    {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response
}

/// The class of a failure; where the camera is stays in the hub's log.
fn failed(source: &Source, error: &FetchError) -> Problem {
    tracing::debug!(%source, %error, "a camera gave no picture");
    match error {
        FetchError::TimedOut => Problem::camera_timeout(),
        FetchError::Unreachable(_) => {
            Problem::camera("camera_unreachable", "the camera does not answer")
        }
        FetchError::Refused(_) => {
            Problem::camera("camera_refused", "the camera refuses the hub's user name or password")
        }
        FetchError::Host(_)
        | FetchError::Address(_)
        | FetchError::Status(_)
        | FetchError::Broken(_)
        | FetchError::MediaType(_)
        | FetchError::TooLarge(_)
        | FetchError::Redirects => Problem::camera("camera_answer", "the answer is no picture"),
    }
}
