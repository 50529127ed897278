//! Totals over many devices: one series for all of them together, from the rollups.
//!
//! The database sums up across lanes and devices, so a thousand devices cost one row per bucket.
//! Limits: 20,000 points of each total, of which there are at most 10 (the classes of count); the stored
//! rows of any series request; 20,000 devices.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use ioc_ingest::interval::Class;
use serde::Serialize;

use super::{
    Point, ROWS_MAX,
    fold::{self, Quantity},
    plan::{self, Plan, Setting, Wish},
    query::POINTS,
};
use crate::{
    access::Right,
    api::{
        App, answer,
        caller::Caller,
        params::{Asked, FromParams, Params},
        problem::Problem,
    },
    store::{
        device::{DeviceFilter, DeviceRow},
        series::{SeriesAsked, SeriesSums},
    },
};

/// Most devices of one request.
const DEVICES_MAX: usize = 20_000;
/// What adds up across devices. A flow does not where a lane is missing: a count per hour tells it.
const QUANTITIES: [Quantity; 3] = [Quantity::Count, Quantity::Occupancy, Quantity::SpeedKmh];

/// Which devices, and what of them.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct TotalQuery {
    /// Devices, as comma list or repeated. At least one of source, service, area and corridor is needed.
    #[param(value_type = Option<Vec<String>>)]
    source: Vec<String>,
    /// Only of these services: vds, cctv.
    #[param(value_type = Option<Vec<String>>)]
    service: Vec<String>,
    /// Only in this area.
    area: Option<String>,
    /// Only on this corridor.
    corridor: Option<String>,
    /// count, occupancy, `speed_kmh`. Default count.
    #[param(value_type = Option<Vec<String>>)]
    quantity: Vec<Quantity>,
    /// Vehicle classes, for count; without it, all vehicles.
    #[param(value_type = Option<Vec<String>>)]
    class: Vec<Class>,
    /// Begin, RFC 3339 with offset; widened to a whole bucket.
    from: DateTime<Utc>,
    /// End, RFC 3339 with offset; widened to a whole bucket. Default now.
    to: Option<DateTime<Utc>>,
    /// Length of a bucket, a multiple of 5m: 5m, 15m, 1h, 1d, 1w.
    #[param(value_type = Option<String>)]
    step: Option<i64>,
    /// Without `step`: the most points that fit; the hub chooses the step. Default 2,000.
    #[param(value_type = Option<i64>)]
    points: i64,
}

impl FromParams for TotalQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (source, service) = (params.list("source"), params.services()?);
        let (area, corridor) = (params.text("area")?, params.text("corridor")?);
        if source.is_empty() && service.is_empty() && area.is_none() && corridor.is_none() {
            let detail = "is missing: name devices, or a service, area or corridor";
            return Err(Problem::invalid("source", detail));
        }
        let mut quantity =
            params.named("quantity", &QUANTITIES.map(|item| (item.as_str(), item)))?;
        if quantity.is_empty() {
            quantity.push(Quantity::Count);
        }
        let class = params.named("class", &Class::ALL.map(|item| (item.as_str(), item)))?;
        if !class.is_empty() && !quantity.iter().all(|quantity| quantity.by_class()) {
            return Err(Problem::invalid("class", "is only for count"));
        }
        let (from, to) = params.span()?;
        let from = from.ok_or_else(|| Problem::invalid("from", "is missing"))?;
        let step = params.text("step")?.as_deref().map(plan::parse_step).transpose()?;
        if step.is_some_and(|step_s| step_s % plan::ROLLUP_S != 0) {
            return Err(Problem::invalid("step", "is no multiple of 5m"));
        }
        let points = params.number("points", 1..=plan::POINTS_MAX)?.unwrap_or(POINTS);
        Ok(Self { source, service, area, corridor, quantity, class, from, to, step, points })
    }
}

/// Totals over one span.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TotalSet {
    /// Begin as asked for; the first bucket may begin earlier.
    from: DateTime<Utc>,
    /// End as asked for; the last bucket may end later.
    to: DateTime<Utc>,
    /// Devices that were added up.
    devices: usize,
    /// Their lanes and zones.
    detectors: usize,
    /// Length of a bucket, seconds.
    #[ts(type = "number")]
    resolution_s: i64,
    /// `5min`, `1h` or `1d`: the rows that it was summed up from; the values do not depend on it.
    basis: &'static str,
    /// In the order of quantities and classes as asked for.
    totals: Vec<Total>,
}

/// One total.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Total {
    /// count, occupancy or `speed_kmh`.
    quantity: &'static str,
    /// Vehicle class; null for all.
    class: Option<&'static str>,
    /// vehicles, share (0 to 1) or km/h.
    unit_of_measure: &'static str,
    /// `[time, value, good, expected]` per bucket, as of a series; expected is null when one of the devices has no registered period.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    #[ts(type = "[time: string, value: number | null, good: number, expected: number | null][]")]
    points: Vec<Point>,
}

/// Totals over many devices together.
///
/// Counts are added, occupancy is weighted by duration, speed by vehicles. Where a lane is missing in a
/// bucket its count is missing in the total: good against expected shows it.
#[utoipa::path(get, operation_id = "series_total", path = "/api/v1/series/total", tag = "history", params(TotalQuery), responses(
    (status = 200, description = "The totals; gaps are null", body = TotalSet),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device", body = Problem)))]
pub(in crate::api) async fn total(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asking): Asked<TotalQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let now = app.clock.now();
    let to = asking.to.unwrap_or(now);
    if asking.from >= to {
        return Err(Problem::invalid("from", "is not before `to`"));
    }
    let devices = devices(&app, &asking).await?;
    let mut ids: Vec<i32> =
        devices.iter().flat_map(|device| device.detectors.iter().map(|lane| lane.id)).collect();
    ids.sort_unstable();
    let plan = plan_of(&app, &asking, (to, now), ids.len())?;
    let rows = app
        .store
        .series(SeriesAsked {
            basis: plan.basis,
            detectors: &ids,
            edges: &plan.edges,
            sums: SeriesSums {
                occupancy: asking.quantity.contains(&Quantity::Occupancy),
                speed: asking.quantity.contains(&Quantity::SpeedKmh),
                classes: !asking.class.is_empty(),
            },
            together: true,
            zone: app.settings.zone,
        })
        .await?;
    let lanes: Vec<(Option<i32>, usize)> =
        devices.iter().map(|device| (device.period_ms, device.detectors.len())).collect();
    let promised = fold::promised(&plan, &lanes, now);
    let classes: Vec<Option<Class>> = if asking.class.is_empty() {
        vec![None]
    } else {
        asking.class.iter().copied().map(Some).collect()
    };
    let mut totals = Vec::new();
    for &quantity in &asking.quantity {
        for &class in &classes {
            let mut points = fold::points(&plan, &rows, &[0], (quantity, class), (None, now));
            for (point, promised) in points.iter_mut().zip(&promised) {
                point.expected = *promised;
            }
            totals.push(Total {
                quantity: quantity.as_str(),
                class: class.map(Class::as_str),
                unit_of_measure: quantity.unit_of_measure(),
                points,
            });
        }
    }
    let (resolution_s, basis) = (plan.step_s, plan.basis.as_str());
    let (devices, detectors) = (devices.len(), ids.len());
    let from = asking.from;
    answer::tagged(
        &headers,
        &TotalSet { from, to, devices, detectors, resolution_s, basis, totals },
    )
}

/// Those that have lanes or zones.
async fn devices(app: &App, asking: &TotalQuery) -> Result<Vec<DeviceRow>, Problem> {
    let filter = DeviceFilter {
        sources: asking.source.clone(),
        services: asking.service.clone(),
        area: asking.area.clone(),
        corridor: asking.corridor.clone(),
        retired: true,
        limit: i64::try_from(DEVICES_MAX + 1).unwrap_or(i64::MAX),
        ..DeviceFilter::default()
    };
    let mut devices = app.store.devices(&filter).await?;
    if devices.len() > DEVICES_MAX {
        let detail = format!("more than {DEVICES_MAX} devices");
        return Err(Problem::too_much("source", detail, "ask for fewer at once"));
    }
    let found = |source: &&String| devices.iter().any(|device| device.source == **source);
    if let Some(missing) = asking.source.iter().find(|source| !found(source)) {
        return Err(Problem::not_found(format!("there is no device {missing:?} among them")));
    }
    devices.retain(|device| !device.detectors.is_empty());
    Ok(devices)
}

fn plan_of(
    app: &App,
    asking: &TotalQuery,
    (to, now): (DateTime<Utc>, DateTime<Utc>),
    detectors: usize,
) -> Result<Plan, Problem> {
    let wish = Wish {
        from: asking.from,
        to,
        step_s: asking.step,
        points: asking.points,
        points_max: plan::POINTS_MAX,
        raw_only: false,
    };
    let setting = Setting {
        period_ms: None,
        // Only the rollups are added up across devices.
        raw_since: to,
        rollup_since: now - app.settings.rollup_horizon,
        zone: app.settings.zone,
    };
    let plan = plan::plan(&wish, &setting)?;
    let rows = plan.rows(detectors, None);
    if rows > ROWS_MAX {
        let detail = format!("{rows} stored rows would be read, allowed are {ROWS_MAX}");
        let help = "ask for fewer devices, a longer step or a shorter span";
        return Err(Problem::too_much("from", detail, help));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Result<TotalQuery, Problem> {
        let pairs = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        TotalQuery::from_params(&mut Params::new(pairs))
    }

    #[test]
    fn mistakes_name_their_field() {
        let from = ("from", "2026-03-02T00:00:00Z");
        let field =
            |query: &[(&str, &str)]| asked(query).unwrap_err().at_fault().unwrap().to_owned();
        assert_eq!(field(&[from]), "source");
        assert_eq!(field(&[("service", "vds")]), "from");
        assert_eq!(field(&[("service", "vds"), from, ("step", "30s")]), "step");
        assert_eq!(field(&[("service", "vds"), from, ("quantity", "flow_veh_h")]), "quantity");
        let by_class = [("area", "a"), from, ("quantity", "speed_kmh"), ("class", "bus")];
        assert_eq!(field(&by_class), "class");
        assert_eq!(asked(&[("service", "vds"), from]).unwrap().quantity, [Quantity::Count]);
    }
}
