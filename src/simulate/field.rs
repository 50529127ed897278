//! A field device of the simulated city: controller, station, camera or cabinet, with its link.
//!
//! While its link is down a device goes on: events, intervals and incidents wait in its buffer with
//! their own seq and are replayed as late, at ten times the usual pace; states and health are not
//! kept. What a device says at an instant follows from the instant, so time may be cut at will.

use std::collections::VecDeque;

use ioc_ingest::{
    Fact, Service, Stream,
    interval::Place,
    signal::{ControllerEvent, GroupKind, SignalEvents},
};

use super::{
    calendar::utc,
    camera,
    controller::{Controller, Forced},
    dice::{Dice, Purpose},
    events::{channels, with_fault},
    faults::{self, Fault, FaultKind},
    health::Reporter,
    publisher::{BUFFER_SPAN_MS, Duty, Identity, LATE_AFTER_MS, Outgoing, Surroundings, Work},
    signal::Event,
    station::{self, StationLane},
};

/// State of a controller at least this often.
const STATE_EVERY_MS: i64 = 10_000;
/// A batch of controller events.
const EVENTS_EVERY_MS: i64 = 1000;
/// Most events of one message.
const EVENTS_MAX: usize = 200;
/// Health of any device.
const HEALTH_EVERY_MS: i64 = 60_000;
/// The broker misses a silent device after one and a half keep-alives.
const WILL_AFTER_MS: i64 = 45_000;
/// A controller shows red for all while it starts.
const STARTUP_MS: i64 = 8000;
/// Messages that a device can buffer; the oldest are overwritten.
const BUFFER_MAX: usize = 400;

/// What a field device is.
#[derive(Debug, Clone)]
pub(crate) enum Equipment {
    /// Signal controller.
    Controller(Box<Controller>),
    /// Detector station with the length of its intervals.
    Station(Vec<StationLane>, u32),
    /// Camera with its zones (none without analytics) and the length of its intervals.
    Camera(Vec<camera::Zone>, u32),
    /// Cabinet.
    Cabinet,
}

/// How a device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// To the broker.
    Up,
    /// Not, and the broker may not know it yet.
    Down { announced: bool },
    /// Without power.
    Off { announced: bool },
}

/// A device that publishes.
#[derive(Debug)]
pub(crate) struct FieldDevice {
    around: Surroundings,
    identity: Identity,
    equipment: Equipment,
    /// Key of the cabinet that feeds it.
    cabinet: Option<u64>,
    link: Link,
    buffer: VecDeque<Outgoing>,
    /// First instant whose events have not been sent.
    events_from_ms: i64,
    /// Instants of the last state and health, which are natural keys.
    last_ms: [i64; Stream::ALL.len()],
    /// When the device last started again after a loss of power.
    restarted_ms: Option<i64>,
}

impl FieldDevice {
    /// A device that starts at the start of the simulation.
    pub(crate) fn new(
        around: Surroundings,
        identity: Identity,
        equipment: Equipment,
        cabinet: Option<u64>,
    ) -> Self {
        Self {
            events_from_ms: around.start_ms,
            around,
            identity,
            equipment,
            cabinet,
            link: Link::Up,
            buffer: VecDeque::new(),
            last_ms: [i64::MIN; Stream::ALL.len()],
            restarted_ms: None,
        }
    }

    /// Whether the broker believes it to be connected.
    pub(crate) const fn is_online(&self) -> bool {
        matches!(self.link, Link::Up)
    }

    /// Its status message.
    pub(crate) fn status(&self, online: bool) -> Outgoing {
        self.identity.status(online)
    }

    /// Does what falls due at `due_ms`; `now_ms` is later when the simulator is behind.
    pub(crate) fn perform(&mut self, duty: Duty, due_ms: i64, now_ms: i64, work: &mut Work) {
        let at = Instant { due_ms, now_ms };
        match duty {
            Duty::Hello => self.hello(at, work),
            Duty::Fault => self.follow_fault(at, work),
            Duty::State => self.state(at, work),
            Duty::Events => self.events(at, work),
            Duty::Interval => self.interval(at, work),
            Duty::Incident => self.incident(at, work),
            Duty::Health => self.health(at, work),
            Duty::Replay => self.replay(at, work),
            Duty::Record | Duty::Past => {}
        }
    }

    /// The fault at an instant. An outage that began before the simulator did is left out: a device
    /// that was never heard has nothing to replay.
    fn fault(&self, at_ms: i64) -> Option<Fault> {
        let own = |fault: &Fault| {
            !matches!(fault.kind, FaultKind::Link | FaultKind::Restart)
                || fault.from_ms >= self.around.start_ms
        };
        let found =
            faults::fault_at(self.around.seed, self.identity.key, self.identity.service, at_ms);
        found.filter(|_| self.around.faults).filter(own)
    }

    /// A delay of its own, so that devices with aligned periods do not all speak at once.
    fn jitter_ms(&self) -> i64 {
        Dice::new(self.around.seed, Purpose::Jitter, self.identity.key, 0).millis(250, 3500)
    }

    /// When the equipment's health is due next. Unlike intervals, which are aligned to UTC, it comes at a
    /// time of each device's own: a city's devices were not switched on at the same second.
    fn next_health_ms(&self, at_ms: i64) -> i64 {
        let every = u32::try_from(HEALTH_EVERY_MS).unwrap_or(u32::MAX);
        let phase =
            Dice::new(self.around.seed, Purpose::Jitter, self.identity.key, 1).millis(0, every);
        (at_ms - phase).div_euclid(HEALTH_EVERY_MS) * HEALTH_EVERY_MS + HEALTH_EVERY_MS + phase
    }

    /// Sends, buffers or forgets a message, as the link allows.
    fn emit(&mut self, stream: Stream, time_ms: i64, at: Instant, fact: &Fact, work: &mut Work) {
        let kept = matches!(stream, Stream::Events | Stream::Interval | Stream::Incident);
        let behind_ms = at.now_ms - at.due_ms;
        match self.link {
            Link::Off { .. } => {}
            _ if !kept && self.last_ms[stream as usize] >= time_ms => {}
            Link::Down { .. } if kept => {
                let message = self.identity.message(stream, time_ms, true, fact);
                if self.buffer.len() == BUFFER_MAX {
                    self.buffer.pop_front();
                }
                self.buffer.push_back(message);
            }
            Link::Down { .. } => {}
            // Overwritten in the buffer long ago: its seq is used up, so the loss is known.
            Link::Up if behind_ms > BUFFER_SPAN_MS => {
                self.identity.take_seq(stream);
            }
            Link::Up if !kept && behind_ms > LATE_AFTER_MS => {}
            Link::Up => {
                let late = behind_ms > LATE_AFTER_MS;
                work.messages.push(self.identity.message(stream, time_ms, late, fact));
                self.last_ms[stream as usize] = time_ms;
            }
        }
    }

    fn hello(&mut self, at: Instant, work: &mut Work) {
        work.messages.push(self.identity.status(true));
        self.report_health(at, work);
        let jitter = self.jitter_ms();
        let next = |every: i64| (at.due_ms.div_euclid(every) + 1) * every + jitter;
        work.duties.push((self.next_health_ms(at.due_ms), Duty::Health));
        work.duties.push((at.due_ms + 1, Duty::Fault));
        match &self.equipment {
            Equipment::Controller(_) => {
                self.events_from_ms = at.due_ms;
                work.duties.push((at.due_ms + EVENTS_EVERY_MS, Duty::Events));
                self.state(at, work);
            }
            Equipment::Station(_, duration) => {
                let duration = i64::from(*duration);
                self.report_interval(
                    at.due_ms.div_euclid(duration) * duration - duration,
                    at,
                    work,
                );
                work.duties.push((next(duration), Duty::Interval));
            }
            Equipment::Camera(zones, duration) => {
                if zones.is_empty() {
                    return;
                }
                let duration = i64::from(*duration);
                self.report_interval(
                    at.due_ms.div_euclid(duration) * duration - duration,
                    at,
                    work,
                );
                work.duties.push((next(duration), Duty::Interval));
                work.duties.push((at.due_ms + 1, Duty::Incident));
            }
            Equipment::Cabinet => {}
        }
    }

    /// Follows the beginnings and ends of faults.
    fn follow_fault(&mut self, at: Instant, work: &mut Work) {
        let fault = self.fault(at.due_ms);
        let seed = self.around.seed;
        let mut next =
            faults::next_change_ms(seed, self.identity.key, self.identity.service, at.due_ms);
        let outage = fault.map(|fault| (fault.kind, fault.from_ms));
        match (self.link, outage) {
            (Link::Up, Some((FaultKind::Link, from))) => {
                self.link = Link::Down { announced: false };
                next = next.min(from + WILL_AFTER_MS);
            }
            (Link::Up, Some((FaultKind::Restart, from))) => {
                self.link = Link::Off { announced: false };
                next = next.min(from + WILL_AFTER_MS);
            }
            (Link::Down { announced: false }, Some((FaultKind::Link, _))) => {
                work.messages.push(self.identity.status(false));
                self.link = Link::Down { announced: true };
            }
            (Link::Off { announced: false }, Some((FaultKind::Restart, _))) => {
                work.messages.push(self.identity.status(false));
                self.link = Link::Off { announced: true };
            }
            (Link::Down { .. }, found) if found.is_none_or(|(kind, _)| kind != FaultKind::Link) => {
                self.link = Link::Up;
                work.messages.push(self.identity.status(true));
                work.duties.push((at.due_ms + 500, Duty::Replay));
            }
            (Link::Off { .. }, found)
                if found.is_none_or(|(kind, _)| kind != FaultKind::Restart) =>
            {
                self.link = Link::Up;
                self.identity.restart(at.due_ms);
                self.restarted_ms = Some(at.due_ms);
                self.events_from_ms = at.due_ms;
                work.messages.push(self.identity.status(true));
            }
            (Link::Up | Link::Down { .. } | Link::Off { .. }, _) => {}
        }
        // A change is told at once.
        self.report_health(at, work);
        self.report_state(at, work);
        work.duties.push((next.max(at.due_ms + 1), Duty::Fault));
    }

    fn state(&mut self, at: Instant, work: &mut Work) {
        self.report_state(at, work);
        let Equipment::Controller(controller) = &self.equipment else { return };
        let grid = (at.due_ms.div_euclid(STATE_EVERY_MS) + 1) * STATE_EVERY_MS + self.jitter_ms();
        let grid = if grid - at.due_ms > STATE_EVERY_MS { grid - STATE_EVERY_MS } else { grid };
        work.duties.push((grid.min(controller.next_change_ms(at.due_ms)), Duty::State));
    }

    fn report_state(&mut self, at: Instant, work: &mut Work) {
        let forced = self.forced(at.due_ms);
        let is_plan_wrong =
            self.fault(at.due_ms).is_some_and(|fault| fault.kind == FaultKind::WrongPlan);
        let Equipment::Controller(controller) = &mut self.equipment else { return };
        controller.advance(at.due_ms);
        let state = match forced {
            Some((forced, since_ms)) => controller.forced(forced, since_ms),
            None if is_plan_wrong => controller.state_by_hand(at.due_ms),
            None => controller.state(at.due_ms),
        };
        self.emit(Stream::State, at.due_ms, at, &Fact::SignalState(state), work);
    }

    /// Why the controller does not run its plan, and since when.
    fn forced(&self, at_ms: i64) -> Option<(Forced, i64)> {
        if let Some(since) = self.restarted_ms.filter(|since| at_ms < since + STARTUP_MS) {
            return Some((Forced::Startup, since));
        }
        let fault = self.fault(at_ms)?;
        match fault.kind {
            FaultKind::ConflictFlash => Some((Forced::ConflictFlash, fault.from_ms)),
            FaultKind::Dark => Some((Forced::Dark, fault.from_ms)),
            _ => None,
        }
    }

    fn events(&mut self, at: Instant, work: &mut Work) {
        work.duties.push((at.due_ms + EVENTS_EVERY_MS, Duty::Events));
        let (from, until) = (self.events_from_ms, at.due_ms);
        self.events_from_ms = until;
        let Equipment::Controller(controller) = &mut self.equipment else { return };
        controller.advance(until);
        let mut events = controller.events(from, until);
        let stop_lines = detector_channels(controller);
        if let Some(fault) = self.fault(until - 1).or(self.fault(from)) {
            events = with_fault(&events, &fault, &stop_lines, (from, until));
        }
        for part in events.chunks(EVENTS_MAX) {
            let event = |&(at_ms, code, parameter): &Event| ControllerEvent {
                time: utc(at_ms),
                code,
                parameter,
            };
            let batch = SignalEvents { events: part.iter().map(event).collect() };
            // The envelope carries the time of the first event.
            let time_ms = part.first().map_or(from, |event| event.0);
            self.emit(Stream::Events, time_ms, at, &Fact::SignalEvents(batch), work);
        }
    }

    fn interval(&mut self, at: Instant, work: &mut Work) {
        let (Equipment::Station(_, duration) | Equipment::Camera(_, duration)) = &self.equipment
        else {
            return;
        };
        let duration = i64::from(*duration);
        work.duties.push((at.due_ms + duration, Duty::Interval));
        self.report_interval(at.due_ms - self.jitter_ms() - duration, at, work);
    }

    /// Sends the interval that began at `start_ms` and has ended.
    fn report_interval(&mut self, start_ms: i64, at: Instant, work: &mut Work) {
        let (seed, zone) = (self.around.seed, self.around.zone);
        let fault = self.fault(start_ms);
        let interval = match &self.equipment {
            Equipment::Station(lanes, duration) => {
                let lanes = (&lanes[..], self.around.faults);
                Some(station::interval(seed, lanes, zone, (start_ms, *duration), fault))
            }
            Equipment::Camera(zones, duration) => {
                camera::interval(seed, zones, zone, (start_ms, *duration), fault)
            }
            Equipment::Controller(_) | Equipment::Cabinet => None,
        };
        if let Some(interval) = interval {
            self.emit(Stream::Interval, start_ms, at, &Fact::Interval(interval), work);
        }
    }

    fn incident(&mut self, at: Instant, work: &mut Work) {
        let Equipment::Camera(zones, _) = &self.equipment else { return };
        let (seed, zone, key) = (self.around.seed, self.around.zone, self.identity.key);
        // What falls due now was announced for the instant before.
        let due = camera::next_report_ms(seed, key, zones, zone, at.due_ms - 1);
        let next = match camera::next_report_ms(seed, key, zones, zone, at.due_ms) {
            Ok((next, ..)) | Err(next) => next,
        };
        work.duties.push((next, Duty::Incident));
        if let Ok((due_ms, incident, time_ms)) = due
            && due_ms == at.due_ms
        {
            self.emit(Stream::Incident, time_ms, at, &Fact::Incident(incident), work);
        }
    }

    fn health(&mut self, at: Instant, work: &mut Work) {
        work.duties.push((at.due_ms + HEALTH_EVERY_MS, Duty::Health));
        self.report_health(at, work);
    }

    fn report_health(&mut self, at: Instant, work: &mut Work) {
        let seed = self.around.seed;
        let cabinet = self.cabinet.filter(|_| self.around.faults);
        let reporter = Reporter {
            seed,
            key: self.identity.key,
            zone: self.around.zone,
            boot: self.identity.boot,
            at_ms: at.due_ms,
            fault: self.fault(at.due_ms),
            cabinet: cabinet
                .and_then(|key| faults::fault_at(seed, key, Service::Cabinet, at.due_ms)),
        };
        let health = match &self.equipment {
            Equipment::Controller(controller) => {
                let groups = &controller.junction().groups;
                let phases: Vec<u8> = groups
                    .iter()
                    .filter(|group| group.kind == GroupKind::Vehicle)
                    .map(|group| group.number)
                    .collect();
                reporter.controller(&phases, &detector_channels(controller))
            }
            Equipment::Station(lanes, _) => {
                let number = |lane: &StationLane| match lane.place {
                    Place::Lane(number) => Some(u16::from(number)),
                    Place::Zone(_) => None,
                };
                reporter.station(&lanes.iter().filter_map(number).collect::<Vec<_>>())
            }
            Equipment::Camera(..) => reporter.camera(),
            Equipment::Cabinet => reporter.cabinet(),
        };
        self.emit(Stream::Health, at.due_ms, at, &Fact::Health(Box::new(health)), work);
    }

    fn replay(&mut self, at: Instant, work: &mut Work) {
        if !self.is_online() {
            return;
        }
        if let Some(message) = self.buffer.pop_front() {
            work.messages.push(message);
            let pace = match &self.equipment {
                Equipment::Controller(_) => EVENTS_EVERY_MS / 10,
                Equipment::Station(_, duration) | Equipment::Camera(_, duration) => {
                    i64::from(*duration) / 10
                }
                Equipment::Cabinet => HEALTH_EVERY_MS / 10,
            };
            work.duties.push((at.due_ms + pace.max(1), Duty::Replay));
        }
    }
}

/// When something falls due, and when it is done.
#[derive(Debug, Clone, Copy)]
struct Instant {
    due_ms: i64,
    now_ms: i64,
}

/// The detector channels of a controller: stop line and advance detector of every vehicle phase.
fn detector_channels(controller: &Controller) -> Vec<u16> {
    let groups = controller.junction().groups.iter();
    groups
        .filter(|group| group.kind == GroupKind::Vehicle)
        .flat_map(|group| channels(group.number))
        .collect()
}
