//! Dossiers: steps, supplements and limits, in every order of arrival.

use chrono::TimeDelta;
use ioc_ingest::{
    Word as _,
    dossier::{Fee, LimitUnit},
};
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::record::tests::{at, day, rules};

const FIVE_DAYS: TimeLimit = TimeLimit { value: 5, unit: LimitUnit::WorkingDay };

fn step(code: u8, when: &str) -> Told<DossierStep> {
    told(DossierStatus::of_code(code).unwrap(), at(when), 1)
}

fn told(status: DossierStatus, at: DateTime<Utc>, seq: i64) -> Told<DossierStep> {
    let step = DossierStep {
        dossier: "H13.50.05.13-260302-0975".into(),
        status,
        at,
        formality: None,
        field: None,
        unit: None,
        received_by: None,
        channel: None,
        submitted_at: None,
        received_at: None,
        due_at: None,
        limit: None,
        digitised: None,
        has_component_file: None,
        reused: None,
        from_national_store: None,
        vneid: None,
        paid_online: None,
        fees: None,
        result_links: None,
        applicant: None,
        step: None,
        step_due_at: None,
        apology_at: None,
    };
    Told { time: at, boot: 1, seq, step }
}

impl Told<DossierStep> {
    fn with(mut self, tell: impl FnOnce(&mut DossierStep)) -> Self {
        tell(&mut self.step);
        self
    }

    fn due(self, when: &str) -> Self {
        self.with(|step| step.due_at = Some(at(when)))
    }
}

fn folded(steps: Vec<Told<DossierStep>>) -> Dossier {
    fold(steps, Links::default(), &rules()).unwrap()
}

#[test]
fn no_steps_are_no_dossier() {
    assert_eq!(fold(Vec::new(), Links::default(), &rules()), None);
}

#[test]
fn an_end_before_on_and_after_the_due_day_is_told_apart() {
    let ended = |when: &str| {
        let dossier = folded(vec![
            step(2, "2026-03-02 08:00").due("2026-03-09 17:00"),
            step(4, "2026-03-02 09:00"),
            step(9, when),
        ]);
        (dossier.outcome.unwrap(), dossier.on_time.unwrap(), dossier.overdue_day)
    };
    assert_eq!(ended("2026-03-08 23:59"), (Outcome::Early, true, None));
    assert_eq!(ended("2026-03-09 00:00"), (Outcome::OnDay, true, None));
    // Days are compared: after closing time of the due day is still that day.
    assert_eq!(ended("2026-03-09 23:59"), (Outcome::OnDay, true, None));
    let late = Some(day("2026-03-10"));
    assert_eq!(ended("2026-03-10 00:00"), (Outcome::Late, false, late));
    assert_eq!(ended("2026-03-20 00:00"), (Outcome::Late, false, late));
}

#[test]
fn a_limit_in_hours_is_compared_by_minutes() {
    let ended = |when: &str| {
        let hours = TimeLimit { value: 4, unit: LimitUnit::Hour };
        let first = step(2, "2026-03-02 08:00").due("2026-03-02 14:00");
        folded(vec![
            first.with(|step| step.limit = Some(hours)),
            step(4, "2026-03-02 08:05"),
            step(9, when),
        ])
        .outcome
        .unwrap()
    };
    assert_eq!(ended("2026-03-02 14:00"), Outcome::OnDay);
    assert_eq!(ended("2026-03-02 14:01"), Outcome::Late);
}

/// Trap 5: status 8 stands in another bucket in one report than in the other, so it is kept apart.
#[test]
fn a_stopped_dossier_has_an_outcome_of_its_own() {
    let open =
        || vec![step(2, "2026-03-02 08:00").due("2026-03-09 17:00"), step(4, "2026-03-02 09:00")];
    let with = |last: Told<DossierStep>| folded(open().into_iter().chain([last]).collect());
    let stopped = with(step(8, "2026-03-03 08:00"));
    assert_eq!(stopped.outcome, Some(Outcome::Stopped));
    assert_eq!(stopped.on_time, Some(true));
    assert_eq!(stopped.ended_day, Some(day("2026-03-03")));
    let withdrawn = with(step(7, "2026-03-12 08:00"));
    assert_eq!(withdrawn.outcome, Some(Outcome::Withdrawn));
    // It had been overdue since the tenth.
    assert_eq!((withdrawn.on_time, withdrawn.overdue_day), (Some(false), Some(day("2026-03-10"))));
}

/// Trap 6: supplement time subtracted twice.
#[test]
fn waiting_counts_only_against_a_due_time_that_was_set_before_it() {
    let life = |due_at_first: &str, new_due: Option<&str>| {
        let resumed = step(4, "2026-03-12 08:00");
        let resumed = match new_due {
            Some(due) => resumed.due(due),
            None => resumed,
        };
        folded(vec![
            step(2, "2026-03-02 08:00").due(due_at_first),
            step(4, "2026-03-02 09:00"),
            step(5, "2026-03-05 08:00"),
            resumed,
            step(9, "2026-03-16 10:00"),
        ])
    };
    // Seven days of waiting put the ninth off to the sixteenth.
    let kept = life("2026-03-09 17:00", None);
    assert_eq!((kept.outcome, kept.paused_s), (Some(Outcome::OnDay), 7 * 86_400));
    assert_eq!(kept.effective_due, Some(at("2026-03-16 17:00")));
    // A due time set after the waiting contains it already.
    let moved = life("2026-03-09 17:00", Some("2026-03-13 17:00"));
    assert_eq!((moved.outcome, moved.paused_s), (Some(Outcome::Late), 7 * 86_400));
    assert_eq!(moved.effective_due, Some(at("2026-03-13 17:00")));
    assert_eq!(moved.due_at, Some(at("2026-03-13 17:00")));
    // The same due time told again is not set anew.
    let repeated = life("2026-03-09 17:00", Some("2026-03-09 17:00"));
    assert_eq!(repeated.outcome, Some(Outcome::OnDay));
}

#[test]
fn what_is_told_after_the_end_does_not_move_the_due_time() {
    let dossier = folded(vec![
        step(2, "2026-03-02 08:00").due("2026-03-09 17:00"),
        step(9, "2026-03-11 10:00"),
        step(10, "2026-03-12 10:00").due("2026-03-31 17:00"),
    ]);
    assert_eq!(
        (dossier.due_at, dossier.outcome),
        (Some(at("2026-03-09 17:00")), Some(Outcome::Late))
    );
    assert_eq!(dossier.ended_at, Some(at("2026-03-11 10:00")));
    assert_eq!(dossier.returned_at, Some(at("2026-03-12 10:00")));
}

#[test]
fn a_dossier_that_waits_is_not_overdue_and_judged_by_when_it_was_asked() {
    let waiting = |asked: &[&str]| {
        let mut steps = vec![step(2, "2026-03-02 08:00").due("2026-03-09 17:00")];
        for (n, when) in asked.iter().enumerate() {
            if n > 0 {
                steps.push(step(4, "2026-03-04 12:00"));
            }
            steps.push(step(5, when));
        }
        folded(steps)
    };
    let once = waiting(&["2026-03-04 08:00"]);
    assert!(once.is_paused && once.ended_at.is_none());
    assert_eq!((once.effective_due, once.overdue_at, once.on_time), (None, None, Some(true)));
    assert_eq!(waiting(&["2026-03-10 08:00"]).on_time, Some(false), "asked too late");
    let twice = waiting(&["2026-03-04 08:00", "2026-03-05 08:00"]);
    assert_eq!((twice.on_time, twice.supplements), (Some(false), 2));
    let told_again = folded(vec![
        step(2, "2026-03-02 08:00").due("2026-03-09 17:00"),
        step(5, "2026-03-04 08:00"),
        step(5, "2026-03-05 08:00"),
    ]);
    assert_eq!((told_again.on_time, told_again.supplements), (Some(true), 1));
    let running = folded(vec![step(2, "2026-03-02 08:00").due("2026-03-09 17:00")]);
    assert_eq!((running.on_time, running.overdue_day), (None, Some(day("2026-03-10"))));
}

/// Trap 7: refused before acceptance is not in the base.
#[test]
fn a_refused_dossier_was_never_accepted() {
    let refused = folded(vec![
        step(1, "2026-03-02 08:00"),
        // Some portals fill in the time of receipt even then.
        step(3, "2026-03-03 08:00").with(|step| step.received_at = Some(at("2026-03-02 08:00"))),
    ]);
    assert_eq!((refused.received_at, refused.ended_at, refused.outcome), (None, None, None));
    assert_eq!(refused.refused_day, Some(day("2026-03-03")));
    assert_eq!(refused.submitted_day, day("2026-03-02"));
    let withdrawn = folded(vec![step(1, "2026-03-02 08:00"), step(7, "2026-03-03 08:00")]);
    assert_eq!((withdrawn.received_at, withdrawn.ended_at), (None, None));
    let after = folded(vec![step(2, "2026-03-02 08:00"), step(3, "2026-03-03 08:00")]);
    assert_eq!((after.outcome, after.illegal_moves), (Some(Outcome::Refused), 1));
}

/// Trap 11, of dossiers: what was opened again is open.
#[test]
fn a_dossier_that_goes_on_after_its_end_is_open() {
    let steps = || {
        vec![step(2, "2026-03-02 08:00"), step(4, "2026-03-02 09:00"), step(9, "2026-03-03 08:00")]
    };
    let mut again = steps();
    again.push(step(4, "2026-03-04 08:00"));
    let open = folded(again.clone());
    assert_eq!((open.ended_at, open.illegal_moves), (None, 1));
    again.push(step(9, "2026-03-05 08:00"));
    assert_eq!(folded(again).ended_at, Some(at("2026-03-05 08:00")));
    assert_eq!(folded(steps()).illegal_moves, 0);
}

/// Trap 15: one dossier, many fees, all zero.
#[test]
fn fees_are_counted_and_summed() {
    let paying = |amounts: Option<&[u64]>| {
        let fees = amounts.map(|amounts| {
            let fee = |amount_vnd: &u64| Fee { kind: "fee".into(), amount_vnd: *amount_vnd };
            amounts.iter().map(fee).collect()
        });
        let dossier = folded(vec![step(2, "2026-03-02 08:00").with(|step| step.fees = fees)]);
        (dossier.fee_count, dossier.fee_vnd)
    };
    assert_eq!(paying(None), (None, None));
    assert_eq!(paying(Some(&[])), (Some(0), Some(0)));
    assert_eq!(paying(Some(&[0, 0, 0])), (Some(3), Some(0)));
    assert_eq!(paying(Some(&[30_000, 0])), (Some(2), Some(30_000)));
    assert_eq!(paying(Some(&[u64::MAX, 1])), (Some(2), Some(i64::MAX)));
}

/// Trap 16: finished dossiers without a due date are their own bucket.
#[test]
fn without_a_due_time_only_the_limit_judges() {
    let ended = |limit: Option<TimeLimit>, when: &str| {
        folded(vec![
            step(2, "2026-03-02 08:00").with(|step| step.limit = limit),
            step(4, "2026-03-02 09:00"),
            step(9, when),
        ])
    };
    let unknown = ended(None, "2026-03-30 10:00");
    assert_eq!((unknown.outcome, unknown.on_time), (Some(Outcome::NoDue), None));
    // Five working days after Monday the second: Monday the ninth.
    let in_time = ended(Some(FIVE_DAYS), "2026-03-09 16:00");
    assert_eq!((in_time.outcome, in_time.on_time), (Some(Outcome::NoDue), Some(true)));
    assert_eq!(in_time.effective_due, Some(at("2026-03-09 17:00")));
    let late = ended(Some(FIVE_DAYS), "2026-03-10 08:00");
    assert_eq!((late.outcome, late.on_time), (Some(Outcome::NoDue), Some(false)));
    assert_eq!(late.overdue_day, Some(day("2026-03-10")));
}

#[test]
fn working_time_leaves_nights_weekends_and_waiting_out() {
    let dossier = folded(vec![
        step(1, "2026-02-27 16:00"),
        step(2, "2026-03-02 08:00").with(|step| {
            step.channel = Some(DossierChannel::Online);
            step.limit = Some(FIVE_DAYS);
        }),
        step(4, "2026-03-02 08:00"),
        step(5, "2026-03-03 08:00"),
        step(4, "2026-03-04 08:00"),
        step(9, "2026-03-05 09:30"),
    ]);
    // Friday 16:00 to 17:00 and Monday 07:00 to 08:00.
    assert_eq!((dossier.acceptance_min, dossier.accepted_in_time), (Some(120), Some(true)));
    // Two days of eight hours and an hour and a half.
    assert_eq!(dossier.handling_min, Some(2 * 480 + 90));
    // From Monday 08:00 to the close of the next Monday.
    assert_eq!(dossier.limit_min, Some(5 * 480 + 7 * 60));
    assert_eq!(dossier.calendar, 0);
}

#[test]
fn a_year_without_a_calendar_is_not_guessed() {
    let dossier = folded(vec![
        step(2, "2031-03-03 08:00").with(|step| step.limit = Some(FIVE_DAYS)),
        step(9, "2031-03-04 08:00"),
    ]);
    assert_eq!((dossier.calendar, dossier.handling_min, dossier.on_time), (2, None, None));
    assert_eq!(dossier.outcome, Some(Outcome::NoDue));
    // A due time that was told needs no calendar.
    let told = folded(vec![
        step(2, "2031-03-03 08:00").due("2031-03-05 17:00"),
        step(9, "2031-03-04 08:00"),
    ]);
    assert_eq!((told.calendar, told.outcome), (2, Some(Outcome::Early)));
}

#[test]
fn steps_of_the_process_are_over_when_the_next_begins() {
    let process = |code, when, name: &str, due: Option<&str>| {
        step(code, when).with(|step| {
            step.step = Some(name.into());
            step.step_due_at = due.map(at);
        })
    };
    let dossier = folded(vec![
        process(2, "2026-03-02 08:00", "receive", Some("2026-03-02 17:00")),
        process(4, "2026-03-02 09:00", "verify", Some("2026-03-03 17:00")),
        // Told again: the same step.
        process(4, "2026-03-03 09:00", "verify", None),
        process(4, "2026-03-05 09:00", "sign", None),
        process(9, "2026-03-06 09:00", "return", Some("2026-03-01 17:00")),
    ]);
    // Received in time, verified two days late, signing has no limit, an end begins nothing.
    assert_eq!((dossier.steps_total, dossier.steps_on_time), (2, 1));
}

#[test]
fn a_value_that_is_not_told_overwrites_nothing() {
    let dossier = folded(vec![
        step(2, "2026-03-02 08:00").with(|step| {
            step.unit = Some("gso:31135".into());
            step.digitised = Some(true);
            step.paid_online = Some(PaidOnline::National);
        }),
        step(4, "2026-03-02 09:00").with(|step| step.digitised = Some(false)),
        step(9, "2026-03-03 09:00"),
    ]);
    assert_eq!(dossier.unit.as_deref(), Some("gso:31135"));
    assert_eq!(dossier.digitised, Some(false));
    assert_eq!(dossier.paid_online, Some(PaidOnline::National));
    assert_eq!(dossier.channel, DossierChannel::Direct, "never told");
}

/// Trap 14: numbers of 4 to 7 digits; a date that differs is marked and the dossier counts all the same.
#[test]
fn the_date_in_the_code_is_only_compared() {
    let with = |code: &str| {
        folded(vec![step(2, "2026-03-02 08:00").with(|step| step.dossier = code.into())])
    };
    assert!(!with("H13.50.05.13-260302-0975").code_date_differs);
    assert!(!with("H13.50.05.13-260302-1234567").code_date_differs);
    assert!(with("H13.50.05.13-260301-0975").code_date_differs);
    assert!(with("H13.50.05.13-261301-12345").code_date_differs);
    assert!(!with("any other code").code_date_differs);
    assert_eq!(with("H13.50.05.13-260301-0975").received_day, Some(day("2026-03-02")));
}

fn any_step() -> impl Strategy<Value = Told<DossierStep>> {
    let minute = 0..60_000_i64;
    let when = || option::of(0..60_000_i64);
    let facts = (option::of(0..3_usize), when(), when(), option::of(any::<bool>()));
    (1..=10_u8, minute, 0..3_i64, facts, option::of(1..20_u16), option::of(0..3_u8)).prop_map(
        |(code, minute, seq, (channel, due, received, digitised), limit, name)| {
            let begin = at("2026-03-02 08:00");
            let time = |minute: i64| begin + TimeDelta::minutes(minute);
            let mut told = told(DossierStatus::of_code(code).unwrap(), time(minute), seq);
            let step = &mut told.step;
            step.channel = channel.map(|n| DossierChannel::ALL[n]);
            step.due_at = due.map(time);
            step.received_at = received.map(time);
            step.digitised = digitised;
            step.limit = limit.map(|value| TimeLimit { value, unit: LimitUnit::WorkingDay });
            step.step = name.map(|n| format!("step-{n}").into());
            step.step_due_at = due.map(time);
            told
        },
    )
}

/// Keeps one step of each natural key.
fn distinct(steps: Vec<Told<DossierStep>>) -> Vec<Told<DossierStep>> {
    let mut keys = std::collections::HashSet::new();
    steps.into_iter().filter(|told| keys.insert((told.step.status, told.step.at))).collect()
}

fn lives() -> impl Strategy<Value = (Vec<Told<DossierStep>>, Vec<Told<DossierStep>>)> {
    vec(any_step(), 1..12)
        .prop_map(distinct)
        .prop_flat_map(|steps| (Just(steps.clone()), Just(steps).prop_shuffle()))
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_dossier((steps, shuffled) in lives()) {
        prop_assert_eq!(folded(steps), folded(shuffled));
    }

    #[test]
    fn a_dossier_never_contradicts_itself((steps, _) in lives()) {
        let dossier = folded(steps);
        prop_assert_eq!(dossier.ended_at.is_some(), dossier.outcome.is_some());
        prop_assert_eq!(dossier.ended_at.is_some(), dossier.end_status.is_some());
        if dossier.received_at.is_none() {
            prop_assert!(dossier.ended_at.is_none() && dossier.overdue_at.is_none());
            prop_assert!(!dossier.is_paused && dossier.on_time.is_none());
        }
        if let Some(ended) = dossier.ended_at {
            prop_assert!(!dossier.is_paused);
            // Past its due time when it ended, or never.
            prop_assert!(dossier.overdue_at.is_none_or(|overdue| overdue <= ended));
            prop_assert_eq!(dossier.on_time == Some(false), dossier.overdue_at.is_some());
        }
        if dossier.outcome == Some(Outcome::Late) {
            prop_assert_eq!(dossier.on_time, Some(false));
        }
        if matches!(dossier.outcome, Some(Outcome::Early | Outcome::OnDay)) {
            prop_assert_eq!(dossier.on_time, Some(true));
        }
        prop_assert!(dossier.steps_on_time <= dossier.steps_total);
        prop_assert!(dossier.paused_s >= 0);
    }

    #[test]
    fn a_repeated_value_changes_nothing((steps, _) in lives()) {
        // Telling the state once more, at its end, with nothing new.
        let before = folded(steps.clone());
        let mut more = steps;
        let last = told(before.status, before.status_at + TimeDelta::minutes(1), 9);
        more.push(last);
        let after = folded(more);
        prop_assert_eq!(after.received_at, before.received_at);
        prop_assert_eq!(after.ended_at, before.ended_at);
        prop_assert_eq!(after.outcome, before.outcome);
        prop_assert_eq!(after.due_at, before.due_at);
    }
}
