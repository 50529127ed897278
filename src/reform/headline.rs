//! Keeps the headline indicators of the whole city current: after records changed, and each minute for
//! what the clock alone changes (overdue, due soon, a new day).
//!
//! From the store to the live view; also builds the [`Context`] once the registry is known, has the
//! accounting identities checked ([`super::books`]), and closes the periods that are due, beside all this:
//! a year takes many seconds. Evaluations follow each other no faster than [`PAUSE`], and what tells of the
//! books of all units only each minute; while the database is away the last values stay and grow old.

use std::{convert::Infallible, sync::Arc, time::Duration};

use chrono::NaiveDate;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Context, ReformError, books::Books, close, evaluate};
use crate::{
    indicator::{
        formula::{Formula, Hub, Variant, formula},
        period::{Length, Period},
        value::{Ask, Mode, Narrow, Split, Value},
    },
    live::reform::Headline,
    observe::Metrics,
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
    /// Values that are computed each minute only.
    of_minute: Vec<(String, Value)>,
    books: Books,
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
            of_minute: Vec::new(),
            books: Books::new(books, metrics),
            stop: stop.clone(),
        };
        (task, outlets)
    }

    /// Runs until the stop.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let stop = self.stop.clone();
        let (store, context) = (self.store.clone(), self.context.subscribe());
        // What a stop cuts short leaves nothing behind: values are sent whole, a closing is one transaction.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep_current() => {}
            () = close_daily(&store, context) => {}
        }
        Ok(())
    }

    async fn keep_current(&mut self) {
        let mut minute = interval(MINUTE);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_minute = tokio::select! {
                _ = minute.tick() => true,
                Ok(()) = self.records.changed() => false,
                Ok(()) = self.registry.changed() => { self.is_stale = true; false }
            };
            let again = Instant::now() + PAUSE;
            if let Err(error) = Box::pin(self.work(is_minute)).await {
                tracing::debug!(why = chain(&error), "the headline indicators wait");
            }
            sleep_until(again).await;
        }
    }

    async fn work(&mut self, is_minute: bool) -> Result<(), ReformError> {
        let Some(context) = self.context().await? else { return Ok(()) };
        self.records.mark_unchanged();
        let Self { store, books, headline, of_minute, .. } = &mut *self;
        let every_unit = is_minute || books.is_broken();
        // Side by side: neither is to wait for the other.
        let show = async {
            let at = context.now();
            let mut values = values_of(store, &context, false).await?;
            if is_minute || of_minute.is_empty() {
                *of_minute = values_of(store, &context, true).await?;
            }
            values.extend(of_minute.iter().cloned());
            headline.send_replace(Arc::new(Headline { at, values }));
            Ok(())
        };
        let (shown, checked) = tokio::join!(show, books.check(store, &context, every_unit));
        shown.and(checked)
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
}

/// The headline figures as the records have them now: those that are computed each minute, or the others.
async fn values_of(
    store: &Store,
    context: &Context,
    of_minute: bool,
) -> Result<Vec<(String, Value)>, ReformError> {
    let mut values = Vec::new();
    for length in LENGTHS {
        let Some(period) = Period::containing(length, context.today()) else { continue };
        let headlines = context.catalogue.iter().filter(|indicator| {
            indicator.headline && is_of_minute(context, period, &indicator.id) == of_minute
        });
        let ask = Ask {
            ids: headlines.map(|indicator| indicator.id.clone()).collect(),
            unit: None,
            period,
            split: Split::Total,
            mode: Mode::AsWas,
            narrow: Narrow::default(),
        };
        let answer = evaluate(store, context, &ask).await?;
        let main = answer.values.into_iter().filter(|value| value.part.is_none());
        let keyed = main.map(|value| (format!("{}/{}", value.id, length.as_str()), value));
        values.extend(keyed);
    }
    Ok(values)
}

/// Whether an indicator tells of the books of all units, which is more work than all others together.
fn is_of_minute(context: &Context, period: Period, id: &str) -> bool {
    let buckets = context.parameters.buckets(period.last_day());
    let formula = formula(id, Variant { buckets, is_running: true });
    matches!(formula, Some(Formula::Hub(Hub::Identities | Hub::Corrected)))
}

/// Closes the periods that are due, once a day; does not end.
async fn close_daily(store: &Store, context: watch::Receiver<Option<Arc<Context>>>) {
    let mut minute = interval(MINUTE);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut closed_until: Option<NaiveDate> = None;
    loop {
        minute.tick().await;
        let Some(context) = context.borrow().clone() else { continue };
        let today = context.today();
        if closed_until == Some(today) {
            continue;
        }
        match close::close_due(store, &context).await {
            Ok(_closed) => closed_until = Some(today),
            Err(error) => tracing::debug!(why = chain(&error), "the closing of periods waits"),
        }
    }
}
