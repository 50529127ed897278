//! Puts the stages together and runs them: broker session, intake, writer, live view, web server,
//! upkeep, and on request the simulated city. Starts what data flows to before what it comes from.
//!
//! The database may be away at the start: the web server answers and says so, messages wait in the
//! broker, and everything goes on when it comes.

use std::{collections::HashMap, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use chrono::TimeDelta;
use ioc_ingest::{
    Acknowledger, Contract, Delivery, Service,
    mqtt::{BrokerState, Options, Session},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::{
    access::{Gate, Seen, ensure_administrator},
    admit::Horizon,
    alarm::{
        field::Field,
        road::Roads,
        rule::{Rules, RulesError},
        signal::Signals,
        usual::{UsualHours, UsualTask},
        watch::Watch,
    },
    api::{self, ApiSettings, App, DeviceState},
    calendar::{Calendar, CalendarErrors},
    city::{City, Device},
    clock::SharedClock,
    config::{self, Config},
    follow,
    import::{Words, WordsError},
    indicator::{
        catalogue::{Catalogue, Unusable},
        law::Parameters,
    },
    intake::{CHUNKS, Intake},
    live::{
        HubState, Live, LiveSettings,
        start::{LiveEnds, live},
    },
    notify::{self, Board, EndpointsError, Notifications, Timing, board::BoardMetrics},
    observe::{Metrics, Queues},
    pcu::{self, Pcu},
    performance::target::{Targets, TargetsError},
    quality::{
        self, Thresholds,
        slow::{Slow, SlowStates, SlowTask},
        standing::Standings,
        task::QualityTask,
    },
    rate::{RateSettings, Rates},
    readiness::{Component, Readiness},
    record::RecordSettings,
    reform::{Context, headline::HeadlineTask},
    registry::Registry,
    rollup,
    selfcheck::{Agreement, SelfCheck},
    spool::{Level, Spool, SpoolError, SpoolSettings, SpoolState},
    still::{Address, ConfigureError, Stills},
    store::{
        Store, StoreError, StoreSettings, city,
        insert::{Doubted, claim, release},
        migrate, registry,
        retention::Retention,
    },
    stranger::Strangers,
    tasks::Tasks,
    unit::Units,
    upkeep,
    writer::{
        Alarms, CHANGES, DatabaseState, INPUTS, Writer, WriterHandle, WriterSettings,
        command::chain, no_answer,
    },
};

/// Pause before the database is tried again at the start.
const PREPARE_PAUSE: Duration = Duration::from_secs(1);
/// Longest time to connect and claim the database, and again to look into it and seed it; migrations may
/// take as long as they need.
const PREPARE_LIMIT: Duration = Duration::from_mins(2);
/// How long a predecessor's lock on the database is waited for: a hub that was killed a moment ago.
const TAKEN_PATIENCE: Duration = Duration::from_secs(10);

/// Everything that a hub is made from.
pub struct HubOptions {
    /// Configuration; broker and database as they are to be used.
    pub config: Config,
    /// The city.
    pub city: Arc<City>,
    /// Devices that seed an empty registry.
    pub devices: Vec<Device>,
    /// How to reach the database.
    pub database: StoreSettings,
    /// How to reach the broker.
    pub broker: Options,
    /// Time.
    pub clock: SharedClock,
}

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The database settings cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The web server's address is taken or not ours.
    #[error("listen on {address} (key http.listen)")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The word lists of imports cannot be used.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The file of notifications cannot be used.
    #[error(transparent)]
    Notifications(#[from] EndpointsError),
    /// The targets of alarms cannot be used.
    #[error(transparent)]
    Targets(#[from] TargetsError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Pictures of cameras cannot be fetched as configured.
    #[error(transparent)]
    Stills(#[from] ConfigureError),
    /// The calendar cannot be used.
    #[error(transparent)]
    Calendar(#[from] CalendarErrors),
    /// The thresholds of data quality or the links of the city cannot be used.
    #[error(transparent)]
    Quality(#[from] quality::thresholds::Unusable),
    /// The passenger-car units cannot be used.
    #[error(transparent)]
    Pcu(#[from] pcu::Unusable),
    /// The rules of alarms cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The catalogue of indicators or their laws cannot be used.
    #[error(transparent)]
    Indicators(#[from] Unusable),
    /// The registered city is another one.
    #[error(
        "the database holds the city {found}, the configuration says {wanted} (key city.folder)"
    )]
    OtherCity {
        /// Token in the database.
        found: String,
        /// Token in the folder.
        wanted: String,
    },
    /// The first administrator could not be made.
    #[error("make the first administrator")]
    Administrator(#[from] crate::access::AdministerError),
}

/// What became ready when the database answered for the first time.
#[derive(Debug)]
pub struct Prepared {
    /// Password of the first administrator, when one was made; shown once.
    pub first_password: Option<String>,
    /// Migrations that were applied.
    pub migrations: Vec<&'static str>,
    /// Whether the registry was seeded from the city folder.
    pub seeded: bool,
    /// Whether the desk's published period is still to be filled in, by the demonstration.
    pub history_missing: bool,
}

/// A running hub.
#[derive(Debug)]
pub struct Hub {
    /// Address of the web server.
    pub address: SocketAddr,
    /// Answers once the database was prepared.
    pub prepared: oneshot::Receiver<Prepared>,
    /// The way to the database.
    pub store: Store,
    /// Readiness of the parts.
    pub ready: watch::Receiver<Readiness>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// Version and revision of this program.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

fn days(days: u32) -> TimeDelta {
    TimeDelta::days(i64::from(days))
}

/// The retention of the configuration.
pub fn retention(config: &Config) -> Retention {
    let keep = &config.retention;
    Retention {
        signal: days(keep.signal_days),
        interval: days(keep.interval_days),
        rollup_5min: days(keep.rollup_5min_days),
        health: days(keep.health_days),
        record: days(keep.record_days),
        quarantine: days(keep.quarantine_days),
        quarantine_personal: days(keep.quarantine_personal_days),
        journal: days(keep.journal_days),
    }
}

/// How far ahead and back the configuration lets a message's time lie.
pub fn horizon(config: &Config) -> Horizon {
    let keep = &config.retention;
    Horizon {
        ahead: TimeDelta::seconds(i64::from(config.ingest.clock_ahead_s)),
        signal: days(keep.signal_days),
        interval: days(keep.interval_days),
        health: days(keep.health_days),
        record: days(keep.record_days),
    }
}

/// What the configuration lets sources send.
fn rates(config: &Config) -> RateSettings {
    let hz = &config.rate;
    RateSettings {
        factor: config.ingest.noisy_factor,
        burst_s: config.ingest.noisy_burst_s,
        besides_hz: Service::ALL.map(|service| match service {
            Service::Signal => hz.signal_hz,
            Service::Vds => hz.vds_hz,
            Service::Cctv => hz.cctv_hz,
            Service::Cabinet => hz.cabinet_hz,
            Service::Desk => hz.desk_hz,
            Service::Onestop => hz.onestop_hz,
            Service::Metric => hz.metric_hz,
        }),
    }
}

/// Starts a hub. It stops when `tasks` do.
///
/// # Errors
/// What waiting cannot mend; an absent database or broker is no error.
#[expect(clippy::too_many_lines, reason = "the list of what is connected to what")]
pub async fn start(tasks: &Tasks, options: HubOptions) -> Result<Hub, HubError> {
    let config = options.config;
    let words = Words::configured(&config.imports.file)?;
    let rules = Arc::new(Rules::configured(&config.alarms.rules)?);
    let notifications =
        Notifications::configured(&config.notifications.file, &config::environment())?;
    let store = Store::new(options.database)?;
    let (listener, address) = listen(&config.http.listen).await?;
    let stop = tasks.stop_token();
    let metrics = Metrics::new();
    let spool = Spool::open(spool_settings(&config), Arc::clone(&metrics)).await?;
    let clock = options.clock;
    let now = clock.now();
    let contract = contract(&config, &options.city);
    let (session, deliveries, acknowledger, broker_state) = broker(options.broker, &clock);
    let (registry, registry_seen) = watch::channel(None);
    let (database, database_seen) = watch::channel(DatabaseState::Starting);
    let (admitted, to_write) = mpsc::channel(CHUNKS);
    let (changes, changed) = mpsc::channel(CHANGES);
    let (inputs, told) = mpsc::channel(INPUTS);
    let (writer_handle, commands) = WriterHandle::channel();
    let mut queues = broker_queues(&session, &acknowledger);
    queues.add("admitted", admitted.downgrade());
    queues.add("commands", writer_handle.queue());
    queues.add("changes", changes.downgrade());
    let (agreement, agreed) = watch::channel(Agreement::Unknown);
    let (standings, standings_seen) = watch::channel(Standings::default());
    let (feed, ear) = quality::task::channel();
    queues.add("quality", feed.queue());
    let pcu = Arc::new(Pcu::configured(&config.quality.pcu)?);
    let settings = writer_settings(&config, options.city.time_zone, &clock)?;
    let signals = Signals::of(&options.city, &settings.records.calendar);
    let thresholds = Arc::clone(&settings.thresholds);
    let links = quality::slow::links(&config.city.folder)?;
    let strangers = Arc::new(Strangers::new(config.ingest.strangers, Arc::clone(&metrics)));

    let base = reform_base(&config, &options.city, &clock)?;
    let (headline, outlets) =
        HeadlineTask::new(&store, base, registry_seen.clone(), &metrics, &stop);
    tasks.spawn("headline", headline.run());
    let parts = Parts {
        database: database_seen.clone(),
        broker: broker_state.clone(),
        spool: spool.state(),
    };
    let board = Arc::new(Board::default());
    metrics.show(Box::new(BoardMetrics(Arc::clone(&board))));
    let watched =
        (broker_state.clone(), agreed.clone(), outlets.books.clone(), outlets.headline.clone());
    let ends = LiveEnds {
        clock: Arc::clone(&clock),
        changes: changed,
        registry: registry_seen.clone(),
        headline: outlets.headline,
        standings: standings_seen.clone(),
        pcu: Arc::clone(&pcu),
        hub: HubState::new(database_seen, broker_state, agreed, spool.state(), outlets.books)
            .with_receivers(Arc::clone(&board)),
        strangers: Arc::clone(&strangers),
        stop: stop.clone(),
        metrics: Arc::clone(&metrics),
        zone: options.city.time_zone,
        epoch: format!("{:x}", now.timestamp_millis()),
        rules: Arc::clone(&rules),
    };
    let (live, live_task) = live(live_settings(&config), ends);
    queues.add("live", live.queue());
    metrics.watch(queues, session.counters());
    tasks.spawn("live", live_task.run());
    let watch = Watch {
        store: store.clone(),
        registry: registry_seen.clone(),
        clock: Arc::clone(&clock),
        folder: config.spool_folder(),
        broker: watched.0,
        spool: spool.state(),
        rollup: watched.1,
        books: watched.2,
        headline: watched.3,
        standings: standings_seen.clone(),
        live: live.clone(),
        free_flow_kmh: free_flow(&options.city),
        metrics: Arc::clone(&metrics),
        inputs,
        stop: stop.clone(),
    };
    tasks.spawn("figures of alarms", watch.run());

    let usual = usual_task(&rules, (&store, &clock, &registry_seen), &settings, &stop);
    let (usual, usual_seen) = usual.unzip();
    if let Some(usual) = usual {
        tasks.spawn("usual occupancy", usual.run());
    }

    let (ready, ready_seen) = watch::channel(Readiness::starting(now));
    tasks.spawn("readiness", follow_readiness(ready, parts, Arc::clone(&clock), stop.clone()));

    let stills = stills(&config)?;
    let app = App {
        settings: api_settings(&config, &options.city, words),
        ready: ready_seen.clone(),
        metrics: metrics_text(&metrics),
        state_of: state_of(&live, &clock),
        live,
        writer: writer_handle.clone(),
        store: store.clone(),
        clock: Arc::clone(&clock),
        stop: stop.clone(),
        gate: Gate::new(),
        seen: Seen::default(),
        registry: registry_seen.clone(),
        stills,
        targets: Targets::configured(&config.performance.targets)?,
        notify: Arc::clone(&board),
        reform: outlets.context,
        standings: standings_seen,
        thresholds,
        pcu,
        rules: Arc::clone(&rules),
    };
    tasks.spawn("web", serve_apart(listener, app, stop.clone()));

    let (slow_states, slow_seen) = watch::channel(SlowStates::default());
    let marking = QualityTask {
        store: store.clone(),
        clock: Arc::clone(&clock),
        zone: options.city.time_zone,
        registry: registry_seen.clone(),
        spool: spool.state(),
        ear,
        standings,
        slow: slow_seen,
        shown_slow: SlowStates::default(),
        metrics: Arc::clone(&metrics),
        stop: stop.clone(),
    };
    tasks.spawn("quality", marking.run());
    let slow = SlowTask {
        store: store.clone(),
        clock: Arc::clone(&clock),
        registry: registry_seen.clone(),
        slow: Slow::new(&options.devices, links, options.city.time_zone),
        states: slow_states,
        stop: stop.clone(),
    };
    tasks.spawn("slow quality checks", slow.run());

    let intake = Intake {
        contract: contract.clone(),
        horizon: horizon(&config),
        rates: Rates::new(rates(&config)),
        strangers: Arc::clone(&strangers),
        clock: Arc::clone(&clock),
        registry: registry_seen,
        deliveries,
        admitted,
        metrics: Arc::clone(&metrics),
    };
    tasks.spawn_short("intake", intake.run());

    let spooled = spool.state();
    let writer = Writer {
        store: store.clone(),
        clock: Arc::clone(&clock),
        contract,
        horizon: horizon(&config),
        strangers,
        settings,
        registry,
        admitted: to_write,
        commands,
        changes,
        quality: feed,
        alarms: Alarms::new(Arc::clone(&rules), free_flow(&options.city), told)
            .with_signals(signals)
            .with_roads(Roads::of(&options.city))
            .with_usual(usual_seen),
        spool: Some(spool),
        doubted: Doubted::default(),
        acknowledger,
        state: database,
        records: outlets.records,
        metrics: Arc::clone(&metrics),
        stop: stop.clone(),
    };
    let preparation = Preparation {
        store: store.clone(),
        clock: Arc::clone(&clock),
        city: options.city,
        devices: options.devices,
        retention: retention(&config),
        tasks: tasks.clone(),
        handle: writer_handle,
        metrics: Arc::clone(&metrics),
        agreement,
        notifications,
        rules,
        board,
        spool: spooled,
    };
    let prepared = spawn_writer(tasks, preparation, writer);
    tasks.spawn("broker session", session.run(stop));
    Ok(Hub { address, prepared, store, ready: ready_seen, metrics })
}

/// The session with the broker, what it delivers, what it acknowledges, and its state.
type Broker = (Session, mpsc::Receiver<Delivery>, Acknowledger, watch::Receiver<BrokerState>);

fn broker(options: Options, clock: &SharedClock) -> Broker {
    let clock = Arc::clone(clock);
    ioc_ingest::mqtt::session(options, move || clock.now())
}

fn broker_queues(session: &Session, acknowledger: &Acknowledger) -> Queues {
    let mut queues = Queues::default();
    queues.add("deliveries", session.queue());
    queues.add("acknowledgements", acknowledger.queue());
    queues
}

async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), HubError> {
    let failed = |source| HubError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Prepares the database, then writes; answers once it is prepared.
fn spawn_writer(
    tasks: &Tasks,
    preparation: Preparation,
    writer: Writer,
) -> oneshot::Receiver<Prepared> {
    let (prepared, on_prepared) = oneshot::channel();
    tasks.spawn("writer", async move {
        let Some(done) = preparation.run(&writer).await? else { return Ok(()) };
        // It holds every device of the city folder.
        drop(preparation);
        // Nobody may be listening any more.
        let _unheard = prepared.send(done);
        let Ok(()) = writer.run().await;
        Ok::<(), HubError>(())
    });
    on_prepared
}

/// The limits of the configuration for batches and the quarantine.
///
/// # Errors
/// The calendar, the parameters, the thresholds of data quality or the passenger-car units cannot be used.
pub fn writer_settings(
    config: &Config,
    zone: chrono_tz::Tz,
    clock: &SharedClock,
) -> Result<WriterSettings, HubError> {
    let ingest = &config.ingest;
    Ok(WriterSettings {
        batch_rows: ingest.batch_rows,
        linger: Duration::from_millis(ingest.linger_ms),
        spool_after: Duration::from_millis(config.spool.after_ms),
        statement_limit: Duration::from_millis(config.database.statement_timeout_ms.into()),
        quarantine_messages: ingest.quarantine_messages,
        quarantine_bytes: ingest.quarantine_bytes,
        zone,
        records: record_settings(config, zone)?,
        thresholds: Arc::new(thresholds(config)?),
        clock: Arc::clone(clock),
    })
}

/// What the configuration says about data quality.
///
/// # Errors
/// The thresholds or the passenger-car units cannot be used.
pub fn thresholds(config: &Config) -> Result<Thresholds, HubError> {
    let (quality, pcu) = (&config.quality, Pcu::configured(&config.quality.pcu)?);
    Ok(Thresholds::configured(&quality.thresholds, &quality.profile, &pcu)?)
}

/// What the configuration says about judging records.
///
/// # Errors
/// The calendar or the parameters cannot be used.
pub fn record_settings(config: &Config, zone: chrono_tz::Tz) -> Result<RecordSettings, HubError> {
    Ok(RecordSettings {
        zone,
        calendar: Arc::new(Calendar::configured(&config.calendar.file)?),
        parameters: Arc::new(Parameters::configured(&config.indicators.parameters)?),
    })
}

/// Free-flow speeds of the city's corridors, km/h.
fn free_flow(city: &City) -> HashMap<String, f64> {
    let corridors = city.corridors.iter();
    corridors.map(|found| (found.id.clone(), f64::from(found.free_flow_kmh))).collect()
}

/// Reads what is usual of stations; null where no rule asks for it.
fn usual_task(
    rules: &Rules,
    (store, clock, registry): (&Store, &SharedClock, &watch::Receiver<Option<Arc<Registry>>>),
    settings: &WriterSettings,
    stop: &CancellationToken,
) -> Option<(UsualTask, watch::Receiver<UsualHours>)> {
    let services: Vec<Service> =
        rules.asked_of(|field| field == Field::OccupancyDeviations).into_iter().collect();
    if services.is_empty() {
        return None;
    }
    let (told, seen) = watch::channel(UsualHours::default());
    let task = UsualTask {
        store: store.clone(),
        clock: Arc::clone(clock),
        registry: registry.clone(),
        zone: settings.zone,
        calendar: Arc::clone(&settings.records.calendar),
        services,
        limits: rules.settings.usual,
        told,
        stop: stop.clone(),
    };
    Some((task, seen))
}

/// What the configuration says about computing indicators.
fn reform_base(config: &Config, city: &City, clock: &SharedClock) -> Result<Context, HubError> {
    Ok(Context {
        units: Arc::new(Units::of_city(city)),
        calendar: Arc::new(Calendar::configured(&config.calendar.file)?),
        catalogue: Arc::new(Catalogue::configured(&config.indicators.catalogue)?),
        parameters: Arc::new(Parameters::configured(&config.indicators.parameters)?),
        zone: city.time_zone,
        clock: Arc::clone(clock),
    })
}

fn spool_settings(config: &Config) -> SpoolSettings {
    SpoolSettings {
        folder: config.spool_folder(),
        bytes_max: config.spool.bytes_max,
        warn_share: config.spool.warn_share,
    }
}

fn contract(config: &Config, city: &City) -> Contract {
    Contract { city: city.token.clone(), personal_keys: config.ingest.personal_keys.clone() }
}

fn live_settings(config: &Config) -> LiveSettings {
    let live = &config.live;
    LiveSettings {
        tick: Duration::from_millis(live.tick_ms),
        slow_tick: Duration::from_millis(live.slow_tick_ms),
        resume: Duration::from_secs(live.resume_s),
        client_frames: live.client_frames,
        connections: live.connections,
        connections_per_user: live.connections_per_user,
    }
}

fn api_settings(config: &Config, city: &City, words: Words) -> ApiSettings {
    ApiSettings {
        dashboards: config.http.dashboards.clone(),
        session_length: TimeDelta::hours(i64::from(config.http.session_h)),
        secure_cookies: config.http.secure_cookies,
        proxy: config.http.proxy,
        insecure: config.insecure,
        build: BUILD.to_owned(),
        zone: city.time_zone,
        interval_horizon: days(config.retention.interval_days),
        rollup_horizon: days(config.retention.rollup_5min_days),
        city: city.token.clone(),
        demonstration: city.demonstration,
        subscriptions: config.live.subscriptions,
        slow_client: Duration::from_secs(config.live.slow_client_s),
        words: Arc::new(words),
        displays: city.displays.clone(),
        personal_keys: config.ingest.personal_keys.clone(),
        stream: Address::parse(&config.cameras.stream, None).ok(),
    }
}

/// Pictures of cameras as the configuration says.
///
/// # Errors
/// The address or the authorities cannot be used.
pub fn stills(config: &Config) -> Result<Stills, ConfigureError> {
    let password = config::environment().remove(&config.cameras.password_env);
    Stills::configured(&config.cameras, password)
}

fn metrics_text(metrics: &Arc<Metrics>) -> api::MetricsText {
    let metrics = Arc::clone(metrics);
    Arc::new(move || metrics.render())
}

fn state_of(live: &Live, clock: &SharedClock) -> api::StateOf {
    let (live, clock) = (live.clone(), Arc::clone(clock));
    Arc::new(move |source| {
        let source = ioc_ingest::Source::parse(source).ok()?;
        let conditions = live.conditions();
        let judged = conditions.get(&source)?;
        let age_ms = judged.measured_at.map(|at| (clock.now() - at).num_milliseconds());
        Some(DeviceState { condition: judged.condition, why: judged.why.clone(), age_ms })
    })
}

/// Serves on threads of their own: with thousands of clients on the same ones, each step from the
/// broker to the commit would wait until all of them had their turn.
async fn serve_apart(
    listener: TcpListener,
    app: App,
    stop: CancellationToken,
) -> Result<(), std::io::Error> {
    let listener = listener.into_std()?;
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let threads = Threads(Some(threads.thread_name("web").enable_all().build()?));
    let serving = async move { serve(TcpListener::from_std(listener)?, app, stop).await };
    let Some(served) = threads.0.as_ref().map(|threads| threads.spawn(serving)) else {
        return Ok(());
    };
    served.await.map_err(std::io::Error::other)?
}

/// Threads of a runtime. Connections that still stand at its end are not waited for, because a runtime
/// must not be waited for in a task.
struct Threads(Option<tokio::runtime::Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

async fn serve(
    listener: TcpListener,
    app: App,
    stop: CancellationToken,
) -> Result<(), std::io::Error> {
    let live = app.live.clone();
    let router = api::router(Arc::new(app));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let all = async {
        let served = serving.await;
        // Their connections are no longer the server's, but end with its threads.
        live.all_served().await;
        served
    };
    tokio::select! {
        served = all => served,
        // Long downloads are not waited for.
        () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_secs(2)).await } => Ok(()),
    }
}

/// What readiness follows.
struct Parts {
    database: watch::Receiver<DatabaseState>,
    broker: watch::Receiver<BrokerState>,
    spool: watch::Receiver<SpoolState>,
}

/// Keeps the readiness of the parts with the time since when.
async fn follow_readiness(
    ready: watch::Sender<Readiness>,
    mut parts: Parts,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    loop {
        let now = clock.now();
        let database_why = match &*parts.database.borrow_and_update() {
            DatabaseState::Up => None,
            DatabaseState::Starting => Some("starting".to_owned()),
            DatabaseState::Away { why } => Some(why.clone()),
        };
        let broker_why = match &*parts.broker.borrow_and_update() {
            BrokerState::Connected { .. } => None,
            BrokerState::Connecting => Some("starting".to_owned()),
            BrokerState::Disconnected { error, .. } => Some(error.clone()),
        };
        let spool_why = spool_trouble(&parts.spool.borrow_and_update());
        ready.send_if_modified(|ready| {
            let before = ready.clone();
            update(&mut ready.database, database_why.clone(), now);
            update(&mut ready.writer, database_why, now);
            update(&mut ready.broker, broker_why, now);
            update(&mut ready.spool, spool_why, now);
            *ready != before
        });
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Ok(()) = parts.database.changed() => {}
            Ok(()) = parts.broker.changed() => {}
            Ok(()) = parts.spool.changed() => {}
        }
    }
}

/// Why the spool could not take everything that comes.
fn spool_trouble(state: &SpoolState) -> Option<String> {
    let SpoolState { bytes, bytes_max, messages, .. } = state;
    match state.level {
        Level::Full => Some(format!(
            "full: {messages} messages in {bytes} of {bytes_max} bytes; messages stay with the broker"
        )),
        Level::Filling => {
            Some(format!("filling up: {messages} messages in {bytes} of {bytes_max} bytes"))
        }
        Level::Used | Level::Empty => state.trouble.clone(),
    }
}

fn update(component: &mut Component, why: Option<String>, now: chrono::DateTime<chrono::Utc>) {
    let since = if component.ready == why.is_none() { component.since } else { now };
    *component = why.map_or_else(|| Component::up(since), |why| Component::down(since, why));
}

/// What is done once, when the database answers for the first time.
struct Preparation {
    store: Store,
    clock: SharedClock,
    city: Arc<City>,
    devices: Vec<Device>,
    retention: Retention,
    tasks: Tasks,
    handle: WriterHandle,
    metrics: Arc<Metrics>,
    agreement: watch::Sender<Agreement>,
    notifications: Notifications,
    rules: Arc<Rules>,
    board: Arc<Board>,
    spool: watch::Receiver<SpoolState>,
}

impl Preparation {
    /// Again and again until it succeeds; null after the stop.
    async fn run(&self, writer: &Writer) -> Result<Option<Prepared>, HubError> {
        let stop = self.tasks.stop_token();
        let begun = tokio::time::Instant::now();
        loop {
            let once = tokio::select! {
                () = stop.cancelled() => return Ok(None),
                once = self.once() => once,
            };
            match once {
                Ok(prepared) => {
                    let upkeep = upkeep::run(
                        self.store.clone(),
                        self.retention,
                        Arc::clone(&self.clock),
                        self.handle.clone(),
                        self.city.time_zone,
                        stop,
                    );
                    self.tasks.spawn("upkeep", upkeep);
                    let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
                    let stop = self.tasks.stop_token();
                    let follow = follow::run(store, self.handle.clone(), clock, stop);
                    self.tasks.spawn("registry changes", follow);
                    self.spawn_rollups();
                    self.spawn_notifications();
                    return Ok(Some(prepared));
                }
                Err(HubError::Store(error)) if error.is_retriable() => writer.note_away(&error),
                Err(HubError::Store(error @ StoreError::Taken))
                    if begun.elapsed() < TAKEN_PATIENCE =>
                {
                    writer.note_away(&error);
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(PREPARE_PAUSE) => {}
            }
        }
    }

    /// What keeps the rollups and checks them.
    fn spawn_rollups(&self) {
        let zone = self.city.time_zone;
        let worker = rollup::Worker {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            writer: self.handle.clone(),
            spool: self.spool.clone(),
            zone,
            metrics: Arc::clone(&self.metrics),
            stop: self.tasks.stop_token(),
        };
        self.tasks.spawn("rollups", worker.run());
        let check = SelfCheck {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            interval_horizon: self.retention.interval,
            record_horizon: self.retention.record,
            zone,
            agreement: self.agreement.clone(),
            metrics: Arc::clone(&self.metrics),
            stop: self.tasks.stop_token(),
        };
        self.tasks.spawn("self-check", check.run());
    }

    /// One worker for each receiver of notifications.
    fn spawn_notifications(&self) {
        for endpoint in &self.notifications.endpoints {
            let around = notify::Around {
                store: self.store.clone(),
                clock: Arc::clone(&self.clock),
                zone: self.city.time_zone,
                city: self.city.token.clone(),
                texts: notify::texts_of(&self.rules),
                board: Arc::clone(&self.board),
                timing: Timing::default(),
                stop: self.tasks.stop_token(),
            };
            let link = self.notifications.link.clone();
            self.tasks.spawn("notifications", notify::run(Arc::clone(endpoint), link, around));
        }
    }

    async fn once(&self) -> Result<Prepared, HubError> {
        let claiming = async {
            let client = self.store.connect().await?;
            // Held until this connection ends; the writer then claims for good.
            claim(&client).await?;
            Ok::<_, StoreError>(client)
        };
        let late = |_elapsed| no_answer("prepare the database", PREPARE_LIMIT);
        let client = timeout(PREPARE_LIMIT, claiming).await.map_err(late)??;
        let migrations = migrate::migrate(&self.store).await?;
        timeout(PREPARE_LIMIT, self.look(client, migrations)).await.map_err(late)?
    }

    /// Looks into the database, and seeds an empty one.
    async fn look(
        &self,
        mut client: Client,
        migrations: Vec<&'static str>,
    ) -> Result<Prepared, HubError> {
        let token = registry::city_token(&client).await?;
        let seeded = match token {
            Some(found) if found != self.city.token => {
                return Err(HubError::OtherCity { found, wanted: self.city.token.clone() });
            }
            Some(_) => {
                let found = city::differences(&client, &self.city, &self.devices).await?.len();
                tracing::info!(differences = found, "compared the city folder with the registry");
                false
            }
            None => {
                let now = self.clock.now();
                registry::seed(&mut client, &self.city, &self.devices, now).await?;
                true
            }
        };
        let first_password = ensure_administrator(&self.store, &self.clock).await?;
        let history_missing = match &self.city.desk_history {
            Some(history) => {
                let zone = self.city.time_zone;
                let known =
                    registry::tickets_between(&client, zone, history.from, history.to).await?;
                known < i64::from(history.received)
            }
            None => false,
        };
        release(&client).await?;
        tracing::info!(seeded, migrations = migrations.len(), "the database is prepared");
        Ok(Prepared { first_password, migrations, seeded, history_missing })
    }
}

/// Logs why something went wrong, with its causes.
pub fn explain(error: &dyn std::error::Error) -> String {
    chain(error)
}
