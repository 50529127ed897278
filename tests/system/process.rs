//! The hub as a process of its own, which a test can kill.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};
use tokio_postgres::{Config, config::Host};

use crate::{
    browser::Browser,
    server::{Mosquitto, database_settings, repository, wait_for},
};

/// A running `ioc-hub run`.
pub(crate) struct Process {
    child: Child,
    pub(crate) browser: Browser,
}

/// A connection string without password, and the password.
fn url(config: &Config) -> anyhow::Result<(String, String)> {
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { anyhow::bail!("no socket") };
    let (user, database) = (config.get_user(), config.get_dbname());
    let (user, database) = (user.context("a user")?, database.context("a database")?);
    let password = String::from_utf8(config.get_password().context("a password")?.to_vec())?;
    Ok((format!("host={} user={user} dbname={database}", folder.display()), password))
}

impl Process {
    /// Starts a hub on this database and broker and waits until every part works.
    pub(crate) async fn start(database: &str, broker: &Mosquitto) -> anyhow::Result<Self> {
        let listen = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let settings = database_settings(database);
        let (application, password) = url(&settings.application)?;
        let (owner, owner_password) = url(&settings.owner)?;
        let child = Command::new(env!("CARGO_BIN_EXE_ioc-hub"))
            .arg("run")
            .current_dir(repository(""))
            .env("IOC_HTTP_LISTEN", listen.to_string())
            .env("IOC_BROKER_HOST", broker.address().ip().to_string())
            .env("IOC_BROKER_PORT", broker.address().port().to_string())
            .env("IOC_DATABASE_URL", application)
            .env("IOC_DATABASE_PASSWORD", password)
            .env("IOC_DATABASE_OWNER_URL", owner)
            .env("IOC_DATABASE_OWNER_PASSWORD", owner_password)
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

    /// Ends it without any warning, as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}
