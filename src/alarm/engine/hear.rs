//! What the engine is told: messages, detector states, figures, the registry.

use std::sync::Arc;

use ioc_ingest::{Service, Source};

use super::{
    Action, By, DateTime, Engine, Field, Place, Rules, State, Subject, Timer, Trigger, Utc,
};
use crate::{
    admit::Admitted,
    alarm::{Input, usual::UsualHour},
    registry::{Device, Registry},
};

impl Engine {
    /// Judges messages in the order of their coming; `spooled` is the number of the first one in the spool,
    /// when they come out of it.
    pub fn hear(&mut self, items: &[Admitted], spooled: Option<u64>) {
        for (place, item) in items.iter().enumerate() {
            let received_at = item.delivery.received_at;
            self.run_until(received_at);
            self.book.place = match spooled {
                None => Place::Batch(place),
                Some(first) => Place::Spooled(first + place as u64),
            };
            self.hear_one(item, received_at);
            self.book.place = Place::Free;
        }
    }

    /// Judges messages that are stored already: what they change waits for nothing.
    pub fn hear_stored(&mut self, items: &[Admitted]) {
        for item in items {
            self.run_until(item.delivery.received_at);
            self.hear_one(item, item.delivery.received_at);
        }
    }

    fn hear_one(&mut self, item: &Admitted, received_at: DateTime<Utc>) {
        let Some(topic) = &item.topic else { return };
        let Some(object) = self.by_name.get(topic.source.as_str()).copied() else { return };
        let (zone, since) = (self.zone, self.listening_since);
        let Some(found) = self.object_mut(object) else { return };
        let mut told = Vec::new();
        if let Some(accepted) = &item.accepted {
            told = found.facts.apply(&accepted.message, received_at, zone);
        } else {
            // What was refused was sent all the same: its source is not silent.
            found.facts.hear(received_at, true);
        }
        let was_lost = found.facts.lost_since.is_some();
        let is_away = found.facts.is_offline(received_at, since);
        if was_lost != is_away {
            found.facts.lost_since = is_away.then_some(received_at);
            if told.first() != Some(&Trigger::Presence) {
                told.push(Trigger::Presence);
            }
        }
        if told.contains(&Trigger::State) {
            self.follow_schedule(object, received_at);
        }
        let is_period = told.contains(&Trigger::Interval);
        for trigger in told {
            self.judge_all(object, trigger, received_at);
        }
        if is_period {
            self.follow_pairs(object, received_at);
        }
    }

    /// Takes over what is scheduled for a signal.
    pub(super) fn follow_schedule(&mut self, at: u32, now: DateTime<Utc>) {
        let zone = self.zone;
        let until = self.object_mut(at).and_then(|found| found.facts.follow_schedule(now, zone));
        if let Some(until) = until {
            self.timers.insert((until, Timer::Plan(at)));
        }
    }

    /// Takes over what others found out.
    pub fn inform(&mut self, input: &Input, now: DateTime<Utc>) {
        self.run_until(now);
        match input {
            Input::Detector { source, place, check, bad, .. } => {
                self.inform_detector(source, place, (check, *bad), now);
            }
            Input::DetectorsTold => self.forget_untold(now),
            Input::Figure { object, field, value } => {
                let Some(value) = value else { return };
                self.inform_figure(object, *field, *value, now);
            }
        }
    }

    fn inform_detector(
        &mut self,
        source: &Source,
        place: &str,
        (check, is_bad): (&Arc<str>, bool),
        now: DateTime<Utc>,
    ) {
        let name: Arc<str> = format!("{source}/{place}").into();
        let Some(at) = self.detector(&name) else { return };
        let Some(found) = self.object_mut(at) else { return };
        if !found.is_told {
            // What is known from before the start may be over.
            found.checks.clear();
            found.is_told = true;
        }
        if is_bad {
            found.checks.insert(Arc::clone(check));
        } else {
            found.checks.remove(check);
        }
        self.judge_detector(at, now);
    }

    fn judge_detector(&mut self, at: u32, now: DateTime<Utc>) {
        self.judge_all(at, Trigger::Quality, now);
        let Some(device) = self.object(at).and_then(|found| found.parent) else { return };
        let Some(found) = self.object(device) else { return };
        let is_bad = |at: &&u32| self.object(**at).is_some_and(|found| !found.checks.is_empty());
        let bad = found.detectors.iter().filter(is_bad).count();
        if let Some(found) =
            self.object_mut(device).filter(|found| found.facts.detectors_bad != bad)
        {
            found.facts.detectors_bad = bad;
            self.judge_all(device, Trigger::Quality, now);
        }
    }

    fn forget_untold(&mut self, now: DateTime<Utc>) {
        for at in 0..u32::try_from(self.objects.len()).unwrap_or(u32::MAX) {
            let Some(found) = self.object_mut(at) else { continue };
            if found.subject == Subject::Detector && !found.is_told {
                found.is_told = true;
                found.checks.clear();
                self.judge_detector(at, now);
            }
        }
    }

    /// A lane or zone of a registered device, new if need be.
    pub(super) fn detector(&mut self, name: &Arc<str>) -> Option<u32> {
        if let Some(at) = self.by_name.get(name) {
            return Some(*at);
        }
        let device = *self.by_name.get(crate::alarm::source_of(name)?)?;
        let found = self.object(device)?;
        let (service, area, corridor) = (found.service, found.area.clone(), found.corridor.clone());
        let at = self.place_of(name, Subject::Detector, service);
        let found = self.object_mut(at)?;
        (found.area, found.corridor, found.parent) = (area, corridor, Some(device));
        self.object_mut(device)?.detectors.push(at);
        Some(at)
    }

    fn inform_figure(&mut self, object: &Arc<str>, field: Field, value: f64, now: DateTime<Utc>) {
        let Some(subject) = Subject::of_figure(object) else { return };
        if field == Field::BrokerAway {
            let is_away = value > 0.5;
            if self.is_broker_away && !is_away {
                self.listening_since = now;
            }
            self.is_broker_away = is_away;
        }
        let at = self.place_of(object, subject, None);
        if self.object_mut(at).is_some_and(|found| found.measure(field, value)) {
            self.judge_all(at, Trigger::Figure, now);
        }
    }

    /// Takes over what is usual of stations at the time of the week.
    pub fn know_usual(&mut self, hours: &[Arc<UsualHour>]) {
        for object in &mut self.objects {
            let Some(lately) = &mut object.facts.lately else { continue };
            let of = |one: &Arc<UsualHour>| Some((one.hour, *one.stations.get(&*object.name)?));
            lately.know(hours.iter().filter_map(of));
        }
    }

    /// Takes over what is registered. What no longer is has no alarms.
    pub fn register(&mut self, registry: &Registry, now: DateTime<Utc>) {
        self.run_until(now);
        for device in registry.devices.values() {
            self.register_one(device);
        }
        for at in 0..self.objects.len() {
            self.objects[at].children.clear();
        }
        for device in registry.devices.values() {
            let own = self.by_name.get(device.source.as_str()).copied();
            let parent = device.parent.as_ref().and_then(|p| self.by_name.get(p.as_str()).copied());
            let (Some(own), Some(parent)) = (own, parent) else { continue };
            if let Some(found) = self.object_mut(own) {
                found.parent = Some(parent);
            }
            if let Some(found) = self.object_mut(parent) {
                found.children.push(own);
            }
        }
        let is_registered = |name: &str| {
            let source = crate::alarm::source_of(name)?;
            let source = Source::parse(source).ok()?;
            Some(registry.devices.contains_key(&source))
        };
        for at in 0..self.objects.len() {
            let is_gone = is_registered(&self.objects[at].name) == Some(false);
            if is_gone && !self.objects[at].is_gone {
                self.withdraw(at, now);
            }
            self.objects[at].is_gone = is_gone;
        }
        self.link_stations(registry);
    }

    fn register_one(&mut self, device: &Device) {
        let service: Service = device.service;
        let name: Arc<str> = device.source.as_str().into();
        let at = self.place_of(&name, Subject::Device(service), Some(service));
        let corridor = device.corridor.as_deref();
        let usual = self.rules.settings.free_flow_kmh;
        let free_flow =
            corridor.and_then(|id| self.free_flow_kmh.get(id)).copied().unwrap_or(usual);
        let Some(found) = self.objects.get_mut(at as usize) else { return };
        if service == Service::Signal {
            self.signals.tell(device, &self.rules.settings, &mut found.facts);
        }
        if self.asked_usual.contains(&service) {
            found.facts.lately.get_or_insert_default();
        }
        found.area.clone_from(&device.area);
        found.corridor.clone_from(&device.corridor);
        found.parent = None;
        found.facts.period_ms = device.period_ms;
        found.facts.detectors = device.detectors.len();
        found.facts.free_flow_kmh = free_flow;
        for lane in found.detectors.clone() {
            if let Some(lane) = self.object_mut(lane) {
                lane.area.clone_from(&device.area);
                lane.corridor.clone_from(&device.corridor);
            }
        }
    }

    fn withdraw(&mut self, object: usize, now: DateTime<Utc>) {
        let is_its = |key: &&super::Key| key.1 as usize == object;
        let keys: Vec<super::Key> = self.instances.keys().filter(is_its).copied().collect();
        for key in keys {
            let Some(instance) = self.instances.get_mut(&key) else { continue };
            (instance.level, instance.due) = (false, None);
            if instance.alarm.status.state != State::Norm {
                let by = By { reason: Some("not_registered".to_owned()), ..By::default() };
                self.act(key, &Action::Withdraw, now, by);
                self.end_group(key, now);
            }
        }
    }

    /// Takes over what works are planned.
    pub fn plan_works(&mut self, works: Vec<super::Works>, now: DateTime<Utc>) {
        self.works = works;
        self.follow_works(now);
    }

    /// Judges everything that is known, after the start: what holds was told before.
    pub(super) fn judge_known(&mut self, rules: &Rules, now: DateTime<Utc>) {
        const KNOWN: [Trigger; 7] = [
            Trigger::State,
            Trigger::Events,
            Trigger::Interval,
            Trigger::Incident,
            Trigger::Health,
            Trigger::Presence,
            Trigger::Envelope,
        ];
        for at in 0..u32::try_from(self.objects.len()).unwrap_or(u32::MAX) {
            for trigger in KNOWN {
                // A delay that began before the restart goes on.
                let told = self.object(at).and_then(|object| object.facts.told_at(trigger));
                self.judge_all(at, trigger, told.map_or(now, |told| told.min(now)));
            }
        }
        for (place, rule) in (0_u16..).zip(rules.iter()).filter(|(_, rule)| rule.group.is_some()) {
            let held =
                self.instances.iter().filter(|((rule, _), held)| *rule == place && held.level);
            let held: Vec<super::Key> = held.map(|(key, _)| *key).collect();
            for key in held {
                self.judge_group(rule, key, now);
            }
        }
    }
}
