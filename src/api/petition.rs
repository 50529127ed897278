//! Petitions about administrative procedures as they stand, and their steps.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word as _,
    petition::{PetitionClass, PetitionStatus},
};
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
    record,
};
use crate::{
    access::Right,
    record::Told,
    store::{
        petition::{PetitionFilter, PetitionRow},
        ticket::After,
    },
};

/// A petition as it stands. What was never told is null.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the contract's key for the number")]
pub(crate) struct Petition {
    /// `SOURCE:NUMBER`.
    id: String,
    /// Publishing system.
    source: String,
    /// Number of the petition.
    petition: String,
    /// regulation, conduct or service.
    kind: Option<String>,
    /// formality, staff or other.
    class: Option<String>,
    /// Responsible unit.
    unit: Option<String>,
    /// Code of the dossier that it complains of.
    dossier: Option<String>,
    /// Status of the latest step: received, `more_info`, transferred, processing, answered, published or
    /// refused.
    status: String,
    /// When it was reached.
    status_at: DateTime<Utc>,
    /// When it came.
    received_at: DateTime<Utc>,
    /// When it came to the responsible unit, from which the limit runs.
    sent_at: DateTime<Utc>,
    /// End of the last day of the limit; null where the calendar does not reach.
    due_at: Option<DateTime<Utc>>,
    /// Since when it is overdue; of an open one also in the future.
    overdue_at: Option<DateTime<Utc>>,
    /// When it was answered.
    answered_at: Option<DateTime<Utc>>,
    /// When the answer was published.
    published_at: Option<DateTime<Utc>>,
    /// When it was refused.
    refused_at: Option<DateTime<Utc>>,
    /// When handling ended; null while open.
    ended_at: Option<DateTime<Utc>>,
    /// Whether it ended in time; null while in process and where the calendar does not reach.
    on_time: Option<bool>,
    /// Whether the answer was published in time.
    published_on_time: Option<bool>,
    /// Whether the petitioner is satisfied.
    satisfied: Option<bool>,
    /// Working minutes until it ended.
    handling_min: Option<i32>,
    /// Moves between statuses that the rules do not allow.
    illegal_moves: i16,
    /// Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete.
    calendar: i16,
}

/// A petition with its steps.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PetitionWithSteps {
    /// The petition as it stands.
    #[serde(flatten)]
    #[ts(flatten)]
    petition: Petition,
    /// Its steps, oldest first.
    steps: Vec<PetitionStep>,
}

/// A step in the life of a petition; null for what it does not tell.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PetitionStep {
    /// Status that it came to.
    status: String,
    /// When the step was taken.
    at: DateTime<Utc>,
    /// Message time, source clock.
    time: DateTime<Utc>,
    /// Responsible unit.
    unit: Option<String>,
    /// Whether the petitioner is satisfied.
    satisfied: Option<bool>,
}

impl From<PetitionRow> for Petition {
    fn from(PetitionRow { source, record: row }: PetitionRow) -> Self {
        Self {
            id: record::id(&source, &row.petition),
            source,
            petition: row.petition.into(),
            kind: row.kind.map(|kind| kind.as_str().to_owned()),
            class: row.class.map(|class| class.as_str().to_owned()),
            unit: row.unit.map(Into::into),
            dossier: row.dossier.map(Into::into),
            status: row.status.as_str().to_owned(),
            status_at: row.status_at,
            received_at: row.received_at,
            sent_at: row.sent_at,
            due_at: row.due_at,
            overdue_at: row.overdue_at,
            answered_at: row.answered_at,
            published_at: row.published_at,
            refused_at: row.refused_at,
            ended_at: row.ended_at,
            on_time: row.on_time,
            published_on_time: row.published_on_time,
            satisfied: row.satisfied,
            handling_min: row.handling_min,
            illegal_moves: row.illegal_moves,
            calendar: row.calendar,
        }
    }
}

impl From<Told<ioc_ingest::petition::PetitionStep>> for PetitionStep {
    fn from(told: Told<ioc_ingest::petition::PetitionStep>) -> Self {
        let step = told.step;
        Self {
            status: step.status.as_str().to_owned(),
            at: step.at,
            time: told.time,
            unit: step.unit.map(Into::into),
            satisfied: step.satisfied,
        }
    }
}

/// Which petitions.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PetitionQuery {
    /// Responsible units, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    unit: Vec<String>,
    /// formality, staff or other.
    #[param(value_type = Option<String>)]
    class: Option<PetitionClass>,
    /// Statuses, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<PetitionStatus>,
    /// Code of the dossier that it complains of.
    dossier: Option<String>,
    /// Received from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Received before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for PetitionQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self {
            unit: params.list("unit"),
            class: params.word("class")?,
            status: params.words("status")?,
            dossier: params.text("dossier")?,
            from,
            to,
        })
    }
}

/// Petitions, the latest first.
#[utoipa::path(get, operation_id = "list_petitions", path = "/api/v1/petitions", tag = "records", params(PetitionQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of petitions", body = Page<Petition>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(PetitionQuery, ShortPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = PetitionFilter {
        one: None,
        units: query.unit,
        class: query.class,
        statuses: query.status,
        dossier: query.dossier,
        from: query.from,
        to: query.to,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.petitions(&filter).await?;
    let cursor = |row: &PetitionRow| {
        (row.record.received_at, row.source.clone(), row.record.petition.to_string())
    };
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Petition::from))
}

/// One petition with its steps.
#[utoipa::path(get, operation_id = "petition", path = "/api/v1/petitions/{id}", tag = "records",
    params(("id" = String, Path, description = "`SOURCE:NUMBER`")), responses(
    (status = 200, description = "The petition", body = PetitionWithSteps),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such petition", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let one = record::parts("petition", &id)?;
    let filter = PetitionFilter { one: Some(one.clone()), limit: 1, ..PetitionFilter::default() };
    let row = app.store.petitions(&filter).await?.pop();
    let row = row.ok_or_else(|| record::missing("petition", &id))?;
    let steps = app.store.petition_steps(&one.0, &one.1).await?;
    let steps = steps.into_iter().map(PetitionStep::from).collect();
    answer::tagged(&headers, &PetitionWithSteps { petition: row.into(), steps })
}
