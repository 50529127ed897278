//! The life of one alarm: (status, action, now) to the next status, or why not. Pure.
//!
//! States and actions of ISA-18.2 / IEC 62682 / OPC UA part 9: NORM, UNACK (active), ACK (active and
//! acknowledged), RTNUN (returned, not acknowledged), LATCH (returned, waits for a reset); shelved,
//! suppressed and out of service stand beside the state and never change whether it is acknowledged.
//! Beyond the standard: what was never presented to an operator in an occurrence (suppressed from its raise
//! to its return) needs no acknowledgement, so that a thousand returned children are not a thousand clicks.

use chrono::{DateTime, TimeDelta, Utc};

use super::Priority;

/// A return and a raise within this time belong to one occurrence.
pub const RE_RAISE: TimeDelta = TimeDelta::minutes(5);
/// Longest shelving.
pub const SHELVE_MAX: TimeDelta = TimeDelta::hours(8);
/// Longest shelving of priority 1, for which a second person has to agree.
pub const SHELVE_MAX_CRITICAL: TimeDelta = TimeDelta::hours(1);

/// State of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Not active, nothing to do.
    Norm,
    /// Active, not acknowledged.
    Unack,
    /// Active, acknowledged.
    Ack,
    /// Returned to normal, not acknowledged.
    Rtnun,
    /// Returned to normal, acknowledged, waits for a reset.
    Latch,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Norm, Self::Unack, Self::Ack, Self::Rtnun, Self::Latch];

    /// The word of the state in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Norm => "norm",
            Self::Unack => "unack",
            Self::Ack => "ack",
            Self::Rtnun => "rtnun",
            Self::Latch => "latch",
        }
    }

    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the condition holds.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Unack | Self::Ack)
    }
}

/// By what an alarm is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suppression {
    /// It follows from another alarm, which is shown.
    Parent,
    /// Planned works.
    Works,
    /// Too many alarms at once, and it is of the lowest priority.
    Flood,
    /// An operator.
    Operator,
}

impl Suppression {
    /// Every kind, in the order in which screens name one of several.
    pub const ALL: [Self; 4] = [Self::Parent, Self::Works, Self::Flood, Self::Operator];

    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Works => "works",
            Self::Flood => "flood",
            Self::Operator => "operator",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// By which of them an alarm is suppressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Suppressions(u8);

impl Suppressions {
    /// Whether it is suppressed by nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is suppressed by this.
    pub const fn has(self, kind: Suppression) -> bool {
        self.0 & kind.bit() != 0
    }

    /// With or without this.
    #[must_use]
    pub const fn with(self, kind: Suppression, is_on: bool) -> Self {
        if is_on { Self(self.0 | kind.bit()) } else { Self(self.0 & !kind.bit()) }
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Suppression> {
        Suppression::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// A shelving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// End, hub clock.
    pub until: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Who agreed; null where nobody had to.
    pub second: Option<String>,
    /// Why.
    pub reason: String,
}

/// Out of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfService {
    /// Who.
    pub by: String,
    /// Ticket.
    pub ticket: Option<String>,
}

/// Everything of an alarm that actions change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// State.
    pub state: State,
    /// Priority.
    pub priority: Priority,
    /// Whether it waits for a reset after its return.
    pub latches: bool,
    /// Number of the occurrence; 0 before the first.
    pub occurrence: i64,
    /// Raises of the occurrence.
    pub count: u32,
    /// First raise of the occurrence.
    pub raised_at: Option<DateTime<Utc>>,
    /// When and by whom the occurrence was acknowledged.
    pub acked: Option<(DateTime<Utc>, String)>,
    /// Last return; null while active.
    pub cleared_at: Option<DateTime<Utc>>,
    /// Whether the occurrence was presented to operators.
    pub presented: bool,
    /// Shelving.
    pub shelf: Option<Shelf>,
    /// Suppression.
    pub suppressed: Suppressions,
    /// Out of service.
    pub out_of_service: Option<OutOfService>,
}

/// What happens to an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Its condition holds, with this priority.
    Raise(Priority),
    /// Its condition got graver: who acknowledged it acknowledged less.
    Escalate(Priority),
    /// Its condition got milder.
    Ease(Priority),
    /// Its condition holds no longer.
    Clear,
    /// Its rule or object is gone, so nothing will ever clear it.
    Withdraw,
    /// Somebody has seen it.
    Acknowledge(String),
    /// Somebody has put the equipment in order.
    Reset,
    /// Somebody puts it aside for a time.
    Shelve(Shelf),
    /// The time is over, or somebody wants it back.
    Unshelve,
    /// It is not to be presented.
    Suppress(Suppression),
    /// That reason is gone.
    Unsuppress(Suppression),
    /// Its equipment is not to work.
    OutOfService(OutOfService),
    /// It is again.
    InService,
}

impl Action {
    /// The word of the action in tables and JSON; a raise out of RTNUN or LATCH has a word of its own.
    pub const fn as_str(&self, from: State) -> &'static str {
        match self {
            Self::Raise(_) if matches!(from, State::Norm) => "raise",
            Self::Raise(_) => "re_raise",
            Self::Escalate(_) => "escalate",
            Self::Ease(_) => "ease",
            Self::Clear => "clear",
            Self::Withdraw => "withdraw",
            Self::Acknowledge(_) => "acknowledge",
            Self::Reset => "reset",
            Self::Shelve(_) => "shelve",
            Self::Unshelve => "unshelve",
            Self::Suppress(_) => "suppress",
            Self::Unsuppress(_) => "unsuppress",
            Self::OutOfService(_) => "out_of_service",
            Self::InService => "in_service",
        }
    }
}

/// Why an action does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is active already.
    #[error("the alarm is active already")]
    Active,
    /// It is not active.
    #[error("the alarm is not active")]
    NotActive,
    /// There is nothing to acknowledge.
    #[error("the alarm has returned to normal and needs no acknowledgement")]
    NothingToAcknowledge,
    /// Somebody was first.
    #[error("{by} acknowledged the alarm already")]
    Acknowledged {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It does not wait for a reset: it is active, or was not acknowledged, or does not latch.
    #[error("the alarm does not wait for a reset: it is {}", .0.as_str())]
    NotLatched(State),
    /// Somebody was first.
    #[error("{by} shelved the alarm already")]
    Shelved {
        /// Who.
        by: String,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// It is not shelved.
    #[error("the alarm is not shelved")]
    NotShelved,
    /// The end lies in the past or too far ahead.
    #[error("shelving ends after now and at most {0} minutes later for this priority")]
    ShelveEnd(i64),
    /// A second person has to agree.
    #[error("shelving an alarm of priority 1 needs a second person")]
    SecondPerson,
    /// It is suppressed by this already.
    #[error("the alarm is suppressed already")]
    Suppressed,
    /// It is not suppressed by this.
    #[error("the alarm is not suppressed")]
    NotSuppressed,
    /// Somebody was first.
    #[error("{by} took the alarm out of service already")]
    OutOfService {
        /// Who.
        by: String,
    },
    /// It is in service.
    #[error("the alarm is in service")]
    InService,
    /// Nothing would change.
    #[error("the alarm is so already")]
    Same,
}

impl Status {
    /// An alarm that was never raised.
    pub const fn new(priority: Priority, latches: bool) -> Self {
        Self {
            state: State::Norm,
            priority,
            latches,
            occurrence: 0,
            count: 0,
            raised_at: None,
            acked: None,
            cleared_at: None,
            presented: false,
            shelf: None,
            suppressed: Suppressions(0),
            out_of_service: None,
        }
    }

    /// Whether operators see it: neither shelved, nor suppressed, nor out of service.
    pub const fn is_presented_now(&self) -> bool {
        self.shelf.is_none() && self.suppressed.is_empty() && self.out_of_service.is_none()
    }

    /// Whether it is shelved as priority 1 may not be: it was of a lower priority then.
    pub fn outgrows_its_shelf(&self, now: DateTime<Utc>) -> bool {
        let may_not = |shelf: &Shelf| {
            shelf.second.as_ref().is_none_or(|second| *second == shelf.by)
                || shelf.until - now > SHELVE_MAX_CRITICAL
        };
        self.priority == Priority::Critical && self.shelf.as_ref().is_some_and(may_not)
    }

    /// The status after an action.
    ///
    /// # Errors
    /// The action does not apply; nothing changes then.
    pub fn after(&self, action: &Action, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut next = self.clone();
        match action {
            Action::Raise(priority) => next.raise(*priority, now)?,
            Action::Escalate(priority) => next.escalate(*priority)?,
            Action::Ease(priority) => next.ease(*priority)?,
            Action::Clear => next.clear(now)?,
            Action::Withdraw => next.withdraw(now)?,
            Action::Acknowledge(who) => next.acknowledge(who, now)?,
            Action::Reset => next.reset()?,
            Action::Shelve(shelf) => next.shelve(shelf, now)?,
            Action::Unshelve => {
                next.shelf.take().ok_or(Refusal::NotShelved)?;
            }
            Action::Suppress(kind) if self.suppressed.has(*kind) => {
                return Err(Refusal::Suppressed);
            }
            Action::Suppress(kind) => next.suppressed = self.suppressed.with(*kind, true),
            Action::Unsuppress(kind) if !self.suppressed.has(*kind) => {
                return Err(Refusal::NotSuppressed);
            }
            Action::Unsuppress(kind) => next.suppressed = self.suppressed.with(*kind, false),
            Action::OutOfService(out) => next.take_out(out)?,
            Action::InService => {
                next.out_of_service.take().ok_or(Refusal::InService)?;
            }
        }
        next.presented |= next.state == State::Unack && next.is_presented_now();
        Ok(next)
    }

    fn raise(&mut self, priority: Priority, now: DateTime<Utc>) -> Result<(), Refusal> {
        let is_same = match self.state {
            State::Unack | State::Ack => return Err(Refusal::Active),
            State::Norm => false,
            State::Rtnun | State::Latch => self.cleared_at.is_some_and(|at| now - at < RE_RAISE),
        };
        if is_same {
            self.count += 1;
        } else {
            self.occurrence += 1;
            self.count = 1;
            self.raised_at = Some(now);
            self.presented = false;
        }
        self.acked = None;
        self.cleared_at = None;
        self.priority = priority;
        self.state = State::Unack;
        Ok(())
    }

    fn escalate(&mut self, priority: Priority) -> Result<(), Refusal> {
        if !self.state.is_active() {
            return Err(Refusal::NotActive);
        }
        if priority >= self.priority {
            return Err(Refusal::Same);
        }
        self.priority = priority;
        self.acked = None;
        self.state = State::Unack;
        Ok(())
    }

    fn ease(&mut self, priority: Priority) -> Result<(), Refusal> {
        if !self.state.is_active() {
            return Err(Refusal::NotActive);
        }
        if priority <= self.priority {
            return Err(Refusal::Same);
        }
        self.priority = priority;
        Ok(())
    }

    fn clear(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.state = match self.state {
            State::Unack if self.presented => State::Rtnun,
            State::Unack | State::Ack if self.latches => State::Latch,
            State::Unack | State::Ack => State::Norm,
            State::Norm | State::Rtnun | State::Latch => return Err(Refusal::NotActive),
        };
        self.cleared_at = Some(now);
        Ok(())
    }

    fn withdraw(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.state == State::Norm {
            return Err(Refusal::NotActive);
        }
        self.state = State::Norm;
        self.cleared_at.get_or_insert(now);
        Ok(())
    }

    fn acknowledge(&mut self, who: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.state = match (self.state, &self.acked) {
            (State::Unack, _) => State::Ack,
            (State::Rtnun, _) if self.latches => State::Latch,
            (State::Rtnun, _) => State::Norm,
            (State::Ack | State::Latch | State::Norm, Some((at, by))) => {
                return Err(Refusal::Acknowledged { by: by.clone(), at: *at });
            }
            (State::Ack | State::Latch | State::Norm, None) => {
                return Err(Refusal::NothingToAcknowledge);
            }
        };
        self.acked = Some((now, who.to_owned()));
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Refusal> {
        if self.state != State::Latch {
            return Err(Refusal::NotLatched(self.state));
        }
        self.state = State::Norm;
        Ok(())
    }

    fn shelve(&mut self, shelf: &Shelf, now: DateTime<Utc>) -> Result<(), Refusal> {
        if let Some(Shelf { by, until, .. }) = &self.shelf {
            return Err(Refusal::Shelved { by: by.clone(), until: *until });
        }
        let is_critical = self.priority == Priority::Critical;
        let longest = if is_critical { SHELVE_MAX_CRITICAL } else { SHELVE_MAX };
        if shelf.until <= now || shelf.until - now > longest {
            return Err(Refusal::ShelveEnd(longest.num_minutes()));
        }
        if is_critical && shelf.second.as_ref().is_none_or(|second| *second == shelf.by) {
            return Err(Refusal::SecondPerson);
        }
        self.shelf = Some(shelf.clone());
        Ok(())
    }

    fn take_out(&mut self, out: &OutOfService) -> Result<(), Refusal> {
        if let Some(OutOfService { by, .. }) = &self.out_of_service {
            return Err(Refusal::OutOfService { by: by.clone() });
        }
        self.out_of_service = Some(out.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn shelf(minutes: i64, second: Option<&str>) -> Shelf {
        Shelf {
            until: START + TimeDelta::minutes(minutes),
            by: "an".into(),
            second: second.map(str::to_owned),
            reason: "works".into(),
        }
    }

    /// Every kind of action, with every priority and suppression.
    fn actions() -> Vec<Action> {
        let out = OutOfService { by: "an".into(), ticket: None };
        let mut actions = vec![
            Action::Clear,
            Action::Withdraw,
            Action::Acknowledge("binh".into()),
            Action::Reset,
            Action::Shelve(shelf(30, Some("chi"))),
            Action::Unshelve,
            Action::OutOfService(out),
            Action::InService,
        ];
        for priority in Priority::ALL {
            actions.push(Action::Raise(priority));
            actions.push(Action::Escalate(priority));
            actions.push(Action::Ease(priority));
        }
        for kind in Suppression::ALL {
            actions.push(Action::Suppress(kind));
            actions.push(Action::Unsuppress(kind));
        }
        actions
    }

    /// The state after an action where it applies: the table of the standard, written out by hand.
    fn expected(state: State, action: &Action, latches: bool, presented: bool) -> Option<State> {
        use State::{Ack, Latch, Norm, Rtnun, Unack};
        let rest = if latches { Latch } else { Norm };
        match (action, state) {
            (Action::Raise(_), Norm | Rtnun | Latch) | (Action::Escalate(_), Unack | Ack) => {
                Some(Unack)
            }
            (Action::Ease(_), Unack | Ack) => Some(state),
            (Action::Clear, Unack) if presented => Some(Rtnun),
            (Action::Clear, Unack | Ack) | (Action::Acknowledge(_), Rtnun) => Some(rest),
            (Action::Acknowledge(_), Unack) => Some(Ack),
            (Action::Withdraw, Unack | Ack | Rtnun | Latch) | (Action::Reset, Latch) => Some(Norm),
            (
                Action::Raise(_)
                | Action::Escalate(_)
                | Action::Ease(_)
                | Action::Clear
                | Action::Acknowledge(_)
                | Action::Withdraw
                | Action::Reset,
                _,
            ) => None,
            (
                Action::Shelve(_)
                | Action::Unshelve
                | Action::Suppress(_)
                | Action::Unsuppress(_)
                | Action::OutOfService(_)
                | Action::InService,
                state,
            ) => Some(state),
        }
    }

    fn status() -> impl Strategy<Value = Status> {
        let suppressed =
            prop::collection::vec(prop::sample::select(Suppression::ALL.to_vec()), 0..3);
        (
            prop::sample::select(State::ALL.to_vec()),
            prop::sample::select(Priority::ALL.to_vec()),
            any::<[bool; 5]>(),
            suppressed,
            1_i64..5,
        )
            .prop_map(
                |(state, priority, [latches, shown, shelved, out, acked], kinds, occurrence)| {
                    let mut status = Status::new(priority, latches);
                    status.state = state;
                    status.occurrence = occurrence;
                    status.count = 1;
                    status.raised_at = Some(START);
                    status.presented = shown;
                    status.shelf = shelved.then(|| shelf(20, Some("chi")));
                    status.out_of_service =
                        out.then(|| OutOfService { by: "dung".into(), ticket: None });
                    status.acked = acked.then(|| (START, "em".to_owned()));
                    let with = |all: Suppressions, kind: &Suppression| all.with(*kind, true);
                    status.suppressed = kinds.iter().fold(Suppressions::default(), with);
                    status.cleared_at = (!state.is_active()).then_some(START);
                    status
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn every_state_and_action_follows_the_table(status in status(), seconds in 0_i64..1_000) {
            let now = START + TimeDelta::seconds(seconds);
            for action in actions() {
                let wanted = expected(status.state, &action, status.latches, status.presented);
                match status.after(&action, now) {
                    Ok(next) => prop_assert_eq!(Some(next.state), wanted, "{:?}", action),
                    // What the table does not know is refused; the rest only where nothing would change.
                    Err(refusal) if wanted.is_some() => {
                        let is_vain = matches!(
                            refusal,
                            Refusal::Same
                                | Refusal::Shelved { .. }
                                | Refusal::NotShelved
                                | Refusal::Suppressed
                                | Refusal::NotSuppressed
                                | Refusal::OutOfService { .. }
                                | Refusal::InService
                        );
                        prop_assert!(is_vain, "{:?}: {}", action, refusal);
                    }
                    Err(_) => {}
                }
            }
        }

        #[test]
        fn putting_aside_never_changes_state_or_acknowledgement(status in status()) {
            for action in actions() {
                let aside = matches!(
                    action,
                    Action::Shelve(_) | Action::Unshelve | Action::Suppress(_)
                        | Action::Unsuppress(_) | Action::OutOfService(_) | Action::InService
                );
                if let (true, Ok(next)) = (aside, status.after(&action, START)) {
                    prop_assert_eq!((next.state, &next.acked), (status.state, &status.acked));
                    prop_assert_eq!((next.occurrence, next.count), (status.occurrence, status.count));
                }
            }
        }

        #[test]
        fn an_action_that_was_done_is_refused_or_changes_nothing_when_it_comes_again(
            status in status(),
        ) {
            for action in actions() {
                let Ok(next) = status.after(&action, START) else { continue };
                prop_assert!(next.after(&action, START).is_err(), "{:?} twice", action);
            }
        }

        #[test]
        fn whatever_happens_an_alarm_can_become_normal_again(
            first in status(),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let all = actions();
            let mut status = first;
            for (step, pick) in picks.iter().enumerate() {
                let now = START + TimeDelta::seconds(i64::try_from(step).unwrap_or(0));
                if let Ok(next) = status.after(pick.get(&all), now) {
                    prop_assert!(next.count >= 1 && next.occurrence >= status.occurrence);
                    prop_assert_eq!(next.cleared_at.is_none(), next.state.is_active());
                    status = next;
                }
            }
            let now = START + TimeDelta::hours(1);
            for action in [Action::Clear, Action::Acknowledge("an".into()), Action::Reset] {
                status = status.after(&action, now).unwrap_or(status);
            }
            prop_assert_eq!(status.state, State::Norm);
        }
    }

    fn done(status: &Status, action: &Action, seconds: i64) -> Status {
        status.after(action, START + TimeDelta::seconds(seconds)).unwrap()
    }

    #[test]
    fn a_raise_soon_after_the_return_belongs_to_the_same_occurrence() {
        let raise = Action::Raise(Priority::High);
        let raised = done(&Status::new(Priority::High, false), &raise, 0);
        let returned = done(&raised, &Action::Clear, 10);
        let soon = done(&returned, &raise, 10 + 299);
        assert_eq!((soon.occurrence, soon.count, soon.raised_at), (1, 2, Some(START)));
        let late = done(&returned, &raise, 10 + 300);
        assert_eq!((late.occurrence, late.count), (2, 1));
    }

    #[test]
    fn what_was_never_shown_needs_no_acknowledgement() {
        let raise = Action::Raise(Priority::High);
        let hidden =
            done(&Status::new(Priority::High, false), &Action::Suppress(Suppression::Parent), 0);
        let back = done(&done(&hidden, &raise, 1), &Action::Clear, 2);
        assert_eq!(back.state, State::Norm);
        let shown = done(&done(&hidden, &raise, 1), &Action::Unsuppress(Suppression::Parent), 2);
        assert!(shown.presented);
        assert_eq!(done(&shown, &Action::Clear, 3).state, State::Rtnun);
    }

    #[test]
    fn shelving_is_bounded_and_priority_one_needs_a_second_person() {
        let raised = |priority| done(&Status::new(priority, false), &Action::Raise(priority), 0);
        let shelve = |status: &Status, minutes, second| {
            status.after(&Action::Shelve(shelf(minutes, second)), START)
        };
        let (high, critical) = (raised(Priority::High), raised(Priority::Critical));
        assert!(shelve(&high, 480, None).is_ok());
        assert_eq!(shelve(&high, 481, None), Err(Refusal::ShelveEnd(480)));
        assert_eq!(shelve(&high, 0, None), Err(Refusal::ShelveEnd(480)));
        assert_eq!(shelve(&critical, 61, Some("chi")), Err(Refusal::ShelveEnd(60)));
        assert_eq!(shelve(&critical, 60, None), Err(Refusal::SecondPerson));
        assert_eq!(shelve(&critical, 60, Some("an")), Err(Refusal::SecondPerson));
        assert!(shelve(&critical, 60, Some("chi")).is_ok());
    }

    #[test]
    fn the_second_operator_is_told_who_was_first() {
        let raised = done(&Status::new(Priority::High, false), &Action::Raise(Priority::High), 0);
        let acked = done(&raised, &Action::Acknowledge("an".into()), 5);
        let refused = acked.after(&Action::Acknowledge("binh".into()), START);
        let at = START + TimeDelta::seconds(5);
        assert_eq!(refused, Err(Refusal::Acknowledged { by: "an".into(), at }));
        // Also when it became normal by that.
        let returned =
            done(&done(&raised, &Action::Clear, 1), &Action::Acknowledge("an".into()), 5);
        let refused = returned.after(&Action::Acknowledge("binh".into()), START);
        assert!(matches!(refused, Err(Refusal::Acknowledged { .. })));
    }
}
