//! Reads what indicators need and adds it up per subject.
//!
//! Sums come per unit code and per span without a change of the tree; here they meet the places that they
//! count for. All statements of an answer run side by side.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};
use futures_util::future::{try_join, try_join_all, try_join3, try_join4};

use super::{Frame, Keyed, needs::Needs};
use crate::{
    calendar::Calendar,
    indicator::{
        evaluate::Cards,
        exact::Milli,
        facts::{Facts, Window},
        figure::CityFigure,
        measure::{
            By, Dimension, Histogram, Measure, Noun, OpenBorders, OpenSums, Ranked, Slice, Span,
            Sums,
        },
        nine::{NINE, Overruled},
        period::Length,
        placing::Members,
        supply::Offers,
        value::Split,
    },
    store::{Store, StoreError},
};

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Facts by place and key.
    pub(super) facts: Keyed<Facts>,
    /// Received dossiers of units that are in no tree.
    pub(super) unmapped: i64,
    pub(super) offers: Offers,
    pub(super) figures: Vec<CityFigure>,
    pub(super) officials: BTreeMap<(String, String), Milli>,
    pub(super) rulings: BTreeMap<String, [Option<Overruled>; NINE]>,
}

/// One statement over measures: which, over which days, whose, and by which second key.
struct Question<'a> {
    window: Window,
    span: Span,
    members: &'a Members,
    measures: Vec<Measure>,
    dimension: Option<Dimension>,
}

/// Reads all needs.
pub(super) async fn gather(
    store: &Store,
    frame: &Frame<'_>,
    needs: &Needs,
) -> Result<Gathered, StoreError> {
    let (sums, open, spread, gathered) = try_join4(
        read_sums(store, frame, questions(frame, needs)),
        read_open(store, frame, needs),
        read_spread(store, frame, needs),
        read_rest(store, frame, needs),
    )
    .await?;
    let places = frame.placing.places.iter();
    let facts = places.map(|_| BTreeMap::new()).collect();
    let mut gathered = Gathered { facts, ..gathered };
    for (question, rows) in &sums {
        gathered.add_sums(frame, question, rows);
    }
    let (open, ages) = open;
    for (noun, rows) in &open {
        for row in rows {
            gathered.each(frame, &frame.placing.at_end, &row.unit, &row.key, |facts| {
                facts.add_open(*noun, row);
            });
        }
    }
    gathered.add_ages(frame, &ages);
    let (histograms, touched) = spread;
    for (ranked, members, rows) in &histograms {
        for row in rows {
            gathered.each(frame, members, &row.unit, &row.key, |facts| {
                facts.add_ranked(*ranked, &row.counts);
            });
        }
    }
    for (measure, members, units) in &touched {
        for (unit, formalities) in units {
            gathered.each(frame, members, unit, "", |facts| {
                for formality in formalities {
                    facts.touch(formality, *measure);
                }
            });
        }
    }
    if !frame.is_keyed() {
        for keys in &mut gathered.facts {
            keys.entry(String::new()).or_insert_with(|| Facts::new(frame.is_running));
        }
    }
    Ok(gathered)
}

impl Gathered {
    /// A place for the scorecards of each subject.
    pub(super) fn empty_cards(&self) -> Keyed<Cards> {
        let keys = self.facts.iter();
        keys.map(|keys| keys.keys().map(|key| (key.clone(), Cards::default())).collect()).collect()
    }

    /// Changes the facts of every subject for which a unit's records count.
    fn each(
        &mut self,
        frame: &Frame<'_>,
        members: &Members,
        unit: &str,
        key: &str,
        mut change: impl FnMut(&mut Facts),
    ) {
        // Keyed answers have one place, and their rows name no unit.
        let own = [0];
        let places: &[usize] = if frame.is_keyed() { &own } else { &members.of(unit).places };
        let key = if frame.is_keyed() { key } else { "" };
        for place in places {
            let Some(keys) = self.facts.get_mut(*place) else { continue };
            if !keys.contains_key(key) {
                keys.insert(key.to_owned(), Facts::new(frame.is_running));
            }
            keys.get_mut(key).into_iter().for_each(&mut change);
        }
    }

    fn add_sums(&mut self, frame: &Frame<'_>, question: &Question<'_>, rows: &[Sums]) {
        let Question { window, members, measures, dimension, .. } = question;
        let received = measures.iter().position(|measure| *measure == Measure::Received);
        for row in rows {
            let who = &members.of(&row.unit).who;
            self.each(frame, members, &row.unit, &row.key, |facts| match dimension {
                None => facts.add(*window, measures, &row.values, who),
                Some(dimension) => {
                    for (measure, value) in measures.iter().zip(&row.values) {
                        facts.add_split(*measure, *dimension, &row.key, *value);
                    }
                }
            });
            if *window == Window::In && dimension.is_none() && !members.names(&row.unit) {
                let value = received.and_then(|at| row.values.get(at));
                self.unmapped += value.copied().unwrap_or(0);
            }
        }
    }

    fn add_ages(&mut self, frame: &Frame<'_>, rows: &[(String, NaiveDate, i64)]) {
        let calendar = &frame.context.calendar;
        for (unit, day, count) in rows {
            // Where the calendar does not reach there is no age, and the figure says so.
            let Ok(age) = calendar.working_days_between(*day, frame.today) else { continue };
            self.each(frame, &frame.placing.at_end, unit, "", |facts| {
                (0..*count).for_each(|_| facts.add_age(age));
            });
        }
    }
}

impl Frame<'_> {
    const fn is_keyed(&self) -> bool {
        matches!(self.split, Split::Key(_))
    }

    /// Days of a window, each span with the members of its tree.
    fn windows(&self, window: Window) -> Vec<(Span, &Members)> {
        let Span { from, to } = self.span;
        match window {
            Window::In => self.placing.eras.iter().map(|(span, who)| (*span, who)).collect(),
            Window::Before => vec![(Span::until(from), &self.placing.at_begin)],
            Window::Until => vec![(Span::until(to), &self.placing.at_end)],
            Window::Recent => {
                let days = self.context.parameters.thresholds.digitise_rate_working_days;
                let from = days_back(&self.context.calendar, to, days);
                vec![(Span { from, to }, &self.placing.at_end)]
            }
        }
    }

    /// Which records of these units count.
    fn slice(&self, members: &Members) -> Slice {
        Slice {
            units: members.codes(),
            formality: self.narrow.formality.clone(),
            field: self.narrow.field.clone(),
            channel: self.narrow.channel.clone(),
            category: self.narrow.category.clone(),
        }
    }

    /// How a statement is keyed when it has no key of its own.
    const fn by(&self) -> By {
        match self.split {
            Split::Key(dimension) => By { unit: false, dimension: Some(dimension) },
            Split::Total | Split::Children | Split::All => By::UNIT,
        }
    }

    /// Borders of what is open now. Where the calendar does not reach nothing is due soon and everything is
    /// young; such figures are marked.
    pub(super) fn borders(&self) -> OpenBorders {
        let calendar = &self.context.calendar;
        let n = self.context.parameters.thresholds.due_soon_working_days;
        let soon = calendar.add_working_days(self.today, n);
        let soon = soon.map_or(0, |day| (day - self.today).num_days());
        // First days of receipt whose age today is at most 2, 5, 10 and 20 working days.
        let bands = [2, 5, 10, 20].map(|age| first_day_of_age(calendar, self.today, age));
        OpenBorders { now: self.now, soon: self.now + TimeDelta::days(soon), bands }
    }
}

/// The first day of receipt from which on a record is at most `age` working days old today.
fn first_day_of_age(calendar: &Calendar, today: NaiveDate, age: i64) -> NaiveDate {
    let mut first = today;
    while let Some(before) = first.pred_opt() {
        match calendar.working_days_between(before, today) {
            Ok(days) if days <= age => first = before,
            Ok(_) | Err(_) => break,
        }
    }
    first
}

/// The first of the latest `n` working days before `to`; where the calendar does not reach, of days.
fn days_back(calendar: &Calendar, to: NaiveDate, n: u32) -> NaiveDate {
    let mut day = to;
    let mut left = n;
    while left > 0 {
        let Some(before) = day.pred_opt() else { return day };
        day = before;
        match calendar.is_working(day) {
            Ok(is_working) => left -= u32::from(is_working),
            Err(_) => return to.checked_sub_days(Days::new(u64::from(n))).unwrap_or(to),
        }
    }
    day
}

/// The statements for sums, and for sums by a second key.
fn questions<'a>(frame: &'a Frame<'_>, needs: &Needs) -> Vec<Question<'a>> {
    let mut groups: BTreeMap<(Window, Noun, Option<Dimension>), Vec<Measure>> = BTreeMap::new();
    for &(window, measure) in &needs.sums {
        groups.entry((window, measure.noun(), None)).or_default().push(measure);
    }
    // A second key beside the asked one would be a third: keyed answers go without.
    for &(dimension, measure) in needs.split.iter().filter(|_| !frame.is_keyed()) {
        let key = (Window::In, measure.noun(), Some(dimension));
        groups.entry(key).or_default().push(measure);
    }
    let mut questions = Vec::new();
    for ((window, _, dimension), measures) in groups {
        for (span, members) in frame.windows(window) {
            let measures = measures.clone();
            questions.push(Question { window, span, members, measures, dimension });
        }
    }
    questions
}

async fn read_sums<'a>(
    store: &Store,
    frame: &Frame<'_>,
    questions: Vec<Question<'a>>,
) -> Result<Vec<(Question<'a>, Vec<Sums>)>, StoreError> {
    try_join_all(questions.into_iter().map(|question| async move {
        let by = match question.dimension {
            None => frame.by(),
            Some(dimension) => By { unit: true, dimension: Some(dimension) },
        };
        let slice = frame.slice(question.members);
        let Question { span, measures, .. } = &question;
        let rows = store.measures(measures, *span, &slice, by, frame.context.zone).await?;
        Ok((question, rows))
    }))
    .await
}

type Open = (Vec<(Noun, Vec<OpenSums>)>, Vec<(String, NaiveDate, i64)>);

async fn read_open(store: &Store, frame: &Frame<'_>, needs: &Needs) -> Result<Open, StoreError> {
    let members = &frame.placing.at_end;
    let (borders, slice, by) = (frame.borders(), frame.slice(members), frame.by());
    let (borders, slice) = (&borders, &slice);
    let open = try_join_all(needs.open.iter().map(|noun| async move {
        let rows = store.open_now(*noun, borders, slice, by).await?;
        Ok::<_, StoreError>((*noun, rows))
    }));
    let ages = async {
        if needs.ages && frame.is_running && !frame.is_keyed() {
            store.open_days(Noun::Ticket, slice).await
        } else {
            Ok(Vec::new())
        }
    };
    try_join(open, ages).await
}

type Spread<'a> = (
    Vec<(Ranked, &'a Members, Vec<Histogram>)>,
    Vec<(Measure, &'a Members, BTreeMap<String, Vec<String>>)>,
);

async fn read_spread<'a>(
    store: &Store,
    frame: &'a Frame<'_>,
    needs: &Needs,
) -> Result<Spread<'a>, StoreError> {
    let (by, zone) = (frame.by(), frame.context.zone);
    let windows = frame.windows(Window::In);
    let pairs = needs.ranked.iter().flat_map(|ranked| windows.iter().map(move |at| (*ranked, *at)));
    let histograms = try_join_all(pairs.map(|(ranked, (span, members))| async move {
        let slice = frame.slice(members);
        let rows = store.histograms(ranked, span, &slice, by, zone).await?;
        Ok::<_, StoreError>((ranked, members, rows))
    }));
    let touched = needs.touched.iter().filter(|_| !frame.is_keyed());
    let pairs = touched.flat_map(|measure| windows.iter().map(move |at| (*measure, *at)));
    let touched = try_join_all(pairs.map(|(measure, (span, members))| async move {
        let slice = frame.slice(members);
        let units = store.active_formalities(measure, span, &slice, zone).await?;
        Ok::<_, StoreError>((measure, members, units))
    }));
    try_join(histograms, touched).await
}

/// Reads what is no sum of measures.
async fn read_rest(
    store: &Store,
    frame: &Frame<'_>,
    needs: &Needs,
) -> Result<Gathered, StoreError> {
    let offers = async { if needs.offers { store.offers().await } else { Ok(Offers::default()) } };
    let figures = async {
        if needs.figures.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = needs.figures.iter().copied().collect();
        let days = Days::new(u64::from(frame.context.parameters.thresholds.stock_days));
        let Span { from, to } = frame.span;
        let from = to.checked_sub_days(days).map_or(from, |first| first.min(from));
        store.city_figures(&names, Span { from, to }, frame.context.zone).await
    };
    let scores = async {
        let officials = async {
            if needs.officials {
                store.official_scores(&frame.period.to_string()).await
            } else {
                Ok(BTreeMap::new())
            }
        };
        let rulings = async {
            if needs.rulings && frame.period.length() == Length::Quarter {
                store.rulings(frame.period.span().from).await
            } else {
                Ok(BTreeMap::new())
            }
        };
        try_join(officials, rulings).await
    };
    let (offers, figures, (officials, rulings)) = try_join3(offers, figures, scores).await?;
    Ok(Gathered { offers, figures, officials, rulings, ..Gathered::default() })
}
