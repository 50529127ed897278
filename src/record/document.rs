//! Result documents as they stand.
//!
//! A document is to be digitised from the first time that anything but its withdrawal is known of it;
//! a signed one counts as digitised. One that is found valid again after a withdrawal is not withdrawn.

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::document::{DocumentState, DocumentStep};

use super::{Rules, Step, Told, latest, sort};

/// A document as it stands; a row of the table of that name, whose comments say what the columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct Document {
    pub document: Box<str>,
    pub result_type: Option<Box<str>>,
    pub unit: Option<Box<str>>,
    pub has_holder: Option<bool>,
    pub state: DocumentState,
    pub state_at: DateTime<Utc>,
    pub first_at: DateTime<Utc>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub digitised_at: Option<DateTime<Utc>>,
    pub signed_at: Option<DateTime<Utc>>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub reviewed_day: Option<NaiveDate>,
    pub digitised_day: Option<NaiveDate>,
    pub signed_day: Option<NaiveDate>,
    pub withdrawn_day: Option<NaiveDate>,
}

impl Step for DocumentStep {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn rank(&self) -> u8 {
        match self.state {
            DocumentState::Reviewed => 0,
            DocumentState::Digitised => 1,
            DocumentState::Signed => 2,
            DocumentState::Withdrawn => 3,
        }
    }
}

/// Folds the steps of one document; null without steps.
pub fn fold(mut steps: Vec<Told<DocumentStep>>, rules: &Rules<'_>) -> Option<Document> {
    sort(&mut steps);
    let (first, last) = (&steps.first()?.step, &steps.last()?.step);
    let first_of = |states: &[DocumentState]| {
        let mut reached = steps.iter().filter(|told| states.contains(&told.step.state));
        reached.next().map(|told| told.step.at)
    };
    let (digitised, signed) = (DocumentState::Digitised, DocumentState::Signed);
    let reviewed_at = first_of(&[DocumentState::Reviewed, digitised, signed]);
    let digitised_at = first_of(&[digitised, signed]);
    let signed_at = first_of(&[signed]);
    let withdrawn_at = (last.state == DocumentState::Withdrawn).then_some(last.at);
    let day = |at: Option<DateTime<Utc>>| at.map(|at| rules.day(at));
    Some(Document {
        document: first.document.clone(),
        result_type: latest(&steps, |step| step.result_type.clone()),
        unit: latest(&steps, |step| step.unit.clone()),
        has_holder: latest(&steps, |step| step.has_holder),
        state: last.state,
        state_at: last.at,
        first_at: first.at,
        reviewed_at,
        digitised_at,
        signed_at,
        withdrawn_at,
        reviewed_day: day(reviewed_at),
        digitised_day: day(digitised_at),
        signed_day: day(signed_at),
        withdrawn_day: day(withdrawn_at),
    })
}

#[cfg(test)]
mod tests;
