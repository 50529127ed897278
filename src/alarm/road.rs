//! Which station follows which along the corridors of a city.
//!
//! From the lines of `corridors.geojson` and the places, corridors and lane directions of the registry: the
//! order of a line's points is its forward direction, so forward the station farther along is downstream, and
//! in reverse the one before it. Stations of one direction that stand farther apart than allowed are no pair.

use std::{collections::HashMap, sync::Arc};

use geo::{Coord, Euclidean, Length as _, LineLocatePoint as _, LineString, MapCoords as _, Point};
use ioc_ingest::{Source, interval::Direction};

use crate::{
    city::{City, scale::DEGREE_M},
    registry::{Device, Registry},
};

/// A direction of travel along a corridor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the order of the corridor's points.
    Forward,
    /// Against it.
    Reverse,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Forward, Self::Reverse];

    /// Its place in a table of both.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Of a lane; null for one that serves both.
    pub const fn of(direction: Direction) -> Option<Self> {
        match direction {
            Direction::Forward => Some(Self::Forward),
            Direction::Reverse => Some(Self::Reverse),
            Direction::Both => None,
        }
    }
}

/// Two stations that follow one another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) way: Way,
    pub(super) up: Source,
    pub(super) down: Source,
    /// Along the road, metres.
    pub(super) distance_m: f64,
}

/// Lines of corridors by id, in metres east and north.
#[derive(Debug, Clone, Default)]
pub struct Roads {
    lines: Arc<HashMap<String, Road>>,
}

#[derive(Debug)]
struct Road {
    line: LineString,
    length_m: f64,
    /// Metres of a degree of longitude.
    degree_m: f64,
}

impl Roads {
    /// Of a city.
    pub fn of(city: &City) -> Self {
        let road = |corridor: &crate::city::Corridor| {
            Some((corridor.id.clone(), Road::of(&corridor.line)?))
        };
        Self { lines: Arc::new(city.corridors.iter().filter_map(road).collect()) }
    }

    /// Pairs of the stations whose lanes are asked for.
    pub(super) fn stretches<'a>(
        &self,
        stations: impl Iterator<Item = (&'a Device, &'a [Way])>,
        distance_max_m: f64,
    ) -> Vec<Stretch> {
        let mut along: HashMap<(&str, usize), Vec<(f64, &Source)>> = HashMap::new();
        for (device, ways) in stations {
            let (Some(corridor), Some(position)) = (device.corridor.as_deref(), device.position)
            else {
                continue;
            };
            let Some(at_m) = self.lines.get(corridor).and_then(|road| road.locate(position)) else {
                continue;
            };
            for way in ways {
                along.entry((corridor, way.index())).or_default().push((at_m, &device.source));
            }
        }
        let mut stretches = Vec::new();
        for ((_, way), mut stations) in along {
            let way = Way::ALL[way];
            stations.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
            if way == Way::Reverse {
                stations.reverse();
            }
            for pair in stations.windows(2) {
                let [(up_m, up), (down_m, down)] = pair else { continue };
                let distance_m = (up_m - down_m).abs();
                if distance_m <= distance_max_m {
                    let (up, down) = ((*up).clone(), (*down).clone());
                    stretches.push(Stretch { way, up, down, distance_m });
                }
            }
        }
        stretches
    }
}

/// Ways of the lanes of a device, each once, as the registry knows them.
pub(super) fn lanes_of(
    device: &Device,
    registry: &Registry,
) -> Vec<(ioc_ingest::interval::Place, Way)> {
    let way = |id: &i32| Way::of(registry.lanes.get(id)?.direction?);
    let lanes = device.detectors.iter();
    let mut lanes: Vec<_> =
        lanes.filter_map(|(place, id)| Some((place.clone(), way(id)?))).collect();
    lanes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    lanes
}

impl Road {
    fn of(line: &LineString) -> Option<Self> {
        let degree_m = DEGREE_M * line.0.first()?.y.to_radians().cos();
        let line = line.map_coords(|c| Coord { x: c.x * degree_m, y: c.y * DEGREE_M });
        let length_m = Euclidean.length(&line);
        Some(Self { line, length_m, degree_m })
    }

    /// Metres from the begin of the line to the place on it that is closest.
    fn locate(&self, (lon, lat): (f64, f64)) -> Option<f64> {
        let point = Point::new(lon * self.degree_m, lat * DEGREE_M);
        self.line.line_locate_point(&point).map(|share| share * self.length_m)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ioc_ingest::Service;

    use super::*;
    use crate::city::City;

    fn station(source: &str, corridor: &str, position: (f64, f64)) -> Device {
        Device {
            id: 1,
            source: Source::parse(source).unwrap(),
            service: Service::Vds,
            name_vi: source.into(),
            name_en: source.into(),
            position: Some(position),
            area: None,
            corridor: Some(corridor.into()),
            parent: None,
            period_ms: Some(30_000),
            simulated: true,
            detectors: HashMap::new(),
        }
    }

    fn told(roads: &Roads, stations: &[Device], ways: &[Way], max_m: f64) -> Vec<String> {
        let stations = stations.iter().map(|station| (station, ways));
        let mut told: Vec<String> = roads
            .stretches(stations, max_m)
            .iter()
            .map(|one| format!("{}>{} {:.0}", one.up, one.down, one.distance_m / 100.0))
            .collect();
        told.sort_unstable();
        told
    }

    #[test]
    fn the_next_station_downstream_is_farther_along_forward_and_before_in_reverse() {
        // East for 0.02 degrees (2,192 m at 10 degrees north), then north.
        let line = LineString::from(vec![(105.0, 10.0), (105.02, 10.0), (105.02, 10.05)]);
        let lines = HashMap::from([("r".to_owned(), Road::of(&line).unwrap())]);
        let roads = Roads { lines: Arc::new(lines) };
        let stations = [
            station("vds-c", "r", (105.0201, 10.01)),
            station("vds-a", "r", (105.01, 10.0001)),
            station("vds-b", "r", (105.02, 10.0)),
            station("vds-far", "r", (105.02, 10.05)),
            station("vds-other", "no-such", (105.02, 10.0)),
        ];
        let forward = ["vds-a>vds-b 11", "vds-b>vds-c 11"];
        assert_eq!(told(&roads, &stations, &[Way::Forward], 4_000.0), forward);
        let reverse = ["vds-b>vds-a 11", "vds-c>vds-b 11", "vds-far>vds-c 45"];
        assert_eq!(told(&roads, &stations, &[Way::Reverse], 4_800.0), reverse);
        assert!(told(&roads, &stations, &[], 4_800.0).is_empty());
    }

    #[test]
    fn along_the_corridors_of_the_demonstration_city_every_station_but_the_last_has_a_next() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
        let city = City::load(&folder).unwrap();
        let vds = city.devices.iter().filter(|device| device.service == Service::Vds);
        let stations: Vec<Device> = vds
            .filter_map(|device| {
                let position = device.lon.zip(device.lat)?;
                Some(station(device.source.as_str(), device.corridor.as_deref()?, position))
            })
            .collect();
        let corridors: std::collections::BTreeSet<_> =
            stations.iter().map(|station| station.corridor.clone()).collect();
        let found = told(&Roads::of(&city), &stations, &Way::ALL, 1e6);
        assert!(!stations.is_empty());
        assert_eq!(found.len(), 2 * (stations.len() - corridors.len()));
    }
}
