//! Computes indicators of one subject from its facts.
//!
//! Pure: no clock, no store. What a figure lacks is null with a status, never 0: nothing was ever seen, a
//! denominator is 0, or the calendar does not reach. Everything is integer; rounding stands in `exact`.

use std::{cell::OnceCell, collections::BTreeMap};

use chrono::NaiveDate;

use super::{
    catalogue::Indicator,
    decision766::{self, DecisionCard, Ratio, TOTAL},
    exact::Milli,
    facts::{Amount, BANDS, Facts, Standing, Window},
    figure::{CityFigure, printed_documents},
    formula::{Decision, Formula, Hub, MetricRule, Nine, Sensitivity, Supply, Variant, formula},
    law::{DecisionLaw, Parameters},
    measure::{Measure, Noun, Span, quantile},
    nine::{self, Evidence, NINE, NineCard, Overruled, PUBLICATION},
    placing::{Members, Place},
    supply::{Counted, Offered},
    value::{Narrow, Status, ValueBound},
};
use crate::{
    calendar::{Calendar, Completeness},
    unit::Level,
};

/// Days of a quantile: share in percent and its part.
const QUANTILES: [(i64, &str); 2] = [(50, ""), (90, "p90")];

/// What is the same for all subjects of an answer.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Laws and thresholds.
    pub parameters: &'a Parameters,
    /// Which variant of the formulas.
    pub variant: Variant<'a>,
    /// Calendar.
    pub calendar: &'a Calendar,
    /// The period until the day that counts: its end, or today.
    pub span: Span,
    /// Laws of Decision 766; null before the first.
    pub law: Option<&'a DecisionLaw>,
    /// Formalities and services by who answers for them.
    pub offered: Offered<'a>,
    /// Figures of other systems, those of a name oldest first.
    pub figures: &'a [CityFigure],
    /// Published points by unit and component.
    pub officials: &'a BTreeMap<(String, String), Milli>,
    /// Decisions on the nine indicators by unit.
    pub rulings: &'a BTreeMap<String, [Option<Overruled>; NINE]>,
    /// Quality of the hub's data.
    pub hub: &'a HubFacts,
    /// Which records count.
    pub narrow: &'a Narrow,
}

/// Quality of the hub's data, of the whole city.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HubFacts {
    /// Seconds since the latest event, by feed.
    pub freshness_s: BTreeMap<String, i64>,
    /// Milliseconds from event to receipt of the latest message, by feed.
    pub lag_ms: BTreeMap<String, i64>,
    /// Messages refused and received.
    pub refused: Option<(i64, i64)>,
    /// Identities that were checked and those that are broken.
    pub identities: Option<(i64, i64)>,
    /// Published values that differ now, of so many.
    pub corrected: Option<(i64, i64)>,
    /// Largest tickets per square kilometre in thousandths, with its category.
    pub hot_spot: Option<(Milli, String)>,
}

/// One subject: a unit with all below it, or one key of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Place.
    pub place: &'a Place,
    /// Its index.
    pub index: usize,
    /// Who belongs to it at the end of the period.
    pub members: &'a Members,
    /// What is known of it.
    pub facts: &'a Facts,
    /// Second key; null without one.
    pub key: Option<&'a str>,
    /// Received dossiers of units that are in no tree.
    pub unmapped: i64,
    /// Its scorecards.
    pub cards: &'a Cards,
}

/// Scorecards of one subject, made once when the first figure asks for them.
#[derive(Debug, Default)]
pub struct Cards {
    nine: OnceCell<Option<NineCard>>,
    decision: OnceCell<Option<DecisionCard>>,
}

/// One figure of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Part; empty for the main figure.
    pub part: String,
    /// Value; null is not 0.
    pub value: Option<Milli>,
    /// Numerator, or the count.
    pub numerator: Option<i64>,
    /// Denominator.
    pub denominator: Option<i64>,
    /// Class or component in words.
    pub word: Option<String>,
    /// How exact it is.
    pub bound: ValueBound,
    /// Why it is what it is.
    pub status: Status,
}

impl Figure {
    const fn empty(status: Status) -> Self {
        Self {
            part: String::new(),
            value: None,
            numerator: None,
            denominator: None,
            word: None,
            bound: ValueBound::Exact,
            status,
        }
    }

    fn of(value: Option<Milli>) -> Self {
        let status = if value.is_some() { Status::Ok } else { Status::NoData };
        Self { value, ..Self::empty(status) }
    }

    fn count(count: Option<i64>) -> Self {
        Self { numerator: count, ..Self::of(count.map(Milli::whole)) }
    }

    fn share(numerator: Option<i64>, denominator: Option<i64>) -> Self {
        let value = numerator.zip(denominator).and_then(|(n, d)| Milli::percent(n, d));
        Self { numerator, denominator, ..Self::of(value) }
    }

    fn part(self, part: &str) -> Self {
        Self { part: part.to_owned(), ..self }
    }
}

/// The figures of an indicator, the main one first.
pub fn figures(indicator: &Indicator, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    let Some(formula) = formula(&indicator.id, inputs.variant) else {
        return vec![Figure::empty(Status::NoFeed)];
    };
    let Span { from, to } = inputs.span;
    // Nothing is known of days to come, nor of days on which the figure had no meaning.
    if to <= from || to <= indicator.valid_from || indicator.valid_to.is_some_and(|end| end <= from)
    {
        return vec![Figure::empty(Status::NoData)];
    }
    let mut figures = compute(&formula, subject, inputs);
    let calendar = inputs.calendar.completeness(from, to.pred_opt().unwrap_or(from));
    for figure in &mut figures {
        mark(figure, formula.sensitivity(), calendar);
    }
    figures
}

/// Marks what depends on a calendar that is not verified or not there.
fn mark(figure: &mut Figure, sensitivity: Sensitivity, calendar: Completeness) {
    let marked = match (sensitivity, calendar) {
        (Sensitivity::None, _) | (_, Completeness::Complete) => return,
        (Sensitivity::Due | Sensitivity::Time, Completeness::Unverified) => {
            Status::CalendarUnverified
        }
        (Sensitivity::Due, Completeness::Incomplete) => Status::CalendarIncomplete,
        (Sensitivity::Time, Completeness::Incomplete) => {
            // Working time that somebody guessed is worse than none.
            figure.value = None;
            Status::CalendarIncomplete
        }
    };
    if figure.status == Status::Ok || figure.value.is_none() && sensitivity == Sensitivity::Time {
        figure.status = marked;
    }
}

fn compute(formula: &Formula, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    let facts = subject.facts;
    if let Some(noun) = formula.noun()
        && !facts.seen(noun)
    {
        return vec![Figure::empty(Status::NoData)];
    }
    match formula {
        Formula::Count(terms) => vec![Figure::count(facts.total(terms))],
        Formula::Percent(numerator, denominator) => {
            vec![Figure::share(facts.total(numerator), facts.total(denominator))]
        }
        Formula::Mean { sum, count, divisor } => {
            let (sum, count) = (facts.total(sum), facts.total(count));
            let value = sum.zip(count).and_then(|(sum, count)| mean(sum, count, *divisor));
            vec![Figure { numerator: sum, denominator: count, ..Figure::of(value) }]
        }
        Formula::Keys { measure, by, main, share } => {
            let whole = facts.sum(Window::In, *measure);
            let figure = |count: i64| {
                if *share {
                    Figure::share(Some(count), Some(whole))
                } else {
                    Figure::count(Some(count))
                }
            };
            let keys: BTreeMap<&str, i64> = facts.split(*measure, *by).collect();
            let main = main.map_or(whole, |main| keys.get(main).copied().unwrap_or(0));
            let parts = keys.iter().map(|(key, count)| {
                figure(*count).part(if key.is_empty() { "unknown" } else { key })
            });
            [figure(main)].into_iter().chain(parts).collect()
        }
        Formula::Bands(noun) => {
            let standing = |standing| facts.amount(Amount::Standing(*noun, standing));
            let main = Figure::count(standing(Standing::Open));
            let bands = BANDS.iter().filter_map(|&(band, part)| {
                standing(Standing::Band(band)).map(|count| Figure::count(Some(count)).part(part))
            });
            [main].into_iter().chain(bands).collect()
        }
        Formula::Quantiles(ranked, minutes) => {
            let counts = facts.ranked(*ranked);
            let all = counts.iter().map(|(_, count)| count).sum();
            let figure = |(share, part)| {
                let value = quantile(&counts, share).and_then(|value| mean(value, 1, *minutes));
                Figure { denominator: Some(all), ..Figure::of(value) }.part(part)
            };
            QUANTILES.into_iter().map(figure).collect()
        }
        Formula::Ages => ages(&facts.ages()),
        Formula::Parts(parts) => {
            let of = |(part, formula): &(&str, Formula)| {
                let figures = compute(formula, subject, inputs).into_iter();
                figures.map(|figure| figure.part(part)).collect::<Vec<_>>()
            };
            parts.iter().flat_map(of).collect()
        }
        Formula::Supply(supply) => supplied(*supply, subject, inputs),
        Formula::Metric(rule) => metric(*rule, subject, inputs),
        Formula::Nine(nine) => nine_figures(*nine, subject, inputs),
        Formula::Decision(decision) => decision_figures(*decision, subject, inputs),
        Formula::Hub(hub) => hub_figures(*hub, subject, inputs),
        Formula::ToDigitise | Formula::DigitisedShare | Formula::DigitiseRate => {
            digitisation(formula, subject, inputs)
        }
        Formula::HotSpots => match &inputs.hub.hot_spot {
            Some((density, category)) if subject.place.is_city => {
                vec![Figure { word: Some(category.clone()), ..Figure::of(Some(*density)) }]
            }
            Some(_) | None => vec![Figure::empty(Status::NoData)],
        },
    }
}

/// Total over count, divided, with two decimals.
fn mean(sum: i64, count: i64, divisor: i64) -> Option<Milli> {
    Milli::ratio(sum, count.checked_mul(divisor)?, 1, 2)
}

/// Median, 90th percentile and largest age by nearest rank, ascending ages.
fn ages(ages: &[i64]) -> Vec<Figure> {
    let count = i64::try_from(ages.len()).unwrap_or(i64::MAX);
    let rank = |share: usize| (ages.len() * share).div_ceil(100).checked_sub(1);
    let at = |share| rank(share).and_then(|rank| ages.get(rank)).map(|age| Milli::whole(*age));
    [(50, ""), (90, "p90"), (100, "max")]
        .map(|(share, part)| {
            Figure { denominator: Some(count), ..Figure::of(at(share)) }.part(part)
        })
        .to_vec()
}

/// Who answers for offers; null for a place that is no unit.
fn offering(subject: Subject<'_>) -> Option<(&str, Level)> {
    Some((&subject.place.code, subject.place.level?))
}

/// The last day of a span.
pub fn last_day(span: Span) -> NaiveDate {
    span.to.pred_opt().unwrap_or(span.from)
}

/// Figures of the catalogue; where it is silent, what the city printed.
fn supplied(supply: Supply, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    if subject.key.is_some() || subject.place.key.is_some() {
        return vec![Figure::empty(Status::NoData)];
    }
    let Some(unit) = offering(subject) else { return vec![Figure::empty(Status::NoData)] };
    match inputs.offered.figure(supply, unit, subject.facts, inputs.calendar) {
        Err(_) => vec![Figure::empty(Status::CalendarIncomplete)],
        Ok(Some(Counted::Number(count, parts))) => {
            let parts =
                parts.into_iter().map(|(part, count)| Figure::count(Some(count)).part(part));
            [Figure::count(Some(count))].into_iter().chain(parts).collect()
        }
        Ok(Some(Counted::Share(good, all))) => vec![Figure::share(Some(good), Some(all))],
        Ok(Some(Counted::Both(some, all))) => {
            vec![Figure::count(Some(some)), Figure::share(Some(some), Some(all)).part("share")]
        }
        Ok(None) => match printed(supply) {
            Some(rule) => metric(rule, subject, inputs),
            None => vec![Figure::empty(Status::NoData)],
        },
    }
}

/// The metric that stands for a figure of the catalogue.
pub const fn printed(supply: Supply) -> Option<MetricRule> {
    let (name, label) = match supply {
        Supply::Online | Supply::ByLevel => ("online_formalities", "level"),
        Supply::ServicesLinked => ("npsp_services", ""),
        Supply::FeeLinked => ("npsp_fee_formalities", ""),
        Supply::AnnouncedInTime
        | Supply::PublishedInTime
        | Supply::PublishedInFull
        | Supply::OfferedOnline
        | Supply::ServicesInUse
        | Supply::PopulationData
        | Supply::FeeData
        | Supply::FeePaidOnline
        | Supply::FullOfEligible => return None,
    };
    Some(MetricRule::Stock { name, label, apart: "" })
}

fn metric(rule: MetricRule, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    if subject.key.is_some() {
        return vec![Figure::empty(Status::NoData)];
    }
    let here =
        |figure: &&CityFigure| subject.members.of(&figure.unit).places.contains(&subject.index);
    let days = inputs.parameters.thresholds.stock_days;
    let Some(sum) = rule.sum(&inputs.figures.iter().filter(here), inputs.span, days) else {
        return vec![Figure::empty(Status::NoData)];
    };
    let figure = |value: Milli, bound| {
        let numerator = (value.0 % 1_000 == 0).then_some(value.0 / 1_000);
        Figure { numerator, bound, ..Figure::of(Some(value)) }
    };
    let parts = sum.parts.iter().map(|(part, (value, bound))| figure(*value, *bound).part(part));
    [figure(sum.value, sum.bound)].into_iter().chain(parts).collect()
}

/// The scorecard of the nine indicators; null before the first law, and for other keys.
pub fn nine_card(subject: Subject<'_>, inputs: &Inputs<'_>) -> Option<NineCard> {
    if subject.key.is_some() {
        return None;
    }
    let law = inputs.parameters.nine(last_day(inputs.span))?;
    let counted = offering(subject).map(|unit| {
        PUBLICATION.map(|supply| {
            inputs.offered.figure(supply, unit, subject.facts, inputs.calendar).ok().flatten()
        })
    });
    let counted = counted.unwrap_or_default();
    let nothing = [const { None }; NINE];
    let rulings = inputs.rulings.get(&subject.place.code).unwrap_or(&nothing);
    let evidence = Evidence {
        facts: subject.facts,
        publication: [counted[0].as_ref(), counted[1].as_ref(), counted[2].as_ref()],
        overruled: rulings,
        law,
    };
    Some(nine::card(subject.place.code.clone(), subject.place.name.clone(), &evidence))
}

fn nine_figures(nine: Nine, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    let card = subject.cards.nine.get_or_init(|| nine_card(subject, inputs));
    let Some(card) = card else {
        return vec![Figure::empty(Status::NoData)];
    };
    let figure = match nine {
        Nine::Score(indicator) => {
            let value = card.scores.get(indicator - 1).and_then(|score| score.value);
            Figure::of(value)
        }
        Nine::Total => Figure::of(card.total),
        Nine::Class => Figure {
            word: card.class.as_ref().map(|band| band.class.clone()),
            ..Figure::of(card.rank.map(|rank| Milli::whole(i64::from(rank))))
        },
        Nine::Forms if subject.facts.seen(Noun::Assessment) => Figure::count(Some(card.forms)),
        Nine::Forms => Figure::empty(Status::NoData),
        Nine::Satisfaction => {
            return satisfaction(card, inputs);
        }
        Nine::SelfMinusAppraised => Figure::of(card.own_minus_appraised),
        Nine::Sufficiency => Figure::share(Some(i64::from(card.present)), i64::try_from(NINE).ok()),
    };
    vec![figure]
}

/// Points of the citizens' forms over the most that they could give: of all answers, and of each indicator
/// that was answered.
fn satisfaction(card: &NineCard, inputs: &Inputs<'_>) -> Vec<Figure> {
    let Some(law) = inputs.parameters.nine(last_day(inputs.span)) else { return Vec::new() };
    let most = card.answers.saturating_mul(law.max.0);
    let all = Figure {
        numerator: Some(card.points_e3),
        denominator: Some(most),
        ..Figure::of(Milli::ratio(card.points_e3, most, 100, 2))
    };
    let each = card.scores.iter().zip(1..).filter_map(|(score, n)| {
        let share = Milli::ratio(score.citizen?.0, law.max.0, 100, 2);
        Some(Figure { part: format!("N{n}"), ..Figure::of(share) })
    });
    std::iter::once(all).chain(each).collect()
}

/// The scorecard of Decision 766; null before it, and for other keys.
pub fn decision_card(subject: Subject<'_>, inputs: &Inputs<'_>) -> Option<DecisionCard> {
    let law = inputs.law.filter(|_| subject.key.is_none())?;
    let ratio = |id: &str| {
        let figure = formula(id, inputs.variant).map_or(Figure::empty(Status::NoFeed), |formula| {
            let mut figure = ratio_of(&formula, subject, inputs);
            let Span { from, to } = inputs.span;
            let calendar = inputs.calendar.completeness(from, to.pred_opt().unwrap_or(from));
            mark(&mut figure, formula.sensitivity(), calendar);
            figure
        });
        let Figure { numerator, denominator, value, status, .. } = figure;
        Ratio { numerator, denominator, value, status }
    };
    let official = |component: &str| {
        let key = (subject.place.code.clone(), component.to_owned());
        inputs.officials.get(&key).copied()
    };
    let Place { code, name, .. } = subject.place;
    Some(decision766::card(code.clone(), name.clone(), law, ratio, official))
}

/// A ratio with its zeros: that a unit without petitions has no petition is known, once anything is known
/// of the unit.
fn ratio_of(formula: &Formula, subject: Subject<'_>, inputs: &Inputs<'_>) -> Figure {
    let figure = compute(formula, subject, inputs).into_iter().next();
    let figure = figure.unwrap_or(Figure::empty(Status::NoData));
    let facts = subject.facts;
    match formula {
        Formula::Percent(numerator, denominator) if facts.seen(Noun::Dossier) => {
            let (numerator, denominator) = (facts.total(numerator), facts.total(denominator));
            Figure { numerator, denominator, ..figure }
        }
        _ => figure,
    }
}

fn decision_figures(decision: Decision, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    let card = subject.cards.decision.get_or_init(|| decision_card(subject, inputs));
    let Some(card) = card else {
        return vec![Figure::empty(Status::NoData)];
    };
    let figure = match decision {
        Decision::Own => Figure { denominator: Some(card.of.0 / 1_000), ..Figure::of(card.total) },
        Decision::Official => Figure::of(card.official),
        Decision::Difference => {
            let parts = card.components.iter().filter_map(|part| {
                part.difference.map(|difference| Figure::of(Some(difference)).part(&part.id))
            });
            return [Figure::of(card.difference)].into_iter().chain(parts).collect();
        }
        Decision::Class => Figure {
            word: card.class.as_ref().map(|band| band.class.clone()),
            ..Figure::of(card.rank.map(|rank| Milli::whole(i64::from(rank))))
        },
        Decision::Losses => return losses(card),
        Decision::RelativeDifference => {
            let pair = card.total.zip(card.official).filter(|_| card.missing.is_empty());
            let value = pair.and_then(|(own, official)| {
                Milli::ratio((own.0 - official.0).abs(), official.0, 100, 2)
            });
            Figure::of(value)
        }
    };
    vec![figure]
}

/// Losses by component, the largest one also as the main figure with its word.
fn losses(card: &DecisionCard) -> Vec<Figure> {
    let of = |id: &String| {
        let part = card.components.iter().find(|part| part.id == *id)?;
        Some(Figure { word: Some(id.clone()), ..Figure::of(part.loss) })
    };
    let parts: Vec<Figure> = card.losses.iter().filter_map(of).collect();
    let main = parts.first().cloned().unwrap_or_else(|| {
        // Nothing is lost once something was scored.
        Figure::of(card.total.map(|_| Milli(0)))
    });
    let parts = parts.into_iter().map(|figure| {
        let part = figure.word.clone().unwrap_or_default();
        figure.part(&part)
    });
    [main].into_iter().chain(parts).collect()
}

/// Every word of [`TOTAL`] and the components: what official scores are kept under.
pub fn official_words(law: &DecisionLaw) -> Vec<&str> {
    let components = law.components.iter().map(|part| part.id.as_str());
    components.chain([TOTAL]).collect()
}

fn hub_figures(hub: Hub, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    if !subject.place.is_city || subject.key.is_some() {
        return vec![Figure::empty(Status::NoData)];
    }
    let facts = inputs.hub;
    let figure = match hub {
        Hub::Freshness => return by_feed(&facts.freshness_s, Milli::whole),
        Hub::Lag => return by_feed(&facts.lag_ms, Milli),
        Hub::Units => {
            let reporting = i64::try_from(subject.facts.reporting(Noun::Dossier)).ok();
            Figure::share(reporting, Some(i64::from(subject.place.expected)))
        }
        Hub::Rejected => Figure::share(
            facts.refused.map(|(refused, _)| refused),
            facts.refused.map(|(_, received)| received),
        ),
        Hub::Identities => Figure {
            denominator: facts.identities.map(|(all, _)| all),
            ..Figure::count(facts.identities.map(|(_, broken)| broken))
        },
        Hub::Corrected => Figure {
            denominator: facts.corrected.map(|(_, all)| all),
            ..Figure::count(facts.corrected.map(|(differ, _)| differ))
        },
        Hub::Unmapped if subject.facts.seen(Noun::Dossier) => Figure {
            denominator: Some(subject.facts.sum(Window::In, Measure::Received)),
            ..Figure::count(Some(subject.unmapped))
        },
        Hub::Unmapped => Figure::empty(Status::NoData),
        Hub::CalendarGap => {
            let Span { from, .. } = inputs.span;
            let calendar = inputs.calendar.completeness(from, last_day(inputs.span));
            Figure::count(Some(i64::from(calendar == Completeness::Incomplete)))
        }
    };
    vec![figure]
}

/// A figure of each feed; the main one is the largest.
fn by_feed(feeds: &BTreeMap<String, i64>, value: impl Fn(i64) -> Milli) -> Vec<Figure> {
    let main = Figure::of(feeds.values().max().map(|largest| value(*largest)));
    let parts = feeds.iter().map(|(feed, figure)| Figure::of(Some(value(*figure))).part(feed));
    [main].into_iter().chain(parts).collect()
}

/// Documents to digitise, the digitised share, and the rate.
fn digitisation(formula: &Formula, subject: Subject<'_>, inputs: &Inputs<'_>) -> Vec<Figure> {
    use Measure as M;
    let facts = subject.facts;
    let since = |measure| facts.sum(Window::SincePrinted, measure);
    let counts = |unit: &str| {
        subject.key.is_none() && subject.members.of(unit).places.contains(&subject.index)
    };
    let published = printed_documents(inputs.figures, counts, inputs.span.to);
    if published.is_none() && !facts.seen(Noun::Document) {
        return vec![Figure::empty(Status::NoData)];
    }
    let bound = published.as_ref().map_or(ValueBound::Exact, |summed| summed.bound);
    let printed = published.map_or(0, |summed| summed.value.0 / 1_000);
    let valid = printed + since(M::DocumentReviewed) - since(M::DocumentWithdrawn);
    // One that was signed before the number was printed may have been withdrawn since.
    let signed = (since(M::DocumentSigned) - since(M::DocumentSignedWithdrawn)).max(0);
    let figure = match formula {
        Formula::ToDigitise => Figure { bound, ..Figure::count(Some(valid)) },
        Formula::DigitisedShare => Figure { bound, ..Figure::share(Some(signed), Some(valid)) },
        _ => {
            let days = i64::from(inputs.parameters.thresholds.digitise_rate_working_days);
            let recent = facts.sum(Window::Recent, M::DocumentSigned);
            let rate = Figure {
                numerator: Some(recent),
                denominator: Some(days),
                ..Figure::of(mean(recent, days, 1))
            };
            let left = (valid - signed).max(0);
            // Working days until nothing is left: what is left over the rate, rounded up.
            let days_left = (recent > 0)
                .then(|| i128::from(left) * i128::from(days))
                .map(|work| (work + i128::from(recent) - 1) / i128::from(recent))
                .and_then(|days| i64::try_from(days).ok());
            let left = Figure { bound, ..Figure::of(days_left.map(Milli::whole)) };
            return vec![rate, left.part("working_days_left")];
        }
    };
    vec![figure]
}
