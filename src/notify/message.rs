//! What a message says: one alarm, many with counts, or a trial. Stored as it was made, so that it says the
//! same however often and whenever it is sent.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::plan::Together;
use crate::store::notify::TransitionRow;

/// Alarms and groups that a digest names; further ones are only counted.
pub const DIGEST_NAMES: usize = 20;

/// What an endpoint can hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An alarm came, came back, or became visible while it waits to be acknowledged.
    Raised,
    /// It got graver.
    Escalated,
    /// It returned to normal, or its rule or object is gone.
    Cleared,
    /// Somebody acknowledged it.
    Acknowledged,
}

impl Event {
    /// What a transition means for people; none for what they need not hear of.
    pub fn of(action: &str, to_state: &str) -> Option<Self> {
        match action {
            "raise" | "re_raise" => Some(Self::Raised),
            "unshelve" | "unsuppress" | "in_service" if to_state == "unack" => Some(Self::Raised),
            "escalate" => Some(Self::Escalated),
            "clear" | "withdraw" => Some(Self::Cleared),
            "acknowledge" => Some(Self::Acknowledged),
            _ => None,
        }
    }
}

/// Text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Both {
    /// Both texts.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }
}

/// What a rule says to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Name.
    pub name: Both,
    /// What usually causes it.
    pub cause: Both,
    /// What follows when nobody acts.
    pub consequence: Both,
    /// What to do.
    pub action: Both,
    /// Time for that, seconds.
    pub time_to_respond_s: u32,
    /// Unit of measure of value and limit; empty for none.
    pub unit_of_measure: String,
}

/// Texts of the rule with a code; none for a rule that is gone.
pub type TextsOf = Arc<dyn Fn(&str) -> Option<Texts> + Send + Sync>;

/// One alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Number of the transition.
    pub seq: i64,
    /// Hub clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
    /// `CODE:OBJECT`.
    pub alarm: String,
    /// Code of the rule.
    pub code: String,
    /// What the alarm is about.
    pub object: String,
    /// Name of the device; null for objects that are none.
    pub object_name: Option<Both>,
    /// Service of the device; null for objects that are none.
    pub service: Option<String>,
    /// Area; null for none.
    pub area: Option<String>,
    /// Number of the occurrence.
    pub occurrence: i64,
    /// 1 critical to 4 low.
    pub priority: i16,
    /// State after it: norm, unack, ack, rtnun or latch.
    pub state: String,
    /// Measured value; null for none.
    pub value: Option<f64>,
    /// Limit that it crossed; null for none.
    pub limit: Option<f64>,
    /// Reason code; null for none.
    pub why: Option<String>,
    /// The first at its place, so probably the cause.
    pub first_out: bool,
    /// Alarm that it follows from; null for none.
    pub parent: Option<String>,
    /// Who acknowledged it; null for others.
    pub who: Option<String>,
    /// What the rule says; null when the rule is gone.
    pub texts: Option<Texts>,
}

/// A code or area with its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Code or area; null for alarms of no area.
    pub name: Option<String>,
    /// Name for people; null where there is none.
    pub text: Option<Both>,
    /// How many.
    pub count: usize,
}

/// Many alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Why they are told together: flood or rate.
    pub why: String,
    /// First transition.
    pub first_seq: i64,
    /// Last transition.
    pub last_seq: i64,
    /// Time of the earliest.
    pub from: DateTime<Utc>,
    /// Time of the latest.
    pub to: DateTime<Utc>,
    /// How many.
    pub count: usize,
    /// How many of each priority.
    pub priorities: BTreeMap<String, usize>,
    /// How many of each event.
    pub events: BTreeMap<Event, usize>,
    /// The most frequent codes.
    pub codes: Vec<Share>,
    /// The most frequent areas.
    pub areas: Vec<Share>,
    /// The gravest of them, the earliest first.
    pub gravest: Vec<Told>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// One alarm.
    Alarm(Box<Told>),
    /// Many.
    Digest(Box<Digest>),
    /// Somebody tries whether messages come.
    Test,
}

/// A message to an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Version of this shape.
    pub v: u8,
    /// `ENDPOINT:SEQ`, the same whenever it is sent again; `ENDPOINT:test-…` for a trial.
    pub id: String,
    /// Name of the endpoint.
    pub endpoint: String,
    /// Token of the city.
    pub city: String,
    /// When it was made, hub clock.
    pub made_at: DateTime<Utc>,
    /// Page that shows more; null when no address is configured.
    pub link: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

impl Told {
    /// One transition as people hear of it.
    pub fn of(row: TransitionRow, event: Event, texts: &TextsOf) -> Self {
        let texts = texts(&row.code);
        Self {
            seq: row.seq,
            at: row.at,
            event,
            alarm: format!("{}:{}", row.code, row.object),
            code: row.code,
            object: row.object,
            object_name: row.name.map(|(vi, en)| Both { vi, en }),
            service: row.service,
            area: row.area,
            occurrence: row.occurrence,
            priority: row.priority,
            state: row.to_state,
            value: row.value,
            limit: row.limit,
            why: row.why,
            first_out: row.first_out,
            parent: row.parent,
            who: row.who.filter(|_| event == Event::Acknowledged),
            texts,
        }
    }
}

impl Digest {
    /// Many told together; null for none.
    pub fn of(mut told: Vec<Told>, why: Together) -> Option<Self> {
        let (first_seq, last_seq) = (told.first()?.seq, told.last()?.seq);
        let from = told.iter().map(|one| one.at).min()?;
        let to = told.iter().map(|one| one.at).max()?;
        let (mut priorities, mut events) = (BTreeMap::new(), BTreeMap::new());
        for one in &told {
            *priorities.entry(one.priority.to_string()).or_default() += 1;
            *events.entry(one.event).or_default() += 1;
        }
        let codes = shares(&told, |one| {
            (Some(one.code.clone()), one.texts.as_ref().map(|texts| texts.name.clone()))
        });
        let areas = shares(&told, |one| (one.area.clone(), None));
        let count = told.len();
        told.sort_by_key(|one| (one.priority, one.seq));
        told.truncate(DIGEST_NAMES);
        let why = match why {
            Together::Flood => "flood",
            Together::Rate => "rate",
        };
        Some(Self {
            why: why.to_owned(),
            first_seq,
            last_seq,
            from,
            to,
            count,
            priorities,
            events,
            codes,
            areas,
            gravest: told,
        })
    }
}

/// The most frequent first, then by name.
fn shares(told: &[Told], name: impl Fn(&Told) -> (Option<String>, Option<Both>)) -> Vec<Share> {
    let mut counts: BTreeMap<Option<String>, (usize, Option<Both>)> = BTreeMap::new();
    for one in told {
        let (name, text) = name(one);
        let entry = counts.entry(name).or_insert((0, text));
        entry.0 += 1;
    }
    let mut shares: Vec<Share> =
        counts.into_iter().map(|(name, (count, text))| Share { name, text, count }).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.count));
    shares.truncate(DIGEST_NAMES);
    shares
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raised => "raised",
            Self::Escalated => "escalated",
            Self::Cleared => "cleared",
            Self::Acknowledged => "acknowledged",
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::notify) fn no_texts() -> TextsOf {
        Arc::new(|_| None)
    }

    pub(in crate::notify) fn row(seq: i64, code: &str, priority: i16) -> TransitionRow {
        TransitionRow {
            seq,
            at: DateTime::from_timestamp(1_790_046_000 + seq, 0).unwrap(),
            code: code.to_owned(),
            object: format!("sig-{seq}"),
            name: None,
            service: Some("signal".into()),
            area: Some(format!("area-{}", seq % 3)),
            occurrence: 1,
            action: "raise".into(),
            to_state: "unack".into(),
            priority,
            presented: true,
            who: None,
            value: None,
            limit: None,
            why: None,
            first_out: false,
            parent: None,
        }
    }

    #[test]
    fn a_digest_counts_all_and_names_the_gravest() {
        let told = (1..=100).map(|seq| {
            let (code, priority) = if seq % 10 == 0 { ("sig_dark", 1) } else { ("comm_loss", 3) };
            Told::of(row(seq, code, priority), Event::Raised, &no_texts())
        });
        let digest = Digest::of(told.collect(), Together::Flood).unwrap();
        assert_eq!((digest.count, digest.first_seq, digest.last_seq), (100, 1, 100));
        assert_eq!(digest.priorities, BTreeMap::from([("1".into(), 10), ("3".into(), 90)]));
        let codes: Vec<_> = digest
            .codes
            .iter()
            .map(|share| (share.name.as_deref().unwrap(), share.count))
            .collect();
        assert_eq!(codes, [("comm_loss", 90), ("sig_dark", 10)]);
        // 100 = 33 * 3 + 1: area-1 has one more.
        assert_eq!(digest.areas[0].count, 34);
        assert_eq!(digest.gravest.len(), DIGEST_NAMES);
        assert!(digest.gravest[..10].iter().all(|one| one.priority == 1));
        assert_eq!(digest.gravest[10].seq, 1);
        assert_eq!(Digest::of(Vec::new(), Together::Rate), None);
    }

    #[test]
    fn what_becomes_visible_while_it_waits_is_raised() {
        assert_eq!(Event::of("unshelve", "unack"), Some(Event::Raised));
        assert_eq!(Event::of("unsuppress", "ack"), None);
        assert_eq!(Event::of("re_raise", "unack"), Some(Event::Raised));
        assert_eq!(Event::of("withdraw", "norm"), Some(Event::Cleared));
        assert_eq!(Event::of("comment", "unack"), None);
    }

    #[test]
    fn what_is_stored_says_the_same_when_it_is_read_again() {
        let told = Told::of(row(7, "sig_dark", 1), Event::Raised, &no_texts());
        let content = Content::Alarm(Box::new(told));
        let stored = serde_json::to_value(&content).unwrap();
        assert_eq!(stored["kind"], "alarm");
        assert_eq!(serde_json::from_value::<Content>(stored).unwrap(), content);
        let told = (1..5).map(|seq| Told::of(row(seq, "sig_dark", 1), Event::Cleared, &no_texts()));
        let digest = Digest::of(told.collect(), Together::Rate).unwrap();
        let content = Content::Digest(Box::new(digest));
        let stored = serde_json::to_value(&content).unwrap();
        assert_eq!(serde_json::from_value::<Content>(stored).unwrap(), content);
        let trial = serde_json::to_value(Content::Test).unwrap();
        assert_eq!(serde_json::from_value::<Content>(trial).unwrap(), Content::Test);
    }
}
