//! Hand-overs of shifts: who goes signs with a note, who comes signs that it was read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    App, answer,
    body::Body,
    caller::Caller,
    paging::{Page, ShortPages},
    params::Asked,
    problem::Problem,
};
use crate::{
    access::Right,
    store::{
        handover::{HandoverRow, Taking},
        journal::JournalEntry,
    },
};

/// Longest note, characters.
const NOTE_MAX: usize = 4_000;
/// Longest shift.
const SHIFT_MAX: TimeDelta = TimeDelta::hours(48);

/// A hand-over.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Handover {
    /// Number in order.
    #[ts(type = "number")]
    id: i64,
    /// Begin of the shift.
    from: DateTime<Utc>,
    /// End of the shift.
    to: DateTime<Utc>,
    /// What who comes has to know.
    note: String,
    /// Account that signed as going.
    given_by: String,
    /// Hub clock.
    given_at: DateTime<Utc>,
    /// Account that signed as coming; null until then.
    taken_by: Option<String>,
    /// Hub clock; null until then.
    taken_at: Option<DateTime<Utc>>,
    /// Entries of the journal during the shift.
    #[ts(type = "number")]
    entries: i64,
}

impl From<HandoverRow> for Handover {
    fn from(row: HandoverRow) -> Self {
        let HandoverRow { id, from, to, note, given_by, given_at, taken, entries } = row;
        let (taken_by, taken_at) = taken.unzip();
        Self { id, from, to, note, given_by, given_at, taken_by, taken_at, entries }
    }
}

/// A shift that ends.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHandover {
    /// Begin of the shift.
    from: DateTime<Utc>,
    /// End of the shift, not more than 48 hours later.
    to: DateTime<Utc>,
    /// What who comes has to know, 1 to 4,000 characters.
    note: String,
}

/// Hand-overs, newest first.
#[utoipa::path(get, operation_id = "list_handovers", path = "/api/v1/handovers", tag = "screens", params(ShortPages<i64>), responses(
    (status = 200, description = "A page of hand-overs", body = Page<Handover>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(paging): Asked<ShortPages<i64>>,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let rows = app.store.handovers(paging.after, paging.limit.rows()).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, Handover::from))
}

/// Sign a hand-over as the one who goes.
#[utoipa::path(post, operation_id = "give_shift", path = "/api/v1/handovers", tag = "screens", request_body = NewHandover, responses(
    (status = 201, description = "Signed; the answer is its number", body = i64),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn give(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<NewHandover>,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let NewHandover { from, to, note } = new.checked()?;
    let entry = JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action: "give_shift",
        object: "",
        before: None,
        after: Some(json!({ "from": from, "to": to, "note": note })),
    };
    let id = app.store.give_shift((from, to), &note, &entry).await?;
    Ok((StatusCode::CREATED, Json(id)).into_response())
}

impl NewHandover {
    fn checked(self) -> Result<Self, Problem> {
        if self.to <= self.from || self.to - self.from > SHIFT_MAX {
            return Err(Problem::invalid("to", "is after `from` by at most 48 hours"));
        }
        let note = self.note.trim().to_owned();
        let is_text = |each: char| !each.is_control() || each == '\n';
        if note.is_empty() || note.chars().count() > NOTE_MAX || !note.chars().all(is_text) {
            return Err(Problem::invalid("note", format!("1 to {NOTE_MAX} characters")));
        }
        Ok(Self { note, ..self })
    }
}

/// Sign a hand-over as the one who comes.
#[utoipa::path(post, operation_id = "take_shift", path = "/api/v1/handovers/{id}/take", tag = "screens",
    params(("id" = i64, Path, description = "Number of the hand-over")), responses(
    (status = 204, description = "Signed"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 404, description = "No such hand-over", body = Problem),
    (status = 409, description = "Signed before, or the caller is who went", body = Problem)))]
pub(super) async fn take(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    let missing = || Problem::not_found(format!("there is no hand-over {id:?}"));
    let number = id.parse().map_err(|_no_number| missing())?;
    let entry = JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action: "take_shift",
        object: &id,
        before: None,
        after: None,
    };
    match app.store.take_shift(number, &entry).await? {
        Taking::Done => Ok(StatusCode::NO_CONTENT),
        Taking::Missing => Err(missing()),
        Taking::Taken => Err(Problem::conflict("taken", "somebody signed it before")),
        Taking::OwnShift => {
            Err(Problem::conflict("own_shift", "who goes cannot sign as who comes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover(hours: i64, note: &str) -> Result<NewHandover, Problem> {
        let from = DateTime::UNIX_EPOCH;
        NewHandover { from, to: from + TimeDelta::hours(hours), note: note.to_owned() }.checked()
    }

    #[test]
    fn a_shift_has_an_end_and_a_note() {
        assert_eq!(handover(8, " Hai đèn hỏng \n").unwrap().note, "Hai đèn hỏng");
        for (hours, note, field) in [
            (0, "x", "to"),
            (-1, "x", "to"),
            (49, "x", "to"),
            (8, " ", "note"),
            (8, "a\u{7}", "note"),
        ] {
            assert_eq!(handover(hours, note).unwrap_err().at_fault(), Some(field));
        }
    }
}
