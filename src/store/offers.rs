//! The catalogue of formalities and online services, for indicators: read whole, and kept until it changes.
//!
//! From the tables of the catalogue to `reform`. Every request that needs it asks the database whether its
//! rows are still those that were read: how many there are, and which transactions wrote them. The latest of
//! those would not do: of two writers at once the one with the smaller number may commit last.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_postgres::{Row, error::Error};

use super::{Store, StoreError};
use crate::indicator::supply::{Formality, Offers, OnlineService};

/// What was read last.
pub(super) type Kept = Arc<Mutex<Option<(Version, Arc<Offers>)>>>;

/// Rows, and the sum of the numbers of the transactions that wrote them, of both tables.
pub(super) type Version = [i64; 4];

const VERSION: &str = "
    select f.rows, f.writers, s.rows, s.writers
    from (select count(*) as rows, coalesce(sum(xmin::text::int8), 0)::int8 as writers
          from formality) f,
      (select count(*) as rows, coalesce(sum(xmin::text::int8), 0)::int8 as writers
       from online_service) s";

impl Store {
    /// The whole catalogue of formalities and online services.
    pub async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        let failed = |error| StoreError::of("read the catalogue of formalities", error);
        let mut client = self.reader().await?;
        // One snapshot: what is kept is what the version says. Whoever finds it outdated reads it for all.
        let snapshot = client
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(failed)?;
        let version = version(&snapshot).await.map_err(failed)?;
        let mut kept = self.offers.lock().await;
        let offers = match &*kept {
            Some((known, offers)) if *known == version => Arc::clone(offers),
            Some(_) | None => {
                let offers = Arc::new(read(&snapshot).await.map_err(failed)?);
                *kept = Some((version, Arc::clone(&offers)));
                offers
            }
        };
        drop(kept);
        // Ended as it began: one that is left open counts as rolled back.
        snapshot.commit().await.map_err(failed)?;
        Ok(offers)
    }
}

async fn version(client: &tokio_postgres::Transaction<'_>) -> Result<Version, Error> {
    let row = client.query_one(VERSION, &[]).await?;
    Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?])
}

async fn read(client: &tokio_postgres::Transaction<'_>) -> Result<Offers, Error> {
    let formalities = client
        .query(
            "select code, valid_from, valid_to, field, level, announced_on, effective_on,
                    published_on, complete_parts, eligible_full, online_level,
                    coalesce(has_fee, false), coalesce(npsp_linked, false),
                    coalesce(audience in ('person', 'both'), false), unit
             from formality order by code collate \"C\", valid_from",
            &[],
        )
        .await?;
    let services = client
        .query(
            "select code, valid_from, valid_to, formality, state <> 'closed', npsp_linked
             from online_service order by code collate \"C\", valid_from",
            &[],
        )
        .await?;
    Ok(Offers {
        formalities: formalities.iter().map(formality).collect::<Result<_, _>>()?,
        services: services.iter().map(service).collect::<Result<_, _>>()?,
    })
}

fn formality(row: &Row) -> Result<Formality, Error> {
    Ok(Formality {
        code: row.try_get(0)?,
        valid_from: row.try_get(1)?,
        valid_to: row.try_get(2)?,
        field: row.try_get(3)?,
        level: row.try_get(4)?,
        announced_on: row.try_get(5)?,
        effective_on: row.try_get(6)?,
        published_on: row.try_get(7)?,
        complete_parts: row.try_get(8)?,
        eligible_full: row.try_get(9)?,
        online_level: row.try_get(10)?,
        has_fee: row.try_get(11)?,
        npsp_linked: row.try_get(12)?,
        for_persons: row.try_get(13)?,
        unit: row.try_get(14)?,
    })
}

fn service(row: &Row) -> Result<OnlineService, Error> {
    Ok(OnlineService {
        code: row.try_get(0)?,
        valid_from: row.try_get(1)?,
        valid_to: row.try_get(2)?,
        formality: row.try_get(3)?,
        is_offered: row.try_get(4)?,
        npsp_linked: row.try_get(5)?,
    })
}
