//! `onestop/assessment`: one form on the nine indicators, by a citizen, the agency or its appraiser.
//!
//! Scores are 0 to 2 points in thousandths, so that published means (1.978) stay exact. Natural key:
//! (source, form).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::word::words;

/// Indicators of the form, N1 to N9.
pub const INDICATORS: usize = 9;

/// Who filled the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessor {
    /// A citizen or an organisation.
    Citizen,
    /// The agency about itself.
    Agency,
    /// The body that appraises the agency's own scores.
    Appraiser,
}

words!(Assessor {
    Citizen = "citizen",
    Agency = "agency",
    Appraiser = "appraiser",
});

/// How a form was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormChannel {
    /// On a tablet at the one-stop unit.
    Tablet,
    /// On a portal.
    Web,
    /// On paper.
    Paper,
}

words!(FormChannel {
    Tablet = "tablet",
    Web = "web",
    Paper = "paper",
});

/// One form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// Form number, at most 64 characters.
    pub form: Box<str>,
    /// The unit that it is about.
    pub unit: Box<str>,
    /// First day of the quarter that it is about; `2026-Q1` in a message.
    pub quarter: NaiveDate,
    /// Who filled it.
    pub by: Assessor,
    /// How it was filled.
    pub channel: Option<FormChannel>,
    /// The dossier that it is about.
    pub dossier: Option<Box<str>>,
    /// Points of N1 to N9 in thousandths, 0..=2 000; null where not answered.
    pub scores_e3: [Option<u16>; INDICATORS],
}
