//! A hub for one test: broker, database, hub, and a device's connection to publish with.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use ioc_hub::{
    access::{self, Role as Rights},
    city::City,
    clock::{SharedClock, SystemClock, TestClock},
    config::Config,
    hub::{self, Hub, HubOptions},
    local::Role,
    readiness::Readiness,
    tasks::Tasks,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_postgres::Client;

use crate::{
    browser::Browser,
    publisher::Publisher,
    server::{
        DEADLINE, Mosquitto, connect_as, data_folder, database_settings, new_database, next_number,
        number, repository, wait_for, wait_number,
    },
};

/// City token of the tests.
pub(crate) const CITY: &str = "can-tho";
/// Password of every account that a test adds.
const PASSWORD: &str = "a-long-word-for-tests";
/// Hubs at a time: the server takes 60 connections, and one hub with its test holds up to 14.
const SITES: usize = 4;
static PERMITS: OnceLock<Arc<Semaphore>> = OnceLock::new();

/// What a test may change before the hub starts.
pub(crate) struct SiteOptions {
    pub(crate) config: Config,
    pub(crate) clock: SharedClock,
}

impl Default for SiteOptions {
    fn default() -> Self {
        let mut config = Config::defaults().expect("the defaults are valid");
        config.http.listen = "127.0.0.1:0".into();
        config.city.folder = repository("config/city/can-tho");
        config.spool.folder =
            data_folder(&format!("spool-{}", next_number())).display().to_string();
        Self { config, clock: Arc::new(SystemClock) }
    }
}

impl SiteOptions {
    /// The defaults with some keys changed.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut options = Self::default();
        change(&mut options.config);
        options
    }

    /// The defaults with a clock that stands still: 10 o'clock in the morning in the city, so that no
    /// civil day ends while the test runs.
    pub(crate) fn standing() -> (Self, DateTime<Utc>) {
        let time = DateTime::from_timestamp(1_790_046_000, 0).expect("2026-09-22 03:00 UTC");
        (Self::at(time), time)
    }

    /// The defaults with a clock that stands at this time.
    pub(crate) fn at(time: DateTime<Utc>) -> Self {
        Self { clock: Arc::new(TestClock::new(time)), ..Self::default() }
    }
}

/// A hub with everything around it.
pub(crate) struct Site {
    pub(crate) hub: Hub,
    pub(crate) tasks: Tasks,
    pub(crate) broker: Mosquitto,
    pub(crate) city: Arc<City>,
    pub(crate) database: String,
    pub(crate) password: Option<String>,
    pub(crate) options: SiteOptions,
    device: Mutex<Option<Publisher>>,
    /// Connections of the test itself: they may outlive the hub.
    connections: Tasks,
    permit: Option<OwnedSemaphorePermit>,
}

/// The right to run one more hub beside the others, for tests that start theirs step by step.
pub(crate) async fn permit() -> anyhow::Result<OwnedSemaphorePermit> {
    let permits = PERMITS.get_or_init(|| Arc::new(Semaphore::new(SITES)));
    Ok(Arc::clone(permits).acquire_owned().await?)
}

impl Site {
    /// A hub with the defaults, prepared and connected.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(SiteOptions::default()).await
    }

    /// A hub with a database and a broker of its own, prepared and connected.
    pub(crate) async fn start_with(options: SiteOptions) -> anyhow::Result<Self> {
        let permit = permit().await?;
        let database = new_database().await?;
        let broker = Mosquitto::new().await?;
        let mut site = Box::pin(Self::start_on(options, database, broker)).await?;
        site.permit = Some(permit);
        Ok(site)
    }

    /// A hub on this database and broker, prepared and connected.
    pub(crate) async fn start_on(
        options: SiteOptions,
        database: String,
        broker: Mosquitto,
    ) -> anyhow::Result<Self> {
        let mut site = Self::begin_on(options, database, broker).await?;
        site.prepared().await?;
        site.ready().await?;
        Ok(site)
    }

    /// A hub on this database and broker, which may be absent.
    pub(crate) async fn begin_on(
        options: SiteOptions,
        database: String,
        broker: Mosquitto,
    ) -> anyhow::Result<Self> {
        let city = Arc::new(City::load(&options.config.city.folder)?);
        let tasks = Tasks::new();
        let address = broker.address();
        let mut mqtt = ioc_ingest::mqtt::Options::new(
            &address.ip().to_string(),
            address.port(),
            &options.config.broker.client_id,
            &city.token,
        );
        mqtt.backoff_min_ms = 20;
        mqtt.backoff_max_ms = 200;
        let hub = Box::pin(hub::start(
            &tasks,
            HubOptions {
                config: options.config.clone(),
                city: Arc::clone(&city),
                devices: city.devices.clone(),
                database: database_settings(&database),
                broker: mqtt,
                clock: Arc::clone(&options.clock),
            },
        ))
        .await?;
        let device = Mutex::new(None);
        let (password, permit) = (None, None);
        let connections = Tasks::new();
        Ok(Self {
            hub,
            tasks,
            broker,
            city,
            database,
            password,
            options,
            device,
            connections,
            permit,
        })
    }

    /// Waits until the database is prepared and keeps the first administrator's password.
    pub(crate) async fn prepared(&mut self) -> anyhow::Result<()> {
        let prepared = tokio::time::timeout(DEADLINE, &mut self.hub.prepared).await;
        let Ok(Ok(prepared)) = prepared else {
            let why = self.tasks.clone().join(Duration::from_secs(5)).await;
            bail!("the hub was not prepared: {why:?}");
        };
        self.password = prepared.first_password;
        Ok(())
    }

    /// Waits until every part works.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        self.wait_readiness("ready", Readiness::is_ready).await
    }

    /// Waits until the readiness is as wanted.
    pub(crate) async fn wait_readiness(
        &self,
        what: &str,
        wanted: impl FnMut(&Readiness) -> bool,
    ) -> anyhow::Result<()> {
        let mut ready = self.hub.ready.clone();
        // What it returns locks the value: a second look at it would wait for a writer that waits for the first.
        let waiting = async { ready.wait_for(wanted).await.map(drop) };
        let waited = tokio::time::timeout(DEADLINE, waiting).await;
        let state = format!("not {what}: {:?}", *self.hub.ready.borrow());
        waited.context(state)?.context("the hub stopped")
    }

    /// Stops the hub and gives broker and database back, for the next hub.
    pub(crate) async fn stop(self) -> anyhow::Result<(SiteOptions, String, Mosquitto)> {
        self.tasks.stop();
        self.tasks.join(Duration::from_secs(10)).await?;
        Ok((self.options, self.database, self.broker))
    }

    /// Somebody who is not signed in.
    pub(crate) const fn visitor(&self) -> Browser {
        Browser::anonymous(self.hub.address)
    }

    /// The first administrator, signed in.
    pub(crate) async fn administrator(&self) -> anyhow::Result<Browser> {
        let password = self.password.as_deref().context("not the first start")?;
        Browser::sign_in(self.hub.address, "admin", password).await
    }

    /// A new account of this role, signed in.
    pub(crate) async fn account(&self, name: &str, role: Rights) -> anyhow::Result<Browser> {
        let clock = &self.options.clock;
        access::add_user(&self.hub.store, clock, (name, role), PASSWORD, "test").await?;
        Browser::sign_in(self.hub.address, name, PASSWORD).await
    }

    /// A connection to the test's database as the owner.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        self.client_as(Role::Owner).await
    }

    /// A connection to the test's database.
    pub(crate) async fn client_as(&self, role: Role) -> anyhow::Result<Client> {
        connect_as(&self.database, role, &self.connections).await
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        number(&self.client().await?, sql).await
    }

    /// Waits until a query gives this number, as long as the number changes.
    pub(crate) async fn wait_count(&self, sql: &str, expected: i64) -> anyhow::Result<()> {
        wait_number(&self.client().await?, sql, expected).await
    }

    /// A metric of the process by its whole name with labels; 0 before it is first counted.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.hub.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// Waits until a metric has this value.
    pub(crate) async fn wait_metric(&self, name: &str, expected: f64) -> anyhow::Result<()> {
        let reached = || async {
            let reached = (self.metric(name) - expected).abs() < 0.5;
            Ok(reached.then_some(()))
        };
        wait_for(name, reached).await.with_context(|| format!("{}", self.metric(name)))
    }

    /// Waits until a counter has reached this value, as long as it goes on.
    pub(crate) async fn wait_progress(&self, name: &str, expected: f64) -> anyhow::Result<()> {
        let (mut last, mut until) = (0.0, Instant::now() + DEADLINE);
        while Instant::now() < until {
            let value = self.metric(name);
            if value >= expected {
                return Ok(());
            }
            if value > last {
                (last, until) = (value, Instant::now() + DEADLINE);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{name} stays at {last}, expected {expected}")
    }

    /// Publishes as a device would, `QoS` 1, and waits for the broker's acknowledgement.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> anyhow::Result<()> {
        self.publish_all([(topic.to_owned(), payload.into())]).await
    }

    /// Publishes JSON.
    pub(crate) async fn publish_json(
        &self,
        topic: &str,
        payload: &serde_json::Value,
    ) -> anyhow::Result<()> {
        self.publish(topic, payload.to_string()).await
    }

    /// Publishes many messages one after the other without waiting for each.
    pub(crate) async fn publish_all(
        &self,
        messages: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> anyhow::Result<()> {
        let mut device = self.device.lock().await;
        let publisher = match &mut *device {
            Some(publisher) => publisher,
            none => none.insert(Publisher::connect(self.broker.address())),
        };
        let whole =
            |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/{CITY}/{topic}"), payload);
        publisher.publish_all(messages.into_iter().map(whole)).await
    }
}
