//! Keeps the headline indicators of the whole city current: after records changed, and each minute for
//! what the clock alone changes (overdue, due soon, a new day).
//!
//! From the store to the live view; also builds the [`Context`] once the registry is known, closes the
//! periods that are due, and checks the accounting identities. Evaluations follow each other no faster
//! than [`PAUSE`]; while the database is away the last values stay and grow old.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use chrono::NaiveDate;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Context, ReformError, close, evaluate, identities};
use crate::{
    indicator::{
        identity::Checked,
        period::{Length, Period},
        value::{Ask, Mode, Narrow, Split},
    },
    live::reform::Headline,
    observe::{IdentityLabel, Metrics},
    registry::Registry,
    selfcheck::Agreement,
    store::Store,
    writer::command::chain,
};

/// Least time between two evaluations: half of what an event may take to the screen, less the work.
const PAUSE: Duration = Duration::from_millis(750);
/// Between two looks at what only the clock changes.
const MINUTE: Duration = Duration::from_mins(1);
/// Periods whose headline is shown.
const LENGTHS: [Length; 3] = [Length::Day, Length::Month, Length::Year];

/// What the task tells, and how it is told of work.
#[derive(Debug)]
pub struct Outlets {
    /// To grow with every commit that changed records.
    pub records: watch::Sender<u64>,
    /// What indicators are computed with; none before the registry is known.
    pub context: watch::Receiver<Option<Arc<Context>>>,
    /// For the live view.
    pub headline: watch::Receiver<Arc<Headline>>,
    /// Whether the accounting identities hold.
    pub books: watch::Receiver<Agreement>,
}

/// The task.
#[derive(Debug)]
pub struct HeadlineTask {
    store: Store,
    base: Context,
    registry: watch::Receiver<Option<Arc<Registry>>>,
    records: watch::Receiver<u64>,
    context: watch::Sender<Option<Arc<Context>>>,
    /// Whether the registry changed since the context was made.
    is_stale: bool,
    headline: watch::Sender<Arc<Headline>>,
    books: watch::Sender<Agreement>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

impl HeadlineTask {
    /// A task and its outlets. The trees of units in `base` are those of the city folder; the registry's
    /// own take their place once it is known.
    pub fn new(
        store: &Store,
        base: Context,
        registry: watch::Receiver<Option<Arc<Registry>>>,
        metrics: &Arc<Metrics>,
        stop: &CancellationToken,
    ) -> (Self, Outlets) {
        let (records_changed, records) = watch::channel(0);
        let (context, context_seen) = watch::channel(None);
        let (headline, headline_seen) = watch::channel(Arc::default());
        let (books, books_seen) = watch::channel(Agreement::Unknown);
        let outlets = Outlets {
            records: records_changed,
            context: context_seen,
            headline: headline_seen,
            books: books_seen,
        };
        let task = Self {
            store: store.clone(),
            base,
            registry,
            records,
            context,
            is_stale: false,
            headline,
            books,
            metrics: Arc::clone(metrics),
            stop: stop.clone(),
        };
        (task, outlets)
    }

    /// Runs until the stop.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let mut minute = interval(MINUTE);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed_until: Option<NaiveDate> = None;
        loop {
            let is_minute = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = minute.tick() => true,
                Ok(()) = self.records.changed() => false,
                Ok(()) = self.registry.changed() => { self.is_stale = true; false }
            };
            let again = Instant::now() + PAUSE;
            if let Err(error) = self.work(is_minute, &mut closed_until).await {
                tracing::debug!(why = chain(&error), "the headline indicators wait");
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = sleep_until(again) => {}
            }
        }
    }

    async fn work(
        &mut self,
        is_minute: bool,
        closed_until: &mut Option<NaiveDate>,
    ) -> Result<(), ReformError> {
        let Some(context) = self.context().await? else { return Ok(()) };
        self.records.mark_unchanged();
        self.evaluate(&context).await?;
        if is_minute {
            self.check_books(&context).await?;
            let today = context.today();
            if *closed_until != Some(today) {
                close::close_due(&self.store, &context).await?;
                *closed_until = Some(today);
            }
        }
        Ok(())
    }

    /// What indicators are computed with; none before the registry is known. Until a changed registry is
    /// read, the trees before it stand.
    async fn context(&mut self) -> Result<Option<Arc<Context>>, ReformError> {
        if self.registry.borrow().is_none() {
            return Ok(None);
        }
        let known = self.context.borrow().clone();
        if known.is_some() && !self.is_stale {
            return Ok(known);
        }
        let units = self.store.unit_trees().await?;
        let context = Arc::new(Context { units: Arc::new(units), ..self.base.clone() });
        self.context.send_replace(Some(Arc::clone(&context)));
        self.is_stale = false;
        Ok(Some(context))
    }

    async fn evaluate(&self, context: &Context) -> Result<(), ReformError> {
        let mut headline = Headline { at: context.now(), values: Vec::new() };
        let headlines = context.catalogue.iter().filter(|indicator| indicator.headline);
        let ids: Vec<String> = headlines.map(|indicator| indicator.id.clone()).collect();
        for length in LENGTHS {
            let Some(period) = Period::containing(length, context.today()) else { continue };
            let ask = Ask {
                ids: ids.clone(),
                unit: None,
                period,
                split: Split::Total,
                mode: Mode::AsWas,
                narrow: Narrow::default(),
            };
            let answer = evaluate(&self.store, context, &ask).await?;
            let main = answer.values.into_iter().filter(|value| value.part.is_none());
            let keyed = main.map(|value| (format!("{}/{}", value.id, length.as_str()), value));
            headline.values.extend(keyed);
        }
        self.headline.send_replace(Arc::new(headline));
        Ok(())
    }

    /// Checks the accounting identities of the running month, and tells each that is broken once.
    async fn check_books(&self, context: &Context) -> Result<(), ReformError> {
        let Some(month) = Period::containing(Length::Month, context.today()) else { return Ok(()) };
        let checked = identities(&self.store, context, month, None).await?;
        let mut broken: BTreeMap<&str, i64> = BTreeMap::new();
        for one in &checked {
            let count = broken.entry(&one.identity).or_default();
            if !one.holds() {
                *count += 1;
                let (identity, unit, period) = (&one.identity, &one.unit, &one.period);
                let (left, right) = (one.left, one.right);
                tracing::warn!(%identity, %unit, %period, left, right, "an accounting identity is broken");
            }
        }
        for (identity, count) in &broken {
            let label = IdentityLabel { identity: (*identity).to_owned() };
            self.metrics.identities_broken.get_or_create(&label).set(*count);
        }
        let agrees =
            if checked.iter().all(Checked::holds) { Agreement::Agrees } else { Agreement::Differs };
        self.books.send_replace(agrees);
        Ok(())
    }
}
