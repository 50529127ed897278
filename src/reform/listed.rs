//! The records behind a figure, page by page: part after part, in each tree of units that the period
//! crosses.

use chrono::{DateTime, Utc};

use super::{
    Context, Frame, ReformError,
    behind::{Part, behind},
    chosen,
};
use crate::{
    indicator::{
        measure::{Slice, Span},
        value::{Ask, Mode},
    },
    store::{
        Store,
        measure::{Listed, Page},
    },
    unit::Mapped,
};

/// Which side of a quotient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The numerator, or the count.
    Numerator,
    /// The denominator.
    Denominator,
}

/// Where a page ended: number of the list, then time, source and id of the last record.
pub type After = (usize, (DateTime<Utc>, String, String));

/// Up to `limit` records behind an indicator, oldest first within each part; each with its part.
///
/// # Errors
/// See [`ReformError`].
pub async fn records(
    store: &Store,
    context: &Context,
    ask: &Ask,
    side: Side,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<(usize, Listed)>, ReformError> {
    chosen(context, ask)?;
    let frame = Frame::new(context, ask, None)?;
    let mut lists = Vec::new();
    for id in &ask.ids {
        let behind = behind(context, id, ask.period);
        let parts = match side {
            Side::Numerator => behind.numerator,
            Side::Denominator => behind.denominator,
        };
        for part in parts {
            lists.extend(split(&frame, ask, part));
        }
    }
    let (first, mut after) = after.map_or((0, None), |(part, after)| (part, Some(after)));
    let mut found = Vec::new();
    for (number, (part, slice)) in lists.iter().enumerate().skip(first) {
        let wanted = limit - i64::try_from(found.len()).unwrap_or(i64::MAX);
        if wanted <= 0 {
            break;
        }
        let page = Page { after: after.take(), limit: wanted };
        let listed = match part {
            Part::Measure(measure, span) => {
                store.measured_records(*measure, *span, slice, &page, context.zone).await?
            }
            Part::Open(noun, open) => {
                store.open_records(*noun, *open, &frame.borders(), slice, &page).await?
            }
        };
        found.extend(listed.into_iter().map(|listed| (number, listed)));
    }
    Ok(found)
}

/// A part once for each tree of units that it crosses, with the codes that count there.
fn split(frame: &Frame<'_>, ask: &Ask, part: Part) -> Vec<(Part, Slice)> {
    let narrow = &ask.narrow;
    let slice = |units| Slice {
        units,
        formality: narrow.formality.clone(),
        field: narrow.field.clone(),
        channel: narrow.channel.clone(),
        category: narrow.category.clone(),
    };
    let Some(unit) = ask.unit.as_deref() else { return vec![(part, slice(None))] };
    match part {
        Part::Open(..) => vec![(part, slice(Some(codes(frame, ask.mode, unit, frame.today))))],
        Part::Measure(measure, span) => {
            let tomorrow = frame.today.succ_opt().unwrap_or(frame.today);
            let until = Span { from: span.from, to: span.to.min(tomorrow) };
            let eras = frame.context.units.eras(until).into_iter();
            let of_era = |era: Span| {
                (Part::Measure(measure, era), slice(Some(codes(frame, ask.mode, unit, era.from))))
            };
            eras.map(of_era).collect()
        }
    }
}

/// Codes on `day` of what counts for a unit: what lay below it then, or what has become part of it.
fn codes(frame: &Frame<'_>, mode: Mode, unit: &str, day: chrono::NaiveDate) -> Vec<String> {
    let units = &frame.context.units;
    if mode == Mode::AsWas {
        let tree = units.tree_at(day);
        return tree.descendants(unit).into_iter().map(str::to_owned).collect();
    }
    let below = units.tree_at(frame.today).descendants(unit);
    let then = units.tree_at(day).units();
    let belongs = |code: &str| match units.today_of(code, day, frame.today) {
        Mapped::Unit(today) => below.contains(&today),
        Mapped::Unmapped => false,
    };
    then.filter(|node| belongs(&node.code)).map(|node| node.code.clone()).collect()
}
