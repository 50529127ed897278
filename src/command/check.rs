//! `ioc-hub check`: configuration, city, database and broker without starting.

use std::{sync::Arc, time::Duration};

use ioc_hub::{
    city::City,
    clock::{Clock as _, SystemClock},
    config::Loaded,
    hub::explain,
    store::{Store, StoreError, migrate, registry},
};
use ioc_ingest::mqtt::BrokerState;
use tokio_util::sync::CancellationToken;

use super::{connect, say};

/// Longest wait for the broker.
const BROKER_WAIT: Duration = Duration::from_secs(10);

pub(super) async fn check(loaded: &Loaded, is_local: bool) -> anyhow::Result<()> {
    let config = &loaded.config;
    let changed = loaded.effective.iter().filter(|(.., o)| *o != ioc_hub::config::Origin::Default);
    say(format!("configuration  good, {} keys differ from the defaults", changed.count()));
    let mut failures = 0_u32;
    let city = match City::load(&config.city.folder) {
        Ok(city) => {
            let (devices, units) = (city.devices.len(), city.units.len());
            say(format!("city           good, {}: {devices} devices, {units} units", city.token));
            city.warnings.iter().for_each(|warning| say(format!("  note: {warning}")));
            Some(city)
        }
        Err(errors) => {
            say(format!("city           {errors}"));
            failures += 1;
            None
        }
    };
    let token = city.as_ref().map(|city| city.token.clone());
    let database = connect::with_store(config, is_local, async |store| {
        Ok(check_database(&store, token.as_deref()).await?)
    });
    match database.await {
        Ok(found) => say(format!("database       good, {found}")),
        Err(error) => {
            say(format!("database       {error:#}"));
            failures += 1;
        }
    }
    let (host, port) = if is_local {
        ("127.0.0.1", config.local.mqtt_port)
    } else {
        (config.broker.host.as_str(), config.broker.port)
    };
    let mut options = connect::broker(config, token.as_deref().unwrap_or("check"), port, host);
    // A name of its own and no lasting session, so that a running hub keeps its own.
    options.client_id = format!("{}-check-{}", options.client_id, std::process::id());
    options.session_expiry_s = 0;
    match check_broker(options).await {
        Ok(()) => say(format!("broker         good, {host}:{port}")),
        Err(why) => {
            say(format!("broker         {host}:{port}: {why}"));
            if is_local {
                say("  note: the private broker runs only while the hub runs with --local");
            }
            failures += 1;
        }
    }
    if failures > 0 {
        anyhow::bail!("{failures} of 4 checks failed");
    }
    Ok(())
}

async fn check_database(store: &Store, city: Option<&str>) -> Result<String, StoreError> {
    let client = store.connect().await?;
    let row = client
        .query_one("select current_setting('server_version')", &[])
        .await
        .map_err(|source| StoreError::Statement { doing: "ask for the version", source })?;
    let version: String = row.get(0);
    match migrate::check(store).await {
        Ok(()) => {}
        Err(StoreError::TooOld { found, known }) => {
            return Ok(format!(
                "PostgreSQL {version}; schema version {found} becomes {known} at the next start"
            ));
        }
        Err(error) => return Err(error),
    }
    let registered = registry::city_token(&client).await?;
    Ok(match (registered, city) {
        (Some(found), Some(wanted)) if found != wanted => {
            format!("PostgreSQL {version}, but it holds the city {found}, not {wanted}")
        }
        (Some(found), _) => format!("PostgreSQL {version}, city {found}"),
        (None, _) => format!("PostgreSQL {version}, the registry is empty"),
    })
}

async fn check_broker(options: ioc_ingest::mqtt::Options) -> Result<(), String> {
    let clock = Arc::new(SystemClock);
    let (session, _deliveries, _acknowledger, mut state) =
        ioc_ingest::mqtt::session(options, move || clock.now());
    let stop = CancellationToken::new();
    let seen = async {
        let verdict = state
            .wait_for(|state| !matches!(state, BrokerState::Connecting))
            .await
            .map_err(|ended| ended.to_string())
            .and_then(|state| match &*state {
                BrokerState::Disconnected { error, .. } => Err(error.clone()),
                BrokerState::Connected { .. } | BrokerState::Connecting => Ok(()),
            });
        stop.cancel();
        verdict
    };
    let seen = async {
        let verdict = tokio::time::timeout(BROKER_WAIT, seen).await;
        stop.cancel();
        verdict.unwrap_or_else(|_late| Err("does not answer".to_owned()))
    };
    let (ran, verdict) = tokio::join!(session.run(stop.clone()), seen);
    ran.map_err(|error| explain(&error))?;
    verdict
}
