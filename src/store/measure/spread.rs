//! How values are distributed: histograms, for quantiles.

use tokio_postgres::{Row, error::Error};

use super::{
    define::ranked as definition,
    sql::{Period, dimension_key, filter, periods as blocks, source, unit_key},
};
use crate::indicator::measure::{By, Dimension, Histogram, Ranked, Slice, Span, add_counts};

/// The bucket of a value: exact below 64, then its six leading bits.
pub(in crate::store) fn bucket(value: &str) -> String {
    let octaves: Vec<String> = (6..31).map(|bit| (1_u32 << bit).to_string()).collect();
    format!("({value} & (-1 << width_bucket({value}, '{{{}}}'::int4[])))", octaves.join(","))
}

/// Histograms by unit and key.
pub(super) fn histograms(ranked: Ranked, span: Span, slice: &Slice, by: By) -> String {
    let (noun, day, value) = definition(ranked);
    let from_records = |span: Span| {
        format!(
            "select {}::text as unit, {}::text as key, {} as minutes, count(*) as n from {} \
             where {} and {value} is not null group by 1, 2, 3",
            unit_key(noun, by),
            dimension_key(noun, day, by.dimension),
            bucket(value),
            source(noun, false),
            filter(noun, day, span)
        )
    };
    let is_kept = ranked == Ranked::Handling
        && slice.formality.is_none()
        && slice.field.is_none()
        && slice.channel.is_none()
        && matches!(by.dimension, None | Some(Dimension::Month));
    let parts: Vec<String> = if is_kept {
        let blocks = blocks(span, by.dimension != Some(Dimension::Month));
        let part = |(period, span)| match period {
            Period::Days => from_records(span),
            Period::Months => kept(1, span, by),
            Period::Quarters => kept(2, span, by),
            Period::Years => kept(3, span, by),
        };
        blocks.into_iter().map(part).collect()
    } else {
        Vec::new()
    };
    let parts = if parts.is_empty() { vec![from_records(span)] } else { parts };
    format!(
        "select unit, key, array_agg(minutes), array_agg(n) from ({}) parts \
         group by unit, key order by unit, key",
        parts.join(" union all ")
    )
}

fn kept(level: i16, span: Span, by: By) -> String {
    let unit = if by.unit { "h.unit" } else { "''" };
    let key = match by.dimension {
        Some(Dimension::Month) => "to_char(h.day, 'YYYY-MM')",
        _ => "''",
    };
    format!(
        "select {unit}::text as unit, {key}::text as key, h.minutes, h.dossiers::int8 as n \
         from dossier_handling h where h.level = {level} and h.day >= '{}' and h.day < '{}' \
           and ($1::text[] is null or h.unit = any($1)) and $2::text is null and $3::text is null \
           and $4::text is null and $5::text is null",
        span.from, span.to
    )
}

pub(super) fn read(row: &Row) -> Result<Histogram, Error> {
    let (buckets, counts): (Vec<i32>, Vec<i64>) = (row.try_get(2)?, row.try_get(3)?);
    let parts: Vec<(i32, i64)> = buckets.into_iter().zip(counts).collect();
    // Each part of a span brings its own, and what was subtracted again stays as zero.
    let mut counts = Vec::new();
    add_counts(&mut counts, &parts);
    counts.retain(|(_, count)| *count != 0);
    Ok(Histogram { unit: row.try_get(0)?, key: row.try_get(1)?, counts })
}
