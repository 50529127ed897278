//! What indicators read beside sums of measures and the catalogue: printed figures, official scores, rulings, and
//! the published figures of closed periods.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};
use crate::indicator::{
    exact::Milli,
    figure::CityFigure,
    law::Parameters,
    measure::Span,
    nine::{NINE, Overruled},
    value::ValueBound,
};

/// A figure as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRow {
    /// Indicator.
    pub indicator: String,
    /// Unit.
    pub unit: String,
    /// Second key; empty for none.
    pub key: String,
    /// Value.
    pub value: Option<Milli>,
    /// Numerator.
    pub numerator: Option<i64>,
    /// Denominator.
    pub denominator: Option<i64>,
    /// Word of the bound.
    pub bound: &'static str,
    /// Word of the status.
    pub status: &'static str,
    /// Units that reported, and that should have.
    pub units: Option<(i32, i32)>,
}

/// What holds for all figures of a closing.
#[derive(Debug, Clone)]
pub struct Closing<'a> {
    /// Period.
    pub period: &'a str,
    /// Versions: indicators, calendar, units.
    pub versions: [&'a str; 3],
    /// Newest fact that may be in the figures.
    pub cut_off: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
    /// Account; null when it closed by itself.
    pub who: Option<&'a str>,
}

/// A ruling on one of the nine indicators.
#[derive(Debug, Clone)]
pub struct NewRuling<'a> {
    /// Unit.
    pub unit: &'a str,
    /// First day of the quarter.
    pub quarter: NaiveDate,
    /// 1 to 9.
    pub indicator: i16,
    /// Score; null waives the indicator.
    pub score: Option<Milli>,
    /// Why.
    pub reason: &'a str,
    /// Account.
    pub who: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// What came and what was refused, by feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Service of the feed: `onestop`, `desk` …
    pub feed: String,
    /// Time of the latest message, source clock.
    pub time: DateTime<Utc>,
    /// When it came, hub clock.
    pub received_at: DateTime<Utc>,
}

impl Store {
    /// The last figure of each civil day, unit and labels of some metrics, oldest first.
    pub async fn city_figures(
        &self,
        names: &[&str],
        span: Span,
        zone: chrono_tz::Tz,
    ) -> Result<Vec<CityFigure>, StoreError> {
        let failed = |error| StoreError::of("read printed figures", error);
        let (from, to) =
            (crate::day::midnight(span.from, zone), crate::day::midnight(span.to, zone));
        let rows = self
            .reader()
            .await?
            .query(
                "select name, unit, labels, day, value, bound from (
                   select distinct on (name, unit, labels, (time at time zone $4)::date)
                          name, unit, labels, (time at time zone $4)::date as day, time, value, bound
                   from metric_value
                   where name = any($1) and time >= $2 and time < $3 and value is not null
                   order by name, unit, labels, (time at time zone $4)::date, time desc
                 ) as latest order by time",
                &[&names, &from, &to, &zone.name()],
            )
            .await
            .map_err(failed)?;
        let figure = |row: &tokio_postgres::Row| {
            let (labels, value, bound): (Value, f64, String) =
                (row.try_get(2)?, row.try_get(4)?, row.try_get(5)?);
            let exact = bound == "exact";
            Ok(CityFigure {
                name: row.try_get(0)?,
                unit: row.try_get(1)?,
                labels: text_map(&labels),
                day: row.try_get(3)?,
                value: thousandths(value),
                bound: if exact { ValueBound::Exact } else { ValueBound::AtLeast },
            })
        };
        rows.iter().map(figure).collect::<Result<_, _>>().map_err(failed)
    }

    /// Published points of a period by unit and component.
    pub async fn official_scores(
        &self,
        period: &str,
    ) -> Result<BTreeMap<(String, String), Milli>, StoreError> {
        let failed = |error| StoreError::of("read official scores", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select unit, component, score_e3 from official_score
                 where period = $1 and score_e3 is not null",
                &[&period],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), Milli(row.try_get(2)?))))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// The latest rulings on the nine indicators of a quarter, by unit.
    pub async fn rulings(
        &self,
        quarter: NaiveDate,
    ) -> Result<BTreeMap<String, [Option<Overruled>; NINE]>, StoreError> {
        let failed = |error| StoreError::of("read rulings", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select distinct on (unit, indicator) unit, indicator, score_e3, reason, ruled_by, ruled_at
                 from score_ruling where quarter = $1 order by unit, indicator, ruled_at desc",
                &[&quarter],
            )
            .await
            .map_err(failed)?;
        let mut rulings = BTreeMap::new();
        for row in &rows {
            let unit: String = row.try_get(0).map_err(failed)?;
            let indicator: i16 = row.try_get(1).map_err(failed)?;
            let score: Option<i32> = row.try_get(2).map_err(failed)?;
            let ruling = Overruled {
                score: score.map(|score| Milli(score.into())),
                reason: row.try_get(3).map_err(failed)?,
                who: row.try_get(4).map_err(failed)?,
                at: row.try_get(5).map_err(failed)?,
            };
            let of_unit = rulings.entry(unit).or_insert_with(|| [const { None }; NINE]);
            let at = usize::try_from(indicator - 1).ok().and_then(|at| of_unit.get_mut(at));
            if let Some(place) = at {
                *place = Some(ruling);
            }
        }
        Ok(rulings)
    }

    /// Writes a ruling and the journal. What was ruled before is kept.
    pub async fn add_ruling(&self, ruling: &NewRuling<'_>) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("write a ruling", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let score = ruling.score.map(|score| i32::try_from(score.0).unwrap_or(i32::MAX));
        transaction
            .execute(
                "insert into score_ruling (unit, quarter, indicator, score_e3, reason, ruled_by, ruled_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    &ruling.unit,
                    &ruling.quarter,
                    &ruling.indicator,
                    &score,
                    &ruling.reason,
                    &ruling.who,
                    &ruling.at,
                ],
            )
            .await
            .map_err(failed)?;
        let object = format!("{} {} N{}", ruling.unit, ruling.quarter, ruling.indicator);
        let entry = JournalEntry {
            at: ruling.at,
            who: ruling.who,
            action: "overrule_score",
            object: &object,
            before: None,
            after: Some(json!({ "score": ruling.score, "reason": ruling.reason })),
        };
        journal::insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)
    }

    /// The latest civil day, `until` at most, on which a dossier was accepted or a ticket came; none when
    /// there are no records.
    pub async fn latest_record_day(
        &self,
        until: NaiveDate,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let failed = |error| StoreError::of("find the latest record", error);
        let row = self
            .reader()
            .await?
            .query_one(
                "select greatest(
                   (select max(received_day) from dossier where received_day <= $1),
                   (select max(created_day) from ticket where created_day <= $1))",
                &[&until],
            )
            .await
            .map_err(failed)?;
        row.try_get(0).map_err(failed)
    }

    /// When a period was closed; null while it is open.
    pub async fn closed_at(&self, period: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let failed = |error| StoreError::of("ask when a period was closed", error);
        // One closing publishes all figures of a period: any of them tells.
        let row = self
            .reader()
            .await?
            .query_opt(
                "select closed_at from indicator_published where period = $1 limit 1",
                &[&period],
            )
            .await
            .map_err(failed)?;
        row.map(|row| row.try_get(0)).transpose().map_err(failed)
    }

    /// Which of these periods are closed.
    pub async fn closed_of(&self, periods: &[String]) -> Result<Vec<String>, StoreError> {
        let failed = |error| StoreError::of("ask which periods are closed", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select p from unnest($1::text[]) as p
                 where exists (select from indicator_published where period = p)",
                &[&periods],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)
    }

    /// What was published of a period: values by indicator, unit and key. Null `ids` is all of them.
    pub async fn published(
        &self,
        period: &str,
        ids: Option<&[String]>,
    ) -> Result<BTreeMap<[String; 3], Option<Milli>>, StoreError> {
        let failed = |error| StoreError::of("read published figures", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select indicator, unit, key, value_e3 from indicator_published
                 where period = $1 and ($2::text[] is null or indicator = any($2))",
                &[&period, &ids],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let value: Option<i64> = row.try_get(3)?;
                Ok(([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?], value.map(Milli)))
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Publishes the figures of a period with the journal; nothing when it is closed already. Tells how
    /// many were written.
    pub async fn publish(
        &self,
        closing: &Closing<'_>,
        rows: &[PublishedRow],
    ) -> Result<u64, StoreError> {
        let failed = |error| StoreError::of("publish the figures of a period", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        // Two closings of one period wait for one another, and the second finds it closed.
        transaction
            .execute("select pg_advisory_xact_lock(hashtext('close ' || $1))", &[&closing.period])
            .await
            .map_err(failed)?;
        let exists: bool = transaction
            .query_one(
                "select exists (select from indicator_published where period = $1)",
                &[&closing.period],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        if exists {
            return Ok(0);
        }
        let written = insert_published(&transaction, closing, rows).await.map_err(failed)?;
        let entry = JournalEntry {
            at: closing.at,
            who: closing.who.unwrap_or("hub"),
            action: "close_period",
            object: closing.period,
            before: None,
            after: Some(json!({ "figures": written })),
        };
        journal::insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(written)
    }

    /// The latest message of each feed.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        let failed = |error| StoreError::of("read the age of the feeds", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select distinct on (service) service, last_time, last_seen from source_state
                 where last_time is not null
                 order by service, last_time desc",
                &[],
            )
            .await
            .map_err(failed)?;
        let feed = |row: &tokio_postgres::Row| {
            Ok(FeedRow {
                feed: row.try_get(0)?,
                time: row.try_get(1)?,
                received_at: row.try_get(2)?,
            })
        };
        rows.iter().map(feed).collect::<Result<_, _>>().map_err(failed)
    }

    /// Messages refused, and messages received, of all sources since they are counted.
    pub async fn refused_of_received(&self) -> Result<(i64, i64), StoreError> {
        let failed = |error| StoreError::of("count refused messages", error);
        self.reader()
            .await?
            .query_one(
                "select coalesce(sum(refused), 0)::int8, coalesce(sum(messages), 0)::int8
                 from source_state",
                &[],
            )
            .await
            .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .map_err(failed)
    }

    /// The grid cell and category with most tickets of some days: their count, latitude of the cell in
    /// thousandths of a degree, and category. Places are rounded to the grid.
    pub async fn hottest_cell(
        &self,
        span: Span,
        category: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Option<(i64, i64, String)>, StoreError> {
        let failed = |error| StoreError::of("look for hot spots", error);
        let side = f64::from(parameters.thresholds.hot_spot_cell_e3_deg) / 1_000.0;
        let row = self
            .reader()
            .await?
            .query_opt(
                "select count(*), (floor(lat / $3) * $3 * 1000)::int8, category
                 from ticket
                 where created_day >= $1 and created_day < $2 and lat is not null and lon is not null
                   and category is not null and ($4::text is null or category = $4)
                   and status <> 'duplicate'
                 group by floor(lat / $3), floor(lon / $3), category
                 order by 1 desc, category, floor(lat / $3), floor(lon / $3) limit 1",
                &[&span.from, &span.to, &side, &category],
            )
            .await
            .map_err(failed)?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .transpose()
            .map_err(failed)
    }
}

async fn insert_published(
    transaction: &tokio_postgres::Transaction<'_>,
    closing: &Closing<'_>,
    rows: &[PublishedRow],
) -> Result<u64, tokio_postgres::Error> {
    let column = |field: fn(&PublishedRow) -> &str| rows.iter().map(field).collect::<Vec<_>>();
    let number =
        |field: fn(&PublishedRow) -> Option<i64>| rows.iter().map(field).collect::<Vec<_>>();
    let units = |field: fn((i32, i32)) -> i32| {
        rows.iter().map(|row| row.units.map(field)).collect::<Vec<Option<i32>>>()
    };
    transaction
        .execute(
            "insert into indicator_published (
               period, indicator, unit, key, value_e3, numerator, denominator, bound, status,
               reporting, expected, indicators_version, calendar_version, units_version, cut_off,
               closed_at, closed_by)
             select $1, i, u, k, v, n, d, b, s, r, e, $12, $13, $14, $15, $16, $17
             from unnest($2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[],
                         $8::text[], $9::text[], $10::int4[], $11::int4[])
               as t (i, u, k, v, n, d, b, s, r, e)",
            &[
                &closing.period,
                &column(|row| &row.indicator),
                &column(|row| &row.unit),
                &column(|row| &row.key),
                &number(|row| row.value.map(|value| value.0)),
                &number(|row| row.numerator),
                &number(|row| row.denominator),
                &column(|row| row.bound),
                &column(|row| row.status),
                &units(|(reporting, _)| reporting),
                &units(|(_, expected)| expected),
                &closing.versions[0],
                &closing.versions[1],
                &closing.versions[2],
                &closing.cut_off,
                &closing.at,
                &closing.who,
            ],
        )
        .await
}

fn text_map(labels: &Value) -> BTreeMap<String, String> {
    let pairs = labels.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a figure of the catalogue is far below 1e15")]
fn thousandths(value: f64) -> Milli {
    Milli((value * 1_000.0).round() as i64)
}
