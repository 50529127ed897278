//! Areas of the schematic map and administrative units with validity and succession.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;
use serde_json::Value;

use super::{
    App,
    answer::{self, Name},
    caller::Caller,
    paging::{Cursor, LongPages, Page, Paging},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::unit::{UnitFilter, UnitRow},
};

/// An area of the schematic map.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Area {
    /// Code of the unit that it stands for.
    id: String,
    /// Its name.
    name: Name,
    /// Further properties; `schematic` says that the outline is no surveyed boundary.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, unknown>")]
    properties: Value,
    /// GeoJSON geometry, degrees WGS 84.
    #[schema(value_type = Object)]
    #[ts(type = "{ type: string; coordinates: unknown }")]
    geometry: Value,
}

/// The areas of the schematic map.
#[utoipa::path(get, operation_id = "list_areas", path = "/api/v1/areas", tag = "registry", responses(
    (status = 200, description = "All areas", body = Page<Area>),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn areas(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let features = app.store.map_features(Some("area")).await?;
    let areas = features.into_iter().map(|feature| Area {
        id: feature.id,
        name: Name { vi: feature.name_vi, en: feature.name_en },
        properties: feature.properties,
        geometry: feature.geometry,
    });
    answer::tagged(&headers, &Page::whole(areas.collect()))
}

/// An administrative unit or agency during its validity.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Unit {
    /// `gso:NNNNN` or `agency:TEXT`; codes were reused, so the identity is (code, `valid_from`).
    code: String,
    /// First day of validity.
    #[ts(type = "string")]
    valid_from: NaiveDate,
    /// First day after validity; null while valid.
    #[ts(type = "string | null")]
    valid_to: Option<NaiveDate>,
    /// city, district, ward, commune, town or agency.
    kind: String,
    /// Its name.
    name: Name,
    /// Code of the superior unit; null for the city.
    parent: Option<String>,
    /// Where the row comes from.
    source: String,
    /// Which units it went into.
    successors: Vec<Successor>,
}

/// A unit that took over from another.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Successor {
    /// Its code.
    code: String,
    /// First day of its validity.
    #[ts(type = "string")]
    valid_from: NaiveDate,
    /// True when the whole former unit went there, false for a part.
    whole: bool,
}

impl From<UnitRow> for Unit {
    fn from(row: UnitRow) -> Self {
        let successors = row.successors.into_iter();
        Self {
            code: row.code,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            kind: row.kind,
            name: Name { vi: row.name_vi, en: row.name_en },
            parent: row.parent,
            source: row.source,
            successors: successors
                .map(|(code, valid_from, whole)| Successor { code, valid_from, whole })
                .collect(),
        }
    }
}

/// Which units.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UnitQuery {
    /// Only units valid on this civil day; without it, those of all times.
    valid_at: Option<NaiveDate>,
}

impl FromParams for UnitQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self { valid_at: valid_at(params)? })
    }
}

/// Administrative units in the order of code and first day.
#[utoipa::path(get, operation_id = "list_units", path = "/api/v1/units", tag = "registry", params(UnitQuery, LongPages<After>), responses(
    (status = 200, description = "A page of units", body = Page<Unit>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn units(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(UnitQuery, LongPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let Paging { after, limit } = paging;
    let filter = UnitFilter { valid_at: query.valid_at, after, limit: limit.rows() };
    let rows = app.store.units(&filter).await?;
    let cursor = |row: &UnitRow| (row.code.clone(), row.valid_from);
    answer::tagged(&headers, &limit.page(rows, cursor, Unit::from))
}

/// Code and first day of a unit.
pub(super) type After = (String, NaiveDate);

/// `CODE@DAY`: days contain no at sign.
impl Cursor for After {
    fn write(&self) -> String {
        format!("{}@{}", self.0, self.1)
    }

    fn read(text: &str) -> Option<Self> {
        let (code, from) = text.rsplit_once('@')?;
        Some((code.to_owned(), day("after", from).ok()?))
    }
}

/// `valid_at`: a civil day.
pub(super) fn valid_at(params: &mut Params) -> Result<Option<NaiveDate>, Problem> {
    params.text("valid_at")?.map(|text| day("valid_at", &text)).transpose()
}

fn day(field: &'static str, text: &str) -> Result<NaiveDate, Problem> {
    // Far years parse, but the database takes none of them.
    let day = text.parse::<NaiveDate>().ok().filter(|day| (1..=9999).contains(&day.year()));
    day.ok_or_else(|| {
        Problem::invalid(field, format!("{text:?} is no civil day, such as 2026-03-02"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_of_units_is_read_back() {
        let text = "agency:H13.05@2025-07-01";
        let after = After::read(text).unwrap();
        assert_eq!(
            (after.0.as_str(), after.1.to_string().as_str()),
            ("agency:H13.05", "2025-07-01")
        );
        assert_eq!(after.write(), text);
        for foreign in ["gso:92", "gso:92@yesterday", "gso:92@+262000-01-01"] {
            assert!(After::read(foreign).is_none(), "{foreign}");
        }
    }
}
