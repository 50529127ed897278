//! A database server of one test's own, which can be killed, paused, stopped and started again.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use ioc_hub::{
    local::{Database, LocalSettings, Role, connection_of, start_database},
    store::StoreSettings,
    tasks::Tasks,
};
use tokio_postgres::{Client, Config};

use crate::server::{DEADLINE, next_number, open, programs, settings};

/// How much of a log is told.
const LOG_BYTES: usize = 4_000;

/// A server with an empty database of the hub.
pub(crate) struct Cluster {
    settings: LocalSettings,
    running: Option<Database>,
    socket: PathBuf,
    connections: Tasks,
}

/// Sends a signal to processes that this one started; one that has ended is passed over.
fn signal(name: &str, pids: &[u32]) -> anyhow::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", r#"name=$1; shift; for pid; do kill -s "$name" "$pid" || :; done"#]);
    command.args(["signal", name]).args(pids.iter().map(u32::to_string));
    ensure!(command.stderr(Stdio::null()).status()?.success(), "send {name} to {pids:?}");
    Ok(())
}

/// The processes whose parent is this one.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in brackets, which may hold anything: state, parent.
        let after = stat.rsplit(')').next().unwrap_or_default();
        after.split_ascii_whitespace().nth(1) == Some(&parent.to_string())
    };
    pids.filter(is_child).collect()
}

impl Cluster {
    /// The folder that the next server will have, for a disk of its own.
    pub(crate) fn place() -> LocalSettings {
        settings(&format!("cluster-{}", next_number()))
    }

    /// A server with an empty folder.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        Self::at(Self::place()).await
    }

    /// A server in this folder.
    pub(crate) async fn at(settings: LocalSettings) -> anyhow::Result<Self> {
        let running = start_database(&settings, programs(), &|_line| {}).await?;
        let socket = running.socket_folder().join(".s.PGSQL.5432");
        Ok(Self { settings, running: Some(running), socket, connections: Tasks::new() })
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    fn connection(&self, role: Role) -> anyhow::Result<Config> {
        Ok(connection_of(&self.settings, role)?)
    }

    /// How a hub reaches it over a proxy on this loopback port.
    pub(crate) fn over(&self, port: u16) -> anyhow::Result<StoreSettings> {
        let over = |role| {
            let direct = self.connection(role)?;
            let mut config = Config::new();
            config.host("127.0.0.1").port(port);
            config.user(direct.get_user().context("a user")?);
            config.password(direct.get_password().context("a password")?);
            config.dbname(direct.get_dbname().context("a database")?);
            anyhow::Ok(config)
        };
        Ok(StoreSettings {
            application: over(Role::Application)?,
            owner: over(Role::Owner)?,
            statement_timeout_ms: 30_000,
            ca_file: None,
        })
    }

    /// A direct connection. It ends with the test's runtime.
    pub(crate) async fn connect(&self, role: Role) -> anyhow::Result<Client> {
        open(self.connection(role)?, &self.connections).await
    }

    /// Runs statements as the superuser, each in a transaction of its own.
    pub(crate) async fn administer(&self, statements: &[&str]) -> anyhow::Result<()> {
        let client = self.connect(Role::Superuser).await?;
        for statement in statements {
            client.batch_execute(statement).await.with_context(|| (*statement).to_owned())?;
        }
        Ok(())
    }

    /// The server and everything that works for it.
    fn pids(&self) -> anyhow::Result<Vec<u32>> {
        let server = self.running.as_ref().context("the server runs")?.pid();
        let server = server.context("the server has not ended")?;
        Ok([vec![server], children_of(server)].concat())
    }

    /// Every process of the server stands still.
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        signal("STOP", &self.pids()?)
    }

    /// Every process goes on.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        signal("CONT", &self.pids()?)
    }

    /// Ends every process without any warning, as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        // First the one that would start others.
        signal("STOP", &self.pids()?[..1])?;
        signal("KILL", &self.pids()?)?;
        self.ended().await
    }

    /// Waits until the server has ended by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        let mut running = self.running.take().context("the server runs")?;
        let ended = tokio::time::timeout(DEADLINE, running.ended()).await;
        ended.map(drop).context("the server goes on")
    }

    /// The end of what the server wrote into its log.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(self.settings.data.join("database.log")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(LOG_BYTES)..]).into_owned()
    }

    /// Whether the server runs still; one that has ended by itself is put away.
    pub(crate) async fn is_running(&mut self) -> bool {
        let Some(running) = self.running.as_mut() else { return false };
        let ended = tokio::time::timeout(Duration::from_millis(1), running.ended()).await;
        if ended.is_ok() {
            self.running = None;
        }
        ended.is_err()
    }

    /// Stops it cleanly; connections are cut.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        Ok(self.running.take().context("the server runs")?.stop().await?)
    }

    /// Starts it again with the same data.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let started = start_database(&self.settings, programs(), &|_line| {}).await?;
        self.running = Some(started);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A server that stands still could not be stopped.
        let _ended = self.resume();
    }
}
