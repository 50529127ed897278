//! What happens by time alone: delays, ends of shelvings and works, silence, chattering, floods.

use super::{
    ALARMS, Action, By, DateTime, Engine, FLOOD_WINDOW, Field, Instance, Key, State, Subject,
    Suppression, TimeDelta, Timer, Trigger, Utc,
};

/// Time between two looks for silent devices.
const LOOK: TimeDelta = TimeDelta::seconds(1);

impl Engine {
    /// Does what time alone asks for. `is_listening` is false while the hub itself takes no messages, so
    /// that nobody's silence means anything.
    pub fn tick(&mut self, now: DateTime<Utc>, is_listening: bool) {
        self.run_until(now);
        if !is_listening || self.is_broker_away {
            self.listening_since = self.listening_since.max(now);
        }
        if now - self.looked_at >= LOOK {
            self.looked_at = now;
            self.look_for_silence(now);
            self.count_presented(now);
        }
        if self.works_at.is_some_and(|at| at <= now) {
            self.follow_works(now);
        }
    }

    /// Does everything that is due until then, each with the time at which it was due.
    pub(super) fn run_until(&mut self, now: DateTime<Utc>) {
        while let Some((due, timer)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, timer));
            match timer {
                Timer::Delay(key) => {
                    if self.instances.get(&key).is_some_and(|instance| instance.due == Some(due)) {
                        self.settle(key, due);
                    }
                }
                Timer::Plan(object) => {
                    self.follow_schedule(object, due);
                    self.judge_all(object, Trigger::State, due);
                }
                Timer::Shelf(key) => self.end_shelf(key, due),
                Timer::Calm(key) => self.calm(key, due),
            }
        }
    }

    fn end_shelf(&mut self, key: Key, due: DateTime<Utc>) {
        let shelf = self.instances.get(&key).and_then(|i| i.alarm.status.shelf.as_ref());
        if shelf.is_some_and(|shelf| shelf.until == due) {
            let by = By { reason: Some("expired".to_owned()), ..By::default() };
            self.act(key, &Action::Unshelve, due, by);
        }
    }

    /// A device that said nothing for too long is lost. One that is lost comes back by a message only.
    fn look_for_silence(&mut self, now: DateTime<Utc>) {
        let since = self.listening_since;
        let is_new = |object: &super::Object| {
            let is_device = matches!(object.subject, Subject::Device(_)) && !object.is_gone;
            is_device && object.facts.lost_since.is_none() && object.facts.is_lost(now, since)
        };
        let silent: Vec<u32> =
            (0..).zip(&self.objects).filter(|(_, o)| is_new(o)).map(|(at, _)| at).collect();
        for at in &silent {
            if let Some(object) = self.object_mut(*at) {
                object.facts.lost_since = Some(now);
            }
        }
        for at in silent {
            self.judge_all(at, Trigger::Presence, now);
        }
    }

    /// An alarm was raised: too often within the window proposes to shelve it.
    pub(super) fn note_chatter(&mut self, key: Key, at: DateTime<Utc>) {
        let settings = self.rules.settings;
        let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
        let Some(Instance { alarm, raises, .. }) = self.instances.get_mut(&key) else { return };
        let is_many = raises.len() >= settings.chatter_raises as usize;
        let is_quick =
            raises.front().is_some_and(|first| at - *first <= seconds(settings.chatter_window_s));
        if is_many && is_quick && !alarm.chattering {
            alarm.chattering = true;
            self.book.note(alarm, "chatter", at, By::default());
        }
        if alarm.chattering {
            self.timers.insert((at + seconds(settings.chatter_calm_s), Timer::Calm(key)));
        }
    }

    fn calm(&mut self, key: Key, due: DateTime<Utc>) {
        let calm = TimeDelta::seconds(i64::from(self.rules.settings.chatter_calm_s));
        let Some(Instance { alarm, raises, .. }) = self.instances.get_mut(&key) else { return };
        let is_quiet = raises.back().is_none_or(|last| due - *last >= calm);
        if alarm.chattering && is_quiet {
            alarm.chattering = false;
            self.book.note(alarm, "calm", due, By::default());
        }
    }

    /// Tells how many alarms were newly presented, which the rule of floods judges.
    pub(super) fn count_presented(&mut self, now: DateTime<Utc>) {
        while self.presented.front().is_some_and(|at| now - *at > FLOOD_WINDOW) {
            self.presented.pop_front();
        }
        #[expect(clippy::cast_precision_loss, reason = "alarms of 10 minutes")]
        let count = self.presented.len() as f64;
        let at = self.place_of(&ALARMS.into(), Subject::Hub, None);
        if self.object_mut(at).is_some_and(|found| found.measure(Field::AlarmsIn10Min, count)) {
            self.judge_all(at, Trigger::Figure, now);
        }
    }

    /// The flood is over: what it suppressed is shown.
    pub(super) fn end_flood(&mut self, at: DateTime<Utc>) {
        for key in self.suppressed_by(Suppression::Flood) {
            self.unsuppress(key, Suppression::Flood, at);
        }
    }

    fn suppressed_by(&self, kind: Suppression) -> Vec<Key> {
        let has = |instance: &Instance| instance.alarm.status.suppressed.has(kind);
        let mut keys: Vec<Key> = self
            .instances
            .iter()
            .filter(|(_, instance)| has(instance))
            .map(|(key, _)| *key)
            .collect();
        keys.sort_unstable();
        keys
    }

    /// Works began or ended: alarms that they expect are suppressed, others no longer.
    pub(super) fn follow_works(&mut self, now: DateTime<Utc>) {
        let borders = self.works.iter().flat_map(|works| [works.from, works.end()]);
        self.works_at = borders.filter(|at| *at > now).min();
        let mut keys: Vec<Key> = self.instances.keys().copied().collect();
        keys.sort_unstable();
        let rules = std::sync::Arc::clone(&self.rules);
        for key in keys {
            let Some(rule) = rules.at(usize::from(key.0)) else { continue };
            let is_expected = self.is_expected(rule, key.1, now);
            let Some(instance) = self.instances.get(&key) else { continue };
            let status = &instance.alarm.status;
            match (status.suppressed.has(Suppression::Works), is_expected) {
                (false, true) if status.state != State::Norm => {
                    self.suppress(key, Suppression::Works, now);
                }
                (true, false) => self.unsuppress(key, Suppression::Works, now),
                (true, true) | (false, _) => {}
            }
        }
        self.works.retain(|works| works.end() > now);
    }
}
