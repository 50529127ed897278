//! Tables of other systems and of other cities as facts: CSV files with Vietnamese headers and numbers.
//!
//! [`read`] is pure: bytes in, a report and what can be stored out. It tells every bad cell with line,
//! column, value and what to do. A table with a personal column is refused as a whole, by the column's
//! name; its values are neither kept nor shown. A dry run is the same reading without storing. Rows have
//! natural keys, so that a file may be imported again after it was corrected.

mod columns;
mod date;
mod dossier;
mod formality;
mod ii06a;
mod number;
mod official766;
pub mod report;
mod row;
mod store;
mod table;
mod ticket;
mod words;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use chrono_tz::Tz;
use ioc_ingest::{Fact, Service, Stream};
use serde::{Deserialize, Serialize};

use crate::{indicator::period::Period, unit::Units};

pub use formality::FormalityRow;
pub use ii06a::Ii06aRow;
pub use official766::ScoreRow;
pub use report::{ColumnUse, Flaw, Report, Stored};
pub use store::{ImportError, Storing, store};
pub use words::{Words, WordsError};

/// What a table holds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Dossiers of a one-stop system.
    Dossier,
    /// Tickets of the 1022 desk.
    Ticket,
    /// Form II.06a/VPCP/KSTT.
    Ii06a,
    /// Officially published points of Decision 766.
    Official766,
    /// Catalogue of formalities.
    Formality,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Dossier, Self::Ticket, Self::Ii06a, Self::Official766, Self::Formality];

    /// The word of the kind in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dossier => "dossier",
            Self::Ticket => "ticket",
            Self::Ii06a => "ii06a",
            Self::Official766 => "official766",
            Self::Formality => "formality",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Service and stream of its facts; null for what goes to tables of its own.
    pub const fn stream(self) -> Option<(Service, Stream)> {
        match self {
            Self::Dossier => Some((Service::Onestop, Stream::Dossier)),
            Self::Ticket => Some((Service::Desk, Stream::Ticket)),
            Self::Ii06a | Self::Official766 | Self::Formality => None,
        }
    }
}

impl Kind {
    /// The fields of its tables.
    const fn fields(self) -> &'static [columns::Field] {
        match self {
            Self::Dossier => dossier::FIELDS,
            Self::Ticket => ticket::FIELDS,
            Self::Ii06a => ii06a::FIELDS,
            Self::Official766 => official766::FIELDS,
            Self::Formality => formality::FIELDS,
        }
    }
}

/// What somebody says of a table beside its bytes.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Period of a table that names none in a column of its own.
    pub period: Option<Period>,
    /// Unit of a table whose rows are no units, by code.
    pub unit: Option<String>,
}

/// What a table is read against.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Headers and words.
    pub words: &'a Words,
    /// Units of all times.
    pub units: &'a Units,
    /// Token and Vietnamese name of every ticket category.
    pub categories: &'a [(String, String)],
    /// Keys that are personal in messages; columns with these names are refused too.
    pub personal_keys: &'a [String],
    /// Zone of the city's civil days.
    pub zone: Tz,
    /// Today in the city.
    pub today: NaiveDate,
}

/// What can be stored of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Facts with the line that they come from, in the order of the file.
    Facts(Vec<(u64, Fact)>),
    /// Rows of form II.06a.
    Ii06a(Vec<Ii06aRow>),
    /// Official points.
    Scores(Vec<ScoreRow>),
    /// Formalities.
    Formalities(Vec<FormalityRow>),
}

impl Content {
    /// How many facts or rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Facts(rows) => rows.len(),
            Self::Ii06a(rows) => rows.len(),
            Self::Scores(rows) => rows.len(),
            Self::Formalities(rows) => rows.len(),
        }
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a table. A report that `is_refused` comes with no content.
pub fn read(kind: Kind, bytes: &[u8], ask: &Ask, around: Around<'_>) -> (Report, Content) {
    let mut report = Report::new(kind, &around.words.version);
    let content = read_rows(kind, bytes, ask, around, &mut report);
    let content = match content {
        Some(content) if !report.is_refused => content,
        _ => {
            report.is_refused = true;
            empty(kind)
        }
    };
    report.finish(content.len());
    (report, content)
}

fn empty(kind: Kind) -> Content {
    match kind {
        Kind::Dossier | Kind::Ticket => Content::Facts(Vec::new()),
        Kind::Ii06a => Content::Ii06a(Vec::new()),
        Kind::Official766 => Content::Scores(Vec::new()),
        Kind::Formality => Content::Formalities(Vec::new()),
    }
}

fn read_rows(
    kind: Kind,
    bytes: &[u8],
    ask: &Ask,
    around: Around<'_>,
    report: &mut Report,
) -> Option<Content> {
    let table = table::read(bytes, report)?;
    let rows = row::rows(kind, kind.fields(), &table, around, report)?;
    Some(match kind {
        Kind::Dossier => Content::Facts(dossier::read(&rows, around, report)),
        Kind::Ticket => Content::Facts(ticket::read(&rows, around, report)),
        Kind::Ii06a => Content::Ii06a(ii06a::read(&rows, ask, around, report)),
        Kind::Official766 => Content::Scores(official766::read(&rows, ask, around, report)),
        Kind::Formality => Content::Formalities(formality::read(&rows, around, report)),
    })
}
