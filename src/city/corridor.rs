//! Corridors: the roads along which devices stand and traffic is summed.
//!
//! From `corridors.geojson`. The order of the points is the corridor's forward direction.

use geo::LineString;
use geojson::GeometryValue;

use super::{
    problem::Problems,
    record::{Located, Record},
    shape,
};

/// File of the corridors.
pub(super) const CORRIDORS: &str = "corridors.geojson";
const PROPERTIES: &[&str] = &["id", "name_vi", "name_en", "class", "free_flow_kmh", "lanes"];

/// Class of a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoadClass {
    /// National highway.
    National,
    /// Provincial road.
    Provincial,
    /// Main street.
    Arterial,
    /// Street that joins main streets.
    Collector,
}

impl RoadClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::National, Self::Provincial, Self::Arterial, Self::Collector];

    /// The word of the class in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::National => "national",
            Self::Provincial => "provincial",
            Self::Arterial => "arterial",
            Self::Collector => "collector",
        }
    }
}

/// One corridor.
#[derive(Debug, Clone, PartialEq)]
pub struct Corridor {
    /// Id, a token: `ql91`.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Class of the road.
    pub class: RoadClass,
    /// Speed without traffic in km/h, 5..=130.
    pub free_flow_kmh: u16,
    /// Lanes in both directions together, 1..=12.
    pub lanes: u8,
    /// Axis in WGS 84 degrees, longitude first.
    pub line: LineString,
}

/// Reads one feature of `corridors.geojson`.
pub(super) fn read_corridor(
    row: &Record,
    geometry: &GeometryValue,
    problems: &mut Problems,
) -> Option<Located<Corridor>> {
    row.refuse_unknown(PROPERTIES, problems);
    let id = row.token("id", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let class = row.choice("class", &RoadClass::ALL, RoadClass::as_str, problems);
    let free_flow_kmh = row.fixed("free_flow_kmh", 0, 5..=130, problems);
    let lanes = row.fixed("lanes", 0, 1..=12, problems);
    let line = shape::line(row, geometry, problems);
    let corridor = Corridor {
        id: id?,
        name_vi: name_vi?,
        name_en: name_en?,
        class: class?,
        free_flow_kmh: free_flow_kmh?,
        lanes: lanes?,
        line: line?,
    };
    Some(row.locate(corridor))
}
