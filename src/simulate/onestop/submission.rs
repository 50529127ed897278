//! Handing in a dossier: where, what, through which channel, when, and what is known of it then.

use ioc_ingest::dossier::{Applicant, DossierChannel, DossierStatus, DossierStep, Fee};

use super::{Office, Onestop, date_of, size};
use crate::{
    city::{Audience, Formality, OnlineLevel},
    simulate::{
        calendar::utc,
        dice::{Dice, whole},
    },
};

/// Shares of the channels direct, online, post on a working day.
const CHANNELS: [f64; 3] = [0.34, 0.62, 0.04];
/// Weight of each local hour for what is handed in online.
const HOURS: [f64; 24] = [
    0.1, 0.0, 0.0, 0.0, 0.1, 0.3, 1.0, 4.0, 9.0, 10.0, 9.0, 6.0, 3.0, 6.0, 9.0, 9.0, 7.0, 4.0, 2.5,
    3.0, 3.0, 2.0, 1.0, 0.4,
];
/// Amounts of fees, in dong.
const FEES_VND: [u64; 8] = [2_000, 8_000, 15_000, 30_000, 50_000, 100_000, 200_000, 500_000];

/// What was decided when the dossier was handed in.
pub(super) struct Handed<'a> {
    pub(super) office: &'a Office<'a>,
    pub(super) formality: &'a Formality,
    pub(super) channel: DossierChannel,
    pub(super) at_ms: i64,
}

impl Onestop {
    /// Draws who hands in what, where, how and when; null where no unit has a formality.
    pub(super) fn hand_in<'a>(
        &self,
        day: i64,
        offices: &'a [Office<'a>],
        dice: &mut Dice,
    ) -> Option<Handed<'a>> {
        let weights: Vec<f64> = offices.iter().map(|office| office.weight).collect();
        let office = offices.get(dice.weighted(&weights))?;
        // A few formalities are most of the work.
        let share = dice.share();
        let most = u32::try_from(office.offers.len()).unwrap_or(u32::MAX);
        let pick = usize::try_from(whole(share * share * size(office.offers.len()), most));
        let formality = office.offers.get(pick.unwrap_or(0)).or(office.offers.last())?;
        let is_offered = formality.online_level != OnlineLevel::None;
        let date = date_of(day);
        let drawn = dice.weighted(&CHANNELS);
        let channel = match (self.is_working(date), is_offered, drawn) {
            (false, ..) | (true, true, 1) => DossierChannel::Online,
            (true, _, 2) => DossierChannel::Post,
            (true, ..) => DossierChannel::Direct,
        };
        let at_ms = if channel == DossierChannel::Online {
            let hour = i64::try_from(dice.weighted(&HOURS)).unwrap_or(0);
            self.begin_of(day) + hour * 3_600_000 + dice.millis(0, 3_599_999)
        } else {
            self.at_work(date, dice)
        };
        Some(Handed { office, formality, channel, at_ms })
    }

    /// When the one-stop unit answers what was handed in.
    pub(super) fn answer_ms(&self, handed: &Handed<'_>, dice: &mut Dice) -> i64 {
        if handed.channel == DossierChannel::Direct {
            return handed.at_ms + dice.millis(120_000, 900_000);
        }
        let hours =
            if dice.chance(0.92) { dice.between(1.0, 6.0) } else { dice.between(8.0, 14.0) };
        let hours = u16::try_from(whole(hours, 24)).unwrap_or(1);
        (self.after_hours(handed.at_ms, hours) - dice.millis(0, 3_000_000))
            .max(handed.at_ms + 120_000)
    }
}

/// The first step: everything that is known of a dossier when it is handed in.
pub(super) fn first_step(
    handed: &Handed<'_>,
    dossier: Box<str>,
    offices: &[Office<'_>],
    dice: &mut Dice,
) -> DossierStep {
    let (office, formality) = (handed.office, handed.formality);
    let online = handed.channel == DossierChannel::Online;
    // Boundary-free: received at another commune's counter.
    let elsewhere = offices.get(dice.index(offices.len())).filter(|_| dice.chance(0.06));
    let received_by = elsewhere.unwrap_or(office).unit.code.as_str();
    let digitised = dice.chance(if online { 0.99 } else { 0.84 });
    let reused = digitised && dice.chance(0.56);
    let fee = formality.has_fee == Some(true);
    let amount_vnd = if dice.chance(0.05) { 0 } else { FEES_VND[dice.index(FEES_VND.len())] };
    let applicants = [Applicant::Person, Applicant::Business, Applicant::Organisation];
    let shares = match formality.audience {
        Some(Audience::Person) => [1.0, 0.0, 0.0],
        Some(Audience::Organisation) => [0.0, 0.8, 0.2],
        Some(Audience::Both) | None => [0.7, 0.25, 0.05],
    };
    DossierStep {
        dossier,
        status: DossierStatus::Registered,
        at: utc(handed.at_ms),
        formality: Some(formality.code.as_str().into()),
        field: formality.field.as_deref().map(Into::into),
        unit: Some(office.unit.code.as_str().into()),
        received_by: Some(received_by.into()),
        channel: Some(handed.channel),
        submitted_at: Some(utc(handed.at_ms)),
        received_at: None,
        due_at: None,
        limit: None,
        digitised: Some(digitised),
        has_component_file: Some(digitised || dice.chance(0.3)),
        reused: Some(reused),
        from_national_store: Some(reused && dice.chance(0.2)),
        vneid: Some(dice.chance(if online { 0.86 } else { 0.3 })),
        paid_online: None,
        fees: Some(if fee { vec![Fee { kind: "fee".into(), amount_vnd }] } else { Vec::new() }),
        result_links: None,
        applicant: Some(applicants[dice.weighted(&shares)]),
        step: None,
        step_due_at: None,
        apology_at: None,
    }
}
