//! Judging from the rows: everything after a start, single detectors after late data, and marked hours.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Duration, Instant};
use tokio_postgres::Client;

use super::{
    QualityTask, Work,
    memory::{Detector, Memory, hour_ms, hour_of},
};
use crate::{
    quality::{
        evaluate::{Episode, Evaluated, Judge, LOOKBACK_MS, Row, evaluate, splice},
        fold::Fold,
    },
    registry::{Device, Registry},
    store::{
        StoreError,
        quality::{self as stored, DirtyHour, Mark, Marking, States},
        rollup_build::RollupState,
    },
};

/// Detectors whose rows are read at once: two days of them are some hundred thousand rows.
const TOGETHER: usize = 25;
/// Marked hours that are looked at at once.
const DIRTY_MAX: i64 = 4_096;
/// Marked hours of a detector that are judged at once.
const SPAN: TimeDelta = TimeDelta::days(7);
/// How long the list of hours to judge may be worked on before batches are heard again.
const PATIENCE: Duration = Duration::from_millis(300);
/// Rows from then on are marked by changed thresholds: those that were encoded before have come.
const CHANGE: TimeDelta = TimeDelta::minutes(10);
const FIVE_MINUTES_MS: i64 = 300_000;

fn at(time_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time_ms).unwrap_or_default()
}

/// After every row that can come.
fn the_end() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(7_258_118_400_000).unwrap_or_default()
}

/// Devices by their lanes and zones.
pub(super) fn owners(registry: &Registry) -> HashMap<i32, Arc<Device>> {
    let each = registry
        .devices
        .values()
        .flat_map(|device| device.detectors.values().map(|id| (*id, Arc::clone(device))));
    each.collect()
}

/// Begins anew: judges everything from the border of exactness on.
pub(super) async fn recover(
    task: &mut QualityTask,
    client: Client,
    registry: Arc<Registry>,
) -> Result<Work, StoreError> {
    let memory = Memory {
        markings: stored::markings(&client).await?,
        forced: stored::forced(&client).await?,
        ..Memory::default()
    };
    let next_dirty = (i32::MIN, DateTime::UNIX_EPOCH);
    let owners = owners(&registry);
    let again = BTreeMap::new();
    let mut work = Work { client, registry, owners, memory, again, closed: None, next_dirty };
    let now = task.clock.now();
    take_thresholds(&mut work, now).await?;
    let done = stored::done_before(&work.client).await?;
    let state = RollupState::load(&work.client).await?;
    work.memory.closed_ms = state.closed_before.timestamp_millis();
    // A clock that was ahead and came back lowered the border of the closed hours.
    let done = done.min(state.closed_before);
    let registry = Arc::clone(&work.registry);
    let mut ids: Vec<i32> = work.owners.keys().copied().collect();
    ids.sort_unstable();
    work.memory.pending.extend(&ids);
    for some in ids.chunks(TOGETHER) {
        if task.stop.is_cancelled() {
            break;
        }
        recover_some(task, &mut work, (some, done, now)).await?;
        for id in some {
            work.memory.pending.remove(id);
        }
        // The writer goes on: what it tells of detectors that are read already is taken at once.
        task.pump(&mut work).await?;
    }
    work.memory.changed.extend(registry.devices.keys().cloned());
    Ok(work)
}

async fn recover_some(
    task: &QualityTask,
    work: &mut Work,
    (ids, done, now): (&[i32], DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let mut folds = stored::folds(&work.client, ids, done).await?;
    let since = |id: &i32| at(work.memory.since_ms(*id).max(0)).max(done);
    let is_kept = ids.iter().all(|id| folds.contains_key(id));
    // Rows that are marked from a time to come on are history until then.
    let first = ids.iter().map(since).min().unwrap_or(done).min(now);
    let lookback = if is_kept { TimeDelta::zero() } else { TimeDelta::milliseconds(LOOKBACK_MS) };
    let from = if is_kept { done } else { first - lookback };
    let rows = stored::rows(&work.client, ids, (from, the_end())).await?;
    let each = ids.iter().map(|id| {
        let fold = if is_kept { folds.remove(id).unwrap_or_default() } else { Fold::default() };
        (*id, since(id), fold)
    });
    let each: Vec<_> = each.collect();
    store(task, work, each, rows, None).await
}

/// Judges detectors from their rows, which reach to the newest one or, with `to`, only to there; stores what
/// changed, and what is known of those whose newest rows were among them.
async fn store(
    task: &QualityTask,
    work: &mut Work,
    each: Vec<(i32, DateTime<Utc>, Fold)>,
    mut rows: HashMap<i32, Vec<Row>>,
    to: Option<(DateTime<Utc>, Vec<DirtyHour>)>,
) -> Result<(), StoreError> {
    let registry = Arc::clone(&work.registry);
    let (to, clean) = to.map_or((None, Vec::new()), |(to, clean)| (Some(to), clean));
    let spans: Vec<_> = each.iter().map(|(id, from, _)| (*id, *from, to)).collect();
    let mut episodes = stored::episodes(&work.client, &spans).await?;
    let mut writing = stored::Work { clean, ..stored::Work::default() };
    let mut judged = Vec::new();
    for (id, from, fold) in each {
        let rows = rows.remove(&id).unwrap_or_default();
        let Some(period_ms) = work.owners.get(&id).map(|device| device.period_ms) else { continue };
        let limits = registry.table.of(id);
        let forced = work.memory.forced_of(id);
        let judge = Judge { limits, period_ms, zone: task.zone, forced };
        let border_ms = rows.last().map_or(i64::MAX, |row| hour_ms(row.time.timestamp_millis()));
        let found = evaluate(fold, &rows, (from.timestamp_millis(), border_ms), &judge);
        for (at, quality) in &found.changed {
            let Row { time, duration_ms, .. } = rows[*at];
            writing.marks.push(Mark { detector_id: id, time, duration_ms, quality: *quality });
        }
        let stored = episodes.remove(&id).unwrap_or_default();
        let span = (from.timestamp_millis(), to.map(|to| to.timestamp_millis()));
        if let Some(states) = states(id, &stored, span, &found) {
            writing.states.push(states);
        }
        judged.push((id, found, border_ms));
    }
    writing.marks.sort_unstable();
    if !writing.is_empty() {
        stored::write(&mut work.client, &writing).await?;
        task.metrics.quality_marked.inc_by(writing.marks.len() as u64);
    }
    task.metrics.quality_rejudged.inc_by(judged.len() as u64);
    if to.is_none() {
        for (id, Evaluated { fold, border, .. }, border_ms) in judged {
            let border = border.map(|fold| (border_ms, fold));
            work.memory.detectors.insert(id, Detector::of(fold, border));
            note_changed(work, id);
        }
    }
    Ok(())
}

fn note_changed(work: &mut Work, detector_id: i32) {
    if let Some(device) = work.owners.get(&detector_id) {
        work.memory.changed.insert(device.source.clone());
    }
}

/// What is to be stored of the states of a detector; null when they are as they should be.
fn states(
    detector_id: i32,
    known: &[Episode],
    span: (i64, Option<i64>),
    found: &Evaluated,
) -> Option<States> {
    let right = splice(known, span, &found.open, &found.turns);
    let is_kept = |episode: &Episode| right.iter().any(|right| right.id == episode.id);
    let gone: Vec<i64> =
        known.iter().filter(|episode| !is_kept(episode)).filter_map(|episode| episode.id).collect();
    let is_same = |episode: &Episode| {
        known.iter().any(|known| {
            known.id == episode.id
                && (known.since_ms, known.until_ms) == (episode.since_ms, episode.until_ms)
        })
    };
    let kept: Vec<Episode> = right.into_iter().filter(|episode| !is_same(episode)).collect();
    (!gone.is_empty() || !kept.is_empty()).then_some(States { detector_id, gone, kept })
}

/// Judges the detectors again that got rows out of order.
pub(super) async fn late(task: &mut QualityTask, work: &mut Work) -> Result<(), StoreError> {
    // What gets late rows meanwhile is judged at the next look.
    let mut again = std::mem::take(&mut work.again);
    while let Some((&first, _)) = again.first_key_value() {
        let some: Vec<(i32, i64)> =
            again.range(first..).take(TOGETHER).map(|(id, from)| (*id, *from)).collect();
        let mut each = Vec::with_capacity(some.len());
        let mut begin = the_end();
        for (id, from_ms) in &some {
            // From the history before the hour if it is known, else from rows of before.
            let detector = work.memory.detectors.get(id);
            let border = detector.and_then(Detector::border);
            let (fold, read_ms) = match border.filter(|(border, _)| border <= from_ms) {
                Some((border, fold)) => (fold, border),
                None => (Fold::default(), from_ms - LOOKBACK_MS),
            };
            begin = begin.min(at(read_ms));
            each.push((*id, at(*from_ms), fold, at(read_ms)));
        }
        let ids: Vec<i32> = some.iter().map(|(id, _)| *id).collect();
        let mut rows = stored::rows(&work.client, &ids, (begin, the_end())).await?;
        for (id, _, _, read) in &each {
            if let Some(rows) = rows.get_mut(id) {
                rows.retain(|row| row.time >= *read);
            }
        }
        let each = each.into_iter().map(|(id, from, fold, _)| (id, from, fold)).collect();
        store(task, work, each, rows, None).await?;
        for (id, _) in some {
            again.remove(&id);
        }
        task.pump(work).await?;
    }
    Ok(())
}

/// Judges hours that got rows after they were closed, for a while.
pub(super) async fn drain(task: &QualityTask, work: &mut Work) -> Result<(), StoreError> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let hours = stored::dirty(&work.client, work.next_dirty, DIRTY_MAX).await?;
        let is_round = work.next_dirty == (i32::MIN, DateTime::UNIX_EPOCH);
        work.next_dirty = (i32::MIN, DateTime::UNIX_EPOCH);
        if hours.is_empty() {
            if is_round {
                return Ok(());
            }
            continue;
        }
        // Read after the hours: what people declare is committed with the hours it concerns.
        take_forced(work).await?;
        let mut rest = &hours[..];
        while let Some(first) = rest.first() {
            let is_near = |hour: &&DirtyHour| {
                hour.detector_id == first.detector_id && hour.hour - first.hour < SPAN
            };
            let (some, others) = rest.split_at(rest.iter().take_while(is_near).count());
            drain_span(task, work, some).await?;
            rest = others;
            if Instant::now() >= until {
                if let Some(next) = rest.first() {
                    work.next_dirty = (next.detector_id, next.hour);
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Judges hours of one detector, and what depends on them.
async fn drain_span(
    task: &QualityTask,
    work: &mut Work,
    hours: &[DirtyHour],
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return Ok(()) };
    let id = first.detector_id;
    let from = first.hour.max(at(work.memory.since_ms(id).max(0)));
    let end = last.hour + TimeDelta::hours(1) + TimeDelta::milliseconds(LOOKBACK_MS);
    if from >= end {
        let clean = stored::Work { clean: hours.to_vec(), ..stored::Work::default() };
        return stored::write(&mut work.client, &clean).await;
    }
    // What depends on these hours may reach into what memory holds: then all of it is judged.
    let newest = work.memory.detectors.get(&id).and_then(|detector| detector.fold.newest());
    let newest_ms = newest.map_or(i64::MIN, |(newest, _)| newest);
    let reaches = end.timestamp_millis() > newest_ms;
    let to = if reaches { the_end() } else { end };
    let begin = from - TimeDelta::milliseconds(LOOKBACK_MS);
    let rows = stored::rows(&work.client, &[id], (begin, to)).await?;
    let each = vec![(id, from, Fold::default())];
    let clean = hours.to_vec();
    if reaches {
        store(task, work, each, rows, None).await?;
        let clean = stored::Work { clean, ..stored::Work::default() };
        stored::write(&mut work.client, &clean).await
    } else {
        store(task, work, each, rows, Some((end, clean))).await
    }
}

/// Keeps the histories before an hour: rows before it are judged.
pub(super) async fn finish(work: &mut Work, before: DateTime<Utc>) -> Result<(), StoreError> {
    let before = hour_of(before);
    let before_ms = before.timestamp_millis();
    let Work { client, memory, .. } = work;
    let kept = |(id, detector): (&i32, &Detector)| Some((*id, detector.before(before_ms)?));
    stored::finish(client, before, memory.detectors.iter().filter_map(kept)).await
}

/// Takes over what people declared bad. Their rows stand in the list of hours to judge.
async fn take_forced(work: &mut Work) -> Result<(), StoreError> {
    let forced = stored::forced(&work.client).await?;
    if forced != work.memory.forced {
        let ids: Vec<i32> = forced.keys().chain(work.memory.forced.keys()).copied().collect();
        for id in ids {
            note_changed(work, id);
        }
        work.memory.forced = forced;
    }
    Ok(())
}

/// Takes over thresholds: a detector whose own changed is marked by them from soon on.
pub(super) async fn take_thresholds(work: &mut Work, now: DateTime<Utc>) -> Result<(), StoreError> {
    let registry = Arc::clone(&work.registry);
    let soon_ms = (now + CHANGE).timestamp_millis();
    let soon = at(soon_ms - soon_ms.rem_euclid(FIVE_MINUTES_MS));
    let mut changed = Vec::new();
    for (id, device) in &work.owners {
        let fingerprint = Some(registry.table.of(*id).fingerprint(device.period_ms));
        let since = match work.memory.markings.get(id) {
            Some(known) if known.fingerprint == fingerprint => continue,
            Some(Marking { since, fingerprint: None }) => *since,
            Some(Marking { since, .. }) => soon.max(*since),
            None => DateTime::UNIX_EPOCH,
        };
        changed.push((*id, Marking { since, fingerprint }));
    }
    if changed.is_empty() {
        return Ok(());
    }
    stored::keep_markings(&work.client, &changed).await?;
    for (id, marking) in &changed {
        // Its history is made anew by the new thresholds.
        if let Some(detector) = work.memory.detectors.get_mut(id) {
            detector.forget_border();
            work.again.insert(*id, marking.since.timestamp_millis().max(0));
        }
    }
    work.memory.markings.extend(changed);
    Ok(())
}
