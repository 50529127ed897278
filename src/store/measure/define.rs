//! The one definition of each measure: the day it belongs to, which records it counts, and how much.
//!
//! Sums, the cube and the lists of records are all generated from here. `d` is the record, `f` the entry
//! of the formality catalogue that was valid on the day of acceptance (dossiers only). A predicate that
//! is null does not count.

use std::borrow::Cow;

use crate::indicator::{
    measure::{Dimension, Measure, Noun, Ranked},
    supply::{SCOPES_FROM, online_words},
};

/// What puts a record into a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Day {
    /// Of dossiers.
    Submitted,
    Refused,
    Received,
    Ended,
    Overdue,
    /// Of tickets.
    Created,
    Handled,
    Left,
    Due,
    /// Of calls.
    Offered,
    /// Of petitions.
    PetitionReceived,
    PetitionEnded,
    PetitionOverdue,
    Published,
    /// Of documents.
    Reviewed,
    Digitised,
    Signed,
    Invalid,
    /// Of forms: the first day of their quarter.
    Quarter,
}

/// Where a day stands in its record.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Moment {
    /// Column of the civil day.
    pub(in crate::store) day: &'static str,
    /// The instant that it is taken from, which orders lists of records.
    pub(in crate::store) at: &'static str,
    /// Which records have it.
    pub(in crate::store) when: &'static str,
}

impl Day {
    /// The days of dossiers, by which the cube is kept.
    pub(in crate::store) const DOSSIER: [Self; 5] =
        [Self::Submitted, Self::Refused, Self::Received, Self::Ended, Self::Overdue];

    /// Where it stands.
    pub(in crate::store) const fn moment(self) -> Moment {
        let (day, at, when) = match self {
            Self::Submitted => ("d.submitted_day", "d.submitted_at", "true"),
            Self::Refused => ("d.refused_day", "d.refused_at", "true"),
            Self::Received | Self::PetitionReceived => ("d.received_day", "d.received_at", "true"),
            Self::Ended => ("d.ended_day", "d.ended_at", "d.received_day is not null"),
            Self::Overdue => ("d.overdue_day", "d.overdue_at", "d.received_day is not null"),
            Self::Created => ("d.created_day", "d.created_at", "true"),
            Self::Handled => ("d.handled_day", "d.handled_at", "true"),
            Self::Left => ("d.left_day", "d.left_at", "true"),
            Self::Due => ("d.due_day", "d.effective_due", STAYED),
            Self::Offered => ("d.day", "coalesce(d.queued_at, d.time)", "d.direction = 'in'"),
            Self::PetitionEnded => ("d.ended_day", "d.ended_at", "true"),
            Self::PetitionOverdue => ("d.overdue_day", "d.overdue_at", "true"),
            Self::Published => ("d.published_day", "d.published_at", "true"),
            Self::Reviewed => ("d.reviewed_day", "d.reviewed_at", "true"),
            Self::Digitised => ("d.digitised_day", "d.digitised_at", "true"),
            Self::Signed => ("d.signed_day", "d.signed_at", "true"),
            Self::Invalid => ("d.withdrawn_day", "d.withdrawn_at", "d.reviewed_at is not null"),
            Self::Quarter => ("d.quarter", "d.time", "true"),
        };
        Moment { day, at, when }
    }
}

/// Tickets that were not left by a side exit.
const STAYED: &str = "d.status not in ('rejected', 'duplicate', 'transferred')";

/// Definition of one measure.
#[derive(Debug, Clone)]
pub(in crate::store) struct Definition {
    /// Day that it belongs to.
    pub(in crate::store) day: Day,
    /// Which records count.
    pub(in crate::store) when: Cow<'static, str>,
    /// What each adds; null for one.
    pub(in crate::store) amount: Option<&'static str>,
    /// Whether the catalogue is needed.
    pub(in crate::store) catalogue: bool,
}

impl Definition {
    /// The predicate where others stand beside it.
    pub(in crate::store) fn when_bracketed(&self) -> String {
        format!("({})", self.when)
    }
}

/// The definition of a measure.
pub(in crate::store) fn definition(measure: Measure) -> Definition {
    let (day, when, amount) = of(measure);
    Definition { day, catalogue: when.contains("f."), when, amount }
}

/// Dossiers that owe a fee: the formality has one (where the catalogue is silent: one was told), and the
/// fees that were told are not all zero.
const FEE: &str = "coalesce(f.has_fee, d.fee_vnd > 0) and coalesce(d.fee_vnd > 0, true)";

/// Dossiers that ended with a result, and how long that took is known.
const RESULT_HANDLED: &str = "d.handling_min is not null and d.end_status in (9, 10)";

/// Dossiers handed in online of formalities that were eligible to be offered in full and were; which word
/// says so, the day decides.
fn full_online() -> String {
    let [[_, before], [_, since]] =
        [SCOPES_FROM.pred_opt().unwrap_or(SCOPES_FROM), SCOPES_FROM].map(online_words);
    format!(
        "d.channel = 'online' and f.eligible_full and f.online_level = \
         case when d.received_day < '{SCOPES_FROM}' then '{before}' else '{since}' end"
    )
}

#[expect(clippy::too_many_lines, reason = "one list: one measure, one arm")]
fn of(measure: Measure) -> (Day, Cow<'static, str>, Option<&'static str>) {
    let all = "true";
    let (day, when, amount) = match measure {
        Measure::Submitted => (Day::Submitted, all, None),
        Measure::SubmittedOnline => (Day::Submitted, "d.channel = 'online'", None),
        Measure::Refused => (Day::Refused, all, None),
        Measure::Received => (Day::Received, all, None),
        Measure::ReceivedPerson => (Day::Received, "d.applicant = 'person'", None),
        Measure::ReceivedBusiness => (Day::Received, "d.applicant = 'business'", None),
        Measure::ReceivedOrganisation => (Day::Received, "d.applicant = 'organisation'", None),
        Measure::Supplemented => (Day::Received, "d.supplements > 0", None),
        Measure::SupplementedTwice => (Day::Received, "d.supplements > 1", None),
        Measure::Withdrawn => (Day::Received, "d.end_status = 7", None),
        Measure::ComponentFile => (Day::Received, "d.has_component_file", None),
        Measure::ComponentFileResult => {
            (Day::Received, "d.has_component_file and d.result_links > 0", None)
        }
        Measure::Digitised => (Day::Received, "d.digitised", None),
        Measure::Reused => (Day::Received, "d.reused", None),
        Measure::NationalStore => (Day::Received, "d.from_national_store", None),
        Measure::Vneid => (Day::Received, "d.vneid", None),
        Measure::BoundaryFree => (Day::Received, "d.boundary_free", None),
        Measure::BoundaryKnown => (Day::Received, "d.boundary_free is not null", None),
        Measure::FeeFormality => (Day::Received, "f.has_fee", None),
        Measure::FeeKnown => (Day::Received, "d.fee_count > 0", None),
        Measure::FeeDossier => (Day::Received, FEE, None),
        Measure::PaidOnline => {
            return (Day::Received, format!("{FEE} and d.paid_online > 0").into(), None);
        }
        Measure::ResultLink => (Day::Received, "d.result_links > 0", None),
        Measure::Dissatisfied => (
            Day::Received,
            "d.disliked or d.petitions > 0 or (d.ended_day is not null and d.overdue_day is not null)",
            None,
        ),
        Measure::Disliked => (Day::Received, "d.disliked", None),
        Measure::Petitioned => (Day::Received, "d.petitions > 0", None),
        Measure::Online => (Day::Received, "d.channel = 'online'", None),
        Measure::OnlineResult => (
            Day::Received,
            "d.channel = 'online' and (f.requires_paper_result is not true or d.result_links > 0)",
            None,
        ),
        Measure::OnlineAccepted => (Day::Received, "d.acceptance_min is not null", None),
        Measure::AcceptanceMin => {
            (Day::Received, "d.acceptance_min is not null", Some("d.acceptance_min"))
        }
        Measure::AcceptedInTime => (Day::Received, "d.accepted_in_time", None),
        Measure::FullEligible => (Day::Received, "f.eligible_full", None),
        Measure::FullOnline => return (Day::Received, full_online().into(), None),
        Measure::ResultRequired => (Day::Received, "f.requires_paper_result", None),
        Measure::ResultRequiredLink => {
            (Day::Received, "f.requires_paper_result and d.result_links > 0", None)
        }
        Measure::ReceivedHandlingMin => (Day::Received, RESULT_HANDLED, Some("d.handling_min")),
        Measure::ReceivedHandlingKnown => (Day::Received, RESULT_HANDLED, None),
        Measure::Resolved => (Day::Ended, all, None),
        Measure::Early => (Day::Ended, "d.outcome = 'early'", None),
        Measure::OnDay => (Day::Ended, "d.outcome = 'on_day'", None),
        Measure::Late => (Day::Ended, "d.outcome = 'late'", None),
        Measure::NoDue => (Day::Ended, "d.outcome = 'no_due'", None),
        Measure::EndedWithdrawn => (Day::Ended, "d.outcome = 'withdrawn'", None),
        Measure::EndedRefused => (Day::Ended, "d.outcome = 'refused'", None),
        Measure::EndedStopped => (Day::Ended, "d.outcome = 'stopped'", None),
        Measure::OnTime766 => (Day::Ended, "d.on_time", None),
        Measure::OnTime766Known => (Day::Ended, "d.on_time is not null", None),
        Measure::HandlingMin => (Day::Ended, "d.handling_min is not null", Some("d.handling_min")),
        Measure::HandlingKnown => (Day::Ended, "d.handling_min is not null", None),
        Measure::UsedShareE4 => (
            Day::Ended,
            "d.handling_min is not null and d.limit_min > 0",
            Some(
                "(d.handling_min::int8 * 20000 + d.limit_min) / (2 * nullif(d.limit_min, 0)::int8)",
            ),
        ),
        Measure::UsedKnown => (Day::Ended, "d.handling_min is not null and d.limit_min > 0", None),
        Measure::LateApology => {
            (Day::Ended, "d.outcome = 'late' and d.apology_at < d.overdue_at", None)
        }
        Measure::Steps => (Day::Ended, "d.steps_total > 0", Some("d.steps_total")),
        Measure::StepsOnTime => (Day::Ended, "d.steps_on_time > 0", Some("d.steps_on_time")),
        Measure::Stepped => (Day::Ended, "d.steps_total > 0", None),
        Measure::SteppedOnTime => {
            (Day::Ended, "d.steps_total > 0 and d.steps_on_time = d.steps_total", None)
        }
        Measure::EndedSupplementedOnce => (Day::Ended, "d.supplements = 1", None),
        Measure::EndedSupplementedTwice => (Day::Ended, "d.supplements > 1", None),
        Measure::EndedResultLink => (Day::Ended, "d.result_links > 0", None),
        Measure::OverdueEnded => (Day::Ended, "d.overdue_day is not null", None),
        Measure::OverdueBegan => (Day::Overdue, all, None),
        Measure::TicketReceived => (Day::Created, all, None),
        Measure::TicketDuplicate => (Day::Created, "d.status = 'duplicate'", None),
        Measure::TicketMerged => {
            (Day::Created, "d.status = 'duplicate' or d.merged_into is not null", None)
        }
        Measure::TicketRejected => (Day::Created, "d.status = 'rejected'", None),
        Measure::TicketTransferred => (Day::Created, "d.status = 'transferred'", None),
        Measure::TicketMisrouted => (Day::Created, "d.units > 1", None),
        Measure::TicketAtDesk => (Day::Created, "d.solved_at_desk", None),
        Measure::TicketAtDeskKnown => (Day::Created, "d.solved_at_desk is not null", None),
        Measure::TicketAssigned => (Day::Created, "d.dispatch_min is not null", None),
        Measure::TicketDispatchMin => {
            (Day::Created, "d.dispatch_min is not null", Some("d.dispatch_min"))
        }
        Measure::TicketResponded => (Day::Created, "d.first_response_min is not null", None),
        Measure::TicketResponseMin => {
            (Day::Created, "d.first_response_min is not null", Some("d.first_response_min"))
        }
        Measure::TicketHandled => (Day::Handled, all, None),
        Measure::TicketOnTime => (Day::Handled, "d.on_time", None),
        Measure::TicketLate => (Day::Handled, "not d.on_time", None),
        Measure::TicketReopened => (Day::Handled, "d.reopened > 0", None),
        Measure::TicketResolveKnown => (Day::Handled, "d.resolve_min is not null", None),
        Measure::TicketResolveMin => {
            (Day::Handled, "d.resolve_min is not null", Some("d.resolve_min"))
        }
        Measure::TicketRated => (Day::Handled, "d.rating is not null", None),
        Measure::TicketSatisfied => (Day::Handled, "d.satisfied", None),
        Measure::TicketLeftRejected => (Day::Left, "d.status = 'rejected'", None),
        Measure::TicketLeftDuplicate => (Day::Left, "d.status = 'duplicate'", None),
        Measure::TicketLeftTransferred => (Day::Left, "d.status = 'transferred'", None),
        Measure::TicketFellDue => (Day::Due, all, None),
        Measure::TicketDueMet => (Day::Due, "d.on_time", None),
        Measure::TicketTargetsMet => (Day::Due, "d.sla_met", None),
        Measure::CallOffered => (Day::Offered, all, None),
        Measure::CallAnswered => (Day::Offered, "d.answered_at is not null", None),
        Measure::CallAbandoned => (Day::Offered, "d.abandoned_at is not null", None),
        Measure::CallAbandonedShort => (Day::Offered, "d.abandoned_short", None),
        Measure::CallAnsweredSoon => (Day::Offered, "d.answered_soon", None),
        Measure::CallWaitKnown => (Day::Offered, "d.answered_at >= d.queued_at", None),
        Measure::CallWaitS => (
            Day::Offered,
            "d.answered_at >= d.queued_at",
            Some("floor(extract(epoch from d.answered_at - d.queued_at))::int8"),
        ),
        Measure::PetitionReceived => (Day::PetitionReceived, all, None),
        Measure::PetitionDissatisfied => {
            (Day::PetitionReceived, "not d.satisfied or d.outcome = 'late'", None)
        }
        Measure::PetitionOfDossier => (Day::PetitionReceived, "d.dossier is not null", None),
        Measure::PetitionHandled => (Day::PetitionEnded, all, None),
        Measure::PetitionOnTime => (Day::PetitionEnded, "d.outcome = 'on_time'", None),
        Measure::PetitionLate => (Day::PetitionEnded, "d.outcome = 'late'", None),
        Measure::PetitionRefused => (Day::PetitionEnded, "d.status = 'refused'", None),
        Measure::PetitionRated => (Day::PetitionEnded, "d.satisfied is not null", None),
        Measure::PetitionSatisfied => (Day::PetitionEnded, "d.satisfied", None),
        Measure::PetitionOverdueEnded => (Day::PetitionEnded, "d.overdue_day is not null", None),
        Measure::PetitionOverdueBegan => (Day::PetitionOverdue, all, None),
        Measure::PetitionPublished => (Day::Published, all, None),
        Measure::PetitionPublishedKnown => {
            (Day::Published, "d.published_on_time is not null", None)
        }
        Measure::PetitionPublishedInTime => (Day::Published, "d.published_on_time", None),
        Measure::DocumentReviewed => (Day::Reviewed, all, None),
        Measure::DocumentDefect => {
            (Day::Reviewed, "d.has_holder is not true or d.result_type is null", None)
        }
        Measure::DocumentDigitised => (Day::Digitised, all, None),
        Measure::DocumentSigned => (Day::Signed, all, None),
        Measure::DocumentWithdrawn => (Day::Invalid, all, None),
        Measure::DocumentSignedWithdrawn => (Day::Invalid, "d.signed_at is not null", None),
        Measure::Forms => (Day::Quarter, all, None),
        Measure::N1E3 => (Day::Quarter, "d.n1_e3 is not null", Some("d.n1_e3")),
        Measure::N1Known => (Day::Quarter, "d.n1_e3 is not null", None),
        Measure::N2E3 => (Day::Quarter, "d.n2_e3 is not null", Some("d.n2_e3")),
        Measure::N2Known => (Day::Quarter, "d.n2_e3 is not null", None),
        Measure::N3E3 => (Day::Quarter, "d.n3_e3 is not null", Some("d.n3_e3")),
        Measure::N3Known => (Day::Quarter, "d.n3_e3 is not null", None),
        Measure::N4E3 => (Day::Quarter, "d.n4_e3 is not null", Some("d.n4_e3")),
        Measure::N4Known => (Day::Quarter, "d.n4_e3 is not null", None),
        Measure::N5E3 => (Day::Quarter, "d.n5_e3 is not null", Some("d.n5_e3")),
        Measure::N5Known => (Day::Quarter, "d.n5_e3 is not null", None),
        Measure::N6E3 => (Day::Quarter, "d.n6_e3 is not null", Some("d.n6_e3")),
        Measure::N6Known => (Day::Quarter, "d.n6_e3 is not null", None),
        Measure::N7E3 => (Day::Quarter, "d.n7_e3 is not null", Some("d.n7_e3")),
        Measure::N7Known => (Day::Quarter, "d.n7_e3 is not null", None),
        Measure::N8E3 => (Day::Quarter, "d.n8_e3 is not null", Some("d.n8_e3")),
        Measure::N8Known => (Day::Quarter, "d.n8_e3 is not null", None),
        Measure::N9E3 => (Day::Quarter, "d.n9_e3 is not null", Some("d.n9_e3")),
        Measure::N9Known => (Day::Quarter, "d.n9_e3 is not null", None),
    };
    (day, when.into(), amount)
}

/// Table of a noun, and its column that names the record within its source.
pub(in crate::store) const fn table(noun: Noun) -> (&'static str, &'static str) {
    match noun {
        Noun::Dossier => ("dossier", "d.dossier"),
        Noun::Ticket => ("ticket", "d.ticket"),
        Noun::Call => ("call", "d.call"),
        Noun::Petition => ("petition", "d.petition"),
        Noun::Document => ("document", "d.document"),
        Noun::Assessment => ("assessment", "d.form"),
    }
}

/// Responsible unit of a record; null where the noun has none.
pub(in crate::store) const fn unit(noun: Noun) -> Option<&'static str> {
    match noun {
        Noun::Call => None,
        Noun::Dossier | Noun::Ticket | Noun::Petition | Noun::Document | Noun::Assessment => {
            Some("d.unit")
        }
    }
}

/// Column of a dimension other than time; null where the noun has none.
pub(in crate::store) const fn column(noun: Noun, dimension: Dimension) -> Option<&'static str> {
    match (dimension, noun) {
        (Dimension::Channel, Noun::Dossier | Noun::Ticket | Noun::Assessment) => Some("d.channel"),
        (Dimension::Field, Noun::Dossier) => Some("d.field"),
        (Dimension::Formality, Noun::Dossier) => Some("d.formality"),
        (Dimension::Category, Noun::Ticket) => Some("d.category"),
        (Dimension::Category, Noun::Petition) => Some("d.class"),
        (Dimension::Category, Noun::Document) => Some("d.result_type"),
        (Dimension::Category, Noun::Assessment) => Some("d.by"),
        (Dimension::Kind, Noun::Ticket | Noun::Petition) => Some("d.kind"),
        (
            Dimension::Channel
            | Dimension::Field
            | Dimension::Formality
            | Dimension::Category
            | Dimension::Kind
            | Dimension::Month
            | Dimension::Day,
            _,
        ) => None,
    }
}

/// Noun, day and column of values that are ranked.
pub(in crate::store) const fn ranked(ranked: Ranked) -> (Noun, Day, &'static str) {
    match ranked {
        Ranked::Handling => (Noun::Dossier, Day::Ended, "d.handling_min"),
        Ranked::TicketResponse => (Noun::Ticket, Day::Created, "d.first_response_min"),
        Ranked::TicketResolve => (Noun::Ticket, Day::Handled, "d.resolve_min"),
    }
}
