//! `GeoJSON` geometries as `geo` shapes, checked: WGS 84 degrees, enough points, valid rings.

use geo::{Coord, LineString, Point, Polygon, Validation};
use geojson::{GeometryValue, Position};

use super::{
    problem::{Cause, Problems},
    record::Record,
};

/// A point.
pub(super) fn point(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Point> {
    let GeometryValue::Point { coordinates } = geometry else {
        return wrong_type(row, "Point", geometry, problems);
    };
    coordinate(row, coordinates, problems).map(Point)
}

/// A line of at least two different points.
pub(super) fn line(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<LineString> {
    let GeometryValue::LineString { coordinates } = geometry else {
        return wrong_type(row, "LineString", geometry, problems);
    };
    let line = ring(row, coordinates, problems)?;
    valid(row, line, problems)
}

/// A polygon whose rings are closed, do not cross themselves or each other.
pub(super) fn polygon(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Polygon> {
    let GeometryValue::Polygon { coordinates } = geometry else {
        return wrong_type(row, "Polygon", geometry, problems);
    };
    if coordinates.iter().any(|ring| ring.len() < 4 || ring.first() != ring.last()) {
        let text = "a ring has at least 4 points and ends where it starts";
        row.report("geometry", Cause::Geometry(text.to_owned()), problems);
        return None;
    }
    let mut rings = Vec::with_capacity(coordinates.len());
    for positions in coordinates {
        rings.push(ring(row, positions, problems)?);
    }
    let mut rings = rings.into_iter();
    let Some(outer) = rings.next() else {
        let cause = Cause::Missing { allowed: "an outer ring".to_owned() };
        row.report("geometry", cause, problems);
        return None;
    };
    valid(row, Polygon::new(outer, rings.collect()), problems)
}

fn wrong_type<T>(
    row: &Record,
    allowed: &str,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<T> {
    let cause = Cause::Value {
        found: geometry.type_name().to_owned(),
        allowed: allowed.to_owned(),
        suggestion: None,
    };
    row.report("geometry", cause, problems);
    None
}

fn ring(row: &Record, positions: &[Position], problems: &mut Problems) -> Option<LineString> {
    let points: Vec<_> =
        positions.iter().map(|position| coordinate(row, position, problems)).collect();
    points.into_iter().collect::<Option<Vec<_>>>().map(LineString::new)
}

fn coordinate(row: &Record, position: &Position, problems: &mut Problems) -> Option<Coord> {
    match position.as_slice() {
        [x, y, ..] if (-180.0..=180.0).contains(x) && (-90.0..=90.0).contains(y) => {
            Some(Coord { x: *x, y: *y })
        }
        other => {
            let text = format!("{other:?} is no longitude -180..180 and latitude -90..90");
            row.report("geometry", Cause::Geometry(text), problems);
            None
        }
    }
}

fn valid<T: Validation>(row: &Record, shape: T, problems: &mut Problems) -> Option<T> {
    let errors = shape.validation_errors();
    for error in &errors {
        row.report("geometry", Cause::Geometry(error.to_string()), problems);
    }
    errors.is_empty().then_some(shape)
}
