//! Split failures: cycles of a phase after whose green vehicles still stand on its presence detectors, on the
//! stream of one controller's events.
//!
//! A cycle runs from green to green and counts when it has exactly one begin of yellow (event 8) and one end
//! of the first red seconds (event 10 and so much later), and the state of the detectors was known at its
//! begin. Its detectors are the presence detectors of the phase, together: one of them occupied is occupied.
//! It fails when they were occupied for a large share of the green and of the first red. Definitions and
//! rules for missing edges are those of the package `atspm` 2.6.1, with which the tests compare.
//!
//! Beyond it: a channel that the controller reports as faulty (84 to 88) is left out until it is restored
//! (83). Events are put in order within [`WINDOW_MS`]; what comes later than that, such as the buffer of a
//! controller that was cut off, is left out. A new boot, a clock that was set back, and a silence longer than
//! the window of the share begin anew. What is kept of a signal is bounded by [`HELD_MAX`], [`ON_MAX`] and
//! [`CYCLES_MAX`].

use std::collections::VecDeque;

use ioc_ingest::{Envelope, signal::ControllerEvent};
use serde::Deserialize;

/// Time for which events are waited for, milliseconds of the controller's clock.
const WINDOW_MS: i64 = 10_000;
/// So much earlier than the newest event a live batch tells that the clock was set back, milliseconds.
const SET_BACK_MS: i64 = 60_000;
/// Events that wait to be put in order; beyond it the oldest are waited for no longer.
const HELD_MAX: usize = 2_048;
/// Spans of occupancy of one phase within a cycle; beyond it the cycle is given up.
const ON_MAX: usize = 256;
/// Cycles of one phase within the window of the share; beyond it the oldest are forgotten.
const CYCLES_MAX: usize = 128;
/// First reds of one phase that have begun and not ended.
const RED_ENDS_MAX: usize = 8;
/// Between two switchings on, the detector went off at the second one when that came so soon, milliseconds.
const SHORT_GAP_MS: i64 = 2_000;

/// Events of the Indiana enumeration.
mod code {
    pub(super) const GREEN: u16 = 1;
    pub(super) const YELLOW: u16 = 8;
    pub(super) const RED: u16 = 10;
    pub(super) const OFF: u16 = 81;
    pub(super) const ON: u16 = 82;
    pub(super) const RESTORED: u16 = 83;
    pub(super) const FAULT_FIRST: u16 = 84;
    pub(super) const FAULT_LAST: u16 = 88;
}

/// When a cycle fails, and of which cycles a share is told.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Occupancy (above 0, up to 1) of green and of the first red from which a cycle fails.
    pub occupancy: f32,
    /// Length of the first red, 1 to 60 seconds.
    pub red_s: u16,
    /// Length of the window of the share, 60 to 86,400 seconds.
    pub window_s: u32,
    /// Fewest cycles of a phase of which a share is told, from 1 on.
    pub cycles: u8,
}

impl Limits {
    /// What is not allowed; null when all is well.
    pub fn mistake(&self) -> Option<&'static str> {
        [
            (self.occupancy > 0.0 && self.occupancy <= 1.0, "occupancy is above 0, up to 1"),
            ((1..=60).contains(&self.red_s), "red_s is 1 to 60"),
            ((60..=86_400).contains(&self.window_s), "window_s is 60 to 86400"),
            (self.cycles >= 1, "cycles is 1 or more"),
        ]
        .into_iter()
        .find_map(|(is_allowed, why)| (!is_allowed).then_some(why))
    }

    const fn red_ms(&self) -> i64 {
        self.red_s as i64 * 1_000
    }

    const fn window_ms(&self) -> i64 {
        self.window_s as i64 * 1_000
    }
}

/// One cycle of a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// End of its first red, by which it is counted, milliseconds since 1970.
    pub at_ms: i64,
    /// Length of green, milliseconds.
    pub green_ms: i64,
    /// Share of green in which a detector was occupied.
    pub green_occupancy: f32,
    /// Share of the first red in which a detector was occupied.
    pub red_occupancy: f32,
}

impl Cycle {
    /// Whether it fails.
    pub fn fails(&self, limits: &Limits) -> bool {
        self.green_occupancy >= limits.occupancy && self.red_occupancy >= limits.occupancy
    }
}

/// The phase of a signal with the largest share of failed cycles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// Failed cycles of all, 0 to 1.
    pub share: f64,
    /// Its number; null where no phase has enough cycles, and the share is 0.
    pub phase: Option<u8>,
}

/// A detector channel.
#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    /// Place of its phase.
    phase: usize,
    /// Its last switching: when, and whether on; null before the first.
    switched: Option<(i64, bool)>,
    is_faulty: bool,
}

/// A cycle that has begun.
#[derive(Debug, Clone, Copy)]
struct Running {
    green_ms: i64,
    yellow_ms: i64,
    yellows: u8,
    /// End of the first red.
    red_end_ms: i64,
    red_ends: u8,
}

/// A phase.
#[derive(Debug, Clone, Default)]
struct Phase {
    number: u8,
    /// Since when the state of a detector is known.
    known_ms: Option<i64>,
    /// Spans in which a detector was occupied, apart and in order; those that last are not among them.
    on: Vec<(i64, i64)>,
    running: Option<Running>,
    /// Ends of first reds that are to come.
    red_ends_ms: VecDeque<i64>,
    /// Latest cycles: when, and whether they failed.
    cycles: VecDeque<(i64, bool)>,
}

/// An event that is of interest: when, code, parameter.
type Event = (i64, u16, u16);

/// Split failures of one signal.
#[derive(Debug, Clone)]
pub struct SplitFailures {
    limits: Limits,
    /// By number.
    channels: Vec<Channel>,
    /// By number.
    phases: Vec<Phase>,
    /// Events within the window, in order.
    held: Vec<Event>,
    /// What is earlier was taken or is left out.
    taken_ms: i64,
    /// Newest event.
    newest_ms: i64,
    /// First event that was taken.
    begun_ms: Option<i64>,
    /// Boot and seq of the newest message.
    number: (u32, u64),
    worst: Option<Worst>,
}

impl SplitFailures {
    /// Of a signal with these channels and their phases; null without any.
    pub fn of(channels: &[(u16, u8)], limits: Limits) -> Option<Self> {
        if channels.is_empty() {
            return None;
        }
        let mut numbers: Vec<u8> = channels.iter().map(|(_, phase)| *phase).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let place = |phase| numbers.iter().position(|number| *number == phase).unwrap_or(0);
        let channel = |(number, phase): &(u16, u8)| Channel {
            number: *number,
            phase: place(*phase),
            switched: None,
            is_faulty: false,
        };
        let mut channels: Vec<Channel> = channels.iter().map(channel).collect();
        channels.sort_unstable_by_key(|channel| channel.number);
        let phase = |number: &u8| Phase { number: *number, ..Phase::default() };
        Some(Self {
            limits,
            channels,
            phases: numbers.iter().map(phase).collect(),
            held: Vec::new(),
            taken_ms: i64::MIN,
            newest_ms: i64::MIN,
            begun_ms: None,
            number: (0, 0),
            worst: None,
        })
    }

    /// Whether it is of these channels and limits.
    pub fn is_of(&self, channels: &[(u16, u8)], limits: Limits) -> bool {
        let own = self.channels.iter().map(|c| (c.number, self.phases[c.phase].number));
        self.limits == limits && own.eq(channels.iter().copied())
    }

    /// The worst phase over the window; null before events of one whole window were taken.
    pub const fn worst(&self) -> Option<Worst> {
        self.worst
    }

    /// Takes over a batch of events. Whether the worst phase or its share is another one.
    pub fn apply(&mut self, envelope: &Envelope, events: &[ControllerEvent]) -> bool {
        self.take(envelope, events, &mut |_, _| {});
        let worst = self.judge();
        std::mem::replace(&mut self.worst, worst) != worst
    }

    /// The same, and tells every cycle with the number of its phase.
    fn take(
        &mut self,
        envelope: &Envelope,
        events: &[ControllerEvent],
        told: &mut impl FnMut(u8, Cycle),
    ) {
        let Some(newest_ms) = events.iter().map(|event| event.time.timestamp_millis()).max() else {
            return;
        };
        let number = (envelope.boot, envelope.seq);
        if number > self.number {
            let is_set_back =
                !envelope.late && newest_ms < self.newest_ms.saturating_sub(SET_BACK_MS);
            let is_long_ago = newest_ms - self.limits.window_ms() > self.newest_ms;
            if envelope.boot > self.number.0 || is_set_back || is_long_ago {
                self.begin_anew();
            }
            self.number = number;
        }
        for event in events {
            self.hold((event.time.timestamp_millis(), event.code, event.parameter));
        }
        self.newest_ms = self.newest_ms.max(newest_ms);
        let mut until_ms = self.newest_ms - WINDOW_MS;
        let beyond = self.held.len().saturating_sub(HELD_MAX);
        if beyond > 0 {
            until_ms = until_ms.max(self.held[beyond].0);
        }
        let ready = self.held.partition_point(|(at_ms, ..)| *at_ms < until_ms).max(beyond);
        let mut held = std::mem::take(&mut self.held);
        for event in held.drain(..ready) {
            self.follow(event, told);
        }
        self.held = held;
        self.taken_ms = self.taken_ms.max(until_ms);
    }

    /// Keeps an event of interest until those before it have come.
    fn hold(&mut self, event: Event) {
        let (at_ms, code, parameter) = event;
        let is_wanted = match code {
            code::GREEN | code::YELLOW | code::RED => self.phase(parameter).is_some(),
            code::OFF..=code::FAULT_LAST => self.channel(parameter).is_some(),
            _ => false,
        };
        if !is_wanted || at_ms < self.taken_ms {
            return;
        }
        match self.held.last() {
            Some(last) if *last >= event => {
                if let Err(place) = self.held.binary_search(&event) {
                    self.held.insert(place, event);
                }
            }
            Some(_) | None => self.held.push(event),
        }
    }

    fn phase(&self, number: u16) -> Option<usize> {
        let number = u8::try_from(number).ok()?;
        self.phases.binary_search_by_key(&number, |phase| phase.number).ok()
    }

    fn channel(&self, number: u16) -> Option<usize> {
        self.channels.binary_search_by_key(&number, |channel| channel.number).ok()
    }

    fn begin_anew(&mut self) {
        for channel in &mut self.channels {
            (channel.switched, channel.is_faulty) = (None, false);
        }
        for phase in &mut self.phases {
            *phase = Phase { number: phase.number, ..Phase::default() };
        }
        self.held.clear();
        (self.taken_ms, self.newest_ms, self.begun_ms) = (i64::MIN, i64::MIN, None);
    }

    /// Takes the next event.
    fn follow(&mut self, (at_ms, code, parameter): Event, told: &mut impl FnMut(u8, Cycle)) {
        self.begun_ms.get_or_insert(at_ms);
        if let code::GREEN | code::YELLOW | code::RED = code {
            let Some(place) = self.phase(parameter) else { return };
            self.phases[place].end_reds(at_ms);
            match code {
                code::GREEN => self.begin_cycle(place, at_ms, told),
                code::YELLOW => self.phases[place].begin_yellow(at_ms),
                _ => self.phases[place].begin_red(at_ms + self.limits.red_ms()),
            }
            return;
        }
        let Some(place) = self.channel(parameter) else { return };
        match code {
            code::ON | code::OFF => self.switch(place, at_ms, code == code::ON),
            code::RESTORED | code::FAULT_FIRST..=code::FAULT_LAST => {
                let channel = &mut self.channels[place];
                (channel.switched, channel.is_faulty) = (None, code != code::RESTORED);
                let phase = channel.phase;
                let mut others = self.channels.iter().filter(|channel| channel.phase == phase);
                if others.all(|channel| channel.switched.is_none()) {
                    self.phases[phase].known_ms = None;
                }
            }
            _ => {}
        }
    }

    /// A detector goes on or off. What must have been between two equal switchings is added.
    fn switch(&mut self, place: usize, at_ms: i64, is_on: bool) {
        let Channel { phase, switched, is_faulty, .. } = &mut self.channels[place];
        if *is_faulty {
            return;
        }
        let middle = |since_ms: i64| since_ms + (at_ms - since_ms) / 2;
        let on = match (switched.replace((at_ms, is_on)), is_on) {
            (None | Some((_, false)), true) => None,
            (None, false) => Some((at_ms - 1, at_ms)),
            (Some((since_ms, true)), false) => Some((since_ms, at_ms)),
            (Some((since_ms, false)), false) => Some((middle(since_ms), at_ms)),
            (Some((since_ms, true)), true) if at_ms - since_ms <= SHORT_GAP_MS => {
                Some((since_ms, at_ms))
            }
            (Some((since_ms, true)), true) => Some((since_ms, middle(since_ms))),
        };
        let phase = &mut self.phases[*phase];
        let first_ms = on.map_or(at_ms, |(from, _)| from);
        phase.known_ms.get_or_insert(first_ms);
        if let Some(on) = on {
            phase.occupy(on);
        }
    }

    /// A green begins: the cycle before it is over.
    fn begin_cycle(&mut self, place: usize, at_ms: i64, told: &mut impl FnMut(u8, Cycle)) {
        if let Some(cycle) = self.finished(place) {
            let fails = cycle.fails(&self.limits);
            let phase = &mut self.phases[place];
            phase.cycles.push_back((cycle.at_ms, fails));
            if phase.cycles.len() > CYCLES_MAX {
                phase.cycles.pop_front();
            }
            told(phase.number, cycle);
        }
        let phase = &mut self.phases[place];
        phase.on.retain(|(_, to)| *to > at_ms);
        phase.running = Some(Running {
            green_ms: at_ms,
            yellow_ms: at_ms,
            yellows: 0,
            red_end_ms: at_ms,
            red_ends: 0,
        });
    }

    /// The cycle that is over now, when it counts.
    fn finished(&self, place: usize) -> Option<Cycle> {
        let phase = &self.phases[place];
        let Running { green_ms, yellow_ms, yellows, red_end_ms, red_ends } = phase.running?;
        let is_known = phase.known_ms.is_some_and(|known_ms| known_ms <= green_ms);
        if !is_known || yellows != 1 || red_ends != 1 || yellow_ms <= green_ms {
            return None;
        }
        let own = self.channels.iter().filter(|channel| channel.phase == place);
        // Since when one has been occupied that still is.
        let lasting_ms = own
            .filter_map(|channel| channel.switched)
            .filter_map(|(since_ms, is_on)| is_on.then_some(since_ms))
            .min()
            .unwrap_or(i64::MAX);
        let red_ms = self.limits.red_ms();
        let red_begin_ms = red_end_ms - red_ms;
        Some(Cycle {
            at_ms: red_end_ms,
            green_ms: yellow_ms - green_ms,
            green_occupancy: phase.occupancy((green_ms, yellow_ms), lasting_ms),
            red_occupancy: phase.occupancy((red_begin_ms, red_end_ms), lasting_ms),
        })
    }

    /// The worst phase over the window that ends with what was taken.
    fn judge(&mut self) -> Option<Worst> {
        let from_ms = self.taken_ms.saturating_sub(self.limits.window_ms());
        let mut worst = Worst { share: 0.0, phase: None };
        for phase in &mut self.phases {
            while phase.cycles.front().is_some_and(|(at_ms, _)| *at_ms < from_ms) {
                phase.cycles.pop_front();
            }
            if phase.cycles.len() < usize::from(self.limits.cycles) {
                continue;
            }
            let failed = phase.cycles.iter().filter(|(_, fails)| *fails).count();
            #[expect(clippy::cast_precision_loss, reason = "cycles of a quarter of an hour")]
            let share = failed as f64 / phase.cycles.len() as f64;
            if worst.phase.is_none() || share > worst.share {
                worst = Worst { share, phase: Some(phase.number) };
            }
        }
        self.begun_ms.is_some_and(|begun_ms| begun_ms <= from_ms).then_some(worst)
    }
}

impl Phase {
    /// Counts the ends of first reds before an instant. An event of the same instant goes first.
    fn end_reds(&mut self, before_ms: i64) {
        while let Some(at_ms) = self.red_ends_ms.front().copied().filter(|at| *at < before_ms) {
            self.red_ends_ms.pop_front();
            if let Some(running) = &mut self.running {
                running.red_end_ms = at_ms;
                running.red_ends = running.red_ends.saturating_add(1);
            }
        }
    }

    fn begin_red(&mut self, end_ms: i64) {
        // More than two make no cycle that counts.
        if self.red_ends_ms.len() < RED_ENDS_MAX {
            self.red_ends_ms.push_back(end_ms);
        }
    }

    fn begin_yellow(&mut self, at_ms: i64) {
        if let Some(running) = &mut self.running {
            running.yellow_ms = at_ms;
            running.yellows = running.yellows.saturating_add(1);
        }
    }

    /// Adds a span in which a detector was occupied.
    fn occupy(&mut self, (mut from, mut to): (i64, i64)) {
        let first = self.on.partition_point(|(_, end)| *end < from);
        let last = self.on.partition_point(|(begin, _)| *begin <= to);
        for (begin, end) in self.on.drain(first..last.max(first)) {
            (from, to) = (from.min(begin), to.max(end));
        }
        self.on.insert(first, (from, to));
        if self.on.len() > ON_MAX {
            // What was before is not known any more.
            self.known_ms = self.on.last().map(|(_, end)| *end);
            self.on.clear();
        }
    }

    /// Share of a span in which a detector was occupied, when one has been since `lasting_ms`.
    fn occupancy(&self, (from, to): (i64, i64), lasting_ms: i64) -> f32 {
        let until = to.min(lasting_ms.max(from));
        let spans =
            self.on.iter().map(|(begin, end)| ((*end).min(until) - (*begin).max(from)).max(0));
        let occupied = spans.sum::<i64>() + (to - until);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "milliseconds of a cycle; the ratio is rounded once"
        )]
        let share = (occupied as f64 / (to - from).max(1) as f64) as f32;
        share
    }
}

/// Those of the rules that the hub comes with.
#[cfg(test)]
pub(crate) const USUAL: Limits = Limits { occupancy: 0.8, red_s: 5, window_s: 900, cycles: 3 };

#[cfg(test)]
mod tests;
