//! What is known of one device, and the fields that it tells.
//!
//! The latest message of each stream, decided by (time, boot, seq), of a status by (boot, receive time), as
//! everywhere in the hub; so a message that comes again, or late, changes nothing. Beside it a little that
//! one message does not tell: since when a call waits, what incidents last, which plan is scheduled, and how
//! cycles end.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use ioc_ingest::{
    Fact, Message, Word as _,
    health::{Camera, DetectorState, Health, LampFault},
    incident::IncidentKind,
    interval::Interval,
    signal::{GroupKind, Mode, SignalState},
};

use super::{
    condition::Look,
    field::{Field, Trigger, Value},
    station::Station,
};
use crate::{
    live::condition::silent_after,
    measure::{split::SplitFailures, usual::Lately},
    schedule::{Scheduled, Timetable},
};

/// Longest green that is no matter of concern, milliseconds; three cycles where that is longer.
const GREEN_MAX_MS: i64 = 300_000;
/// Pedestrian detector on (Indiana enumeration).
const PED_DETECTION: u16 = 90;
/// Local hours in which pedestrian detections are counted.
const NIGHT_HOURS: std::ops::Range<u32> = 1..5;
/// Fewest detectors of which a share is told.
const DETECTORS_MIN: usize = 3;
/// SAE J2735 `MovementPhaseState`: permissive and protected movement allowed.
const GREEN: std::ops::RangeInclusive<u8> = 5..=6;

/// NTCIP unitFlashStatus: no flash.
const FLASH_NONE: u8 = 2;

type Order = (i64, i64, i64);

/// The latest incident of one kind in one zone.
#[derive(Debug, Clone, Copy)]
struct LastIncident {
    time: DateTime<Utc>,
    has_ended: bool,
}

/// The latest message of a stream.
#[derive(Debug, Clone)]
struct Told {
    order: Order,
    message: Arc<Message>,
    received_at: DateTime<Utc>,
}

/// What is known of one device.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Receipt of its latest message; null before the first.
    pub heard_at: Option<DateTime<Utc>>,
    /// Receipt of the latest that shows it alive: anything but the word that it is offline.
    pub alive_at: Option<DateTime<Utc>>,
    /// Since when it is lost; null while it is not.
    pub lost_since: Option<DateTime<Utc>>,
    /// Expected time between messages of the main stream, milliseconds.
    pub period_ms: Option<u32>,
    /// Free-flow speed at its place, km/h.
    pub free_flow_kmh: f64,
    /// Lanes and zones that are registered.
    pub detectors: usize,
    /// Of them those with bad data.
    pub detectors_bad: usize,
    /// Split failures of a signal whose presence detectors are known.
    pub splits: Option<Box<SplitFailures>>,
    /// Latest occupancy and what is usual; null where no rule asks for it.
    pub lately: Option<Box<Lately>>,
    /// A station among others; null where no rule asks for pairs.
    pub station: Option<Box<Station>>,
    /// Schedule of a signal that has one.
    timetable: Option<Box<Timetable>>,
    /// What was scheduled when it was last asked for.
    scheduled: Option<Scheduled>,
    boot: Option<u32>,
    status: Option<(Order, bool)>,
    state: Option<Told>,
    health: Option<Told>,
    interval: Option<Told>,
    clock_offset_ms: Option<i32>,
    config_changed: Option<bool>,
    ped_calls: BTreeMap<u8, DateTime<Utc>>,
    night: Option<(i64, u32)>,
    /// By kind and zone.
    incidents: BTreeMap<(&'static str, Box<str>), LastIncident>,
}

impl Facts {
    /// Takes over a message. What it tells anew; nothing when it is not newer than what is known.
    pub fn apply(
        &mut self,
        message: &Arc<Message>,
        received_at: DateTime<Utc>,
        zone: Tz,
    ) -> Vec<Trigger> {
        let is_alive = !matches!(message.fact, Fact::Status(status) if !status.online);
        self.hear(received_at, is_alive);
        let mut told = Vec::with_capacity(3);
        let Some(envelope) = &message.envelope else {
            if let Fact::Status(status) = message.fact
                && self.apply_status(status.boot, status.online, received_at)
            {
                told.push(Trigger::Presence);
            }
            return told;
        };
        let order = (
            envelope.time.timestamp_micros(),
            i64::from(envelope.boot),
            i64::try_from(envelope.seq).unwrap_or(i64::MAX),
        );
        if self.boot.is_none_or(|boot| envelope.boot >= boot) {
            self.boot = Some(envelope.boot);
            let offset_ms = envelope.clock.and_then(|clock| clock.offset_ms);
            if offset_ms != self.clock_offset_ms {
                self.clock_offset_ms = offset_ms;
                told.push(Trigger::Envelope);
            }
        }
        let new = Told { order, message: Arc::clone(message), received_at };
        match &message.fact {
            Fact::SignalState(state) => {
                if renew(&mut self.state, new) {
                    self.follow_calls(state, envelope.time);
                    told.push(Trigger::State);
                }
            }
            Fact::Health(health) => {
                let before = self.health().and_then(|known| known.config_sha256.clone());
                if renew(&mut self.health, new) {
                    if let (Some(before), Some(now)) = (before, &health.config_sha256) {
                        self.config_changed = Some(before != *now);
                    }
                    told.push(Trigger::Health);
                }
            }
            Fact::Interval(interval) => {
                if renew(&mut self.interval, new) {
                    let begin_ms = envelope.time.timestamp_millis();
                    if let Some(station) = &mut self.station {
                        station.take(begin_ms, interval);
                    }
                    if let Some(lately) = &mut self.lately {
                        let period = (begin_ms, i64::from(interval.duration_ms));
                        lately.take(period, occupancy(interval));
                    }
                    told.push(Trigger::Interval);
                }
            }
            Fact::Incident(incident) => {
                let (kind, zone) = (incident.kind.as_str(), incident.zone.clone());
                if self.note_incident(kind, zone, envelope.time, incident.ended.is_some()) {
                    told.push(Trigger::Incident);
                }
            }
            Fact::SignalEvents(batch) => {
                let calls = batch.events.iter().filter(|event| event.code == PED_DETECTION);
                for event in calls {
                    self.count_night(event.time, zone);
                    if told.last() != Some(&Trigger::Events) {
                        told.push(Trigger::Events);
                    }
                }
                let splits = self.splits.as_mut();
                if splits.is_some_and(|splits| splits.apply(envelope, &batch.events))
                    && told.last() != Some(&Trigger::Events)
                {
                    told.push(Trigger::Events);
                }
            }
            Fact::Status(_)
            | Fact::Ticket(_)
            | Fact::Call(_)
            | Fact::Dossier(_)
            | Fact::Assessment(_)
            | Fact::Petition(_)
            | Fact::Document(_)
            | Fact::Metric(_) => {}
        }
        told
    }

    /// Notes that something came from it.
    pub fn hear(&mut self, received_at: DateTime<Utc>, is_alive: bool) {
        self.heard_at = self.heard_at.max(Some(received_at));
        if is_alive {
            self.alive_at = self.alive_at.max(Some(received_at));
        }
    }

    /// An offline of an older boot says nothing.
    fn apply_status(&mut self, boot: u32, is_online: bool, received_at: DateTime<Utc>) -> bool {
        if self.boot.is_some_and(|known| boot < known && !is_online) {
            return false;
        }
        let order = (i64::from(boot), received_at.timestamp_micros(), 0);
        if self.status.is_some_and(|(known, _)| known >= order) {
            return false;
        }
        self.boot = Some(self.boot.map_or(boot, |known| known.max(boot)));
        self.status = Some((order, is_online));
        true
    }

    /// Notes an incident. False when a later one of its kind and zone is known, or nothing changes.
    pub fn note_incident(
        &mut self,
        kind: &'static str,
        zone: Box<str>,
        time: DateTime<Utc>,
        has_ended: bool,
    ) -> bool {
        let none = LastIncident { time: DateTime::UNIX_EPOCH, has_ended: true };
        let known = self.incidents.entry((kind, zone)).or_insert(none);
        // The end of an incident carries the time of its begin.
        if time < known.time || (time == known.time && (known.has_ended || !has_ended)) {
            return false;
        }
        *known = LastIncident { time, has_ended };
        true
    }

    /// Goes by another schedule, or none.
    pub(super) fn set_timetable(&mut self, timetable: Option<Timetable>) {
        if self.timetable.as_deref() != timetable.as_ref() {
            self.timetable = timetable.map(Box::new);
            self.scheduled = None;
        }
    }

    /// Takes over what is scheduled at `now`. Until before when, where that is another time than before.
    pub(super) fn follow_schedule(
        &mut self,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        let timetable = self.timetable.as_ref()?;
        if self.scheduled.is_some_and(|known| known.from <= now && now < known.until) {
            return None;
        }
        let scheduled = timetable.at(now, zone);
        self.scheduled = Some(scheduled);
        Some(scheduled.until)
    }

    /// The running plan and the scheduled one, where there is something to compare.
    fn plans(&self) -> Option<(u16, u16)> {
        let (state, _) = self.state()?;
        let is_by_plan = state.mode == Mode::Coordinated
            && state.flash.is_none_or(|flash| flash == FLASH_NONE)
            && state.preempt.is_none_or(|preempt| preempt == 0);
        let scheduled = self.scheduled?.plan.filter(|_| is_by_plan)?;
        Some((state.plan?, scheduled))
    }

    fn follow_calls(&mut self, state: &SignalState, time: DateTime<Utc>) {
        for group in state.groups.iter().filter(|group| group.kind == GroupKind::Pedestrian) {
            match group.call {
                Some(true) => {
                    self.ped_calls.entry(group.group).or_insert(time);
                }
                Some(false) => {
                    self.ped_calls.remove(&group.group);
                }
                None => {}
            }
        }
    }

    fn count_night(&mut self, time: DateTime<Utc>, zone: Tz) {
        let local = time.with_timezone(&zone);
        if !NIGHT_HOURS.contains(&local.hour()) {
            return;
        }
        let day = i64::from(chrono::Datelike::num_days_from_ce(&local));
        self.night = match self.night {
            Some((known, count)) if known == day => Some((day, count + 1)),
            Some((known, _)) if known > day => self.night,
            Some(_) | None => Some((day, 1)),
        };
    }

    /// Whether it is lost at `now` by its own last word (or its will), when the hub listens since `since`.
    ///
    /// A status carries no time, and the broker keeps it: an offline that is all that was heard since then
    /// may tell of the loss of a connection long ago. So its source first gets the time of its silence limit
    /// to come back. One that was heard alive since then is lost at once, and one that is lost stays so.
    pub fn is_offline(&self, now: DateTime<Utc>, since: DateTime<Utc>) -> bool {
        let is_news = || {
            self.lost_since.is_some()
                || self.alive_at.is_some_and(|at| at >= since)
                || now - since > silent_after(self.period_ms)
        };
        self.status.is_some_and(|(_, is_online)| !is_online) && is_news()
    }

    /// Whether it is lost at `now`, when silence counts from `since` at the earliest.
    pub fn is_lost(&self, now: DateTime<Utc>, since: DateTime<Utc>) -> bool {
        if self.status.is_some_and(|(_, is_online)| !is_online) {
            return self.is_offline(now, since);
        }
        // A system that publishes now and then says itself whether it is there.
        let says_itself = self.period_ms.is_none() && self.status.is_some();
        let Some(heard_at) = self.heard_at.filter(|_| !says_itself) else { return false };
        now - heard_at.max(since) > silent_after(self.period_ms)
    }

    /// Since when at the latest what a trigger tells has been so: the receipt of the message that told it.
    pub fn told_at(&self, trigger: Trigger) -> Option<DateTime<Utc>> {
        let told = match trigger {
            Trigger::State => &self.state,
            Trigger::Health => &self.health,
            Trigger::Interval => &self.interval,
            Trigger::Events
            | Trigger::Incident
            | Trigger::Presence
            | Trigger::Envelope
            | Trigger::Quality
            | Trigger::Pair
            | Trigger::Figure => return None,
        };
        told.as_ref().map(|told| told.received_at)
    }

    fn health(&self) -> Option<&Health> {
        match &self.health.as_ref()?.message.fact {
            Fact::Health(health) => Some(health),
            _ => None,
        }
    }

    fn state(&self) -> Option<(&SignalState, DateTime<Utc>)> {
        let message = &self.state.as_ref()?.message;
        match (&message.fact, &message.envelope) {
            (Fact::SignalState(state), Some(envelope)) => Some((state, envelope.time)),
            _ => None,
        }
    }

    fn interval(&self) -> Option<&Interval> {
        match &self.interval.as_ref()?.message.fact {
            Fact::Interval(interval) => Some(interval),
            _ => None,
        }
    }

    /// Length of the running cycle; null when not known.
    pub fn cycle(&self) -> Option<TimeDelta> {
        let (state, _) = self.state()?;
        state.cycle_ms.map(|ms| TimeDelta::milliseconds(i64::from(ms)))
    }

    fn incident(&self, kinds: &[IncidentKind]) -> Value<'_> {
        let is_open = |(kind, last): (&'static str, &LastIncident)| {
            !last.has_ended && kinds.iter().any(|wanted| wanted.as_str() == kind)
        };
        Value::Flag(self.incidents.iter().map(|((kind, _), last)| (*kind, last)).any(is_open))
    }
}

/// A number that a health report tells.
fn reported(field: Field, health: &Health) -> Option<f64> {
    let tenth = |value: u16| f64::from(value) / 10.0;
    match field {
        Field::Mains => health.mains_e1_v.map(tenth),
        Field::Frequency => health.mains_e1_hz.map(tenth),
        Field::BatteryPct => health.battery_pct.map(f64::from),
        Field::BatteryMin => health.battery_min.map(f64::from),
        Field::Temperature => health.temperature_e1_c.map(|value| f64::from(value) / 10.0),
        Field::UnitAlarm1 => health.unit_alarm_1.map(f64::from),
        Field::UnitAlarm2 => health.unit_alarm_2.map(f64::from),
        Field::ShortAlarm => health.short_alarm.map(f64::from),
        Field::Loss => health.network?.loss_e4.map(|share| f64::from(share) / 100.0),
        Field::RoundTrip => health.network?.rtt_ms.map(f64::from),
        Field::CameraDark => camera(health)?.dark_e4.map(|share| f64::from(share) / 10_000.0),
        Field::CameraFreeze =>
        {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a frozen picture")]
            camera(health)?.freeze_ms.map(|ms| ms as f64 / 1000.0)
        }
        Field::RecorderDisk => camera(health)?.disk_pct.map(f64::from),
        Field::RedLampsOut => lamps(health, true),
        Field::LampsFaulty => lamps(health, false),
        Field::ChannelsBad => channels(health).map(|(bad, _)| count(bad)),
        Field::ChannelsBadShare => channels(health).and_then(|(bad, all)| share(bad, all)),
        _ => None,
    }
}

/// Takes over a message that is newer than the known one.
fn renew(known: &mut Option<Told>, new: Told) -> bool {
    if known.as_ref().is_some_and(|known| known.order >= new.order) {
        return false;
    }
    *known = Some(new);
    true
}

fn camera(health: &Health) -> Option<&Camera> {
    health.camera.as_ref()
}

#[expect(clippy::cast_precision_loss, reason = "counts of lamps and detectors")]
const fn count(count: usize) -> f64 {
    count as f64
}

fn share(bad: usize, all: usize) -> Option<f64> {
    (all >= DETECTORS_MIN).then(|| count(bad) / count(all))
}

fn lamps(health: &Health, is_red_out: bool) -> Option<f64> {
    let lamps = health.lamps.as_ref()?;
    let is_wanted = |lamp: &&ioc_ingest::health::Lamp| {
        let red_out = lamp.fault == LampFault::Major && &*lamp.colour == "red";
        lamp.fault != LampFault::None && red_out == is_red_out
    };
    Some(count(lamps.iter().filter(is_wanted).count()))
}

fn channels(health: &Health) -> Option<(usize, usize)> {
    let channels = health.detectors.as_ref()?;
    let bad = channels.iter().filter(|channel| channel.state != DetectorState::Ok).count();
    Some((bad, channels.len()))
}

/// Time that a vehicle group has been green, in shares of the longest allowed.
fn stuck_share(state: &SignalState, time: DateTime<Utc>) -> f64 {
    let vehicles = || state.groups.iter().filter(|group| group.kind == GroupKind::Vehicle);
    // With nobody waiting, a controller in free mode rests in green.
    let is_called =
        vehicles().any(|group| group.call == Some(true) && !GREEN.contains(&group.state));
    if state.mode == Mode::Free && !is_called {
        return 0.0;
    }
    let longest = GREEN_MAX_MS.max(state.cycle_ms.map_or(0, |ms| 3 * i64::from(ms)));
    let green = vehicles().filter(|group| GREEN.contains(&group.state));
    let longest_green = green
        .filter_map(|group| group.since)
        .map(|since| (time - since).num_milliseconds())
        .max()
        .unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a green")]
    let share = longest_green as f64 / longest as f64;
    share
}

/// Mean occupancy of the lanes or zones that tell one; null while a camera is off its preset.
fn occupancy(interval: &Interval) -> Option<f64> {
    if interval.home == Some(false) {
        return None;
    }
    let told = || interval.readings.iter().filter_map(|reading| reading.occupancy_e4);
    let all = told().count();
    (all > 0).then(|| told().map(f64::from).sum::<f64>() / count(all) / 10_000.0)
}

/// Mean speed of the counted vehicles, km/h; null without any.
fn speed_kmh(interval: &Interval) -> Option<f64> {
    if interval.home == Some(false) {
        return None;
    }
    let told = || {
        let readings = interval.readings.iter();
        readings.filter_map(|r| Some((f64::from(r.count?), f64::from(r.speed_e1_kmh?) / 10.0)))
    };
    let vehicles: f64 = told().map(|(vehicles, _)| vehicles).sum();
    (vehicles > 0.5).then(|| told().map(|(n, speed)| n * speed).sum::<f64>() / vehicles)
}

impl Look for Facts {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        let state = || self.state().map(|(state, _)| state);
        let number = |value: Option<f64>| value.map(Value::Number);
        let flag = |value: Option<bool>| value.map(Value::Flag);
        match field {
            Field::Lost => Some(Value::Flag(self.lost_since.is_some())),
            Field::ClockOffset => {
                number(self.clock_offset_ms.map(|ms| f64::from(ms.unsigned_abs())))
            }
            Field::Mode => state().map(|state| Value::Word(state.mode.as_str())),
            Field::Flash => number(state()?.flash.map(f64::from)),
            Field::Preempt => number(state()?.preempt.map(f64::from)),
            Field::StuckShare => number(self.state().map(|(state, time)| stuck_share(state, time))),
            Field::PlanDiffers => {
                // What is not compared is no alarm, also while it was one.
                state()?;
                flag(Some(self.plans().is_some_and(|(running, scheduled)| running != scheduled)))
            }
            Field::SplitFailShare => number(self.splits.as_ref()?.worst().map(|worst| worst.share)),
            Field::PedCall => {
                let (_, time) = self.state()?;
                let oldest = self.ped_calls.values().min().copied().unwrap_or(time);
                #[expect(clippy::cast_precision_loss, reason = "seconds of a waiting call")]
                let waited = (time - oldest).num_seconds() as f64;
                Some(Value::Number(waited))
            }
            Field::PedNight => number(self.night.map(|(_, count)| f64::from(count))),
            Field::Power => Some(Value::Word(self.health()?.power?.as_str())),
            Field::Door => flag(self.health()?.door_open),
            Field::Technician => flag(self.health()?.technician),
            Field::MonitorFault => self.health()?.monitor_fault.as_deref().map(Value::Word),
            Field::ConfigChanged => flag(self.config_changed),
            Field::CameraReachable => flag(camera(self.health()?)?.reachable),
            Field::CameraStream => camera(self.health()?)?.stream.as_deref().map(Value::Word),
            Field::CameraMoved => flag(camera(self.health()?)?.moved),
            Field::CameraRecording => flag(camera(self.health()?)?.recording),
            Field::Home => flag(self.interval()?.home),
            Field::Occupancy => number(occupancy(self.interval()?)),
            Field::OccupancyDeviations => number(self.lately.as_ref()?.deviations()),
            Field::SpeedShare => {
                number(speed_kmh(self.interval()?).map(|speed| speed / self.free_flow_kmh.max(1.0)))
            }
            Field::WrongWay => Some(self.incident(&[IncidentKind::WrongWay])),
            Field::Stopped => Some(self.incident(&[IncidentKind::StoppedVehicle])),
            Field::Pedestrian => Some(self.incident(&[IncidentKind::Pedestrian])),
            Field::Fire => Some(self.incident(&[IncidentKind::Fire, IncidentKind::Smoke])),
            Field::DetectorsBadShare => number(share(self.detectors_bad, self.detectors)),
            told => number(reported(told, self.health()?)),
        }
    }

    fn detail(&self, field: Field) -> Option<String> {
        match field {
            Field::PlanDiffers => {
                self.plans().map(|(running, scheduled)| format!("{running}/{scheduled}"))
            }
            Field::SplitFailShare => {
                self.splits.as_ref()?.worst()?.phase.map(|phase| phase.to_string())
            }
            _ => None,
        }
    }
}
