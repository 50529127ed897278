//! How the alarm system and the equipment perform, each figure with its target.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    performance::{
        outage::{self, Availability},
        rate::{self, Rates},
        target::{AlarmFigure, Targets},
    },
    store::alarm_performance::{ChatterRow, CodeRow, GoodRow, HandledRow, StaleRow, StreamRow},
};

/// Longest span of one request.
const SPAN_MAX: TimeDelta = TimeDelta::days(92);
/// The span without `from`.
const SPAN: TimeDelta = TimeDelta::days(1);
/// An alarm that is active for longer is stale.
const STALE: TimeDelta = TimeDelta::hours(24);
/// Codes and alarms that are listed by name.
const LISTED: usize = 10;

/// How alarm system and equipment performed.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmPerformance {
    /// Begin of the span.
    from: DateTime<Utc>,
    /// End of the span: not after now.
    to: DateTime<Utc>,
    /// Since when alarms are recorded, hub clock: rates are those of the span after it; null for never.
    known_since: Option<DateTime<Utc>>,
    /// Hub clock.
    at: DateTime<Utc>,
    /// Version of the targets.
    version: String,
    /// Signed-in accounts with the right to operate, at least 1: by these the rates are divided.
    #[ts(type = "number")]
    operators: i64,
    /// Alarms that operators saw; null when nothing is known of the span, as every figure.
    #[ts(type = "number | null")]
    alarms: Option<i64>,
    /// Alarms that were recorded and not shown: suppressed, shelved or out of service.
    #[ts(type = "number | null")]
    not_presented: Option<i64>,
    /// Alarms per operator in 10 minutes, mean.
    rate_10min_mean: AlarmFigure,
    /// The same in the fullest 10 minutes.
    rate_10min_max: AlarmFigure,
    /// Share of the time in which more than 10 alarms came in 10 minutes.
    flood_share: AlarmFigure,
    /// Floods: 10 minutes with more than 10 alarms.
    floods: Vec<AlarmFlood>,
    /// Every hour of the span that is known.
    hours: Vec<AlarmHour>,
    /// Alarms that are active since more than 24 hours now.
    stale: AlarmFigure,
    /// The oldest of them.
    stale_alarms: Vec<StaleAlarm>,
    /// The most frequent codes.
    top: Vec<AlarmCode>,
    /// Share of the ten most frequent codes.
    top10_share: AlarmFigure,
    /// Alarms that came up at least three times within a minute.
    chattering: Vec<ChatteringAlarm>,
    /// Shares of the priorities.
    priorities: Vec<PriorityShare>,
    /// How alarms that operators saw first in the span were handled, by the priority they had then.
    handling: Vec<AlarmHandling>,
    /// How devices worked, by service.
    equipment: Vec<ServiceAvailability>,
    /// What of the messages came, by stream.
    streams: Vec<StreamCompleteness>,
    /// What of the intervals was good, by service.
    intervals: Vec<GoodIntervals>,
}

/// 10 minutes with a flood.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmFlood {
    /// Begin.
    start: DateTime<Utc>,
    /// Alarms.
    #[ts(type = "number")]
    alarms: i64,
}

/// One hour.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmHour {
    /// Begin.
    start: DateTime<Utc>,
    /// Alarms that operators saw, of priority 1 to 4.
    #[ts(type = "[number, number, number, number]")]
    priorities: [i64; 4],
    /// Alarms that were recorded and not shown.
    #[ts(type = "number")]
    not_presented: i64,
}

/// An alarm that is active for long.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct StaleAlarm {
    /// `CODE:OBJECT`.
    alarm: String,
    /// Code of the rule.
    code: String,
    /// Object.
    object: String,
    /// 1 to 4.
    priority: i16,
    /// First raise, hub clock.
    raised_at: DateTime<Utc>,
}

/// A code.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmCode {
    /// Code of the rule.
    code: String,
    /// Alarms that operators saw.
    #[ts(type = "number")]
    alarms: i64,
    /// Share of all, 0 to 1.
    share: f64,
}

/// An alarm that came again and again.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ChatteringAlarm {
    /// `CODE:OBJECT`.
    alarm: String,
    /// Code of the rule.
    code: String,
    /// Object.
    object: String,
    /// How often it came up in the span.
    #[ts(type = "number")]
    alarms: i64,
    /// How often of these for at least the third time within a minute.
    #[ts(type = "number")]
    third: i64,
}

/// Share of priorities.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PriorityShare {
    /// `1-2`, `3` or `4`.
    priorities: &'static str,
    /// Alarms that operators saw.
    #[ts(type = "number")]
    alarms: i64,
    /// Share of all, 0 to 1; null without alarms.
    share: AlarmFigure,
}

/// How alarms of a priority were handled.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmHandling {
    /// 1 to 4.
    priority: i16,
    /// Occurrences.
    #[ts(type = "number")]
    alarms: i64,
    /// Those that were acknowledged.
    #[ts(type = "number")]
    acknowledged: i64,
    /// Those that wait to be acknowledged; they are in no percentile yet.
    #[ts(type = "number")]
    waiting: i64,
    /// Median time to acknowledge, seconds.
    acknowledge_p50_s: Option<f64>,
    /// 90th percentile of that, seconds.
    acknowledge_p90: AlarmFigure,
    /// Those that returned to normal.
    #[ts(type = "number")]
    cleared: i64,
    /// Those that are active; they are in no percentile yet.
    #[ts(type = "number")]
    active: i64,
    /// Median time to return to normal, seconds.
    clear_p50_s: Option<f64>,
    /// 90th percentile of that, seconds.
    clear_p90_s: Option<f64>,
    /// Mean of that, seconds.
    clear_mean_s: Option<f64>,
}

/// How the devices of a service worked: by their failure alarms and their connection.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ServiceAvailability {
    /// Service.
    service: String,
    /// Devices in service.
    devices: usize,
    /// Those that something is known of.
    known: usize,
    /// Outages that began in the span.
    begun: usize,
    /// Outages that ended in the span.
    ended: usize,
    /// Outages that go on at its end.
    ongoing: usize,
    /// Sum of the times that devices were down, seconds; null when nothing is known.
    down_s: Option<f64>,
    /// Mean time to repair, of outages that ended in the span, seconds; null for none.
    mttr_s: Option<f64>,
    /// Mean time between failures: time up per outage that began, seconds; null for none.
    mtbf_s: Option<f64>,
    /// Share of the known time in which devices worked, 0 to 1.
    availability: AlarmFigure,
}

/// What came of a stream, by the ledger of seq: of every restart that it follows, whatever the span.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct StreamCompleteness {
    /// Service.
    service: String,
    /// Stream.
    stream: String,
    /// Messages that are expected.
    #[ts(type = "number")]
    expected: i64,
    /// Those of them that are missing.
    #[ts(type = "number")]
    missing: i64,
    /// Those of them whose loss was seen in the span.
    #[ts(type = "number")]
    missing_in_span: i64,
    /// Share that came, 0 to 1.
    received: AlarmFigure,
}

/// What of the intervals of the span was good.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct GoodIntervals {
    /// Service.
    service: String,
    /// Intervals that came.
    #[ts(type = "number")]
    intervals: i64,
    /// Those without a mark.
    #[ts(type = "number")]
    good: i64,
    /// Share, 0 to 1; null when none came.
    share: AlarmFigure,
}

/// Which span.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PerformanceQuery {
    /// From this instant on, RFC 3339 with offset; 24 hours before the end by default.
    from: Option<DateTime<Utc>>,
    /// Before this instant, RFC 3339 with offset; now by default. At most 92 days after `from`.
    to: Option<DateTime<Utc>>,
}

impl FromParams for PerformanceQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self { from, to })
    }
}

/// What everything is made from.
struct Rows {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
    since: Option<DateTime<Utc>>,
    operators: i64,
    rates: Rates,
    codes: Vec<CodeRow>,
    chattering: Vec<ChatterRow>,
    stale: Vec<StaleRow>,
    handled: Vec<HandledRow>,
    equipment: BTreeMap<&'static str, Availability>,
    streams: Vec<StreamRow>,
    good: Vec<GoodRow>,
}

/// How the alarm system and the equipment performed. Only alarms that operators saw count for them.
#[utoipa::path(get, operation_id = "alarm_performance", path = "/api/v1/alarms/performance", tag = "alarms", params(PerformanceQuery), responses(
    (status = 200, description = "The figures with their targets", body = AlarmPerformance),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn performance(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<PerformanceQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let now = app.clock.now();
    let to = query.to.unwrap_or(now).min(now);
    let from = query.from.unwrap_or(to - SPAN);
    if from >= to {
        return Err(Problem::invalid("from", "is not before `to` or now"));
    }
    if to - from > SPAN_MAX {
        let help = "ask for a shorter span";
        return Err(Problem::too_much("from", "lies more than 92 days before `to`", help));
    }
    let rows = load(&app, (from, to), now).await?;
    answer::tagged(&headers, &rows.performance(&app.targets))
}

async fn load(
    app: &App,
    span: (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Rows, Problem> {
    let store = &app.store;
    let (from, to) = span;
    let since = store.alarms_known_since().await?;
    let operators = store.signed_in_operators(now).await?.max(1);
    // Before the first record nothing is known: no alarms there are not zero alarms.
    let known = since.map_or(to, |since| since.max(from).min(to));
    let rates = rate::rates(&store.alarm_bins(span).await?, known, to, operators);
    let mut equipment = BTreeMap::new();
    for (service, codes) in app.targets.failures() {
        let devices = store.outages(service.as_str(), &codes, span).await?;
        if !devices.is_empty() {
            equipment.insert(service.as_str(), outage::availability(devices, from, to));
        }
    }
    Ok(Rows {
        from,
        to,
        now,
        since,
        operators,
        rates,
        codes: store.alarm_codes(span).await?,
        chattering: store.chattering_alarms(span).await?,
        stale: store.stale_alarms(now - STALE, now).await?,
        handled: store.handled_alarms(span).await?,
        equipment,
        streams: store.stream_completeness(span).await?,
        good: store.good_intervals(span).await?,
    })
}

fn share(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| rate::as_f64(part) / rate::as_f64(of))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

impl Rows {
    fn performance(self, targets: &Targets) -> AlarmPerformance {
        let rates = self.rates;
        let all: i64 = rates.priorities.iter().sum();
        let is_known = rates.mean.is_some();
        // Of their own sum: an alarm may come up between two statements.
        let of_codes: i64 = self.codes.iter().map(|row| row.alarms).sum();
        let top10: i64 = self.codes.iter().take(10).map(|row| row.alarms).sum();
        let stale = self.since.map(|_| count(self.stale.len()));
        AlarmPerformance {
            from: self.from,
            to: self.to,
            known_since: self.since,
            at: self.now,
            version: targets.version.clone(),
            operators: self.operators,
            alarms: is_known.then_some(all),
            not_presented: is_known.then_some(rates.not_presented),
            rate_10min_mean: targets.judge("rate_10min_mean", rates.mean),
            rate_10min_max: targets.judge("rate_10min_max", rates.max),
            flood_share: targets.judge("flood_share", rates.flood_share),
            floods: floods(rates.floods),
            hours: hours(rates.hours),
            stale: targets.judge("stale", stale),
            stale_alarms: self.stale.into_iter().take(LISTED).map(StaleAlarm::from).collect(),
            top10_share: targets.judge("top10_share", share(top10, of_codes)),
            top: self
                .codes
                .into_iter()
                .take(LISTED)
                .map(|row| AlarmCode::of(row, of_codes))
                .collect(),
            chattering: self.chattering.into_iter().map(ChatteringAlarm::from).collect(),
            priorities: priorities(rates.priorities, targets),
            handling: self
                .handled
                .into_iter()
                .map(|row| AlarmHandling::of(&row, targets))
                .collect(),
            equipment: equipment(self.equipment, targets),
            streams: self
                .streams
                .into_iter()
                .map(|row| StreamCompleteness::of(row, targets))
                .collect(),
            intervals: self.good.into_iter().map(|row| GoodIntervals::of(row, targets)).collect(),
        }
    }
}

fn floods(floods: Vec<(DateTime<Utc>, i64)>) -> Vec<AlarmFlood> {
    floods.into_iter().map(|(start, alarms)| AlarmFlood { start, alarms }).collect()
}

fn hours(hours: Vec<rate::Hour>) -> Vec<AlarmHour> {
    let shown = |rate::Hour { start, priorities, not_presented }| AlarmHour {
        start,
        priorities,
        not_presented,
    };
    hours.into_iter().map(shown).collect()
}

fn priorities([first, second, third, fourth]: [i64; 4], targets: &Targets) -> Vec<PriorityShare> {
    let all = first + second + third + fourth;
    [
        ("1-2", "priority_high_share", first + second),
        ("3", "priority_medium_share", third),
        ("4", "priority_low_share", fourth),
    ]
    .into_iter()
    .map(|(priorities, figure, alarms)| PriorityShare {
        priorities,
        alarms,
        share: targets.judge(figure, share(alarms, all)),
    })
    .collect()
}

fn equipment(
    services: BTreeMap<&'static str, Availability>,
    targets: &Targets,
) -> Vec<ServiceAvailability> {
    services
        .into_iter()
        .map(|(service, found)| ServiceAvailability {
            service: service.to_owned(),
            devices: found.devices,
            known: found.known,
            begun: found.begun,
            ended: found.ended,
            ongoing: found.ongoing,
            down_s: found.availability.map(|_| found.down_s),
            mttr_s: found.mttr_s,
            mtbf_s: found.mtbf_s,
            availability: targets.judge(&format!("availability_{service}"), found.availability),
        })
        .collect()
}

impl From<StaleRow> for StaleAlarm {
    fn from(row: StaleRow) -> Self {
        let StaleRow { code, object, priority, raised_at } = row;
        Self { alarm: format!("{code}:{object}"), code, object, priority, raised_at }
    }
}

impl From<ChatterRow> for ChatteringAlarm {
    fn from(row: ChatterRow) -> Self {
        let ChatterRow { code, object, alarms, third } = row;
        Self { alarm: format!("{code}:{object}"), code, object, alarms, third }
    }
}

impl AlarmCode {
    fn of(row: CodeRow, all: i64) -> Self {
        let CodeRow { code, alarms } = row;
        Self { code, alarms, share: share(alarms, all).unwrap_or_default() }
    }
}

impl AlarmHandling {
    fn of(row: &HandledRow, targets: &Targets) -> Self {
        let figure = format!("acknowledge_{}_p90", row.priority);
        Self {
            priority: row.priority,
            alarms: row.alarms,
            acknowledged: row.acknowledged,
            waiting: row.waiting,
            acknowledge_p50_s: row.acknowledge_p50_s,
            acknowledge_p90: targets.judge(&figure, row.acknowledge_p90_s),
            cleared: row.cleared,
            active: row.active,
            clear_p50_s: row.clear_p50_s,
            clear_p90_s: row.clear_p90_s,
            clear_mean_s: row.clear_mean_s,
        }
    }
}

impl StreamCompleteness {
    fn of(row: StreamRow, targets: &Targets) -> Self {
        let StreamRow { service, stream, expected, missing, missing_in_span } = row;
        let received = targets.judge("seq_received", share(expected - missing, expected));
        Self { service, stream, expected, missing, missing_in_span, received }
    }
}

impl GoodIntervals {
    fn of(row: GoodRow, targets: &Targets) -> Self {
        let GoodRow { service, intervals, good } = row;
        let share = targets.judge("good_intervals", share(good, intervals));
        Self { service, intervals, good, share }
    }
}
