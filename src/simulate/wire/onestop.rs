//! The messages of the one-stop system: its facts as the contract's JSON.

use chrono::Datelike;
use ioc_ingest::{
    assessment::Assessment,
    document::DocumentStep,
    dossier::{DossierChannel, DossierStep, PaidOnline},
    petition::PetitionStep,
};

use super::Object;

pub(super) fn dossier(message: &mut Object<'_>, step: &DossierStep) {
    message.json("dossier", Some(&step.dossier));
    message.number("status", Some(step.status.code()));
    message.time("at", Some(step.at));
    message.json("formality", step.formality.as_ref());
    message.json("field", step.field.as_ref());
    message.json("unit", step.unit.as_ref());
    message.json("received_by", step.received_by.as_ref());
    message.number("channel", step.channel.map(DossierChannel::code));
    message.time("submitted_at", step.submitted_at);
    message.time("received_at", step.received_at);
    message.time("due_at", step.due_at);
    if let Some(limit) = step.limit {
        message.object("limit", |object| {
            object.number("value", Some(limit.value));
            object.json("unit", Some(limit.unit));
        });
    }
    message.json("digitised", step.digitised);
    message.json("has_component_file", step.has_component_file);
    message.json("reused", step.reused);
    message.json("from_national_store", step.from_national_store);
    message.json("vneid", step.vneid);
    message.number("paid_online", step.paid_online.map(PaidOnline::code));
    if let Some(fees) = &step.fees {
        message.list("fees", fees, |fee, object| {
            object.json("kind", Some(&fee.kind));
            object.number("amount_vnd", Some(fee.amount_vnd));
        });
    }
    message.number("result_links", step.result_links);
    message.json("applicant", step.applicant);
    message.json("step", step.step.as_ref());
    message.time("step_due_at", step.step_due_at);
    message.time("apology_at", step.apology_at);
}

pub(super) fn assessment(message: &mut Object<'_>, form: &Assessment) {
    message.json("form", Some(&form.form));
    message.json("unit", Some(&form.unit));
    let quarter = form.quarter.month0() / 3 + 1;
    message.json("period", Some(format!("{:04}-Q{quarter}", form.quarter.year())));
    message.json("by", Some(form.by));
    message.json("channel", form.channel);
    message.json("dossier", form.dossier.as_ref());
    message.object("scores", |object| {
        for (number, score) in (1..).zip(form.scores_e3) {
            object.fixed(&format!("N{number}"), score, 3);
        }
    });
}

pub(super) fn petition(message: &mut Object<'_>, step: &PetitionStep) {
    message.json("petition", Some(&step.petition));
    message.json("status", Some(step.status));
    message.time("at", Some(step.at));
    message.json("kind", step.kind);
    message.json("class", step.class);
    message.json("unit", step.unit.as_ref());
    message.json("dossier", step.dossier.as_ref());
    message.json("satisfied", step.satisfied);
}

pub(super) fn document(message: &mut Object<'_>, step: &DocumentStep) {
    message.json("document", Some(&step.document));
    message.json("state", Some(step.state));
    message.time("at", Some(step.at));
    message.json("result_type", step.result_type.as_ref());
    message.json("unit", step.unit.as_ref());
    message.json("has_holder", step.has_holder);
}
