//! The city, what its map draws, its administrative units and their succession.

use chrono::NaiveDate;
use serde_json::Value;

use super::{Store, StoreError};
use crate::unit::Units;

/// The city as it was registered.
#[derive(Debug, Clone)]
pub struct CityRow {
    /// Token of the city in topics.
    pub token: String,
    /// Names, time zone, bounds, centre, zoom, demonstration mark: one JSON object.
    pub settings: Value,
}

/// Something that the schematic map draws.
#[derive(Debug, Clone)]
pub struct MapFeature {
    /// area, corridor, river or place.
    pub kind: String,
    /// Id within the kind.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Further properties.
    pub properties: Value,
    /// GeoJSON geometry.
    pub geometry: Value,
}

/// An administrative unit during its validity.
#[derive(Debug, Clone)]
pub struct UnitRow {
    /// `gso:NNNNN` or `agency:TEXT`.
    pub code: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after; null while valid.
    pub valid_to: Option<NaiveDate>,
    /// city, district, ward, commune, town or agency.
    pub kind: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Code of the superior unit.
    pub parent: Option<String>,
    /// Where the row comes from.
    pub source: String,
    /// Successors: code, first day, whether the whole unit went there.
    pub successors: Vec<(String, NaiveDate, bool)>,
}

/// Which units: in the order of code and first day.
#[derive(Debug, Clone, Default)]
pub struct UnitFilter {
    /// Only those valid on this day.
    pub valid_at: Option<NaiveDate>,
    /// Only after this code and day.
    pub after: Option<(String, NaiveDate)>,
    /// Most rows.
    pub limit: i64,
}

impl Store {
    /// The city; none before the registry was seeded.
    pub async fn city(&self) -> Result<Option<CityRow>, StoreError> {
        let failed = |error| StoreError::of("read the city", error);
        let row = self
            .reader()
            .await?
            .query_opt("select token, settings from city", &[])
            .await
            .map_err(failed)?;
        row.map(|row| Ok(CityRow { token: row.try_get(0)?, settings: row.try_get(1)? }))
            .transpose()
            .map_err(failed)
    }

    /// What the map draws, of one kind or (null) of all.
    pub async fn map_features(&self, kind: Option<&str>) -> Result<Vec<MapFeature>, StoreError> {
        let failed = |error| StoreError::of("read the map", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select kind, id, name_vi, name_en, properties, geometry from map_feature
                 where $1::text is null or kind = $1 order by kind, id collate \"C\"",
                &[&kind],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(MapFeature {
                    kind: row.try_get(0)?,
                    id: row.try_get(1)?,
                    name_vi: row.try_get(2)?,
                    name_en: row.try_get(3)?,
                    properties: row.try_get(4)?,
                    geometry: row.try_get(5)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// The trees of all administrative units of all times.
    pub async fn unit_trees(&self) -> Result<Units, StoreError> {
        let every = UnitFilter { limit: i64::MAX, ..UnitFilter::default() };
        Ok(Units::of_rows(&self.units(&every).await?))
    }

    /// Administrative units with their successors.
    pub async fn units(&self, filter: &UnitFilter) -> Result<Vec<UnitRow>, StoreError> {
        let failed = |error| StoreError::of("list the units", error);
        let (after_code, after_day) = match &filter.after {
            Some((code, day)) => (Some(code.as_str()), Some(*day)),
            None => (None, None),
        };
        let rows = self
            .reader()
            .await?
            .query(
                "select u.code, u.valid_from, u.valid_to, u.kind, u.name_vi, u.name_en, u.parent,
                        u.source, s.codes, s.days, s.wholes
                 from administrative_unit u
                 cross join lateral (
                   select coalesce(array_agg(to_code order by to_code, to_valid_from), '{}') as codes,
                          coalesce(array_agg(to_valid_from order by to_code, to_valid_from), '{}') as days,
                          coalesce(array_agg(whole order by to_code, to_valid_from), '{}') as wholes
                   from unit_succession
                   where from_code = u.code and from_valid_from = u.valid_from
                 ) s
                 where ($1::date is null
                        or (u.valid_from <= $1 and (u.valid_to is null or u.valid_to > $1)))
                   and ($2::text is null or (u.code collate \"C\", u.valid_from) > ($2, $3::date))
                 order by u.code collate \"C\", u.valid_from limit $4",
                &[&filter.valid_at, &after_code, &after_day, &filter.limit],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let codes: Vec<String> = row.try_get(8)?;
                let days: Vec<NaiveDate> = row.try_get(9)?;
                let wholes: Vec<bool> = row.try_get(10)?;
                let successors = codes.into_iter().zip(days).zip(wholes);
                Ok(UnitRow {
                    code: row.try_get(0)?,
                    valid_from: row.try_get(1)?,
                    valid_to: row.try_get(2)?,
                    kind: row.try_get(3)?,
                    name_vi: row.try_get(4)?,
                    name_en: row.try_get(5)?,
                    parent: row.try_get(6)?,
                    source: row.try_get(7)?,
                    successors: successors.map(|((code, day), whole)| (code, day, whole)).collect(),
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
