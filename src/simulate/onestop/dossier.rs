//! Dossiers through their life: handed in, accepted or refused, handled step by step, returned.

use ioc_ingest::{
    assessment::Assessment,
    dossier::{Applicant, DossierChannel, DossierStatus, DossierStep, Fee, LimitUnit, PaidOnline},
};

use super::{LIFE_MAX_DAYS, Office, Onestop, date_of, ms, size};
use crate::{
    city::{Audience, Formality, OnlineLevel},
    simulate::{
        calendar::utc,
        dice::{Dice, Purpose, whole},
    },
};

/// Dossiers handed in on a working day, and online on a day off.
const PER_DAY: (f64, f64) = (200.0, 18.0);
/// Running numbers of one day of handing in; the days take turns in blocks of this size, so that two
/// days whose dossiers are accepted together never share a number.
const NUMBERS: i64 = 1_000;
/// Shares of the channels direct, online, post on a working day.
const CHANNELS: [f64; 3] = [0.34, 0.62, 0.04];
/// Weight of each local hour for what is handed in online.
const HOURS: [f64; 24] = [
    0.1, 0.0, 0.0, 0.0, 0.1, 0.3, 1.0, 4.0, 9.0, 10.0, 9.0, 6.0, 3.0, 6.0, 9.0, 9.0, 7.0, 4.0, 2.5,
    3.0, 3.0, 2.0, 1.0, 0.4,
];
/// Amounts of fees, in dong.
const FEES_VND: [u64; 8] = [2_000, 8_000, 15_000, 30_000, 50_000, 100_000, 200_000, 500_000];
const LATE: f64 = 0.03;
const ON_THE_DAY: f64 = 0.2;

/// The life of one dossier.
#[derive(Debug, Clone)]
pub(super) struct Life {
    /// Its steps in order of time.
    pub(super) steps: Vec<DossierStep>,
    /// A citizen's form on it and when it is filled.
    pub(super) form: Option<(i64, Assessment)>,
}

impl Life {
    /// Adds a step that repeats what is known so far.
    fn step(&mut self, status: DossierStatus, at_ms: i64, change: impl FnOnce(&mut DossierStep)) {
        let Some(last) = self.steps.last() else { return };
        let mut step = DossierStep { status, ..last.clone() };
        // Steps of one dossier never share an instant, so that their order is their time.
        step.at = utc(at_ms).max(last.at + chrono::TimeDelta::seconds(1));
        change(&mut step);
        self.steps.push(step);
    }

    fn last_ms(&self) -> i64 {
        self.steps.last().map_or(0, |step| ms(step.at))
    }
}

/// What was decided when the dossier was handed in.
struct Handed<'a> {
    office: &'a Office<'a>,
    formality: &'a Formality,
    channel: DossierChannel,
    at_ms: i64,
}

impl Onestop {
    /// How many dossiers are handed in on a day.
    fn volume(&self, day: i64, dice: &mut Dice) -> usize {
        let (working, off) = PER_DAY;
        let mean = if self.is_working(date_of(day)) { working } else { off };
        usize::try_from(dice.poisson(mean)).unwrap_or(0).min(999)
    }

    /// The lives of all dossiers that are handed in on a day.
    pub(super) fn dossiers(&self, day: i64, offices: &[Office<'_>]) -> Vec<Life> {
        let count = self.volume(day, &mut Dice::new(self.seed, Purpose::Dossier, 0, day));
        (0..count).filter_map(|n| self.life(day, n, offices)).collect()
    }

    /// Some dossier of a day, for what refers to one.
    pub(super) fn some_dossier(&self, day: i64, dice: &mut Dice) -> Option<DossierStep> {
        let offices = self.offices(date_of(day));
        let count = self.volume(day, &mut Dice::new(self.seed, Purpose::Dossier, 0, day));
        let n = (count > 0).then(|| dice.index(count))?;
        self.life(day, n, &offices)?.steps.into_iter().next()
    }

    /// The life of the `n`th dossier of a day.
    fn life(&self, day: i64, n: usize, offices: &[Office<'_>]) -> Option<Life> {
        let mut dice = Dice::new(self.seed, Purpose::Dossier, n as u64 + 1, day);
        let handed = self.hand_in(day, offices, &mut dice)?;
        let answer = self.answer_ms(&handed, &mut dice);
        // Refused, asked for papers first, accepted.
        let way = match handed.channel {
            DossierChannel::Direct => dice.weighted(&[0.012, 0.0, 0.988]),
            DossierChannel::Online | DossierChannel::Post => dice.weighted(&[0.03, 0.03, 0.94]),
        };
        let accepted = match way {
            0 => None,
            1 => {
                let days = whole(dice.between(1.0, 3.4), 3);
                let date = self.working_day(date_of(self.day_of(answer)), days);
                Some(self.at_work(date, &mut dice))
            }
            _ => Some(answer),
        };
        let number = day.rem_euclid(10) * NUMBERS + i64::try_from(n).unwrap_or(0);
        let dated = date_of(self.day_of(accepted.unwrap_or(handed.at_ms)));
        let code = format!("{}-{}-{number:04}", handed.office.code, dated.format("%y%m%d"));
        let mut life =
            Life { steps: vec![first_step(&handed, code.into(), offices, &mut dice)], form: None };
        if way == 1 {
            life.step(DossierStatus::SupplementRequested, answer, |_| ());
        }
        match accepted {
            None => life.step(DossierStatus::NotAccepted, answer, |_| ()),
            Some(at) => {
                self.accept(&mut life, &handed, at);
                self.handle(&mut life, &handed, &mut dice);
            }
        }
        let end = self.begin_of(day + LIFE_MAX_DAYS);
        life.steps.retain(|step| ms(step.at) < end);
        Some(life)
    }

    fn hand_in<'a>(
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
    fn answer_ms(&self, handed: &Handed<'_>, dice: &mut Dice) -> i64 {
        if handed.channel == DossierChannel::Direct {
            return handed.at_ms + dice.millis(120_000, 900_000);
        }
        let hours =
            if dice.chance(0.92) { dice.between(1.0, 6.0) } else { dice.between(8.0, 14.0) };
        let hours = u16::try_from(whole(hours, 24)).unwrap_or(1);
        (self.after_hours(handed.at_ms, hours) - dice.millis(0, 3_000_000))
            .max(handed.at_ms + 120_000)
    }

    fn accept(&self, life: &mut Life, handed: &Handed<'_>, at_ms: i64) {
        let unit = Some(handed.office.unit.code.as_str());
        let due = handed
            .formality
            .limit
            .and_then(|limit| self.calendar.due(utc(at_ms), limit, unit).ok());
        let closing = self.calendar.closing(unit, date_of(self.day_of(at_ms))).ok();
        let change = |step: &mut DossierStep| {
            step.received_at = Some(step.at);
            step.due_at = due;
            step.limit = handed.formality.limit;
            step.step = Some("receive".into());
            step.step_due_at = closing;
        };
        if handed.channel == DossierChannel::Direct {
            // Handed in and accepted over the counter: one step.
            if let Some(first) = life.steps.first_mut() {
                first.status = DossierStatus::Accepted;
                first.at = utc(at_ms);
                change(first);
            }
        } else {
            life.step(DossierStatus::Accepted, at_ms, change);
        }
    }

    /// When handling would end without waiting, and whether that is late.
    fn end_ms(&self, accepted: i64, step: &DossierStep, dice: &mut Dice) -> (i64, bool) {
        let late = dice.chance(LATE);
        let (Some(due), Some(limit)) = (step.due_at, step.limit) else {
            return (self.after_hours(accepted, 20), false);
        };
        if limit.unit == LimitUnit::Hour {
            let hours = u16::try_from(dice.index(limit.value.into()) + 1).unwrap_or(1);
            let begin = if late { ms(due) } else { accepted };
            return (self.after_hours(begin, hours) - if late { 0 } else { 60_000 }, late);
        }
        let (received, due_date) = (date_of(self.day_of(accepted)), date_of(self.day_of(ms(due))));
        let days = self.calendar.working_days_between(received, due_date).unwrap_or(1);
        let days = usize::try_from(days).unwrap_or(1);
        let date = if late {
            self.working_day(due_date, whole(dice.between(0.6, 4.0), 4))
        } else if days < 2 || dice.chance(ON_THE_DAY) {
            due_date
        } else {
            self.working_day(received, u32::try_from(dice.index(days)).unwrap_or(1))
        };
        (self.at_work(date, dice).max(accepted + 1_800_000), late)
    }

    /// From acceptance to the end.
    fn handle(&self, life: &mut Life, handed: &Handed<'_>, dice: &mut Dice) {
        let accepted = life.last_ms();
        let Some(step) = life.steps.last() else { return };
        let due = step.due_at.map(ms);
        let (mut end, late) = self.end_ms(accepted, step, dice);
        let part = |share: f64| {
            let whole_ms = due.map(|due| due - accepted)?;
            let thousandths = i64::from(whole(share * 1000.0, 1000));
            Some(utc(accepted + whole_ms / 1000 * thousandths))
        };
        let verify = self.between(accepted, end, 0.08, dice);
        life.step(DossierStatus::InProcess, verify, |step| {
            step.step = Some("verify".into());
            step.step_due_at = part(0.6);
        });
        if dice.chance(0.08) {
            let waited = self.supplement(life, end, dice);
            end += waited;
            // Few are asked twice.
            if dice.chance(0.08) {
                end += self.supplement(life, end, dice);
            }
        }
        self.pay(life, handed, end, dice);
        let exits = [0.008, 0.004, 0.988];
        let leave = self.between(life.last_ms(), end, dice.between(0.3, 0.8), dice);
        match dice.weighted(&exits) {
            0 => return life.step(DossierStatus::Withdrawn, leave, |_| ()),
            1 => return life.step(DossierStatus::Stopped, leave, |_| ()),
            _ => {}
        }
        if let Some(due) = due.filter(|_| late && dice.chance(0.6)) {
            let told = self.between(life.last_ms(), due.min(end), 0.9, dice);
            life.step(DossierStatus::InProcess, told, |step| {
                step.apology_at = Some(step.at).filter(|at| ms(*at) < due);
            });
        }
        let sign = self.between(life.last_ms(), end, 0.75, dice);
        life.step(DossierStatus::InProcess, sign, |step| {
            step.step = Some("sign".into());
            step.step_due_at = part(1.0);
        });
        self.finish(life, end, dice);
    }

    /// Papers are asked for and brought; returns the waiting time.
    fn supplement(&self, life: &mut Life, end: i64, dice: &mut Dice) -> i64 {
        let asked = self.between(life.last_ms(), end, 0.3, dice);
        life.step(DossierStatus::SupplementRequested, asked, |_| ());
        let asked = life.last_ms();
        let days = whole(dice.between(1.0, 4.4), 4);
        let brought = self
            .at_work(self.working_day(date_of(self.day_of(asked)), days), dice)
            .max(asked + 60_000);
        life.step(DossierStatus::InProcess, brought, |_| ());
        life.last_ms() - asked
    }

    /// A fee that is asked for on the way, and how it is paid.
    fn pay(&self, life: &mut Life, handed: &Handed<'_>, end: i64, dice: &mut Dice) {
        let Some(first) = life.steps.first() else { return };
        let due_vnd: u64 = first.fees.iter().flatten().map(|fee| fee.amount_vnd).sum();
        if due_vnd == 0 {
            return;
        }
        let ways = [PaidOnline::National, PaidOnline::Gateway, PaidOnline::No];
        let paid = match handed.channel {
            DossierChannel::Online => ways[dice.weighted(&[0.62, 0.2, 0.18])],
            DossierChannel::Direct | DossierChannel::Post => {
                ways[dice.weighted(&[0.04, 0.24, 0.72])]
            }
        };
        if handed.channel == DossierChannel::Online && dice.chance(0.3) {
            let asked = self.between(life.last_ms(), end, 0.2, dice);
            life.step(DossierStatus::PaymentRequested, asked, |_| ());
            let came = life.last_ms() + dice.millis(180_000, 7_200_000);
            life.step(DossierStatus::InProcess, came.min(end - 60_000), |step| {
                step.paid_online = Some(paid);
            });
        } else if let Some(last) = life.steps.last_mut() {
            last.paid_online = Some(paid);
        }
    }

    /// The result, its return, and now and then a form of the citizen.
    fn finish(&self, life: &mut Life, end: i64, dice: &mut Dice) {
        let links = u16::from(dice.chance(0.93));
        life.step(DossierStatus::Done, end, |step| step.result_links = Some(links));
        let done = life.last_ms();
        let online =
            life.steps.first().is_some_and(|step| step.channel == Some(DossierChannel::Online));
        let returned = if online {
            done + dice.millis(60_000, 600_000)
        } else {
            let days = whole(dice.between(0.0, 2.4), 2);
            self.at_work(self.working_day(date_of(self.day_of(done)), days), dice)
        };
        life.step(DossierStatus::Returned, returned, |_| ());
        if dice.chance(0.12) {
            let filled = life.last_ms() + dice.millis(120_000, 5_400_000);
            life.form = super::form::citizen(&life.steps, dice).map(|form| (filled, form));
        }
    }
}

/// The first step: everything that is known of a dossier when it is handed in.
fn first_step(
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
