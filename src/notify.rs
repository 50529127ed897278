//! Notifications: tells people and systems elsewhere about alarms, by webhook and e-mail.
//!
//! [`endpoint`] are the receivers, from `config/notifications.toml`: where, about what, when ([`shift`]) and
//! how often. One [`worker`] per endpoint follows `alarm_transition.seq` with a stored cursor; [`plan`] says,
//! purely, whether one alarm is told or many together; a [`message`] is stored with the cursor before the
//! first attempt, then sent by [`webhook`] or [`email`] until it is taken, refused or given up ([`send`]).
//! [`board`] shows how the endpoints do.
//!
//! Invariants: at least once, with a key (`ENDPOINT:SEQ`) and content that stay the same; what operators do
//! not see is never told; an endpoint that fails delays no other one and never the writer.

use std::{convert::Infallible, sync::Arc};

use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::{alarm::rule::Rules, clock::SharedClock, store::Store};

pub mod board;
pub mod email;
pub mod endpoint;
pub mod message;
pub mod plan;
pub mod send;
pub mod shift;
mod text;
pub mod webhook;
pub mod worker;

pub use board::Board;
pub use endpoint::{Endpoint, EndpointsError, Notifications};
pub use message::{Both, Content, Message, Texts, TextsOf};
pub use send::{Outcome, Sender};
pub use worker::{Timing, Worker};

/// What all workers share.
#[derive(Clone)]
pub struct Around {
    /// The database.
    pub store: Store,
    /// The hub's clock.
    pub clock: SharedClock,
    /// Zone of shifts and of times in e-mails.
    pub zone: Tz,
    /// Token of the city.
    pub city: String,
    /// Texts of the rules.
    pub texts: TextsOf,
    /// Where they show how they do.
    pub board: Arc<Board>,
    /// Their pauses.
    pub timing: Timing,
    /// Ends them.
    pub stop: CancellationToken,
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around").field("city", &self.city).finish_non_exhaustive()
    }
}

/// What the rules say to people.
pub fn texts_of(rules: &Arc<Rules>) -> TextsOf {
    let rules = Arc::clone(rules);
    Arc::new(move |code| {
        let (_, rule) = rules.get(code)?;
        let both = |vi: &str, en: &str| Both::new(vi, en);
        Some(Texts {
            name: both(&rule.vi.name, &rule.en.name),
            cause: both(&rule.vi.cause, &rule.en.cause),
            consequence: both(&rule.vi.consequence, &rule.en.consequence),
            action: both(&rule.vi.action, &rule.en.action),
            time_to_respond_s: rule.time_to_respond_s,
            unit_of_measure: rule.unit_of_measure.to_owned(),
        })
    })
}

/// Runs one endpoint until the stop.
pub async fn run(endpoint: Arc<Endpoint>, link: String, around: Around) -> Result<(), Infallible> {
    Worker::new(endpoint, link, around).run().await;
    Ok(())
}
