//! One boot of one stream: the smallest and the largest number that came, and what is missing between.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::Number;

use super::{Arrival, SPANS_MAX};

/// Numbers that follow each other and of which some or all are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First number.
    pub from: u64,
    /// Last number.
    pub to: u64,
    /// How many of them are missing: all of them, unless spans had to be joined.
    pub missing: u64,
}

impl Span {
    const fn whole(from: u64, to: u64) -> Self {
        Self { from, to, missing: to - from + 1 }
    }

    /// Whether every number of it is missing.
    pub const fn is_exact(&self) -> bool {
        self.missing == self.to - self.from + 1
    }
}

/// One hole in the numbers of a boot, as it was first seen, and what is still missing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Number of its row.
    pub id: i64,
    /// First number that was missing when the hole was seen.
    pub from: u64,
    /// Last number that was missing when the hole was seen.
    pub to: u64,
    /// When the hole was seen, hub clock.
    pub first_seen: DateTime<Utc>,
    /// What is still missing, in order.
    pub spans: Vec<Span>,
}

impl Gap {
    /// How many messages are still missing.
    pub fn missing(&self) -> u64 {
        self.spans.iter().map(|span| span.missing).sum()
    }
}

/// One boot of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Number of its row.
    pub id: i32,
    /// Restart counter of the source.
    pub boot: u32,
    /// Smallest number that came.
    pub first: u64,
    /// Largest number that came.
    pub last: u64,
    /// Holes between them that are not filled, in order. Shared with the ledger until they change,
    /// and each of them until it changes.
    pub gaps: Arc<Vec<Arc<Gap>>>,
}

impl Run {
    /// A boot of which one message came.
    pub(super) fn new(id: i32, number: Number) -> Self {
        let Number { boot, seq } = number;
        Self { id, boot, first: seq, last: seq, gaps: Arc::default() }
    }

    /// Notes a message. New gaps get their numbers from `next_gap`; those that become part of
    /// another are added to `joined`.
    #[inline]
    pub(super) fn note(
        &mut self,
        seq: u64,
        at: DateTime<Utc>,
        next_gap: &mut i64,
        joined: &mut HashSet<i64>,
    ) -> Arrival {
        if seq > self.last {
            if seq - self.last > 1 {
                let hole = Span::whole(self.last + 1, seq - 1);
                self.open(usize::MAX, hole, at, next_gap, joined);
            }
            self.last = seq;
            Arrival::InOrder
        } else if seq < self.first {
            if self.first - seq > 1 {
                self.open(0, Span::whole(seq + 1, self.first - 1), at, next_gap, joined);
            }
            self.first = seq;
            Arrival::OutOfOrder
        } else if self.gaps.is_empty() {
            Arrival::Repeated
        } else {
            self.fill(seq, joined)
        }
    }

    fn open(
        &mut self,
        place: usize,
        hole: Span,
        at: DateTime<Utc>,
        next_gap: &mut i64,
        joined: &mut HashSet<i64>,
    ) {
        let gap =
            Gap { id: *next_gap, from: hole.from, to: hole.to, first_seen: at, spans: vec![hole] };
        *next_gap += 1;
        let gaps = Arc::make_mut(&mut self.gaps);
        gaps.insert(place.min(gaps.len()), Arc::new(gap));
        bound(gaps, joined);
    }

    /// Takes a number out of what is missing.
    fn fill(&mut self, seq: u64, joined: &mut HashSet<i64>) -> Arrival {
        let Some((at, inner)) = self.place(seq) else { return Arrival::Repeated };
        let span = self.gaps[at].spans[inner];
        if !span.is_exact() {
            return Arrival::Unsure;
        }
        let gaps = Arc::make_mut(&mut self.gaps);
        let spans = &mut Arc::make_mut(&mut gaps[at]).spans;
        let before = (span.from < seq).then(|| Span::whole(span.from, seq - 1));
        let after = (seq < span.to).then(|| Span::whole(seq + 1, span.to));
        spans.splice(inner..=inner, before.into_iter().chain(after));
        if spans.is_empty() {
            gaps.remove(at);
        } else if before.is_some() && after.is_some() {
            bound(gaps, joined);
        }
        Arrival::OutOfOrder
    }

    /// One of the missing numbers of a joined span came.
    pub(super) fn found(&mut self, seq: u64) {
        let Some((at, inner)) = self.place(seq) else { return };
        let gaps = Arc::make_mut(&mut self.gaps);
        let spans = &mut Arc::make_mut(&mut gaps[at]).spans;
        spans[inner].missing -= 1;
        if spans[inner].missing == 0 {
            spans.remove(inner);
        }
        if spans.is_empty() {
            gaps.remove(at);
        }
    }

    /// The gap and the span in it that a number lies in.
    fn place(&self, seq: u64) -> Option<(usize, usize)> {
        let at = self.gaps.partition_point(|gap| gap.to < seq);
        let spans = &self.gaps.get(at)?.spans;
        let inner = spans.partition_point(|span| span.to < seq);
        (spans.get(inner)?.from <= seq).then_some((at, inner))
    }

    /// How many messages are missing.
    pub fn missing(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.missing()).sum()
    }
}

/// Joins the two spans that lie closest when there are too many.
fn bound(gaps: &mut Vec<Arc<Gap>>, joined: &mut HashSet<i64>) {
    let spans = |gaps: &[Arc<Gap>]| gaps.iter().map(|gap| gap.spans.len()).sum::<usize>();
    if gaps.len() <= SPANS_MAX && spans(gaps) <= SPANS_MAX {
        return;
    }
    // The end of the span before, and the place of the span that lies closest behind its own.
    let mut before: Option<u64> = None;
    let mut closest: Option<(u64, usize, usize)> = None;
    for (at, gap) in gaps.iter().enumerate() {
        for (inner, span) in gap.spans.iter().enumerate() {
            let distance = before.map(|end| span.from - end);
            before = Some(span.to);
            let Some(distance) = distance else { continue };
            if closest.is_none_or(|(least, ..)| distance < least) {
                closest = Some((distance, at, inner));
            }
        }
    }
    let Some((_, at, inner)) = closest else { return };
    if inner > 0 {
        let spans = &mut Arc::make_mut(&mut gaps[at]).spans;
        let second = spans.remove(inner);
        extend(&mut spans[inner - 1], second);
        return;
    }
    // The first span of a gap: the gap becomes part of the one before.
    let second = gaps.remove(at);
    joined.insert(second.id);
    let first = Arc::make_mut(&mut gaps[at - 1]);
    let mut spans = second.spans.iter().copied();
    if let (Some(last), Some(next)) = (first.spans.last_mut(), spans.next()) {
        extend(last, next);
    }
    first.spans.extend(spans);
    first.to = second.to;
    first.first_seen = first.first_seen.min(second.first_seen);
}

fn extend(span: &mut Span, next: Span) {
    span.to = next.to;
    span.missing += next.missing;
}
