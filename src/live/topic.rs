//! Topics of the live channel, their columns and their filters.

use std::fmt;

use ioc_ingest::{Service, Source, topic::is_token};
use serde::{Deserialize, Serialize};

/// What a client can subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Condition and main figures of every device.
    Devices,
    /// Everything that one device sent last.
    Device(Source),
    /// What every controller shows.
    Signals,
    /// What one controller shows.
    Signal(Source),
    /// Figures per corridor and area.
    Traffic,
    /// Figures of the service desk.
    Desk,
    /// Alarms that are not plainly normal, and what happens to them.
    Alarms,
    /// Headline indicators of the whole city.
    Reform,
    /// Data health of every source, and of the hub itself.
    Sources,
    /// Latest values of one metric.
    Metric(Box<str>),
}

impl Topic {
    /// Reads the text of a topic.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((noun, id)) = text.split_once('/') {
            return match noun {
                "device" => Source::parse(id).ok().map(Self::Device),
                "signal" => Source::parse(id).ok().map(Self::Signal),
                "metrics" if is_token(id) => Some(Self::Metric(id.into())),
                _ => None,
            };
        }
        match text {
            "devices" => Some(Self::Devices),
            "signals" => Some(Self::Signals),
            "traffic" => Some(Self::Traffic),
            "desk" => Some(Self::Desk),
            "alarms" => Some(Self::Alarms),
            "reform" => Some(Self::Reform),
            "sources" => Some(Self::Sources),
            _ => None,
        }
    }

    /// Whether its rows have a service or an area, by which a filter chooses.
    pub const fn is_filtered(&self) -> bool {
        match self {
            Self::Devices | Self::Signals | Self::Sources | Self::Alarms => true,
            Self::Device(_)
            | Self::Signal(_)
            | Self::Traffic
            | Self::Desk
            | Self::Reform
            | Self::Metric(_) => false,
        }
    }

    /// Names of the values of a row, in order. The first is the row's key.
    pub const fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Devices => &[
                "id",
                "condition",
                "why",
                "age_ms",
                "flow_veh_h",
                "speed_kmh",
                "occupancy",
                "mode",
            ],
            Self::Device(_) | Self::Desk => &["key", "age_ms", "value"],
            Self::Signals | Self::Signal(_) => &[
                "id",
                "age_ms",
                "mode",
                "plan",
                "cycle_s",
                "cycle_position_s",
                "flash",
                "preempt",
                "groups",
            ],
            Self::Traffic => &[
                "key",
                "age_ms",
                "flow_veh_h",
                "speed_kmh",
                "occupancy",
                "devices",
                "reporting",
                "flow_pcu_h",
                "los",
                "congestion",
            ],
            Self::Sources => &[
                "id",
                "service",
                "condition",
                "why",
                "age_ms",
                "rate_per_s",
                "lag_ms",
                "messages",
                "refused",
                "duplicates",
                "late",
                "dropped",
                "clock_offset_ms",
                "boot",
                "seq",
                "online",
                "repeated",
                "out_of_order",
                "seq_reused",
                "open_gaps",
                "missing",
                "restarts",
            ],
            Self::Alarms => &[
                "id",
                "code",
                "object",
                "service",
                "area",
                "occurrence",
                "priority",
                "state",
                "raised_age_ms",
                "changed_age_ms",
                "acked_age_ms",
                "acked_by",
                "count",
                "value",
                "limit",
                "unit_of_measure",
                "why",
                "shelved",
                "suppressed",
                "parent",
                "out_of_service",
                "assignee",
                "ticket",
                "comments",
                "first_out",
                "chattering",
                "seq",
            ],
            Self::Reform => &["key", "age_ms", "value", "numerator", "denominator", "status"],
            Self::Metric(_) => &["key", "age_ms", "value", "bound", "unit", "labels"],
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Devices => f.write_str("devices"),
            Self::Device(source) => write!(f, "device/{source}"),
            Self::Signals => f.write_str("signals"),
            Self::Signal(source) => write!(f, "signal/{source}"),
            Self::Traffic => f.write_str("traffic"),
            Self::Desk => f.write_str("desk"),
            Self::Alarms => f.write_str("alarms"),
            Self::Reform => f.write_str("reform"),
            Self::Sources => f.write_str("sources"),
            Self::Metric(name) => write!(f, "metrics/{name}"),
        }
    }
}

/// Which rows of a topic a client wants: those of these services and of this area. Topics without a
/// service or area ignore it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Services; empty for all.
    #[serde(default)]
    pub service: Vec<Service>,
    /// Area id; null for all.
    #[serde(default)]
    pub area: Option<Box<str>>,
}

impl Filter {
    /// Whether a row of this service and area passes.
    pub fn takes(&self, service: Service, area: Option<&str>) -> bool {
        (self.service.is_empty() || self.service.contains(&service))
            && self.area.as_deref().is_none_or(|wanted| area == Some(wanted))
    }

    /// The same filter in one form, so that equal filters share their frames.
    #[must_use]
    pub fn normal(mut self) -> Self {
        self.service.sort_unstable();
        self.service.dedup();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_and_written_back() {
        for text in [
            "devices",
            "device/vds-017",
            "signals",
            "signal/sig-1",
            "traffic",
            "desk",
            "alarms",
            "sources",
            "metrics/visitors",
        ] {
            assert_eq!(Topic::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "device/", "device/A", "alarm", "metrics", "devices/1"] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn equal_filters_have_one_form() {
        let a: Filter = serde_json::from_str(r#"{"service":["vds","signal","vds"]}"#).unwrap();
        let b: Filter = serde_json::from_str(r#"{"service":["signal","vds"]}"#).unwrap();
        assert_eq!(a.normal(), b.normal());
    }

    #[test]
    fn a_filter_takes_by_service_and_area() {
        let filter = Filter { service: vec![Service::Vds], area: Some("gso:1".into()) };
        assert!(filter.takes(Service::Vds, Some("gso:1")));
        assert!(!filter.takes(Service::Vds, None));
        assert!(!filter.takes(Service::Signal, Some("gso:1")));
        assert!(Filter::default().takes(Service::Desk, None));
    }
}
