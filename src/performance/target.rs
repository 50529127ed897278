//! Targets of the figures and the alarms that mean an outage, read from `config/alarm_targets.toml`.

use std::collections::{BTreeMap, BTreeSet};

use ioc_ingest::Service;
use serde::{Deserialize, Serialize};

/// The compiled-in file.
pub const DEFAULT: &str = include_str!("../../config/alarm_targets.toml");

/// Figures that may have a target.
pub const FIGURES: [&str; 21] = [
    "rate_10min_mean",
    "rate_10min_max",
    "flood_share",
    "stale",
    "top10_share",
    "priority_high_share",
    "priority_medium_share",
    "priority_low_share",
    "acknowledge_1_p90",
    "acknowledge_2_p90",
    "acknowledge_3_p90",
    "acknowledge_4_p90",
    "availability_signal",
    "availability_vds",
    "availability_cctv",
    "availability_cabinet",
    "availability_desk",
    "availability_onestop",
    "availability_metric",
    "good_intervals",
    "seq_received",
];

/// How a figure stands to its target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
pub enum TargetBound {
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
}

/// What a figure should reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct AlarmTarget {
    /// Which figure.
    pub figure: String,
    /// How.
    pub op: TargetBound,
    /// What, in the unit of measure.
    pub value: f64,
    /// Of target and figure.
    pub unit_of_measure: String,
    /// Where the target comes from.
    pub source: String,
}

/// A figure with its target.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct AlarmFigure {
    /// Value in the unit of measure of the target; null when it is not known.
    pub value: Option<f64>,
    /// What it should reach; null for a figure that is only reported.
    pub target: Option<AlarmTarget>,
    /// Whether it does; null when one of both is.
    pub met: Option<bool>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Version.
    pub version: String,
    by_figure: BTreeMap<String, AlarmTarget>,
    failures: BTreeMap<Service, BTreeSet<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: String,
    #[serde(rename = "target")]
    targets: Vec<AlarmTarget>,
    #[serde(rename = "failure")]
    failures: Vec<WrittenFailure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFailure {
    service: String,
    codes: BTreeSet<String>,
}

/// The targets cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("load {file}: {why}")]
pub struct TargetsError {
    /// The file.
    pub file: String,
    /// Why.
    pub why: String,
}

impl Targets {
    /// The targets of a file, or the compiled-in ones for "".
    ///
    /// # Errors
    /// It cannot be read, or names what does not exist.
    pub fn configured(file: &str) -> Result<Self, TargetsError> {
        let failed = |why: String| TargetsError { file: file.to_owned(), why };
        if file.is_empty() {
            return Self::read(DEFAULT).map_err(failed);
        }
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        Self::read(&text).map_err(failed)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut by_figure = BTreeMap::new();
        for target in written.targets {
            let figure = target.figure.clone();
            if !FIGURES.contains(&figure.as_str()) {
                return Err(format!("target: {figure:?} is no figure"));
            }
            if by_figure.insert(figure.clone(), target).is_some() {
                return Err(format!("target: {figure} stands twice"));
            }
        }
        let mut failures = BTreeMap::new();
        for failure in written.failures {
            let service = Service::parse(&failure.service)
                .ok_or_else(|| format!("failure: {:?} is no service", failure.service))?;
            if failures.insert(service, failure.codes).is_some() {
                return Err(format!("failure: {} stands twice", failure.service));
            }
        }
        Ok(Self { version: written.version, by_figure, failures })
    }

    /// A figure with its target.
    pub fn judge(&self, figure: &str, value: Option<f64>) -> AlarmFigure {
        let target = self.by_figure.get(figure).cloned();
        let met = value.zip(target.as_ref()).map(|(value, target)| match target.op {
            TargetBound::AtMost => value <= target.value,
            TargetBound::Below => value < target.value,
            TargetBound::AtLeast => value >= target.value,
        });
        AlarmFigure { value, target, met }
    }

    /// Services with the codes that mean an outage.
    pub fn failures(&self) -> impl Iterator<Item = (Service, Vec<String>)> + '_ {
        self.failures.iter().map(|(service, codes)| (*service, codes.iter().cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_targets_are_valid_and_every_service_has_its_failures() {
        let targets = Targets::configured("").unwrap();
        let services: Vec<Service> = targets.failures().map(|(service, _)| service).collect();
        assert_eq!(services.len(), Service::ALL.len());
        let met = |figure, value| targets.judge(figure, Some(value)).met;
        assert_eq!(met("rate_10min_mean", 1.0), Some(true));
        assert_eq!(met("flood_share", 0.01), Some(false));
        assert_eq!(met("availability_signal", 0.994), Some(false));
        // Reported without a target.
        assert_eq!(met("availability_vds", 0.5), None);
        assert_eq!(targets.judge("stale", None).met, None);
    }

    #[test]
    fn an_unknown_figure_is_refused() {
        let text = DEFAULT.replace("figure = \"stale\"", "figure = \"stael\"");
        assert_eq!(Targets::read(&text).unwrap_err(), "target: \"stael\" is no figure");
    }
}
