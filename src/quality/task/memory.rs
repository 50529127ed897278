//! Histories of every detector in memory, and what batches that came in order make of them.

use std::{collections::HashMap, sync::LazyLock};

use chrono::DurationRound as _;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_ingest::{Envelope, Fact, Source, interval::Interval};

use crate::{
    admit::Accepted,
    packed::Packed,
    quality::{
        bits,
        evaluate::Span,
        fold::{At, Fold, Turn},
        sample::{Sample, marks},
    },
    registry::Registry,
    store::quality::{Mark, Marking},
};

/// What histories repeat, for [`Packed`].
static WORDS: LazyLock<String> = LazyLock::new(|| json(&Fold::default()));

/// One detector.
#[derive(Debug, Clone, Default)]
pub(super) struct Detector {
    /// Beside the table of all detectors, which grows by doubling.
    pub(super) fold: Box<Fold>,
    /// The history before the hour of the newest row: begin of the hour, and the history as JSON. It is asked
    /// for once an hour, and for late rows.
    border: Option<(i64, Packed)>,
}

/// Everything that is known of detectors.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) detectors: HashMap<i32, Detector>,
    pub(super) markings: HashMap<i32, Marking>,
    pub(super) forced: HashMap<i32, Vec<Span>>,
    /// Rows before this that come now stand in the list of hours to judge.
    pub(super) closed_ms: i64,
    /// Detectors whose rows are still to be read: what is told of them is among these rows.
    pub(super) pending: std::collections::HashSet<i32>,
    /// Sources of which something changed since it was published.
    pub(super) changed: std::collections::HashSet<Source>,
}

/// What batches brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) marks: Vec<Mark>,
    pub(super) turns: Vec<(i32, Turn)>,
    /// Detectors to be judged again, and from when on.
    pub(super) late: Vec<(i32, i64)>,
}

/// Begin of the hour of an instant, Unix milliseconds.
pub(super) const fn hour_ms(time_ms: i64) -> i64 {
    time_ms - time_ms.rem_euclid(3_600_000)
}

/// The hour of an instant.
pub(super) fn hour_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time)
}

impl Memory {
    /// From when on the rows of a detector are marked, Unix milliseconds.
    pub(super) fn since_ms(&self, detector_id: i32) -> i64 {
        self.markings.get(&detector_id).map_or(i64::MIN, |known| known.since.timestamp_millis())
    }

    /// Spans in which people declared a detector bad.
    pub(super) fn forced_of(&self, detector_id: i32) -> &[Span] {
        self.forced.get(&detector_id).map_or(&[], Vec::as_slice)
    }

    /// Takes the intervals of a batch in, each with whether it was wholly new.
    pub(super) fn hear(
        &mut self,
        registry: &Registry,
        zone: Tz,
        intervals: &[(Accepted, bool)],
        found: &mut Found,
    ) {
        for (accepted, is_new) in intervals {
            let (Fact::Interval(interval), Some(envelope)) =
                (&accepted.message.fact, &accepted.message.envelope)
            else {
                continue;
            };
            self.hear_one(
                registry,
                zone,
                (&accepted.device.source, *is_new),
                (envelope, interval),
                found,
            );
        }
    }

    fn hear_one(
        &mut self,
        registry: &Registry,
        zone: Tz,
        (source, is_new): (&Source, bool),
        (envelope, interval): (&Envelope, &Interval),
        found: &mut Found,
    ) {
        let Some(device) = registry.device(source) else { return };
        let (time_ms, duration_ms) = (envelope.time.timestamp_millis(), interval.duration_ms);
        for reading in &interval.readings {
            let Some(&detector_id) = device.detectors.get(&reading.place) else { continue };
            if self.pending.contains(&detector_id) {
                continue;
            }
            let since_ms = self.since_ms(detector_id);
            let forced = self.forced.get(&detector_id).map_or(&[][..], Vec::as_slice);
            let is_forced =
                |(from, to): &Span| *from <= time_ms && to.is_none_or(|to| time_ms < to);
            let forced = if forced.iter().any(is_forced) { bits::FORCED_BAD } else { 0 };
            let detector = self.detectors.entry(detector_id).or_default();
            let has_begun = detector.fold.newest().is_none_or(|(newest, _)| newest >= since_ms);
            let begins = !has_begun && time_ms >= since_ms;
            if !is_new || begins || !detector.fold.is_next(time_ms, duration_ms) {
                // What is older than the border stands in the list of hours to judge.
                if time_ms >= self.closed_ms {
                    found.late.push((detector_id, time_ms.max(since_ms)));
                }
                continue;
            }
            detector.cross(time_ms);
            let limits = registry.table.of(detector_id);
            let own = marks(envelope, interval, reading, (device.period_ms, limits));
            let at = At { time_ms, bits: own | forced };
            let sample = Sample::of(duration_ms, reading);
            let is_marked = time_ms >= since_ms;
            let turns = &mut found.turns;
            let before = detector.fold.good();
            let mut has_turned = false;
            let quality = detector.fold.push(at, &sample, (limits, zone), |turn| {
                has_turned = true;
                if is_marked {
                    turns.push((detector_id, turn));
                }
            });
            if is_marked && quality != own {
                found.marks.push(Mark { detector_id, time: envelope.time, duration_ms, quality });
            }
            if has_turned || detector.fold.good() != before {
                self.changed.insert(source.clone());
            }
        }
    }
}

impl Detector {
    /// A history that was made of rows.
    pub(super) fn of(fold: Fold, border: Option<(i64, Fold)>) -> Self {
        let border = border.map(|(hour_ms, fold)| (hour_ms, pack(&fold)));
        Self { fold: Box::new(fold), border }
    }

    /// The begin of the newest row's hour with the history before it; null when it is not known.
    pub(super) fn border(&self) -> Option<(i64, Fold)> {
        let (hour_ms, packed) = self.border.as_ref()?;
        Some((*hour_ms, serde_json::from_slice(&packed.open(WORDS.as_bytes())).ok()?))
    }

    /// Its history is to be made anew.
    pub(super) fn forget_border(&mut self) {
        self.border = None;
    }

    /// Keeps the history before the hour of a row, when it is the first of its hour.
    pub(super) fn cross(&mut self, time_ms: i64) {
        let hour_ms = hour_ms(time_ms);
        if self.border.as_ref().is_none_or(|(border, _)| *border < hour_ms) {
            self.border = Some((hour_ms, pack(&self.fold)));
        }
    }

    /// The history of the rows before an instant, as JSON; null when it is not known any more.
    pub(super) fn before(&self, time_ms: i64) -> Option<String> {
        match (&self.border, self.fold.newest()) {
            (_, Some((newest, _))) if newest < time_ms => Some(json(&self.fold)),
            (_, None) => Some(json(&self.fold)),
            (Some((border, packed)), _) if *border == time_ms => {
                String::from_utf8(packed.open(WORDS.as_bytes())).ok()
            }
            _ => None,
        }
    }
}

/// Histories have a form in JSON; without one, which cannot be, they are read from the rows again.
fn json(fold: &Fold) -> String {
    serde_json::to_string(fold).unwrap_or_default()
}

fn pack(fold: &Fold) -> Packed {
    Packed::of(json(fold).as_bytes(), WORDS.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_before_the_hour_is_kept_small_and_comes_back() {
        let mut detector = Detector::default();
        let limits = crate::quality::limits::Limits::default();
        let sample = Sample {
            duration_ms: 30_000,
            count: Some(7),
            occupancy_e4: Some(900),
            speed_e1_kmh: Some(310),
            samples: None,
            samples_expected: None,
            classes: None,
        };
        let hour = 495_000 * 3_600_000;
        for time_ms in (hour - 3_600_000..hour).step_by(30_000) {
            let at = At { time_ms, bits: 0 };
            detector.cross(time_ms);
            detector.fold.push(at, &sample, (&limits, chrono_tz::UTC), |_| {});
        }
        let before = Fold::clone(&detector.fold);
        detector.cross(hour);
        detector.fold.push(
            At { time_ms: hour, bits: 0 },
            &sample,
            (&limits, chrono_tz::UTC),
            |_| {},
        );
        assert_eq!(detector.border(), Some((hour, before.clone())));
        assert_eq!(detector.before(hour), Some(json(&before)));
        assert_eq!(detector.before(hour + 1), Some(json(&detector.fold)));
        assert_eq!(detector.before(hour - 1), None);
        let (_, packed) = detector.border.unwrap();
        assert!(packed.len() * 2 < size_of::<Fold>(), "{} bytes", packed.len());
    }
}
