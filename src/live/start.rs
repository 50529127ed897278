//! What the live view begins with: the current values, counters and figures that the database holds.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ioc_ingest::{Message, Service, Source, metric::MetricValue};

use super::{
    Live, LiveSettings, LiveTask, MetricValues, Traffic,
    alarm::Alarms,
    desk::{Desk, DeskStart},
    device::{Counters, Latest},
    hub_state::HubState,
    reform::{Headline, Reform},
};
use crate::{
    alarm::{Alarm, rule::Rules},
    clock::SharedClock,
    observe::Metrics,
    pcu::Pcu,
    quality::standing::Standings,
    registry::Registry,
    stranger::Strangers,
    writer::Emitted,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The latest message of one device and stream.
#[derive(Debug)]
pub struct Current {
    /// The message, decoded anew.
    pub message: Arc<Message>,
    /// Its bytes.
    pub payload: Bytes,
    /// Hub clock.
    pub received_at: DateTime<Utc>,
}

/// Everything that the database holds for the live view.
#[derive(Debug, Default)]
pub struct Start {
    /// Sources that ever published: source, service, last seen, counters.
    pub sources: Vec<(Source, Service, DateTime<Utc>, Counters)>,
    /// Latest messages.
    pub current: Vec<Current>,
    /// Service desk.
    pub desk: DeskStart,
    /// Latest values of metrics: source, value, time.
    pub metrics: Vec<(String, MetricValue, DateTime<Utc>)>,
    /// Alarms that are not plainly normal.
    pub alarms: Vec<Arc<Alarm>>,
}

/// What the live task is connected to.
#[derive(Debug)]
pub struct LiveEnds {
    /// Time.
    pub clock: SharedClock,
    /// Committed changes.
    pub changes: mpsc::Receiver<Emitted>,
    /// The registry.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// Headline indicators, computed from the database.
    pub headline: watch::Receiver<Arc<Headline>>,
    /// States of detectors.
    pub standings: watch::Receiver<Standings>,
    /// Passenger-car units, levels of service, congestion.
    pub pcu: Arc<Pcu>,
    /// The hub's own parts.
    pub hub: HubState,
    /// Who publishes without being in service.
    pub strangers: Arc<Strangers>,
    /// Asks for the end.
    pub stop: CancellationToken,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Zone of the city's civil days.
    pub zone: chrono_tz::Tz,
    /// Text that begins every cursor of this process.
    pub epoch: String,
    /// Rules of alarms.
    pub rules: Arc<Rules>,
}

/// Makes the live task and the way to it.
pub fn live(settings: LiveSettings, ends: LiveEnds) -> (Live, LiveTask) {
    let (conditions, seen) = watch::channel(Arc::default());
    let (corridors, traffic_seen) = watch::channel(Arc::default());
    let (board, alarms) = watch::channel(Arc::default());
    let watched = (seen, traffic_seen, alarms);
    let (live, commands) = Live::channel(settings, &ends.epoch, Arc::clone(&ends.metrics), watched);
    let now = ends.clock.now();
    let task = LiveTask {
        desk: Desk::new(ends.zone, now, DeskStart::default()),
        zone: ends.zone,
        clock: ends.clock,
        changes: ends.changes,
        registry: ends.registry,
        headline: ends.headline,
        standings: ends.standings,
        shown_standings: Standings::default(),
        pcu: ends.pcu,
        corridors,
        hub: ends.hub,
        strangers: ends.strangers,
        commands,
        stop: ends.stop,
        settings,
        metrics: ends.metrics,
        epoch: ends.epoch.into(),
        version: 1,
        history: std::collections::VecDeque::default(),
        stored: true,
        latest: std::collections::HashMap::default(),
        dirty: std::collections::HashSet::default(),
        dirty_slow: std::collections::HashSet::default(),
        traffic: Traffic::default(),
        metric_values: MetricValues::default(),
        reform: Reform::default(),
        alarms: Alarms::new(ends.rules, board),
        clients: std::collections::HashMap::default(),
        feeds: std::collections::HashMap::default(),
        conditions,
    };
    (live, task)
}

impl LiveTask {
    /// Takes over what the database holds. Comes before the first batch.
    pub(super) fn begin(&mut self, start: Start) {
        let now = self.clock.now();
        for (source, service, last_seen, counters) in start.sources {
            let latest = self
                .latest
                .entry(source.clone())
                .or_insert_with(|| Latest::new(source.clone(), service, None));
            latest.restore(last_seen, counters);
            self.dirty.insert(source);
        }
        for current in start.current {
            let topic = &current.message.topic;
            let latest = self
                .latest
                .entry(topic.source.clone())
                .or_insert_with(|| Latest::new(topic.source.clone(), topic.service, None));
            let before = latest.counters;
            latest.apply(&current.message, &current.payload, current.received_at, self.version);
            latest.counters = before;
            self.dirty.insert(topic.source.clone());
        }
        for (source, value, time) in start.metrics {
            self.metric_values.restore(&source, value, time, self.version);
        }
        self.alarms.begin(start.alarms, self.version);
        self.desk = Desk::new(self.zone, now, start.desk);
        self.judge_dirty(now);
    }
}
