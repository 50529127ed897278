//! What the hub needs to do its work, and since when it has it or lacks it.
//!
//! The stages publish it on a watch channel; `/readyz` and the data-health page show it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// State of the parts that the hub depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The database answers.
    pub database: Component,
    /// The broker session is connected and subscribed.
    pub broker: Component,
    /// The writer commits.
    pub writer: Component,
    /// The spool could take what the database does not. Its lack alone makes nobody wait.
    pub spool: Component,
}

/// State of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Component {
    /// Whether it works.
    pub ready: bool,
    /// Why not, in words for the operator; null while it works.
    pub why: Option<String>,
    /// Since when it works or does not, hub clock.
    pub since: DateTime<Utc>,
}

impl Component {
    /// Works since `since`.
    pub const fn up(since: DateTime<Utc>) -> Self {
        Self { ready: true, why: None, since }
    }

    /// Does not work since `since`.
    pub fn down(since: DateTime<Utc>, why: impl Into<String>) -> Self {
        Self { ready: false, why: Some(why.into()), since }
    }
}

impl Readiness {
    /// Nothing has been reached yet.
    pub fn starting(now: DateTime<Utc>) -> Self {
        let down = Component::down(now, "starting");
        Self {
            database: down.clone(),
            broker: down.clone(),
            writer: down,
            spool: Component::up(now),
        }
    }

    /// Whether every part works that the hub needs now.
    pub const fn is_ready(&self) -> bool {
        self.database.ready && self.broker.ready && self.writer.ready
    }
}
