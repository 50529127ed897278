//! Online services of formalities. A service is no formality: one formality has any number of them.
//!
//! From `services.csv`, which a city may leave out.

use chrono::NaiveDate;

use super::{
    formality::code,
    problem::Problems,
    record::{Located, Record},
    unit::Mark,
};

/// File of the online services.
pub(super) const SERVICES: &str = "services.csv";
/// Columns of the online services.
pub(super) const SERVICE_COLUMNS: &[&str] = &[
    "code",
    "formality",
    "valid_from",
    "valid_to",
    "name_vi",
    "name_en",
    "state",
    "npsp_linked",
    "mark",
    "source",
];

/// State of an online service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceState {
    /// Offered.
    Public,
    /// Offered, about to be closed.
    Closing,
    /// Being tried.
    Testing,
    /// No longer offered.
    Closed,
}

impl ServiceState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Public, Self::Closing, Self::Testing, Self::Closed];

    /// The word in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Closing => "closing",
            Self::Testing => "testing",
            Self::Closed => "closed",
        }
    }
}

/// One online service in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineService {
    /// Code of the service.
    pub code: String,
    /// Code of its formality.
    pub formality: Option<String>,
    /// First civil day of the row.
    pub valid_from: NaiveDate,
    /// First civil day on which it is no longer so; null while it is.
    pub valid_to: Option<NaiveDate>,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Its state.
    pub state: ServiceState,
    /// Whether it is offered on the national portal.
    pub npsp_linked: bool,
    /// How well the row is known.
    pub mark: Mark,
    /// Where the row comes from.
    pub source: String,
}

impl OnlineService {
    /// Whether the row holds on `date` (half-open span).
    pub fn is_valid_at(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|end| date < end)
    }
}

/// Reads one row of `services.csv`.
pub(super) fn read_service(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<OnlineService>> {
    let p = problems;
    let own_code = code(row, "code", p);
    let formality = row.optional("formality", p, code);
    let (from, to) = (row.date("valid_from", p), row.optional("valid_to", p, Record::date));
    let (name_vi, name_en) = (row.text("name_vi", p), row.text("name_en", p));
    let state = row.choice("state", &ServiceState::ALL, ServiceState::as_str, p);
    let npsp_linked = row.boolean("npsp_linked", p);
    let mark = row.choice("mark", &Mark::ALL, Mark::as_str, p);
    let source = row.text("source", p);
    let service = OnlineService {
        code: own_code?,
        formality: formality?,
        valid_from: from?,
        valid_to: to?,
        name_vi: name_vi?,
        name_en: name_en?,
        state: state?,
        npsp_linked: npsp_linked?,
        mark: mark?,
        source: source?,
    };
    Some(row.locate(service))
}
