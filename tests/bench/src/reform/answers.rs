//! Answers as the API gives them: every indicator of the catalogue and both scorecards, of all units, over
//! each kind of period; and what one evaluation of the headline figures takes.

use std::{sync::Arc, time::Instant};

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use ioc_hub::{
    calendar::Calendar,
    city::City,
    clock::SystemClock,
    indicator::{
        catalogue::Catalogue,
        law::Parameters,
        measure::Dimension,
        period::{Length, Period},
        value::{Ask, Mode, Narrow, Split},
    },
    reform::{self, Context, close::close_period},
    store::Store,
};

use super::{Asked, ask};

/// What the hub computes indicators with.
pub(super) async fn context(store: &Store, city: &City) -> anyhow::Result<Context> {
    Ok(Context {
        units: Arc::new(store.unit_trees().await?),
        calendar: Arc::new(Calendar::vietnam()),
        catalogue: Arc::new(Catalogue::configured("")?),
        parameters: Arc::new(Parameters::configured("")?),
        zone: city.time_zone,
        clock: Arc::new(SystemClock),
    })
}

/// A day and a week, the last nine months, month, quarter and year that ended, and what runs.
fn periods(context: &Context, last: NaiveDate) -> Vec<Period> {
    let of = |length, day| Period::containing(length, day);
    let january = NaiveDate::from_yo_opt((last - TimeDelta::days(273)).year(), 1);
    let past = [
        of(Length::Day, last),
        of(Length::Week, last),
        of(Length::Month, last).and_then(Period::before),
        of(Length::Quarter, last).and_then(Period::before),
        january.and_then(|day| of(Length::NineMonths, day)),
        of(Length::Year, last).and_then(Period::before),
    ];
    let running = [Length::Day, Length::Month, Length::Quarter, Length::Year];
    let running = running.map(|length| of(length, context.today()));
    past.into_iter().chain(running).flatten().collect()
}

/// Closes the periods that ended, as the hub does some days later: their answers tell what was published,
/// too. How long it takes, by period.
pub(super) async fn close(
    store: &Store,
    context: &Context,
    last: NaiveDate,
) -> anyhow::Result<Vec<(Period, f64)>> {
    let mut taken_s = Vec::new();
    let is_over = |period: &Period| {
        Length::CLOSED.contains(&period.length()) && period.span().to <= context.today()
    };
    for period in periods(context, last).into_iter().filter(is_over) {
        let begun = Instant::now();
        close_period(store, context, period, None).await?;
        taken_s.push((period, begun.elapsed().as_secs_f64()));
    }
    Ok(taken_s)
}

/// Every indicator alone: first with all units, second by formality where it has that dimension.
pub(super) async fn indicators(
    store: &Store,
    context: &Context,
    last: NaiveDate,
    rounds: usize,
) -> anyhow::Result<[Vec<Asked>; 2]> {
    let mut asked = [Vec::new(), Vec::new()];
    for period in periods(context, last) {
        for indicator in context.catalogue.iter() {
            let has_formality = indicator.dimensions.iter().any(|word| word == "formality");
            let by_formality = has_formality.then_some(Split::Key(Dimension::Formality));
            for split in [Some(Split::All), by_formality].into_iter().flatten() {
                let question = Ask {
                    ids: vec![indicator.id.clone()],
                    unit: None,
                    period,
                    split,
                    mode: Mode::AsWas,
                    narrow: Narrow::default(),
                };
                let by = if split == Split::All { "units" } else { "formalities" };
                let name = format!("{} by {by} ({period})", indicator.id);
                let once = async || {
                    let answer = reform::evaluate(store, context, &question).await?;
                    Ok(answer.values.len().max(1))
                };
                asked[usize::from(split != Split::All)].push(ask(name, rounds, once).await?);
            }
        }
    }
    Ok(asked)
}

/// Both scorecards of all units.
pub(super) async fn scorecards(
    store: &Store,
    context: &Context,
    last: NaiveDate,
    rounds: usize,
) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for period in periods(context, last) {
        let is_long = !matches!(period.length(), Length::Day | Length::Week | Length::Month);
        if is_long {
            let once = async || {
                let mode = Mode::AsWas;
                Ok(reform::scorecard_nine(store, context, period, None, mode).await?.len())
            };
            asked.push(ask(format!("nine indicators ({period})"), rounds, once).await?);
        }
        let once = async || {
            let mode = Mode::AsWas;
            Ok(reform::scorecard_766(store, context, period, None, None, mode).await?.len())
        };
        asked.push(ask(format!("Decision 766 ({period})"), rounds, once).await?);
    }
    Ok(asked)
}

/// One evaluation of the headline figures: of the running day, month and year.
pub(super) async fn headlines(
    store: &Store,
    context: &Context,
    rounds: usize,
) -> anyhow::Result<Asked> {
    let headlines = context.catalogue.iter().filter(|indicator| indicator.headline);
    let ids: Vec<String> = headlines.map(|indicator| indicator.id.clone()).collect();
    let once = async || {
        let mut values = 0;
        for length in [Length::Day, Length::Month, Length::Year] {
            let Some(period) = Period::containing(length, context.today()) else { continue };
            let question = Ask {
                ids: ids.clone(),
                unit: None,
                period,
                split: Split::Total,
                mode: Mode::AsWas,
                narrow: Narrow::default(),
            };
            values += reform::evaluate(store, context, &question).await?.values.len();
        }
        Ok(values)
    };
    ask("headline figures", rounds, once).await
}
