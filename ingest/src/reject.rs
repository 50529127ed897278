//! Why a message, or a part of one, is not taken: a closed list of reason codes with field and detail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Reason code, stable in the quarantine, the API and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The topic does not parse, or belongs to another city.
    Topic,
    /// More than 64 KiB.
    TooLarge,
    /// Not UTF-8 JSON, nested deeper than 16, or with a duplicate key.
    Json,
    /// `v` is not 1.
    Version,
    /// A required key is missing.
    Missing,
    /// A value has the wrong type.
    Type,
    /// A value lies outside its range.
    Range,
    /// A list is longer than the contract allows.
    TooMany,
    /// The same lane, zone, group or event stands twice in one message.
    Duplicate,
    /// Carries a citizen's personal data; its values were destroyed.
    PersonalData,
    /// More than 10 minutes ahead of the hub's clock.
    ClockAhead,
    /// Older than the retention of its stream.
    TooOld,
    /// The source is not registered.
    UnknownSource,
    /// The source is registered under another service.
    WrongService,
    /// A metric name that the catalogue does not hold.
    UnknownMetric,
    /// The same natural key with different content; the first is kept.
    Conflict,
    /// The source sends far more than its registered rate.
    Rate,
    /// The database refused the row.
    Refused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::Topic,
        Self::TooLarge,
        Self::Json,
        Self::Version,
        Self::Missing,
        Self::Type,
        Self::Range,
        Self::TooMany,
        Self::Duplicate,
        Self::PersonalData,
        Self::ClockAhead,
        Self::TooOld,
        Self::UnknownSource,
        Self::WrongService,
        Self::UnknownMetric,
        Self::Conflict,
        Self::Rate,
        Self::Refused,
    ];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::TooLarge => "too_large",
            Self::Json => "json",
            Self::Version => "version",
            Self::Missing => "missing",
            Self::Type => "type",
            Self::Range => "range",
            Self::TooMany => "too_many",
            Self::Duplicate => "duplicate",
            Self::PersonalData => "personal_data",
            Self::ClockAhead => "clock_ahead",
            Self::TooOld => "too_old",
            Self::UnknownSource => "unknown_source",
            Self::WrongService => "wrong_service",
            Self::UnknownMetric => "unknown_metric",
            Self::Conflict => "conflict",
            Self::Rate => "rate",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused message, or a refused part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason} at {field}: {detail}")]
pub struct Reject {
    /// Reason code.
    pub reason: Reason,
    /// JSON path of the field at fault, such as `lanes[2].speed_kmh`; empty for the whole message.
    pub field: String,
    /// What was found and what is allowed, in English, without any value of a personal stream.
    pub detail: String,
}
