//! Decision 766: points of every component by the observed laws, beside the officially published ones.
//!
//! Points are thousandths. The official score is kept as it was published and never mixed in; the
//! difference is taken over what both sides have. A component without data has no points: the total then
//! says out of how many points it is, and there is no class.

use serde::{Deserialize, Serialize};

use super::{
    exact::Milli,
    law::{Band, DecisionLaw, class_of},
    value::{Name, Status},
};

/// A ratio that was computed for a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// Numerator; null when it cannot be computed.
    pub numerator: Option<i64>,
    /// Denominator; null when it cannot be computed.
    pub denominator: Option<i64>,
    /// Value that is shown: percent, hours.
    pub value: Option<Milli>,
    /// Why it is what it is.
    pub status: Status,
}

/// One component of a scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct ComponentScore {
    /// Id of the indicator.
    pub id: String,
    /// Code on the national portal.
    pub code: String,
    /// Group of points.
    pub group: String,
    /// Most points; null when it is only shown.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub max: Option<Milli>,
    /// Numerator; null when it cannot be computed.
    #[ts(type = "number | null")]
    pub numerator: Option<i64>,
    /// Denominator; null when it cannot be computed.
    #[ts(type = "number | null")]
    pub denominator: Option<i64>,
    /// Value in the indicator's unit of measure; null with a denominator of 0.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub value: Option<Milli>,
    /// Own points; null when they cannot be computed.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub score: Option<Milli>,
    /// Officially published points, unchanged; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub official: Option<Milli>,
    /// Own minus official; null without both.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub difference: Option<Milli>,
    /// Most points minus own points; null without them.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub loss: Option<Milli>,
    /// Why it is what it is.
    pub status: Status,
}

/// The scorecard of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct DecisionCard {
    /// Code of the unit.
    pub unit: String,
    /// Its name.
    pub unit_name: Option<Name>,
    /// Version of the laws.
    pub law: String,
    /// Components in the order of the law.
    pub components: Vec<ComponentScore>,
    /// Q7: sum of the points that can be computed; null when none can.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub total: Option<Milli>,
    /// Out of how many points that is: 100 when nothing is missing.
    #[schema(value_type = f64)]
    #[ts(type = "number")]
    pub of: Milli,
    /// Components with points that cannot be computed.
    pub missing: Vec<String>,
    /// Q10: class of the total; null while something is missing.
    pub class: Option<Band>,
    /// Rank of the class, 1 for the worst.
    pub rank: Option<u32>,
    /// Q8: the total that was officially published; null for none.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub official: Option<Milli>,
    /// Q9: own minus official over the components that have both, else over the totals when nothing is
    /// missing; null otherwise.
    #[schema(value_type = Option<f64>)]
    #[ts(type = "number | null")]
    pub difference: Option<Milli>,
    /// Q11: components by loss, largest first, those without loss left out.
    pub losses: Vec<String>,
}

/// The scorecard of one unit. `ratio` gives the ratio of a component, `official` its published points, and
/// under the word `total` the published total.
pub fn card(
    unit: String,
    unit_name: Option<Name>,
    law: &DecisionLaw,
    ratio: impl Fn(&str) -> Ratio,
    official: impl Fn(&str) -> Option<Milli>,
) -> DecisionCard {
    let mut components = Vec::new();
    for component in &law.components {
        let Ratio { numerator, denominator, value, status } = ratio(&component.id);
        let known = numerator.zip(denominator);
        let score =
            known.and_then(|(numerator, denominator)| component.score(numerator, denominator));
        let official = official(&component.id);
        let minus = |a: Option<Milli>, b: Option<Milli>| Some(Milli(a?.0 - b?.0));
        components.push(ComponentScore {
            id: component.id.clone(),
            code: component.code.clone(),
            group: component.group.clone(),
            max: component.max,
            numerator,
            denominator,
            value,
            score,
            official,
            difference: minus(score, official),
            loss: minus(component.max, score),
            // A denominator of 0 that a law gives points for is no lack of data.
            status: if score.is_some() && status == Status::NoData { Status::Ok } else { status },
        });
    }
    total(unit, unit_name, law, components, official(TOTAL))
}

/// The word under which the official total is kept.
pub const TOTAL: &str = "total";

fn total(
    unit: String,
    unit_name: Option<Name>,
    law: &DecisionLaw,
    components: Vec<ComponentScore>,
    official: Option<Milli>,
) -> DecisionCard {
    let scored = || components.iter().filter(|part| part.score.is_some());
    let add = |values: &mut dyn Iterator<Item = Milli>| Milli(values.map(|value| value.0).sum());
    let of = add(&mut scored().filter_map(|part| part.max));
    let total = (of.0 > 0).then(|| add(&mut scored().filter_map(|part| part.score)));
    let missing: Vec<String> = components
        .iter()
        .filter(|part| part.max.is_some() && part.score.is_none())
        .map(|part| part.id.clone())
        .collect();
    let whole = total.filter(|_| missing.is_empty());
    let class = whole.and_then(|total| class_of(&law.bands, total));
    let differences: Vec<Milli> = components.iter().filter_map(|part| part.difference).collect();
    let difference = if differences.is_empty() {
        whole.zip(official).map(|(own, official)| Milli(own.0 - official.0))
    } else {
        Some(add(&mut differences.into_iter()))
    };
    let mut losses: Vec<(&str, Milli)> = components
        .iter()
        .filter_map(|part| Some((part.id.as_str(), part.loss.filter(|loss| loss.0 > 0)?)))
        .collect();
    losses.sort_by_key(|(_, loss)| std::cmp::Reverse(*loss));
    let losses = losses.into_iter().map(|(id, _)| id.to_owned()).collect();
    DecisionCard {
        unit,
        unit_name,
        law: law.id.clone(),
        total,
        of,
        missing,
        rank: class.and_then(|(_, rank)| u32::try_from(rank).ok()),
        class: class.map(|(band, _)| band.clone()),
        official,
        difference,
        losses,
        components,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::law::Parameters;

    fn law() -> DecisionLaw {
        let parameters = Parameters::configured("").unwrap();
        parameters.decision766("2024-03-31".parse().unwrap(), None).unwrap().clone()
    }

    fn ratio(numerator: i64, denominator: i64) -> Ratio {
        Ratio {
            numerator: Some(numerator),
            denominator: Some(denominator),
            value: Milli::percent(numerator, denominator),
            status: if denominator > 0 { Status::Ok } else { Status::NoData },
        }
    }

    const NO_FEED: Ratio =
        Ratio { numerator: None, denominator: None, value: None, status: Status::NoFeed };

    #[test]
    fn full_marks_in_everything_are_100_and_excellent() {
        let card = card("gso:92".to_owned(), None, &law(), |_| ratio(1, 1), |_| None);
        assert_eq!(
            (card.total, card.of, card.rank),
            (Some(Milli::whole(100)), Milli::whole(100), Some(5))
        );
        assert!(card.missing.is_empty() && card.losses.is_empty());
    }

    #[test]
    fn what_cannot_be_computed_is_missing_and_not_zero() {
        let of = |id: &str| if matches!(id, "Q1.4" | "Q4.6") { NO_FEED } else { ratio(1, 2) };
        let card = card("gso:92".to_owned(), None, &law(), of, |_| None);
        assert_eq!(card.missing, ["Q1.4", "Q4.6"]);
        assert_eq!((card.of, card.class), (Milli::whole(92), None));
        assert_eq!(card.components[3].score, None);
        assert_eq!(card.losses[0], "Q2.1");
    }

    #[test]
    fn without_petitions_both_petition_components_have_all_points() {
        let card = card("gso:92".to_owned(), None, &law(), |_| ratio(0, 0), |_| None);
        let score = |id: &str| card.components.iter().find(|part| part.id == id).unwrap().score;
        assert_eq!((score("Q5.2"), score("Q5.3")), (Some(Milli(6_000)), Some(Milli(6_000))));
        assert_eq!((score("Q5.4"), score("Q2.1")), (Some(Milli(0)), None));
    }

    #[test]
    fn official_scores_stand_beside_the_own_ones_unchanged() {
        let official = |id: &str| match id {
            "Q2.1" => Some(Milli(19_500)),
            "Q5.4" => Some(Milli(5_000)),
            "total" => Some(Milli(83_610)),
            _ => None,
        };
        let card = card("gso:92".to_owned(), None, &law(), |_| ratio(9, 10), official);
        let part = |id: &str| card.components.iter().find(|part| part.id == id).unwrap();
        assert_eq!(part("Q2.1").score, Some(Milli(18_000)));
        assert_eq!(part("Q2.1").difference, Some(Milli(-1_500)));
        assert_eq!(part("Q5.4").difference, Some(Milli(1_000)));
        assert_eq!(part("Q3.3").difference, None);
        assert_eq!((card.official, card.difference), (Some(Milli(83_610)), Some(Milli(-500))));
    }

    #[test]
    fn with_only_a_published_total_the_totals_are_compared() {
        let official = |id: &str| (id == TOTAL).then_some(Milli(90_960));
        let card = card("gso:92".to_owned(), None, &law(), |_| ratio(1, 1), official);
        assert_eq!(card.difference, Some(Milli(9_040)));
    }
}
