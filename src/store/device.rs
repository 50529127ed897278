//! Registered devices and their lanes and zones, as the API reads them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{Store, StoreError};

/// A registered device.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// Small id.
    pub id: i32,
    /// Source token.
    pub source: String,
    /// Service token.
    pub service: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Longitude, degrees.
    pub lon: Option<f64>,
    /// Latitude, degrees.
    pub lat: Option<f64>,
    /// Id of the area.
    pub area: Option<String>,
    /// Id of the corridor.
    pub corridor: Option<String>,
    /// Source of the cabinet that feeds it.
    pub parent: Option<String>,
    /// Expected time between messages of the main stream, milliseconds.
    pub period_ms: Option<i32>,
    /// Equipment of the simulated city.
    pub simulated: bool,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When it was retired.
    pub retired_at: Option<DateTime<Utc>>,
    /// Lanes or zones by number or name.
    pub detectors: Vec<DetectorRow>,
}

/// A lane or zone.
#[derive(Debug, Clone)]
pub struct DetectorRow {
    /// Small id.
    pub id: i32,
    /// `lane/NUMBER` or `zone/NAME`.
    pub place: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// forward, reverse or both.
    pub direction: Option<String>,
    /// Class of lane for thresholds; null when it is not known.
    pub lane_class: Option<String>,
}

/// Which devices: in the order of their sources.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    /// Only these sources; empty for all.
    pub sources: Vec<String>,
    /// Only these services; empty for all.
    pub services: Vec<String>,
    /// Only in this area.
    pub area: Option<String>,
    /// Only on this corridor.
    pub corridor: Option<String>,
    /// Only with this text in source or name.
    pub text: Option<String>,
    /// Retired ones too.
    pub retired: bool,
    /// Only after this source.
    pub after: Option<String>,
    /// Most rows.
    pub limit: i64,
}

impl Store {
    /// Devices with their lanes and zones.
    pub async fn devices(&self, filter: &DeviceFilter) -> Result<Vec<DeviceRow>, StoreError> {
        let failed = |error| StoreError::of("list the devices", error);
        let client = self.reader().await?;
        let rows = client
            .query(
                "select id, source, service, name_vi, name_en, lon, lat, area, corridor, parent,
                        period_ms, simulated, registered_at, retired_at
                 from device
                 where (cardinality($1::text[]) = 0 or source = any($1))
                   and (cardinality($2::text[]) = 0 or service = any($2))
                   and ($3::text is null or area = $3)
                   and ($4::text is null or corridor = $4)
                   and ($5::text is null or position(lower($5) in lower(source)) > 0
                        or position(lower($5) in lower(name_vi)) > 0
                        or position(lower($5) in lower(name_en)) > 0)
                   and ($6 or retired_at is null)
                   and ($7::text is null or source collate \"C\" > $7)
                 order by source collate \"C\" limit $8",
                &[
                    &filter.sources,
                    &filter.services,
                    &filter.area,
                    &filter.corridor,
                    &filter.text,
                    &filter.retired,
                    &filter.after,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        let mut devices: Vec<DeviceRow> =
            rows.iter().map(device).collect::<Result<_, _>>().map_err(failed)?;
        let ids: Vec<i32> = devices.iter().map(|device| device.id).collect();
        let detectors = client
            .query(
                "select device_id, id, place, name_vi, name_en, direction, lane_class
                 from detector where device_id = any($1)
                 order by device_id, length(place), place collate \"C\"",
                &[&ids],
            )
            .await
            .map_err(failed)?;
        let mut by_device: HashMap<i32, Vec<DetectorRow>> = HashMap::new();
        for row in &detectors {
            let device_id = row.try_get(0).map_err(failed)?;
            by_device.entry(device_id).or_default().push(detector(row).map_err(failed)?);
        }
        for device in &mut devices {
            device.detectors = by_device.remove(&device.id).unwrap_or_default();
        }
        Ok(devices)
    }
}

fn device(row: &Row) -> Result<DeviceRow, tokio_postgres::Error> {
    Ok(DeviceRow {
        id: row.try_get(0)?,
        source: row.try_get(1)?,
        service: row.try_get(2)?,
        name_vi: row.try_get(3)?,
        name_en: row.try_get(4)?,
        lon: row.try_get(5)?,
        lat: row.try_get(6)?,
        area: row.try_get(7)?,
        corridor: row.try_get(8)?,
        parent: row.try_get(9)?,
        period_ms: row.try_get(10)?,
        simulated: row.try_get(11)?,
        registered_at: row.try_get(12)?,
        retired_at: row.try_get(13)?,
        detectors: Vec::new(),
    })
}

fn detector(row: &Row) -> Result<DetectorRow, tokio_postgres::Error> {
    Ok(DetectorRow {
        id: row.try_get(1)?,
        place: row.try_get(2)?,
        name_vi: row.try_get(3)?,
        name_en: row.try_get(4)?,
        direction: row.try_get(5)?,
        lane_class: row.try_get(6)?,
    })
}
