//! The records behind a figure: which measures and open records make its numerator and its denominator.

use super::Context;
use crate::indicator::{
    facts::{Amount, BANDS, Standing, Terms, Window},
    formula::{Formula, Variant, formula},
    measure::{Dimension, Measure, Noun, OpenPart, Ranked, Span},
    period::Period,
};

/// A part of a figure whose records can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The records of a measure over days.
    Measure(Measure, Span),
    /// Those of them with one value of a key.
    Keyed(Measure, Span, Dimension, &'static str),
    /// Records that are open now.
    Open(Noun, OpenPart),
}

/// The parts of a figure. A side of which something is subtracted is listed where what remains is a part of
/// its own, else not at all: a list that does not add up to the figure would be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// Parts of the numerator, or of the count; empty where no list of records makes it up.
    pub numerator: Vec<Part>,
    /// Parts of the denominator; empty for counts, and likewise.
    pub denominator: Vec<Part>,
}

/// What is behind the main figure of an indicator in a period; empty for what no list of records makes up,
/// such as scores, printed figures and what was open at the end of a past period.
pub fn behind(context: &Context, id: &str, period: Period) -> Behind {
    let (today, span) = (context.today(), period.span());
    let variant = Variant {
        buckets: context.parameters.buckets(period.last_day()),
        is_running: period.holds(today),
    };
    let Some(formula) = formula(id, variant) else { return Behind::default() };
    of_formula(&formula, span, variant.is_running)
}

fn of_formula(formula: &Formula, span: Span, is_running: bool) -> Behind {
    let count = |part| Behind { numerator: vec![part], denominator: Vec::new() };
    let parts = |terms| parts(terms, span, is_running).unwrap_or_default();
    match formula {
        Formula::Count(terms) => Behind { numerator: parts(terms), denominator: Vec::new() },
        Formula::Percent(numerator, denominator)
        | Formula::Mean { sum: numerator, count: denominator, .. } => {
            Behind { numerator: parts(numerator), denominator: parts(denominator) }
        }
        Formula::Keys { measure, by, main, share } => {
            let whole = Part::Measure(*measure, span);
            let part = main.map_or(whole, |key| Part::Keyed(*measure, span, *by, key));
            let denominator = if *share { vec![whole] } else { Vec::new() };
            Behind { numerator: vec![part], denominator }
        }
        Formula::Bands(noun) if is_running => count(Part::Open(*noun, OpenPart::Open)),
        Formula::Ages if is_running => count(Part::Open(Noun::Ticket, OpenPart::Open)),
        Formula::Quantiles(ranked, _) => {
            let measure = match ranked {
                Ranked::Handling => Measure::HandlingMin,
                Ranked::TicketResponse => Measure::TicketResponseMin,
                Ranked::TicketResolve => Measure::TicketResolveMin,
            };
            count(Part::Measure(measure, span))
        }
        Formula::Parts(parts) => {
            let first = parts.first().map(|(_, first)| of_formula(first, span, is_running));
            first.unwrap_or_default()
        }
        Formula::Bands(_)
        | Formula::Ages
        | Formula::ToDigitise
        | Formula::DigitisedShare
        | Formula::DigitiseRate
        | Formula::Supply(_)
        | Formula::Metric(_)
        | Formula::Nine(_)
        | Formula::Decision(_)
        | Formula::Hub(_)
        | Formula::HotSpots => Behind::default(),
    }
}

/// The parts that make up a side; null where none do: something is subtracted, or stood at the end of a past
/// period.
fn parts(terms: &Terms, span: Span, is_running: bool) -> Option<Vec<Part>> {
    // Open in time is open without overdue: a part of its own.
    let in_time = in_time(terms);
    let is_in_it = |amount: &Amount| match (in_time, amount) {
        (Some((noun, _)), Amount::Standing(of, _)) => noun == *of,
        (Some(_) | None, _) => false,
    };
    if in_time.is_some() && !is_running {
        return None;
    }
    let rest = terms.iter().filter(|term| !is_in_it(&term.1));
    let rest = rest.map(|(sign, amount)| part(*amount, span, is_running).filter(|_| *sign > 0));
    rest.chain(in_time.map(|(noun, open)| Some(Part::Open(noun, open)))).collect()
}

/// What is open in time, where all that stands open in a side is that.
fn in_time(terms: &Terms) -> Option<(Noun, OpenPart)> {
    let mut standing = terms.iter().filter_map(|(sign, amount)| match amount {
        Amount::Standing(noun, standing) => Some((*sign, *noun, *standing)),
        Amount::Sum(..) => None,
    });
    let (1, noun, Standing::Open) = standing.next()? else { return None };
    let subtracted: Vec<(i64, Noun, Standing)> = standing.collect();
    let without = |standing| (-1, noun, standing);
    if subtracted == [without(Standing::Overdue)] {
        Some((noun, OpenPart::InTime))
    } else if subtracted == [without(Standing::Overdue), without(Standing::WaitingLate)] {
        Some((noun, OpenPart::InTime766))
    } else {
        None
    }
}

/// The part that an amount is; null for what has no list of its own.
fn part(amount: Amount, span: Span, is_running: bool) -> Option<Part> {
    match amount {
        Amount::Sum(Window::In, measure) => Some(Part::Measure(measure, span)),
        Amount::Sum(Window::Until, measure) => Some(Part::Measure(measure, Span::until(span.to))),
        Amount::Standing(noun, standing) if is_running => Some(Part::Open(
            noun,
            match standing {
                Standing::Open => OpenPart::Open,
                Standing::Overdue => OpenPart::Overdue,
                Standing::DueSoon => OpenPart::DueSoon,
                Standing::Band(band) => OpenPart::Band(band.min(BANDS[BANDS.len() - 1].0)),
                Standing::Apologised | Standing::Dissatisfied | Standing::WaitingLate => {
                    return None;
                }
            },
        )),
        Amount::Sum(Window::Before | Window::Recent | Window::SincePrinted, _)
        | Amount::Standing(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: chrono::NaiveDate::MIN, to: chrono::NaiveDate::MAX };

    fn of(id: &str) -> Behind {
        of_period(id, true)
    }

    fn of_period(id: &str, is_running: bool) -> Behind {
        let variant = Variant { buckets: None, is_running };
        of_formula(&formula(id, variant).unwrap(), SPAN, is_running)
    }

    #[test]
    fn a_share_lists_the_records_of_both_its_sides() {
        let behind = of("A12");
        let measures = |list: &[Measure]| -> Vec<Part> {
            list.iter().map(|measure| Part::Measure(*measure, SPAN)).collect()
        };
        assert_eq!(behind.numerator, measures(&[Measure::Early, Measure::OnDay]));
        assert_eq!(behind.denominator, measures(&[Measure::Early, Measure::OnDay, Measure::Late]));
    }

    #[test]
    fn a_share_of_one_key_lists_the_records_with_that_key() {
        let behind = of("B06");
        let online = Part::Keyed(Measure::Received, SPAN, Dimension::Channel, "online");
        assert_eq!(behind.numerator, [online]);
        assert_eq!(behind.denominator, [Part::Measure(Measure::Received, SPAN)]);
    }

    #[test]
    fn open_in_time_is_listed_as_a_part_of_its_own() {
        assert_eq!(of("A09").numerator, [Part::Open(Noun::Dossier, OpenPart::InTime)]);
        let behind = of("A13");
        assert!(behind.numerator.contains(&Part::Open(Noun::Dossier, OpenPart::InTime766)));
        assert!(behind.denominator.contains(&Part::Open(Noun::Dossier, OpenPart::Open)));
    }

    #[test]
    fn what_stood_open_at_the_end_of_a_past_period_is_not_listed() {
        for id in ["A08", "A09", "A10", "A13", "A25", "C03", "C04", "C13", "Q2.1", "Q5.2"] {
            let behind = of(id);
            assert!(!behind.numerator.is_empty(), "{id}");
            assert_eq!(of_period(id, false), Behind::default(), "{id}");
        }
        let on_time = of_period("C06", false);
        assert_eq!(on_time.numerator, [Part::Measure(Measure::TicketOnTime, SPAN)]);
        assert_eq!(on_time.denominator, []);
    }

    #[test]
    fn a_side_of_which_something_else_is_subtracted_is_not_listed() {
        for id in ["A02", "A03"] {
            assert_eq!(of(id), Behind::default(), "{id}");
        }
        for (id, all) in [("Q5.3", Measure::PetitionReceived), ("Q5.4", Measure::Received)] {
            let behind = of(id);
            assert_eq!(behind.numerator, [], "{id}");
            assert_eq!(behind.denominator, [Part::Measure(all, SPAN)], "{id}");
        }
    }

    #[test]
    fn scores_have_no_list_of_records() {
        assert_eq!(of("N10"), Behind::default());
        assert_eq!(of("Q7"), Behind::default());
    }
}
