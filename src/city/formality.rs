//! The catalogue of administrative formalities.
//!
//! From `formalities.csv`, which a city may leave out: the catalogue can be imported later. A row says
//! what was true in its span; (`code`, `valid_from`) names it.

use chrono::NaiveDate;
use ioc_ingest::{
    Word as _,
    dossier::{LimitUnit, TimeLimit},
};

use super::{
    problem::Problems,
    record::{Located, Record},
    unit::Mark,
};

/// File of the formalities.
pub(super) const FORMALITIES: &str = "formalities.csv";
/// Columns of the formalities.
pub(super) const FORMALITY_COLUMNS: &[&str] = &[
    "code",
    "valid_from",
    "valid_to",
    "name_vi",
    "name_en",
    "field",
    "level",
    "sector",
    "unit",
    "announced_on",
    "effective_on",
    "published_on",
    "complete_parts",
    "eligible_full",
    "online_level",
    "has_fee",
    "npsp_linked",
    "requires_paper_result",
    "audience",
    "limit_value",
    "limit_unit",
    "mark",
    "source",
];
/// Longest code, in characters, as in messages.
const CODE_MAX: usize = 64;

/// Who handles a formality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormalityLevel {
    /// Agencies of the city.
    City,
    /// Districts; none after 2025-06-30.
    District,
    /// Communes, wards and towns.
    Commune,
    /// A vertical agency of a sector, received at the one-stop unit.
    Sector,
}

impl FormalityLevel {
    /// Every level.
    pub const ALL: [Self; 4] = [Self::City, Self::District, Self::Commune, Self::Sector];

    /// The word in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Commune => "commune",
            Self::Sector => "sector",
        }
    }
}

/// How far a formality is offered online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnlineLevel {
    /// Not at all, or not beyond forms to print.
    None,
    /// In part (Decree 42/2022).
    Partial,
    /// Wholly (Decree 42/2022).
    Full,
    /// Level 3, until 2022-06-24.
    Three,
    /// Level 4, until 2022-06-24.
    Four,
}

impl OnlineLevel {
    /// Every level.
    pub const ALL: [Self; 5] = [Self::None, Self::Partial, Self::Full, Self::Three, Self::Four];

    /// The word in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Full => "full",
            Self::Three => "3",
            Self::Four => "4",
        }
    }
}

/// Whom a formality is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Citizens.
    Person,
    /// Companies and other organisations.
    Organisation,
    /// Both.
    Both,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 3] = [Self::Person, Self::Organisation, Self::Both];

    /// The word in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Both => "both",
        }
    }
}

/// One formality in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formality {
    /// Code, as in dossiers.
    pub code: String,
    /// First civil day of the row.
    pub valid_from: NaiveDate,
    /// First civil day on which it is no longer so; null while it is.
    pub valid_to: Option<NaiveDate>,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Field, a token.
    pub field: Option<String>,
    /// Who handles it.
    pub level: FormalityLevel,
    /// Sector of a vertical agency, a token; on level sector only.
    pub sector: Option<String>,
    /// The one unit that handles it; null where every unit of its level does.
    pub unit: Option<String>,
    /// Day of the announcing decision.
    pub announced_on: Option<NaiveDate>,
    /// Day on which its law took effect.
    pub effective_on: Option<NaiveDate>,
    /// Day of publication in the national database.
    pub published_on: Option<NaiveDate>,
    /// Whether every part that has to be public is.
    pub complete_parts: Option<bool>,
    /// Whether it may be done wholly online.
    pub eligible_full: Option<bool>,
    /// How far it is offered online.
    pub online_level: OnlineLevel,
    /// Whether it has a fee.
    pub has_fee: Option<bool>,
    /// Whether its payment runs on the national portal.
    pub npsp_linked: Option<bool>,
    /// Whether its result is a paper that needs an electronic original.
    pub requires_paper_result: Option<bool>,
    /// Whom it is for.
    pub audience: Option<Audience>,
    /// Time that it may take.
    pub limit: Option<TimeLimit>,
    /// How well the row is known.
    pub mark: Mark,
    /// Where the row comes from.
    pub source: String,
}

impl Formality {
    /// Whether the row holds on `date` (half-open span).
    pub fn is_valid_at(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|end| date < end)
    }
}

/// A code of another system: 1 to 64 characters of `A-Z a-z 0-9 - _ . : /`, as in messages.
pub(super) fn code(row: &Record, key: &str, problems: &mut Problems) -> Option<String> {
    let text = row.text(key, problems)?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    if text.len() <= CODE_MAX && text.bytes().all(good) {
        return Some(text);
    }
    row.refuse(key, "1 to 64 characters of A-Z a-z 0-9 - _ . : /", problems)
}

/// Reads one row of `formalities.csv`.
pub(super) fn read_formality(row: &Record, problems: &mut Problems) -> Option<Located<Formality>> {
    let p = problems;
    let own_code = code(row, "code", p);
    let (from, to) = (row.date("valid_from", p), row.optional("valid_to", p, Record::date));
    let (name_vi, name_en) = (row.text("name_vi", p), row.text("name_en", p));
    let field = row.optional("field", p, Record::token);
    let level = row.choice("level", &FormalityLevel::ALL, FormalityLevel::as_str, p);
    let sector = row.optional("sector", p, Record::token);
    let unit = row.optional("unit", p, Record::unit_code);
    let [announced_on, effective_on, published_on] =
        ["announced_on", "effective_on", "published_on"]
            .map(|key| row.optional(key, p, Record::date));
    let flags =
        ["complete_parts", "eligible_full", "has_fee", "npsp_linked", "requires_paper_result"];
    let [complete_parts, eligible_full, has_fee, npsp_linked, requires_paper_result] =
        flags.map(|key| row.optional(key, p, Record::boolean));
    let online_level = row.choice("online_level", &OnlineLevel::ALL, OnlineLevel::as_str, p);
    let audience = row.optional("audience", p, |row, key, p| {
        row.choice(key, &Audience::ALL, Audience::as_str, p)
    });
    let limit = limit(row, p);
    let mark = row.choice("mark", &Mark::ALL, Mark::as_str, p);
    let source = row.text("source", p);
    let formality = Formality {
        code: own_code?,
        valid_from: from?,
        valid_to: to?,
        name_vi: name_vi?,
        name_en: name_en?,
        field: field?,
        level: level?,
        sector: sector?,
        unit: unit?,
        announced_on: announced_on?,
        effective_on: effective_on?,
        published_on: published_on?,
        complete_parts: complete_parts?,
        eligible_full: eligible_full?,
        online_level: online_level?,
        has_fee: has_fee?,
        npsp_linked: npsp_linked?,
        requires_paper_result: requires_paper_result?,
        audience: audience?,
        limit: limit?,
        mark: mark?,
        source: source?,
    };
    Some(row.locate(formality))
}

/// Reads `limit_value` and `limit_unit`, of which both are given or none.
#[expect(clippy::option_option, reason = "outer null: refused; inner null: not given")]
fn limit(row: &Record, problems: &mut Problems) -> Option<Option<TimeLimit>> {
    let value =
        row.optional("limit_value", problems, |row, key, p| row.fixed(key, 0, 1..=1_000, p));
    let unit = row.optional("limit_unit", problems, |row, key, p| {
        row.choice(key, LimitUnit::ALL, LimitUnit::as_str, p)
    });
    match (value?, unit?) {
        (Some(value), Some(unit)) => Some(Some(TimeLimit { value, unit })),
        (None, None) => Some(None),
        (Some(_), None) => row.refuse("limit_unit", "a unit for limit_value", problems),
        (None, Some(_)) => row.refuse("limit_value", "a value for limit_unit", problems),
    }
}
