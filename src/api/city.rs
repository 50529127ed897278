//! The city and its schematic map. Nothing in here is secret: the sign-in page shows it too.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    App,
    answer::{self, Name},
    problem::Problem,
};
use crate::store::unit::MapFeature;

/// What the registry keeps of the city in `city.settings`.
#[derive(Debug, Deserialize)]
struct CitySettings {
    name: Name,
    time_zone: String,
    bounds: [f64; 4],
    center: [f64; 2],
    zoom: f64,
    demonstration: bool,
    #[serde(default)]
    notes: Vec<String>,
}

/// The city.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the key is the name of the token everywhere")]
pub(crate) struct City {
    /// Token in topics.
    city: String,
    /// Its name.
    name: Name,
    /// IANA time zone of its civil days.
    time_zone: String,
    /// West, south, east, north in degrees WGS 84.
    bounds: [f64; 4],
    /// Longitude and latitude that the map opens at.
    center: [f64; 2],
    /// Zoom that the map opens at.
    zoom: f64,
    /// Demonstration data: every screen says so.
    demonstration: bool,
    /// The hub listens or talks beyond this machine without encryption: every screen says so.
    insecure: bool,
    /// What a person should know of these data.
    notes: Vec<String>,
    /// What the schematic map draws.
    map: CityMap,
}

/// Layers of the schematic map, each a GeoJSON `FeatureCollection`; the properties of a feature hold `id`, `name_vi` and `name_en`.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct CityMap {
    /// Cells that areas are shown as; `schematic` in their properties says that they are no surveyed boundaries.
    areas: FeatureCollection,
    /// Roads.
    corridors: FeatureCollection,
    /// Rivers and canals.
    rivers: FeatureCollection,
    /// Places to find one's way by.
    places: FeatureCollection,
}

/// GeoJSON `FeatureCollection`.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct FeatureCollection {
    /// `FeatureCollection`.
    #[serde(rename = "type")]
    #[ts(type = "\"FeatureCollection\"")]
    kind: &'static str,
    /// Features.
    features: Vec<Feature>,
    /// What to give as `after` for the next page; left out on the last one and where there are no pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    next: Option<String>,
}

impl FeatureCollection {
    pub(super) const fn of(features: Vec<Feature>) -> Self {
        Self::page(features, None)
    }

    /// One page of a longer list.
    pub(super) const fn page(features: Vec<Feature>, next: Option<String>) -> Self {
        Self { kind: "FeatureCollection", features, next }
    }
}

/// GeoJSON `Feature`.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Feature {
    /// `Feature`.
    #[serde(rename = "type")]
    #[ts(type = "\"Feature\"")]
    kind: &'static str,
    /// Id.
    id: String,
    /// Properties.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, unknown>")]
    properties: Value,
    /// GeoJSON geometry, degrees WGS 84; null without a place.
    #[schema(value_type = Object)]
    #[ts(type = "{ type: string; coordinates: unknown } | null")]
    geometry: Value,
}

impl Feature {
    pub(super) const fn new(id: String, properties: Value, geometry: Value) -> Self {
        Self { kind: "Feature", id, properties, geometry }
    }
}

impl From<MapFeature> for Feature {
    fn from(row: MapFeature) -> Self {
        let mut properties = match row.properties {
            Value::Object(properties) => properties,
            _ => serde_json::Map::new(),
        };
        properties.insert("id".into(), json!(row.id));
        properties.insert("name_vi".into(), json!(row.name_vi));
        properties.insert("name_en".into(), json!(row.name_en));
        Self::new(row.id, properties.into(), row.geometry)
    }
}

/// The city with its schematic map.
#[utoipa::path(get, operation_id = "city", path = "/api/v1/city", tag = "registry", security(()), responses(
    (status = 200, description = "The city", body = City),
    (status = 503, description = "The registry is empty or the database is away", body = Problem)))]
pub(super) async fn city(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(row) = app.store.city().await? else {
        return Err(Problem::unavailable("starting", "the registry has not been filled yet"));
    };
    let settings: CitySettings = serde_json::from_value(row.settings).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "the city in the registry");
        Problem::internal()
    })?;
    let features = app.store.map_features(None).await?;
    let layer = |kind: &str| {
        let of_kind = features.iter().filter(|feature| feature.kind == kind).cloned();
        FeatureCollection::of(of_kind.map(Feature::from).collect())
    };
    let map = CityMap {
        areas: layer("area"),
        corridors: layer("corridor"),
        rivers: layer("river"),
        places: layer("place"),
    };
    let city = City {
        city: row.token,
        name: settings.name,
        time_zone: settings.time_zone,
        bounds: settings.bounds,
        center: settings.center,
        zoom: settings.zoom,
        demonstration: settings.demonstration,
        insecure: app.settings.insecure,
        notes: settings.notes,
        map,
    };
    answer::tagged(&headers, &city)
}
