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
        measure::{Dimension, Measure, Noun, OpenPart, Slice, Span},
        value::{Ask, Mode, Narrow},
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
            List::Measure(measure, span) => {
                store.measured_records(*measure, *span, slice, &page, context.zone).await?
            }
            List::Open(noun, open) => {
                store.open_records(*noun, *open, &frame.borders(), slice, &page).await?
            }
        };
        found.extend(listed.into_iter().map(|listed| (number, listed)));
    }
    Ok(found)
}

/// A list: a measure over days, or what is open.
#[derive(Debug, Clone, Copy)]
enum List {
    Measure(Measure, Span),
    Open(Noun, OpenPart),
}

/// A part once for each tree of units that it crosses, with the codes that count there.
fn split(frame: &Frame<'_>, ask: &Ask, part: Part) -> Vec<(List, Slice)> {
    let mut narrow = ask.narrow.clone();
    let list = match part {
        Part::Measure(measure, span) => List::Measure(measure, span),
        Part::Open(noun, open) => List::Open(noun, open),
        Part::Keyed(measure, span, by, key) => {
            if !narrow_to(&mut narrow, by, key) {
                return Vec::new();
            }
            List::Measure(measure, span)
        }
    };
    let Narrow { formality, field, channel, category } = narrow;
    let all = Slice { units: None, formality, field, channel, category };
    let Some(unit) = ask.unit.as_deref() else { return vec![(list, all)] };
    let slice = |day| Slice { units: Some(codes(frame, ask.mode, unit, day)), ..all.clone() };
    match list {
        List::Open(..) => vec![(list, slice(frame.today))],
        List::Measure(measure, span) => {
            let tomorrow = frame.today.succ_opt().unwrap_or(frame.today);
            let until = Span { from: span.from, to: span.to.min(tomorrow) };
            let eras = frame.context.units.eras(until).into_iter();
            eras.map(|era| (List::Measure(measure, era), slice(era.from))).collect()
        }
    }
}

/// Narrows to one value of a key. Whether anything can be left: not when another value was asked for.
fn narrow_to(narrow: &mut Narrow, by: Dimension, key: &str) -> bool {
    let place = match by {
        Dimension::Channel => &mut narrow.channel,
        Dimension::Field => &mut narrow.field,
        Dimension::Formality => &mut narrow.formality,
        Dimension::Category => &mut narrow.category,
        Dimension::Kind | Dimension::Month | Dimension::Day => return false,
    };
    place.get_or_insert_with(|| key.to_owned()) == key
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
