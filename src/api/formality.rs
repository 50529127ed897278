//! The catalogue of administrative formalities with their online services.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::NaiveDate;
use serde::Serialize;

use super::{
    App,
    answer::{self, Name},
    caller::Caller,
    dossier::Limit,
    paging::{LongPages, Page, Paging},
    params::{Asked, FromParams, Params},
    problem::Problem,
    unit::After,
};
use crate::{
    access::Right,
    city::FormalityLevel,
    store::formality::{FormalityFilter, FormalityRow, ServiceRow},
};

/// A formality in one span of time; null for what is not known.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Formality {
    /// Code, as in dossiers.
    code: String,
    /// First civil day of the row.
    valid_from: NaiveDate,
    /// First civil day after; null while valid.
    valid_to: Option<NaiveDate>,
    /// Its name.
    name: Name,
    /// Field.
    field: Option<String>,
    /// city, district, commune or sector.
    level: String,
    /// Sector of a vertical agency; on level sector only.
    sector: Option<String>,
    /// Day of the announcing decision.
    announced_on: Option<NaiveDate>,
    /// Day on which its law took effect.
    effective_on: Option<NaiveDate>,
    /// Day on which it was published on the national portal.
    published_on: Option<NaiveDate>,
    /// Whether all obligatory parts are published.
    complete_parts: Option<bool>,
    /// Whether it could be offered wholly online.
    eligible_full: Option<bool>,
    /// none, partial, full, 3 or 4.
    online_level: String,
    /// Whether it costs a fee.
    has_fee: Option<bool>,
    /// Whether it is offered on the national portal.
    npsp_linked: Option<bool>,
    /// Whether its result must be on paper.
    requires_paper_result: Option<bool>,
    /// person, organisation or both.
    audience: Option<String>,
    /// Time that it may take.
    limit: Option<Limit>,
    /// Where the row comes from.
    source: String,
    /// verified, unverified or demonstration.
    mark: String,
    /// Its online services in the same span, or on the asked day.
    services: Vec<OnlineService>,
}

/// An online service of a formality.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct OnlineService {
    /// Code.
    code: String,
    /// First civil day.
    valid_from: NaiveDate,
    /// First civil day after; null while valid.
    valid_to: Option<NaiveDate>,
    /// Its name.
    name: Name,
    /// public, closing, testing or closed.
    state: String,
    /// Whether it is offered on the national portal.
    npsp_linked: bool,
}

impl From<FormalityRow> for Formality {
    fn from(row: FormalityRow) -> Self {
        let limit =
            |(value, unit): (i16, String)| Some(Limit { value: u16::try_from(value).ok()?, unit });
        Self {
            code: row.code,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            name: Name { vi: row.name_vi, en: row.name_en },
            field: row.field,
            level: row.level,
            sector: row.sector,
            announced_on: row.announced_on,
            effective_on: row.effective_on,
            published_on: row.published_on,
            complete_parts: row.complete_parts,
            eligible_full: row.eligible_full,
            online_level: row.online_level,
            has_fee: row.has_fee,
            npsp_linked: row.npsp_linked,
            requires_paper_result: row.requires_paper_result,
            audience: row.audience,
            limit: row.limit.and_then(limit),
            source: row.source,
            mark: row.mark,
            services: row.services.into_iter().map(OnlineService::from).collect(),
        }
    }
}

impl From<ServiceRow> for OnlineService {
    fn from(row: ServiceRow) -> Self {
        let ServiceRow { code, valid_from, valid_to, name_vi, name_en, state, npsp_linked } = row;
        let name = Name { vi: name_vi, en: name_en };
        Self { code, valid_from, valid_to, name, state, npsp_linked }
    }
}

/// Which formalities.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FormalityQuery {
    /// Only what is valid on this civil day; without it, what was valid at any time.
    valid_at: Option<NaiveDate>,
    /// Field.
    field: Option<String>,
    /// city, district, commune or sector, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    level: Vec<FormalityLevel>,
}

impl FromParams for FormalityQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let levels = FormalityLevel::ALL.map(|level| (level.as_str(), level));
        Ok(Self {
            valid_at: super::unit::valid_at(params)?,
            field: params.text("field")?,
            level: params.named("level", &levels)?,
        })
    }
}

/// Formalities in the order of code and first day, with their online services.
#[utoipa::path(get, operation_id = "list_formalities", path = "/api/v1/formalities", tag = "registry", params(FormalityQuery, LongPages<After>), responses(
    (status = 200, description = "A page of formalities", body = Page<Formality>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(FormalityQuery, LongPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let Paging { after, limit } = paging;
    let filter = FormalityFilter {
        valid_at: query.valid_at,
        field: query.field,
        levels: query.level.iter().map(|level| level.as_str().to_owned()).collect(),
        after,
        limit: limit.rows(),
    };
    let rows = app.store.formalities(&filter).await?;
    let cursor = |row: &FormalityRow| (row.code.clone(), row.valid_from);
    answer::tagged(&headers, &limit.page(rows, cursor, Formality::from))
}
