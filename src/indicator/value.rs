//! What is asked of an indicator, and the values that answer: the wire types of the API and of the live
//! topic.
//!
//! A value carries what it was computed from, how complete that was, and under which versions; null is
//! never 0, and the status says why a value is null.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{exact::Milli, measure::Dimension, period::Period};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Ids of the catalogue.
    pub ids: Vec<String>,
    /// The unit and everything below it; null for the whole city.
    pub unit: Option<String>,
    /// Period.
    pub period: Period,
    /// How the answer is split.
    pub split: Split,
    /// Which tree of units counts.
    pub mode: Mode,
    /// Which records count.
    pub narrow: Narrow,
}

/// Which records count; null does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrow {
    /// Only this formality.
    pub formality: Option<String>,
    /// Only this field.
    pub field: Option<String>,
    /// Only this channel.
    pub channel: Option<String>,
    /// Only this category, class or type.
    pub category: Option<String>,
}

impl Narrow {
    /// Whether everything counts.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How an answer is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// One value of the unit with everything below it.
    Total,
    /// The units directly below it, the unit's own records apart.
    Children,
    /// Every unit below it, each with everything below, and the unit itself.
    All,
    /// By another key.
    Key(Dimension),
}

/// Which tree of units counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The tree on the day of each record.
    AsWas,
    /// Today's tree; a unit without one whole successor is `unmapped`.
    AsIs,
}

/// Why a value is what it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Computed.
    Ok,
    /// Nothing feeds this indicator yet.
    NoFeed,
    /// Nothing to compute from: no record was ever seen, or a denominator is 0.
    NoData,
    /// Computed; the holidays of a year that it crosses are not verified.
    CalendarUnverified,
    /// The calendar of a year that it crosses is missing; working time is null, what was told counts.
    CalendarIncomplete,
}

/// How exact a value is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ValueBound {
    /// As it stands.
    Exact,
    /// A lower bound, "more than".
    AtLeast,
}

/// A name in both languages.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
pub struct Name {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// How many units told something.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
pub struct Reporting {
    /// Units with at least one record of the noun in the period.
    pub reporting: u32,
    /// Units below the asked one by the tree.
    pub expected: u32,
}

/// The value that was published when the period was closed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
pub struct Published {
    /// The value.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub value: Option<Milli>,
    /// When the period was closed.
    pub closed_at: DateTime<Utc>,
}

/// One value of an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Value {
    /// Indicator.
    pub id: String,
    /// Code of the unit; `unmapped` for records whose unit is in no tree.
    pub unit: String,
    /// Its name on the last day of the period; null for `unmapped`.
    pub unit_name: Option<Name>,
    /// Second key: channel, formality, month …; `own` for a unit's own records beside those below it;
    /// null without one.
    pub key: Option<String>,
    /// Part of an indicator with several figures: `p90`, `share`, `6-10`, a channel …; null for the main
    /// one.
    pub part: Option<String>,
    /// The value in the indicator's unit of measure; null is not 0.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub value: Option<Milli>,
    /// Numerator, or the count itself; null for what is no quotient of integers.
    #[ts(type = "number | null")]
    pub numerator: Option<i64>,
    /// Denominator; null for counts.
    #[ts(type = "number | null")]
    pub denominator: Option<i64>,
    /// Class or component in words; null for a number.
    pub word: Option<String>,
    /// How exact it is.
    pub bound: ValueBound,
    /// How many units told something; null where no units report, and for other keys.
    pub completeness: Option<Reporting>,
    /// Why it is what it is.
    pub status: Status,
    /// What was published when the period was closed; null while it is open.
    pub as_published: Option<Published>,
}

/// Versions of what a value was computed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Versions {
    /// Catalogue of the indicators.
    pub indicators: String,
    /// Laws, bands and thresholds.
    pub parameters: String,
    /// Calendar.
    pub calendar: String,
    /// Trees of units.
    pub units: String,
}

/// A period as the API states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct PeriodStatement {
    /// `2026-Q1`.
    pub id: String,
    /// First civil day.
    pub from: NaiveDate,
    /// First civil day after.
    pub to: NaiveDate,
    /// Whether its figures were published.
    pub is_closed: bool,
}

/// Values with what holds for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Answer {
    /// Period.
    pub period: PeriodStatement,
    /// Records that came until then are in the values.
    pub cut_off: DateTime<Utc>,
    /// Versions.
    pub versions: Versions,
    /// Values in the order of ids, units and keys.
    pub values: Vec<Value>,
}
