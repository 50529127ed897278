//! Reads what indicators need and adds it up per subject.
//!
//! Sums come per unit code and per span without a change of the tree; here they meet the places that they
//! count for. All statements of an answer run side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{Days, NaiveDate, TimeDelta};
use futures_util::future::{try_join, try_join_all, try_join3, try_join4};

use super::{Frame, Keyed, needs::Needs};
use crate::{
    calendar::Calendar,
    day::midnight,
    indicator::{
        evaluate::Cards,
        exact::Milli,
        facts::{Facts, Formalities, Window},
        figure::{CityFigure, TO_DIGITISE, printed_documents},
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
    store::{
        Store, StoreError,
        measure::{Active, Reading, month_of, reading},
    },
};

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Facts by place and key.
    pub(super) facts: Keyed<Facts>,
    /// Received dossiers of units that are in no tree.
    pub(super) unmapped: i64,
    pub(super) offers: Arc<Offers>,
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
    let (sums, (open, seen), spread, gathered) = try_join4(
        read_sums(store, frame, questions(frame, needs)),
        try_join(read_open(store, frame, needs), read_seen(store, frame, needs)),
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
    for (noun, units) in &seen {
        for unit in units {
            gathered.each(frame, &frame.placing.at_end, unit, "", |facts| facts.note_seen(*noun));
        }
    }
    let (open, ages) = open;
    for (noun, rows) in &open {
        // What is open now says of a past period only what concerns it.
        let concerns = |row: &&OpenSums| row.dissatisfied != 0 || row.waiting_late != 0;
        for row in rows.iter().filter(|row| frame.is_running || concerns(row)) {
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
    gathered.add_touched(frame, needs, touched);
    gathered.add_since_printed(store, frame, needs).await?;
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
        change: impl FnMut(&mut Facts),
    ) {
        self.each_of(frame, frame.places_of(members, unit), key, change);
    }

    /// Changes the facts of places.
    fn each_of<'a>(
        &mut self,
        frame: &Frame<'_>,
        places: impl IntoIterator<Item = &'a usize>,
        key: &str,
        mut change: impl FnMut(&mut Facts),
    ) {
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

    fn add_touched(&mut self, frame: &Frame<'_>, needs: &Needs, touched: Vec<Touched<'_>>) {
        let mut known = Formalities::new(needs.touched.iter().copied().collect());
        let mut placed = Vec::new();
        for (members, active) in touched {
            let places: Vec<usize> =
                active.formalities().map(|formality| known.place(formality)).collect();
            placed.push((members, active.unit, active.mark, places));
        }
        let known = Arc::new(known);
        for (members, unit, mark, places) in placed {
            self.each(frame, members, &unit, "", |facts| facts.touch(&known, &places, mark));
        }
    }

    /// Adds sums since the printed number of documents, which each place may have of another day.
    async fn add_since_printed(
        &mut self,
        store: &Store,
        frame: &Frame<'_>,
        needs: &Needs,
    ) -> Result<(), StoreError> {
        let since = needs.sums.iter().filter(|(window, _)| *window == Window::SincePrinted);
        let measures: Vec<Measure> = since.map(|(_, measure)| *measure).collect();
        if measures.is_empty() {
            return Ok(());
        }
        let (members, to) = (&frame.placing.at_end, frame.span.to);
        let mut begins: BTreeMap<NaiveDate, BTreeSet<usize>> = BTreeMap::new();
        for place in 0..self.facts.len() {
            let counts = |unit: &str| !frame.is_keyed() && members.of(unit).places.contains(&place);
            let printed = printed_documents(&self.figures, counts, to);
            let from = printed.and_then(|printed| printed.day.succ_opt()).unwrap_or(Span::BEGIN);
            begins.entry(from).or_default().insert(place);
        }
        let (by, slice) = (frame.by(), frame.slice(members));
        for (from, places) in begins {
            for row in store.measures(&measures, Span { from, to }, &slice, by).await? {
                let who = &members.of(&row.unit).who;
                let all = frame.places_of(members, &row.unit).iter();
                self.each_of(
                    frame,
                    all.filter(|place| places.contains(place)),
                    &row.key,
                    |facts| {
                        facts.add(Window::SincePrinted, &measures, &row.values, who);
                    },
                );
            }
        }
        Ok(())
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
    pub(super) const fn is_keyed(&self) -> bool {
        matches!(self.split, Split::Key(_))
    }

    /// Places for which a unit's records count. Keyed answers have one place, and their rows name no unit.
    fn places_of<'b>(&self, members: &'b Members, unit: &str) -> &'b [usize] {
        if self.is_keyed() { &[0] } else { &members.of(unit).places }
    }

    /// Days of a window, each span with the members of its tree; none where each place has its own.
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
            Window::SincePrinted => Vec::new(),
        }
    }

    /// Days of a window until the end of the running period, or month, where nothing lies ahead of today:
    /// the sums are the same, and they stand ready for whole months and years.
    fn rounded(&self, window: Window, span: Span) -> Span {
        let is_until_today = span.to == self.span.to && self.is_running;
        let to = match window {
            _ if !is_until_today => span.to,
            Window::In => self.period.span().to,
            Window::Until => self.period.span().to.max(month_of(self.today).to),
            Window::Before | Window::Recent | Window::SincePrinted => span.to,
        };
        Span { from: span.from, to: to.max(span.to) }
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
        let soon = self.now + TimeDelta::days(soon);
        let end = midnight(self.span.to, self.context.zone).min(self.now);
        OpenBorders { now: self.now, soon, bands, span: self.span, end }
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
    type Key = (Window, Noun, Option<Dimension>, Reading);
    let mut groups: BTreeMap<Key, Vec<Measure>> = BTreeMap::new();
    for &(window, measure) in &needs.sums {
        let key = (window, measure.noun(), None, reading(measure));
        groups.entry(key).or_default().push(measure);
    }
    // A second key beside the asked one would be a third: keyed answers go without.
    for &(dimension, measure) in needs.split.iter().filter(|_| !frame.is_keyed()) {
        let key = (Window::In, measure.noun(), Some(dimension), reading(measure));
        groups.entry(key).or_default().push(measure);
    }
    let mut questions = Vec::new();
    for ((window, _, dimension, reading), measures) in groups {
        for (span, members) in frame.windows(window) {
            let span = if reading.may_lie_ahead { span } else { frame.rounded(window, span) };
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
        let rows = store.measures(measures, *span, &slice, by).await?;
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

/// Units that ever had a record, by noun.
async fn read_seen(
    store: &Store,
    frame: &Frame<'_>,
    needs: &Needs,
) -> Result<Vec<(Noun, Vec<String>)>, StoreError> {
    let slice = frame.slice(&frame.placing.at_end);
    let slice = &slice;
    // What lies ahead of the clock does not show itself here.
    let Span { to, .. } = frame.rounded(Window::Until, Span::until(frame.span.to));
    try_join_all(needs.seen.iter().map(|noun| async move {
        Ok::<_, StoreError>((*noun, store.seen(*noun, to, slice).await?))
    }))
    .await
}

type Spread<'a> = (Vec<(Ranked, &'a Members, Vec<Histogram>)>, Vec<Touched<'a>>);

/// Active formalities of a unit, with the tree that it stands in.
type Touched<'a> = (&'a Members, Active);

async fn read_spread<'a>(
    store: &Store,
    frame: &'a Frame<'_>,
    needs: &Needs,
) -> Result<Spread<'a>, StoreError> {
    let by = frame.by();
    let windows: Vec<(Span, &Members)> = frame
        .windows(Window::In)
        .into_iter()
        .map(|(span, members)| (frame.rounded(Window::In, span), members))
        .collect();
    let pairs = needs.ranked.iter().flat_map(|ranked| windows.iter().map(move |at| (*ranked, *at)));
    let histograms = try_join_all(pairs.map(|(ranked, (span, members))| async move {
        let slice = frame.slice(members);
        let rows = store.histograms(ranked, span, &slice, by).await?;
        Ok::<_, StoreError>((ranked, members, rows))
    }));
    let wanted: Vec<Measure> =
        needs.touched.iter().copied().filter(|_| !frame.is_keyed()).collect();
    let wanted = &wanted;
    let touched = async {
        let asked = try_join_all(windows.iter().map(|&(span, members)| async move {
            let slice = frame.slice(members);
            let active = store.active_formalities(wanted, span, &slice).await?;
            Ok::<_, StoreError>(active.into_iter().map(move |active| (members, active)))
        }));
        Ok(asked.await?.into_iter().flatten().collect())
    };
    try_join(histograms, touched).await
}

/// Reads what is no sum of measures.
async fn read_rest(
    store: &Store,
    frame: &Frame<'_>,
    needs: &Needs,
) -> Result<Gathered, StoreError> {
    let offers = async { if needs.offers { store.offers().await } else { Ok(Arc::default()) } };
    let figures = async {
        let (lasting, names): (Vec<&str>, Vec<&str>) =
            needs.figures.iter().partition(|name| **name == TO_DIGITISE);
        let days = Days::new(u64::from(frame.context.parameters.thresholds.stock_days));
        let Span { from, to } = frame.span;
        let from = to.checked_sub_days(days).map_or(from, |first| first.min(from));
        let mut figures = Vec::new();
        for (names, span) in [(names, Span { from, to }), (lasting, Span::until(to))] {
            if !names.is_empty() {
                figures.extend(store.city_figures(&names, span, frame.context.zone).await?);
            }
        }
        Ok(figures)
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
