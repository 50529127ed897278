//! Reads what is usual of stations at the time of the week, for rules that compare with it.
//!
//! An hour at a time, shortly before it begins, from the 5-minute sums of the same hour of the four weeks
//! before in the city's time; the hour before stays for messages that come late. What is read does not change
//! meanwhile, so once an hour is as good as once in 5 minutes, and twelve times cheaper. Goes by the clock that
//! it is given. A public holiday is like no other day: on one nothing is usual, and those of the weeks before
//! are left out. A year without a table of holidays counts as one without holidays. Without a rule that asks,
//! the task does not run.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use ioc_ingest::{Service, Source};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    calendar::Calendar,
    clock::SharedClock,
    measure::usual::{BIN_S, Hour, Limits, NEIGHBOURS, WEEK_BINS, WEEKS, hour_of},
    patience::Patience,
    registry::{Device, Registry},
    store::{
        Store, StoreError,
        usual::{self as stored, Spans},
    },
};

const HOUR_S: i64 = 3_600;
/// An hour is read so long before it begins, seconds.
const AHEAD_S: i64 = 180;
/// Devices of one statement: a city of thousands is read in parts, each far below the limit of a statement.
const DEVICES: usize = 500;
/// Time between two looks at the clock.
const PERIOD: Duration = Duration::from_secs(1);

/// What is usual in one hour.
#[derive(Debug, Clone, PartialEq)]
pub struct UsualHour {
    /// Hour since 1970.
    pub hour: i64,
    /// Stations of which anything is known.
    pub stations: HashMap<Box<str>, Hour>,
}

/// The hours that are known, the oldest first.
pub type UsualHours = Arc<[Arc<UsualHour>]>;

/// The task's ends.
#[derive(Debug)]
pub struct UsualTask {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// What is registered.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// Zone of the time of the week.
    pub zone: Tz,
    /// Public holidays.
    pub calendar: Arc<Calendar>,
    /// Services whose stations are asked about.
    pub services: Vec<Service>,
    /// When there is something to compare with.
    pub limits: Limits,
    /// Tells what is known.
    pub told: watch::Sender<UsualHours>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl UsualTask {
    /// Runs until the stop. What cannot be read now is read later, ever more rarely.
    pub async fn run(self) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut patience = Patience::of("usual occupancy");
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = tick.tick() => {}
            }
            let Some(registry) = self.registry.borrow().clone() else { continue };
            match self.look(&registry).await {
                Ok(()) => patience.succeeded(),
                Err(error) => tick.reset_after(patience.failed(&error)),
            }
        }
    }

    /// Reads what is wanted and not known, and forgets what is wanted no more.
    async fn look(&self, registry: &Registry) -> Result<(), StoreError> {
        let wanted = wanted(self.clock.now());
        let known = Arc::clone(&self.told.borrow());
        let mut hours: Vec<Arc<UsualHour>> =
            known.iter().filter(|known| wanted.contains(&known.hour)).cloned().collect();
        let missing = wanted.iter().rev().find(|hour| hours.iter().all(|one| one.hour != **hour));
        if missing.is_none() && hours.len() == known.len() {
            return Ok(());
        }
        if let Some(hour) = missing {
            hours.push(Arc::new(self.read(registry, *hour).await?));
        }
        hours.sort_unstable_by_key(|one| one.hour);
        self.told.send_replace(hours.into());
        Ok(())
    }

    async fn read(&self, registry: &Registry, hour: i64) -> Result<UsualHour, StoreError> {
        let spans = spans(hour, self.zone, |day| self.calendar.is_holiday(day) == Ok(true));
        let mut read = UsualHour { hour, stations: HashMap::new() };
        if spans.places.is_empty() {
            return Ok(read);
        }
        let is_asked = |device: &&Arc<Device>| {
            self.services.contains(&device.service) && !device.detectors.is_empty()
        };
        let by_id: HashMap<i32, &Source> =
            registry.devices.values().filter(is_asked).map(|one| (one.id, &one.source)).collect();
        let ids: Vec<i32> = by_id.keys().copied().collect();
        let client = self.store.reader().await?;
        for ids in ids.chunks(DEVICES) {
            for (id, told) in stored::occupancies(&client, ids, &spans).await? {
                let usual = hour_of(&told, self.limits);
                let is_known = usual.iter().any(Option::is_some);
                if let Some(source) = by_id.get(&id).filter(|_| is_known) {
                    read.stations.insert(source.as_str().into(), usual);
                }
            }
        }
        Ok(read)
    }
}

/// Hours that are to be known at `now`, the most urgent last.
fn wanted(now: DateTime<Utc>) -> Vec<i64> {
    let second = now.timestamp();
    let hour = second.div_euclid(HOUR_S);
    let next = (second + AHEAD_S).div_euclid(HOUR_S);
    let mut wanted = vec![hour - 1];
    wanted.extend((next > hour).then_some(next));
    wanted.push(hour);
    wanted
}

/// The same hour of the weeks before by the clocks of the city, with its neighbours; none on a holiday.
fn spans(hour: i64, zone: Tz, is_holiday: impl Fn(NaiveDate) -> bool) -> Spans {
    let mut spans = Spans::default();
    let Some(begin) = DateTime::from_timestamp(hour * HOUR_S, 0) else { return spans };
    let local = begin.with_timezone(&zone).naive_local();
    if is_holiday(local.date()) {
        return spans;
    }
    let bins = |count: usize| TimeDelta::seconds(i64::try_from(count).unwrap_or_default() * BIN_S);
    for week in 0..WEEKS {
        let days = i64::try_from(week + 1).unwrap_or_default() * 7;
        let before = local - TimeDelta::days(days);
        if is_holiday(before.date()) {
            continue;
        }
        // Where clocks skip it there is no such hour.
        let Some(begin) = zone.from_local_datetime(&before).earliest() else { continue };
        let begin = begin.to_utc() - bins(NEIGHBOURS);
        spans.places.push(i32::try_from(week * WEEK_BINS).unwrap_or_default());
        spans.begins.push(begin);
        spans.ends.push(begin + bins(WEEK_BINS));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn hour(text: &str) -> i64 {
        at(text).timestamp() / HOUR_S
    }

    #[test]
    fn an_hour_is_wanted_shortly_before_it_begins_and_one_hour_longer() {
        let ten = hour("2026-09-22T03:00:00Z");
        assert_eq!(wanted(at("2026-09-22T03:56:59Z")), [ten - 1, ten]);
        assert_eq!(wanted(at("2026-09-22T03:57:00Z")), [ten - 1, ten + 1, ten]);
        assert_eq!(wanted(at("2026-09-22T04:00:00Z")), [ten, ten + 1]);
    }

    #[test]
    fn the_weeks_before_go_by_the_clocks_of_the_city() {
        let found = spans(hour("2026-11-02T09:00:00Z"), chrono_tz::Europe::Berlin, |_| false);
        // 10:00 in winter; in summer, until 25 October, that was 08:00 UTC.
        let begins = ["2026-10-26T08:50:00Z", "2026-10-19T07:50:00Z", "2026-10-12T07:50:00Z"];
        assert_eq!(found.begins[..3], begins.map(at));
        assert_eq!(found.ends[0], at("2026-10-26T10:10:00Z"));
        assert_eq!(found.places, [0, 16, 32, 48]);
    }

    #[test]
    fn on_a_holiday_nothing_is_usual_and_those_before_are_left_out() {
        let calendar = Calendar::vietnam();
        let is_holiday = |day: NaiveDate| calendar.is_holiday(day) == Ok(true);
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        // 2 September is National Day.
        let of = |day: &str| spans(hour(&format!("{day}T03:00:00Z")), zone, is_holiday);
        assert_eq!(of("2026-09-02"), Spans::default());
        assert_eq!(of("2026-09-16").places, [0, 32, 48]);
        assert_eq!(of("2026-08-19").places, [0, 16, 32, 48]);
        // Midnight in the city ends the day, here 1 May.
        assert_eq!(spans(hour("2026-05-01T16:00:00Z"), zone, is_holiday), Spans::default());
        assert_ne!(spans(hour("2026-05-01T17:00:00Z"), zone, is_holiday), Spans::default());
    }
}
