//! Builds the rollups of hours and civil days from the 5-minute rows, on a connection of its own and in
//! small steps; the list of marked hours is drained the same way.
//!
//! Why every read is exact: a batch marks the closed hours that it changes in its own transaction.
//! What is built without a mark is therefore the sum of its rows, whenever the batch commits. A mark is
//! deleted before its hour is summed anew, so the sum sees every batch whose mark is gone. What is
//! written beyond `built_before` and `days_before` is not looked at until they move past it. Hours
//! whose 5-minute rows may be gone are never built again.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_postgres::{Client, GenericClient, Statement};

use super::{Store, StoreError};
use crate::day::{day_around, day_borders};

const SPANS: &str = include_str!("rollup_spans.sql");
const HOUR: TimeDelta = TimeDelta::hours(1);
/// From the begin of an hour to that of its last 5 minutes.
const LAST_BUCKET: TimeDelta = TimeDelta::minutes(55);
/// 5-minute rows that one statement sums up at most: about a tenth of a second.
const ROWS_MAX: usize = 60_000;
const ROWS_PER_HOUR: usize = 12;
/// Most hours of one step.
const HOURS_MAX: usize = 24 * 7;
/// Marks that are taken at a time. A batch that changes one of these hours waits meanwhile.
const MARKS_MAX: i64 = 128;
/// Before every mark.
const FIRST: (i32, DateTime<Utc>) = (i32::MIN, DateTime::UNIX_EPOCH);
/// How long a closed hour stays open for messages on their way.
const GRACE: TimeDelta = TimeDelta::minutes(5);

const OLDEST: &str = "\
    select min(o.bucket) from detector d cross join lateral ( \
      select f.bucket from interval_5min f where f.detector_id = d.id and f.bucket >= $1 \
      order by f.bucket limit 1) o";
// Rows that a batch is changing are passed over, so that worker and writer never wait for each other
// in a circle.
const TAKE: &str = "\
    with taken as ( \
      select detector_id, hour from rollup_dirty where (detector_id, hour) > ($1, $2) \
      order by detector_id, hour limit $3 for update skip locked) \
    delete from rollup_dirty d using taken t \
    where d.detector_id = t.detector_id and d.hour = t.hour \
    returning d.detector_id, d.hour";
const HOURS_DONE: &str = "\
    update rollup_state set built_before = $1 \
    where built_before = $2 and closed_before >= $1 and lowered = $3";
const DAYS_DONE: &str = "\
    update rollup_state set days_before = $1 \
    where days_before = $2 and built_before >= $1 and lowered = $3";

/// How far the rollups have come; the columns of table `rollup_state`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of the same name, documented there")]
pub struct RollupState {
    pub closed_before: DateTime<Utc>,
    pub built_before: DateTime<Utc>,
    pub days_before: DateTime<Utc>,
    pub kept_since: DateTime<Utc>,
    pub lowered: i32,
    pub zone: String,
}

impl RollupState {
    /// Reads it.
    pub async fn load(client: &impl GenericClient) -> Result<Self, StoreError> {
        let row = client
            .query_one(
                "select closed_before, built_before, days_before, kept_since, lowered, zone \
                 from rollup_state",
                &[],
            )
            .await
            .map_err(|error| StoreError::of("read the state of the rollups", error))?;
        Ok(Self {
            closed_before: row.get(0),
            built_before: row.get(1),
            days_before: row.get(2),
            kept_since: row.get(3),
            lowered: row.get(4),
            zone: row.get(5),
        })
    }
}

/// Hours before this are to be closed at `now`.
pub fn closing(now: DateTime<Utc>) -> DateTime<Utc> {
    hour_of(now - GRACE)
}

/// The hour, of UTC, that an instant lies in.
pub fn hour_of(time: DateTime<Utc>) -> DateTime<Utc> {
    // Only fails for times that no 64-bit count of nanoseconds reaches.
    time.duration_trunc(HOUR).unwrap_or(time)
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is left to do.
    Idle,
    /// New hours or days were built.
    Built,
    /// Marked hours were built anew: so many.
    Drained(usize),
}

/// Lane or zone, begin and end.
type Span = (i32, DateTime<Utc>, DateTime<Utc>);

/// The worker's connection and statements.
pub struct Builder {
    client: Client,
    zone: Tz,
    hours: Statement,
    days: Statement,
    /// The mark that was taken last: the next ones come after it, so that none waits for ever.
    last_taken: (i32, DateTime<Utc>),
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("zone", &self.zone).finish_non_exhaustive()
    }
}

impl Builder {
    /// Connects; `zone` is that of the civil days.
    pub async fn connect(store: &Store, zone: Tz) -> Result<Self, StoreError> {
        let client = store.connect().await?;
        let failed = |error| StoreError::of("prepare the worker of the rollups", error);
        // A worker that is cut off in mid-transaction must not keep marks locked. Its work need not be
        // synced: a crash that loses some of it brings the marks back too.
        client
            .batch_execute(
                "set idle_in_transaction_session_timeout = '10s'; set synchronous_commit = off",
            )
            .await
            .map_err(failed)?;
        let prepare = async |table| client.prepare(&SPANS.replace("{table}", table)).await;
        let hours = prepare("interval_1h").await.map_err(failed)?;
        let days = prepare("interval_1d").await.map_err(failed)?;
        Ok(Self { client, zone, hours, days, last_taken: FIRST })
    }

    /// How far the rollups have come, and how many hours are marked.
    pub async fn state(&self) -> Result<(RollupState, i64), StoreError> {
        let state = RollupState::load(&self.client).await?;
        let marks = self
            .client
            .query_one("select count(*) from rollup_dirty", &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of("count the marked hours", error))?;
        Ok((state, marks))
    }

    /// Does the next small piece of work: closed hours first, then marks, then days.
    pub async fn step(&mut self) -> Result<Step, StoreError> {
        let state = RollupState::load(&self.client).await?;
        if state.zone != self.zone.name() {
            self.change_zone(&state).await?;
            return Ok(Step::Built);
        }
        if state.built_before < state.closed_before {
            self.build_hours(&state).await?;
            return Ok(Step::Built);
        }
        match self.drain(&state).await? {
            None => self.build_day(&state).await,
            Some(hours) => Ok(Step::Drained(hours)),
        }
    }

    async fn build_hours(&self, state: &RollupState) -> Result<(), StoreError> {
        let doing = "build the rollup of hours";
        let detectors = self.detectors().await?;
        let oldest = self.oldest(state.built_before).await?;
        let begin = oldest.map_or(state.closed_before, hour_of).max(state.built_before);
        let fit = ROWS_MAX / (ROWS_PER_HOUR * detectors.len().max(1));
        let mut end = begin;
        let mut hours = Vec::new();
        while end < state.closed_before && hours.len() < fit.clamp(1, HOURS_MAX) {
            hours.push((end, end + HOUR));
            end += HOUR;
        }
        self.build(doing, &self.hours, &detectors, &hours).await?;
        self.client
            .execute(HOURS_DONE, &[&end.max(begin), &state.built_before, &state.lowered])
            .await
            .map_err(|error| StoreError::of(doing, error))?;
        Ok(())
    }

    /// Builds the first day that is complete but not stored.
    async fn build_day(&self, state: &RollupState) -> Result<Step, StoreError> {
        let doing = "build the rollup of days";
        let begun = state.days_before > DateTime::UNIX_EPOCH;
        if begun && day_around(state.days_before, self.zone).1 > state.built_before {
            return Ok(Step::Idle);
        }
        let oldest = self.oldest(state.days_before).await?;
        let first = oldest.unwrap_or(state.built_before).max(state.days_before);
        let (mut begin, mut end) = day_around(first, self.zone);
        if begin < state.kept_since {
            // A part of its rows may be gone.
            (begin, end) = day_around(end, self.zone);
        }
        let done = if end <= state.built_before {
            let detectors = self.detectors().await?;
            self.build(doing, &self.days, &detectors, &[(begin, end)]).await?;
            end
        } else {
            begin.min(day_around(state.built_before, self.zone).0)
        };
        if done <= state.days_before {
            return Ok(Step::Idle);
        }
        self.client
            .execute(DAYS_DONE, &[&done, &state.days_before, &state.lowered])
            .await
            .map_err(|error| StoreError::of(doing, error))?;
        Ok(Step::Built)
    }

    /// Takes some marks and builds their hours and days anew, in one transaction; null when there is
    /// none to take.
    async fn drain(&mut self, state: &RollupState) -> Result<Option<usize>, StoreError> {
        let failed = |error| StoreError::of("build marked hours anew", error);
        let transaction = self.client.transaction().await.map_err(failed)?;
        let (detector_id, hour) = self.last_taken;
        let rows = transaction.query(TAKE, &[&detector_id, &hour, &MARKS_MAX]).await;
        let rows = rows.map_err(failed)?;
        let marks: Vec<(i32, DateTime<Utc>)> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let (hours, days) = spans_of(&marks, state, self.zone);
        store_spans(&transaction, &self.hours, &hours).await.map_err(failed)?;
        store_spans(&transaction, &self.days, &days).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        if hours.len() < marks.len() {
            let left = marks.len() - hours.len();
            tracing::warn!(
                left,
                "hours were changed whose 5-minute rows are gone: left as they were"
            );
        }
        let was_first = self.last_taken == FIRST;
        // A step that takes nothing ends a round; the next one begins with the first mark again.
        self.last_taken = marks.iter().copied().max().unwrap_or(FIRST);
        Ok((!marks.is_empty() || !was_first).then_some(hours.len()))
    }

    /// Days of another zone are not days of this one: those that can be built again are.
    async fn change_zone(&mut self, state: &RollupState) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("change the zone of the days", error);
        let transaction = self.client.transaction().await.map_err(failed)?;
        transaction
            .execute("delete from interval_1d where bucket >= $1", &[&state.kept_since])
            .await
            .map_err(failed)?;
        transaction
            .execute(
                "update rollup_state set zone = $1, days_before = $2",
                &[&self.zone.name(), &DateTime::UNIX_EPOCH],
            )
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn detectors(&self) -> Result<Vec<i32>, StoreError> {
        let rows = self.client.query("select id from detector order by id", &[]).await;
        let rows = rows.map_err(|error| StoreError::of("list the detectors", error))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn oldest(&self, since: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = self.client.query_one(OLDEST, &[&since]).await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of("find the oldest 5-minute row", error))
    }

    /// Sums up the same spans of many lanes and zones, in statements of bounded size. Nobody reads
    /// them before the state says that they are done.
    async fn build(
        &self,
        doing: &'static str,
        statement: &Statement,
        detectors: &[i32],
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        let hours: i64 = spans.iter().map(|(begin, end)| (*end - *begin).num_hours()).sum();
        let rows = usize::try_from(hours).unwrap_or(1).max(1) * ROWS_PER_HOUR;
        for some in detectors.chunks((ROWS_MAX / rows).max(1)) {
            let spans: Vec<Span> = some
                .iter()
                .flat_map(|id| spans.iter().map(|(begin, end)| (*id, *begin, *end)))
                .collect();
            store_spans(&self.client, statement, &spans)
                .await
                .map_err(|error| StoreError::of(doing, error))?;
        }
        Ok(())
    }
}

/// The hours to build anew for these marks, and the days of them that are stored.
fn spans_of(
    marks: &[(i32, DateTime<Utc>)],
    state: &RollupState,
    zone: Tz,
) -> (Vec<Span>, Vec<Span>) {
    let is_kept = |begin: &DateTime<Utc>| *begin >= state.kept_since;
    let kept = marks.iter().filter(|(_, hour)| is_kept(hour));
    let hours = kept.clone().map(|(id, hour)| (*id, *hour, *hour + HOUR)).collect();
    let mut days: Vec<Span> = kept
        .flat_map(|(id, hour)| {
            // An hour may lie in two days where the zone's offset is no whole hour.
            let borders = day_borders(*hour, *hour + LAST_BUCKET + TimeDelta::seconds(1), zone);
            let spans = borders.windows(2).map(|border| (*id, border[0], border[1]));
            spans.collect::<Vec<_>>()
        })
        .filter(|(_, begin, _)| *begin < state.days_before && is_kept(begin))
        .collect();
    days.sort_unstable();
    days.dedup();
    (hours, days)
}

async fn store_spans(
    client: &impl GenericClient,
    statement: &Statement,
    spans: &[Span],
) -> Result<(), tokio_postgres::Error> {
    let from = spans.iter().map(|(_, begin, _)| *begin).min();
    let to = spans.iter().map(|(_, _, end)| *end).max();
    let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
    let detectors: Vec<i32> = spans.iter().map(|(id, ..)| *id).collect();
    let begins: Vec<DateTime<Utc>> = spans.iter().map(|(_, begin, _)| *begin).collect();
    let ends: Vec<DateTime<Utc>> = spans.iter().map(|(.., end)| *end).collect();
    client.execute(statement, &[&detectors, &begins, &ends, &from, &to]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn state(days_before: &str) -> RollupState {
        let far = at("2027-01-01T00:00:00Z");
        RollupState {
            closed_before: far,
            built_before: far,
            days_before: at(days_before),
            kept_since: at("2026-01-01T00:00:00Z"),
            lowered: 0,
            zone: String::new(),
        }
    }

    #[test]
    fn an_hour_is_closed_some_minutes_after_its_end() {
        assert_eq!(closing(at("2026-03-02T10:04:59Z")), at("2026-03-02T09:00:00Z"));
        assert_eq!(closing(at("2026-03-02T10:05:00Z")), at("2026-03-02T10:00:00Z"));
    }

    #[test]
    fn an_hour_across_midnight_concerns_both_days() {
        let zone = chrono_tz::Asia::Kathmandu;
        let marks = [(1, at("2026-03-01T18:00:00Z")), (1, at("2026-03-01T19:00:00Z"))];
        let (hours, days) = spans_of(&marks, &state("2026-12-01T18:15:00Z"), zone);
        assert_eq!(hours.len(), 2);
        let begins: Vec<_> = days.iter().map(|(_, begin, _)| *begin).collect();
        assert_eq!(begins, [at("2026-02-28T18:15:00Z"), at("2026-03-01T18:15:00Z")]);
    }

    #[test]
    fn only_stored_days_are_built_anew() {
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        let marks = [(1, at("2026-03-01T16:00:00Z")), (1, at("2026-03-01T17:00:00Z"))];
        let (_, days) = spans_of(&marks, &state("2026-03-01T17:00:00Z"), zone);
        assert_eq!(days, [(1, at("2026-02-28T17:00:00Z"), at("2026-03-01T17:00:00Z"))]);
    }

    #[test]
    fn what_may_be_gone_is_not_built_again() {
        let zone = chrono_tz::UTC;
        let marks = [(1, at("2025-12-31T23:00:00Z")), (1, at("2026-01-01T00:00:00Z"))];
        let (hours, days) = spans_of(&marks, &state("2026-12-01T00:00:00Z"), zone);
        assert_eq!((hours.len(), days.len()), (1, 1));
        assert_eq!(hours[0].1, at("2026-01-01T00:00:00Z"));
    }
}
