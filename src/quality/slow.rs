//! Checks that need other tables: Q14 to Q17 every 15 minutes, Q18 every minute.
//!
//! They tell the state of a detector, channel, phase or camera and mark no row: what they say of a time may
//! change with what comes later from elsewhere. A state closes after the good time of its check.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    convert::Infallible,
    path::Path,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_ingest::{Service, Source, signal::GroupKind};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::{
    check::Check,
    numbers::Rest,
    standing::OpenCheck,
    thresholds::{Site, Thresholds, Unusable},
};
use crate::{
    city,
    clock::SharedClock,
    patience::Patience,
    registry::{Device, Registry, parse_place},
    store::{Store, StoreError, quality_slow as stored},
};

/// File of the links in the city folder.
pub const LINKS: &str = "links.csv";
const QUARTER_S: i64 = 900;
const MINUTE_S: i64 = 60;
/// Messages of a quarter are waited for so long, seconds.
const PATIENCE_S: i64 = 120;
/// Time between two looks at the clock.
const PERIOD: Duration = Duration::from_secs(1);
/// A health report tells of so much time after it.
const HEALTH: TimeDelta = TimeDelta::minutes(5);
/// Share of a deviation that a normal distribution has as its standard deviation.
const NORMAL: f64 = 1.482_6;

/// What must flow out again: stations before and behind a piece of road.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Id.
    pub id: String,
    /// Direction of travel, `forward` or `reverse`.
    pub direction: String,
    /// Stations upstream.
    pub upstream: Vec<String>,
    /// Stations at entries.
    pub entries: Vec<String>,
    /// Stations downstream and at exits.
    pub downstream: Vec<String>,
}

/// Reads the links of a city folder; none where it has no such file.
///
/// # Errors
/// The file is no table of links.
pub fn links(folder: &Path) -> Result<Vec<Link>, Unusable> {
    let path = folder.join(LINKS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let why = |why: String| Unusable { file: path.display().to_string(), why };
    let mut reader = csv::Reader::from_path(&path).map_err(|error| why(error.to_string()))?;
    let header = reader.headers().map_err(|error| why(error.to_string()))?.clone();
    let names = ["id", "direction", "upstream", "entries", "downstream"];
    if !header.iter().eq(names) {
        return Err(why(format!("its columns are {names:?}")));
    }
    let mut links = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| why(error.to_string()))?;
        let text = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let list = |at| text(at).split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let link = Link {
            id: text(0),
            direction: text(1),
            upstream: list(2),
            entries: list(3),
            downstream: list(4),
        };
        if link.id.is_empty()
            || link.upstream.is_empty()
            || link.downstream.is_empty()
            || !["forward", "reverse"].contains(&&*link.direction)
        {
            return Err(why(format!("link {:?} lacks an id, a direction or stations", link.id)));
        }
        links.push(link);
    }
    Ok(links)
}

type Key = (Source, Box<str>, Check);

#[derive(Debug, Clone, Copy)]
struct State {
    since: DateTime<Utc>,
    value: Option<f32>,
    limit: Option<f32>,
    bad_at: DateTime<Utc>,
}

/// A state that was found bad.
#[derive(Debug, Clone, PartialEq)]
pub struct Bad {
    /// Device.
    pub source: Source,
    /// Channel, phase, lane or zone; empty for the whole device.
    pub place: Box<str>,
    /// The check.
    pub check: Check,
    /// What was measured.
    pub value: f32,
    /// The limit of it.
    pub limit: f32,
}

/// What is open by source, each with its place.
pub type SlowStates = Arc<HashMap<Source, Vec<(Box<str>, OpenCheck)>>>;

/// The task that looks, beside the one that marks rows: what it reads takes its time.
#[derive(Debug)]
pub struct SlowTask {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// What is registered, with its thresholds.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// What is looked at.
    pub slow: Slow,
    /// Tells what is open.
    pub states: watch::Sender<SlowStates>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl SlowTask {
    /// Runs until the stop. What cannot be asked now is looked at later, ever more rarely.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut patience = Patience::of("slow checks");
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
            if std::mem::take(&mut self.slow.has_changed) {
                self.states.send_replace(Arc::new(self.slow.states()));
            }
        }
    }

    async fn look(&mut self, registry: &Registry) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !self.slow.is_due(now) {
            return Ok(());
        }
        let client = self.store.reader().await?;
        self.slow.look(&client, registry, now).await
    }
}

/// States of the checks that are looked at now and then.
#[derive(Debug)]
pub struct Slow {
    links: Vec<Link>,
    /// Zone of the civil days for which thresholds hold.
    zone: Tz,
    /// Phases that are configured, by controller.
    phases: BTreeMap<Source, BTreeSet<u8>>,
    open: BTreeMap<Key, State>,
    has_changed: bool,
    /// What was looked at last: quarter and minute, numbered since 1970; null before the first.
    looked: Option<(i64, i64)>,
}

impl Slow {
    /// For these devices and links of a city in `zone`.
    pub fn new(devices: &[city::Device], links: Vec<Link>, zone: Tz) -> Self {
        let vehicle = |device: &city::Device| {
            let groups = device.groups.iter().filter(|group| group.kind == GroupKind::Vehicle);
            (device.source.clone(), groups.map(|group| group.group).collect())
        };
        let with_groups = devices.iter().filter(|device| !device.groups.is_empty());
        Self {
            links,
            zone,
            phases: with_groups.map(vehicle).collect(),
            open: BTreeMap::new(),
            has_changed: false,
            looked: None,
        }
    }

    /// What is open by source.
    fn states(&self) -> HashMap<Source, Vec<(Box<str>, OpenCheck)>> {
        let mut states: HashMap<Source, Vec<(Box<str>, OpenCheck)>> = HashMap::new();
        for ((source, place, check), state) in &self.open {
            let open = OpenCheck::new(*check, state.since, state.value, state.limit);
            states.entry(source.clone()).or_default().push((place.clone(), open));
        }
        states
    }

    /// The civil day of an instant.
    fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    const fn times(now: DateTime<Utc>) -> (i64, i64) {
        let second = now.timestamp();
        let quarter = (second - PATIENCE_S).div_euclid(QUARTER_S);
        (quarter, second.div_euclid(MINUTE_S))
    }

    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.looked != Some(Self::times(now))
    }

    /// Looks at what is due.
    async fn look(
        &mut self,
        client: &Client,
        registry: &Registry,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (quarter, minute) = Self::times(now);
        let before = match self.looked {
            None => {
                self.restore(stored::open(client).await?, now);
                (quarter, i64::MIN)
            }
            Some(before) => before,
        };
        if minute != before.1 {
            let bad = self.cameras(client, registry, now).await?;
            self.settle(client, registry, (&[Check::CameraBlind], now), bad).await?;
        }
        if quarter != before.0 {
            let end = DateTime::from_timestamp(quarter * QUARTER_S, 0).unwrap_or(now);
            let mut bad = self.controllers(client, registry, end).await?;
            bad.extend(self.flows(client, registry, end).await?);
            bad.extend(self.usual(client, registry, end).await?);
            let checks =
                [Check::Imbalance, Check::Unconfigured, Check::Conservation, Check::Unusual];
            self.settle(client, registry, (&checks, end), bad).await?;
        }
        self.looked = Some((quarter, minute));
        Ok(())
    }

    fn restore(&mut self, open: Vec<stored::OpenRow>, now: DateTime<Utc>) {
        for row in open {
            let (Ok(source), Some(check)) = (Source::parse(&row.source), Check::parse(&row.check))
            else {
                continue;
            };
            let state = State { since: row.since, value: row.value, limit: row.limit, bad_at: now };
            self.has_changed = true;
            self.open.insert((source, row.place.into(), check), state);
        }
    }

    async fn cameras(
        &self,
        client: &Client,
        registry: &Registry,
        now: DateTime<Utc>,
    ) -> Result<Vec<Bad>, StoreError> {
        let reports = stored::cameras(client, (now - HEALTH, now)).await?;
        let bad = reports.into_iter().filter_map(|report| {
            let (source, rest) = rest(registry, &report.source, "", self.day(now))?;
            let frozen_s = report.freeze_ms.map_or(0.0, |ms| float(ms) / 1_000.0);
            let dark = report.dark_e4.map_or(0.0, |e4| f64::from(e4) / 10_000.0);
            let (value, limit) = if rest.blind_freeze_s > 0.0 && frozen_s > rest.blind_freeze_s {
                (frozen_s, rest.blind_freeze_s)
            } else if rest.blind_darkness > 0.0 && dark > rest.blind_darkness {
                (dark, rest.blind_darkness)
            } else {
                return None;
            };
            Some(found(source, "", Check::CameraBlind, value, limit))
        });
        Ok(bad.collect())
    }

    /// Q14 and Q17 over the 15 minutes before `end`.
    async fn controllers(
        &self,
        client: &Client,
        registry: &Registry,
        end: DateTime<Utc>,
    ) -> Result<Vec<Bad>, StoreError> {
        let span = (end - TimeDelta::seconds(QUARTER_S), end);
        let mut all = Vec::new();
        let sources: Vec<&str> = registry
            .devices
            .values()
            .filter(|device| device.service == Service::Signal)
            .map(|device| device.source.as_str())
            .collect();
        let (mut switchings, mut phases) = (Vec::new(), Vec::new());
        for source in sources {
            let (detectors, greens) = stored::events(client, source, span).await?;
            switchings.extend(detectors);
            phases.extend(greens);
        }
        for row in switchings {
            let place = format!("channel/{}", row.number);
            let Some((source, rest)) = rest(registry, &row.source, &place, self.day(end)) else {
                continue;
            };
            if let Some(pct) = imbalance_pct(row.on, row.off, &rest) {
                all.push(found(source, &place, Check::Imbalance, pct, rest.imbalance_pct));
            }
        }
        for row in phases {
            let Ok(source) = Source::parse(&row.source) else { continue };
            let Some(configured) = self.phases.get(&source) else { continue };
            if u8::try_from(row.number).is_ok_and(|phase| configured.contains(&phase)) {
                continue;
            }
            let place = format!("phase/{}", row.number);
            all.push(found(source, &place, Check::Unconfigured, float(row.on), 0.0));
        }
        Ok(all)
    }

    /// Q15 over the hour before `end`.
    async fn flows(
        &self,
        client: &Client,
        registry: &Registry,
        end: DateTime<Utc>,
    ) -> Result<Vec<Bad>, StoreError> {
        let mut all = Vec::new();
        for link in &self.links {
            let side = async |stations: &[String]| {
                stored::flow(client, stations, &link.direction, (end - TimeDelta::hours(1), end))
                    .await
            };
            let (upstream, entries) = (side(&link.upstream).await?, side(&link.entries).await?);
            let downstream = side(&link.downstream).await?;
            let Some(first) = link.downstream.first() else { continue };
            let Some((source, rest)) = rest(registry, first, "", self.day(end)) else {
                continue;
            };
            // A side that did not tell all of the hour is not compared.
            let known = |wanted: &[String], side: &stored::Flow| {
                side.stations == i64::try_from(wanted.len()).unwrap_or(i64::MAX)
            };
            if !known(&link.upstream, &upstream)
                || !known(&link.entries, &entries)
                || !known(&link.downstream, &downstream)
            {
                continue;
            }
            let pct = difference_pct(upstream.count + entries.count, downstream.count);
            if rest.conservation_pct > 0.0 && pct > rest.conservation_pct {
                let place = format!("link/{}", link.id);
                all.push(found(source, &place, Check::Conservation, pct, rest.conservation_pct));
            }
        }
        Ok(all)
    }

    /// Q16 over the 15 minutes before `end`.
    async fn usual(
        &self,
        client: &Client,
        registry: &Registry,
        end: DateTime<Utc>,
    ) -> Result<Vec<Bad>, StoreError> {
        let mut all = Vec::new();
        for row in stored::weeks(client, end).await? {
            let Some((source, rest)) = rest(registry, &row.source, &row.place, self.day(end))
            else {
                continue;
            };
            if let Some(z) = unusual_z(&row.now, &row.before, &rest) {
                all.push(found(source, &row.place, Check::Unusual, z, rest.unusual_z));
            }
        }
        Ok(all)
    }

    /// Opens what was found, and closes what was not for the good time of its check.
    async fn settle(
        &mut self,
        client: &Client,
        registry: &Registry,
        (checks, at): (&[Check], DateTime<Utc>),
        bad: Vec<Bad>,
    ) -> Result<(), StoreError> {
        let mut found = HashSet::new();
        for bad in bad {
            let key = (bad.source.clone(), bad.place.clone(), bad.check);
            found.insert(key.clone());
            if let Some(open) = self.open.get_mut(&key) {
                open.bad_at = at;
                continue;
            }
            stored::open_one(client, &bad, at).await?;
            self.has_changed = true;
            let (value, limit) = (Some(bad.value), Some(bad.limit));
            self.open.insert(key, State { since: at, value, limit, bad_at: at });
        }
        let day = self.day(at);
        let clears = |(source, place, check): &Key, state: &State| {
            let (_, rest) = rest(registry, source.as_str(), place, day)?;
            (at - state.bad_at >= clear(*check, &rest)).then_some(())
        };
        let over: Vec<Key> = self
            .open
            .iter()
            .filter(|(key, _)| checks.contains(&key.2) && !found.contains(*key))
            .filter(|(key, state)| {
                registry.device(&key.0).is_none() || clears(key, state).is_some()
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            stored::close_one(client, (key.0.as_str(), &key.1, key.2), at).await?;
            self.open.remove(&key);
            self.has_changed = true;
        }
        Ok(())
    }
}

fn found(source: Source, place: &str, check: Check, value: f64, limit: f64) -> Bad {
    #[expect(clippy::cast_possible_truncation, reason = "told to people")]
    let (value, limit) = (value as f32, limit as f32);
    Bad { source, place: place.into(), check, value, limit }
}

fn float(value: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of an hour")]
    let value = value as f64;
    value
}

fn clear(check: Check, rest: &Rest) -> TimeDelta {
    let seconds = match check {
        Check::Conservation => rest.conservation_clear_s,
        Check::Unusual => rest.unusual_clear_s,
        Check::Imbalance => 3_600.0,
        Check::Unconfigured => 86_400.0,
        _ => 0.0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a configuration")]
    TimeDelta::seconds(seconds as i64)
}

/// A device that is registered, with the numbers that apply to a place of it.
fn rest(registry: &Registry, source: &str, place: &str, day: NaiveDate) -> Option<(Source, Rest)> {
    let source = Source::parse(source).ok()?;
    let device = registry.device(&source)?;
    let thresholds = registry.table.thresholds()?;
    Some((source, rest_of(thresholds, registry, device, place, day)))
}

fn rest_of(
    thresholds: &Thresholds,
    registry: &Registry,
    device: &Device,
    place: &str,
    day: NaiveDate,
) -> Rest {
    let id = parse_place(place).and_then(|place| device.detectors.get(&place).copied());
    let class = id.and_then(|id| registry.lanes.get(&id)).and_then(|lane| lane.class);
    let site = Site {
        source: device.source.as_str(),
        place,
        parent: device.parent.as_ref().map(Source::as_str),
        corridor: device.corridor.as_deref(),
        area: device.area.as_deref(),
        service: device.service,
        class,
    };
    thresholds.rest(&site, day)
}

/// Q14: difference of switching on and off in percent, when it is too large.
///
/// Worked: 12,595 on and 12,350 off differ by 1.9 %.
fn imbalance_pct(on: i64, off: i64, rest: &Rest) -> Option<f64> {
    if rest.imbalance_pct <= 0.0 || float(on.max(off)) < rest.imbalance_min {
        return None;
    }
    let pct = difference_pct(on, off);
    (pct > rest.imbalance_pct).then_some(pct)
}

/// Difference of two counts in percent of the larger.
fn difference_pct(one: i64, other: i64) -> f64 {
    let larger = one.max(other);
    if larger <= 0 { 0.0 } else { float((one - other).abs()) / float(larger) * 100.0 }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Q16: standard deviations of the mean of now from the median of before, when they are too many. The
/// deviation is that of the median, and never less than chance gives a count.
fn unusual_z(now: &[i64], before: &[i64], rest: &Rest) -> Option<f64> {
    if rest.unusual_z <= 0.0
        || now.is_empty()
        || float(i64::try_from(before.len()).ok()?) < rest.unusual_samples_min
    {
        return None;
    }
    let mean = float(now.iter().sum()) / float(i64::try_from(now.len()).ok()?);
    let mut values: Vec<f64> = before.iter().map(|count| float(*count)).collect();
    let usual = median(&mut values);
    let mut off: Vec<f64> = values.iter().map(|value| (value - usual).abs()).collect();
    let deviation = (median(&mut off) * NORMAL).max(usual.sqrt()).max(1.0);
    let z = (mean - usual).abs() / deviation;
    (z > rest.unusual_z).then_some(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcu::Pcu;

    fn numbers() -> Rest {
        let thresholds = Thresholds::configured("", "hub", &Pcu::configured("").unwrap()).unwrap();
        thresholds.profile("hub").unwrap().numbers.rest()
    }

    #[test]
    fn thresholds_are_those_of_the_day_of_the_city() {
        let slow = Slow::new(&[], Vec::new(), chrono_tz::Asia::Ho_Chi_Minh);
        let day = |text: &str| slow.day(text.parse().unwrap()).to_string();
        assert_eq!(day("2026-11-30T16:59:59Z"), "2026-11-30");
        assert_eq!(day("2026-11-30T17:00:00Z"), "2026-12-01", "17:00 UTC is midnight");
    }

    #[test]
    fn q14_the_published_sample_passes_and_more_than_five_percent_does_not() {
        let rest = numbers();
        assert_eq!(imbalance_pct(12_595, 12_350, &rest), None);
        assert!((difference_pct(12_595, 12_350) - 1.9).abs() < 0.1);
        assert_eq!(imbalance_pct(200, 190, &rest), None, "5 % exactly");
        assert_eq!(imbalance_pct(200, 189, &rest), Some(5.5));
        assert_eq!(imbalance_pct(99, 1, &rest), None, "too few to tell");
    }

    #[test]
    fn q15_twenty_percent_may_be_lost_on_the_way() {
        assert!((difference_pct(1_000, 800) - 20.0).abs() < 1e-9);
        assert!(difference_pct(1_000, 799) > numbers().conservation_pct);
        assert!(difference_pct(0, 0) < 1e-9);
    }

    #[test]
    fn q16_far_from_what_is_usual_with_enough_weeks() {
        let rest = numbers();
        let usual = [100, 104, 96, 98, 102, 101, 99, 100];
        assert_eq!(unusual_z(&[100, 100, 100], &usual, &rest), None);
        assert_eq!(unusual_z(&[135, 135, 135], &usual, &rest), None, "3.5 deviations");
        assert!(unusual_z(&[136, 136, 136], &usual, &rest).is_some());
        assert_eq!(unusual_z(&[0, 0, 0], &usual[..6], &rest), None, "too few weeks");
        assert!(unusual_z(&[0, 0, 0], &usual, &rest).is_some_and(|z| z > 9.0));
    }

    #[test]
    fn a_city_without_links_has_none_and_a_broken_table_is_refused() {
        let folder = std::env::temp_dir().join(format!("ioc-links-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(links(&folder).unwrap(), []);
        let write = |text: &str| std::fs::write(folder.join(LINKS), text).unwrap();
        write("id,direction,upstream,entries,downstream\nq,forward,vds-001 vds-002,,vds-003\n");
        let read = links(&folder).unwrap();
        assert_eq!((read.len(), read[0].upstream.len(), read[0].entries.len()), (1, 2, 0));
        write("id,direction,upstream,entries,downstream\nq,sideways,vds-001,,vds-003\n");
        assert!(links(&folder).unwrap_err().to_string().contains("\"q\""));
        write("id,upstream\nq,vds-001\n");
        assert!(links(&folder).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
