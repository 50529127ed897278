//! Tickets of the service desk: states, limits and reopening, in every order of arrival.

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::record::tests::{at, day, parameters, rules, rules_of};
use TicketStatus as S;

fn told(status: TicketStatus, at: DateTime<Utc>, seq: i64) -> Told<TicketStep> {
    let step = TicketStep {
        ticket: "1022-1".into(),
        status,
        at,
        channel: None,
        kind: None,
        category: None,
        unit: None,
        summary: None,
        location: None,
        due_at: None,
        first_response_at: None,
        solved_at_desk: None,
        merged_into: None,
        rating: None,
    };
    Told { time: at, boot: 1, seq, step }
}

fn step(status: TicketStatus, when: &str) -> Told<TicketStep> {
    told(status, at(when), 1)
}

impl Told<TicketStep> {
    fn with(mut self, tell: impl FnOnce(&mut TicketStep)) -> Self {
        tell(&mut self.step);
        self
    }
}

fn folded(steps: Vec<Told<TicketStep>>) -> Ticket {
    fold(steps, &rules()).unwrap()
}

#[test]
fn waiting_puts_off_a_due_time_that_was_set_before_it() {
    let handled = |when: &str| {
        folded(vec![
            step(S::New, "2026-03-02 08:00").with(|s| s.due_at = Some(at("2026-03-03 08:00"))),
            step(S::WaitingCitizen, "2026-03-02 10:00"),
            step(S::InProgress, "2026-03-04 10:00"),
            step(S::Resolved, when),
        ])
    };
    let in_time = handled("2026-03-05 08:00");
    assert_eq!((in_time.on_time, in_time.paused_s), (Some(true), 2 * 86_400));
    assert_eq!(in_time.due_day, Some(day("2026-03-05")));
    assert_eq!(handled("2026-03-05 08:01").on_time, Some(false));
    // Two working days between creation and handling were waited for.
    assert_eq!(in_time.resolve_min, Some(2 * 60 + 5 * 60 + 60));
}

#[test]
fn a_ticket_without_a_due_time_is_due_after_the_usual_time() {
    let handled = |when| folded(vec![step(S::New, "2026-03-02 08:00"), step(S::Closed, when)]);
    // Five working days after a Monday, at closing time.
    let in_time = handled("2026-03-09 17:00");
    assert_eq!((in_time.due_at, in_time.on_time), (None, Some(true)));
    assert_eq!(handled("2026-03-09 17:01").on_time, Some(false));
    let due = |tell: &dyn Fn(&mut TicketStep)| {
        folded(vec![step(S::New, "2026-03-02 08:00").with(tell)]).effective_due
    };
    let urgent = |step: &mut TicketStep| step.category = Some("traffic-signals".into());
    assert_eq!(due(&urgent), Some(at("2026-03-03 08:00")), "by the clock");
    let petition = |step: &mut TicketStep| step.kind = Some(TicketKind::Petition);
    assert_eq!(due(&petition), Some(at("2026-03-23 17:00")));
    assert_eq!(
        due(&|step| {
            petition(step);
            urgent(step);
        }),
        due(&petition)
    );
    let before =
        folded(vec![step(S::New, "2021-03-31 08:00"), step(S::Closed, "2021-04-30 08:00")]);
    assert_eq!((before.effective_due, before.on_time), (None, None), "no levels were valid");
    let unknown = folded(vec![step(S::New, "2031-03-03 08:00")]);
    assert_eq!((unknown.effective_due, unknown.calendar), (None, 2), "no holidays are known");
}

#[test]
fn service_levels_are_those_of_the_day_of_creation() {
    let stricter = parameters(
        "[[desk]]",
        "[[desk]]\nvalid_from = 2026-03-03\nforward_working_min = 30\n\
         first_response_working_days = 2\nurgent_h = 12\nurgent_categories = []\n\
         normal_working_days = 3\npetition_working_days = 10\nanswer_s = 15\n\
         short_abandon_s = 5\nsatisfied_rating = 5\nmark = \"verified\"\nsource = \"test\"\n[[desk]]",
    );
    let life = |day: &str| {
        let on = |time: &str| format!("2026-03-0{day} {time}");
        let steps = vec![
            step(S::New, &on("08:00")).with(|step| step.rating = Some(4)),
            step(S::Assigned, &on("09:00")),
            step(S::Closed, "2026-03-06 08:00")
                .with(|step| step.first_response_at = Some(at("2026-03-04 08:00"))),
        ];
        fold(steps, &rules_of(&stricter)).unwrap()
    };
    // Monday by the levels of before: answered on the second working day after, which is too late.
    let before = life("2");
    assert_eq!(
        (before.on_time, before.satisfied, before.sla_met),
        (Some(true), Some(true), Some(false))
    );
    assert_eq!(before.effective_due, Some(at("2026-03-09 17:00")));
    // Tuesday by the new ones: an hour until it was given to a unit is too long.
    let after = life("3");
    assert_eq!(
        (after.on_time, after.satisfied, after.sla_met),
        (Some(true), Some(false), Some(false))
    );
    assert_eq!(after.effective_due, Some(at("2026-03-06 17:00")));
    let prompt = folded(vec![
        step(S::New, "2026-03-02 08:00"),
        step(S::Assigned, "2026-03-02 10:00"),
        step(S::Closed, "2026-03-03 08:00"),
    ]);
    assert_eq!(prompt.sla_met, Some(true), "what was not told is no breach");
}

/// Trap 11: duplicates and reopened tickets.
#[test]
fn a_reopened_ticket_is_one_open_ticket_and_a_duplicate_has_left() {
    let mut steps = vec![
        step(S::New, "2026-03-02 08:00"),
        step(S::Assigned, "2026-03-02 08:30").with(|s| s.unit = Some("gso:31135".into())),
        step(S::Resolved, "2026-03-03 08:00"),
        step(S::Reopened, "2026-03-04 08:00").with(|s| s.unit = Some("gso:31120".into())),
    ];
    let open = folded(steps.clone());
    assert_eq!((open.handled_at, open.reopened, open.units), (None, 1, 2));
    assert_eq!(open.dispatch_min, Some(30));
    steps.push(step(S::Reopened, "2026-03-04 09:00"));
    assert_eq!(folded(steps.clone()).reopened, 1, "told again");
    steps.push(step(S::Closed, "2026-03-05 08:00"));
    assert_eq!(folded(steps).handled_at, Some(at("2026-03-05 08:00")));
    let duplicate = folded(vec![
        step(S::New, "2026-03-02 08:00"),
        step(S::Duplicate, "2026-03-02 09:00").with(|s| s.merged_into = Some("1022-0".into())),
    ]);
    assert_eq!((duplicate.handled_at, duplicate.on_time), (None, None));
    assert_eq!(duplicate.left_day, Some(day("2026-03-02")));
}

#[test]
fn handled_is_the_first_of_its_closing_steps() {
    let ticket = folded(vec![
        step(S::New, "2026-03-02 08:00"),
        step(S::Resolved, "2026-03-03 08:00"),
        step(S::Published, "2026-03-04 08:00"),
        step(S::Closed, "2026-03-05 08:00"),
    ]);
    assert_eq!(ticket.handled_day, Some(day("2026-03-03")));
    assert_eq!(ticket.status, S::Closed);
}

fn lives() -> impl Strategy<Value = (Vec<Told<TicketStep>>, Vec<Told<TicketStep>>)> {
    let step =
        (0..S::ALL.len(), 0..20_000_i64, 0..3_i64, option::of(0..20_000_i64), option::of(0..3_u8));
    let step = step.prop_map(|(status, minute, seq, due, unit)| {
        let time = |minute| at("2026-03-02 08:00") + TimeDelta::minutes(minute);
        let mut told = told(S::ALL[status], time(minute), seq);
        told.step.due_at = due.map(time);
        told.step.unit = unit.map(|n| format!("gso:{n}").into());
        told
    });
    let distinct = |steps: Vec<Told<TicketStep>>| {
        let mut keys = std::collections::HashSet::new();
        let is_new = |told: &Told<TicketStep>| keys.insert((told.step.rank(), told.step.at));
        steps.into_iter().filter(is_new).collect::<Vec<_>>()
    };
    vec(step, 1..10)
        .prop_map(distinct)
        .prop_flat_map(|steps| (Just(steps.clone()), Just(steps).prop_shuffle()))
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_ticket((steps, shuffled) in lives()) {
        let ticket = folded(steps);
        prop_assert_eq!(&ticket, &folded(shuffled));
        prop_assert_eq!(ticket.handled_at.is_some(), ticket.on_time.is_some());
        prop_assert!(ticket.handled_at.is_none() || ticket.left_at.is_none());
        prop_assert!(ticket.paused_s >= 0);
        // What stood overdue is what fell due before and was not handled by then.
        if let (Some(is_on_time), Some(handled)) = (ticket.on_time, ticket.handled_day) {
            prop_assert!(ticket.due_day.is_some_and(|due| is_on_time || due <= handled));
        }
    }
}
