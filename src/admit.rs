//! Between the broker and the writer: decodes each delivery and decides whether it is taken.
//!
//! What the contract alone tells is checked by `ioc_ingest::decode`; here follow the rules that need
//! the registry, the clock or the retention: unregistered sources, wrong service, unknown metrics,
//! clocks too far ahead, times beyond the horizon. Pure but for the clock that is passed in.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{
    Contract, Fact, Message, Number, Reason, Reject, Service, Stream, Topic,
    decode::{self, decode},
    delivery::Delivery,
};

use crate::registry::{Device, Registry};

/// How far ahead and back a message's time may lie.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// Ahead of the hub's clock.
    pub ahead: TimeDelta,
    /// Back, for signal states and events.
    pub signal: TimeDelta,
    /// Back, for traffic intervals.
    pub interval: TimeDelta,
    /// Back, for health, connection and incidents.
    pub health: TimeDelta,
    /// Back, for records of the service desk and the one-stop system, and metrics.
    pub record: TimeDelta,
}

impl Horizon {
    const fn back(&self, stream: Stream) -> TimeDelta {
        match stream {
            Stream::State | Stream::Events => self.signal,
            Stream::Interval => self.interval,
            Stream::Incident | Stream::Health | Stream::Status => self.health,
            Stream::Ticket
            | Stream::Call
            | Stream::Dossier
            | Stream::Assessment
            | Stream::Petition
            | Stream::Document
            | Stream::Sample => self.record,
        }
    }
}

/// One delivery with what was decided about it.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The message as it came, with the right to acknowledge it.
    pub delivery: Delivery,
    /// The topic, if it parsed.
    pub topic: Option<Topic>,
    /// What is stored, if anything.
    pub accepted: Option<Accepted>,
    /// What goes to the quarantine: the whole message, or refused parts of it.
    pub refused: Vec<Refused>,
    /// Its number within its stream; null for a status, and where it could not be read.
    pub number: Option<Number>,
    /// Whether it comes out of the quarantine: it was counted when it came, and is kept there.
    pub replayed: bool,
    /// Whether it may be stored already although nothing else tells so: it comes out of the spool, where it
    /// stays until all of its file is stored.
    pub may_be_stored: bool,
}

impl Admitted {
    /// Turns the whole message into a refused one.
    pub fn refuse(&mut self, reject: Reject) {
        let message_time = self.time();
        let service = self.topic.as_ref().map(|topic| topic.service);
        let payload = readable(service, &self.delivery.payload);
        self.accepted = None;
        self.refused = vec![Refused { reject, payload, message_time, partial: false }];
    }

    /// Time of the message, source clock; null for one that was refused or carries none.
    fn time(&self) -> Option<DateTime<Utc>> {
        let envelope = self.accepted.as_ref()?.message.envelope.as_ref()?;
        Some(envelope.time)
    }
}

/// A message that is stored.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Who sent it.
    pub device: Arc<Device>,
    /// What it says.
    pub message: Arc<Message>,
}

/// What goes to the quarantine.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Why.
    pub reject: Reject,
    /// Bytes to keep: the message, masked where it may carry personal data.
    pub payload: Bytes,
    /// Time of the message, source clock, if it could be read.
    pub message_time: Option<DateTime<Utc>>,
    /// Whether the rest of the message was taken.
    pub partial: bool,
}

/// Whether messages of this service may carry personal data when they are wrong.
pub const fn is_personal(service: Service) -> bool {
    matches!(service, Service::Desk | Service::Onestop)
}

/// Decodes a delivery and decides.
pub fn admit(
    contract: &Contract,
    registry: &Registry,
    horizon: &Horizon,
    now: DateTime<Utc>,
    delivery: Delivery,
) -> Admitted {
    let topic = Topic::parse(&delivery.topic, &contract.city).ok();
    let decided = decode(contract, &delivery.topic, &delivery.payload)
        .map_err(|reject| (reject, None))
        .and_then(|message| {
            let envelope = message.envelope;
            check(registry, horizon, now, message).map_err(|reject| (reject, envelope))
        });
    let service = topic.as_ref().map(|topic| topic.service);
    let keep =
        |reject: &Reject| payload_to_keep(contract, service, reject.reason, &delivery.payload);
    let (accepted, refused, envelope) = match decided {
        Ok((accepted, rejects)) => {
            let envelope = accepted.message.envelope;
            let time = envelope.map(|envelope| envelope.time);
            let partial = |reject: Reject| Refused {
                payload: keep(&reject),
                reject,
                message_time: time,
                partial: true,
            };
            (Some(accepted), rejects.into_iter().map(partial).collect(), envelope)
        }
        Err((reject, envelope)) => {
            let payload = keep(&reject);
            let message_time = envelope.map(|envelope| envelope.time);
            (None, vec![Refused { reject, payload, message_time, partial: false }], envelope)
        }
    };
    let number = match &topic {
        None => None,
        Some(topic) if topic.stream == Stream::Status => None,
        Some(_) if accepted.is_some() => envelope.map(Number::from),
        // What was refused was received: it is not missing.
        Some(_) => envelope.map(Number::from).or_else(|| decode::number(&delivery.payload)),
    };
    Admitted { delivery, topic, accepted, refused, number, replayed: false, may_be_stored: false }
}

fn payload_to_keep(
    contract: &Contract,
    service: Option<Service>,
    reason: Reason,
    payload: &Bytes,
) -> Bytes {
    if reason == Reason::PersonalData {
        return decode::personal_key_names(contract, payload).join(", ").into();
    }
    readable(service, payload)
}

/// The bytes that may be kept and shown to administrators.
fn readable(service: Option<Service>, payload: &Bytes) -> Bytes {
    match service {
        Some(service) if is_personal(service) => decode::mask_personal(payload).into(),
        Some(_) => payload.clone(),
        // Without a service nobody knows what the bytes are, so they are treated as personal.
        None => decode::mask_personal(payload).into(),
    }
}

fn reject(reason: Reason, field: &str, detail: String) -> Reject {
    Reject { reason, field: field.to_owned(), detail }
}

/// The rules that need more than the contract.
fn check(
    registry: &Registry,
    horizon: &Horizon,
    now: DateTime<Utc>,
    mut message: Message,
) -> Result<(Accepted, Vec<Reject>), Reject> {
    let source = &message.topic.source;
    let Some(device) = registry.device(source) else {
        let detail = format!("{source} is not registered: an administrator can accept it");
        return Err(reject(Reason::UnknownSource, "", detail));
    };
    if device.service != message.topic.service {
        let detail = format!("{source} is registered as {}", device.service);
        return Err(reject(Reason::WrongService, "", detail));
    }
    if let Some(envelope) = message.envelope {
        check_time(horizon, now, message.topic.stream, "time", envelope.time)?;
    }
    let mut rejects = std::mem::take(&mut message.refused);
    match &mut message.fact {
        Fact::SignalEvents(batch) => {
            let stream = message.topic.stream;
            batch.events.retain(|event| {
                check_time(horizon, now, stream, "events", event.time)
                    .map_err(|reject| rejects.push(reject))
                    .is_ok()
            });
            if batch.events.is_empty() {
                return Err(first_or_empty(rejects, "events"));
            }
        }
        Fact::Ticket(step) => check_time(horizon, now, message.topic.stream, "at", step.at)?,
        Fact::Dossier(step) => check_time(horizon, now, message.topic.stream, "at", step.at)?,
        Fact::Petition(step) => check_time(horizon, now, message.topic.stream, "at", step.at)?,
        Fact::Document(step) => check_time(horizon, now, message.topic.stream, "at", step.at)?,
        Fact::Metric(sample) => {
            sample.values.retain(|value| {
                check_metric(registry, value).map_err(|reject| rejects.push(reject)).is_ok()
            });
            if sample.values.is_empty() {
                return Err(first_or_empty(rejects, "values"));
            }
        }
        Fact::Interval(interval) => {
            interval.readings.retain(|reading| {
                let takes = device.takes(&reading.place, 0);
                if !takes {
                    rejects.push(device.refuse(&reading.place));
                }
                takes
            });
            if interval.readings.is_empty() {
                return Err(first_or_empty(rejects, "zones"));
            }
        }
        Fact::SignalState(_)
        | Fact::Incident(_)
        | Fact::Health(_)
        | Fact::Status(_)
        | Fact::Call(_)
        | Fact::Assessment(_) => {}
    }
    Ok((Accepted { device: Arc::clone(device), message: Arc::new(message) }, rejects))
}

fn first_or_empty(rejects: Vec<Reject>, field: &str) -> Reject {
    rejects
        .into_iter()
        .next()
        .unwrap_or_else(|| reject(Reason::Missing, field, "holds nothing".to_owned()))
}

fn check_time(
    horizon: &Horizon,
    now: DateTime<Utc>,
    stream: Stream,
    field: &str,
    time: DateTime<Utc>,
) -> Result<(), Reject> {
    let ahead = time - now;
    if ahead > horizon.ahead {
        let detail =
            format!("{} s ahead, allowed {} s", ahead.num_seconds(), horizon.ahead.num_seconds());
        return Err(reject(Reason::ClockAhead, field, detail));
    }
    let back = horizon.back(stream);
    if -ahead > back {
        let detail = format!(
            "{} days old, {stream} is kept for {} days",
            -ahead.num_days(),
            back.num_days()
        );
        return Err(reject(Reason::TooOld, field, detail));
    }
    Ok(())
}

fn check_metric(
    registry: &Registry,
    metric: &ioc_ingest::metric::MetricValue,
) -> Result<(), Reject> {
    let Some(range) = registry.metrics.get(&metric.name) else {
        let detail = format!("{:?} is not in the metric catalogue", metric.name);
        return Err(reject(Reason::UnknownMetric, "values.name", detail));
    };
    let Some(value) = metric.value else { return Ok(()) };
    let below = range.minimum.is_some_and(|minimum| value < minimum);
    let above = range.maximum.is_some_and(|maximum| value > maximum);
    if below || above {
        let open = |end: Option<f64>| end.map_or("open".to_owned(), |end| end.to_string());
        let (low, high) = (open(range.minimum), open(range.maximum));
        let detail = format!("{} is {value}, allowed {low} to {high}", metric.name);
        return Err(reject(Reason::Range, "values.value", detail));
    }
    Ok(())
}
