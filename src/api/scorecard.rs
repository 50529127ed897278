//! The two scorecards: Decision 766 (100 points) and the nine indicators of Circular 01/2018 (18 points);
//! rulings on the nine; closing a period.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    App, answer,
    body::Body,
    caller::Caller,
    indicator::{chosen, context, mode, period},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    indicator::{
        decision766::DecisionCard,
        exact::Milli,
        nine::NineCard,
        period::{Length, Period},
        value::{Mode, PeriodStatement, Versions},
    },
    reform::{
        self,
        close::{self, Ruling},
    },
};

/// Scorecards with what holds for all of them.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Scorecards<Card> {
    /// Period.
    period: PeriodStatement,
    /// Records that came until then are in the scores.
    cut_off: DateTime<Utc>,
    /// Versions.
    versions: Versions,
    /// One card per unit: the asked unit first, then those below it.
    units: Vec<Card>,
}

/// Which scorecards.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CardQuery {
    /// The unit; the whole city when left out.
    unit: Option<String>,
    /// Period; the latest month with data when left out, and its quarter for the nine indicators.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// Also every unit below it.
    below: Option<bool>,
    /// Version of the laws of Decision 766; the default one when left out.
    law: Option<String>,
    /// `as_was` or `as_is`.
    #[param(value_type = Option<String>)]
    mode: Mode,
    /// `json` (default) or `csv`.
    #[param(value_type = Option<String>)]
    format: bool,
}

impl FromParams for CardQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let csv = params.named("format", &[("json", false), ("csv", true)])?;
        Ok(Self {
            unit: params.text("unit")?,
            period: period(params)?,
            below: params.flag("below")?,
            law: params.text("law")?,
            mode: mode(params)?,
            format: csv.first().copied().unwrap_or(false),
        })
    }
}

/// Scorecards of Decision 766: own computation beside the officially published scores.
#[utoipa::path(get, operation_id = "scorecard_766", path = "/api/v1/scorecards/766", tag = "indicators", params(CardQuery), responses(
    (status = 200, description = "The scorecards", content((Scorecards<DecisionCard> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn decision766(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<CardQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let period = chosen(&app, &context, query.period).await?;
    let (unit, law) = (query.unit.as_deref(), query.law.as_deref());
    let cards = reform::scorecard_766(&app.store, &context, period, unit, law, query.mode).await?;
    let cards = asked(cards, query.below);
    if query.format {
        return csv_answer(&headers, &decision_rows(&cards));
    }
    answer::tagged(&headers, &frame(&app, &context, period, cards).await?)
}

/// Scorecards of the nine indicators: own, appraised, citizens', proposed and overruled scores.
#[utoipa::path(get, operation_id = "scorecard_nine", path = "/api/v1/scorecards/nine", tag = "indicators", params(CardQuery), responses(
    (status = 200, description = "The scorecards", content((Scorecards<NineCard> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "A parameter is not allowed, or the period is shorter than a quarter", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn nine(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<CardQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let period = if let Some(period) = query.period {
        period
    } else {
        let latest = chosen(&app, &context, None).await?;
        Period::containing(Length::Quarter, latest.span().from).ok_or_else(Problem::internal)?
    };
    let unit = query.unit.as_deref();
    let cards = reform::scorecard_nine(&app.store, &context, period, unit, query.mode).await?;
    let cards = asked(cards, query.below);
    if query.format {
        return csv_answer(&headers, &nine_rows(&cards));
    }
    answer::tagged(&headers, &frame(&app, &context, period, cards).await?)
}

/// The first card is that of the asked unit itself.
fn asked<Card>(mut cards: Vec<Card>, below: Option<bool>) -> Vec<Card> {
    if below != Some(true) {
        cards.truncate(1);
    }
    cards
}

async fn frame<Card>(
    app: &App,
    context: &reform::Context,
    period: Period,
    units: Vec<Card>,
) -> Result<Scorecards<Card>, Problem> {
    let span = period.span();
    let id = period.to_string();
    let is_closed = app.store.closed_at(&id).await?.is_some();
    let period = PeriodStatement { id, from: span.from, to: span.to, is_closed };
    Ok(Scorecards { period, cut_off: context.now(), versions: context.versions(), units })
}

/// Cells of text are neutral already.
fn csv_answer(headers: &HeaderMap, rows: &[Vec<String>]) -> Result<Response, Problem> {
    let failed = |error: csv::Error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a scorecard could not be written"
        );
        Problem::internal()
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(answer::with_tag(headers, "text/csv; charset=utf-8", bytes.into()))
}

fn text(value: Option<Milli>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn count(value: Option<i64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn decision_rows(cards: &[DecisionCard]) -> Vec<Vec<String>> {
    let names = [
        "unit",
        "unit_name",
        "component",
        "numerator",
        "denominator",
        "score",
        "max",
        "official",
        "difference",
    ];
    let mut rows = vec![header(&names)];
    for card in cards {
        let name = card.unit_name.as_ref().map(|name| answer::neutral(&name.vi));
        let name = name.unwrap_or_default();
        for part in &card.components {
            rows.push(vec![
                answer::neutral(&card.unit),
                name.clone(),
                answer::neutral(&part.id),
                count(part.numerator),
                count(part.denominator),
                text(part.score),
                text(part.max),
                text(part.official),
                text(part.difference),
            ]);
        }
        let total = ["total".to_owned(), String::new(), String::new(), text(card.total)];
        let official = [text(Some(card.of)), text(card.official), text(card.difference)];
        let unit = [answer::neutral(&card.unit), name];
        rows.push(unit.into_iter().chain(total).chain(official).collect());
    }
    rows
}

fn nine_rows(cards: &[NineCard]) -> Vec<Vec<String>> {
    let names = [
        "unit",
        "unit_name",
        "indicator",
        "own",
        "appraised",
        "citizen",
        "proposed",
        "overruled",
        "value",
    ];
    let mut rows = vec![header(&names)];
    for card in cards {
        let name = card.unit_name.as_ref().map(|name| answer::neutral(&name.vi));
        let name = name.unwrap_or_default();
        for score in &card.scores {
            rows.push(vec![
                answer::neutral(&card.unit),
                name.clone(),
                answer::neutral(&score.id),
                text(score.own),
                text(score.appraised),
                text(score.citizen),
                text(score.proposed),
                text(score.overruled.as_ref().and_then(|ruling| ruling.score)),
                text(score.value),
            ]);
        }
        let total = ["total", "", "", "", "", ""].map(str::to_owned);
        let unit = [answer::neutral(&card.unit), name];
        rows.push(unit.into_iter().chain(total).chain([text(card.total)]).collect());
    }
    rows
}

/// A person's decision about one of the nine indicators of a unit and quarter.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewScoreRuling {
    /// Unit.
    unit: String,
    /// Quarter, `2026-Q1`.
    quarter: String,
    /// `N1` to `N9`.
    indicator: String,
    /// 0 to 2 points with at most 3 decimals; null waives the indicator.
    score: Option<f64>,
    /// Why.
    reason: String,
}

/// Overrules the score of one of the nine indicators; journalled with its reason.
#[utoipa::path(post, operation_id = "overrule_score", path = "/api/v1/scorecards/nine/rulings", tag = "indicators", request_body = NewScoreRuling, responses(
    (status = 204, description = "The ruling counts from now on"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn overrule(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<NewScoreRuling>,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let context = context(&app)?;
    let quarter =
        new.quarter.parse().map_err(|_| Problem::invalid("quarter", "is such as 2026-Q1"))?;
    let indicator = new.indicator.strip_prefix('N').and_then(|number| number.parse().ok());
    let indicator = indicator.ok_or_else(|| Problem::invalid("indicator", "is N1 to N9"))?;
    let score = match new.score {
        None => None,
        Some(points) => Some(
            milli(points)
                .ok_or_else(|| Problem::invalid("score", "is 0 to 2 with at most 3 decimals"))?,
        ),
    };
    let (reason, who) = (new.reason.as_str(), caller.0.user.as_str());
    let ruling = Ruling { unit: &new.unit, quarter, indicator, score, reason, who };
    close::overrule(&app.store, &context, &ruling).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Points in thousandths; none where there are more decimals.
#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn milli(points: f64) -> Option<Milli> {
    let scaled = points * 1_000.0;
    let whole = scaled.round();
    ((0.0..=1e6).contains(&scaled) && (scaled - whole).abs() < 1e-6).then_some(Milli(whole as i64))
}

/// What closing came to.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Closed {
    /// Figures that were published; 0 when the period was closed before.
    #[ts(type = "number")]
    figures: u64,
}

/// Closes a period that is over: its figures are published and kept as they are now.
#[utoipa::path(post, operation_id = "close_period", path = "/api/v1/periods/{period}/close", tag = "indicators",
    params(("period" = String, Path, description = "A month, quarter, half-year, nine months or year")), responses(
    (status = 200, description = "The period is closed", body = Closed),
    (status = 400, description = "The period is not over", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn close_period(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(period): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let context = context(&app)?;
    let period =
        period.parse().map_err(|_| Problem::invalid("period", "is such as 2026-11 or 2026-Q4"))?;
    let who = Some(caller.0.user.as_str());
    let figures = close::close_period(&app.store, &context, period, who).await?;
    answer::tagged(&headers, &Closed { figures })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_negative_difference_stays_a_number() {
        let rows = [vec![answer::neutral("=unit"), text(Some(Milli(-1_500)))]];
        let body = csv_answer(&HeaderMap::new(), &rows).unwrap().into_body();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&body), "'=unit,-1.5\n");
    }
}
