//! Signals that run a plan that the city did not schedule, and greens that leave vehicles behind.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::clock::Clock as _;
use serde_json::{Value, json};

use super::moved;
use crate::{channel::Channel, site::Site};

const MISMATCH: &str = "sig_plan_mismatch:sig-0001";
const SPLIT: &str = "split_fail_persist:sig-0001";

fn state(time: DateTime<Utc>, seq: u64, plan: u16) -> Value {
    json!({
        "v": 1, "time": time, "boot": 1, "seq": seq, "mode": "coordinated", "plan": plan,
        "groups": [{"group": 2, "kind": "vehicle", "state": 3}],
    })
}

/// One cycle of 100 s of phase 6 whose stop line stays occupied.
fn cycle(time: DateTime<Utc>, seq: u64) -> Value {
    let events = json!([
        [0, 1, 6],
        [0, 82, 6],
        [40_000, 8, 6],
        [43_000, 10, 6],
        [90_000, 81, 6],
        [95_000, 3, 6]
    ]);
    json!({"v": 1, "time": time, "boot": 1, "seq": seq, "events": events})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_not_scheduled_and_greens_that_are_too_short_are_told() -> anyhow::Result<()>
{
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let alarms = channel.follow(1, "alarms").await?;
    // 10:00 on a Tuesday, where the demonstration's schedule names plan 3.
    site.publish_json("signal/sig-0001/state", &state(clock.now(), 1, 2)).await?;
    site.publish_json("signal/sig-0002/state", &state(clock.now(), 1, 3)).await?;
    site.wait_count("select count(*) from signal_state", 2).await?;
    clock.advance(TimeDelta::seconds(300));
    channel.wait_value(alarms, MISMATCH, "state", "unack").await?;
    assert_eq!(channel[alarms].value(MISMATCH, "why"), "plan.mismatch=2/3");
    site.publish_json("signal/sig-0001/state", &state(clock.now(), 2, 3)).await?;
    site.wait_count("select count(*) from signal_state", 3).await?;
    clock.advance(TimeDelta::seconds(61));
    channel.wait_value(alarms, MISMATCH, "state", "rtnun").await?;

    let begin = clock.now() - TimeDelta::seconds(1_000);
    for number in 0..10 {
        let time = begin + TimeDelta::seconds(100 * number);
        let events = cycle(time, u64::try_from(number)? + 1);
        site.publish_json("signal/sig-0001/events", &events).await?;
    }
    channel.wait_value(alarms, SPLIT, "state", "unack").await?;
    assert_eq!(channel[alarms].value(SPLIT, "why"), "split.fail=6");
    let other = "select count(*) from alarm where object = 'sig-0002' and code like 'sig_plan%'";
    assert_eq!(site.count(other).await?, 0);
    site.stop().await?;
    Ok(())
}
