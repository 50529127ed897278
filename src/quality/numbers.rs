//! The numbers of `config/quality.toml` as people write them, any of them left out, and as whole units.

use serde::{Deserialize, Serialize};

use super::limits::Limits;

macro_rules! numbers {
    ($($name:ident: $what:literal),+ $(,)?) => {
        /// Thresholds as they are written; null where they are not stated.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
        #[serde(deny_unknown_fields)]
#[schema(as = ThresholdNumbers)]
#[ts(rename = "ThresholdNumbers")]
        pub struct Numbers {
            $(
                #[doc = $what]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<f64>,
            )+
            /// Q09: whether a missing speed is a fault.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub measures_speed: Option<bool>,
        }

        impl Numbers {
            /// Takes over what `other` states.
            pub fn take(&mut self, other: &Self) {
                $(self.$name = other.$name.or(self.$name);)+
                self.measures_speed = other.measures_speed.or(self.measures_speed);
            }

            /// Whether every number is stated; else the name of one that is not.
            ///
            /// # Errors
            /// The name of the first number that is missing.
            pub fn is_complete(&self) -> Result<(), &'static str> {
                $(if self.$name.is_none() { return Err(stringify!($name)); })+
                Ok(())
            }
        }
    };
}

numbers! {
    speed_max_kmh: "Q01: fastest speed that can be, km/h.",
    count_max_30s: "Q02: most vehicles of a lane in 30 s.",
    pcu_max_30s: "Q02: most passenger-car units of a lane in 30 s.",
    volume_trips: "Q02: so many of the last samples beyond it fail the detector.",
    volume_window: "Q02: how many samples are the last ones.",
    volume_clear_s: "Q02: good time after which it clears, seconds.",
    empty_occupancy: "Q03: occupancy (0 to 1) above which a sample without vehicles contradicts itself.",
    empty_share_pct: "Q03: share of such samples in an hour, percent.",
    unseen_share_pct: "Q04: share of samples with vehicles but without occupancy, percent.",
    mismatch_clear_s: "Q03, Q04: good time after which they clear, seconds.",
    stuck_occupancy: "Q05: occupancy (0 to 1) that counts as occupied.",
    stuck_s: "Q05: longest time occupied, seconds.",
    stuck_cycles: "Q05: and most samples occupied in a row.",
    stuck_clear_s: "Q05: good time after which it clears, seconds.",
    high_occupancy: "Occupancy (0 to 1) beyond belief.",
    high_share_pct: "Share of such samples in an hour, percent.",
    idle_day_s: "Q06: longest time without a vehicle by day, seconds.",
    idle_night_s: "Q06: the same at night, and across day and night, seconds.",
    day_from_h: "Q06: first hour of the day.",
    day_to_h: "Q06: first hour of the night.",
    constant_s: "Q07: longest time without a change, seconds.",
    jump: "Q08: difference of two occupancies (0 to 1) that is a jump.",
    jumps: "Q08: so many jumps, 2 or 3.",
    jumps_within_s: "Q08: within this time, seconds.",
    spike_clear_s: "Q08: good time after which it clears, seconds.",
    vehicles_min: "Q09, Q10: vehicles of a sample from which it is judged.",
    fast_kmh: "Q09: speed that is too fast on an occupied lane, km/h.",
    fast_occupancy: "Q09: occupancy (0 to 1) from which that is judged.",
    length_min_m: "Q10: shortest effective length of vehicle and zone, metres.",
    length_motorcycle_min_m: "Q10: the same where most vehicles are motorcycles, metres.",
    length_max_m: "Q10: longest effective length, metres.",
    length_share_pct: "Q10: share of implausible samples in an hour, percent.",
    length_clear_s: "Q10: good time after which it clears, seconds.",
    motorcycle_pct: "Share of motorcycles above which they are the most, percent.",
    motorcycle_assumed_pct: "Share of motorcycles where classes are not measured, percent.",
    samples_min: "Samples of an hour from which its shares are judged; all of it where it has fewer.",
    complete_pct: "Q12: share of sub-samples below which a sample is incomplete, percent.",
    clock_suspect_ms: "Q13: clock offset beyond which a time is suspect, milliseconds.",
    clock_invalid_ms: "Q13: clock offset beyond which an interval is invalid, milliseconds.",
    imbalance_pct: "Q14: difference of switching on and off, percent.",
    imbalance_min: "Q14: switchings in 15 minutes from which that is judged.",
    conservation_pct: "Q15: difference of what flows in and out, percent.",
    conservation_clear_s: "Q15: good time after which it clears, seconds.",
    unusual_z: "Q16: standard deviations from what is usual.",
    unusual_samples_min: "Q16: weeks, days of the same time, from which that is judged.",
    unusual_clear_s: "Q16: good time after which it clears, seconds.",
    blind_freeze_s: "Q18: longest time for which a picture may stand still, seconds.",
    blind_darkness: "Q18: darkness (0 to 1) above which a camera sees nothing.",
}

/// Thresholds of the checks that are looked at every 15 minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each field is the number of the same name")]
pub struct Rest {
    pub imbalance_pct: f64,
    pub imbalance_min: f64,
    pub conservation_pct: f64,
    pub conservation_clear_s: f64,
    pub unusual_z: f64,
    pub unusual_samples_min: f64,
    pub unusual_clear_s: f64,
    pub blind_freeze_s: f64,
    pub blind_darkness: f64,
}

/// A number in whole units of `1 / scale`.
fn whole<T: TryFrom<u32>>(
    name: &str,
    value: Option<f64>,
    scale: f64,
    most: u32,
) -> Result<T, String> {
    let value = value.unwrap_or(0.0);
    let scaled = (value * scale).round();
    let refused = || format!("{name} = {value}: allowed is 0 to {}", f64::from(most) / scale);
    if !(0.0..=f64::from(most)).contains(&scaled) {
        return Err(refused());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range")]
    let scaled = scaled as u32;
    T::try_from(scaled).map_err(|_beyond| refused())
}

impl Numbers {
    /// As whole units; passenger-car units are those of [`Limits::HUB`].
    ///
    /// # Errors
    /// A number that is out of its range, by name.
    pub fn limits(&self) -> Result<Limits, String> {
        macro_rules! number {
            ($name:ident, $scale:expr, $most:expr) => {
                whole(stringify!($name), self.$name, $scale, $most)?
            };
        }
        const DAY_S: u32 = 1_000_000;
        Ok(Limits {
            speed_max_e1_kmh: number!(speed_max_kmh, 10.0, 5_000),
            count_max_30s: number!(count_max_30s, 1.0, 100_000),
            pcu_max_30s_e2: number!(pcu_max_30s, 100.0, 10_000_000),
            pcu_e2: Limits::HUB.pcu_e2,
            volume_trips: number!(volume_trips, 1.0, 16),
            volume_window: number!(volume_window, 1.0, 16),
            volume_clear_s: number!(volume_clear_s, 1.0, DAY_S),
            empty_occupancy_e4: number!(empty_occupancy, 10_000.0, 10_000),
            empty_share_e1_pct: number!(empty_share_pct, 10.0, 1_000),
            unseen_share_e1_pct: number!(unseen_share_pct, 10.0, 1_000),
            mismatch_clear_s: number!(mismatch_clear_s, 1.0, DAY_S),
            stuck_occupancy_e4: number!(stuck_occupancy, 10_000.0, 10_000),
            stuck_s: number!(stuck_s, 1.0, DAY_S),
            stuck_cycles: number!(stuck_cycles, 1.0, 100),
            stuck_clear_s: number!(stuck_clear_s, 1.0, DAY_S),
            high_occupancy_e4: number!(high_occupancy, 10_000.0, 10_000),
            high_share_e1_pct: number!(high_share_pct, 10.0, 1_000),
            idle_day_s: number!(idle_day_s, 1.0, DAY_S),
            idle_night_s: number!(idle_night_s, 1.0, DAY_S),
            day_from_h: number!(day_from_h, 1.0, 23),
            day_to_h: number!(day_to_h, 1.0, 24),
            constant_s: number!(constant_s, 1.0, DAY_S),
            jump_e4: number!(jump, 10_000.0, 10_000),
            jumps: number!(jumps, 1.0, 3),
            jumps_within_s: number!(jumps_within_s, 1.0, 3_600),
            spike_clear_s: number!(spike_clear_s, 1.0, DAY_S),
            vehicles_min: number!(vehicles_min, 1.0, 100_000),
            measures_speed: self.measures_speed.unwrap_or(true),
            fast_e1_kmh: number!(fast_kmh, 10.0, 5_000),
            fast_occupancy_e4: number!(fast_occupancy, 10_000.0, 10_000),
            length_min_mm: number!(length_min_m, 1_000.0, 100_000),
            length_motorcycle_min_mm: number!(length_motorcycle_min_m, 1_000.0, 100_000),
            length_max_mm: number!(length_max_m, 1_000.0, 1_000_000),
            length_share_e1_pct: number!(length_share_pct, 10.0, 1_000),
            length_clear_s: number!(length_clear_s, 1.0, DAY_S),
            motorcycle_pct: number!(motorcycle_pct, 1.0, 100),
            motorcycle_assumed_pct: number!(motorcycle_assumed_pct, 1.0, 100),
            samples_min: number!(samples_min, 1.0, 3_600),
            complete_pct: number!(complete_pct, 1.0, 100),
            clock_suspect_ms: number!(clock_suspect_ms, 1.0, 86_400_000),
            clock_invalid_ms: number!(clock_invalid_ms, 1.0, 86_400_000),
        })
    }

    /// Those of the checks that are looked at every 15 minutes.
    pub fn rest(&self) -> Rest {
        let number = |value: Option<f64>| value.unwrap_or(0.0);
        Rest {
            imbalance_pct: number(self.imbalance_pct),
            imbalance_min: number(self.imbalance_min),
            conservation_pct: number(self.conservation_pct),
            conservation_clear_s: number(self.conservation_clear_s),
            unusual_z: number(self.unusual_z),
            unusual_samples_min: number(self.unusual_samples_min),
            unusual_clear_s: number(self.unusual_clear_s),
            blind_freeze_s: number(self.blind_freeze_s),
            blind_darkness: number(self.blind_darkness),
        }
    }
}
