//! Areas: schematic cells, in which a device or a report is counted.
//!
//! From `areas.geojson`. A cell stands for a unit and is no surveyed boundary where `schematic` is
//! set. Cells do not overlap; a position on a shared edge belongs to the first cell in file order.

use geo::{Polygon, Rect};
use geojson::GeometryValue;

use super::{
    problem::Problems,
    record::{Located, Record},
    shape,
};

/// File of the areas.
pub(super) const AREAS: &str = "areas.geojson";
const PROPERTIES: &[&str] = &["id", "unit", "name_vi", "name_en", "schematic"];

/// One area.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Id: the unit's code, `gso:31135`, or a token of its own (`rest`).
    pub id: String,
    /// Code of the unit, valid today, that the area stands for.
    pub unit: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Whether the polygon is a drawing and no survey.
    pub schematic: bool,
    /// Outline in WGS 84 degrees, longitude first.
    pub polygon: Polygon,
    /// Bounding box of the outline, for a quick no.
    pub(super) bounds: Rect,
}

/// Reads one feature of `areas.geojson`.
pub(super) fn read_area(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Located<Area>> {
    row.refuse_unknown(PROPERTIES, problems);
    let id = row.text("id", problems);
    let unit = row.unit_code("unit", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let schematic = row.boolean("schematic", problems);
    let polygon = shape::polygon(row, geometry, problems)?;
    let bounds = geo::BoundingRect::bounding_rect(&polygon)?;
    let area = Area {
        id: id?,
        unit: unit?,
        name_vi: name_vi?,
        name_en: name_en?,
        schematic: schematic?,
        polygon,
        bounds,
    };
    Some(row.locate(area))
}
