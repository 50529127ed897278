//! The servers of the tests: one database server for the process with a database per test, brokers
//! that can be stopped and started again, and questions to the database. The schema is made once,
//! and copied.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use ioc_hub::{
    local::{self, Broker, Database, LocalSettings, Prefer, Programs, Role},
    store::{Store, StoreSettings, migrate},
    tasks::Tasks,
};
use tokio::time::Instant;
use tokio_postgres::{Client, Config, NoTls};

use crate::disk;

/// Longest wait for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// The database with the hub's schema that the tests' databases are copies of.
const PREPARED: &str = "prepared";
/// Begin of the names of the tests' data folders; the process id follows.
const FOLDER: &str = "ioc-test-";

/// The database server that all tests of this process share; it ends with the process.
struct Server {
    programs: Programs,
    database: Database,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A file or folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder of this process for temporary files; removed when a later process sweeps.
pub(crate) fn data_folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()))
}

/// Settings of one server with a data folder of its own.
pub(crate) fn settings(name: &str) -> LocalSettings {
    let data = data_folder(name);
    LocalSettings { folder: repository(".local"), data, mqtt_port: 0, prefer: Prefer::Private }
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
            disk::unmount(&entry.path());
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
                prepare(&database).await.expect("the schema");
                sender.send(Server { programs, database }).expect("a test waits");
                std::future::pending::<()>().await;
            });
        });
        receiver.recv().expect("the database server starts")
    })
}

/// Makes the database to copy. Nothing may be connected to it then, the extension's own workers included.
async fn prepare(database: &Database) -> anyhow::Result<()> {
    database.create(PREPARED).await?;
    migrate::migrate(&Store::new(settings_to(database, PREPARED))?).await?;
    let close = format!("alter database {PREPARED} allow_connections false");
    let quiet = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{PREPARED}'"
    );
    execute(database, &[&close, &quiet]).await
}

/// The private programs, fetched on first use.
pub(crate) fn programs() -> &'static Programs {
    &server().programs
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

/// The program of the private broker.
pub(crate) fn mosquitto_program() -> PathBuf {
    server().programs.mosquitto.clone()
}

/// Connection settings of a test's database.
pub(crate) fn database_settings(name: &str) -> StoreSettings {
    settings_to(&server().database, name)
}

fn settings_to(database: &Database, name: &str) -> StoreSettings {
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

/// Makes a database with the hub's schema for one test.
pub(crate) async fn new_database() -> anyhow::Result<String> {
    let name = database_name();
    let copy = format!("create database {name} owner ioc_owner template {PREPARED}");
    administer(&[&copy]).await?;
    Ok(name)
}

/// Makes an empty database for one test.
pub(crate) async fn empty_database() -> anyhow::Result<String> {
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

/// The same as a role; `connections` holds what drives it.
pub(crate) async fn connect_as(
    database: &str,
    role: Role,
    connections: &Tasks,
) -> anyhow::Result<Client> {
    open(server().database.connection_to(database, role), connections).await
}

/// The same over any way.
pub(crate) async fn open(mut config: Config, connections: &Tasks) -> anyhow::Result<Client> {
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
    execute(&server().database, statements).await
}

async fn execute(database: &Database, statements: &[&str]) -> anyhow::Result<()> {
    let config = database.connection_to("postgres", Role::Superuser);
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
