//! Facts of the one-stop system: any of them, and the payload that its source would have sent.

use chrono::{Datelike as _, NaiveDate};
use ioc_ingest::{
    Fact, Word as _,
    assessment::{Assessment, INDICATORS},
    document::DocumentStep,
    dossier::{DossierChannel, DossierStep, Fee, PaidOnline, TimeLimit},
    petition::PetitionStep,
};
use proptest::{array::uniform9, collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use crate::{
    payload::{decimal, time as shown, word as text},
    roundtrip::{code, some, time, token, unit, word},
};

pub(crate) fn dossier() -> impl Strategy<Value = Fact> {
    let flag = || some(any::<bool>());
    let limit = (1..=1_000_u16, word()).prop_map(|(value, unit)| TimeLimit { value, unit });
    let fee = (fee_kind(), 0..=99_999_999_999_u64)
        .prop_map(|(kind, amount_vnd)| Fee { kind, amount_vnd });
    let what = (code(), word(), time(), some(code()), some(token()), some(unit()), some(unit()));
    let when = (some(time()), some(time()), some(time()), some(limit), some(word()));
    let flags = (flag(), flag(), flag(), flag(), flag());
    let money = (some(word()), some(vec(fee, 0..4)), some(0..=1_000_u16), some(word()));
    let how = (some(fee_kind()), some(time()), some(time()));
    (what, when, flags, money, how).prop_map(|(what, when, flags, money, how)| {
        let (dossier, status, at, formality, field, unit, received_by) = what;
        let (submitted_at, received_at, due_at, limit, channel) = when;
        let (digitised, has_component_file, reused, from_national_store, vneid) = flags;
        let (paid_online, fees, result_links, applicant) = money;
        let (step, step_due_at, apology_at) = how;
        Fact::Dossier(Box::new(DossierStep {
            dossier,
            status,
            at,
            formality,
            field,
            unit,
            received_by,
            channel,
            submitted_at,
            received_at,
            due_at,
            limit,
            digitised,
            has_component_file,
            reused,
            from_national_store,
            vneid,
            paid_online,
            fees,
            result_links,
            applicant,
            step,
            step_due_at,
            apology_at,
        }))
    })
}

/// A token that cannot be a person's number: it is no code field.
fn fee_kind() -> impl Strategy<Value = Box<str>> {
    proptest::string::string_regex("[a-z_.-]{1,64}")
        .expect("a pattern")
        .prop_map(String::into_boxed_str)
}

pub(crate) fn assessment() -> impl Strategy<Value = Fact> {
    let quarter = (0..=9_999, 0..4_u32).prop_map(|(year, quarter)| {
        NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1).expect("the first of a month")
    });
    let who = (code(), unit(), quarter, word(), some(word()), some(code()));
    (who, uniform9(some(0..=2_000_u16))).prop_map(|(who, scores_e3)| {
        let (form, unit, quarter, by, channel, dossier) = who;
        Fact::Assessment(Box::new(Assessment {
            form,
            unit,
            quarter,
            by,
            channel,
            dossier,
            scores_e3,
        }))
    })
}

pub(crate) fn petition() -> impl Strategy<Value = Fact> {
    let what = (code(), word(), time(), some(word()), some(word()));
    (what, some(unit()), some(code()), some(any::<bool>())).prop_map(
        |((petition, status, at, kind, class), unit, dossier, satisfied)| {
            Fact::Petition(Box::new(PetitionStep {
                petition,
                status,
                at,
                kind,
                class,
                unit,
                dossier,
                satisfied,
            }))
        },
    )
}

pub(crate) fn document() -> impl Strategy<Value = Fact> {
    (fee_kind(), word(), time(), some(code()), some(unit()), some(any::<bool>())).prop_map(
        |(document, state, at, result_type, unit, has_holder)| {
            Fact::Document(Box::new(DocumentStep {
                document,
                state,
                at,
                result_type,
                unit,
                has_holder,
            }))
        },
    )
}

pub(crate) fn dossier_payload(step: &DossierStep) -> Value {
    let fee = |fee: &Fee| json!({"kind": fee.kind, "amount_vnd": fee.amount_vnd});
    json!({
        "dossier": step.dossier, "status": step.status.code(), "at": shown(step.at),
        "formality": step.formality, "field": step.field, "unit": step.unit,
        "received_by": step.received_by, "channel": step.channel.map(DossierChannel::code),
        "submitted_at": step.submitted_at.map(shown), "received_at": step.received_at.map(shown),
        "due_at": step.due_at.map(shown),
        "limit": step.limit.map(|limit| json!({"value": limit.value, "unit": limit.unit.as_str()})),
        "digitised": step.digitised, "has_component_file": step.has_component_file,
        "reused": step.reused, "from_national_store": step.from_national_store,
        "vneid": step.vneid, "paid_online": step.paid_online.map(PaidOnline::code),
        "fees": step.fees.as_ref().map(|fees| fees.iter().map(fee).collect::<Vec<_>>()),
        "result_links": step.result_links, "applicant": text(step.applicant), "step": step.step,
        "step_due_at": step.step_due_at.map(shown), "apology_at": step.apology_at.map(shown),
    })
}

pub(crate) fn assessment_payload(form: &Assessment) -> Value {
    let quarter = form.quarter.month0() / 3 + 1;
    let scores: Map<_, _> = (1..=INDICATORS)
        .zip(form.scores_e3)
        .map(|(number, score)| (format!("N{number}"), decimal(score, 3)))
        .collect();
    json!({
        "form": form.form, "unit": form.unit,
        "period": format!("{:04}-Q{quarter}", form.quarter.year()), "by": form.by.as_str(),
        "channel": text(form.channel), "dossier": form.dossier, "scores": scores,
    })
}

pub(crate) fn petition_payload(step: &PetitionStep) -> Value {
    json!({
        "petition": step.petition, "status": step.status.as_str(), "at": shown(step.at),
        "kind": text(step.kind), "class": text(step.class), "unit": step.unit,
        "dossier": step.dossier, "satisfied": step.satisfied,
    })
}

pub(crate) fn document_payload(step: &DocumentStep) -> Value {
    json!({
        "document": step.document, "state": step.state.as_str(), "at": shown(step.at),
        "result_type": step.result_type, "unit": step.unit, "has_holder": step.has_holder,
    })
}
