//! The private broker and database: Mosquitto and `PostgreSQL` with `TimescaleDB`,
//! fetched into and run from a folder, without root, for a try-out, a small site
//! and every test.
//!
//! [`fetch`] finds the programs (on the machine, else a private copy of Debian's
//! packages), [`start`] runs them under guards that stop them whatever happens to
//! the hub, [`Running::stop`] ends both within five seconds.
//! Reads no environment and no configuration: everything comes in [`LocalSettings`].

mod apt;
mod broker;
mod cluster;
mod command;
mod database;
mod download;
mod error;
mod guard;
mod mirror;
mod passwords;
mod place;
mod programs;
mod unpack;

use std::path::PathBuf;

pub use self::broker::{Broker, start_broker};
pub use self::database::{Database, Role, connection_of, start_database};
pub use self::error::LocalError;
pub use self::programs::{Origin, Programs, fetch};

/// Receives one line of text per step, for a person who waits.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Which programs are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// Those of the machine where they fit, else the private copy.
    Machine,
    /// Always the private copy, as tests do.
    Private,
}

/// Where the private servers live.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// Folder of the private copy, in its subfolder `programs`; may be shared by many data folders.
    pub folder: PathBuf,
    /// Data, configuration and logs of both servers; one hub at a time.
    pub data: PathBuf,
    /// Port of the broker on 127.0.0.1; 0 takes any free one.
    pub mqtt_port: u16,
    /// Which programs are taken.
    pub prefer: Prefer,
}

/// Both servers while they run. Dropped without [`stop`](Self::stop), they stop too, a little later.
#[derive(Debug)]
pub struct Running {
    /// The broker.
    pub broker: Broker,
    /// The database.
    pub database: Database,
}

impl Running {
    /// Waits until one of the servers ends by itself; says which, and the end of its log.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> LocalError {
        tokio::select! {
            error = self.broker.ended() => error,
            error = self.database.ended() => error,
        }
    }

    /// Stops both at the same time, cleanly, within five seconds.
    ///
    /// # Errors
    /// [`LocalError::SlowStop`]; the guard then goes on stopping that server.
    pub async fn stop(self) -> Result<(), LocalError> {
        let (broker, database) = tokio::join!(self.broker.stop(), self.database.stop());
        broker.and(database)
    }
}

/// Starts both servers and waits until they answer; sets up an empty database.
///
/// # Errors
/// Every cause with what to do about it; what was started is stopped again.
pub async fn start(
    settings: &LocalSettings,
    programs: &Programs,
    progress: Progress<'_>,
) -> Result<Running, LocalError> {
    // The broker first: a taken port is told at once, before a database is set up.
    let broker = start_broker(settings, programs, progress).await?;
    match start_database(settings, programs, progress).await {
        Ok(database) => Ok(Running { broker, database }),
        Err(error) => {
            let _ = broker.stop().await;
            Err(error)
        }
    }
}

/// The bytes in lower-case hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}
