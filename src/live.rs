//! The latest value of everything, pushed to browsers: snapshot first, then what changed.
//!
//! One task owns all values. It applies committed changes, and on two shared cadences (the tick, and
//! a slow one for hidden pages and slow links) writes one frame per (topic, filter, cadence), shared
//! by all of their clients. Every row carries the version of its last change, so the delta from any
//! cursor of this process is the rows with a larger version: that is how a client resumes, and why no
//! frames are held for it. Latest values are conflated. A client that does not keep up starts anew;
//! nobody waits for it. `stored` of a frame is false while anything that any topic shows is in the spool
//! only; when that changes every feed is told, with no rows if need be. Figures of the service desk
//! follow the database: what is spooled does not count yet. Limits: `[live]` in the configuration,
//! [`FILTERS_MAX`], [`CLIENT_FILTERS_MAX`], [`frame::PART_BYTES`].

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use chrono::{DateTime, Utc};
use ioc_ingest::{Fact, Source};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

pub mod alarm;
pub mod client;
pub mod condition;
pub mod desk;
pub mod device;
pub mod frame;
mod hub_state;
pub mod metric;
mod part;
pub mod reform;
mod row;
mod serve;
pub mod start;
pub mod topic;
pub mod traffic;

use alarm::{Alarms, Board};
use client::Queue;
use desk::Desk;
use device::Latest;
use frame::Cursor;
pub use hub_state::HubState;
use metric::Metrics as MetricValues;
use reform::{Headline, Reform};
use topic::{Filter, Topic};
pub use traffic::PlaceTraffic;
use traffic::Traffic;

use crate::{
    admit::{Accepted, Admitted},
    clock::SharedClock,
    observe::Metrics,
    pcu::Pcu,
    quality::standing::Standings,
    registry::Registry,
    store::insert::Committed,
    stranger::Strangers,
    writer::{Changes, Emitted},
};

/// Requests of clients on their way to the live task.
const COMMANDS: usize = 1024;
/// Different filters that are served at once; a further one is refused. Feeds without a filter are not
/// counted: how many there can be is given by the devices and metrics of the city.
pub const FILTERS_MAX: usize = 256;
/// Different filters of one client; so that all connections that one user may have leave room for others.
pub const CLIENT_FILTERS_MAX: usize = 16;

/// How often a subscription is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Every tick.
    Full,
    /// Once per slow tick.
    Slow,
}

/// Number of a client within this process.
pub type ClientId = u64;

/// A request of a client.
#[derive(Debug)]
enum Command {
    Connect { client: ClientId, queue: Arc<Queue> },
    Subscribe { client: ClientId, id: u32, topic: Topic, filter: Filter, resume: Option<Cursor> },
    Unsubscribe { client: ClientId, id: u32 },
    Pace { client: ClientId, pace: Pace },
    Restart { client: ClientId },
    Gone { client: ClientId },
}

/// Settings of the live view.
#[derive(Debug, Clone, Copy)]
pub struct LiveSettings {
    /// Cadence at full pace.
    pub tick: Duration,
    /// Cadence at slow pace.
    pub slow_tick: Duration,
    /// For how long a client may be away and resume.
    pub resume: Duration,
    /// Deltas that may wait for a client.
    pub client_frames: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one user.
    pub connections_per_user: usize,
}

/// How a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// 0 unknown, 1 normal, 2 warning, 3 fault, 4 offline.
    pub condition: u8,
    /// Reason code; null when normal or unknown.
    pub why: Option<String>,
    /// Time of the newest measurement, source clock.
    pub measured_at: Option<DateTime<Utc>>,
}

/// The way for clients to the live task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live {
    commands: mpsc::Sender<Command>,
    open: Arc<Mutex<Open>>,
    guests: TaskTracker,
    next: Arc<AtomicU64>,
    settings: LiveSettings,
    epoch: Arc<str>,
    metrics: Arc<Metrics>,
    conditions: watch::Receiver<Arc<HashMap<Source, Judged>>>,
    corridors: watch::Receiver<Arc<Vec<PlaceTraffic>>>,
    alarms: watch::Receiver<Arc<Board>>,
}

/// What the task tells others than its clients: how devices are, traffic of corridors and areas, alarms.
type Told = (
    watch::Receiver<Arc<HashMap<Source, Judged>>>,
    watch::Receiver<Arc<Vec<PlaceTraffic>>>,
    watch::Receiver<Arc<Board>>,
);

/// Connections that are open, in all and by user.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_user: HashMap<String, usize>,
}

/// One client's connection to the live task. [`Connection::close`] ends it.
#[derive(Debug)]
pub struct Connection {
    live: Live,
    client: ClientId,
    user: String,
    /// Frames for this client.
    pub queue: Arc<Queue>,
}

/// Why a client was not let in.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Too many connections.
    #[error("{0} live connections are open, which is the limit")]
    Full(usize),
    /// Too many connections of one user.
    #[error("{0} live connections of this user are open, which is the limit")]
    FullForUser(usize),
    /// The process is stopping.
    #[error("the hub is stopping")]
    Stopping,
}

impl Live {
    /// The handle, and the receiving end for [`LiveTask`].
    fn channel(
        settings: LiveSettings,
        epoch: &str,
        metrics: Arc<Metrics>,
        (conditions, corridors, alarms): Told,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let live = Self {
            commands,
            open: Arc::default(),
            guests: TaskTracker::new(),
            next: Arc::default(),
            settings,
            epoch: epoch.into(),
            metrics,
            conditions,
            corridors,
            alarms,
        };
        (live, receiver)
    }

    /// Held by whoever serves a client: [`Live::all_served`] waits until it is dropped.
    pub fn guest(&self) -> TaskTrackerToken {
        self.guests.token()
    }

    /// Waits until every client that came before has been told goodbye.
    pub async fn all_served(&self) {
        self.guests.close();
        self.guests.wait().await;
    }

    /// The queue of clients' requests, for its metrics.
    pub(crate) fn queue(&self) -> mpsc::WeakSender<impl Send + use<>> {
        self.commands.downgrade()
    }

    /// Text that begins every cursor of this process.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The settings.
    pub const fn settings(&self) -> &LiveSettings {
        &self.settings
    }

    /// Counts a client that was closed because it read nothing.
    pub fn note_slow(&self) {
        self.metrics.live_slow.inc();
    }

    /// How each device is, as of the last second.
    pub fn conditions(&self) -> Arc<HashMap<Source, Judged>> {
        self.conditions.borrow().clone()
    }

    /// Figures of every corridor and area, as of the last second.
    pub fn corridors(&self) -> Arc<Vec<PlaceTraffic>> {
        self.corridors.borrow().clone()
    }

    /// Every alarm that is not plainly normal, as it is shown.
    pub fn alarms(&self) -> Arc<Board> {
        self.alarms.borrow().clone()
    }

    /// Lets a client of this user in.
    pub async fn connect(&self, user: &str) -> Result<Connection, LiveError> {
        self.count_in(user)?;
        let client = self.next.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(self.settings.client_frames));
        let (live, user) = (self.clone(), user.to_owned());
        let connection = Connection { live, client, user, queue: Arc::clone(&queue) };
        self.send(Command::Connect { client, queue }).await?;
        Ok(connection)
    }

    fn count_in(&self, user: &str) -> Result<(), LiveError> {
        let LiveSettings { connections, connections_per_user, .. } = self.settings;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.by_user.get(user).is_some_and(|open| *open >= connections_per_user) {
            return Err(LiveError::FullForUser(connections_per_user));
        }
        if open.all >= connections {
            return Err(LiveError::Full(connections));
        }
        *open.by_user.entry(user.to_owned()).or_default() += 1;
        open.all += 1;
        self.metrics.live_clients.inc();
        Ok(())
    }

    fn count_out(&self, user: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_user) = open.by_user.get_mut(user) {
            *of_user -= 1;
            if *of_user == 0 {
                open.by_user.remove(user);
            }
        }
        open.all -= 1;
        self.metrics.live_clients.dec();
    }

    async fn send(&self, command: Command) -> Result<(), LiveError> {
        self.commands.send(command).await.map_err(|_ended| LiveError::Stopping)
    }
}

impl Connection {
    /// Subscribes; the answer comes through the queue.
    pub async fn subscribe(
        &self,
        id: u32,
        topic: Topic,
        filter: Filter,
        resume: Option<&str>,
    ) -> Result<(), LiveError> {
        let resume = resume.and_then(|text| Cursor::parse(text, self.live.epoch()));
        let filter = filter.normal();
        self.live.send(Command::Subscribe { client: self.client, id, topic, filter, resume }).await
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, id: u32) -> Result<(), LiveError> {
        self.live.send(Command::Unsubscribe { client: self.client, id }).await
    }

    /// Changes the cadence of all subscriptions.
    pub async fn pace(&self, pace: Pace) -> Result<(), LiveError> {
        self.live.send(Command::Pace { client: self.client, pace }).await
    }

    /// Asks for fresh snapshots after the queue ran over.
    pub async fn restart(&self) -> Result<(), LiveError> {
        self.live.send(Command::Restart { client: self.client }).await
    }

    /// Ends the connection and its subscriptions.
    pub async fn close(self) {
        let gone = Command::Gone { client: self.client };
        // A stopping live task has already forgotten the client.
        let _stopping = self.live.send(gone).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.count_out(&self.user);
    }
}

/// One shared stream of frames.
#[derive(Debug)]
struct Feed {
    cursor: u64,
    /// What its clients were told last: whether all that they see is in the database.
    stored: bool,
    subscribers: Vec<(ClientId, u32)>,
}

#[derive(Debug)]
struct ClientState {
    queue: Arc<Queue>,
    pace: Pace,
    subscriptions: BTreeMap<u32, (Topic, Filter)>,
}

type FeedKey = (Topic, Filter, Pace);

/// The task that owns every latest value.
#[derive(Debug)]
pub struct LiveTask {
    clock: SharedClock,
    changes: mpsc::Receiver<Emitted>,
    zone: chrono_tz::Tz,
    registry: watch::Receiver<Option<Arc<Registry>>>,
    headline: watch::Receiver<Arc<Headline>>,
    standings: watch::Receiver<Standings>,
    shown_standings: Standings,
    pcu: Arc<Pcu>,
    corridors: watch::Sender<Arc<Vec<PlaceTraffic>>>,
    hub: HubState,
    strangers: Arc<Strangers>,
    commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
    settings: LiveSettings,
    metrics: Arc<Metrics>,
    epoch: Arc<str>,
    /// Version of the changes that are being collected; those of the past are complete.
    version: u64,
    /// Versions at past seconds, for the horizon of resuming.
    history: VecDeque<(Instant, u64)>,
    stored: bool,
    latest: HashMap<Source, Latest>,
    dirty: HashSet<Source>,
    dirty_slow: HashSet<Source>,
    desk: Desk,
    traffic: Traffic,
    metric_values: MetricValues,
    reform: Reform,
    alarms: Alarms,
    clients: HashMap<ClientId, ClientState>,
    feeds: HashMap<FeedKey, Feed>,
    conditions: watch::Sender<Arc<HashMap<Source, Judged>>>,
}

impl LiveTask {
    /// Runs until the stop.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let mut tick = interval(self.settings.tick);
        let mut slow = interval(self.settings.slow_tick);
        let mut second = interval(Duration::from_secs(1));
        for timer in [&mut tick, &mut slow, &mut second] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
        }
        loop {
            // Every branch is cancel-safe; the work happens after one was taken.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                _ = tick.tick() => self.publish(Pace::Full),
                _ = slow.tick() => self.publish(Pace::Slow),
                _ = second.tick() => self.every_second(),
                Some(command) = self.commands.recv() => self.obey(command),
                Some(emitted) = self.changes.recv() => match emitted {
                    Emitted::Start(start) => self.begin(*start),
                    Emitted::Batch(changes) => self.apply(&changes),
                    Emitted::Alarms(news) => {
                        self.stored = news.stored;
                        self.alarms.apply(&news, self.version);
                    }
                },
                changed = self.registry.changed() => {
                    if changed.is_ok() {
                        self.take_registry();
                    }
                }
                Ok(()) = self.standings.changed() => self.take_standings(),
                Ok(()) = self.headline.changed() => {
                    let headline = self.headline.borrow_and_update().clone();
                    self.reform.take(&headline, self.version);
                }
            }
        }
    }

    /// Takes over what is registered now; what a source said before is kept, unless it is a stranger that
    /// was forgotten: clients lose that at their next snapshot.
    fn take_registry(&mut self) {
        let Some(registry) = self.registry.borrow_and_update().clone() else { return };
        for (source, device) in &registry.devices {
            let clock_suspect_ms = registry.table.clock_suspect_ms(device);
            // A lane that one device reported first is no change of all the others.
            let is_known = self.latest.get(source).is_some_and(|latest| {
                latest.device.as_ref().is_some_and(|known| Arc::ptr_eq(known, device))
                    && latest.clock_suspect_ms == clock_suspect_ms
            });
            if is_known {
                continue;
            }
            let latest = self.latest.entry(source.clone()).or_insert_with(|| {
                Latest::new(source.clone(), device.service, Some(Arc::clone(device)))
            });
            latest.device = Some(Arc::clone(device));
            latest.clock_suspect_ms = clock_suspect_ms;
            latest.service = device.service;
            if latest.quality.is_none() {
                let known = self.shown_standings.get(source);
                latest.quality = known.map(|quality| (Arc::clone(quality), self.version));
            }
            latest.stamp(self.version);
            self.dirty.insert(source.clone());
        }
        self.forget_strangers();
        let now = self.clock.now();
        self.judge_dirty(now);
    }

    /// Takes over the states of detectors: those that changed are no longer the same entries. The row
    /// of a device shows nothing of them but its condition; only `device/{id}` tells each.
    fn take_standings(&mut self) {
        let standings = self.standings.borrow_and_update().clone();
        for (source, quality) in standings.iter() {
            let known = self.shown_standings.get(source);
            if known.is_some_and(|known| Arc::ptr_eq(known, quality)) {
                continue;
            }
            if let Some(latest) = self.latest.get_mut(source) {
                latest.quality = Some((Arc::clone(quality), self.version));
                self.dirty.insert(source.clone());
            }
        }
        let gone = self.shown_standings.keys().filter(|source| !standings.contains_key(*source));
        for source in gone {
            if let Some(latest) = self.latest.get_mut(source) {
                latest.quality = None;
                self.dirty.insert(source.clone());
            }
        }
        self.shown_standings = standings;
        let now = self.clock.now();
        self.judge_dirty(now);
    }

    fn forget_strangers(&mut self) {
        let strangers = &self.strangers;
        let is_gone =
            |source: &Source, latest: &Latest| latest.device.is_none() && !strangers.knows(source);
        let gone: Vec<Source> =
            self.latest.extract_if(|s, latest| is_gone(s, latest)).map(|(s, _)| s).collect();
        if gone.is_empty() {
            return;
        }
        self.conditions.send_modify(|conditions| {
            let conditions = Arc::make_mut(conditions);
            for source in &gone {
                conditions.remove(source);
            }
        });
    }

    fn apply(&mut self, changes: &Changes) {
        let now = self.clock.now();
        self.stored = changes.stored;
        let unknown = Committed::default();
        let committed = changes.committed.as_ref().unwrap_or(&unknown);
        for (at, item) in changes.items.iter().enumerate() {
            let Some(topic) = &item.topic else { continue };
            let latest = self
                .latest
                .entry(topic.source.clone())
                .or_insert_with(|| Latest::new(topic.source.clone(), topic.service, None));
            let duplicates = committed.duplicate_rows.get(at).copied().unwrap_or(0);
            let refused = committed.refused.get(at).copied().unwrap_or_default();
            let arrival = committed.arrivals.get(at).copied().unwrap_or_default();
            if changes.is_shown {
                latest.correct(arrival, duplicates, refused);
            } else {
                latest.count(item, arrival, duplicates, refused);
            }
            latest.source_version = self.version;
            let conflicting = committed.conflicting.get(at).copied().unwrap_or(false);
            let Some(accepted) = item.accepted.as_ref().filter(|_| !conflicting) else { continue };
            if !changes.is_shown {
                self.show(item, accepted);
            }
            if let Fact::Call(call) = &accepted.message.fact
                && changes.committed.is_some()
                && duplicates == 0
            {
                let received = item.delivery.received_at;
                let time = accepted.message.envelope.map_or(received, |e| e.time);
                self.desk.apply_call(call, time);
            }
        }
        for (source, loss) in &committed.loss {
            if let Some(latest) = self.latest.get_mut(source) {
                latest.counters.loss.add(*loss);
                latest.source_version = self.version;
            }
        }
        let steps = changes.items.iter().filter_map(|item| item.accepted.as_ref());
        let told = steps.filter(|accepted| matches!(accepted.message.fact, Fact::Ticket(_)));
        let newest = told.filter_map(|accepted| accepted.message.envelope).map(|e| e.time).max();
        self.desk.apply(&committed.tickets, newest.unwrap_or(now));
        self.judge_dirty(now);
    }

    /// Shows what a message says, if it is the latest.
    fn show(&mut self, item: &Admitted, accepted: &Accepted) {
        let Some(latest) = self.latest.get_mut(&accepted.message.topic.source) else { return };
        let received = item.delivery.received_at;
        if latest.apply(&accepted.message, &item.delivery.payload, received, self.version) {
            latest.stamp(self.version);
            self.dirty.insert(accepted.message.topic.source.clone());
        }
        if let (Fact::Metric(sample), Some(envelope)) =
            (&accepted.message.fact, &accepted.message.envelope)
        {
            self.metric_values.apply(latest.source(), envelope, sample, self.version);
        }
    }

    /// Judges the devices of which something changed, and stamps the rows whose condition did.
    fn judge_dirty(&mut self, now: DateTime<Utc>) {
        for source in &self.dirty {
            if let Some(latest) = self.latest.get_mut(source)
                && latest.judge(now)
            {
                latest.stamp(self.version);
            }
        }
    }

    /// What changes by time alone: silence, rates, overdue tickets, corridor figures, the hub itself.
    fn every_second(&mut self) {
        let now = self.clock.now();
        for (source, latest) in &mut self.latest {
            if latest.judge(now) {
                latest.stamp(self.version);
                self.dirty.insert(source.clone());
            }
            if latest.tick_second() {
                latest.source_version = self.version;
            }
        }
        self.desk.refresh(now, self.version);
        let registry = self.registry.borrow().clone();
        let lanes = registry.as_ref().map(|registry| &*registry.lanes);
        self.traffic.refresh(self.latest.values(), (lanes, &self.pcu), now, self.version);
        self.corridors.send_replace(Arc::new(self.traffic.figures()));
        self.hub.refresh(&self.strangers, now, self.version);
        self.tell_conditions();
        let at = Instant::now();
        self.history.push_back((at, self.version));
        while self.history.front().is_some_and(|(then, _)| at - *then > self.settings.resume) {
            self.history.pop_front();
        }
        if let Some((_, oldest)) = self.history.front() {
            self.alarms.forget(*oldest);
        }
    }

    /// Tells how each device is, in the map that is there unless somebody is reading it.
    fn tell_conditions(&self) {
        self.conditions.send_modify(|conditions| {
            let conditions = Arc::make_mut(conditions);
            for (source, latest) in &self.latest {
                match conditions.get_mut(source) {
                    Some(judged) => *judged = latest.judged(),
                    None => {
                        conditions.insert(source.clone(), latest.judged());
                    }
                }
            }
        });
    }

    /// Writes the deltas of one cadence.
    fn publish(&mut self, pace: Pace) {
        let dirty = match pace {
            Pace::Full => {
                self.dirty_slow.extend(self.dirty.iter().cloned());
                std::mem::take(&mut self.dirty)
            }
            // What changed since the last tick belongs to the version that is closed now.
            Pace::Slow => {
                let mut dirty = std::mem::take(&mut self.dirty_slow);
                dirty.extend(self.dirty.iter().cloned());
                dirty
            }
        };
        let closed = self.version;
        self.version += 1;
        let now = self.clock.now();
        let mut feeds = std::mem::take(&mut self.feeds);
        for ((topic, filter, of), feed) in &mut feeds {
            if *of == pace {
                self.serve(topic, filter, feed, &dirty, closed, now);
            }
        }
        self.feeds = feeds;
    }

    /// Sends one feed what changed since its last frame.
    fn serve(
        &self,
        topic: &Topic,
        filter: &Filter,
        feed: &mut Feed,
        dirty: &HashSet<Source>,
        closed: u64,
        now: DateTime<Utc>,
    ) {
        let rows = self.rows(topic, filter, feed.cursor, Some(dirty), now);
        let extra = self.extra(topic, filter, feed.cursor, now);
        if rows.is_empty() && extra.is_empty() && feed.stored == self.stored {
            return;
        }
        feed.stored = self.stored;
        let (prev, cursor) = (self.cursor(feed.cursor), self.cursor(closed));
        let body = frame::delta_body((&prev, &cursor), now, &rows, &extra, self.stored);
        // Pages subscribe in the same order, so most clients of a feed share the same id.
        let mut shared: HashMap<u32, Utf8Bytes> = HashMap::new();
        for (client, id) in &feed.subscribers {
            let Some(client) = self.clients.get(client) else { continue };
            let text = shared.entry(*id).or_insert_with(|| frame::with_id("delta", *id, &body));
            if client.queue.push(text.clone()) {
                self.metrics.live_frames.inc();
            }
        }
        feed.cursor = closed;
    }
}
