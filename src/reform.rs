//! Administrative reform and the service desk: reads sums from the store and has indicators computed.
//!
//! From the store, the trees of units, the calendar, the catalogue and the parameters; to the API, the live
//! topic and the closing of periods. Formulas are pure and stand in `indicator`. What is open counts at the
//! clock's instant in the running period, and at its end in a past one.
//!
//! A closed period keeps what was published; a later answer gives both. Days are civil days of the city.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::{
    calendar::Calendar,
    clock::SharedClock,
    indicator::{
        catalogue::{Catalogue, Indicator},
        decision766::DecisionCard,
        evaluate::{self, Cards, Figure, HubFacts, Inputs, Subject},
        identity::{self, Checked},
        law::Parameters,
        measure::{Dimension, Span},
        nine::NineCard,
        period::{Length, Period},
        placing::{NoUnit, Placing},
        supply::Asked,
        value::{Answer, Ask, Mode, Narrow, PeriodStatement, Published, Split, Value, Versions},
    },
    store::{Store, StoreError},
    unit::Units,
};

pub mod behind;
mod books;
pub mod close;
mod gather;
pub mod headline;
pub mod listed;
mod needs;

use gather::Gathered;
use needs::Needs;

/// What indicators are computed with.
#[derive(Debug, Clone)]
pub struct Context {
    /// Trees of units.
    pub units: Arc<Units>,
    /// Calendar.
    pub calendar: Arc<Calendar>,
    /// Catalogue of indicators.
    pub catalogue: Arc<Catalogue>,
    /// Laws, bands and thresholds.
    pub parameters: Arc<Parameters>,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Clock.
    pub clock: SharedClock,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReformError {
    /// The store failed.
    #[error("read the figures of indicators")]
    Store(#[from] StoreError),
    /// There was no such unit in the period.
    #[error(transparent)]
    Unit(#[from] NoUnit),
    /// The catalogue has no such indicator.
    #[error("there is no indicator {id:?}")]
    NoIndicator {
        /// Id.
        id: String,
    },
    /// The indicator does not have this dimension.
    #[error("indicator {id} cannot be asked by {dimension}")]
    NoDimension {
        /// Id.
        id: String,
        /// Dimension.
        dimension: &'static str,
    },
    /// No law is valid on the last day of the period, or there is no such version.
    #[error("no law for {what} in {period}")]
    NoLaw {
        /// What.
        what: &'static str,
        /// Period.
        period: Period,
    },
    /// The nine indicators are assessed by quarter.
    #[error("{0} is shorter than a quarter, by which the nine indicators are assessed")]
    TooShort(Period),
    /// The period is not over, or its length is not closed.
    #[error("{0} cannot be closed: it is not over, or shorter than a month")]
    NotOver(Period),
    /// A score must lie between 0 and the most points of the law, for one of nine indicators of a quarter.
    #[error("a ruling is on one of nine indicators, in one quarter, from 0 to 2 points")]
    Ruling,
}

impl ReformError {
    /// Whether who asked can do something about it.
    pub const fn is_callers_fault(&self) -> bool {
        !matches!(self, Self::Store(_))
    }
}

impl Context {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The civil day of now.
    pub fn today(&self) -> NaiveDate {
        self.now().with_timezone(&self.zone).date_naive()
    }

    /// Versions of what values are computed by.
    pub fn versions(&self) -> Versions {
        Versions {
            indicators: self.catalogue.version.clone(),
            parameters: self.parameters.version.clone(),
            calendar: self.calendar.version().to_owned(),
            units: self.units.version().to_owned(),
        }
    }
}

/// Everything about an answer but its values.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    context: &'a Context,
    period: Period,
    /// The period until today.
    span: Span,
    now: DateTime<Utc>,
    today: NaiveDate,
    is_running: bool,
    placing: Placing,
    split: Split,
    narrow: &'a Narrow,
    law: Option<&'a str>,
}

impl<'a> Frame<'a> {
    fn new(context: &'a Context, ask: &'a Ask, law: Option<&'a str>) -> Result<Self, ReformError> {
        let (now, today) = (context.now(), context.today());
        let Span { from, to } = ask.period.span();
        let tomorrow = today.succ_opt().unwrap_or(today);
        let span = Span { from, to: to.min(tomorrow).max(from) };
        let unit = ask.unit.as_deref();
        let placing = Placing::new(&context.units, unit, span, ask.mode, ask.split, today)?;
        Ok(Self {
            context,
            period: ask.period,
            span,
            now,
            today,
            is_running: ask.period.holds(today),
            placing,
            split: ask.split,
            narrow: &ask.narrow,
            law,
        })
    }

    fn variant(&self) -> crate::indicator::formula::Variant<'_> {
        crate::indicator::formula::Variant {
            buckets: self.context.parameters.buckets(self.period.last_day()),
            is_running: self.is_running,
        }
    }

    fn decision_law(&self) -> Option<&crate::indicator::law::DecisionLaw> {
        self.context.parameters.decision766(self.period.last_day(), self.law)
    }

    /// Which of the offers count.
    fn asked(&self) -> Asked<'_> {
        Asked {
            span: self.span,
            day: evaluate::last_day(self.span),
            field: self.narrow.field.as_deref(),
            formality: self.narrow.formality.as_deref(),
            law: self.decision_law(),
        }
    }

    fn inputs<'b>(&'b self, gathered: &'b Gathered, hub: &'b HubFacts) -> Inputs<'b> {
        Inputs {
            parameters: &self.context.parameters,
            variant: self.variant(),
            calendar: &self.context.calendar,
            span: self.span,
            law: self.decision_law(),
            offered: gathered.offers.by_unit(self.asked()),
            figures: &gathered.figures,
            officials: &gathered.officials,
            rulings: &gathered.rulings,
            hub,
            narrow: self.narrow,
        }
    }

    /// Every subject: places in their order, and the keys of each.
    fn subjects<'b>(
        &'b self,
        gathered: &'b Gathered,
        cards: &'b [BTreeMap<String, Cards>],
    ) -> impl Iterator<Item = Subject<'b>> {
        let places = self.placing.places.iter().enumerate().zip(&gathered.facts).zip(cards);
        let is_keyed = matches!(self.split, Split::Key(_));
        places.flat_map(move |(((index, place), keys), cards)| {
            keys.iter().zip(cards.values()).map(move |((key, facts), cards)| Subject {
                place,
                index,
                members: &self.placing.at_end,
                facts,
                key: is_keyed.then_some(key.as_str()),
                unmapped: gathered.unmapped,
                cards,
            })
        })
    }
}

/// Values of indicators.
///
/// # Errors
/// See [`ReformError`].
pub async fn evaluate(store: &Store, context: &Context, ask: &Ask) -> Result<Answer, ReformError> {
    let indicators = chosen(context, ask)?;
    let frame = Frame::new(context, ask, None)?;
    let needs = Needs::of_indicators(&indicators, &frame);
    let gathered = gather::gather(store, &frame, &needs).await?;
    let hub = hub_facts(store, context, ask, &needs).await?;
    let mut values = values(&indicators, &frame, &gathered, &hub);
    let closed_at = store.closed_at(&ask.period.to_string()).await?;
    if let Some(closed_at) = closed_at
        && ask.mode == Mode::AsWas
        && ask.narrow.is_none()
        && !matches!(ask.split, Split::Key(_))
    {
        add_published(store, &frame, &ask.ids, closed_at, &mut values).await?;
    }
    let Span { from, to } = ask.period.span();
    let id = ask.period.to_string();
    let period = PeriodStatement { id, from, to, is_closed: closed_at.is_some() };
    Ok(Answer { period, cut_off: frame.now, versions: context.versions(), values })
}

fn values(
    indicators: &[&Indicator],
    frame: &Frame<'_>,
    gathered: &Gathered,
    hub: &HubFacts,
) -> Vec<Value> {
    let inputs = frame.inputs(gathered, hub);
    let cards = gathered.empty_cards();
    let mut values = Vec::new();
    for indicator in indicators {
        for subject in frame.subjects(gathered, &cards) {
            let figures = evaluate::figures(indicator, subject, &inputs).into_iter();
            values.extend(figures.map(|figure| value(indicator, subject, frame, figure)));
        }
    }
    values
}

/// The asked indicators, which must have the dimensions by which they are asked.
fn chosen<'a>(context: &'a Context, ask: &Ask) -> Result<Vec<&'a Indicator>, ReformError> {
    let by = match ask.split {
        Split::Key(dimension) => dimension_word(dimension),
        Split::Total | Split::Children | Split::All => None,
    };
    let narrow = &ask.narrow;
    let asked = [
        (by, true),
        (Some("formality"), narrow.formality.is_some()),
        (Some("field"), narrow.field.is_some()),
        (Some("channel"), narrow.channel.is_some()),
        (Some("category"), narrow.category.is_some()),
    ];
    let dimensions: BTreeSet<&'static str> =
        asked.iter().filter(|(_, is_asked)| *is_asked).filter_map(|(word, _)| *word).collect();
    let mut indicators = Vec::with_capacity(ask.ids.len());
    for id in &ask.ids {
        let indicator =
            context.catalogue.get(id).ok_or_else(|| ReformError::NoIndicator { id: id.clone() })?;
        let lacks = |word: &&&'static str| !indicator.dimensions.iter().any(|has| has == **word);
        if let Some(dimension) = dimensions.iter().find(lacks) {
            return Err(ReformError::NoDimension { id: id.clone(), dimension });
        }
        indicators.push(indicator);
    }
    Ok(indicators)
}

/// The word of a dimension in the catalogue; none for those of time, which every indicator has.
const fn dimension_word(dimension: Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::Channel => Some("channel"),
        Dimension::Field => Some("field"),
        Dimension::Formality => Some("formality"),
        Dimension::Category | Dimension::Kind => Some("category"),
        Dimension::Month | Dimension::Day => None,
    }
}

fn value(indicator: &Indicator, subject: Subject<'_>, frame: &Frame<'_>, figure: Figure) -> Value {
    let Figure { part, value, numerator, denominator, word, bound, status } = figure;
    let variant = frame.variant();
    let noun = crate::indicator::formula::formula(&indicator.id, variant).and_then(|it| it.noun());
    let reporting = noun.filter(|_| subject.key.is_none() && subject.place.key.is_none());
    let completeness = reporting
        .and_then(|noun| frame.placing.reporting(subject.index, subject.facts.reporting(noun)));
    Value {
        id: indicator.id.clone(),
        unit: subject.place.code.clone(),
        unit_name: subject.place.name.clone(),
        key: subject.key.or(subject.place.key).map(str::to_owned),
        part: (!part.is_empty()).then_some(part),
        value,
        numerator,
        denominator,
        word,
        bound,
        completeness,
        status,
        as_published: None,
    }
}

/// Puts what was published beside what the records say now.
async fn add_published(
    store: &Store,
    frame: &Frame<'_>,
    ids: &[String],
    closed_at: DateTime<Utc>,
    values: &mut [Value],
) -> Result<(), ReformError> {
    let published = store.published(&frame.period.to_string(), Some(ids)).await?;
    for value in values {
        let key = close::key_of(value, frame);
        let found = published.get(&[value.id.clone(), value.unit.clone(), key]);
        // What was not published had no value when the period was closed.
        value.as_published = Some(Published { value: found.copied().flatten(), closed_at });
    }
    Ok(())
}

/// The scorecards of the nine indicators of a unit and of every unit below it.
///
/// # Errors
/// The period is shorter than a quarter, no law is valid in it, and see [`ReformError`].
pub async fn scorecard_nine(
    store: &Store,
    context: &Context,
    period: Period,
    unit: Option<&str>,
    mode: Mode,
) -> Result<Vec<NineCard>, ReformError> {
    if matches!(period.length(), Length::Day | Length::Week | Length::Month) {
        return Err(ReformError::TooShort(period));
    }
    if context.parameters.nine(period.last_day()).is_none() {
        return Err(ReformError::NoLaw { what: "the nine indicators", period });
    }
    let ask = card_ask(period, unit, mode);
    let frame = Frame::new(context, &ask, None)?;
    let gathered = gather::gather(store, &frame, &Needs::of_nine(&frame)).await?;
    let hub = HubFacts::default();
    let inputs = frame.inputs(&gathered, &hub);
    let cards = gathered.empty_cards();
    let units = frame.subjects(&gathered, &cards).filter(|subject| subject.place.level.is_some());
    Ok(units.filter_map(|subject| evaluate::nine_card(subject, &inputs)).collect())
}

/// The scorecards of Decision 766 of a unit and of every unit below it, by the default laws or a version.
///
/// # Errors
/// No law is valid in the period, and see [`ReformError`].
pub async fn scorecard_766(
    store: &Store,
    context: &Context,
    period: Period,
    unit: Option<&str>,
    law: Option<&str>,
    mode: Mode,
) -> Result<Vec<DecisionCard>, ReformError> {
    let ask = card_ask(period, unit, mode);
    let frame = Frame::new(context, &ask, law)?;
    if frame.decision_law().is_none() {
        return Err(ReformError::NoLaw { what: "Decision 766", period });
    }
    let gathered = gather::gather(store, &frame, &Needs::of_decision(&frame)).await?;
    let hub = HubFacts::default();
    let inputs = frame.inputs(&gathered, &hub);
    let cards = gathered.empty_cards();
    let units = frame.subjects(&gathered, &cards).filter(|subject| subject.place.level.is_some());
    Ok(units.filter_map(|subject| evaluate::decision_card(subject, &inputs)).collect())
}

fn card_ask(period: Period, unit: Option<&str>, mode: Mode) -> Ask {
    let unit = unit.map(str::to_owned);
    Ask { ids: Vec::new(), unit, period, split: Split::All, mode, narrow: Narrow::default() }
}

/// Every accounting identity of a unit and of every unit below it, as far as it can be known of the period.
///
/// # Errors
/// See [`ReformError`].
pub async fn identities(
    store: &Store,
    context: &Context,
    period: Period,
    unit: Option<&str>,
) -> Result<Vec<Checked>, ReformError> {
    identities_of(store, context, period, unit, Split::All).await
}

/// The same of the units of a split: of every one, or only of the whole.
async fn identities_of(
    store: &Store,
    context: &Context,
    period: Period,
    unit: Option<&str>,
    split: Split,
) -> Result<Vec<Checked>, ReformError> {
    let ask = Ask { split, ..card_ask(period, unit, Mode::AsWas) };
    let frame = Frame::new(context, &ask, None)?;
    let gathered = gather::gather(store, &frame, &Needs::of_identities(&frame)).await?;
    let variant = frame.variant();
    let cards = gathered.empty_cards();
    let mut checked = Vec::new();
    for subject in frame.subjects(&gathered, &cards) {
        for identity in &context.parameters.identities {
            let code = &subject.place.code;
            checked.extend(identity::check(identity, variant, subject.facts, code, period));
        }
    }
    Ok(checked)
}

/// Quality of the hub's data, as far as the asked indicators need it.
async fn hub_facts(
    store: &Store,
    context: &Context,
    ask: &Ask,
    needs: &Needs,
) -> Result<HubFacts, ReformError> {
    let mut facts = HubFacts::default();
    if needs.feeds {
        let now = context.now();
        for row in store.feeds().await? {
            let age_s = (now - row.time).num_seconds();
            facts.freshness_s.insert(row.feed.clone(), age_s);
            facts.lag_ms.insert(row.feed, (row.received_at - row.time).num_milliseconds());
        }
        facts.refused = Some(store.refused_of_received().await?);
    }
    if needs.identities {
        let checked = identities(store, context, ask.period, ask.unit.as_deref()).await?;
        let broken = checked.iter().filter(|checked| !checked.holds()).count();
        facts.identities = i64::try_from(checked.len()).ok().zip(i64::try_from(broken).ok());
    }
    if needs.corrected {
        facts.corrected = close::corrected(store, context, ask.period).await?;
    }
    if needs.hot_spots {
        facts.hot_spot = hot_spot(store, context, ask).await?;
    }
    Ok(facts)
}

/// Largest density of tickets per square kilometre.
async fn hot_spot(
    store: &Store,
    context: &Context,
    ask: &Ask,
) -> Result<Option<(crate::indicator::exact::Milli, String)>, ReformError> {
    let parameters = &context.parameters;
    let tomorrow = context.today().succ_opt().unwrap_or(context.today());
    let to = ask.period.span().to.min(tomorrow);
    let days = chrono::Days::new(u64::from(parameters.thresholds.hot_spot_days));
    let Some(from) = to.checked_sub_days(days) else { return Ok(None) };
    let category = ask.narrow.category.as_deref();
    let found = store.hottest_cell(Span { from, to }, category, parameters).await?;
    Ok(found.and_then(|(count, lat_e3, category)| {
        let area_m2 = cell_area_m2(parameters.thresholds.hot_spot_cell_e3_deg, lat_e3);
        let density = crate::indicator::exact::Milli::ratio(count, area_m2, 1_000_000, 2)?;
        Some((density, category))
    }))
}

/// Area of a grid cell of so many thousandths of a degree at a latitude, square metres.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few square km")]
fn cell_area_m2(side_e3_deg: u32, lat_e3: i64) -> i64 {
    /// One degree of latitude on the mean meridian.
    const DEGREE_M: f64 = 111_195.0;
    let side_m = f64::from(side_e3_deg) / 1_000.0 * DEGREE_M;
    let shrink = (lat_e3 as f64 / 1_000.0).to_radians().cos();
    (side_m * side_m * shrink).round() as i64
}

/// Subjects by place and key: what was gathered, made public to the parts of this module.
type Keyed<T> = Vec<BTreeMap<String, T>>;
