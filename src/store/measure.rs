//! Sums of measures, what is open, quantiles, and the records behind a figure.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::{Store, StoreError};
use crate::indicator::measure::{
    By, Histogram, Measure, Noun, OpenBorders, OpenPart, OpenSums, Ranked, Slice, Span, Sums,
};

/// One record behind a figure: the columns of its noun that the API shows, and where the next page begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Publishing system.
    pub source: String,
    /// Dossier code, ticket number, call, petition, document or form.
    pub id: String,
    /// Instant that put it into the span: its sort key together with source and id.
    pub at: chrono::DateTime<chrono::Utc>,
    /// What it adds to the figure.
    pub amount: i64,
    /// The record's public columns.
    pub record: serde_json::Value,
}

/// Which page of records: those after `(at, source, id)`, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Null for the first page.
    pub after: Option<(chrono::DateTime<chrono::Utc>, String, String)>,
    /// Most rows.
    pub limit: i64,
}
