//! What is registered, as the hub works with it: devices with their lanes and zones, and the metric
//! catalogue. Loaded from the database at start, replaced as a whole when it changes.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;
use ioc_ingest::{
    Reason, Reject, Service, Source,
    interval::{Direction, Place},
};

use crate::{
    city::LaneClass,
    quality::{Thresholds, table::Table},
};

/// Lanes and zones of one device up to which those that it reports are added by themselves: the most
/// that one message of the contract holds. A further one is refused in part; people may add it.
pub const DETECTORS_MAX: usize = 64;

/// A registered device or system.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Small id used by fact tables.
    pub id: i32,
    /// Source token in topics.
    pub source: Source,
    /// The service that it may publish under.
    pub service: Service,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Longitude and latitude in degrees WGS 84; null for systems without a place.
    pub position: Option<(f64, f64)>,
    /// Id of the area that it lies in; null when outside all areas.
    pub area: Option<Arc<str>>,
    /// Id of the corridor.
    pub corridor: Option<Arc<str>>,
    /// Source of the cabinet that feeds it.
    pub parent: Option<Source>,
    /// Expected time between messages of the main stream, milliseconds.
    pub period_ms: Option<u32>,
    /// Equipment of the simulated city.
    pub simulated: bool,
    /// Ids of its lanes or zones.
    pub detectors: HashMap<Place, i32>,
}

impl Device {
    /// Whether readings of this place are stored, when `added` others are about to be added.
    pub(crate) fn takes(&self, place: &Place, added: usize) -> bool {
        self.detectors.len() + added < DETECTORS_MAX || self.detectors.contains_key(place)
    }

    /// Why it takes no readings of a place.
    pub(crate) fn refuse(&self, place: &Place) -> Reject {
        let field = match place {
            Place::Lane(_) => "lanes",
            Place::Zone(_) => "zones",
        };
        let detail = format!(
            "{} is not known of {}, and none is added beyond {DETECTORS_MAX}",
            place_text(place),
            self.source
        );
        Reject { reason: Reason::TooMany, field: field.to_owned(), detail }
    }
}

/// What is known of a lane or zone beside its number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lane {
    /// Class that decides which thresholds apply; null when it is not known.
    pub class: Option<LaneClass>,
    /// Speed without traffic, km/h; null when it is not known.
    pub free_flow_kmh: Option<u16>,
    /// Direction of travel relative to the corridor's line; null when it is not known.
    pub direction: Option<Direction>,
}

/// Range of a metric of the catalogue; null ends are open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricRange {
    /// Smallest accepted value.
    pub minimum: Option<f64>,
    /// Largest accepted value.
    pub maximum: Option<f64>,
}

/// Everything that is registered and in service.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Devices by source.
    pub devices: HashMap<Source, Arc<Device>>,
    /// The metric catalogue by name.
    pub metrics: HashMap<Box<str>, MetricRange>,
    /// Sources that have published and are not in service, as of the last reading.
    pub strangers: Arc<[Source]>,
    /// Lanes and zones by number.
    pub lanes: Arc<HashMap<i32, Lane>>,
    /// Quality thresholds of every lane and zone.
    pub table: Arc<Table>,
}

impl Registry {
    /// The device that publishes as `source`.
    pub fn device(&self, source: &Source) -> Option<&Arc<Device>> {
        self.devices.get(source)
    }

    /// Adds a lane or zone to a device.
    pub(crate) fn add_detector(&mut self, source: &Source, place: Place, id: i32) {
        if let Some(device) = self.devices.get_mut(source) {
            Arc::make_mut(&mut self.table).add((id, &place), device, None);
            Arc::make_mut(device).detectors.insert(place, id);
        }
    }

    /// The same with the devices of `known` that are no others: who holds those need not hold them twice,
    /// and sees which changed.
    #[must_use]
    pub fn sharing(mut self, known: &Self) -> Self {
        for (source, device) in &mut self.devices {
            if let Some(known) = known.devices.get(source).filter(|known| *known == device) {
                *device = Arc::clone(known);
            }
        }
        if self.lanes == known.lanes {
            self.lanes = Arc::clone(&known.lanes);
        }
        self
    }

    /// The same with the thresholds of a civil day for every lane and zone.
    #[must_use]
    pub fn judged_by(mut self, thresholds: &Arc<Thresholds>, day: NaiveDate) -> Self {
        let mut table = Table::new(Arc::clone(thresholds), day);
        for device in self.devices.values() {
            for (place, id) in &device.detectors {
                let class = self.lanes.get(id).and_then(|lane| lane.class);
                table.add((*id, place), device, class);
            }
        }
        self.table = Arc::new(table);
        self
    }
}

/// `lane/3` or `zone/north-in`: the place as the database and the API write it.
pub fn place_text(place: &Place) -> String {
    match place {
        Place::Lane(number) => format!("lane/{number}"),
        Place::Zone(name) => format!("zone/{name}"),
    }
}

/// The inverse of [`place_text`].
pub fn parse_place(text: &str) -> Option<Place> {
    match text.split_once('/')? {
        ("lane", number) => number.parse().ok().map(Place::Lane),
        ("zone", name) if ioc_ingest::topic::is_token(name) => Some(Place::Zone(name.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(names: [(&str, &str); 2]) -> Registry {
        let device = |(source, name_vi): (&str, &str)| {
            let source = Source::parse(source).unwrap();
            let device = Device {
                id: 1,
                source: source.clone(),
                service: Service::Vds,
                name_vi: name_vi.to_owned(),
                name_en: String::new(),
                position: Some((105.78, 10.03)),
                area: None,
                corridor: None,
                parent: None,
                period_ms: Some(30_000),
                simulated: false,
                detectors: HashMap::from([(Place::Lane(1), 7)]),
            };
            (source, Arc::new(device))
        };
        Registry { devices: names.into_iter().map(device).collect(), ..Registry::default() }
    }

    #[test]
    fn a_registry_read_anew_shares_the_devices_that_did_not_change() {
        let known = registry([("vds-001", "Cầu Ninh Kiều"), ("vds-002", "Mậu Thân")]);
        let read = registry([("vds-001", "Cầu Ninh Kiều"), ("vds-002", "Đường Mậu Thân")]);
        let shared = read.sharing(&known);
        let is_shared = |source: &str| {
            let source = Source::parse(source).unwrap();
            Arc::ptr_eq(&shared.devices[&source], &known.devices[&source])
        };
        assert_eq!([is_shared("vds-001"), is_shared("vds-002")], [true, false]);
        let changed = &shared.devices[&Source::parse("vds-002").unwrap()];
        assert_eq!(changed.name_vi, "Đường Mậu Thân");
    }

    #[test]
    fn a_place_is_written_and_read_back() {
        for place in [Place::Lane(3), Place::Zone("north-in".into())] {
            assert_eq!(parse_place(&place_text(&place)), Some(place));
        }
        assert_eq!(parse_place("lane/x"), None);
        assert_eq!(parse_place("zone/N"), None);
    }
}
