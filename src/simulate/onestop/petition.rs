//! Petitions about procedures: received, handled within fifteen working days mostly, answered.

use ioc_ingest::petition::{PetitionClass, PetitionKind, PetitionStatus, PetitionStep};

use super::{LIFE_MAX_DAYS, Office, Onestop, date_of, ms};
use crate::simulate::{
    calendar::utc,
    dice::{Dice, Purpose, whole},
};

/// Petitions on a working day and on a day off.
const PER_DAY: (f64, f64) = (4.0, 1.0);
/// How long after a dossier was handed in a petition complains of it, in days.
const AFTER_DOSSIER_DAYS: i64 = 10;

impl Onestop {
    /// The steps of all petitions that come in on a day.
    pub(super) fn petitions(&self, day: i64, offices: &[Office<'_>]) -> Vec<PetitionStep> {
        let mut dice = Dice::new(self.seed, Purpose::Petition, 0, day);
        let (working, off) = PER_DAY;
        let count = dice.poisson(if self.is_working(date_of(day)) { working } else { off }).min(99);
        (0..count).flat_map(|n| self.petition(day, n, offices)).collect()
    }

    fn petition(&self, day: i64, n: u32, offices: &[Office<'_>]) -> Vec<PetitionStep> {
        let mut dice = Dice::new(self.seed, Purpose::Petition, u64::from(n) + 1, day);
        let first = self.first_petition(day, n, offices, &mut dice);
        let begin = ms(first.at);
        let mut steps = vec![first];
        let next = |steps: &mut Vec<PetitionStep>, status, at: i64| {
            let Some(last) = steps.last().cloned() else { return };
            let at = utc(at).max(last.at + chrono::TimeDelta::seconds(1));
            steps.push(PetitionStep { status, at, ..last });
        };
        let looked = self.after_hours(begin, 3);
        if dice.chance(0.05) {
            next(&mut steps, PetitionStatus::Refused, looked);
            return steps;
        }
        let mut sent = looked;
        if dice.chance(0.1) {
            sent = self.at_work(self.working_day(date_of(self.day_of(looked)), 1), &mut dice);
            next(&mut steps, PetitionStatus::Transferred, sent);
            let to = &offices[dice.index(offices.len())];
            if let Some(last) = steps.last_mut() {
                last.unit = Some(to.unit.code.as_str().into());
            }
        }
        next(&mut steps, PetitionStatus::Processing, self.after_hours(sent, 2));
        // One in twenty takes longer than the fifteen working days.
        let days =
            if dice.chance(0.05) { dice.between(16.0, 19.0) } else { dice.between(1.0, 13.0) };
        let days = whole(days, 20);
        let answered = self.at_work(self.working_day(date_of(self.day_of(sent)), days), &mut dice);
        if days > 4 && dice.chance(0.1) {
            let asked = self.between(sent, answered, 0.3, &mut dice);
            next(&mut steps, PetitionStatus::MoreInfo, asked);
            let told = self.between(
                ms(steps.last().map_or(utc(asked), |s| s.at)),
                answered,
                0.4,
                &mut dice,
            );
            next(&mut steps, PetitionStatus::Processing, told);
        }
        next(&mut steps, PetitionStatus::Answered, answered);
        if let Some(last) = steps.last_mut() {
            last.satisfied = dice.chance(0.6).then(|| dice.chance(0.88));
        }
        if dice.chance(0.7) {
            let days = if dice.chance(0.92) { dice.between(0.0, 2.4) } else { 4.0 };
            let date = self.working_day(date_of(self.day_of(answered)), whole(days, 4));
            let published = self.at_work(date, &mut dice);
            next(&mut steps, PetitionStatus::Published, published);
        }
        let end = self.begin_of(day + LIFE_MAX_DAYS);
        steps.retain(|step| ms(step.at) < end);
        steps
    }

    fn first_petition(
        &self,
        day: i64,
        n: u32,
        offices: &[Office<'_>],
        dice: &mut Dice,
    ) -> PetitionStep {
        let kinds = [PetitionKind::Regulation, PetitionKind::Conduct, PetitionKind::Service];
        let kind = kinds[dice.weighted(&[0.2, 0.25, 0.55])];
        let class = match kind {
            PetitionKind::Conduct => PetitionClass::Staff,
            PetitionKind::Regulation if dice.chance(0.3) => PetitionClass::Other,
            PetitionKind::Regulation | PetitionKind::Service => PetitionClass::Formality,
        };
        let complains = kind != PetitionKind::Regulation && dice.chance(0.5);
        let dossier =
            complains.then(|| self.some_dossier(day - AFTER_DOSSIER_DAYS, dice)).flatten();
        let office = &offices[dice.index(offices.len())];
        let unit = dossier.as_ref().and_then(|step| step.unit.clone());
        PetitionStep {
            petition: format!("PAKN-{}-{n:02}", date_of(day).format("%y%m%d")).into(),
            status: PetitionStatus::Received,
            at: utc(self.begin_of(day) + dice.millis(6 * 3_600_000, 21 * 3_600_000)),
            kind: Some(kind),
            class: Some(class),
            unit: Some(unit.unwrap_or_else(|| office.unit.code.as_str().into())),
            dossier: dossier.map(|step| step.dossier),
            satisfied: None,
        }
    }
}
