//! What is open at an instant: exact to the minute, from the open records themselves.

use tokio_postgres::{Row, error::Error};

use super::{
    define::Day,
    listing,
    sql::{dimension_key, slice_filter, source, unit_key},
};
use crate::indicator::measure::{By, Noun, OpenBorders, OpenPart, OpenSums, Span};

/// How open records of a noun are told.
struct Open {
    /// Day and instant of receipt, from which their age counts.
    since: Day,
    /// Which are open.
    when: &'static str,
    /// First instant that is too late; null while the clock is paused or without a due time.
    late_at: &'static str,
    /// Due time; null likewise.
    due: &'static str,
    /// Whether the clock is paused.
    paused: &'static str,
    /// Whether an apology was sent in time.
    apology: &'static str,
    /// Whether it counts as dissatisfied before it is overdue.
    dissatisfied: &'static str,
    /// Whether it waits and is not in time by the rule of Decision 766.
    waiting_late: &'static str,
}

const fn open(noun: Noun) -> Option<Open> {
    match noun {
        Noun::Dossier => Some(Open {
            since: Day::Received,
            when: "d.ended_at is null and d.received_at is not null",
            late_at: "d.overdue_at",
            due: "d.effective_due",
            paused: "d.is_paused",
            apology: "d.apology_at < d.overdue_at",
            dissatisfied: "d.disliked or d.petitions > 0",
            waiting_late: "d.is_paused and d.on_time is false",
        }),
        Noun::Ticket => Some(Open {
            since: Day::Created,
            when: "d.status in ('new', 'triaged', 'assigned', 'in_progress', 'waiting_citizen', \
                   'waiting_other', 'reopened')",
            late_at: "d.effective_due",
            due: "d.effective_due",
            paused: "d.is_paused",
            apology: "false",
            dissatisfied: "false",
            waiting_late: "false",
        }),
        Noun::Petition => Some(Open {
            since: Day::PetitionReceived,
            when: "d.ended_at is null",
            // One that waits for the petitioner was judged when it was asked.
            late_at: "d.overdue_at",
            due: "case when d.outcome is null then d.due_at end",
            paused: "d.outcome is not null",
            apology: "false",
            dissatisfied: "coalesce(not d.satisfied, false) or coalesce(d.outcome = 'late', false)",
            waiting_late: "false",
        }),
        Noun::Call | Noun::Document | Noun::Assessment => None,
    }
}

fn instant(time: chrono::DateTime<chrono::Utc>) -> String {
    format!("'{}'::timestamptz", time.to_rfc3339())
}

/// Conditions of the bands of age.
fn bands(open: &Open, borders: &OpenBorders) -> [String; 5] {
    let day = open.since.moment().day;
    let [young, week, fortnight, month] = borders.bands;
    [
        format!("{day} >= '{young}'"),
        format!("{day} >= '{week}' and {day} < '{young}'"),
        format!("{day} >= '{fortnight}' and {day} < '{week}'"),
        format!("{day} >= '{month}' and {day} < '{fortnight}'"),
        format!("{day} < '{month}'"),
    ]
}

/// Sums of what is open; none for a noun that is never open.
pub(super) fn sums(noun: Noun, borders: &OpenBorders, by: By) -> Option<String> {
    let open = open(noun)?;
    let Open { since, when, late_at, due, paused, apology, dissatisfied, waiting_late } = &open;
    let (now, soon, end) = (instant(borders.now), instant(borders.soon), instant(borders.end));
    let (day, Span { from, to }) = (since.moment().day, borders.span);
    let late = format!("{late_at} <= {now}");
    let bands =
        bands(&open, borders).map(|band| format!(", count(*) filter (where {band})")).concat();
    Some(format!(
        "select {unit}::text, {key}::text, count(*), count(*) filter (where {late}), \
           count(*) filter (where {late_at} > {now} and {due} <= {soon}), \
           count(*) filter (where {due} is null and not {paused}), \
           count(*) filter (where {paused}), \
           count(*) filter (where {late} and {apology}), \
           count(*) filter (where {late} and not ({dissatisfied}) \
             and {day} >= '{from}' and {day} < '{to}'), \
           count(*) filter (where {waiting_late} and d.status_at < {end}){bands} \
         from {source} where {when} and {slice} group by 1, 2 order by 1, 2",
        unit = unit_key(noun, by),
        key = dimension_key(noun, *since, by.dimension),
        source = source(noun, false),
        slice = slice_filter(noun),
    ))
}

/// What is open by unit and day of receipt.
pub(super) fn days(noun: Noun) -> Option<String> {
    let open = open(noun)?;
    Some(format!(
        "select {unit}::text, {day}, count(*) from {from} where {when} and {slice} \
         and {day} is not null group by 1, 2 order by 1, 2",
        unit = unit_key(noun, By::UNIT),
        day = open.since.moment().day,
        from = source(noun, false),
        when = open.when,
        slice = slice_filter(noun),
    ))
}

/// One page of a part of what is open.
pub(super) fn records(noun: Noun, part: OpenPart, borders: &OpenBorders) -> Option<String> {
    let open = open(noun)?;
    let (now, soon) = (instant(borders.now), instant(borders.soon));
    let Open { when, late_at, due, waiting_late, .. } = open;
    let part = match part {
        OpenPart::Open => "true".to_owned(),
        OpenPart::InTime => format!("coalesce({late_at} > {now}, true)"),
        OpenPart::InTime766 => {
            format!("coalesce({late_at} > {now}, true) and not ({waiting_late})")
        }
        OpenPart::Overdue => format!("{late_at} <= {now}"),
        OpenPart::DueSoon => format!("{late_at} > {now} and {due} <= {soon}"),
        OpenPart::Band(band) => {
            bands(&open, borders).into_iter().nth(band.into()).unwrap_or_else(|| "false".to_owned())
        }
    };
    let when = format!("{when} and {} and ({part})", slice_filter(noun));
    Some(listing::statement(noun, &source(noun, false), &when, "1", open.since.moment().at, None))
}

pub(super) fn read(row: &Row) -> Result<OpenSums, Error> {
    let mut bands = [0; 5];
    for (n, band) in bands.iter_mut().enumerate() {
        *band = row.try_get(10 + n)?;
    }
    Ok(OpenSums {
        unit: row.try_get(0)?,
        key: row.try_get(1)?,
        open: row.try_get(2)?,
        overdue: row.try_get(3)?,
        due_soon: row.try_get(4)?,
        no_due: row.try_get(5)?,
        paused: row.try_get(6)?,
        overdue_apology: row.try_get(7)?,
        dissatisfied: row.try_get(8)?,
        waiting_late: row.try_get(9)?,
        bands,
    })
}
