//! JSON bodies: whatever is wrong with one becomes a problem document.

use axum::{
    Json,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Extractor of a JSON body, at most as large as the router's limit.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                Err(Problem::body(rejection.status(), field(&text), &text))
            }
        }
    }
}

/// The key at fault: axum puts its path before the cause, `…target type: name.vi: missing field`.
fn field(text: &str) -> Option<&str> {
    let (_, told) = text.split_once("target type: ")?;
    let (path, _cause) = told.split_once(": ")?;
    Some(path).filter(|path| !path.contains(' '))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Wanted {
        name: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        vi: String,
    }

    async fn refused(media_type: &str, body: &'static str) -> Problem {
        let request = Request::builder()
            .method(Method::POST)
            .header("content-type", media_type)
            .body(axum::body::Body::from(body))
            .unwrap();
        let result = Body::<Wanted>::from_request(request, &()).await;
        result.map(|Body(wanted)| wanted).unwrap_err()
    }

    #[tokio::test]
    async fn a_bad_body_names_the_key_at_fault() {
        let json = "application/json";
        let field = async |body| refused(json, body).await.at_fault().map(str::to_owned);
        assert_eq!(field(r#"{"name":{"vi":3}}"#).await.as_deref(), Some("name.vi"));
        assert_eq!(field(r#"{"name":{"vi":"x"},"nme":1}"#).await.as_deref(), Some("nme"));
        assert_eq!(field("{").await, None);
        assert_eq!(refused("text/plain", "{}").await.status.as_u16(), 415);
    }
}
