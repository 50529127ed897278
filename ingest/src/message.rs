//! A decoded message: its topic, envelope, fact, and the parts of it that were refused.

use serde::{Deserialize, Serialize};

use crate::{
    assessment::Assessment,
    document::DocumentStep,
    dossier::DossierStep,
    envelope::Envelope,
    health::{Health, Status},
    incident::Incident,
    interval::Interval,
    metric::MetricSample,
    petition::PetitionStep,
    reject::Reject,
    signal::{SignalEvents, SignalState},
    ticket::{Call, TicketStep},
    topic::Topic,
};

/// One message of the contract, valid in every field.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who sent it and on which stream.
    pub topic: Topic,
    /// Time, boot and seq; null for a status, whose time is the receive time.
    pub envelope: Option<Envelope>,
    /// What it says.
    pub fact: Fact,
    /// Parts that were refused while the rest is good (lanes, zones, events), usually none.
    pub refused: Vec<Reject>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// `signal/state`.
    SignalState(SignalState),
    /// `signal/events`.
    SignalEvents(SignalEvents),
    /// `vds/interval`, `cctv/interval`.
    Interval(Interval),
    /// `cctv/incident`.
    Incident(Incident),
    /// `*/health`.
    Health(Box<Health>),
    /// `*/status`.
    Status(Status),
    /// `desk/ticket`.
    Ticket(Box<TicketStep>),
    /// `desk/call`.
    Call(Box<Call>),
    /// `onestop/dossier`.
    Dossier(Box<DossierStep>),
    /// `onestop/assessment`.
    Assessment(Box<Assessment>),
    /// `onestop/petition`.
    Petition(Box<PetitionStep>),
    /// `onestop/document`.
    Document(Box<DocumentStep>),
    /// `metric/sample`.
    Metric(MetricSample),
}
