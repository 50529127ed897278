//! Forms on the nine indicators, as citizens, agencies and their appraisers filled them in.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::{Word as _, assessment::Assessor};
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
    indicator::{
        exact::Milli,
        period::{Length, Period},
    },
    store::{
        assessment::{AssessmentFilter, AssessmentRow},
        ticket::After,
    },
};

/// A form on the nine indicators.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Assessment {
    /// `SOURCE:NUMBER`.
    id: String,
    /// Publishing system.
    source: String,
    /// Number of the form.
    form: String,
    /// Message time, source clock.
    time: DateTime<Utc>,
    /// The unit that it is about.
    unit: String,
    /// Quarter, `2026-Q1`.
    quarter: String,
    /// citizen, agency (about itself) or appraiser.
    by: String,
    /// tablet, web or paper; null when not told.
    channel: Option<String>,
    /// Code of the dossier that it is about; null for none.
    dossier: Option<String>,
    /// Points by `N1` to `N9`, 0 to 2 with at most 3 decimals; null where not answered.
    #[schema(value_type = BTreeMap<String, Option<f64>>)]
    #[ts(type = "Record<string, number | null>")]
    scores: BTreeMap<String, Option<Milli>>,
}

impl From<AssessmentRow> for Assessment {
    fn from(row: AssessmentRow) -> Self {
        let AssessmentRow { source, time, form } = row;
        let quarter = Period::containing(Length::Quarter, form.quarter);
        let scores = (1..).zip(form.scores_e3).map(|(number, score)| {
            (format!("N{number}"), score.map(|points| Milli(i64::from(points))))
        });
        Self {
            id: record::id(&source, &form.form),
            source,
            time,
            quarter: quarter
                .map_or_else(|| form.quarter.to_string(), |quarter| quarter.to_string()),
            form: form.form.into(),
            unit: form.unit.into(),
            by: form.by.as_str().to_owned(),
            channel: form.channel.map(|channel| channel.as_str().to_owned()),
            dossier: form.dossier.map(Into::into),
            scores: scores.collect(),
        }
    }
}

/// Which forms.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AssessmentQuery {
    /// Units that they are about, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    unit: Vec<String>,
    /// Only about quarters of this quarter, half-year, nine months or year, such as 2026-Q1.
    #[param(value_type = Option<String>)]
    period: Option<(NaiveDate, NaiveDate)>,
    /// citizen, agency or appraiser.
    #[param(value_type = Option<String>)]
    by: Option<Assessor>,
    /// Code of the dossier that they are about.
    dossier: Option<String>,
}

impl FromParams for AssessmentQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let period = super::indicator::period(params)?;
        if period.is_some_and(|period| period.length() < Length::Quarter) {
            return Err(Problem::invalid("period", "is shorter than a quarter"));
        }
        Ok(Self {
            unit: params.list("unit"),
            period: period.map(|period| (period.span().from, period.span().to)),
            by: params.word("by")?,
            dossier: params.text("dossier")?,
        })
    }
}

/// Forms on the nine indicators, the latest first.
#[utoipa::path(get, operation_id = "list_assessments", path = "/api/v1/assessments", tag = "records", params(AssessmentQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of forms", body = Page<Assessment>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(AssessmentQuery, ShortPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = AssessmentFilter {
        one: None,
        units: query.unit,
        quarters: query.period,
        by: query.by,
        dossier: query.dossier,
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.assessments(&filter).await?;
    let cursor = |row: &AssessmentRow| (row.time, row.source.clone(), row.form.form.to_string());
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Assessment::from))
}
