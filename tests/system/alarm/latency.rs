//! How long an alarm takes from the device's message to the operator's screen.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::flash;
use crate::{channel::Channel, message::now, site::Site};

/// Signals that report a conflict, one after the other.
const SIGNALS: usize = 200;
/// From the condition to the screen, 99 of 100.
const BUDGET: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_alarm_is_on_the_screen_at_once() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let alarms = channel.follow(1, "alarms").await?;
    let mut taken = Vec::with_capacity(SIGNALS);
    for n in 1..=SIGNALS {
        let id = format!("sig_conflict_flash:sig-{n:04}");
        let topic = format!("signal/sig-{n:04}/state");
        let begun = Instant::now();
        site.publish_json(&topic, &flash(now(), 1, 6)).await?;
        channel.wait_value(alarms, &id, "state", "unack").await?;
        taken.push(begun.elapsed());
    }
    let raised = "select count(*) from alarm_transition where action = 'raise' and code = 'sig_conflict_flash'";
    site.wait_count(raised, i64::try_from(SIGNALS)?).await?;
    let shown = channel[alarms].rows.values().filter(|row| row.contains(&json!("unack"))).count();
    assert!(shown >= SIGNALS, "{shown} alarms are shown");
    taken.sort_unstable();
    let (p50, p99) = (taken[SIGNALS / 2 - 1], taken[SIGNALS * 99 / 100 - 1]);
    eprintln!("from publishing to the screen: p50 {p50:?}, p99 {p99:?}, budget {BUDGET:?}");
    assert!(p99 < 5 * BUDGET, "five times the budget: p50 {p50:?}, p99 {p99:?}");
    site.stop().await?;
    Ok(())
}
