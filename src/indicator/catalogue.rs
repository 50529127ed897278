//! The catalogue of indicators, read from `config/indicators.toml`, which explains every key.
//!
//! Names, formulas in words, targets and sources for people; what is computed stands in `formula`, by id.
//! Every id has a formula, or the catalogue says why nothing feeds it yet: a test holds both together.

use std::{collections::BTreeSet, path::Path};

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::exact::Milli;

/// The catalogue that is compiled in.
pub const DEFAULT: &str = include_str!("../../config/indicators.toml");

/// What the indicators are grouped by.
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
pub enum Group {
    /// Flow of dossiers.
    Dossier,
    /// The nine indicators.
    Nine,
    /// Decision 766.
    Decision766,
    /// Online services and payment.
    Online,
    /// Digitisation and result documents.
    Digitisation,
    /// Service desk and petitions.
    Desk,
    /// Operations of government.
    Operations,
    /// Quality of the hub's data.
    Hub,
}

/// How a value stands to its target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
pub enum Operator {
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Magnitude below.
    #[serde(rename = "abs<")]
    MagnitudeBelow,
    /// Magnitude at most.
    #[serde(rename = "abs<=")]
    MagnitudeAtMost,
}

/// What an indicator should reach.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// How.
    pub op: Operator,
    /// What, in the unit of measure.
    #[schema(value_type = f64)]
    #[ts(type = "number")]
    pub value: Milli,
}

impl Target {
    /// Whether a value reaches it.
    pub fn is_met(self, value: Milli) -> bool {
        match self.op {
            Operator::AtLeast => value >= self.value,
            Operator::AtMost => value <= self.value,
            Operator::Below => value < self.value,
            Operator::Equal => value == self.value,
            Operator::MagnitudeBelow => value.0.abs() < self.value.0,
            Operator::MagnitudeAtMost => value.0.abs() <= self.value.0,
        }
    }
}

/// One indicator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// `A01`, `Q4.5a`.
    pub id: String,
    /// Group.
    pub group: Group,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// `percent`, `dossiers` …
    pub unit_of_measure: String,
    /// Formula in Vietnamese words.
    pub formula_vi: String,
    /// Formula in English words.
    pub formula_en: String,
    /// By what it can be asked.
    pub dimensions: Vec<String>,
    /// What it should reach; null for none.
    pub target: Option<Target>,
    /// Article, form or bulletin.
    pub source: String,
    /// First day with a meaning.
    #[serde(deserialize_with = "date")]
    pub valid_from: NaiveDate,
    /// First day without.
    #[serde(default, deserialize_with = "optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// One of the live figures of the whole city.
    #[serde(default)]
    pub headline: bool,
    /// Stream or catalogue that it is computed from; null when nothing feeds it.
    pub feed: Option<String>,
    /// Why nothing feeds it, in Vietnamese.
    pub no_feed_vi: Option<String>,
    /// Why nothing feeds it, in English.
    pub no_feed_en: Option<String>,
}

/// All indicators.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version, which every value carries.
    pub version: String,
    #[serde(rename = "indicator")]
    indicators: Vec<Indicator>,
}

/// The file of the catalogue or of the parameters cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("load {file}: {why}")]
pub struct Unusable {
    /// The file, or `(compiled in)`.
    pub file: String,
    /// Why, with line and key where known.
    pub why: String,
}

impl Catalogue {
    /// The catalogue in this file, or the compiled-in one for "".
    ///
    /// # Errors
    /// The file cannot be read, has unknown keys or contradicts itself.
    pub fn configured(file: &str) -> Result<Self, Unusable> {
        let text = read(file, DEFAULT)?;
        let why = |why: String| Unusable { file: named(file), why };
        let catalogue: Self = toml::from_str(&text).map_err(|error| why(error.to_string()))?;
        catalogue.check().map_err(why)?;
        Ok(catalogue)
    }

    /// Every indicator, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Indicator> {
        self.indicators.iter()
    }

    /// One indicator.
    pub fn get(&self, id: &str) -> Option<&Indicator> {
        self.indicators.iter().find(|indicator| indicator.id == id)
    }

    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for indicator in &self.indicators {
            let id = &indicator.id;
            if !ids.insert(id) {
                return Err(format!("indicator {id} stands twice"));
            }
            let reasons = (&indicator.no_feed_vi, &indicator.no_feed_en);
            let told = match (&indicator.feed, reasons) {
                (Some(_), (None, None)) | (None, (Some(_), Some(_))) => true,
                (Some(_) | None, _) => false,
            };
            if !told {
                return Err(format!("{id}: either feed, or no_feed_vi and no_feed_en"));
            }
            if indicator.valid_to.is_some_and(|end| end <= indicator.valid_from) {
                return Err(format!("{id}: valid_to is not after valid_from"));
            }
        }
        Ok(())
    }
}

pub(super) fn named(file: &str) -> String {
    if file.is_empty() { "(compiled in)".to_owned() } else { file.to_owned() }
}

pub(super) fn read(file: &str, default: &str) -> Result<String, Unusable> {
    if file.is_empty() {
        return Ok(default.to_owned());
    }
    let failed = |error: std::io::Error| Unusable { file: named(file), why: error.to_string() };
    std::fs::read_to_string(Path::new(file)).map_err(failed)
}

/// A TOML date.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let date = toml::value::Datetime::deserialize(deserializer)?;
    date.to_string().parse().map_err(|_| D::Error::custom(format!("{date} is no date")))
}

/// A TOML date, or none.
pub(super) fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveDate>, D::Error> {
    date(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::is_nfc;

    use super::*;

    /// Ids of the specification, group by group.
    fn expected() -> Vec<String> {
        let numbered = |letter: &'static str, last: u32, digits: usize| {
            (1..=last).map(move |n| format!("{letter}{n:0digits$}"))
        };
        let decision = "Q1.1 Q1.2 Q1.3 Q1.4 Q2.1 Q2.2 Q3.1 Q3.2 Q3.3 Q3.4 Q4.1 Q4.2 Q4.3 Q4.4 Q4.5a \
             Q4.5b Q4.6 Q5.1 Q5.2 Q5.3 Q5.4 Q6.1 Q6.2 Q6.3 Q7 Q8 Q9 Q10 Q11";
        numbered("A", 27, 2)
            .chain(numbered("N", 15, 1))
            .chain(decision.split_whitespace().map(str::to_owned))
            .chain(numbered("B", 11, 2))
            .chain(numbered("D", 9, 2))
            .chain(numbered("C", 24, 2))
            .chain(numbered("G", 10, 2))
            .chain(numbered("H", 9, 2))
            .collect()
    }

    #[test]
    fn the_catalogue_holds_every_indicator_once() {
        let catalogue = Catalogue::configured("").unwrap();
        let ids: Vec<&str> = catalogue.iter().map(|indicator| indicator.id.as_str()).collect();
        assert_eq!(ids, expected());
    }

    #[test]
    fn vietnamese_texts_are_composed_and_differ_from_the_english() {
        for indicator in Catalogue::configured("").unwrap().iter() {
            assert!(
                is_nfc(&indicator.name_vi) && is_nfc(&indicator.formula_vi),
                "{}",
                indicator.id
            );
            assert_ne!(indicator.name_vi, indicator.name_en, "{}", indicator.id);
        }
    }

    #[test]
    fn a_target_of_15_is_met_by_exactly_15() {
        let total = Catalogue::configured("").unwrap().get("N10").unwrap().target.unwrap();
        assert!(total.is_met(Milli::whole(15)));
        assert!(!total.is_met(Milli(14_999)));
    }

    #[test]
    fn a_catalogue_that_contradicts_itself_is_refused() {
        for (from, to) in [
            ("id = \"A02\"", "id = \"A01\""),
            ("headline = true", "headline = 1"),
            ("headline = true", "headlines = true"),
            ("feed = \"onestop/dossier\"", ""),
            ("valid_from = 2021-01-01", "valid_from = 2021-01-01\nvalid_to = 2021-01-01"),
        ] {
            let text = DEFAULT.replacen(from, to, 1);
            let read = toml::from_str::<Catalogue>(&text).map_err(|error| error.to_string());
            assert!(read.and_then(|catalogue| catalogue.check()).is_err(), "{to}");
        }
    }
}
