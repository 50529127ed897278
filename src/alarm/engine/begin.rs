//! The engine as the database knows it: a restart raises nothing anew and forgets nothing.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use chrono_tz::Tz;
use ioc_ingest::Source;

use super::{
    Action, Alarm, Book, By, DateTime, Engine, Field, Found, Instance, Key, Roads, Rules, Signals,
    State, Subject, Timer, Trigger, Utc, Works,
};
use crate::{live::start::Current, registry::Registry};

/// Everything about alarms that the database holds.
#[derive(Debug, Default)]
pub struct Known {
    /// Every alarm.
    pub alarms: Vec<Alarm>,
    /// Works that are not over.
    pub works: Vec<Works>,
    /// Number of the last transition.
    pub last_seq: i64,
    /// Latest incident of each camera, kind and zone: time, and whether it has ended.
    pub incidents: Vec<KnownIncident>,
}

/// Source, kind, zone, time, and whether it has ended.
pub(crate) type KnownIncident = (Source, &'static str, Box<str>, DateTime<Utc>, bool);

/// What the engine begins with.
#[derive(Debug)]
pub struct Begin<'a> {
    /// Rules.
    pub rules: Arc<Rules>,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Free-flow speed by corridor, km/h.
    pub free_flow_kmh: HashMap<String, f64>,
    /// What the city says of its signals.
    pub signals: Signals,
    /// Roads along which stations stand.
    pub roads: Roads,
    /// What is registered.
    pub registry: &'a Registry,
    /// What the database holds of alarms.
    pub known: Known,
    /// Latest messages.
    pub current: &'a [Current],
    /// When each source was last heard.
    pub heard: &'a [(Source, DateTime<Utc>)],
    /// Now.
    pub now: DateTime<Utc>,
}

impl Engine {
    /// Takes over what the database holds and judges it.
    pub fn begin(begin: Begin<'_>) -> Self {
        let Begin { rules, now, .. } = begin;
        let overrides = rules.iter().map(|rule| {
            let of = |(_, other): &(usize, &super::Override)| other.code == rule.code;
            rules.overrides.iter().enumerate().filter(of).map(|(at, _)| at).collect()
        });
        let mut engine = Self {
            overrides: overrides.collect(),
            zone: begin.zone,
            free_flow_kmh: begin.free_flow_kmh,
            signals: begin.signals,
            asked_usual: rules.asked_of(|field| field == Field::OccupancyDeviations),
            asked_pairs: rules.asked_of(|field| field.trigger() == Trigger::Pair),
            roads: begin.roads,
            indexes: HashMap::new(),
            objects: Vec::new(),
            by_name: HashMap::new(),
            instances: HashMap::new(),
            timers: BTreeSet::new(),
            book: Book::new(begin.known.last_seq + 1),
            works: Vec::new(),
            works_at: None,
            presented: VecDeque::new(),
            raised_at: HashMap::new(),
            listening_since: now,
            looked_at: now,
            is_broker_away: false,
            rules: Arc::clone(&rules),
        };
        engine.register(begin.registry, now);
        engine.recall_facts(&begin.known, begin.current, begin.heard);
        engine.recall_plans(now);
        for alarm in begin.known.alarms {
            engine.recall(alarm, now);
        }
        engine.release_orphans(now);
        engine.run_until(now);
        engine.plan_works(begin.known.works, now);
        engine.judge_known(&rules, now);
        engine.run_until(now);
        engine
    }

    fn recall_facts(
        &mut self,
        known: &Known,
        current: &[Current],
        heard: &[(Source, DateTime<Utc>)],
    ) {
        let zone = self.zone;
        for current in current {
            let source = current.message.topic.source.as_str();
            let Some(at) = self.by_name.get(source).copied() else { continue };
            if let Some(found) = self.object_mut(at) {
                found.facts.apply(&current.message, current.received_at, zone);
            }
        }
        for (source, kind, zone, time, has_ended) in &known.incidents {
            let Some(at) = self.by_name.get(source.as_str()).copied() else { continue };
            if let Some(found) = self.object_mut(at) {
                found.facts.note_incident(kind, zone.clone(), *time, *has_ended);
            }
        }
        for (source, last) in heard {
            let Some(at) = self.by_name.get(source.as_str()).copied() else { continue };
            if let Some(found) = self.object_mut(at) {
                let known = found.facts.heard_at.unwrap_or(*last);
                found.facts.heard_at = Some(known.max(*last));
            }
        }
    }

    /// What signals told last is compared with what was scheduled then: whether they changed their plan while
    /// nobody heard them is not known.
    fn recall_plans(&mut self, now: DateTime<Utc>) {
        let zone = self.zone;
        for (at, object) in (0..).zip(&mut self.objects) {
            let Some(told_at) = object.facts.told_at(Trigger::State) else { continue };
            let until = object.facts.follow_schedule(told_at, zone);
            if let Some(until) = until.filter(|until| *until > now) {
                self.timers.insert((until, Timer::Plan(at)));
            }
        }
    }

    /// Takes over an alarm; one without a rule or object any more is withdrawn.
    fn recall(&mut self, mut alarm: Alarm, now: DateTime<Utc>) {
        let Some((key, asks_for_silence)) = self.recall_key(&alarm) else {
            if alarm.status.state != State::Norm {
                let by = By { reason: Some("no_rule".to_owned()), ..By::default() };
                // A state that is not normal can be withdrawn.
                let _withdrawn = self.book.act(&mut alarm, &Action::Withdraw, now, by);
            }
            return;
        };
        let level = alarm.status.state.is_active();
        if let Some(found) = self.object_mut(key.1) {
            if level && asks_for_silence {
                found.facts.lost_since = alarm.status.raised_at.or(Some(now));
            }
            if let Subject::Detector = found.subject
                && let (true, Some(check)) = (level, &alarm.why)
            {
                // Until it is told that it is good again.
                found.checks.insert(Arc::clone(check));
            }
        }
        if let Some(shelf) = &alarm.status.shelf {
            self.timers.insert((shelf.until, Timer::Shelf(key)));
        }
        if alarm.chattering {
            let calm = i64::from(self.rules.settings.chatter_calm_s);
            let at = alarm.changed_at + super::TimeDelta::seconds(calm);
            self.timers.insert((at, Timer::Calm(key)));
        }
        let wanted = alarm.status.priority;
        let found = Found { value: alarm.value, limit: alarm.limit, why: alarm.why.clone() };
        let raises = VecDeque::new();
        self.instances.insert(key, Instance { alarm, level, due: None, found, wanted, raises });
    }

    fn recall_key(&mut self, alarm: &Alarm) -> Option<(Key, bool)> {
        let rules = Arc::clone(&self.rules);
        let (rule, found) = rules.get(&alarm.id.code).filter(|(_, rule)| rule.enabled)?;
        let rule = u16::try_from(rule).ok()?;
        let terms = found.when.iter().flat_map(super::super::condition::Condition::terms);
        let asks_for_silence = terms.into_iter().any(|term| term.field == Field::Lost);
        let object = &alarm.id.object;
        if let Some(at) = self.by_name.get(object) {
            return (!self.object(*at)?.is_gone).then_some(((rule, *at), asks_for_silence));
        }
        let at = match Subject::of_figure(object) {
            Some(subject) => self.place_of(object, subject, None),
            None => self.detector(object)?,
        };
        Some(((rule, at), false))
    }
}
