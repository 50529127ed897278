//! Rivers and places: what a person recognises the schematic map by.
//!
//! From `rivers.geojson` (polygons of wide rivers, lines of canals) and `places.geojson` (points).

use geo::{Geometry, Point};
use geojson::GeometryValue;

use super::{
    problem::Problems,
    record::{Located, Record},
    shape,
};

/// File of the rivers.
pub(super) const RIVERS: &str = "rivers.geojson";
/// File of the places.
pub(super) const PLACES: &str = "places.geojson";
const RIVER_PROPERTIES: &[&str] = &["id", "name_vi", "name_en", "width_m"];
const PLACE_PROPERTIES: &[&str] = &["id", "name_vi", "name_en", "kind", "rank"];

/// A river or canal.
#[derive(Debug, Clone, PartialEq)]
pub struct River {
    /// Id, a token.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Width in metres to draw a line with; null for a polygon.
    pub width_m: Option<u16>,
    /// Polygon or line in WGS 84 degrees, longitude first.
    pub shape: Geometry,
}

/// Kind of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlaceKind {
    /// Ward or commune.
    Unit,
    /// Seat of the city's government.
    Government,
    /// Bridge.
    Bridge,
    /// Hospital.
    Hospital,
    /// School or university.
    School,
    /// Market, mall or quay.
    Market,
    /// Airport, port or bus station.
    Transport,
    /// Industrial zone.
    Industry,
    /// Island in the river.
    Island,
}

impl PlaceKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Unit,
        Self::Government,
        Self::Bridge,
        Self::Hospital,
        Self::School,
        Self::Market,
        Self::Transport,
        Self::Industry,
        Self::Island,
    ];

    /// The word of the kind in files and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Government => "government",
            Self::Bridge => "bridge",
            Self::Hospital => "hospital",
            Self::School => "school",
            Self::Market => "market",
            Self::Transport => "transport",
            Self::Industry => "industry",
            Self::Island => "island",
        }
    }
}

/// A named point.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmark {
    /// Id, a token.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Kind.
    pub kind: PlaceKind,
    /// 1 is shown first, 4 only close by.
    pub rank: u8,
    /// Position in WGS 84 degrees.
    pub point: Point,
}

/// Reads one feature of `rivers.geojson`.
pub(super) fn read_river(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Located<River>> {
    row.refuse_unknown(RIVER_PROPERTIES, problems);
    let id = row.token("id", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let width_m = row.optional("width_m", problems, |row, key, p| row.fixed(key, 0, 1..=5_000, p));
    let shape = match geometry {
        GeometryValue::Polygon { .. } => {
            shape::polygon(row, geometry, problems).map(Geometry::from)
        }
        _ => shape::line(row, geometry, problems).map(Geometry::from),
    };
    let river =
        River { id: id?, name_vi: name_vi?, name_en: name_en?, width_m: width_m?, shape: shape? };
    Some(row.locate(river))
}

/// Reads one feature of `places.geojson`.
pub(super) fn read_place(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Located<Landmark>> {
    row.refuse_unknown(PLACE_PROPERTIES, problems);
    let id = row.token("id", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let kind = row.choice("kind", &PlaceKind::ALL, PlaceKind::as_str, problems);
    let rank = row.fixed("rank", 0, 1..=4, problems);
    let point = shape::point(row, geometry, problems);
    let place = Landmark {
        id: id?,
        name_vi: name_vi?,
        name_en: name_en?,
        kind: kind?,
        rank: rank?,
        point: point?,
    };
    Some(row.locate(place))
}
