//! Areas stand for units of today and do not overlap; everything lies within the city's bounds.

use chrono::NaiveDate;
use geo::{
    BoundingRect, CoordsIter, Intersects, Relate, coordinate_position::CoordPos,
    dimensions::Dimensions,
};

use crate::city::{
    Area, Files,
    area::AREAS,
    corridor::CORRIDORS,
    device::DEVICES,
    landmark::{PLACES, RIVERS},
    problem::{At, Cause, Problems, nearest},
    record::Located,
};

/// Checks `areas.geojson`.
pub(in crate::city) fn check_areas(files: &Files, problems: &mut Problems) {
    for (index, located) in files.areas.iter().enumerate() {
        check_unit(files, located, problems);
        for earlier in &files.areas[..index] {
            if overlap(&earlier.value, &located.value) {
                let text = format!("overlaps {}{}", earlier.value.id, earlier.at);
                problems.add(AREAS, located.at, "geometry", Cause::Geometry(text));
            }
        }
    }
}

fn check_unit(files: &Files, located: &Located<Area>, problems: &mut Problems) {
    let area = &located.value;
    let of_today = || files.units.iter().map(|unit| &unit.value).filter(|u| u.valid_to.is_none());
    if !of_today().any(|unit| unit.code == area.unit) {
        let suggestion = nearest(&area.unit, of_today().map(|unit| unit.code.as_str()));
        let found = area.unit.clone();
        let cause = Cause::Reference { kind: "unit of today", found, suggestion };
        problems.add(AREAS, located.at, "unit", cause);
    }
    let own_token = ioc_ingest::topic::is_token(&area.id);
    if area.id != area.unit && !own_token {
        let cause = Cause::Value {
            found: area.id.clone(),
            allowed: format!("the unit {} or a token", area.unit),
            suggestion: None,
        };
        problems.add(AREAS, located.at, "id", cause);
    }
}

/// Whether the insides of two areas meet; common edges are no overlap.
fn overlap(a: &Area, b: &Area) -> bool {
    a.bounds.intersects(&b.bounds)
        && a.polygon.relate(&b.polygon).get(CoordPos::Inside, CoordPos::Inside)
            == Dimensions::TwoDimensional
}

/// Reports every position outside of west, south, east, north.
pub(in crate::city) fn check_bounds(files: &Files, bounds: [f64; 4], problems: &mut Problems) {
    let [west, south, east, north] = bounds;
    let mut check = |file, at: At, key: &str, x: f64, y: f64| {
        if !(west..=east).contains(&x) || !(south..=north).contains(&y) {
            let text = format!(
                "{x}, {y} lies outside the city's bounds {west}, {south} to {east}, {north}"
            );
            problems.add(file, at, key, Cause::Conflict(text));
        }
    };
    let mut check_box = |file, at, shape: Option<geo::Rect>| {
        for corner in shape.into_iter().flat_map(|rect| [rect.min(), rect.max()]) {
            check(file, at, "geometry", corner.x, corner.y);
        }
    };
    for area in &files.areas {
        check_box(AREAS, area.at, Some(area.value.bounds));
    }
    for corridor in &files.corridors {
        check_box(CORRIDORS, corridor.at, corridor.value.line.bounding_rect());
    }
    for river in &files.rivers {
        check_box(RIVERS, river.at, river.value.shape.bounding_rect());
    }
    for place in &files.places {
        let corner = place.value.point.coords_iter().next();
        check_box(PLACES, place.at, corner.map(|corner| geo::Rect::new(corner, corner)));
    }
    for located in &files.devices {
        if let (Some(lon), Some(lat)) = (located.value.lon, located.value.lat) {
            check(DEVICES, located.at, "lon", lon, lat);
        }
    }
}

/// Whether a unit named by `code` exists on `date`.
pub(in crate::city) fn unit_exists(files: &Files, code: &str, date: NaiveDate) -> bool {
    files.units.iter().any(|unit| unit.value.code == code && unit.value.is_valid_at(date))
}
