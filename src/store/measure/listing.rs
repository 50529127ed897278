//! Lists of the records behind a figure, oldest first, in pages after `(at, source, id)`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use tokio_postgres::{Row, error::Error};

use super::{
    define::{Day, definition, table},
    sql::{filter, source},
};
use crate::indicator::measure::{Measure, Noun, Span};

/// One record behind a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Publishing system.
    pub source: String,
    /// Dossier code, number of the ticket, call, petition or form, token of the document.
    pub id: String,
    /// Instant that puts it into the span.
    pub at: DateTime<Utc>,
    /// What it adds to the figure.
    pub amount: i64,
    /// All columns of the record but the text and the place of a ticket; never public.
    pub record: Value,
}

/// Which records of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Those after this one: its instant, source and id; null for the first page.
    pub after: Option<(DateTime<Utc>, String, String)>,
    /// Most rows.
    pub limit: i64,
}

/// The records that a measure counts.
pub(super) fn measured(measure: Measure, span: Span, page: &Page, zone: Tz) -> String {
    let (noun, definition) = (measure.noun(), definition(measure));
    let moment = definition.day.moment();
    // The day of a form's quarter does not follow from the instant that it is listed by.
    let ordered = (definition.day != Day::Quarter).then_some(moment.day);
    let mut when =
        format!("{} and {}", filter(noun, definition.day, span), definition.when_bracketed());
    if let (Some(day), Some((at, ..))) = (ordered, &page.after) {
        let after = at.with_timezone(&zone).date_naive();
        when = format!("{when} and {day} >= '{after}'");
    }
    let amount = definition.amount.unwrap_or("1");
    let from = source(noun, definition.catalogue);
    statement(noun, &from, &when, amount, moment.at, ordered)
}

/// One page of the records `d` of a noun. The day, which follows from the instant, comes first where
/// an index is ordered by it.
pub(super) fn statement(
    noun: Noun,
    from: &str,
    when: &str,
    amount: &str,
    at: &str,
    day: Option<&str>,
) -> String {
    let (_, id) = table(noun);
    let day = day.map_or_else(String::new, |day| format!("{day}, "));
    format!(
        "select s.source, {id}, {at}, ({amount})::int8, \
           to_jsonb(d) - '{{device_id,summary,lat,lon}}'::text[] \
         from {from} join device s on s.id = d.device_id \
         where {when} and ($6::timestamptz is null or \
           ({at}, s.source collate \"C\", {id} collate \"C\") > ($6, $7::text, $8::text)) \
         order by {day}{at}, s.source collate \"C\", {id} collate \"C\" limit $9::int8"
    )
}

pub(super) fn read(row: &Row) -> Result<Listed, Error> {
    Ok(Listed {
        source: row.try_get(0)?,
        id: row.try_get(1)?,
        at: row.try_get(2)?,
        amount: row.try_get(3)?,
        record: row.try_get(4)?,
    })
}
