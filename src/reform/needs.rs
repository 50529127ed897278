//! What has to be read before indicators can be computed.

use std::collections::BTreeSet;

use super::Frame;
use crate::indicator::{
    catalogue::Indicator,
    evaluate::printed,
    facts::{Amount, Window, activity, stood},
    figure::TO_DIGITISE,
    formula::{Decision, Formula, Hub, MetricRule, Nine, Supply, formula},
    identity,
    measure::{Dimension, Measure, Noun, Ranked},
    nine::form_measures,
};

/// Everything that is read once for an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing to read or not")]
pub(super) struct Needs {
    /// Measures with the days over which they are added up.
    pub(super) sums: BTreeSet<(Window, Measure)>,
    /// Nouns of which it matters whether there ever was a record.
    pub(super) seen: BTreeSet<Noun>,
    /// Nouns of which what is open now is counted.
    pub(super) open: BTreeSet<Noun>,
    /// Measures by a second key.
    pub(super) split: BTreeSet<(Dimension, Measure)>,
    /// Histograms.
    pub(super) ranked: BTreeSet<Ranked>,
    /// Measures of which it matters which formalities have any.
    pub(super) touched: BTreeSet<Measure>,
    /// Ages of open tickets.
    pub(super) ages: bool,
    /// The catalogue of formalities.
    pub(super) offers: bool,
    /// Names of metrics.
    pub(super) figures: BTreeSet<&'static str>,
    /// Official scores.
    pub(super) officials: bool,
    /// Rulings on the nine indicators.
    pub(super) rulings: bool,
    /// Age of the feeds, and what was refused.
    pub(super) feeds: bool,
    /// Accounting identities.
    pub(super) identities: bool,
    /// Published figures that differ now.
    pub(super) corrected: bool,
    /// Hot spots.
    pub(super) hot_spots: bool,
}

impl Needs {
    pub(super) fn of_indicators(indicators: &[&Indicator], frame: &Frame<'_>) -> Self {
        let ids = indicators.iter().map(|indicator| indicator.id.as_str());
        Self::of(ids.filter_map(|id| formula(id, frame.variant())), frame)
    }

    pub(super) fn of_nine(frame: &Frame<'_>) -> Self {
        Self::of([Formula::Nine(Nine::Total)], frame)
    }

    pub(super) fn of_decision(frame: &Frame<'_>) -> Self {
        Self::of([Formula::Decision(Decision::Own)], frame)
    }

    pub(super) fn of_identities(frame: &Frame<'_>) -> Self {
        let mut needs = Self::default();
        let identities = &frame.context.parameters.identities;
        let (amounts, channels) = identity::needs(identities, frame.variant());
        for amount in amounts {
            needs.amount(amount, frame);
        }
        needs.split.extend(channels.into_iter().map(|measure| (Dimension::Channel, measure)));
        needs.complete(frame);
        needs
    }

    fn of(formulas: impl IntoIterator<Item = Formula>, frame: &Frame<'_>) -> Self {
        let mut needs = Self::default();
        formulas.into_iter().for_each(|formula| needs.add(&formula, frame));
        needs.complete(frame);
        needs
    }

    fn add(&mut self, formula: &Formula, frame: &Frame<'_>) {
        formula.amounts().into_iter().for_each(|amount| self.amount(amount, frame));
        match formula {
            Formula::Count(_)
            | Formula::Percent(..)
            | Formula::Mean { .. }
            | Formula::Bands(_)
            | Formula::Hub(Hub::Units | Hub::Unmapped | Hub::CalendarGap) => {}
            Formula::Keys { measure, by, .. } => {
                self.split.insert((*by, *measure));
            }
            Formula::Quantiles(ranked, _) => {
                self.ranked.insert(*ranked);
            }
            Formula::Ages => self.ages = true,
            Formula::Parts(parts) => parts.iter().for_each(|(_, part)| self.add(part, frame)),
            Formula::Supply(supply) => self.supply(*supply),
            Formula::Metric(rule) => self.figures.extend(rule.names()),
            Formula::Nine(_) => self.nine(),
            // What others have published takes no sum.
            Formula::Decision(Decision::Official) => self.officials = true,
            Formula::Decision(_) => self.decision(frame),
            Formula::Hub(Hub::Freshness | Hub::Lag | Hub::Rejected) => self.feeds = true,
            Formula::Hub(Hub::Identities) => self.identities = true,
            Formula::Hub(Hub::Corrected) => self.corrected = true,
            Formula::ToDigitise | Formula::DigitisedShare | Formula::DigitiseRate => {
                self.figures.insert(TO_DIGITISE);
            }
            Formula::HotSpots => self.hot_spots = true,
        }
    }

    fn nine(&mut self) {
        self.offers = true;
        self.rulings = true;
        self.sums.insert((Window::In, Measure::Forms));
        let forms = form_measures().into_iter();
        self.split.extend(forms.map(|measure| (Dimension::Category, measure)));
    }

    fn decision(&mut self, frame: &Frame<'_>) {
        self.officials = true;
        for component in frame.decision_law().into_iter().flat_map(|law| &law.components) {
            if let Some(formula) = formula(&component.id, frame.variant()) {
                self.add(&formula, frame);
            }
        }
    }

    fn supply(&mut self, supply: Supply) {
        self.offers = true;
        self.touched.extend(match supply {
            Supply::ServicesInUse => Some(Measure::Online),
            Supply::PopulationData => Some(Measure::Vneid),
            Supply::FeeData => Some(Measure::FeeKnown),
            Supply::FeePaidOnline => Some(Measure::PaidOnline),
            Supply::AnnouncedInTime
            | Supply::PublishedInTime
            | Supply::PublishedInFull
            | Supply::OfferedOnline
            | Supply::Online
            | Supply::ByLevel
            | Supply::FullOfEligible
            | Supply::ServicesLinked
            | Supply::FeeLinked => None,
        });
        self.figures.extend(printed(supply).into_iter().flat_map(MetricRule::names));
    }

    fn amount(&mut self, amount: Amount, frame: &Frame<'_>) {
        match amount {
            Amount::Sum(window, measure) => {
                self.sums.insert((window, measure));
            }
            Amount::Standing(noun, standing)
                if frame.is_running || standing.is_told_by_open_records() =>
            {
                self.open.insert(noun);
            }
            Amount::Standing(noun, standing) => {
                for (_, amount) in stood(noun, standing).unwrap_or_default() {
                    self.amount(amount, frame);
                }
            }
        }
    }

    /// Adds what tells whether there ever was a record, and who reported. A key stands in an answer only
    /// because there was one.
    fn complete(&mut self, frame: &Frame<'_>) {
        let summed = self.sums.iter().map(|(_, measure)| measure.noun());
        let nouns: BTreeSet<Noun> = summed.chain(self.open.iter().copied()).collect();
        let active = nouns.iter().flat_map(|noun| activity(*noun));
        self.sums.extend(active.map(|measure| (Window::In, *measure)));
        if !frame.is_keyed() {
            self.seen = nouns;
        }
    }
}
