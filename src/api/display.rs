//! Wall displays: their panels, distance and views, and putting a view on one of them.
//!
//! A display comes from the city folder (`displays.toml`) or from the settings, which win. A display
//! asks for the list every few seconds with the entity tag that it holds, so it costs next to nothing.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::topic::is_token;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    App,
    answer::{self, Name},
    body::Body,
    caller::Caller,
    paging::Page,
    problem::Problem,
    view::line,
};
use crate::{
    access::Right,
    city::{Display, DisplayView},
    store::{display::PushRow, journal::JournalEntry},
};

/// Longest name or source, characters.
const TEXT_MAX: usize = 300;
/// A view stays on a display for at most this long, minutes.
const PUSH_MAX_MIN: u32 = 12 * 60;

/// Panels, distance and views of a display.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisplayProfile {
    /// Its name.
    name: Name,
    /// Panels side by side, 1 to 12.
    columns: u8,
    /// Panels above each other, 1 to 6.
    rows: u8,
    /// Pixels of a panel from left to right, 640 to 15,360.
    panel_width_px: u16,
    /// Pixels of a panel from top to bottom, 480 to 8,640.
    panel_height_px: u16,
    /// From the middle of a pixel to that of the next, millimetres, 0.05 to 20.
    pitch_mm: f64,
    /// From the panels to the eyes of those who read, metres, 0.3 to 50.
    distance_m: f64,
    /// What it shows in turn; the first one also while there is an urgent alarm.
    views: Vec<DisplayView>,
    /// How long each view stays, seconds, 10 to 3,600; null when it never changes by itself.
    rotate_s: Option<u16>,
    /// Where the figures come from.
    source: String,
}

/// A view that somebody put on a display.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Pushed {
    /// The view.
    view: DisplayView,
    /// Account name.
    by: String,
    /// Hub clock.
    at: DateTime<Utc>,
    /// Hub clock; from then on the display goes its own way again.
    until: DateTime<Utc>,
}

/// A display.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DisplayInfo {
    /// Token, last part of the address `/wall/{id}`.
    id: String,
    /// Whether the settings hold it; else it is of the city folder.
    from_settings: bool,
    /// Panels, distance and views.
    profile: DisplayProfile,
    /// View that was put on it; null when none holds.
    pushed: Option<Pushed>,
}

impl From<&Display> for DisplayProfile {
    fn from(display: &Display) -> Self {
        Self {
            name: Name { vi: display.name_vi.clone(), en: display.name_en.clone() },
            columns: display.columns,
            rows: display.rows,
            panel_width_px: display.panel_width_px,
            panel_height_px: display.panel_height_px,
            pitch_mm: display.pitch_mm,
            distance_m: display.distance_m,
            views: display.views.clone(),
            rotate_s: display.rotate_s,
            source: display.source.clone(),
        }
    }
}

impl DisplayProfile {
    fn checked(self) -> Result<Self, Problem> {
        within("columns", self.columns.into(), 1.0, 12.0)?;
        within("rows", self.rows.into(), 1.0, 6.0)?;
        within("panel_width_px", self.panel_width_px.into(), 640.0, 15_360.0)?;
        within("panel_height_px", self.panel_height_px.into(), 480.0, 8_640.0)?;
        within("pitch_mm", self.pitch_mm, 0.05, 20.0)?;
        within("distance_m", self.distance_m, 0.3, 50.0)?;
        if let Some(rotate_s) = self.rotate_s {
            within("rotate_s", rotate_s.into(), 10.0, 3_600.0)?;
        }
        if self.views.is_empty() || self.views.len() > DisplayView::ALL.len() {
            return Err(Problem::invalid("views", "one to four views"));
        }
        line("name.vi", &self.name.vi, TEXT_MAX)?;
        line("name.en", &self.name.en, TEXT_MAX)?;
        line("source", &self.source, TEXT_MAX)?;
        Ok(self)
    }
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), Problem> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("{value}, allowed is {least} to {most}")))
    }
}

/// Every display: those of the settings and those of the city folder that the settings do not change.
async fn known(app: &App) -> Result<BTreeMap<String, DisplayInfo>, Problem> {
    let of_file = app.settings.displays.iter().map(|display| {
        let (id, profile) = (display.id.clone(), DisplayProfile::from(display));
        (id.clone(), DisplayInfo { id, from_settings: false, profile, pushed: None })
    });
    let mut known: BTreeMap<String, DisplayInfo> = of_file.collect();
    let (rows, pushes) = app.store.displays(app.clock.now()).await?;
    for (id, profile) in rows {
        if let Some(profile) = stored(&id, profile) {
            known
                .insert(id.clone(), DisplayInfo { id, from_settings: true, profile, pushed: None });
        }
    }
    for PushRow { display, view, pushed_by, pushed_at, until } in pushes {
        let Some(display) = known.get_mut(&display) else { continue };
        let view = DisplayView::parse(&view);
        display.pushed = view.map(|view| Pushed { view, by: pushed_by, at: pushed_at, until });
    }
    Ok(known)
}

/// A profile of the settings; none when another version of the hub wrote what this one cannot read: the
/// others are shown without it, and it can be set anew.
fn stored(id: &str, profile: serde_json::Value) -> Option<DisplayProfile> {
    serde_json::from_value(profile)
        .map_err(|error| {
            tracing::warn!(
                id,
                error = &error as &dyn std::error::Error,
                "the profile of a display is skipped"
            );
        })
        .ok()
}

/// Every display with what was put on it, by id.
#[utoipa::path(get, operation_id = "list_displays", path = "/api/v1/displays", tag = "screens", responses(
    (status = 200, description = "Every display", body = Page<DisplayInfo>),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    answer::tagged(&headers, &Page::whole(known(&app).await?.into_values().collect()))
}

/// Change or add a display.
#[utoipa::path(put, operation_id = "set_display", path = "/api/v1/displays/{id}", tag = "screens",
    params(("id" = String, Path, description = "Token")), request_body = DisplayProfile, responses(
    (status = 204, description = "It counts from now on"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn set(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(profile): Body<DisplayProfile>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Administer)?;
    if !is_token(&id) {
        return Err(Problem::invalid("id", "1 to 64 characters of a-z 0-9 - _ ."));
    }
    let profile = json!(profile.checked()?);
    let before = known(&app).await?.remove(&id).map(|display| json!(display.profile));
    let after = Some(profile.clone());
    let entry = JournalEntry { before, after, ..entry(&app, &caller, "set_display", &id) };
    app.store.set_display(&id, &profile, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget what the settings say of a display: it is again as in the city folder, or gone.
#[utoipa::path(delete, operation_id = "reset_display", path = "/api/v1/displays/{id}", tag = "screens",
    params(("id" = String, Path, description = "Token")), responses(
    (status = 204, description = "Forgotten"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 404, description = "The settings say nothing of it", body = Problem)))]
pub(super) async fn reset(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Administer)?;
    let done = app.store.reset_display(&id, &entry(&app, &caller, "reset_display", &id)).await?;
    found(done, || format!("the settings hold no display {id:?}"))
}

/// What to put on a display.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPush {
    /// The view.
    view: DisplayView,
    /// For how long, minutes, 1 to 720.
    minutes: u32,
}

/// Put a view on a display for a time.
#[utoipa::path(put, operation_id = "push_view", path = "/api/v1/displays/{id}/view", tag = "screens",
    params(("id" = String, Path, description = "Token")), request_body = NewPush, responses(
    (status = 204, description = "The display shows it within seconds"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 404, description = "No such display", body = Problem)))]
pub(super) async fn push(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(NewPush { view, minutes }): Body<NewPush>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    within("minutes", minutes.into(), 1.0, PUSH_MAX_MIN.into())?;
    if !known(&app).await?.contains_key(&id) {
        return Err(Problem::not_found(format!("there is no display {id:?}")));
    }
    let pushed_at = app.clock.now();
    let until = pushed_at + TimeDelta::minutes(minutes.into());
    let after = Some(json!({ "view": view, "until": until }));
    let push = PushRow {
        display: id.clone(),
        view: view.as_str().to_owned(),
        pushed_by: caller.0.user.clone(),
        pushed_at,
        until,
    };
    let entry = JournalEntry { after, ..entry(&app, &caller, "push_view", &id) };
    app.store.push_view(&push, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a display go its own way again.
#[utoipa::path(delete, operation_id = "release_display", path = "/api/v1/displays/{id}/view", tag = "screens",
    params(("id" = String, Path, description = "Token")), responses(
    (status = 204, description = "It goes its own way, also when it did before"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    app.store.release_display(&id, &entry(&app, &caller, "release_display", &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entry<'a>(
    app: &App,
    caller: &'a Caller,
    action: &'static str,
    object: &'a str,
) -> JournalEntry<'a> {
    JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action,
        object,
        before: None,
        after: None,
    }
}

fn found(done: bool, missing: impl FnOnce() -> String) -> Result<StatusCode, Problem> {
    if done { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found(missing())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(changes: &[(&str, serde_json::Value)]) -> Result<DisplayProfile, Problem> {
        let mut body = json!({
            "name": {"vi": "Tường màn hình", "en": "Wall"}, "columns": 4, "rows": 3,
            "panel_width_px": 1920, "panel_height_px": 1080, "pitch_mm": 0.63, "distance_m": 6.0,
            "views": ["overview", "alarms"], "rotate_s": 60, "source": "test"
        });
        for (key, value) in changes {
            body[key] = value.clone();
        }
        serde_json::from_value::<DisplayProfile>(body).unwrap().checked()
    }

    #[test]
    fn a_profile_that_cannot_be_read_is_skipped() {
        assert!(stored("wall", json!({"name": "of an older version"})).is_none());
        assert!(stored("wall", json!(profile(&[]).unwrap())).is_some());
    }

    #[test]
    fn each_mistake_names_its_field() {
        assert!(profile(&[]).is_ok());
        assert!(profile(&[("rotate_s", json!(null))]).is_ok());
        for (key, value) in [
            ("columns", json!(0)),
            ("rows", json!(7)),
            ("panel_width_px", json!(100)),
            ("pitch_mm", json!(0.0)),
            ("distance_m", json!(1e9)),
            ("rotate_s", json!(1)),
            ("views", json!([])),
            ("source", json!("")),
        ] {
            assert_eq!(profile(&[(key, value)]).unwrap_err().at_fault(), Some(key));
        }
    }
}
