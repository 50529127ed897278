//! Judges everything that is told by the rules, and keeps every alarm.
//!
//! One owner, no clock of its own: messages bring the time of their receipt, ticks that of the hub's clock;
//! delays that ran out before a message are done before it, with the time at which they ran out, so that
//! the outcome does not depend on when ticks come. A change is numbered when it is decided and waits in the
//! [`book`](super::book) until it is stored.
//!
//! Silence counts only while the hub itself listens: not while messages wait, nor while those that an earlier
//! process left are judged, nor while the broker is away. When it begins to listen again (at the start, too),
//! every source gets the time of its silence limit: to be heard, and to take back an offline that the broker
//! kept of it. That is the start-up time that ISA-18.2 wants: what is truly lost is told a little later, and
//! the restart of a hub raises nothing by itself. What was lost before stays lost until it is heard.
//!
//! Cost: a message is judged only by the rules about its kind of device that ask about its stream; nothing
//! is allocated unless a condition changes. Silence is looked for once a second.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_ingest::Service;

use super::{
    Action, Alarm, AlarmId, Change, Priority, State, Status, Suppression,
    book::{Book, By, Place},
    condition::{Condition, Found, Verdict},
    fact::Facts,
    field::{Field, Trigger},
    object::{Index, Object, index_of},
    road::Roads,
    rule::{Override, Rule, Rules, Subject},
    signal::Signals,
    works::{Spot, Works},
};

mod begin;
mod group;
mod hear;
mod pair;
mod plan;
mod tick;

pub use super::book::Due;
pub use begin::{Begin, Known};
pub use plan::Plan;

/// Rule and object, by their places.
type Key = (u16, u32);
/// Object whose alarms are those of the alarm system itself.
const ALARMS: &str = "hub:alarms";
/// Code of the rule that tells a flood.
const FLOOD: &str = "alarm_flood";
/// Window in which new alarms are counted.
const FLOOD_WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Room is made for so many objects at a time: of tens of thousands, half of a doubled list would be empty.
const OBJECTS_AT_ONCE: usize = 1_024;

/// Something that is to be done at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Delay(Key),
    /// Another plan is scheduled for a signal.
    Plan(u32),
    Shelf(Key),
    Calm(Key),
}

/// One rule on one object that held at least once.
#[derive(Debug)]
struct Instance {
    alarm: Alarm,
    /// Whether its condition holds.
    level: bool,
    /// When what the condition asks for is done.
    due: Option<DateTime<Utc>>,
    /// Of what the condition holds.
    found: Found,
    /// Priority that the condition asks for.
    wanted: Priority,
    /// Latest raises, for chattering.
    raises: VecDeque<DateTime<Utc>>,
}

/// A rule with what differs for one object.
struct Effective {
    enabled: bool,
    priority: Priority,
    delay_on: TimeDelta,
    delay_off: TimeDelta,
    limits: Vec<(Field, f64)>,
}

/// Every alarm and what is needed to judge it.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
    zone: Tz,
    /// Free-flow speed by corridor, km/h.
    free_flow_kmh: HashMap<String, f64>,
    signals: Signals,
    /// Services of whose devices the usual occupancy is asked for.
    asked_usual: BTreeSet<Service>,
    /// Services of whose devices pairs are asked for.
    asked_pairs: BTreeSet<Service>,
    roads: Roads,
    /// Overrides of each rule.
    overrides: Vec<Vec<usize>>,
    indexes: HashMap<Subject, Arc<Index>>,
    objects: Vec<Object>,
    by_name: HashMap<Arc<str>, u32>,
    instances: HashMap<Key, Instance>,
    timers: BTreeSet<(DateTime<Utc>, Timer)>,
    book: Book,
    works: Vec<Works>,
    /// When works begin or end next.
    works_at: Option<DateTime<Utc>>,
    /// Latest alarms that were newly presented.
    presented: VecDeque<DateTime<Utc>>,
    /// Latest raise at each place.
    raised_at: HashMap<u32, DateTime<Utc>>,
    /// Silence counts from then on, and so does an offline: the hub itself heard nothing before.
    listening_since: DateTime<Utc>,
    looked_at: DateTime<Utc>,
    is_broker_away: bool,
}

impl Engine {
    /// The rules.
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What may be stored now, in order: up to message `end` of the spool, if one is given.
    pub fn due(&self, end: Option<u64>) -> Vec<Due> {
        self.book.due(end, end.is_none())
    }

    /// What may be stored by itself, with no message.
    pub fn due_alone(&self) -> Vec<Due> {
        self.book.due(None, false)
    }

    /// Everything up to this number is in the database. Answers what was not shown yet.
    pub fn stored(&mut self, seq: i64) -> Vec<Arc<Change>> {
        self.book.stored(seq)
    }

    /// What is to be shown although it is not stored yet.
    pub fn show(&mut self) -> Vec<Arc<Change>> {
        self.book.show()
    }

    /// Whether nothing is shown that is not stored.
    pub fn is_all_stored(&self) -> bool {
        self.book.is_all_stored()
    }

    /// Changes that were left out of the history since the last question, because too many wait.
    pub fn take_dropped(&mut self) -> u64 {
        self.book.take_dropped()
    }

    /// Whether changes wait for messages that are not stored.
    pub fn waits_for_messages(&self) -> bool {
        self.book.waits_for_messages()
    }

    /// The batch in hand went to the spool, its first message with this number.
    pub fn spooled(&mut self, first: u64) {
        self.book.spooled(first);
    }

    /// Nothing is left in the spool.
    pub fn spool_done(&mut self) {
        self.book.spool_done();
    }

    /// The first messages of the batch in hand, so many, are stored.
    pub fn batch_done(&mut self, messages: usize) {
        self.book.batch_done(messages);
    }

    /// An alarm as it is; none when it never was one.
    pub fn alarm(&self, id: &AlarmId) -> Option<&Alarm> {
        self.instances.get(&self.key(id)?).map(|instance| &instance.alarm)
    }

    fn key(&self, id: &AlarmId) -> Option<Key> {
        let (rule, _) = self.rules.get(&id.code)?;
        Some((u16::try_from(rule).ok()?, *self.by_name.get(&id.object)?))
    }

    fn object(&self, at: u32) -> Option<&Object> {
        self.objects.get(at as usize)
    }

    fn object_mut(&mut self, at: u32) -> Option<&mut Object> {
        self.objects.get_mut(at as usize)
    }

    /// The object of this name, new if need be.
    fn place_of(&mut self, name: &Arc<str>, subject: Subject, service: Option<Service>) -> u32 {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let area = name.strip_prefix("unit:").map(Arc::from);
        let index = self.indexes.entry(subject);
        let index = index.or_insert_with(|| Arc::new(index_of(&self.rules, subject)));
        if self.objects.len() == self.objects.capacity() {
            self.objects.reserve_exact(OBJECTS_AT_ONCE);
        }
        self.objects.push(Object {
            name: Arc::clone(name),
            subject,
            service,
            area,
            corridor: None,
            is_gone: false,
            index: Arc::clone(index),
            facts: Facts::default(),
            figures: Vec::new(),
            checks: BTreeSet::new(),
            is_told: false,
            parent: None,
            children: Vec::new(),
            detectors: Vec::new(),
        });
        self.by_name.insert(Arc::clone(name), at);
        at
    }

    fn effective(&self, rule: &Rule, (at, object): Key, now: DateTime<Utc>) -> Effective {
        let mut effective = Effective {
            enabled: rule.enabled,
            priority: rule.priority,
            delay_on: rule.delay_on,
            delay_off: rule.delay_off,
            limits: Vec::new(),
        };
        let overrides = &self.overrides[usize::from(at)];
        if !overrides.is_empty()
            && let Some(object) = self.object(object)
        {
            let day = now.with_timezone(&self.zone).date_naive();
            for other in overrides.iter().filter_map(|at| self.rules.overrides.get(*at)) {
                if other.holds(&object.name, object.service, object.area.as_deref(), day) {
                    effective.change(other);
                }
            }
        }
        effective
    }

    /// Judges every rule about an object that a trigger may change.
    fn judge_all(&mut self, object: u32, trigger: Trigger, at: DateTime<Utc>) {
        let Some(index) = self.object(object).map(|object| Arc::clone(&object.index)) else {
            return;
        };
        let rules = Arc::clone(&self.rules);
        for place in &index[trigger.index()] {
            if let Some(rule) = rules.at(usize::from(*place)) {
                self.judge(rule, (*place, object), at);
            }
        }
    }

    fn judge(&mut self, rule: &Rule, key: Key, at: DateTime<Utc>) {
        let Some(object) = self.object(key.1) else { return };
        let (Some(when), false) = (&rule.when, object.is_gone) else { return };
        if !rule.objects.is_empty() && !rule.objects.contains(&*object.name) {
            return;
        }
        let known = self.instances.get(&key);
        let is_held = known.is_some_and(|instance| instance.level);
        let effective = self.effective(rule, key, at);
        if !effective.enabled {
            if is_held {
                self.lower(rule, key, TimeDelta::zero(), at);
            }
            return;
        }
        let judge = |condition: &Condition, is_held| {
            if rule.triggers.contains(&Trigger::Pair) {
                pair::judge_ways(condition, object, &effective.limits, is_held)
            } else {
                condition.judge(object, &effective.limits, is_held)
            }
        };
        match judge(when, is_held) {
            Verdict::Unknown => {}
            Verdict::No if !is_held => {}
            Verdict::No => self.lower(rule, key, effective.delay_off, at),
            Verdict::Yes(mut found) => {
                let held = known.filter(|_| is_held).map(|instance| instance.wanted);
                let mut wanted = effective.priority;
                for (graver, priority) in &rule.graver {
                    let is_held = held.is_some_and(|held| held <= *priority);
                    if let Verdict::Yes(graver) = judge(graver, is_held) {
                        (wanted, found) = (wanted.min(*priority), graver);
                        break;
                    }
                }
                if let Some(check) = object.checks.first() {
                    found.why = Some(Arc::clone(check));
                }
                let cycles = object.facts.cycle().filter(|_| rule.delay_on_cycles > 0.0);
                let cycles = cycles.map(|cycle| times(cycle, rule.delay_on_cycles));
                let delay = cycles.unwrap_or_default().max(effective.delay_on);
                self.hold(rule, key, (found, wanted), delay, at);
            }
        }
    }

    /// The condition holds.
    fn hold(
        &mut self,
        rule: &Rule,
        key: Key,
        (found, wanted): (Found, Priority),
        delay: TimeDelta,
        at: DateTime<Utc>,
    ) {
        let Some(instance) = self.instance(rule, key, at) else { return };
        instance.found = found;
        instance.wanted = wanted;
        let state = instance.alarm.status.state;
        if instance.level {
            if state.is_active() && wanted != instance.alarm.status.priority {
                self.weigh(key, at);
            }
            return;
        }
        instance.level = true;
        instance.due = None;
        if !state.is_active() {
            self.wait(key, delay, at);
        }
        if rule.follows.is_some() {
            self.follow(rule, key, at);
        }
    }

    /// The condition holds no longer.
    fn lower(&mut self, rule: &Rule, key: Key, delay: TimeDelta, at: DateTime<Utc>) {
        let Some(instance) = self.instances.get_mut(&key).filter(|instance| instance.level) else {
            return;
        };
        instance.level = false;
        instance.due = None;
        if instance.alarm.status.state.is_active() {
            self.wait(key, delay, at);
        }
        if rule.follows.is_some() {
            self.follow(rule, key, at);
        }
    }

    fn instance(&mut self, rule: &Rule, key: Key, at: DateTime<Utc>) -> Option<&mut Instance> {
        let object = self.objects.get(key.1 as usize)?;
        Some(self.instances.entry(key).or_insert_with(|| Instance {
            alarm: Alarm {
                id: AlarmId { code: Arc::clone(&rule.code), object: Arc::clone(&object.name) },
                service: object.service,
                area: object.area.clone(),
                status: Status::new(rule.priority, rule.latches),
                changed_at: at,
                value: None,
                limit: None,
                why: None,
                parent: None,
                assignee: None,
                ticket: None,
                comments: 0,
                first_out: false,
                chattering: false,
                seq: 0,
            },
            level: false,
            due: None,
            found: Found::default(),
            wanted: rule.priority,
            raises: VecDeque::new(),
        }))
    }

    /// Does what the condition asks for when the delay has run out, at once without one.
    fn wait(&mut self, key: Key, delay: TimeDelta, at: DateTime<Utc>) {
        if delay <= TimeDelta::zero() {
            return self.settle(key, at);
        }
        let due = at + delay;
        if let Some(instance) = self.instances.get_mut(&key) {
            instance.due = Some(due);
            self.timers.insert((due, Timer::Delay(key)));
        }
    }

    /// Makes the state follow the condition.
    fn settle(&mut self, key: Key, at: DateTime<Utc>) {
        let Some(instance) = self.instances.get_mut(&key) else { return };
        instance.due = None;
        match (instance.level, instance.alarm.status.state.is_active()) {
            (true, false) => self.raise(key, at),
            (false, true) => self.clear(key, at),
            (true, true) | (false, false) => {}
        }
    }

    fn raise(&mut self, key: Key, at: DateTime<Utc>) {
        let rules = Arc::clone(&self.rules);
        let Some(rule) = rules.at(usize::from(key.0)) else { return };
        let parent = self.group_alarm(rule, key.1);
        let is_expected = self.is_expected(rule, key.1, at);
        let is_flood = self.is_flood();
        let is_first = self.is_first(key.1, at);
        let settings = rules.settings;
        let Some(object) = self.object(key.1) else { return };
        let (service, area) = (object.service, object.area.clone());
        let Some(instance) = self.instances.get_mut(&key) else { return };
        let Instance { alarm, found, wanted, raises, .. } = instance;
        let is_low = is_flood && wanted.number() >= settings.flood_priority && &*rule.code != FLOOD;
        let mut suppressed = alarm.status.suppressed;
        for (kind, is_on) in [
            (Suppression::Parent, parent.is_some()),
            (Suppression::Works, is_expected),
            (Suppression::Flood, is_low),
        ] {
            suppressed = suppressed.with(kind, is_on);
        }
        alarm.status.suppressed = suppressed;
        (alarm.service, alarm.area) = (service, area);
        (alarm.value, alarm.limit, alarm.why) = (found.value, found.limit, found.why.clone());
        (alarm.parent, alarm.first_out) = (parent, is_first);
        let by = By { suppressed: suppressed.iter().next(), ..By::default() };
        if self.book.act(alarm, &Action::Raise(*wanted), at, by).is_err() {
            return;
        }
        self.book.unshelve_critical(alarm, at);
        raises.push_back(at);
        while raises.len() > settings.chatter_raises as usize {
            raises.pop_front();
        }
        let (is_new, is_shown) = (alarm.status.count == 1, alarm.status.is_presented_now());
        self.note_chatter(key, at);
        if is_new && is_shown && &*rule.code != FLOOD {
            self.presented.push_back(at);
            self.count_presented(at);
        }
        if rule.group.is_some() {
            self.take_children(key, at);
        }
    }

    fn clear(&mut self, key: Key, at: DateTime<Utc>) {
        let Some(instance) = self.instances.get_mut(&key) else { return };
        let cleared = self.book.act(&mut instance.alarm, &Action::Clear, at, By::default());
        if cleared.is_ok() {
            self.end_group(key, at);
        }
        if cleared.is_ok() && self.by_name.get(ALARMS) == Some(&key.1) {
            self.end_flood(at);
        }
    }

    /// An alarm is over: what follows from it, if it is one of a group, does no longer.
    fn end_group(&mut self, key: Key, at: DateTime<Utc>) {
        let is_group = self.rules.at(usize::from(key.0)).is_some_and(|rule| rule.group.is_some());
        let ended = self.instances.get(&key).filter(|_| is_group);
        if let Some(id) = ended.map(|ended| ended.alarm.id.clone()) {
            self.release_children(&id, at);
        }
    }

    /// The priority follows the condition.
    fn weigh(&mut self, key: Key, at: DateTime<Utc>) {
        let Some(Instance { alarm, wanted, found, .. }) = self.instances.get_mut(&key) else {
            return;
        };
        let action = if *wanted < alarm.status.priority {
            (alarm.value, alarm.limit, alarm.why) = (found.value, found.limit, found.why.clone());
            Action::Escalate(*wanted)
        } else {
            Action::Ease(*wanted)
        };
        // Both apply to an active alarm of another priority.
        let _applies = self.book.act(alarm, &action, at, By::default());
        self.book.unshelve_critical(alarm, at);
    }

    fn act(&mut self, key: Key, action: &Action, at: DateTime<Utc>, by: By) -> bool {
        let Some(instance) = self.instances.get_mut(&key) else { return false };
        self.book.act(&mut instance.alarm, action, at, by).is_ok()
    }

    fn is_flood(&self) -> bool {
        let id = AlarmId { code: FLOOD.into(), object: ALARMS.into() };
        self.alarm(&id).is_some_and(|alarm| alarm.status.state.is_active())
    }

    /// Whether planned works are going on that expect this.
    fn is_expected(&self, rule: &Rule, object: u32, at: DateTime<Utc>) -> bool {
        if self.works.is_empty() {
            return false;
        }
        let Some(found) = self.object(object) else { return false };
        let above = |object: &Object| object.parent.and_then(|parent| self.object(parent));
        let parent = above(found);
        let spot = Spot {
            code: &rule.code,
            object: &found.name,
            parents: [parent, parent.and_then(above)].map(|one| one.map(|one| &*one.name)),
            area: found.area.as_deref(),
            corridor: found.corridor.as_ref(),
        };
        self.works.iter().any(|works| works.holds_at(at) && works.expects(&spot))
    }

    /// Whether nothing was raised at the place of an object lately; it is now.
    fn is_first(&mut self, object: u32, at: DateTime<Utc>) -> bool {
        let place = self.object(object).and_then(|object| object.parent).unwrap_or(object);
        let pause = TimeDelta::seconds(i64::from(self.rules.settings.first_out_s));
        let before = self.raised_at.insert(place, at);
        before.is_none_or(|before| at - before > pause)
    }
}

impl Effective {
    fn change(&mut self, other: &Override) {
        self.enabled = other.enabled.unwrap_or(self.enabled);
        self.priority = other.priority.unwrap_or(self.priority);
        self.delay_on = other.delay_on.unwrap_or(self.delay_on);
        self.delay_off = other.delay_off.unwrap_or(self.delay_off);
        self.limits.retain(|(field, _)| !other.limits.iter().any(|(changed, _)| changed == field));
        self.limits.extend_from_slice(&other.limits);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few cycles")]
fn times(cycle: TimeDelta, count: f64) -> TimeDelta {
    TimeDelta::milliseconds((cycle.num_milliseconds() as f64 * count) as i64)
}

#[cfg(test)]
mod tests;
