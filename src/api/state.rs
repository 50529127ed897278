//! What every device showed at an instant, for replay: signal states, intervals and health reports
//! in the field names and units of the MQTT contract. Nothing older than 24 hours then counts.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{
    Word as _,
    health::Health,
    signal::{Mode, SignalState},
};
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
    live::condition::{Condition, Known, evaluate},
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
    /// How it was, judged by what it had told: 1 normal, 2 warning, 3 fault, 4 silent.
    condition: u8,
    /// Reason code; null when there is none.
    why: Option<String>,
    /// State of the signal groups; null when none was told.
    signal: Option<ShownSignal>,
    /// Latest complete interval of each lane or zone.
    readings: Vec<ShownReading>,
    /// Latest health report; null when none was told.
    health: Option<ShownHealth>,
}

impl ShownDevice {
    /// The same judgement as that of the live view, of what was known then. Whether a device was
    /// connected, its clock and its camera's preset are not kept, so they do not count.
    fn judged(&self, period_ms: Option<u32>, at: DateTime<Utc>) -> (Condition, Option<String>) {
        let ends = self.readings.iter().map(ShownReading::end);
        let signal = self.signal.as_ref().map(|signal| signal.time);
        let health = self.health.as_ref().map(|health| health.time);
        let state = self.signal.as_ref().and_then(ShownSignal::judged);
        let report = self.health.as_ref().map(|health| health.judged.clone());
        let known = Known {
            last_seen: ends.chain(signal).chain(health).max(),
            period_ms,
            state: state.as_ref(),
            health: report.as_ref(),
            ..Known::default()
        };
        evaluate(&known, at)
    }
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
    /// The same as the judgement reads it.
    #[serde(skip)]
    #[ts(skip)]
    judged: Health,
}

impl ShownSignal {
    /// What decides about the condition; none when the mode is a word of another version.
    fn judged(&self) -> Option<SignalState> {
        Some(SignalState {
            mode: Mode::parse(&self.mode)?,
            plan: None,
            cycle_ms: None,
            cycle_position_ms: None,
            offset_ms: None,
            flash: self.flash.and_then(|flash| u8::try_from(flash).ok()),
            preempt: None,
            groups: Vec::new(),
        })
    }
}

impl ShownReading {
    fn end(&self) -> DateTime<Utc> {
        #[expect(clippy::cast_possible_truncation, reason = "an interval has few milliseconds")]
        let length = TimeDelta::milliseconds((self.duration_s * 1e3).round() as i64);
        self.time + length
    }
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
        // A report of another version may lack what is needed here; then it decides nothing.
        let judged = serde_json::from_value(row.report.clone()).unwrap_or_default();
        Self { time: row.time, report: in_contract_names(row.report), judged }
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
    let judged = devices.into_iter().map(|(id, device)| {
        let period_ms = shown.periods_ms.get(&id).copied();
        let (condition, why) = device.judged(period_ms, at);
        ShownDevice { id, condition: condition as u8, why, ..device }
    });
    let devices = judged.collect();
    answer::tagged(&headers, &CityState { at, devices })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn reading(age_s: i64) -> ShownReading {
        ReadingRow {
            source: "vds-1".into(),
            place: "lane/1".into(),
            time: AT - TimeDelta::seconds(age_s),
            duration_ms: 30_000,
            count: Some(3),
            occupancy_e4: None,
            speed_e1_kmh: None,
            headway_ms: None,
            queue_dm: None,
            density_e1_per_km: None,
            quality: 0,
        }
        .into()
    }

    fn signal(mode: &str, flash: Option<i16>) -> ShownDevice {
        let signal = SignalStateRow {
            source: "sig-1".into(),
            time: AT,
            mode: mode.into(),
            plan: None,
            cycle_ms: None,
            cycle_position_ms: None,
            offset_ms: None,
            flash,
            preempt: None,
            groups: Value::Array(Vec::new()),
        };
        ShownDevice { signal: Some(signal.into()), ..ShownDevice::default() }
    }

    #[test]
    fn a_station_is_silent_three_periods_after_its_last_interval() {
        let judged = |age_s| {
            let device = ShownDevice { readings: vec![reading(age_s)], ..ShownDevice::default() };
            device.judged(Some(30_000), AT).0
        };
        assert_eq!(judged(119), Condition::Normal);
        assert_eq!(judged(121), Condition::Offline);
    }

    #[test]
    fn a_signal_is_judged_by_its_mode_and_flash() {
        let judged = |mode, flash| signal(mode, flash).judged(None, AT);
        assert_eq!(judged("dark", None), (Condition::Fault, Some("dark".into())));
        assert_eq!(judged("flash", Some(6)), (Condition::Fault, Some("flash.mmu".into())));
        assert_eq!(judged("a word of later", None).0, Condition::Normal);
    }

    #[test]
    fn a_report_without_power_is_a_fault() {
        let report = serde_json::to_value(Health {
            power: Some(ioc_ingest::health::Power::Off),
            ..Health::default()
        })
        .unwrap();
        let health = HealthRow { source: "cab-1".into(), time: AT, report };
        let device = ShownDevice { health: Some(health.into()), ..ShownDevice::default() };
        assert_eq!(device.judged(None, AT), (Condition::Fault, Some("power.off".into())));
    }
}
