//! The formula of every indicator, by id: sums, shares and means over measures, and what comes from the
//! catalogue of formalities, from metrics and from other indicators.
//!
//! Pure data. `evaluate` computes it; the words for people stand in `config/indicators.toml`.

use super::{
    facts::{Amount, Standing, Terms, Window},
    law::{Bucket, Buckets},
    measure::{Dimension, Measure as M, Noun, Ranked},
};

/// How an indicator is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// A count.
    Count(Terms),
    /// Percent of the second of the first.
    Percent(Terms, Terms),
    /// Total by count, divided by a whole number; two decimals.
    Mean {
        /// What is added up.
        sum: Terms,
        /// Over how many.
        count: Terms,
        /// Units of the sum in one unit of measure: 60 minutes in an hour.
        divisor: i64,
    },
    /// A measure by a second key, each key a part; as a count, or in percent of the whole.
    Keys {
        /// What is added up.
        measure: M,
        /// The key.
        by: Dimension,
        /// The key whose part is the main figure; null for the whole.
        main: Option<&'static str>,
        /// In percent of the whole.
        share: bool,
    },
    /// What is open, by bands of age.
    Bands(Noun),
    /// Median and 90th percentile, in units of so many minutes.
    Quantiles(Ranked, i64),
    /// Age of open tickets: median, 90th percentile, largest.
    Ages,
    /// Several figures; the first one is the main figure.
    Parts(Vec<(&'static str, Self)>),
    /// From the catalogue of formalities and online services.
    Supply(Supply),
    /// From figures of other city systems.
    Metric(MetricRule),
    /// One of the nine indicators, 1 to 9, or what follows from them.
    Nine(Nine),
    /// What follows from the components of Decision 766.
    Decision(Decision),
    /// Quality of the hub's data.
    Hub(Hub),
    /// Documents to digitise: a published number and what was reviewed since.
    ToDigitise,
    /// Share of them with a signed copy.
    DigitisedShare,
    /// Documents digitised on a working day, and working days left.
    DigitiseRate,
    /// Largest density of tickets.
    HotSpots,
}

/// What the catalogue tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the formula of the indicator that it is listed at")]
pub enum Supply {
    AnnouncedInTime,
    PublishedInTime,
    PublishedInFull,
    OfferedOnline,
    ServicesInUse,
    PopulationData,
    FeeData,
    FeePaidOnline,
    Online,
    ByLevel,
    FullOfEligible,
    ServicesLinked,
    FeeLinked,
}

/// How figures of other systems are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricRule {
    /// The latest figure of each label value, added up; each label value a part.
    Stock {
        /// Name in the metric catalogue.
        name: &'static str,
        /// Label whose values are the parts; "" for none.
        label: &'static str,
        /// Label value that stands apart from the sum; "" for none.
        apart: &'static str,
    },
    /// The published total of the period, else the last figures of its days, added up.
    Total {
        /// Name of the published total.
        total: &'static str,
        /// Name of the figure of the day.
        daily: &'static str,
        /// Label whose values are the parts.
        label: &'static str,
    },
}

/// The nine indicators and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nine {
    /// N1 to N9.
    Score(usize),
    /// N10.
    Total,
    /// N11.
    Class,
    /// N12.
    Forms,
    /// N13.
    Satisfaction,
    /// N14.
    SelfMinusAppraised,
    /// N15.
    Sufficiency,
}

/// What follows from the components of Decision 766.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Q7.
    Own,
    /// Q8.
    Official,
    /// Q9.
    Difference,
    /// Q10.
    Class,
    /// Q11.
    Losses,
    /// H08.
    RelativeDifference,
}

/// Quality of the hub's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hub {
    /// H01.
    Freshness,
    /// H02.
    Lag,
    /// H03.
    Units,
    /// H04.
    Rejected,
    /// H05.
    Identities,
    /// H06.
    Corrected,
    /// H07.
    Unmapped,
    /// H09.
    CalendarGap,
}

/// What decides between variants of a formula.
#[derive(Debug, Clone, Copy)]
pub struct Variant<'a> {
    /// Buckets of statuses; null before the first law.
    pub buckets: Option<&'a Buckets>,
    /// Whether the period is running: what is open is counted now.
    pub is_running: bool,
}

const fn within(measure: M) -> Amount {
    Amount::Sum(Window::In, measure)
}

fn one(measure: M) -> Terms {
    vec![(1, within(measure))]
}

fn all(measures: &[M]) -> Terms {
    measures.iter().map(|&measure| (1, within(measure))).collect()
}

fn standing(noun: Noun, standing: Standing) -> Terms {
    vec![(1, Amount::Standing(noun, standing))]
}

fn open_in_time(noun: Noun) -> Terms {
    vec![
        (1, Amount::Standing(noun, Standing::Open)),
        (-1, Amount::Standing(noun, Standing::Overdue)),
    ]
}

fn carried_over() -> Terms {
    vec![
        (1, Amount::Sum(Window::Before, M::Received)),
        (-1, Amount::Sum(Window::Before, M::Resolved)),
    ]
}

fn joined(first: Terms, second: Terms) -> Terms {
    first.into_iter().chain(second).collect()
}

fn percent(numerator: M, denominator: M) -> Formula {
    Formula::Percent(one(numerator), one(denominator))
}

fn hours(sum: M, count: M) -> Formula {
    Formula::Mean { sum: one(sum), count: one(count), divisor: 60 }
}

const fn stock(name: &'static str, label: &'static str) -> Formula {
    Formula::Metric(MetricRule::Stock { name, label, apart: "" })
}

/// A bucket of ended dossiers with the statuses that are configured to count there.
fn bucket(measure: M, bucket: Bucket, variant: Variant<'_>) -> Terms {
    let Some(buckets) = variant.buckets else { return one(measure) };
    let ends = [
        (buckets.withdrawn, M::EndedWithdrawn),
        (buckets.refused, M::EndedRefused),
        (buckets.stopped, M::EndedStopped),
    ];
    let more: Vec<M> = ends.iter().filter(|end| end.0 == bucket).map(|end| end.1).collect();
    joined(one(measure), all(&more))
}

/// The formula of an indicator; none for one that nothing feeds.
pub fn formula(id: &str, variant: Variant<'_>) -> Option<Formula> {
    match id.as_bytes().first()? {
        b'A' => dossier(id, variant),
        b'N' => nine(id),
        b'Q' => decision766(id),
        b'B' | b'D' => online(id),
        b'C' => desk(id),
        b'G' | b'H' => city(id),
        _ => None,
    }
}

fn dossier(id: &str, variant: Variant<'_>) -> Option<Formula> {
    use Formula::{Bands, Count, Percent, Quantiles};
    let early = || bucket(M::Early, Bucket::Early, variant);
    let on_day = || bucket(M::OnDay, Bucket::OnDay, variant);
    let late = || bucket(M::Late, Bucket::Late, variant);
    let dossiers = |which| standing(Noun::Dossier, which);
    Some(match id {
        "A01" => Count(one(M::Received)),
        "A02" => Count(carried_over()),
        "A03" => Count(joined(one(M::Received), carried_over())),
        "A04" => Count(one(M::Resolved)),
        "A05" => Count(early()),
        "A06" => Count(on_day()),
        "A07" => Count(late()),
        "A08" => Count(dossiers(Standing::Open)),
        "A09" => Count(open_in_time(Noun::Dossier)),
        "A10" => Count(dossiers(Standing::Overdue)),
        "A11" => Count(bucket(M::NoDue, Bucket::NoDue, variant)),
        "A12" => {
            let good = joined(early(), on_day());
            Percent(good.clone(), joined(good, late()))
        }
        "A13" => on_time_766(),
        "A14" => hours(M::HandlingMin, M::HandlingKnown),
        "A15" => Quantiles(Ranked::Handling, 60),
        "A16" => Formula::Mean {
            sum: one(M::UsedShareE4),
            count: one(M::UsedKnown),
            divisor: 100, // parts in ten thousand in one percent
        },
        "A17" => Count(dossiers(Standing::DueSoon)),
        "A18" => percent(M::Supplemented, M::Received),
        "A19" => percent(M::SupplementedTwice, M::Received),
        "A20" => percent(M::Refused, M::Submitted),
        "A21" => percent(M::Withdrawn, M::Received),
        "A22" if variant.is_running => Percent(
            joined(one(M::LateApology), dossiers(Standing::Apologised)),
            joined(late(), dossiers(Standing::Overdue)),
        ),
        "A22" => Percent(one(M::LateApology), late()),
        "A23" => Formula::Parts(vec![
            ("", hours(M::AcceptanceMin, M::OnlineAccepted)),
            ("in_time", percent(M::AcceptedInTime, M::OnlineAccepted)),
        ]),
        "A24" => percent(M::StepsOnTime, M::Steps),
        "A25" => Bands(Noun::Dossier),
        "A27" => percent(M::BoundaryFree, M::BoundaryKnown),
        _ => return None,
    })
}

/// What waits is judged when it was asked for papers or payment, and is late when asked for papers again.
fn on_time_766() -> Formula {
    let open = standing(Noun::Dossier, Standing::Open);
    let late = vec![(-1, Amount::Standing(Noun::Dossier, Standing::WaitingLate))];
    Formula::Percent(
        joined(one(M::OnTime766), joined(open_in_time(Noun::Dossier), late)),
        joined(one(M::OnTime766Known), open),
    )
}

fn nine(id: &str) -> Option<Formula> {
    Some(Formula::Nine(match id {
        "N10" => Nine::Total,
        "N11" => Nine::Class,
        "N12" => Nine::Forms,
        "N13" => Nine::Satisfaction,
        "N14" => Nine::SelfMinusAppraised,
        "N15" => Nine::Sufficiency,
        _ => Nine::Score((1..=9).find(|n| id == format!("N{n}"))?),
    }))
}

fn decision766(id: &str) -> Option<Formula> {
    Some(match id {
        "Q1.1" => Formula::Supply(Supply::AnnouncedInTime),
        "Q1.2" => Formula::Supply(Supply::PublishedInTime),
        "Q1.3" => Formula::Supply(Supply::PublishedInFull),
        "Q2.1" => on_time_766(),
        "Q2.2" => hours(M::ReceivedHandlingMin, M::ReceivedHandlingKnown),
        "Q3.1" => Formula::Supply(Supply::OfferedOnline),
        "Q3.2" => Formula::Supply(Supply::ServicesInUse),
        "Q3.3" => percent(M::OnlineResult, M::Received),
        "Q3.4" => percent(M::FullOnline, M::FullEligible),
        "Q4.1" => percent(M::ResultRequiredLink, M::ResultRequired),
        "Q4.2" => percent(M::ComponentFileResult, M::Received),
        "Q4.3" => percent(M::Reused, M::Received),
        "Q4.4" => percent(M::NationalStore, M::Received),
        "Q4.5a" => Formula::Supply(Supply::PopulationData),
        "Q4.5b" => percent(M::Vneid, M::Received),
        "Q5.1" => Formula::Keys {
            measure: M::PetitionReceived,
            by: Dimension::Category,
            main: None,
            share: false,
        },
        "Q5.2" => petitions_on_time(),
        "Q5.3" => satisfied(Noun::Petition, M::PetitionReceived, M::PetitionDissatisfied),
        "Q5.4" => satisfied(Noun::Dossier, M::Received, M::Dissatisfied),
        "Q6.1" => Formula::Supply(Supply::FeeData),
        "Q6.2" => Formula::Supply(Supply::FeePaidOnline),
        "Q6.3" => percent(M::PaidOnline, M::FeeDossier),
        "Q7" => Formula::Decision(Decision::Own),
        "Q8" => Formula::Decision(Decision::Official),
        "Q9" => Formula::Decision(Decision::Difference),
        "Q10" => Formula::Decision(Decision::Class),
        "Q11" => Formula::Decision(Decision::Losses),
        _ => return None,
    })
}

/// What was received without what there is to complain of. What is overdue counts as long as it is open by
/// the open records, afterwards by the measure.
fn satisfied(noun: Noun, received: M, dissatisfied: M) -> Formula {
    let overdue = (-1, Amount::Standing(noun, Standing::Dissatisfied));
    let satisfied = vec![(1, within(received)), (-1, within(dissatisfied)), overdue];
    Formula::Percent(satisfied, one(received))
}

/// Petitions handled in time and open in time, and all that were handled or are open.
pub fn petitions_in_time() -> [Terms; 2] {
    let judged = all(&[M::PetitionOnTime, M::PetitionLate]);
    [
        joined(one(M::PetitionOnTime), open_in_time(Noun::Petition)),
        joined(judged, standing(Noun::Petition, Standing::Open)),
    ]
}

fn petitions_on_time() -> Formula {
    let [in_time, all] = petitions_in_time();
    Formula::Percent(in_time, all)
}

fn online(id: &str) -> Option<Formula> {
    Some(match id {
        "B01" => Formula::Supply(Supply::Online),
        "B02" => Formula::Supply(Supply::ByLevel),
        "B03" => Formula::Supply(Supply::FullOfEligible),
        "B04" => Formula::Supply(Supply::ServicesLinked),
        "B05" => Formula::Supply(Supply::FeeLinked),
        "B06" => Formula::Keys {
            measure: M::Received,
            by: Dimension::Channel,
            main: Some("online"),
            share: true,
        },
        "B07" => percent(M::FullOnline, M::FullEligible),
        "B08" => Formula::Supply(Supply::ServicesInUse),
        "B09" => percent(M::PaidOnline, M::FeeDossier),
        "B10" => stock("npsp_staff_accounts", ""),
        "B11" => stock("npsp_dossiers", "service"),
        "D01" => Formula::ToDigitise,
        "D02" => Formula::Count(one(M::DocumentSigned)),
        "D03" => Formula::DigitisedShare,
        "D04" => stock("result_types", ""),
        "D05" => Formula::DigitiseRate,
        "D06" => decision766("Q4.2")?,
        "D07" => decision766("Q4.1")?,
        "D08" => decision766("Q4.3")?,
        "D09" => Formula::Count(one(M::DocumentDefect)),
        _ => return None,
    })
}

fn desk(id: &str) -> Option<Formula> {
    use Formula::{Count, Parts, Percent, Quantiles};
    let overdue = || standing(Noun::Ticket, Standing::Overdue);
    Some(match id {
        "C01" => Parts(vec![
            ("", Count(one(M::TicketReceived))),
            ("duplicate", Count(one(M::TicketDuplicate))),
        ]),
        "C02" => Count(one(M::TicketHandled)),
        "C03" | "C12" => Count(standing(Noun::Ticket, Standing::Open)),
        "C04" => Count(joined(one(M::TicketLate), overdue())),
        "C05" => percent(M::TicketHandled, M::TicketReceived),
        "C06" => {
            Percent(one(M::TicketOnTime), joined(all(&[M::TicketOnTime, M::TicketLate]), overdue()))
        }
        "C07" => Formula::Keys {
            measure: M::TicketReceived,
            by: Dimension::Channel,
            main: None,
            share: false,
        },
        "C08" => Quantiles(Ranked::TicketResponse, 1),
        "C09" => Formula::Mean {
            sum: one(M::TicketDispatchMin),
            count: one(M::TicketAssigned),
            divisor: 1,
        },
        "C10" => Quantiles(Ranked::TicketResolve, 60),
        "C11" => percent(M::TicketTargetsMet, M::TicketFellDue),
        "C13" => Formula::Ages,
        "C14" => percent(M::TicketReopened, M::TicketHandled),
        "C15" => percent(M::TicketMisrouted, M::TicketReceived),
        "C16" => Parts(vec![
            ("", percent(M::TicketSatisfied, M::TicketRated)),
            ("response_rate", percent(M::TicketRated, M::TicketHandled)),
        ]),
        "C17" => Parts(vec![
            ("", percent(M::CallAbandoned, M::CallOffered)),
            ("short", percent(M::CallAbandonedShort, M::CallOffered)),
        ]),
        "C18" => Parts(vec![
            ("", percent(M::CallAnsweredSoon, M::CallOffered)),
            (
                "mean_wait_s",
                Formula::Mean { sum: one(M::CallWaitS), count: one(M::CallWaitKnown), divisor: 1 },
            ),
        ]),
        "C19" => percent(M::TicketAtDesk, M::TicketAtDeskKnown),
        "C20" => percent(M::TicketRejected, M::TicketReceived),
        "C21" => percent(M::TicketMerged, M::TicketReceived),
        "C22" => Formula::HotSpots,
        "C23" => petitions_on_time(),
        "C24" => percent(M::PetitionPublishedInTime, M::PetitionPublishedKnown),
        _ => return None,
    })
}

fn city(id: &str) -> Option<Formula> {
    Some(match id {
        "G01" => Formula::Metric(MetricRule::Total {
            total: "meetings_online_total",
            daily: "meetings_online",
            label: "level",
        }),
        "G06" => Formula::Metric(MetricRule::Stock {
            name: "onestop_units",
            label: "level",
            apart: "sector",
        }),
        "G07" => stock("sector_formalities", "sector"),
        "G08" => stock("reform_initiatives", ""),
        "H01" => Formula::Hub(Hub::Freshness),
        "H02" => Formula::Hub(Hub::Lag),
        "H03" => Formula::Hub(Hub::Units),
        "H04" => Formula::Hub(Hub::Rejected),
        "H05" => Formula::Hub(Hub::Identities),
        "H06" => Formula::Hub(Hub::Corrected),
        "H07" => Formula::Hub(Hub::Unmapped),
        "H08" => Formula::Decision(Decision::RelativeDifference),
        "H09" => Formula::Hub(Hub::CalendarGap),
        _ => return None,
    })
}

impl Formula {
    /// Everything that it adds up, to be read before it is computed.
    pub fn amounts(&self) -> Vec<Amount> {
        let of = |terms: &Terms| terms.iter().map(|term| term.1).collect::<Vec<_>>();
        match self {
            Self::Count(terms) => of(terms),
            Self::Percent(numerator, denominator) => [of(numerator), of(denominator)].concat(),
            Self::Mean { sum, count, .. } => [of(sum), of(count)].concat(),
            Self::Keys { measure, .. } => vec![within(*measure)],
            Self::Bands(noun) => vec![Amount::Standing(*noun, Standing::Open)],
            Self::Ages | Self::HotSpots => vec![within(M::TicketReceived)],
            Self::Quantiles(ranked, _) => vec![within(match ranked {
                Ranked::Handling => M::Resolved,
                Ranked::TicketResponse => M::TicketReceived,
                Ranked::TicketResolve => M::TicketHandled,
            })],
            Self::Parts(parts) => parts.iter().flat_map(|part| part.1.amounts()).collect(),
            Self::ToDigitise | Self::DigitisedShare | Self::DigitiseRate => [
                (Window::SincePrinted, M::DocumentReviewed),
                (Window::SincePrinted, M::DocumentWithdrawn),
                (Window::SincePrinted, M::DocumentSigned),
                (Window::SincePrinted, M::DocumentSignedWithdrawn),
                (Window::Recent, M::DocumentSigned),
            ]
            .map(|(window, measure)| Amount::Sum(window, measure))
            .to_vec(),
            Self::Supply(_) | Self::Hub(Hub::Units | Hub::Unmapped) => vec![within(M::Received)],
            Self::Nine(_) => {
                let petitions = petitions_in_time();
                let petitions = petitions.iter().flat_map(of);
                PROPOSING.into_iter().map(within).chain(petitions).collect()
            }
            Self::Metric(_) | Self::Decision(_) | Self::Hub(_) => Vec::new(),
        }
    }

    /// The noun whose records it is about; none for what comes from elsewhere.
    pub fn noun(&self) -> Option<Noun> {
        match self {
            Self::Supply(_)
            | Self::Nine(_)
            | Self::Decision(_)
            | Self::Metric(_)
            | Self::Hub(_) => None,
            _ => self.amounts().first().map(|amount| match amount {
                Amount::Sum(_, measure) => measure.noun(),
                Amount::Standing(noun, _) => *noun,
            }),
        }
    }
}

/// Measures from which scores of the nine indicators are proposed, those of petitions apart.
const PROPOSING: [M; 9] = [
    M::Received,
    M::Early,
    M::OnDay,
    M::Late,
    M::Steps,
    M::StepsOnTime,
    M::Supplemented,
    M::SupplementedTwice,
    M::Online,
];

/// How much a figure depends on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    /// Not at all.
    None,
    /// Due times that were not told follow from it.
    Due,
    /// Working time is counted by it.
    Time,
}

impl Formula {
    /// How much it depends on the calendar.
    pub fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::Quantiles(..) | Self::Bands(_) | Self::Ages | Self::DigitiseRate => {
                Sensitivity::Time
            }
            Self::Supply(Supply::AnnouncedInTime | Supply::PublishedInTime)
            | Self::Nine(Nine::Score(1 | 8) | Nine::Total | Nine::Class)
            | Self::Decision(Decision::Own | Decision::Difference | Decision::Class) => {
                Sensitivity::Due
            }
            _ => self.amounts().into_iter().map(of_amount).max().unwrap_or(Sensitivity::None),
        }
    }
}

fn of_amount(amount: Amount) -> Sensitivity {
    match amount {
        Amount::Standing(_, Standing::Open) => Sensitivity::None,
        Amount::Standing(_, Standing::Band(_) | Standing::DueSoon) => Sensitivity::Time,
        Amount::Standing(..) => Sensitivity::Due,
        Amount::Sum(_, measure) => match measure {
            M::HandlingMin
            | M::ReceivedHandlingMin
            | M::UsedShareE4
            | M::AcceptanceMin
            | M::AcceptedInTime
            | M::TicketResponseMin
            | M::TicketResolveMin => Sensitivity::Time,
            M::Early
            | M::OnDay
            | M::Late
            | M::NoDue
            | M::OnTime766
            | M::OnTime766Known
            | M::OverdueBegan
            | M::OverdueEnded
            | M::LateApology
            | M::Dissatisfied
            | M::TicketOnTime
            | M::TicketLate
            | M::TicketFellDue
            | M::TicketDueMet
            | M::TicketTargetsMet
            | M::PetitionOnTime
            | M::PetitionLate
            | M::PetitionOverdueBegan
            | M::PetitionOverdueEnded
            | M::PetitionDissatisfied
            | M::PetitionPublishedInTime => Sensitivity::Due,
            _ => Sensitivity::None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::{catalogue::Catalogue, law::Parameters};

    #[test]
    fn every_indicator_has_a_formula_or_tells_why_nothing_feeds_it() {
        let parameters = Parameters::configured("").unwrap();
        for indicator in Catalogue::configured("").unwrap().iter() {
            for is_running in [false, true] {
                let variant =
                    Variant { buckets: parameters.buckets(indicator.valid_from), is_running };
                let found = formula(&indicator.id, variant).is_some();
                assert_eq!(found, indicator.feed.is_some(), "{}", indicator.id);
            }
        }
    }

    #[test]
    fn every_formula_belongs_to_an_indicator() {
        let catalogue = Catalogue::configured("").unwrap();
        let variant = Variant { buckets: None, is_running: true };
        let written = (1..=99).flat_map(|n| {
            "ANBDCGHQ".chars().flat_map(move |group| {
                let parts = (1..=9).map(move |part| format!("{group}{n}.{part}"));
                parts.chain([format!("{group}{n:02}"), format!("{group}{n}")])
            })
        });
        for id in written.filter(|id| formula(id, variant).is_some()) {
            assert!(catalogue.get(&id).is_some(), "{id}");
        }
    }

    #[test]
    fn status_8_counts_where_the_configuration_says() {
        let parameters = Parameters::configured("").unwrap();
        let mut buckets = parameters.buckets("2024-01-01".parse().unwrap()).unwrap().clone();
        let stopped = (1, within(M::EndedStopped));
        for (bucket, id) in [(Bucket::OnDay, "A06"), (Bucket::Late, "A07"), (Bucket::NoDue, "A11")]
        {
            buckets.stopped = bucket;
            let variant = Variant { buckets: Some(&buckets), is_running: false };
            for other in ["A05", "A06", "A07", "A11"] {
                let Some(Formula::Count(terms)) = formula(other, variant) else {
                    panic!("{other}")
                };
                assert_eq!(terms.contains(&stopped), other == id, "{other} {bucket:?}");
            }
        }
    }

    #[test]
    fn ended_dossiers_fall_in_exactly_one_bucket() {
        let parameters = Parameters::configured("").unwrap();
        let buckets = parameters.buckets("2024-01-01".parse().unwrap());
        let variant = Variant { buckets, is_running: false };
        let mut counted: Vec<Amount> = ["A05", "A06", "A07", "A11"]
            .iter()
            .flat_map(|id| formula(id, variant).unwrap().amounts())
            .collect();
        counted.sort();
        let mut ends = [
            M::Early,
            M::OnDay,
            M::Late,
            M::NoDue,
            M::EndedWithdrawn,
            M::EndedRefused,
            M::EndedStopped,
        ]
        .map(within);
        ends.sort();
        assert_eq!(counted, ends);
    }
}
