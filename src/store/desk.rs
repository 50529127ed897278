//! Figures of the service desk, counted from its tickets and calls.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};

/// Figures of the service desk at one instant.
#[derive(Debug, Clone, Default)]
pub struct DeskFigures {
    /// Tickets ever created.
    pub received_total: i64,
    /// Tickets that stand resolved, published or closed.
    pub handled_total: i64,
    /// Open tickets.
    pub in_process: i64,
    /// Open tickets past their due time.
    pub overdue: i64,
    /// Tickets created since the civil day began.
    pub received_today: i64,
    /// Tickets handled since then.
    pub handled_today: i64,
    /// Incoming calls since then.
    pub calls_today: i64,
    /// Abandoned ones of them.
    pub abandoned_today: i64,
    /// Tickets per channel.
    pub channels: Vec<(String, i64)>,
    /// Tickets per status.
    pub statuses: Vec<(String, i64)>,
    /// Latest step or call, source clock; null when nothing ever came.
    pub latest: Option<DateTime<Utc>>,
}

impl Store {
    /// Figures of the service desk at `now`. The civil day began at `today`.
    pub async fn desk_figures(
        &self,
        now: DateTime<Utc>,
        today: DateTime<Utc>,
    ) -> Result<DeskFigures, StoreError> {
        let failed = |error| StoreError::of("count the service desk", error);
        let client = self.reader().await?;
        let row = client
            .query_one(include_str!("desk_figures.sql"), &[&now, &today])
            .await
            .map_err(failed)?;
        let mut figures = DeskFigures {
            received_total: row.try_get(0).map_err(failed)?,
            handled_total: row.try_get(1).map_err(failed)?,
            in_process: row.try_get(2).map_err(failed)?,
            overdue: row.try_get(3).map_err(failed)?,
            received_today: row.try_get(4).map_err(failed)?,
            handled_today: row.try_get(5).map_err(failed)?,
            calls_today: row.try_get(6).map_err(failed)?,
            abandoned_today: row.try_get(7).map_err(failed)?,
            latest: row.try_get(8).map_err(failed)?,
            ..DeskFigures::default()
        };
        let rows = client
            .query(
                "select grouping(channel) = 0, coalesce(channel, status), count(*) from ticket
                 group by grouping sets ((channel), (status)) order by 1, 2",
                &[],
            )
            .await
            .map_err(failed)?;
        for row in &rows {
            // Tickets whose channel was never told have no name to count under.
            let Some(name) = row.try_get::<_, Option<String>>(1).map_err(failed)? else { continue };
            let count = row.try_get(2).map_err(failed)?;
            let by_channel: bool = row.try_get(0).map_err(failed)?;
            if by_channel { &mut figures.channels } else { &mut figures.statuses }
                .push((name, count));
        }
        Ok(figures)
    }
}
