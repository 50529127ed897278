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
            latest.stamp(self.version);
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
            latest.stamp(self.version);
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

#[cfg(test)]
pub(crate) mod tests {
    use std::{collections::HashMap, time::Duration};

    use super::*;
    use crate::{
        clock::TestClock,
        live::Pace,
        live::topic::{Filter, Topic},
        quality::{
            Check,
            standing::{DeviceQuality, OpenCheck, PlaceQuality},
        },
        registry::Device,
        selfcheck::Agreement,
        spool::SpoolState,
        writer::DatabaseState,
    };
    use ioc_ingest::mqtt::BrokerState;

    /// A live view to which nothing is connected.
    pub(crate) fn alone(clock: &SharedClock) -> (Live, LiveTask) {
        let settings = LiveSettings {
            tick: Duration::from_millis(50),
            slow_tick: Duration::from_secs(1),
            resume: Duration::from_secs(30),
            client_frames: 64,
            connections: 10,
            connections_per_user: 8,
        };
        let ends = LiveEnds {
            clock: Arc::clone(clock),
            changes: mpsc::channel(1).1,
            registry: watch::channel(None).1,
            headline: watch::channel(Arc::default()).1,
            standings: watch::channel(Arc::default()).1,
            pcu: Arc::new(Pcu::configured("").unwrap()),
            hub: HubState::new(
                watch::channel(DatabaseState::Starting).1,
                watch::channel(BrokerState::Connecting).1,
                watch::channel(Agreement::Unknown).1,
                watch::channel(SpoolState::default()).1,
                watch::channel(Agreement::Unknown).1,
            ),
            strangers: Arc::new(Strangers::new(10, Metrics::new())),
            stop: CancellationToken::new(),
            metrics: Metrics::new(),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            epoch: "test".into(),
            rules: Arc::new(Rules::configured("").unwrap()),
        };
        live(settings, ends)
    }

    fn device(source: &Source) -> Device {
        Device {
            id: 1,
            source: source.clone(),
            service: Service::Vds,
            name_vi: "Cầu Ninh Kiều".into(),
            name_en: "Ninh Kieu Bridge".into(),
            position: None,
            area: None,
            corridor: None,
            parent: None,
            period_ms: Some(30_000),
            simulated: false,
            detectors: HashMap::new(),
        }
    }

    #[test]
    fn a_row_comes_again_only_for_what_it_shows() {
        let now = "2026-03-02T01:15:00Z".parse().unwrap();
        let clock: SharedClock = Arc::new(TestClock::new(now));
        let (_live, mut task) = alone(&clock);
        let source = Source::parse("vds-001").unwrap();
        let devices = HashMap::from([(source.clone(), Arc::new(device(&source)))]);
        let registry = Registry { devices, ..Registry::default() };
        let (_registries, registry) = watch::channel(Some(Arc::new(registry)));
        let (standings, seen) = watch::channel(Standings::default());
        (task.registry, task.standings) = (registry, seen);
        task.take_registry();
        task.latest.get_mut(&source).unwrap().restore(now, Counters::default());
        task.judge_dirty(now);

        // What a page is sent for each topic at the next tick.
        let next = |task: &mut LiveTask| {
            let (closed, filter) = (task.version - 1, Filter::default());
            let rows =
                |topic: &Topic| task.rows(topic, &filter, closed, Some(&task.dirty), now).len();
            let sent = (rows(&Topic::Devices), rows(&Topic::Device(source.clone())));
            task.publish(Pace::Full);
            sent
        };
        assert_eq!(next(&mut task), (1, 0), "it is new");
        assert_eq!(next(&mut task), (0, 0));
        let stand = |good_share, check: Option<Check>| {
            let open = |check| OpenCheck::new(check, now, None, None);
            let checks = check.map(open).into_iter().collect();
            let place = PlaceQuality { place: "lane/1".into(), good_share, checks };
            let quality = Arc::new(DeviceQuality { places: vec![place] });
            standings.send_replace(Arc::new(HashMap::from([(source.clone(), quality)])));
        };
        stand(None, None);
        task.take_standings();
        assert_eq!(next(&mut task), (0, 1), "a lane is known: only the device's page shows it");
        stand(Some(0.98), None);
        task.take_standings();
        assert_eq!(next(&mut task), (0, 1), "a share of good samples");
        stand(Some(0.98), Some(Check::StuckOn));
        task.take_standings();
        assert_eq!(next(&mut task), (1, 1), "a failure is a condition of the device");
    }
}
