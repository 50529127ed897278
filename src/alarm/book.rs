//! What was decided and is not in the database yet, in the order of its numbers.
//!
//! A change waits with the message that caused it: one of the batch in hand, one in the spool, or none. It
//! is stored in the transaction of that message, and never before a change with a smaller number: whoever
//! follows the numbers misses nothing.
//!
//! What waits is bounded: beyond [`PENDING_MAX`] (hours of an outage with many alarms) only the latest change
//! of each alarm is kept, so that what is stored in the end is how every alarm stands. What happened between
//! is then missing in the history, and counted; the messages that caused it are in the spool.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{Action, Alarm, Change, Refusal, State, Suppression, Transition};

/// Changes that wait, of about 1 KiB each; beyond them only the latest of each alarm is kept.
const PENDING_MAX: usize = 50_000;

/// With what a change is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// By itself: a delay ran out, or somebody asked.
    Free,
    /// With the message of this place in the batch in hand.
    Batch(usize),
    /// With the message of this number in the spool.
    Spooled(u64),
}

#[derive(Debug)]
struct Pending {
    change: Arc<Change>,
    place: Place,
    is_shown: bool,
}

/// A change that is to be stored, with the place of its message in the batch; none for those of no message.
pub type Due = (Option<usize>, Arc<Change>);

/// Who did something, and what was said about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct By {
    pub(super) who: Option<String>,
    pub(super) second: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) suppressed: Option<Suppression>,
    pub(super) ticket: Option<String>,
    pub(super) assignee: Option<String>,
}

/// Numbers changes and keeps those that are not stored.
#[derive(Debug)]
pub(super) struct Book {
    next: i64,
    pending: VecDeque<Pending>,
    /// Number of waiting changes at which the history is thinned out.
    thin_at: usize,
    /// Changes that were left out of the history.
    dropped: u64,
    /// Where the message lies that is being judged.
    pub(super) place: Place,
}

impl Book {
    /// The next change gets this number.
    pub(super) const fn new(next: i64) -> Self {
        Self {
            next,
            pending: VecDeque::new(),
            thin_at: PENDING_MAX,
            dropped: 0,
            place: Place::Free,
        }
    }

    /// The number of the next change.
    pub(super) const fn next(&self) -> i64 {
        self.next
    }

    /// Applies an action and keeps what it changed.
    pub(super) fn act(
        &mut self,
        alarm: &mut Alarm,
        action: &Action,
        at: DateTime<Utc>,
        by: By,
    ) -> Result<(), Refusal> {
        let change = act(alarm, action, at, by, self.next)?;
        self.keep(Arc::new(change));
        Ok(())
    }

    /// Ends the shelving of an alarm that became of priority 1, unless it is one that priority 1 allows.
    pub(super) fn unshelve_critical(&mut self, alarm: &mut Alarm, at: DateTime<Utc>) {
        if alarm.status.outgrows_its_shelf(at) {
            let by = By { reason: Some("critical".to_owned()), ..By::default() };
            // What is shelved can be unshelved.
            let _unshelved = self.act(alarm, &Action::Unshelve, at, by);
        }
    }

    /// Keeps something that happened and changes no state.
    pub(super) fn note(
        &mut self,
        alarm: &mut Alarm,
        what: &'static str,
        at: DateTime<Utc>,
        by: By,
    ) {
        let change = note(alarm, what, at, by, self.next);
        self.keep(Arc::new(change));
    }

    /// Keeps a change that has its number already.
    pub(super) fn keep(&mut self, change: Arc<Change>) {
        self.next = change.transition.seq + 1;
        self.pending.push_back(Pending { change, place: self.place, is_shown: false });
        if self.pending.len() > self.thin_at {
            self.thin_out();
        }
    }

    /// Keeps the latest change of each alarm, what people did, and what was not shown yet, in their order.
    fn thin_out(&mut self) {
        let before = self.pending.len();
        let mut latest = HashSet::new();
        let mut kept: VecDeque<Pending> = VecDeque::new();
        while let Some(pending) = self.pending.pop_back() {
            let Transition { id, who, .. } = &pending.change.transition;
            if latest.insert(id.clone()) || !pending.is_shown || who.is_some() {
                kept.push_front(pending);
            }
        }
        self.dropped += (before - kept.len()) as u64;
        // So that thinning out costs little where there are many alarms.
        self.thin_at = PENDING_MAX.max(kept.len() * 2);
        self.pending = kept;
    }

    /// Changes that were left out of the history since the last question.
    pub(super) const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.dropped, 0)
    }

    /// What may be stored now, in order: up to message `end` of the spool, if one is given; else all of it,
    /// with the batch in hand or without.
    pub(super) fn due(&self, end: Option<u64>, with_batch: bool) -> Vec<Due> {
        let may = |pending: &&Pending| match pending.place {
            Place::Free => true,
            Place::Batch(_) => with_batch,
            Place::Spooled(number) => end.is_some_and(|end| number < end),
        };
        let due = |pending: &Pending| {
            let item = match pending.place {
                Place::Batch(item) => Some(item),
                Place::Free | Place::Spooled(_) => None,
            };
            (item, Arc::clone(&pending.change))
        };
        self.pending.iter().take_while(may).map(due).collect()
    }

    /// The messages of the batch in hand went to the spool, the first with this number.
    pub(super) fn spooled(&mut self, first: u64) {
        for pending in &mut self.pending {
            if let Place::Batch(item) = pending.place {
                pending.place = Place::Spooled(first + item as u64);
            }
        }
    }

    /// Nothing is left in the spool: what still waits for a message of it waits no longer.
    pub(super) fn spool_done(&mut self) {
        for pending in &mut self.pending {
            if matches!(pending.place, Place::Spooled(_)) {
                pending.place = Place::Free;
            }
        }
    }

    /// The first messages of the batch in hand, so many, are stored or gone.
    pub(super) fn batch_done(&mut self, messages: usize) {
        for pending in &mut self.pending {
            if let Place::Batch(item) = pending.place {
                let rest = item.checked_sub(messages);
                pending.place = rest.map_or(Place::Free, Place::Batch);
            }
        }
    }

    /// Everything up to this number is in the database. Answers what was not shown yet.
    pub(super) fn stored(&mut self, seq: i64) -> Vec<Arc<Change>> {
        let mut new = Vec::new();
        while self.pending.front().is_some_and(|pending| pending.change.transition.seq <= seq) {
            new.extend(self.pending.pop_front().filter(|p| !p.is_shown).map(|p| p.change));
        }
        new
    }

    /// What may be shown although it is not stored: everything but what waits with the batch in hand.
    pub(super) fn show(&mut self) -> Vec<Arc<Change>> {
        let mut new = Vec::new();
        for pending in &mut self.pending {
            if matches!(pending.place, Place::Batch(_)) {
                break;
            }
            if !pending.is_shown {
                pending.is_shown = true;
                new.push(Arc::clone(&pending.change));
            }
        }
        new
    }

    /// Whether nothing is shown that is not stored.
    pub(super) fn is_all_stored(&self) -> bool {
        self.pending.front().is_none_or(|pending| !pending.is_shown)
    }

    /// Whether something waits for a message.
    pub(super) fn waits_for_messages(&self) -> bool {
        self.pending.iter().any(|pending| pending.place != Place::Free)
    }
}

/// Applies an action to an alarm, under this number.
pub(super) fn act(
    alarm: &mut Alarm,
    action: &Action,
    at: DateTime<Utc>,
    by: By,
    seq: i64,
) -> Result<Change, Refusal> {
    let from = alarm.status.state;
    let before = alarm.status.occurrence;
    alarm.status = alarm.status.after(action, at)?;
    if alarm.status.occurrence != before {
        alarm.comments = 0;
    }
    Ok(written(alarm, (action.as_str(from), from), at, by, seq))
}

/// Writes down something that changes no state.
pub(super) fn note(
    alarm: &mut Alarm,
    what: &'static str,
    at: DateTime<Utc>,
    by: By,
    seq: i64,
) -> Change {
    let state = alarm.status.state;
    written(alarm, (what, state), at, by, seq)
}

fn written(
    alarm: &mut Alarm,
    (action, from): (&'static str, State),
    at: DateTime<Utc>,
    by: By,
    seq: i64,
) -> Change {
    alarm.changed_at = at;
    alarm.seq = seq;
    let By { who, second, reason, until, suppressed, ticket, assignee } = by;
    let transition = Transition {
        seq,
        at,
        id: alarm.id.clone(),
        occurrence: alarm.status.occurrence,
        action,
        from,
        to: alarm.status.state,
        who,
        second,
        reason,
        until,
        suppressed,
        ticket,
        assignee,
    };
    Change { transition, alarm: alarm.clone() }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{AlarmId, Priority, Status},
        *,
    };

    fn alarm() -> Alarm {
        Alarm {
            id: AlarmId { code: "x".into(), object: "o".into() },
            service: None,
            area: None,
            status: Status::new(Priority::High, false),
            changed_at: DateTime::UNIX_EPOCH,
            value: None,
            limit: None,
            why: None,
            parent: None,
            assignee: None,
            ticket: None,
            comments: 0,
            first_out: false,
            chattering: false,
            seq: 0,
        }
    }

    fn seqs(due: &[Due]) -> Vec<i64> {
        due.iter().map(|(_, change)| change.transition.seq).collect()
    }

    #[test]
    fn a_change_is_never_stored_before_one_with_a_smaller_number() {
        let (mut book, mut alarm) = (Book::new(7), alarm());
        for place in [Place::Spooled(3), Place::Free, Place::Spooled(8), Place::Free] {
            book.place = place;
            book.note(&mut alarm, "comment", DateTime::UNIX_EPOCH, By::default());
        }
        assert_eq!(seqs(&book.due(None, true)), Vec::<i64>::new());
        assert_eq!(seqs(&book.due(Some(5), true)), [7, 8]);
        assert_eq!(seqs(&book.due(Some(9), true)), [7, 8, 9, 10]);
        assert!(book.waits_for_messages());
        assert_eq!(book.show().len(), 4);
        assert!(!book.is_all_stored());
        assert!(book.stored(8).is_empty(), "shown before");
        assert_eq!(seqs(&book.due(Some(9), false)), [9, 10]);
        assert!(book.stored(10).is_empty());
        assert!(book.due(None, true).is_empty() && book.is_all_stored());
    }

    #[test]
    fn of_too_many_changes_the_latest_of_each_alarm_are_kept() {
        let (mut book, mut alarms) = (Book::new(1), [alarm(), alarm()]);
        alarms[1].id.object = "other".into();
        let by = By { who: Some("an".into()), ..By::default() };
        book.note(&mut alarms[0], "comment", DateTime::UNIX_EPOCH, by);
        book.note(&mut alarms[1], "chatter", DateTime::UNIX_EPOCH, By::default());
        for _change in 2..PENDING_MAX {
            book.note(&mut alarms[0], "chatter", DateTime::UNIX_EPOCH, By::default());
        }
        book.show();
        assert_eq!(book.take_dropped(), 0);
        // Not yet shown.
        book.note(&mut alarms[0], "calm", DateTime::UNIX_EPOCH, By::default());
        let last = i64::try_from(PENDING_MAX).unwrap() + 1;
        assert_eq!(seqs(&book.due(None, true)), [1, 2, last]);
        assert_eq!(book.take_dropped(), PENDING_MAX as u64 - 2);
        assert_eq!(book.next(), last + 1);
    }

    #[test]
    fn what_waits_with_the_batch_in_hand_is_neither_shown_nor_stored_alone() {
        let (mut book, mut alarm) = (Book::new(1), alarm());
        book.place = Place::Batch(4);
        book.note(&mut alarm, "comment", DateTime::UNIX_EPOCH, By::default());
        assert!(book.due(None, false).is_empty() && book.show().is_empty());
        assert_eq!(book.due(None, true)[0].0, Some(4));
        book.spooled(100);
        assert!(book.due(Some(104), true).is_empty());
        assert_eq!(seqs(&book.due(Some(105), true)), [1]);
        assert_eq!(book.show().len(), 1);
    }
}
