//! The same message as plain types: what a bare pipeline parses, without any check.

#![expect(dead_code, reason = "everything is parsed; a bare pipeline does not store all of it")]
#![expect(clippy::struct_field_names, reason = "the names of the message")]

use chrono::{DateTime, Utc};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct IntervalMessage {
    pub(crate) v: u32,
    pub(crate) time: DateTime<Utc>,
    pub(crate) boot: u32,
    pub(crate) seq: u64,
    pub(crate) clock: Option<Clock>,
    pub(crate) duration_s: f64,
    pub(crate) lanes: Vec<Lane>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Clock {
    pub(crate) source: ClockSource,
    pub(crate) offset_ms: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockSource {
    Ntp,
    Gps,
    Ptp,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Forward,
    Reverse,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Lane {
    pub(crate) lane: i16,
    pub(crate) direction: Option<Direction>,
    pub(crate) count: Option<i32>,
    pub(crate) occupancy: Option<f32>,
    pub(crate) speed_kmh: Option<f32>,
    pub(crate) headway_s: Option<f32>,
    pub(crate) samples: Option<i16>,
    pub(crate) samples_expected: Option<i16>,
    pub(crate) classes: Option<Classes<i32>>,
    pub(crate) class_speed_kmh: Option<Classes<f32>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Classes<T> {
    pub(crate) motorcycle: Option<T>,
    pub(crate) bicycle: Option<T>,
    pub(crate) car: Option<T>,
    pub(crate) van: Option<T>,
    pub(crate) bus: Option<T>,
    pub(crate) truck2: Option<T>,
    pub(crate) truck3: Option<T>,
    pub(crate) trailer: Option<T>,
    pub(crate) other: Option<T>,
}

impl<T: Copy> Classes<T> {
    pub(crate) fn values(&self) -> [Option<T>; 9] {
        let Self { motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other } = *self;
        [motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other]
    }
}
