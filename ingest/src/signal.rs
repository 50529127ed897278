//! `signal/state` and `signal/events`: what a controller shows, and its high-resolution events.
//!
//! States are the movement phase states of SAE J2735, flash the unit flash status of NTCIP 1202,
//! events the Indiana enumeration. Natural keys: (source, time); (source, event time, code, parameter).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// How the controller runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// On a coordinated plan.
    Coordinated,
    /// Free running.
    Free,
    /// Adaptive control.
    Adaptive,
    /// Manual control.
    Manual,
    /// Flashing.
    Flash,
    /// Preempted.
    Preempt,
    /// Starting up.
    Startup,
    /// Dark.
    Dark,
    /// All red.
    AllRed,
    /// Not known to the sender.
    Unknown,
}

words!(Mode {
    Coordinated = "coordinated",
    Free = "free",
    Adaptive = "adaptive",
    Manual = "manual",
    Flash = "flash",
    Preempt = "preempt",
    Startup = "startup",
    Dark = "dark",
    AllRed = "all_red",
    Unknown = "unknown",
});

/// Kind of a signal group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Vehicles.
    Vehicle,
    /// Pedestrians.
    Pedestrian,
    /// Bicycles.
    Bicycle,
    /// Trams.
    Tram,
    /// Overlap; its number is the overlap number.
    Overlap,
}

words!(GroupKind {
    Vehicle = "vehicle",
    Pedestrian = "pedestrian",
    Bicycle = "bicycle",
    Tram = "tram",
    Overlap = "overlap",
});

/// State of every signal group of one controller at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalState {
    /// How the controller runs.
    pub mode: Mode,
    /// Number of the running plan.
    pub plan: Option<u16>,
    /// Cycle length in milliseconds.
    pub cycle_ms: Option<u32>,
    /// Position in the cycle in milliseconds.
    pub cycle_position_ms: Option<u32>,
    /// Offset of the plan in milliseconds.
    pub offset_ms: Option<i32>,
    /// NTCIP unitFlashStatus 1..=8 (1 other, 2 none, 3 automatic, 4 local manual, 5 fault monitor,
    /// 6 MMU, 7 startup, 8 preempt).
    pub flash: Option<u8>,
    /// Number of the active preempt, 0 for none.
    pub preempt: Option<u8>,
    /// One entry per group, each (kind, group) once.
    pub groups: Vec<Group>,
}

/// State of one signal group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Phase number, or overlap number.
    pub group: u8,
    /// Kind of the group.
    pub kind: GroupKind,
    /// SAE J2735 `MovementPhaseState` 0..=9.
    pub state: u8,
    /// Since when the group shows this state.
    pub since: Option<DateTime<Utc>>,
    /// Earliest end of the state, milliseconds from the message's time.
    pub min_end_ms: Option<u32>,
    /// Latest end of the state, milliseconds from the message's time.
    pub max_end_ms: Option<u32>,
    /// Likely end of the state, milliseconds from the message's time.
    pub likely_end_ms: Option<u32>,
    /// Whether a call is waiting.
    pub call: Option<bool>,
}

/// A batch of controller events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalEvents {
    /// In the order of the message.
    pub events: Vec<ControllerEvent>,
}

/// One event of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ControllerEvent {
    /// When, by the controller's clock, to the millisecond.
    pub time: DateTime<Utc>,
    /// Event code, 0..=65 535 (Indiana enumeration and the vendors' additions).
    pub code: u16,
    /// Parameter of the event, 0..=65 535.
    pub parameter: u16,
}
