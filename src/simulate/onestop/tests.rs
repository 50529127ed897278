//! Lives of a demonstration city: the same however they are cut, legal, and with the wanted shares.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, LazyLock},
};

use ioc_ingest::{
    assessment::Assessor,
    document::DocumentState,
    dossier::{DossierChannel, DossierStatus},
    petition::PetitionStatus,
};

use super::{Entry, LIFE_MAX_DAYS, Onestop, date_of, ms};
use crate::{calendar::Calendar, city::City};

/// 2 March 2026, a Monday.
const MONDAY: i64 = 20_514;

static CITY: LazyLock<Arc<City>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
    Arc::new(City::load(&folder).unwrap_or_else(|errors| panic!("{errors}")))
});

fn onestop() -> Onestop {
    Onestop::new(1, Arc::clone(&CITY), Calendar::vietnam().with_units(&CITY.units))
}

/// Whether `to` may follow `from` by the status list of the national portal.
fn may_follow(from: u8, to: u8) -> bool {
    let next: &[u8] = match from {
        1 => &[2, 3, 5, 7],
        2 => &[4, 7],
        4 => &[4, 5, 6, 7, 8, 9],
        5 => &[2, 4, 7, 8],
        6 => &[4, 7, 8],
        9 => &[10],
        _ => &[],
    };
    next.contains(&to)
}

#[test]
fn a_day_is_the_same_whenever_it_is_made_and_another_seed_makes_another() {
    let of = |seed| Onestop::new(seed, Arc::clone(&CITY), Calendar::vietnam()).of_day(MONDAY);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn dossiers_take_legal_steps_in_order_and_end() {
    let onestop = onestop();
    let offices = onestop.offices(date_of(MONDAY));
    let lives = onestop.dossiers(MONDAY, &offices);
    assert!((150..260).contains(&lives.len()), "{} dossiers", lives.len());
    let mut ended = 0;
    for life in &lives {
        let first = &life.steps[0];
        assert!(matches!(
            first.status,
            DossierStatus::Registered | DossierStatus::Accepted | DossierStatus::NotAccepted
        ));
        for pair in life.steps.windows(2) {
            assert!(pair[0].at < pair[1].at, "{pair:?}");
            let (from, to) = (pair[0].status.code(), pair[1].status.code());
            assert!(may_follow(from, to), "{from} to {to}");
        }
        let formality = first.formality.as_deref().unwrap();
        let row = CITY.formalities_valid_at(date_of(MONDAY)).find(|row| row.code == formality);
        assert_eq!(row.unwrap().field.as_deref(), first.field.as_deref());
        let unit = CITY.unit_at(first.unit.as_deref().unwrap(), date_of(MONDAY));
        assert!(unit.is_some(), "a unit of the day");
        ended += u32::from(
            life.steps.last().unwrap().status.code() > 6
                || life.steps.last().unwrap().status == DossierStatus::NotAccepted,
        );
    }
    assert!(ended * 100 >= 97 * u32::try_from(lives.len()).unwrap(), "{ended} of {}", lives.len());
}

#[test]
fn due_times_are_those_of_the_calendar() {
    let onestop = onestop();
    let offices = onestop.offices(date_of(MONDAY));
    let mut judged = 0;
    for life in onestop.dossiers(MONDAY, &offices) {
        let Some(accepted) = life.steps.iter().find(|step| step.status == DossierStatus::Accepted)
        else {
            continue;
        };
        let due =
            onestop.calendar.due(accepted.at, accepted.limit.unwrap(), accepted.unit.as_deref());
        assert_eq!(accepted.due_at, due.ok());
        judged += 1;
    }
    assert!(judged > 100);
}

#[test]
fn few_are_late_and_the_shares_are_those_of_a_working_city() {
    let onestop = onestop();
    let (mut done, mut late, mut apologies, mut online, mut all, mut refused) = (0, 0, 0, 0, 0, 0);
    let (mut supplements, mut fees, mut paid, mut early) = (0, 0, 0, 0);
    for day in MONDAY..MONDAY + 12 {
        let offices = onestop.offices(date_of(day));
        for life in onestop.dossiers(day, &offices) {
            let last = life.steps.last().unwrap();
            all += 1;
            online += u32::from(last.channel == Some(DossierChannel::Online));
            refused += u32::from(last.status == DossierStatus::NotAccepted);
            let asked = life
                .steps
                .iter()
                .filter(|step| step.status == DossierStatus::SupplementRequested)
                .count();
            supplements += u32::from(asked > 0);
            let is_due = last.fees.iter().flatten().any(|fee| fee.amount_vnd > 0);
            fees += u32::from(is_due);
            paid += u32::from(last.paid_online.is_some_and(|paid| paid.code() > 0));
            let Some(end) = life.steps.iter().find(|step| step.status == DossierStatus::Done)
            else {
                continue;
            };
            done += 1;
            if asked == 0 {
                let day_of = |time| onestop.day_of(ms(time));
                let due = end.due_at.unwrap();
                late += u32::from(day_of(end.at) > day_of(due));
                early += u32::from(day_of(end.at) < day_of(due));
                apologies += u32::from(end.apology_at.is_some());
            }
        }
    }
    let pct = |part: u32, of: u32| f64::from(part) * 100.0 / f64::from(of);
    assert!((1.5..5.0).contains(&pct(late, done)), "{late} of {done} late");
    assert!(apologies > 0 && apologies < late.max(1) * 2, "{apologies} apologies");
    assert!((30.0..80.0).contains(&pct(early, done)), "{early} of {done} early");
    assert!((50.0..75.0).contains(&pct(online, all)), "{online} of {all} online");
    assert!((1.0..4.5).contains(&pct(refused, all)), "{refused} of {all} refused");
    assert!((6.0..16.0).contains(&pct(supplements, all)), "{supplements} of {all} asked");
    assert!(pct(paid, fees) > 30.0, "{paid} of {fees} paid online");
}

#[test]
fn codes_are_unique_and_carry_the_day_of_acceptance() {
    let onestop = onestop();
    let mut codes = BTreeSet::new();
    for day in MONDAY..MONDAY + 21 {
        let offices = onestop.offices(date_of(day));
        for life in onestop.dossiers(day, &offices) {
            let code = life.steps[0].dossier.to_string();
            let parts: Vec<&str> = code.split('-').collect();
            assert_eq!(parts.len(), 3, "{code}");
            assert!(parts[0].starts_with("H13.") && parts[2].len() == 4, "{code}");
            if let Some(step) =
                life.steps.iter().find(|step| step.status == DossierStatus::Accepted)
            {
                let date = date_of(onestop.day_of(ms(step.received_at.unwrap())));
                assert_eq!(parts[1], date.format("%y%m%d").to_string());
            }
            assert!(codes.insert(code));
        }
    }
    assert!(codes.len() > 2_500);
}

#[test]
fn petitions_documents_and_citizens_forms_come_with_the_days() {
    let onestop = onestop();
    let (mut petitions, mut documents, mut forms) = (BTreeMap::new(), BTreeMap::new(), 0);
    for day in MONDAY..MONDAY + 7 {
        let limit = onestop.begin_of(day + LIFE_MAX_DAYS);
        for (at, entry) in onestop.of_day(day) {
            assert!((onestop.begin_of(day)..limit).contains(&at));
            match entry {
                Entry::Petition(step) => {
                    petitions.entry(step.petition.clone()).or_insert_with(Vec::new).push(step);
                }
                Entry::Document(step) => {
                    documents.entry(step.document.clone()).or_insert_with(Vec::new).push(step);
                }
                Entry::Assessment(form) => {
                    assert_eq!(form.by, Assessor::Citizen);
                    assert!(form.dossier.is_some());
                    forms += 1;
                }
                Entry::Dossier(_) => {}
            }
        }
    }
    assert!(petitions.len() > 10 && documents.len() > 200 && forms > 50, "{forms} forms");
    for steps in petitions.values() {
        assert_eq!(steps[0].status, PetitionStatus::Received);
        assert!(steps.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
    let signed =
        documents.values().filter(|steps| steps.last().unwrap().state == DocumentState::Signed);
    assert!(signed.count() * 100 > documents.len() * 80);
}

#[test]
fn each_quarter_every_unit_scores_itself_once_and_is_appraised_after_that() {
    let onestop = onestop();
    // October 2026: the third quarter.
    let first = crate::simulate::desk::day_number("2026-10-01".parse().unwrap());
    let mut sent: BTreeMap<Box<str>, Vec<Assessor>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for day in first..first + 92 {
        for (_, entry) in onestop.forms_of_day(day) {
            let Entry::Assessment(form) = entry else { panic!("a form") };
            assert_eq!(form.quarter, "2026-07-01".parse().unwrap());
            assert!(numbers.insert(form.form.clone()));
            sent.entry(form.unit.clone()).or_default().push(form.by);
        }
    }
    let units = onestop.offices("2026-09-30".parse().unwrap()).len();
    assert_eq!((sent.len(), units), (116, 116), "103 communes and the agencies with formalities");
    assert!(sent.values().all(|by| by[0] == Assessor::Agency && by.len() <= 2));
    assert!(sent.values().filter(|by| by.len() == 2).count() > 90);
}
