//! The hub as a process of its own, which a test can kill.

use std::{net::SocketAddr, process::Stdio};

use anyhow::Context as _;
use ioc_hub::store::StoreSettings;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};
use tokio_postgres::{Config, config::Host};

use crate::{
    browser::Browser,
    server::{Mosquitto, data_folder, database_settings, repository, wait_for},
};

/// A running `ioc-hub run`.
pub(crate) struct Process {
    child: Child,
    pub(crate) browser: Browser,
}

/// A connection string without password, and the password.
fn url(config: &Config) -> anyhow::Result<(String, String)> {
    let host = match config.get_hosts().first().context("a host")? {
        Host::Unix(folder) => folder.display().to_string(),
        Host::Tcp(name) => format!("{name} port={}", config.get_ports().first().context("a port")?),
    };
    let (user, database) = (config.get_user(), config.get_dbname());
    let (user, database) = (user.context("a user")?, database.context("a database")?);
    let password = String::from_utf8(config.get_password().context("a password")?.to_vec())?;
    Ok((format!("host={host} user={user} dbname={database}"), password))
}

impl Process {
    /// Starts a hub on this database and broker and waits until every part works.
    pub(crate) async fn start(database: &str, broker: &Mosquitto) -> anyhow::Result<Self> {
        Self::start_with(&database_settings(database), broker.address(), &[]).await
    }

    /// The same with some keys changed, given as their environment variables.
    pub(crate) async fn start_with(
        settings: &StoreSettings,
        broker: SocketAddr,
        changed: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let listen = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let (application, password) = url(&settings.application)?;
        let (owner, owner_password) = url(&settings.owner)?;
        let child = Command::new(env!("CARGO_BIN_EXE_ioc-hub"))
            .arg("run")
            .current_dir(repository(""))
            .env("IOC_HTTP_LISTEN", listen.to_string())
            .env("IOC_BROKER_HOST", broker.ip().to_string())
            .env("IOC_BROKER_PORT", broker.port().to_string())
            // The same for the next hub at this broker.
            .env("IOC_SPOOL_FOLDER", data_folder(&format!("spool-{}", broker.port())))
            .env("IOC_DATABASE_URL", application)
            .env("IOC_DATABASE_PASSWORD", password)
            .env("IOC_DATABASE_OWNER_URL", owner)
            .env("IOC_DATABASE_OWNER_PASSWORD", owner_password)
            .envs(changed.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let process = Self { child, browser: Browser::anonymous(listen) };
        process.ready().await?;
        Ok(process)
    }

    /// Waits until every part works.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let ready = || async {
            // Nobody listens yet in the first moments.
            let answer = self.browser.get("/readyz").await.ok();
            Ok(answer.filter(|answer| answer.status == 200).map(drop))
        };
        wait_for("the process is ready", ready).await
    }

    /// Memory of the process that is in use, bytes.
    pub(crate) fn memory_bytes(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("the hub has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.context("no VmRSS")?.trim().trim_end_matches(" kB");
        Ok(kilobytes.parse::<u64>()? * 1024)
    }

    /// One of its metrics by the whole name with labels; 0 before it is first counted.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.browser.get("/metrics").await?.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.map(str::parse).transpose()?.unwrap_or_default())
    }

    /// Ends it without any warning, as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}
