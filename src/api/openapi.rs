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
Failures are RFC 9457 problem documents with a stable `code`. Bodies hold at most 1 MiB, \
imported tables 32 MiB.";

const TAGS: [(&str, &str); 11] = [
    ("access", "Signing in and out."),
    ("registry", "What exists: the city, its units, areas and devices."),
    ("history", "What was measured."),
    ("alarms", "What needs an operator now, what happened, and planned works."),
    ("desk", "The service desk and other city systems."),
    ("records", "Dossiers, petitions, documents and forms of the one-stop system."),
    ("indicators", "Indicators of administrative reform and the service desk, and their records."),
    ("open", "Open data, for everybody."),
    ("data health", "Sources, known loss, refused messages, what people changed."),
    ("screens", "What people arrange: saved views, wall displays, hand-overs of shifts."),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::openapi_document;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    fn document() -> Value {
        serde_json::to_value(openapi_document()).unwrap()
    }

    /// (method, path, operation) of the document.
    fn operations(document: &Value) -> Vec<(&str, &String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let of_path = |(path, item)| {
            let item: &Value = item;
            METHODS.into_iter().filter_map(move |method| Some((method, path, item.get(method)?)))
        };
        paths.iter().flat_map(of_path).collect()
    }

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_document_lists_every_route() {
        let document = document();
        let listed: Vec<String> = operations(&document)
            .iter()
            .map(|(method, path, _)| format!("{} {path}", method.to_uppercase()))
            .collect();
        assert_eq!(listed.join("\n"), include_str!("routes.txt").trim());
    }

    #[test]
    fn no_route_comes_in_without_its_documentation() {
        // `routes!` takes only documented handlers; beside it stand the websocket, which the
        // AsyncAPI document describes, and the answer to unknown paths.
        let plain: Vec<&str> = include_str!("../api.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix(".route(\""))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(plain, ["/api/v1/live", "/api/{*rest}"]);
    }

    #[test]
    fn every_operation_is_described_and_has_its_own_id() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations(&document) {
            let at = format!("{method} {path}");
            let text = |key: &str| operation[key].as_str().unwrap_or_default();
            assert!(!text("summary").is_empty(), "{at} has no summary");
            assert!(ids.insert(text("operationId").to_owned()), "{at} shares its id");
            assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{at}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{at} {status}");
            }
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in &parameters {
                let described = parameter["description"].as_str().is_some_and(|d| !d.is_empty());
                assert!(described, "{at}: {parameter}");
            }
            for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let told = |p: &Value| p["name"] == name && p["in"] == "path";
                assert!(parameters.iter().any(told), "{at} does not describe {name}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn every_field_of_every_answer_is_described() {
        let document = document();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                // A reference may be described by what it leads to.
                let described = of.to_string().contains("\"description\"");
                assert!(described, "{name}.{field} has no description");
            }
        }
    }
}
