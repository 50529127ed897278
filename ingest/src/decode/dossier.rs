//! `onestop/dossier`. Personal data is looked for in `personal.rs`, in all of the text.

use chrono::DateTime;

use super::{
    FEES_MAX, Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
    number::Quantity,
};
use crate::{
    dossier::{DossierChannel, DossierStatus, DossierStep, Fee, LimitUnit, PaidOnline, TimeLimit},
    message::Fact,
    reject::Reason,
};

/// Codes of the national portal.
const STATUS: Quantity = Quantity::new(0, 1, 10);
const CHANNEL: Quantity = Quantity::new(0, 1, 3);
const PAID_ONLINE: Quantity = Quantity::new(0, 0, 2);
/// Time limits that occur are up to a few hundred days.
const LIMIT: Quantity = Quantity::new(0, 1, 1_000);
/// Dong; a longer number could be a person's.
const AMOUNT_VND: Quantity = Quantity::new(0, 0, 99_999_999_999);
const LINKS: Quantity = Quantity::new(0, 0, 1_000);

keys!(DossierKey {
    Dossier = "dossier",
    Status = "status",
    At = "at",
    Formality = "formality",
    Field = "field",
    Unit = "unit",
    ReceivedBy = "received_by",
    Channel = "channel",
    SubmittedAt = "submitted_at",
    ReceivedAt = "received_at",
    DueAt = "due_at",
    Limit = "limit",
    Digitised = "digitised",
    HasComponentFile = "has_component_file",
    Reused = "reused",
    FromNationalStore = "from_national_store",
    Vneid = "vneid",
    PaidOnline = "paid_online",
    Fees = "fees",
    ResultLinks = "result_links",
    Applicant = "applicant",
    Step = "step",
    StepDueAt = "step_due_at",
    ApologyAt = "apology_at",
});

keys!(LimitKey { Value = "value", Unit = "unit" });

keys!(FeeKey { Kind = "kind", Amount = "amount_vnd" });

/// Reads `onestop/dossier`.
pub(super) fn dossier(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut step = Box::new(nothing());
    let (envelope, seen) = enveloped(reader, |reader, key| field(&mut step, reader, key))?;
    for key in [DossierKey::Dossier, DossierKey::Status, DossierKey::At] {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Dossier(step), refused: Vec::new() })
}

/// A step that tells nothing yet.
fn nothing() -> DossierStep {
    DossierStep {
        dossier: Box::default(),
        status: DossierStatus::Registered,
        at: DateTime::UNIX_EPOCH,
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
    }
}

fn field(step: &mut DossierStep, reader: &mut Reader<'_>, key: DossierKey) -> Result<(), Fault> {
    match key {
        DossierKey::Dossier => step.dossier = reader.code()?,
        DossierKey::Status => step.status = listed(reader, STATUS, DossierStatus::of_code)?,
        DossierKey::At => step.at = reader.time()?,
        DossierKey::Formality => step.formality = reader.nullable(Reader::code)?,
        DossierKey::Field => step.field = reader.nullable(Reader::token)?,
        DossierKey::Unit => step.unit = reader.nullable(Reader::unit)?,
        DossierKey::ReceivedBy => step.received_by = reader.nullable(Reader::unit)?,
        DossierKey::Channel => {
            step.channel = reader.nullable(|r| listed(r, CHANNEL, DossierChannel::of_code))?;
        }
        DossierKey::SubmittedAt => step.submitted_at = reader.nullable(Reader::time)?,
        DossierKey::ReceivedAt => step.received_at = reader.nullable(Reader::time)?,
        DossierKey::DueAt => step.due_at = reader.nullable(Reader::time)?,
        DossierKey::Limit => step.limit = reader.nullable(limit)?,
        DossierKey::Digitised => step.digitised = reader.nullable(Reader::boolean)?,
        DossierKey::HasComponentFile => {
            step.has_component_file = reader.nullable(Reader::boolean)?;
        }
        DossierKey::Reused => step.reused = reader.nullable(Reader::boolean)?,
        DossierKey::FromNationalStore => {
            step.from_national_store = reader.nullable(Reader::boolean)?;
        }
        DossierKey::Vneid => step.vneid = reader.nullable(Reader::boolean)?,
        DossierKey::PaidOnline => {
            step.paid_online = reader.nullable(|r| listed(r, PAID_ONLINE, PaidOnline::of_code))?;
        }
        DossierKey::Fees => step.fees = reader.nullable(fees)?,
        DossierKey::ResultLinks => step.result_links = reader.nullable(|r| r.whole(LINKS))?,
        DossierKey::Applicant => step.applicant = reader.nullable(Reader::word)?,
        DossierKey::Step => step.step = reader.nullable(Reader::token)?,
        DossierKey::StepDueAt => step.step_due_at = reader.nullable(Reader::time)?,
        DossierKey::ApologyAt => step.apology_at = reader.nullable(Reader::time)?,
    }
    Ok(())
}

/// Reads a code of a closed list, whose first and last are the bounds of `codes`.
fn listed<T>(
    reader: &mut Reader<'_>,
    codes: Quantity,
    of_code: impl FnOnce(u8) -> Option<T>,
) -> Result<T, Fault> {
    let at = reader.place();
    let code = reader.whole(codes)?;
    of_code(code).ok_or_else(|| Fault::value(Reason::Range, codes.range(), at))
}

fn limit(reader: &mut Reader<'_>) -> Result<TimeLimit, Fault> {
    let mut limit = TimeLimit { value: 0, unit: LimitUnit::WorkingDay };
    let seen = reader.object(|reader, key| {
        match key {
            LimitKey::Value => limit.value = reader.whole(LIMIT)?,
            LimitKey::Unit => limit.unit = reader.word()?,
        }
        Ok(())
    })?;
    seen.require(LimitKey::Value)?;
    seen.require(LimitKey::Unit)?;
    Ok(limit)
}

fn fees(reader: &mut Reader<'_>) -> Result<Vec<Fee>, Fault> {
    let mut fees = Vec::new();
    reader.list(FEES_MAX, |reader, _| {
        fees.push(fee(reader)?);
        Ok(())
    })?;
    Ok(fees)
}

fn fee(reader: &mut Reader<'_>) -> Result<Fee, Fault> {
    let mut fee = Fee { kind: Box::default(), amount_vnd: 0 };
    let seen = reader.object(|reader, key| {
        match key {
            FeeKey::Kind => fee.kind = reader.token()?,
            FeeKey::Amount => fee.amount_vnd = reader.whole(AMOUNT_VND)?,
        }
        Ok(())
    })?;
    seen.require(FeeKey::Kind)?;
    seen.require(FeeKey::Amount)?;
    Ok(fee)
}
