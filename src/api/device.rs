//! Registered devices with their place and what the live view says of them.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use ioc_ingest::topic::is_token;
use serde::Serialize;
use serde_json::json;

use super::{
    App,
    answer::{self, Name},
    caller::Caller,
    city::{Feature, FeatureCollection},
    paging::{LongPages, Page},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::device::{DeviceFilter, DeviceRow},
};

const GEO_JSON: &str = "application/geo+json";

/// What the live view says of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// 0 never heard, 1 normal, 2 warning, 3 fault, 4 offline.
    pub condition: u8,
    /// Code of the cause, such as `flash.fault_monitor`; null when normal or not known.
    pub why: Option<String>,
    /// Age of the newest measurement by source time, milliseconds; null when there is none.
    pub age_ms: Option<i64>,
}

/// A registered device.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Device {
    /// Source token, unique in the city.
    id: String,
    /// signal, vds, cctv, cabinet, desk, onestop or metric.
    service: String,
    /// Its name.
    name: Name,
    /// Longitude, degrees WGS 84; null for systems without a place.
    lon: Option<f64>,
    /// Latitude, degrees WGS 84; null for systems without a place.
    lat: Option<f64>,
    /// Id of the area that it lies in; null outside all of them.
    area: Option<String>,
    /// Id of its corridor; null for none.
    corridor: Option<String>,
    /// Source of the cabinet that feeds it; null for none.
    parent: Option<String>,
    /// Expected time between messages of its main stream, seconds; null when there is none.
    period_s: Option<f64>,
    /// Equipment of the simulated city.
    simulated: bool,
    /// No longer in service.
    retired: bool,
    /// Lanes and zones.
    detectors: Vec<Detector>,
    /// 0 never heard, 1 normal, 2 warning, 3 fault, 4 offline.
    condition: u8,
    /// Code of the cause, such as `flash.fault_monitor`; null when normal or not known.
    why: Option<String>,
    /// Age of the newest measurement by source time, milliseconds; null when there is none.
    age_ms: Option<i64>,
}

/// A lane or zone of a device.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Detector {
    /// `lane/1`, `zone/north-in`.
    key: String,
    /// Its name.
    name: Name,
    /// forward, reverse or both; null when not known.
    direction: Option<String>,
}

impl Device {
    fn new(row: DeviceRow, state: DeviceState) -> Self {
        let detectors = row.detectors.into_iter().map(|detector| Detector {
            key: detector.place,
            name: Name { vi: detector.name_vi, en: detector.name_en },
            direction: detector.direction,
        });
        Self {
            id: row.source,
            service: row.service,
            name: Name { vi: row.name_vi, en: row.name_en },
            lon: row.lon,
            lat: row.lat,
            area: row.area,
            corridor: row.corridor,
            parent: row.parent,
            period_s: row.period_ms.map(|period_ms| f64::from(period_ms) / 1e3),
            simulated: row.simulated,
            retired: row.retired_at.is_some(),
            detectors: detectors.collect(),
            condition: state.condition,
            why: state.why,
            age_ms: state.age_ms,
        }
    }

    fn into_feature(self) -> Result<Feature, Problem> {
        let geometry = match (self.lon, self.lat) {
            (Some(lon), Some(lat)) => json!({ "type": "Point", "coordinates": [lon, lat] }),
            _ => serde_json::Value::Null,
        };
        let id = self.id.clone();
        let properties = serde_json::to_value(self).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a device is no JSON");
            Problem::internal()
        })?;
        Ok(Feature::new(id, properties, geometry))
    }
}

/// Which devices.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceQuery {
    /// Services, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    service: Vec<String>,
    /// Id of an area.
    area: Option<String>,
    /// Id of a corridor.
    corridor: Option<String>,
    /// Text within id or name.
    q: Option<String>,
    /// Include those that are retired. Default false.
    #[param(value_type = Option<bool>)]
    retired: bool,
}

impl FromParams for DeviceQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let service = params.services()?;
        let (area, corridor) = (params.text("area")?, params.text("corridor")?);
        let q = params.text("q")?;
        let retired = params.flag("retired")?.unwrap_or(false);
        Ok(Self { service, area, corridor, q, retired })
    }
}

/// Registered devices in the order of their ids; as GeoJSON with `Accept: application/geo+json`,
/// whose `next` is left out on the last page.
#[utoipa::path(get, operation_id = "list_devices", path = "/api/v1/devices", tag = "registry", params(DeviceQuery, LongPages<String>), responses(
    (status = 200, description = "A page of devices", content(
        (Page<Device> = "application/json"), (FeatureCollection = "application/geo+json"))),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(DeviceQuery, LongPages<String>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = DeviceFilter {
        sources: Vec::new(),
        services: query.service,
        area: query.area,
        corridor: query.corridor,
        text: query.q,
        retired: query.retired,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.devices(&filter).await?;
    let page = paging.limit.page(rows, |row| row.source.clone(), |row| with_state(&app, row));
    if answer::accepts(&headers, GEO_JSON) {
        let features =
            page.items.into_iter().map(Device::into_feature).collect::<Result<_, _>>()?;
        let collection = FeatureCollection::page(features, page.next);
        return answer::tagged_as(&headers, GEO_JSON, &collection);
    }
    answer::tagged(&headers, &page)
}

/// One registered device.
#[utoipa::path(get, operation_id = "device", path = "/api/v1/devices/{id}", tag = "registry",
    params(("id" = String, Path, description = "Source token")), responses(
    (status = 200, description = "The device", body = Device),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = DeviceFilter {
        sources: vec![id.clone()],
        retired: true,
        limit: 1,
        ..DeviceFilter::default()
    };
    // What is no token can be no device, and need not be looked for.
    let row = if is_token(&id) { app.store.devices(&filter).await?.pop() } else { None };
    let row = row.ok_or_else(|| Problem::not_found(format!("there is no device {id:?}")))?;
    answer::tagged(&headers, &with_state(&app, row))
}

fn with_state(app: &App, row: DeviceRow) -> Device {
    let state = (app.state_of)(&row.source).unwrap_or_default();
    Device::new(row, state)
}
