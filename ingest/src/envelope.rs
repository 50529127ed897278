//! What every message but `status` carries: time, boot, seq, clock.
//!
//! `boot` grows at each restart of the source and `seq` by one per message of a source and stream,
//! so that (source, stream, boot, seq) names one message for ever.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// Largest `seq`: integers that JSON numbers carry exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// The envelope of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Time by the source's clock. Of an interval: its start.
    pub time: DateTime<Utc>,
    /// Restart counter of the source.
    pub boot: u32,
    /// Number of the message within source, stream and boot.
    pub seq: u64,
    /// What the source says of its clock.
    pub clock: Option<Clock>,
    /// Replayed from the source's own buffer.
    pub late: bool,
}

/// What numbers a message within its source and stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number {
    /// Restart counter of the source.
    pub boot: u32,
    /// Number of the message within the boot.
    pub seq: u64,
}

impl From<Envelope> for Number {
    fn from(envelope: Envelope) -> Self {
        Self { boot: envelope.boot, seq: envelope.seq }
    }
}

/// What a source says of its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Where the clock gets its time from.
    pub source: ClockSource,
    /// Offset to that reference in milliseconds; null when not known.
    pub offset_ms: Option<i32>,
}

/// Where a source's clock gets its time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// Network time protocol.
    Ntp,
    /// Satellite receiver.
    Gps,
    /// Precision time protocol.
    Ptp,
    /// Free running.
    None,
}

words!(ClockSource {
    Ntp = "ntp",
    Gps = "gps",
    Ptp = "ptp",
    None = "none",
});
