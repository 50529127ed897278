//! `onestop/dossier`: steps in the life of a dossier of an administrative procedure.
//!
//! Statuses and channels are the codes of the national public service portal. Never a person's name,
//! number or address. Natural key: (source, dossier, status, at). What a step does not tell is null and
//! overwrites nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// How a dossier was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DossierChannel {
    /// 1: at the one-stop unit.
    Direct,
    /// 2: online.
    Online,
    /// 3: by public post.
    Post,
}

words!(DossierChannel {
    Direct = "direct",
    Online = "online",
    Post = "post",
});

impl DossierChannel {
    /// Code in messages.
    pub const fn code(self) -> u8 {
        match self {
            Self::Direct => 1,
            Self::Online => 2,
            Self::Post => 3,
        }
    }

    /// The channel with this code.
    pub fn of_code(code: u8) -> Option<Self> {
        [Self::Direct, Self::Online, Self::Post].into_iter().find(|channel| channel.code() == code)
    }
}

/// Status of a dossier; the codes 1 to 10 of the national portal in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DossierStatus {
    /// 1: newly registered ("Mới đăng ký").
    Registered,
    /// 2: accepted ("Được tiếp nhận").
    Accepted,
    /// 3: not accepted ("Không được tiếp nhận").
    NotAccepted,
    /// 4: in process ("Đang xử lý").
    InProcess,
    /// 5: supplement requested ("Yêu cầu bổ sung giấy tờ").
    SupplementRequested,
    /// 6: financial obligation requested ("Yêu cầu thực hiện nghĩa vụ tài chính").
    PaymentRequested,
    /// 7: withdrawn by the applicant ("Công dân yêu cầu rút hồ sơ").
    Withdrawn,
    /// 8: stopped ("Dừng xử lý").
    Stopped,
    /// 9: processing done ("Đã xử lý xong").
    Done,
    /// 10: result returned ("Đã trả kết quả").
    Returned,
}

words!(DossierStatus {
    Registered = "registered",
    Accepted = "accepted",
    NotAccepted = "not_accepted",
    InProcess = "in_process",
    SupplementRequested = "supplement_requested",
    PaymentRequested = "payment_requested",
    Withdrawn = "withdrawn",
    Stopped = "stopped",
    Done = "done",
    Returned = "returned",
});

impl DossierStatus {
    /// Code in messages, 1 to 10.
    pub const fn code(self) -> u8 {
        match self {
            Self::Registered => 1,
            Self::Accepted => 2,
            Self::NotAccepted => 3,
            Self::InProcess => 4,
            Self::SupplementRequested => 5,
            Self::PaymentRequested => 6,
            Self::Withdrawn => 7,
            Self::Stopped => 8,
            Self::Done => 9,
            Self::Returned => 10,
        }
    }

    /// The status with this code.
    pub fn of_code(code: u8) -> Option<Self> {
        use crate::word::Word as _;
        Self::ALL.iter().copied().find(|status| status.code() == code)
    }
}

/// What a time limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// Hours inside opening hours.
    Hour,
    /// Calendar days.
    Day,
    /// Working days.
    WorkingDay,
    /// Calendar months.
    Month,
}

words!(LimitUnit {
    Hour = "hour",
    Day = "day",
    WorkingDay = "working_day",
    Month = "month",
});

/// Time that a formality may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeLimit {
    /// How many, 1..=1 000.
    pub value: u16,
    /// Of what.
    pub unit: LimitUnit,
}

/// Who hands a dossier in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applicant {
    /// A citizen.
    Person,
    /// A company.
    Business,
    /// Any other organisation.
    Organisation,
}

words!(Applicant {
    Person = "person",
    Business = "business",
    Organisation = "organisation",
});

/// One fee or charge of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// What it is for, a token.
    pub kind: Box<str>,
    /// Amount in dong; zero is a fee that was waived.
    pub amount_vnd: u64,
}

/// Payment of fees through a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaidOnline {
    /// 0: not paid online.
    No,
    /// 1: on the national portal.
    National,
    /// 2: through the gateway of a ministry or province.
    Gateway,
}

words!(PaidOnline {
    No = "no",
    National = "national",
    Gateway = "gateway",
});

impl PaidOnline {
    /// Code in messages.
    pub const fn code(self) -> u8 {
        match self {
            Self::No => 0,
            Self::National => 1,
            Self::Gateway => 2,
        }
    }

    /// The payment with this code.
    pub fn of_code(code: u8) -> Option<Self> {
        [Self::No, Self::National, Self::Gateway].into_iter().find(|paid| paid.code() == code)
    }
}

/// One step in the life of a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DossierStep {
    /// Dossier code, opaque, at most 64 characters.
    pub dossier: Box<str>,
    /// The status reached.
    pub status: DossierStatus,
    /// When it was reached.
    pub at: DateTime<Utc>,
    /// Code of the formality, `1.005129`.
    pub formality: Option<Box<str>>,
    /// Field of the formality, a token.
    pub field: Option<Box<str>>,
    /// Handling unit, `gso:31135` or `agency:H13.05`.
    pub unit: Option<Box<str>>,
    /// Receiving unit.
    pub received_by: Option<Box<str>>,
    /// How it was handed in; not told counts as direct.
    pub channel: Option<DossierChannel>,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was accepted, from which the limit runs.
    pub received_at: Option<DateTime<Utc>>,
    /// Until when the result is due.
    pub due_at: Option<DateTime<Utc>>,
    /// Time that the formality may take.
    pub limit: Option<TimeLimit>,
    /// Components were digitised.
    pub digitised: Option<bool>,
    /// There are electronic files of components.
    pub has_component_file: Option<bool>,
    /// At least one component was reused from digitised data.
    pub reused: Option<bool>,
    /// A component came from the national personal store.
    pub from_national_store: Option<bool>,
    /// The applicant was authenticated by `VNeID`.
    pub vneid: Option<bool>,
    /// Payment through a portal.
    pub paid_online: Option<PaidOnline>,
    /// Fees and charges, at most 32; an empty list is "none".
    pub fees: Option<Vec<Fee>>,
    /// Links to electronic results.
    pub result_links: Option<u16>,
    /// Who handed it in.
    pub applicant: Option<Applicant>,
    /// Step of the internal process, a token.
    pub step: Option<Box<str>>,
    /// Until when that step is due.
    pub step_due_at: Option<DateTime<Utc>>,
    /// When the apology for the delay (form 04) was sent.
    pub apology_at: Option<DateTime<Utc>>,
}
