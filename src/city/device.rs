//! Devices and their detectors: what publishes, where it stands, what it measures.
//!
//! From `devices.csv` and `detectors.csv`. They seed an empty registry; from then on the database is
//! the truth. A system without a place (service desk, city systems) has no position.

use ioc_ingest::{
    Service, Source,
    interval::{Direction, Place, ZoneKind},
    signal::GroupKind,
};

use super::{
    problem::{Cause, Problems},
    record::{Located, Record},
};

/// File of the devices.
pub(super) const DEVICES: &str = "devices.csv";
/// File of the detectors.
pub(super) const DETECTORS: &str = "detectors.csv";
/// Columns of the devices.
pub(super) const DEVICE_COLUMNS: &[&str] = &[
    "source",
    "service",
    "name_vi",
    "name_en",
    "lon",
    "lat",
    "corridor",
    "parent",
    "period_s",
    "groups",
    "simulated",
];
/// Columns of the detectors.
pub(super) const DETECTOR_COLUMNS: &[&str] = &[
    "source",
    "lane",
    "zone",
    "kind",
    "direction",
    "name_vi",
    "name_en",
    "lane_class",
    "free_flow_kmh",
];

/// One device or system.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Id, unique in the city across services.
    pub source: Source,
    /// Service that it publishes under.
    pub service: Service,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Longitude in WGS 84 degrees; null for a system without a place.
    pub lon: Option<f64>,
    /// Latitude in WGS 84 degrees; null exactly where `lon` is.
    pub lat: Option<f64>,
    /// Id of the corridor that it stands at.
    pub corridor: Option<String>,
    /// Cabinet that feeds it.
    pub parent: Option<Source>,
    /// Time between two regular messages in milliseconds: state of a signal, interval of a station or
    /// of a camera with analytics, else health; null where messages come on events only.
    pub period_ms: Option<u32>,
    /// Groups of a signal controller, in display order; empty for every other device.
    pub groups: Vec<SignalGroup>,
    /// Lanes of a station or zones of a camera; a camera without zones has no analytics.
    pub detectors: Vec<Detector>,
    /// Whether the demonstration's simulator publishes for it.
    pub simulated: bool,
    /// Id of the area that it lies in, computed; null without a position or outside every area.
    pub area: Option<String>,
}

/// One group of a signal controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalGroup {
    /// Kind.
    pub kind: GroupKind,
    /// Phase number, 1..=16.
    pub group: u8,
}

/// One lane of a station or one zone of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detector {
    /// Lane number or zone name.
    pub place: Place,
    /// Shape of a zone; null for a lane.
    pub kind: Option<ZoneKind>,
    /// Direction of travel relative to the corridor's line.
    pub direction: Direction,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Class that decides which thresholds apply.
    pub lane_class: LaneClass,
    /// Speed without traffic in km/h, 5..=130.
    pub free_flow_kmh: u16,
}

/// What a lane is for; quality thresholds depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneClass {
    /// Cars, trucks and buses on a main road.
    CarOnly,
    /// Motorcycles and bicycles.
    Motorcycle,
    /// All vehicles, main road.
    Arterial,
    /// All vehicles, other road.
    Local,
}

impl LaneClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::CarOnly, Self::Motorcycle, Self::Arterial, Self::Local];

    /// The word of the class in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CarOnly => "car_only",
            Self::Motorcycle => "motorcycle",
            Self::Arterial => "arterial",
            Self::Local => "local",
        }
    }
}

/// Reads one row of `devices.csv`. Detectors and area come later.
pub(super) fn read_device(row: &Record, problems: &mut Problems) -> Option<Located<Device>> {
    let source = row.source("source", problems);
    let service = row.choice("service", &Service::ALL, Service::as_str, problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let lon = row.optional("lon", problems, |row, key, p| row.number(key, -180.0..=180.0, p));
    let lat = row.optional("lat", problems, |row, key, p| row.number(key, -90.0..=90.0, p));
    let corridor = row.optional("corridor", problems, Record::token);
    let parent = row.optional("parent", problems, Record::source);
    let period_ms =
        row.optional("period_s", problems, |row, key, p| row.fixed(key, 3, 1_000..=3_600_000, p));
    let groups = row.optional("groups", problems, read_groups);
    let simulated = row.boolean("simulated", problems);
    let device = Device {
        source: source?,
        service: service?,
        name_vi: name_vi?,
        name_en: name_en?,
        lon: lon?,
        lat: lat?,
        corridor: corridor?,
        parent: parent?,
        period_ms: period_ms?,
        groups: groups?.unwrap_or_default(),
        detectors: Vec::new(),
        simulated: simulated?,
        area: None,
    };
    Some(row.locate(device))
}

/// Reads groups like `v2 v4 p2 p4`: v vehicle, p pedestrian, b bicycle, t tram, o overlap.
fn read_groups(row: &Record, key: &str, problems: &mut Problems) -> Option<Vec<SignalGroup>> {
    let text = row.text(key, problems)?;
    let groups: Option<Vec<_>> = text.split_ascii_whitespace().map(parse_group).collect();
    let unique = groups.filter(|groups| {
        groups.iter().enumerate().all(|(index, group)| !groups[..index].contains(group))
    });
    if unique.is_none() {
        let allowed = "different groups like v2 p2: v p b t o with a number 1 to 16";
        let cause = Cause::Value { found: text, allowed: allowed.to_owned(), suggestion: None };
        row.report(key, cause, problems);
    }
    unique
}

fn parse_group(text: &str) -> Option<SignalGroup> {
    let number = text.get(1..)?;
    let kind = match text.get(..1)? {
        "v" => GroupKind::Vehicle,
        "p" => GroupKind::Pedestrian,
        "b" => GroupKind::Bicycle,
        "t" => GroupKind::Tram,
        "o" => GroupKind::Overlap,
        _ => return None,
    };
    let group = number.parse().ok().filter(|group| (1..=16).contains(group))?;
    Some(SignalGroup { kind, group })
}

/// Reads one row of `detectors.csv` with the device that it belongs to.
pub(super) fn read_detector(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<(Source, Detector)>> {
    let source = row.source("source", problems);
    let lane = row.optional("lane", problems, |row, key, p| row.fixed(key, 0, 1..=32, p));
    let zone = row.optional("zone", problems, Record::token);
    let kind = row.optional("kind", problems, |row, key, p| {
        row.choice(key, &[ZoneKind::Line, ZoneKind::Area], zone_word, p)
    });
    let direction = row.choice("direction", &DIRECTIONS, direction_word, problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let lane_class = row.choice("lane_class", &LaneClass::ALL, LaneClass::as_str, problems);
    let free_flow_kmh = row.fixed("free_flow_kmh", 0, 5..=130, problems);
    let (place, kind) = match (lane?, zone?, kind?) {
        (Some(lane), None, None) => (Place::Lane(lane), None),
        (None, Some(zone), Some(kind)) => (Place::Zone(zone.into()), Some(kind)),
        _ => {
            let text = "a row has either a lane, or a zone and its kind";
            row.report("lane", Cause::Conflict(text.to_owned()), problems);
            return None;
        }
    };
    let detector = Detector {
        place,
        kind,
        direction: direction?,
        name_vi: name_vi?,
        name_en: name_en?,
        lane_class: lane_class?,
        free_flow_kmh: free_flow_kmh?,
    };
    Some(row.locate((source?, detector)))
}

const DIRECTIONS: [Direction; 3] = [Direction::Forward, Direction::Reverse, Direction::Both];

const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Reverse => "reverse",
        Direction::Both => "both",
    }
}

const fn zone_word(kind: ZoneKind) -> &'static str {
    match kind {
        ZoneKind::Line => "line",
        ZoneKind::Area => "area",
    }
}
