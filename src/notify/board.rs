//! How the endpoints do: for the API, the page on data health and the metrics `hub_notify_…`.
//!
//! Written by the workers, each its own row; read by everybody. Labels of metrics are the names of the
//! configured endpoints.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use serde::Serialize;

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum EndpointCondition {
    /// Switched off in the configuration.
    Off,
    /// It has not been tried since the start.
    Untried,
    /// The last message was delivered.
    Up,
    /// The last attempt failed; it is tried again.
    Retrying,
    /// The last message was given up.
    Failing,
    /// The database does not answer: nobody knows what is to be sent.
    Paused,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `webhook` or `email`.
    pub kind: &'static str,
    /// Where it sends, without secrets.
    pub target: String,
    /// How it does.
    pub condition: EndpointCondition,
    /// Since when, hub clock.
    pub since: DateTime<Utc>,
    /// Alarms that wait to be told.
    pub waiting: usize,
    /// What came of the last attempt; null before the first.
    pub answer: Option<String>,
    /// Messages delivered since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Messages given up since the start.
    pub dead: u64,
    /// Alarms told since the start.
    pub alarms: u64,
}

/// Every endpoint.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<String, Row>>);

impl Board {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every endpoint by its name.
    pub fn list(&self) -> Vec<(String, Row)> {
        self.rows().iter().map(|(name, row)| (name.clone(), row.clone())).collect()
    }

    /// Shows an endpoint.
    pub fn add(&self, name: &str, row: Row) {
        self.rows().insert(name.to_owned(), row);
    }

    /// Changes what is shown of an endpoint.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.rows().get_mut(name) {
            change(row);
        }
    }
}

impl Row {
    /// Takes another condition; `since` only moves when it is another one.
    pub(super) fn becomes(&mut self, condition: EndpointCondition, now: DateTime<Utc>) {
        if self.condition != condition {
            (self.condition, self.since) = (condition, now);
        }
    }
}

/// A number of a row.
type Read = fn(&Row) -> u64;

/// The board as metrics.
#[derive(Debug)]
pub struct BoardMetrics(pub std::sync::Arc<Board>);

impl Collector for BoardMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let rows = self.0.list();
        let counters: [(&str, &str, Read); 4] = [
            ("delivered_messages", "Messages that a receiver took", |row| row.delivered),
            ("failed_attempts", "Attempts that a receiver did not take", |row| row.failed),
            ("dead_messages", "Messages given up", |row| row.dead),
            ("told_alarms", "Transitions of alarms in delivered messages", |row| row.alarms),
        ];
        for (name, help, read) in counters {
            let name = format!("notify_{name}");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Counter)?;
            for (endpoint, row) in &rows {
                let counter = ConstCounter::new(read(row));
                counter.encode(family.encode_family(&[("endpoint", endpoint.as_str())])?)?;
            }
        }
        let gauges: [(&str, &str, Read); 2] = [
            ("waiting_alarms", "Transitions of alarms that wait to be told", |row| {
                u64::try_from(row.waiting).unwrap_or(u64::MAX)
            }),
            ("up", "1 while the last message was delivered or none was tried", |row| {
                u64::from(matches!(
                    row.condition,
                    EndpointCondition::Up | EndpointCondition::Untried
                ))
            }),
        ];
        for (name, help, read) in gauges {
            let name = format!("notify_{name}");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
            for (endpoint, row) in &rows {
                let gauge = ConstGauge::new(i64::try_from(read(row)).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&[("endpoint", endpoint.as_str())])?)?;
            }
        }
        Ok(())
    }
}
