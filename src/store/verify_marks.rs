//! Compares the quality bits of rows with what the rows of their detectors tell. Changes nothing.
//!
//! Judges by the thresholds of now, from when on they apply to a detector. Rows that a hub at work has still
//! to judge are left out (marked hours and what depends on them), or looked at again for a while.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_postgres::Client;

use super::{
    StoreError, quality as stored,
    verify::{Difference, Scope, Verified},
};
use crate::{
    quality::{
        evaluate::{Judge, LOOKBACK_MS, Row, Span, evaluate},
        fold::Fold,
        limits::Limits,
    },
    registry::{Registry, place_text},
};

/// Days of one detector that are read at once.
const SPAN: TimeDelta = TimeDelta::days(7);
/// Marked hours that are known at once.
const DIRTY_MAX: i64 = 1_000_000;
/// How often in all rows of hours that are still open are looked at again, and the time between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// Differences that are listed of one detector.
const LISTED_MAX: usize = 1_000;

/// One detector to compare.
struct Subject<'a> {
    id: i32,
    name: String,
    limits: &'a Limits,
    period_ms: Option<u32>,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    forced: &'a [Span],
    dirty: &'a [DateTime<Utc>],
}

/// Compares the marks of every row of the scope and adds what differs.
pub async fn verify_marks(
    client: &Client,
    registry: &Registry,
    scope: &Scope,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let lookback = TimeDelta::milliseconds(LOOKBACK_MS);
    let markings = stored::markings(client).await?;
    let forced = stored::forced(client).await?;
    let done = stored::done_before(client).await?;
    let mut dirty: HashMap<i32, Vec<DateTime<Utc>>> = HashMap::new();
    for hour in stored::dirty(client, (i32::MIN, DateTime::UNIX_EPOCH), DIRTY_MAX).await? {
        dirty.entry(hour.detector_id).or_default().push(hour.hour);
    }
    let mut tries = TRIES;
    let devices: BTreeMap<&str, _> =
        registry.devices.values().map(|device| (device.source.as_str(), device)).collect();
    for (source, device) in devices {
        if scope.source.as_ref().is_some_and(|wanted| wanted != source) {
            continue;
        }
        for (place, id) in &device.detectors {
            let since = markings.get(id).map_or(DateTime::UNIX_EPOCH, |marking| marking.since);
            // Before that the rows may be gone that decide.
            let known = scope.intervals_since + lookback;
            let subject = Subject {
                id: *id,
                name: format!("{source} {}", place_text(place)),
                limits: registry.table.of(*id),
                period_ms: device.period_ms,
                zone: scope.zone,
                from: scope.from.max(since).max(known),
                to: scope.to,
                forced: forced.get(id).map_or(&[], Vec::as_slice),
                dirty: dirty.get(id).map_or(&[], Vec::as_slice),
            };
            subject.verify(client, (done, &mut tries), verified).await?;
        }
    }
    Ok(())
}

impl Subject<'_> {
    async fn verify(
        &self,
        client: &Client,
        (done, tries): (DateTime<Utc>, &mut u32),
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let mut from = self.from;
        while from < self.to {
            let to = (from + SPAN).min(self.to);
            loop {
                let (rows, found) = self.compare(client, (from, to)).await?;
                let is_settled = found.iter().all(|difference| difference.bucket < done);
                if is_settled || *tries == 0 {
                    verified.rows += rows;
                    verified.add_all(found);
                    break;
                }
                *tries -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            from = to;
        }
        Ok(())
    }

    /// How many rows were compared, and what differs.
    async fn compare(
        &self,
        client: &Client,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(i64, Vec<Difference>), StoreError> {
        let lookback = TimeDelta::milliseconds(LOOKBACK_MS);
        let mut read = stored::rows(client, &[self.id], (from - lookback, to)).await?;
        let rows = read.remove(&self.id).unwrap_or_default();
        let judge = Judge {
            limits: self.limits,
            period_ms: self.period_ms,
            zone: self.zone,
            forced: self.forced,
        };
        let span = (from.timestamp_millis(), i64::MAX);
        let found = evaluate(Fold::default(), &rows, span, &judge);
        let is_pending = |row: &Row| {
            let reach = TimeDelta::hours(1) + lookback;
            self.dirty.iter().any(|hour| row.time >= *hour && row.time < *hour + reach)
        };
        let compared = rows.iter().filter(|row| row.time >= from && !is_pending(row)).count();
        let difference = |(at, quality): &(usize, i32)| Difference {
            table: "interval_reading",
            detector: self.name.clone(),
            bucket: rows[*at].time,
            column: "quality".to_owned(),
            stored: Some(rows[*at].quality.to_string()),
            recomputed: Some(quality.to_string()),
        };
        let different = found.changed.iter().filter(|(at, _)| !is_pending(&rows[*at]));
        let different = different.take(LISTED_MAX).map(difference).collect();
        Ok((i64::try_from(compared).unwrap_or(i64::MAX), different))
    }
}
