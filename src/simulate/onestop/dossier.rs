//! Dossiers through their life: handed in, accepted or refused, handled step by step, returned.

use ioc_ingest::{
    assessment::Assessment,
    dossier::{DossierChannel, DossierStatus, DossierStep, LimitUnit, PaidOnline},
};

use super::{
    LIFE_MAX_DAYS, Office, Onestop, date_of, ms,
    submission::{Handed, first_step},
};
use crate::simulate::{
    calendar::utc,
    dice::{Dice, Purpose, whole},
};

/// Dossiers handed in on a working day, and online on a day off.
const PER_DAY: (f64, f64) = (200.0, 18.0);
/// Running numbers of one day of handing in; the days take turns in blocks of this size, so that two
/// days whose dossiers are accepted together never share a number.
const NUMBERS: i64 = 1_000;
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
