//! Rows that the figures on the performance of alarms and equipment are made of.
//!
//! An alarm counts for operators when it came up in front of them: raised, raised again, or shown again
//! while it waits to be acknowledged. What was suppressed, shelved or out of service is counted apart.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::{Store, StoreError};
use crate::performance::{
    outage::{Down, Known},
    rate::Bin,
};

/// A code with its alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// Code of the rule.
    pub code: String,
    /// Alarms that operators saw.
    pub alarms: i64,
}

/// An alarm that came again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatterRow {
    /// Code of the rule.
    pub code: String,
    /// Object.
    pub object: String,
    /// How often it came up in the span.
    pub alarms: i64,
    /// How often it came up for at least the third time within a minute.
    pub third: i64,
}

/// An alarm that has been active for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleRow {
    /// Code of the rule.
    pub code: String,
    /// Object.
    pub object: String,
    /// 1 to 4.
    pub priority: i16,
    /// First raise, hub clock.
    pub raised_at: DateTime<Utc>,
}

/// How occurrences of one priority were handled.
#[derive(Debug, Clone, PartialEq)]
pub struct HandledRow {
    /// 1 to 4, when operators saw it first.
    pub priority: i16,
    /// Occurrences.
    pub alarms: i64,
    /// Those that were acknowledged.
    pub acknowledged: i64,
    /// Those that wait to be acknowledged.
    pub waiting: i64,
    /// Median time to acknowledge, seconds.
    pub acknowledge_p50_s: Option<f64>,
    /// 90th percentile of that.
    pub acknowledge_p90_s: Option<f64>,
    /// Those that returned to normal.
    pub cleared: i64,
    /// Those that are active.
    pub active: i64,
    /// Median time to return to normal, seconds.
    pub clear_p50_s: Option<f64>,
    /// 90th percentile of that.
    pub clear_p90_s: Option<f64>,
    /// Mean of that.
    pub clear_mean_s: Option<f64>,
}

/// The ledger of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRow {
    /// Service.
    pub service: String,
    /// Stream.
    pub stream: String,
    /// Messages from the first to the last seq of every restart that is followed.
    pub expected: i64,
    /// Those of them that never came.
    pub missing: i64,
    /// Missing messages whose hole was seen first in the span.
    pub missing_in_span: i64,
}

/// Intervals of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodRow {
    /// Service.
    pub service: String,
    /// Intervals that came.
    pub intervals: i64,
    /// Those without a mark.
    pub good: i64,
}

type Span = (DateTime<Utc>, DateTime<Utc>);

impl Store {
    /// Since when alarms are recorded: the first transition, or the day the table was made.
    pub async fn alarms_known_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.reader()
            .await?
            .query_one(
                "select least((select min(at) from alarm_transition),
                   (select applied_at from schema_migration where name = '0014_alarm'))",
                &[],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of("find the first alarm", error))
    }

    /// Accounts with the right to operate that are signed in.
    pub async fn signed_in_operators(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        self.reader()
            .await?
            .query_one(
                "select count(distinct a.id) from session s join account a on a.id = s.account_id
                 where s.expires_at > $1 and a.disabled_at is null
                   and a.role in ('administrator', 'operator')",
                &[&now],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of("count the operators", error))
    }

    /// Alarms in bins of 10 minutes.
    pub async fn alarm_bins(&self, (from, to): Span) -> Result<Vec<Bin>, StoreError> {
        let failed = |error| StoreError::of("count the alarms", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select date_bin('10 minutes', at, timestamptz '1970-01-01 00:00Z'), priority,
                        presented, count(*)
                 from alarm_transition
                 where at >= $1 and at < $2 and (action in ('raise', 're_raise')
                   or (presented and to_state = 'unack'
                       and action in ('unshelve', 'unsuppress', 'in_service')))
                 group by 1, 2, 3 order by 1, 2, 3",
                &[&from, &to],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(Bin {
                    start: row.try_get(0)?,
                    priority: row.try_get(1)?,
                    presented: row.try_get(2)?,
                    alarms: row.try_get(3)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Codes by their number of alarms, the most frequent first.
    pub async fn alarm_codes(&self, (from, to): Span) -> Result<Vec<CodeRow>, StoreError> {
        let failed = |error| StoreError::of("count the alarms by code", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select code, count(*) from alarm_transition
                 where at >= $1 and at < $2 and presented and (action in ('raise', 're_raise')
                   or (to_state = 'unack' and action in ('unshelve', 'unsuppress', 'in_service')))
                 group by code order by 2 desc, code",
                &[&from, &to],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| Ok(CodeRow { code: row.try_get(0)?, alarms: row.try_get(1)? }))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Alarms that came up at least three times within a minute, the worst first.
    pub async fn chattering_alarms(&self, (from, to): Span) -> Result<Vec<ChatterRow>, StoreError> {
        let failed = |error| StoreError::of("look for chattering alarms", error);
        let rows = self
            .reader()
            .await?
            .query(
                "with raised as (
                   select code, object, count(*) over (partition by code, object order by at
                     range between interval '60 seconds' preceding and current row) as recent
                   from alarm_transition
                   where at >= $1 and at < $2 and presented and action in ('raise', 're_raise'))
                 select code, object, count(*), count(*) filter (where recent >= 3) from raised
                 group by code, object having bool_or(recent >= 3)
                 order by 4 desc, 3 desc, code, object limit 100",
                &[&from, &to],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(ChatterRow {
                    code: row.try_get(0)?,
                    object: row.try_get(1)?,
                    alarms: row.try_get(2)?,
                    third: row.try_get(3)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Alarms that operators see and that were raised before an instant and are active, the oldest first.
    pub async fn stale_alarms(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<StaleRow>, StoreError> {
        let failed = |error| StoreError::of("look for stale alarms", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select code, object, priority, raised_at from alarm
                 where state in ('unack', 'ack') and raised_at < $1 and cardinality(suppressed) = 0
                   and (shelved_until is null or shelved_until <= $2) and out_of_service_by is null
                 order by raised_at, code, object",
                &[&before, &now],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(StaleRow {
                    code: row.try_get(0)?,
                    object: row.try_get(1)?,
                    priority: row.try_get(2)?,
                    raised_at: row.try_get(3)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// How occurrences that operators saw first in the span were handled, by priority.
    pub async fn handled_alarms(&self, (from, to): Span) -> Result<Vec<HandledRow>, StoreError> {
        let failed = |error| StoreError::of("measure how alarms were handled", error);
        let sql = include_str!("alarm_performance_handled.sql");
        let rows = self.reader().await?.query(sql, &[&from, &to]).await.map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(HandledRow {
                    priority: row.try_get(0)?,
                    alarms: row.try_get(1)?,
                    acknowledged: row.try_get(2)?,
                    waiting: row.try_get(3)?,
                    acknowledge_p50_s: row.try_get(4)?,
                    acknowledge_p90_s: row.try_get(5)?,
                    cleared: row.try_get(6)?,
                    active: row.try_get(7)?,
                    clear_p50_s: row.try_get(8)?,
                    clear_p90_s: row.try_get(9)?,
                    clear_mean_s: row.try_get(10)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Every device of a service in service, with when it was down before `to`: by the alarms of these
    /// codes, shown or not, and by its connection. Of what began before `from`, what ends after it.
    pub async fn outages(
        &self,
        service: &str,
        codes: &[String],
        (from, to): Span,
    ) -> Result<Vec<Known>, StoreError> {
        let failed = |error| StoreError::of("look for outages", error);
        let client = self.reader().await?;
        let rows = client
            .query(
                "select d.source, s.first_seen from device d left join source_state s using (source)
                 where d.service = $1 and d.retired_at is null",
                &[&service],
            )
            .await
            .map_err(failed)?;
        let mut devices = BTreeMap::new();
        for row in &rows {
            let source: String = row.try_get(0).map_err(failed)?;
            let since = row.try_get(1).map_err(failed)?;
            devices.insert(source, Known { since, down: Vec::new() });
        }
        let rows = client
            .query(include_str!("alarm_performance_down.sql"), &[&service, &codes, &from, &to])
            .await
            .map_err(failed)?;
        for row in &rows {
            let source: String = row.try_get(0).map_err(failed)?;
            let down: Down = (row.try_get(1).map_err(failed)?, row.try_get(2).map_err(failed)?);
            if let Some(device) = devices.get_mut(&source) {
                device.down.push(down);
            }
        }
        Ok(devices.into_values().collect())
    }

    /// What the ledger says of each stream of registered devices.
    pub async fn stream_completeness(
        &self,
        (from, to): Span,
    ) -> Result<Vec<StreamRow>, StoreError> {
        let failed = |error| StoreError::of("sum up the ledger", error);
        let rows = self
            .reader()
            .await?
            .query(
                "with lost as (
                   select source, service, stream, boot, sum(missing) as missing,
                     sum(missing) filter (where first_seen >= $1 and first_seen < $2) as lately
                   from gap where missing > 0 group by source, service, stream, boot)
                 select r.service, r.stream, sum(r.last_seq - r.first_seq + 1)::int8,
                   coalesce(sum(l.missing), 0)::int8, coalesce(sum(l.lately), 0)::int8
                 from seq_run r
                 join device d on d.source = r.source and d.retired_at is null
                 left join lost l on (l.source, l.service, l.stream, l.boot)
                   = (r.source, r.service, r.stream, r.boot)
                 group by r.service, r.stream order by r.service, r.stream",
                &[&from, &to],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(StreamRow {
                    service: row.try_get(0)?,
                    stream: row.try_get(1)?,
                    expected: row.try_get(2)?,
                    missing: row.try_get(3)?,
                    missing_in_span: row.try_get(4)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Intervals and good ones of each service.
    pub async fn good_intervals(&self, (from, to): Span) -> Result<Vec<GoodRow>, StoreError> {
        let failed = |error| StoreError::of("count the good intervals", error);
        let client = self.reader().await?;
        let built: DateTime<Utc> = client
            .query_one("select built_before from rollup_state", &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        let hour = TimeDelta::hours(1);
        let floor = |at: DateTime<Utc>| at.duration_trunc(hour).unwrap_or(at);
        let whole = if floor(from) == from { from } else { floor(from) + hour };
        let first = whole.min(to);
        let last = floor(to).min(built).max(first);
        let sql = include_str!("alarm_performance_good.sql");
        let rows = client.query(sql, &[&from, &to, &first, &last]).await.map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(GoodRow {
                    service: row.try_get(0)?,
                    intervals: row.try_get(1)?,
                    good: row.try_get(2)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
