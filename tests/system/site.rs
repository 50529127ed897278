//! A hub for one test: broker, database, hub, and a device's connection to publish with.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
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
    local::{self, Broker, Database, LocalSettings, Prefer, Programs, Role},
    readiness::Readiness,
    store::StoreSettings,
    tasks::Tasks,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_postgres::{Client, NoTls};

use crate::{browser::Browser, publisher::Publisher};

/// Longest wait for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// City token of the tests.
pub(crate) const CITY: &str = "can-tho";
/// Password of every account that a test adds.
const PASSWORD: &str = "a-long-word-for-tests";
/// Hubs at a time: the server takes 60 connections, and one hub with its test holds up to 14.
const SITES: usize = 4;
/// Begin of the names of the tests' data folders; the process id follows.
const FOLDER: &str = "ioc-test-";

/// The database server that all tests of this process share; it ends with the process.
struct Server {
    programs: Programs,
    database: Database,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);
static PERMITS: OnceLock<Arc<Semaphore>> = OnceLock::new();

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn settings(name: &str) -> LocalSettings {
    let data = std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()));
    LocalSettings { folder: root().join(".local"), data, mqtt_port: 0, prefer: Prefer::Private }
}

/// A number that no other part of this process got.
pub(crate) fn next_number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Removes the data folders of test processes that have ended: nothing of theirs runs any more.
fn sweep() -> std::io::Result<()> {
    for entry in std::fs::read_dir(std::env::temp_dir())? {
        let entry = entry?;
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.split('-').next());
        let Some(process) = process.filter(|process| process.parse::<u32>().is_ok()) else {
            continue;
        };
        if !Path::new("/proc").join(process).exists() {
            // Another test process may sweep at the same time.
            let _gone = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Starts the shared server on a runtime of its own, which outlives every test's.
fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                sweep().expect("the folder for temporary files can be read");
                let settings = settings("database");
                let quiet = |_line: &str| {};
                let programs = local::fetch(&settings, &quiet).await.expect("the programs");
                let database =
                    local::start_database(&settings, &programs, &quiet).await.expect("a database");
                sender.send(Server { programs, database }).expect("a test waits");
                std::future::pending::<()>().await;
            });
        });
        receiver.recv().expect("the database server starts")
    })
}

/// What a test may change before the hub starts.
pub(crate) struct SiteOptions {
    pub(crate) config: Config,
    pub(crate) clock: SharedClock,
}

impl Default for SiteOptions {
    fn default() -> Self {
        let mut config = Config::defaults().expect("the defaults are valid");
        config.http.listen = "127.0.0.1:0".into();
        config.city.folder = root().join("config/city/can-tho");
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

/// A broker that a test can stop and start again: same port, same data.
pub(crate) struct Mosquitto {
    settings: LocalSettings,
    address: SocketAddr,
    running: Option<Broker>,
}

impl Mosquitto {
    /// A broker of its own with an empty folder.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let mut settings = settings(&format!("broker-{}", next_number()));
        let broker = local::start_broker(&settings, &server().programs, &|_line| {}).await?;
        let address = broker.address();
        settings.mqtt_port = address.port();
        Ok(Self { settings, address, running: Some(broker) })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        Ok(self.running.take().context("the broker runs")?.stop().await?)
    }

    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let started = local::start_broker(&self.settings, &server().programs, &|_line| {}).await?;
        self.running = Some(started);
        Ok(())
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

/// Connection settings of a test's database.
pub(crate) fn database_settings(name: &str) -> StoreSettings {
    let database = &server().database;
    StoreSettings {
        application: database.connection_to(name, Role::Application),
        owner: database.connection_to(name, Role::Owner),
        statement_timeout_ms: 30_000,
        ca_file: None,
    }
}

/// A name that no database of the server has yet.
pub(crate) fn database_name() -> String {
    format!("t{}", next_number())
}

/// Makes an empty database for one test.
pub(crate) async fn new_database() -> anyhow::Result<String> {
    let name = database_name();
    create_database(&name).await?;
    Ok(name)
}

/// Makes an empty database with this name.
pub(crate) async fn create_database(name: &str) -> anyhow::Result<()> {
    Ok(server().database.create(name).await?)
}

/// A connection to a test's database as the owner. It ends with the test's runtime.
pub(crate) async fn connect(database: &str) -> anyhow::Result<Client> {
    connect_as(database, Role::Owner, &Tasks::new()).await
}

async fn connect_as(database: &str, role: Role, connections: &Tasks) -> anyhow::Result<Client> {
    let mut config = server().database.connection_to(database, role);
    config.application_name("test");
    let (client, connection) = config.connect(NoTls).await?;
    connections.spawn_short("test client", async move {
        let _ended = connection.await;
        Ok::<(), std::io::Error>(())
    });
    Ok(client)
}

/// One number; null where there is no row or no value.
async fn number_of(client: &Client, sql: &str) -> anyhow::Result<Option<i64>> {
    let row = client.query_opt(sql, &[]).await?;
    Ok(row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten())
}

/// One number from the database.
pub(crate) async fn number(client: &Client, sql: &str) -> anyhow::Result<i64> {
    number_of(client, sql).await?.with_context(|| sql.to_owned())
}

/// Waits until a query gives this number, as long as the number changes.
pub(crate) async fn wait_number(client: &Client, sql: &str, expected: i64) -> anyhow::Result<()> {
    let (mut last, mut until) = (None, Instant::now() + DEADLINE);
    while Instant::now() < until {
        let found = number_of(client, sql).await?;
        if found == Some(expected) {
            return Ok(());
        }
        if found != last {
            (last, until) = (found, Instant::now() + DEADLINE);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{sql}: {last:?}, expected {expected}")
}

/// Runs statements on the server as its superuser, each in a transaction of its own.
pub(crate) async fn administer(statements: &[&str]) -> anyhow::Result<()> {
    let config = server().database.connection_to("postgres", Role::Superuser);
    let (client, connection) = config.connect(NoTls).await?;
    let work = async {
        for statement in statements {
            client.batch_execute(statement).await.with_context(|| (*statement).to_owned())?;
        }
        drop(client);
        Ok(())
    };
    tokio::join!(work, async { drop(connection.await) }).0
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
        let mut site = Self::start_on(options, database, Mosquitto::new().await?).await?;
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
        let hub = hub::start(
            &tasks,
            HubOptions {
                config: options.config.clone(),
                city: Arc::clone(&city),
                devices: city.devices.clone(),
                database: database_settings(&database),
                broker: mqtt,
                clock: Arc::clone(&options.clock),
            },
        )
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
        let waited = tokio::time::timeout(DEADLINE, ready.wait_for(wanted)).await;
        let state = format!("not {what}: {:?}", *self.hub.ready.borrow());
        waited.context(state)?.context("the hub stopped").map(drop)
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

/// Waits until `check` gives a value.
pub(crate) async fn wait_for<T, F>(what: &str, mut check: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let until = Instant::now() + DEADLINE;
    while Instant::now() < until {
        if let Some(value) = check().await? {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{what}: not within {} s", DEADLINE.as_secs())
}

/// A folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    root().join(path)
}
