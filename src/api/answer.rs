//! Shapes that every resource shares: bilingual names, answers with an entity tag.

use std::fmt::Write as _;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;

/// A name in both languages of the city.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Name {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// JSON with an entity tag, or 304 when the caller holds the same.
pub(crate) fn tagged<T: Serialize>(asked: &HeaderMap, value: &T) -> Result<Response, Problem> {
    tagged_as(asked, "application/json", value)
}

/// The same with another media type of the JSON family.
pub(crate) fn tagged_as<T: Serialize>(
    asked: &HeaderMap,
    media_type: &'static str,
    value: &T,
) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an answer is no JSON");
        Problem::internal()
    })?;
    Ok(with_tag(asked, media_type, body.into()))
}

/// Weak tag, because compression changes the bytes on the way. The answer depends on who asks, so
/// only the browser itself keeps it and asks again each time.
pub(crate) fn with_tag(asked: &HeaderMap, media_type: &'static str, body: Bytes) -> Response {
    let digest = Sha256::digest(&body);
    let mut tag = String::from("W/\"");
    for byte in &digest[..12] {
        let _infallible = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let held = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim() == tag || value.trim() == "*");
    let mut response = if held {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, cookie"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether the caller prefers this media type: it is named in `Accept` before JSON.
pub(crate) fn accepts(asked: &HeaderMap, media_type: &str) -> bool {
    asked
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|part| part.split(';').next().unwrap_or("").trim())
        .find(|part| matches!(*part, "application/json" | "*/*") || *part == media_type)
        .is_some_and(|part| part == media_type)
}

/// What names the next page of a list in the header `Link`: the same address with another `after`, a
/// cursor that needs no escapes.
pub(crate) fn next_link(asked: &Uri, next: &str) -> Option<HeaderValue> {
    let kept = asked.query().unwrap_or_default().split('&');
    let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: Vec<&str> = kept.collect();
    let join = if query.is_empty() { "" } else { "&" };
    let link = format!("<{}?{}{join}after={next}>; rel=\"next\"", asked.path(), query.join("&"));
    HeaderValue::from_str(&link).ok()
}

/// Text that no spreadsheet takes for a formula. Not for numbers: a negative one is none.
pub(crate) fn neutral(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_same_question_after_another_place() {
        let link = |asked: &'static str| next_link(&Uri::from_static(asked), "17").unwrap();
        assert_eq!(
            link("/api/v1/alarms/journal"),
            "</api/v1/alarms/journal?after=17>; rel=\"next\""
        );
        assert_eq!(
            link("/api/v1/alarms/journal?after=90&code=x&limit=5"),
            "</api/v1/alarms/journal?code=x&limit=5&after=17>; rel=\"next\""
        );
    }

    #[test]
    fn the_same_answer_is_not_sent_twice() {
        let first = tagged(&HeaderMap::new(), &"hello").unwrap();
        let tag = first.headers()[header::ETAG].clone();
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, tag);
        assert_eq!(tagged(&again, &"hello").unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(tagged(&again, &"other").unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn the_first_named_media_type_wins() {
        let accept = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(text));
            accepts(&headers, "text/csv")
        };
        assert!(accept("text/csv"));
        assert!(accept("text/csv;q=0.9, */*"));
        assert!(!accept("application/json, text/csv"));
        assert!(!accept("*/*"));
        assert!(!accepts(&HeaderMap::new(), "text/csv"));
    }
}
