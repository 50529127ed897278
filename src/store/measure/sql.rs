//! Statements over measures, generated from their definitions: from the records of a noun, and for
//! dossiers from the cube where it answers the question.
//!
//! Every statement takes the same five parameters, those of [`parameters`]; what is null does not
//! restrict. Days and the zone stand in the text: they decide which parts of the cube are read.

use std::fmt::Write as _;

use chrono::{Datelike as _, Months, NaiveDate};
use tokio_postgres::types::ToSql;

use super::define::{Day, Moment, column, definition, table, unit};
use crate::indicator::measure::{By, Dimension, Measure, Noun, Slice, Span};

/// Part of a span, and what answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Level of the cube; null for the records.
    pub(super) level: Option<i16>,
    /// Its days.
    pub(super) span: Span,
}

/// Levels of the cube, as `dossier_cell.level` documents them.
pub(in crate::store) mod level {
    pub(in crate::store) const DAY: i16 = 1;
    pub(in crate::store) const MONTH: i16 = 2;
    pub(in crate::store) const MONTH_FIELD: i16 = 3;
    pub(in crate::store) const MONTH_FORMALITY: i16 = 4;
    pub(in crate::store) const MONTH_TOTAL: i16 = 5;
    pub(in crate::store) const QUARTER_FORMALITY: i16 = 6;
    pub(in crate::store) const YEAR_FORMALITY: i16 = 7;
}

/// Parameters of every statement.
pub(super) fn parameters(slice: &Slice) -> [&(dyn ToSql + Sync); 5] {
    [&slice.units, &slice.formality, &slice.field, &slice.channel, &slice.category]
}

/// Cuts a span of dossiers into blocks of the cube, and of records where it does not reach.
pub(super) fn blocks(span: Span, slice: &Slice, by: By) -> Vec<Block> {
    let by_formality = slice.formality.is_some() || by.dimension == Some(Dimension::Formality);
    let by_field = by_formality || slice.field.is_some() || by.dimension == Some(Dimension::Field);
    let by_unit = by.unit || slice.units.is_some();
    let days = (!by_field).then_some(level::DAY);
    let months = match (by_field, by_unit) {
        (false, _) => level::MONTH,
        // Those of all units hold the field, too.
        (true, false) => level::MONTH_TOTAL,
        (true, true) if by_formality => level::MONTH_FORMALITY,
        (true, true) => level::MONTH_FIELD,
    };
    if by.dimension == Some(Dimension::Day) {
        return if span.from < span.to { vec![Block { level: days, span }] } else { Vec::new() };
    }
    let has_longer = months == level::MONTH_FORMALITY && by.dimension != Some(Dimension::Month);
    let block = |(period, span)| match period {
        Period::Days => Block { level: days, span },
        Period::Months => Block { level: Some(months), span },
        Period::Quarters => Block { level: Some(level::QUARTER_FORMALITY), span },
        Period::Years => Block { level: Some(level::YEAR_FORMALITY), span },
    };
    periods(span, has_longer).into_iter().map(block).collect()
}

/// What a part of a span is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Days,
    Months,
    Quarters,
    Years,
}

/// Cuts a span into days, whole months and, if there are longer ones, whole quarters and years.
pub(super) fn periods(span: Span, has_longer: bool) -> Vec<(Period, Span)> {
    let mut parts = Vec::new();
    // The longest ones stand in the middle: each shorter one is what remains on both sides.
    let (before, inside, after) = cut(span, month_of);
    let (early, quarters, late) =
        if has_longer { cut(inside, quarter_of) } else { (inside, EMPTY, EMPTY) };
    let (first, years, last) = cut(quarters, year_of);
    for part in [
        (Period::Days, before),
        (Period::Months, early),
        (Period::Quarters, first),
        (Period::Years, years),
        (Period::Quarters, last),
        (Period::Months, late),
        (Period::Days, after),
    ] {
        if part.1.from < part.1.to {
            parts.push(part);
        }
    }
    parts
}

const EMPTY: Span = Span { from: NaiveDate::MIN, to: NaiveDate::MIN };

/// Cuts a span where its whole periods begin and end.
fn cut(span: Span, period_of: impl Fn(NaiveDate) -> Span) -> (Span, Span, Span) {
    let Span { from, to } = span;
    let first = period_of(from);
    let begin = if first.from == from { from } else { first.to };
    let end = period_of(to).from;
    if from >= to || begin >= end {
        return (span, EMPTY, EMPTY);
    }
    let part = |from, to| Span { from, to };
    (part(from, begin), part(begin, end), part(end, to))
}

/// The civil month around a day.
pub(crate) fn month_of(day: NaiveDate) -> Span {
    let from = day.with_day(1).unwrap_or(day);
    Span { from, to: from.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX) }
}

/// The civil quarter around a day.
pub(in crate::store) fn quarter_of(day: NaiveDate) -> Span {
    let from = day.with_day(1).and_then(|day| day.with_month0(day.month0() / 3 * 3)).unwrap_or(day);
    Span { from, to: from.checked_add_months(Months::new(3)).unwrap_or(NaiveDate::MAX) }
}

/// The civil year around a day.
pub(in crate::store) fn year_of(day: NaiveDate) -> Span {
    let from = NaiveDate::from_yo_opt(day.year(), 1).unwrap_or(day);
    Span { from, to: from.checked_add_months(Months::new(12)).unwrap_or(NaiveDate::MAX) }
}

/// Sums of measures of one noun, in no order.
pub(super) fn sums(measures: &[Measure], span: Span, slice: &Slice, by: By) -> String {
    let Some(noun) = measures.first().map(|measure| measure.noun()) else { return String::new() };
    let whole = [Block { level: None, span }];
    let blocks = if noun == Noun::Dossier { blocks(span, slice, by) } else { whole.to_vec() };
    let parts = blocks.iter().flat_map(|block| match block.level {
        Some(level) => vec![cells(measures, level, block.span, by)],
        None => records(measures, noun, block.span, by),
    });
    let parts: Vec<String> = parts.collect();
    let any = |value: &str| {
        let some =
            (0..measures.len()).map(|n| format!("{} <> 0", value.replace('#', &n.to_string())));
        some.collect::<Vec<_>>().join(" or ")
    };
    match &parts[..] {
        [] => nothing(measures.len()),
        [part] => format!("select * from ({part}) part where {}", any("v#")),
        parts => format!(
            "select unit, key{} from ({}) parts group by unit, key having {}",
            list(measures.len(), |n| format!("sum(v{n})::int8 as v{n}")),
            parts.join(" union all "),
            any("sum(v#)")
        ),
    }
}

/// For each unit and mark the formalities, with a space between: bit n of a mark is set where measure n of
/// dossiers is above zero. Some formalities stand there more than once. No measure is negative, so nothing
/// has to be added up. One text, because a list of 150,000 is built piece by piece at both ends.
pub(super) fn active(measures: &[Measure], span: Span, slice: &Slice) -> String {
    let by = By { unit: true, dimension: Some(Dimension::Formality) };
    let mark = |value: &dyn Fn(usize) -> String| {
        let bit = |n: usize| format!("case when {} > 0 then {} else 0 end", value(n), 1 << n);
        (0..measures.len()).map(bit).collect::<Vec<_>>().join(" | ")
    };
    let of_cells = mark(&|n| format!("c.{}", measures[n].as_str()));
    let of_records = mark(&|n| format!("v{n}"));
    let part = |block: Block| match block.level {
        Some(level) => vec![format!(
            "select c.unit::text as unit, c.formality::text as key, {of_cells} as mark \
             from dossier_cell c where {}",
            cell_filter(level, block.span),
        )],
        None => records(measures, Noun::Dossier, block.span, by)
            .into_iter()
            .map(|part| format!("select unit, key, {of_records} as mark from ({part}) part"))
            .collect(),
    };
    let mut parts: Vec<String> = blocks(span, slice, by).into_iter().flat_map(part).collect();
    if parts.is_empty() {
        parts.push(format!(
            "select unit, key, {of_records} as mark from ({}) part",
            nothing(measures.len())
        ));
    }
    format!(
        "select unit, mark, string_agg(key, ' ') from ({}) active \
         where key <> '' and mark > 0 group by unit, mark",
        parts.join(" union all ")
    )
}

/// Units that had a record before a day: of dossiers by the cube, of others by the day on which a record
/// begins.
pub(super) fn seen(noun: Noun, until: NaiveDate, slice: &Slice) -> String {
    let span = Span::until(until);
    let days: &[Day] = match noun {
        Noun::Dossier => {
            let begun = [Measure::Submitted, Measure::Received];
            return format!("select unit from ({}) seen", sums(&begun, span, slice, By::UNIT));
        }
        Noun::Ticket => &[Day::Created],
        Noun::Call => &[Day::Offered],
        Noun::Petition => &[Day::PetitionReceived],
        Noun::Document => &[Day::Reviewed, Day::Signed],
        Noun::Assessment => &[Day::Quarter],
    };
    let from = source(noun, false);
    let any = |also: &str| {
        let on = |day: &Day| {
            format!("exists (select from {from} where {also}{})", filter(noun, *day, span))
        };
        days.iter().map(on).collect::<Vec<_>>().join(" or ")
    };
    let Some(unit) = unit(noun) else {
        return format!("select ''::text as unit where {}", any(""));
    };
    // From each unit to the next one: an index begins with the unit.
    format!(
        "with recursive u (unit) as (
           (select {unit} from {from} where {unit} is not null order by {unit} limit 1)
           union all
           select (select {unit} from {from} where {unit} > u.unit order by {unit} limit 1)
           from u where u.unit is not null
         )
         select u.unit::text as unit from u where u.unit is not null and ({})
         union all
         select ''::text where {}",
        any(&format!("{unit} = u.unit and ")),
        any(&format!("{unit} is null and "))
    )
}

/// No rows, of an empty span; the parameters still stand in it.
fn nothing(values: usize) -> String {
    let values = list(values, |n| format!("0::int8 as v{n}"));
    format!(
        "select ''::text as unit, ''::text as key{values} where false and $1::text[] is null \
         and $2::text is null and $3::text is null and $4::text is null and $5::text is null"
    )
}

/// A column for each number, each after a comma.
fn list(count: usize, column: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _infallible = write!(text, ", {}", column(n));
        text
    })
}

fn cells(measures: &[Measure], level: i16, span: Span, by: By) -> String {
    let unit = if by.unit { "c.unit" } else { "''" };
    let key = match by.dimension {
        Some(Dimension::Channel) => "c.channel",
        Some(Dimension::Field) => "c.field",
        Some(Dimension::Formality) => "c.formality",
        // Dossiers have neither category nor kind.
        None | Some(Dimension::Category | Dimension::Kind) => "''",
        Some(Dimension::Month) => "to_char(c.day, 'YYYY-MM')",
        Some(Dimension::Day) => "to_char(c.day, 'YYYY-MM-DD')",
    };
    let values = list(measures.len(), |n| {
        format!("coalesce(sum(c.{}), 0)::int8 as v{n}", measures[n].as_str())
    });
    format!(
        "select {unit}::text as unit, {key}::text as key{values} from dossier_cell c where {} group by 1, 2",
        cell_filter(level, span)
    )
}

/// Which cells of a level lie in a span and a slice.
pub(super) fn cell_filter(level: i16, span: Span) -> String {
    format!(
        "c.level = {level} and c.day >= '{}' and c.day < '{}' \
         and ($1::text[] is null or c.unit = any($1)) and ($2::text is null or c.formality = $2) \
         and ($3::text is null or c.field = $3) and ($4::text is null or c.channel = $4) \
         and $5::text is null",
        span.from, span.to
    )
}

/// Sums from the records, a statement for each kind of day.
fn records(measures: &[Measure], noun: Noun, span: Span, by: By) -> Vec<String> {
    let definitions: Vec<_> = measures.iter().map(|&measure| definition(measure)).collect();
    let mut days: Vec<Day> = definitions.iter().map(|definition| definition.day).collect();
    days.sort_unstable();
    days.dedup();
    let part = |day: Day| {
        let here = definitions.iter().filter(|definition| definition.day == day);
        let catalogue = here.clone().any(|definition| definition.catalogue);
        let values = list(definitions.len(), |n| {
            let definition = &definitions[n];
            let when = &definition.when;
            match definition.amount {
                _ if definition.day != day => format!("0::int8 as v{n}"),
                None => format!("count(*) filter (where {when}) as v{n}"),
                Some(amount) => {
                    format!("coalesce(sum({amount}) filter (where {when}), 0)::int8 as v{n}")
                }
            }
        });
        // Whatever none of them counts need not be read.
        let any: Vec<&str> = here.map(|definition| &*definition.when).collect();
        let any = if any.contains(&"true") { "true".to_owned() } else { any.join(" or ") };
        format!(
            "select {}::text as unit, {}::text as key{values} from {} where {} and ({any}) group by 1, 2",
            unit_key(noun, by),
            dimension_key(noun, day, by.dimension),
            source(noun, catalogue),
            filter(noun, day, span)
        )
    };
    days.into_iter().map(part).collect()
}

/// Records `d` of a noun, with the catalogue `f` where it is needed.
pub(in crate::store) fn source(noun: Noun, catalogue: bool) -> String {
    let (table, _) = table(noun);
    if catalogue { format!("{table} d {CATALOGUE}") } else { format!("{table} d") }
}

/// The entry of the catalogue that was valid on the day of acceptance.
pub(in crate::store) const CATALOGUE: &str = "left join lateral (\
    select c.has_fee, c.online_level, c.eligible_full, c.requires_paper_result from formality c \
    where c.code = d.formality and c.valid_from <= d.received_day \
      and (c.valid_to is null or c.valid_to > d.received_day) \
    order by c.valid_from desc limit 1) f on true";

/// Unit of a row.
pub(super) fn unit_key(noun: Noun, by: By) -> String {
    match unit(noun) {
        Some(column) if by.unit => format!("coalesce({column}, '')"),
        Some(_) | None => "''".to_owned(),
    }
}

/// Second key of a row.
pub(super) fn dimension_key(noun: Noun, day: Day, dimension: Option<Dimension>) -> String {
    let civil = day.moment().day;
    match dimension {
        None => "''".to_owned(),
        Some(Dimension::Month) => format!("to_char({civil}, 'YYYY-MM')"),
        Some(Dimension::Day) => format!("to_char({civil}, 'YYYY-MM-DD')"),
        Some(
            dimension @ (Dimension::Channel
            | Dimension::Field
            | Dimension::Formality
            | Dimension::Category
            | Dimension::Kind),
        ) => column(noun, dimension)
            .map_or_else(|| "''".to_owned(), |column| format!("coalesce({column}, '')")),
    }
}

/// Which records lie in a span and a slice.
pub(super) fn filter(noun: Noun, day: Day, span: Span) -> String {
    let Moment { day, when, .. } = day.moment();
    let Span { from, to } = span;
    let slice = slice_filter(noun);
    format!("{day} >= '{from}' and {day} < '{to}' and {when} and {slice}")
}

/// Which records lie in a slice. A noun that lacks a dimension has none in a slice of it.
pub(super) fn slice_filter(noun: Noun) -> String {
    let units = unit(noun).map_or_else(
        || "$1::text[] is null".to_owned(),
        |unit| {
            format!("($1::text[] is null or {unit} = any($1) or ({unit} is null and '' = any($1)))")
        },
    );
    let dimensions =
        [Dimension::Formality, Dimension::Field, Dimension::Channel, Dimension::Category];
    dimensions.iter().zip(2..).fold(units, |mut text, (&dimension, n)| {
        let _infallible = match column(noun, dimension) {
            Some(column) => write!(text, " and (${n}::text is null or {column} = ${n})"),
            None => write!(text, " and ${n}::text is null"),
        };
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span { from: day(from), to: day(to) }
    }

    fn cut_into(span: Span, slice: &Slice, by: By) -> Vec<(Option<i16>, String, String)> {
        blocks(span, slice, by)
            .into_iter()
            .map(|block| (block.level, block.span.from.to_string(), block.span.to.to_string()))
            .collect()
    }

    #[test]
    fn a_span_is_cut_into_months_and_days() {
        let blocks = cut_into(span("2026-01-15", "2026-04-03"), &Slice::default(), By::UNIT);
        let expected = [
            (Some(level::DAY), "2026-01-15", "2026-02-01"),
            (Some(level::MONTH), "2026-02-01", "2026-04-01"),
            (Some(level::DAY), "2026-04-01", "2026-04-03"),
        ];
        assert_eq!(blocks, expected.map(|(level, from, to)| (level, from.into(), to.into())));
    }

    #[test]
    fn units_by_formality_take_whole_quarters_and_years() {
        let by = By { unit: true, dimension: Some(Dimension::Formality) };
        let blocks = cut_into(span("2024-09-01", "2026-05-02"), &Slice::default(), by);
        let expected = [
            (Some(level::MONTH_FORMALITY), "2024-09-01", "2024-10-01"),
            (Some(level::QUARTER_FORMALITY), "2024-10-01", "2025-01-01"),
            (Some(level::YEAR_FORMALITY), "2025-01-01", "2026-01-01"),
            (Some(level::QUARTER_FORMALITY), "2026-01-01", "2026-04-01"),
            (Some(level::MONTH_FORMALITY), "2026-04-01", "2026-05-01"),
            (None, "2026-05-01", "2026-05-02"),
        ];
        assert_eq!(blocks, expected.map(|(level, from, to)| (level, from.into(), to.into())));
    }

    #[test]
    fn an_empty_span_has_no_block() {
        let span = span("2026-02-01", "2026-02-01");
        assert_eq!(blocks(span, &Slice::default(), By::TOTAL), []);
    }

    proptest! {
        #[test]
        fn blocks_cover_the_span_without_gap(
            from in 0i32..2000, length in 0i32..1200,
            formality in any::<bool>(), unit in any::<bool>(), month in any::<bool>(),
        ) {
            let from = NaiveDate::from_num_days_from_ce_opt(738_000 + from).unwrap();
            let to = NaiveDate::from_num_days_from_ce_opt(from.num_days_from_ce() + length).unwrap();
            let slice = Slice { formality: formality.then(|| "1.1".into()), ..Slice::default() };
            let by = By { unit, dimension: month.then_some(Dimension::Month) };
            let mut at = from;
            for block in blocks(Span { from, to }, &slice, by) {
                prop_assert_eq!(block.span.from, at);
                prop_assert!(block.span.to > at);
                at = block.span.to;
            }
            prop_assert_eq!(at, to);
        }
    }
}
