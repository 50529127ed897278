//! Calls at the switchboard of the service desk: those behind the hotline's tickets, and those that
//! led to none. Some callers give up before anybody answers.

use ioc_ingest::ticket::{Call, CallDirection, Channel};

use super::{
    calendar::{DAY_MS, utc},
    desk::Desk,
    dice::{Dice, Purpose},
};

/// Calls that lead to no ticket, on a working day and on a weekend day.
const OTHER_CALLS_PER_DAY: (f64, f64) = (120.0, 50.0);
/// Longest call in milliseconds.
const CALL_MAX_MS: i64 = 10 * 60_000;

impl Desk {
    /// Calls at the switchboard that were queued on a civil day: those behind the hotline's tickets,
    /// and those that led to none.
    pub(crate) fn calls(&self, day: i64) -> Vec<Call> {
        let mut dice = Dice::new(self.seed, Purpose::Call, 0, day);
        let date = utc(day * DAY_MS).format("%Y%m%d").to_string();
        let mut calls = Vec::new();
        for life in self.tickets(day) {
            let Some(step) = life.into_iter().next() else { continue };
            if step.channel == Some(Channel::Hotline) {
                // The ticket is written during the call.
                let answered = step.at.timestamp_millis() - dice.millis(20_000, 120_000);
                let queued = answered - dice.millis(2000, 28_000);
                let ended = step.at.timestamp_millis() + dice.millis(10_000, 150_000);
                calls.push((queued, Some(answered), ended, CallDirection::In, Some(step.ticket)));
            }
        }
        let count = self.volume(day, OTHER_CALLS_PER_DAY, &mut dice);
        for queued in self.arrivals(day, count, &mut dice) {
            let patience = dice.millis(4000, 90_000);
            let wait = if dice.chance(0.85) {
                dice.millis(2000, 18_000)
            } else {
                dice.millis(15_000, 120_000)
            };
            let outward = dice.chance(0.08);
            let direction = if outward { CallDirection::Out } else { CallDirection::In };
            let answered = (outward || wait <= patience).then_some(queued + wait);
            let talk = dice.millis(25_000, 240_000).min(CALL_MAX_MS);
            let ended = answered.map_or(queued + patience, |at| at + talk);
            calls.push((queued, answered, ended, direction, None));
        }
        calls.sort_by_key(|call| call.0);
        let time = |at: i64| Some(utc(at));
        let number = |(n, (queued, answered, ended, direction, ticket)): (
            usize,
            (i64, Option<i64>, i64, _, _),
        )| Call {
            call: format!("c-{date}-{n:04}").into(),
            direction,
            queued_at: time(queued),
            answered_at: answered.and_then(time),
            abandoned_at: if answered.is_none() { time(ended) } else { None },
            ended_at: time(ended),
            ticket,
        };
        calls.into_iter().enumerate().map(number).collect()
    }
}
