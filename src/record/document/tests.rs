//! Digitised documents: any order of arrival ends in the same record.

use chrono::TimeDelta;
use ioc_ingest::Word as _;
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::record::tests::{at, day, rules};
use DocumentState as S;

fn told(state: DocumentState, at: DateTime<Utc>, seq: i64) -> Told<DocumentStep> {
    let step = DocumentStep {
        document: "d-1".into(),
        state,
        at,
        result_type: None,
        unit: None,
        has_holder: None,
    };
    Told { time: at, boot: 1, seq, step }
}

fn folded(steps: &[(DocumentState, &str)]) -> Document {
    let told = steps.iter().map(|(state, when)| told(*state, at(when), 1)).collect();
    fold(told, &rules()).unwrap()
}

#[test]
fn a_signed_document_was_to_be_digitised_and_is() {
    let signed = folded(&[(S::Signed, "2026-03-03 08:00")]);
    let third = Some(day("2026-03-03"));
    assert_eq!(
        (signed.reviewed_day, signed.digitised_day, signed.signed_day),
        (third, third, third)
    );
    let whole = folded(&[
        (S::Reviewed, "2026-03-02 08:00"),
        (S::Digitised, "2026-03-03 08:00"),
        (S::Signed, "2026-03-04 08:00"),
    ]);
    assert_eq!(whole.reviewed_day, Some(day("2026-03-02")));
    assert_eq!((whole.digitised_day, whole.signed_day), (third, Some(day("2026-03-04"))));
}

#[test]
fn only_the_latest_step_withdraws() {
    let steps = [(S::Reviewed, "2026-03-02 08:00"), (S::Withdrawn, "2026-03-03 08:00")];
    assert_eq!(folded(&steps).withdrawn_day, Some(day("2026-03-03")));
    assert_eq!(folded(&steps[1..]).reviewed_at, None);
    let again = [steps[0], steps[1], (S::Reviewed, "2026-03-04 08:00")];
    assert_eq!(folded(&again).withdrawn_at, None);
    assert_eq!(folded(&again).reviewed_day, Some(day("2026-03-02")));
}

fn lives() -> impl Strategy<Value = (Vec<Told<DocumentStep>>, Vec<Told<DocumentStep>>)> {
    let step = (0..S::ALL.len(), 0..20_000_i64, 0..3_i64, option::of(any::<bool>()));
    let step = step.prop_map(|(state, minute, seq, has_holder)| {
        let mut told =
            told(S::ALL[state], at("2026-03-02 08:00") + TimeDelta::minutes(minute), seq);
        told.step.has_holder = has_holder;
        told
    });
    let distinct = |steps: Vec<Told<DocumentStep>>| {
        let mut keys = std::collections::HashSet::new();
        let is_new = |told: &Told<DocumentStep>| keys.insert((told.step.state, told.step.at));
        steps.into_iter().filter(is_new).collect::<Vec<_>>()
    };
    vec(step, 1..8)
        .prop_map(distinct)
        .prop_flat_map(|steps| (Just(steps.clone()), Just(steps).prop_shuffle()))
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_document((steps, shuffled) in lives()) {
        prop_assert_eq!(fold(steps, &rules()), fold(shuffled, &rules()));
    }
}
