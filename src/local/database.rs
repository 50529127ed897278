//! The private `PostgreSQL`: first set-up, configuration, start, roles and
//! databases. It listens on a unix socket only and asks for passwords (scram),
//! which are random and kept in a file that only the hub's user can read.
//!
//! Every step can be repeated: a first start that was cut off is completed by the
//! next one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

use super::command::{failure, program, run, spawn_error};
use super::error::{LocalError, folder_error};
use super::guard::{Guarded, Launch, Slot, read_pid, runs_in};
use super::passwords::Passwords;
use super::place::{Place, socket_file};
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

/// Starts the database alone: sets it up when the folder is empty.
///
/// # Errors
/// Another hub uses the folder, the folder is full or read-only, or the server does not start.
pub async fn start_database(
    settings: &LocalSettings,
    programs: &Programs,
    progress: Progress<'_>,
) -> Result<Database, LocalError> {
    let place = Place::of(settings, progress)?;
    let slot = Slot::take(&place, "database").await?;
    let cluster = place.data.join("postgres");
    if !cluster.join("PG_VERSION").is_file() {
        progress("setting up an empty database");
        initialise(&place, programs, &cluster).await?;
    }
    let (passwords, fresh) = Passwords::open(&place.data)?;
    if fresh {
        set_superuser_password(&place, programs, &cluster, passwords.of(Role::Superuser)).await?;
        passwords.keep(&place.data)?;
    }
    let socket_folder = place.socket_folder()?;
    remove_stale_locks(&place, &cluster, &socket_folder)?;
    write_configuration(&place, &socket_folder)?;
    let command = server_command(&place, programs, &cluster);
    let log = slot.log().to_path_buf();
    let server = slot.start(&place, Launch { command, signals: ["INT", "QUIT"] })?;
    let mut database = Database { server, socket_folder, passwords };
    wait_ready(&mut database, progress).await?;
    database.set_up().await?;
    progress(&format!("the private database is ready (log: {})", log.display()));
    Ok(database)
}

/// `initdb` in a folder beside, which gets its name when it is whole.
async fn initialise(place: &Place, programs: &Programs, cluster: &Path) -> Result<(), LocalError> {
    let failed = |source| folder_error(&place.data, source);
    let fresh = place.data.join("postgres.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    place.own_folder("postgres.new")?;
    let mut words: Vec<OsString> =
        vec![programs.postgres_bin.join("initdb").into(), "-D".into(), fresh.clone().into()];
    words.extend(["--username=postgres", "--auth=reject", "--encoding=UTF8"].map(OsString::from));
    // The built-in locale sorts by code point and is the same on every machine; before 17 it does not exist.
    let locale: &[&str] = if programs.postgres_major >= 17 {
        &["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    } else {
        &["--locale=C.UTF-8"]
    };
    words.extend(locale.iter().map(OsString::from));
    let words = place.as_servers_user(words);
    let (name, arguments) = words.split_first().expect("the command has a program");
    let mut command = program(name);
    command.args(arguments).current_dir(&place.data);
    run("set up the database", &place.data, &mut command).await?;
    std::fs::rename(&fresh, cluster).map_err(failed)
}

/// Sets the password of the superuser while no server runs: the way in without a password.
async fn set_superuser_password(
    place: &Place,
    programs: &Programs,
    cluster: &Path,
    password: &str,
) -> Result<(), LocalError> {
    let postgres = programs.postgres_bin.join("postgres");
    let words: Vec<OsString> =
        vec![postgres.into(), "--single".into(), "-D".into(), cluster.into(), "postgres".into()];
    let words = place.as_servers_user(words);
    let (name, arguments) = words.split_first().expect("the command has a program");
    let mut command = program(name);
    command.args(arguments).current_dir(&place.data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| spawn_error(&command, source))?;
    if let Some(mut input) = child.stdin.take() {
        let statement = format!("alter role postgres password '{password}'\n");
        // A server that ends before it reads says why below.
        let _ = input.write_all(statement.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|source| spawn_error(&command, source))?;
    let said = String::from_utf8_lossy(&output.stderr).replace(password, "…");
    if output.status.success() && !said.contains("ERROR") {
        return Ok(());
    }
    Err(failure("set the password of the database's superuser", &place.data, output.status, &said))
}

/// Removes lock files whose process is not a server of this folder.
///
/// `PostgreSQL` refuses to start while the process id in them is alive, and in a
/// container that was started again the number often belongs to something else.
/// The slot is held: no hub runs a server here.
fn remove_stale_locks(
    place: &Place,
    cluster: &Path,
    socket_folder: &Path,
) -> Result<(), LocalError> {
    let mut socket_lock = socket_file(socket_folder).into_os_string();
    socket_lock.push(".lock");
    for file in [cluster.join("postmaster.pid"), PathBuf::from(socket_lock)] {
        let Some(pid) = read_pid(&file) else { continue };
        if runs_in(pid, &place.data) {
            return Err(LocalError::StillRunning { server: "database", pid });
        }
        std::fs::remove_file(&file).map_err(|source| folder_error(&file, source))?;
    }
    Ok(())
}

fn write_configuration(place: &Place, socket_folder: &Path) -> Result<(), LocalError> {
    let access = place.data.join("postgres-access.conf");
    let zones = Path::new("/usr/share/zoneinfo/UTC").exists();
    let text = render(&access, socket_folder, zones);
    let access_text = "# Written by the hub at every start.\nlocal all all scram-sha-256\n";
    for (file, text) in [(configuration_file(place), text.as_str()), (access, access_text)] {
        std::fs::write(&file, text).map_err(|source| folder_error(&file, source))?;
    }
    Ok(())
}

fn configuration_file(place: &Place) -> PathBuf {
    place.data.join("postgres.conf")
}

fn server_command(place: &Place, programs: &Programs, cluster: &Path) -> Vec<OsString> {
    let mut option = OsString::from("--config-file=");
    option.push(configuration_file(place));
    vec![programs.postgres_bin.join("postgres").into(), "-D".into(), cluster.into(), option]
}

/// The configuration: for a machine of two cores and 4 GB that runs the hub too.
///
/// `zones`: the machine has the files of time zones, which Debian's `PostgreSQL` reads.
fn render(access: &Path, socket_folder: &Path, zones: bool) -> String {
    let zone = if zones { "UTC" } else { "GMT" };
    format!(
        "# Written by the hub at every start.\n\
        listen_addresses = ''\n\
        unix_socket_directories = '{}'\n\
        unix_socket_permissions = 0700\n\
        hba_file = '{}'\n\
        password_encryption = 'scram-sha-256'\n\
        max_connections = 60\n\
        shared_preload_libraries = 'timescaledb'\n\
        timescaledb.telemetry_level = off\n\
        timescaledb.max_background_workers = 8\n\
        max_worker_processes = 20\n\
        max_locks_per_transaction = 512\n\
        shared_buffers = '256MB'\n\
        effective_cache_size = '1GB'\n\
        work_mem = '16MB'\n\
        maintenance_work_mem = '128MB'\n\
        wal_compression = on\n\
        min_wal_size = '128MB'\n\
        max_wal_size = '2GB'\n\
        checkpoint_timeout = '10min'\n\
        synchronous_commit = on\n\
        random_page_cost = 1.1\n\
        jit = off\n\
        timezone = '{zone}'\n\
        log_timezone = '{zone}'\n\
        log_line_prefix = '%m [%p] %q%u@%d '\n\
        lc_messages = 'C'\n",
        socket_folder.display(),
        access.display()
    )
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
    fn server_has_no_network_and_asks_for_passwords() {
        let text = render(Path::new("/d/access.conf"), Path::new("/d/run"), true);
        assert!(text.contains("\nlisten_addresses = ''\n"));
        assert!(text.contains("\nunix_socket_directories = '/d/run'\n"));
        assert!(text.contains("\nhba_file = '/d/access.conf'\n"));
        assert!(text.contains("\ntimezone = 'UTC'\n"));
    }

    #[test]
    fn machine_without_zone_files_still_starts() {
        let text = render(Path::new("/d/a"), Path::new("/d/run"), false);
        assert!(text.contains("\ntimezone = 'GMT'\nlog_timezone = 'GMT'\n"));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted_name("test \"1\""), "\"test \"\"1\"\"\"");
    }
}
