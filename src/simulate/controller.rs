//! A controller that runs: walks from cycle to cycle and tells states and events of any instant.
//!
//! Time only moves forward. The cycle before is kept, because a batch of events may begin in it; the
//! cycle after is known, because a state tells when it will likely end.

use ioc_ingest::signal::{Group as GroupFact, GroupKind, Mode, SignalState};

use super::{
    calendar::utc,
    plan::Run,
    signal::{Cycle, Event, Group, Junction, flash_state, state},
};

/// Cycles before the start that are walked through to learn since when groups stand as they do.
const WARM_UP_CYCLES: usize = 4;

/// The contract tells ends at most an hour ahead, which a night of flash exceeds.
const END_MAX_MS: u32 = 3_600_000;

/// Why a controller does not run its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forced {
    /// The conflict monitor took over and flashes.
    ConflictFlash,
    /// No power at the lamps.
    Dark,
    /// Starting up after a loss of power.
    Startup,
}

/// NTCIP unitFlashStatus.
const FLASH_NONE: u8 = 2;
const FLASH_AUTOMATIC: u8 = 3;
const FLASH_FAULT_MONITOR: u8 = 5;
const FLASH_STARTUP: u8 = 7;

/// The plan that somebody at the cabinet sets.
const PLAN_BY_HAND: u16 = 9;

/// A junction and where it stands in its cycles.
#[derive(Debug, Clone)]
pub(crate) struct Controller {
    junction: Junction,
    previous: Cycle,
    current: Cycle,
    next: Cycle,
    /// Per group: the state at the begin of the current cycle, and since when.
    entered: Vec<(u8, i64)>,
}

impl Controller {
    /// A controller that has been running for some cycles at `at_ms`.
    pub(crate) fn new(junction: Junction, at_ms: i64) -> Self {
        let mut first = junction.cycle(at_ms);
        for _ in 0..WARM_UP_CYCLES {
            first = junction.cycle(first.segment.start_ms - 1);
        }
        let entered = junction
            .groups
            .iter()
            .map(|group| (first_state(&first, group), first.segment.start_ms))
            .collect();
        let next = junction.cycle(first.segment.end_ms);
        let mut this = Self { previous: first.clone(), current: first, next, entered, junction };
        this.advance(at_ms);
        this
    }

    /// Walks to the cycle that holds `at_ms`; an instant before the current cycle changes nothing.
    pub(crate) fn advance(&mut self, at_ms: i64) {
        while at_ms >= self.current.segment.end_ms {
            let after = self.junction.cycle(self.next.segment.end_ms);
            let current = std::mem::replace(&mut self.next, after);
            self.previous = std::mem::replace(&mut self.current, current);
            for (group, entered) in self.junction.groups.iter().zip(&mut self.entered) {
                let indications = self.previous.indications(group);
                if let [_, .., (from, last)] = indications[..] {
                    *entered = (last, from);
                }
                let now = first_state(&self.current, group);
                if now != entered.0 {
                    *entered = (now, self.current.segment.start_ms);
                }
            }
        }
    }

    /// The junction.
    pub(crate) const fn junction(&self) -> &Junction {
        &self.junction
    }

    /// The first change of any group after `at_ms`, which lies in the current cycle.
    pub(crate) fn next_change_ms(&self, at_ms: i64) -> i64 {
        self.junction
            .groups
            .iter()
            .flat_map(|group| self.current.indications(group))
            .map(|(from, _)| from)
            .filter(|from| *from > at_ms)
            .min()
            .unwrap_or(self.current.segment.end_ms)
    }

    /// Events from `from_ms` on and before `until_ms`, in order of time.
    pub(crate) fn events(&self, from_ms: i64, until_ms: i64) -> Vec<Event> {
        [&self.previous, &self.current]
            .into_iter()
            .filter(|cycle| cycle.segment.start_ms < until_ms)
            .flat_map(|cycle| {
                let begin = cycle.events.partition_point(|event| event.0 < from_ms);
                let end = cycle.events.partition_point(|event| event.0 < until_ms);
                cycle.events[begin..end].iter().copied()
            })
            .collect()
    }

    /// What the groups show at `at_ms`, which lies in the current cycle.
    pub(crate) fn state(&self, at_ms: i64) -> SignalState {
        let segment = self.current.segment;
        let groups = self.junction.groups.iter().zip(&self.entered);
        let groups = groups.map(|(group, entered)| self.group(group, *entered, at_ms)).collect();
        let millis = |span: i64| u32::try_from(span).ok();
        match segment.run {
            Run::NightFlash => SignalState {
                mode: Mode::Flash,
                plan: None,
                cycle_ms: None,
                cycle_position_ms: None,
                offset_ms: None,
                flash: Some(FLASH_AUTOMATIC),
                preempt: Some(0),
                groups,
            },
            Run::Cycle { plan, .. } => SignalState {
                mode: Mode::Coordinated,
                plan: Some(plan),
                cycle_ms: millis(segment.end_ms - segment.start_ms),
                cycle_position_ms: millis(at_ms - segment.start_ms),
                offset_ms: i32::try_from(self.junction.offset_ms).ok(),
                flash: Some(FLASH_NONE),
                preempt: Some(0),
                groups,
            },
        }
    }

    /// The same while somebody at the cabinet has set a plan: its timing happens to be that of the schedule.
    pub(crate) fn state_by_hand(&self, at_ms: i64) -> SignalState {
        let state = self.state(at_ms);
        let plan = state.plan.map(|_scheduled| PLAN_BY_HAND);
        SignalState { plan, ..state }
    }

    /// What the groups show while the controller is forced out of its plan.
    pub(crate) fn forced(&self, forced: Forced, since_ms: i64) -> SignalState {
        let (mode, flash) = match forced {
            Forced::ConflictFlash => (Mode::Flash, Some(FLASH_FAULT_MONITOR)),
            Forced::Dark => (Mode::Dark, None),
            Forced::Startup => (Mode::Startup, Some(FLASH_STARTUP)),
        };
        let shown = |group: &Group| match forced {
            Forced::ConflictFlash => flash_state(group),
            Forced::Dark => state::DARK,
            Forced::Startup => state::STOP,
        };
        let groups = self.junction.groups.iter().map(|group| fact(group, shown(group), since_ms));
        SignalState {
            mode,
            plan: None,
            cycle_ms: None,
            cycle_position_ms: None,
            offset_ms: None,
            flash,
            preempt: Some(0),
            groups: groups.collect(),
        }
    }

    fn group(&self, group: &Group, entered: (u8, i64), at_ms: i64) -> GroupFact {
        let indications = self.current.indications(group);
        let index = indications.iter().rposition(|(from, _)| *from <= at_ms).unwrap_or(0);
        let (from, shown) = indications.get(index).copied().unwrap_or((entered.1, entered.0));
        let since_ms = if index == 0 { entered.1 } else { from };
        let mut fact = fact(group, shown, since_ms);
        let end_ms = match indications.get(index + 1) {
            Some((next, _)) => Some(*next),
            None => self.end_in_next(group, shown),
        };
        let span = |end: i64| u32::try_from(end - at_ms).ok().filter(|span| *span <= END_MAX_MS);
        fact.likely_end_ms = end_ms.and_then(span);
        let stage = self.current.stages.get(group.stage);
        let vehicle = group.kind != GroupKind::Pedestrian;
        let (min_ms, max_ms) = match (shown, stage) {
            (state::GREEN, Some(run)) if vehicle => {
                (Some(run.bounds_ms.0.max(at_ms)), Some(run.bounds_ms.1))
            }
            (state::CLEARANCE, Some(_)) => (end_ms, end_ms),
            _ => (None, None),
        };
        fact.min_end_ms = min_ms.and_then(span);
        fact.max_end_ms = max_ms.and_then(span);
        fact.call = stage
            .filter(|_| vehicle)
            .map(|run| shown == state::STOP && (run.call_ms..run.begin_ms).contains(&at_ms));
        fact
    }

    /// When a state that outlasts the current cycle ends in the next one, if it does.
    fn end_in_next(&self, group: &Group, shown: u8) -> Option<i64> {
        let next = self.next.indications(group);
        next.iter().find(|(_, state)| *state != shown).map(|(from, _)| *from)
    }
}

fn first_state(cycle: &Cycle, group: &Group) -> u8 {
    cycle.indications(group).first().map_or(state::STOP, |(_, state)| *state)
}

fn fact(group: &Group, state: u8, since_ms: i64) -> GroupFact {
    GroupFact {
        group: group.number,
        kind: group.kind,
        state,
        since: Some(utc(since_ms)),
        min_end_ms: None,
        max_end_ms: None,
        likely_end_ms: None,
        call: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::simulate::{calendar::HOUR_MS, dice::key, events::code};

    const ZONE: chrono_tz::Tz = chrono_tz::Asia::Ho_Chi_Minh;
    /// Monday, 2 March 2026, 00:00 in Can Tho.
    const MONDAY_MS: i64 = 1_772_384_400_000;

    fn four_legs(seed: u64) -> Junction {
        let vehicles = [1, 2, 3, 4, 5, 6, 7, 8].map(|number| (GroupKind::Vehicle, number));
        let walks = [2, 4, 6, 8].map(|number| (GroupKind::Pedestrian, number));
        let groups = [&vehicles[..], &walks[..]].concat();
        Junction::new(seed, key("sig-001"), ZONE, 23_000, &groups)
    }

    /// Every instant at which a group changes, between two hours of Monday.
    fn walk(junction: Junction, from_h: i64, until_h: i64, mut look: impl FnMut(&Controller, i64)) {
        let mut at = MONDAY_MS + from_h * HOUR_MS;
        let mut controller = Controller::new(junction, at);
        while at < MONDAY_MS + until_h * HOUR_MS {
            controller.advance(at);
            look(&controller, at);
            at = controller.next_change_ms(at);
        }
    }

    #[test]
    fn greens_never_conflict() {
        walk(four_legs(1), 4, 24, |controller, at| {
            let state = controller.state(at);
            let moving: BTreeSet<usize> = state
                .groups
                .iter()
                .zip(&controller.junction.groups)
                .filter(|(fact, _)| matches!(fact.state, state::GREEN | state::CLEARANCE))
                .map(|(_, group)| group.stage)
                .collect();
            assert!(moving.len() <= 1, "stages {moving:?} move together at {at}");
        });
    }

    #[test]
    fn states_agree_with_the_events_of_the_same_cycle() {
        let mut shown: BTreeMap<(GroupKind, u8), u8> = BTreeMap::new();
        let mut seen_until = None;
        walk(four_legs(2), 6, 12, |controller, at| {
            // All events up to and with this instant.
            let events = controller.events(seen_until.unwrap_or(at - 90_000), at + 1);
            for (_, event, parameter) in events {
                let phase = u8::try_from(parameter).unwrap();
                let (kind, state) = match event {
                    code::BEGIN_GREEN => (GroupKind::Vehicle, state::GREEN),
                    code::BEGIN_YELLOW => (GroupKind::Vehicle, state::CLEARANCE),
                    code::BEGIN_CLEARANCE => (GroupKind::Vehicle, state::STOP),
                    code::WALK => (GroupKind::Pedestrian, state::GREEN),
                    code::PED_CLEARANCE => (GroupKind::Pedestrian, state::CLEARANCE),
                    code::DONT_WALK => (GroupKind::Pedestrian, state::STOP),
                    _ => continue,
                };
                shown.insert((kind, phase), state);
            }
            seen_until = Some(at + 1);
            for fact in controller.state(at).groups {
                if let Some(state) = shown.get(&(fact.kind, fact.group)) {
                    assert_eq!(*state, fact.state, "{:?} {} at {at}", fact.kind, fact.group);
                }
            }
        });
        assert_eq!(shown.len(), 12, "every group was seen in events");
    }

    #[test]
    fn the_likely_end_is_the_end_and_since_the_begin() {
        let mut expected: BTreeMap<(GroupKind, u8), (i64, u8)> = BTreeMap::new();
        let mut checked = 0;
        walk(four_legs(3), 7, 9, |controller, at| {
            for fact in controller.state(at).groups {
                let since = fact.since.unwrap().timestamp_millis();
                assert!(since <= at);
                let name = (fact.kind, fact.group);
                if let Some((end, was)) = expected.get(&name) {
                    assert_eq!(*was != fact.state, at >= *end, "{name:?} at {at}");
                    if at == *end {
                        assert_eq!(since, at);
                        checked += 1;
                    }
                }
                if let Some(likely) = fact.likely_end_ms {
                    expected.insert(name, (at + i64::from(likely), fact.state));
                    assert!(fact.min_end_ms.is_none_or(|min| min <= likely));
                    assert!(fact.max_end_ms.is_none_or(|max| max >= likely));
                }
            }
        });
        assert!(checked > 1000, "{checked}");
    }

    #[test]
    fn events_do_not_depend_on_how_time_is_cut() {
        let from = MONDAY_MS + 7 * HOUR_MS;
        let mut controller = Controller::new(four_legs(4), from);
        let mut second_by_second = Vec::new();
        for n in 0..600 {
            controller.advance(from + (n + 1) * 1000);
            second_by_second.extend(controller.events(from + n * 1000, from + (n + 1) * 1000));
        }
        let mut at_once: Vec<Event> = Vec::new();
        let junction = four_legs(4);
        let mut at = from;
        while at < from + 600_000 {
            let cycle = junction.cycle(at);
            at_once.extend(cycle.events);
            at = cycle.segment.end_ms;
        }
        at_once.retain(|event| (from..from + 600_000).contains(&event.0));
        assert_eq!(second_by_second, at_once);
        let distinct: BTreeSet<_> = at_once.iter().collect();
        assert_eq!(distinct.len(), at_once.len(), "natural keys are unique");
        assert!((600..3000).contains(&at_once.len()), "{} events in ten minutes", at_once.len());
    }

    #[test]
    fn a_night_of_flash_shows_yellow_to_the_main_road_and_red_to_the_side_road() {
        let mut junction = four_legs(1);
        junction.night_flash = true;
        let at = MONDAY_MS + 2 * HOUR_MS;
        let state = Controller::new(junction, at).state(at);
        assert_eq!((state.mode, state.flash), (Mode::Flash, Some(FLASH_AUTOMATIC)));
        let of = |number| state.groups.iter().find(|group| group.group == number).unwrap().state;
        assert_eq!((of(2), of(4)), (state::CAUTION, state::STOP_THEN_PROCEED));
        assert!(state.groups.iter().all(|group| group.likely_end_ms.is_none()), "three hours left");
    }

    #[test]
    fn a_plan_that_is_set_by_hand_is_told_instead_of_the_scheduled_one() {
        let at = MONDAY_MS + 9 * HOUR_MS;
        let controller = Controller::new(four_legs(1), at);
        let (scheduled, by_hand) = (controller.state(at), controller.state_by_hand(at));
        assert_eq!((scheduled.plan, by_hand.plan), (Some(3), Some(PLAN_BY_HAND)));
        assert_eq!(SignalState { plan: Some(3), ..by_hand }, scheduled);
    }
}
