//! The database as the hub needs it: reachable for both roles, with the extension, the rights, the
//! city's time zone, a schema that this program knows, and this city in its registry.

use ioc_hub::{
    city::City,
    config::Config,
    hub::explain,
    store::{
        Store, StoreError, city, migrate,
        probe::{self, Extension, Server},
        register, registry,
    },
};
use tokio_postgres::Client;

use super::Report;
use crate::command::{
    connect::{DatabaseKeys, advice},
    run::devices,
};

/// Oldest server that the schema works on: the major version.
const SERVER_MIN: i32 = 15;

pub(super) async fn check(
    config: &Config,
    store: &Store,
    (keys, owner_keys): (DatabaseKeys<'_>, DatabaseKeys<'_>),
    city: Option<&City>,
    report: &mut Report,
) {
    let client = match store.connect().await {
        Ok(client) => client,
        Err(error) => {
            return report.failed("database", explain(&error), &advice(&error, &keys));
        }
    };
    let application = match probe::server(&client).await {
        Ok(server) => server,
        Err(error) => return report.failed("database", explain(&error), ""),
    };
    check_server(&application, report);
    match store.connect_owner().await {
        Ok(owner) => check_owner(&owner, &application, report).await,
        Err(error) => {
            report.failed("owner role", explain(&error), &advice(&error, &owner_keys));
        }
    }
    check_zone(&client, city, report).await;
    check_schema(config, store, &client, city, report).await;
}

fn check_server(server: &Server, report: &mut Report) {
    let Server { version, major, .. } = server;
    if *major < SERVER_MIN {
        let advice = format!("use PostgreSQL {SERVER_MIN} or newer");
        report.failed("database", format!("PostgreSQL {version} is too old"), &advice);
    } else {
        report.good("database", format!("PostgreSQL {version}, role {}", server.role));
    }
    match &server.timescaledb {
        Extension::Enabled(version) => report.good("extension", format!("timescaledb {version}")),
        Extension::Available => {
            report.good("extension", "timescaledb is installed; the first start enables it");
        }
        Extension::Absent => report.failed(
            "extension",
            "the server has no timescaledb, or does not load it",
            "install it, add it to shared_preload_libraries and restart the server",
        ),
    }
}

async fn check_owner(owner: &Client, application: &Server, report: &mut Report) {
    let found = match probe::server(owner).await {
        Ok(found) => found,
        Err(error) => return report.failed("owner role", explain(&error), ""),
    };
    let role = &found.role;
    if !found.may_create {
        let advice =
            format!("as superuser in this database: grant create on schema public to {role}");
        return report.failed("owner role", format!("{role} may not make tables"), &advice);
    }
    if found.timescaledb == Extension::Available && !found.may_extend {
        let advice = "as superuser in this database: create extension timescaledb";
        return report.failed("owner role", format!("{role} may not enable timescaledb"), advice);
    }
    report.good("owner role", role);
    if *role == application.role {
        report.note(
            "it is the application role too, which can then change the journal: set \
             database.owner_url to a role of its own",
        );
    }
    if application.is_superuser {
        report.note(format!("the application role {} is a superuser", application.role));
    }
}

async fn check_zone(client: &Client, city: Option<&City>, report: &mut Report) {
    let Some(city) = city else { return };
    let zone = city.time_zone.name();
    match probe::knows_zone(client, zone).await {
        Ok(true) => report.good("time zone", zone),
        Ok(false) => report.failed(
            "time zone",
            format!("the server does not know {zone}"),
            "install the time zone data of the server's system (Debian: tzdata, tzdata-legacy)",
        ),
        Err(error) => report.failed("time zone", explain(&error), ""),
    }
}

async fn check_schema(
    config: &Config,
    store: &Store,
    client: &Client,
    city: Option<&City>,
    report: &mut Report,
) {
    match migrate::check(store).await {
        Ok(()) => {}
        Err(StoreError::TooOld { found, known }) => {
            let text = format!("version {found}; the next start makes it {known}");
            return report.good("schema", text);
        }
        Err(error) => return report.failed("schema", explain(&error), ""),
    }
    report.good("schema", format!("version {}", migrate::known_version()));
    match compare(config, client, city).await {
        Ok(Ok(text)) => report.good("registry", text),
        Ok(Err(why)) => report.failed("registry", why, "correct city.folder or database.url"),
        Err(error) => report.failed("registry", explain(&error), ""),
    }
    if let Ok(true) = register::hub_at_work(client).await {
        report.note("a hub is at work on this database");
    }
}

/// What the registry holds; inner error: another city.
async fn compare(
    config: &Config,
    client: &Client,
    city: Option<&City>,
) -> Result<Result<String, String>, StoreError> {
    let token = registry::city_token(client).await?;
    Ok(match (token, city) {
        (None, _) => Ok("empty; the first start seeds it from the city folder".to_owned()),
        (Some(found), None) => Ok(found),
        (Some(found), Some(city)) if found != city.token => {
            Err(format!("it holds the city {found}, the folder is {}", city.token))
        }
        (Some(found), Some(city)) => {
            let devices = devices(city, &config.simulate.scale);
            let differences = city::differences(client, city, &devices).await?.len();
            Ok(match differences {
                0 => format!("{found}, as the city folder says"),
                n => format!("{found}; `ioc-hub city diff` shows {n} differences to the folder"),
            })
        }
    })
}
