//! The AsyncAPI document lists every stream of the decoder, and the README's examples work.

use std::{collections::BTreeSet, fs};

use ioc_ingest::{Service, Stream, decode};
use serde_json::Value;

use crate::{
    cases::contract,
    schemas::{Schemas, folder},
};

fn document() -> Value {
    serde_json::from_slice(&fs::read(folder().join("asyncapi.json")).unwrap()).unwrap()
}

/// What a reference within the document refers to.
fn target<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let reference = reference["$ref"].as_str().unwrap();
    document.pointer(reference.strip_prefix('#').unwrap()).expect(reference)
}

#[test]
fn every_stream_of_the_decoder_is_a_channel_and_no_other() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    let channels = document["channels"].as_object().unwrap();
    let listed: BTreeSet<&str> =
        channels.values().map(|channel| channel["address"].as_str().unwrap()).collect();
    let mut expected = BTreeSet::new();
    for service in Service::ALL {
        for stream in Stream::ALL {
            if stream.allowed_for(service) {
                expected.insert(format!("ioc/1/{{city}}/{service}/{{source}}/{stream}"));
            }
        }
    }
    assert_eq!(listed, expected.iter().map(String::as_str).collect());
    assert_eq!(listed.len(), channels.len());
}

#[test]
fn every_channel_names_its_schema_and_how_it_is_published() {
    let (document, schemas) = (document(), Schemas::load());
    let mut used = BTreeSet::new();
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), document["channels"].as_object().unwrap().len());
    for operation in operations.values() {
        let channel = target(&document, &operation["channel"]);
        let address = channel["address"].as_str().unwrap();
        let message = target(&document, target(&document, &operation["messages"][0]));
        let file = message["payload"]["schema"]["$ref"].as_str().unwrap();
        let stream = file.strip_suffix(".schema.json").unwrap();
        assert!(schemas.get(stream).is_some(), "{address}: {file}");
        assert!(channel["description"].is_string(), "{address}");
        assert_eq!(message["title"], schemas.document(stream)["title"], "{address}");
        for parameter in channel["parameters"].as_object().unwrap().values() {
            assert!(target(&document, parameter)["description"].is_string());
        }
        let (_, last) = address.rsplit_once('/').unwrap();
        assert_eq!(operation["action"], "receive");
        assert_eq!(operation["bindings"]["mqtt"]["qos"], 1);
        let retained = matches!(last, "state" | "health" | "status");
        assert_eq!(operation["bindings"]["mqtt"]["retain"], retained, "{address}");
        used.insert(stream);
    }
    assert_eq!(used, schemas.streams().collect());
}

#[test]
fn the_lines_to_try_in_the_readme_are_taken() {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("mosquitto_pub")).collect();
    assert!(lines.len() >= 3, "the README shows how to publish");
    for line in lines {
        let (_, rest) = line.split_once(" -t ").unwrap();
        let (topic, rest) = rest.split_once(' ').unwrap();
        let (_, payload) = rest.split_once("-m '").unwrap();
        let message =
            decode(&contract(), topic, payload.strip_suffix('\'').unwrap().as_bytes()).unwrap();
        assert!(message.refused.is_empty(), "{line}");
        let retained =
            matches!(message.topic.stream, Stream::State | Stream::Health | Stream::Status);
        assert_eq!(line.contains(" -r "), retained, "{line}");
        assert!(line.contains(" -q 1 "), "{line}");
    }
}

#[test]
fn the_readme_names_every_reason_and_every_key() {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    for reason in ioc_ingest::Reason::ALL {
        assert!(text.contains(&format!("| `{reason}` |")), "{reason}");
    }
    let schemas = Schemas::load();
    for stream in schemas.streams() {
        for key in schemas.document(stream)["properties"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("`{key}`")), "{stream} {key}");
        }
    }
}
