//! What operators ask for, and what came of it.

use chrono::{DateTime, Utc};

use super::{Alarm, AlarmId, Refusal, State};

/// Something that an operator does to an alarm.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Has seen it.
    Acknowledge,
    /// Has put the equipment in order.
    Reset,
    /// Puts it aside until then.
    Shelve {
        /// End, hub clock.
        until: DateTime<Utc>,
        /// Who agrees; their password was checked.
        second: Option<String>,
    },
    /// Takes it back.
    Unshelve,
    /// Does not want to see it.
    Suppress,
    /// Wants to see it again.
    Unsuppress,
    /// Takes its equipment out of service.
    OutOfService {
        /// Ticket.
        ticket: Option<String>,
    },
    /// Puts it back in service.
    InService,
    /// Says something about it.
    Comment,
    /// Gives it to somebody; to nobody when null.
    Assign {
        /// Account.
        to: Option<String>,
    },
    /// Links it to a ticket; to none when null.
    Link {
        /// Ticket.
        ticket: Option<String>,
    },
}

/// What the operator had before their eyes: an alarm that has changed since is not acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Number of the occurrence.
    pub occurrence: i64,
    /// State.
    pub state: State,
}

/// A request of one person for one or several alarms.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which alarms.
    pub alarms: Vec<(AlarmId, Option<Seen>)>,
    /// What.
    pub operation: Operation,
    /// Account.
    pub who: String,
    /// Reason or comment.
    pub reason: Option<String>,
}

/// What came of a request for one alarm.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done; the alarm as it is now.
    Done(Box<Alarm>),
    /// There never was such an alarm.
    Unknown,
    /// It has changed since it was seen; the alarm as it is now.
    Changed(Box<Alarm>),
    /// It does not apply; why, and the alarm as it is now.
    Refused(Refusal, Box<Alarm>),
}
