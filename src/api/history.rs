//! The last hours of one device, for its page: what its signal groups showed as runs, and what it said of
//! its equipment. Limits: 6 hours of indications, 31 days of equipment in at most 2,000 steps.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::topic::is_token;
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::{
        device::{DeviceFilter, DeviceRow},
        device_history::{EquipmentRow, IndicationRow},
    },
};

/// Longest span of indications: about 10,000 states of a busy controller.
const INDICATIONS_SPAN_MAX: TimeDelta = TimeDelta::hours(6);
/// Longest span of equipment.
const EQUIPMENT_SPAN_MAX: TimeDelta = TimeDelta::days(31);
/// Most reports that are answered.
const STEPS_MAX: i64 = 2_000;
/// Connects and last wills of one answer.
const CONNECTIONS_MAX: i64 = 2_000;
/// A controller that told nothing for longer may have shown anything meanwhile: it reports every ten
/// seconds and at every change.
const SILENCE: TimeDelta = TimeDelta::seconds(30);

/// What the groups of a controller showed.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Indications {
    /// Begin as asked for; what was shown then may have begun before.
    from: DateTime<Utc>,
    /// End as asked for, or now.
    to: DateTime<Utc>,
    /// `[time, mode, plan, cycle_s]` where one of them changed; null is "not reported".
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    #[ts(
        type = "[time: string, mode: string | null, plan: number | null, cycle_s: number | null][]"
    )]
    programs: Vec<Program>,
    /// Every group that the controller told of.
    groups: Vec<GroupRuns>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Program(DateTime<Utc>, Option<String>, Option<i32>, Option<f64>);

/// What one group showed, one run after the other.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct GroupRuns {
    /// vehicle, pedestrian, bicycle, tram or overlap.
    kind: String,
    /// Number within the kind.
    group: i32,
    /// `[begin_ms, state]`: begin in Unix milliseconds by the source's clock, state as in SAE J2735 0 to 9;
    /// null from where on nobody knows. A run ends where the next one begins.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    #[ts(type = "[begin_ms: number, state: number | null][]")]
    runs: Vec<(i64, Option<i16>)>,
}

/// What a device said of its equipment.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct EquipmentHistory {
    /// Begin as asked for.
    from: DateTime<Utc>,
    /// End as asked for, or now.
    to: DateTime<Utc>,
    /// Length of a step, seconds: of each the last report is told.
    step_s: i32,
    /// In order; steps without a report are missing.
    reports: Vec<EquipmentReport>,
    /// `[time, online]`: connects and last wills by the hub's clock, the state before the span first.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    #[ts(type = "[time: string, online: boolean][]")]
    connections: Vec<(DateTime<Utc>, bool)>,
}

/// One report; null where it said nothing of it.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct EquipmentReport {
    /// Source clock.
    time: DateTime<Utc>,
    /// line, battery, bypass or off.
    power: Option<String>,
    /// Battery charge, percent.
    battery_pct: Option<i32>,
    /// Temperature inside, degrees Celsius.
    temperature_c: Option<f64>,
    /// Cabinet door.
    door_open: Option<bool>,
    /// Whether the video system reaches the camera.
    reachable: Option<bool>,
    /// Why not: auth, ping, tcp, rtsp, nostream or decode.
    why: Option<String>,
    /// For how long the picture has stood still, seconds.
    freeze_s: Option<f64>,
    /// Turned away from its home preset.
    moved: Option<bool>,
}

impl From<EquipmentRow> for EquipmentReport {
    fn from(row: EquipmentRow) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a frozen picture")]
        let freeze_s = row.freeze_ms.map(|ms| ms as f64 / 1e3);
        Self {
            time: row.time,
            power: row.power,
            battery_pct: row.battery_pct,
            temperature_c: row.temperature_e1_c.map(|e1| f64::from(e1) / 10.0),
            door_open: row.door_open,
            reachable: row.reachable,
            why: row.why,
            freeze_s,
            moved: row.moved,
        }
    }
}

/// Which span.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SpanQuery {
    /// Begin, RFC 3339 with offset.
    from: DateTime<Utc>,
    /// End, RFC 3339 with offset. Default now.
    to: Option<DateTime<Utc>>,
}

impl FromParams for SpanQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        let from = from.ok_or_else(|| Problem::invalid("from", "is missing"))?;
        Ok(Self { from, to })
    }
}

impl SpanQuery {
    /// The span until now at the latest.
    fn until(
        &self,
        now: DateTime<Utc>,
        longest: TimeDelta,
    ) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let to = self.to.map_or(now, |to| to.min(now));
        if self.from >= to {
            return Err(Problem::invalid("from", "is not before `to` and now"));
        }
        if to - self.from > longest {
            let detail = format!(
                "a span of {} h, allowed are {} h",
                (to - self.from).num_hours(),
                longest.num_hours()
            );
            return Err(Problem::too_much("from", detail, "ask for a shorter span"));
        }
        Ok((self.from, to))
    }
}

async fn device(app: &App, id: &str) -> Result<DeviceRow, Problem> {
    let filter = DeviceFilter {
        sources: vec![id.to_owned()],
        retired: true,
        limit: 1,
        ..DeviceFilter::default()
    };
    let row = if is_token(id) { app.store.devices(&filter).await?.pop() } else { None };
    row.ok_or_else(|| Problem::not_found(format!("there is no device {id:?}")))
}

/// What the signal groups of a controller showed, of at most 6 hours.
#[utoipa::path(get, operation_id = "indications", path = "/api/v1/devices/{id}/indications", tag = "history",
    params(("id" = String, Path, description = "Source token of a controller"), SpanQuery), responses(
    (status = 200, description = "Runs of each group; nothing where nothing was told", body = Indications),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device", body = Problem)))]
pub(super) async fn indications(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    Asked(asked): Asked<SpanQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let span = asked.until(app.clock.now(), INDICATIONS_SPAN_MAX)?;
    let device = device(&app, &id).await?;
    let rows = app.store.indications(device.id, span).await?;
    answer::tagged(&headers, &folded(&rows, span))
}

/// What a device said of power, battery, temperature, door and picture, and when it was connected, of at
/// most 31 days.
#[utoipa::path(get, operation_id = "equipment_history", path = "/api/v1/devices/{id}/equipment", tag = "history",
    params(("id" = String, Path, description = "Source token"), SpanQuery), responses(
    (status = 200, description = "Reports, at most 2,000", body = EquipmentHistory),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such device", body = Problem)))]
pub(super) async fn equipment(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    Asked(asked): Asked<SpanQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let (from, to) = asked.until(app.clock.now(), EQUIPMENT_SPAN_MAX)?;
    let device = device(&app, &id).await?;
    let step_s = i32::try_from((to - from).num_seconds() / STEPS_MAX + 1).unwrap_or(i32::MAX);
    let rows = app.store.equipment_history(device.id, (from, to), step_s).await?;
    let connections = app.store.connections(device.id, (from, to), CONNECTIONS_MAX).await?;
    let reports = rows.into_iter().map(EquipmentReport::from).collect();
    answer::tagged(&headers, &EquipmentHistory { from, to, step_s, reports, connections })
}

/// By kind and number of the group: begins in Unix milliseconds and what was shown, null for unknown.
type RunsByGroup<'a> = BTreeMap<(&'a str, i32), Vec<(i64, Option<i16>)>>;

/// From then on nobody knows what is shown.
fn end_runs(groups: &mut RunsByGroup<'_>, at: DateTime<Utc>) {
    for runs in groups.values_mut() {
        runs.push((at.timestamp_millis(), None));
    }
}

/// Runs from states: a group that shows the same goes on; after a silence nobody knows.
fn folded(rows: &[IndicationRow], (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Indications {
    let mut programs: Vec<Program> = Vec::new();
    let mut groups: RunsByGroup<'_> = BTreeMap::new();
    let mut before: Option<DateTime<Utc>> = None;
    for row in rows {
        let silent = before.filter(|before| row.time - *before > SILENCE);
        if let Some(last) = silent {
            programs.push(Program(last, None, None, None));
            end_runs(&mut groups, last);
        }
        let cycle_s = row.cycle_ms.map(|ms| f64::from(ms) / 1e3);
        let program = Program(row.time, Some(row.mode.clone()), row.plan, cycle_s);
        let same = |last: &Program| (&last.1, last.2, last.3) == (&program.1, program.2, program.3);
        if !programs.last().is_some_and(same) {
            programs.push(program);
        }
        for group in &row.groups {
            let runs = groups.entry((&group.kind, group.group)).or_default();
            if runs.last().is_some_and(|(_, state)| *state == Some(group.state)) {
                continue;
            }
            // What was shown before the silence or the last run is known; since then it is news.
            let since = group.since.filter(|since| *since <= row.time).unwrap_or(row.time);
            let earliest = runs.last().map_or(i64::MIN, |(begin_ms, _)| *begin_ms);
            runs.push((since.timestamp_millis().max(earliest), Some(group.state)));
        }
        before = Some(row.time);
    }
    if let Some(last) = before.filter(|last| to - *last > SILENCE) {
        programs.push(Program(last, None, None, None));
        end_runs(&mut groups, last);
    }
    let groups = groups
        .into_iter()
        .map(|((kind, group), runs)| GroupRuns { kind: kind.to_owned(), group, runs })
        .collect();
    Indications { from, to, programs, groups }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::device_history::GroupRow;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn row(second: i64, plan: i32, state: i16, since: Option<i64>) -> IndicationRow {
        IndicationRow {
            time: at(second),
            mode: "coordinated".into(),
            plan: Some(plan),
            cycle_ms: Some(90_000),
            groups: vec![GroupRow {
                kind: "vehicle".into(),
                group: 2,
                state,
                since: since.map(at),
            }],
        }
    }

    fn runs(rows: &[IndicationRow], to: i64) -> Vec<(i64, Option<i16>)> {
        folded(rows, (at(0), at(to))).groups.pop().unwrap().runs
    }

    #[test]
    fn equal_states_are_one_run_from_where_the_controller_says_it_began() {
        let rows = [
            row(10, 1, 6, Some(-5)),
            row(20, 1, 6, Some(-5)),
            row(26, 1, 8, Some(25)),
            row(29, 1, 3, None),
        ];
        assert_eq!(runs(&rows, 40), [(-5_000, Some(6)), (25_000, Some(8)), (29_000, Some(3))]);
    }

    #[test]
    fn nobody_knows_what_was_shown_in_a_silence() {
        let rows = [row(10, 1, 6, None), row(100, 1, 6, Some(15))];
        assert_eq!(runs(&rows, 110), [(10_000, Some(6)), (10_000, None), (15_000, Some(6))]);
        assert_eq!(runs(&rows[..1], 110), [(10_000, Some(6)), (10_000, None)]);
    }

    #[test]
    fn a_program_is_told_where_it_changes() {
        let rows = [row(10, 1, 6, None), row(20, 1, 6, None), row(30, 4, 6, None)];
        let told = folded(&rows, (at(0), at(40))).programs;
        let plans: Vec<_> = told.iter().map(|program| (program.0, program.2)).collect();
        assert_eq!(plans, [(at(10), Some(1)), (at(30), Some(4))]);
    }

    #[test]
    fn a_span_ends_now_and_has_a_longest_length() {
        let asked = |from: i64, to: Option<i64>| {
            SpanQuery { from: at(from), to: to.map(at) }.until(at(100_000), INDICATIONS_SPAN_MAX)
        };
        assert_eq!(asked(90_000, Some(200_000)).unwrap(), (at(90_000), at(100_000)));
        assert_eq!(asked(90_000, None).unwrap(), (at(90_000), at(100_000)));
        assert_eq!(asked(100_000, None).unwrap_err().at_fault(), Some("from"));
        assert_eq!(asked(0, None).unwrap_err().code, "too_much");
    }
}
