//! Quality bits of a reading: bad values are kept and marked, never overwritten.
//!
//! This file knows the marks that one message alone tells; marks that need the history of a detector
//! build on the same bits. Pure: no clock, no I/O.

use ioc_ingest::{Envelope, interval::Interval, interval::Reading};

/// Fewer sub-samples than expected.
pub const INCOMPLETE: i32 = 1 << 10;
/// Replayed by the source from its own buffer.
pub const LATE: i32 = 1 << 11;
/// The source's clock is off by more than [`CLOCK_SUSPECT_MS`].
pub const CLOCK_SUSPECT: i32 = 1 << 12;
/// The camera stood away from its home preset.
pub const OFF_PRESET: i32 = 1 << 13;

/// Bits that only tell how a value came, not that it is wrong.
const HARMLESS: i32 = LATE;

/// Reported clock offset from which a time is suspect, milliseconds.
pub const CLOCK_SUSPECT_MS: u32 = 2_000;

/// Whether a reading with these bits counts as a good sample.
pub const fn is_good(bits: i32) -> bool {
    bits & !HARMLESS == 0
}

/// The marks of one reading. Complete means at least 60 % of the expected sub-samples.
pub fn marks(envelope: &Envelope, interval: &Interval, reading: &Reading) -> i32 {
    let mut bits = 0;
    if envelope.late {
        bits |= LATE;
    }
    let offset_ms = envelope.clock.and_then(|clock| clock.offset_ms);
    if offset_ms.is_some_and(|offset| offset.unsigned_abs() > CLOCK_SUSPECT_MS) {
        bits |= CLOCK_SUSPECT;
    }
    if interval.home == Some(false) {
        bits |= OFF_PRESET;
    }
    if let (Some(got), Some(expected)) = (reading.samples, reading.samples_expected)
        && u32::from(got) * 10 < u32::from(expected) * 6
    {
        bits |= INCOMPLETE;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use ioc_ingest::{Clock, ClockSource, interval::Place};

    fn envelope(offset_ms: Option<i32>, late: bool) -> Envelope {
        let clock = Some(Clock { source: ClockSource::Ntp, offset_ms });
        Envelope { time: DateTime::UNIX_EPOCH, boot: 1, seq: 1, clock, late }
    }

    fn interval(home: Option<bool>) -> Interval {
        Interval { duration_ms: 30_000, preset: None, home, readings: Vec::new() }
    }

    fn reading(samples: Option<u16>) -> Reading {
        Reading {
            place: Place::Lane(1),
            kind: None,
            direction: None,
            count: Some(3),
            occupancy_e4: None,
            speed_e1_kmh: None,
            headway_ms: None,
            samples,
            samples_expected: Some(30),
            classes: None,
            class_speed_e1_kmh: None,
            queue_dm: None,
            density_e1_per_km: None,
            confidence_e4: None,
        }
    }

    #[test]
    fn each_mark_trips_just_beyond_its_limit() {
        let bits = |offset, late, home, samples| {
            marks(&envelope(offset, late), &interval(home), &reading(samples))
        };
        assert_eq!(bits(Some(2_000), false, None, Some(18)), 0);
        assert_eq!(bits(Some(-2_001), false, None, Some(18)), CLOCK_SUSPECT);
        assert_eq!(bits(None, true, Some(true), None), LATE);
        assert_eq!(bits(None, false, Some(false), Some(30)), OFF_PRESET);
        assert_eq!(bits(None, false, None, Some(17)), INCOMPLETE);
    }

    #[test]
    fn a_late_reading_is_good_and_an_incomplete_one_is_not() {
        assert!(is_good(LATE));
        assert!(!is_good(INCOMPLETE | LATE));
    }
}
