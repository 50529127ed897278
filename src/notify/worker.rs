//! Follows the transitions of alarms for one endpoint and sends what it is to hear.
//!
//! A step is one of: send the message that waits; make the next message; read further. Messages of an
//! endpoint go in order, so that while one is tried again, what comes is gathered and told together by the
//! pace. A database that is away only makes it wait. Nothing here ends the task before the stop.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use serde_json::Value;

use super::{
    Around,
    board::{EndpointCondition, Row},
    endpoint::Endpoint,
    message::{Content, Digest, Event, Message, Told},
    plan::{Past, Step},
    send::Outcome,
};
use crate::{
    hub::explain,
    store::{
        StoreError,
        notify::{NewNotification, NotificationRow, Settled, TransitionRow},
    },
};

/// Transitions read at a time.
const READ: i64 = 1_000;
/// Alarms that wait in memory; what comes beyond waits in the database.
const WAITING: usize = 5_000;

/// Pauses of a worker.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two looks at the database while nothing is to be done.
    pub look: Duration,
    /// After the first failed attempt; doubled after each further one.
    pub backoff: Duration,
    /// Longest pause between two attempts.
    pub backoff_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(1),
            backoff: Duration::from_secs(2),
            backoff_max: Duration::from_mins(5),
        }
    }
}

/// Where a worker stands; made again from the database after a restart.
#[derive(Debug)]
struct Place {
    /// Last transition that was read.
    read: i64,
    /// Last transition whose fate is stored.
    stored: i64,
    waiting: Vec<(TransitionRow, Event)>,
    past: Past,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    /// There may be more to do.
    On,
    /// Nothing can be done for a while.
    Idle,
}

/// The task of one endpoint.
#[derive(Debug)]
pub struct Worker {
    endpoint: Arc<Endpoint>,
    link: String,
    around: Around,
    place: Option<Place>,
}

impl Worker {
    /// A worker that has not begun; the board shows it from now on.
    pub fn new(endpoint: Arc<Endpoint>, link: String, around: Around) -> Self {
        let condition =
            if endpoint.enabled { EndpointCondition::Untried } else { EndpointCondition::Off };
        let row = Row {
            kind: endpoint.sender.kind(),
            target: endpoint.sender.target(),
            condition,
            since: around.clock.now(),
            waiting: 0,
            answer: None,
            delivered: 0,
            failed: 0,
            dead: 0,
            alarms: 0,
        };
        around.board.add(&endpoint.name, row);
        Self { endpoint, link, around, place: None }
    }

    /// Runs until the stop.
    pub async fn run(mut self) {
        let stop = self.around.stop.clone();
        if !self.endpoint.enabled {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.forget() => {}
            }
            return stop.cancelled().await;
        }
        loop {
            let went = tokio::select! {
                () = stop.cancelled() => return,
                // A message that is on its way when the hub stops is sent again by the next one.
                went = self.step() => went,
            };
            match went {
                Ok(Went::On) => continue,
                Ok(Went::Idle) => {}
                Err(error) => self.note_away(&error),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.around.timing.look) => {}
            }
        }
    }

    /// Keeps nothing for an endpoint that is disabled, so that it begins with what comes once it is enabled
    /// again.
    async fn forget(&self) {
        let name = &self.endpoint.name;
        loop {
            let now = self.around.clock.now();
            let Err(error) = self.around.store.disable_endpoint(name, now).await else { return };
            if !error.is_retriable() {
                return tracing::error!(
                    endpoint = name,
                    why = explain(&error),
                    "what waits for a disabled receiver is kept"
                );
            }
            tokio::time::sleep(self.around.timing.look).await;
        }
    }

    fn note_away(&mut self, error: &StoreError) {
        // What was read may not be what is stored.
        self.place = None;
        let now = self.around.clock.now();
        let name = &self.endpoint.name;
        if error.is_retriable() {
            tracing::debug!(endpoint = name, why = explain(error), "notifications wait");
        } else {
            tracing::error!(endpoint = name, why = explain(error), "notifications wait");
        }
        self.around.board.change(name, |row| row.becomes(EndpointCondition::Paused, now));
    }

    async fn step(&mut self) -> Result<Went, StoreError> {
        if let Some(row) = self.around.store.waiting_notification(&self.endpoint.name).await? {
            if row.next_at.is_some_and(|at| at > self.around.clock.now()) {
                self.show_condition(EndpointCondition::Retrying);
                return Ok(Went::Idle);
            }
            self.deliver(row).await?;
            return Ok(Went::On);
        }
        let place = match self.place.take() {
            Some(place) => place,
            None => self.begin().await?,
        };
        // Put back only when every statement succeeded.
        let (place, went) = self.advance(place).await?;
        let waiting = place.waiting.len();
        self.place = Some(place);
        let now = self.around.clock.now();
        self.around.board.change(&self.endpoint.name, |row| {
            row.waiting = waiting;
            if row.condition == EndpointCondition::Paused {
                row.becomes(EndpointCondition::Untried, now);
            }
        });
        Ok(went)
    }

    fn show_condition(&self, condition: EndpointCondition) {
        let now = self.around.clock.now();
        self.around.board.change(&self.endpoint.name, |row| row.becomes(condition, now));
    }

    /// The place after a start: what the pace remembers is what the database holds.
    async fn begin(&self) -> Result<Place, StoreError> {
        let (store, name) = (&self.around.store, self.endpoint.name.as_str());
        let now = self.around.clock.now();
        let cursor = store.notify_cursor(name, now).await?;
        let pace = &self.endpoint.pace;
        let recent = store.transitions_up_to(cursor, now - pace.flood_within).await?;
        let told = recent.iter().filter(|row| self.hears(row).is_some()).map(|row| row.at);
        let made = store.notifications_made(name, now - pace.rate_per).await?;
        let past = Past { told: told.collect(), made: made.into() };
        Ok(Place { read: cursor, stored: cursor, waiting: Vec::new(), past })
    }

    fn hears(&self, row: &TransitionRow) -> Option<Event> {
        self.endpoint.hears(row, self.around.zone)
    }

    /// Reads further and makes a message if one is due.
    async fn advance(&self, mut place: Place) -> Result<(Place, Went), StoreError> {
        let store = &self.around.store;
        let mut more = false;
        if place.waiting.len() < WAITING {
            let rows = store.transitions_after(place.read, READ).await?;
            more = i64::try_from(rows.len()).is_ok_and(|read| read == READ);
            for row in rows {
                place.read = row.seq;
                if let Some(event) = self.hears(&row) {
                    place.waiting.push((row, event));
                }
            }
        }
        if more {
            return Ok((place, Went::On));
        }
        let now = self.around.clock.now();
        let times: Vec<DateTime<Utc>> = place.waiting.iter().map(|(row, _)| row.at).collect();
        let (count, together) = match self.endpoint.pace.step(&mut place.past, &times, now) {
            Step::Nothing => {
                if place.read > place.stored {
                    store.move_notify_cursor(&self.endpoint.name, place.read, now).await?;
                    place.stored = place.read;
                }
                return Ok((place, Went::Idle));
            }
            Step::Until(_) => return Ok((place, Went::Idle)),
            Step::First => (1, None),
            Step::All(why) => (place.waiting.len(), Some(why)),
        };
        let texts = &self.around.texts;
        let told = place.waiting.drain(..count).map(|(row, event)| Told::of(row, event, texts));
        let mut told: Vec<Told> = told.collect();
        let spans = told.first().zip(told.last()).map(|(first, last)| (first.seq, last.seq));
        let content = match together {
            Some(why) if count > 1 => Digest::of(told, why).map(|one| Content::Digest(one.into())),
            _ => told.pop().map(|one| Content::Alarm(one.into())),
        };
        if let (Some(content), Some((first_seq, last_seq))) = (content, spans) {
            store
                .add_notification(&NewNotification {
                    endpoint: &self.endpoint.name,
                    first_seq,
                    last_seq,
                    alarms: i32::try_from(count).unwrap_or(i32::MAX),
                    made_at: now,
                    content: &serde_json::to_value(&content).unwrap_or(Value::Null),
                })
                .await?;
            place.stored = last_seq;
            place.past.note(&times[..count], now);
        }
        Ok((place, Went::On))
    }

    /// The message in a row; none when another version of the hub wrote it.
    fn message(&self, row: &NotificationRow) -> Option<Message> {
        let content: Content = serde_json::from_value(row.content.clone()).ok()?;
        Some(message(
            &self.endpoint.name,
            row.last_seq,
            &self.around.city,
            row.made_at,
            &self.link,
            content,
        ))
    }

    async fn deliver(&self, row: NotificationRow) -> Result<(), StoreError> {
        let endpoint = &self.endpoint;
        let outcome = match self.message(&row) {
            Some(message) => {
                let now = self.around.clock.now().with_timezone(&self.around.zone);
                endpoint.sender.send(&message, endpoint.timeout, now).await
            }
            None => Outcome::Refused("the message cannot be read by this version".to_owned()),
        };
        let now = self.around.clock.now();
        let attempts = u32::try_from(row.attempts).unwrap_or(0).saturating_add(1);
        let settled = match &outcome {
            Outcome::Delivered(_) => Settled::Delivered,
            Outcome::Again { after, .. } if attempts < endpoint.attempts => {
                Settled::Again(now + self.pause(attempts, *after))
            }
            Outcome::Again { .. } | Outcome::Refused(_) => Settled::Dead,
        };
        let words = outcome.words();
        self.around.store.settle_notification(row.id, settled, words, now).await?;
        self.show(settled, words, &row, now);
        Ok(())
    }

    /// The pause after so many attempts: doubled each time, within limits, spread so that many hubs or
    /// endpoints do not come back at the same instant. What the receiver asks for counts, within the limit.
    fn pause(&self, attempts: u32, asked: Option<Duration>) -> TimeDelta {
        let Timing { backoff, backoff_max, .. } = self.around.timing;
        let doubled = backoff.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let spread = doubled.min(backoff_max).mul_f64(rand::rng().random_range(0.5..1.0));
        let pause = asked.unwrap_or_default().min(backoff_max).max(spread);
        TimeDelta::from_std(pause).unwrap_or(TimeDelta::minutes(5))
    }

    fn show(&self, settled: Settled, words: &str, row: &NotificationRow, now: DateTime<Utc>) {
        let name = self.endpoint.name.as_str();
        if settled == Settled::Dead {
            let (id, attempts) = (row.id, row.attempts + 1);
            tracing::warn!(endpoint = name, id, attempts, why = words, "a message was given up");
        }
        self.around.board.change(name, |shown| {
            shown.answer = Some(words.to_owned());
            match settled {
                Settled::Delivered => {
                    shown.delivered += 1;
                    shown.alarms += u64::try_from(row.alarms).unwrap_or(0);
                    shown.becomes(EndpointCondition::Up, now);
                }
                Settled::Again(_) => {
                    shown.failed += 1;
                    shown.becomes(EndpointCondition::Retrying, now);
                }
                Settled::Dead => {
                    shown.failed += 1;
                    shown.dead += 1;
                    shown.becomes(EndpointCondition::Failing, now);
                }
            }
        });
    }
}

/// A message with its key.
fn message(
    endpoint: &str,
    seq: i64,
    city: &str,
    made_at: DateTime<Utc>,
    link: &str,
    content: Content,
) -> Message {
    let link = link.trim_end_matches('/');
    let link = (!link.is_empty()).then(|| match &content {
        Content::Alarm(told) => format!("{link}/alarms#{}", told.alarm),
        Content::Digest(_) | Content::Test => format!("{link}/alarms"),
    });
    Message {
        v: 1,
        id: format!("{endpoint}:{seq}"),
        endpoint: endpoint.to_owned(),
        city: city.to_owned(),
        made_at,
        link,
        content,
    }
}

/// A trial message to an endpoint.
pub fn trial(endpoint: &Endpoint, city: &str, now: DateTime<Utc>, link: &str) -> Message {
    let mut trial = message(&endpoint.name, 0, city, now, link, Content::Test);
    trial.id = format!("{}:test-{}", endpoint.name, now.timestamp_millis());
    trial
}
