//! Headline indicators of the whole city: rows of the topic `reform`, keyed by indicator and period.
//!
//! They are computed from the database, by the task of `reform`, so they show what is stored; while it
//! is away they keep their last values and grow old.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::row::{RowWriter, age_ms};
use crate::indicator::value::{Status, Value};

/// Headline values of one moment.
#[derive(Debug, Clone, Default)]
pub struct Headline {
    /// Cut-off of the values.
    pub at: DateTime<Utc>,
    /// Key `A01/day` and value.
    pub values: Vec<(String, Value)>,
}

/// The latest headline values.
#[derive(Debug, Default)]
pub(super) struct Reform {
    at: DateTime<Utc>,
    shown: BTreeMap<String, (Value, u64)>,
}

impl Reform {
    /// Takes over new values; only what differs gets a new version.
    pub(super) fn take(&mut self, headline: &Arc<Headline>, version: u64) {
        self.at = headline.at;
        for (key, value) in &headline.values {
            if self.shown.get(key).is_none_or(|(shown, _)| shown != value) {
                self.shown.insert(key.clone(), (value.clone(), version));
            }
        }
    }

    /// The rows that changed after `since`.
    pub(super) fn rows(&self, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        let age = age_ms(self.at, now);
        for (key, (value, _)) in self.shown.iter().filter(|(_, (_, version))| *version > since) {
            let mut text = String::with_capacity(64);
            let mut row = RowWriter::begin(&mut text);
            row.text(key).number(age).text_json(&value.value);
            row.optional(value.numerator).optional(value.denominator).text(status(value.status));
            row.end();
            rows.push(text);
        }
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::NoFeed => "no_feed",
        Status::NoData => "no_data",
        Status::CalendarUnverified => "calendar_unverified",
        Status::CalendarIncomplete => "calendar_incomplete",
    }
}
