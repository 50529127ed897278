//! Indicators: named figures that are computed from the records by published definitions.

pub mod catalogue;
pub mod exact;
pub mod law;
pub mod measure;
pub mod period;
