//! Whether one alarm is told, many together, or none yet: pure, given the times.
//!
//! A flood is more than so many alarms within a time; while it lasts, what comes is gathered and told
//! together, with counts. The rate limit holds over all messages: what it holds back is told together too,
//! so that nothing is ever left out.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

/// How often an endpoint may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages in `rate_per` at most.
    pub rate_messages: usize,
    /// That time.
    pub rate_per: TimeDelta,
    /// More alarms than this within `flood_within` are a flood.
    pub flood_more_than: usize,
    /// That time.
    pub flood_within: TimeDelta,
    /// In a flood alarms are gathered for this long.
    pub gather: TimeDelta,
}

/// What the pace has to remember; made again from the database after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// When alarms came that are in messages already, in order.
    pub told: VecDeque<DateTime<Utc>>,
    /// When messages were made, in order.
    pub made: VecDeque<DateTime<Utc>>,
}

/// Why many are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// There is a flood.
    Flood,
    /// The rate limit held them back.
    Rate,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be told.
    Nothing,
    /// Tell the first alarm.
    First,
    /// Tell all of them in one message.
    All(Together),
    /// Not before this instant.
    Until(DateTime<Utc>),
}

impl Past {
    /// Notes a message about alarms of these times.
    pub fn note(&mut self, alarms: &[DateTime<Utc>], made: DateTime<Utc>) {
        self.told.extend(alarms);
        self.made.push_back(made);
    }

    /// Forgets what the pace asks for no longer.
    fn forget(&mut self, pace: &Pace, newest: DateTime<Utc>, now: DateTime<Utc>) {
        let flood_from = newest - pace.flood_within;
        self.told.retain(|at| *at > flood_from);
        // A clock that was set back must not hold messages back for longer than the limit says.
        self.made.retain(|at| *at > now - pace.rate_per && *at <= now);
    }
}

impl Pace {
    /// What to do with alarms of these times, in order of their transitions.
    pub fn step(&self, past: &mut Past, waiting: &[DateTime<Utc>], now: DateTime<Utc>) -> Step {
        let (Some(first), Some(newest)) = (waiting.first(), waiting.iter().max()) else {
            return Step::Nothing;
        };
        past.forget(self, *newest, now);
        let free = self.rate_messages.saturating_sub(past.made.len());
        if free == 0 {
            let oldest = past.made.front().copied().unwrap_or(now);
            return Step::Until(oldest + self.rate_per);
        }
        let flood_from = *newest - self.flood_within;
        let recent = waiting.iter().filter(|at| **at > flood_from).count() + past.told.len();
        if recent > self.flood_more_than {
            let due = *first + self.gather;
            return if due <= now { Step::All(Together::Flood) } else { Step::Until(due) };
        }
        if waiting.len() > free { Step::All(Together::Rate) } else { Step::First }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        rate_messages: 4,
        rate_per: TimeDelta::seconds(100),
        flood_more_than: 2,
        flood_within: TimeDelta::seconds(50),
        gather: TimeDelta::seconds(10),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn alarms_that_come_seldom_are_told_one_by_one() {
        let mut past = Past::default();
        for seconds in [0, 60, 120] {
            assert_eq!(PACE.step(&mut past, &[at(seconds)], at(seconds)), Step::First);
            past.note(&[at(seconds)], at(seconds));
        }
        assert_eq!(PACE.step(&mut past, &[], at(130)), Step::Nothing);
    }

    #[test]
    fn a_flood_is_gathered_and_told_together_until_it_is_over() {
        let mut past = Past::default();
        past.note(&[at(0)], at(0));
        past.note(&[at(1)], at(1));
        // The third within 50 s is one more than allowed.
        assert_eq!(PACE.step(&mut past, &[at(2)], at(2)), Step::Until(at(12)));
        let flood: Vec<_> = (2..12).map(at).collect();
        assert_eq!(PACE.step(&mut past, &flood, at(12)), Step::All(Together::Flood));
        past.note(&flood, at(12));
        // Two of the last 50 s were told: with this one it goes on.
        assert_eq!(PACE.step(&mut past, &[at(59)], at(59)), Step::Until(at(69)));
        // Only one of them is left.
        assert_eq!(PACE.step(&mut past, &[at(60)], at(60)), Step::First);
    }

    #[test]
    fn what_the_rate_limit_holds_back_is_told_together() {
        let pace = Pace { flood_more_than: 1_000, ..PACE };
        let mut past = Past::default();
        for seconds in 0..4 {
            assert_eq!(pace.step(&mut past, &[at(seconds)], at(seconds)), Step::First);
            past.note(&[at(seconds)], at(seconds));
        }
        let held = [at(5), at(6)];
        assert_eq!(pace.step(&mut past, &held, at(6)), Step::Until(at(100)));
        // One message is free again: both go into it.
        assert_eq!(pace.step(&mut past, &held, at(100)), Step::All(Together::Rate));
    }

    proptest! {
        #[test]
        fn nothing_is_left_out_and_the_rate_is_never_exceeded(
            gaps in prop::collection::vec(0_i64..40, 1..200)
        ) {
            let mut past = Past::default();
            let (mut now, mut told) = (0, 0);
            let mut waiting: Vec<DateTime<Utc>> = Vec::new();
            let mut made: Vec<i64> = Vec::new();
            let times: Vec<i64> = gaps.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
            let mut next = 0;
            while told < times.len() {
                while next < times.len() && times[next] <= now {
                    waiting.push(at(times[next]));
                    next += 1;
                }
                let count = match PACE.step(&mut past, &waiting, at(now)) {
                    Step::Nothing => { now += 1; continue }
                    Step::Until(until) => {
                        prop_assert!(until > at(now), "waits for what is over");
                        now += 1;
                        continue;
                    }
                    Step::First => 1,
                    Step::All(_) => waiting.len(),
                };
                let gone: Vec<_> = waiting.drain(..count).collect();
                past.note(&gone, at(now));
                made.push(now);
                told += count;
                let recent = made.iter().filter(|sent| **sent > now - 100).count();
                prop_assert!(recent <= PACE.rate_messages, "{recent} messages in 100 s");
                prop_assert!(now < 1_000_000);
            }
            prop_assert!(waiting.is_empty());
        }
    }
}
