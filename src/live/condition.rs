//! How a device is, from its latest messages: one word and one reason code.
//!
//! Pure. The worst reason wins; reasons are a closed list of codes that the screens put into words.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{
    Word as _,
    health::{DetectorState, Health, LampFault, Power},
    signal::{Mode, SignalState},
};

use crate::quality::{Check, Limits};

/// How a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Condition {
    /// Never heard of.
    Unknown = 0,
    /// Works.
    Normal = 1,
    /// Works with a restriction.
    Warning = 2,
    /// Does not do its work.
    Fault = 3,
    /// Says nothing.
    Offline = 4,
}

/// Periods without a message after which a device counts as silent.
const SILENT_PERIODS: i32 = 3;
/// Shortest silence that counts.
const SILENT_MIN: TimeDelta = TimeDelta::seconds(30);
/// Silence that counts where no period is registered.
const SILENT_UNKNOWN: TimeDelta = TimeDelta::minutes(5);
/// A picture that has not changed for longer is frozen, milliseconds.
const FROZEN_MS: u64 = 30_000;
/// Battery charge below which a device is warned of, percent.
const BATTERY_LOW_PCT: u8 = 30;

/// What is known of a device.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Latest message of any stream, hub clock.
    pub last_seen: Option<DateTime<Utc>>,
    /// Registered period of the main stream, milliseconds.
    pub period_ms: Option<u32>,
    /// Latest connection state.
    pub online: Option<bool>,
    /// Latest signal state.
    pub state: Option<&'a SignalState>,
    /// Latest health.
    pub health: Option<&'a Health>,
    /// Whether the camera stands at its home preset.
    pub home: Option<bool>,
    /// Reported clock offset, milliseconds.
    pub clock_offset_ms: Option<i32>,
    /// Offset beyond which it is warned of, milliseconds; null where no thresholds are known.
    pub clock_suspect_ms: Option<u32>,
    /// The worst check of its detectors that is open.
    pub detector: Option<Check>,
}

/// After how long without a message a device counts as silent.
pub fn silent_after(period_ms: Option<u32>) -> TimeDelta {
    period_ms.map_or(SILENT_UNKNOWN, |period_ms| {
        (TimeDelta::milliseconds(i64::from(period_ms)) * SILENT_PERIODS).max(SILENT_MIN)
    })
}

/// The condition and its reason.
pub fn evaluate(known: &Known<'_>, now: DateTime<Utc>) -> (Condition, Option<String>) {
    let Some(last_seen) = known.last_seen else { return (Condition::Unknown, None) };
    let code = |text: &str| Some(text.to_owned());
    if known.online == Some(false) {
        return (Condition::Offline, code("will"));
    }
    // A system that publishes now and then says itself whether it is there.
    let says_itself = known.period_ms.is_none() && known.online == Some(true);
    if !says_itself && now - last_seen > silent_after(known.period_ms) {
        return (Condition::Offline, code("silent"));
    }
    if let Some(why) = fault(known) {
        return (Condition::Fault, Some(why));
    }
    if let Some(why) = warning(known) {
        return (Condition::Warning, Some(why));
    }
    (Condition::Normal, None)
}

fn fault(known: &Known<'_>) -> Option<String> {
    if let Some(state) = known.state {
        match (state.mode, state.flash) {
            (Mode::Dark, _) => return Some("dark".into()),
            (_, Some(5)) => return Some("flash.fault_monitor".into()),
            (_, Some(6)) => return Some("flash.mmu".into()),
            _ => {}
        }
    }
    let health = known.health?;
    if health.power == Some(Power::Off) {
        return Some("power.off".into());
    }
    if health.monitor_fault.as_deref().is_some_and(|fault| fault != "none") {
        return Some("monitor".into());
    }
    if let Some(camera) = &health.camera {
        if camera.reachable == Some(false) {
            let why = camera.why.map_or("unreachable", ioc_ingest::Word::as_str);
            return Some(format!("camera.{why}"));
        }
        if camera.freeze_ms.is_some_and(|ms| ms > FROZEN_MS) {
            return Some("camera.frozen".into());
        }
    }
    let lamps = health.lamps.as_deref().unwrap_or_default();
    lamps.iter().any(|lamp| lamp.fault == LampFault::Major).then(|| "lamp.major".into())
}

fn warning(known: &Known<'_>) -> Option<String> {
    if let Some(state) = known.state {
        match (state.flash, state.mode) {
            // Automatic flash (3) is planned: an event, nothing to warn of.
            (Some(4), _) => return Some("flash.local_manual".into()),
            (Some(7), _) => return Some("flash.startup".into()),
            (Some(8), _) => return Some("flash.preempt".into()),
            (Some(1), _) => return Some("flash.other".into()),
            (_, Mode::Manual) => return Some("manual".into()),
            _ => {}
        }
    }
    if known.home == Some(false) {
        return Some("camera.off_preset".into());
    }
    if let Some(health) = known.health
        && let Some(why) = health_warning(health)
    {
        return Some(why);
    }
    let suspect_ms = known.clock_suspect_ms.unwrap_or(Limits::HUB.clock_suspect_ms);
    let is_off = |offset: i32| suspect_ms > 0 && offset.unsigned_abs() > suspect_ms;
    if known.clock_offset_ms.is_some_and(is_off) {
        return Some("clock".into());
    }
    let failed = known.detector.filter(|check| check.is_failure());
    failed.map(|check| format!("detector.{}", check.as_str()))
}

fn health_warning(health: &Health) -> Option<String> {
    match health.power {
        Some(Power::Battery) => return Some("power.battery".into()),
        Some(Power::Bypass) => return Some("power.bypass".into()),
        Some(Power::Line | Power::Off) | None => {}
    }
    if health.battery_pct.is_some_and(|pct| pct < BATTERY_LOW_PCT) {
        return Some("battery.low".into());
    }
    let detectors = health.detectors.as_deref().unwrap_or_default();
    if let Some(bad) = detectors.iter().find(|channel| channel.state != DetectorState::Ok) {
        return Some(format!("detector.{}", bad.state.as_str()));
    }
    let lamps = health.lamps.as_deref().unwrap_or_default();
    if lamps.iter().any(|lamp| lamp.fault == LampFault::Minor) {
        return Some("lamp.minor".into());
    }
    (health.door_open == Some(true)).then(|| "door".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn heard<'a>() -> Known<'a> {
        Known { last_seen: Some(NOW), period_ms: Some(10_000), ..Known::default() }
    }

    fn state(mode: Mode, flash: u8) -> SignalState {
        SignalState {
            mode,
            plan: None,
            cycle_ms: None,
            cycle_position_ms: None,
            offset_ms: None,
            flash: Some(flash),
            preempt: None,
            groups: Vec::new(),
        }
    }

    #[test]
    fn a_device_never_heard_of_is_unknown_and_not_offline() {
        assert_eq!(evaluate(&Known::default(), NOW).0, Condition::Unknown);
    }

    #[test]
    fn a_system_without_a_period_is_silent_only_when_it_does_not_say_that_it_is_there() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(2);
        let last_seen = Some(DateTime::UNIX_EPOCH);
        let condition = |period_ms, online| {
            evaluate(&Known { last_seen, period_ms, online, ..Known::default() }, now).0
        };
        assert_eq!(condition(None, Some(true)), Condition::Normal);
        assert_eq!(condition(None, None), Condition::Offline);
        assert_eq!(condition(None, Some(false)), Condition::Offline);
        assert_eq!(condition(Some(60_000), Some(true)), Condition::Offline);
    }

    #[test]
    fn silence_counts_after_three_periods_and_never_before_thirty_seconds() {
        let at = |s| evaluate(&heard(), NOW + TimeDelta::seconds(s)).0;
        assert_eq!(at(30), Condition::Normal);
        assert_eq!(at(31), Condition::Offline);
        assert_eq!(silent_after(Some(60_000)), TimeDelta::seconds(180));
        assert_eq!(silent_after(Some(1_000)), SILENT_MIN);
    }

    #[test]
    fn planned_flash_is_normal_and_conflict_flash_a_fault() {
        for (flash, expected, why) in [
            (2, Condition::Normal, None),
            (3, Condition::Normal, None),
            (4, Condition::Warning, Some("flash.local_manual")),
            (5, Condition::Fault, Some("flash.fault_monitor")),
            (6, Condition::Fault, Some("flash.mmu")),
        ] {
            let state = state(Mode::Flash, flash);
            let (condition, reason) = evaluate(&Known { state: Some(&state), ..heard() }, NOW);
            assert_eq!((condition, reason.as_deref()), (expected, why), "flash {flash}");
        }
    }

    #[test]
    fn a_last_will_is_told_before_everything_else() {
        let state = state(Mode::Dark, 2);
        let known = Known { online: Some(false), state: Some(&state), ..heard() };
        assert_eq!(evaluate(&known, NOW), (Condition::Offline, Some("will".into())));
    }

    #[test]
    fn a_clock_is_warned_of_beyond_two_seconds() {
        let by = |offset, clock_suspect_ms| {
            evaluate(&Known { clock_offset_ms: Some(offset), clock_suspect_ms, ..heard() }, NOW).0
        };
        assert_eq!(by(1_000, Some(500)), Condition::Warning, "as configured");
        assert_eq!(by(2_500, Some(3_000)), Condition::Normal);
        let at = |offset| by(offset, None);
        assert_eq!(at(-2_000), Condition::Normal);
        assert_eq!(at(-2_001), Condition::Warning);
    }
}
