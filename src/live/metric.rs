//! Latest values of the metric catalogue, per name, unit and labels.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use ioc_ingest::{
    Envelope, Source, Word as _,
    metric::{MetricSample, MetricValue},
};

use super::row::{RowWriter, age_ms};

#[derive(Debug)]
struct Held {
    value: MetricValue,
    order: (DateTime<Utc>, u32, u64),
    version: u64,
}

/// Every latest value.
#[derive(Debug, Default)]
pub struct Metrics(HashMap<Box<str>, BTreeMap<String, Held>>);

impl Metrics {
    /// Takes over what is newer by (time, boot, seq).
    pub fn apply(
        &mut self,
        source: &Source,
        envelope: &Envelope,
        sample: &MetricSample,
        version: u64,
    ) {
        let order = (envelope.time, envelope.boot, envelope.seq);
        for value in &sample.values {
            self.hold(source.as_str(), value.clone(), order, version);
        }
    }

    /// Takes over a value that the database holds.
    pub fn restore(&mut self, source: &str, value: MetricValue, time: DateTime<Utc>, version: u64) {
        self.hold(source, value, (time, 0, 0), version);
    }

    fn hold(
        &mut self,
        source: &str,
        value: MetricValue,
        order: (DateTime<Utc>, u32, u64),
        version: u64,
    ) {
        let labels = value.labels.iter().map(|(key, label)| format!("{key}={label}"));
        let unit = value.unit.as_deref().unwrap_or("");
        let key = format!("{source}|{unit}|{}", labels.collect::<Vec<_>>().join(","));
        let values = self.0.entry(value.name.clone()).or_default();
        if values.get(&key).is_none_or(|held| held.order < order) {
            values.insert(key, Held { value, order, version });
        }
    }

    /// The rows of one name that changed after `since`.
    pub fn rows(&self, name: &str, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        let held = self.0.get(name).into_iter().flatten();
        for (key, held) in held.filter(|(_, held)| held.version > since) {
            let mut text = String::with_capacity(80);
            let mut row = RowWriter::begin(&mut text);
            row.text(key).number(age_ms(held.order.0, now)).optional(held.value.value);
            row.text(held.value.bound.as_str()).optional_text(held.value.unit.as_deref());
            row.text_json(&held.value.labels);
            row.end();
            rows.push(text);
        }
    }
}
