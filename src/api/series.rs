//! History of traffic detectors: one series per source, lane or zone, quantity and class.
//!
//! `query` reads what is asked for, `plan` decides resolution and table, the store sums integers per bucket, `fold` makes values of
//! them, `text` writes CSV and columns; `total` adds up many devices. Limits: 50 series, 200,000 points and about 5 million stored
//! rows per request, 20,000 points per series; as columns 1,100,000 points. Beyond them the request is
//! refused before any query.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::interval::Class;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};

use super::{App, answer, caller::Caller, params::Asked, problem::Problem};
use crate::{
    access::Right,
    pcu::Profile,
    store::{
        device::{DetectorRow, DeviceFilter, DeviceRow},
        series::{SeriesAsked, SeriesSums},
    },
};
use fold::{Point, Quantity};
use plan::{Plan, Setting, Wish};
use query::SeriesQuery;

mod fold;
mod plan;
mod query;
mod text;
pub(super) mod total;

/// Most series of one request.
const SERIES_MAX: usize = 50;
/// Most points of one request as JSON or CSV.
const POINTS_MAX: usize = 200_000;
/// Most points of one request as columns: 22 MB before compression.
const COLUMN_POINTS_MAX: usize = 1_100_000;
/// Most stored rows that one request may read: some seconds of the database's time.
const ROWS_MAX: i64 = 5_000_000;
const CSV: &str = "text/csv";
const COLUMNS: &str = "application/vnd.ioc.columns";

/// Series over one span.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct SeriesSet {
    /// Begin as asked for; the first bucket may begin earlier.
    from: DateTime<Utc>,
    /// End as asked for; the last bucket may end later.
    to: DateTime<Utc>,
    /// In the order of sources, lanes or zones, quantities and classes as asked for.
    series: Vec<Series>,
}

/// One series.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Series {
    /// Device.
    source: String,
    /// Lane number; null for a zone or the whole device.
    lane: Option<u8>,
    /// Zone; null for a lane or the whole device.
    zone: Option<String>,
    /// count, `flow_veh_h`, `flow_pcu_h`, occupancy, `speed_kmh` or `headway_s`.
    quantity: &'static str,
    /// Vehicle class; null for all.
    class: Option<&'static str>,
    /// vehicles, vehicles/h, PCU/h, share (0 to 1), km/h or s.
    unit_of_measure: &'static str,
    /// Profile of passenger-car units that was applied; null for other quantities.
    pcu_profile: Option<String>,
    /// Length of a bucket, seconds.
    #[ts(type = "number")]
    resolution_s: i64,
    /// `raw`, `5min`, `1h` or `1d`: the rows that it was summed up from; the values do not depend on it.
    basis: &'static str,
    /// `[time, value, good, expected]` per bucket: its begin; the value, null when nothing was measured; intervals without a quality bit; intervals that the registered period promises, null when none is registered.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    #[ts(type = "[time: string, value: number | null, good: number, expected: number | null][]")]
    points: Vec<Point>,
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_tuple(4)?;
        row.serialize_element(&time_text(self.time))?;
        row.serialize_element(&self.value.map(rounded))?;
        row.serialize_element(&self.good)?;
        row.serialize_element(&self.expected)?;
        row.end()
    }
}

fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Four decimals: finer than any detector measures.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Series of traffic detectors: JSON, `text/csv`, or columns for charts.
///
/// Counts and flows of several lanes are added, occupancy is their mean, speed and headway are
/// weighted by vehicles. The columnar form is one block per series: a JSON header line, then the
/// columns as little-endian arrays (`time` a Float64 of Unix milliseconds, then Uint32 deltas;
/// `value` Float32 with NaN for null; `good` and `expected` Uint32); it may hold 1,100,000 points, the
/// other forms 20,000 per series and 200,000 in all.
#[utoipa::path(get, operation_id = "series", path = "/api/v1/series", tag = "history", params(SeriesQuery), responses(
    (status = 200, description = "The series; gaps are null", content(
        (SeriesSet = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.ioc.columns"))),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device, lane or zone", body = Problem)))]
pub(super) async fn series(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asking): Asked<SeriesQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let now = app.clock.now();
    let to = asking.to.unwrap_or(now);
    if asking.from >= to {
        return Err(Problem::invalid("from", "is not before `to`"));
    }
    let as_columns = answer::accepts(&headers, COLUMNS);
    if !as_columns && asking.points > plan::POINTS_MAX {
        let detail = format!("{}, allowed is 1 to {}", asking.points, plan::POINTS_MAX);
        return Err(Problem::invalid("points", detail));
    }
    let devices = devices(&app, &asking).await?;
    let readings = readings(&app, &asking, (to, now, as_columns), &devices)?;
    let profile = match &asking.pcu_profile {
        Some(id) => app.pcu.profile(id).ok_or_else(|| {
            let all: Vec<&str> = app.pcu.profiles.iter().map(|profile| &*profile.id).collect();
            Problem::invalid("pcu_profile", format!("{id:?}, allowed is {}", all.join(", ")))
        })?,
        None => app.pcu.default_profile().ok_or_else(|| Problem::not_found("no profile"))?,
    };
    let mut set = SeriesSet { from: asking.from, to, series: Vec::new() };
    for reading in &readings {
        set.series.extend(reading.read(&app, &asking, (profile, now)).await?);
    }
    if answer::accepts(&headers, CSV) {
        return Ok(answer::with_tag(&headers, "text/csv; charset=utf-8", text::csv(&set)?.into()));
    }
    if as_columns {
        return Ok(answer::with_tag(&headers, COLUMNS, text::columns(&set)?.into()));
    }
    answer::tagged(&headers, &set)
}

/// The devices in the order in which they were asked for.
async fn devices(app: &App, asking: &SeriesQuery) -> Result<Vec<DeviceRow>, Problem> {
    let per_device = (asking.lane.len() + asking.zone.len()).max(1)
        * asking.quantity.len()
        * asking.class.len().max(1);
    if asking.source.len() * per_device > SERIES_MAX {
        let detail =
            format!("{} series, allowed are {SERIES_MAX}", asking.source.len() * per_device);
        return Err(Problem::too_much("source", detail, "ask for fewer at once"));
    }
    let filter = DeviceFilter {
        sources: asking.source.clone(),
        retired: true,
        limit: i64::try_from(SERIES_MAX).unwrap_or(i64::MAX),
        ..DeviceFilter::default()
    };
    let mut found = app.store.devices(&filter).await?;
    let mut devices = Vec::with_capacity(found.len());
    for source in &asking.source {
        let at = found.iter().position(|device| device.source == *source);
        let at = at.ok_or_else(|| Problem::not_found(format!("there is no device {source:?}")))?;
        devices.push(found.swap_remove(at));
    }
    Ok(devices)
}

/// What is read of one device.
struct Reading<'a> {
    device: &'a DeviceRow,
    places: Vec<Place>,
    plan: Plan,
}

/// Decides what to read of each device, within the limits of a request.
fn readings<'a>(
    app: &App,
    asking: &SeriesQuery,
    (to, now, as_columns): (DateTime<Utc>, DateTime<Utc>, bool),
    devices: &'a [DeviceRow],
) -> Result<Vec<Reading<'a>>, Problem> {
    let of_one = if as_columns { plan::COLUMN_POINTS_MAX } else { plan::POINTS_MAX };
    let points_max = if as_columns { COLUMN_POINTS_MAX } else { POINTS_MAX };
    let wish = Wish {
        from: asking.from,
        to,
        step_s: asking.step,
        points: asking.points,
        points_max: of_one,
        raw_only: asking.quantity.contains(&Quantity::HeadwayS),
    };
    let mut load = Load::default();
    let mut readings = Vec::with_capacity(devices.len());
    for device in devices {
        let places = places(device, &asking.places())?;
        let setting = Setting {
            period_ms: device.period_ms,
            raw_since: now - app.settings.interval_horizon,
            rollup_since: now - app.settings.rollup_horizon,
            zone: app.settings.zone,
        };
        let plan = plan::plan(&wish, &setting)?;
        let detectors = places.iter().map(|(_, ids)| ids.len()).sum();
        let series = places.len() * asking.quantity.len() * asking.class.len().max(1);
        load.add((plan.buckets() * series, points_max), plan.rows(detectors, device.period_ms))?;
        readings.push(Reading { device, places, plan });
    }
    Ok(readings)
}

/// What a request asks for so far. It is refused with the device that goes beyond, before the plans of the
/// others are made: a plan holds the edges of all of its buckets.
#[derive(Debug, Default)]
struct Load {
    points: usize,
    rows: i64,
}

impl Load {
    fn add(&mut self, (points, points_max): (usize, usize), rows: i64) -> Result<(), Problem> {
        self.points = self.points.saturating_add(points);
        self.rows = self.rows.saturating_add(rows);
        let help = "ask for fewer series, a longer step or a shorter span";
        if self.points > points_max {
            let detail = format!("at least {} points, allowed are {points_max}", self.points);
            return Err(Problem::too_much("points", detail, help));
        }
        if self.rows > ROWS_MAX {
            let rows = self.rows;
            let detail =
                format!("at least {rows} stored rows would be read, allowed are {ROWS_MAX}");
            return Err(Problem::too_much("from", detail, help));
        }
        Ok(())
    }
}

impl Reading<'_> {
    async fn read(
        &self,
        app: &App,
        asking: &SeriesQuery,
        (profile, now): (&Profile, DateTime<Utc>),
    ) -> Result<Vec<Series>, Problem> {
        let Self { device, places, plan } = self;
        let mut ids: Vec<i32> = places.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable();
        let by_class = !asking.class.is_empty();
        let is_in_units = asking.quantity.contains(&Quantity::FlowPcuH);
        let rows = app
            .store
            .series(SeriesAsked {
                basis: plan.basis,
                detectors: &ids,
                edges: &plan.edges,
                sums: SeriesSums {
                    occupancy: asking.quantity.contains(&Quantity::Occupancy),
                    speed: asking.quantity.contains(&Quantity::SpeedKmh),
                    classes: by_class || is_in_units,
                },
                together: false,
                zone: app.settings.zone,
            })
            .await?;
        let classes: Vec<Option<Class>> =
            if by_class { asking.class.iter().copied().map(Some).collect() } else { vec![None] };
        let units = if is_in_units { fold::in_units(&rows, profile) } else { Vec::new() };
        let mut all = Vec::new();
        for (place, ids) in places {
            for &quantity in &asking.quantity {
                for &class in &classes {
                    let what = (quantity, class);
                    let is_in_units = quantity == Quantity::FlowPcuH;
                    let rows = if is_in_units { &units } else { &rows };
                    let points = fold::points(plan, rows, ids, what, (device.period_ms, now));
                    let series = one(&device.source, place.as_deref(), what, plan, points);
                    let pcu_profile = is_in_units.then(|| profile.id.clone());
                    all.push(Series { pcu_profile, ..series });
                }
            }
        }
        Ok(all)
    }
}

fn one(
    source: &str,
    place: Option<&str>,
    (quantity, class): (Quantity, Option<Class>),
    plan: &Plan,
    points: Vec<Point>,
) -> Series {
    let named = |kind: &str| place.and_then(|place| place.strip_prefix(kind));
    Series {
        source: source.to_owned(),
        lane: named("lane/").and_then(|lane| lane.parse().ok()),
        zone: named("zone/").map(str::to_owned),
        quantity: quantity.as_str(),
        class: class.map(Class::as_str),
        unit_of_measure: quantity.unit_of_measure(),
        pcu_profile: None,
        resolution_s: plan.step_s,
        basis: plan.basis.as_str(),
        points,
    }
}

type Place = (Option<String>, Vec<i32>);

/// The lanes and zones that were asked for, or all of the device together.
fn places(device: &DeviceRow, asked: &[String]) -> Result<Vec<Place>, Problem> {
    if device.detectors.is_empty() {
        let detail = format!("device {:?} has no lanes or zones", device.source);
        return Err(Problem::not_found(detail));
    }
    if asked.is_empty() {
        let all = device.detectors.iter().map(|detector| detector.id).collect();
        return Ok(vec![(None, all)]);
    }
    let find = |place: &String| {
        let found = device.detectors.iter().find(|detector| detector.place == *place);
        let id = |detector: &DetectorRow| (Some(place.clone()), vec![detector.id]);
        found.map(id).ok_or_else(|| {
            Problem::not_found(format!("device {:?} has no {place:?}", device.source))
        })
    };
    asked.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_refused_with_the_device_that_goes_beyond() {
        let mut load = Load::default();
        load.add((POINTS_MAX / 2, POINTS_MAX), 1).unwrap();
        load.add((POINTS_MAX / 2, POINTS_MAX), ROWS_MAX - 1).unwrap();
        assert_eq!(load.add((1, POINTS_MAX), 0).unwrap_err().at_fault(), Some("points"));
        let mut load = Load::default();
        assert_eq!(load.add((1, POINTS_MAX), ROWS_MAX + 1).unwrap_err().at_fault(), Some("from"));
    }

    #[test]
    fn a_point_is_written_as_an_array_with_null_for_nothing_measured() {
        let time = DateTime::UNIX_EPOCH;
        let points = [
            Point { time, value: Some(123.456_789), good: 9, expected: Some(10) },
            Point { time, value: None, good: 0, expected: None },
        ];
        let text = serde_json::to_string(&points).unwrap();
        let first = r#"["1970-01-01T00:00:00Z",123.4568,9,10]"#;
        assert_eq!(text, format!(r#"[{first},["1970-01-01T00:00:00Z",null,0,null]]"#));
    }
}
