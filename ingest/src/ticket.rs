//! `desk/ticket` and `desk/call`: steps in the life of a 1022 ticket, calls at the switchboard.
//!
//! Never a citizen's name, number or address. Natural keys: (source, ticket, status, at); (source, call).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// How a request reached the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Hotline 1022.
    Hotline,
    /// Web portal.
    Web,
    /// Mobile app.
    App,
    /// Zalo.
    Zalo,
    /// Facebook.
    Facebook,
    /// In person.
    InPerson,
    /// E-mail.
    Email,
}

words!(Channel {
    Hotline = "hotline",
    Web = "web",
    App = "app",
    Zalo = "zalo",
    Facebook = "facebook",
    InPerson = "in_person",
    Email = "email",
});

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    /// A question that the desk answers.
    Inquiry,
    /// A request that a unit handles.
    Request,
    /// A report of a defect.
    Report,
    /// A petition.
    Petition,
}

words!(TicketKind {
    Inquiry = "inquiry",
    Request = "request",
    Report = "report",
    Petition = "petition",
});

/// Step in the life of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// Received.
    New,
    /// Looked at.
    Triaged,
    /// Given to a unit.
    Assigned,
    /// Being handled.
    InProgress,
    /// Waits for the citizen.
    WaitingCitizen,
    /// Waits for others.
    WaitingOther,
    /// Handled.
    Resolved,
    /// Answer published.
    Published,
    /// Closed.
    Closed,
    /// Refused with a reason.
    Rejected,
    /// Duplicate of another ticket.
    Duplicate,
    /// Handed to another agency's own system.
    Transferred,
    /// Opened again.
    Reopened,
}

words!(TicketStatus {
    New = "new",
    Triaged = "triaged",
    Assigned = "assigned",
    InProgress = "in_progress",
    WaitingCitizen = "waiting_citizen",
    WaitingOther = "waiting_other",
    Resolved = "resolved",
    Published = "published",
    Closed = "closed",
    Rejected = "rejected",
    Duplicate = "duplicate",
    Transferred = "transferred",
    Reopened = "reopened",
});

/// One step in the life of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketStep {
    /// Ticket number, at most 64 characters.
    pub ticket: Box<str>,
    /// The step.
    pub status: TicketStatus,
    /// When the step was taken.
    pub at: DateTime<Utc>,
    /// How the request reached the desk.
    pub channel: Option<Channel>,
    /// What is asked for.
    pub kind: Option<TicketKind>,
    /// Category of the desk's catalogue, a token.
    pub category: Option<Box<str>>,
    /// Responsible unit, `gso:31135` or `agency:H13.05`.
    pub unit: Option<Box<str>>,
    /// Text without personal data, never public; at most 2 000 characters.
    pub summary: Option<Box<str>>,
    /// Where it is about.
    pub location: Option<Location>,
    /// Until when it is due.
    pub due_at: Option<DateTime<Utc>>,
    /// First reply to the citizen.
    pub first_response_at: Option<DateTime<Utc>>,
    /// Answered at the desk in the first contact.
    pub solved_at_desk: Option<bool>,
    /// The ticket that this one duplicates.
    pub merged_into: Option<Box<str>>,
    /// Citizen's rating, 1..=5.
    pub rating: Option<u8>,
}

/// WGS 84 position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
}

/// Direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// A citizen calls.
    In,
    /// The desk calls.
    Out,
}

words!(CallDirection {
    In = "in",
    Out = "out",
});

/// One call at the switchboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Call id, at most 64 characters.
    pub call: Box<str>,
    /// Direction.
    pub direction: CallDirection,
    /// When the caller entered the queue.
    pub queued_at: Option<DateTime<Utc>>,
    /// When an agent answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When the caller gave up.
    pub abandoned_at: Option<DateTime<Utc>>,
    /// When the call ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The ticket that it led to.
    pub ticket: Option<Box<str>>,
}
