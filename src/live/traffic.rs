//! Figures per corridor and area, from the latest intervals of their devices, once a second.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    condition::silent_after,
    device::{Flow, Latest},
    row::{RowWriter, age_ms},
};

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
}

impl Sum {
    fn add(&mut self, flow: &Flow, time: DateTime<Utc>) {
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
        now: DateTime<Utc>,
        version: u64,
    ) {
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
            let fresh = fresh.map(|(interval, time)| (Flow::of(interval), time));
            for place in places.into_iter().flatten() {
                let sum = sums.entry(place).or_default();
                sum.devices += 1;
                if let Some((flow, time)) = &fresh {
                    sum.add(flow, *time);
                }
            }
        }
        for ((kind, id), sum) in sums {
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
            #[expect(clippy::cast_precision_loss, reason = "vehicles of one interval")]
            let speed = (sum.speed_count > 0).then(|| sum.weighted_speed / sum.speed_count as f64);
            let occupancy =
                (sum.occupancy_n > 0).then(|| sum.summed_occupancy / f64::from(sum.occupancy_n));
            row.text(place).optional(sum.newest.map(|time| age_ms(time, now)));
            row.optional(sum.flow_veh_h).optional(speed.map(|v| (v * 10.0).round() / 10.0));
            row.optional(occupancy.map(|v| (v * 10_000.0).round() / 10_000.0));
            row.number(sum.devices).number(sum.reporting);
            row.end();
            rows.push(text);
        }
    }
}
