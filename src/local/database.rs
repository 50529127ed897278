//! The private `PostgreSQL` while it runs: start, roles, databases, connections.
//! It listens on a unix socket only and asks for passwords (scram), which are
//! random and kept in a file that only the hub's user can read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

use super::cluster;
use super::error::LocalError;
use super::guard::{Guarded, Launch, Slot};
use super::passwords::Passwords;
use super::place::Place;
use super::{LocalSettings, Programs, Progress};

/// The hub's own database.
const DATABASE: &str = "ioc";

/// The server opens its socket within this time; after a crash it first reads its log, s.
const READY_S: u64 = 600;

/// A role of the private database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Owns the databases: migrations and retention.
    Owner,
    /// The hub at work: what the migrations grant to it.
    Application,
    /// Administration of the server; tests cut connections with it.
    Superuser,
}

impl Role {
    /// The name of the role in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "ioc_owner",
            Self::Application => "ioc_app",
            Self::Superuser => "postgres",
        }
    }
}

/// The private database while it runs.
#[derive(Debug)]
pub struct Database {
    server: Guarded,
    socket_folder: PathBuf,
    passwords: Passwords,
}

impl Database {
    /// How to connect to the hub's own database as a role.
    pub fn connection(&self, role: Role) -> Config {
        self.connection_to(DATABASE, role)
    }

    /// How to connect to one of the databases as a role.
    pub fn connection_to(&self, database: &str, role: Role) -> Config {
        let mut config = Config::new();
        config.host_path(&self.socket_folder).dbname(database);
        config.user(role.name()).password(self.passwords.of(role)).application_name("ioc-hub");
        config
    }

    /// Makes another empty database with the extension, owned by [`Role::Owner`]: one per test.
    ///
    /// # Errors
    /// What the database says, for example that the name exists.
    pub async fn create(&self, name: &str) -> Result<(), LocalError> {
        let what = format!("create the database {name}");
        let statement = format!("create database {} owner ioc_owner", quoted_name(name));
        execute(&self.connection_to("postgres", Role::Superuser), &what, &statement).await?;
        self.enable_timescaledb(name).await
    }

    /// Folder of the unix socket: the `host` of `psql` and of a connection address.
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Process id of the server; none when it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Waits until the server ends by itself.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> LocalError {
        self.server.ended().await
    }

    /// Stops the server; open connections are cut.
    ///
    /// # Errors
    /// [`LocalError::SlowStop`] after five seconds.
    pub async fn stop(self) -> Result<(), LocalError> {
        self.server.stop().await
    }

    async fn enable_timescaledb(&self, database: &str) -> Result<(), LocalError> {
        let config = self.connection_to(database, Role::Superuser);
        execute(&config, "enable timescaledb", "create extension if not exists timescaledb").await
    }

    async fn set_up(&self) -> Result<(), LocalError> {
        let config = self.connection_to("postgres", Role::Superuser);
        let missing = with_client(&config, "look at the roles", async |client| {
            let owner = role_statement(client, Role::Owner, self.passwords.of(Role::Owner)).await?;
            let application =
                role_statement(client, Role::Application, self.passwords.of(Role::Application))
                    .await?;
            client.batch_execute(&format!("{owner}; {application}")).await?;
            let found = client
                .query_opt("select from pg_database where datname = $1", &[&DATABASE])
                .await?;
            Ok(found.is_none())
        })
        .await?;
        if missing {
            return self.create(DATABASE).await;
        }
        // A first start may have been cut off between the two; and the programs may be newer
        // than the data. The update has to be the first statement of its session.
        self.enable_timescaledb(DATABASE).await?;
        let config = self.connection(Role::Superuser);
        execute(&config, "update timescaledb", "alter extension timescaledb update").await
    }
}

/// How to connect to the private database of a folder while another process runs it.
///
/// # Errors
/// The folder cannot be used, or its passwords cannot be read.
pub fn connection_of(settings: &LocalSettings, role: Role) -> Result<Config, LocalError> {
    let place = Place::of(settings, &|_line| {})?;
    let socket_folder = place.socket_folder()?;
    let (passwords, _new) = Passwords::open(&place.data)?;
    let mut config = Config::new();
    config.host_path(&socket_folder).dbname(DATABASE);
    config.user(role.name()).password(passwords.of(role));
    Ok(config)
}

/// Starts the database alone: sets it up when the folder is empty.
///
/// # Errors
/// Another hub uses the folder, the folder is full or read-only, or the server does not start.
pub async fn start_database(
    settings: &LocalSettings,
    programs: &Programs,
    progress: Progress<'_>,
) -> Result<Database, LocalError> {
    let place = Place::of(settings, &|_| {})?; // `fetch` has said where
    let slot = Slot::take(&place, "database").await?;
    let data = place.data.join("postgres");
    if !data.join("PG_VERSION").is_file() {
        progress("setting up an empty database");
        cluster::initialise(&place, programs, &data).await?;
    }
    let (passwords, fresh) = Passwords::open(&place.data)?;
    if fresh {
        cluster::set_superuser_password(&place, programs, &data, passwords.of(Role::Superuser))
            .await?;
        passwords.keep(&place.data)?;
    }
    let socket_folder = place.socket_folder()?;
    cluster::remove_stale_locks(&place, &data, &socket_folder)?;
    cluster::write_configuration(&place, &socket_folder)?;
    let command = cluster::server_command(&place, programs, &data);
    let log = slot.log().to_path_buf();
    let server = slot.start(&place, Launch { command, signals: ["INT", "QUIT"] })?;
    let mut database = Database { server, socket_folder, passwords };
    wait_ready(&mut database, progress).await?;
    database.set_up().await?;
    progress(&format!("the private database is ready (log: {})", log.display()));
    Ok(database)
}

async fn wait_ready(database: &mut Database, progress: Progress<'_>) -> Result<(), LocalError> {
    let config = database.connection_to("postgres", Role::Superuser);
    let begun = Instant::now();
    let mut told_s = 0;
    loop {
        let refused =
            match with_client(&config, "connect", async |client| client.batch_execute("").await)
                .await
            {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
        if let Some(error) = database.server.has_ended() {
            return Err(error);
        }
        // No socket yet, or the server says that it is starting: everything else will not pass by waiting.
        if let LocalError::Database { source, .. } = &refused
            && source.code().is_some_and(|code| code.code() != "57P03")
        {
            return Err(refused);
        }
        let waited_s = begun.elapsed().as_secs();
        if waited_s >= READY_S {
            return Err(database.server.not_ready(READY_S));
        }
        if waited_s >= told_s + 5 {
            told_s = waited_s;
            progress(&format!(
                "waiting for the private database, which recovers its data ({waited_s} s)"
            ));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The statement that makes a role or gives it its present password.
async fn role_statement(
    client: &Client,
    role: Role,
    password: &str,
) -> Result<String, tokio_postgres::Error> {
    let found =
        client.query_opt("select from pg_roles where rolname = $1", &[&role.name()]).await?;
    let verb = if found.is_some() { "alter" } else { "create" };
    Ok(format!("{verb} role {} login password '{password}'", role.name()))
}

async fn execute(config: &Config, what: &str, statement: &str) -> Result<(), LocalError> {
    with_client(config, what, async |client| client.batch_execute(statement).await).await
}

/// Connects, does the work, disconnects. The connection is driven beside the work, without a task of its own.
async fn with_client<T>(
    config: &Config,
    what: &str,
    work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
) -> Result<T, LocalError> {
    let failed = |source| LocalError::Database { what: what.to_owned(), source };
    let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
    let driver = async {
        let ended = connection.await;
        // The work sees the loss of the connection itself; this only keeps the branch from winning.
        std::future::pending::<()>().await;
        drop(ended);
    };
    tokio::select! {
        done = work(&client) => done.map_err(failed),
        () = driver => unreachable!("the driver never ends"),
    }
}

/// A name in double quotes, as SQL writes it.
fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted_name("test \"1\""), "\"test \"\"1\"\"\"");
    }
}
