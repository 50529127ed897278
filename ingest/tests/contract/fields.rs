//! Field by field, schema and decoder refuse the same values.
//!
//! Goes through every property of every schema. At its place in the message `every_key.json` it puts
//! values of every kind, among them those on and beside the bounds that the schema names.

use ioc_ingest::decode;
use serde_json::{Value, json};

use crate::{
    cases::{Case, contract, testdata},
    schemas::Schemas,
};

/// Values that some field takes and others do not.
fn candidates() -> Vec<Value> {
    let texts = [
        "",
        "a",
        "A",
        "a b",
        "a\u{0}",
        "a\n",
        "đ",
        "9f2c",
        "a/b:c",
        "gso:1",
        "gso:92",
        "gso:31135",
        "gso:311350",
        "gso:",
        "agency:H13.05",
        "agency:",
        "2026-03-02T01:15:00Z",
        "2026-03-02T01:15:00.123456789+07:00",
        "2026-03-02t01:15:00.3z",
        "2026-03-02T01:15:00",
        "2026-03-02 01:15:00Z",
        "2026-02-30T01:15:00Z",
        "2026-03-02T25:15:00Z",
        "2016-12-31T23:59:60Z",
        "2016-12-31T22:59:60Z",
        "2026-03-02T01:15:00+24:00",
        "2026-03-02",
    ];
    let mut values: Vec<Value> = texts.map(Value::from).to_vec();
    for length in [64, 65, 2_000, 2_001] {
        values.push("a".repeat(length).into());
        values.push("đ".repeat(length).into());
    }
    values.extend([json!(null), json!(true), json!(false), json!([]), json!({}), json!([null])]);
    values.extend([json!(0), json!(1), json!(-1), json!(2.0), json!(0.5), json!(-0.000_01)]);
    values
}

/// The values on and beside the bounds of a schema.
fn bounds(schema: &Value) -> Vec<Value> {
    let whole = schema["type"] == "integer" || schema["type"][0] == "integer";
    let mut values = Vec::new();
    for (bound, outwards) in [("minimum", -1_i32), ("maximum", 1)] {
        if let Some(bound) = schema[bound].as_i64() {
            values.extend([
                json!(bound),
                json!(bound + i64::from(outwards)),
                json!(bound - i64::from(outwards)),
            ]);
        }
        if let (Some(bound), false) = (schema[bound].as_f64(), whole) {
            values.push(json!(bound + f64::from(outwards) * 0.000_1));
            values.push(json!(bound - f64::from(outwards) * 0.000_1));
        }
    }
    values.extend(schema["enum"].as_array().into_iter().flatten().cloned());
    values
}

struct Walk<'a> {
    schemas: &'a Schemas,
    stream: &'a str,
    topic: String,
    message: Value,
    fields: usize,
}

impl Walk<'_> {
    /// Checks the property at `pointer` and those below it.
    fn field(&mut self, file: &str, pointer: &str, schema: &Value) {
        self.fields += 1;
        let (file, schema) = self.schemas.resolved(file, schema);
        assert!(self.message.pointer(pointer).is_some(), "{} has no {pointer}", self.stream);
        for value in candidates().into_iter().chain(bounds(schema)) {
            let mut message = self.message.clone();
            *message.pointer_mut(pointer).unwrap() = value;
            self.agree(&message, pointer);
        }
        self.properties(file, pointer, schema);
        let items = schema["prefixItems"].as_array().cloned().unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            self.field(file, &format!("{pointer}/{index}"), item);
        }
        if !schema["items"].is_null() {
            self.field(file, &format!("{pointer}/0"), &schema["items"]);
        }
    }

    fn properties(&mut self, file: &str, pointer: &str, schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let mut message = self.message.clone();
            message.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name);
            self.agree(&message, &format!("no {pointer}/{name}"));
            self.field(file, &format!("{pointer}/{name}"), property);
        }
    }

    fn agree(&self, message: &Value, what: &str) {
        let decoded = decode(&contract(), &self.topic, message.to_string().as_bytes());
        let taken = decoded.as_ref().is_ok_and(|message| message.refused.is_empty());
        let valid = self.schemas.get(self.stream).unwrap().is_valid(message);
        assert_eq!(taken, valid, "{} {what}: {message}\n{decoded:?}", self.stream);
    }
}

#[test]
fn schema_and_decoder_agree_on_every_field() {
    let schemas = Schemas::load();
    let mut fields = 0;
    for stream in schemas.streams() {
        let file = testdata().join(stream).join("every_key.json");
        let case: Case = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let message = serde_json::from_slice(&case.bytes()).unwrap();
        let mut walk = Walk { schemas: &schemas, stream, topic: case.topic, message, fields: 0 };
        walk.properties(stream, "", schemas.document(stream));
        fields += walk.fields;
    }
    assert!(fields > 200, "only {fields} fields were found");
}
