//! `onestop/assessment`.

use chrono::NaiveDate;

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
    number::Quantity,
};
use crate::{
    assessment::{Assessment, Assessor, INDICATORS},
    message::Fact,
    reject::Reason,
};

/// Points of one indicator, kept to 0.001.
const SCORE: Quantity = Quantity::new(3, 0, 2_000);

keys!(AssessmentKey {
    Form = "form",
    Unit = "unit",
    Period = "period",
    By = "by",
    Channel = "channel",
    Dossier = "dossier",
    Scores = "scores",
});

keys!(ScoreKey {
    N1 = "N1",
    N2 = "N2",
    N3 = "N3",
    N4 = "N4",
    N5 = "N5",
    N6 = "N6",
    N7 = "N7",
    N8 = "N8",
    N9 = "N9",
});

impl ScoreKey {
    const fn index(self) -> usize {
        match self {
            Self::N1 => 0,
            Self::N2 => 1,
            Self::N3 => 2,
            Self::N4 => 3,
            Self::N5 => 4,
            Self::N6 => 5,
            Self::N7 => 6,
            Self::N8 => 7,
            Self::N9 => 8,
        }
    }
}

/// Reads `onestop/assessment`.
pub(super) fn assessment(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut form = Box::new(Assessment {
        form: Box::default(),
        unit: Box::default(),
        quarter: NaiveDate::MIN,
        by: Assessor::Citizen,
        channel: None,
        dossier: None,
        scores_e3: [None; INDICATORS],
    });
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            AssessmentKey::Form => form.form = reader.code()?,
            AssessmentKey::Unit => form.unit = reader.unit()?,
            AssessmentKey::Period => form.quarter = quarter(reader)?,
            AssessmentKey::By => form.by = reader.word()?,
            AssessmentKey::Channel => form.channel = reader.nullable(Reader::word)?,
            AssessmentKey::Dossier => form.dossier = reader.nullable(Reader::code)?,
            AssessmentKey::Scores => form.scores_e3 = scores(reader)?,
        }
        Ok(())
    })?;
    let required = [
        AssessmentKey::Form,
        AssessmentKey::Unit,
        AssessmentKey::Period,
        AssessmentKey::By,
        AssessmentKey::Scores,
    ];
    for key in required {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Assessment(form), refused: Vec::new() })
}

/// Reads `2026-Q1` as the first day of the quarter.
fn quarter(reader: &mut Reader<'_>) -> Result<NaiveDate, Fault> {
    let at = reader.place();
    let text = reader.string()?;
    first_day(&text)
        .ok_or_else(|| Fault::value(Reason::Range, "must be a quarter, like 2026-Q1", at))
}

fn first_day(text: &str) -> Option<NaiveDate> {
    let (year, quarter) = text.split_once("-Q")?;
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let month = match quarter {
        "1" => 1,
        "2" => 4,
        "3" => 7,
        "4" => 10,
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year.parse().ok()?, month, 1)
}

fn scores(reader: &mut Reader<'_>) -> Result<[Option<u16>; INDICATORS], Fault> {
    let mut scores = [None; INDICATORS];
    reader.object(|reader, key: ScoreKey| {
        scores[key.index()] = reader.nullable(|reader| reader.fixed(SCORE))?;
        Ok(())
    })?;
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_begins_on_its_first_day() {
        assert_eq!(first_day("2026-Q1"), NaiveDate::from_ymd_opt(2026, 1, 1));
        assert_eq!(first_day("2021-Q4"), NaiveDate::from_ymd_opt(2021, 10, 1));
        for text in ["2026-Q0", "2026-Q5", "2026-Q", "2026-q1", "26-Q1", "+026-Q1", "2026-Q01", ""]
        {
            assert_eq!(first_day(text), None, "{text}");
        }
    }
}
