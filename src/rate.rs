//! One noisy source is contained: a source that sends far more than it is registered for is refused
//! with `rate`, so that it cannot hold up the others.
//!
//! A token bucket per device. Expected is one message per registered period plus what its service
//! sends besides (`[rate]` in the configuration); allowed is `ingest.noisy_factor` times that, with a
//! reserve of `ingest.noisy_burst_s` seconds of it, from which a source replays what it buffered
//! through an outage. Refused messages are acknowledged, counted and kept in the quarantine up to its
//! bound. Pure: time is passed in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ioc_ingest::{Reason, Reject, Service};

use crate::registry::Device;

/// What sources may send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateSettings {
    /// How many times its expected rate a source may send; 0 switches the rule off.
    pub factor: f64,
    /// Reserve: seconds of the allowed rate.
    pub burst_s: f64,
    /// Messages per second besides the main stream, in the order of [`Service::ALL`].
    pub besides_hz: [f64; Service::ALL.len()],
}

impl RateSettings {
    /// Messages per second that this device may send in the long run.
    fn allowed_hz(&self, device: &Device) -> f64 {
        let main_hz = device.period_ms.map_or(0.0, |ms| 1_000.0 / f64::from(ms.max(1)));
        let besides = Service::ALL.iter().position(|service| *service == device.service);
        let besides_hz = besides.map_or(0.0, |at| self.besides_hz[at]);
        self.factor * (main_hz + besides_hz)
    }
}

/// What one source has left.
#[derive(Debug)]
struct Bucket {
    messages: f64,
    at: DateTime<Utc>,
}

/// What every registered source has left, by device id. As many as there are devices.
#[derive(Debug)]
pub struct Rates {
    settings: RateSettings,
    buckets: HashMap<i32, Bucket>,
}

impl Rates {
    /// Full reserves for everybody.
    pub fn new(settings: RateSettings) -> Self {
        Self { settings, buckets: HashMap::new() }
    }

    /// Takes one message of `device` into account.
    ///
    /// # Errors
    /// The reason to refuse it, when the source is over its rate.
    pub fn take(&mut self, device: &Device, now: DateTime<Utc>) -> Result<(), Reject> {
        if self.settings.factor <= 0.0 {
            return Ok(());
        }
        let allowed_hz = self.settings.allowed_hz(device);
        let full = (allowed_hz * self.settings.burst_s).max(1.0);
        let bucket =
            self.buckets.entry(device.id).or_insert_with(|| Bucket { messages: full, at: now });
        // A clock that was set back gives nothing and takes nothing.
        let passed_s = (now - bucket.at).as_seconds_f64().max(0.0);
        bucket.messages = (bucket.messages + passed_s * allowed_hz).min(full);
        bucket.at = now;
        if bucket.messages >= 1.0 {
            bucket.messages -= 1.0;
            return Ok(());
        }
        let detail = format!(
            "{} sends more than {allowed_hz:.1} messages per second, {} times what it is registered for",
            device.source, self.settings.factor
        );
        Err(Reject { reason: Reason::Rate, field: String::new(), detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use ioc_ingest::Source;

    const SETTINGS: RateSettings =
        RateSettings { factor: 20.0, burst_s: 60.0, besides_hz: [0.1; Service::ALL.len()] };

    /// One message in 10 s and as many besides: 4 a second are allowed, with a reserve of 240.
    fn device(id: i32) -> Device {
        Device {
            id,
            source: Source::parse("vds-001").unwrap(),
            service: Service::Vds,
            name_vi: String::new(),
            name_en: String::new(),
            position: None,
            area: None,
            corridor: None,
            parent: None,
            period_ms: Some(10_000),
            simulated: false,
            detectors: HashMap::new(),
        }
    }

    fn taken(rates: &mut Rates, device: &Device, now: DateTime<Utc>, messages: usize) -> usize {
        (0..messages).filter(|_| rates.take(device, now).is_ok()).count()
    }

    #[test]
    fn a_noisy_source_is_held_to_its_rate_and_no_other_feels_it() {
        let (noisy, quiet) = (device(1), device(2));
        let mut rates = Rates::new(SETTINGS);
        let mut now = DateTime::UNIX_EPOCH;
        assert_eq!(taken(&mut rates, &noisy, now, 10_000), 240);
        let reject = rates.take(&noisy, now).unwrap_err();
        assert_eq!(reject.reason, Reason::Rate);
        assert!(reject.detail.contains("vds-001 sends more than 4.0 messages"), "{reject:?}");
        assert_eq!(taken(&mut rates, &quiet, now, 100), 100);
        now += TimeDelta::seconds(5);
        assert_eq!(taken(&mut rates, &noisy, now, 10_000), 20);
    }

    #[test]
    fn a_buffer_replayed_at_ten_times_the_rate_is_taken() {
        let device = device(1);
        let mut rates = Rates::new(SETTINGS);
        let mut now = DateTime::UNIX_EPOCH;
        for _second in 0..3_600 {
            now += TimeDelta::seconds(1);
            assert_eq!(taken(&mut rates, &device, now, 2), 2);
        }
    }

    #[test]
    fn a_clock_that_jumps_back_neither_fills_nor_empties_the_reserve() {
        let device = device(1);
        let mut rates = Rates::new(SETTINGS);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        assert_eq!(taken(&mut rates, &device, now, 100), 100);
        assert_eq!(taken(&mut rates, &device, DateTime::UNIX_EPOCH, 1_000), 140);
    }

    #[test]
    fn the_factor_zero_switches_the_rule_off() {
        let mut rates = Rates::new(RateSettings { factor: 0.0, ..SETTINGS });
        assert_eq!(taken(&mut rates, &device(1), DateTime::UNIX_EPOCH, 100_000), 100_000);
    }
}
