//! Registering, retiring and looking up devices at the terminal. Each change is one transaction with
//! its journal row.

use chrono::{DateTime, Utc};
use ioc_ingest::{Reason, Service, Source};
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient, Transaction};

use super::{
    StoreError,
    insert::HUB_LOCK,
    journal::{self, JournalEntry},
    request,
};

/// A device to register.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Source token, new in the city.
    pub source: Source,
    /// Service that it publishes under.
    pub service: Service,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Longitude and latitude in degrees WGS 84; null for a system without a place.
    pub position: Option<(f64, f64)>,
    /// Id of a registered corridor.
    pub corridor: Option<String>,
    /// Source of the registered cabinet that feeds it.
    pub parent: Option<Source>,
    /// Expected time between messages of the main stream, milliseconds.
    pub period_ms: Option<u32>,
}

/// Why a device was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It is registered.
    #[error("{0} is registered already: `ioc-hub device show {0}` shows it")]
    Exists(Source),
    /// It was registered and retired.
    #[error("{0} is retired: `ioc-hub device retire --undo {0}` puts it back into service")]
    Retired(Source),
    /// It is not registered.
    #[error("{0} is not registered: `ioc-hub device list` shows what is")]
    Unknown(Source),
    /// It is in service already.
    #[error("{0} is in service")]
    InService(Source),
    /// The corridor is not registered.
    #[error("there is no corridor {found:?}; allowed: {allowed}")]
    Corridor {
        /// What was asked for.
        found: String,
        /// The registered ones.
        allowed: String,
    },
    /// The parent is not a cabinet in service.
    #[error("there is no cabinet {0} in service")]
    Parent(Source),
    /// The position lies outside the city.
    #[error(
        "lat {lat}, lon {lon} lies outside the city: lat {south} to {north}, lon {west} to {east}"
    )]
    #[expect(missing_docs, reason = "degrees WGS 84, as their names say")]
    Outside { lat: f64, lon: f64, west: f64, south: f64, east: f64, north: f64 },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A source that publishes and is not registered.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// Source token.
    pub source: String,
    /// Service of its topics.
    pub service: String,
    /// Latest message, hub clock.
    pub last_seen: DateTime<Utc>,
    /// Messages received.
    pub messages: i64,
    /// Messages in the quarantine because it was not registered.
    pub held: i64,
}

/// What was heard of a source.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// Latest message, hub clock.
    pub last_seen: DateTime<Utc>,
    /// Messages received.
    pub messages: i64,
    /// Messages or parts of them refused.
    pub refused: i64,
}

/// Whether a hub is at work on this database. It reads the registry at its start.
pub async fn hub_at_work(client: &impl GenericClient) -> Result<bool, StoreError> {
    client
        .query_one(
            "select exists (select from pg_locks where locktype = 'advisory' and granted \
               and database = (select oid from pg_database where datname = current_database()) \
               and objsubid = 1 and classid::int8 << 32 | objid::int8 = $1)",
            &[&HUB_LOCK],
        )
        .await
        .map(|row| row.get(0))
        .map_err(|error| StoreError::of("look for a hub at work", error))
}

/// Sources that publish and are not registered, in the order of their names; only `source`, if given.
pub async fn discovered(
    client: &impl GenericClient,
    source: Option<&Source>,
) -> Result<Vec<Discovered>, StoreError> {
    let rows = client
        .query(
            "select s.source, s.service, s.last_seen, s.messages, \
                    (select count(*) from quarantine q where q.source = s.source \
                       and q.reason = $1 and q.replayed_at is null) \
             from source_state s \
             where ($2::text is null or s.source = $2) \
               and not exists (select from device d where d.source = s.source) \
             order by s.source collate \"C\"",
            &[&Reason::UnknownSource.as_str(), &source.map(Source::as_str)],
        )
        .await
        .map_err(|error| StoreError::of("list discovered sources", error))?;
    let discovered = |row: &tokio_postgres::Row| Discovered {
        source: row.get(0),
        service: row.get(1),
        last_seen: row.get(2),
        messages: row.get(3),
        held: row.get(4),
    };
    Ok(rows.iter().map(discovered).collect())
}

/// Whether a device is registered, in service or retired.
pub async fn is_registered(
    client: &impl GenericClient,
    source: &Source,
) -> Result<bool, StoreError> {
    client
        .query_opt("select from device where source = $1", &[&source.as_str()])
        .await
        .map(|row| row.is_some())
        .map_err(|error| StoreError::of("look a device up", error))
}

/// What was heard of a source; null when it never published.
pub async fn heard(
    client: &impl GenericClient,
    source: &Source,
) -> Result<Option<Heard>, StoreError> {
    client
        .query_opt(
            "select last_seen, messages, refused from source_state where source = $1",
            &[&source.as_str()],
        )
        .await
        .map(|row| {
            row.map(|row| Heard {
                last_seen: row.get(0),
                messages: row.get(1),
                refused: row.get(2),
            })
        })
        .map_err(|error| StoreError::of("read what was heard of a source", error))
}

/// Numbers of the messages in the quarantine that came while the source was not registered.
pub async fn held_of(client: &impl GenericClient, source: &Source) -> Result<Vec<i64>, StoreError> {
    client
        .query(
            "select id from quarantine \
             where source = $1 and reason = $2 and replayed_at is null order by id",
            &[&source.as_str(), &Reason::UnknownSource.as_str()],
        )
        .await
        .map(|rows| rows.iter().map(|row| row.get(0)).collect())
        .map_err(|error| StoreError::of("list quarantined messages", error))
}

/// Registers a device, with the area that its position lies in. `action` is the journal's word.
pub async fn add(
    client: &mut Client,
    device: &Registration,
    action: &'static str,
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), RegisterError> {
    let failed = |error| StoreError::of("register a device", error);
    let transaction = client.transaction().await.map_err(failed)?;
    match retired_at(&transaction, &device.source).await? {
        None => {}
        Some(None) => return Err(RegisterError::Exists(device.source.clone())),
        Some(Some(_)) => return Err(RegisterError::Retired(device.source.clone())),
    }
    check_references(&transaction, device).await?;
    let area = match device.position {
        Some((lon, lat)) => request::area_of(&transaction, lon, lat).await?,
        None => None,
    };
    let after = json!({
        "service": device.service.as_str(),
        "name": {"vi": device.name_vi, "en": device.name_en},
        "lon": device.position.map(|(lon, _)| lon), "lat": device.position.map(|(_, lat)| lat),
        "area": area, "corridor": device.corridor,
        "parent": device.parent.as_ref().map(Source::as_str), "period_ms": device.period_ms,
    });
    let (lon, lat) = device.position.unzip();
    let period_ms = device.period_ms.and_then(|ms| i32::try_from(ms).ok());
    transaction
        .execute(
            "insert into device (source, service, name_vi, name_en, lon, lat, area, corridor, \
                                 parent, period_ms, registered_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                &device.source.as_str(),
                &device.service.as_str(),
                &device.name_vi,
                &device.name_en,
                &lon,
                &lat,
                &area,
                &device.corridor,
                &device.parent.as_ref().map(Source::as_str),
                &period_ms,
                &now,
            ],
        )
        .await
        .map_err(failed)?;
    let object = device.source.as_str();
    note(&transaction, (who, action, object), (None, Some(after)), now).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(())
}

/// Takes a device out of service, or (`undo`) puts a retired one back.
pub async fn retire(
    client: &mut Client,
    source: &Source,
    undo: bool,
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), RegisterError> {
    let failed = |error| StoreError::of("retire a device", error);
    let transaction = client.transaction().await.map_err(failed)?;
    match retired_at(&transaction, source).await? {
        None => return Err(RegisterError::Unknown(source.clone())),
        Some(None) if undo => return Err(RegisterError::InService(source.clone())),
        Some(Some(_)) if !undo => return Err(RegisterError::Retired(source.clone())),
        Some(_) => {}
    }
    let at = (!undo).then_some(now);
    transaction
        .execute("update device set retired_at = $2 where source = $1", &[&source.as_str(), &at])
        .await
        .map_err(failed)?;
    let action = if undo { "restore_device" } else { "retire_device" };
    let states = (Some(json!({"retired": undo})), Some(json!({"retired": !undo})));
    note(&transaction, (who, action, source.as_str()), states, now).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(())
}

/// When a device was retired; outer null: not registered, inner null: in service.
async fn retired_at(
    transaction: &Transaction<'_>,
    source: &Source,
) -> Result<Option<Option<DateTime<Utc>>>, StoreError> {
    transaction
        .query_opt(
            "select retired_at from device where source = $1 for update",
            &[&source.as_str()],
        )
        .await
        .map(|row| row.map(|row| row.get(0)))
        .map_err(|error| StoreError::of("look a device up", error))
}

async fn check_references(
    transaction: &Transaction<'_>,
    device: &Registration,
) -> Result<(), RegisterError> {
    let failed = |error| StoreError::of("check what a device refers to", error);
    if let Some((lon, lat)) = device.position {
        let row = transaction.query_one("select settings from city", &[]).await.map_err(failed)?;
        let settings: Value = row.get(0);
        let bounds: Option<[f64; 4]> = serde_json::from_value(settings["bounds"].clone()).ok();
        if let Some([west, south, east, north]) = bounds
            && !((west..=east).contains(&lon) && (south..=north).contains(&lat))
        {
            return Err(RegisterError::Outside { lat, lon, west, south, east, north });
        }
    }
    if let Some(corridor) = &device.corridor {
        let allowed: Vec<String> = transaction
            .query("select id from map_feature where kind = 'corridor' order by id", &[])
            .await
            .map(|rows| rows.iter().map(|row| row.get(0)).collect())
            .map_err(failed)?;
        if !allowed.contains(corridor) {
            let (found, allowed) = (corridor.clone(), allowed.join(", "));
            return Err(RegisterError::Corridor { found, allowed });
        }
    }
    if let Some(parent) = &device.parent {
        transaction
            .query_opt(
                "select from device \
                 where source = $1 and service = 'cabinet' and retired_at is null",
                &[&parent.as_str()],
            )
            .await
            .map_err(failed)?
            .ok_or_else(|| RegisterError::Parent(parent.clone()))?;
    }
    Ok(())
}

async fn note(
    transaction: &Transaction<'_>,
    (who, action, object): (&str, &'static str, &str),
    (before, after): (Option<Value>, Option<Value>),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    journal::insert(transaction, &JournalEntry { at, who, action, object, before, after }).await
}
