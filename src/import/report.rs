//! What a reading of a table found: its columns, every flaw, what is stored.

use serde::Serialize;

use super::Kind;

/// Longest value that a report repeats, in characters.
const SHOWN_CHARS: usize = 80;

/// What was found in a table, and what was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Report {
    /// What the table holds.
    pub kind: Kind,
    /// Version of the header and word lists.
    pub words: String,
    /// True when nothing of the table is taken: it cannot be read, a needed column is missing, or a
    /// column holds personal data.
    pub is_refused: bool,
    /// Encoding that was recognised; null when none was.
    pub encoding: Option<String>,
    /// Character between the cells; null when none was recognised.
    pub delimiter: Option<String>,
    /// First and last line of the header, from 1; null when none was found.
    pub header_lines: Option<(u64, u64)>,
    /// Every column with what it is taken for.
    pub columns: Vec<ColumnUse>,
    /// Rows of data, without headings, totals and notes.
    #[ts(type = "number")]
    pub rows: u64,
    /// Rows of data with at least one problem: nothing of them is stored.
    #[ts(type = "number")]
    pub rows_bad: u64,
    /// Lines that are totals, headings or notes, and were not stored.
    #[ts(type = "Array<number>")]
    pub lines_skipped: Vec<u64>,
    /// Facts or rows that can be stored.
    #[ts(type = "number")]
    pub storable: u64,
    /// What keeps a cell, a row or the table from being stored; in the order of the lines.
    pub problems: Vec<Flaw>,
    /// What a person should look at, though it is stored; in the order of the lines.
    pub warnings: Vec<Flaw>,
    /// What was stored; null after a dry run or a refusal.
    pub stored: Option<Stored>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct ColumnUse {
    /// Its header, upper lines first.
    pub title: String,
    /// The field that it is taken for; null when it is not used.
    pub field: Option<String>,
    /// Whether it holds personal data.
    pub is_personal: bool,
}

/// Something that is wrong, or strange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Flaw {
    /// Line of the file, from 1; null for the table as a whole.
    #[ts(type = "number | null")]
    pub line: Option<u64>,
    /// Header of the column; empty for the row or table as a whole.
    pub column: String,
    /// The cell, shortened, with long digit runs masked; null for personal columns and whole rows.
    pub value: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: String,
}

/// What was stored of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Stored {
    /// New rows.
    #[ts(type = "number")]
    pub new: u64,
    /// Rows that were stored before with the same content.
    #[ts(type = "number")]
    pub duplicates: u64,
    /// Rows that replaced others (tables, formalities), or that were stored before with other content and
    /// kept as they were (facts).
    #[ts(type = "number")]
    pub changed: u64,
    /// Facts that the hub refused, with what it refuses of every message: see the quarantine.
    #[ts(type = "number")]
    pub refused: u64,
}

impl Report {
    /// A report without findings.
    pub(super) fn new(kind: Kind, words: &str) -> Self {
        Self {
            kind,
            words: words.to_owned(),
            is_refused: false,
            encoding: None,
            delimiter: None,
            header_lines: None,
            columns: Vec::new(),
            rows: 0,
            rows_bad: 0,
            lines_skipped: Vec::new(),
            storable: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
            stored: None,
        }
    }

    /// Notes how many rows of data there are; false, and the table is refused, for none.
    pub(super) fn count_rows(&mut self, rows: usize) -> bool {
        self.rows = rows as u64;
        if rows == 0 {
            self.refuse(None, "", "there is no row of data below the header".to_owned(), "");
        }
        rows > 0
    }

    /// Refuses the whole table.
    pub(super) fn refuse(
        &mut self,
        line: Option<u64>,
        column: &str,
        problem: String,
        advice: &str,
    ) {
        self.is_refused = true;
        let (column, advice) = (column.to_owned(), advice.to_owned());
        self.problems.push(Flaw { line, column, value: None, problem, advice });
    }

    /// Counts what there is.
    pub(super) fn finish(&mut self, storable: u64) {
        self.storable = storable;
        let mut bad: Vec<u64> = self.problems.iter().filter_map(|flaw| flaw.line).collect();
        bad.sort_unstable();
        bad.dedup();
        let header = self.header_lines.map_or(0, |(_, last)| last);
        self.rows_bad = bad.iter().filter(|line| **line > header).count() as u64;
        self.problems.sort_by_key(|flaw| flaw.line);
        self.warnings.sort_by_key(|flaw| flaw.line);
    }
}

/// A value as a report may show it.
pub(super) fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(SHOWN_CHARS).collect();
    if value.chars().count() > SHOWN_CHARS {
        text.push('…');
    }
    let masked = ioc_ingest::decode::mask_personal(text.as_bytes());
    // Masking replaces digits by single bytes, so the text stays UTF-8.
    String::from_utf8_lossy(&masked).into_owned()
}
