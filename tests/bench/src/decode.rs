//! Decoding alone, on one core: the hub's decoder beside a bare typed parse of the same bytes.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ioc_ingest::{Contract, decode::decode};

use super::{
    payload::{self, Messages},
    report::{Report, float},
    typed::IntervalMessage,
};

const PART: &str = "decode alone, one core, 4 lanes a message";
/// Different messages, so that branch predictors learn nothing by heart.
const MESSAGES: usize = 2_000;
const ROUND: Duration = Duration::from_millis(400);

/// Measures in turns.
pub(crate) fn run(city: &str, rounds: usize, report: &mut Report) -> anyhow::Result<()> {
    let mut messages = Messages::new(1_772_409_600_000);
    let inputs: Vec<(String, Bytes)> = (0..MESSAGES)
        .map(|at| {
            let (station, step) = (at % payload::STATIONS, at / payload::STATIONS);
            (payload::topic("ioc", city, station), messages.message(station, step))
        })
        .collect();
    let contract = Contract { city: city.to_owned(), personal_keys: Vec::new() };
    for (topic, bytes) in &inputs {
        decode(&contract, topic, bytes).map_err(|reject| anyhow::anyhow!("{reject:?}"))?;
    }
    let hub = |topic: &str, bytes: &Bytes| decode(&contract, topic, bytes).is_ok();
    let bare = |_topic: &str, bytes: &Bytes| {
        let parsed: Result<IntervalMessage, _> = sonic_rs::from_slice(bytes);
        black_box(&parsed).is_ok()
    };
    let (mut hub_hz, mut bare_hz) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare_hz.push(rate(&inputs, bare)?);
        hub_hz.push(rate(&inputs, hub)?);
    }
    let bytes: usize = inputs.iter().map(|(_, bytes)| bytes.len()).sum();
    report.add(PART, "size of a message", (float(bytes) / float(MESSAGES), "bytes"), "");
    let bare = report.add_rounds(PART, "bare typed parse", (bare_hz, "messages/s"), "");
    let hub = report.add_rounds(PART, "decode and validate", (hub_hz, "messages/s"), "");
    let ratio = 100.0 * hub / bare.max(f64::MIN_POSITIVE);
    report.add(PART, "decode / bare parse, medians", (ratio, "%"), ">= 70");
    Ok(())
}

/// Messages per second of one round.
fn rate(inputs: &[(String, Bytes)], work: impl Fn(&str, &Bytes) -> bool) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < ROUND {
        let good = inputs.iter().filter(|(topic, bytes)| black_box(work(topic, bytes))).count();
        anyhow::ensure!(good == inputs.len(), "a message of the benchmark does not parse");
        done += good;
    }
    Ok(float(done) / begun.elapsed().as_secs_f64())
}
