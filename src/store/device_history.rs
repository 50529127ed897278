//! The last hours of one device: which indications its signal groups showed, what it said of its equipment,
//! and when it was connected.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_postgres::{Row, types::Json};

use super::{Store, StoreError};

/// State of a controller, of each group only what it showed and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicationRow {
    /// Source clock.
    pub time: DateTime<Utc>,
    /// Mode word.
    pub mode: String,
    /// Running plan.
    pub plan: Option<i32>,
    /// Cycle length, milliseconds.
    pub cycle_ms: Option<i32>,
    /// Groups in the order of the message.
    pub groups: Vec<GroupRow>,
}

/// What one group showed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GroupRow {
    /// Kind word.
    pub kind: String,
    /// Number within the kind.
    pub group: i32,
    /// SAE J2735 movement phase state 0 to 9.
    pub state: i16,
    /// Since when it was shown, source clock.
    pub since: Option<DateTime<Utc>>,
}

/// What a device said of its equipment; null where it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquipmentRow {
    /// Source clock.
    pub time: DateTime<Utc>,
    /// line, battery, bypass or off.
    pub power: Option<String>,
    /// Battery charge, percent.
    pub battery_pct: Option<i32>,
    /// Temperature inside, 0.1 degrees Celsius.
    pub temperature_e1_c: Option<i32>,
    /// Cabinet door.
    pub door_open: Option<bool>,
    /// Whether the video system reaches the camera.
    pub reachable: Option<bool>,
    /// Why not.
    pub why: Option<String>,
    /// For how long the picture has stood still, milliseconds.
    pub freeze_ms: Option<i64>,
    /// Turned away from its home preset.
    pub moved: Option<bool>,
}

type Span = (DateTime<Utc>, DateTime<Utc>);

/// The state before the span tells what was shown when it began.
const INDICATIONS: &str = "
    select time, mode, plan, cycle_ms, groups from signal_state
    where device_id = $1 and time < $3 and time >= coalesce((
      select max(time) from signal_state
      where device_id = $1 and time <= $2 and time > $2 - interval '1 minute'), $2)
    order by time";

/// The last report of each step.
const EQUIPMENT: &str = "
    select distinct on (step) time, report ->> 'power', (report ->> 'battery_pct')::int4,
           (report ->> 'temperature_e1_c')::int4, (report ->> 'door_open')::bool,
           (report -> 'camera' ->> 'reachable')::bool, report -> 'camera' ->> 'why',
           (report -> 'camera' ->> 'freeze_ms')::int8, (report -> 'camera' ->> 'moved')::bool
    from (
      select time, report, time_bucket($4::int4 * interval '1 second', time) as step from health
      where device_id = $1 and time >= $2 and time < $3
    ) as told
    order by step, time desc";

/// The state before the span comes first.
const CONNECTIONS: &str = "
    (select time, online from connection where device_id = $1 and time < $2
     order by time desc limit 1)
    union all
    (select time, online from connection where device_id = $1 and time >= $2 and time < $3
     order by time limit $4)
    order by time";

impl Store {
    /// States of a controller within a span and the last one in the minute before it, in order.
    pub async fn indications(
        &self,
        device_id: i32,
        (from, to): Span,
    ) -> Result<Vec<IndicationRow>, StoreError> {
        let failed = |error| StoreError::of("read the indications of a controller", error);
        let client = self.reader().await?;
        let rows = client.query(INDICATIONS, &[&device_id, &from, &to]).await.map_err(failed)?;
        rows.iter().map(indication).collect::<Result<_, _>>().map_err(failed)
    }

    /// Reports of a device within a span, one per step at most, in order.
    pub async fn equipment_history(
        &self,
        device_id: i32,
        (from, to): Span,
        step_s: i32,
    ) -> Result<Vec<EquipmentRow>, StoreError> {
        let failed = |error| StoreError::of("read the equipment history of a device", error);
        let client = self.reader().await?;
        let rows = client.query(EQUIPMENT, &[&device_id, &from, &to, &step_s]).await;
        rows.map_err(failed)?.iter().map(equipment).collect::<Result<_, _>>().map_err(failed)
    }

    /// Connects and last wills of a device within a span, the state before it first; at most `limit`.
    pub async fn connections(
        &self,
        device_id: i32,
        (from, to): Span,
        limit: i64,
    ) -> Result<Vec<(DateTime<Utc>, bool)>, StoreError> {
        let failed = |error| StoreError::of("read the connections of a device", error);
        let client = self.reader().await?;
        let rows = client.query(CONNECTIONS, &[&device_id, &from, &to, &limit]).await;
        let read = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.map_err(failed)?.iter().map(read).collect::<Result<_, _>>().map_err(failed)
    }
}

fn indication(row: &Row) -> Result<IndicationRow, tokio_postgres::Error> {
    let Json(groups) = row.try_get(4)?;
    Ok(IndicationRow {
        time: row.try_get(0)?,
        mode: row.try_get(1)?,
        plan: row.try_get(2)?,
        cycle_ms: row.try_get(3)?,
        groups,
    })
}

fn equipment(row: &Row) -> Result<EquipmentRow, tokio_postgres::Error> {
    Ok(EquipmentRow {
        time: row.try_get(0)?,
        power: row.try_get(1)?,
        battery_pct: row.try_get(2)?,
        temperature_e1_c: row.try_get(3)?,
        door_open: row.try_get(4)?,
        reachable: row.try_get(5)?,
        why: row.try_get(6)?,
        freeze_ms: row.try_get(7)?,
        moved: row.try_get(8)?,
    })
}
