//! How long devices were down: repair time, time between failures, availability of a service.
//!
//! A device is down while one of its failure alarms is active or its connection to the broker is lost,
//! whichever is longer; times that touch or overlap are one outage. An outage that began before the span
//! counts in it with the time that lies in it; its repair time is that of the whole outage, and belongs to
//! the span in which it ended. What goes on has no repair time yet.

use chrono::{DateTime, TimeDelta, Utc};

/// From when until when; no end while it goes on.
pub type Down = (DateTime<Utc>, Option<DateTime<Utc>>);

/// A device in service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// First message; null when it never published.
    pub since: Option<DateTime<Utc>>,
    /// When it was down, in any order.
    pub down: Vec<Down>,
}

/// Figures of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Availability {
    /// Devices in service.
    pub devices: usize,
    /// Those that something is known of in the span.
    pub known: usize,
    /// Outages that began in the span.
    pub begun: usize,
    /// Outages that ended in the span.
    pub ended: usize,
    /// Outages that go on at its end.
    pub ongoing: usize,
    /// Sum of the known times of all devices, seconds.
    pub known_s: f64,
    /// Sum of the times that they were down, seconds.
    pub down_s: f64,
    /// Mean time to repair, seconds; null when no outage ended.
    pub mttr_s: Option<f64>,
    /// Mean time between failures: time up per outage that began, seconds; null when none did.
    pub mtbf_s: Option<f64>,
    /// Share of the known time in which devices worked, 0 to 1; null when nothing is known.
    pub availability: Option<f64>,
}

/// The outages of one device: in order, none touching another.
pub fn merge(mut down: Vec<Down>) -> Vec<Down> {
    // Of a clock that was set back an end may lie before its begin.
    down.retain(|(from, until)| until.is_none_or(|until| until > *from));
    down.sort_by_key(|(from, _)| *from);
    let mut merged: Vec<Down> = Vec::with_capacity(down.len());
    for (from, until) in down {
        match merged.last_mut() {
            Some((_, last)) if last.is_none_or(|last| from <= last) => {
                *last = last.zip(until).map(|(last, until)| last.max(until));
            }
            _ => merged.push((from, until)),
        }
    }
    merged
}

/// Figures of the devices of a service in `from..to`, of which `to` is not after now.
pub fn availability(devices: Vec<Known>, from: DateTime<Utc>, to: DateTime<Utc>) -> Availability {
    let mut sum = Availability { devices: devices.len(), ..Availability::default() };
    let mut repair_s = 0.0;
    for device in devices {
        let outages = merge(device.down);
        let first = outages.first().map(|(from, _)| *from);
        let Some(since) = device.since.into_iter().chain(first).min() else { continue };
        let begin = since.max(from);
        if begin >= to {
            continue;
        }
        sum.known += 1;
        sum.known_s += seconds(to - begin);
        for (down, until) in outages {
            let end = until.filter(|until| *until < to);
            if down >= to || end.is_some_and(|end| end <= begin) {
                continue;
            }
            sum.down_s += seconds(end.unwrap_or(to) - down.max(begin));
            sum.begun += usize::from(down >= from);
            if let Some(end) = end {
                sum.ended += 1;
                repair_s += seconds(end - down);
            } else {
                sum.ongoing += 1;
            }
        }
    }
    sum.mttr_s = mean(repair_s, sum.ended);
    sum.mtbf_s = mean(sum.known_s - sum.down_s, sum.begun);
    sum.availability = (sum.known_s > 0.0).then(|| 1.0 - sum.down_s / sum.known_s);
    sum
}

fn mean(sum: f64, count: usize) -> Option<f64> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (count > 0).then(|| sum / f64::from(count))
}

fn seconds(time: TimeDelta) -> f64 {
    super::rate::as_f64(time.num_milliseconds()) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn down(from: i64, until: i64) -> Down {
        (at(from), Some(at(until)))
    }

    #[test]
    fn what_touches_or_overlaps_is_one_outage() {
        let mixed = vec![down(30, 40), down(10, 20), down(20, 25), down(35, 38), (at(50), None)];
        assert_eq!(merge(mixed), [down(10, 25), down(30, 40), (at(50), None)]);
        assert_eq!(merge(vec![(at(1), None), down(5, 9)]), [(at(1), None)]);
        assert_eq!(merge(vec![down(5, 5), down(7, 6)]), []);
    }

    #[test]
    fn availability_of_three_devices_over_100_minutes() {
        let devices = vec![
            // Down from before the span to 10, and 20 to 30.
            Known { since: Some(at(-500)), down: vec![down(-20, 10), down(20, 30)] },
            // Known from 40 on; down from 90 and still.
            Known { since: Some(at(40)), down: vec![(at(90), None)] },
            // Never heard of.
            Known::default(),
        ];
        // Known: 100 + 60 = 160 min; down: 10 + 10 + 10 = 30 min.
        // Ended in the span: 30 min and 10 min, mean 20 min. Begun in it: at 20 and at 90, so 130 / 2.
        let found = availability(devices, at(0), at(100));
        assert_eq!((found.devices, found.known), (3, 2));
        assert_eq!((found.begun, found.ended, found.ongoing), (2, 2, 1));
        assert_eq!((found.known_s, found.down_s), (9_600.0, 1_800.0));
        assert_eq!(found.mttr_s, Some(1_200.0));
        assert_eq!(found.mtbf_s, Some(3_900.0));
        assert_eq!(found.availability, Some(1.0 - 1_800.0 / 9_600.0));
    }

    #[test]
    fn of_what_nothing_is_known_there_is_no_figure() {
        let found = availability(vec![Known::default()], at(0), at(100));
        assert_eq!((found.mttr_s, found.mtbf_s, found.availability), (None, None, None));
        let later = Known { since: Some(at(100)), down: vec![] };
        assert_eq!(availability(vec![later], at(0), at(100)).availability, None);
    }

    #[test]
    fn an_outage_that_ends_after_the_span_goes_on_at_its_end() {
        let device = Known { since: Some(at(0)), down: vec![down(90, 200)] };
        let found = availability(vec![device.clone()], at(0), at(100));
        assert_eq!((found.begun, found.ended, found.ongoing), (1, 0, 1));
        // In the next span it ends with its whole length.
        let found = availability(vec![device], at(100), at(300));
        assert_eq!((found.begun, found.ended, found.mttr_s), (0, 1, Some(6_600.0)));
        assert_eq!(found.mtbf_s, None);
    }
}
