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

/// The parts of a figure. A part that is subtracted is not listed: what remains is listed by parts of its
/// own, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// Parts of the numerator, or of the count.
    pub numerator: Vec<Part>,
    /// Parts of the denominator; empty for counts.
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
    of_formula(&formula, span)
}

fn of_formula(formula: &Formula, span: Span) -> Behind {
    let count =
        |measure| Behind { numerator: vec![Part::Measure(measure, span)], denominator: Vec::new() };
    match formula {
        Formula::Count(terms) => Behind { numerator: parts(terms, span), denominator: Vec::new() },
        Formula::Percent(numerator, denominator)
        | Formula::Mean { sum: numerator, count: denominator, .. } => {
            Behind { numerator: parts(numerator, span), denominator: parts(denominator, span) }
        }
        Formula::Keys { measure, by, main, share } => {
            let whole = Part::Measure(*measure, span);
            let part = main.map_or(whole, |key| Part::Keyed(*measure, span, *by, key));
            let denominator = if *share { vec![whole] } else { Vec::new() };
            Behind { numerator: vec![part], denominator }
        }
        Formula::Bands(noun) => {
            Behind { numerator: vec![Part::Open(*noun, OpenPart::Open)], denominator: Vec::new() }
        }
        Formula::Ages => Behind {
            numerator: vec![Part::Open(Noun::Ticket, OpenPart::Open)],
            denominator: Vec::new(),
        },
        Formula::Quantiles(ranked, _) => count(match ranked {
            Ranked::Handling => Measure::HandlingMin,
            Ranked::TicketResponse => Measure::TicketResponseMin,
            Ranked::TicketResolve => Measure::TicketResolveMin,
        }),
        Formula::Parts(parts) => {
            parts.first().map(|(_, first)| of_formula(first, span)).unwrap_or_default()
        }
        Formula::ToDigitise => count(Measure::DocumentReviewed),
        Formula::DigitisedShare | Formula::DigitiseRate => count(Measure::DocumentSigned),
        Formula::Supply(_)
        | Formula::Metric(_)
        | Formula::Nine(_)
        | Formula::Decision(_)
        | Formula::Hub(_)
        | Formula::HotSpots => Behind::default(),
    }
}

fn parts(terms: &Terms, span: Span) -> Vec<Part> {
    // Open in time is open without overdue: a part of its own.
    if let Some(noun) = in_time(terms) {
        let rest = terms.iter().filter(|term| !matches!(term.1, Amount::Standing(..)));
        let rest = rest.filter_map(|term| part(*term, span));
        return rest.chain([Part::Open(noun, OpenPart::InTime)]).collect();
    }
    terms.iter().filter_map(|term| part(*term, span)).collect()
}

fn in_time(terms: &Terms) -> Option<Noun> {
    let noun = terms.iter().find_map(|term| match term {
        (1, Amount::Standing(noun, Standing::Open)) => Some(*noun),
        _ => None,
    })?;
    terms.contains(&(-1, Amount::Standing(noun, Standing::Overdue))).then_some(noun)
}

fn part((sign, amount): (i64, Amount), span: Span) -> Option<Part> {
    if sign < 0 {
        return None;
    }
    match amount {
        Amount::Sum(Window::In | Window::Recent, measure) => Some(Part::Measure(measure, span)),
        Amount::Sum(Window::Until, measure) => Some(Part::Measure(measure, Span::until(span.to))),
        // Carried over is what came before less what ended before: no list of its own.
        Amount::Sum(Window::Before, _) => None,
        Amount::Standing(noun, standing) => Some(Part::Open(
            noun,
            match standing {
                Standing::Open => OpenPart::Open,
                Standing::Overdue | Standing::Apologised | Standing::Dissatisfied => {
                    OpenPart::Overdue
                }
                Standing::DueSoon => OpenPart::DueSoon,
                Standing::Band(band) => OpenPart::Band(band.min(BANDS[BANDS.len() - 1].0)),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: chrono::NaiveDate::MIN, to: chrono::NaiveDate::MAX };

    fn of(id: &str) -> Behind {
        let variant = Variant { buckets: None, is_running: true };
        of_formula(&formula(id, variant).unwrap(), SPAN)
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
        assert!(behind.numerator.contains(&Part::Open(Noun::Dossier, OpenPart::InTime)));
        assert!(behind.denominator.contains(&Part::Open(Noun::Dossier, OpenPart::Open)));
    }

    #[test]
    fn scores_have_no_list_of_records() {
        assert_eq!(of("N10"), Behind::default());
        assert_eq!(of("Q7"), Behind::default());
    }
}
