//! The metric catalogue and the printed figures: feeds, labels, ranges, units.

use std::collections::HashMap;

use ioc_ingest::Service;

use super::shapes::unit_exists;
use crate::city::{
    Files, MetricDefinition, PublishedFigure,
    metric::{METRICS, PUBLISHED},
    problem::{Cause, Problems, nearest},
    record::Located,
};

/// Checks that every metric has a feed that may publish it.
pub(in crate::city) fn check_metrics(files: &Files, problems: &mut Problems) {
    let feeds: Vec<&str> = files
        .devices
        .iter()
        .filter(|located| located.value.service == Service::Metric)
        .map(|located| located.value.source.as_str())
        .collect();
    for located in &files.metrics {
        let feed = located.value.feed.as_str();
        if !feeds.contains(&feed) {
            let suggestion = nearest(feed, feeds.iter().copied());
            let cause = Cause::Reference {
                kind: "device of service metric",
                found: feed.to_owned(),
                suggestion,
            };
            problems.add(METRICS, located.at, "feed", cause);
        }
    }
}

/// Checks that every printed figure is a sample that the catalogue allows.
pub(in crate::city) fn check_published(files: &Files, problems: &mut Problems) {
    let metrics: HashMap<&str, &MetricDefinition> =
        files.metrics.iter().map(|located| (located.value.name.as_str(), &located.value)).collect();
    for located in &files.published {
        let figure = &located.value;
        if !unit_exists(files, &figure.unit, figure.date) {
            let text = format!("{} does not exist on {}", figure.unit, figure.date);
            problems.add(PUBLISHED, located.at, "unit", Cause::Conflict(text));
        }
        let Some(metric) = metrics.get(figure.metric.as_str()) else {
            let suggestion = nearest(&figure.metric, metrics.keys().copied());
            let found = figure.metric.clone();
            let cause = Cause::Reference { kind: "metric", found, suggestion };
            problems.add(PUBLISHED, located.at, "metric", cause);
            continue;
        };
        check_figure(located, metric, problems);
    }
}

fn check_figure(
    located: &Located<PublishedFigure>,
    metric: &MetricDefinition,
    problems: &mut Problems,
) {
    let figure = &located.value;
    let mut report = |key, text| problems.add(PUBLISHED, located.at, key, Cause::Conflict(text));
    if figure.value < metric.min || metric.max.is_some_and(|max| figure.value > max) {
        report("value", format!("{} is outside the range of {}", figure.value, metric.name));
    }
    if !metric.bounds.contains(&figure.bound) {
        report("bound", format!("{} does not allow this bound", metric.name));
    }
    if figure.date < metric.since || metric.until.is_some_and(|until| figure.date >= until) {
        report("date", format!("{} has no meaning on {}", metric.name, figure.date));
    }
    let keys_fit = figure.labels.len() == metric.labels.len()
        && metric.labels.iter().all(|label| {
            figure.labels.iter().any(|(key, value)| {
                *key == label.key && (label.values.is_empty() || label.values.contains(value))
            })
        });
    if !keys_fit {
        let wanted: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("{} ({})", label.key, label.values.join(", ")))
            .collect();
        report("labels", format!("{} carries the labels {}", metric.name, wanted.join("; ")));
    }
}
