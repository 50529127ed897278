//! Result documents of earlier years on their way to a signed electronic copy.

use ioc_ingest::document::{DocumentState, DocumentStep};

use super::{Office, Onestop, date_of, ms};
use crate::simulate::{
    calendar::utc,
    dice::{Dice, Purpose, whole},
};

/// Documents that are reviewed on a working day.
const PER_DAY: f64 = 60.0;
/// Types of results with an electronic form.
const RESULT_TYPES: usize = 315;

impl Onestop {
    /// The steps of all documents that are reviewed on a day.
    pub(super) fn documents(&self, day: i64, offices: &[Office<'_>]) -> Vec<DocumentStep> {
        if !self.is_working(date_of(day)) {
            return Vec::new();
        }
        let count = Dice::new(self.seed, Purpose::Document, 0, day).poisson(PER_DAY);
        (0..count).flat_map(|n| self.document(day, n, offices)).collect()
    }

    fn document(&self, day: i64, n: u32, offices: &[Office<'_>]) -> Vec<DocumentStep> {
        let mut dice = Dice::new(self.seed, Purpose::Document, u64::from(n) + 1, day);
        let office = &offices[dice.index(offices.len())];
        let first = DocumentStep {
            document: uuid(&mut dice),
            state: DocumentState::Reviewed,
            at: utc(self.at_work(date_of(day), &mut dice)),
            result_type: Some(format!("KQ.9.{:06}", dice.index(RESULT_TYPES) + 1).into()),
            unit: Some(office.unit.code.as_str().into()),
            has_holder: Some(dice.chance(0.97)),
        };
        let mut steps = vec![first];
        let ways = [
            (DocumentState::Withdrawn, 0.006, 1.0),
            (DocumentState::Digitised, 0.96, 3.4),
            (DocumentState::Signed, 0.95, 2.4),
        ];
        for (state, chance, most_days) in ways {
            let Some(last) = steps.last().cloned() else { break };
            let is_first = state == DocumentState::Withdrawn;
            if !dice.chance(chance) {
                if is_first {
                    continue;
                }
                break;
            }
            let days = whole(dice.between(0.6, most_days), 5);
            let at =
                self.at_work(self.working_day(date_of(self.day_of(ms(last.at))), days), &mut dice);
            let at = utc(at).max(last.at + chrono::TimeDelta::seconds(1));
            steps.push(DocumentStep { state, at, ..last });
            if is_first {
                break;
            }
        }
        steps
    }
}

/// A token in the form of a UUID of version 4.
fn uuid(dice: &mut Dice) -> Box<str> {
    let (high, low) = (dice.bits(), dice.bits());
    let version = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let variant = ((low >> 48) & 0x3fff) | 0x8000;
    let digits = format!("{version:016x}");
    let (first, second) = digits.split_at(8);
    let (second, third) = second.split_at(4);
    format!("{first}-{second}-{third}-{variant:04x}-{:012x}", low & 0xffff_ffff_ffff).into()
}
