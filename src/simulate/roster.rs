//! From the city's registry to publishers: one per device or system that is simulated.

use std::{collections::HashMap, sync::Arc};

use ioc_ingest::{Service, interval::Direction, ticket::Channel};

use super::{
    SimulateOptions, SimulateStats, camera,
    controller::Controller,
    desk::{Desk, Spot},
    dice::{Dice, Purpose, key},
    field::{Equipment, FieldDevice},
    metric::Feed,
    office::{DeskOffice, FeedOffice, Past},
    onestop::{Onestop, OnestopOffice},
    publisher::{Duty, Identity, Outgoing, Surroundings, Work},
    signal::Junction,
    station::StationLane,
    traffic::{Lane, Tide, Use},
    year::Year,
};
use crate::{
    calendar::Calendar,
    city::{City, Detector, Device, LaneClass},
    schedule::Schedule,
};

/// Length of an interval where the registry names no period.
const INTERVAL_MS: u32 = 60_000;
/// Offsets of signal plans, in seconds.
const OFFSETS_S: usize = 60;
/// Shares of the channels where the city states none.
const CHANNELS: [(Channel, f64); 6] = [
    (Channel::Hotline, 55.0),
    (Channel::Web, 12.0),
    (Channel::App, 10.0),
    (Channel::Zalo, 14.0),
    (Channel::Facebook, 6.0),
    (Channel::InPerson, 3.0),
];

/// A device or system of the simulated city.
#[derive(Debug)]
pub(crate) enum Publisher {
    /// Equipment at the road.
    Field(Box<FieldDevice>),
    /// The service desk.
    Desk(Box<DeskOffice>),
    /// The one-stop system.
    Onestop(Box<OnestopOffice>),
    /// A system that publishes figures.
    Feed(Box<FeedOffice>),
}

impl Publisher {
    /// Does what falls due at `due_ms`; `now_ms` is later when the simulator is behind.
    pub(crate) fn perform(&mut self, duty: Duty, due_ms: i64, now_ms: i64, work: &mut Work) {
        match self {
            Self::Field(device) => device.perform(duty, due_ms, now_ms, work),
            Self::Desk(desk) => desk.perform(duty, due_ms, now_ms, work),
            Self::Onestop(onestop) => onestop.perform(duty, due_ms, now_ms, work),
            Self::Feed(feed) => feed.perform(duty, due_ms, now_ms, work),
        }
    }

    /// Its status message.
    pub(crate) fn status(&self, online: bool) -> Outgoing {
        match self {
            Self::Field(device) => device.status(online),
            Self::Desk(desk) => desk.status(online),
            Self::Onestop(onestop) => onestop.status(online),
            Self::Feed(feed) => feed.status(online),
        }
    }

    /// Whether the broker believes it to be connected.
    pub(crate) const fn is_online(&self) -> bool {
        match self {
            Self::Field(device) => device.is_online(),
            Self::Desk(_) | Self::Onestop(_) | Self::Feed(_) => true,
        }
    }
}

/// Everything that publishes from `start_ms` on, in the order of the devices.
pub(crate) fn publishers(
    options: &SimulateOptions,
    start_ms: i64,
    stats: &Arc<SimulateStats>,
) -> Vec<Publisher> {
    let city = &options.city;
    let around = Surroundings {
        city: city.token.as_str().into(),
        seed: options.seed,
        zone: city.time_zone,
        faults: options.faults,
        start_ms,
        schedule: Schedule::new(&city.plans, &calendar(city)),
    };
    let past =
        Past::new(options.backfill, options.backfill_per_s, options.speed, Arc::clone(stats));
    let devices = options.devices.iter().filter(|device| device.simulated);
    devices.map(|device| publisher(city, &around, device, &past)).collect()
}

fn publisher(city: &Arc<City>, around: &Surroundings, device: &Device, past: &Past) -> Publisher {
    let identity = Identity::new(around, device.service, &device.source);
    let duration_ms = device.period_ms.unwrap_or(INTERVAL_MS);
    let equipment = match device.service {
        Service::Signal => {
            Equipment::Controller(Box::new(controller(around, device, identity.key)))
        }
        Service::Vds => Equipment::Station(station_lanes(device), duration_ms),
        Service::Cctv => Equipment::Camera(camera_zones(device), duration_ms),
        Service::Cabinet => Equipment::Cabinet,
        Service::Desk => {
            let desk = desk(city, around);
            let year = year(city, &desk);
            let office = DeskOffice::new(around, identity, desk, year, past.clone());
            return Publisher::Desk(Box::new(office));
        }
        Service::Metric => {
            let today = super::calendar::utc(around.start_ms).with_timezone(&around.zone);
            let feed = Feed::new(city, &device.source, around.seed, today.date_naive());
            let office = FeedOffice::new(identity, feed, past.clone());
            return Publisher::Feed(Box::new(office));
        }
        Service::Onestop => {
            let onestop = Onestop::new(around.seed, Arc::clone(city), calendar(city));
            let office = OnestopOffice::new(around, identity, onestop, past.clone());
            return Publisher::Onestop(Box::new(office));
        }
    };
    let cabinet = device.parent.as_ref().map(|parent| key(parent.as_str()));
    let device = FieldDevice::new(around.clone(), identity, equipment, cabinet);
    Publisher::Field(Box::new(device))
}

/// Working days and opening hours, with the kinds of the city's units.
fn calendar(city: &City) -> Calendar {
    Calendar::vietnam().with_units(&city.units)
}

fn controller(around: &Surroundings, device: &Device, key: u64) -> Controller {
    let groups: Vec<_> = device.groups.iter().map(|group| (group.kind, group.group)).collect();
    let offset_s = Dice::new(around.seed, Purpose::Layout, key, 4).index(OFFSETS_S);
    let offset_ms = i64::try_from(offset_s).unwrap_or(0) * 1000;
    let timetable = around.schedule.of(device.source.as_str(), device.corridor.as_deref());
    let junction = Junction::new(around.seed, key, around.zone, offset_ms, &groups);
    Controller::new(junction.scheduled(timetable), around.start_ms)
}

fn lane(device: &Device, detector: &Detector) -> Lane {
    let road = key(device.corridor.as_deref().unwrap_or(device.source.as_str()));
    // Which way is inbound differs from road to road.
    let forward = if road.is_multiple_of(2) { Tide::Inbound } else { Tide::Outbound };
    let reverse = if road.is_multiple_of(2) { Tide::Outbound } else { Tide::Inbound };
    Lane {
        key: key(&format!("{}/{}", device.source, detector.place)),
        road,
        used_by: match detector.lane_class {
            LaneClass::CarOnly => Use::Car,
            LaneClass::Motorcycle => Use::Motorcycle,
            LaneClass::Arterial => Use::Arterial,
            LaneClass::Local => Use::Local,
        },
        tide: match detector.direction {
            Direction::Forward => forward,
            Direction::Reverse => reverse,
            Direction::Both => Tide::Even,
        },
        free_flow_kmh: f64::from(detector.free_flow_kmh),
    }
}

pub(crate) fn station_lanes(device: &Device) -> Vec<StationLane> {
    let lane = |detector: &Detector| StationLane {
        place: detector.place.clone(),
        direction: detector.direction,
        lane: lane(device, detector),
    };
    device.detectors.iter().map(lane).collect()
}

fn camera_zones(device: &Device) -> Vec<camera::Zone> {
    let zone = |detector: &Detector| {
        let kind = detector.kind?;
        let (place, direction) = (detector.place.clone(), detector.direction);
        Some(camera::Zone { place, kind, direction, lane: lane(device, detector) })
    };
    device.detectors.iter().filter_map(zone).collect()
}

/// What the desk knows of the city: places are those where devices stand.
fn desk(city: &City, around: &Surroundings) -> Desk {
    let units: HashMap<&str, &str> =
        city.areas.iter().map(|area| (area.id.as_str(), area.unit.as_str())).collect();
    let spot = |device: &Device| {
        let unit = units.get(device.area.as_deref()?)?;
        Some(Spot { lat: device.lat?, lon: device.lon?, unit: (*unit).to_owned() })
    };
    let channels = city.desk_history.as_ref().map_or_else(
        || CHANNELS.to_vec(),
        |history| {
            let share = |(channel, pct): &(Channel, u8)| (*channel, f64::from(*pct));
            history.channels_pct.iter().map(share).collect()
        },
    );
    Desk {
        seed: around.seed,
        zone: around.zone,
        channels,
        categories: city
            .categories
            .iter()
            .map(|category| (category.token.clone(), category.public_space))
            .collect(),
        spots: city.devices.iter().filter_map(spot).collect(),
    }
}

/// The published period of the desk, if the city has one.
fn year(city: &City, desk: &Desk) -> Option<Year> {
    let history = city.desk_history.as_ref()?;
    let units = city
        .units_valid_at(history.from)
        .filter(|unit| unit.kind.is_commune_level())
        .map(|unit| unit.code.clone())
        .collect();
    let totals = (history.received, history.in_process);
    Some(Year::new(desk.clone(), (history.from, history.to), totals, units))
}
