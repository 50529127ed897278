//! Figures per corridor and area, from the latest intervals of their devices, once a second: flow in
//! vehicles and in passenger-car units, speed, occupancy, level of service, congestion.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use ioc_ingest::interval::{Interval, Reading};

use super::{
    condition::silent_after,
    device::{Flow, Latest},
    row::{RowWriter, age_ms},
};
use crate::{
    pcu::{Congestion, LevelOfService, Pcu, Profile},
    registry::{Device, Lane},
};

/// Figures of one corridor or area, as of the last second.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceTraffic {
    /// `corridor:ID` or `area:ID`.
    pub key: String,
    /// Begin of the newest interval, source clock.
    pub newest: Option<DateTime<Utc>>,
    /// Vehicles per hour of all devices.
    pub flow_veh_h: Option<u64>,
    /// Passenger-car units per hour, by the default profile, of the devices that measure classes.
    pub flow_pcu_h: Option<u64>,
    /// Mean speed, weighted by vehicles.
    pub speed_kmh: Option<f64>,
    /// Mean occupancy, 0 to 1.
    pub occupancy: Option<f64>,
    /// Devices that could report.
    pub devices: u32,
    /// Devices that do.
    pub reporting: u32,
    /// Level of service by speed.
    pub los: Option<LevelOfService>,
    /// Congestion by speed and occupancy.
    pub congestion: Option<Congestion>,
}

/// Passenger-car units and the speed without traffic, of one interval of a device.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Load {
    /// Thousandths of passenger-car units per hour; null where classes are not measured.
    pcu_e3_h: Option<u64>,
    /// Sums over vehicles whose lane has a known speed without traffic: their number, of their speed in
    /// 0.1 km/h, and of the speed without traffic in km/h.
    vehicles: u64,
    speed_e1: u64,
    free_flow: u64,
}

impl Load {
    fn of(
        interval: &Interval,
        device: &Device,
        lanes: Option<&HashMap<i32, Lane>>,
        profile: Option<&Profile>,
    ) -> Self {
        let mut load = Self::default();
        let units = |reading: &Reading| {
            let classes = reading.classes.as_ref()?.map(|count| count.map(i64::from));
            u64::try_from(profile?.units_e3(&classes)?).ok()
        };
        for reading in &interval.readings {
            if let Some(units_e3) = units(reading) {
                let hourly = units_e3 * 3_600_000 / u64::from(interval.duration_ms.max(1));
                load.pcu_e3_h = Some(load.pcu_e3_h.unwrap_or(0) + hourly);
            }
            let id = device.detectors.get(&reading.place);
            let lane = id.and_then(|id| lanes?.get(id));
            let free_flow = lane.and_then(|lane| lane.free_flow_kmh);
            if let (Some(free_flow), Some(count @ 1..), Some(speed @ 1..)) =
                (free_flow, reading.count, reading.speed_e1_kmh)
            {
                load.vehicles += u64::from(count);
                load.speed_e1 += u64::from(count) * u64::from(speed);
                load.free_flow += u64::from(count) * u64::from(free_flow);
            }
        }
        load
    }
}

/// Figures of one corridor or area.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sum {
    devices: u32,
    reporting: u32,
    flow_veh_h: Option<u64>,
    weighted_speed: f64,
    speed_count: u64,
    summed_occupancy: f64,
    occupancy_n: u32,
    newest: Option<DateTime<Utc>>,
    load: Load,
    los: Option<LevelOfService>,
    congestion: Option<Congestion>,
}

impl Sum {
    /// Level of service and congestion, from the vehicles of lanes whose speed without traffic is known.
    #[expect(clippy::cast_precision_loss, reason = "vehicles of one interval")]
    fn judge(&mut self, pcu: &Pcu) {
        if self.load.vehicles == 0 {
            return;
        }
        let vehicles = self.load.vehicles as f64;
        let (speed, free_flow) =
            (self.load.speed_e1 as f64 / vehicles / 10.0, self.load.free_flow as f64 / vehicles);
        self.los = pcu.level(speed, free_flow);
        self.congestion = pcu.congestion(speed, free_flow, self.occupancy());
    }

    fn speed_kmh(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "vehicles of one interval")]
        let speed = (self.speed_count > 0).then(|| self.weighted_speed / self.speed_count as f64);
        speed.map(|v| (v * 10.0).round() / 10.0)
    }

    fn occupancy(&self) -> Option<f64> {
        let mean =
            (self.occupancy_n > 0).then(|| self.summed_occupancy / f64::from(self.occupancy_n));
        mean.map(|v| (v * 10_000.0).round() / 10_000.0)
    }

    fn flow_pcu_h(&self) -> Option<u64> {
        self.load.pcu_e3_h.map(|e3| (e3 + 500) / 1_000)
    }

    fn add(&mut self, flow: &Flow, load: &Load, time: DateTime<Utc>) {
        if let Some(pcu_e3_h) = load.pcu_e3_h {
            self.load.pcu_e3_h = Some(self.load.pcu_e3_h.unwrap_or(0) + pcu_e3_h);
        }
        self.load.vehicles += load.vehicles;
        self.load.speed_e1 += load.speed_e1;
        self.load.free_flow += load.free_flow;
        self.reporting += 1;
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
        if let Some(flow_veh_h) = flow.flow_veh_h {
            self.flow_veh_h = Some(self.flow_veh_h.unwrap_or(0) + flow_veh_h);
        }
        if let Some(speed) = flow.speed_kmh {
            #[expect(clippy::cast_precision_loss, reason = "vehicles of one interval")]
            let count = flow.speed_count as f64;
            self.weighted_speed += speed * count;
            self.speed_count += flow.speed_count;
        }
        if let Some(occupancy) = flow.occupancy {
            self.summed_occupancy += occupancy;
            self.occupancy_n += 1;
        }
    }
}

/// Figures of every corridor and area.
#[derive(Debug, Default)]
pub struct Traffic(BTreeMap<String, (Sum, u64)>);

impl Traffic {
    /// Sums anew. A device whose latest interval is older than its silence counts as not reporting.
    pub fn refresh<'a>(
        &mut self,
        latest: impl Iterator<Item = &'a Latest>,
        (lanes, pcu): (Option<&HashMap<i32, Lane>>, &Pcu),
        now: DateTime<Utc>,
        version: u64,
    ) {
        let profile = pcu.default_profile();
        // By the kind of a place and its id: no text is made per device.
        let mut sums: HashMap<(&str, &str), Sum> = HashMap::new();
        for latest in latest {
            let Some(device) = &latest.device else { continue };
            if !matches!(latest.service, ioc_ingest::Service::Vds | ioc_ingest::Service::Cctv) {
                continue;
            }
            let places = [
                device.corridor.as_deref().map(|id| ("corridor", id)),
                device.area.as_deref().map(|id| ("area", id)),
            ];
            let fresh = latest.interval().filter(|(interval, time)| {
                let length = TimeDelta::milliseconds(i64::from(interval.duration_ms));
                now - *time < silent_after(device.period_ms) + length
            });
            let fresh = fresh.map(|(interval, time)| {
                (Flow::of(interval), Load::of(interval, device, lanes, profile), time)
            });
            for place in places.into_iter().flatten() {
                let sum = sums.entry(place).or_default();
                sum.devices += 1;
                if let Some((flow, load, time)) = &fresh {
                    sum.add(flow, load, *time);
                }
            }
        }
        for ((kind, id), mut sum) in sums {
            sum.judge(pcu);
            let place = format!("{kind}:{id}");
            if self.0.get(&place).is_none_or(|(shown, _)| *shown != sum) {
                self.0.insert(place, (sum, version));
            }
        }
    }

    /// The rows that changed after `since`.
    pub fn rows(&self, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        for (place, (sum, _)) in self.0.iter().filter(|(_, (_, version))| *version > since) {
            let mut text = String::with_capacity(80);
            let mut row = RowWriter::begin(&mut text);
            row.text(place).optional(sum.newest.map(|time| age_ms(time, now)));
            row.optional(sum.flow_veh_h).optional(sum.speed_kmh()).optional(sum.occupancy());
            row.number(sum.devices).number(sum.reporting).optional(sum.flow_pcu_h());
            row.optional_text(sum.los.map(LevelOfService::as_str));
            row.optional_text(sum.congestion.map(Congestion::as_str));
            row.end();
            rows.push(text);
        }
    }

    /// The figures of every corridor and area.
    pub fn figures(&self) -> Vec<PlaceTraffic> {
        let figures = self.0.iter().map(|(key, (sum, _))| PlaceTraffic {
            key: key.clone(),
            newest: sum.newest,
            flow_veh_h: sum.flow_veh_h,
            flow_pcu_h: sum.flow_pcu_h(),
            speed_kmh: sum.speed_kmh(),
            occupancy: sum.occupancy(),
            devices: sum.devices,
            reporting: sum.reporting,
            los: sum.los,
            congestion: sum.congestion,
        });
        figures.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ioc_ingest::{Service, Source, interval::Class, interval::Place};

    fn reading(lane: u8, motorcycles: u32, cars: u32, speed_e1_kmh: u16) -> Reading {
        let mut classes = [Some(0); ioc_ingest::interval::CLASSES];
        classes[Class::Motorcycle as usize] = Some(motorcycles);
        classes[Class::Car as usize] = Some(cars);
        Reading {
            count: Some(motorcycles + cars),
            occupancy_e4: Some(4_000),
            speed_e1_kmh: Some(speed_e1_kmh),
            classes: Some(classes),
            ..Reading::nothing(Place::Lane(lane))
        }
    }

    fn device() -> Device {
        Device {
            id: 1,
            source: Source::parse("vds-001").unwrap(),
            service: Service::Vds,
            name_vi: String::new(),
            name_en: String::new(),
            position: None,
            area: None,
            corridor: Some("ql91".into()),
            parent: None,
            period_ms: Some(30_000),
            simulated: false,
            detectors: HashMap::from([(Place::Lane(1), 1), (Place::Lane(2), 2)]),
        }
    }

    #[test]
    fn a_corridor_is_judged_by_speed_against_free_flow_and_by_occupancy() {
        let pcu = Pcu::configured("").unwrap();
        let lane = Lane { free_flow_kmh: Some(50), ..Lane::default() };
        let lanes = HashMap::from([(1, lane), (2, lane)]);
        let of = |speeds: [u16; 2]| {
            let readings = vec![reading(1, 40, 10, speeds[0]), reading(2, 40, 10, speeds[1])];
            let interval = Interval { duration_ms: 30_000, preset: None, home: None, readings };
            let load = Load::of(&interval, &device(), Some(&lanes), pcu.default_profile());
            let mut sum = Sum::default();
            sum.add(&Flow::of(&interval), &load, DateTime::UNIX_EPOCH);
            sum.judge(&pcu);
            sum
        };
        let free = of([400, 420]);
        // 80 motorcycles and 20 cars in 30 s are 40 units, 4 800 an hour.
        assert_eq!((free.flow_veh_h, free.flow_pcu_h()), (Some(12_000), Some(4_800)));
        assert_eq!((free.los, free.congestion), (Some(LevelOfService::A), Some(Congestion::Free)));
        let slow = of([200, 180]);
        assert_eq!(slow.los, Some(LevelOfService::E));
        assert_eq!(slow.congestion, Some(Congestion::Congested));
        let jammed = of([120, 100]);
        assert_eq!(jammed.congestion, Some(Congestion::Jammed));
    }

    #[test]
    fn without_classes_or_a_known_free_flow_nothing_is_told() {
        let pcu = Pcu::configured("").unwrap();
        let mut bare = reading(1, 40, 10, 300);
        bare.classes = None;
        let interval =
            Interval { duration_ms: 30_000, preset: None, home: None, readings: vec![bare] };
        let load = Load::of(&interval, &device(), None, pcu.default_profile());
        let mut sum = Sum::default();
        sum.add(&Flow::of(&interval), &load, DateTime::UNIX_EPOCH);
        sum.judge(&pcu);
        assert_eq!((sum.flow_pcu_h(), sum.los, sum.congestion), (None, None, None));
    }
}
