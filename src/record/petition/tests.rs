//! Petitions: states, answers and limits, in every order of arrival.

use chrono::TimeDelta;
use ioc_ingest::Word as _;
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::record::tests::{at, day, parameters, rules, rules_of};

fn told(status: PetitionStatus, at: DateTime<Utc>, seq: i64) -> Told<PetitionStep> {
    let step = PetitionStep {
        petition: "PAKN-1".into(),
        status,
        at,
        kind: None,
        class: None,
        unit: None,
        dossier: None,
        satisfied: None,
    };
    Told { time: at, boot: 1, seq, step }
}

fn folded(steps: &[(PetitionStatus, &str)]) -> Petition {
    let told = steps.iter().map(|(status, when)| told(*status, at(when), 1)).collect();
    fold(told, &rules()).unwrap()
}

use PetitionStatus as S;

#[test]
fn an_answer_is_due_fifteen_working_days_after_the_petition_came() {
    let answered = |when| folded(&[(S::Received, "2026-03-02 20:00"), (S::Answered, when)]).on_time;
    // Monday the second and three weeks: Monday the twenty-third, until midnight.
    assert_eq!(answered("2026-03-23 23:59"), Some(true));
    assert_eq!(answered("2026-03-24 00:00"), Some(false));
    let open = folded(&[(S::Received, "2026-03-02 20:00")]);
    assert_eq!((open.on_time, open.ended_at), (None, None));
    assert_eq!(open.due_at, Some(at("2026-03-23 17:00")));
    assert_eq!(open.overdue_at, Some(at("2026-03-24 00:00")));
    assert_eq!(open.overdue_day, Some(day("2026-03-24")));
}

#[test]
fn limits_are_those_of_the_day_on_which_it_came() {
    let shorter = parameters("handle_working_days = 15", "handle_working_days = 3");
    let steps = |from, to| vec![told(S::Received, at(from), 1), told(S::Answered, at(to), 2)];
    let by = |parameters, from, to| fold(steps(from, to), &rules_of(parameters)).unwrap().on_time;
    assert_eq!(by(&shorter, "2026-03-02 08:00", "2026-03-05 08:00"), Some(true));
    assert_eq!(by(&shorter, "2026-03-02 08:00", "2026-03-06 08:00"), Some(false));
    let later = parameters("valid_from = 2019-12-09", "valid_from = 2026-03-03");
    assert_eq!(by(&later, "2026-03-02 08:00", "2026-03-06 08:00"), None, "none was valid");
    assert_eq!(by(&later, "2026-03-03 08:00", "2026-03-06 08:00"), Some(true));
}

#[test]
fn time_begins_anew_with_the_latest_transfer() {
    let moved = folded(&[
        (S::Received, "2026-03-02 08:00"),
        (S::Transferred, "2026-03-16 08:00"),
        (S::Answered, "2026-04-06 08:00"),
    ]);
    assert_eq!((moved.sent_at, moved.on_time), (at("2026-03-16 08:00"), Some(true)));
    assert_eq!(moved.received_day, day("2026-03-02"));
}

#[test]
fn refusing_and_asking_have_limits_of_their_own() {
    let of = |status, when| folded(&[(S::Received, "2026-03-02 08:00"), (status, when)]);
    assert_eq!(of(S::Refused, "2026-03-04 20:00").on_time, Some(true));
    let late = of(S::Refused, "2026-03-05 08:00");
    assert_eq!((late.on_time, late.overdue_at), (Some(false), Some(at("2026-03-05 00:00"))));
    let published_before = folded(&[
        (S::Received, "2026-03-02 08:00"),
        (S::Published, "2026-03-03 08:00"),
        (S::Refused, "2026-03-09 08:00"),
    ]);
    assert_eq!((published_before.on_time, published_before.overdue_day), (Some(true), None));
    let asked = of(S::MoreInfo, "2026-03-09 08:00");
    assert_eq!((asked.on_time, asked.overdue_at, asked.ended_at), (Some(true), None, None));
    assert_eq!(of(S::MoreInfo, "2026-03-10 08:00").on_time, Some(false));
}

#[test]
fn an_answer_is_published_within_two_working_days() {
    let published = |when| {
        let steps = [
            (S::Received, "2026-03-02 08:00"),
            (S::Answered, "2026-03-06 08:00"),
            (S::Published, when),
        ];
        let petition = folded(&steps);
        assert_eq!(petition.ended_at, Some(at("2026-03-06 08:00")), "published is not later ended");
        petition.published_on_time
    };
    assert_eq!(published("2026-03-10 08:00"), Some(true));
    assert_eq!(published("2026-03-11 08:00"), Some(false));
    let unanswered =
        folded(&[(S::Received, "2026-03-02 08:00"), (S::Published, "2026-03-03 08:00")]);
    assert_eq!((unanswered.published_on_time, unanswered.illegal_moves), (None, 1));
}

#[test]
fn what_goes_on_after_its_answer_is_open() {
    let again = folded(&[
        (S::Received, "2026-03-02 08:00"),
        (S::Answered, "2026-03-06 08:00"),
        (S::Processing, "2026-03-09 08:00"),
    ]);
    assert_eq!((again.ended_at, again.answered_at, again.illegal_moves), (None, None, 1));
}

fn lives() -> impl Strategy<Value = (Vec<Told<PetitionStep>>, Vec<Told<PetitionStep>>)> {
    let step =
        (0..S::ALL.len(), 0..60_000_i64, 0..3_i64, option::of(0..3_u8), option::of(any::<bool>()));
    let step = step.prop_map(|(status, minute, seq, dossier, satisfied)| {
        let mut told =
            told(S::ALL[status], at("2026-03-02 08:00") + TimeDelta::minutes(minute), seq);
        told.step.dossier = dossier.map(|n| format!("dossier-{n}").into());
        told.step.satisfied = satisfied;
        told
    });
    let distinct = |steps: Vec<Told<PetitionStep>>| {
        let mut keys = std::collections::HashSet::new();
        let is_new = |told: &Told<PetitionStep>| keys.insert((told.step.status, told.step.at));
        steps.into_iter().filter(is_new).collect::<Vec<_>>()
    };
    vec(step, 1..10)
        .prop_map(distinct)
        .prop_flat_map(|steps| (Just(steps.clone()), Just(steps).prop_shuffle()))
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_petition((steps, shuffled) in lives()) {
        let petition = fold(steps, &rules());
        prop_assert_eq!(&petition, &fold(shuffled, &rules()));
        let petition = petition.unwrap();
        prop_assert_eq!(petition.ended_at.is_some(), petition.ended_day.is_some());
        if petition.ended_at.is_some() {
            prop_assert_eq!(petition.on_time == Some(false), petition.overdue_at.is_some());
            prop_assert!(petition.overdue_day.is_none_or(|day| Some(day) <= petition.ended_day));
        }
    }
}
