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
        period::{Length, Period},
        value::{Ask, Mode, Narrow, Split},
    },
    live::reform::Headline,
    observe::{IdentityLabel, Metrics},
    registry::Registry,
    selfcheck::Agreement,
    store::{Store, unit::UnitFilter},
    unit::Units,
    writer::command::chain,
};

/// Least time between two evaluations: half of what an event may take to the screen, less the work.
const PAUSE: Duration = Duration::from_millis(750);
/// Between two looks at what only the clock changes.
const MINUTE: Duration = Duration::from_mins(1);
/// Periods whose headline is shown.
const LENGTHS: [Length; 3] = [Length::Day, Length::Month, Length::Year];
/// Units of one reading.
const UNITS_MAX: i64 = 1_000_000;

/// What the task is connected to.
#[derive(Debug)]
pub struct HeadlineTask {
    /// The database.
    pub store: Store,
    /// What indicators are computed with; the trees of units are those of the city folder until the
    /// registry is known.
    pub base: Context,
    /// The registry; its change means that units may have changed.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// Grows with every commit that changed records.
    pub records: watch::Receiver<u64>,
    /// Tells what indicators are computed with, once it is known.
    pub context: watch::Sender<Option<Arc<Context>>>,
    /// To the live view.
    pub headline: watch::Sender<Arc<Headline>>,
    /// Whether the accounting identities hold.
    pub books: watch::Sender<Agreement>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl HeadlineTask {
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
                Ok(()) = self.registry.changed() => { self.context.send_replace(None); false }
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

    /// What indicators are computed with; none before the registry is known.
    async fn context(&self) -> Result<Option<Arc<Context>>, ReformError> {
        if let Some(context) = &*self.context.borrow() {
            return Ok(Some(Arc::clone(context)));
        }
        if self.registry.borrow().is_none() {
            return Ok(None);
        }
        let filter = UnitFilter { limit: UNITS_MAX, ..UnitFilter::default() };
        let units = Units::of_rows(&self.store.units(&filter).await?);
        let context = Arc::new(Context { units: Arc::new(units), ..self.base.clone() });
        self.context.send_replace(Some(Arc::clone(&context)));
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
        let agrees = if checked.iter().all(|one| one.holds()) {
            Agreement::Agrees
        } else {
            Agreement::Differs
        };
        self.books.send_replace(agrees);
        Ok(())
    }
}
