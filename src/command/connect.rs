//! From the configuration to connections: database, broker, the private ones of `--local`.

use std::{future::Future, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use ioc_hub::{
    config::{Config, environment},
    local::{self, LocalSettings, Prefer, Role},
    simulate::Broker,
    store::{Store, StoreSettings},
};
use ioc_ingest::mqtt::{Options, TlsOptions};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Where the private servers live.
pub(super) fn local_settings(config: &Config) -> LocalSettings {
    LocalSettings {
        folder: config.local.folder.clone(),
        data: match config.local.data.as_str() {
            "" => config.local.folder.join("data"),
            data => PathBuf::from(data),
        },
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
        return work(Store::new(database(config)?)?).await;
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
