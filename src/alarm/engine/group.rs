//! One alarm for many devices that are lost together: cabinet, switch, gateway.
//!
//! While the children wait for their own delay, the group decides. When it is raised, its children are
//! recorded at once, suppressed by design: all of them are in the history, and one is shown. When it is over,
//! in whichever way, those that are back clear with it, and those that are not are shown.

use std::collections::BTreeSet;

use super::{
    Action, AlarmId, By, DateTime, Engine, Found, Instance, Key, Rule, State, Suppression, Utc,
};

impl Engine {
    /// What a device hangs on, or itself when others hang on it.
    fn group_of(&self, object: u32) -> Option<u32> {
        let found = self.object(object)?;
        found.parent.or_else(|| (!found.children.is_empty()).then_some(object))
    }

    fn group_rule<'a>(&self, rules: &'a super::Rules, rule: &Rule) -> Option<(u16, &'a Rule)> {
        let (at, group) = rules.get(rule.follows.as_ref()?)?;
        let is_on = group.enabled && !self.objects.is_empty();
        Some((u16::try_from(at).ok()?, group)).filter(|_| is_on)
    }

    /// The alarm of the group that takes the place of this rule's own, while it is active.
    pub(super) fn group_alarm(&self, rule: &Rule, object: u32) -> Option<AlarmId> {
        let (at, _) = self.group_rule(&self.rules, rule)?;
        let alarm = &self.instances.get(&(at, self.group_of(object)?))?.alarm;
        alarm.status.state.is_active().then(|| alarm.id.clone())
    }

    /// The condition of a child changed.
    pub(super) fn follow(&mut self, rule: &Rule, key: Key, at: DateTime<Utc>) {
        let rules = std::sync::Arc::clone(&self.rules);
        let Some((group, group_rule)) = self.group_rule(&rules, rule) else { return };
        let Some(parent) = self.group_of(key.1) else { return };
        self.judge_group(group_rule, (group, parent), at);
        let is_lost = self.instances.get(&key).is_some_and(|instance| instance.level);
        if is_lost && self.group_alarm(rule, key.1).is_some() {
            // What follows from it is recorded at once.
            self.settle(key, at);
        }
    }

    /// Judges whether the devices behind `key` are lost together.
    pub(super) fn judge_group(&mut self, rule: &Rule, key: Key, at: DateTime<Utc>) {
        let (Some(group), Some(parent)) = (rule.group, self.object(key.1)) else { return };
        if parent.is_gone {
            return;
        }
        let (mut heard, mut lost, mut lately) = (0_usize, 0_usize, 0_usize);
        for child in parent.children.iter().filter_map(|child| self.object(*child)) {
            heard += usize::from(child.facts.heard_at.is_some());
            let Some(since) = child.facts.lost_since else { continue };
            lost += 1;
            lately += usize::from(at - since <= group.window);
        }
        let is_held = self.instances.get(&key).is_some_and(|instance| instance.level);
        let counted = if is_held { lost } else { lately };
        #[expect(clippy::cast_precision_loss, reason = "a number of devices")]
        let (counted, limit, value) =
            (counted as f64, group.share * heard as f64, Some(lost as f64));
        let effective = self.effective(rule, key, at);
        let is_many = is_held || lately >= group.children;
        if effective.enabled && is_many && counted > limit {
            let why = Some("comm.group".into());
            let found = Found { value, limit: Some(limit), why };
            self.hold(rule, key, (found, effective.priority), effective.delay_on, at);
        } else if is_held {
            self.lower(rule, key, effective.delay_off, at);
        }
    }

    /// Every alarm that follows from a group, with whether its condition holds.
    fn children(&self, (group, parent): Key) -> Vec<Key> {
        let Some(code) = self.rules.at(usize::from(group)).map(|rule| &rule.code) else {
            return Vec::new();
        };
        let Some(object) = self.object(parent) else { return Vec::new() };
        let following: Vec<u16> = (0_u16..)
            .zip(self.rules.iter())
            .filter(|(_, rule)| rule.follows.as_ref() == Some(code))
            .map(|(at, _)| at)
            .collect();
        let members = object.children.iter().copied().chain([parent]);
        let keys = members.flat_map(|member| following.iter().map(move |rule| (*rule, member)));
        keys.filter(|key| self.instances.contains_key(key)).collect()
    }

    /// The group was raised: its children are recorded and suppressed.
    pub(super) fn take_children(&mut self, group: Key, at: DateTime<Utc>) {
        let Some(parent) = self.instances.get(&group).map(|group| group.alarm.id.clone()) else {
            return;
        };
        for key in self.children(group) {
            let Some(child) = self.instances.get_mut(&key).filter(|child| child.level) else {
                continue;
            };
            if child.alarm.status.state.is_active() {
                child.alarm.parent = Some(parent.clone());
                self.suppress(key, Suppression::Parent, at);
            } else {
                self.settle(key, at);
            }
        }
    }

    /// The group is over: what is back clears with it, the rest is shown. What was taken over counts, wherever
    /// it hangs by now.
    pub(super) fn release_children(&mut self, group: &AlarmId, at: DateTime<Utc>) {
        self.release(|parent| parent == group, at);
    }

    /// Releases what follows from a group alarm that is not there, or not active.
    pub(super) fn release_orphans(&mut self, at: DateTime<Utc>) {
        let parents = self.instances.values().filter_map(|child| child.alarm.parent.as_ref());
        let is_over = |parent: &&AlarmId| {
            self.alarm(parent).is_none_or(|group| !group.status.state.is_active())
        };
        let over: BTreeSet<AlarmId> = parents.filter(is_over).cloned().collect();
        self.release(|parent| over.contains(parent), at);
        if !self.is_flood() {
            self.end_flood(at);
        }
    }

    fn release(&mut self, is_over: impl Fn(&AlarmId) -> bool, at: DateTime<Utc>) {
        let is_its = |child: &Instance| child.alarm.parent.as_ref().is_some_and(&is_over);
        let children = self.instances.iter().filter(|(_, child)| is_its(child));
        let mut children: Vec<(Key, bool)> =
            children.map(|(key, child)| (*key, child.level)).collect();
        children.sort_unstable();
        for (key, level) in children {
            if !level {
                self.settle(key, at);
            }
            self.unsuppress(key, Suppression::Parent, at);
        }
    }

    /// Suppresses an alarm; without a word when it is normal.
    pub(super) fn suppress(&mut self, key: Key, kind: Suppression, at: DateTime<Utc>) {
        let by = By { suppressed: Some(kind), ..By::default() };
        self.act(key, &Action::Suppress(kind), at, by);
    }

    /// Ends a suppression; without a word when the alarm is normal.
    pub(super) fn unsuppress(&mut self, key: Key, kind: Suppression, at: DateTime<Utc>) {
        let Some(instance) = self.instances.get_mut(&key) else { return };
        let alarm = &mut instance.alarm;
        if kind == Suppression::Parent {
            alarm.parent = None;
        }
        if alarm.status.state == State::Norm {
            alarm.status.suppressed = alarm.status.suppressed.with(kind, false);
            return;
        }
        let by = By { suppressed: Some(kind), ..By::default() };
        self.act(key, &Action::Unsuppress(kind), at, by);
    }
}
