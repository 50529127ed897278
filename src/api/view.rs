//! Saved views: an address of a page by a name, for oneself or for everybody.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{App, answer, body::Body, caller::Caller, paging::Page, problem::Problem};
use crate::{
    access::{self, Right},
    store::{
        journal::JournalEntry,
        view::{NewViewRow, ViewRow},
    },
};

/// Longest name, characters.
const NAME_MAX: usize = 80;
/// Longest address, bytes.
const ADDRESS_MAX: usize = 2_000;
/// Views of one account; a further one is refused.
const VIEWS_MAX: i64 = 100;

/// A saved view.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct SavedView {
    /// Number.
    #[ts(type = "number")]
    id: i64,
    /// Account name.
    owner: String,
    /// Name, unique for its owner.
    name: String,
    /// Path and search of the page.
    address: String,
    /// Everybody sees it; else only the owner.
    shared: bool,
    /// Hub clock.
    created_at: DateTime<Utc>,
}

impl From<ViewRow> for SavedView {
    fn from(row: ViewRow) -> Self {
        let ViewRow { id, owner, name, address, shared, created_at } = row;
        Self { id, owner, name, address, shared, created_at }
    }
}

/// A view to be saved.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewView {
    /// Name; a view of the caller with the same name is replaced.
    name: String,
    /// Path and search of a page, beginning with one slash.
    address: String,
    /// Everybody may see it; needs the right to operate.
    shared: bool,
}

/// The caller's views and those that others share, by name.
#[utoipa::path(get, operation_id = "list_views", path = "/api/v1/views", tag = "screens", responses(
    (status = 200, description = "Every view", body = Page<SavedView>),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let rows = app.store.views(&caller.0.user).await?;
    let views = rows.into_iter().map(SavedView::from).collect();
    answer::tagged(&headers, &Page::whole(views))
}

/// Save a view.
#[utoipa::path(post, operation_id = "save_view", path = "/api/v1/views", tag = "screens", request_body = NewView, responses(
    (status = 201, description = "Saved; the answer is its number", body = i64),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 409, description = "The account has as many views as it may have", body = Problem)))]
pub(super) async fn save(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<NewView>,
) -> Result<Response, Problem> {
    caller.require(if new.shared { Right::Operate } else { Right::Read })?;
    let name = line("name", &new.name, NAME_MAX)?;
    let view = NewViewRow { name, address: own_address(&new.address)?, shared: new.shared };
    let entry = JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action: "save_view",
        object: name,
        before: None,
        after: Some(json!({ "address": view.address, "shared": view.shared })),
    };
    let saved = app.store.save_view(&view, VIEWS_MAX, &entry).await?;
    let id = saved.ok_or_else(|| {
        Problem::conflict("too_many_views", format!("an account has at most {VIEWS_MAX}"))
    })?;
    Ok((StatusCode::CREATED, Json(id)).into_response())
}

/// Remove a view: one's own, or as an administrator anybody's.
#[utoipa::path(delete, operation_id = "remove_view", path = "/api/v1/views/{id}", tag = "screens",
    params(("id" = i64, Path, description = "Number of the view")), responses(
    (status = 204, description = "Removed"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "The caller has no such view", body = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Read)?;
    let missing = || Problem::not_found(format!("there is no view {id:?} of yours"));
    let number = id.parse().map_err(|_no_number| missing())?;
    let everybody = access::decide(&caller.0, Right::Administer).is_ok();
    let owner = (!everybody).then_some(caller.0.user.as_str());
    let entry = JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action: "remove_view",
        object: &id,
        before: None,
        after: None,
    };
    if app.store.remove_view(number, owner, &entry).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing())
    }
}

/// A text of one line: trimmed, 1 to `most` characters.
pub(super) fn line<'a>(
    field: &'static str,
    text: &'a str,
    most: usize,
) -> Result<&'a str, Problem> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=most).contains(&length) && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(Problem::invalid(field, format!("1 to {most} characters, none of them control")))
    }
}

/// An address of this site only: two slashes would lead to another host.
fn own_address(address: &str) -> Result<&str, Problem> {
    let own = address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains('\\')
        && !address.chars().any(|each| each.is_control() || each.is_whitespace());
    if own && address.len() <= ADDRESS_MAX {
        Ok(address)
    } else {
        let detail = format!("a path of this site of at most {ADDRESS_MAX} bytes");
        Err(Problem::invalid("address", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_on_this_site() {
        for good in ["/ops", "/ops?device=vds-1&at=2026-01-01T00:00:00Z", "/d/signal/s-1"] {
            assert_eq!(own_address(good).unwrap(), good);
        }
        for bad in ["", "ops", "//evil.example/", "/\\evil.example", "https://x", "/a b", "/a\n"] {
            assert_eq!(own_address(bad).unwrap_err().at_fault(), Some("address"), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(line("name", "  Trục Ninh Kiều ", 80).unwrap(), "Trục Ninh Kiều");
        for bad in ["", "  ", "a\nb", &"x".repeat(81)] {
            assert!(line("name", bad, 80).is_err());
        }
    }
}
