//! The registry in the database: loading it, and seeding an empty one from a city folder.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source, Word as _, interval::Direction};
use serde_json::{Value, json};
use tokio_postgres::{Client, Transaction};

use super::{
    StoreError,
    city::{folder, noun},
    copy::{self, Rows},
};
use crate::{
    city::{City, Device as CityDevice},
    quality::thresholds::parse_class,
    registry::{Device, Lane, MetricRange, Registry, parse_place, place_text},
};

/// Token of the registered city; null while the registry is empty.
pub async fn city_token(client: &Client) -> Result<Option<String>, StoreError> {
    client
        .query_opt("select token from city", &[])
        .await
        .map(|row| row.map(|row| row.get(0)))
        .map_err(|error| StoreError::of("read the city", error))
}

/// Tickets created on the civil days `from` to before `to`.
pub async fn tickets_between(
    client: &Client,
    zone: chrono_tz::Tz,
    from: chrono::NaiveDate,
    to: chrono::NaiveDate,
) -> Result<i64, StoreError> {
    client
        .query_one(
            "select count(*) from ticket where created_at >= $1::date::timestamp at time zone $3 \
             and created_at < $2::date::timestamp at time zone $3",
            &[&from, &to, &zone.name()],
        )
        .await
        .map(|row| row.get(0))
        .map_err(|error| StoreError::of("count tickets", error))
}

/// Everything that is in service, and who published besides.
pub async fn load(client: &Client) -> Result<Registry, StoreError> {
    let failed = |error| StoreError::of("load the registry", error);
    let rows = client
        .query(
            "select id, source, service, name_vi, name_en, lon, lat, area, corridor, parent, \
                    period_ms, simulated from device where retired_at is null",
            &[],
        )
        .await
        .map_err(failed)?;
    let mut by_id: HashMap<i32, Device> = HashMap::with_capacity(rows.len());
    for row in &rows {
        if let Some(device) = device(row) {
            by_id.insert(device.id, device);
        }
    }
    let sql = "select device_id, place, id, lane_class, free_flow_kmh, direction from detector";
    let rows = client.query(sql, &[]).await.map_err(failed)?;
    let mut lanes = HashMap::with_capacity(rows.len());
    for row in &rows {
        let class: Option<String> = row.get(3);
        let free_flow_kmh: Option<i32> = row.get(4);
        let direction: Option<String> = row.get(5);
        let lane = Lane {
            direction: direction.and_then(|word| Direction::parse(&word)),
            class: class.and_then(|class| parse_class(&class)),
            free_flow_kmh: free_flow_kmh.and_then(|kmh| u16::try_from(kmh).ok()),
        };
        lanes.insert(row.get(2), lane);
        let place = parse_place(row.get(1));
        if let (Some(device), Some(place)) = (by_id.get_mut(&row.get(0)), place) {
            device.detectors.insert(place, row.get(2));
        }
    }
    let rows = client
        .query("select name, minimum, maximum from metric_definition", &[])
        .await
        .map_err(failed)?;
    let metrics = rows.iter().map(|row| {
        let name: String = row.get(0);
        (name.into_boxed_str(), MetricRange { minimum: row.get(1), maximum: row.get(2) })
    });
    let devices =
        by_id.into_values().map(|device| (device.source.clone(), Arc::new(device))).collect();
    let rows = client
        .query(
            "select source from source_state s where not exists \
               (select from device d where d.source = s.source and d.retired_at is null)",
            &[],
        )
        .await
        .map_err(failed)?;
    let strangers = rows.iter().filter_map(|row| Source::parse(row.get(0)).ok()).collect();
    let (metrics, lanes) = (metrics.collect(), Arc::new(lanes));
    Ok(Registry { devices, metrics, strangers, lanes, ..Registry::default() })
}

/// A row that the contract cannot name (made by hand) is left out.
fn device(row: &tokio_postgres::Row) -> Option<Device> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let (lon, lat): (Option<f64>, Option<f64>) = (row.get("lon"), row.get("lat"));
    Some(Device {
        id: row.get("id"),
        source: Source::parse(row.get("source")).ok()?,
        service: Service::parse(row.get("service"))?,
        name_vi: row.get("name_vi"),
        name_en: row.get("name_en"),
        position: lon.zip(lat),
        area: text("area").map(Into::into),
        corridor: text("corridor").map(Into::into),
        parent: text("parent").and_then(|parent| Source::parse(&parent).ok()),
        period_ms: row.get::<_, Option<i32>>("period_ms").and_then(|ms| u32::try_from(ms).ok()),
        simulated: row.get("simulated"),
        detectors: HashMap::new(),
    })
}

/// Fills an empty registry from `city` with these devices, in one transaction.
pub async fn seed(
    client: &mut Client,
    city: &City,
    devices: &[CityDevice],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("seed the registry", error);
    let transaction = client.transaction().await.map_err(failed)?;
    seed_city(&transaction, city).await.map_err(failed)?;
    seed_units(&transaction, city).await.map_err(failed)?;
    seed_map(&transaction, city).await.map_err(failed)?;
    seed_catalogues(&transaction, city).await.map_err(failed)?;
    seed_devices(&transaction, devices, now).await.map_err(failed)?;
    transaction
        .execute(
            "insert into journal (at, who, action, object, after) values ($1, 'hub', 'seed_registry', $2, $3)",
            &[&now, &city.token, &json!({"devices": devices.len(), "units": city.units.len()})],
        )
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

type Done = Result<(), tokio_postgres::Error>;

/// What GET /api/v1/city tells of a city, without the map.
pub fn city_settings(city: &City) -> Value {
    json!({
        "name": {"vi": city.name_vi, "en": city.name_en},
        "time_zone": city.time_zone.name(),
        "bounds": city.bounds,
        "center": city.center,
        "zoom": city.zoom,
        "demonstration": city.demonstration,
        "notes": city.notes,
    })
}

async fn seed_city(transaction: &Transaction<'_>, city: &City) -> Done {
    let settings = city_settings(city);
    transaction
        .execute("insert into city (token, settings) values ($1, $2)", &[&city.token, &settings])
        .await?;
    Ok(())
}

async fn seed_units(transaction: &Transaction<'_>, city: &City) -> Done {
    let unit = transaction
        .prepare(
            "insert into administrative_unit \
               (code, valid_from, valid_to, kind, name_vi, name_en, parent, source) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .await?;
    for row in &city.units {
        let (kind, source) = (row.kind.as_str(), row.mark.as_str());
        transaction
            .execute(
                &unit,
                &[
                    &row.code,
                    &row.valid_from,
                    &row.valid_to,
                    &kind,
                    &row.name_vi,
                    &row.name_en,
                    &row.parent,
                    &source,
                ],
            )
            .await?;
    }
    let succession =
        transaction.prepare("insert into unit_succession values ($1, $2, $3, $4, $5, $6)").await?;
    for row in &city.successions {
        let whole = row.share_e4 == Some(10_000);
        transaction
            .execute(
                &succession,
                &[&row.from.0, &row.from.1, &row.to.0, &row.to.1, &whole, &row.mark.as_str()],
            )
            .await?;
    }
    Ok(())
}

async fn seed_map(transaction: &Transaction<'_>, city: &City) -> Done {
    let feature =
        transaction.prepare("insert into map_feature values ($1, $2, $3, $4, $5, $6)").await?;
    let map = city.map_json();
    for (collection, kind) in
        [("areas", "area"), ("corridors", "corridor"), ("rivers", "river"), ("places", "place")]
    {
        for item in map[collection]["features"].as_array().into_iter().flatten() {
            let properties = &item["properties"];
            let text = |key: &str| properties[key].as_str().unwrap_or_default();
            transaction
                .execute(
                    &feature,
                    &[
                        &kind,
                        &text("id"),
                        &text("name_vi"),
                        &text("name_en"),
                        properties,
                        &item["geometry"],
                    ],
                )
                .await?;
        }
    }
    Ok(())
}

async fn seed_catalogues(transaction: &Transaction<'_>, city: &City) -> Done {
    let metric = transaction
        .prepare("insert into metric_definition values ($1, $2, $3, $4, $5, $6, $7)")
        .await?;
    for row in &city.metrics {
        transaction
            .execute(
                &metric,
                &[
                    &row.name,
                    &row.name_vi,
                    &row.name_en,
                    &row.unit_of_measure,
                    &Some(row.min),
                    &row.max,
                    &row.feed.as_str(),
                ],
            )
            .await?;
    }
    let category =
        transaction.prepare("insert into ticket_category values ($1, $2, $3, $4)").await?;
    for row in &city.categories {
        transaction
            .execute(&category, &[&row.token, &row.name_vi, &row.name_en, &row.public_space])
            .await?;
    }
    // Thousands of rows: one statement for each table.
    for (statement, rows) in [
        (noun::INSERT_FORMALITY, folder::formalities(city)),
        (noun::INSERT_SERVICE, folder::services(city)),
    ] {
        let rows = Value::Array(rows.into_values().collect());
        transaction.execute(statement, &[&rows]).await?;
    }
    Ok(())
}

/// Devices and their detectors by COPY: a metropolis has tens of thousands.
async fn seed_devices(
    transaction: &Transaction<'_>,
    devices: &[CityDevice],
    now: DateTime<Utc>,
) -> Done {
    let statement = transaction
        .prepare(
            "copy device (source, service, name_vi, name_en, lon, lat, area, corridor, parent, \
                          period_ms, simulated, registered_at) from stdin binary",
        )
        .await?;
    let mut rows = Rows::new(12);
    for device in devices {
        let row = rows.row();
        row.text(device.source.as_str()).text(device.service.as_str());
        row.text(&*device.name_vi).text(&*device.name_en).f64(device.lon).f64(device.lat);
        row.text(device.area.as_deref()).text(device.corridor.as_deref());
        row.text(device.parent.as_ref().map(Source::as_str));
        row.i32(device.period_ms.and_then(|ms| i32::try_from(ms).ok()))
            .bool(device.simulated)
            .time(now);
    }
    copy::send(transaction, &statement, rows.finish()).await?;
    let ids: HashMap<String, i32> = transaction
        .query("select source, id from device", &[])
        .await?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let statement = transaction
        .prepare(
            "copy detector (device_id, place, name_vi, name_en, direction, lane_class, \
                            free_flow_kmh) from stdin binary",
        )
        .await?;
    let mut rows = Rows::new(7);
    for device in devices {
        let Some(id) = ids.get(device.source.as_str()) else { continue };
        for detector in &device.detectors {
            let row = rows.row();
            row.i32(*id).text(&*place_text(&detector.place)).text(&*detector.name_vi);
            row.text(&*detector.name_en).text(detector.direction.as_str());
            row.text(detector.lane_class.as_str()).i32(i32::from(detector.free_flow_kmh));
        }
    }
    copy::send(transaction, &statement, rows.finish()).await?;
    Ok(())
}
