//! A private broker and a private database for one run of the benchmark, in a folder of their own
//! below the temporary folder. The programs are the private copy that `make run` fetches too.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ioc_hub::{
    access,
    city::{City, Device},
    clock::{SharedClock, SystemClock},
    local::{self, LocalSettings, Prefer, Role, Running},
    store::{Store, StoreSettings, migrate, registry},
};
use tokio_postgres::{Client, Config, NoTls};

/// Folder of the sources, where `.local/` with the programs is.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Longest statement of the benchmark, milliseconds.
const STATEMENT_MS: u32 = 120_000;

/// Both servers while they run.
#[derive(Debug)]
pub(crate) struct Servers {
    folder: PathBuf,
    running: Running,
    clock: SharedClock,
}

impl Servers {
    /// Fetches what is missing and starts both.
    pub(crate) async fn start(folder: PathBuf) -> anyhow::Result<Self> {
        let settings = LocalSettings {
            folder: Path::new(ROOT).join(".local"),
            data: folder.join("servers"),
            mqtt_port: 0,
            prefer: Prefer::Private,
        };
        let progress = |line: &str| super::say(format!("  {line}"));
        let programs = local::fetch(&settings, &progress).await?;
        let running = local::start(&settings, &programs, &progress).await?;
        Ok(Self { folder, running, clock: std::sync::Arc::new(SystemClock) })
    }

    /// Stops both.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.running.stop().await?)
    }

    /// Folder for files of this run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(crate) fn mqtt_port(&self) -> u16 {
        self.running.broker.address().port()
    }

    /// Process id of the broker.
    pub(crate) fn broker_pid(&self) -> u32 {
        self.running.broker.pid().unwrap_or(0)
    }

    /// Process id of the database server.
    pub(crate) fn database_pid(&self) -> u32 {
        self.running.database.pid().unwrap_or(0)
    }

    pub(crate) fn connection(&self, database: &str, role: Role) -> Config {
        self.running.database.connection_to(database, role)
    }

    /// Makes an empty database.
    pub(crate) async fn create(&self, database: &str) -> anyhow::Result<()> {
        Ok(self.running.database.create(database).await?)
    }

    /// The way to a database as the hub goes it.
    pub(crate) fn store(&self, database: &str) -> anyhow::Result<Store> {
        Ok(Store::new(StoreSettings {
            application: self.connection(database, Role::Application),
            owner: self.connection(database, Role::Owner),
            statement_timeout_ms: STATEMENT_MS,
            ca_file: None,
        })?)
    }

    /// Makes a database with the hub's schema, these devices and an administrator; returns the
    /// administrator's password.
    pub(crate) async fn prepare(
        &self,
        database: &str,
        city: &City,
        devices: &[Device],
    ) -> anyhow::Result<String> {
        self.create(database).await?;
        let store = self.store(database)?;
        migrate::migrate(&store).await?;
        let mut client = store.connect().await?;
        registry::seed(&mut client, city, devices, self.clock.now()).await?;
        let password = access::ensure_administrator(&store, &self.clock).await?;
        password.context("a new database has an account already")
    }

    /// A connection for counting, as the owner.
    pub(crate) async fn client(&self, database: &str) -> anyhow::Result<Client> {
        connect(&self.connection(database, Role::Owner)).await
    }
}

/// Connects; the connection ends with the client.
#[expect(
    clippy::disallowed_methods,
    reason = "ends with its client; a benchmark supervises nothing"
)]
pub(crate) async fn connect(config: &Config) -> anyhow::Result<Client> {
    let (client, connection) = config.connect(NoTls).await.context("connect to the database")?;
    tokio::spawn(connection);
    Ok(client)
}

/// A connection as text that `tokio_postgres::Config` parses.
pub(crate) fn connection_text(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
    });
    let host = hosts.collect::<Vec<_>>().join(",");
    let (user, name) = (config.get_user().unwrap_or(""), config.get_dbname().unwrap_or(""));
    format!("host='{host}' user='{user}' dbname='{name}'")
}

/// The password of a connection.
pub(crate) fn password_text(config: &Config) -> String {
    String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned()
}
