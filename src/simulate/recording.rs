//! Recorded controller events, read from CSV and cut into batches of the contract.
//!
//! Columns `TimeStamp,DeviceId,EventId,Parameter`; times are naive and local, and a zone turns them
//! into UTC once, here. Batches keep the order of the file.

use std::{collections::BTreeMap, io::Read};

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use ioc_ingest::{Source, signal::ControllerEvent};
use serde::Deserialize;

use super::replay::ReplayError;

/// Most events of one message, and the longest span from its first to its last.
const EVENTS_MAX: usize = 200;
const SPAN_MAX_MS: i64 = 1000;

/// Recorded events per controller, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that repeat an earlier one of the same batch; they are sent once.
    pub repeated: usize,
    /// Batches per device id of the file.
    pub(super) devices: BTreeMap<String, Vec<Vec<ControllerEvent>>>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "TimeStamp")]
    time: String,
    #[serde(rename = "DeviceId")]
    device: String,
    #[serde(rename = "EventId")]
    code: u16,
    #[serde(rename = "Parameter")]
    parameter: u16,
}

impl Recording {
    /// Reads a recording whose times are local to `zone`. A local time that comes twice in a year is
    /// taken the first time.
    ///
    /// # Errors
    /// The first row that cannot be read.
    pub fn read(csv: impl Read, zone: Tz) -> Result<Self, ReplayError> {
        let mut recording = Self::default();
        let mut reader = csv::Reader::from_reader(csv);
        for row in reader.deserialize() {
            let Row { time: text, device, code, parameter } = row?;
            recording.rows += 1;
            let line = recording.rows as u64 + 1;
            let Some(naive) = parse_time(&text) else {
                return Err(ReplayError::Time { line, text });
            };
            let Some(time) = zone.from_local_datetime(&naive).earliest() else {
                return Err(ReplayError::NoSuchTime { line, text, zone });
            };
            let event = ControllerEvent { time: time.to_utc(), code, parameter };
            let batches = recording.devices.entry(device).or_default();
            if !add(batches, event) {
                recording.repeated += 1;
            }
        }
        Ok(recording)
    }

    /// Batches of all devices.
    pub fn batches(&self) -> usize {
        self.devices.values().map(Vec::len).sum()
    }

    /// Events that are sent.
    pub const fn events(&self) -> usize {
        self.rows - self.repeated
    }

    /// First and last event; null for an empty recording.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let times = || self.devices.values().flatten().flatten().map(|event| event.time);
        Some((times().min()?, times().max()?))
    }

    /// The sources that the recording is published as, in the order of the file's device ids.
    ///
    /// # Errors
    /// A device id that makes no source, or one source for several devices.
    pub fn sources(&self, named: Option<&Source>) -> Result<Vec<Source>, ReplayError> {
        match named {
            Some(source) if self.devices.len() <= 1 => Ok(vec![source.clone()]),
            Some(_) => Err(ReplayError::ManyDevices { devices: self.devices.len() }),
            None => {
                let source = |device: &String| Ok(Source::parse(&format!("atspm-{device}"))?);
                self.devices.keys().map(source).collect()
            }
        }
    }
}

fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let with = |format| NaiveDateTime::parse_from_str(text, format).ok();
    with("%Y-%m-%d %H:%M:%S%.f").or_else(|| with("%Y-%m-%dT%H:%M:%S%.f"))
}

/// Puts an event into the last batch, or into a new one where it does not fit; false when the batch
/// holds it already.
fn add(batches: &mut Vec<Vec<ControllerEvent>>, event: ControllerEvent) -> bool {
    if let Some(batch) = batches.last_mut()
        && let Some(first) = batch.first()
        && batch.len() < EVENTS_MAX
        && (0..=SPAN_MAX_MS).contains(&(event.time - first.time).num_milliseconds())
    {
        let known = batch.contains(&event);
        if !known {
            batch.push(event);
        }
        return !known;
    }
    batches.push(vec![event]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Recording, ReplayError> {
        let text = format!("TimeStamp,DeviceId,EventId,Parameter\n{rows}");
        Recording::read(text.as_bytes(), chrono_tz::America::Los_Angeles)
    }

    #[test]
    fn local_times_are_converted_once_with_the_zone() {
        let recording = read("2024-04-15 12:00:00.100,1136,82,17\n").unwrap();
        let (first, _) = recording.span().unwrap();
        assert_eq!(first.to_rfc3339(), "2024-04-15T19:00:00.100+00:00");
        assert_eq!(recording.sources(None).unwrap()[0].as_str(), "atspm-1136");
    }

    #[test]
    fn batches_hold_a_second_or_two_hundred_events_and_no_event_twice() {
        let row = |n: u32| format!("2024-04-15 12:00:00.{:03},7,82,{n}", n / 2);
        let many = (0..450).map(row).collect::<Vec<_>>().join("\n");
        let recording = read(&many).unwrap();
        let sizes: Vec<_> = recording.devices["7"].iter().map(Vec::len).collect();
        assert_eq!(sizes, [200, 200, 50]);
        let twice = "2024-04-15 12:00:00.000,7,82,1\n2024-04-15 12:00:00.000,7,82,1\n\
                     2024-04-15 12:00:01.001,7,81,1\n2024-04-15 12:00:00.500,7,81,2\n";
        let recording = read(twice).unwrap();
        assert_eq!((recording.rows, recording.repeated, recording.batches()), (4, 1, 3));
        assert_eq!(recording.events(), 3);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let bad = read("2024-04-15 12:00:00,1,82,1\nyesterday,1,82,1\n").unwrap_err();
        assert_eq!(
            bad.to_string(),
            "line 3: time \"yesterday\" is not like 2024-04-15 12:00:00.000"
        );
        let skipped = read("2024-03-10 02:30:00,1,82,1\n").unwrap_err();
        assert!(skipped.to_string().starts_with("line 2: 2024-03-10 02:30:00 does not exist"));
    }

    #[test]
    fn one_source_cannot_stand_for_two_devices() {
        let two = read("2024-04-15 12:00:00,1,82,1\n2024-04-15 12:00:00,2,82,1\n").unwrap();
        let named = Source::parse("sig-1").unwrap();
        assert!(matches!(two.sources(Some(&named)), Err(ReplayError::ManyDevices { devices: 2 })));
    }
}
