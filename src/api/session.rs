//! Signing in and out, the caller's own password.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    App,
    body::Body,
    caller::{Caller, Peer, SESSION_COOKIE},
    problem::Problem,
};
use crate::access::{self, Identity, Right, Role};

/// Name and password.
#[derive(Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Credentials {
    /// Account name.
    pub(super) user: String,
    /// Password.
    pub(super) password: String,
}

/// Change of the caller's own password.
#[derive(Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PasswordChange {
    /// The password until now.
    current: String,
    /// The new one, at least 12 characters.
    new: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Session {
    /// Account name.
    user: String,
    /// Role.
    role: Role,
    /// What the role may do.
    rights: Vec<Right>,
    /// End of the session, hub clock.
    expires_at: DateTime<Utc>,
}

impl From<&Identity> for Session {
    fn from(who: &Identity) -> Self {
        Self {
            user: who.user.clone(),
            role: who.role,
            rights: who.role.rights().to_vec(),
            expires_at: who.expires_at,
        }
    }
}

fn cookie(app: &App, token: String) -> Cookie<'static> {
    Cookie::build((SESSION_COOKIE, token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.settings.secure_cookies)
        .build()
}

/// Sign in. The session is a cookie that no script can read.
#[utoipa::path(post, operation_id = "sign_in", path = "/api/v1/sessions", tag = "access", request_body = Credentials,
    security(()), responses(
    (status = 201, description = "Signed in; the cookie is set", body = Session),
    (status = 401, description = "The name or the password is wrong", body = Problem),
    (status = 429, description = "Too many failures", body = Problem)))]
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let length = (now, app.settings.session_length);
    let Credentials { user, password } = credentials;
    let signed_in =
        access::sign_in(&app.store, &app.gate, (&user, &password), peer.address, length).await?;
    let jar = jar.add(cookie(&app, signed_in.token));
    let session = Session::from(&signed_in.identity);
    Ok((StatusCode::CREATED, jar, Json(session)).into_response())
}

/// Who is signed in.
#[utoipa::path(get, operation_id = "current_session", path = "/api/v1/sessions/current", tag = "access", responses(
    (status = 200, description = "The caller", body = Session),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn current(Caller(who): Caller) -> Json<Session> {
    Json(Session::from(&who))
}

/// Sign out.
#[utoipa::path(delete, operation_id = "sign_out", path = "/api/v1/sessions/current", tag = "access", responses(
    (status = 204, description = "Signed out; the cookie is removed"),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    jar: CookieJar,
) -> Result<Response, Problem> {
    access::sign_out(&app.store, &app.seen, &who, app.clock.now()).await?;
    let jar = jar.remove(cookie(&app, String::new()));
    Ok((StatusCode::NO_CONTENT, jar).into_response())
}

/// Change the own password. The caller's other sessions end.
#[utoipa::path(post, operation_id = "change_own_password", path = "/api/v1/users/current/password", tag = "access",
    request_body = PasswordChange, responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "A password is wrong or too weak; `field` says which", body = Problem),
    (status = 429, description = "The current password was wrong too often", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    peer: Peer,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let passwords = (change.current.as_str(), change.new.as_str());
    let from = (peer.address, app.clock.now());
    access::change_own_password(&app.store, (&app.gate, &app.seen), &who, passwords, from).await?;
    Ok(StatusCode::NO_CONTENT)
}
