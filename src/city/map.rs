//! The schematic map of a city as `GeoJSON`, for the page to draw.

use geo::{Geometry, LineString, Polygon};
use serde_json::{Value, json};

use super::City;

/// An object of four `FeatureCollection`s: corridors, rivers, places, areas. Ids stand at the feature
/// and in its properties, since map libraries keep only numbers as ids of drawn features.
pub(super) fn map_json(city: &City) -> Value {
    let corridors = city.corridors.iter().map(|corridor| {
        let properties = json!({
            "id": corridor.id, "name_vi": corridor.name_vi, "name_en": corridor.name_en,
            "class": corridor.class.as_str(), "free_flow_kmh": corridor.free_flow_kmh,
            "lanes": corridor.lanes,
        });
        feature(&corridor.id, &properties, &line(&corridor.line))
    });
    let rivers = city.rivers.iter().filter_map(|river| {
        let properties = json!({
            "id": river.id, "name_vi": river.name_vi, "name_en": river.name_en,
            "width_m": river.width_m,
        });
        let geometry = match &river.shape {
            Geometry::Polygon(shape) => polygon(shape),
            Geometry::LineString(shape) => line(shape),
            _ => return None,
        };
        Some(feature(&river.id, &properties, &geometry))
    });
    let places = city.places.iter().map(|place| {
        let properties = json!({
            "id": place.id, "name_vi": place.name_vi, "name_en": place.name_en,
            "kind": place.kind.as_str(), "rank": place.rank,
        });
        let point = json!({"type": "Point", "coordinates": [place.point.x(), place.point.y()]});
        feature(&place.id, &properties, &point)
    });
    let areas = city.areas.iter().map(|area| {
        let properties = json!({
            "id": area.id, "unit": area.unit, "name_vi": area.name_vi, "name_en": area.name_en,
            "schematic": area.schematic,
        });
        feature(&area.id, &properties, &polygon(&area.polygon))
    });
    json!({
        "corridors": collection(corridors),
        "rivers": collection(rivers),
        "places": collection(places),
        "areas": collection(areas),
    })
}

fn collection(features: impl Iterator<Item = Value>) -> Value {
    json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()})
}

fn feature(id: &str, properties: &Value, geometry: &Value) -> Value {
    json!({"type": "Feature", "id": id, "properties": properties, "geometry": geometry})
}

fn positions(line: &LineString) -> Value {
    line.coords().map(|point| json!([point.x, point.y])).collect()
}

fn line(line: &LineString) -> Value {
    json!({"type": "LineString", "coordinates": positions(line)})
}

fn polygon(polygon: &Polygon) -> Value {
    let rings: Vec<_> =
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(positions).collect();
    json!({"type": "Polygon", "coordinates": rings})
}
