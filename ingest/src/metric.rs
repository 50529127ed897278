//! `metric/sample`: figures of other city systems, named in the metric catalogue.
//!
//! Natural key: (source, name, unit, labels, time). Whether a name is in the catalogue is checked by
//! the hub, which holds the catalogue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::word::words;

/// How exact a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The figure itself.
    Exact,
    /// At least this ("more than 362 729").
    AtLeast,
}

words!(Bound {
    Exact = "exact",
    AtLeast = "at_least",
});

/// Figures of one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSample {
    /// At least one, each (name, unit, labels) once.
    pub values: Vec<MetricValue>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// Name in the catalogue, a token.
    pub name: Box<str>,
    /// The figure; null when it was not measured.
    pub value: Option<f64>,
    /// How exact it is.
    pub bound: Bound,
    /// Unit that it belongs to, `gso:92` or `agency:H13.05`.
    pub unit: Option<Box<str>>,
    /// Further dimensions, tokens to short texts, sorted by key.
    pub labels: BTreeMap<Box<str>, Box<str>>,
}
