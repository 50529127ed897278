//! Subscriptions: who gets which feed, snapshots, resuming, changing the pace.

use std::collections::{BTreeMap, HashSet};

use axum::extract::ws::Utf8Bytes;
use chrono::{DateTime, Utc};
use ioc_ingest::Source;

use super::{
    CLIENT_FILTERS_MAX, ClientId, ClientState, Command, FILTERS_MAX, Feed, FeedKey, LiveTask, Pace,
    alarm::Extra,
    frame,
    frame::Cursor,
    topic::{Filter, Topic},
};

impl LiveTask {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Connect { client, queue } => {
                let state = ClientState { queue, pace: Pace::Full, subscriptions: BTreeMap::new() };
                self.clients.insert(client, state);
            }
            Command::Subscribe { client, id, topic, filter, resume } => {
                self.subscribe(client, id, (topic, filter), resume);
            }
            Command::Unsubscribe { client, id } => self.unsubscribe(client, id),
            Command::Pace { client, pace } => self.change_pace(client, pace),
            Command::Restart { client } => self.restart(client),
            Command::Gone { client } => {
                if let Some(state) = self.clients.remove(&client) {
                    for (id, (topic, filter)) in state.subscriptions {
                        self.leave(client, id, &(topic, filter, state.pace));
                    }
                }
            }
        }
    }

    /// The cursor text of a version.
    pub(super) fn cursor(&self, version: u64) -> String {
        format!("{}:{version}", self.epoch)
    }

    fn subscribe(
        &mut self,
        client: ClientId,
        id: u32,
        (topic, filter): (Topic, Filter),
        resume: Option<Cursor>,
    ) {
        self.unsubscribe(client, id);
        let Some(state) = self.clients.get_mut(&client) else { return };
        let filter = if topic.is_filtered() { filter } else { Filter::default() };
        let key: FeedKey = (topic, filter, state.pace);
        let (served, own) = (self.feeds.keys(), state.subscriptions.values());
        let is_refused = is_one_too_many(served.map(|(_, filter, _)| filter), &key.1, FILTERS_MAX)
            || is_one_too_many(own.map(|(_, filter)| filter), &key.1, CLIENT_FILTERS_MAX);
        if is_refused {
            let detail = format!(
                "{CLIENT_FILTERS_MAX} different filters of this connection or {FILTERS_MAX} in all \
                 are served already"
            );
            state.queue.push_all([frame::error(Some(id), "too_many_filters", &detail)]);
            return;
        }
        state.subscriptions.insert(id, (key.0.clone(), key.1.clone()));
        let queue = std::sync::Arc::clone(&state.queue);
        let since = resume.map(Cursor::version).filter(|version| self.can_resume(*version));
        let cursor = self.join(client, id, &key);
        let (topic, filter, _pace) = &key;
        let frames = match since {
            Some(since) => self.catch_up(id, topic, filter, since, cursor),
            None => self.snapshot(id, topic, filter, cursor),
        };
        queue.push_all(frames);
    }

    /// Whether every row that changed after this version is still known as changed.
    fn can_resume(&self, version: u64) -> bool {
        version < self.version
            && self.alarms.holds_since(version)
            && self.history.front().is_some_and(|(_, oldest)| *oldest <= version)
    }

    /// Adds a subscriber to its feed and returns the feed's cursor.
    fn join(&mut self, client: ClientId, id: u32, key: &FeedKey) -> u64 {
        let closed = self.version - 1;
        let feed = self.feeds.entry(key.clone()).or_insert(Feed {
            cursor: closed,
            stored: self.stored,
            subscribers: Vec::new(),
        });
        feed.subscribers.push((client, id));
        feed.cursor
    }

    fn leave(&mut self, client: ClientId, id: u32, key: &FeedKey) -> Option<u64> {
        let feed = self.feeds.get_mut(key)?;
        feed.subscribers.retain(|subscriber| *subscriber != (client, id));
        let cursor = feed.cursor;
        if feed.subscribers.is_empty() {
            self.feeds.remove(key);
        }
        Some(cursor)
    }

    fn unsubscribe(&mut self, client: ClientId, id: u32) {
        let Some(state) = self.clients.get_mut(&client) else { return };
        let pace = state.pace;
        if let Some((topic, filter)) = state.subscriptions.remove(&id) {
            self.leave(client, id, &(topic, filter, pace));
        }
    }

    /// Moves every subscription to the feeds of the other cadence, with what lies between. The filters
    /// stay the same, so that none can be one too many.
    fn change_pace(&mut self, client: ClientId, pace: Pace) {
        let Some(state) = self.clients.get_mut(&client) else { return };
        let before = std::mem::replace(&mut state.pace, pace);
        if before == pace {
            return;
        }
        let queue = std::sync::Arc::clone(&state.queue);
        for (id, (topic, filter)) in state.subscriptions.clone() {
            let since = self.leave(client, id, &(topic.clone(), filter.clone(), before));
            let cursor = self.join(client, id, &(topic.clone(), filter.clone(), pace));
            let frames = match since {
                Some(since) => self.catch_up(id, &topic, &filter, since, cursor),
                None => self.snapshot(id, &topic, &filter, cursor),
            };
            queue.push_all(frames);
        }
    }

    /// Fresh snapshots of everything for a client whose queue ran over.
    fn restart(&mut self, client: ClientId) {
        let Some(state) = self.clients.get(&client) else { return };
        self.metrics.live_resyncs.inc();
        state.queue.restart();
        for (id, (topic, filter)) in &state.subscriptions {
            let key = (topic.clone(), filter.clone(), state.pace);
            let Some(cursor) = self.feeds.get(&key).map(|feed| feed.cursor) else { continue };
            state.queue.push_all([frame::resync(*id, "lagged")]);
            state.queue.push_all(self.snapshot(*id, topic, filter, cursor));
        }
    }

    /// One delta from `since` to the feed's cursor. Rows may be newer than the cursor; the next delta
    /// then brings them again.
    fn catch_up(
        &self,
        id: u32,
        topic: &Topic,
        filter: &Filter,
        since: u64,
        cursor: u64,
    ) -> Vec<Utf8Bytes> {
        let now = self.clock.now();
        let rows = self.rows(topic, filter, since, None, now);
        let (prev, cursor) = (self.cursor(since), self.cursor(cursor));
        let extra = self.extra(topic, filter, since, now);
        let body = frame::delta_body((&prev, &cursor), now, &rows, &extra, self.stored);
        vec![frame::with_id("delta", id, &body)]
    }

    /// What a delta of a topic carries beside rows.
    pub(super) fn extra(
        &self,
        topic: &Topic,
        filter: &Filter,
        since: u64,
        now: DateTime<Utc>,
    ) -> Extra {
        match topic {
            Topic::Alarms => self.alarms.extra(filter, since, now),
            Topic::Devices
            | Topic::Device(_)
            | Topic::Signals
            | Topic::Signal(_)
            | Topic::Traffic
            | Topic::Desk
            | Topic::Reform
            | Topic::Sources
            | Topic::Metric(_) => Extra::default(),
        }
    }

    fn snapshot(&self, id: u32, topic: &Topic, filter: &Filter, cursor: u64) -> Vec<Utf8Bytes> {
        let now = self.clock.now();
        // Version 0 lies before every change; rows that never changed are not shown by any topic.
        let rows = self.rows(topic, filter, 0, None, now);
        frame::snapshot(id, &self.cursor(cursor), now, topic.columns(), &rows, self.stored)
    }

    /// The rows of a topic that changed after `since`; `dirty`, if given, holds all devices that did.
    pub(super) fn rows(
        &self,
        topic: &Topic,
        filter: &Filter,
        since: u64,
        dirty: Option<&HashSet<Source>>,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let mut rows = Vec::new();
        match topic {
            Topic::Devices => self.each(filter, dirty, |latest| {
                if latest.version > since && latest.device.is_some() {
                    let mut text = String::with_capacity(96);
                    latest.device_row(now, &mut text);
                    rows.push(text);
                }
            }),
            Topic::Signals => self.each(filter, dirty, |latest| {
                if latest.version > since {
                    let mut text = String::with_capacity(256);
                    if latest.signal_row(now, &mut text) {
                        rows.push(text);
                    }
                }
            }),
            Topic::Signal(source) => {
                if let Some(latest) = self.latest.get(source).filter(|l| l.version > since) {
                    let mut text = String::with_capacity(256);
                    if latest.signal_row(now, &mut text) {
                        rows.push(text);
                    }
                }
            }
            Topic::Device(source) => {
                if let Some(latest) = self.latest.get(source) {
                    latest.part_rows(since, now, &mut rows);
                }
            }
            Topic::Sources => {
                self.hub.rows(since, now, &mut rows);
                self.each(filter, None, |latest| {
                    if latest.source_version > since {
                        let mut text = String::with_capacity(128);
                        latest.source_row(now, &mut text);
                        rows.push(text);
                    }
                });
            }
            Topic::Traffic => self.traffic.rows(since, now, &mut rows),
            Topic::Desk => self.desk.rows(since, now, &mut rows),
            Topic::Alarms => self.alarms.rows(filter, since, now, &mut rows),
            Topic::Reform => self.reform.rows(since, now, &mut rows),
            Topic::Metric(name) => self.metric_values.rows(name, since, now, &mut rows),
        }
        rows
    }

    fn each(
        &self,
        filter: &Filter,
        dirty: Option<&HashSet<Source>>,
        mut take: impl FnMut(&super::Latest),
    ) {
        let mut visit = |latest: &super::Latest| {
            if filter.takes(latest.service, latest.area()) {
                take(latest);
            }
        };
        match dirty {
            Some(dirty) => dirty.iter().filter_map(|s| self.latest.get(s)).for_each(&mut visit),
            None => self.latest.values().for_each(&mut visit),
        }
    }
}

/// Whether a filter is not served yet while as many others are as may be.
fn is_one_too_many<'a>(
    served: impl Iterator<Item = &'a Filter>,
    wanted: &Filter,
    most: usize,
) -> bool {
    if *wanted == Filter::default() {
        return false;
    }
    let others: HashSet<&Filter> = served.filter(|filter| **filter != Filter::default()).collect();
    others.len() >= most && !others.contains(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_filters_are_counted() {
        let area = |n: usize| Filter { service: Vec::new(), area: Some(format!("gso:{n}").into()) };
        let is_one_too_many = |served: &[Filter], wanted: &Filter| {
            is_one_too_many(served.iter(), wanted, FILTERS_MAX)
        };
        let everything = Filter::default();
        let open = vec![everything.clone(); 2 * FILTERS_MAX];
        assert!(!is_one_too_many(&open, &area(0)), "feeds of devices have no filter");
        let full: Vec<Filter> = (0..FILTERS_MAX).map(area).collect();
        let twice = [full.clone(), full.clone()].concat();
        assert!(!is_one_too_many(&[&full[1..], &full[1..]].concat(), &area(0)));
        assert!(!is_one_too_many(&twice, &area(3)), "it is served already");
        assert!(!is_one_too_many(&twice, &everything));
        assert!(is_one_too_many(&twice, &area(FILTERS_MAX)));
    }
}
