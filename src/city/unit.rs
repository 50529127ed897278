//! Administrative units and agencies with the time in which they existed, and what followed them.
//!
//! From `units.csv` and `successions.csv`. A code is reused for another unit after a reform, so a
//! unit is named by (code, `valid_from`) and a code alone means something only at a date.

use chrono::NaiveDate;

use super::{
    problem::Problems,
    record::{Located, Record},
};

/// File of the units.
pub(super) const UNITS: &str = "units.csv";
/// File of the successions.
pub(super) const SUCCESSIONS: &str = "successions.csv";
/// Columns of the units.
pub(super) const UNIT_COLUMNS: &[&str] =
    &["code", "kind", "name_vi", "name_en", "parent", "valid_from", "valid_to", "mark", "source"];
/// Columns of the successions.
pub(super) const SUCCESSION_COLUMNS: &[&str] = &[
    "from",
    "from_valid_from",
    "to",
    "to_valid_from",
    "date",
    "share",
    "area_km2",
    "population",
    "mark",
    "source",
];

/// Kind of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitKind {
    /// The city itself (province level).
    City,
    /// Urban or rural district (quận, huyện); none after 2025-06-30.
    District,
    /// Ward (phường).
    Ward,
    /// Commune (xã).
    Commune,
    /// Town of a rural district (thị trấn); none after 2025-06-30.
    Town,
    /// Specialised agency or board of the city.
    Agency,
}

impl UnitKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::City, Self::District, Self::Ward, Self::Commune, Self::Town, Self::Agency];

    /// The word of the kind in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Ward => "ward",
            Self::Commune => "commune",
            Self::Town => "town",
            Self::Agency => "agency",
        }
    }

    /// Whether a unit of this kind is of commune level.
    pub const fn is_commune_level(self) -> bool {
        matches!(self, Self::Ward | Self::Commune | Self::Town)
    }
}

/// How well the weakest part of a row is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Read at its source.
    Verified,
    /// From a bulletin of the city.
    Published,
    /// Known, not verified: an administrator should check it.
    Unverified,
    /// Made up for the demonstration.
    Demonstration,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 4] =
        [Self::Verified, Self::Published, Self::Unverified, Self::Demonstration];

    /// The word of the mark in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Published => "published",
            Self::Unverified => "unverified",
            Self::Demonstration => "demonstration",
        }
    }
}

/// One unit in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `gso:31135` (administrative code) or `agency:H13.05` (agency code). Not an identity: reused.
    pub code: String,
    /// Kind.
    pub kind: UnitKind,
    /// Vietnamese name with its kind, "Phường Ninh Kiều".
    pub name_vi: String,
    /// English name with its kind, "Ninh Kiều Ward".
    pub name_en: String,
    /// Code of the parent, valid over this unit's whole span; null for the city.
    pub parent: Option<String>,
    /// First civil day.
    pub valid_from: NaiveDate,
    /// First civil day on which it is no more; null while it exists.
    pub valid_to: Option<NaiveDate>,
    /// How well the row is known.
    pub mark: Mark,
    /// Where the row comes from.
    pub source: String,
}

impl Unit {
    /// Whether the unit exists on `date` (half-open span).
    pub fn is_valid_at(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|end| date < end)
    }
}

/// What became of a unit: all or a part of `from` went to `to`. Only what a source states is here;
/// an older unit without an edge has no known successor.
#[derive(Debug, Clone, PartialEq)]
pub struct Succession {
    /// Code and first day of the older unit.
    pub from: (String, NaiveDate),
    /// Code and first day of the newer unit.
    pub to: (String, NaiveDate),
    /// The day on which it happened.
    pub date: NaiveDate,
    /// Share of the older unit, in 1e-4; 10 000 is the whole, null is a part of unknown share.
    pub share_e4: Option<u16>,
    /// Area that went over, in hectares; null when not stated.
    pub area_ha: Option<u32>,
    /// People that went over; null when not stated.
    pub population: Option<u32>,
    /// How well the edge is known.
    pub mark: Mark,
    /// Where the edge comes from.
    pub source: String,
}

/// Reads one row of `units.csv`.
pub(super) fn read_unit(row: &Record, problems: &mut Problems) -> Option<Located<Unit>> {
    let code = row.unit_code("code", problems);
    let kind = row.choice("kind", &UnitKind::ALL, UnitKind::as_str, problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let parent = row.optional("parent", problems, Record::unit_code);
    let valid_from = row.date("valid_from", problems);
    let valid_to = row.optional("valid_to", problems, Record::date);
    let mark = row.choice("mark", &Mark::ALL, Mark::as_str, problems);
    let source = row.text("source", problems);
    let unit = Unit {
        code: code?,
        kind: kind?,
        name_vi: name_vi?,
        name_en: name_en?,
        parent: parent?,
        valid_from: valid_from?,
        valid_to: valid_to?,
        mark: mark?,
        source: source?,
    };
    Some(row.locate(unit))
}

/// Reads one row of `successions.csv`.
pub(super) fn read_succession(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<Succession>> {
    let from = row.unit_code("from", problems);
    let from_day = row.date("from_valid_from", problems);
    let to = row.unit_code("to", problems);
    let to_day = row.date("to_valid_from", problems);
    let date = row.date("date", problems);
    let share_e4 = row.optional("share", problems, |row, key, p| row.fixed(key, 4, 1..=10_000, p));
    let area_ha =
        row.optional("area_km2", problems, |row, key, p| row.fixed(key, 2, 1..=1_000_000, p));
    let population =
        row.optional("population", problems, |row, key, p| row.fixed(key, 0, 1..=10_000_000, p));
    let mark = row.choice("mark", &Mark::ALL, Mark::as_str, problems);
    let source = row.text("source", problems);
    let succession = Succession {
        from: (from?, from_day?),
        to: (to?, to_day?),
        date: date?,
        share_e4: share_e4?,
        area_ha: area_ha?,
        population: population?,
        mark: mark?,
        source: source?,
    };
    Some(row.locate(succession))
}
