//! From the configuration to connections: database, broker, the private ones of `--local`.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use ioc_hub::{
    config::{Config, environment},
    hub::explain,
    local::{self, LocalSettings, Prefer, Role},
    simulate::Broker,
    store::{Store, StoreError, StoreSettings, migrate},
};
use ioc_ingest::mqtt::{Options, TlsOptions};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Where the private servers live.
pub(super) fn local_settings(config: &Config) -> LocalSettings {
    LocalSettings {
        folder: config.local.folder.clone(),
        data: config.local.data_folder(),
        mqtt_port: config.local.mqtt_port,
        prefer: if config.local.programs == "private" { Prefer::Private } else { Prefer::Machine },
    }
}

fn secret(name: &str) -> Option<String> {
    environment_secret(name).filter(|secret| !secret.is_empty())
}

fn environment_secret(name: &str) -> Option<String> {
    environment().remove(name)
}

/// The configured database.
pub(super) fn database(config: &Config) -> anyhow::Result<StoreSettings> {
    let database = &config.database;
    if database.url.is_empty() {
        bail!(
            "no database is configured: set database.url (and owner_url), or use the private one \
             with --local"
        );
    }
    let connection = |url: &str, key: &'static str, password: &str| {
        let mut connection: tokio_postgres::Config =
            url.parse().with_context(|| format!("{key} is no PostgreSQL connection string"))?;
        if let Some(password) = secret(password) {
            connection.password(password);
        }
        anyhow::Ok(connection)
    };
    let application = connection(&database.url, "database.url", &database.password_env)?;
    let owner = if database.owner_url.is_empty() {
        application.clone()
    } else {
        connection(&database.owner_url, "database.owner_url", &database.owner_password_env)?
    };
    let encrypted = !database.ca_file.is_empty();
    if !encrypted && !config.insecure && reaches_out(&application) {
        bail!(
            "database.url reaches another machine without encryption: set database.ca_file, or \
             insecure = true on a closed network"
        );
    }
    Ok(settings(config, application, owner))
}

fn reaches_out(connection: &tokio_postgres::Config) -> bool {
    use tokio_postgres::config::Host;
    connection.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => !ioc_hub::config::is_loopback(name),
        Host::Unix(_) => false,
    })
}

pub(super) fn settings(
    config: &Config,
    application: tokio_postgres::Config,
    owner: tokio_postgres::Config,
) -> StoreSettings {
    let ca_file = &config.database.ca_file;
    StoreSettings {
        application,
        owner,
        statement_timeout_ms: config.database.statement_timeout_ms,
        ca_file: (!ca_file.is_empty()).then(|| PathBuf::from(ca_file)),
    }
}

/// The broker session of the configuration.
pub(super) fn broker(config: &Config, city: &str, port: u16, host: &str) -> Options {
    let broker = &config.broker;
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let mut options = Options::new(host, port, &broker.client_id, city);
    options.username = (!broker.username.is_empty()).then(|| broker.username.clone());
    options.password = secret(&broker.password_env);
    options.tls = broker.tls.then(|| TlsOptions {
        ca: path(&broker.ca_file),
        client_cert: path(&broker.client_cert_file),
        client_key: path(&broker.client_key_file),
    });
    options.receive_maximum = broker.receive_maximum;
    options.max_packet_bytes = broker.max_packet_bytes;
    options.session_expiry_s = broker.session_expiry_s;
    options.keep_alive_s = broker.keep_alive_s;
    options.unacked_bytes_max =
        u64::from(broker.receive_maximum) * u64::from(broker.max_packet_bytes);
    options
}

/// The broker as the simulator reaches it.
pub(super) fn publisher(config: &Config, host: &str, port: u16) -> anyhow::Result<Broker> {
    let mut broker = Broker::new(host, port);
    broker.username = (!config.broker.username.is_empty()).then(|| config.broker.username.clone());
    broker.password = secret(&config.broker.password_env);
    if config.broker.tls {
        broker.tls = Some(Arc::new(publisher_tls(&config.broker.ca_file)?));
    }
    Ok(broker)
}

fn publisher_tls(ca_file: &str) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    let read = || format!("read broker.ca_file {ca_file}");
    for certificate in CertificateDer::pem_file_iter(ca_file).with_context(read)? {
        roots.add(certificate.with_context(read)?).with_context(read)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    Ok(builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The keys that say how one role reaches the database.
pub(super) struct DatabaseKeys<'a> {
    /// Key of the connection text.
    pub(super) url: &'static str,
    /// Environment variable of its password.
    pub(super) password: &'a str,
}

/// The keys of the application role.
pub(super) fn database_keys(config: &Config) -> DatabaseKeys<'_> {
    DatabaseKeys { url: "database.url", password: &config.database.password_env }
}

/// The keys of the owner role.
pub(super) fn owner_keys(config: &Config) -> DatabaseKeys<'_> {
    if config.database.owner_url.is_empty() {
        return database_keys(config);
    }
    DatabaseKeys { url: "database.owner_url", password: &config.database.owner_password_env }
}

/// What to do when the database cannot be reached.
pub(super) fn advice(error: &StoreError, keys: &DatabaseKeys<'_>) -> String {
    let DatabaseKeys { url, password } = keys;
    let StoreError::Away { source, .. } = error else {
        return format!("look at the server's log, and at the key {url}");
    };
    let code = source
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(|error| error.code())
        .map(tokio_postgres::error::SqlState::code);
    match code {
        // Classes and codes: PostgreSQL documentation, appendix A.
        Some("28P01" | "28000") => format!(
            "check the user in the key {url}, the password in the variable {password}, and the \
             server's pg_hba.conf"
        ),
        Some("3D000") => format!("create the database, or correct its name in the key {url}"),
        Some("53300") => "raise max_connections of the server: the hub uses up to 12".to_owned(),
        Some("57P03") => "the server is starting: try again".to_owned(),
        None if explain(error).contains("password missing") => {
            format!("put the password into the environment variable {password}")
        }
        Some(_) => format!("look at the server's log, and at the key {url}"),
        None => format!(
            "start the database server, or correct host and port in the key {url}; for an \
             encrypted connection see database.ca_file"
        ),
    }
}

/// Runs `work` on a database whose schema is the one of this program.
pub(super) async fn with_registry<T, F>(
    config: &Config,
    is_local: bool,
    work: impl FnOnce(Store) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    with_store(config, is_local, async |store| {
        migrate::check(&store).await?;
        work(store).await
    })
    .await
}

/// Runs `work` on the configured database, or on the private one: that of a running hub, else
/// started for the time of the work.
pub(super) async fn with_store<T, F>(
    config: &Config,
    is_local: bool,
    work: impl FnOnce(Store) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    if !is_local {
        let store = Store::new(database(config)?)?;
        if let Err(error) = store.connect().await {
            bail!("{}\n  {}", explain(&error), advice(&error, &database_keys(config)));
        }
        return work(store).await;
    }
    let settings_local = local_settings(config);
    let running = || -> anyhow::Result<Store> {
        let application = local::connection_of(&settings_local, Role::Application)?;
        let owner = local::connection_of(&settings_local, Role::Owner)?;
        Ok(Store::new(settings(config, application, owner))?)
    };
    let store = running()?;
    if store.connect().await.is_ok() {
        return work(store).await;
    }
    let progress = |line: &str| super::complain(line);
    let programs = local::fetch(&settings_local, &progress).await?;
    let server = local::start_database(&settings_local, &programs, &progress).await?;
    let (application, owner) =
        (server.connection(Role::Application), server.connection(Role::Owner));
    let done = match Store::new(settings(config, application, owner)) {
        Ok(store) => work(store).await,
        Err(error) => Err(error.into()),
    };
    server.stop().await?;
    done
}

/// Whether the web server's port is free; if not, who has it and what to do.
pub(super) async fn free_port(config: &Config) -> Result<(), String> {
    let listen = &config.http.listen;
    let Err(error) = TcpListener::bind(listen).await else { return Ok(()) };
    Err(match error.kind() {
        std::io::ErrorKind::AddrInUse if is_hub(listen).await => format!(
            "another hub answers on {listen}: stop it first, or set another port in the key \
             http.listen"
        ),
        std::io::ErrorKind::AddrInUse => {
            let port = listen.rsplit(':').next().unwrap_or(listen);
            format!(
                "port {port} of {listen} is taken by another program: end that program, or set \
                 another port in the key http.listen"
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            format!("{listen} is no address of this machine: correct the key http.listen")
        }
        std::io::ErrorKind::PermissionDenied => format!(
            "{listen} may not be opened by this user: set a port above 1023 in the key http.listen"
        ),
        _ => format!("{listen} cannot be opened: {error}; see the key http.listen"),
    })
}

/// Whether a hub answers on an address.
pub(super) async fn is_hub(listen: &str) -> bool {
    /// A hub on this machine answers at once.
    const PATIENCE: Duration = Duration::from_secs(2);
    let asked = async {
        let mut stream = TcpStream::connect(listen).await?;
        let question =
            format!("GET /healthz HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        stream.write_all(question.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    matches!(answer, Ok(Ok(text)) if text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\nok\n"))
}
