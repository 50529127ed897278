//! `vds/interval` and `cctv/interval`: one collection period of a station's lanes or a camera's zones.
//!
//! Null is "not measured", zero is "measured none". Natural key: (source, lane or zone, time, duration).

use serde::{Deserialize, Serialize};

use crate::word::words;

/// Vehicle classes in the order of every class array, here and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Motorcycle, moped, electric scooter.
    Motorcycle,
    /// Bicycle.
    Bicycle,
    /// Car up to 9 seats, taxi, pickup.
    Car,
    /// Minibus below 25 seats, light truck below 2 t.
    Van,
    /// Bus of 25 seats and more.
    Bus,
    /// Truck with two axles.
    Truck2,
    /// Rigid truck with three axles and more.
    Truck3,
    /// Semi-trailer, container, articulated bus.
    Trailer,
    /// None of the others.
    Other,
    /// Pedestrian (cameras only; not part of a vehicle count).
    Pedestrian,
}

/// Number of classes.
pub const CLASSES: usize = 10;

impl Class {
    /// Every class, in array order.
    pub const ALL: [Self; CLASSES] = [
        Self::Motorcycle,
        Self::Bicycle,
        Self::Car,
        Self::Van,
        Self::Bus,
        Self::Truck2,
        Self::Truck3,
        Self::Trailer,
        Self::Other,
        Self::Pedestrian,
    ];

    /// The key of the class in a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Motorcycle => "motorcycle",
            Self::Bicycle => "bicycle",
            Self::Car => "car",
            Self::Van => "van",
            Self::Bus => "bus",
            Self::Truck2 => "truck2",
            Self::Truck3 => "truck3",
            Self::Trailer => "trailer",
            Self::Other => "other",
            Self::Pedestrian => "pedestrian",
        }
    }
}

/// One collection period, all lanes of a station or all zones of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Length of the period in milliseconds, 1 s to 1 h.
    pub duration_ms: u32,
    /// Preset that the camera stood at; null for detector stations.
    pub preset: Option<i16>,
    /// Whether the camera stood at its home preset; null for detector stations.
    pub home: Option<bool>,
    /// One reading per lane or zone that the source reported, each key once.
    pub readings: Vec<Reading>,
}

/// The lane or zone that a reading is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Lane number of a detector station, 1..=32.
    Lane(u8),
    /// Zone name of a camera, a token of the contract.
    Zone(Box<str>),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lane(number) => write!(f, "{number}"),
            Self::Zone(name) => f.write_str(name),
        }
    }
}

/// Direction of travel relative to the lane's or zone's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Along.
    Forward,
    /// Against.
    Reverse,
    /// Both.
    Both,
}

words!(Direction {
    Forward = "forward",
    Reverse = "reverse",
    Both = "both",
});

/// Shape of a camera zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// A counting line.
    Line,
    /// An area.
    Area,
}

words!(ZoneKind {
    Line = "line",
    Area = "area",
});

/// What one lane or zone measured in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The lane or zone.
    pub place: Place,
    /// Shape of the zone; null for lanes.
    pub kind: Option<ZoneKind>,
    /// Direction of travel.
    pub direction: Option<Direction>,
    /// Vehicles in the period, 0..=100 000.
    pub count: Option<u32>,
    /// Share of the period in which the zone was occupied, in 1e-4 (0..=10 000).
    pub occupancy_e4: Option<u16>,
    /// Mean speed of the counted vehicles, in 0.1 km/h (0..=5 000).
    pub speed_e1_kmh: Option<u16>,
    /// Mean time headway in milliseconds.
    pub headway_ms: Option<u32>,
    /// Sub-samples that the figures rest on.
    pub samples: Option<u16>,
    /// Sub-samples of a complete period.
    pub samples_expected: Option<u16>,
    /// Vehicles per class, in the order of [`Class::ALL`].
    pub classes: Option<[Option<u32>; CLASSES]>,
    /// Mean speed per class in 0.1 km/h, in the order of [`Class::ALL`].
    pub class_speed_e1_kmh: Option<[Option<u16>; CLASSES]>,
    /// Queue length in decimetres.
    pub queue_dm: Option<u32>,
    /// Density in 0.1 vehicles per km.
    pub density_e1_per_km: Option<u32>,
    /// Confidence of the video analytics, in 1e-4 (0..=10 000).
    pub confidence_e4: Option<u16>,
}

impl Reading {
    /// A reading of `place` in which nothing was measured.
    pub const fn nothing(place: Place) -> Self {
        Self {
            place,
            kind: None,
            direction: None,
            count: None,
            occupancy_e4: None,
            speed_e1_kmh: None,
            headway_ms: None,
            samples: None,
            samples_expected: None,
            classes: None,
            class_speed_e1_kmh: None,
            queue_dm: None,
            density_e1_per_km: None,
            confidence_e4: None,
        }
    }
}
