//! Everything that speaks SQL.
//!
//! [`Store`] knows how to reach the database: a pool for readers, dedicated connections for the
//! writer, and the owner's connection for migrations and retention. One file per noun holds its
//! statements; `migrate` keeps the schema. No other module of the hub contains SQL.

use std::{path::Path, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Client, Config, NoTls, Socket,
    config::SslMode,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

pub mod account;
pub mod alarm;
pub mod alarm_performance;
pub(crate) mod alarm_works;
mod arrival;
pub mod assessment;
mod assessment_row;
pub mod call;
pub mod cell;
pub mod city;
mod copy;
pub mod desk;
pub mod device;
pub mod device_history;
pub mod display;
pub mod document;
mod document_row;
pub mod dossier;
mod dossier_row;
mod encode;
pub mod formality;
pub mod gap;
pub mod handover;
pub mod import;
pub mod insert;
pub mod journal;
mod ledger;
pub mod measure;
pub mod metric;
pub mod migrate;
pub mod notify;
mod offers;
pub mod onestop;
pub mod open311;
pub mod petition;
mod petition_row;
mod presence;
pub mod probe;
pub mod quality;
pub mod quality_read;
pub mod quality_slow;
pub mod quarantine;
mod record;
mod refold;
pub mod reform;
pub mod refuse;
pub mod register;
pub mod registry;
pub(crate) mod request;
pub mod retention;
pub mod rollup;
pub mod rollup_build;
pub mod series;
pub mod signal_history;
pub mod source;
pub(crate) mod start;
mod table;
pub mod ticket;
mod ticket_row;
pub mod ticket_state;
pub mod unit;
mod upsert;
pub mod usual;
pub mod verify;
pub mod verify_marks;
pub mod view;

/// Connections that readers share. Writers have their own.
const READERS: usize = 8;
/// Longest wait for a free reader connection; at the limit the caller gets [`StoreError::Busy`].
const READER_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The connection text does not parse.
    #[error("{key} is no PostgreSQL connection string")]
    Url {
        /// Configuration key.
        key: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The CA file cannot be used.
    #[error("database.ca_file {path}: {why}")]
    Ca {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The database cannot be reached, or went away: try again.
    #[error("{doing}: the database is away")]
    Away {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No reader connection came free in time.
    #[error("{doing}: the database is busy")]
    Busy {
        /// What was attempted.
        doing: &'static str,
    },
    /// The database refused the data: trying the same again cannot help.
    #[error("{doing}: the database refused the data")]
    Refused {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The database refused what a batch writes beside its messages: none of them is at fault.
    #[error("{doing}: the database refused what is written beside the messages")]
    Beside {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The key is already there.
    #[error("{doing}: already there")]
    Exists {
        /// What was attempted.
        doing: &'static str,
    },
    /// A statement failed for another reason.
    #[error("{doing}")]
    Statement {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The database holds a newer schema than this program knows.
    #[error(
        "the database has schema version {found}, this program knows {known}: start a newer program"
    )]
    TooNew {
        /// Version in the database.
        found: i32,
        /// Newest version that the program knows.
        known: i32,
    },
    /// The schema is older than this program, and migrating was not asked for.
    #[error(
        "the database has schema version {found}, this program needs {known}: run `ioc-hub migrate`"
    )]
    TooOld {
        /// Version in the database.
        found: i32,
        /// Version that the program needs.
        known: i32,
    },
    /// A migration in the database is not the one of this program.
    #[error(
        "migration {version} in the database differs from this program's: it was made by another build"
    )]
    Foreign {
        /// Its version.
        version: i32,
    },
    /// The server has no TimescaleDB.
    #[error(
        "the database server has no TimescaleDB extension: install it and add it to shared_preload_libraries"
    )]
    NoTimescale,
    /// Another hub works on this database.
    #[error("another hub is at work on this database: stop it first")]
    Taken,
}

impl StoreError {
    /// Names what was attempted and classifies the cause.
    pub(crate) fn of(doing: &'static str, source: tokio_postgres::Error) -> Self {
        let Some(state) = source.code() else {
            return Self::Away { doing, source: source.into() };
        };
        if *state == SqlState::UNIQUE_VIOLATION {
            return Self::Exists { doing };
        }
        match &state.code()[..2] {
            "22" | "23" => Self::Refused { doing, source },
            // Connection trouble, resources, shutdown, read-only, system errors such as a full disk,
            // serialisation and deadlock: the same statement may succeed later.
            "08" | "53" | "57" | "58" | "25" | "40" | "55" => {
                Self::Away { doing, source: source.into() }
            }
            _ => Self::Statement { doing, source },
        }
    }

    /// The same of a statement that no message of a batch is to blame for.
    pub(crate) fn beside(self) -> Self {
        match self {
            Self::Refused { doing, source } | Self::Statement { doing, source } => {
                Self::Beside { doing, source }
            }
            other => other,
        }
    }

    /// Whether the database answered, and would answer the same again.
    pub(crate) const fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Beside { .. } | Self::Statement { .. })
    }

    /// Whether the statement failed only because one before it in its transaction had failed.
    pub(crate) fn is_aftermath(&self) -> bool {
        let Self::Away { source, .. } = self else { return false };
        source
            .downcast_ref::<tokio_postgres::Error>()
            .and_then(tokio_postgres::Error::code)
            .is_some_and(|state| *state == SqlState::IN_FAILED_SQL_TRANSACTION)
    }

    /// Whether it is open what became of the attempt: the server did not answer.
    pub(crate) fn is_open(&self) -> bool {
        let Self::Away { source, .. } = self else { return false };
        let answered =
            source.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.code());
        answered.is_none()
    }

    /// Whether the same attempt may succeed later without anybody changing it.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Busy { .. })
    }
}

/// How to reach the database; the passwords are already filled in.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Connection of the application role.
    pub application: Config,
    /// Connection of the owner role.
    pub owner: Config,
    /// Longest statement in milliseconds.
    pub statement_timeout_ms: u32,
    /// Whether connections are encrypted, and by which CA file.
    pub ca_file: Option<std::path::PathBuf>,
}

/// The way to the database.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    application: Config,
    owner: Config,
    /// Null for plain connections.
    tls: Option<MakeRustlsConnect>,
    /// The catalogue of formalities as it was read last.
    offers: offers::Kept,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("readers", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Store {
    /// Prepares the way; connects to nothing yet.
    pub fn new(settings: StoreSettings) -> Result<Self, StoreError> {
        let tls = settings.ca_file.as_deref().map(encryption).transpose()?;
        let encrypted = tls.is_some();
        let prepare = |mut config: Config, name: &str, timeout_ms: u32| {
            config.application_name(name).connect_timeout(CONNECT_TIMEOUT);
            config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
            config.options(format!("-c statement_timeout={timeout_ms} -c timezone=UTC"));
            config
        };
        let timeout_ms = settings.statement_timeout_ms;
        let mut readers = prepare(settings.application.clone(), "ioc-hub reader", timeout_ms);
        // Spans decide which chunks are opened: a plan for any span would open all of them.
        readers.options(format!(
            "-c statement_timeout={timeout_ms} -c timezone=UTC -c plan_cache_mode=force_custom_plan"
        ));
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        // Over a Unix socket there is no host name, which the encrypting connector wants even when
        // encryption is off.
        let manager = match &tls {
            Some(tls) => Manager::from_config(readers, tls.clone(), manager),
            None => Manager::from_config(readers, NoTls, manager),
        };
        let pool = Pool::builder(manager)
            .max_size(READERS)
            .wait_timeout(Some(READER_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Away { doing: "build the pool", source: error.into() })?;
        Ok(Self {
            pool,
            application: prepare(settings.application, "ioc-hub writer", timeout_ms),
            owner: prepare(settings.owner, "ioc-hub owner", 0),
            tls,
            offers: offers::Kept::default(),
        })
    }

    /// A connection for reading, from the pool.
    pub async fn reader(&self) -> Result<Object, StoreError> {
        use deadpool_postgres::PoolError;
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
                StoreError::Busy { doing: "connect to the database" }
            }
            error => StoreError::Away { doing: "connect to the database", source: error.into() },
        })
    }

    /// An own connection of the application role. It ends when the client is dropped.
    pub async fn connect(&self) -> Result<Client, StoreError> {
        self.connect_as(&self.application).await
    }

    /// Has the server notice soon when this connection was lost on the way, and end what it does for
    /// it: otherwise it would hold its locks until somebody tells it. A server on a system that cannot
    /// do so goes without.
    pub async fn notice_losses(&self, client: &Client) {
        for setting in [
            "set client_connection_check_interval = '1s'",
            "set tcp_keepalives_idle = '10s'",
            "set tcp_keepalives_interval = '3s'",
            "set tcp_keepalives_count = 3",
            "set tcp_user_timeout = '20s'",
        ] {
            if let Err(error) = client.batch_execute(setting).await {
                tracing::debug!(setting, %error, "the server does not watch its connections");
            }
        }
    }

    /// An own connection of the owner role. It ends when the client is dropped.
    pub async fn connect_owner(&self) -> Result<Client, StoreError> {
        self.connect_as(&self.owner).await
    }

    async fn connect_as(&self, config: &Config) -> Result<Client, StoreError> {
        match &self.tls {
            Some(tls) => connect(config, tls.clone()).await,
            None => connect(config, NoTls).await,
        }
    }

    /// Name of the application role, to which migrations grant rights.
    pub fn application_role(&self) -> Option<&str> {
        self.application.get_user()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the connection's own task ends with its client; there is nothing to supervise"
)]
async fn connect<T>(config: &Config, tls: T) -> Result<Client, StoreError>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: TlsConnect<Socket>>,
{
    let doing = "connect to the database";
    let (client, connection) = config
        .connect(tls)
        .await
        .map_err(|error| StoreError::Away { doing, source: error.into() })?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a database connection ended"
            );
        }
    });
    Ok(client)
}

fn encryption(path: &Path) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    let bad = |why: String| StoreError::Ca { path: path.display().to_string(), why };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("holds no certificate".into()));
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
