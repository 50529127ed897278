//! Every failure of the API as one RFC 9457 problem document with a stable `code`, the field at
//! fault and what to do.
//!
//! No database text reaches a client: causes are logged here, once, and the client gets the class.
//! A client's mistake is not logged.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde::Serialize;
use tokio_postgres::error::SqlState;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    access::{AdministerError, Denied, Right, SignInError},
    reform::ReformError,
    store::StoreError,
    writer::WriterError,
};

/// A refused or failed request; answered as a problem document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    title: &'static str,
    detail: String,
    field: Option<Cow<'static, str>>,
    help: Option<Cow<'static, str>>,
    retry_s: Option<u32>,
}

/// Why a request was refused or failed (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[ts(rename = "Problem")]
pub(super) struct ProblemDocument {
    /// `urn:ioc-hub:problem:CODE`.
    #[serde(rename = "type")]
    kind: String,
    /// HTTP status.
    status: u16,
    /// Stable code, for programs and translations.
    code: &'static str,
    /// What kind of problem it is, in English.
    title: &'static str,
    /// What was found and what is allowed, in English.
    detail: String,
    /// Parameter or body key at fault; null when it is none.
    field: Option<Cow<'static, str>>,
    /// What to do about it; null when nothing can be done.
    help: Option<Cow<'static, str>>,
    /// Seconds after which trying again makes sense; null when it does not.
    retry_s: Option<u32>,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        ProblemDocument::schema()
    }
}

impl ToSchema for Problem {}

impl From<Problem> for ProblemDocument {
    fn from(problem: Problem) -> Self {
        Self {
            kind: format!("urn:ioc-hub:problem:{}", problem.code),
            status: problem.status.as_u16(),
            code: problem.code,
            title: problem.title,
            detail: problem.detail,
            field: problem.field,
            help: problem.help,
            retry_s: problem.retry_s,
        }
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self { status, code, title, detail, field: None, help: None, retry_s: None }
    }

    fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    const fn retry_s(mut self, seconds: u32) -> Self {
        self.retry_s = Some(seconds);
        self
    }

    /// Name of the parameter or body key at fault.
    pub fn at_fault(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// A parameter or body key has a value that is not allowed.
    pub(crate) fn invalid(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "A value is not allowed", detail).field(field)
    }

    /// A parameter that the resource does not know.
    pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        let detail = format!("there is no parameter {name:?}");
        Self::new(StatusCode::BAD_REQUEST, "unknown_parameter", "Unknown parameter", detail)
            .field(name.to_owned())
            .help(format!("the parameters are: {}", known.join(", ")))
    }

    /// The answer would be larger than the limits allow.
    pub(crate) fn too_much(
        field: &'static str,
        detail: impl Into<String>,
        help: &'static str,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "too_much", "More than one request may ask for", detail)
            .field(field)
            .help(help)
    }

    /// The body cannot be read.
    pub(crate) fn body(status: StatusCode, field: Option<&str>, detail: &str) -> Self {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "body" };
        let mut problem = Self::new(status, code, "The body cannot be used", detail)
            .help("send JSON of at most 1 MiB with `content-type: application/json`");
        problem.field = field.map(|field| field.to_owned().into());
        problem
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", what)
    }

    /// The resource does not know the method.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "the resource does not know this method";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method_not_allowed", "Method not allowed", detail)
    }

    /// The state of the thing forbids it.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "The present state forbids it", detail)
    }

    /// Nobody is signed in.
    pub(crate) fn unauthenticated() -> Self {
        let detail = "there is no valid session";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in", detail)
            .help("sign in with POST /api/v1/sessions")
    }

    /// Passwords were wrong too often.
    fn too_many_attempts(wait: TimeDelta) -> Self {
        let seconds = u32::try_from(wait.num_seconds()).unwrap_or(0).saturating_add(1);
        let detail = "passwords were wrong too often for this name or from this address";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too_many_attempts", "Too many wrong passwords", detail)
            .help(format!("wait {seconds} seconds"))
            .retry_s(seconds)
    }

    /// Another web site's page sent the request.
    pub(crate) fn cross_site() -> Self {
        let detail = "a page of another origin may not change anything here";
        Self::new(StatusCode::FORBIDDEN, "cross_site", "Request of another origin", detail)
    }

    /// As many are answered already as may be at once.
    pub(crate) fn too_many_at_once(retry_s: u32) -> Self {
        let detail = "as many requests as are answered at once are being answered already";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too_many_at_once", "Too many requests at once", detail).retry_s(retry_s)
    }

    /// Only for this machine or an administrator.
    pub(crate) fn not_local() -> Self {
        let detail = "this is for requests from the hub's own machine or of an administrator";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// The hub does not know its registry yet.
    pub(crate) fn starting() -> Self {
        Self::unavailable("starting", "the hub is starting: it has not read its registry yet")
    }

    /// What was asked for, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The hub itself failed; the cause is in its log.
    pub(crate) fn internal() -> Self {
        let detail = "the hub failed to answer; its log tells the cause";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The hub failed", detail)
    }

    /// A camera gave no picture.
    pub(crate) fn camera(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, "No picture of the camera", detail).retry_s(5)
    }

    /// A camera took longer than is allowed.
    pub(crate) fn camera_timeout() -> Self {
        let detail = "the camera gave no picture in time";
        let status = StatusCode::GATEWAY_TIMEOUT;
        Self::new(status, "camera_timeout", "No picture of the camera", detail).retry_s(5)
    }

    /// The hub cannot do it now.
    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "Not available at the moment", detail)
            .help("try again in a few seconds")
            .retry_s(5)
    }
}

impl From<ReformError> for Problem {
    fn from(error: ReformError) -> Self {
        let text = error.to_string();
        match error {
            ReformError::Store(error) => error.into(),
            ReformError::NoIndicator { .. } => Self::invalid("ids", text),
            ReformError::NoDimension { .. } => Self::invalid("by", text),
            ReformError::Unit(_) => Self::invalid("unit", text),
            ReformError::NoLaw { .. } | ReformError::TooShort(_) | ReformError::NotOver(_) => {
                Self::invalid("period", text)
            }
            ReformError::Ruling => Self::invalid("score", text),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry) = (self.status, self.retry_s.map(HeaderValue::from));
        let mut response = (status, Json(ProblemDocument::from(self))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry) = retry {
            headers.insert(header::RETRY_AFTER, retry);
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(Denied(right): Denied) -> Self {
        let detail = match right {
            Right::Read => "your account may not read",
            Right::Operate => "this needs an operator's or administrator's account",
            Right::Administer => "this needs an administrator's account",
        };
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Away { .. } => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a request failed");
                Self::unavailable("database_away", "the database does not answer")
            }
            StoreError::Busy { .. } => {
                Self::unavailable("busy", "the database is busy with other requests")
            }
            // The zero character, which JSON and URLs can hold and PostgreSQL's text cannot.
            StoreError::Refused { source, .. }
                if source.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE) =>
            {
                let detail = "a value holds the zero character";
                Self::new(StatusCode::BAD_REQUEST, "invalid", "A value is not allowed", detail)
            }
            StoreError::Url { .. }
            | StoreError::Ca { .. }
            | StoreError::Refused { .. }
            | StoreError::Exists { .. }
            | StoreError::Beside { .. }
            | StoreError::Statement { .. }
            | StoreError::TooNew { .. }
            | StoreError::TooOld { .. }
            | StoreError::Foreign { .. }
            | StoreError::NoTimescale
            | StoreError::Taken => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => {
                let status = StatusCode::UNAUTHORIZED;
                Self::new(status, "wrong_password", "Not signed in", error.to_string())
            }
            SignInError::TooMany { wait } => Self::too_many_attempts(wait),
            SignInError::Busy => Self::unavailable("busy", error.to_string()),
            SignInError::Hash(ref why) => {
                tracing::error!(why, "a sign-in failed");
                Self::internal()
            }
            SignInError::Store(error) => error.into(),
        }
    }
}

impl From<AdministerError> for Problem {
    fn from(error: AdministerError) -> Self {
        match error {
            AdministerError::Weak(weak) => Self::invalid("new", weak.to_string()),
            AdministerError::Wrong => Self::invalid("current", error.to_string()),
            AdministerError::Name(_) => Self::invalid("user", error.to_string()),
            AdministerError::Exists(_) => Self::conflict("exists", error.to_string()),
            AdministerError::Last(_) => Self::conflict("last_administrator", error.to_string()),
            AdministerError::Unknown(_) => Self::not_found(error.to_string()),
            AdministerError::TooMany { wait } => Self::too_many_attempts(wait),
            AdministerError::Busy => Self::unavailable("busy", error.to_string()),
            AdministerError::Hash(ref why) => {
                tracing::error!(why, "a password could not be hashed");
                Self::internal()
            }
            AdministerError::Store(error) => error.into(),
        }
    }
}

impl From<WriterError> for Problem {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Away => Self::unavailable("database_away", error.to_string()),
            WriterError::Unsure => Self::unavailable("outcome_unknown", error.to_string()),
            WriterError::CatchingUp => Self::unavailable("catching_up", error.to_string()),
            WriterError::NotFound(_) => Self::not_found(error.to_string()),
            WriterError::Exists(_) => Self::conflict("exists", error.to_string()),
            WriterError::Impossible(_) => Self::conflict("impossible", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_the_database_reaches_the_client() {
        let secret = "relation account, host 10.1.2.3";
        let away = StoreError::Away { doing: "read an account", source: secret.into() };
        let problem = Problem::from(away);
        assert_eq!((problem.status.as_u16(), problem.code), (503, "database_away"));
        let text = serde_json::to_string(&ProblemDocument::from(problem)).unwrap();
        assert!(!text.contains("10.1.2.3") && !text.contains("account"), "{text}");
        let problem = Problem::from(StoreError::NoTimescale);
        assert_eq!((problem.status.as_u16(), problem.code), (500, "internal"));
    }

    #[test]
    fn a_problem_is_a_problem_document_and_says_when_to_try_again() {
        let response = Problem::unavailable("busy", "too much").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    }
}
