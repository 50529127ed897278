//! Generated registries at the design points S, M and L, along the corridors of a city.
//!
//! The same city and scale always give the same devices, so that a bench and a test see one registry.

use geo::{Coord, Line};
use ioc_ingest::{
    Service, Source,
    interval::{Direction, Place, ZoneKind},
    signal::GroupKind,
};

use super::{City, Corridor, Detector, Device, LaneClass, RoadClass, SignalGroup};

/// Metres of one degree of latitude.
pub(crate) const DEGREE_M: f64 = 111_320.0;
/// Longest piece into which corridors are cut, in metres; the pieces of a ward are found by it.
const PIECE_M: f64 = 100.0;
/// Period of a signal's state, a station's interval, a camera's interval or health.
const SIGNAL_PERIOD_MS: u32 = 10_000;
const STATION_PERIOD_MS: u32 = 30_000;
const CAMERA_PERIOD_MS: u32 = 60_000;

/// A design point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// A ward: 10 signals, 10 stations with 4 lanes, 20 cameras (10 with analytics).
    S,
    /// The first phase of a city of 1.2 million: 300, 150 with 6 lanes, 1,000 (150).
    M,
    /// A metropolis: 5,000, 2,000 with 6 lanes, 20,000 (3,000).
    L,
}

/// How many of what a design point has.
struct Counts {
    signals: usize,
    stations: usize,
    lanes: u8,
    cameras: usize,
    analytics: usize,
}

impl Scale {
    /// Every design point.
    pub const ALL: [Self; 3] = [Self::S, Self::M, Self::L];

    /// The letter of the design point.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::M => "M",
            Self::L => "L",
        }
    }

    const fn counts(self) -> Counts {
        match self {
            Self::S => Counts { signals: 10, stations: 10, lanes: 4, cameras: 20, analytics: 10 },
            Self::M => {
                Counts { signals: 300, stations: 150, lanes: 6, cameras: 1_000, analytics: 150 }
            }
            Self::L => Counts {
                signals: 5_000,
                stations: 2_000,
                lanes: 6,
                cameras: 20_000,
                analytics: 3_000,
            },
        }
    }
}

/// A straight piece of a corridor.
struct Piece<'a> {
    corridor: &'a Corridor,
    /// Metres from the begin of the corridor to the begin of the piece.
    from_m: f64,
    length_m: f64,
    line: Line,
}

/// A place along the roads of the city.
struct Spot<'a> {
    corridor: &'a Corridor,
    /// Metres from the begin of the corridor.
    at_m: f64,
    position: Coord,
}

/// The devices of `scale`: signals, then stations, then cameras, evenly spread over the corridors (at
/// S over those of the area in the middle of the map). Their ids start with the letter of the scale,
/// so that they never meet the ids of the city's own devices.
pub(super) fn scaled(city: &City, scale: Scale) -> Vec<Device> {
    let counts = scale.counts();
    let pieces = pieces(city, scale);
    let signals = spots(&pieces, counts.signals, 0.0).map(|(number, spot)| Device {
        period_ms: Some(SIGNAL_PERIOD_MS),
        groups: groups(),
        ..device(city, scale, Service::Signal, number, &spot)
    });
    let stations = spots(&pieces, counts.stations, 12.0).map(|(number, spot)| Device {
        period_ms: Some(STATION_PERIOD_MS),
        detectors: lanes(spot.corridor, counts.lanes),
        ..device(city, scale, Service::Vds, number, &spot)
    });
    let cameras = spots(&pieces, counts.cameras, -12.0).map(|(number, spot)| {
        // The share of the first `number` cameras that has analytics grows evenly.
        let analytics = |number| number * counts.analytics / counts.cameras;
        let has_analytics = analytics(number) > analytics(number - 1);
        Device {
            period_ms: Some(CAMERA_PERIOD_MS),
            detectors: if has_analytics { zones(spot.corridor) } else { Vec::new() },
            ..device(city, scale, Service::Cctv, number, &spot)
        }
    });
    signals.chain(stations).chain(cameras).collect()
}

fn pieces(city: &City, scale: Scale) -> Vec<Piece<'_>> {
    let area_id = |lon, lat| city.area_of(lon, lat).map(|area| area.id.as_str());
    let middle = area_id(city.center[0], city.center[1]);
    let mut pieces = Vec::new();
    for corridor in &city.corridors {
        let mut from_m = 0.0;
        for line in corridor.line.lines() {
            let whole_m = length_m(line);
            let parts = (whole_m / PIECE_M).ceil().max(1.0);
            let mut part = 0.0;
            while part < parts {
                let line = Line::new(along(line, part / parts), along(line, (part + 1.0) / parts));
                let length_m = whole_m / parts;
                let half = along(line, 0.5);
                if scale != Scale::S || area_id(half.x, half.y) == middle {
                    pieces.push(Piece { corridor, from_m, length_m, line });
                }
                from_m += length_m;
                part += 1.0;
            }
        }
    }
    pieces
}

fn along(line: Line, share: f64) -> Coord {
    line.start + line.delta() * share
}

/// Length in metres on a plane; within a city the error is far below a metre per kilometre.
fn length_m(line: Line) -> f64 {
    let east = line.delta().x * line.start.y.to_radians().cos();
    east.hypot(line.delta().y) * DEGREE_M
}

/// `count` places evenly along all pieces, numbered from 1, `aside_m` to the left of the axis.
fn spots<'a>(
    pieces: &'a [Piece<'a>],
    count: usize,
    aside_m: f64,
) -> impl Iterator<Item = (usize, Spot<'a>)> {
    let total_m: f64 = pieces.iter().map(|piece| piece.length_m).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let spacing_m = total_m / count as f64;
    let mut before_m = 0.0;
    let mut number = 0;
    let mut next_m = spacing_m / 2.0;
    pieces.iter().flat_map(move |piece| {
        let mut found = Vec::new();
        while number < count && next_m < before_m + piece.length_m {
            number += 1;
            found.push((number, spot(piece, next_m - before_m, aside_m)));
            next_m += spacing_m;
        }
        before_m += piece.length_m;
        found
    })
}

fn spot<'a>(piece: &Piece<'a>, into_m: f64, aside_m: f64) -> Spot<'a> {
    let on_axis = along(piece.line, into_m / piece.length_m);
    let stretch = on_axis.y.to_radians().cos();
    let (east, north) = (piece.line.delta().x * stretch, piece.line.delta().y);
    let size = east.hypot(north) * DEGREE_M;
    let aside = Coord { x: -north / size / stretch, y: east / size } * aside_m;
    Spot { corridor: piece.corridor, at_m: piece.from_m + into_m, position: on_axis + aside }
}

fn device(city: &City, scale: Scale, service: Service, number: usize, spot: &Spot) -> Device {
    let word = match service {
        Service::Signal => "sig",
        Service::Vds => "vds",
        Service::Cctv => "cam",
        Service::Cabinet => "cab",
        Service::Desk | Service::Onestop | Service::Metric => service.as_str(),
    };
    let letter = scale.as_str().to_ascii_lowercase();
    let (lon, lat) = (rounded(spot.position.x), rounded(spot.position.y));
    let place = format!("km {:.0}+{:03.0}", (spot.at_m / 1e3).floor(), (spot.at_m % 1e3).floor());
    Device {
        source: source(&format!("{letter}-{word}-{number:05}")),
        service,
        name_vi: format!("{} {place}", spot.corridor.name_vi),
        name_en: format!("{} {place}", spot.corridor.name_en),
        lon: Some(lon),
        lat: Some(lat),
        corridor: Some(spot.corridor.id.clone()),
        parent: None,
        period_ms: None,
        groups: Vec::new(),
        detectors: Vec::new(),
        simulated: true,
        area: city.area_of(lon, lat).map(|area| area.id.clone()),
    }
}

fn source(token: &str) -> Source {
    Source::parse(token).expect("letters, digits and hyphens are a token")
}

/// To 1e-6 degrees, a tenth of a metre, as in the files.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

/// Four vehicle and four pedestrian groups, as of a crossing of two streets.
fn groups() -> Vec<SignalGroup> {
    let of = |kind| [2, 4, 6, 8].map(|group| SignalGroup { kind, group });
    [of(GroupKind::Vehicle), of(GroupKind::Pedestrian)].concat()
}

/// `count` lanes, the first half in the corridor's direction; the outermost of each direction is for
/// motorcycles and, with three and more, the innermost for cars, as signed on Vietnamese main roads.
fn lanes(corridor: &Corridor, count: u8) -> Vec<Detector> {
    let half = count.div_ceil(2);
    let lane = |number: u8| {
        let forward = number <= half;
        let (from_inside, of) =
            if forward { (number, half) } else { (number - half, count - half) };
        let lane_class = match corridor.class {
            _ if from_inside == of && of > 1 => LaneClass::Motorcycle,
            _ if from_inside == 1 && of > 2 => LaneClass::CarOnly,
            RoadClass::National | RoadClass::Provincial | RoadClass::Arterial => {
                LaneClass::Arterial
            }
            RoadClass::Collector => LaneClass::Local,
        };
        let (way_vi, way_en) = if forward { ("đi", "forward") } else { ("về", "reverse") };
        Detector {
            place: Place::Lane(number),
            kind: None,
            direction: if forward { Direction::Forward } else { Direction::Reverse },
            name_vi: format!("Làn {from_inside} chiều {way_vi}"),
            name_en: format!("Lane {from_inside} {way_en}"),
            lane_class,
            free_flow_kmh: corridor.free_flow_kmh,
        }
    };
    (1..=count).map(lane).collect()
}

/// A counting line and a queue area for each direction.
fn zones(corridor: &Corridor) -> Vec<Detector> {
    let both = [
        ("forward", Direction::Forward, "chiều đi", "forward"),
        ("reverse", Direction::Reverse, "chiều về", "reverse"),
    ];
    let shapes = [
        ("line", ZoneKind::Line, "Vạch đếm", "Counting line"),
        ("queue", ZoneKind::Area, "Vùng hàng chờ", "Queue area"),
    ];
    both.into_iter()
        .flat_map(|way| shapes.map(|shape| (way, shape)))
        .map(|((token, direction, way_vi, way_en), (shape, kind, vi, en))| Detector {
            place: Place::Zone(format!("{token}-{shape}").into()),
            kind: Some(kind),
            direction,
            name_vi: format!("{vi} {way_vi}"),
            name_en: format!("{en} {way_en}"),
            lane_class: match corridor.class {
                RoadClass::Collector => LaneClass::Local,
                RoadClass::National | RoadClass::Provincial | RoadClass::Arterial => {
                    LaneClass::Arterial
                }
            },
            free_flow_kmh: corridor.free_flow_kmh,
        })
        .collect()
}
