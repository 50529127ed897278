//! When and how simulated equipment fails: a pure function of seed, source and time.
//!
//! Time is cut into blocks of two hours; a source has at most one fault in a block, which begins and
//! ends inside of it. So the state at any instant is known without a history, and the next change
//! is always near.

use ioc_ingest::Service;

use super::{
    calendar::HOUR_MS,
    dice::{Dice, Purpose},
};

/// Length of a block.
pub(crate) const BLOCK_MS: i64 = 2 * HOUR_MS;
/// Shortest and longest fault in milliseconds.
const LENGTH_MS: (u32, u32) = (4 * 60_000, 45 * 60_000);

/// How equipment fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The link is down: the broker announces the last will, the device buffers and replays later.
    Link,
    /// The device lost power and starts again with a new boot.
    Restart,
    /// The monitor found a conflict and flashes the junction.
    ConflictFlash,
    /// The junction is dark.
    Dark,
    /// A detector reports presence without end.
    DetectorStuck,
    /// A red lamp is out.
    LampOut,
    /// A lane is not measured.
    LaneSilent,
    /// The camera refuses the password.
    CameraAuth,
    /// The picture stands still.
    CameraFrozen,
    /// The camera was moved off its home preset.
    CameraMoved,
    /// The cabinet runs on its battery.
    OnBattery,
    /// The cabinet door is open.
    DoorOpen,
    /// Somebody at the cabinet set a plan that is not the scheduled one.
    WrongPlan,
    /// A queue that no green clears stands at the stop line of a phase.
    Queue,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What fails.
    pub(crate) kind: FaultKind,
    /// First millisecond of the fault.
    pub(crate) from_ms: i64,
    /// First millisecond after it.
    pub(crate) until_ms: i64,
    /// Picks the lane, channel or lamp that fails.
    pub(crate) part: u64,
}

/// How a lane of a station is broken for days, until somebody repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chronic {
    /// It reports presence without end.
    StuckOn,
    /// It sees nothing any more.
    Dead,
    /// It counts more vehicles than a lane can carry, and its occupancy jumps.
    Chatter,
}

/// Length of the time for which a lane is broken.
const CHRONIC_MS: i64 = 3 * 24 * HOUR_MS;
/// Share of lanes that are broken at any time.
const CHRONIC_SHARE: f64 = 0.012;

/// How a lane is broken at an instant.
pub(crate) fn chronic_at(seed: u64, lane: u64, at_ms: i64) -> Option<Chronic> {
    let mut dice = Dice::new(seed, Purpose::Chronic, lane, at_ms.div_euclid(CHRONIC_MS));
    if !dice.chance(CHRONIC_SHARE) {
        return None;
    }
    let kinds = [Chronic::StuckOn, Chronic::Dead, Chronic::Chatter];
    kinds.get(dice.index(kinds.len())).copied()
}

/// Probability of a fault in a block, and the kinds with their weights.
fn habits(service: Service) -> (f64, &'static [(FaultKind, f64)]) {
    match service {
        Service::Signal => (
            0.07,
            &[
                (FaultKind::Link, 3.0),
                (FaultKind::DetectorStuck, 3.0),
                (FaultKind::LampOut, 2.0),
                (FaultKind::ConflictFlash, 1.0),
                (FaultKind::Dark, 1.0),
                (FaultKind::Restart, 1.0),
                (FaultKind::WrongPlan, 1.0),
                (FaultKind::Queue, 1.0),
            ],
        ),
        Service::Vds => (
            0.08,
            &[
                (FaultKind::Link, 3.0),
                (FaultKind::LaneSilent, 2.0),
                (FaultKind::DetectorStuck, 2.0),
                (FaultKind::Restart, 1.0),
            ],
        ),
        Service::Cctv => (
            0.08,
            &[
                (FaultKind::CameraAuth, 2.0),
                (FaultKind::CameraFrozen, 2.0),
                (FaultKind::CameraMoved, 2.0),
                (FaultKind::Link, 2.0),
            ],
        ),
        Service::Cabinet => (
            0.06,
            &[(FaultKind::OnBattery, 2.0), (FaultKind::DoorOpen, 2.0), (FaultKind::Link, 1.0)],
        ),
        Service::Desk | Service::Onestop | Service::Metric => (0.0, &[]),
    }
}

/// The fault of the block that `at_ms` lies in, whether or not it lasts at that instant.
fn fault_of_block(seed: u64, source: u64, service: Service, at_ms: i64) -> Option<Fault> {
    let block = at_ms.div_euclid(BLOCK_MS);
    let mut dice = Dice::new(seed, Purpose::Fault, source, block);
    let (probability, kinds) = habits(service);
    if !dice.chance(probability) {
        return None;
    }
    let weights: Vec<f64> = kinds.iter().map(|(_, weight)| *weight).collect();
    let (kind, _) = kinds.get(dice.weighted(&weights))?;
    let length = dice.millis(LENGTH_MS.0, LENGTH_MS.1);
    // One second is kept free at both ends, so that two blocks never touch.
    let room = u32::try_from(BLOCK_MS - length - 2000).unwrap_or(0);
    let from_ms = block * BLOCK_MS + 1000 + dice.millis(0, room);
    Some(Fault { kind: *kind, from_ms, until_ms: from_ms + length, part: dice.bits() })
}

/// The fault that `source` has at `at_ms`.
pub(crate) fn fault_at(seed: u64, source: u64, service: Service, at_ms: i64) -> Option<Fault> {
    fault_of_block(seed, source, service, at_ms)
        .filter(|fault| (fault.from_ms..fault.until_ms).contains(&at_ms))
}

/// The next instant after `at_ms` at which [`fault_at`] may answer differently.
pub(crate) fn next_change_ms(seed: u64, source: u64, service: Service, at_ms: i64) -> i64 {
    let block_end = (at_ms.div_euclid(BLOCK_MS) + 1) * BLOCK_MS;
    match fault_of_block(seed, source, service, at_ms) {
        Some(fault) if at_ms < fault.from_ms => fault.from_ms,
        Some(fault) if at_ms < fault.until_ms => fault.until_ms,
        Some(_) | None => block_end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::dice::key;

    #[test]
    fn walking_the_changes_finds_every_fault_from_begin_to_end() {
        let source = key("sig-001");
        let (mut at, end) = (0, 400 * BLOCK_MS);
        let mut faults = Vec::new();
        while at < end {
            if let Some(fault) = fault_at(5, source, Service::Signal, at) {
                assert_eq!(at, fault.from_ms, "entered at its begin");
                assert_eq!(fault_at(5, source, Service::Signal, fault.until_ms - 1), Some(fault));
                assert_eq!(fault_at(5, source, Service::Signal, fault.until_ms), None);
                faults.push(fault);
            }
            let next = next_change_ms(5, source, Service::Signal, at);
            assert!(next > at);
            at = next;
        }
        assert!((15..50).contains(&faults.len()), "{} faults", faults.len());
    }

    #[test]
    fn a_few_lanes_of_a_city_are_broken_in_each_way_for_days() {
        let of = |at: i64| -> Vec<Option<Chronic>> {
            (0..3_000).map(|n| chronic_at(1, key(&format!("lane-{n}")), at)).collect()
        };
        let day = 24 * HOUR_MS;
        let (now, soon, later) = (of(0), of(2 * day), of(4 * day));
        assert_eq!(now, soon);
        assert_ne!(now, later);
        for kind in [Chronic::StuckOn, Chronic::Dead, Chronic::Chatter] {
            let found = now.iter().filter(|lane| **lane == Some(kind)).count();
            assert!((3..40).contains(&found), "{found} are {kind:?}");
        }
    }

    #[test]
    fn a_few_of_three_hundred_signals_are_in_fault_at_any_time() {
        let in_fault = |at| {
            (0..300)
                .filter(|n| fault_at(1, key(&format!("sig-{n:03}")), Service::Signal, at).is_some())
                .count()
        };
        let total: usize = (0..50).map(|n| in_fault(n * 3_700_000)).sum();
        assert!((50..400).contains(&total), "{total} in 50 looks");
    }
}
