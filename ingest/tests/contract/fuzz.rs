//! No bytes make the decoder panic, and it calls JSON what another parser calls JSON.
//!
//! 100,000 messages from a fixed seed: random bytes, random pieces of JSON, and the messages of
//! `testdata` mutated. The same harness runs the files of `testdata/corpus` (topic in the first line,
//! the payload behind it): what once went wrong, or is of a kind that goes wrong in parsers.

use std::fs;

use ioc_ingest::{
    Contract, Reason, decode,
    decode::{is_personal, mask_personal, personal_key_names},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::cases::{self, contract};

/// Pieces that messages are made of.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "\\ude00",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1e309",
    "-1",
    "1.5",
    "0.00005",
    "1E-400",
    "99999999999999999999",
    "NaN",
    "\"v\":1",
    "\"time\"",
    "\"2026-03-02T01:15:00Z\"",
    "\"boot\":",
    "\"seq\":",
    "\"lanes\":[",
    "\"zones\":[",
    "\"events\":[[0,1,2]]",
    "\"groups\":[{",
    "\"x\":",
    "\"clock\":{",
    "\u{feff}",
    "đ",
    "\u{0}",
    " \n",
    "\"name\":",
    "079201234567",
];

fn check(contract: &Contract, topic: &str, payload: &[u8]) {
    let other = serde_json::from_slice::<Value>(payload);
    match decode(contract, topic, payload) {
        Ok(message) => {
            assert!(other.is_ok(), "taken, and no JSON: {:?}", String::from_utf8_lossy(payload));
            assert_eq!(message.topic.to_text(&contract.city), topic);
        }
        Err(reject) if reject.reason == Reason::Json => {
            let of_the_contract = ["nested deeper", "duplicate key", "number that is not finite"];
            let strict = of_the_contract.iter().any(|what| reject.detail.starts_with(what));
            assert!(strict || other.is_err(), "{reject}: {:?}", String::from_utf8_lossy(payload));
        }
        Err(reject) if matches!(reject.reason, Reason::Topic | Reason::TooLarge) => {}
        // Personal data comes before the contract's own rules of JSON.
        Err(reject) if reject.reason == Reason::PersonalData => {
            assert!(serde_json::from_slice::<IgnoredAny>(payload).is_ok(), "{reject}");
        }
        Err(reject) => {
            assert!(other.is_ok(), "{reject}: {:?}", String::from_utf8_lossy(payload));
        }
    }
    if !is_personal(topic) {
        return;
    }
    assert_eq!(mask_personal(payload).len(), payload.len());
    for name in personal_key_names(contract, payload) {
        assert!(!name.contains("079201234567"), "{name}");
    }
}

fn mutate(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len().min(at + 16));
        match rng.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => _ = bytes.splice(at..at, PIECES[rng.random_range(0..PIECES.len())].bytes()),
            3 => _ = bytes.splice(at..end, PIECES[rng.random_range(0..PIECES.len())].bytes()),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => _ = bytes.drain(at..end),
        }
    }
}

#[test]
fn no_message_panics_and_json_is_what_another_parser_takes() {
    let contract = contract();
    let mut rng = StdRng::seed_from_u64(20_260_302);
    // Long messages add time and no new shapes.
    let seeds: Vec<_> = cases::all()
        .into_iter()
        .map(|(_, _, case)| (case.topic.clone(), case.bytes()))
        .filter(|(_, bytes)| bytes.len() < 1_500)
        .collect();
    for turn in 0..100_000 {
        let (topic, seed) = &seeds[rng.random_range(0..seeds.len())];
        let payload = match turn % 10 {
            0 => (0..rng.random_range(0..64)).map(|_| rng.random()).collect(),
            1 => (0..rng.random_range(0..40))
                .flat_map(|_| PIECES[rng.random_range(0..PIECES.len())].bytes())
                .collect(),
            _ => {
                let mut payload = seed.clone();
                mutate(&mut rng, &mut payload);
                payload
            }
        };
        check(&contract, topic, &payload);
    }
}

#[test]
fn no_topic_panics() {
    let contract = contract();
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..10_000 {
        let mut topic = b"ioc/1/can-tho/desk/desk-1022/ticket".to_vec();
        mutate(&mut rng, &mut topic);
        check(&contract, &String::from_utf8_lossy(&topic), b"{\"v\":1}");
    }
}

#[test]
fn the_corpus_passes() {
    let contract = contract();
    let mut files = 0;
    for file in fs::read_dir(cases::testdata().join("corpus")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let line = bytes.iter().position(|&byte| byte == b'\n').expect("a topic in the first line");
        check(&contract, str::from_utf8(&bytes[..line]).unwrap(), &bytes[line + 1..]);
        files += 1;
    }
    assert!(files >= 20, "the corpus is committed");
}
