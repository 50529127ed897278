//! Judges stored rows of one detector again: after late data, after a restart, and for `ioc-hub verify`.
//!
//! Given all rows from [`LOOKBACK_MS`] before the first one that is judged, in the order of time, the marks
//! are those that live order gave. [`splice`] fits the states of that time into those that are stored. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    bits,
    check::Check,
    fold::{At, Fold, Open, Turn},
    limits::Limits,
    sample::{Classes, Sample},
};

pub use super::fold::LOOKBACK_MS;

/// A stored row, as far as checks look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Begin of the period.
    pub time: DateTime<Utc>,
    /// Length of the period, milliseconds.
    pub duration_ms: u32,
    /// Vehicles.
    pub count: Option<u32>,
    /// Share of the period occupied, 1e-4.
    pub occupancy_e4: Option<u16>,
    /// Mean speed, 0.1 km/h.
    pub speed_e1_kmh: Option<u16>,
    /// Sub-samples got.
    pub samples: Option<u16>,
    /// Sub-samples of a complete period.
    pub samples_expected: Option<u16>,
    /// Vehicles per class.
    pub classes: Option<Classes>,
    /// Bits that are stored.
    pub quality: i32,
}

impl Row {
    /// The values that checks look at.
    pub const fn sample(&self) -> Sample<'_> {
        Sample {
            duration_ms: self.duration_ms,
            count: self.count,
            occupancy_e4: self.occupancy_e4,
            speed_e1_kmh: self.speed_e1_kmh,
            samples: self.samples,
            samples_expected: self.samples_expected,
            classes: self.classes.as_ref(),
        }
    }
}

/// A span of Unix milliseconds; an end of null is open.
pub type Span = (i64, Option<i64>);

/// By what a detector is judged.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// Thresholds.
    pub limits: &'a Limits,
    /// Registered length of a period, milliseconds.
    pub period_ms: Option<u32>,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Spans in which a person declared it bad.
    pub forced: &'a [Span],
}

impl Judge<'_> {
    /// Bits of a row that do not come from history; `told` are those of its envelope.
    pub fn base(&self, time_ms: i64, sample: &Sample<'_>, told: i32) -> i32 {
        let is_forced = |(from, to): &Span| *from <= time_ms && to.is_none_or(|to| time_ms < to);
        let forced = if self.forced.iter().any(is_forced) { bits::FORCED_BAD } else { 0 };
        sample.bits(self.period_ms, self.limits) | (told & bits::TOLD) | forced
    }
}

/// What judging came to.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// Rows from the first that was to be judged on whose bits are to change: index and new bits.
    pub changed: Vec<(usize, i32)>,
    /// Checks that were open before that row.
    pub open: Vec<(Check, Open)>,
    /// What opened and closed from that row on.
    pub turns: Vec<Turn>,
    /// The history after the last row.
    pub fold: Fold,
    /// The history before the border, if rows lie behind it.
    pub border: Option<Fold>,
}

/// Judges the rows from `from_ms` on, in the order of time; those before it are history, on top of `fold`.
/// Keeps the history before `border_ms`.
pub fn evaluate(
    fold: Fold,
    rows: &[Row],
    (from_ms, border_ms): (i64, i64),
    judge: &Judge<'_>,
) -> Evaluated {
    let mut found = Evaluated { fold, ..Evaluated::default() };
    let mut has_begun = false;
    for (at, row) in rows.iter().enumerate() {
        let time_ms = row.time.timestamp_millis();
        let is_judged = time_ms >= from_ms;
        if is_judged && !has_begun {
            has_begun = true;
            found.open = found.fold.open().collect();
        }
        if time_ms >= border_ms && found.border.is_none() {
            found.border = Some(found.fold.clone());
        }
        let sample = row.sample();
        let bits = judge.base(time_ms, &sample, row.quality);
        let turns = &mut found.turns;
        let bits =
            found.fold.push(At { time_ms, bits }, &sample, (judge.limits, judge.zone), |turn| {
                if is_judged {
                    turns.push(turn);
                }
            });
        if is_judged && bits != row.quality {
            found.changed.push((at, bits));
        }
    }
    if !has_begun {
        found.open = found.fold.open().collect();
    }
    found
}

/// A time in which a check of a detector was open.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Number in the database; null for a new one.
    pub id: Option<i64>,
    /// The check.
    pub check: Check,
    /// Begin of the first row that it marked, Unix milliseconds.
    pub since_ms: i64,
    /// Begin of the first row that it marked no more; null while it is open.
    pub until_ms: Option<i64>,
    /// What was measured when it opened.
    pub value: f32,
    /// The limit of it.
    pub limit: f32,
}

/// The states of a span that was judged again. `stored` are those that touch it; `to_ms` is the first
/// instant after the span, null when it reaches to the newest row. Returns those to store: with their
/// number where they were stored already; what is not among them is to be removed.
pub fn splice(
    stored: &[Episode],
    (from_ms, to_ms): (i64, Option<i64>),
    open: &[(Check, Open)],
    turns: &[Turn],
) -> Vec<Episode> {
    let mut all = Vec::new();
    for check in Check::folded() {
        let known = || stored.iter().filter(move |episode| episode.check == check);
        let head = known().find(|episode| episode.since_ms < from_ms);
        let mut current = open.iter().find(|(one, _)| *one == check).map(|(_, open)| Episode {
            id: None,
            check,
            since_ms: open.since_ms,
            until_ms: None,
            value: open.value,
            limit: open.limit,
        });
        if let Some(head) = head {
            let goes_on = current.is_some();
            let head = Episode { until_ms: (!goes_on).then_some(from_ms), ..head.clone() };
            if goes_on {
                current = Some(head);
            } else {
                all.push(head);
            }
        }
        for turn in turns.iter().filter(|turn| turn.check == check) {
            if let Some(episode) = current.take() {
                all.push(Episode { until_ms: Some(turn.at_ms), ..episode });
            }
            current = turn.opened.map(|(value, limit)| {
                let same = known().find(|episode| episode.since_ms == turn.at_ms);
                let id = same.and_then(|episode| episode.id);
                Episode { id, check, since_ms: turn.at_ms, until_ms: None, value, limit }
            });
        }
        if let Some(episode) = current {
            // Behind the span nothing changed: it ends as it did.
            let behind = |to_ms: i64| {
                let tail = known().find(|e| e.until_ms.is_none_or(|until| until >= to_ms));
                tail.and_then(|tail| tail.until_ms)
            };
            all.push(Episode { until_ms: to_ms.and_then(behind), ..episode });
        }
    }
    all
}

#[cfg(test)]
mod tests;
