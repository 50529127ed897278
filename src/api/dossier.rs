//! Dossiers of administrative procedures as they stand, and their steps.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word as _,
    dossier::{DossierChannel, DossierStatus, TimeLimit},
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
        dossier::{DossierFilter, DossierRow},
        ticket::After,
    },
};

/// Time that a formality may take.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Limit {
    /// How many.
    pub(super) value: u16,
    /// hour (of opening hours), day, `working_day` or month.
    pub(super) unit: String,
}

impl From<TimeLimit> for Limit {
    fn from(limit: TimeLimit) -> Self {
        Self { value: limit.value, unit: limit.unit.as_str().to_owned() }
    }
}

/// A dossier as it stands. Times are instants; minutes are working minutes of the calendar. What was never
/// told is null.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the contract's key for the code")]
pub(crate) struct Dossier {
    /// `SOURCE:CODE`.
    id: String,
    /// Publishing system.
    source: String,
    /// Dossier code.
    dossier: String,
    /// Code of the formality.
    formality: Option<String>,
    /// Field of the formality.
    field: Option<String>,
    /// Handling unit.
    unit: Option<String>,
    /// Receiving unit.
    received_by: Option<String>,
    /// direct, online or post; direct when never told.
    channel: String,
    /// Status of the latest step: registered, accepted, `not_accepted`, `in_process`,
    /// `supplement_requested`, `payment_requested`, withdrawn, stopped, done or returned.
    status: String,
    /// Its code on the national portal, 1 to 10.
    status_code: u8,
    /// When it was reached.
    status_at: DateTime<Utc>,
    /// When it was handed in.
    submitted_at: DateTime<Utc>,
    /// When it was accepted; null while it is not.
    received_at: Option<DateTime<Utc>>,
    /// Due time as told.
    due_at: Option<DateTime<Utc>>,
    /// Due time with the pauses that count; null while the clock stands.
    effective_due: Option<DateTime<Utc>>,
    /// Since when it is overdue; of an open one also in the future.
    overdue_at: Option<DateTime<Utc>>,
    /// Time that it may take.
    limit: Option<Limit>,
    /// When handling ended; null while open.
    ended_at: Option<DateTime<Utc>>,
    /// When the result was returned.
    returned_at: Option<DateTime<Utc>>,
    /// When it was refused.
    refused_at: Option<DateTime<Utc>>,
    /// early, `on_day`, late, `no_due`, withdrawn, refused or stopped; null while open.
    outcome: Option<String>,
    /// In time by the rule of Decision 766; null while open or without a due time.
    on_time: Option<bool>,
    /// Whether the clock stands because papers or payment are waited for.
    is_paused: bool,
    /// Length of the pauses that are over, seconds.
    #[ts(type = "number")]
    paused_s: i64,
    /// How often papers were asked for.
    supplements: i16,
    /// Working minutes from acceptance to the end.
    handling_min: Option<i32>,
    /// Working minutes that were allowed.
    limit_min: Option<i32>,
    /// Working minutes from handing in online to acceptance.
    acceptance_min: Option<i32>,
    /// Steps of the internal process that are over and had a due time.
    steps_total: i16,
    /// Those of them in time.
    steps_on_time: i16,
    /// Handed in outside the area of the handling unit.
    boundary_free: Option<bool>,
    /// There are electronic files of components.
    has_component_file: Option<bool>,
    /// Components were digitised.
    digitised: Option<bool>,
    /// A component was reused.
    reused: Option<bool>,
    /// A component came from the national personal store.
    from_national_store: Option<bool>,
    /// The applicant was authenticated by `VNeID`.
    vneid: Option<bool>,
    /// no, national or gateway.
    paid_online: Option<String>,
    /// Number of fees, waived ones included.
    fee_count: Option<i16>,
    /// Sum of the fees, dong.
    #[ts(type = "number | null")]
    fee_vnd: Option<i64>,
    /// Links to electronic results.
    result_links: Option<i16>,
    /// person, business or organisation.
    applicant: Option<String>,
    /// When an apology for the delay was sent.
    apology_at: Option<DateTime<Utc>>,
    /// Petitions that name it.
    petitions: i16,
    /// A citizen's form about it has a mean below one point.
    disliked: bool,
    /// Moves between statuses that the rules do not allow.
    illegal_moves: i16,
    /// The date in the code is not the day of acceptance.
    code_date_differs: bool,
    /// Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete.
    calendar: i16,
}

/// A dossier with its steps.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DossierWithSteps {
    /// The dossier as it stands.
    #[serde(flatten)]
    #[ts(flatten)]
    dossier: Dossier,
    /// Its steps, oldest first.
    steps: Vec<DossierStep>,
}

/// A step in the life of a dossier; null for what it does not tell.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DossierStep {
    /// Status that it came to.
    status: String,
    /// Its code, 1 to 10.
    status_code: u8,
    /// When the step was taken.
    at: DateTime<Utc>,
    /// Message time, source clock.
    time: DateTime<Utc>,
    /// Handling unit.
    unit: Option<String>,
    /// Due time.
    due_at: Option<DateTime<Utc>>,
    /// Step of the internal process.
    step: Option<String>,
    /// Until when that step is due.
    step_due_at: Option<DateTime<Utc>>,
}

impl From<DossierRow> for Dossier {
    fn from(DossierRow { source, record: row }: DossierRow) -> Self {
        let text = |text: Option<Box<str>>| text.map(Into::into);
        Self {
            id: record::id(&source, &row.dossier),
            source,
            dossier: row.dossier.into(),
            formality: text(row.formality),
            field: text(row.field),
            unit: text(row.unit),
            received_by: text(row.received_by),
            channel: row.channel.as_str().to_owned(),
            status: row.status.as_str().to_owned(),
            status_code: row.status.code(),
            status_at: row.status_at,
            submitted_at: row.submitted_at,
            received_at: row.received_at,
            due_at: row.due_at,
            effective_due: row.effective_due,
            overdue_at: row.overdue_at,
            limit: row.limit.map(Limit::from),
            ended_at: row.ended_at,
            returned_at: row.returned_at,
            refused_at: row.refused_at,
            outcome: row.outcome.map(|outcome| outcome.as_str().to_owned()),
            on_time: row.on_time,
            is_paused: row.is_paused,
            paused_s: row.paused_s,
            supplements: row.supplements,
            handling_min: row.handling_min,
            limit_min: row.limit_min,
            acceptance_min: row.acceptance_min,
            steps_total: row.steps_total,
            steps_on_time: row.steps_on_time,
            boundary_free: row.boundary_free,
            has_component_file: row.has_component_file,
            digitised: row.digitised,
            reused: row.reused,
            from_national_store: row.from_national_store,
            vneid: row.vneid,
            paid_online: row.paid_online.map(|paid| paid.as_str().to_owned()),
            fee_count: row.fee_count,
            fee_vnd: row.fee_vnd,
            result_links: row.result_links,
            applicant: row.applicant.map(|applicant| applicant.as_str().to_owned()),
            apology_at: row.apology_at,
            petitions: row.petitions,
            disliked: row.disliked,
            illegal_moves: row.illegal_moves,
            code_date_differs: row.code_date_differs,
            calendar: row.calendar,
        }
    }
}

impl From<Told<ioc_ingest::dossier::DossierStep>> for DossierStep {
    fn from(told: Told<ioc_ingest::dossier::DossierStep>) -> Self {
        let step = told.step;
        Self {
            status: step.status.as_str().to_owned(),
            status_code: step.status.code(),
            at: step.at,
            time: told.time,
            unit: step.unit.map(Into::into),
            due_at: step.due_at,
            step: step.step.map(Into::into),
            step_due_at: step.step_due_at,
        }
    }
}

/// Which dossiers.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DossierQuery {
    /// Handling units, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    unit: Vec<String>,
    /// Code of the formality.
    formality: Option<String>,
    /// Field.
    field: Option<String>,
    /// direct, online or post, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    channel: Vec<DossierChannel>,
    /// Statuses in words, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<DossierStatus>,
    /// Only accepted ones that are open (true) or ended (false).
    open: Option<bool>,
    /// `true`: only open ones that are overdue now.
    #[param(value_type = Option<bool>)]
    overdue: bool,
    /// Handed in from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Handed in before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for DossierQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self {
            unit: params.list("unit"),
            formality: params.text("formality")?,
            field: params.text("field")?,
            channel: params.words("channel")?,
            status: params.words("status")?,
            open: params.flag("open")?,
            overdue: !params.named("overdue", &[("true", ())])?.is_empty(),
            from,
            to,
        })
    }
}

/// Dossiers, those handed in last first.
#[utoipa::path(get, operation_id = "list_dossiers", path = "/api/v1/dossiers", tag = "records", params(DossierQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of dossiers", body = Page<Dossier>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(DossierQuery, ShortPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = DossierFilter {
        one: None,
        units: query.unit,
        formality: query.formality,
        field: query.field,
        channels: query.channel,
        statuses: query.status,
        is_open: query.open,
        overdue_at: query.overdue.then(|| app.clock.now()),
        from: query.from,
        to: query.to,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.dossiers(&filter).await?;
    let cursor = |row: &DossierRow| {
        (row.record.submitted_at, row.source.clone(), row.record.dossier.to_string())
    };
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Dossier::from))
}

/// One dossier with its steps.
#[utoipa::path(get, operation_id = "dossier", path = "/api/v1/dossiers/{id}", tag = "records",
    params(("id" = String, Path, description = "`SOURCE:CODE`")), responses(
    (status = 200, description = "The dossier", body = DossierWithSteps),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such dossier", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let one = record::parts("dossier", &id)?;
    let filter = DossierFilter { one: Some(one.clone()), limit: 1, ..DossierFilter::default() };
    let row = app.store.dossiers(&filter).await?.pop();
    let row = row.ok_or_else(|| record::missing("dossier", &id))?;
    let steps = app.store.dossier_steps(&one.0, &one.1).await?;
    let steps = steps.into_iter().map(DossierStep::from).collect();
    answer::tagged(&headers, &DossierWithSteps { dossier: row.into(), steps })
}
