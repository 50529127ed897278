//! Service-desk tickets as the public may read them: without their texts, with a rounded place where
//! their category is about public space, and counts of which small cells are held back.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{Store, StoreError};

/// Decimals of a public place, about 100 metres.
const PLACE_DECIMALS: i32 = 3;

/// A ticket for the public.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicTicket {
    /// Publishing system.
    pub source: String,
    /// Ticket number.
    pub ticket: String,
    /// Status of the latest step.
    pub status: String,
    /// When that step was taken.
    pub status_at: DateTime<Utc>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Due time.
    pub due_at: Option<DateTime<Utc>>,
    /// Category token.
    pub category: Option<String>,
    /// Vietnamese name of the category.
    pub category_vi: Option<String>,
    /// Vietnamese name of the responsible unit on the day of creation; its code where it has none.
    pub unit: Option<String>,
    /// Ticket that this one duplicates.
    pub merged_into: Option<String>,
    /// Latitude, degrees, rounded; only of categories about public space.
    pub lat: Option<f64>,
    /// Longitude likewise.
    pub lon: Option<f64>,
}

/// Which tickets, newest first.
#[derive(Debug, Clone, Default)]
pub struct PublicFilter {
    /// Only these: systems and numbers in step; null for all.
    pub ids: Option<(Vec<String>, Vec<String>)>,
    /// Only these categories; empty for all.
    pub categories: Vec<String>,
    /// Only with these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Created from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Created before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Most rows.
    pub limit: i64,
}

/// How many tickets of one month, category and unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCount {
    /// `2026-11`.
    pub month: String,
    /// Category token; empty when not told.
    pub category: String,
    /// Unit; empty when not told.
    pub unit: String,
    /// Tickets received.
    pub received: i64,
    /// Of them handled by now.
    pub handled: i64,
}

impl Store {
    /// Tickets for the public.
    pub async fn public_tickets(
        &self,
        filter: &PublicFilter,
    ) -> Result<Vec<PublicTicket>, StoreError> {
        let failed = |error| StoreError::of("list the public tickets", error);
        let (sources, numbers) = filter.ids.as_ref().map(|(s, n)| (s, n)).unzip();
        let rows = self
            .reader()
            .await?
            .query(
                "select d.source, t.ticket, t.status, t.status_at, t.created_at, t.due_at, t.category,
                   c.name_vi, coalesce(u.name_vi, t.unit), t.merged_into,
                   case when c.public_space then round(t.lat::numeric, $7)::float8 end,
                   case when c.public_space then round(t.lon::numeric, $7)::float8 end
                 from ticket t join device d on d.id = t.device_id
                 left join ticket_category c on c.id = t.category
                 left join city on true
                 left join lateral (
                   select u.name_vi from administrative_unit u
                   where u.code = t.unit
                     and (t.created_at at time zone (city.settings->>'time_zone'))::date >= u.valid_from
                     and ((t.created_at at time zone (city.settings->>'time_zone'))::date < u.valid_to
                       or u.valid_to is null)
                   limit 1) u on true
                 where ($1::text[] is null or (d.source, t.ticket) in (select * from unnest($1, $2::text[])))
                   and (cardinality($3::text[]) = 0 or t.category = any($3))
                   and (cardinality($4::text[]) = 0 or t.status = any($4))
                   and ($5::timestamptz is null or t.created_at >= $5)
                   and ($6::timestamptz is null or t.created_at < $6)
                 order by t.created_at desc, d.source, t.ticket limit $8",
                &[
                    &sources,
                    &numbers,
                    &filter.categories,
                    &filter.statuses,
                    &filter.from,
                    &filter.to,
                    &PLACE_DECIMALS,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(ticket).collect::<Result<_, _>>().map_err(failed)
    }

    /// Counts by month of creation, category and unit, from `from` on and before `to`, in civil
    /// months of `zone`.
    pub async fn public_counts(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        zone: chrono_tz::Tz,
    ) -> Result<Vec<PublicCount>, StoreError> {
        let failed = |error| StoreError::of("count the public tickets", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select to_char(t.created_at at time zone $3, 'YYYY-MM') as month,
                   coalesce(t.category, '') as category, coalesce(t.unit, '') as unit,
                   count(*), count(t.handled_at)
                 from ticket t where t.created_at >= $1 and t.created_at < $2
                 group by 1, 2, 3 order by 1, 2, 3",
                &[&from, &to, &zone.name()],
            )
            .await
            .map_err(failed)?;
        let count = |row: &Row| {
            Ok(PublicCount {
                month: row.try_get(0)?,
                category: row.try_get(1)?,
                unit: row.try_get(2)?,
                received: row.try_get(3)?,
                handled: row.try_get(4)?,
            })
        };
        rows.iter().map(count).collect::<Result<_, _>>().map_err(failed)
    }

    /// Ticket categories: token, Vietnamese name, English name.
    pub async fn ticket_categories(&self) -> Result<Vec<(String, String, String)>, StoreError> {
        let failed = |error| StoreError::of("list the ticket categories", error);
        let rows = self
            .reader()
            .await?
            .query("select id, name_vi, name_en from ticket_category order by id", &[])
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}

fn ticket(row: &Row) -> Result<PublicTicket, tokio_postgres::Error> {
    Ok(PublicTicket {
        source: row.try_get(0)?,
        ticket: row.try_get(1)?,
        status: row.try_get(2)?,
        status_at: row.try_get(3)?,
        created_at: row.try_get(4)?,
        due_at: row.try_get(5)?,
        category: row.try_get(6)?,
        category_vi: row.try_get(7)?,
        unit: row.try_get(8)?,
        merged_into: row.try_get(9)?,
        lat: row.try_get(10)?,
        lon: row.try_get(11)?,
    })
}
