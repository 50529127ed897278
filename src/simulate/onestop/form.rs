//! Forms on the nine indicators: citizens on their dossier, agencies on themselves, their appraisers.

use chrono::{Datelike as _, Months, NaiveDate};
use ioc_ingest::{
    assessment::{Assessment, Assessor, FormChannel, INDICATORS},
    dossier::{DossierChannel, DossierStatus, DossierStep},
};

use super::{Office, Onestop, date_of};
use crate::simulate::dice::{Dice, Purpose, key, whole_u16};

/// Days of the first month of a quarter on which agencies send the form of the quarter before, and how
/// much later their appraisers do.
const AGENCY_DAYS: (u32, usize) = (5, 8);
const APPRAISER_DELAY_DAYS: u32 = 13;
/// Most points of one indicator, in thousandths.
const FULL: u16 = 2_000;

/// First day of the quarter that holds `date`.
fn quarter_of(date: NaiveDate) -> NaiveDate {
    let month = date.month0() / 3 * 3 + 1;
    NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date)
}

/// A citizen's form on a dossier that is done: what a citizen can say, from how it went.
pub(super) fn citizen(steps: &[DossierStep], dice: &mut Dice) -> Option<Assessment> {
    let last = steps.last()?;
    let done = steps.iter().find(|step| step.status == DossierStatus::Done)?;
    let asked =
        steps.iter().filter(|step| step.status == DossierStatus::SupplementRequested).count();
    let time = match done.due_at {
        Some(due) if done.at > due => 0,
        Some(due) if done.at + chrono::TimeDelta::hours(12) < due => FULL,
        _ => 1_000,
    };
    let contact = [FULL, 1_000, 0][asked.min(2)];
    let online = last.channel == Some(DossierChannel::Online);
    let conduct = match time {
        0 => [FULL, 1_000, 0][dice.weighted(&[0.4, 0.35, 0.25])],
        _ => [FULL, 1_000, 0][dice.weighted(&[0.9, 0.08, 0.02])],
    };
    let agencies = [FULL, 1_000, 0][dice.weighted(&[0.93, 0.05, 0.02])];
    let mut scores_e3 = [None; INDICATORS];
    (scores_e3[0], scores_e3[2], scores_e3[3]) = (Some(time), Some(contact), Some(agencies));
    scores_e3[6] = Some(conduct);
    scores_e3[8] = online.then_some(if dice.chance(0.9) { FULL } else { 1_000 });
    let ways = [FormChannel::Tablet, FormChannel::Web, FormChannel::Paper];
    let shares = if online { [0.1, 0.88, 0.02] } else { [0.66, 0.1, 0.24] };
    Some(Assessment {
        form: format!("PDG-{}", last.dossier).into(),
        unit: last.unit.clone()?,
        quarter: quarter_of(last.at.date_naive()),
        by: Assessor::Citizen,
        channel: Some(ways[dice.weighted(&shares)]),
        dossier: Some(last.dossier.clone()),
        scores_e3,
    })
}

impl Onestop {
    /// The forms of agencies and appraisers that come on a civil day, with their instants.
    pub(super) fn quarterly(&self, day: i64) -> Vec<(i64, Assessment)> {
        let date = date_of(day);
        let first = quarter_of(date);
        // Only the first month of a quarter has any.
        if date.month() != first.month() || !self.is_working(date) {
            return Vec::new();
        }
        let Some(quarter) = first.checked_sub_months(Months::new(3)) else { return Vec::new() };
        // The units of the quarter that the forms are about.
        let offices = self.offices(first.pred_opt().unwrap_or(first));
        let mut forms = Vec::new();
        for office in &offices {
            let number = i64::from(quarter.year()) * 10 + i64::from(quarter.month0());
            let dice = Dice::new(self.seed, Purpose::Form, key(&office.unit.code), number);
            let mut draw = dice.clone();
            let (begin, span) = AGENCY_DAYS;
            let sent = begin + u32::try_from(draw.index(span)).unwrap_or(0);
            let own = scores(&mut draw);
            if self.falls_on(first, sent, date) {
                forms.push((
                    self.at_work(date, &mut draw),
                    form(office, quarter, Assessor::Agency, own),
                ));
            }
            // One agency in ten is not appraised.
            if draw.chance(0.9) && self.falls_on(first, sent + APPRAISER_DELAY_DAYS, date) {
                let appraised = appraise(own, &mut draw);
                let found = form(office, quarter, Assessor::Appraiser, appraised);
                forms.push((self.at_work(date, &mut draw), found));
            }
        }
        forms
    }

    /// Whether the `nth` of the month, or the working day after it, is `date`.
    fn falls_on(&self, first: NaiveDate, nth: u32, date: NaiveDate) -> bool {
        let nominal = first.with_day(nth).unwrap_or(first);
        self.calendar.roll_forward(nominal).unwrap_or(nominal) == date
    }
}

fn form(
    office: &Office<'_>,
    quarter: NaiveDate,
    by: Assessor,
    scores_e3: [Option<u16>; INDICATORS],
) -> Assessment {
    let kind = if by == Assessor::Agency { "TC" } else { "TD" };
    let number = quarter.month0() / 3 + 1;
    Assessment {
        form: format!("{kind}-{}Q{number}-{}", quarter.year(), office.code).into(),
        unit: office.unit.code.as_str().into(),
        quarter,
        by,
        channel: None,
        dossier: None,
        scores_e3,
    }
}

/// What an agency gives itself: near full points, some indicators weaker, few not known.
fn scores(dice: &mut Dice) -> [Option<u16>; INDICATORS] {
    const LOW: [f64; INDICATORS] = [1.7, 1.7, 1.6, 1.6, 1.0, 1.3, 1.75, 1.4, 1.0];
    LOW.map(|low| {
        let points = dice.between(low, 2.15).min(2.0);
        let known = !dice.chance(0.006);
        known.then(|| whole_u16(points * 1000.0, FULL))
    })
}

/// What its appraiser leaves of it.
fn appraise(own: [Option<u16>; INDICATORS], dice: &mut Dice) -> [Option<u16>; INDICATORS] {
    own.map(|score| {
        let less = if dice.chance(0.3) { whole_u16(dice.between(10.0, 350.0), 350) } else { 0 };
        score.map(|score| score.saturating_sub(less))
    })
}
