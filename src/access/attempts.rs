//! Slows down guessing: failed sign-ins are counted per (name, address) and per address over a
//! window, and beyond the limit every further try is refused until the window is over.
//!
//! Counting by name alone would let anybody lock anybody out. In memory, bounded: at most
//! [`KEYS_MAX`] counters; at the limit the eighth that ends soonest makes room.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Failures of one name from one address within the window.
const PER_NAME_AND_ADDRESS: u32 = 10;
/// Failures of one address within the window, whatever the names: a whole office may share one.
const PER_ADDRESS: u32 = 100;
/// Length of the window.
const WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Counters kept.
const KEYS_MAX: usize = 10_000;

type Key = (Option<String>, IpAddr);

#[derive(Debug)]
struct Count {
    failures: u32,
    until: DateTime<Utc>,
}

/// Failed sign-ins of the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<Key, Count>>);

impl Attempts {
    /// Counts a try before it is made. Returns how long to wait when there were too many.
    ///
    /// Counting before the password is checked keeps parallel tries within the limit too; a success
    /// takes its count back with [`Attempts::succeeded`].
    pub(crate) fn begin(
        &self,
        name: &str,
        from: IpAddr,
        now: DateTime<Utc>,
    ) -> Result<(), TimeDelta> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limits =
            [((Some(name.to_owned()), from), PER_NAME_AND_ADDRESS), ((None, from), PER_ADDRESS)];
        for (key, limit) in &limits {
            if let Some(count) = counts.get(key)
                && count.until > now
                && count.failures >= *limit
            {
                return Err(count.until - now);
            }
        }
        for (key, _) in limits {
            make_room(&mut counts, &key, now);
            let fresh = Count { failures: 0, until: now + WINDOW };
            let count = counts.entry(key).or_insert(fresh);
            if count.until <= now {
                *count = Count { failures: 0, until: now + WINDOW };
            }
            count.failures += 1;
        }
        Ok(())
    }

    /// The try was right: it does not count.
    pub(crate) fn succeeded(&self, name: &str, from: IpAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&(Some(name.to_owned()), from));
        if let Some(count) = counts.get_mut(&(None, from)) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

fn make_room(counts: &mut HashMap<Key, Count>, key: &Key, now: DateTime<Utc>) {
    if counts.len() < KEYS_MAX || counts.contains_key(key) {
        return;
    }
    counts.retain(|_, count| count.until > now);
    if counts.len() < KEYS_MAX {
        return;
    }
    // A part at once, so that a flood of addresses pays for the search only now and then.
    let mut ends: Vec<DateTime<Utc>> = counts.values().map(|count| count.until).collect();
    let (_, last_to_leave, _) = ends.select_nth_unstable(KEYS_MAX / 8);
    let last_to_leave = *last_to_leave;
    let mut leaving = KEYS_MAX / 8;
    counts.retain(|_, count| {
        let leaves = leaving > 0 && count.until <= last_to_leave;
        leaving -= usize::from(leaves);
        !leaves
    });
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn guessing_one_name_stops_until_the_window_is_over() {
        let attempts = Attempts::default();
        let start = DateTime::UNIX_EPOCH;
        for _ in 0..PER_NAME_AND_ADDRESS {
            attempts.begin("admin", AWAY, start).unwrap();
        }
        assert_eq!(attempts.begin("admin", AWAY, start), Err(WINDOW));
        assert_eq!(attempts.begin("admin", HOME, start), Ok(()), "the owner is not locked out");
        assert_eq!(attempts.begin("admin", AWAY, start + WINDOW), Ok(()));
    }

    #[test]
    fn guessing_many_names_from_one_address_stops_too() {
        let attempts = Attempts::default();
        for n in 0..PER_ADDRESS {
            attempts.begin(&format!("user{n}"), AWAY, DateTime::UNIX_EPOCH).unwrap();
        }
        assert!(attempts.begin("admin", AWAY, DateTime::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_success_starts_the_name_anew() {
        let attempts = Attempts::default();
        for _ in 0..(3 * PER_ADDRESS) {
            attempts.begin("admin", HOME, DateTime::UNIX_EPOCH).unwrap();
            attempts.succeeded("admin", HOME);
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..u32::try_from(KEYS_MAX).unwrap() {
            let from = IpAddr::V4(Ipv4Addr::from_bits(n));
            let now = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(n.into());
            attempts.begin("admin", from, now).unwrap();
        }
        let held = attempts.0.lock().unwrap().len();
        assert!(held <= KEYS_MAX, "{held} counters");
        assert!(held >= KEYS_MAX * 3 / 4, "{held} counters");
    }
}
