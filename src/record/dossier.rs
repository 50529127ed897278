//! Dossiers as they stand.
//!
//! Statuses, pauses and the judgement of time follow the rules of Decision 766 (criterion 2.1) and of
//! form II.06a/VPCP/KSTT: the due time in force at the end counts; a pause puts it off only when the
//! due time had been set before papers or payment were asked for, because a due time that was set
//! afterwards already contains the waiting.

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::dossier::{
    Applicant, DossierChannel, DossierStatus, DossierStep, LimitUnit, PaidOnline, TimeLimit,
};

use super::{Pause, Rules, Step, Told, latest, small, sort};

mod code;
mod judge;
mod process;

pub use judge::Outcome;
use judge::{Acceptance, Clock};

/// A dossier as it stands; a row of the table of that name, whose comments say what the columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
#[expect(clippy::struct_field_names, reason = "the contract's key for the code")]
#[expect(clippy::struct_excessive_bools, reason = "a row of marks")]
pub struct Dossier {
    pub dossier: Box<str>,
    pub formality: Option<Box<str>>,
    pub field: Option<Box<str>>,
    pub unit: Option<Box<str>>,
    pub received_by: Option<Box<str>>,
    pub channel: DossierChannel,
    pub status: DossierStatus,
    pub status_at: DateTime<Utc>,
    pub submitted_at: DateTime<Utc>,
    pub received_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub limit: Option<TimeLimit>,
    pub has_component_file: Option<bool>,
    pub digitised: Option<bool>,
    pub reused: Option<bool>,
    pub from_national_store: Option<bool>,
    pub vneid: Option<bool>,
    pub paid_online: Option<PaidOnline>,
    pub fee_count: Option<i16>,
    pub fee_vnd: Option<i64>,
    pub result_links: Option<i16>,
    pub applicant: Option<Applicant>,
    pub apology_at: Option<DateTime<Utc>>,
    pub petitions: i16,
    pub disliked: bool,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_status: Option<DossierStatus>,
    pub returned_at: Option<DateTime<Utc>>,
    pub refused_at: Option<DateTime<Utc>>,
    pub supplements: i16,
    pub is_paused: bool,
    pub paused_s: i64,
    pub effective_due: Option<DateTime<Utc>>,
    pub overdue_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    pub on_time: Option<bool>,
    pub handling_min: Option<i32>,
    pub limit_min: Option<i32>,
    pub acceptance_min: Option<i32>,
    pub steps_total: i16,
    pub steps_on_time: i16,
    pub boundary_free: Option<bool>,
    pub illegal_moves: i16,
    pub calendar: i16,
    pub code_date_differs: bool,
    pub submitted_day: NaiveDate,
    pub received_day: Option<NaiveDate>,
    pub ended_day: Option<NaiveDate>,
    pub refused_day: Option<NaiveDate>,
    pub overdue_day: Option<NaiveDate>,
}
