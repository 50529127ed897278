//! The metric catalogue: which figures other city systems may publish, and what they mean.
//!
//! From `metrics.toml` (definitions) and `published.csv` (figures that the city printed once, for the
//! demonstration to replay). A sample whose name is not in here is refused.

use chrono::NaiveDate;
use ioc_ingest::{Source, metric::Bound};

use super::{
    problem::{Cause, Problems},
    record::{Located, Record},
    unit::Mark,
};

/// File of the definitions.
pub(super) const METRICS: &str = "metrics.toml";
/// File of the printed figures.
pub(super) const PUBLISHED: &str = "published.csv";
/// Columns of the printed figures.
pub(super) const PUBLISHED_COLUMNS: &[&str] =
    &["metric", "date", "value", "bound", "unit", "labels", "source"];
const KEYS: &[&str] = &[
    "name",
    "name_vi",
    "name_en",
    "unit_of_measure",
    "min",
    "max",
    "bounds",
    "labels",
    "feed",
    "period_s",
    "since",
    "until",
    "typical",
    "mark",
    "source",
];

/// Definition of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDefinition {
    /// Name, a token.
    pub name: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Unit of measure: `services`, `people`, `percent` …
    pub unit_of_measure: String,
    /// Least value.
    pub min: f64,
    /// Largest value; null for none.
    pub max: Option<f64>,
    /// Bounds that a sample may carry.
    pub bounds: Vec<Bound>,
    /// Labels that a sample carries, each exactly once.
    pub labels: Vec<LabelDefinition>,
    /// The system that publishes it.
    pub feed: Source,
    /// Time between two samples in milliseconds; null for a figure that comes now and then.
    pub period_ms: Option<u32>,
    /// First civil day on which the metric has a meaning.
    pub since: NaiveDate,
    /// First civil day on which it has none any more; null while it has.
    pub until: Option<NaiveDate>,
    /// Range in which the demonstration's live feed stays; null when it has no live feed.
    pub typical: Option<[f64; 2]>,
    /// How well the definition is known.
    pub mark: Mark,
    /// Where the definition comes from.
    pub source: String,
}

/// A label of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelDefinition {
    /// Key, a token.
    pub key: String,
    /// Values that it may have, tokens; empty for any.
    pub values: Vec<String>,
}

/// A figure that the city printed.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedFigure {
    /// Name of the metric.
    pub metric: String,
    /// Civil day that the figure is of.
    pub date: NaiveDate,
    /// The figure.
    pub value: f64,
    /// How exact it is.
    pub bound: Bound,
    /// Code of the unit, valid on that day.
    pub unit: String,
    /// Key and value of each label, in the order of the keys.
    pub labels: Vec<(String, String)>,
    /// Where it was printed.
    pub source: String,
}

const fn bound_word(bound: Bound) -> &'static str {
    match bound {
        Bound::Exact => "exact",
        Bound::AtLeast => "at_least",
    }
}

const BOUNDS: [Bound; 2] = [Bound::Exact, Bound::AtLeast];

/// Reads one `[[metric]]`.
pub(super) fn read_metric(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<MetricDefinition>> {
    row.refuse_unknown(KEYS, problems);
    let any = f64::MIN..=f64::MAX;
    let name = row.token("name", problems);
    let name_vi = row.text("name_vi", problems);
    let name_en = row.text("name_en", problems);
    let unit_of_measure = row.text("unit_of_measure", problems);
    let min = row.number("min", any.clone(), problems);
    let max = row.optional("max", problems, |row, key, p| row.number(key, any, p));
    let bounds = read_bounds(row, problems);
    let labels = read_labels(row, problems);
    let feed = row.source("feed", problems);
    let period_ms =
        row.optional("period_s", problems, |row, key, p| row.fixed(key, 3, 1_000..=86_400_000, p));
    let since = row.date("since", problems);
    let until = row.optional("until", problems, Record::date);
    let typical = row.optional("typical", problems, Record::numbers::<2>);
    let mark = row.choice("mark", &Mark::ALL, Mark::as_str, problems);
    let source = row.text("source", problems);
    let metric = MetricDefinition {
        name: name?,
        name_vi: name_vi?,
        name_en: name_en?,
        unit_of_measure: unit_of_measure?,
        min: min?,
        max: max?,
        bounds: bounds?,
        labels: labels?,
        feed: feed?,
        period_ms: period_ms?,
        since: since?,
        until: until?,
        typical: typical?,
        mark: mark?,
        source: source?,
    };
    check_ranges(row, &metric, problems);
    Some(row.locate(metric))
}

fn check_ranges(row: &Record, metric: &MetricDefinition, problems: &mut Problems) {
    let max = metric.max.unwrap_or(f64::MAX);
    if metric.min > max {
        let text = format!("min {} is above max {max}", metric.min);
        row.report("min", Cause::Conflict(text), problems);
    }
    if let Some([low, high]) = metric.typical
        && !(metric.min <= low && low <= high && high <= max)
    {
        let text = format!("{low} to {high} is no range within min and max");
        row.report("typical", Cause::Conflict(text), problems);
    }
    if metric.until.is_some_and(|until| until <= metric.since) {
        row.report("until", Cause::Conflict("until is not after since".to_owned()), problems);
    }
}

fn read_bounds(row: &Record, problems: &mut Problems) -> Option<Vec<Bound>> {
    let words = row.texts("bounds", problems)?;
    let bounds: Option<Vec<_>> = words
        .iter()
        .map(|word| BOUNDS.into_iter().find(|bound| bound_word(*bound) == word))
        .collect();
    let bounds = bounds.filter(|bounds| !bounds.is_empty());
    if bounds.is_none() {
        let allowed = "a list of exact, at_least".to_owned();
        let cause = Cause::Value { found: words.join(", "), allowed, suggestion: None };
        row.report("bounds", cause, problems);
    }
    bounds
}

/// Reads `labels = { level = ["city", "district"], … }`.
fn read_labels(row: &Record, problems: &mut Problems) -> Option<Vec<LabelDefinition>> {
    let Some(table) = row.children.get("labels").and_then(|tables| tables.first()) else {
        return Some(Vec::new());
    };
    let mut labels = Vec::new();
    for key in table.fields.keys() {
        labels.push(LabelDefinition { key: key.clone(), values: table.texts(key, problems)? });
    }
    Some(labels)
}

/// Reads one row of `published.csv`.
pub(super) fn read_published(
    row: &Record,
    problems: &mut Problems,
) -> Option<Located<PublishedFigure>> {
    let metric = row.token("metric", problems);
    let date = row.date("date", problems);
    let value = row.number("value", f64::MIN..=f64::MAX, problems);
    let bound = row.choice("bound", &BOUNDS, bound_word, problems);
    let unit = row.unit_code("unit", problems);
    let labels = row.optional("labels", problems, read_label_values);
    let source = row.text("source", problems);
    let figure = PublishedFigure {
        metric: metric?,
        date: date?,
        value: value?,
        bound: bound?,
        unit: unit?,
        labels: labels?.unwrap_or_default(),
        source: source?,
    };
    Some(row.locate(figure))
}

/// Reads labels like `level=3 sector=police`.
fn read_label_values(
    row: &Record,
    key: &str,
    problems: &mut Problems,
) -> Option<Vec<(String, String)>> {
    let text = row.text(key, problems)?;
    let labels: Option<Vec<_>> = text
        .split_ascii_whitespace()
        .map(|pair| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    if labels.is_none() {
        let allowed = "key=value, more after a space".to_owned();
        row.report(key, Cause::Value { found: text, allowed, suggestion: None }, problems);
    }
    labels.map(|mut labels| {
        labels.sort();
        labels
    })
}
