//! What the database holds against what the devices know: the same sets in both directions, rollups that
//! equal their rows, and the quarantine with exactly what was malformed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use anyhow::{bail, ensure};
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{
    facts::Kind,
    rollup,
    server::{DEADLINE, number},
    truth::Truth,
};

/// Rows of a difference that are told.
const TOLD: usize = 5;

const REFUSED: &str = "select format('%s|%s|%s|%s', topic, reason, partial::text, \
                         convert_from(payload, 'UTF8')) \
                       from quarantine where source = any($1)";

/// What is missing, span by span, with its count.
const GAPS: &str = "select format('%s|%s|%s|%s|%s|%s|%s', source, service, stream, boot, \
                      spans[n], spans[n + 1], spans[n + 2]) \
                    from gap, generate_series(1, coalesce(array_length(spans, 1), 0), 3) n \
                    where closed_at is null and missing > 0 and source = any($1)";

/// Numbers that were taken for given twice: no device of the truth does so.
const REUSED: &str = "select sum(seq_reused)::int8 from source_state where source = any($1)";

async fn texts(client: &Client, sql: &str, sources: &[String]) -> anyhow::Result<Vec<String>> {
    let rows = client.query(sql, &[&sources]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What is missing and what is too much, in words; empty when nothing is.
fn difference(what: &str, stored: &[String], expected: &BTreeSet<String>) -> String {
    let mut told = String::new();
    let known: BTreeSet<&String> = stored.iter().collect();
    let missing: Vec<&String> = expected.iter().filter(|text| !known.contains(text)).collect();
    let extra: Vec<&&String> = known.iter().filter(|text| !expected.contains(**text)).collect();
    let twice = stored.len() - known.len();
    if !(missing.is_empty() && extra.is_empty() && twice == 0) {
        let _infallible = writeln!(
            told,
            "{what}: {} stored, {} expected, {} missing {:?}, {} too much {:?}, {twice} twice",
            stored.len(),
            expected.len(),
            missing.len(),
            &missing[..missing.len().min(TOLD)],
            extra.len(),
            &extra[..extra.len().min(TOLD)],
        );
    }
    told
}

/// The quarantine: everything malformed and nothing else; what could be numbered stands there once.
async fn refused(client: &Client, truth: &Truth, sources: &[String]) -> anyhow::Result<String> {
    let mut stored = texts(client, REFUSED, sources).await?;
    stored.sort_unstable();
    // Without a number nothing tells a redelivery from a second message.
    let is_numbered = |text: &String| truth.refused.get(text).copied().unwrap_or(true);
    stored.dedup_by(|again, first| again == first && !is_numbered(first));
    Ok(difference("quarantine", &stored, &truth.refused.keys().cloned().collect()))
}

/// Compares everything once.
async fn compare(
    client: &Client,
    truth: &Truth,
    expected: &BTreeMap<Kind, BTreeSet<String>>,
) -> anyhow::Result<String> {
    let sources = truth.sources();
    let mut told = refused(client, truth, &sources).await?;
    let gaps = texts(client, GAPS, &sources).await?;
    told.push_str(&difference("gaps", &gaps, &truth.gaps()));
    let reused: Option<i64> = client.query_one(REUSED, &[&sources]).await?.get(0);
    if reused.is_some_and(|reused| reused > 0) {
        let _infallible = writeln!(told, "{reused:?} numbers given twice");
    }
    for kind in Kind::ALL {
        let stored = texts(client, kind.sql(), &sources).await?;
        let none = BTreeSet::new();
        let expected = expected.get(&kind).unwrap_or(&none);
        told.push_str(&difference(&format!("{kind:?}"), &stored, expected));
    }
    Ok(told)
}

/// Rows of the tables that the devices write to.
async fn rows(client: &Client) -> anyhow::Result<i64> {
    let tables = ["interval_reading", "signal_event", "health", "ticket_step", "metric_value"];
    let counts = tables.map(|table| format!("(select count(*) from {table})"));
    number(client, &format!("select {} + (select count(*) from quarantine)", counts.join(" + ")))
        .await
}

/// Waits until everything that the broker has acknowledged is stored, as long as rows come, and then
/// compares.
pub(crate) async fn holds(client: &Client, truth: &Truth) -> anyhow::Result<()> {
    let expected = truth.expected();
    let primary = [Kind::Interval, Kind::Event, Kind::Health, Kind::Ticket, Kind::Metric];
    let facts: usize =
        primary.iter().filter_map(|kind| expected.get(kind)).map(BTreeSet::len).sum();
    let wanted = i64::try_from(facts + truth.refused.len())?;
    let (mut last, mut until) = (-1, Instant::now() + DEADLINE);
    loop {
        let found = rows(client).await?;
        if found >= wanted {
            let told = compare(client, truth, &expected).await?;
            if told.is_empty() {
                break;
            }
            ensure!(Instant::now() < until, "{told}");
        }
        if found != last {
            (last, until) = (found, Instant::now() + DEADLINE);
        }
        if Instant::now() >= until {
            let told = compare(client, truth, &expected).await?;
            bail!("{found} rows of {wanted}, and none comes any more\n{told}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rollup::check(client).await.map(drop)
}
