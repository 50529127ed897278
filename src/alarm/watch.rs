//! What no message tells, for the rules: detectors whose data is bad, speeds of corridors, the hub's own
//! parts, overdue tickets and dossiers, headline indicators.
//!
//! Each second what this process knows of itself, each minute what only the database knows. Figures that
//! are not known are not sent: then nothing changes.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::mqtt::BrokerState;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{Input, field::Field};
use crate::{
    clock::SharedClock,
    live::{Live, reform::Headline, traffic::PlaceTraffic},
    observe::Metrics,
    quality::standing::{self, Standings},
    registry::Registry,
    selfcheck::Agreement,
    spool::SpoolState,
    store::{Store, StoreError},
    writer::command::chain,
};

const SECOND: Duration = Duration::from_secs(1);
/// Time between two looks into the database.
const MINUTE: Duration = Duration::from_mins(1);
/// Time between two samples of the counters of messages.
const SAMPLE: Duration = Duration::from_secs(10);
/// Samples of five minutes.
const SAMPLES: usize = 31;
/// Fewest messages of which a share is told.
const MESSAGES_MIN: u64 = 100;

/// The task's ends.
#[derive(Debug)]
pub struct Watch {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// What is registered; null before the database was prepared, which is asked nothing until then.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// Folder of the spool, on the disk that is watched.
    pub folder: PathBuf,
    /// Connection with the broker.
    pub broker: watch::Receiver<BrokerState>,
    /// What waits on the disk.
    pub spool: watch::Receiver<SpoolState>,
    /// Whether rollups agree with their rows.
    pub rollup: watch::Receiver<Agreement>,
    /// Whether the accounting identities hold.
    pub books: watch::Receiver<Agreement>,
    /// Headline indicators.
    pub headline: watch::Receiver<Arc<Headline>>,
    /// Detectors whose data is bad.
    pub standings: watch::Receiver<Standings>,
    /// Speeds of corridors.
    pub live: Live,
    /// Free-flow speed by corridor, km/h.
    pub free_flow_kmh: HashMap<String, f64>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// To the writer.
    pub inputs: mpsc::Sender<Vec<Input>>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

fn figure(object: impl Into<Arc<str>>, field: Field, value: f64) -> Input {
    Input::Figure { object: object.into(), field, value: Some(value) }
}

fn flag(is_on: bool) -> f64 {
    f64::from(u8::from(is_on))
}

#[expect(clippy::cast_precision_loss, reason = "shares of bytes and messages")]
fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

impl Watch {
    /// Runs until the stop.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let mut seconds = interval(SECOND);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut sample_at, mut minute_at) = (Instant::now(), Instant::now());
        let mut samples: VecDeque<(u64, u64)> = VecDeque::new();
        let mut standings = Standings::default();
        let mut is_first = true;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = seconds.tick() => {}
            }
            let now = self.clock.now();
            let mut inputs = self.parts(now);
            inputs.extend(self.corridors());
            if self.standings.has_changed().unwrap_or(false) {
                let now = Arc::clone(&self.standings.borrow_and_update());
                inputs.extend(detectors(&standings, &now));
                inputs.extend(is_first.then_some(Input::DetectorsTold));
                (standings, is_first) = (now, false);
            }
            if Instant::now() >= sample_at {
                sample_at = Instant::now() + SAMPLE;
                inputs.extend(self.refused(&mut samples));
                inputs.extend(self.disk());
            }
            let is_prepared = self.registry.borrow().is_some();
            if is_prepared && Instant::now() >= minute_at {
                minute_at = Instant::now() + MINUTE;
                match self.overdue(now).await {
                    Ok(overdue) => inputs.extend(overdue),
                    Err(error) => tracing::debug!(why = chain(&error), "overdue records wait"),
                }
            }
            if self.headline.has_changed().unwrap_or(false) {
                inputs.extend(indicators(&self.headline.borrow_and_update()));
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                // The writer ends before this task only at the stop.
                _sent = self.inputs.send(inputs) => {}
            }
        }
    }

    fn parts(&self, now: DateTime<Utc>) -> Vec<Input> {
        let mut inputs = Vec::with_capacity(8);
        match &*self.broker.borrow() {
            BrokerState::Connected { .. } => {
                inputs.push(figure("hub:broker", Field::BrokerAway, flag(false)));
            }
            BrokerState::Disconnected { .. } => {
                inputs.push(figure("hub:broker", Field::BrokerAway, flag(true)));
            }
            BrokerState::Connecting => {}
        }
        {
            let state = self.spool.borrow();
            let filled = share(state.bytes, state.bytes_max);
            inputs.extend(filled.map(|share| figure("hub:spool", Field::SpoolShare, share)));
            inputs.push(figure("hub:spool", Field::SpoolTrouble, flag(state.trouble.is_some())));
            let lag = state.oldest.map_or(TimeDelta::zero(), |oldest| now - oldest);
            #[expect(clippy::cast_precision_loss, reason = "milliseconds that messages wait")]
            let lag_s = lag.num_milliseconds() as f64 / 1_000.0;
            inputs.push(figure("hub:database", Field::Lag, lag_s));
        }
        for (object, field, state) in [
            ("hub:rollup", Field::RollupDiffers, &self.rollup),
            ("hub:books", Field::BooksDiffer, &self.books),
        ] {
            match *state.borrow() {
                Agreement::Agrees => inputs.push(figure(object, field, flag(false))),
                Agreement::Differs => inputs.push(figure(object, field, flag(true))),
                Agreement::Unknown => {}
            }
        }
        inputs
    }

    fn corridors(&self) -> Vec<Input> {
        let told = |place: &PlaceTraffic| {
            let free_flow_kmh = self.free_flow_kmh.get(place.key.strip_prefix("corridor:")?)?;
            let share = place.speed_kmh? / free_flow_kmh.max(1.0);
            Some(figure(place.key.as_str(), Field::CorridorSpeedShare, share))
        };
        self.live.corridors().iter().filter_map(told).collect()
    }

    fn refused(&self, samples: &mut VecDeque<(u64, u64)>) -> Option<Input> {
        let metrics = &self.metrics;
        let refused = metrics.quarantined.get() + metrics.dropped.get();
        let newest = (metrics.received.get(), refused);
        samples.push_back(newest);
        while samples.len() > SAMPLES {
            samples.pop_front();
        }
        let (received_before, refused_before) = *samples.front()?;
        let received = newest.0 - received_before;
        let share = share(newest.1 - refused_before, received).filter(|_| received >= MESSAGES_MIN);
        share.map(|share| figure("hub:ingest", Field::RefusedShare, share))
    }

    fn disk(&self) -> Option<Input> {
        let found = rustix::fs::statvfs(&self.folder).ok()?;
        let free = share(found.f_bavail, found.f_blocks)?;
        Some(figure("hub:disk", Field::DiskFree, free))
    }

    async fn overdue(&self, now: DateTime<Utc>) -> Result<Vec<Input>, StoreError> {
        let overdue = self.store.overdue(now).await?;
        let mut inputs = Vec::with_capacity(overdue.len() + 2);
        for (object, field, is_dossier) in [
            ("hub:desk", Field::TicketsOverdue, false),
            ("hub:onestop", Field::DossiersOverdue, true),
        ] {
            let its = overdue.iter().filter(|one| one.is_dossier == is_dossier);
            #[expect(clippy::cast_precision_loss, reason = "a number of records")]
            let all = its.clone().map(|one| one.count).sum::<i64>() as f64;
            inputs.push(figure(object, field, all));
            for one in its {
                let Some(unit) = &one.unit else { continue };
                #[expect(clippy::cast_precision_loss, reason = "a number of records")]
                let count = one.count as f64;
                inputs.push(figure(format!("unit:{unit}"), field, count));
            }
        }
        Ok(inputs)
    }
}

/// Lanes and zones that failed, or did.
fn detectors(before: &Standings, now: &Standings) -> Vec<Input> {
    let changes = standing::changes(before, now).into_iter();
    let failed = changes.filter(|change| change.check.is_failure() && !change.place.is_empty());
    failed
        .map(|change| Input::Detector {
            source: change.source,
            place: (*change.place).into(),
            check: change.check.code().unwrap_or("quality").into(),
            bad: change.bad,
            since: change.since,
        })
        .collect()
}

fn indicators(headline: &Headline) -> Vec<Input> {
    let told = |(key, value): &(String, crate::indicator::value::Value)| {
        let number = value.value?;
        #[expect(clippy::cast_precision_loss, reason = "thousandths of an indicator")]
        let number = number.0 as f64 / 1_000.0;
        Some(figure(format!("indicator:{key}"), Field::IndicatorValue, number))
    };
    headline.values.iter().filter_map(told).collect()
}
