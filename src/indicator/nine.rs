//! The nine indicators of an agency: own, appraised, citizens' and proposed scores side by side.
//!
//! All scores are thousandths of points, 0 to 2 points. The value is the appraised score, else the one that
//! somebody overruled with a reason, else the agency's own, else the proposed one. What has no data is null
//! and never 0; there is no total and no class until all nine are present or waived. Indicators 4 to 9 are
//! scored after a table that was not read at its source; its thresholds are configuration.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    exact::Milli,
    facts::{Facts, Window},
    formula::{Supply, petitions_in_time},
    law::{Band, NineLaw, class_of},
    measure::{Dimension, Measure},
    supply::Counted,
    value::Name,
};

/// How many there are.
pub const NINE: usize = 9;

/// Points and count of the forms for each indicator.
const FORMS: [(Measure, Measure); NINE] = [
    (Measure::N1E3, Measure::N1Known),
    (Measure::N2E3, Measure::N2Known),
    (Measure::N3E3, Measure::N3Known),
    (Measure::N4E3, Measure::N4Known),
    (Measure::N5E3, Measure::N5Known),
    (Measure::N6E3, Measure::N6Known),
    (Measure::N7E3, Measure::N7Known),
    (Measure::N8E3, Measure::N8Known),
    (Measure::N9E3, Measure::N9Known),
];

/// Measures of the forms, to be read by assessor.
pub fn form_measures() -> Vec<Measure> {
    let pairs = FORMS.into_iter().flat_map(|(points, known)| [points, known]);
    [Measure::Forms].into_iter().chain(pairs).collect()
}

/// Which score became the value.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum ScoreOrigin {
    /// The appraiser's.
    Appraised,
    /// Set by a person with a reason.
    Overruled,
    /// The agency's own.
    Own,
    /// Proposed from events and citizens' forms.
    Proposed,
    /// Waived with a reason: counts as present, without points.
    Waived,
    /// There is none.
    Missing,
}

/// A decision about one indicator of one unit and quarter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Overruled {
    /// The score; null when the indicator is waived.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub score: Option<Milli>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub who: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The scores of one indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct NineScore {
    /// `N1` to `N9`.
    pub id: String,
    /// The agency's own; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub own: Option<Milli>,
    /// The appraiser's; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub appraised: Option<Milli>,
    /// Mean of the citizens' forms; null without answers.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub citizen: Option<Milli>,
    /// Citizens' forms that score it.
    #[ts(type = "number")]
    pub answers: i64,
    /// Proposed from events, else from the citizens' forms where they are the source; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub proposed: Option<Milli>,
    /// A decision; null for none.
    pub overruled: Option<Overruled>,
    /// The value; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub value: Option<Milli>,
    /// Which score became the value.
    pub origin: ScoreOrigin,
}

/// The scorecard of one unit and quarter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct NineCard {
    /// Code of the unit.
    pub unit: String,
    /// Its name.
    pub unit_name: Option<Name>,
    /// Version of the law.
    pub law: String,
    /// N1 to N9.
    pub scores: Vec<NineScore>,
    /// N10: sum of the values; null until all nine are present or waived.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub total: Option<Milli>,
    /// N11: class of the total; null without one.
    pub class: Option<Band>,
    /// Rank of the class, 1 for the worst.
    pub rank: Option<u32>,
    /// N12: citizens' forms.
    #[ts(type = "number")]
    pub forms: i64,
    /// N13, points in thousandths that the citizens' forms gave.
    #[ts(type = "number")]
    pub points_e3: i64,
    /// Answers on those forms.
    #[ts(type = "number")]
    pub answers: i64,
    /// N14: own minus appraised, over the indicators that have both; null without any.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub own_minus_appraised: Option<Milli>,
    /// Indicators with a value or waived.
    pub present: u32,
}

/// What the scores of one unit are made from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Sums of the period.
    pub facts: &'a Facts,
    /// Figures of the catalogue that indicator 6 rests on: announced and published in time, published in
    /// full; null where nothing is known.
    pub publication: [Option<&'a Counted>; 3],
    /// Decisions by indicator.
    pub overruled: &'a [Option<Overruled>; NINE],
    /// Law.
    pub law: &'a NineLaw,
}

/// Figures of the catalogue that indicator 6 rests on.
pub const PUBLICATION: [Supply; 3] =
    [Supply::AnnouncedInTime, Supply::PublishedInTime, Supply::PublishedInFull];

impl Evidence<'_> {
    fn form(&self, measure: Measure, assessor: &str) -> i64 {
        let mut found = self.facts.split(measure, Dimension::Category);
        found.find(|(key, _)| *key == assessor).map_or(0, |(_, value)| value)
    }

    /// Mean of the forms of one kind of assessor: points in thousandths, with the count of answers.
    fn mean(&self, indicator: usize, assessor: &str) -> (Option<Milli>, i64) {
        let (points, known) = FORMS[indicator];
        let count = self.form(known, assessor);
        (points_over(self.form(points, assessor), count), count)
    }

    /// Score that events propose.
    fn proposed(&self, indicator: usize) -> Option<Milli> {
        let sum = |measure| self.facts.sum(Window::In, measure);
        let max = self.law.max.0;
        let half = max / 2;
        match indicator + 1 {
            1 => {
                let (early, on_day) = (sum(Measure::Early), sum(Measure::OnDay));
                points_over(early * max + on_day * half, early + on_day + sum(Measure::Late))
            }
            // Whether a step took less than its limit or exactly as long is not told apart.
            2 => points_over(sum(Measure::StepsOnTime) * max, sum(Measure::Steps)),
            3 => {
                let (asked, again) = (sum(Measure::Supplemented), sum(Measure::SupplementedTwice));
                let received = sum(Measure::Received);
                points_over((received - asked) * max + (asked - again) * half, received)
            }
            6 => self.published(),
            8 => self.petitions(),
            9 => {
                let (online, received) = (sum(Measure::Online), sum(Measure::Received));
                let share = Milli::percent(online, received)?;
                Some(Milli(if share >= self.law.online_full_pct {
                    max
                } else if online > 0 {
                    half
                } else {
                    0
                }))
            }
            _ => None,
        }
    }

    /// Two points when everything is published in full and in time, none when nothing is.
    fn published(&self) -> Option<Milli> {
        let shares = self.publication.iter().filter_map(|counted| match counted {
            Some(Counted::Share(good, all)) if *all > 0 => Some((*good, *all)),
            Some(Counted::Share(..) | Counted::Number(..) | Counted::Both(..)) | None => None,
        });
        let shares: Vec<(i64, i64)> = shares.collect();
        let max = self.law.max.0;
        if shares.is_empty() {
            None
        } else if shares.iter().all(|(good, all)| good == all) {
            Some(Milli(max))
        } else if shares.iter().all(|(good, _)| *good == 0) {
            Some(Milli(0))
        } else {
            Some(Milli(max / 2))
        }
    }

    /// No petition or all in time, those included that are open: all points. Says nothing of a unit of which
    /// nothing was ever seen.
    fn petitions(&self) -> Option<Milli> {
        use crate::indicator::measure::Noun;
        if !self.facts.seen(Noun::Dossier) && !self.facts.seen(Noun::Petition) {
            return None;
        }
        let [in_time, all] = petitions_in_time().map(|terms| self.facts.total(&terms));
        let (in_time, all) = (in_time?, all?);
        let max = self.law.max.0;
        if in_time == all {
            return Some(Milli(max));
        }
        // Compared without rounding, so that 89.996 percent is not 90.
        let reaches = in_time * 100_000 >= all * self.law.petitions_partly_pct.0;
        Some(Milli(if reaches { max / 2 } else { 0 }))
    }

    fn score(&self, indicator: usize) -> NineScore {
        let (own, _) = self.mean(indicator, "agency");
        let (appraised, _) = self.mean(indicator, "appraiser");
        let (citizen, answers) = self.mean(indicator, "citizen");
        let proposed = self.proposed(indicator).or(citizen);
        let overruled = self.overruled[indicator].clone();
        let decided = overruled.as_ref().map(|decision| decision.score);
        let (value, origin) = match (appraised, decided, own, proposed) {
            (Some(score), ..) => (Some(score), ScoreOrigin::Appraised),
            (None, Some(Some(score)), ..) => (Some(score), ScoreOrigin::Overruled),
            (None, Some(None), ..) => (None, ScoreOrigin::Waived),
            (None, None, Some(score), _) => (Some(score), ScoreOrigin::Own),
            (None, None, None, Some(score)) => (Some(score), ScoreOrigin::Proposed),
            (None, None, None, None) => (None, ScoreOrigin::Missing),
        };
        let id = format!("N{}", indicator + 1);
        NineScore { id, own, appraised, citizen, answers, proposed, overruled, value, origin }
    }
}

/// Points over a count, thousandths rounded half up.
fn points_over(points_e3: i64, count: i64) -> Option<Milli> {
    Milli::ratio(points_e3, count, 1, 0).map(|rounded| Milli(rounded.0 / 1_000))
}

/// The scorecard of one unit.
pub fn card(unit: String, unit_name: Option<Name>, evidence: &Evidence<'_>) -> NineCard {
    let scores: Vec<NineScore> = (0..NINE).map(|indicator| evidence.score(indicator)).collect();
    let missing = scores.iter().filter(|score| score.origin == ScoreOrigin::Missing).count();
    let total = (missing == 0)
        .then(|| Milli(scores.iter().filter_map(|score| score.value).map(|value| value.0).sum()));
    let class = total.and_then(|total| class_of(&evidence.law.bands, total));
    let both = scores.iter().filter_map(|score| Some(score.own?.0 - score.appraised?.0));
    let differences: Vec<i64> = both.collect();
    let difference = (!differences.is_empty()).then(|| Milli(differences.iter().sum()));
    let points = FORMS.iter().map(|(points, _)| evidence.form(*points, "citizen")).sum();
    NineCard {
        unit,
        unit_name,
        law: evidence.law.id.clone(),
        total,
        rank: class.and_then(|(_, rank)| u32::try_from(rank).ok()),
        class: class.map(|(band, _)| band.clone()),
        forms: evidence.form(Measure::Forms, "citizen"),
        points_e3: points,
        answers: scores.iter().map(|score| score.answers).sum(),
        own_minus_appraised: difference,
        present: u32::try_from(NINE - missing).unwrap_or_default(),
        scores,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicator::law::Parameters;

    const NOTHING: [Option<Overruled>; NINE] = [const { None }; NINE];

    fn card_of(facts: &Facts, overruled: &[Option<Overruled>; NINE]) -> NineCard {
        let parameters = Parameters::configured("").unwrap();
        let law = parameters.nine("2021-12-31".parse().unwrap()).unwrap();
        let evidence = Evidence { facts, publication: [None; 3], overruled, law };
        card("gso:92".to_owned(), None, &evidence)
    }

    /// Forms of one assessor that score each indicator once.
    fn forms(assessor: &str, scores_e3: [Option<i64>; NINE]) -> Facts {
        let mut facts = Facts::new(false);
        facts.add_split(Measure::Forms, Dimension::Category, assessor, 1);
        for ((points, known), score) in FORMS.into_iter().zip(scores_e3) {
            if let Some(score) = score {
                facts.add_split(points, Dimension::Category, assessor, score);
                facts.add_split(known, Dimension::Category, assessor, 1);
            }
        }
        facts
    }

    /// Scores that the province of Lai Chau published for 2021: N1 to N9 in thousandths, total, class.
    const LAI_CHAU: [([i64; NINE], i64, &str); 4] = [
        ([1_800, 1_800, 2_000, 2_000, 1_000, 1_500, 1_978, 2_000, 1_675], 15_753, "excellent"),
        ([2_000, 2_000, 2_000, 2_000, 1_000, 1_500, 1_928, 2_000, 1_000], 15_428, "excellent"),
        ([1_800, 1_800, 1_500, 1_500, 1_000, 1_500, 1_847, 2_000, 2_000], 14_947, "good"),
        ([1_600, 1_600, 0, 500, 2_000, 1_500, 1_752, 2_000, 1_340], 12_292, "good"),
    ];

    #[test]
    fn published_scorecards_add_up_exactly() {
        for (scores, total, class) in LAI_CHAU {
            let card = card_of(&forms("appraiser", scores.map(Some)), &NOTHING);
            assert_eq!(card.total, Some(Milli(total)));
            assert_eq!(card.class.unwrap().class, class);
            assert!(card.scores.iter().all(|score| score.origin == ScoreOrigin::Appraised));
        }
    }

    #[test]
    fn a_total_of_exactly_15_is_excellent() {
        let scores = [2_000, 2_000, 2_000, 2_000, 1_000, 1_000, 1_000, 2_000, 2_000].map(Some);
        let card = card_of(&forms("appraiser", scores), &NOTHING);
        assert_eq!((card.total, card.rank), (Some(Milli::whole(15)), Some(5)));
    }

    #[test]
    fn null_is_not_zero_and_there_is_no_total_until_the_missing_are_waived() {
        let mut scores = LAI_CHAU[3].0.map(Some);
        scores[4] = None;
        let facts = forms("appraiser", scores);
        let without = card_of(&facts, &NOTHING);
        assert_eq!((without.total, without.class, without.present), (None, None, 8));
        assert_eq!(without.scores[4].value, None);
        assert_eq!(without.scores[2].value, Some(Milli(0)));
        let mut waived = NOTHING;
        waived[4] = Some(Overruled {
            score: None,
            reason: "Không thuộc phạm vi".to_owned(),
            who: "supervisor".to_owned(),
            at: DateTime::UNIX_EPOCH,
        });
        let card = card_of(&facts, &waived);
        assert_eq!((card.total, card.present), (Some(Milli(10_292)), 9));
        assert_eq!(card.scores[4].origin, ScoreOrigin::Waived);
    }

    #[test]
    fn appraised_wins_over_overruled_over_own_over_proposed_and_all_are_kept() {
        let decision = Some(Overruled {
            score: Some(Milli(1_200)),
            reason: "Hồ sơ bổ sung".to_owned(),
            who: "supervisor".to_owned(),
            at: DateTime::UNIX_EPOCH,
        });
        let mut overruled = NOTHING;
        overruled[0] = decision;
        let mut facts = Facts::new(false);
        facts.add(Window::In, &[Measure::Early, Measure::OnDay, Measure::Late], &[1, 1, 1], "u");
        assert_eq!(card_of(&facts, &NOTHING).scores[0].value, Some(Milli(1_000)));
        assert_eq!(card_of(&facts, &NOTHING).scores[0].origin, ScoreOrigin::Proposed);
        let first = |e3| [Some(e3), None, None, None, None, None, None, None, None];
        let (points, known) = FORMS[0];
        facts.add_split(points, Dimension::Category, "agency", 2_000);
        facts.add_split(known, Dimension::Category, "agency", 1);
        assert_eq!(card_of(&facts, &NOTHING).scores[0].origin, ScoreOrigin::Own);
        assert_eq!(card_of(&facts, &overruled).scores[0].value, Some(Milli(1_200)));
        facts.add_split(points, Dimension::Category, "appraiser", 1_500);
        facts.add_split(known, Dimension::Category, "appraiser", 1);
        let card = card_of(&facts, &overruled);
        let score = &card.scores[0];
        assert_eq!((score.value, score.origin), (Some(Milli(1_500)), ScoreOrigin::Appraised));
        assert_eq!((score.own, score.proposed), (Some(Milli(2_000)), Some(Milli(1_000))));
        assert!(score.overruled.is_some());
        assert_eq!(card.own_minus_appraised, Some(Milli(500)));
        assert_eq!(
            card_of(&forms("citizen", first(1_700)), &NOTHING).scores[0].proposed,
            Some(Milli(1_700))
        );
    }

    #[test]
    fn no_petition_gives_all_points_but_not_to_a_unit_that_never_reported() {
        let mut facts = Facts::new(false);
        assert_eq!(card_of(&facts, &NOTHING).scores[7].value, None);
        facts.add(Window::Until, &[Measure::Submitted], &[4], "u");
        assert_eq!(card_of(&facts, &NOTHING).scores[7].value, Some(Milli(2_000)));
        facts.add(Window::In, &[Measure::PetitionOnTime, Measure::PetitionLate], &[9, 1], "u");
        assert_eq!(card_of(&facts, &NOTHING).scores[7].value, Some(Milli(1_000)));
        facts.add(Window::In, &[Measure::PetitionLate], &[1], "u");
        assert_eq!(card_of(&facts, &NOTHING).scores[7].value, Some(Milli(0)));
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_and_lies_between_0_and_18(scores in prop::array::uniform9(0_i64..=2_000)) {
            let card = card_of(&forms("appraiser", scores.map(Some)), &NOTHING);
            prop_assert_eq!(card.total, Some(Milli(scores.iter().sum())));
            prop_assert!(card.class.is_some());
        }
    }
}
