//! Result documents on their way to a signed electronic copy, and their steps.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, Utc};
use ioc_ingest::{Word as _, document::DocumentState};
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
        document::{DocumentFilter, DocumentRow},
        ticket::After,
    },
};

/// A document as it stands. What was never told is null.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the contract's key for the token")]
pub(crate) struct Document {
    /// `SOURCE:TOKEN`.
    id: String,
    /// Publishing system.
    source: String,
    /// Token of the document.
    document: String,
    /// Type of result in the national catalogue.
    result_type: Option<String>,
    /// Unit that holds it.
    unit: Option<String>,
    /// Whether a holder is known.
    has_holder: Option<bool>,
    /// State of the latest step: reviewed, digitised, signed or withdrawn.
    state: String,
    /// When it was reached.
    state_at: DateTime<Utc>,
    /// When it was first known.
    first_at: DateTime<Utc>,
    /// When it was first found valid.
    reviewed_at: Option<DateTime<Utc>>,
    /// When it was digitised.
    digitised_at: Option<DateTime<Utc>>,
    /// When the signed copy was stored.
    signed_at: Option<DateTime<Utc>>,
    /// When it was withdrawn; null unless that is its latest step.
    withdrawn_at: Option<DateTime<Utc>>,
}

/// A document with its steps.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DocumentWithSteps {
    /// The document as it stands.
    #[serde(flatten)]
    #[ts(flatten)]
    document: Document,
    /// Its steps, oldest first.
    steps: Vec<DocumentStep>,
}

/// A step in the life of a document; null for what it does not tell.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DocumentStep {
    /// State that it came to.
    state: String,
    /// When the step was taken.
    at: DateTime<Utc>,
    /// Message time, source clock.
    time: DateTime<Utc>,
    /// Unit that holds it.
    unit: Option<String>,
}

impl From<DocumentRow> for Document {
    fn from(DocumentRow { source, record: row }: DocumentRow) -> Self {
        Self {
            id: record::id(&source, &row.document),
            source,
            document: row.document.into(),
            result_type: row.result_type.map(Into::into),
            unit: row.unit.map(Into::into),
            has_holder: row.has_holder,
            state: row.state.as_str().to_owned(),
            state_at: row.state_at,
            first_at: row.first_at,
            reviewed_at: row.reviewed_at,
            digitised_at: row.digitised_at,
            signed_at: row.signed_at,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

impl From<Told<ioc_ingest::document::DocumentStep>> for DocumentStep {
    fn from(told: Told<ioc_ingest::document::DocumentStep>) -> Self {
        let step = told.step;
        Self {
            state: step.state.as_str().to_owned(),
            at: step.at,
            time: told.time,
            unit: step.unit.map(Into::into),
        }
    }
}

/// Which documents.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DocumentQuery {
    /// Units that hold them, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    unit: Vec<String>,
    /// Type of result.
    result_type: Option<String>,
    /// States, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    state: Vec<DocumentState>,
    /// First known from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// First known before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for DocumentQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self {
            unit: params.list("unit"),
            result_type: params.text("result_type")?,
            state: params.words("state")?,
            from,
            to,
        })
    }
}

/// Result documents, the latest first.
#[utoipa::path(get, operation_id = "list_documents", path = "/api/v1/documents", tag = "records", params(DocumentQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of documents", body = Page<Document>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(DocumentQuery, ShortPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = DocumentFilter {
        one: None,
        units: query.unit,
        result_type: query.result_type,
        states: query.state,
        from: query.from,
        to: query.to,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.documents(&filter).await?;
    let cursor = |row: &DocumentRow| {
        (row.record.first_at, row.source.clone(), row.record.document.to_string())
    };
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Document::from))
}

/// One document with its steps.
#[utoipa::path(get, operation_id = "document", path = "/api/v1/documents/{id}", tag = "records",
    params(("id" = String, Path, description = "`SOURCE:TOKEN`")), responses(
    (status = 200, description = "The document", body = DocumentWithSteps),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such document", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let one = record::parts("document", &id)?;
    let filter = DocumentFilter { one: Some(one.clone()), limit: 1, ..DocumentFilter::default() };
    let row = app.store.documents(&filter).await?.pop();
    let row = row.ok_or_else(|| record::missing("document", &id))?;
    let steps = app.store.document_steps(&one.0, &one.1).await?;
    let steps = steps.into_iter().map(DocumentStep::from).collect();
    answer::tagged(&headers, &DocumentWithSteps { document: row.into(), steps })
}
