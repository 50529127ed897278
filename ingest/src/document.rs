//! `onestop/document`: result documents of formalities on their way to a signed electronic copy.
//!
//! The sender sends a token for a document, never a person's number. Natural key: (source, document,
//! state, at).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Found valid and to be digitised.
    Reviewed,
    /// Digitised.
    Digitised,
    /// The electronic copy is signed and stored.
    Signed,
    /// No longer valid.
    Withdrawn,
}

words!(DocumentState {
    Reviewed = "reviewed",
    Digitised = "digitised",
    Signed = "signed",
    Withdrawn = "withdrawn",
});

/// One step in the life of a result document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentStep {
    /// Token of the document, at most 64 characters.
    pub document: Box<str>,
    /// What became of it.
    pub state: DocumentState,
    /// When.
    pub at: DateTime<Utc>,
    /// Type of result in the national catalogue.
    pub result_type: Option<Box<str>>,
    /// Unit that holds it.
    pub unit: Option<Box<str>>,
    /// Whether a holder is known to the sender.
    pub has_holder: Option<bool>,
}
