//! A signal controller: one timeline per cycle, from which both the states of the groups and the
//! high-resolution events are read, so that they cannot disagree.
//!
//! Stages follow each other and only groups of one stage are ever green, so no greens conflict. A
//! cycle begins with the yellow of the coordinated stage (its force-off point); the other stages may
//! gap out early, and the coordinated stage takes what they leave. Phases are numbered the NEMA way:
//! 2 and 6 the main road, 4 and 8 the side road, 1, 5, 3, 7 their left turns.

use chrono_tz::Tz;
use ioc_ingest::signal::GroupKind;

use super::{
    calendar::local,
    dice::{Dice, Purpose, whole},
    plan::{Daily, Run, Segment, segment},
    traffic::{Tide, demand},
};
use crate::schedule::Timetable;

/// Length of yellow.
pub(crate) const YELLOW_MS: i64 = 3000;
/// Red for all after yellow.
pub(crate) const CLEARANCE_MS: i64 = 2000;
/// Flashing "don't walk".
pub(crate) const PED_CLEARANCE_MS: i64 = 7000;
/// Shortest "walk".
const WALK_MIN_MS: i64 = 4000;
/// Shortest green of a stage.
const GREEN_MIN_MS: i64 = 5000;
/// Vehicles per second over the detectors of one approach at the peak.
const ARRIVALS_VEH_S: f64 = 0.24;

/// Movement phase states of SAE J2735 that the simulator shows.
pub(crate) mod state {
    pub(crate) const DARK: u8 = 1;
    pub(crate) const STOP_THEN_PROCEED: u8 = 2;
    pub(crate) const STOP: u8 = 3;
    pub(crate) const GREEN: u8 = 6;
    pub(crate) const CLEARANCE: u8 = 8;
    pub(crate) const CAUTION: u8 = 9;
}

/// A signal group and the stage that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Vehicles or pedestrians.
    pub(crate) kind: GroupKind,
    /// Phase number.
    pub(crate) number: u8,
    /// Index of its stage in the order of service; the last stage is the coordinated one.
    pub(crate) stage: usize,
}

/// What does not change of a controller.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Junction {
    /// Key of the source.
    pub(crate) key: u64,
    /// Seed of the city.
    pub(crate) seed: u64,
    /// Zone of its time-of-day plans.
    pub(crate) zone: Tz,
    /// Offset of its plans in milliseconds.
    pub(crate) offset_ms: i64,
    /// Whether it flashes yellow at night.
    pub(crate) night_flash: bool,
    /// The city's schedule of plans for it, if there is one.
    timetable: Option<Timetable>,
    /// Its groups.
    pub(crate) groups: Vec<Group>,
    /// Share of the green time per stage in the order of service.
    weights: Vec<f64>,
}

/// One stage within a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StageRun {
    /// Begin of green.
    pub(crate) begin_ms: i64,
    /// End of green.
    pub(crate) end_ms: i64,
    /// Earliest and latest end that the plan allows.
    pub(crate) bounds_ms: (i64, i64),
    /// Whether pedestrians walk.
    pub(crate) walk: bool,
    /// When the first vehicle called, before its green.
    pub(crate) call_ms: i64,
}

/// An event of the controller: time, Indiana code, parameter.
pub(crate) type Event = (i64, u16, u16);

/// One cycle (or night of flash) with everything that happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// From when to when, and by which plan.
    pub(crate) segment: Segment,
    /// One entry per stage in the order of service; empty while flashing.
    pub(crate) stages: Vec<StageRun>,
    /// In order of time, all within the segment.
    pub(crate) events: Vec<Event>,
}

impl Junction {
    /// A junction with these groups. Groups beyond the eight phases join the stage of the phase that
    /// their number falls on.
    pub(crate) fn new(
        seed: u64,
        key: u64,
        zone: Tz,
        offset_ms: i64,
        groups: &[(GroupKind, u8)],
    ) -> Self {
        // Order of service after the coordinated stage: side left, side, main left, main.
        const PAIRS: [(usize, f64); 4] = [(1, 1.0), (3, 2.0), (0, 1.0), (2, 3.0)];
        let pair = |number: u8| {
            let phase = usize::from(number.saturating_sub(1) % 8);
            match phase % 4 {
                2 => 0,
                3 => 1,
                0 => 2,
                _ => 3,
            }
        };
        let mut order: Vec<usize> = groups.iter().map(|(_, number)| pair(*number)).collect();
        order.sort_unstable();
        order.dedup();
        let stage = |number| order.iter().position(|found| *found == pair(number)).unwrap_or(0);
        let groups =
            groups.iter().map(|&(kind, number)| Group { kind, number, stage: stage(number) });
        let mut dice = Dice::new(seed, Purpose::Layout, key, 0);
        Self {
            key,
            seed,
            zone,
            offset_ms,
            night_flash: dice.chance(0.2),
            timetable: None,
            groups: groups.collect(),
            weights: order.iter().map(|index| PAIRS[*index].1).collect(),
        }
    }

    /// The junction with the city's schedule of plans.
    pub(crate) fn scheduled(self, timetable: Option<Timetable>) -> Self {
        Self { timetable, ..self }
    }

    /// The cycle that holds `at_ms`.
    pub(crate) fn cycle(&self, at_ms: i64) -> Cycle {
        let (zone, night_flash) = (self.zone, self.night_flash);
        let daily = Daily { zone, night_flash, timetable: self.timetable.as_ref() };
        let segment = segment(daily, self.offset_ms, at_ms);
        let stages = match segment.run {
            Run::NightFlash => Vec::new(),
            Run::Cycle { .. } => self.stages(&segment),
        };
        let mut cycle = Cycle { segment, stages, events: Vec::new() };
        cycle.events = super::events::events(self, &cycle);
        cycle
    }

    /// How busy the junction is at `at_ms`, 0..1.
    pub(crate) fn demand(&self, at_ms: i64) -> f64 {
        let size = Dice::new(self.seed, Purpose::Lane, self.key, 0).between(0.6, 1.0);
        demand(local(self.zone, at_ms), Tide::Even) * size
    }

    /// Vehicles per second on one approach.
    pub(crate) fn arrivals_veh_s(&self, at_ms: i64) -> f64 {
        self.demand(at_ms) * ARRIVALS_VEH_S
    }

    fn has_walk(&self, stage: usize) -> bool {
        self.groups.iter().any(|group| group.stage == stage && group.kind == GroupKind::Pedestrian)
    }

    fn stages(&self, segment: &Segment) -> Vec<StageRun> {
        const LOST_MS: i64 = YELLOW_MS + CLEARANCE_MS;
        let mut dice = Dice::new(self.seed, Purpose::Cycle, self.key, segment.start_ms);
        let busy = self.demand(segment.start_ms);
        let length = segment.end_ms - segment.start_ms;
        let count = i64::try_from(self.weights.len()).unwrap_or(1);
        let green = length - count * LOST_MS;
        let total = self.weights.iter().sum::<f64>();
        let last = self.weights.len().saturating_sub(1);
        // The cycle opens with yellow and clearance of the coordinated stage.
        let mut begin_ms = segment.start_ms + LOST_MS;
        let mut latest_ms = begin_ms;
        let mut stages = Vec::with_capacity(self.weights.len());
        for (index, weight) in self.weights.iter().enumerate() {
            let share = f64::from(i32::try_from(green).unwrap_or(0)) * weight / total;
            let split = i64::from(whole(share / 100.0, 10_000)) * 100;
            latest_ms += split;
            if index == last {
                let end_ms = segment.end_ms;
                let call_ms = begin_ms - dice.millis(500, 3000);
                let bounds_ms = (end_ms, end_ms);
                stages.push(StageRun { begin_ms, end_ms, bounds_ms, walk: true, call_ms });
                break;
            }
            let can_walk = self.has_walk(index) && split >= WALK_MIN_MS + PED_CLEARANCE_MS;
            let walk = can_walk && dice.chance(0.25 + 0.5 * busy);
            let least = if walk { WALK_MIN_MS + PED_CLEARANCE_MS } else { GREEN_MIN_MS };
            let gaps_out = dice.chance(1.0 - busy);
            let cut = i64::from(whole(dice.between(0.1, 1.0) * 100.0, 100));
            let early = if gaps_out { (split - least) * cut / 100 / 100 * 100 } else { 0 };
            let end_ms = begin_ms + split - early.max(0);
            let waits = begin_ms - segment.start_ms - 500;
            let call_ms = segment.start_ms + dice.millis(0, u32::try_from(waits).unwrap_or(0));
            stages.push(StageRun {
                begin_ms,
                end_ms,
                bounds_ms: ((begin_ms + least).min(end_ms), latest_ms.max(end_ms)),
                walk,
                call_ms,
            });
            begin_ms = end_ms + LOST_MS;
            latest_ms += LOST_MS;
        }
        stages
    }
}

impl Cycle {
    /// What a group shows in this cycle: (from, state) in order of time, the first from its start.
    pub(crate) fn indications(&self, group: &Group) -> Vec<(i64, u8)> {
        let start = self.segment.start_ms;
        let Some(stage) = self.stages.get(group.stage).copied() else {
            return vec![(start, flash_state(group))];
        };
        let coordinated = group.stage + 1 == self.stages.len();
        let pedestrian = group.kind == GroupKind::Pedestrian;
        match (pedestrian, coordinated) {
            (false, true) => vec![
                (start, state::CLEARANCE),
                (start + YELLOW_MS, state::STOP),
                (stage.begin_ms, state::GREEN),
            ],
            (false, false) => vec![
                (start, state::STOP),
                (stage.begin_ms, state::GREEN),
                (stage.end_ms, state::CLEARANCE),
                (stage.end_ms + YELLOW_MS, state::STOP),
            ],
            (true, _) if !stage.walk => vec![(start, state::STOP)],
            (true, true) => vec![
                (start, state::STOP),
                (stage.begin_ms, state::GREEN),
                (stage.end_ms - PED_CLEARANCE_MS, state::CLEARANCE),
            ],
            (true, false) => vec![
                (start, state::STOP),
                (stage.begin_ms, state::GREEN),
                (stage.end_ms - PED_CLEARANCE_MS, state::CLEARANCE),
                (stage.end_ms, state::STOP),
            ],
        }
    }
}

/// What a group shows while the junction flashes: the main road yellow, the others red.
pub(crate) fn flash_state(group: &Group) -> u8 {
    match group.kind {
        GroupKind::Pedestrian => state::DARK,
        GroupKind::Vehicle | GroupKind::Bicycle | GroupKind::Tram | GroupKind::Overlap => {
            if matches!(group.number % 4, 2) { state::CAUTION } else { state::STOP_THEN_PROCEED }
        }
    }
}
