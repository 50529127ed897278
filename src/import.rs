//! Tables of other systems and of other cities as facts: CSV files with Vietnamese headers and numbers.
//!
//! [`Upload::read`] is pure: bytes in, a report and what can be stored out. It tells every bad cell with line,
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

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use chrono::NaiveDate;
use chrono_tz::Tz;
use ioc_ingest::{Fact, Service, Stream};
use serde::{Deserialize, Serialize};

use crate::{indicator::period::Period, unit::Units};
use row::Sorted;

pub use formality::FormalityRow;
pub use ii06a::Ii06aRow;
pub use official766::ScoreRow;
pub use report::{ColumnUse, Flaw, Report, Stored};
pub use store::{ImportError, Progress, Storing, store};
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

/// What a table is read against; see [`Upload`].
#[derive(Debug, Clone, Copy)]
struct Around<'a> {
    words: &'a Words,
    units: &'a Units,
    categories: &'a [(String, String)],
    personal_keys: &'a [String],
    zone: Tz,
    today: NaiveDate,
}

/// Line of the row in which a record stands first.
type FirstLines = HashMap<Box<str>, u64>;

/// What can be stored of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// So many facts; [`Upload::facts`] gives them.
    Facts(u64),
    /// Rows of form II.06a.
    Ii06a(Vec<Ii06aRow>),
    /// Official points.
    Scores(Vec<ScoreRow>),
    /// Formalities.
    Formalities(Vec<FormalityRow>),
}

impl Content {
    /// How many facts or rows there are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Facts(count) => *count,
            Self::Ii06a(rows) => rows.len() as u64,
            Self::Scores(rows) => rows.len() as u64,
            Self::Formalities(rows) => rows.len() as u64,
        }
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file that somebody brings, with all that it is read against. It is read twice when it holds facts:
/// once for the report, and again, fact by fact, to store them. So a large file needs little memory.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What it holds.
    pub kind: Kind,
    /// The file.
    pub bytes: Bytes,
    /// What is said beside it.
    pub ask: Ask,
    /// Headers and words.
    pub words: Arc<Words>,
    /// Units of all times.
    pub units: Units,
    /// Token and Vietnamese name of every ticket category.
    pub categories: Vec<(String, String)>,
    /// Keys that are personal in messages; columns with these names are refused too.
    pub personal_keys: Vec<String>,
    /// Zone of the city's civil days.
    pub zone: Tz,
    /// Today in the city.
    pub today: NaiveDate,
}

/// Rows between two words about progress.
const PROGRESS_ROWS: u64 = 5_000;

impl Upload {
    fn around(&self) -> Around<'_> {
        Around {
            words: &self.words,
            units: &self.units,
            categories: &self.categories,
            personal_keys: &self.personal_keys,
            zone: self.zone,
            today: self.today,
        }
    }

    /// Reads all of it. A report that `is_refused` comes with no content. `progress` is told now and then
    /// how many rows were read.
    pub fn read(&self, progress: &dyn Fn(u64)) -> (Report, Content) {
        let mut report = Report::new(self.kind, &self.words.version);
        let content = self.read_rows(&mut report, progress);
        let content = match content {
            Some(content) if !report.is_refused => content,
            _ => {
                report.is_refused = true;
                self.empty()
            }
        };
        report.finish(content.len());
        (report, content)
    }

    /// Every fact with its line, in the order of the file, until `each` says false.
    pub fn facts(&self, each: &mut dyn FnMut(u64, Fact) -> bool) {
        let mut report = Report::new(self.kind, &self.words.version);
        let Some(table) = table::open(&self.bytes, &mut report) else { return };
        let around = self.around();
        let sheet = row::sheet(self.kind, self.kind.fields(), &table, around, &mut report);
        if let Some(sheet) = sheet {
            self.read_facts(&table, &sheet, &mut report, each);
        }
    }

    const fn empty(&self) -> Content {
        match self.kind {
            Kind::Dossier | Kind::Ticket => Content::Facts(0),
            Kind::Ii06a => Content::Ii06a(Vec::new()),
            Kind::Official766 => Content::Scores(Vec::new()),
            Kind::Formality => Content::Formalities(Vec::new()),
        }
    }

    fn read_rows(&self, report: &mut Report, progress: &dyn Fn(u64)) -> Option<Content> {
        let (ask, around) = (&self.ask, self.around());
        let table = table::open(&self.bytes, report)?;
        let sheet = row::sheet(self.kind, self.kind.fields(), &table, around, report)?;
        if self.kind.stream().is_some() {
            let (mut facts, mut line_before, mut told) = (0, 0, 0);
            let rows = self.read_facts(&table, &sheet, report, &mut |line, _fact| {
                facts += 1;
                if line != line_before {
                    line_before = line;
                    told += 1;
                    if told % PROGRESS_ROWS == 0 {
                        progress(told);
                    }
                }
                true
            });
            return report.count_rows(rows).then_some(Content::Facts(facts));
        }
        let lines: Vec<_> = sheet.lines(&table).collect();
        let rows = sheet.rows(&lines, report)?;
        Some(match self.kind {
            Kind::Dossier | Kind::Ticket => self.empty(),
            Kind::Ii06a => Content::Ii06a(ii06a::read(&rows, ask, around, report)),
            Kind::Official766 => Content::Scores(official766::read(&rows, ask, around, report)),
            Kind::Formality => Content::Formalities(formality::read(&rows, around, report)),
        })
    }

    /// Reads row by row. Answers how many rows of data there were.
    fn read_facts(
        &self,
        table: &table::Table<'_>,
        sheet: &row::Sheet<'_>,
        report: &mut Report,
        each: &mut dyn FnMut(u64, Fact) -> bool,
    ) -> usize {
        let around = self.around();
        let (mut first_lines, mut rows) = (FirstLines::new(), 0);
        for line in sheet.lines(table) {
            let row = match sheet.sort(&line) {
                Sorted::Data(row) => row,
                Sorted::Total(_) | Sorted::Aside => {
                    report.lines_skipped.push(line.number);
                    continue;
                }
                Sorted::Empty => continue,
            };
            rows += 1;
            let facts = match self.kind {
                Kind::Ticket => ticket::read(&row, &mut first_lines, around, report),
                Kind::Dossier | Kind::Ii06a | Kind::Official766 | Kind::Formality => {
                    dossier::read(&row, &mut first_lines, around, report)
                }
            };
            for fact in facts {
                if !each(line.number, fact) {
                    return rows;
                }
            }
        }
        rows
    }
}
