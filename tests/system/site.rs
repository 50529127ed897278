//! A hub for one test: broker, database, hub, and a device's connection to publish with.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use ioc_hub::{
    city::City,
    clock::{SharedClock, SystemClock},
    config::Config,
    hub::{self, Hub, HubOptions},
    local::{self, Broker, Database, LocalSettings, Prefer, Programs, Role},
    store::StoreSettings,
    tasks::Tasks,
};
use rumqttc::v5::{AsyncClient, Event, MqttOptions, mqttbytes::QoS, mqttbytes::v5::Packet};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

/// Longest wait for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// City token of the tests.
pub(crate) const CITY: &str = "can-tho";

/// The database server that all tests of this process share; it ends with the process.
struct Server {
    programs: Programs,
    database: Database,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn settings(name: &str) -> LocalSettings {
    let data = std::env::temp_dir().join(format!("ioc-test-{}-{name}", std::process::id()));
    LocalSettings { folder: root().join(".local"), data, mqtt_port: 0, prefer: Prefer::Private }
}

/// Starts the shared server on a runtime of its own, which outlives every test's.
fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
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

/// A hub with everything around it.
pub(crate) struct Site {
    pub(crate) hub: Hub,
    pub(crate) tasks: Tasks,
    pub(crate) broker: Broker,
    pub(crate) city: Arc<City>,
    pub(crate) database: String,
    pub(crate) password: Option<String>,
    pub(crate) options: SiteOptions,
    device: Mutex<Option<Publisher>>,
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

/// Makes an empty database for one test.
pub(crate) async fn new_database() -> anyhow::Result<String> {
    let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server().database.create(&name).await?;
    Ok(name)
}

/// Starts a broker for one test.
pub(crate) async fn new_broker() -> anyhow::Result<Broker> {
    let name = format!("broker-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    Ok(local::start_broker(&settings(&name), &server().programs, &|_line| {}).await?)
}

impl Site {
    /// A hub with the defaults, prepared and connected.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(SiteOptions::default()).await
    }

    /// A hub with a database and a broker of its own, prepared and connected.
    pub(crate) async fn start_with(options: SiteOptions) -> anyhow::Result<Self> {
        let (database, broker) = (new_database().await?, new_broker().await?);
        Self::start_on(options, database, broker).await
    }

    /// A hub on this database and broker.
    pub(crate) async fn start_on(
        options: SiteOptions,
        database: String,
        broker: Broker,
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
        let mut hub = hub::start(
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
        let prepared = tokio::time::timeout(DEADLINE, &mut hub.prepared).await;
        let Ok(Ok(prepared)) = prepared else {
            bail!("the hub was not prepared: {:?}", tasks.join(Duration::from_secs(5)).await);
        };
        let ready =
            hub.ready.clone().wait_for(ioc_hub::readiness::Readiness::is_ready).await.map(drop);
        ready.context("the hub stopped before it was ready")?;
        let password = prepared.first_password;
        Ok(Self { hub, tasks, broker, city, database, password, options, device: Mutex::new(None) })
    }

    /// Stops the hub and gives broker and database back, for the next hub.
    pub(crate) async fn stop(self) -> anyhow::Result<(SiteOptions, String, Broker)> {
        self.tasks.stop();
        self.tasks.join(Duration::from_secs(10)).await?;
        Ok((self.options, self.database, self.broker))
    }

    /// A connection to the test's database as the owner.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let config = server().database.connection_to(&self.database, Role::Owner);
        let (client, connection) = config.connect(NoTls).await?;
        self.tasks.spawn_short("test client", async move {
            let _ended = connection.await;
            Ok::<(), std::io::Error>(())
        });
        Ok(client)
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self.client().await?.query_one(sql, &[]).await?.try_get(0)?)
    }

    /// Waits until a query gives this number.
    pub(crate) async fn wait_count(&self, sql: &str, expected: i64) -> anyhow::Result<()> {
        let client = self.client().await?;
        let mut last = -1;
        let until = tokio::time::Instant::now() + DEADLINE;
        while tokio::time::Instant::now() < until {
            last = client.query_one(sql, &[]).await?.try_get(0)?;
            if last == expected {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{sql}: {last}, expected {expected}")
    }

    /// Publishes as a device would, QoS 1, and waits for the broker's acknowledgement.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let mut device = self.device.lock().await;
        let publisher = match &mut *device {
            Some(publisher) => publisher,
            none => none.insert(Publisher::connect(&self.broker)),
        };
        publisher.publish(&format!("ioc/1/{CITY}/{topic}"), payload.into()).await
    }

    /// Publishes JSON.
    pub(crate) async fn publish_json(
        &self,
        topic: &str,
        payload: &serde_json::Value,
    ) -> anyhow::Result<()> {
        self.publish(topic, payload.to_string()).await
    }
}

/// A device's connection.
pub(crate) struct Publisher {
    client: AsyncClient,
    eventloop: rumqttc::v5::EventLoop,
}

impl Publisher {
    pub(crate) fn connect(broker: &Broker) -> Self {
        let address = broker.address();
        let id = format!("device-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(id, address.ip().to_string(), address.port());
        options.set_max_packet_size(Some(1 << 20));
        let (client, eventloop) = AsyncClient::new(options, 10);
        Self { client, eventloop }
    }

    /// Publishes and drives the connection until the broker has it.
    pub(crate) async fn publish(&mut self, topic: &str, payload: Vec<u8>) -> anyhow::Result<()> {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await?;
        let acknowledged = async {
            loop {
                if let Event::Incoming(Packet::PubAck(_)) = self.eventloop.poll().await? {
                    return anyhow::Ok(());
                }
            }
        };
        tokio::time::timeout(DEADLINE, acknowledged).await.context("no PUBACK")?
    }
}

/// Waits until `check` gives a value.
pub(crate) async fn wait_for<T, F>(what: &str, mut check: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let until = tokio::time::Instant::now() + DEADLINE;
    while tokio::time::Instant::now() < until {
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
