//! What the checks of every 15 minutes look at, and the states that they open and close.

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::{Client, Row};

use super::StoreError;
use crate::quality::{check::Check, slow::Bad};

type Span = (DateTime<Utc>, DateTime<Utc>);

/// A state that is open.
#[derive(Debug, Clone)]
pub struct OpenRow {
    /// Device.
    pub source: String,
    /// Channel, phase, lane or zone; empty for the whole device.
    pub place: String,
    /// Word of the check.
    pub check: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What was measured.
    pub value: Option<f32>,
    /// The limit of it.
    pub limit: Option<f32>,
}

/// Events of one channel or phase of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switchings {
    /// Controller.
    pub source: String,
    /// Channel or phase.
    pub number: i32,
    /// Switchings on, or events.
    pub on: i64,
    /// Switchings off.
    pub off: i64,
}

/// What stations of a link counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Vehicles.
    pub count: i64,
    /// Stations that counted in every 5 minutes.
    pub stations: i64,
}

/// Latest health of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraHealth {
    /// Camera.
    pub source: String,
    /// For how long its picture stands still, milliseconds.
    pub freeze_ms: Option<i64>,
    /// Share of dark picture, 1e-4.
    pub dark_e4: Option<i32>,
}

/// Vehicles of a lane or zone in 5 minutes, now and in the weeks before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weeks {
    /// Device.
    pub source: String,
    /// Lane or zone.
    pub place: String,
    /// The last three.
    pub now: Vec<i64>,
    /// Those of the same time one to four weeks ago.
    pub before: Vec<i64>,
}

const SLOW: [Check; 5] = [
    Check::Imbalance,
    Check::Conservation,
    Check::Unusual,
    Check::Unconfigured,
    Check::CameraBlind,
];

/// States that are open.
pub async fn open(client: &Client) -> Result<Vec<OpenRow>, StoreError> {
    let sql = "select d.source, c.place, c.checked, c.since, c.value, c.limit_value \
               from detector_check c join device d on d.id = c.device_id \
               where c.until is null and c.checked = any($1::text[])";
    let rows = client.query(sql, &[&SLOW.map(Check::as_str).to_vec()]).await;
    let rows = rows.map_err(|error| StoreError::of("read the open states", error))?;
    let open = |row: &Row| OpenRow {
        source: row.get(0),
        place: row.get(1),
        check: row.get(2),
        since: row.get(3),
        value: row.get(4),
        limit: row.get(5),
    };
    Ok(rows.iter().map(open).collect())
}

/// Keeps that a state opened.
pub async fn open_one(client: &Client, bad: &Bad, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "insert into detector_check \
                 (device_id, place, detector_id, checked, since, value, limit_value) \
               select d.id, $2, t.id, $3, $4, $5, $6 \
               from device d left join detector t on t.device_id = d.id and t.place = $2 \
               where d.source = $1 and d.retired_at is null";
    let (source, check) = (bad.source.as_str(), bad.check.as_str());
    client
        .execute(sql, &[&source, &&*bad.place, &check, &at, &bad.value, &bad.limit])
        .await
        .map(|_rows| ())
        .map_err(|error| StoreError::of("open a state", error))
}

/// Keeps that a state closed.
pub async fn close_one(
    client: &Client,
    (source, place, check): (&str, &str, Check),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "update detector_check c set until = greatest($4, c.since) from device d \
               where d.id = c.device_id and d.source = $1 and c.place = $2 and c.checked = $3 \
                 and c.until is null";
    client
        .execute(sql, &[&source, &place, &check.as_str(), &at])
        .await
        .map(|_rows| ())
        .map_err(|error| StoreError::of("close a state", error))
}

/// Events of a controller: detector events (82 on, 81 off) per channel; begins of green, yellow, red
/// clearance and its end (1, 8, 10, 11) per phase.
pub async fn events(
    client: &Client,
    source: &str,
    (from, to): Span,
) -> Result<(Vec<Switchings>, Vec<Switchings>), StoreError> {
    let sql = "select e.code in (81, 82), e.parameter, count(*) filter (where e.code <> 81), \
                 count(*) filter (where e.code = 81) \
               from signal_event e \
               where e.device_id = (select id from device where source = $1 and retired_at is null) \
                 and e.time >= $2 and e.time < $3 and e.code in (1, 8, 10, 11, 81, 82) group by 1, 2";
    let rows = client.query(sql, &[&source, &from, &to]).await;
    let rows = rows.map_err(|error| StoreError::of("count controller events", error))?;
    let one = |row: &Row| Switchings {
        source: source.to_owned(),
        number: row.get(1),
        on: row.get(2),
        off: row.get(3),
    };
    let (detectors, phases): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.get(0));
    Ok((detectors.into_iter().map(one).collect(), phases.into_iter().map(one).collect()))
}

/// What stations counted in a direction.
pub async fn flow(
    client: &Client,
    stations: &[String],
    direction: &str,
    (from, to): Span,
) -> Result<Flow, StoreError> {
    let sql = "select coalesce(sum(s.count), 0)::int8, count(*) filter (where s.buckets >= $5) from ( \
                 select d.id, sum(f.count_sum) as count, count(distinct f.bucket) as buckets \
                 from device d join detector t on t.device_id = d.id and t.direction = $2 \
                 join interval_5min f on f.detector_id = t.id \
                 where d.source = any($1) and f.bucket >= $3 and f.bucket < $4 and f.count_n > 0 \
                 group by d.id) s";
    let buckets = (to - from).num_minutes() / 5;
    let row = client.query_one(sql, &[&stations, &direction, &from, &to, &buckets]).await;
    let row = row.map_err(|error| StoreError::of("count the flow of a link", error))?;
    Ok(Flow { count: row.get(0), stations: row.get(1) })
}

/// Latest health of every camera that reported in the span.
pub async fn cameras(client: &Client, (from, to): Span) -> Result<Vec<CameraHealth>, StoreError> {
    let sql = "select distinct on (h.device_id) d.source, (h.report->'camera'->>'freeze_ms')::int8, \
                 (h.report->'camera'->>'dark_e4')::int4 \
               from health h join device d on d.id = h.device_id and d.service = 'cctv' \
               where h.time >= $1 and h.time <= $2 order by h.device_id, h.time desc";
    let rows = client.query(sql, &[&from, &to]).await;
    let rows = rows.map_err(|error| StoreError::of("read the health of cameras", error))?;
    let one =
        |row: &Row| CameraHealth { source: row.get(0), freeze_ms: row.get(1), dark_e4: row.get(2) };
    Ok(rows.iter().map(one).collect())
}

/// Vehicles in the 15 minutes before `end` and in those of one to four weeks ago, good rows only.
pub async fn weeks(client: &Client, end: DateTime<Utc>) -> Result<Vec<Weeks>, StoreError> {
    let sql = "select d.source, t.place, \
                 array_agg(f.count_sum) filter (where w.week = 0), \
                 array_agg(f.count_sum) filter (where w.week > 0) \
               from detector t join device d on d.id = t.device_id and d.retired_at is null \
               cross join generate_series(0, 4) as w (week) \
               cross join lateral ( \
                 select f.count_sum from interval_5min f \
                 where f.detector_id = t.id and f.count_n > 0 and f.good = f.intervals \
                   and f.bucket >= $1::timestamptz - interval '15 minutes' - w.week * interval '7 days' \
                   and f.bucket < $1::timestamptz - w.week * interval '7 days' \
                   and f.bucket >= $2 and f.bucket < $1 \
               ) f \
               group by 1, 2 having count(*) filter (where w.week = 0) = 3";
    let first = end - TimeDelta::days(29);
    let rows = client.query(sql, &[&end, &first]).await;
    let rows = rows.map_err(|error| StoreError::of("compare with the weeks before", error))?;
    let one = |row: &Row| Weeks {
        source: row.get(0),
        place: row.get(1),
        now: row.get::<_, Option<Vec<i64>>>(2).unwrap_or_default(),
        before: row.get::<_, Option<Vec<i64>>>(3).unwrap_or_default(),
    };
    Ok(rows.iter().map(one).collect())
}
