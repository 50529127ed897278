//! Which messages of every stream were received and which are missing: the ledger of `seq`.
//!
//! One stream of one source counts its messages within a boot. Of each boot the ledger keeps the
//! smallest and the largest number and the numbers between them that never came, so it needs no row
//! per message and says the same in whatever order the messages came. It tells redelivery before the
//! database is asked; it never decides alone that something is dropped.
//!
//! Pure: what a batch changes is collected in a [`Batch`] and becomes true with [`Ledger::take`], after
//! the transaction that writes it. Limits: [`BOOTS_MAX`], [`SPANS_MAX`], [`STRANGERS_MAX`].

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use ioc_ingest::{Number, Topic};

pub mod connection;
mod delta;
mod run;
#[cfg(test)]
mod tests;

pub use delta::{Delta, Figures, GapChange, RunChange};
pub use run::{Gap, Run, Span};

/// Boots of one stream that are followed. A further one closes the smallest: what is missing of that
/// is given up, and messages of it are left to the natural keys. A source whose counter was set back below
/// so many larger ones stays there: the natural keys still keep its facts once, but its loss is not told and
/// every message takes the slower way, until its counter has passed the smallest that is followed.
pub const BOOTS_MAX: usize = 64;
/// Spans of missing numbers that are told apart within one boot. Beyond, the two that lie closest
/// become one, which then says how many of its numbers are missing but no longer which.
pub const SPANS_MAX: usize = 1_000;
/// Streams of sources that are not registered which are followed; further ones are not.
pub const STRANGERS_MAX: usize = 10_000;

/// How a message came, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrival {
    /// It has no number that could be read, or its stream is not followed.
    #[default]
    Unnumbered,
    /// After every other of its boot.
    InOrder,
    /// New, but a later one of its boot had come before.
    OutOfOrder,
    /// Its number had come before.
    Repeated,
    /// Its number had come before, and yet it brought facts that were not stored.
    Reused,
    /// Its number may have come before: it lies where single numbers are no longer told apart.
    Unsure,
}

impl Arrival {
    /// Whether its facts may be stored already.
    pub const fn may_be_known(self) -> bool {
        matches!(self, Self::Repeated | Self::Reused | Self::Unsure)
    }
}

/// The numbers of every stream that were received.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Places in `streams`. A message is looked up here once; what follows goes by place.
    places: HashMap<Topic, usize>,
    streams: Vec<Vec<Run>>,
    strangers: usize,
    next_run: i32,
    next_gap: i64,
}

impl Ledger {
    /// The ledger that the database holds: boots of each stream in any order, the streams of
    /// unregistered sources among them, and the largest numbers of rows in use.
    pub fn restore(
        boots: impl IntoIterator<Item = (Topic, Run)>,
        strangers: usize,
        last_run: i32,
        last_gap: i64,
    ) -> Self {
        let (mut places, mut streams) = (HashMap::new(), Vec::<Vec<Run>>::new());
        for (topic, run) in boots {
            let place = *places.entry(topic).or_insert(streams.len());
            match streams.get_mut(place) {
                Some(runs) => runs.push(run),
                None => streams.push(vec![run]),
            }
        }
        for runs in &mut streams {
            runs.sort_unstable_by_key(|run| run.boot);
        }
        Self { places, streams, strangers, next_run: last_run + 1, next_gap: last_gap + 1 }
    }

    /// Streams that are followed.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The boots of a stream that are followed, in order.
    pub fn boots(&self, topic: &Topic) -> &[Run] {
        self.places.get(topic).map_or(&[], |place| &self.streams[*place])
    }

    /// Begins to collect what a batch changes.
    pub fn begin<'i>(&self) -> Batch<'_, 'i> {
        Batch {
            ledger: self,
            touched: Vec::new(),
            known: vec![UNTOUCHED; self.streams.len()],
            new: HashMap::new(),
            events: Events::default(),
            strangers: self.strangers,
            next_run: self.next_run,
            next_gap: self.next_gap,
        }
    }

    /// Takes over what a committed batch changed. It must be the one that was begun last.
    pub fn take(&mut self, delta: Delta<'_>) {
        for Touched { topic, place, runs } in delta.streams {
            if let Some(place) = place {
                self.streams[place] = runs;
            } else {
                self.places.insert(topic.clone(), self.streams.len());
                self.streams.push(runs);
            }
        }
        self.strangers = delta.strangers;
        self.next_run = delta.next_run;
        self.next_gap = delta.next_gap;
    }
}

/// What cannot be read off the state before and after a batch.
#[derive(Debug, Default)]
struct Events<'i> {
    /// Borders between two boots across which loss is unknown: the later boot of each.
    restarts: Vec<(&'i Topic, u32, DateTime<Utc>)>,
    /// Boots that were closed: what is missing of them is given up.
    closed: Vec<(&'i Topic, Run)>,
    /// Gaps that became part of another.
    joined: HashSet<i64>,
    /// Hub time of the latest message.
    at: DateTime<Utc>,
}

/// A stream that messages of a batch are of.
#[derive(Debug)]
struct Touched<'i> {
    topic: &'i Topic,
    /// Its place in the ledger; null for one that is new.
    place: Option<usize>,
    runs: Vec<Run>,
}

/// Mark of a stream of which the batch holds no message.
const UNTOUCHED: u32 = u32::MAX;

/// What a batch of messages changes, on top of a ledger that stays as it is.
#[derive(Debug)]
pub struct Batch<'l, 'i> {
    ledger: &'l Ledger,
    touched: Vec<Touched<'i>>,
    /// Per stream of the ledger its place in `touched`.
    known: Vec<u32>,
    /// The same of streams that are new.
    new: HashMap<&'i Topic, usize>,
    events: Events<'i>,
    strangers: usize,
    next_run: i32,
    next_gap: i64,
}

impl<'i> Batch<'_, 'i> {
    /// Notes a message that was received, accepted or not, and tells how it came. `registered` says
    /// whether its source is; `at` is when the hub received it.
    pub fn note(
        &mut self,
        topic: &'i Topic,
        number: Number,
        registered: bool,
        at: DateTime<Utc>,
    ) -> Arrival {
        self.events.at = self.events.at.max(at);
        let Some(at_stream) = self.touch(topic, registered) else { return Arrival::Unnumbered };
        let runs = &mut self.touched[at_stream].runs;
        match runs.binary_search_by_key(&number.boot, |run| run.boot) {
            Ok(place) => {
                runs[place].note(number.seq, at, &mut self.next_gap, &mut self.events.joined)
            }
            // Smaller than all that are followed: it may have been closed before.
            Err(0) if runs.len() >= BOOTS_MAX => Arrival::Unsure,
            Err(place) => {
                let later =
                    if place == 0 { runs.first().map(|run| run.boot) } else { Some(number.boot) };
                let restarts = later.map(|boot| (topic, boot, at));
                self.events.restarts.extend(restarts);
                runs.insert(place, Run::new(self.next_run, number));
                self.next_run += 1;
                if runs.len() > BOOTS_MAX {
                    let closed = runs.remove(0);
                    self.events.closed.push((topic, closed));
                }
                Arrival::InOrder
            }
        }
    }

    /// The place of a stream in `touched`; null for one that is not followed.
    fn touch(&mut self, topic: &'i Topic, registered: bool) -> Option<usize> {
        let next = self.touched.len();
        if let Some(place) = self.ledger.places.get(topic).copied() {
            let known = &mut self.known[place];
            if *known != UNTOUCHED {
                return usize::try_from(*known).ok();
            }
            *known = u32::try_from(next).ok()?;
            let runs = self.ledger.streams[place].clone();
            self.touched.push(Touched { topic, place: Some(place), runs });
            return Some(next);
        }
        if let Some(known) = self.new.get(topic) {
            return Some(*known);
        }
        if !registered {
            if self.strangers >= STRANGERS_MAX {
                return None;
            }
            self.strangers += 1;
        }
        self.new.insert(topic, next);
        self.touched.push(Touched { topic, place: None, runs: Vec::new() });
        Some(next)
    }

    /// Notes that a message which came [`Arrival::Unsure`] brought facts that were not stored: one
    /// of the missing ones.
    pub fn found(&mut self, topic: &'i Topic, number: Number) {
        let Some(at_stream) = self.touch(topic, true) else { return };
        let runs = &mut self.touched[at_stream].runs;
        if let Ok(place) = runs.binary_search_by_key(&number.boot, |run| run.boot) {
            runs[place].found(number.seq);
        }
    }

    /// What changed, for the transaction and for [`Ledger::take`].
    pub fn end(self) -> Delta<'i> {
        delta::of(self)
    }
}
