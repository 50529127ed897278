//! High-resolution events of one cycle, in the Indiana enumeration, read from the same timeline as
//! the states of the groups.

use ioc_ingest::signal::GroupKind;

use super::{
    dice::{Dice, Purpose},
    faults::{Fault, FaultKind},
    health::pick,
    plan::Run,
    signal::{CLEARANCE_MS, Cycle, Event, Junction, PED_CLEARANCE_MS, StageRun, YELLOW_MS},
};

/// Codes of the Indiana enumeration that the simulator sends.
pub(crate) mod code {
    pub(crate) const PHASE_ON: u16 = 0;
    pub(crate) const BEGIN_GREEN: u16 = 1;
    pub(crate) const MIN_COMPLETE: u16 = 3;
    pub(crate) const GAP_OUT: u16 = 4;
    pub(crate) const MAX_OUT: u16 = 5;
    pub(crate) const FORCE_OFF: u16 = 6;
    pub(crate) const GREEN_TERMINATION: u16 = 7;
    pub(crate) const BEGIN_YELLOW: u16 = 8;
    pub(crate) const END_YELLOW: u16 = 9;
    pub(crate) const BEGIN_CLEARANCE: u16 = 10;
    pub(crate) const END_CLEARANCE: u16 = 11;
    pub(crate) const PHASE_INACTIVE: u16 = 12;
    pub(crate) const WALK: u16 = 21;
    pub(crate) const PED_CLEARANCE: u16 = 22;
    pub(crate) const DONT_WALK: u16 = 23;
    pub(crate) const CALL: u16 = 43;
    pub(crate) const CALL_DROPPED: u16 = 44;
    pub(crate) const PED_CALL: u16 = 45;
    pub(crate) const DETECTOR_OFF: u16 = 81;
    pub(crate) const DETECTOR_ON: u16 = 82;
    pub(crate) const DETECTOR_RESTORED: u16 = 83;
    pub(crate) const DETECTOR_FAULT: u16 = 84;
    pub(crate) const PED_DETECTOR_OFF: u16 = 89;
    pub(crate) const PED_DETECTOR_ON: u16 = 90;
    pub(crate) const PATTERN: u16 = 131;
    pub(crate) const CYCLE_LENGTH: u16 = 132;
    pub(crate) const FLASH_STATUS: u16 = 173;
}

/// Smallest green after which the minimum is reported as complete.
const MIN_GREEN_MS: i64 = 5000;
/// Channels up to this one are of stop lines, see [`channels`].
const STOP_LINES_MAX: u16 = 16;
/// In a queue one vehicle after the other stands on the detector: how long, and the gap behind it.
const STANDING_MS: i64 = 7_500;
const GAP_MS: i64 = 500;
/// Detector channel of the stop line of a phase, and of its advance detector.
pub(crate) const fn channels(phase: u8) -> [u16; 2] {
    [phase as u16, phase as u16 + 16]
}

/// Every event of `cycle`, in order of time, within its segment.
pub(crate) fn events(junction: &Junction, cycle: &Cycle) -> Vec<Event> {
    let (start, end) = (cycle.segment.start_ms, cycle.segment.end_ms);
    let mut events = Vec::new();
    match cycle.segment.run {
        Run::NightFlash => events.push((start, code::FLASH_STATUS, 3)),
        Run::Cycle { plan, first } => {
            if first {
                let cycle_s = u16::try_from((end - start) / 1000).unwrap_or(0);
                events.push((start, code::FLASH_STATUS, 2));
                events.push((start, code::PATTERN, plan));
                events.push((start, code::CYCLE_LENGTH, cycle_s));
            }
        }
    }
    let last = cycle.stages.len().saturating_sub(1);
    for group in &junction.groups {
        let Some(stage) = cycle.stages.get(group.stage) else { continue };
        let coordinated = group.stage == last;
        let phase = u16::from(group.number);
        match group.kind {
            GroupKind::Pedestrian => walks(&mut events, stage, phase, coordinated, start),
            GroupKind::Vehicle | GroupKind::Bicycle | GroupKind::Tram | GroupKind::Overlap => {
                greens(&mut events, stage, phase, coordinated, start);
                let mut dice = Dice::new(
                    junction.seed,
                    Purpose::Arrival,
                    junction.key.wrapping_add(u64::from(group.number)),
                    start,
                );
                let arrivals_veh_s = junction.arrivals_veh_s(start);
                let [stop, advance] = channels(group.number);
                stop_line(&mut events, &mut dice, stage, stop, arrivals_veh_s, end);
                passing(&mut events, &mut dice, advance, arrivals_veh_s, (start, end));
            }
        }
    }
    events.retain(|event| (start..end).contains(&event.0));
    events.sort_unstable();
    events.dedup();
    events
}

fn greens(events: &mut Vec<Event>, run: &StageRun, phase: u16, coordinated: bool, start: i64) {
    // The coordinated green ends where the cycle begins.
    let end = if coordinated { start } else { run.end_ms };
    let cause = match (coordinated, run.end_ms < run.bounds_ms.1) {
        (true, _) => code::FORCE_OFF,
        (false, true) => code::GAP_OUT,
        (false, false) => code::MAX_OUT,
    };
    let yellow_end = end + YELLOW_MS;
    let red_end = yellow_end + CLEARANCE_MS;
    let times = [
        (run.call_ms, code::CALL),
        (run.begin_ms, code::PHASE_ON),
        (run.begin_ms, code::BEGIN_GREEN),
        (run.begin_ms, code::CALL_DROPPED),
        ((run.begin_ms + MIN_GREEN_MS).min(run.end_ms), code::MIN_COMPLETE),
        (end, cause),
        (end, code::GREEN_TERMINATION),
        (end, code::BEGIN_YELLOW),
        (yellow_end, code::END_YELLOW),
        (yellow_end, code::BEGIN_CLEARANCE),
        (red_end, code::END_CLEARANCE),
        (red_end, code::PHASE_INACTIVE),
    ];
    events.extend(times.map(|(at, code)| (at, code, phase)));
}

fn walks(events: &mut Vec<Event>, run: &StageRun, phase: u16, coordinated: bool, start: i64) {
    if !run.walk {
        return;
    }
    let end = if coordinated { start } else { run.end_ms };
    let times = [
        (run.begin_ms, code::WALK),
        (run.end_ms - PED_CLEARANCE_MS, code::PED_CLEARANCE),
        (end, code::DONT_WALK),
    ];
    events.extend(times.map(|(at, code)| (at, code, phase)));
    // The coordinated walk comes by itself, the others by the button.
    if !coordinated {
        let pressed = [
            (run.call_ms, code::PED_DETECTOR_ON),
            (run.call_ms, code::PED_CALL),
            (run.call_ms + 300, code::PED_DETECTOR_OFF),
        ];
        events.extend(pressed.map(|(at, code)| (at, code, phase)));
    }
}

/// A waiting vehicle stands on the stop line detector until green, then the queue drives over it.
fn stop_line(
    events: &mut Vec<Event>,
    dice: &mut Dice,
    run: &StageRun,
    channel: u16,
    arrivals_veh_s: f64,
    cycle_end: i64,
) {
    let mut off = run.begin_ms + dice.millis(1200, 2400);
    events.push((run.call_ms, code::DETECTOR_ON, channel));
    events.push((off, code::DETECTOR_OFF, channel));
    let queued = dice.poisson(arrivals_veh_s * 40.0).min(8);
    for _ in 0..queued {
        let on = off + dice.millis(700, 1900);
        let next_off = on + dice.millis(300, 800);
        if next_off >= run.end_ms.min(cycle_end) {
            break;
        }
        events.push((on, code::DETECTOR_ON, channel));
        events.push((next_off, code::DETECTOR_OFF, channel));
        off = next_off;
    }
}

/// Vehicles pass the advance detector one by one.
fn passing(
    events: &mut Vec<Event>,
    dice: &mut Dice,
    channel: u16,
    arrivals_veh_s: f64,
    (start, end): (i64, i64),
) {
    let mean_gap_ms = 1000.0 / arrivals_veh_s.max(0.001);
    let mut at = start;
    loop {
        // Exponential gaps, at least 1 s: one lane passes one vehicle after the other.
        let gap = -(1.0 - dice.share()).ln() * mean_gap_ms;
        at += 1000 + i64::from(super::dice::whole(gap, 600_000));
        let off = at + dice.millis(200, 650);
        if off >= end {
            return;
        }
        events.push((at, code::DETECTOR_ON, channel));
        events.push((off, code::DETECTOR_OFF, channel));
    }
}

/// The events of a span as a fault lets them through.
pub(crate) fn with_fault(
    events: &[Event],
    fault: &Fault,
    channels: &[u16],
    (from, until): (i64, i64),
) -> Vec<Event> {
    let lasts = |at: i64| (fault.from_ms..fault.until_ms).contains(&at);
    let (own, mut kept): (Vec<Event>, Vec<Event>) = match fault.kind {
        FaultKind::ConflictFlash => (
            vec![(fault.from_ms, code::FLASH_STATUS, 5), (fault.until_ms, code::FLASH_STATUS, 2)],
            events.iter().copied().filter(|event| !lasts(event.0)).collect(),
        ),
        FaultKind::Dark => {
            (Vec::new(), events.iter().copied().filter(|event| !lasts(event.0)).collect())
        }
        FaultKind::DetectorStuck => {
            let Some(stuck) = pick(channels, *fault) else { return events.to_vec() };
            let detector = |event: &Event| {
                matches!(event.1, code::DETECTOR_ON | code::DETECTOR_OFF) && event.2 == stuck
            };
            (
                vec![
                    (fault.from_ms, code::DETECTOR_ON, stuck),
                    (fault.from_ms + 120_000, code::DETECTOR_FAULT, stuck),
                    (fault.until_ms, code::DETECTOR_OFF, stuck),
                    (fault.until_ms, code::DETECTOR_RESTORED, stuck),
                ],
                events
                    .iter()
                    .copied()
                    .filter(|event| !(lasts(event.0) && detector(event)))
                    .collect(),
            )
        }
        FaultKind::Queue => {
            let stop_lines: Vec<u16> =
                channels.iter().copied().filter(|channel| *channel <= STOP_LINES_MAX).collect();
            let Some(full) = pick(&stop_lines, *fault) else { return events.to_vec() };
            let detector = |event: &Event| {
                matches!(event.1, code::DETECTOR_ON | code::DETECTOR_OFF) && event.2 == full
            };
            let others = |event: &Event| !(lasts(event.0) && detector(event));
            (queue(fault, full, (from, until)), events.iter().copied().filter(others).collect())
        }
        FaultKind::Link
        | FaultKind::Restart
        | FaultKind::LampOut
        | FaultKind::LaneSilent
        | FaultKind::CameraAuth
        | FaultKind::CameraFrozen
        | FaultKind::CameraMoved
        | FaultKind::OnBattery
        | FaultKind::DoorOpen
        | FaultKind::WrongPlan => (Vec::new(), events.to_vec()),
    };
    kept.extend(own.into_iter().filter(|event| (from..until).contains(&event.0)));
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// What a detector says of a queue that stands on it, in a span.
fn queue(fault: &Fault, channel: u16, (from, until): (i64, i64)) -> Vec<Event> {
    const EVERY_MS: i64 = STANDING_MS + GAP_MS;
    let first = (from.max(fault.from_ms) - fault.from_ms) / EVERY_MS;
    let vehicles = (first..).map(|number| fault.from_ms + number * EVERY_MS);
    vehicles
        .take_while(|on| *on < until.min(fault.until_ms))
        .flat_map(|on| {
            let off = (on + STANDING_MS).min(fault.until_ms);
            [(on, code::DETECTOR_ON, channel), (off, code::DETECTOR_OFF, channel)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ioc_ingest::{Envelope, signal::ControllerEvent};

    use super::*;
    use crate::{
        measure::split::{SplitFailures, USUAL, Worst},
        simulate::{calendar::HOUR_MS, calendar::utc, controller::Controller, dice::key},
    };

    /// Monday, 2 March 2026, 07:00 in Can Tho.
    const SEVEN_MS: i64 = 1_772_384_400_000 + 7 * HOUR_MS;

    /// The worst phase of a junction after 40 minutes of the morning's peak.
    fn worst(fault: Option<Fault>) -> Option<Worst> {
        let groups = [2, 4, 6, 8].map(|phase| (GroupKind::Vehicle, phase));
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        let junction = Junction::new(1, key("sig-001"), zone, 0, &groups);
        let all: Vec<u16> = [2, 4, 6, 8].into_iter().flat_map(channels).collect();
        let presence = [(2, 2), (4, 4), (6, 6), (8, 8)];
        let mut splits = SplitFailures::of(&presence, USUAL)?;
        let mut controller = Controller::new(junction, SEVEN_MS);
        for seq in 1..2_400 {
            let (from, until) = (SEVEN_MS + (seq - 1) * 1_000, SEVEN_MS + seq * 1_000);
            controller.advance(until);
            let mut events = controller.events(from, until);
            if let Some(fault) = &fault {
                events = with_fault(&events, fault, &all, (from, until));
            }
            let event =
                |(at_ms, code, parameter)| ControllerEvent { time: utc(at_ms), code, parameter };
            let events: Vec<ControllerEvent> = events.into_iter().map(event).collect();
            let number = u64::try_from(seq).unwrap();
            let envelope =
                Envelope { time: utc(from), boot: 1, seq: number, clock: None, late: false };
            splits.apply(&envelope, &events);
        }
        splits.worst()
    }

    #[test]
    fn greens_clear_the_queue_unless_it_is_a_fault() {
        assert_eq!(worst(None).map(|worst| worst.share), Some(0.0));
        let (from_ms, until_ms) = (SEVEN_MS + 300_000, SEVEN_MS + 3_600_000);
        let queue = Fault { kind: FaultKind::Queue, from_ms, until_ms, part: 1 };
        let found = worst(Some(queue)).unwrap();
        assert!(found.share > 0.9 && found.phase == Some(4), "{found:?}");
        // A detector that is stuck is no queue.
        let stuck = Fault { kind: FaultKind::DetectorStuck, part: 2, ..queue };
        assert_eq!(worst(Some(stuck)).map(|worst| worst.share), Some(0.0));
    }
}
