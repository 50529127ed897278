//! `onestop/petition`: steps in the life of a petition about administrative procedures (PAKN).
//!
//! Natural key: (source, petition, status, at).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// What a petition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PetitionKind {
    /// A regulation.
    Regulation,
    /// Conduct of an officer.
    Conduct,
    /// Service at the one-stop unit.
    Service,
}

words!(PetitionKind {
    Regulation = "regulation",
    Conduct = "conduct",
    Service = "service",
});

/// Class in which the national portal counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PetitionClass {
    /// About a formality.
    Formality,
    /// About staff.
    Staff,
    /// Anything else.
    Other,
}

words!(PetitionClass {
    Formality = "formality",
    Staff = "staff",
    Other = "other",
});

/// Step in the life of a petition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PetitionStatus {
    /// Received.
    Received,
    /// More information was asked for.
    MoreInfo,
    /// Passed on to another unit, whose time begins anew.
    Transferred,
    /// Being handled.
    Processing,
    /// Answered.
    Answered,
    /// Answer published.
    Published,
    /// Refused.
    Refused,
}

words!(PetitionStatus {
    Received = "received",
    MoreInfo = "more_info",
    Transferred = "transferred",
    Processing = "processing",
    Answered = "answered",
    Published = "published",
    Refused = "refused",
});

/// One step in the life of a petition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PetitionStep {
    /// Petition number, at most 64 characters.
    pub petition: Box<str>,
    /// The step.
    pub status: PetitionStatus,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub kind: Option<PetitionKind>,
    /// Class of the national portal.
    pub class: Option<PetitionClass>,
    /// Responsible unit.
    pub unit: Option<Box<str>>,
    /// The dossier that it complains of.
    pub dossier: Option<Box<str>>,
    /// Whether the petitioner was satisfied with the answer.
    pub satisfied: Option<bool>,
}
