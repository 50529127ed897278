//! Devices that know the truth: messages of many streams from a seed, with everything that real ones do
//! to a hub, and the facts that must stand in the database once the broker has acknowledged them.
//!
//! Of the messages 1 % come again with their seq, 1 % bring a known fact under another seq, 5 % are late
//! by up to a day, 1 % are malformed, 1 % are held back behind their successors; neighbours swap places,
//! numbers are lost for good, and now and then a device starts anew with another boot.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    facts::{self, Fact, Kind},
    message::bucket,
    site::CITY,
};

/// How often something happens, of a thousand messages.
const REPEATED: u32 = 10;
const RENUMBERED: u32 = 10;
const LATE: u32 = 50;
const MALFORMED: u32 = 10;
const HELD: u32 = 10;
const SWAPPED: u32 = 50;
const LOST: u32 = 3;
const RESTARTED: u32 = 2;
/// After the begin no clock is so far.
const AHEAD: TimeDelta = TimeDelta::days(30);
/// Messages that may still be repeated.
const RECENT: usize = 2_000;

/// A stream of one boot of one source: source, service, stream, boot.
pub(crate) type Run = (String, &'static str, &'static str, u32);

/// One message and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// Facts that it brings.
    facts: Vec<Fact>,
    /// Reason code, and whether a part of it was good.
    refused: Option<(&'static str, bool)>,
    /// Its number, where the envelope can be read.
    number: Option<(Run, u64)>,
    body: Value,
    time: DateTime<Utc>,
    sender: usize,
}

/// One stream of one device.
struct Sender {
    source: String,
    kind: Kind,
    boot: u32,
    seq: u64,
    steps: i64,
    late: HashSet<i64>,
}

/// The devices, and what the broker has acknowledged.
pub(crate) struct Truth {
    dice: StdRng,
    begin: DateTime<Utc>,
    senders: Vec<Sender>,
    recent: VecDeque<Message>,
    held: Vec<Message>,
    tickets: VecDeque<(u64, usize)>,
    next_ticket: u64,
    /// Facts per kind.
    pub(crate) accepted: BTreeMap<Kind, HashSet<String>>,
    /// Refused messages: topic, reason, whether partly, payload; and whether its number was readable.
    pub(crate) refused: BTreeMap<String, bool>,
    /// Numbers that arrived.
    numbers: BTreeMap<Run, BTreeSet<u64>>,
    /// Latest message per source and stream: time, boot, seq.
    latest: BTreeMap<(String, &'static str), (DateTime<Utc>, u32, u64)>,
    messages: Arc<AtomicU64>,
}

/// Which devices speak.
pub(crate) struct Cast {
    pub(crate) stations: Vec<String>,
    pub(crate) signals: Vec<String>,
}

impl Default for Cast {
    fn default() -> Self {
        Self {
            stations: (1..=60).map(|n| format!("vds-{n:03}")).collect(),
            signals: (1..=30).map(|n| format!("sig-{n:04}")).collect(),
        }
    }
}

impl Truth {
    /// The same seed, begin and devices give the same messages.
    pub(crate) fn new(seed: u64, begin: DateTime<Utc>, cast: &Cast) -> Self {
        let sender = |kind: Kind, source: &str| Sender {
            source: source.to_owned(),
            kind,
            boot: 1,
            seq: 0,
            steps: 0,
            late: HashSet::new(),
        };
        let mut senders = Vec::new();
        senders.extend(cast.stations.iter().map(|source| sender(Kind::Interval, source)));
        senders.extend(cast.signals.iter().map(|source| sender(Kind::Event, source)));
        senders.extend(cast.signals.iter().map(|source| sender(Kind::Health, source)));
        senders.push(sender(Kind::Ticket, "desk-1022"));
        senders.push(sender(Kind::Metric, "video-conference"));
        Self {
            dice: StdRng::seed_from_u64(seed),
            begin,
            senders,
            recent: VecDeque::new(),
            held: Vec::new(),
            tickets: VecDeque::new(),
            next_ticket: 0,
            accepted: BTreeMap::new(),
            refused: BTreeMap::new(),
            numbers: BTreeMap::new(),
            latest: BTreeMap::new(),
            messages: Arc::default(),
        }
    }

    /// The city's own devices, from three days ago on.
    pub(crate) fn of_the_city(seed: u64) -> Self {
        Self::new(seed, bucket() - TimeDelta::days(3), &Cast::default())
    }

    fn happens(&mut self, of_thousand: u32) -> bool {
        self.dice.random_range(0..1_000_u32) < of_thousand
    }

    fn below(&mut self, end: usize) -> usize {
        self.dice.random_range(0..end.max(1))
    }

    /// The next messages, about so many.
    pub(crate) fn next(&mut self, count: usize) -> Vec<Message> {
        let mut messages = Vec::with_capacity(count + 8);
        for _ in 0..count {
            let message = self.message();
            if self.happens(REPEATED) && !self.recent.is_empty() {
                let at = self.below(self.recent.len());
                messages.push(self.recent[at].clone());
            }
            if self.happens(RENUMBERED) && message.refused.is_none() {
                let again = self.renumbered(&message);
                messages.push(again);
            }
            self.recent.push_back(message.clone());
            if self.happens(HELD) { self.held.push(message) } else { messages.push(message) }
        }
        if self.recent.len() > RECENT {
            drop(self.recent.drain(..self.recent.len() - RECENT));
        }
        for at in 1..messages.len() {
            if self.happens(SWAPPED) {
                let other = at.saturating_sub(1 + self.below(8));
                messages.swap(at, other);
            }
        }
        // Half of what was held back comes now.
        let stays = self.held.len() / 2;
        messages.extend(self.held.drain(stays..));
        messages
    }

    /// What was held back to the end.
    pub(crate) fn rest(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.held)
    }

    /// The broker has acknowledged these.
    pub(crate) fn accept(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.messages.fetch_add(1, Ordering::Relaxed);
            if let Some((run, seq)) = &message.number {
                self.numbers.entry(run.clone()).or_default().insert(*seq);
            }
            if let Some((reason, partial)) = message.refused {
                let text = String::from_utf8_lossy(&message.payload);
                let shown = format!("{}|{reason}|{partial}|{text}", message.topic);
                self.refused.insert(shown, message.number.is_some());
            }
            if message.facts.is_empty() {
                continue;
            }
            if let Some(((source, _, stream, boot), seq)) = message.number
                && !matches!(message.facts[0].kind, Kind::Ticket | Kind::Event)
            {
                let order = (message.time, boot, seq);
                let latest = self.latest.entry((source, stream)).or_insert(order);
                *latest = order.max(*latest);
            }
            for fact in message.facts {
                self.accepted.entry(fact.kind).or_default().insert(fact.text);
            }
        }
    }

    /// Counts the messages that the broker has acknowledged, repetitions included.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.messages)
    }

    /// Sources of the devices.
    pub(crate) fn sources(&self) -> Vec<String> {
        let sources: BTreeSet<_> = self.senders.iter().map(|s| s.source.clone()).collect();
        sources.into_iter().collect()
    }

    /// Facts as they stand, by kind; what follows from others included.
    pub(crate) fn expected(&self) -> BTreeMap<Kind, BTreeSet<String>> {
        let mut expected: BTreeMap<Kind, BTreeSet<String>> = self
            .accepted
            .iter()
            .map(|(kind, facts)| (*kind, facts.iter().cloned().collect()))
            .collect();
        let steps = self.accepted.get(&Kind::Ticket);
        expected.insert(Kind::TicketState, facts::ticket_states(steps.into_iter().flatten()));
        let latest = self.latest.iter().map(|((source, stream), (time, boot, seq))| {
            format!("{source}|{stream}|{}|{boot}|{seq}", facts::text(*time))
        });
        expected.insert(Kind::Latest, latest.collect());
        expected
    }

    /// Numbers that never came, between the first and the last of their run: both ends and the count.
    pub(crate) fn gaps(&self) -> BTreeSet<String> {
        let mut gaps = BTreeSet::new();
        for ((source, service, stream, boot), numbers) in &self.numbers {
            let next = numbers.iter().skip(1);
            for (seq, next) in numbers.iter().zip(next).filter(|(seq, next)| **seq + 1 < **next) {
                let (from, to, count) = (seq + 1, next - 1, next - seq - 1);
                gaps.insert(format!("{source}|{service}|{stream}|{boot}|{from}|{to}|{count}"));
            }
        }
        gaps
    }

    /// A message of a stream that is drawn.
    fn message(&mut self) -> Message {
        let kind = match self.dice.random_range(0..100_u32) {
            0..60 => Kind::Interval,
            60..75 => Kind::Event,
            75..85 => Kind::Health,
            85..90 => Kind::Ticket,
            _ => Kind::Metric,
        };
        let of_kind = |sender: &Sender| sender.kind == kind;
        let first = self.senders.iter().position(of_kind).unwrap_or_default();
        let count = self.senders.iter().filter(|sender| of_kind(sender)).count();
        let sender = first + self.below(count);
        if self.happens(RESTARTED) {
            (self.senders[sender].boot, self.senders[sender].seq) =
                (self.senders[sender].boot + 1, 0);
        }
        if self.happens(LOST) {
            self.senders[sender].seq += 1 + self.below(3) as u64;
        }
        let late = kind != Kind::Ticket && self.happens(LATE);
        let time = self.time(sender, late);
        let source = self.senders[sender].source.clone();
        let (mut body, facts) = match kind {
            Kind::Interval => facts::interval(&mut self.dice, &source, time, late),
            Kind::Event => facts::events(&mut self.dice, &source, time),
            Kind::Health => facts::health(&mut self.dice, &source, time),
            Kind::Metric => facts::metric(&mut self.dice, &source, time),
            Kind::Ticket | Kind::TicketState | Kind::Latest => self.ticket_step(&source, time),
        };
        if late {
            body["late"] = json!(true);
        }
        let mut message = self.numbered(sender, time, body, facts);
        if self.happens(MALFORMED) {
            self.spoil(&mut message);
        }
        message
    }

    /// On time the next step of the stream's grid; late a free place between the steps of the day
    /// before.
    fn time(&mut self, sender: usize, late: bool) -> DateTime<Utc> {
        let step_ms = self.senders[sender].kind.step_ms();
        let stream = &mut self.senders[sender];
        let on_time = stream.steps * step_ms;
        if !late {
            stream.steps += 1;
            return self.begin + TimeDelta::milliseconds(on_time);
        }
        let day_ms = TimeDelta::days(1).num_milliseconds();
        let mut place = stream.steps - self.dice.random_range(1..day_ms / step_ms);
        while !stream.late.insert(place) {
            place -= 1;
        }
        self.begin + TimeDelta::milliseconds(place * step_ms + step_ms / 2)
    }

    /// A new ticket, or the next step of an open one.
    fn ticket_step(&mut self, source: &str, time: DateTime<Utc>) -> (Value, Vec<Fact>) {
        let goes_on = self.tickets.len() > 5 && self.happens(600);
        let open = if goes_on { self.tickets.pop_front() } else { None };
        let (number, step) = open.unwrap_or_else(|| {
            self.next_ticket += 1;
            (self.next_ticket, 0)
        });
        let (body, facts, last) = facts::ticket(source, number, step, time);
        if !last {
            self.tickets.push_back((number, step + 1));
        }
        (body, facts)
    }

    /// The body under the stream's next number.
    fn numbered(
        &mut self,
        at: usize,
        time: DateTime<Utc>,
        mut body: Value,
        facts: Vec<Fact>,
    ) -> Message {
        let sender = &mut self.senders[at];
        (body["boot"], body["seq"]) = (json!(sender.boot), json!(sender.seq));
        let (service, stream) = sender.kind.stream();
        let run = (sender.source.clone(), service, stream, sender.boot);
        let message = Message {
            topic: format!("ioc/1/{CITY}/{service}/{}/{stream}", sender.source),
            payload: body.to_string().into_bytes(),
            facts,
            refused: None,
            number: Some((run, sender.seq)),
            body,
            time,
            sender: at,
        };
        sender.seq += 1;
        message
    }

    /// The same fact under another number.
    fn renumbered(&mut self, message: &Message) -> Message {
        let (body, facts) = (message.body.clone(), message.facts.clone());
        self.numbered(message.sender, message.time, body, facts)
    }

    /// Makes the message one that is refused, wholly or in part.
    fn spoil(&mut self, message: &mut Message) {
        let kind = self.senders[message.sender].kind;
        let faults = if matches!(kind, Kind::Interval | Kind::Event) { 6 } else { 5 };
        let reason = match self.below(faults) {
            // Its begin, with the number, can still be read.
            0 => {
                message.payload.pop();
                message.refused = Some(("json", false));
                message.facts.clear();
                return;
            }
            1 => {
                message.body["time"] = json!(self.begin + AHEAD);
                "clock_ahead"
            }
            2 => {
                message.body["time"] = json!("1970-01-02T00:00:00Z");
                "too_old"
            }
            3 => facts::break_body(kind, &mut message.body),
            4 => {
                message.body["seq"] = Value::Null;
                message.number = None;
                "missing"
            }
            _ => facts::break_part(kind, &mut message.body),
        };
        let partial = reason == facts::PARTIAL;
        message.payload = message.body.to_string().into_bytes();
        if !partial {
            message.facts.clear();
        }
        message.refused = Some((if partial { "range" } else { reason }, partial));
    }
}

#[test]
fn the_same_seed_gives_the_same_truth() {
    let begin = bucket();
    let payloads = || {
        let mut truth = Truth::new(3, begin, &Cast::default());
        let messages = truth.next(3_000);
        truth.accept(messages.clone());
        let gaps = truth.gaps();
        (messages.into_iter().map(|message| message.payload).collect::<Vec<_>>(), gaps)
    };
    assert_eq!(payloads(), payloads());
}

#[test]
fn everything_that_devices_do_to_a_hub_happens() {
    let mut truth = Truth::of_the_city(1);
    let mut messages = truth.next(20_000);
    messages.extend(truth.rest());
    let sent = messages.len();
    let distinct: HashSet<_> = messages.iter().map(|m| (&m.topic, &m.payload)).collect();
    assert!(distinct.len() < sent, "none comes again");
    let late = messages.iter().filter(|m| m.body["late"] == true).count();
    assert!((800..1_200).contains(&late), "{late} late of {sent}");
    truth.accept(messages);
    assert!((120..280).contains(&truth.refused.len()), "{} malformed", truth.refused.len());
    let reasons: HashSet<_> = truth.refused.keys().filter_map(|r| r.split('|').nth(1)).collect();
    assert_eq!(reasons.len(), 7, "{reasons:?}");
    assert!(truth.gaps().len() > 20, "{} gaps", truth.gaps().len());
    assert_eq!(truth.expected().values().filter(|facts| facts.is_empty()).count(), 0);
}
