//! Indicators: named figures that are computed from the records by published definitions.

pub mod measure;
