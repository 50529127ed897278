//! `testdata/<stream>/<rule>.json`: `{"topic", "payload", "expect"}`.
//!
//! `payload_text` is text as it stands, `payload_hex` bytes, `payload_padded_to` adds spaces up to a
//! size. `expect` is `{"reject": {reason, field}}`, or what stands in the message: the given keys of
//! `envelope` and `fact`, and all of `refused`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use ioc_ingest::{Contract, Message, Reason, Reject, decode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::schemas::Schemas;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) topic: String,
    payload: Option<Value>,
    payload_text: Option<String>,
    payload_hex: Option<String>,
    payload_padded_to: Option<usize>,
    expect: Value,
}

impl Case {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = match (&self.payload, &self.payload_text, &self.payload_hex) {
            (Some(payload), None, None) => payload.to_string().into_bytes(),
            (None, Some(text), None) => text.clone().into_bytes(),
            (None, None, Some(hex)) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
            _ => panic!("a case has one payload"),
        };
        if let Some(size) = self.payload_padded_to {
            bytes.resize(size, b' ');
        }
        bytes
    }
}

pub(crate) fn contract() -> Contract {
    let keys = "name ho_ten phone sdt so_dien_thoai id_number cccd cmnd address dia_chi email";
    Contract {
        city: "can-tho".to_owned(),
        personal_keys: keys.split(' ').map(str::to_owned).collect(),
    }
}

pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every case with the stream that its folder names. A file that is no case fails.
pub(crate) fn all() -> Vec<(PathBuf, String, Case)> {
    let mut cases = Vec::new();
    for folder in fs::read_dir(testdata()).unwrap() {
        let folder = folder.unwrap().path();
        let stream = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if stream == "corpus" {
            continue;
        }
        for file in fs::read_dir(&folder).expect("testdata has folders only") {
            let path = file.unwrap().path();
            let case = serde_json::from_slice(&fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            cases.push((path, stream.clone(), case));
        }
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

fn told(reject: &Reject) -> Value {
    json!({"reason": reject.reason, "field": reject.field})
}

/// What `decode` made of a case, in the form of its `expect`.
fn shown(outcome: &Result<Message, Reject>) -> Value {
    match outcome {
        Err(reject) => json!({"reject": told(reject)}),
        Ok(message) => json!({
            "envelope": message.envelope,
            "fact": message.fact,
            "refused": message.refused.iter().map(told).collect::<Vec<_>>(),
        }),
    }
}

/// Whether `actual` has everything that `expected` names; lists have to be of the same length.
fn has(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected
            .iter()
            .all(|(key, expected)| actual.get(key).is_some_and(|actual| has(actual, expected))),
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(actual, expected)| has(actual, expected))
        }
        _ => actual == expected,
    }
}

/// Whether JSON Schema can tell what is refused for this reason.
fn schema_can_tell(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Version | Reason::Missing | Reason::Type | Reason::Range | Reason::TooMany
    )
}

#[test]
fn every_case_decodes_as_it_says() {
    let contract = contract();
    let mut wrong = Vec::new();
    for (path, _, case) in all() {
        let actual = shown(&decode(&contract, &case.topic, &case.bytes()));
        if !has(&actual, &case.expect) || actual.get("reject") != case.expect.get("reject") {
            wrong.push(format!(
                "{}\n  expected {}\n  actual {actual}",
                path.display(),
                case.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn schemas_take_what_decode_takes_and_refuse_what_they_can_tell() {
    let (contract, schemas) = (contract(), Schemas::load());
    for (path, stream, case) in all() {
        let bytes = case.bytes();
        let (Ok(payload), Some(schema)) =
            (serde_json::from_slice::<Value>(&bytes), schemas.get(&stream))
        else {
            continue;
        };
        let expected = match decode(&contract, &case.topic, &bytes) {
            Ok(message) => !message.refused.iter().any(|reject| schema_can_tell(reject.reason)),
            Err(reject) if schema_can_tell(reject.reason) => false,
            Err(_) => continue,
        };
        assert_eq!(schema.is_valid(&payload), expected, "{}", path.display());
    }
}

#[test]
fn every_reason_that_decode_can_give_has_a_case() {
    let contract = contract();
    let mut given = BTreeSet::new();
    for (_, _, case) in all() {
        match decode(&contract, &case.topic, &case.bytes()) {
            Ok(message) => given.extend(message.refused.iter().map(|reject| reject.reason)),
            Err(reject) => _ = given.insert(reject.reason),
        }
    }
    let not_of_the_text = [
        Reason::ClockAhead,
        Reason::TooOld,
        Reason::UnknownSource,
        Reason::WrongService,
        Reason::UnknownMetric,
        Reason::Conflict,
        Reason::Rate,
        Reason::Refused,
    ];
    for reason in Reason::ALL {
        assert_eq!(given.contains(&reason), !not_of_the_text.contains(&reason), "{reason}");
    }
}

#[test]
fn a_reject_says_what_was_found_but_not_of_personal_streams() {
    let contract = contract();
    let detail = |topic: &str, payload: &str| {
        decode(&contract, topic, payload.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        detail("ioc/1/can-tho/vds/vds-1/interval", r#"{"v":1,"boot":4294967296}"#),
        "range at boot: must be 0 to 4294967295, found 4294967296"
    );
    assert_eq!(
        detail("ioc/1/can-tho/desk/desk-1/ticket", r#"{"v":1,"status":"Nguyen Van A"}"#),
        "range at status: must be one of new, triaged, assigned, in_progress, waiting_citizen, \
         waiting_other, resolved, published, closed, rejected, duplicate, transferred, reopened"
    );
}
