//! What every device showed at an instant, for replay: signal states, intervals and health reports
//! in the field names and units of the MQTT contract. Nothing older than 24 hours then counts.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    App, answer,
    caller::Caller,
    contract::in_contract_names,
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::signal_history::{HealthRow, ReadingRow, SignalStateRow},
};

/// What was older than this at the instant is not told.
const AGE_MAX: TimeDelta = TimeDelta::hours(24);

/// What every device showed at an instant.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct CityState {
    /// The instant.
    at: DateTime<Utc>,
    /// Devices that had told anything within 24 hours before it.
    devices: Vec<ShownDevice>,
}

/// What one device showed.
#[derive(Debug, Default, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ShownDevice {
    /// Source token.
    id: String,
    /// State of the signal groups; null when none was told.
    signal: Option<ShownSignal>,
    /// Latest complete interval of each lane or zone.
    readings: Vec<ShownReading>,
    /// Latest health report; null when none was told.
    health: Option<ShownHealth>,
}

/// State of a signal controller.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ShownSignal {
    /// Source clock.
    time: DateTime<Utc>,
    /// Mode word of the contract.
    mode: String,
    /// Running plan.
    plan: Option<i32>,
    /// Cycle length, seconds.
    cycle_s: Option<f64>,
    /// Position in the cycle at `time`, seconds.
    cycle_position_s: Option<f64>,
    /// Offset of the plan, seconds.
    offset_s: Option<f64>,
    /// NTCIP 1202 unitFlashStatus 1 to 8.
    flash: Option<i16>,
    /// Active preempt, 0 for none.
    preempt: Option<i16>,
    /// Signal groups as in `signal/state`.
    #[schema(value_type = Vec<Object>)]
    #[ts(type = "Record<string, unknown>[]")]
    groups: Value,
}

/// Interval of a lane or zone.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ShownReading {
    /// `lane/1`, `zone/north-in`.
    key: String,
    /// Start, source clock.
    time: DateTime<Utc>,
    /// Length, seconds.
    duration_s: f64,
    /// Vehicles; null when not measured.
    count: Option<i32>,
    /// Share of the time occupied, 0 to 1; null when not measured.
    occupancy: Option<f64>,
    /// Mean speed, km/h; null when not measured.
    speed_kmh: Option<f64>,
    /// Mean headway, seconds; null when not measured.
    headway_s: Option<f64>,
    /// Queue, metres; null when not measured.
    queue_m: Option<f64>,
    /// Vehicles per km; null when not measured.
    density_per_km: Option<f64>,
    /// Quality bits, 0 when good.
    quality: i32,
}

/// Health report.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ShownHealth {
    /// Source clock.
    time: DateTime<Utc>,
    /// Report as in the `health` message.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, unknown>")]
    report: Value,
}

fn seconds(ms: i32) -> f64 {
    f64::from(ms) / 1e3
}

impl From<SignalStateRow> for ShownSignal {
    fn from(row: SignalStateRow) -> Self {
        Self {
            time: row.time,
            mode: row.mode,
            plan: row.plan,
            cycle_s: row.cycle_ms.map(seconds),
            cycle_position_s: row.cycle_position_ms.map(seconds),
            offset_s: row.offset_ms.map(seconds),
            flash: row.flash,
            preempt: row.preempt,
            groups: in_contract_names(row.groups),
        }
    }
}

impl From<ReadingRow> for ShownReading {
    fn from(row: ReadingRow) -> Self {
        Self {
            key: row.place,
            time: row.time,
            duration_s: seconds(row.duration_ms),
            count: row.count,
            occupancy: row.occupancy_e4.map(|e4| f64::from(e4) / 1e4),
            speed_kmh: row.speed_e1_kmh.map(|e1| f64::from(e1) / 10.0),
            headway_s: row.headway_ms.map(seconds),
            queue_m: row.queue_dm.map(|dm| f64::from(dm) / 10.0),
            density_per_km: row.density_e1_per_km.map(|e1| f64::from(e1) / 10.0),
            quality: row.quality,
        }
    }
}

impl From<HealthRow> for ShownHealth {
    fn from(row: HealthRow) -> Self {
        Self { time: row.time, report: in_contract_names(row.report) }
    }
}

/// Which instant.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StateQuery {
    /// RFC 3339 with offset, not in the future.
    at: DateTime<Utc>,
}

impl FromParams for StateQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let at = params.time("at")?.ok_or_else(|| Problem::invalid("at", "is missing"))?;
        Ok(Self { at })
    }
}

/// What every device showed at an instant of the past.
#[utoipa::path(get, operation_id = "state_at", path = "/api/v1/state", tag = "history", params(StateQuery), responses(
    (status = 200, description = "Devices that had told anything", body = CityState),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn state(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(StateQuery { at }): Asked<StateQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    if at > app.clock.now() {
        return Err(Problem::invalid("at", "lies in the future"));
    }
    let shown = app.store.shown_at(at, at - AGE_MAX).await?;
    let mut devices: BTreeMap<String, ShownDevice> = BTreeMap::new();
    for row in shown.signals {
        let device = devices.entry(row.source.clone()).or_default();
        device.signal = Some(row.into());
    }
    for row in shown.readings {
        let device = devices.entry(row.source.clone()).or_default();
        device.readings.push(row.into());
    }
    for row in shown.health {
        let device = devices.entry(row.source.clone()).or_default();
        device.health = Some(row.into());
    }
    let devices = devices.into_iter().map(|(id, device)| ShownDevice { id, ..device }).collect();
    answer::tagged(&headers, &CityState { at, devices })
}
