//! Tickets of the service desk and their steps, as the API reads them.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{Store, StoreError};

/// A ticket as it stands.
#[derive(Debug, Clone)]
pub struct TicketRow {
    /// Publishing system.
    pub source: String,
    /// Ticket number.
    pub ticket: String,
    /// Status of the latest step.
    pub status: String,
    /// When that step was taken.
    pub status_at: DateTime<Utc>,
    /// When the earliest known step was taken.
    pub created_at: DateTime<Utc>,
    /// When it was handled.
    pub handled_at: Option<DateTime<Utc>>,
    /// Channel word.
    pub channel: Option<String>,
    /// Kind word.
    pub kind: Option<String>,
    /// Category token.
    pub category: Option<String>,
    /// Responsible unit.
    pub unit: Option<String>,
    /// Text, never public.
    pub summary: Option<String>,
    /// Latitude, degrees.
    pub lat: Option<f64>,
    /// Longitude, degrees.
    pub lon: Option<f64>,
    /// Due time.
    pub due_at: Option<DateTime<Utc>>,
    /// First reply.
    pub first_response_at: Option<DateTime<Utc>>,
    /// Answered in the first contact.
    pub solved_at_desk: Option<bool>,
    /// Ticket that this one duplicates.
    pub merged_into: Option<String>,
    /// Citizen's rating 1..5.
    pub rating: Option<i16>,
    /// Due time in force, with the waiting that counts; null while it waits.
    pub effective_due: Option<DateTime<Utc>>,
    /// Whether it was handled by then; null while it is not.
    pub on_time: Option<bool>,
    /// Whether the clock stands: it waits for the citizen or for others.
    pub is_paused: bool,
    /// Waiting time that is over, seconds.
    pub paused_s: i64,
    /// Different units that it was given to.
    pub units: i16,
    /// How often it was reopened.
    pub reopened: i16,
    /// When it was first assigned or taken in hand; null while it is not.
    pub assigned_at: Option<DateTime<Utc>>,
    /// Minutes from creation to assignment; null while it is not.
    pub dispatch_min: Option<i32>,
    /// Working minutes from creation to the first reply; null without one.
    pub first_response_min: Option<i32>,
    /// Working minutes from creation to handling without waiting; null while it is not.
    pub resolve_min: Option<i32>,
    /// When it was rejected, found a duplicate or transferred, while it stands so; null otherwise.
    pub left_at: Option<DateTime<Utc>>,
    /// Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete.
    pub calendar: i16,
}

/// A step in the life of a ticket.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// Status word.
    pub status: String,
    /// When the step was taken.
    pub at: DateTime<Utc>,
    /// Message time, source clock.
    pub time: DateTime<Utc>,
    /// Responsible unit, when told in this step.
    pub unit: Option<String>,
    /// Text, when told in this step.
    pub summary: Option<String>,
}

/// Where a page of tickets or calls goes on: time, source, number.
pub type After = (DateTime<Utc>, String, String);

/// Which tickets: newest first.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    /// Only of this system and number.
    pub one: Option<(String, String)>,
    /// Only with these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Only of these channels; empty for all.
    pub channels: Vec<String>,
    /// Only of this responsible unit.
    pub unit: Option<String>,
    /// Only of this category.
    pub category: Option<String>,
    /// Created from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Created before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only older than this ticket.
    pub after: Option<After>,
    /// Most rows.
    pub limit: i64,
}

const COLUMNS: &str = "d.source, t.ticket, t.status, t.status_at, t.created_at, t.handled_at, \
    t.channel, t.kind, t.category, t.unit, t.summary, t.lat, t.lon, t.due_at, \
    t.first_response_at, t.solved_at_desk, t.merged_into, t.rating, \
    t.effective_due, t.on_time, t.is_paused, t.paused_s, t.units, t.reopened, \
    t.assigned_at, t.dispatch_min, t.first_response_min, t.resolve_min, t.left_at, t.calendar";

fn ticket(row: &Row) -> Result<TicketRow, tokio_postgres::Error> {
    Ok(TicketRow {
        source: row.try_get(0)?,
        ticket: row.try_get(1)?,
        status: row.try_get(2)?,
        status_at: row.try_get(3)?,
        created_at: row.try_get(4)?,
        handled_at: row.try_get(5)?,
        channel: row.try_get(6)?,
        kind: row.try_get(7)?,
        category: row.try_get(8)?,
        unit: row.try_get(9)?,
        summary: row.try_get(10)?,
        lat: row.try_get(11)?,
        lon: row.try_get(12)?,
        due_at: row.try_get(13)?,
        first_response_at: row.try_get(14)?,
        solved_at_desk: row.try_get(15)?,
        merged_into: row.try_get(16)?,
        rating: row.try_get(17)?,
        effective_due: row.try_get(18)?,
        on_time: row.try_get(19)?,
        is_paused: row.try_get(20)?,
        paused_s: row.try_get(21)?,
        units: row.try_get(22)?,
        reopened: row.try_get(23)?,
        assigned_at: row.try_get(24)?,
        dispatch_min: row.try_get(25)?,
        first_response_min: row.try_get(26)?,
        resolve_min: row.try_get(27)?,
        left_at: row.try_get(28)?,
        calendar: row.try_get(29)?,
    })
}

/// The parts of a page's begin as parameters.
pub(super) fn split<A: Copy, B, C>(
    after: Option<&(A, B, C)>,
) -> (Option<A>, Option<&B>, Option<&C>) {
    match after {
        Some((time, source, number)) => (Some(*time), Some(source), Some(number)),
        None => (None, None, None),
    }
}

impl Store {
    /// Tickets, newest first.
    pub async fn tickets(&self, filter: &TicketFilter) -> Result<Vec<TicketRow>, StoreError> {
        let failed = |error| StoreError::of("list the tickets", error);
        let (one_source, one_ticket) = filter.one.as_ref().map(|(s, t)| (s, t)).unzip();
        let (time, source, number) = split(filter.after.as_ref());
        let sql = format!(
            "select {COLUMNS} from ticket t join device d on d.id = t.device_id
             where ($1::text is null or (d.source = $1 and t.ticket = $2))
               and (cardinality($3::text[]) = 0 or t.status = any($3))
               and (cardinality($4::text[]) = 0 or t.channel = any($4))
               and ($5::text is null or t.unit = $5)
               and ($6::text is null or t.category = $6)
               and ($7::timestamptz is null or t.created_at >= $7)
               and ($8::timestamptz is null or t.created_at < $8)
               and ($9::timestamptz is null or
                    (t.created_at, d.source collate \"C\", t.ticket collate \"C\")
                    < ($9, $10::text, $11::text))
             order by t.created_at desc, d.source collate \"C\" desc, t.ticket collate \"C\" desc
             limit $12"
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &one_source,
                    &one_ticket,
                    &filter.statuses,
                    &filter.channels,
                    &filter.unit,
                    &filter.category,
                    &filter.from,
                    &filter.to,
                    &time,
                    &source,
                    &number,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(ticket).collect::<Result<_, _>>().map_err(failed)
    }

    /// Steps of one ticket, oldest first.
    pub async fn ticket_steps(
        &self,
        source: &str,
        ticket: &str,
    ) -> Result<Vec<StepRow>, StoreError> {
        let failed = |error| StoreError::of("read the steps of a ticket", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select s.status, s.at, s.time, s.unit, s.summary
                 from ticket_step s join device d on d.id = s.device_id
                 where d.source = $1 and s.ticket = $2 order by s.at, s.time, s.boot, s.seq",
                &[&source, &ticket],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(StepRow {
                    status: row.try_get(0)?,
                    at: row.try_get(1)?,
                    time: row.try_get(2)?,
                    unit: row.try_get(3)?,
                    summary: row.try_get(4)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
