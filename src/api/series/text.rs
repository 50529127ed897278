//! Series as CSV and as columns for charts.
//!
//! A CSV cell that a spreadsheet would take for a formula gets an apostrophe in front.

use serde_json::json;

use super::{Point, Series, SeriesSet, rounded, time_text};
use crate::api::{answer::neutral, problem::Problem};

fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a series could not be written");
    Problem::internal()
}

/// One line per point.
pub(super) fn csv(set: &SeriesSet) -> Result<Vec<u8>, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "time",
        "source",
        "lane",
        "zone",
        "quantity",
        "class",
        "unit_of_measure",
        "value",
        "good",
        "expected",
    ];
    writer.write_record(header).map_err(|error| failed(&error))?;
    for series in &set.series {
        let fixed = [
            series.source.clone(),
            series.lane.map_or_else(String::new, |lane| lane.to_string()),
            series.zone.clone().unwrap_or_default(),
            series.quantity.to_owned(),
            series.class.unwrap_or_default().to_owned(),
            series.unit_of_measure.to_owned(),
        ]
        .map(|cell| neutral(&cell));
        for Point { time, value, good, expected } in &series.points {
            let number = |text: Option<String>| text.unwrap_or_default();
            let record = std::iter::once(time_text(*time)).chain(fixed.iter().cloned()).chain([
                number(value.map(|value| rounded(value).to_string())),
                good.to_string(),
                number(expected.map(|expected| expected.to_string())),
            ]);
            writer.write_record(record).map_err(|error| failed(&error))?;
        }
    }
    writer.into_inner().map_err(|error| failed(error.error()))
}

/// One block per series: a JSON header line, then its columns as little-endian arrays.
pub(super) fn columns(set: &SeriesSet) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    for series in &set.series {
        block(&mut bytes, series).map_err(|error| failed(&error))?;
    }
    Ok(bytes)
}

fn block(bytes: &mut Vec<u8>, series: &Series) -> Result<(), serde_json::Error> {
    let Series { source, lane, zone, quantity, class, unit_of_measure, .. } = series;
    let header = json!({
        "source": source, "lane": lane, "zone": zone, "quantity": quantity, "class": class,
        "unit_of_measure": unit_of_measure,
        "resolution_s": series.resolution_s, "basis": series.basis, "rows": series.points.len(),
        "columns": [
            {"name": "time", "type": "float64+uint32", "unit_of_measure": "ms"},
            {"name": "value", "type": "float32"},
            {"name": "good", "type": "uint32"},
            {"name": "expected", "type": "uint32", "null": u32::MAX},
        ],
    });
    serde_json::to_writer(&mut *bytes, &header)?;
    bytes.push(b'\n');
    let times = || series.points.iter().map(|point| point.time.timestamp_millis());
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53")]
    let start = times().next().unwrap_or(0) as f64;
    bytes.extend(start.to_le_bytes());
    let mut before = times().next().unwrap_or(0);
    for time in times() {
        bytes.extend(whole(time - before).to_le_bytes());
        before = time;
    }
    for point in &series.points {
        #[expect(clippy::cast_possible_truncation, reason = "charts need no more than 24 bits")]
        let value = point.value.map_or(f32::NAN, |value| value as f32);
        bytes.extend(value.to_le_bytes());
    }
    for point in &series.points {
        bytes.extend(whole(point.good).to_le_bytes());
    }
    for point in &series.points {
        bytes.extend(point.expected.map_or(u32::MAX, whole).to_le_bytes());
    }
    Ok(())
}

/// A number of a column; one that does not fit shows as the largest.
fn whole(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn set() -> SeriesSet {
        let time = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let points = vec![
            Point { time, value: Some(12.5), good: 9, expected: Some(10) },
            Point { time: time + TimeDelta::minutes(5), value: None, good: 0, expected: None },
        ];
        let series = Series {
            source: "vds-001".into(),
            lane: Some(1),
            zone: None,
            quantity: "speed_kmh",
            class: None,
            unit_of_measure: "km/h",
            pcu_profile: None,
            resolution_s: 300,
            basis: "5min",
            points,
        };
        SeriesSet { from: time, to: time, series: vec![series] }
    }

    #[test]
    fn csv_leaves_missing_values_empty() {
        let text = String::from_utf8(csv(&set()).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "2024-10-04T00:00:00Z,vds-001,1,,speed_kmh,,km/h,12.5,9,10");
        assert_eq!(lines[2], "2024-10-04T00:05:00Z,vds-001,1,,speed_kmh,,km/h,,0,");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(neutral(cell), format!("'{cell}"));
        }
        assert_eq!(neutral("vds-001"), "vds-001");
    }

    #[test]
    fn columns_hold_what_their_header_says() {
        let bytes = columns(&set()).unwrap();
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let header: serde_json::Value = serde_json::from_slice(&bytes[..end]).unwrap();
        assert_eq!(header["rows"], 2);
        let body = &bytes[end + 1..];
        assert_eq!(body.len(), 8 + 2 * 4 * 4);
        let word = |at: usize| <[u8; 4]>::try_from(&body[at..at + 4]).unwrap();
        assert_eq!(body[..8], (20_000.0 * 86_400_000.0_f64).to_le_bytes());
        assert_eq!([u32::from_le_bytes(word(8)), u32::from_le_bytes(word(12))], [0, 300_000]);
        assert_eq!(word(16), 12.5_f32.to_le_bytes());
        assert!(f32::from_le_bytes(word(20)).is_nan());
        assert_eq!([u32::from_le_bytes(word(24)), u32::from_le_bytes(word(28))], [9, 0]);
        assert_eq!([u32::from_le_bytes(word(32)), u32::from_le_bytes(word(36))], [10, u32::MAX]);
    }
}
