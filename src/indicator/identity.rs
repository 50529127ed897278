//! Accounting identities (H05): two sums that must be equal, as the forms print them.
//!
//! Which ones stands in `config/reform.toml`. A side adds up words: `A03` is the indicator, `A01:online` the
//! part of that channel, `C07:*` all its parts, `desk:handled` tickets that ever came or left so.

use serde::{Deserialize, Serialize};

use super::{
    facts::{Amount, Facts, Terms, Window},
    formula::{Formula, Variant, formula},
    law::Identity,
    measure::{Dimension, Measure},
    period::Period,
};

/// An identity that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Checked {
    /// Word of the identity.
    pub identity: String,
    /// Unit.
    pub unit: String,
    /// Period.
    pub period: String,
    /// Left side.
    #[ts(type = "number")]
    pub left: i64,
    /// Right side.
    #[ts(type = "number")]
    pub right: i64,
}

impl Checked {
    /// Whether both sides are equal.
    pub const fn holds(&self) -> bool {
        self.left == self.right
    }
}

/// One word of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// Amounts with their signs.
    Terms(Terms),
    /// A measure by channel: one of them, or all.
    Channel(Measure, Option<String>),
}

fn word(text: &str, variant: Variant<'_>) -> Option<Word> {
    let until = |measure| Some(Word::Terms(vec![(1, Amount::Sum(Window::Until, measure))]));
    match text.split_once(':') {
        Some(("desk", "received")) => until(Measure::TicketReceived),
        Some(("desk", "handled")) => until(Measure::TicketHandled),
        Some(("desk", "rejected")) => until(Measure::TicketLeftRejected),
        Some(("desk", "duplicate")) => until(Measure::TicketLeftDuplicate),
        Some(("desk", "transferred")) => until(Measure::TicketLeftTransferred),
        Some((id, part)) => {
            let measure = match formula(id, variant)? {
                Formula::Keys { measure, by: Dimension::Channel, share: false, .. } => measure,
                Formula::Count(terms) => match terms.as_slice() {
                    [(1, Amount::Sum(Window::In, measure))] => *measure,
                    _ => return None,
                },
                _ => return None,
            };
            Some(Word::Channel(measure, (part != "*").then(|| part.to_owned())))
        }
        None => match formula(text, variant)? {
            Formula::Count(terms) => Some(Word::Terms(terms)),
            Formula::Parts(parts) => match parts.into_iter().next()? {
                ("", Formula::Count(terms)) => Some(Word::Terms(terms)),
                _ => None,
            },
            _ => None,
        },
    }
}

fn side(text: &str, variant: Variant<'_>) -> Option<Vec<Word>> {
    text.split('+').map(|part| word(part.trim(), variant)).collect()
}

/// What identities add up, to be read before they are checked: amounts, and measures by channel.
pub fn needs(identities: &[Identity], variant: Variant<'_>) -> (Vec<Amount>, Vec<Measure>) {
    let sides = identities.iter().flat_map(|identity| [&identity.left, &identity.right]);
    let words = sides.filter_map(|text| side(text, variant)).flatten();
    let (mut amounts, mut channels) = (Vec::new(), Vec::new());
    for word in words {
        match word {
            Word::Terms(terms) => amounts.extend(terms.into_iter().map(|term| term.1)),
            Word::Channel(measure, _) => channels.push(measure),
        }
    }
    (amounts, channels)
}

/// Looks at one identity; null where a side cannot be known of the period.
pub fn check(
    identity: &Identity,
    variant: Variant<'_>,
    facts: &Facts,
    unit: &str,
    period: Period,
) -> Option<Checked> {
    let sum = |text: &str| -> Option<i64> {
        side(text, variant)?.iter().try_fold(0, |sum, word| {
            Some(
                sum + match word {
                    Word::Terms(terms) => facts.total(terms)?,
                    Word::Channel(measure, channel) => facts
                        .split(*measure, Dimension::Channel)
                        .filter(|(key, _)| channel.as_deref().is_none_or(|channel| channel == *key))
                        .map(|(_, value)| value)
                        .sum(),
                },
            )
        })
    };
    Some(Checked {
        identity: identity.id.clone(),
        unit: unit.to_owned(),
        period: period.to_string(),
        left: sum(&identity.left)?,
        right: sum(&identity.right)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::{
        law::Parameters,
        measure::{Noun, OpenSums},
    };

    fn checked(facts: &Facts, is_running: bool) -> Vec<Checked> {
        let parameters = Parameters::configured("").unwrap();
        let buckets = parameters.buckets("2024-01-01".parse().unwrap());
        let variant = Variant { buckets, is_running };
        let period = "2024-Q1".parse().unwrap();
        let checked: Option<Vec<Checked>> = parameters
            .identities
            .iter()
            .map(|identity| check(identity, variant, facts, "gso:92", period))
            .collect();
        checked.unwrap()
    }

    /// 12 received (7 online), 4 from before; 10 resolved; 6 open, of which 2 overdue; 9 tickets.
    fn facts() -> Facts {
        use Measure as M;
        let mut facts = Facts::new(true);
        let received =
            [M::Received, M::Resolved, M::Early, M::OnDay, M::Late, M::NoDue, M::EndedStopped];
        facts.add(Window::In, &received, &[12, 10, 4, 2, 2, 1, 1], "u");
        facts.add(Window::Before, &[M::Received, M::Resolved], &[100, 96], "u");
        facts.add_split(M::Received, Dimension::Channel, "online", 7);
        facts.add_split(M::Received, Dimension::Channel, "direct", 5);
        facts.add_open(Noun::Dossier, &OpenSums { open: 6, overdue: 2, ..OpenSums::default() });
        let tickets =
            [M::TicketReceived, M::TicketHandled, M::TicketLeftRejected, M::TicketLeftDuplicate];
        facts.add(Window::Until, &tickets, &[9, 5, 1, 1], "u");
        facts.add(Window::In, &[M::TicketReceived], &[3], "u");
        facts.add_split(M::TicketReceived, Dimension::Channel, "web", 2);
        facts.add_split(M::TicketReceived, Dimension::Channel, "", 1);
        facts.add_open(Noun::Ticket, &OpenSums { open: 2, ..OpenSums::default() });
        facts
    }

    #[test]
    fn every_configured_identity_can_be_checked_and_holds_for_sound_facts() {
        for checked in checked(&facts(), true) {
            assert!(checked.holds(), "{checked:?}");
        }
    }

    #[test]
    fn a_dossier_that_is_lost_breaks_the_identities_that_it_belongs_to() {
        let mut facts = facts();
        facts.add(Window::In, &[Measure::Received], &[1], "u");
        let broken: Vec<String> = checked(&facts, true)
            .into_iter()
            .filter(|checked| !checked.holds())
            .map(|checked| checked.identity)
            .collect();
        assert_eq!(broken, ["received_by_channel", "received_is_resolved_and_open"]);
    }

    #[test]
    fn an_ended_dossier_in_no_bucket_breaks_the_sum_of_the_buckets() {
        let mut facts = facts();
        facts.add(Window::In, &[Measure::NoDue], &[-1], "u");
        let broken = checked(&facts, true).into_iter().find(|checked| !checked.holds()).unwrap();
        assert_eq!(
            (broken.identity.as_str(), broken.left, broken.right),
            ("resolved_by_outcome", 10, 9)
        );
    }
}
