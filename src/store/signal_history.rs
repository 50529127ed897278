//! What every device showed at an instant of the past: its last signal state, intervals and health
//! report before that instant and not older than a bound.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;

use super::{Store, StoreError};

/// A signal state.
#[derive(Debug, Clone)]
pub struct SignalStateRow {
    /// Device.
    pub source: String,
    /// Source clock.
    pub time: DateTime<Utc>,
    /// Mode word.
    pub mode: String,
    /// Running plan.
    pub plan: Option<i32>,
    /// Cycle length, milliseconds.
    pub cycle_ms: Option<i32>,
    /// Position in the cycle, milliseconds.
    pub cycle_position_ms: Option<i32>,
    /// Offset, milliseconds.
    pub offset_ms: Option<i32>,
    /// NTCIP 1202 unitFlashStatus.
    pub flash: Option<i16>,
    /// Active preempt.
    pub preempt: Option<i16>,
    /// Groups as stored.
    pub groups: Value,
}

/// An interval of a lane or zone.
#[derive(Debug, Clone)]
pub struct ReadingRow {
    /// Device.
    pub source: String,
    /// `lane/1`, `zone/north-in`.
    pub place: String,
    /// Start, source clock.
    pub time: DateTime<Utc>,
    /// Length, milliseconds.
    pub duration_ms: i32,
    /// Vehicles.
    pub count: Option<i32>,
    /// Share of the time occupied, 1e-4.
    pub occupancy_e4: Option<i16>,
    /// Mean speed, 0.1 km/h.
    pub speed_e1_kmh: Option<i16>,
    /// Mean headway, milliseconds.
    pub headway_ms: Option<i32>,
    /// Queue, decimetres.
    pub queue_dm: Option<i32>,
    /// Density, 0.1 vehicles per km.
    pub density_e1_per_km: Option<i32>,
    /// Quality bits.
    pub quality: i32,
}

/// A health report.
#[derive(Debug, Clone)]
pub struct HealthRow {
    /// Device.
    pub source: String,
    /// Source clock.
    pub time: DateTime<Utc>,
    /// Report as stored.
    pub report: Value,
}

/// Everything that was shown at one instant.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// One row per controller that had told anything.
    pub signals: Vec<SignalStateRow>,
    /// One row per lane or zone.
    pub readings: Vec<ReadingRow>,
    /// One row per device.
    pub health: Vec<HealthRow>,
    /// Expected time between the messages of each device that has one, milliseconds.
    pub periods_ms: BTreeMap<String, u32>,
}

const SIGNALS: &str = "
    select d.source, s.time, s.mode, s.plan, s.cycle_ms, s.cycle_position_ms, s.offset_ms,
           s.flash, s.preempt, s.groups
    from device d cross join lateral (
      select * from signal_state
      where device_id = d.id and time <= $1 and time > $2 order by time desc limit 1
    ) s
    where d.service = 'signal' order by d.source";

/// An interval is known when it is over, so its end decides.
const READINGS: &str = "
    select d.source, t.place, r.time, r.duration_ms, r.count, r.occupancy_e4, r.speed_e1_kmh,
           r.headway_ms, r.queue_dm, r.density_e1_per_km, r.quality
    from detector t join device d on d.id = t.device_id cross join lateral (
      select * from interval_reading
      where detector_id = t.id and time <= $1 and time > $2
        and time + duration_ms * interval '1 ms' <= $1
      order by time desc limit 1
    ) r
    order by d.source, length(t.place), t.place";

const HEALTH: &str = "
    select d.source, h.time, h.report
    from device d cross join lateral (
      select * from health
      where device_id = d.id and time <= $1 and time > $2 order by time desc limit 1
    ) h
    order by d.source";

const PERIODS: &str = "select source, period_ms from device where period_ms is not null";

impl Store {
    /// What was shown at `at`; what was older than `since` then is left out.
    pub async fn shown_at(
        &self,
        at: DateTime<Utc>,
        since: DateTime<Utc>,
    ) -> Result<Shown, StoreError> {
        let failed = |error| StoreError::of("read the state of an instant", error);
        let client = self.reader().await?;
        let signals = client.query(SIGNALS, &[&at, &since]).await.map_err(failed)?;
        let readings = client.query(READINGS, &[&at, &since]).await.map_err(failed)?;
        let health = client.query(HEALTH, &[&at, &since]).await.map_err(failed)?;
        let periods = client.query(PERIODS, &[]).await.map_err(failed)?;
        Ok(Shown {
            signals: signals.iter().map(signal).collect::<Result<_, _>>().map_err(failed)?,
            readings: readings.iter().map(reading).collect::<Result<_, _>>().map_err(failed)?,
            health: health.iter().map(report).collect::<Result<_, _>>().map_err(failed)?,
            periods_ms: periods.iter().map(period).collect::<Result<_, _>>().map_err(failed)?,
        })
    }
}

fn signal(row: &Row) -> Result<SignalStateRow, tokio_postgres::Error> {
    Ok(SignalStateRow {
        source: row.try_get(0)?,
        time: row.try_get(1)?,
        mode: row.try_get(2)?,
        plan: row.try_get(3)?,
        cycle_ms: row.try_get(4)?,
        cycle_position_ms: row.try_get(5)?,
        offset_ms: row.try_get(6)?,
        flash: row.try_get(7)?,
        preempt: row.try_get(8)?,
        groups: row.try_get(9)?,
    })
}

fn reading(row: &Row) -> Result<ReadingRow, tokio_postgres::Error> {
    Ok(ReadingRow {
        source: row.try_get(0)?,
        place: row.try_get(1)?,
        time: row.try_get(2)?,
        duration_ms: row.try_get(3)?,
        count: row.try_get(4)?,
        occupancy_e4: row.try_get(5)?,
        speed_e1_kmh: row.try_get(6)?,
        headway_ms: row.try_get(7)?,
        queue_dm: row.try_get(8)?,
        density_e1_per_km: row.try_get(9)?,
        quality: row.try_get(10)?,
    })
}

fn report(row: &Row) -> Result<HealthRow, tokio_postgres::Error> {
    Ok(HealthRow { source: row.try_get(0)?, time: row.try_get(1)?, report: row.try_get(2)? })
}

/// A period is checked to be positive by the table.
fn period(row: &Row) -> Result<(String, u32), tokio_postgres::Error> {
    let period_ms: i32 = row.try_get(1)?;
    Ok((row.try_get(0)?, period_ms.unsigned_abs()))
}
