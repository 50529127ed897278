//! Every kind of question that indicators ask the store, over each kind of period.

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use ioc_hub::{
    indicator::measure::{By, Dimension, Measure, Noun, OpenBorders, Ranked, Slice, Span},
    store::{Store, measure::Page},
};

use super::{Asked, ask};

/// Asks the store.
pub(super) struct Asker<'a> {
    pub(super) store: &'a Store,
    pub(super) zone: Tz,
    pub(super) rounds: usize,
}

impl Asker<'_> {
    async fn ask(
        &self,
        name: impl Into<String>,
        once: impl AsyncFn() -> anyhow::Result<usize>,
    ) -> anyhow::Result<Asked> {
        ask(name, self.rounds, once).await
    }

    async fn sums(
        &self,
        name: &str,
        (measures, span, by): (&[Measure], Span, By),
        slice: &Slice,
    ) -> anyhow::Result<Asked> {
        let once = async || Ok(self.store.measures(measures, span, slice, by).await?.len());
        self.ask(format!("{name} ({} to {})", span.from, span.to), once).await
    }

    /// Every kind of question that one indicator of the whole tree asks, over each kind of period.
    pub(super) async fn questions(&self, last: NaiveDate) -> anyhow::Result<Vec<Asked>> {
        use Measure::{
            Early, HandlingKnown, HandlingMin, Late, OnDay, OverdueBegan, OverdueEnded, Received,
            Resolved, TicketHandled, TicketLate, TicketOnTime, TicketReceived,
        };
        let all = Slice::default();
        let of = |dimension| By { unit: true, dimension: Some(dimension) };
        let total = |dimension| By { unit: false, dimension: Some(dimension) };
        let mut asked = Vec::new();
        for span in periods(last) {
            for (name, measures, by) in [
                ("ratio per unit", [Early, OnDay, Late].as_slice(), By::UNIT),
                ("mean per unit", &[HandlingMin, HandlingKnown], By::UNIT),
                ("by channel", &[Received], of(Dimension::Channel)),
                ("by field", &[Received], total(Dimension::Field)),
                ("by formality", &[Received], total(Dimension::Formality)),
                ("tickets per unit", &[TicketHandled, TicketOnTime, TicketLate], By::UNIT),
                ("tickets by category", &[TicketReceived], of(Dimension::Category)),
            ] {
                asked.push(self.sums(name, (measures, span, by), &all).await?);
            }
            let quantiles = async || {
                let (ranked, by) = (Ranked::Handling, By::UNIT);
                Ok(self.store.histograms(ranked, span, &all, by).await?.len())
            };
            asked.push(
                self.ask(format!("quantiles ({} to {})", span.from, span.to), quantiles).await?,
            );
            let slice = Slice { formality: Some("1.000000".to_owned()), ..Slice::default() };
            asked.push(self.sums("one formality", (&[Received], span, By::UNIT), &slice).await?);
            let page = Page { after: None, limit: 100 };
            let records = async || {
                Ok(self.store.measured_records(Late, span, &all, &page, self.zone).await?.len())
            };
            asked.push(self.ask(format!("records ({} to {})", span.from, span.to), records).await?);
        }
        let until = Span::until(last);
        let open = [Received, Resolved, OverdueBegan, OverdueEnded];
        asked.push(self.sums("open at a past day", (&open, until, By::UNIT), &all).await?);
        asked.push(self.ask("open now", async || self.open(last).await).await?);
        Ok(asked)
    }

    async fn open(&self, last: NaiveDate) -> anyhow::Result<usize> {
        let now = last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(1);
        let back = |days| last - TimeDelta::days(days);
        let bands = [back(2), back(7), back(14), back(28)];
        let soon = now + TimeDelta::days(1);
        let span = Span { from: back(28), to: last };
        let borders = OpenBorders { now, soon, bands, span, end: now };
        Ok(self.store.open_now(Noun::Dossier, &borders, &Slice::default(), By::UNIT).await?.len())
    }
}

/// The last day, its week and the month, quarter, nine months and year that ended before or hold it.
fn periods(last: NaiveDate) -> Vec<Span> {
    let month = last.with_day(1).unwrap_or(last);
    let back =
        |day: NaiveDate, months| day.checked_sub_months(chrono::Months::new(months)).unwrap_or(day);
    let quarter = back(month, month.month0() % 3);
    let year = NaiveDate::from_yo_opt(last.year(), 1).unwrap_or(last);
    let next = NaiveDate::from_yo_opt(last.year() + 1, 1).unwrap_or(last);
    vec![
        Span { from: last, to: last + TimeDelta::days(1) },
        Span { from: last - TimeDelta::days(4), to: last + TimeDelta::days(3) },
        Span { from: back(month, 1), to: month },
        Span { from: back(quarter, 3), to: quarter },
        Span { from: back(year, 12), to: back(year, 3) },
        Span { from: year, to: next },
    ]
}
