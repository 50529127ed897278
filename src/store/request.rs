//! Statements of people's requests to the writer: quarantined messages and new devices. Each change
//! and its journal row are one statement or one transaction.

use chrono::{DateTime, Utc};
use geo::Contains;
use ioc_ingest::{Reason, Source};
use tokio_postgres::{Client, GenericClient, Row};

use super::StoreError;
use crate::writer::{NewDevice, command::describe};

/// A quarantined message.
#[derive(Debug)]
pub(crate) struct Quarantined {
    pub(crate) id: i64,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) topic: String,
    pub(crate) reason: String,
    pub(crate) partial: bool,
    pub(crate) payload: Vec<u8>,
}

impl Quarantined {
    fn of(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            received_at: row.get("received_at"),
            topic: row.get("topic"),
            reason: row.get("reason"),
            partial: row.get("partial"),
            payload: row.get("payload"),
        }
    }
}

/// One message that was not replayed yet.
pub(crate) async fn quarantined(
    client: &Client,
    id: i64,
) -> Result<Option<Quarantined>, StoreError> {
    client
        .query_opt(
            "select id, received_at, topic, reason, partial, payload from quarantine \
             where id = $1 and replayed_at is null",
            &[&id],
        )
        .await
        .map(|row| row.as_ref().map(Quarantined::of))
        .map_err(|error| StoreError::of("read a quarantined message", error))
}

/// The source of a quarantined message; empty where it has none or is gone.
pub(crate) async fn source_of(client: &Client, id: i64) -> Result<String, StoreError> {
    client
        .query_opt("select coalesce(source, '') from quarantine where id = $1", &[&id])
        .await
        .map(|row| row.map(|row| row.get(0)).unwrap_or_default())
        .map_err(|error| StoreError::of("read the source of a message", error))
}

/// Sources of messages that were refused because nobody had registered their source, and that were not
/// replayed since: whoever of them is registered now was left behind.
pub(crate) async fn stranded(client: &Client) -> Result<Vec<Source>, StoreError> {
    let reason = Reason::UnknownSource.as_str();
    let failed = |error| StoreError::of("look for messages of unknown sources", error);
    let sql = format!(
        "select distinct coalesce(source, split_part(topic, '/', 5)) from quarantine where {STRANDED}"
    );
    let rows = client.query(&sql, &[&reason]).await.map_err(failed)?;
    Ok(rows.iter().filter_map(|row| Source::parse(row.get(0)).ok()).collect())
}

/// With the reason as first parameter. A replay that said the same was before the source was registered.
const STRANDED: &str = "reason = $1 and replayed_at is null \
                        and (replay_result is null or starts_with(replay_result, $1))";

/// Messages of a source that was not registered, in order of arrival; those too that were kept together
/// with others', which only their topic tells.
pub(crate) async fn unknown_of(
    client: &Client,
    source: &Source,
    after: i64,
    limit: usize,
) -> Result<Vec<Quarantined>, StoreError> {
    let reason = Reason::UnknownSource.as_str();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!(
        "select id, received_at, topic, reason, partial, payload from quarantine \
         where (source = $2 or (source is null and split_part(topic, '/', 5) = $2)) \
           and {STRANDED} and id > $3 \
         order by id limit $4"
    );
    client
        .query(&sql, &[&reason, &source.as_str(), &after, &limit])
        .await
        .map(|rows| rows.iter().map(Quarantined::of).collect())
        .map_err(|error| StoreError::of("read quarantined messages", error))
}

/// What the replay of a message came to: null when it is stored, else why it is not.
pub(crate) type Replayed = (i64, Option<String>);

/// Who replays which messages, in the order of their batch; what they come to is noted in its transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replays<'a> {
    pub(crate) ids: &'a [i64],
    pub(crate) who: &'a str,
    pub(crate) now: DateTime<Utc>,
}

impl Replays<'_> {
    /// What came of each message, of which the database held so many rows with other content.
    pub(crate) fn outcomes(&self, conflicts: &[u32]) -> Vec<Replayed> {
        let why = "conflict: stored with other content; the first is kept";
        let why = |conflicts: u32| (conflicts > 0).then(|| why.to_owned());
        self.ids.iter().zip(conflicts).map(|(id, conflicts)| (*id, why(*conflicts))).collect()
    }
}

/// Notes what replays came to.
pub(crate) async fn note_replays(
    client: &impl GenericClient,
    replayed: &[Replayed],
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if replayed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = replayed.iter().map(|(id, _)| *id).collect();
    let whys: Vec<Option<&str>> = replayed.iter().map(|(_, why)| why.as_deref()).collect();
    client
        .execute(
            "with told as (select * from unnest($1::int8[], $2::text[]) as t (id, why)), \
             replayed as ( \
               update quarantine q set replay_result = coalesce(t.why, 'accepted'), \
                 replayed_at = case when t.why is null then $4::timestamptz end \
               from told t where q.id = t.id) \
             insert into journal (at, who, action, object, after) \
             select $4, $3, 'replay_message', 'quarantine/' || id::text, \
                    to_jsonb(coalesce(why, 'accepted')) \
             from told order by id",
            &[&ids, &whys, &who, &now],
        )
        .await
        .map_err(|error| StoreError::of("note replays", error).beside())?;
    Ok(())
}

/// Removes a message. False when there is none.
pub(crate) async fn discard_quarantined(
    client: &Client,
    id: i64,
    who: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    client
        .execute(
            "with gone as (delete from quarantine where id = $1 returning topic, reason) \
             insert into journal (at, who, action, object, before) \
             select $3, $2, 'discard_message', 'quarantine/' || $1::int8::text, \
                    jsonb_build_object('topic', topic, 'reason', reason) from gone",
            &[&id, &who, &now],
        )
        .await
        .map(|rows| rows == 1)
        .map_err(|error| StoreError::of("discard a quarantined message", error))
}

/// Registers a device, with the area that its position lies in.
pub(crate) async fn register(
    client: &Client,
    device: &NewDevice,
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let area = match device.position {
        Some((lon, lat)) => area_of(client, lon, lat).await?,
        None => None,
    };
    let (lon, lat) = device.position.unzip();
    let period_ms = device.period_ms.and_then(|ms| i32::try_from(ms).ok());
    client
        .execute(
            "with registered as ( \
               insert into device (source, service, name_vi, name_en, lon, lat, area, period_ms, registered_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)) \
             insert into journal (at, who, action, object, after) \
             values ($9, $10, 'accept_source', $1, $11)",
            &[
                &device.source.as_str(),
                &device.service.as_str(),
                &device.name_vi,
                &device.name_en,
                &lon,
                &lat,
                &area,
                &period_ms,
                &now,
                &who,
                &describe(device),
            ],
        )
        .await
        .map_err(|error| StoreError::of("register a device", error))?;
    Ok(())
}

/// The area that a position lies in, by the polygons of the registry.
pub(super) async fn area_of(
    client: &impl GenericClient,
    lon: f64,
    lat: f64,
) -> Result<Option<String>, StoreError> {
    let rows = client
        .query("select id, geometry from map_feature where kind = 'area' order by id", &[])
        .await
        .map_err(|error| StoreError::of("read the areas", error))?;
    let point = geo::Point::new(lon, lat);
    let holds = |geometry: &serde_json::Value| {
        polygon(geometry).is_some_and(|polygon| polygon.contains(&point))
    };
    Ok(rows.iter().find(|row| holds(&row.get(1))).map(|row| row.get(0)))
}

/// A GeoJSON polygon: its first ring is the outline, the others are holes.
fn polygon(geometry: &serde_json::Value) -> Option<geo::Polygon> {
    let rings: Vec<Vec<[f64; 2]>> =
        serde_json::from_value(geometry.get("coordinates")?.clone()).ok()?;
    let mut rings = rings.into_iter().map(geo::LineString::from);
    Some(geo::Polygon::new(rings.next()?, rings.collect()))
}
