//! Figures that other city systems publish, as indicators read them: stocks, and totals of a period.
//!
//! A stock is the latest figure of each unit and label value until a day, not older than a threshold; a
//! total is the one that was published in the period, else the last figures of its days added up. "More
//! than" makes the whole a lower bound.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{exact::Milli, formula::MetricRule, measure::Span, value::ValueBound};

/// One figure of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CityFigure {
    /// Name in the metric catalogue.
    pub name: String,
    /// Unit; empty for none.
    pub unit: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Civil day of its time.
    pub day: NaiveDate,
    /// The figure.
    pub value: Milli,
    /// How exact it is.
    pub bound: ValueBound,
}

/// A sum of figures with its parts by label value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summed {
    /// The sum, without what stands apart.
    pub value: Milli,
    /// How exact it is: the weakest figure decides.
    pub bound: ValueBound,
    /// By label value, what stands apart included.
    pub parts: BTreeMap<String, (Milli, ValueBound)>,
    /// Latest day of a figure.
    pub day: NaiveDate,
}

impl MetricRule {
    /// Names in the metric catalogue that it reads.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::Stock { name, .. } => vec![name],
            Self::Total { total, daily, .. } => vec![total, daily],
        }
    }

    /// Adds up figures, oldest first; null when there is none. `span` is the period until the day that
    /// counts; stocks may be `stock_days` older than its end.
    pub fn sum<'a>(
        self,
        figures: &(impl Iterator<Item = &'a CityFigure> + Clone),
        span: Span,
        stock_days: u32,
    ) -> Option<Summed> {
        let named = |name: &'static str| figures.clone().filter(move |figure| figure.name == name);
        match self {
            Self::Stock { name, label, apart } => {
                let from = span.to.checked_sub_days(Days::new(u64::from(stock_days)))?;
                let recent =
                    named(name).filter(|figure| from <= figure.day && figure.day < span.to);
                summed(latest(recent, |_| NaiveDate::MIN), label, apart)
            }
            Self::Total { total, daily, label } => {
                let within = |figure: &&CityFigure| span.from <= figure.day && figure.day < span.to;
                let published = latest(named(total).filter(within), |_| NaiveDate::MIN);
                let by_day = || latest(named(daily).filter(within), |figure| figure.day);
                summed(published, label, "").or_else(|| summed(by_day(), label, ""))
            }
        }
    }
}

/// Name of the printed number of documents to digitise.
pub const TO_DIGITISE: &str = "documents_to_digitise";

/// The printed number of documents to digitise, of units that count, before a day; figures oldest first. It
/// does not grow too old: what was reviewed since is added to it.
pub fn printed_documents(
    figures: &[CityFigure],
    counts: impl Fn(&str) -> bool,
    to: NaiveDate,
) -> Option<Summed> {
    let printed = figures
        .iter()
        .filter(|figure| figure.name == TO_DIGITISE && figure.day < to && counts(&figure.unit));
    summed(latest(printed, |_| NaiveDate::MIN), "", "")
}

type Key<'a> = (&'a str, &'a BTreeMap<String, String>, NaiveDate);

/// The latest figure of each unit, labels and day.
fn latest<'a>(
    figures: impl Iterator<Item = &'a CityFigure>,
    day: impl Fn(&CityFigure) -> NaiveDate,
) -> BTreeMap<Key<'a>, &'a CityFigure> {
    figures.map(|figure| ((figure.unit.as_str(), &figure.labels, day(figure)), figure)).collect()
}

fn summed(figures: BTreeMap<Key<'_>, &CityFigure>, label: &str, apart: &str) -> Option<Summed> {
    let day = figures.values().map(|figure| figure.day).max()?;
    let mut sum = Summed { value: Milli(0), bound: ValueBound::Exact, parts: BTreeMap::new(), day };
    for figure in figures.into_values() {
        let part = figure.labels.get(label);
        if let Some(part) = part {
            let entry = sum.parts.entry(part.clone()).or_insert((Milli(0), ValueBound::Exact));
            *entry = (Milli(entry.0.0 + figure.value.0), entry.1.max(figure.bound));
        }
        if part.is_none_or(|part| part != apart) {
            sum.value = Milli(sum.value.0 + figure.value.0);
            sum.bound = sum.bound.max(figure.bound);
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn figure(name: &str, label: &str, on: &str, value: i64, bound: ValueBound) -> CityFigure {
        let labels = label.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        CityFigure {
            name: name.to_owned(),
            unit: "gso:92".to_owned(),
            labels: labels.into_iter().collect(),
            day: day(on),
            value: Milli::whole(value),
            bound,
        }
    }

    const YEAR_2021: [&str; 2] = ["2021-01-01", "2022-01-01"];

    fn sum(rule: MetricRule, figures: &[CityFigure], [from, to]: [&str; 2]) -> Option<Summed> {
        rule.sum(&figures.iter(), Span { from: day(from), to: day(to) }, 366)
    }

    const UNITS: MetricRule =
        MetricRule::Stock { name: "onestop_units", label: "level", apart: "sector" };

    #[test]
    fn units_of_vertical_sectors_stand_apart_from_the_111() {
        let levels = [("city", 19), ("district", 9), ("commune", 83), ("sector", 7)];
        let figures = levels.map(|(level, value)| {
            figure(
                "onestop_units",
                &format!("level={level}"),
                "2021-12-01",
                value,
                ValueBound::Exact,
            )
        });
        let sum = sum(UNITS, &figures, YEAR_2021).unwrap();
        assert_eq!(sum.value, Milli::whole(111));
        assert_eq!(sum.parts["sector"].0, Milli::whole(7));
    }

    #[test]
    fn the_latest_figure_of_a_stock_counts_until_it_is_too_old() {
        let figures = [("2021-03-01", 8), ("2021-12-01", 9)].map(|(on, value)| {
            figure("onestop_units", "level=district", on, value, ValueBound::Exact)
        });
        assert_eq!(sum(UNITS, &figures, YEAR_2021).unwrap().value, Milli::whole(9));
        assert_eq!(
            sum(UNITS, &figures, ["2021-01-01", "2021-07-01"]).unwrap().value,
            Milli::whole(8)
        );
        assert_eq!(sum(UNITS, &figures, ["2026-01-01", "2027-01-01"]), None);
    }

    #[test]
    fn the_printed_number_of_documents_stands_until_the_next_one() {
        let figures = [("2021-03-01", 8), ("2021-12-01", 9)]
            .map(|(on, value)| figure(TO_DIGITISE, "", on, value, ValueBound::AtLeast));
        let printed = |to: &str| {
            let printed = printed_documents(&figures, |_unit| true, day(to));
            printed.map(|printed| (printed.value, printed.bound, printed.day))
        };
        assert_eq!(printed("2021-03-01"), None);
        let first = (Milli::whole(8), ValueBound::AtLeast, day("2021-03-01"));
        assert_eq!(printed("2021-12-01"), Some(first));
        let second = (Milli::whole(9), ValueBound::AtLeast, day("2021-12-01"));
        assert_eq!(printed("2030-01-01"), Some(second));
        assert_eq!(printed_documents(&figures, |_unit| false, day("2030-01-01")), None);
    }

    #[test]
    fn more_than_makes_the_sum_a_lower_bound() {
        let rule = MetricRule::Stock { name: "npsp_dossiers", label: "service", apart: "" };
        let figures = [
            figure(
                "npsp_dossiers",
                "service=e_certification",
                "2021-12-01",
                497,
                ValueBound::Exact,
            ),
            figure("npsp_dossiers", "service=land_tax", "2021-12-01", 449, ValueBound::Exact),
            figure(
                "npsp_dossiers",
                "service=covid_support",
                "2021-12-01",
                254,
                ValueBound::AtLeast,
            ),
        ];
        let sum = sum(rule, &figures, YEAR_2021).unwrap();
        assert_eq!((sum.value, sum.bound), (Milli::whole(1_200), ValueBound::AtLeast));
        assert_eq!(sum.parts["land_tax"].1, ValueBound::Exact);
    }

    #[test]
    fn a_published_total_stands_before_the_days() {
        let rule = MetricRule::Total { total: "total", daily: "daily", label: "level" };
        let mut figures = vec![
            figure("daily", "level=city", "2021-11-30", 1, ValueBound::Exact),
            figure("daily", "level=city", "2021-11-30", 3, ValueBound::Exact),
            figure("daily", "level=city", "2021-12-01", 2, ValueBound::Exact),
        ];
        assert_eq!(sum(rule, &figures, YEAR_2021).unwrap().value, Milli::whole(5));
        figures.push(figure("total", "level=city", "2021-12-01", 241, ValueBound::Exact));
        figures.push(figure("total", "level=district", "2021-12-01", 419, ValueBound::Exact));
        assert_eq!(sum(rule, &figures, YEAR_2021).unwrap().value, Milli::whole(660));
        assert_eq!(sum(rule, &figures, ["2022-01-01", "2023-01-01"]), None);
    }
}
