//! `vds/interval` and `cctv/interval`: the lanes of a station, the zones of a camera.
//!
//! The contract refuses only what cannot be; whether a value is plausible is for the quality rules.

use super::{
    LANES_MAX, Parsed, ZONES_MAX,
    envelope::enveloped,
    fault::Fault,
    json::{Key, Reader, keys},
    number::Quantity,
    part::{at_least_one, parts},
};
use crate::{
    interval::{CLASSES, Interval, Place, Reading},
    message::Fact,
};

/// Length of a period: up to an hour, to the millisecond.
const DURATION: Quantity = Quantity::new(3, 1_000, 3_600_000);
const LANE: Quantity = Quantity::new(0, 1, 32);
/// Vehicles of a period: 100 000 in an hour are 28 a second.
const COUNT: Quantity = Quantity::new(0, 0, 100_000);
/// Shares of one, in 1e-4.
pub(super) const SHARE: Quantity = Quantity::new(4, 0, 10_000);
/// Up to 500 km/h, in 0.1 km/h.
const SPEED: Quantity = Quantity::new(1, 0, 5_000);
/// Up to an hour, in milliseconds.
const HEADWAY: Quantity = Quantity::new(3, 0, 3_600_000);
const SAMPLES: Quantity = Quantity::new(0, 0, 65_535);
/// Up to 10 km, in decimetres.
const QUEUE: Quantity = Quantity::new(1, 0, 100_000);
/// Up to 10 000 vehicles per km (ten a metre), in 0.1.
const DENSITY: Quantity = Quantity::new(1, 0, 100_000);
/// Number of a camera's preset.
pub(super) const PRESET: Quantity = Quantity::new(0, 0, 32_767);

keys!(StationKey { Duration = "duration_s", Lanes = "lanes" });
keys!(CameraKey { Duration = "duration_s", Preset = "preset", Home = "home", Zones = "zones" });

keys!(LaneKey {
    Lane = "lane",
    Direction = "direction",
    Count = "count",
    Occupancy = "occupancy",
    Speed = "speed_kmh",
    Headway = "headway_s",
    Samples = "samples",
    SamplesExpected = "samples_expected",
    Classes = "classes",
    ClassSpeed = "class_speed_kmh",
});

keys!(ZoneKey {
    Zone = "zone",
    Kind = "kind",
    Direction = "direction",
    Count = "count",
    Occupancy = "occupancy",
    Speed = "speed_kmh",
    Headway = "headway_s",
    Samples = "samples",
    SamplesExpected = "samples_expected",
    Classes = "classes",
    ClassSpeed = "class_speed_kmh",
    Queue = "queue_m",
    Density = "density_per_km",
    Confidence = "confidence",
});

// Classes in the order of `Class::ALL`, so that the number of a key is the place in the array.
keys!(VehicleKey {
    Motorcycle = "motorcycle",
    Bicycle = "bicycle",
    Car = "car",
    Van = "van",
    Bus = "bus",
    Truck2 = "truck2",
    Truck3 = "truck3",
    Trailer = "trailer",
    Other = "other",
});

keys!(CameraClassKey {
    Motorcycle = "motorcycle",
    Bicycle = "bicycle",
    Car = "car",
    Van = "van",
    Bus = "bus",
    Truck2 = "truck2",
    Truck3 = "truck3",
    Trailer = "trailer",
    Other = "other",
    Pedestrian = "pedestrian",
});

/// Reads `vds/interval`.
pub(super) fn station(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut interval = Interval { duration_ms: 0, preset: None, home: None, readings: Vec::new() };
    let mut refused = Vec::new();
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            StationKey::Duration => interval.duration_ms = reader.fixed(DURATION)?,
            StationKey::Lanes => {
                interval.readings = readings(reader, "lanes", LANES_MAX, &mut refused, lane)?;
            }
        }
        Ok(())
    })?;
    seen.require(StationKey::Duration)?;
    seen.require(StationKey::Lanes)?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Interval(interval), refused })
}

/// Reads `cctv/interval`.
pub(super) fn camera(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut interval = Interval { duration_ms: 0, preset: None, home: None, readings: Vec::new() };
    let mut refused = Vec::new();
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            CameraKey::Duration => interval.duration_ms = reader.fixed(DURATION)?,
            CameraKey::Preset => interval.preset = reader.nullable(|r| r.whole(PRESET))?,
            CameraKey::Home => interval.home = reader.nullable(Reader::boolean)?,
            CameraKey::Zones => {
                interval.readings = readings(reader, "zones", ZONES_MAX, &mut refused, zone)?;
            }
        }
        Ok(())
    })?;
    seen.require(CameraKey::Duration)?;
    seen.require(CameraKey::Zones)?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Interval(interval), refused })
}

/// Reads lanes or zones, each once.
#[inline]
fn readings(
    reader: &mut Reader<'_>,
    key: &'static str,
    max: usize,
    refused: &mut Vec<Fault>,
    read: impl FnMut(&mut Reader<'_>) -> Result<Reading, Fault>,
) -> Result<Vec<Reading>, Fault> {
    let twice = |readings: &[Reading], new: &Reading| {
        readings.iter().any(|reading| reading.place == new.place)
    };
    at_least_one(parts(reader, key, max, refused, read, twice)?)
}

fn lane(reader: &mut Reader<'_>) -> Result<Reading, Fault> {
    let mut lane = Reading::nothing(Place::Lane(0));
    let seen = reader.object(|reader, key| {
        match key {
            LaneKey::Lane => lane.place = Place::Lane(reader.whole(LANE)?),
            LaneKey::Direction => lane.direction = reader.nullable(Reader::word)?,
            LaneKey::Count => lane.count = reader.nullable(|r| r.whole(COUNT))?,
            LaneKey::Occupancy => lane.occupancy_e4 = reader.nullable(|r| r.fixed(SHARE))?,
            LaneKey::Speed => lane.speed_e1_kmh = reader.nullable(|r| r.fixed(SPEED))?,
            LaneKey::Headway => lane.headway_ms = reader.nullable(|r| r.fixed(HEADWAY))?,
            LaneKey::Samples => lane.samples = reader.nullable(|r| r.whole(SAMPLES))?,
            LaneKey::SamplesExpected => {
                lane.samples_expected = reader.nullable(|r| r.whole(SAMPLES))?;
            }
            LaneKey::Classes => lane.classes = reader.nullable(counts::<VehicleKey>)?,
            LaneKey::ClassSpeed => {
                lane.class_speed_e1_kmh = reader.nullable(speeds::<VehicleKey>)?;
            }
        }
        Ok(())
    })?;
    seen.require(LaneKey::Lane)?;
    Ok(lane)
}

fn zone(reader: &mut Reader<'_>) -> Result<Reading, Fault> {
    let mut zone = Reading::nothing(Place::Lane(0));
    let seen = reader.object(|reader, key| {
        match key {
            ZoneKey::Zone => zone.place = Place::Zone(reader.token()?),
            ZoneKey::Kind => zone.kind = reader.nullable(Reader::word)?,
            ZoneKey::Direction => zone.direction = reader.nullable(Reader::word)?,
            ZoneKey::Count => zone.count = reader.nullable(|r| r.whole(COUNT))?,
            ZoneKey::Occupancy => zone.occupancy_e4 = reader.nullable(|r| r.fixed(SHARE))?,
            ZoneKey::Speed => zone.speed_e1_kmh = reader.nullable(|r| r.fixed(SPEED))?,
            ZoneKey::Headway => zone.headway_ms = reader.nullable(|r| r.fixed(HEADWAY))?,
            ZoneKey::Samples => zone.samples = reader.nullable(|r| r.whole(SAMPLES))?,
            ZoneKey::SamplesExpected => {
                zone.samples_expected = reader.nullable(|r| r.whole(SAMPLES))?;
            }
            ZoneKey::Classes => zone.classes = reader.nullable(counts::<CameraClassKey>)?,
            ZoneKey::ClassSpeed => {
                zone.class_speed_e1_kmh = reader.nullable(speeds::<CameraClassKey>)?;
            }
            ZoneKey::Queue => zone.queue_dm = reader.nullable(|r| r.fixed(QUEUE))?,
            ZoneKey::Density => zone.density_e1_per_km = reader.nullable(|r| r.fixed(DENSITY))?,
            ZoneKey::Confidence => zone.confidence_e4 = reader.nullable(|r| r.fixed(SHARE))?,
        }
        Ok(())
    })?;
    seen.require(ZoneKey::Zone)?;
    Ok(zone)
}

fn counts<K: Key>(reader: &mut Reader<'_>) -> Result<[Option<u32>; CLASSES], Fault> {
    by_class::<K, _>(reader, |reader| reader.whole(COUNT))
}

fn speeds<K: Key>(reader: &mut Reader<'_>) -> Result<[Option<u16>; CLASSES], Fault> {
    by_class::<K, _>(reader, |reader| reader.fixed(SPEED))
}

#[inline]
fn by_class<K: Key, T: Copy>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
) -> Result<[Option<T>; CLASSES], Fault> {
    let mut values = [None; CLASSES];
    reader.object(|reader, class: K| {
        values[class.number() as usize] = reader.nullable(&mut read)?;
        Ok(())
    })?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Class;

    #[test]
    fn class_keys_stand_in_array_order() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            let camera = CameraClassKey::of(class.as_str()).unwrap();
            assert_eq!(camera.number() as usize, index);
            let vehicle = VehicleKey::of(class.as_str());
            assert_eq!(vehicle.is_none(), class == Class::Pedestrian);
            assert!(vehicle.is_none_or(|key| key.number() as usize == index));
        }
    }
}
