//! The history of one detector as far as checks need it, and what each further sample makes of it.
//!
//! A detector is bad at `t` for a check when the check tripped at some `u` in `(t - clear, t]`, and
//! whether it trips at `u` depends on the samples of a bounded time before `u`. So what a row is marked
//! with depends on the rows of the last [`LOOKBACK_MS`] alone: a fold over them gives the same marks as one
//! that never stopped, in live order, after late data and after a restart. Q06 and Q07 hold from the
//! trip to the end of their run, which that time also covers. Pure.

use chrono::{DateTime, NaiveTime, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{
    bits,
    check::{Check, FOLDED},
    hour::{Hour, Trip},
    is_good,
    limits::Limits,
    sample::Sample,
};

/// Rows of so much time before a row decide its marks, milliseconds: 48 h.
pub const LOOKBACK_MS: i64 = 48 * 3_600_000;
/// A silence that a run of samples does not survive, unless one sample is longer, milliseconds.
const GAP_MS: i64 = 60_000;
/// A silence that the last samples of Q02 do not survive, milliseconds.
const VOLUME_GAP_MS: i64 = 3_600_000;
const NEVER: i64 = i64::MIN;

/// A run of alike samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// Begin of its first sample.
    since_ms: i64,
    /// What is alike.
    value: u32,
    /// Whether it lasted too long already.
    is_bad: bool,
}

/// One check of a detector that is open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// Begin of the first sample that it marked.
    pub since_ms: i64,
    /// What was measured when it tripped first.
    pub value: f32,
    /// The limit of it.
    pub limit: f32,
}

/// The open checks of a detector, by number. A city has tens of thousands of detectors, nearly all of them
/// with none; as JSON each check has its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Option<Open>; FOLDED]", into = "[Option<Open>; FOLDED]")]
struct OpenChecks(Vec<(u8, Open)>);

impl From<[Option<Open>; FOLDED]> for OpenChecks {
    fn from(open: [Option<Open>; FOLDED]) -> Self {
        Self((0..).zip(open).filter_map(|(place, open)| Some((place, open?))).collect())
    }
}

impl From<OpenChecks> for [Option<Open>; FOLDED] {
    fn from(open: OpenChecks) -> Self {
        let mut all = [None; FOLDED];
        for (place, open) in open.0 {
            if let Some(slot) = all.get_mut(usize::from(place)) {
                *slot = Some(open);
            }
        }
        all
    }
}

impl OpenChecks {
    fn get(&self, check: Check) -> Option<Open> {
        self.0.iter().find(|(place, _)| *place == check as u8).map(|(_, open)| *open)
    }

    fn open(&mut self, check: Check, open: Open) {
        self.0.push((check as u8, open));
        self.0.sort_unstable_by_key(|(place, _)| *place);
    }

    fn close(&mut self, check: Check) {
        self.0.retain(|(place, _)| *place != check as u8);
    }
}

/// A check that opened or closed with a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// The check.
    pub check: Check,
    /// Begin of the first sample that it marks, or marks no more.
    pub at_ms: i64,
    /// Value and limit when it opened; null when it closed.
    pub opened: Option<(f32, f32)>,
}

/// History of one detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// Begin and length of the newest sample.
    newest: Option<(i64, u32)>,
    volume: u16,
    hour: Hour,
    occupied: Option<Run>,
    idle: Option<Run>,
    /// Occupancy that does not change.
    same: Option<Run>,
    /// Speed that does not change.
    #[serde(default)]
    steady: Option<Run>,
    occupancy_e4: Option<u16>,
    jumps_ms: [i64; 2],
    /// When each check tripped last.
    tripped_ms: [i64; FOLDED],
    open: OpenChecks,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            newest: None,
            volume: 0,
            hour: Hour::default(),
            occupied: None,
            idle: None,
            same: None,
            steady: None,
            occupancy_e4: None,
            jumps_ms: [NEVER; 2],
            tripped_ms: [NEVER; FOLDED],
            open: OpenChecks::default(),
        }
    }
}

/// When a sample begins, and what it is marked with by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Begin, Unix milliseconds.
    pub time_ms: i64,
    /// Bits that its message tells.
    pub bits: i32,
}

impl Fold {
    /// Begin and length of the newest sample.
    pub const fn newest(&self) -> Option<(i64, u32)> {
        self.newest
    }

    /// Whether a sample comes after all others.
    pub fn is_next(&self, time_ms: i64, duration_ms: u32) -> bool {
        self.newest.is_none_or(|newest| (time_ms, duration_ms) > newest)
    }

    /// Checks that are open, with since when.
    pub fn open(&self) -> impl Iterator<Item = (Check, Open)> {
        Check::folded().filter_map(|check| Some((check, self.open.get(check)?)))
    }

    /// Good samples of the last hour and all of them.
    pub fn good(&self) -> (u16, u16) {
        self.hour.good()
    }

    /// Takes the next sample in. Returns its bits, those of its message included; tells by `turn` what
    /// opened or closed.
    pub fn push(
        &mut self,
        at: At,
        sample: &Sample<'_>,
        (limits, zone): (&Limits, Tz),
        mut turn: impl FnMut(Turn),
    ) -> i32 {
        // A camera that looks elsewhere sees another place.
        let is_elsewhere = at.bits & bits::OFF_PRESET != 0;
        let mut trips = [None; FOLDED];
        let mut trip = |(check, value, limit): Trip| trips[check as usize] = Some((value, limit));
        if is_elsewhere {
            (self.occupied, self.idle, self.same, self.steady) = (None, None, None, None);
            self.occupancy_e4 = None;
        } else {
            self.volume(at, limits, sample, &mut trip);
            self.runs(at, sample, (limits, zone), &mut trip);
            self.jump(at, limits, sample, &mut trip);
        }
        // The hour's share of good samples counts every mark, so what the hour itself marks comes after.
        let before = self.standing(at.time_ms, &trips, limits);
        let is_good_so_far = is_good(at.bits | before);
        let mut shares = trips;
        let measured = if is_elsewhere { &NOTHING } else { sample };
        self.hour.push((at.time_ms, is_good_so_far), measured, limits, |(check, value, limit)| {
            shares[check as usize] = Some((value, limit));
        });
        self.newest = Some((at.time_ms, sample.duration_ms));
        self.settle(at.time_ms, &shares, limits, &mut turn);
        at.bits | self.marks()
    }

    fn volume(
        &mut self,
        at: At,
        limits: &Limits,
        sample: &Sample<'_>,
        trip: &mut impl FnMut(Trip),
    ) {
        if self.silence_ms(at.time_ms).is_some_and(|silence| silence > VOLUME_GAP_MS) {
            self.volume = 0;
        }
        let is_beyond = sample.is_beyond_capacity(limits);
        let kept = 16 - u32::from(limits.volume_window.clamp(1, 16));
        self.volume = (self.volume << 1 | u16::from(is_beyond)) & (u16::MAX >> kept);
        let beyond = self.volume.count_ones();
        if is_beyond && limits.volume_trips > 0 && beyond >= u32::from(limits.volume_trips) {
            #[expect(clippy::cast_precision_loss, reason = "at most 16")]
            trip((Check::MaxVolume, beyond as f32, f32::from(limits.volume_trips)));
        }
    }

    /// Time between the end of the newest sample and this begin; null before the first.
    fn silence_ms(&self, time_ms: i64) -> Option<i64> {
        self.newest.map(|(begin_ms, duration_ms)| time_ms - begin_ms - i64::from(duration_ms))
    }

    fn runs(
        &mut self,
        at: At,
        sample: &Sample<'_>,
        (limits, zone): (&Limits, Tz),
        trip: &mut impl FnMut(Trip),
    ) {
        let gap_ms = GAP_MS.max(i64::from(sample.duration_ms));
        let is_cut = self.silence_ms(at.time_ms).is_some_and(|silence| silence > gap_ms);
        let end_ms = at.time_ms + i64::from(sample.duration_ms);
        let before =
            if is_cut { [None; 4] } else { [self.occupied, self.idle, self.same, self.steady] };
        let [occupied, idle, same, steady] = before;
        let is_occupied = |share: u16| limits.stuck_s > 0 && share >= limits.stuck_occupancy_e4;
        let occupied_value = sample.occupancy_e4.filter(|share| is_occupied(*share)).map(|_| 1);
        self.occupied = extend(occupied, occupied_value, at.time_ms);
        // One long sample says less than several in a row.
        let cycles_ms = i64::from(limits.stuck_cycles) * i64::from(sample.duration_ms);
        if let Some(run) = &mut self.occupied
            && end_ms - run.since_ms > cycles_ms
        {
            judge(run, end_ms, limits.stuck_s, |value, limit| {
                trip((Check::StuckOn, value, limit));
            });
        }
        let idle_value =
            sample.count.filter(|count| *count == 0 && limits.idle_day_s > 0).map(|_| 0);
        self.idle = extend(idle, idle_value, at.time_ms);
        if let Some(run) = &mut self.idle {
            let found = idle_limit(run.since_ms, end_ms, (limits, zone));
            if found.is_some() || run.is_bad {
                run.is_bad = true;
                let limit_s = found.unwrap_or(limits.idle_night_s);
                trip((Check::NoActivity, seconds(end_ms - run.since_ms), whole(limit_s)));
            }
        }
        let is_judged = |_: &u32| limits.constant_s > 0;
        self.same = extend(same, constant_occupancy(sample).filter(is_judged), at.time_ms);
        self.steady = extend(steady, constant_speed(sample).filter(is_judged), at.time_ms);
        for run in [&mut self.same, &mut self.steady].into_iter().flatten() {
            judge(run, end_ms, limits.constant_s, |value, limit| {
                trip((Check::Constant, value, limit));
            });
        }
    }

    fn jump(&mut self, at: At, limits: &Limits, sample: &Sample<'_>, trip: &mut impl FnMut(Trip)) {
        let before = std::mem::replace(&mut self.occupancy_e4, sample.occupancy_e4);
        let is_cut = self
            .silence_ms(at.time_ms)
            .is_none_or(|silence| silence > GAP_MS.max(i64::from(sample.duration_ms)));
        let (Some(before), Some(now)) = (before, sample.occupancy_e4) else { return };
        if is_cut || limits.jump_e4 == 0 || before.abs_diff(now) <= limits.jump_e4 {
            return;
        }
        let jumps = [self.jumps_ms[0], self.jumps_ms[1], at.time_ms];
        let first = jumps[3_usize.saturating_sub(usize::from(limits.jumps.clamp(2, 3)))];
        let within_ms = i64::from(limits.jumps_within_s) * 1_000;
        if first != NEVER && at.time_ms - first <= within_ms {
            trip((Check::Spike, f32::from(limits.jumps), f32::from(limits.jumps)));
        }
        self.jumps_ms = [jumps[1], jumps[2]];
    }

    /// Bits of the checks that are bad at an instant, given what trips at it.
    fn standing(&self, time_ms: i64, trips: &[Option<(f32, f32)>; FOLDED], limits: &Limits) -> i32 {
        let bad = Check::folded().filter(|check| {
            let tripped_ms = self.tripped_ms[*check as usize];
            trips[*check as usize].is_some() || holds(*check, tripped_ms, time_ms, limits)
        });
        bad.fold(0, |marks, check| marks | check.bit())
    }

    /// Bits of the open checks.
    fn marks(&self) -> i32 {
        self.open().fold(0, |marks, (check, _)| marks | check.bit())
    }

    fn settle(
        &mut self,
        time_ms: i64,
        trips: &[Option<(f32, f32)>; FOLDED],
        limits: &Limits,
        turn: &mut impl FnMut(Turn),
    ) {
        for check in Check::folded() {
            let place = check as usize;
            if trips[place].is_some() {
                self.tripped_ms[place] = time_ms;
            }
            let is_bad =
                trips[place].is_some() || holds(check, self.tripped_ms[place], time_ms, limits);
            match (self.open.get(check), is_bad) {
                (None, true) => {
                    // Only a trip opens a check.
                    let (value, limit) = trips[place].unwrap_or_default();
                    self.open.open(check, Open { since_ms: time_ms, value, limit });
                    turn(Turn { check, at_ms: time_ms, opened: Some((value, limit)) });
                }
                (Some(_), false) => {
                    self.open.close(check);
                    turn(Turn { check, at_ms: time_ms, opened: None });
                }
                _ => {}
            }
        }
    }
}

const NOTHING: Sample<'static> = Sample {
    duration_ms: 0,
    count: None,
    occupancy_e4: None,
    speed_e1_kmh: None,
    samples: None,
    samples_expected: None,
    classes: None,
};

/// Good time after which a check clears, seconds; Q06 and Q07 clear with the first other sample.
const fn clear_s(check: Check, limits: &Limits) -> u32 {
    match check {
        Check::MaxVolume => limits.volume_clear_s,
        Check::OccupancyWithoutCount
        | Check::CountWithoutOccupancy
        | Check::MotorcyclesUnseen
        | Check::HighOccupancy => limits.mismatch_clear_s,
        Check::StuckOn => limits.stuck_clear_s,
        Check::Spike => limits.spike_clear_s,
        Check::Length => limits.length_clear_s,
        _ => 0,
    }
}

fn holds(check: Check, tripped_ms: i64, time_ms: i64, limits: &Limits) -> bool {
    tripped_ms != NEVER && time_ms - tripped_ms < i64::from(clear_s(check, limits)) * 1_000
}

fn extend(run: Option<Run>, value: Option<u32>, time_ms: i64) -> Option<Run> {
    let value = value?;
    let new = Run { since_ms: time_ms, value, is_bad: false };
    Some(run.filter(|run| run.value == value).unwrap_or(new))
}

fn judge(run: &mut Run, end_ms: i64, limit_s: u32, trip: impl FnOnce(f32, f32)) {
    let length_ms = end_ms - run.since_ms;
    if length_ms >= i64::from(limit_s) * 1_000 {
        run.is_bad = true;
        trip(seconds(length_ms), whole(limit_s));
    }
}

/// The occupancy above zero that must not stay for hours.
fn constant_occupancy(sample: &Sample<'_>) -> Option<u32> {
    sample.occupancy_e4.filter(|share| *share > 0).map(u32::from)
}

/// The speed of vehicles that must not stay for hours either, whatever the occupancy above zero does.
fn constant_speed(sample: &Sample<'_>) -> Option<u32> {
    match (sample.occupancy_e4, sample.speed_e1_kmh, sample.count) {
        (Some(1..) | None, Some(speed @ 1..), Some(1..)) => Some(u32::from(speed)),
        _ => None,
    }
}

/// The limit that a time without vehicles has reached, seconds: that of the night at any time; that of the
/// day only by the part of it that lies in this day.
fn idle_limit(since_ms: i64, end_ms: i64, (limits, zone): (&Limits, Tz)) -> Option<u32> {
    let reached = |from_ms: i64, limit_s: u32| end_ms - from_ms >= i64::from(limit_s) * 1_000;
    if reached(since_ms, limits.idle_night_s) {
        return Some(limits.idle_night_s);
    }
    if !reached(since_ms, limits.idle_day_s) {
        return None;
    }
    // The last instant of the sample decides the time of the day.
    let local = DateTime::from_timestamp_millis(end_ms - 1)?.with_timezone(&zone);
    let (from_h, to_h) = (u32::from(limits.day_from_h), u32::from(limits.day_to_h));
    if !(from_h..to_h).contains(&local.hour()) {
        return None;
    }
    let morning = local.date_naive().and_time(NaiveTime::from_hms_opt(from_h, 0, 0)?);
    let day_ms = zone.from_local_datetime(&morning).earliest()?.timestamp_millis();
    reached(since_ms.max(day_ms), limits.idle_day_s).then_some(limits.idle_day_s)
}

fn seconds(milliseconds: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "told to people")]
    let seconds = (milliseconds / 1_000) as f32;
    seconds
}

fn whole(value: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "told to people")]
    let value = value as f32;
    value
}

#[cfg(test)]
mod tests;
