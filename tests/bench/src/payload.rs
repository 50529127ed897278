//! The messages of the benchmark: intervals of four lanes from a thousand stations, every optional
//! value of a lane present, their bytes made beforehand. When one is sent, only time and seq are set,
//! so that device clocks advance and every message is a new fact.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use ioc_hub::city::{City, Detector, Device, LaneClass};
use ioc_ingest::{
    Service, Source,
    interval::{Direction, Place},
};

/// Stations that publish.
pub(crate) const STATIONS: usize = 1_000;
/// Lanes of each station, and so rows of each message.
pub(crate) const LANES: usize = 4;
/// Length of an interval.
pub(crate) const DURATION_MS: i64 = 30_000;
/// Different bodies; a prime, so that a station meets all of them.
const BODIES: usize = 97;
/// First seq: all have the same number of digits.
const SEQ_BEGIN: u64 = 1_000_000_000;
/// What time and seq replace in a template.
const TIME: &str = "0000-00-00T00:00:00Z";
const SEQ: &str = "0000000000";

/// Name of a station.
pub(crate) fn source(station: usize) -> String {
    format!("bench-{station:04}")
}

/// The topic of a station's intervals below `root`: `ioc` is the hub's, another one of the same
/// length that of the bare pipeline.
pub(crate) fn topic(root: &str, city: &str, station: usize) -> String {
    format!("{root}/1/{city}/vds/{}/interval", source(station))
}

/// The stations as devices of the registry, in the middle of the city.
pub(crate) fn devices(city: &City) -> anyhow::Result<Vec<Device>> {
    (0..STATIONS).map(|station| device(city, &source(station), LANES)).collect()
}

/// One station of the registry with so many lanes.
pub(crate) fn device(city: &City, source: &str, lanes: usize) -> anyhow::Result<Device> {
    let lane = |number: u8| Detector {
        place: Place::Lane(number),
        kind: None,
        direction: Direction::Forward,
        name_vi: format!("Làn {number}"),
        name_en: format!("Lane {number}"),
        lane_class: LaneClass::Arterial,
        free_flow_kmh: 60,
    };
    Ok(Device {
        source: Source::parse(source)?,
        service: Service::Vds,
        name_vi: source.to_owned(),
        name_en: source.to_owned(),
        lon: Some(city.center[0]),
        lat: Some(city.center[1]),
        corridor: None,
        parent: None,
        period_ms: u32::try_from(DURATION_MS).ok(),
        groups: Vec::new(),
        detectors: (1..=u8::try_from(lanes)?).map(lane).collect(),
        simulated: true,
        area: None,
    })
}

/// Makes messages from prepared bodies.
#[derive(Debug)]
pub(crate) struct Messages {
    begin_ms: i64,
    bodies: Vec<Vec<u8>>,
    /// Where time and seq stand in every body.
    time_at: usize,
    seq_at: usize,
    times: HashMap<usize, String>,
}

impl Messages {
    /// The first interval of every station begins at `begin_ms`, Unix time.
    pub(crate) fn new(begin_ms: i64) -> Self {
        let bodies = (0..BODIES).map(|body| self::body(body, LANES).into_bytes()).collect();
        let text = body(0, LANES);
        let at = |mark| text.find(mark).unwrap_or(0);
        Self { begin_ms, time_at: at(TIME), seq_at: at(SEQ), bodies, times: HashMap::new() }
    }

    /// The `step`-th interval of a station.
    pub(crate) fn message(&mut self, station: usize, step: usize) -> Bytes {
        let begin_ms = self.begin_ms;
        let mut bytes = self.bodies[(station + step) % BODIES].clone();
        let time = self.times.entry(step).or_insert_with(|| time_text(begin_ms, step));
        bytes[self.time_at..self.time_at + TIME.len()].copy_from_slice(time.as_bytes());
        let seq = (SEQ_BEGIN + step as u64).to_string();
        bytes[self.seq_at..self.seq_at + SEQ.len()].copy_from_slice(seq.as_bytes());
        bytes.into()
    }
}

/// Begin of the `step`-th interval.
pub(crate) fn step_ms(begin_ms: i64, step: usize) -> i64 {
    begin_ms + i64::try_from(step).unwrap_or(0) * DURATION_MS
}

fn time_text(begin_ms: i64, step: usize) -> String {
    let time = DateTime::from_timestamp_millis(step_ms(begin_ms, step)).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// One message of so many lanes, with its time as text and its number.
pub(crate) fn message(time: &str, number: usize, lanes: usize) -> String {
    let seq = (SEQ_BEGIN + number as u64).to_string();
    body(number % BODIES, lanes).replacen(TIME, time, 1).replacen(SEQ, &seq, 1)
}

fn body(body: usize, lanes: usize) -> String {
    let lanes: Vec<String> = (1..=lanes).map(|lane| self::lane(body, lane)).collect();
    format!(
        "{{\"v\":1,\"time\":\"{TIME}\",\"boot\":1,\"seq\":{SEQ},\
         \"clock\":{{\"source\":\"ntp\",\"offset_ms\":2}},\"duration_s\":30,\"lanes\":[{}]}}",
        lanes.join(",")
    )
}

fn lane(body: usize, lane: usize) -> String {
    let motorcycles = 20 + (body * 7 + lane) % 40;
    let cars = (body + lane * 3) % 12;
    let count = motorcycles + cars + 1;
    let (speed, tenth) = (24 + (body * 5 + lane) % 20, body % 10);
    format!(
        "{{\"lane\":{lane},\"direction\":\"{}\",\"count\":{count},\"occupancy\":0.{:03},\
         \"speed_kmh\":{speed}.{tenth},\"headway_s\":0.{:02},\"samples\":30,\"samples_expected\":30,\
         \"classes\":{{\"motorcycle\":{motorcycles},\"bicycle\":0,\"car\":{cars},\"van\":1,\"bus\":0,\
         \"truck2\":0,\"truck3\":0,\"trailer\":0,\"other\":0}},\
         \"class_speed_kmh\":{{\"motorcycle\":{}.{tenth},\"car\":{}.{tenth}}}}}",
        if lane <= LANES / 2 { "forward" } else { "reverse" },
        120 + (body * 11 + lane) % 300,
        40 + body % 50,
        speed + 1,
        speed - 3,
    )
}
