//! Random and mutated messages, a hundred thousand of them in the long run: the hub lives, stores the good
//! ones between them and accounts for every one that it refuses.

use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::Value;

use crate::{
    message::{interval, period},
    rollup,
    server::repository,
    site::{CITY, Site, SiteOptions},
};

const MESSAGES: u64 = 100_000;
/// In the short run.
const FEW_MESSAGES: u64 = 15_000;
/// One message in so many is good.
const GOOD_EVERY: u64 = 100;
const SEED: u64 = 0x10c;
/// What is put in the place of a number.
const NUMBERS: [&str; 10] = [
    "-1",
    "1e999",
    "99999999999999999999",
    "0.00000000000001",
    "null",
    "\"\"",
    "[]",
    "-0",
    "1E-400",
    "true",
];

/// Topic without its first three levels, and payload.
type Pair = (String, Vec<u8>);

/// The decoder's own cases.
fn cases() -> anyhow::Result<Vec<Pair>> {
    let mut found = Vec::new();
    collect(&repository("ingest/testdata"), &mut found)?;
    assert!(found.len() > 100, "{} cases", found.len());
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<Pair>) -> anyhow::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found)?;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let case: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let topic = case["topic"].as_str().and_then(|topic| topic.strip_prefix("ioc/1/can-tho/"));
        match (topic, &case["payload"]) {
            (Some(topic), Value::Null) => found.push((topic.to_owned(), bytes)),
            (Some(topic), payload) => {
                found.push((topic.to_owned(), payload.to_string().into_bytes()));
            }
            // A file of the corpus is bytes alone.
            (None, _) => found.push(("vds/vds-001/interval".to_owned(), bytes)),
        }
    }
    Ok(())
}

/// One message after the other, the same for the same seed.
struct Storm {
    cases: Vec<Pair>,
    dice: StdRng,
}

impl Storm {
    fn pick(&mut self) -> Pair {
        self.cases.choose(&mut self.dice).cloned().expect("there are cases")
    }

    fn place(&mut self, length: usize) -> usize {
        self.dice.random_range(0..length.max(1))
    }

    fn next(&mut self) -> Pair {
        let (mut topic, mut payload) = self.pick();
        for _change in 0..self.dice.random_range(0..4_u32) {
            self.mutate(&mut payload);
        }
        match self.dice.random_range(0..20_u32) {
            0 => topic = self.mutated_topic(&topic),
            1 => topic = self.pick().0,
            2 => {
                payload = vec![0; self.place(400)];
                self.dice.fill_bytes(&mut payload);
            }
            3 if self.dice.random_range(0..50_u32) == 0 => payload.resize(70_000, b'['),
            _ => {}
        }
        (topic, payload)
    }

    fn mutate(&mut self, payload: &mut Vec<u8>) {
        let at = self.place(payload.len());
        let length = self.place(12).min(payload.len() - at.min(payload.len()));
        match self.dice.random_range(0..8_u32) {
            0 if !payload.is_empty() => payload[at] ^= 1 << self.dice.random_range(0..8_u32),
            1 => payload.truncate(at),
            2 => drop(payload.drain(at..at + length)),
            3 => {
                let piece = payload[at..at + length].to_vec();
                payload.splice(at..at, piece);
            }
            4 => payload.insert(at.min(payload.len()), self.dice.random()),
            5 => {
                let depth = self.dice.random_range(1..40_usize);
                payload.splice(at..at, b"[".repeat(depth));
            }
            6 => {
                let other = self.pick().1;
                payload.truncate(at);
                payload.extend_from_slice(&other[self.place(other.len())..]);
            }
            _ => {
                let number = NUMBERS.choose(&mut self.dice).expect("there are some");
                if let Some(begin) = payload[at..].iter().position(u8::is_ascii_digit) {
                    let begin = at + begin;
                    let rest = &payload[begin..];
                    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    payload.splice(begin..begin + length, number.bytes());
                }
            }
        }
    }

    /// Any topic below the city that a broker lets through.
    fn mutated_topic(&mut self, topic: &str) -> String {
        let mut letters: Vec<char> = topic.chars().collect();
        let at = self.place(letters.len());
        let strange = ['/', 'A', 'ấ', ' ', '.', '-', '0', '\u{feff}', '\u{1f6a6}'];
        match self.dice.random_range(0..3_u32) {
            0 => letters[at] = *strange.choose(&mut self.dice).expect("there are some"),
            1 => letters.insert(at, *strange.choose(&mut self.dice).expect("there are some")),
            _ => drop(letters.remove(at)),
        }
        letters.into_iter().collect()
    }
}

/// The good message number `n`: a station and a time that no case has.
fn good(begin: DateTime<Utc>, n: u64) -> Pair {
    let message = interval(period(begin, n), n, &[n % 50, 1, 2]);
    (format!("vds/vds-{}/interval", 120 + n % 30), message.to_string().into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_broken_messages_neither_stops_the_hub_nor_hides_the_good_ones()
-> anyhow::Result<()> {
    weather(FEW_MESSAGES).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_long_storm_neither_stops_the_hub_nor_hides_the_good_ones() -> anyhow::Result<()> {
    weather(MESSAGES).await
}

async fn weather(count: u64) -> anyhow::Result<()> {
    // The cases tell times of the second of March 2026.
    let now: DateTime<Utc> = "2026-03-02T02:00:00Z".parse()?;
    let begin: DateTime<Utc> = "2026-02-20T00:00:00Z".parse()?;
    let mut options = SiteOptions::at(now);
    options.config.ingest.quarantine_messages = 1_000_000;
    options.config.ingest.quarantine_bytes = 1 << 40;
    // The clock stands: out of the spool, two messages of the same bytes would be one that is read twice.
    options.config.spool.after_ms = 600_000;
    let site = Site::start_with(options).await?;
    let mut storm = Storm { cases: cases()?, dice: StdRng::seed_from_u64(SEED) };
    let messages = (0..count)
        .map(|n| if n % GOOD_EVERY == 0 { good(begin, n / GOOD_EVERY) } else { storm.next() });
    site.publish_all(messages).await?;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    site.wait_progress("hub_ingest_received_total", count as f64).await?;
    let accounted = format!(
        "select (select coalesce(sum(messages), 0)::int8 from source_state) \
              + (select count(*) from quarantine where source is null) - {count}"
    );
    site.wait_count(&accounted, 0).await?;

    // Every good one is stored, as it was sent.
    let stored = format!(
        "select count(*) from interval_reading r \
         join detector t on t.id = r.detector_id join device d on d.id = t.device_id \
         join generate_series(0, {last}) n on d.source = 'vds-' || (120 + n % 30) \
           and r.time = timestamptz '2026-02-20 00:00:00Z' + n * interval '30 seconds' \
         where (t.place, r.count) in (('lane/1', n % 50), ('lane/2', 1), ('lane/3', 2))",
        last = count / GOOD_EVERY - 1
    );
    assert_eq!(site.count(&stored).await?, i64::try_from(3 * count / GOOD_EVERY)?);
    rollup::check(&site.client().await?).await?;

    // Taken or refused, and every refusal kept with its reason, once: the storm repeats itself.
    let refused = |what: &str| {
        format!("select count(*) from quarantine where reason <> 'conflict' and {what}")
    };
    let wholly = site.count(&refused("not partial")).await?;
    #[expect(clippy::cast_possible_truncation, reason = "a small number")]
    let metric = |name: &str| site.metric(name) as i64;
    let taken = metric("hub_ingest_accepted_total");
    let again = metric("hub_writer_refused_again_total");
    let messages = i64::try_from(count)?;
    assert!(taken + wholly <= messages && taken + wholly + again >= messages, "{again} again");
    let text = site.hub.metrics.render();
    let counted = text.lines().filter(|line| line.starts_with("hub_ingest_refused_total{"));
    let counted: i64 =
        counted.filter_map(|line| line.rsplit(' ').next()?.parse::<i64>().ok()).sum();
    let repeated = counted - site.count(&refused("true")).await?;
    assert!((0..=again).contains(&repeated), "{repeated} of {again}");
    assert!(wholly > i64::try_from(count / 2)?, "{wholly} of {count} refused: no storm");
    let reasons = site.count("select count(distinct reason) from quarantine").await?;
    assert!(reasons > 12, "{reasons} reasons");

    // Whatever was taken or refused can be looked at.
    let bisections = site.metric("hub_writer_bisections_total");
    assert!(bisections < 0.5, "decode lets through what the database refuses");
    let administrator = site.administrator().await?;
    for path in [
        "quarantine?limit=1000",
        "sources?limit=10000",
        "devices",
        "state?at=2026-03-02T02:00:00Z",
        "tickets",
        "calls",
    ] {
        administrator.json(&format!("/api/v1/{path}")).await?;
    }
    site.ready().await?;
    site.stop().await?;
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_storm() -> anyhow::Result<()> {
    let messages = || -> anyhow::Result<Vec<Pair>> {
        let mut storm = Storm { cases: cases()?, dice: StdRng::seed_from_u64(SEED) };
        Ok((0..500).map(|_n| storm.next()).collect())
    };
    assert_eq!(messages()?, messages()?);
    assert_eq!(CITY, "can-tho", "the cases are of this city");
    Ok(())
}
