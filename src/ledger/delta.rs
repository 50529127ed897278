//! What a batch changes in the ledger: read off the state before and after it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ioc_ingest::Topic;

use super::{Batch, Gap, Run, Span, Touched};

/// What a batch changes. Rows are those of tables `seq_run` and `gap`.
#[derive(Debug)]
pub struct Delta<'i> {
    /// Boots that are followed from now on.
    pub opened: Vec<RunChange<'i>>,
    /// Boots whose smallest or largest number changed.
    pub moved: Vec<RunChange<'i>>,
    /// Rows of boots that are followed no more.
    pub closed: Vec<i32>,
    /// Gaps that are new or changed, each with its whole state.
    pub gaps: Vec<GapChange<'i>>,
    /// Rows of gaps that became part of another.
    pub joined: Vec<i64>,
    /// What changed of the figures of a source: an entry for each of its streams where any did.
    pub figures: Vec<(&'i Topic, Figures)>,
    pub(super) streams: Vec<Touched<'i>>,
    pub(super) strangers: usize,
    pub(super) next_run: i32,
    pub(super) next_gap: i64,
}

/// A row of `seq_run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunChange<'i> {
    /// Number of the row.
    pub id: i32,
    /// The stream.
    pub topic: &'i Topic,
    /// Restart counter.
    pub boot: u32,
    /// Smallest number that came.
    pub first: u64,
    /// Largest number that came.
    pub last: u64,
}

/// A row of `gap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapChange<'i> {
    /// Number of the row.
    pub id: i64,
    /// The stream.
    pub topic: &'i Topic,
    /// Restart counter.
    pub boot: u32,
    /// First and last number of the hole as it was first seen; null for loss across a restart.
    pub bounds: Option<(u64, u64)>,
    /// What is still missing; null for loss across a restart, of which nobody knows how much it was.
    pub spans: Option<Vec<Span>>,
    /// When it was first seen, hub clock.
    pub first_seen: DateTime<Utc>,
    /// When it was filled, or its boot followed no more; null while it is open.
    pub closed_at: Option<DateTime<Utc>>,
}

impl GapChange<'_> {
    /// How many messages are still missing; null when nobody knows.
    pub fn missing(&self) -> Option<u64> {
        self.spans.as_ref().map(|spans| spans.iter().map(|span| span.missing).sum())
    }
}

/// Changes of the figures of known loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Gaps that can still be filled.
    pub open_gaps: i64,
    /// Messages that are missing, in gaps open or given up.
    pub missing: i64,
    /// Restarts, across which loss is unknown.
    pub restarts: i64,
}

impl Figures {
    /// Adds what another stream of the source, or another batch, changed.
    pub const fn add(&mut self, other: Self) {
        self.open_gaps += other.open_gaps;
        self.missing += other.missing;
        self.restarts += other.restarts;
    }
}

/// A count of messages as the database holds it. Numbers stay below 2^53, and so do their counts
/// within one boot.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn of<'i>(batch: Batch<'_, 'i>) -> Delta<'i> {
    let Batch { ledger, touched, events, strangers, mut next_gap, next_run, .. } = batch;
    let mut delta = Delta {
        opened: Vec::new(),
        moved: Vec::new(),
        closed: Vec::new(),
        gaps: Vec::new(),
        joined: Vec::new(),
        figures: Vec::new(),
        streams: Vec::new(),
        strangers,
        next_run,
        next_gap,
    };
    for Touched { topic, place, runs } in &touched {
        let before = place.map_or(&[][..], |place| &ledger.streams[place]);
        let figures = compare(topic, before, runs, events.at, &mut delta);
        if figures != Figures::default() {
            delta.figures.push((topic, figures));
        }
    }
    delta.streams = touched;
    for (topic, run) in &events.closed {
        // What was filled in the same batch is not given up.
        let known = ledger.boots(topic).iter().find(|known| known.id == run.id);
        let is_gone = |old: &&Arc<Gap>| run.gaps.iter().all(|gap| gap.id != old.id);
        for old in known.iter().flat_map(|known| known.gaps.iter()).filter(is_gone) {
            delta.gaps.push(row(topic, run.boot, &filled(old), Some(events.at)));
        }
        for gap in run.gaps.iter() {
            let missing = signed(gap.missing());
            delta.figures.push((topic, Figures { missing, ..Figures::default() }));
            delta.gaps.push(row(topic, run.boot, gap, Some(events.at)));
        }
    }
    for (topic, boot, at) in events.restarts {
        delta.figures.push((topic, Figures { restarts: 1, ..Figures::default() }));
        delta.gaps.push(GapChange {
            id: next_gap,
            topic,
            boot,
            bounds: None,
            spans: None,
            first_seen: at,
            closed_at: None,
        });
        next_gap += 1;
    }
    delta.next_gap = next_gap;
    delta.joined.extend(events.joined);
    // One order of locks, whatever the order of messages was.
    delta.opened.sort_unstable_by_key(|run| run.id);
    delta.moved.sort_unstable_by_key(|run| run.id);
    delta.gaps.sort_unstable_by_key(|gap| gap.id);
    delta
}

/// Compares one stream before and after.
fn compare<'i>(
    topic: &'i Topic,
    before: &[Run],
    after: &[Run],
    at: DateTime<Utc>,
    delta: &mut Delta<'i>,
) -> Figures {
    let mut figures = Figures::default();
    let same = |runs: &[Run], run: &Run| runs.iter().position(|other| other.id == run.id);
    for run in before.iter().filter(|run| same(after, run).is_none()) {
        delta.closed.push(run.id);
        figures.add(total(run, -1));
    }
    for run in after {
        let change =
            RunChange { id: run.id, topic, boot: run.boot, first: run.first, last: run.last };
        let Some(known) = same(before, run).map(|place| &before[place]) else {
            delta.opened.push(change);
            figures.add(total(run, 1));
            let gaps = run.gaps.iter().map(|gap| row(topic, run.boot, gap, None));
            delta.gaps.extend(gaps);
            continue;
        };
        if (known.first, known.last) != (run.first, run.last) {
            delta.moved.push(change);
        }
        if !Arc::ptr_eq(&known.gaps, &run.gaps) {
            figures.add(total(known, -1));
            figures.add(total(run, 1));
            compare_gaps(topic, known, run, at, delta);
        }
    }
    figures
}

/// Both lists are in order of numbers: what is in both stands in the same order, and what is new
/// stands before or behind.
fn compare_gaps<'i>(
    topic: &'i Topic,
    before: &Run,
    after: &Run,
    at: DateTime<Utc>,
    delta: &mut Delta<'i>,
) {
    let newest = before.gaps.iter().map(|gap| gap.id).max().unwrap_or(0);
    let mut known = before.gaps.iter();
    // One that became part of another is removed by its id afterwards.
    let mut fill = |gap: &Gap| delta.gaps.push(row(topic, after.boot, &filled(gap), Some(at)));
    let mut changed = Vec::new();
    for gap in after.gaps.iter() {
        let mut same = false;
        if gap.id <= newest {
            for old in known.by_ref() {
                if old.id == gap.id {
                    same = Arc::ptr_eq(old, gap) || old == gap;
                    break;
                }
                fill(old);
            }
        }
        if !same {
            changed.push(gap);
        }
    }
    known.for_each(|old| fill(old));
    delta.gaps.extend(changed.into_iter().map(|gap| row(topic, after.boot, gap, None)));
}

fn filled(gap: &Gap) -> Gap {
    Gap { spans: Vec::new(), ..gap.clone() }
}

fn row<'i>(
    topic: &'i Topic,
    boot: u32,
    gap: &Gap,
    closed_at: Option<DateTime<Utc>>,
) -> GapChange<'i> {
    GapChange {
        id: gap.id,
        topic,
        boot,
        bounds: Some((gap.from, gap.to)),
        spans: Some(gap.spans.clone()),
        first_seen: gap.first_seen,
        closed_at,
    }
}

fn total(run: &Run, sign: i64) -> Figures {
    let open_gaps = i64::try_from(run.gaps.len()).unwrap_or(i64::MAX);
    Figures { open_gaps: sign * open_gaps, missing: sign * signed(run.missing()), restarts: 0 }
}
