//! Measures: what can be counted or added up over records of one noun in a span of civil days.
//!
//! Here stand their names and meanings; `store::measure` holds the one SQL definition of each (day column,
//! predicate, amount), from which its sums, the cube and the list of records behind it are made. A measure
//! belongs to the civil day named in its group. Values are integers: counts, working minutes, or parts in
//! ten thousand; where a value may be unknown, a second measure counts those that are known.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Bands of the age of open records, in working days: 0–2, 3–5, 6–10, 11–20, above.
pub const AGE_BANDS: usize = 5;

/// What a measure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    /// Dossiers of administrative procedures.
    Dossier,
    /// Tickets of the service desk.
    Ticket,
    /// Calls at the switchboard.
    Call,
    /// Petitions about procedures.
    Petition,
    /// Result documents to be digitised.
    Document,
    /// Forms that assess a unit.
    Assessment,
}

impl Noun {
    /// Every noun.
    pub const ALL: [Self; 6] =
        [Self::Dossier, Self::Ticket, Self::Call, Self::Petition, Self::Document, Self::Assessment];
}

macro_rules! measures {
    ($($noun:ident { $($(#[$doc:meta])+ $variant:ident = $word:literal,)+ })+) => {
        /// A measure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Measure {
            $($($(#[$doc])+ $variant,)+)+
        }

        impl Measure {
            /// Every measure, by noun.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// What it counts.
            pub const fn noun(self) -> Noun {
                match self {
                    $($(Self::$variant => Noun::$noun,)+)+
                }
            }

            /// Its word, unique among all measures; of a dossier's measure also its column in the cube.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$variant => $word,)+)+
                }
            }
        }
    };
}

measures! {
    Dossier {
        /// By day of submission: handed in.
        Submitted = "submitted",
        /// Those of them handed in online.
        SubmittedOnline = "submitted_online",
        /// By day of refusal: not accepted.
        Refused = "refused",
        /// By day of acceptance: accepted. Those of them that follow have the same base.
        Received = "received",
        /// Applicant is a person.
        ReceivedPerson = "received_person",
        /// Applicant is a company.
        ReceivedBusiness = "received_business",
        /// Applicant is another organisation.
        ReceivedOrganisation = "received_organisation",
        /// A supplement was asked for.
        Supplemented = "supplemented",
        /// A supplement was asked for more than once.
        SupplementedTwice = "supplemented_twice",
        /// Withdrawn by the applicant.
        Withdrawn = "withdrawn",
        /// With electronic files of components.
        ComponentFile = "component_file",
        /// With electronic files of components and an electronic result.
        ComponentFileResult = "component_file_result",
        /// Components were digitised.
        Digitised = "digitised",
        /// A component was reused from digitised data.
        Reused = "reused",
        /// A component came from the national personal store.
        NationalStore = "national_store",
        /// Applicant authenticated by `VNeID`.
        Vneid = "vneid",
        /// Received outside the handling unit's area.
        BoundaryFree = "boundary_free",
        /// Known whether it was received outside the handling unit's area.
        BoundaryKnown = "boundary_known",
        /// Formality has a fee.
        FeeFormality = "fee_formality",
        /// At least one fee was told, waived ones included.
        FeeKnown = "fee_known",
        /// Formality has a fee (where the catalogue is silent: one was told), and the fees that were told
        /// are not all zero: base of online payment.
        FeeDossier = "fee_dossier",
        /// Of the base of online payment: paid through a portal.
        PaidOnline = "paid_online",
        /// With an electronic result.
        ResultLink = "result_link",
        /// Overdue, disliked or complained of, each dossier once. Overdue is judged when it ended; open
        /// ones past their due time come from [`OpenSums::dissatisfied`].
        Dissatisfied = "dissatisfied",
        /// A citizen's form about it has a mean below one point.
        Disliked = "disliked",
        /// A petition complains of it.
        Petitioned = "petitioned",
        /// Handed in online.
        Online = "online",
        /// Handed in online, and with an electronic result where the formality requires one on paper.
        OnlineResult = "online_result",
        /// Handed in online, and working time until acceptance is known.
        OnlineAccepted = "online_accepted",
        /// Working minutes from submission to acceptance of those.
        AcceptanceMin = "acceptance_min",
        /// Those of them accepted within the limit of their day.
        AcceptedInTime = "accepted_in_time",
        /// The formality was eligible to be offered in full that day.
        FullEligible = "full_eligible",
        /// Those of them handed in online of a formality that was offered in full that day.
        FullOnline = "full_online",
        /// The formality requires a paper result: base of electronic results.
        ResultRequired = "result_required",
        /// Those of them with an electronic result.
        ResultRequiredLink = "result_required_link",
        /// Ended with a result, status 9 or 10: working minutes of handling without pauses.
        ReceivedHandlingMin = "received_handling_min",
        /// Those whose handling time is known.
        ReceivedHandlingKnown = "received_handling_known",
        /// By day of end: ended after acceptance. Those of them that follow have the same base.
        Resolved = "resolved",
        /// Ended on a day before the due day.
        Early = "early",
        /// Ended on the due day.
        OnDay = "on_day",
        /// Ended after the due time.
        Late = "late",
        /// Ended without any due time.
        NoDue = "no_due",
        /// Ended by withdrawal; which bucket it counts in is configuration.
        EndedWithdrawn = "ended_withdrawn",
        /// Ended by refusal.
        EndedRefused = "ended_refused",
        /// Ended by a stop.
        EndedStopped = "ended_stopped",
        /// In time by the rule of Decision 766.
        OnTime766 = "on_time_766",
        /// Known whether in time by that rule.
        OnTime766Known = "on_time_766_known",
        /// Working minutes of handling without pauses.
        HandlingMin = "handling_min",
        /// Handling time is known.
        HandlingKnown = "handling_known",
        /// Share of the limit that was used, in parts in ten thousand, added up.
        UsedShareE4 = "used_share_e4",
        /// Share of the limit is known.
        UsedKnown = "used_known",
        /// Ended late, and an apology was sent before the due time.
        LateApology = "late_apology",
        /// Steps of the internal process whose limit is known.
        Steps = "steps",
        /// Those of them within their limit.
        StepsOnTime = "steps_on_time",
        /// Dossiers with such steps.
        Stepped = "stepped",
        /// Those of them with every step within its limit.
        SteppedOnTime = "stepped_on_time",
        /// A supplement was asked for exactly once.
        EndedSupplementedOnce = "ended_supplemented_once",
        /// A supplement was asked for more than once.
        EndedSupplementedTwice = "ended_supplemented_twice",
        /// With an electronic result.
        EndedResultLink = "ended_result_link",
        /// Was past its due time when it ended.
        OverdueEnded = "overdue_ended",
        /// By day of the due time: went past it; of open ones also in future, if they stay open.
        OverdueBegan = "overdue_began",
    }
    Ticket {
        /// By day of creation: created, duplicates included. Those that follow have the same base.
        TicketReceived = "ticket_received",
        /// Stands as a duplicate.
        TicketDuplicate = "ticket_duplicate",
        /// Duplicates, also those that stand otherwise but name the ticket that they repeat.
        TicketMerged = "ticket_merged",
        /// Stands rejected.
        TicketRejected = "ticket_rejected",
        /// Stands transferred to another agency's own system.
        TicketTransferred = "ticket_transferred",
        /// Was given to more than one unit.
        TicketMisrouted = "ticket_misrouted",
        /// Answered at the desk in the first contact.
        TicketAtDesk = "ticket_at_desk",
        /// Known whether answered at the desk.
        TicketAtDeskKnown = "ticket_at_desk_known",
        /// Was given to a unit.
        TicketAssigned = "ticket_assigned",
        /// Minutes from creation until it was given to a unit.
        TicketDispatchMin = "ticket_dispatch_min",
        /// First reply is known.
        TicketResponded = "ticket_responded",
        /// Working minutes from creation to the first reply.
        TicketResponseMin = "ticket_response_min",
        /// By day of handling: stands resolved, published or closed. Those that follow have the same base.
        TicketHandled = "ticket_handled",
        /// Handled in time.
        TicketOnTime = "ticket_on_time",
        /// Handled after its due time.
        TicketLate = "ticket_late",
        /// Was opened again at least once.
        TicketReopened = "ticket_reopened",
        /// Time of handling is known.
        TicketResolveKnown = "ticket_resolve_known",
        /// Working minutes from creation until handled, without waiting.
        TicketResolveMin = "ticket_resolve_min",
        /// Rated by the citizen.
        TicketRated = "ticket_rated",
        /// Rated 4 or 5.
        TicketSatisfied = "ticket_satisfied",
        /// By day of the step: left by rejection.
        TicketLeftRejected = "ticket_left_rejected",
        /// Left as a duplicate.
        TicketLeftDuplicate = "ticket_left_duplicate",
        /// Left to another agency's own system.
        TicketLeftTransferred = "ticket_left_transferred",
        /// By day of the due time: fell due, side exits apart.
        TicketFellDue = "ticket_fell_due",
        /// Those of them that were handled in time.
        TicketDueMet = "ticket_due_met",
        /// Those of them that met every service level.
        TicketTargetsMet = "ticket_targets_met",
    }
    Call {
        /// By day of its begin: incoming. Those that follow have the same base.
        CallOffered = "call_offered",
        /// Answered.
        CallAnswered = "call_answered",
        /// Given up.
        CallAbandoned = "call_abandoned",
        /// Given up so early that it may be a misdial.
        CallAbandonedShort = "call_abandoned_short",
        /// Answered within the service level.
        CallAnsweredSoon = "call_answered_soon",
        /// Answered, and its wait is known.
        CallWaitKnown = "call_wait_known",
        /// Seconds of waiting of those.
        CallWaitS = "call_wait_s",
    }
    Petition {
        /// By day of receipt: received. Those that follow have the same base.
        PetitionReceived = "petition_received",
        /// The petitioner is dissatisfied, or it was handled late. Open ones past their due time come from
        /// [`OpenSums::dissatisfied`].
        PetitionDissatisfied = "petition_dissatisfied",
        /// Names a dossier.
        PetitionOfDossier = "petition_of_dossier",
        /// By day of end: answered, published or refused. Those that follow have the same base.
        PetitionHandled = "petition_handled",
        /// In time.
        PetitionOnTime = "petition_on_time",
        /// Late.
        PetitionLate = "petition_late",
        /// Stands refused.
        PetitionRefused = "petition_refused",
        /// Known whether the petitioner is satisfied.
        PetitionRated = "petition_rated",
        /// Satisfied.
        PetitionSatisfied = "petition_satisfied",
        /// Was past its limit when it ended.
        PetitionOverdueEnded = "petition_overdue_ended",
        /// By first day past the limit: went past it; of open ones also in future, if they stay open.
        PetitionOverdueBegan = "petition_overdue_began",
        /// By day of publication: answer published. Those that follow have the same base.
        PetitionPublished = "petition_published",
        /// Known whether in time.
        PetitionPublishedKnown = "petition_published_known",
        /// In time: within two working days after the answer.
        PetitionPublishedInTime = "petition_published_in_time",
    }
    Document {
        /// By day of the review: found valid and to be digitised.
        DocumentReviewed = "document_reviewed",
        /// Without holder or type of result.
        DocumentDefect = "document_defect",
        /// By day of digitising: digitised, signed or not.
        DocumentDigitised = "document_digitised",
        /// By day of signing: the electronic copy is signed and stored.
        DocumentSigned = "document_signed",
        /// By day of withdrawal: reviewed and no longer valid.
        DocumentWithdrawn = "document_withdrawn",
        /// Those of them whose electronic copy was signed.
        DocumentSignedWithdrawn = "document_signed_withdrawn",
    }
    Assessment {
        /// By first day of its quarter: forms. Those that follow have the same base.
        Forms = "forms",
        /// Thousandths of points for N1.
        N1E3 = "n1_e3",
        /// Forms that score N1.
        N1Known = "n1_known",
        /// Thousandths of points for N2.
        N2E3 = "n2_e3",
        /// Forms that score N2.
        N2Known = "n2_known",
        /// Thousandths of points for N3.
        N3E3 = "n3_e3",
        /// Forms that score N3.
        N3Known = "n3_known",
        /// Thousandths of points for N4.
        N4E3 = "n4_e3",
        /// Forms that score N4.
        N4Known = "n4_known",
        /// Thousandths of points for N5.
        N5E3 = "n5_e3",
        /// Forms that score N5.
        N5Known = "n5_known",
        /// Thousandths of points for N6.
        N6E3 = "n6_e3",
        /// Forms that score N6.
        N6Known = "n6_known",
        /// Thousandths of points for N7.
        N7E3 = "n7_e3",
        /// Forms that score N7.
        N7Known = "n7_known",
        /// Thousandths of points for N8.
        N8E3 = "n8_e3",
        /// Forms that score N8.
        N8Known = "n8_known",
        /// Thousandths of points for N9.
        N9E3 = "n9_e3",
        /// Forms that score N9.
        N9Known = "n9_known",
    }
}

impl Measure {
    /// The measure with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.as_str() == word)
    }

    /// The measures of a noun.
    pub fn of(noun: Noun) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |measure| measure.noun() == noun)
    }
}

/// Civil days of the city: `from` is in it, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First day.
    pub from: NaiveDate,
    /// First day after.
    pub to: NaiveDate,
}

impl Span {
    /// First day that any record may lie on: what is cumulative begins here.
    pub const BEGIN: NaiveDate = match NaiveDate::from_ymd_opt(1990, 1, 1) {
        Some(day) => day,
        None => NaiveDate::MIN,
    };

    /// Everything before a day.
    pub const fn until(to: NaiveDate) -> Self {
        Self { from: Self::BEGIN, to }
    }
}

/// Which records count; what is null does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// Only these units; an empty list is no unit.
    pub units: Option<Vec<String>>,
    /// Only this formality. Of dossiers.
    pub formality: Option<String>,
    /// Only this field. Of dossiers.
    pub field: Option<String>,
    /// Only this channel: of dossiers, tickets and assessments.
    pub channel: Option<String>,
    /// Only this category of tickets, class of petitions, type of documents, or assessor of forms.
    pub category: Option<String>,
}

/// Second key beside the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Channel: of dossiers, tickets and assessments.
    Channel,
    /// Field: of dossiers.
    Field,
    /// Formality: of dossiers.
    Formality,
    /// Category of tickets, class of petitions, type of documents, assessor of forms.
    Category,
    /// Kind: of tickets and petitions.
    Kind,
    /// Civil month, `2026-11`.
    Month,
    /// Civil day, `2026-11-20`.
    Day,
}

/// How answers are keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    /// One answer per unit; otherwise all units of the slice together, and `unit` is empty.
    pub unit: bool,
    /// Second key; without it `key` is empty.
    pub dimension: Option<Dimension>,
}

impl By {
    /// All units together.
    pub const TOTAL: Self = Self { unit: false, dimension: None };
    /// Per unit.
    pub const UNIT: Self = Self { unit: true, dimension: None };
}

/// Sums of measures, in the order in which they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Unit code; empty when unknown, or when all units are together.
    pub unit: String,
    /// Second key; empty when unknown, or without one.
    pub key: String,
    /// Values.
    pub values: Vec<i64>,
}

/// Borders for what is open at an instant, which the calendar gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBorders {
    /// The instant.
    pub now: DateTime<Utc>,
    /// Due until then is due soon: one working day later by default.
    pub soon: DateTime<Utc>,
    /// First days of receipt of the first four age bands, latest first: received on or after `[0]` is
    /// 0–2 working days old, before `[3]` more than 20.
    pub bands: [NaiveDate; AGE_BANDS - 1],
    /// The days of the figure: of those received in it, the overdue ones are dissatisfied.
    pub span: Span,
    /// Its end, or now: what waits since before then waited there.
    pub end: DateTime<Utc>,
}

/// What is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenSums {
    /// Unit code; empty when unknown, or when all units are together.
    pub unit: String,
    /// Second key; empty when unknown, or without one.
    pub key: String,
    /// Open.
    pub open: i64,
    /// Open past the due time, pauses apart.
    pub overdue: i64,
    /// Open and due soon, not yet overdue.
    pub due_soon: i64,
    /// Open without a due time.
    pub no_due: i64,
    /// Open while the clock is paused.
    pub paused: i64,
    /// Of dossiers: overdue with an apology sent before the due time.
    pub overdue_apology: i64,
    /// Received in the span and overdue, and not yet in [`Measure::Dissatisfied`] or
    /// [`Measure::PetitionDissatisfied`].
    pub dissatisfied: i64,
    /// Of dossiers: waiting since before the end, and not in time by the rule of Decision 766: papers or
    /// payment were asked for too late, or papers more than once.
    pub waiting_late: i64,
    /// By age in working days.
    pub bands: [i64; AGE_BANDS],
}

/// Part of what is open, to list its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenPart {
    /// All of it.
    Open,
    /// Not past the due time, or without one, or paused.
    InTime,
    /// The same without those that wait and are not in time by the rule of Decision 766.
    InTime766,
    /// Past the due time.
    Overdue,
    /// Due soon.
    DueSoon,
    /// One band of age, 0..=4.
    Band(u8),
}

/// Values that are ranked: their quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranked {
    /// Working minutes of handling of dossiers, by day of end.
    Handling,
    /// Working minutes to the first reply to tickets, by day of creation.
    TicketResponse,
    /// Working minutes of handling of tickets, by day of handling.
    TicketResolve,
}

/// How often values fell in buckets, ascending. A bucket is named by its least value; it holds one value
/// below 64 and is at most 3.1 % wide above. Histograms are added to one another by bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Unit code; empty when unknown, or when all units are together.
    pub unit: String,
    /// Second key; empty when unknown, or without one.
    pub key: String,
    /// Least value of the bucket in minutes, and how many values it holds.
    pub counts: Vec<(i32, i64)>,
}

/// Adds a histogram's counts to another's.
pub fn add_counts(counts: &mut Vec<(i32, i64)>, more: &[(i32, i64)]) {
    let mut sums: BTreeMap<i32, i64> = counts.drain(..).collect();
    for &(bucket, count) in more {
        *sums.entry(bucket).or_default() += count;
    }
    counts.extend(sums);
}

/// The value that `share_pct` percent of the values do not exceed, by nearest rank: the middle of its
/// bucket. Null without values.
pub fn quantile(counts: &[(i32, i64)], share_pct: i64) -> Option<i64> {
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let rank = (total * share_pct + 99) / 100;
    let mut seen = 0;
    counts.iter().find_map(|&(bucket, count)| {
        seen += count;
        (seen >= rank.max(1)).then(|| i64::from(bucket) + bucket_width(bucket) / 2)
    })
}

/// How many values a bucket holds: it keeps the six leading bits.
fn bucket_width(bucket: i32) -> i64 {
    let bits = i32::BITS - bucket.leading_zeros();
    1 << bits.saturating_sub(6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_unique_and_parse_back() {
        let words: BTreeSet<&str> = Measure::ALL.iter().map(|measure| measure.as_str()).collect();
        assert_eq!(words.len(), Measure::ALL.len());
        for &measure in Measure::ALL {
            assert_eq!(Measure::parse(measure.as_str()), Some(measure));
        }
    }

    #[test]
    fn every_noun_has_measures_and_they_stand_together() {
        let mut nouns: Vec<Noun> = Measure::ALL.iter().map(|measure| measure.noun()).collect();
        nouns.dedup();
        assert_eq!(nouns, Noun::ALL);
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let counts: Vec<(i32, i64)> = (1..=60).map(|value| (value, 1)).collect();
        assert_eq!(quantile(&counts, 50), Some(30));
        assert_eq!(quantile(&counts, 90), Some(54));
        assert_eq!(quantile(&counts, 100), Some(60));
        assert_eq!(quantile(&[(7, 3)], 50), Some(7));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn wide_buckets_answer_with_their_middle() {
        assert_eq!(quantile(&[(63, 1)], 50), Some(63));
        assert_eq!(quantile(&[(64, 1)], 50), Some(65));
        assert_eq!(quantile(&[(4_736, 1)], 50), Some(4_800));
    }

    #[test]
    fn histograms_add_up_in_any_order() {
        let (left, right) = (vec![(1, 2), (5, 1)], vec![(3, 4), (5, 2)]);
        let sum = |first: &[(i32, i64)], second: &[(i32, i64)]| {
            let mut counts = first.to_vec();
            add_counts(&mut counts, second);
            counts
        };
        assert_eq!(sum(&left, &right), [(1, 2), (3, 4), (5, 3)]);
        assert_eq!(sum(&right, &left), sum(&left, &right));
    }
}
