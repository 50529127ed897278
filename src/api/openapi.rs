//! The OpenAPI 3.1 document, generated from the handlers.

use axum::{http::HeaderMap, response::Response};
use utoipa::openapi::{
    InfoBuilder, OpenApi, OpenApiBuilder,
    security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};

use super::{answer, caller::SESSION_COOKIE, problem::Problem};

const DESCRIPTION: &str = "Times are RFC 3339 with offset and answered in UTC; a time without \
offset is refused. Spans are half-open: `from` belongs to them, `to` does not. Lists answer \
`items` and `next`; give `next` as `after` for the page that follows. Answers carry an entity tag. \
Failures are RFC 9457 problem documents with a stable `code`. Bodies hold at most 1 MiB.";

const TAGS: [(&str, &str); 6] = [
    ("access", "Signing in and out."),
    ("registry", "What exists: the city, its units, areas and devices."),
    ("history", "What was measured."),
    ("desk", "The service desk and other city systems."),
    ("data health", "Sources, refused messages, what people changed."),
    ("operations", "For monitoring and integration."),
];

/// Title, description, tags and the session cookie; the paths come from the handlers.
pub(super) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("IOC Hub")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new().name(name).description(Some(description)).build()
    });
    let mut document = OpenApiBuilder::new()
        .info(info)
        .tags(Some(tags))
        .security(Some([SecurityRequirement::new("session", Vec::<String>::new())]))
        .build();
    let cookie = ApiKeyValue::with_description(SESSION_COOKIE, "Set by POST /api/v1/sessions.");
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

/// This document.
#[utoipa::path(get, operation_id = "openapi", path = "/api/v1/openapi.json", tag = "operations", security(()), responses(
    (status = 200, description = "OpenAPI 3.1 document", body = serde_json::Value)))]
pub(super) async fn document(headers: HeaderMap) -> Result<Response, Problem> {
    answer::tagged(&headers, &super::openapi_document())
}
