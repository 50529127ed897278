//! Alarms: what needs an operator now.
//!
//! [`machine`] holds the life of one alarm, pure. [`rule`] are the rules as data, from
//! `config/alarms.toml`: conditions on the [`field`]s that [`fact`]s carry. The [`engine`] judges what
//! messages, clocks and [`Input`]s tell by the rules and has the machine make [`Change`]s of it. It is owned
//! by the writer, which stores the changes in the transaction of the messages that caused them; the live
//! view shows them. What the hub measures of itself and of its records comes from [`watch`], what is usual of
//! a station at a time of the week from [`usual`]; [`road`] tells which station follows which.
//!
//! Invariants: rules judge levels, never edges, and a message that is not newer than the last of its device
//! and stream says nothing, so that redelivery and replays change nothing; every change has its own number,
//! in the order of commits; what people ask for is refused, never dropped.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source};

mod book;
pub mod condition;
pub mod engine;
pub mod fact;
pub mod field;
pub mod machine;
mod object;
pub mod operate;
pub mod road;
pub mod rule;
pub mod signal;
mod station;
pub mod usual;
pub mod watch;
pub mod works;

pub use engine::Engine;
pub use machine::{Action, Refusal, Shelf, State, Status, Suppression};

/// How much an alarm matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// 1: life or the whole system is at stake; act at once.
    Critical = 1,
    /// 2: act within minutes.
    High = 2,
    /// 3: act within the shift.
    Medium = 3,
    /// 4: act when there is time.
    Low = 4,
}

impl Priority {
    /// Every priority, the gravest first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// 1 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The priority of this number.
    pub fn of(number: impl Into<i64>) -> Option<Self> {
        let number = number.into();
        Self::ALL.into_iter().find(|priority| i64::from(priority.number()) == number)
    }
}

/// Which alarm: one rule on one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlarmId {
    /// Code of the rule.
    pub code: Arc<str>,
    /// `SOURCE`, `SOURCE/lane/N`, `SOURCE/zone/NAME`, `hub:PART`, `unit:CODE`, `corridor:ID` or
    /// `indicator:ID`.
    pub object: Arc<str>,
}

impl AlarmId {
    /// Reads `CODE:OBJECT`.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, object) = text.split_once(':')?;
        let is_good = !code.is_empty() && !object.is_empty();
        is_good.then(|| Self { code: code.into(), object: object.into() })
    }

    /// The source that the object is or belongs to; none for objects that are no device.
    pub fn source(&self) -> Option<&str> {
        source_of(&self.object)
    }
}

/// The source in the text of an object.
pub fn source_of(object: &str) -> Option<&str> {
    if object.contains(':') {
        return None;
    }
    object.split('/').next()
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.code, self.object)
    }
}

/// An alarm as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Which.
    pub id: AlarmId,
    /// Service of the source; null for objects that are no device.
    pub service: Option<Service>,
    /// Area that the object lies in, or the unit that it is.
    pub area: Option<Arc<str>>,
    /// Life.
    pub status: Status,
    /// Last transition, hub clock.
    pub changed_at: DateTime<Utc>,
    /// Value at the last raise, in the unit of measure of the rule.
    pub value: Option<f64>,
    /// Limit that it crossed.
    pub limit: Option<f64>,
    /// Reason code, such as `flash.mmu`.
    pub why: Option<Arc<str>>,
    /// Alarm that this one follows from.
    pub parent: Option<AlarmId>,
    /// Account that cares for it.
    pub assignee: Option<String>,
    /// Ticket that it is linked to.
    pub ticket: Option<String>,
    /// Comments of the occurrence.
    pub comments: u32,
    /// It was the first at its place.
    pub first_out: bool,
    /// It comes and goes so often that shelving is proposed.
    pub chattering: bool,
    /// Number of its last transition.
    pub seq: i64,
}

impl Alarm {
    /// Whether there is nothing to show of it: normal, and nobody put it aside.
    pub const fn is_plain(&self) -> bool {
        let Status { state, shelf, out_of_service, .. } = &self.status;
        matches!(state, State::Norm) && shelf.is_none() && out_of_service.is_none()
    }

    /// Whether it waits for an operator to acknowledge it, and is to be counted.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.status.state, State::Unack | State::Rtnun) && self.status.is_presented_now()
    }
}

/// One thing that happened to an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Number in the order of commits, from 1.
    pub seq: i64,
    /// Hub clock.
    pub at: DateTime<Utc>,
    /// Which alarm.
    pub id: AlarmId,
    /// Number of the occurrence.
    pub occurrence: i64,
    /// What happened, as `alarm_transition.action`.
    pub action: &'static str,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
    /// Account that asked for it; null when the hub did it by a rule.
    pub who: Option<String>,
    /// Second person who agreed.
    pub second: Option<String>,
    /// Reason or comment that was given.
    pub reason: Option<String>,
    /// End of a shelving.
    pub until: Option<DateTime<Utc>>,
    /// By what it is suppressed, or no longer.
    pub suppressed: Option<Suppression>,
    /// Ticket of the action.
    pub ticket: Option<String>,
    /// Account that was assigned.
    pub assignee: Option<String>,
}

/// A transition and the alarm as it is after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happened.
    pub transition: Transition,
    /// What it came to.
    pub alarm: Alarm,
}

/// What the engine is told beside messages: the narrow border to the rest of the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A check on a lane or zone of a device began or ceased to find it bad. Sent on every change, and
    /// for everything that is bad once after the start: repeating it changes nothing.
    Detector {
        /// The device.
        source: Source,
        /// `lane/3` or `zone/north-in`.
        place: Arc<str>,
        /// `Q05`.
        check: Arc<str>,
        /// Whether it is bad.
        bad: bool,
        /// Since when, source clock.
        since: DateTime<Utc>,
    },
    /// Everything that is bad was told after the start: what was not is good.
    DetectorsTold,
    /// A figure of something that is no device. Sent at every measurement; null when it is not known, on
    /// which nothing changes.
    Figure {
        /// `hub:disk`, `unit:gso:31135`, `corridor:ql91`, `indicator:H05`.
        object: Arc<str>,
        /// Field.
        field: field::Field,
        /// Value in the unit of the field; of a flag 1 or 0.
        value: Option<f64>,
    },
}
