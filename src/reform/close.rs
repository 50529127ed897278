//! Closing of periods, and rulings on the nine indicators.
//!
//! A period of a month or longer is closed some days after its end by itself, or earlier by a supervisor.
//! Its figures are then published: written once, never changed. What late data changes afterwards stands
//! beside what was published.

use chrono::{Days, NaiveDate};

use super::{Context, Frame, ReformError, evaluate};
use crate::{
    indicator::{
        catalogue::Group,
        exact::Milli,
        law::Parameters,
        measure::Span,
        period::{Length, Period},
        placing::Placing,
        value::{Ask, Mode, Narrow, Split, Status, Value, ValueBound},
    },
    store::{
        Store,
        reform::{Closing, NewRuling, PublishedRow},
    },
};

/// How far back a period may lie to be closed by itself, days: what is older is history that was loaded
/// once, and is closed by a supervisor.
const LOOK_BACK_DAYS: u64 = 100;
/// Figures that are asked for and written at a time: the units of a city times a hundred indicators.
const AT_A_TIME: usize = 40;

/// Publishes the figures of a period that is over. Tells how many were written; none when it was closed
/// before.
///
/// # Errors
/// The period is not over or shorter than a month, and see [`ReformError`].
pub async fn close_period(
    store: &Store,
    context: &Context,
    period: Period,
    who: Option<&str>,
) -> Result<u64, ReformError> {
    let is_over = period.span().to <= context.today();
    if !is_over || !Length::CLOSED.contains(&period.length()) {
        return Err(ReformError::NotOver(period));
    }
    let id = period.to_string();
    if store.closed_at(&id).await?.is_some() {
        return Ok(0);
    }
    let (at, versions) = (context.now(), context.versions());
    let mut rows = Vec::new();
    for ids in published_ids(context).chunks(AT_A_TIME) {
        let values = standing_values(store, context, period, ids.to_vec()).await?;
        rows.extend(values.into_iter().filter(is_worth_keeping).map(row));
    }
    let closing = Closing {
        period: &id,
        versions: [&versions.indicators, &versions.calendar, &versions.units],
        cut_off: at,
        at,
        who,
    };
    let written = store.publish(&closing, &rows).await?;
    tracing::info!(period = id, figures = written, "closed a period");
    Ok(written)
}

/// Closes every period whose day has come. Tells which ones.
///
/// # Errors
/// See [`ReformError`].
pub async fn close_due(store: &Store, context: &Context) -> Result<Vec<Period>, ReformError> {
    let due = due_periods(&context.parameters, context.today());
    let ids: Vec<String> = due.iter().map(Period::to_string).collect();
    let closed = store.closed_of(&ids).await?;
    let mut done = Vec::new();
    for period in due {
        if !closed.contains(&period.to_string())
            && close_period(store, context, period, None).await? > 0
        {
            done.push(period);
        }
    }
    Ok(done)
}

/// Periods that are to be closed by a day and ended not long before it, shorter ones first.
fn due_periods(parameters: &Parameters, today: NaiveDate) -> Vec<Period> {
    let Some(first) = today.checked_sub_days(Days::new(LOOK_BACK_DAYS)) else { return Vec::new() };
    let mut due = Vec::new();
    for length in Length::CLOSED {
        let mut day = Some(today);
        while let Some(period) = day.and_then(|day| before_or_at(length, day)) {
            if period.span().to < first {
                break;
            }
            if period.closes_on(parameters.closing.day).is_some_and(|closes| closes <= today) {
                due.push(period);
            }
            day = period.span().from.pred_opt();
        }
    }
    due
}

/// The period of a length that holds a day, or the last one before it.
fn before_or_at(length: Length, day: NaiveDate) -> Option<Period> {
    let nine_months = || {
        let september = NaiveDate::from_ymd_opt(chrono::Datelike::year(&day), 9, 30)?;
        Period::containing(length, september)
    };
    Period::containing(length, day).or_else(nine_months)
}

/// Everything but what has no feed, and the hub's own quality, which is no figure of the city.
fn published_ids(context: &Context) -> Vec<String> {
    let kept = context.catalogue.iter();
    let kept = kept.filter(|indicator| indicator.feed.is_some() && indicator.group != Group::Hub);
    kept.map(|indicator| indicator.id.clone()).collect()
}

async fn standing_values(
    store: &Store,
    context: &Context,
    period: Period,
    ids: Vec<String>,
) -> Result<Vec<Value>, ReformError> {
    let ask = Ask {
        ids,
        unit: None,
        period,
        split: Split::All,
        mode: Mode::AsWas,
        narrow: Narrow::default(),
    };
    // Boxed, because an answer may itself ask what was corrected.
    Ok(Box::pin(evaluate(store, context, &ask)).await?.values)
}

/// Null is published by not being there.
const fn is_worth_keeping(value: &Value) -> bool {
    value.value.is_some()
}

fn row(value: Value) -> PublishedRow {
    let key = plain_key(&value);
    let small = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let units = value.completeness.map(|units| (small(units.reporting), small(units.expected)));
    PublishedRow {
        key,
        bound: match value.bound {
            ValueBound::Exact => "exact",
            ValueBound::AtLeast => "at_least",
        },
        status: match value.status {
            Status::Ok => "ok",
            Status::NoFeed => "no_feed",
            Status::NoData => "no_data",
            Status::CalendarUnverified => "calendar_unverified",
            Status::CalendarIncomplete => "calendar_incomplete",
        },
        units,
        indicator: value.id,
        unit: value.unit,
        value: value.value,
        numerator: value.numerator,
        denominator: value.denominator,
    }
}

/// The key under which a value of all units is published: its part, and its unit's name, because a code may
/// name two units in one period.
fn plain_key(value: &Value) -> String {
    let part = value.part.iter().map(|part| format!("part={part}"));
    let name = value.unit_name.iter().map(|name| format!("unit={}", name.vi));
    part.chain(name).collect::<Vec<_>>().join(" ")
}

/// The key under which what a value shows was published.
pub(super) fn key_of(value: &Value, frame: &Frame<'_>) -> String {
    let Placing { places, .. } = &frame.placing;
    // A unit's own records beside its children were not published.
    let own = places.iter().any(|place| place.key.is_some() && value.key.as_deref() == place.key);
    if own { "own".to_owned() } else { plain_key(value) }
}

/// Published values of a period that differ now, of how many; null while it is open.
pub(super) async fn corrected(
    store: &Store,
    context: &Context,
    period: Period,
) -> Result<Option<(i64, i64)>, ReformError> {
    let id = period.to_string();
    if store.closed_at(&id).await?.is_none() {
        return Ok(None);
    }
    let published = store.published(&id, None).await?;
    let mut differ = 0;
    // All at once: most of them are computed from the same sums.
    for value in standing_values(store, context, period, published_ids(context)).await? {
        let key = [value.id.clone(), value.unit.clone(), plain_key(&value)];
        differ += i64::from(published.get(&key).copied().flatten() != value.value);
    }
    Ok(Some((differ, i64::try_from(published.len()).unwrap_or(i64::MAX))))
}

/// A ruling of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// Unit.
    pub unit: &'a str,
    /// Quarter.
    pub quarter: Period,
    /// 1 to 9.
    pub indicator: u8,
    /// Score; null waives the indicator.
    pub score: Option<Milli>,
    /// Why: not empty.
    pub reason: &'a str,
    /// Account.
    pub who: &'a str,
}

/// Sets a score of the nine indicators by a person's decision, with the journal. It stands beside the
/// proposed and the agency's own score, and below an appraised one.
///
/// # Errors
/// No such indicator, score, quarter or unit, no reason, and see [`ReformError`].
pub async fn overrule(
    store: &Store,
    context: &Context,
    ruling: &Ruling<'_>,
) -> Result<(), ReformError> {
    let quarter = ruling.quarter;
    let Span { from, .. } = quarter.span();
    let law = context.parameters.nine(quarter.last_day());
    let law = law.ok_or(ReformError::NoLaw { what: "the nine indicators", period: quarter })?;
    let fits = quarter.length() == Length::Quarter
        && (1..=9).contains(&ruling.indicator)
        && ruling.score.is_none_or(|score| (Milli(0)..=law.max).contains(&score))
        && !ruling.reason.trim().is_empty();
    if !fits {
        return Err(ReformError::Ruling);
    }
    let last = quarter.last_day().min(context.today());
    if context.units.tree_at(last).unit(ruling.unit).is_none() {
        let code = ruling.unit.to_owned();
        return Err(crate::indicator::placing::NoUnit { code }.into());
    }
    let new = NewRuling {
        unit: ruling.unit,
        quarter: from,
        indicator: i16::from(ruling.indicator),
        score: ruling.score,
        reason: ruling.reason,
        who: ruling.who,
        at: context.now(),
    };
    Ok(store.add_ruling(&new).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_due_from_the_fifth_day_of_the_next() {
        let parameters = Parameters::configured("").unwrap();
        let due = |day: &str| -> Vec<String> {
            due_periods(&parameters, day.parse().unwrap()).iter().map(Period::to_string).collect()
        };
        assert_eq!(due("2026-10-04"), ["2026-08", "2026-07", "2026-06", "2026-Q2", "2026-H1"]);
        assert_eq!(
            due("2026-10-05"),
            [
                "2026-09", "2026-08", "2026-07", "2026-06", "2026-Q3", "2026-Q2", "2026-H1",
                "2026-9M"
            ]
        );
        let january = due("2027-01-05");
        for id in ["2026-12", "2026-Q4", "2026-H2", "2026-9M", "2026"] {
            assert!(january.contains(&id.to_owned()), "{id}");
        }
    }
}
