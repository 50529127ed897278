//! What publishes, registered or discovered, and taking a discovered source in.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source};
use serde::{Deserialize, Serialize};

use super::{
    App,
    answer::{self, Name},
    body::Body,
    caller::Caller,
    paging::{LongPages, Page},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::source::{SourceFilter, SourceRow},
    writer::NewDevice,
};

/// Longest name of a device, characters.
const NAME_MAX: usize = 200;
/// Longest period of a device, seconds.
const PERIOD_MAX_S: f64 = 86_400.0;

/// A source.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct SourceInfo {
    /// Source token.
    id: String,
    /// `registered`, or `discovered`: it publishes and waits to be accepted.
    state: SourceState,
    /// Service that it is registered under, else the one it publishes under.
    service: String,
    /// Its name; null for discovered ones.
    name: Option<Name>,
    /// First message, hub clock; null when it never published.
    first_seen: Option<DateTime<Utc>>,
    /// Latest message, hub clock; null when it never published.
    last_seen: Option<DateTime<Utc>>,
    /// Largest message time, source clock; null before the first good message.
    last_time: Option<DateTime<Utc>>,
    /// Largest restart counter; null before the first good message.
    #[ts(type = "number | null")]
    boot: Option<i64>,
    /// seq of the latest message of that boot.
    #[ts(type = "number | null")]
    seq: Option<i64>,
    /// Latest connection state; null when it publishes none.
    online: Option<bool>,
    /// ntp, gps, ptp or none; null when not reported.
    clock_source: Option<String>,
    /// Reported clock offset, milliseconds; null when not reported.
    clock_offset_ms: Option<i32>,
    /// What was counted; null when it never published.
    counters: Option<SourceCounters>,
}

/// Whether a source is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceState {
    /// A registered device.
    Registered,
    /// Publishes and waits to be accepted.
    Discovered,
}

/// What was counted of a source.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct SourceCounters {
    /// Messages received.
    #[ts(type = "number")]
    messages: i64,
    /// Messages or parts of them refused.
    #[ts(type = "number")]
    refused: i64,
    /// Facts (rows) that were already there, under the same seq or another.
    #[ts(type = "number")]
    duplicates: i64,
    /// Messages marked late by the source.
    #[ts(type = "number")]
    late: i64,
    /// Refused messages beyond the bound of the quarantine: counted, not kept.
    #[ts(type = "number")]
    dropped: i64,
    /// Messages published with `QoS` 0.
    #[ts(type = "number")]
    unguaranteed: i64,
    /// Messages whose seq had been received before and that brought nothing new.
    #[ts(type = "number")]
    repeated: i64,
    /// New messages that came after a later one of their stream and boot.
    #[ts(type = "number")]
    out_of_order: i64,
    /// Messages whose seq had been received before and that yet brought new facts.
    #[ts(type = "number")]
    seq_reused: i64,
    /// Holes in seq that are not filled; `gaps` lists them.
    #[ts(type = "number")]
    open_gaps: i64,
    /// Messages that are missing in holes.
    #[ts(type = "number")]
    missing: i64,
    /// Restarts of streams, across each of which it is unknown what was lost.
    #[ts(type = "number")]
    restarts: i64,
}

impl From<SourceRow> for SourceInfo {
    fn from(row: SourceRow) -> Self {
        let counters = row.counters.map(|counters| SourceCounters {
            messages: counters.messages,
            refused: counters.refused,
            duplicates: counters.duplicates,
            late: counters.late,
            dropped: counters.dropped,
            unguaranteed: counters.unguaranteed,
            repeated: counters.repeated,
            out_of_order: counters.out_of_order,
            seq_reused: counters.seq_reused,
            open_gaps: counters.loss.open_gaps,
            missing: counters.loss.missing,
            restarts: counters.loss.restarts,
        });
        let state = if row.registered { SourceState::Registered } else { SourceState::Discovered };
        Self {
            id: row.source,
            state,
            service: row.service,
            name: row.name.map(|(vi, en)| Name { vi, en }),
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            last_time: row.last_time,
            boot: row.boot,
            seq: row.seq,
            online: row.online,
            clock_source: row.clock_source,
            clock_offset_ms: row.clock_offset_ms,
            counters,
        }
    }
}

/// Which sources.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SourceQuery {
    /// registered or discovered; without it, both.
    #[param(value_type = Option<String>)]
    state: Option<SourceState>,
    /// Services, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    service: Vec<String>,
}

impl FromParams for SourceQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let state = match params.text("state")?.as_deref() {
            None => None,
            Some("registered") => Some(SourceState::Registered),
            Some("discovered") => Some(SourceState::Discovered),
            Some(other) => {
                let detail = format!("{other:?}, allowed is registered or discovered");
                return Err(Problem::invalid("state", detail));
            }
        };
        let service = params.services()?;
        Ok(Self { state, service })
    }
}

/// Every source that is registered or ever published, in the order of their ids.
#[utoipa::path(get, operation_id = "list_sources", path = "/api/v1/sources", tag = "data health", params(SourceQuery, LongPages<String>), responses(
    (status = 200, description = "A page of sources", body = Page<SourceInfo>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(SourceQuery, LongPages<String>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = SourceFilter {
        source: None,
        registered: query.state.map(|state| state == SourceState::Registered),
        services: query.service,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.sources(&filter).await?;
    let page = paging.limit.page(rows, |row| row.source.clone(), SourceInfo::from);
    answer::tagged(&headers, &page)
}

/// How a discovered source is registered.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// signal, vds, cctv, cabinet, desk, onestop or metric.
    service: String,
    /// Its name.
    name: Name,
    /// Longitude, degrees WGS 84; null for systems without a place.
    lon: Option<f64>,
    /// Latitude, degrees WGS 84; null for systems without a place.
    lat: Option<f64>,
    /// Expected time between messages of its main stream, seconds; null when there is none.
    period_s: Option<f64>,
}

/// What became of the messages that were kept of an accepted source.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Accepted {
    /// Messages that are stored now.
    #[ts(type = "number")]
    replayed: u64,
    /// Messages that are still refused; the quarantine tells why.
    #[ts(type = "number")]
    refused_again: u64,
}

/// Register a discovered source and replay the messages that were kept of it.
#[utoipa::path(post, operation_id = "accept_source", path = "/api/v1/sources/{id}/accept", tag = "data health",
    params(("id" = String, Path, description = "Source token")), request_body = Acceptance,
    responses(
    (status = 201, description = "Registered", body = Accepted),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an administrator", body = Problem),
    (status = 404, description = "Nothing publishes as this source", body = Problem),
    (status = 409, description = "It is registered already", body = Problem)))]
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(acceptance): Body<Acceptance>,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let device = acceptance.into_device(&id)?;
    let filter = SourceFilter { source: Some(id.clone()), limit: 1, ..SourceFilter::default() };
    let is_heard =
        !app.store.sources(&filter).await?.is_empty() || app.store.is_held_unnamed(&id).await?;
    if !is_heard {
        return Err(Problem::not_found(format!("nothing publishes as {id:?}")));
    }
    let outcome = app.writer.accept(device, &caller.0.user).await?;
    let accepted = Accepted { replayed: outcome.replayed, refused_again: outcome.refused_again };
    Ok((StatusCode::CREATED, Json(accepted)).into_response())
}

impl Acceptance {
    fn into_device(self, id: &str) -> Result<NewDevice, Problem> {
        let source =
            Source::parse(id).map_err(|error| Problem::invalid("id", error.to_string()))?;
        let service = Service::parse(&self.service).ok_or_else(|| {
            let all = Service::ALL.iter().map(|service| service.as_str()).collect::<Vec<_>>();
            let detail = format!("{:?}, allowed is {}", self.service, all.join(", "));
            Problem::invalid("service", detail)
        })?;
        let position = match (self.lon, self.lat) {
            (None, None) => None,
            (Some(lon), Some(lat)) => Some((within("lon", lon, 180.0)?, within("lat", lat, 90.0)?)),
            (Some(_), None) => return Err(Problem::invalid("lat", "is missing beside `lon`")),
            (None, Some(_)) => return Err(Problem::invalid("lon", "is missing beside `lat`")),
        };
        Ok(NewDevice {
            source,
            service,
            name_vi: named("name.vi", &self.name.vi)?,
            name_en: named("name.en", &self.name.en)?,
            position,
            period_ms: self.period_s.map(period_ms).transpose()?,
        })
    }
}

fn within(field: &'static str, degrees: f64, most: f64) -> Result<f64, Problem> {
    if degrees.is_finite() && degrees.abs() <= most {
        Ok(degrees)
    } else {
        Err(Problem::invalid(field, format!("{degrees}, allowed is -{most} to {most}")))
    }
}

fn named(field: &'static str, name: &str) -> Result<String, Problem> {
    let length = name.trim().chars().count();
    if (1..=NAME_MAX).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.trim().to_owned())
    } else {
        Err(Problem::invalid(field, format!("1 to {NAME_MAX} characters, none of them control")))
    }
}

fn period_ms(seconds: f64) -> Result<u32, Problem> {
    if (1.0..=PERIOD_MAX_S).contains(&seconds) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was just checked"
        )]
        let milliseconds = (seconds * 1e3).round() as u32;
        return Ok(milliseconds);
    }
    Err(Problem::invalid("period_s", format!("{seconds}, allowed is 1 to {PERIOD_MAX_S}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device(changes: &[(&str, serde_json::Value)]) -> Result<NewDevice, Problem> {
        let mut body = json!({
            "service": "vds", "name": {"vi": "Cầu Cần Thơ", "en": "Can Tho bridge"},
            "lon": 105.8, "lat": 10.03, "period_s": 30
        });
        for (key, value) in changes {
            body[key] = value.clone();
        }
        serde_json::from_value::<Acceptance>(body).unwrap().into_device("vds-900")
    }

    #[test]
    fn a_complete_acceptance_becomes_a_device() {
        let device = device(&[]).unwrap();
        assert_eq!(device.source.as_str(), "vds-900");
        assert_eq!((device.position, device.period_ms), (Some((105.8, 10.03)), Some(30_000)));
    }

    #[test]
    fn each_mistake_names_its_field() {
        let field =
            |key, value| device(&[(key, value)]).unwrap_err().at_fault().unwrap().to_owned();
        assert_eq!(field("service", json!("radar")), "service");
        assert_eq!(field("lon", json!(205.8)), "lon");
        assert_eq!(field("lat", json!(null)), "lat");
        assert_eq!(field("name", json!({"vi": " ", "en": "x"})), "name.vi");
        assert_eq!(field("name", json!({"vi": "x", "en": "a\u{0}b"})), "name.en");
        assert_eq!(field("period_s", json!(0.2)), "period_s");
    }
}
