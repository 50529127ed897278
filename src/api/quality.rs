//! Data quality: states of detectors now and before, the thresholds that apply, and what people declare bad.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    App, answer,
    body::Body,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    quality::{Check, Limits, Thresholds, bits, standing::OpenCheck, thresholds::Site},
    registry::parse_place,
    store::{
        device::{DeviceFilter, DeviceRow},
        quality_read::{Declared, StateFilter, StateRow},
    },
};

/// Longest reason, characters.
const REASON_MAX: usize = 500;

/// A time in which a check of a detector was open.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DetectorState {
    /// Number.
    #[ts(type = "number")]
    id: i64,
    /// Device.
    source: String,
    /// `lane/1`, `zone/north`, `channel/5`, `phase/9`, `link/ID`; empty for the whole device.
    place: String,
    /// The check.
    check: Check,
    /// Its number in the catalogue of checks; null for rules beyond it.
    code: Option<&'static str>,
    /// Whether the detector counted as failed by it; otherwise it is a hint.
    failed: bool,
    /// Begin of the first row that it marked, source clock.
    since: DateTime<Utc>,
    /// Begin of the first row that it marked no more; null while it is open.
    until: Option<DateTime<Utc>>,
    /// What was measured when it opened; null where nothing is measured.
    value: Option<f32>,
    /// The limit of it.
    limit: Option<f32>,
    /// Unit of both.
    unit_of_measure: &'static str,
}

impl DetectorState {
    fn of(row: StateRow) -> Option<Self> {
        let check = Check::parse(&row.check)?;
        Some(Self {
            id: row.id,
            source: row.source,
            place: row.place,
            check,
            code: check.code(),
            failed: check.is_failure(),
            since: row.since,
            until: row.until,
            value: row.value,
            limit: row.limit,
            unit_of_measure: check.unit_of_measure(),
        })
    }
}

/// Which states.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StateQuery {
    /// Only of this device.
    source: Option<String>,
    /// Only of this lane, zone, channel or phase: `lane/1`, `zone/north`, `channel/5`.
    place: Option<String>,
    /// Checks, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    check: Vec<Check>,
    /// true for those that are open, false for the others; without it, all.
    open: Option<bool>,
    /// Open at or after this instant, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Opened before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for StateQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (source, place) = (params.text("source")?, params.text("place")?);
        let check = params.named("check", &Check::ALL.map(|check| (check.as_str(), check)))?;
        let open = params.flag("open")?;
        let (from, to) = params.span()?;
        Ok(Self { source, place, check, open, from, to })
    }
}

/// States of detectors, newest numbers first: when which check was open, with value and limit.
#[utoipa::path(get, operation_id = "list_detector_states", path = "/api/v1/quality", tag = "data health", params(StateQuery, ShortPages<i64>), responses(
    (status = 200, description = "A page of states", body = Page<DetectorState>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(StateQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = StateFilter {
        source: query.source,
        place: query.place,
        checks: query.check.into_iter().map(|check| check.as_str().to_owned()).collect(),
        open: query.open,
        from: query.from,
        to: query.to,
        before_id: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.detector_states(&filter).await?;
    let page = paging.limit.page(rows, |row| row.id, DetectorState::of);
    let items = page.items.into_iter().flatten().collect();
    answer::tagged(&headers, &Page { items, next: page.next })
}

/// What is known of the detectors of one device now.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DeviceQuality {
    /// Device.
    source: String,
    /// Its lanes, zones, channels and phases.
    places: Vec<PlaceQuality>,
    /// What each bit of `quality` in rows and series means, from bit 0 on.
    #[schema(value_type = Vec<String>)]
    #[ts(type = "string[]")]
    bits: [&'static str; bits::WORDS.len()],
}

/// What is known of one lane or zone.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PlaceQuality {
    /// `lane/1`, `zone/north`, `channel/5`, `phase/9`; empty for the whole device.
    place: String,
    /// Good samples of the last hour, 0 to 1; null where none are known.
    good_share: Option<f32>,
    /// Checks that are open.
    checks: Vec<OpenCheck>,
    /// The thresholds that apply to it today; null for channels and phases.
    limits: Option<Limits>,
}

/// The detectors of one device: open checks, good samples of the last hour, thresholds.
#[utoipa::path(get, operation_id = "device_quality", path = "/api/v1/quality/{source}", tag = "data health",
    params(("source" = String, Path, description = "Source token of a device")), responses(
    (status = 200, description = "What is known of its detectors", body = DeviceQuality),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(source): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let device = device(&app, &source).await?;
    let token = ioc_ingest::Source::parse(&source).ok();
    let known = token.and_then(|token| app.standings.borrow().get(&token).cloned());
    let day = app.clock.now().with_timezone(&app.settings.zone).date_naive();
    let mut places: Vec<PlaceQuality> = device
        .detectors
        .iter()
        .map(|detector| PlaceQuality {
            place: detector.place.clone(),
            good_share: None,
            checks: Vec::new(),
            limits: site(&device, &detector.place).map(|site| app.thresholds.limits(&site, day)),
        })
        .collect();
    for place in known.iter().flat_map(|known| &known.places) {
        match places.iter_mut().find(|known| *known.place == *place.place) {
            Some(found) => {
                found.good_share = place.good_share;
                found.checks.clone_from(&place.checks);
            }
            None => places.push(PlaceQuality {
                place: place.place.to_string(),
                good_share: place.good_share,
                checks: place.checks.clone(),
                limits: None,
            }),
        }
    }
    let bits = bits::WORDS.map(|(_, word)| word);
    answer::tagged(&headers, &DeviceQuality { source, places, bits })
}

async fn device(app: &App, source: &str) -> Result<DeviceRow, Problem> {
    let filter = DeviceFilter {
        sources: vec![source.to_owned()],
        retired: true,
        limit: 1,
        ..DeviceFilter::default()
    };
    let found = app.store.devices(&filter).await?.pop();
    found.ok_or_else(|| Problem::not_found(format!("there is no device {source:?}")))
}

fn site<'a>(device: &'a DeviceRow, place: &'a str) -> Option<Site<'a>> {
    let detector = device.detectors.iter().find(|detector| detector.place == place)?;
    Some(Site {
        source: &device.source,
        place,
        parent: device.parent.as_deref(),
        corridor: device.corridor.as_deref(),
        area: device.area.as_deref(),
        service: ioc_ingest::Service::parse(&device.service)?,
        class: detector.lane_class.as_deref().and_then(crate::quality::thresholds::parse_class),
    })
}

/// Every profile of thresholds and every override, as configured.
#[utoipa::path(get, operation_id = "quality_thresholds", path = "/api/v1/quality/thresholds", tag = "data health", responses(
    (status = 200, description = "The thresholds", body = Thresholds),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn thresholds(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    answer::tagged(&headers, &*app.thresholds)
}

/// A span in which a person declares a lane or zone bad.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForcedBad {
    /// First instant, RFC 3339 with offset.
    from: DateTime<Utc>,
    /// First instant after; null while it lasts. The same as `from` ends what was declared before.
    to: Option<DateTime<Utc>>,
    /// Why, at most 500 characters.
    reason: String,
}

/// Declares a lane or zone bad: its rows of that span carry the quality bit `forced_bad`, those that are
/// stored too. Replaces what was declared of it from `from` on; journalled.
#[utoipa::path(put, operation_id = "declare_detector_bad", path = "/api/v1/detectors/{source}/{kind}/{name}/forced_bad", tag = "data health",
    params(
        ("source" = String, Path, description = "Source token of a device"),
        ("kind" = String, Path, description = "`lane` or `zone`"),
        ("name" = String, Path, description = "Number of the lane or name of the zone")),
    request_body = ForcedBad, responses(
    (status = 204, description = "It is declared"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 404, description = "No such lane or zone", body = Problem)))]
pub(super) async fn declare_bad(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((source, kind, name)): Path<(String, String, String)>,
    Body(declared): Body<ForcedBad>,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let place = format!("{kind}/{name}");
    let unknown = || Problem::not_found(format!("there is no {place:?} of {source:?}"));
    if parse_place(&place).is_none() {
        return Err(unknown());
    }
    let now = app.clock.now();
    let reason = declared.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(Problem::invalid("reason", format!("is 1 to {REASON_MAX} characters")));
    }
    if declared.from < now - app.settings.interval_horizon
        || declared.from > now + TimeDelta::days(366)
    {
        return Err(Problem::invalid(
            "from",
            "lies beyond the intervals that are kept, or far ahead",
        ));
    }
    if declared.to.is_some_and(|to| to < declared.from) {
        return Err(Problem::invalid("to", "is before `from`"));
    }
    let declared = Declared {
        source: &source,
        place: &place,
        from: declared.from,
        to: declared.to,
        reason,
        who: &caller.0.user,
        at: now,
    };
    if app.store.declare_bad(&declared).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}
