//! `cctv/incident`: something that a camera saw. Natural key: (source, kind, zone, time).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// What a camera saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A vehicle stands in a running lane.
    StoppedVehicle,
    /// A vehicle drives against the direction of travel.
    WrongWay,
    /// A queue reaches the zone.
    Queue,
    /// A pedestrian is on the carriageway.
    Pedestrian,
    /// Smoke.
    Smoke,
    /// Fire.
    Fire,
}

words!(IncidentKind {
    StoppedVehicle = "stopped_vehicle",
    WrongWay = "wrong_way",
    Queue = "queue",
    Pedestrian = "pedestrian",
    Smoke = "smoke",
    Fire = "fire",
});

/// One incident, at its begin or with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What it is.
    pub kind: IncidentKind,
    /// Zone of the camera.
    pub zone: Box<str>,
    /// Confidence in 1e-4 (0..=10 000).
    pub confidence_e4: Option<u16>,
    /// When it ended; null while it lasts.
    pub ended: Option<DateTime<Utc>>,
}
