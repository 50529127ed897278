//! The rows that a city folder wants in the registry, in the shape in which the registry is read.

use serde_json::{Value, json};

use super::{
    Rows,
    noun::{DEVICE, Noun},
};
use crate::{
    city::{City, Device},
    registry::place_text,
    store::registry::city_settings,
};

/// The rows of one noun by key.
pub(super) fn rows(noun: &Noun, city: &City, devices: &[Device]) -> Rows {
    match noun.name {
        "city" => [(city.token.clone(), city_settings(city))].into(),
        "unit" => units(city),
        "succession" => successions(city),
        "map feature" => map_features(city),
        "metric" => metrics(city),
        "category" => categories(city),
        "formality" => formalities(city),
        "online service" => services(city),
        DEVICE => devices.iter().map(device).collect(),
        _ => devices.iter().flat_map(detectors).collect(),
    }
}

fn units(city: &City) -> Rows {
    let row = |unit: &crate::city::Unit| {
        let row = json!({
            "code": unit.code, "valid_from": unit.valid_from, "valid_to": unit.valid_to,
            "kind": unit.kind.as_str(), "name_vi": unit.name_vi, "name_en": unit.name_en,
            "parent": unit.parent, "source": unit.mark.as_str(),
        });
        (format!("{} from {}", unit.code, unit.valid_from), row)
    };
    city.units.iter().map(row).collect()
}

fn successions(city: &City) -> Rows {
    let row = |edge: &crate::city::Succession| {
        let ((from, from_day), (to, to_day)) = (&edge.from, &edge.to);
        let row = json!({
            "from_code": from, "from_valid_from": from_day, "to_code": to, "to_valid_from": to_day,
            "whole": edge.share_e4 == Some(10_000), "source": edge.mark.as_str(),
        });
        (format!("{from} from {from_day} to {to} from {to_day}"), row)
    };
    city.successions.iter().map(row).collect()
}

fn map_features(city: &City) -> Rows {
    let map = city.map_json();
    let kinds =
        [("areas", "area"), ("corridors", "corridor"), ("rivers", "river"), ("places", "place")];
    let mut rows = Rows::new();
    for (collection, kind) in kinds {
        for item in map[collection]["features"].as_array().into_iter().flatten() {
            let properties = &item["properties"];
            let id = properties["id"].as_str().unwrap_or_default();
            let row = json!({
                "kind": kind, "id": id, "name_vi": properties["name_vi"],
                "name_en": properties["name_en"], "properties": properties,
                "geometry": item["geometry"],
            });
            rows.insert(format!("{kind} {id}"), row);
        }
    }
    rows
}

fn metrics(city: &City) -> Rows {
    let row = |metric: &crate::city::MetricDefinition| {
        let row = json!({
            "name": metric.name, "name_vi": metric.name_vi, "name_en": metric.name_en,
            "unit_of_measure": metric.unit_of_measure, "minimum": metric.min,
            "maximum": metric.max, "source": metric.feed.as_str(),
        });
        (metric.name.clone(), row)
    };
    city.metrics.iter().map(row).collect()
}

fn categories(city: &City) -> Rows {
    let row = |category: &crate::city::TicketCategory| {
        let row = json!({
            "id": category.token, "name_vi": category.name_vi, "name_en": category.name_en,
            "public_space": category.public_space,
        });
        (category.token.clone(), row)
    };
    city.categories.iter().map(row).collect()
}

pub(in crate::store) fn formalities(city: &City) -> Rows {
    use ioc_ingest::Word as _;
    let row = |formality: &crate::city::Formality| {
        let limit = formality.limit;
        let row = json!({
            "code": formality.code, "valid_from": formality.valid_from,
            "valid_to": formality.valid_to, "name_vi": formality.name_vi,
            "name_en": formality.name_en, "field": formality.field,
            "level": formality.level.as_str(), "sector": formality.sector,
            "unit": formality.unit,
            "announced_on": formality.announced_on, "effective_on": formality.effective_on,
            "published_on": formality.published_on, "complete_parts": formality.complete_parts,
            "eligible_full": formality.eligible_full,
            "online_level": formality.online_level.as_str(), "has_fee": formality.has_fee,
            "npsp_linked": formality.npsp_linked,
            "requires_paper_result": formality.requires_paper_result,
            "audience": formality.audience.map(crate::city::Audience::as_str),
            "limit_value": limit.map(|limit| limit.value),
            "limit_unit": limit.map(|limit| limit.unit.as_str()),
            "source": formality.source, "mark": formality.mark.as_str(),
        });
        (format!("{} from {}", formality.code, formality.valid_from), row)
    };
    city.formalities.iter().map(row).collect()
}

pub(in crate::store) fn services(city: &City) -> Rows {
    let row = |service: &crate::city::OnlineService| {
        let row = json!({
            "code": service.code, "valid_from": service.valid_from, "valid_to": service.valid_to,
            "formality": service.formality, "name_vi": service.name_vi,
            "name_en": service.name_en, "state": service.state.as_str(),
            "npsp_linked": service.npsp_linked, "source": service.source,
            "mark": service.mark.as_str(),
        });
        (format!("{} from {}", service.code, service.valid_from), row)
    };
    city.services.iter().map(row).collect()
}

fn device(device: &Device) -> (String, Value) {
    let row = json!({
        "source": device.source.as_str(), "service": device.service.as_str(),
        "name_vi": device.name_vi, "name_en": device.name_en, "lon": device.lon, "lat": device.lat,
        "area": device.area, "corridor": device.corridor,
        "parent": device.parent.as_ref().map(ioc_ingest::Source::as_str),
        "period_ms": device.period_ms, "simulated": device.simulated, "retired": false,
    });
    (device.source.to_string(), row)
}

fn detectors(device: &Device) -> impl Iterator<Item = (String, Value)> {
    use ioc_ingest::Word as _;
    device.detectors.iter().map(|detector| {
        let place = place_text(&detector.place);
        let row = json!({
            "source": device.source.as_str(), "place": place, "name_vi": detector.name_vi,
            "name_en": detector.name_en, "direction": detector.direction.as_str(),
            "lane_class": detector.lane_class.as_str(), "free_flow_kmh": detector.free_flow_kmh,
        });
        (format!("{} {place}", device.source), row)
    })
}
