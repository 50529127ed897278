//! Passenger-car units, level of service and congestion: `config/pcu.toml`, which explains every key.
//!
//! Counts are stored per class; a profile of factors is applied when they are read, so another profile
//! tells another flow of the same vehicles. Factors are whole thousandths: sums are exact. Pure.

use std::{fmt, path::Path};

use chrono::NaiveDate;
use ioc_ingest::interval::{CLASSES, Class};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The profiles that are compiled in.
pub const DEFAULT: &str = include_str!("../config/pcu.toml");

/// Why the profiles cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("passenger-car units {file}: {why}")]
pub struct Unusable {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// How a number is known.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[schema(as = NumberMark)]
#[ts(rename = "NumberMark")]
pub enum Mark {
    /// Read in the source named.
    V,
    /// Knowledge of the trade, to be calibrated.
    K,
}

/// Factors of one standard or study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Id in requests.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// First civil day on which it holds.
    pub valid_from: NaiveDate,
    /// How its numbers are known.
    pub mark: Mark,
    /// Where they come from.
    pub source: String,
    /// Thousandths of a car per class; null for classes that it does not cover.
    pub factors_e3: [Option<u32>; CLASSES],
}

impl Profile {
    /// Thousandths of passenger-car units of these vehicles; null when no class was counted, and when
    /// vehicles were counted that the profile does not cover.
    ///
    /// Worked: 40 motorcycles and 10 cars at 0.25 and 1 are 20 units.
    pub fn units_e3(&self, classes: &[Option<i64>; CLASSES]) -> Option<i64> {
        let mut sum = None;
        for (count, factor) in classes.iter().zip(self.factors_e3) {
            match (count, factor) {
                (None, _) => {}
                (Some(0), None) => sum = sum.or(Some(0)),
                (Some(count), Some(factor)) => {
                    sum = Some(sum.unwrap_or(0) + count * i64::from(factor));
                }
                (Some(_), None) => return None,
            }
        }
        sum
    }
}

/// Level of service of a road.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
pub enum LevelOfService {
    /// Free flow.
    A,
    /// Reasonably free.
    B,
    /// Stable.
    C,
    /// Less stable.
    D,
    /// Unstable.
    E,
    /// Breakdown.
    F,
}

impl LevelOfService {
    /// Its letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
            Self::F => "F",
        }
    }
}

/// How full a road is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Congestion {
    /// Free.
    Free,
    /// Dense but moving.
    Dense,
    /// Congested.
    Congested,
    /// Jammed.
    Jammed,
}

impl Congestion {
    /// Its word in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Dense => "dense",
            Self::Congested => "congested",
            Self::Jammed => "jammed",
        }
    }
}

/// Cuts of the level of service, percent of the speed without traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[schema(as = LevelOfServiceCuts)]
#[ts(rename = "LevelOfServiceCuts")]
pub struct Cuts {
    /// How they are known.
    pub mark: Mark,
    /// Where they come from.
    pub source: String,
    /// A from this share on.
    pub a_pct: u32,
    /// B from this share on.
    pub b_pct: u32,
    /// C from this share on.
    pub c_pct: u32,
    /// D from this share on.
    pub d_pct: u32,
    /// E from this share on; below it F.
    pub e_pct: u32,
}

/// When a road counts as congested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CongestionCuts {
    /// How they are known.
    pub mark: Mark,
    /// Where they come from.
    pub source: String,
    /// Dense from this level of service on.
    pub dense_from: LevelOfService,
    /// Congested from this occupancy on (0 to 1), when the speed is below `speed_pct`.
    pub occupancy: f64,
    /// Percent of the speed without traffic.
    pub speed_pct: u32,
}

/// Every profile and cut.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pcu {
    /// Version of the file.
    pub version: String,
    /// Id of the profile where none is asked for.
    pub default: String,
    /// Profiles in the order of the file.
    #[serde(rename = "profile")]
    pub profiles: Vec<Profile>,
    /// Cuts of the level of service.
    pub level_of_service: Cuts,
    /// Cuts of congestion.
    pub congestion: CongestionCuts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileText {
    id: String,
    name_vi: String,
    name_en: String,
    valid_from: toml::value::Datetime,
    mark: Mark,
    source: String,
    motorcycle: Option<f64>,
    bicycle: Option<f64>,
    car: Option<f64>,
    van: Option<f64>,
    bus: Option<f64>,
    truck2: Option<f64>,
    truck3: Option<f64>,
    trailer: Option<f64>,
    other: Option<f64>,
    pedestrian: Option<f64>,
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = ProfileText::deserialize(deserializer)?;
        let mut factors_e3 = [None; CLASSES];
        for (class, factor) in [
            (Class::Motorcycle, text.motorcycle),
            (Class::Bicycle, text.bicycle),
            (Class::Car, text.car),
            (Class::Van, text.van),
            (Class::Bus, text.bus),
            (Class::Truck2, text.truck2),
            (Class::Truck3, text.truck3),
            (Class::Trailer, text.trailer),
            (Class::Other, text.other),
            (Class::Pedestrian, text.pedestrian),
        ] {
            factors_e3[class as usize] =
                factor.map(thousandths).transpose().map_err(D::Error::custom)?;
        }
        let day = text.valid_from.to_string();
        Ok(Self {
            id: text.id,
            name_vi: text.name_vi,
            name_en: text.name_en,
            valid_from: day.parse().map_err(|_| D::Error::custom(format!("{day} is no date")))?,
            mark: text.mark,
            source: text.source,
            factors_e3,
        })
    }
}

/// A factor as whole thousandths, 0 to 10 cars.
fn thousandths(factor: f64) -> Result<u32, String> {
    let e3 = (factor * 1000.0).round();
    if !(0.0..=10_000.0).contains(&e3) || (e3 / 1000.0 - factor).abs() > 1e-9 {
        return Err(format!("{factor} is no factor: 0 to 10 with at most three places"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10 000")]
    Ok(e3 as u32)
}

impl Pcu {
    /// Reads a file, or takes what is compiled in when its name is empty.
    ///
    /// # Errors
    /// The file cannot be read, has unknown keys or contradicts itself.
    pub fn configured(file: &str) -> Result<Self, Unusable> {
        let named = if file.is_empty() { "(compiled in)" } else { file };
        let why = |why: String| Unusable { file: named.to_owned(), why };
        let text = match file {
            "" => DEFAULT.to_owned(),
            file => std::fs::read_to_string(Path::new(file)).map_err(|e| why(e.to_string()))?,
        };
        let pcu: Self = toml::from_str(&text).map_err(|error| why(error.to_string()))?;
        pcu.check().map_err(why)?;
        Ok(pcu)
    }

    fn check(&self) -> Result<(), String> {
        for (at, profile) in self.profiles.iter().enumerate() {
            if self.profiles[..at].iter().any(|other| other.id == profile.id) {
                return Err(format!("profile {} stands twice", profile.id));
            }
            if profile.source.is_empty() || profile.name_vi.is_empty() || profile.name_en.is_empty()
            {
                return Err(format!("profile {} has no name or source", profile.id));
            }
        }
        match self.profile(&self.default) {
            Some(profile) if profile.factors_e3.iter().all(Option::is_some) => {}
            Some(_) => return Err("the default profile does not cover every class".to_owned()),
            None => return Err(format!("there is no profile {}", self.default)),
        }
        let Cuts { a_pct, b_pct, c_pct, d_pct, e_pct, .. } = self.level_of_service;
        if ![a_pct, b_pct, c_pct, d_pct, e_pct].is_sorted_by(|one, next| one > next) {
            return Err("the cuts of the level of service do not descend".to_owned());
        }
        Ok(())
    }

    /// The profile of this id.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == id)
    }

    /// The profile that is used where none is asked for.
    pub fn default_profile(&self) -> Option<&Profile> {
        self.profile(&self.default)
    }

    /// Level of service of a speed, given the speed without traffic, both in km/h.
    pub fn level(&self, speed_kmh: f64, free_flow_kmh: f64) -> Option<LevelOfService> {
        use LevelOfService::{A, B, C, D, E, F};
        if free_flow_kmh <= 0.0 {
            return None;
        }
        let share_pct = speed_kmh / free_flow_kmh * 100.0;
        let cuts = &self.level_of_service;
        let letters =
            [(A, cuts.a_pct), (B, cuts.b_pct), (C, cuts.c_pct), (D, cuts.d_pct), (E, cuts.e_pct)];
        let reached = letters.into_iter().find(|(_, cut_pct)| share_pct >= f64::from(*cut_pct));
        Some(reached.map_or(F, |(letter, _)| letter))
    }

    /// Congestion of a road from the same and its occupancy (0 to 1).
    pub fn congestion(
        &self,
        speed_kmh: f64,
        free_flow_kmh: f64,
        occupancy: Option<f64>,
    ) -> Option<Congestion> {
        let level = self.level(speed_kmh, free_flow_kmh)?;
        let cuts = &self.congestion;
        let is_slow = speed_kmh * 100.0 < free_flow_kmh * f64::from(cuts.speed_pct);
        let is_full = occupancy.is_some_and(|occupancy| occupancy >= cuts.occupancy);
        Some(match level {
            LevelOfService::F => Congestion::Jammed,
            LevelOfService::E => Congestion::Congested,
            _ if is_slow && is_full => Congestion::Congested,
            level if level >= cuts.dense_from => Congestion::Dense,
            _ => Congestion::Free,
        })
    }
}

impl fmt::Display for LevelOfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(Class, i64)]) -> [Option<i64>; CLASSES] {
        let mut classes = [None; CLASSES];
        for (class, count) in pairs {
            classes[*class as usize] = Some(*count);
        }
        classes
    }

    #[test]
    fn the_worked_example_of_the_documentation() {
        let pcu = Pcu::configured("").unwrap();
        let mixed = counts(&[(Class::Motorcycle, 40), (Class::Car, 10)]);
        assert_eq!(pcu.default_profile().unwrap().units_e3(&mixed), Some(20_000));
        // The same vehicles by other tables: 22, 30, 16 and 21.76 units.
        for (id, expected) in [
            ("tcvn-4054-flat", 22_000),
            ("tcxdvn-104-urban-60", 30_000),
            ("tcxdvn-104-urban-20", 16_000),
            ("cao-sano-2012-hanoi", 21_760),
        ] {
            assert_eq!(pcu.profile(id).unwrap().units_e3(&mixed), Some(expected), "{id}");
        }
    }

    #[test]
    fn a_full_motorcycle_lane_is_fifteen_units() {
        let pcu = Pcu::configured("").unwrap();
        let lane = counts(&[(Class::Motorcycle, 60), (Class::Bicycle, 0)]);
        assert_eq!(pcu.default_profile().unwrap().units_e3(&lane), Some(15_000));
    }

    #[test]
    fn what_a_profile_does_not_cover_is_not_known_rather_than_nothing() {
        let pcu = Pcu::configured("").unwrap();
        let hanoi = pcu.profile("cao-sano-2012-hanoi").unwrap();
        assert_eq!(hanoi.units_e3(&counts(&[(Class::Car, 5), (Class::Truck3, 1)])), None);
        assert_eq!(hanoi.units_e3(&counts(&[(Class::Car, 5), (Class::Truck3, 0)])), Some(5_000));
        assert_eq!(hanoi.units_e3(&counts(&[])), None, "nothing was counted");
        assert_eq!(hanoi.units_e3(&counts(&[(Class::Pedestrian, 9)])), Some(0));
    }

    #[test]
    fn the_level_of_service_changes_at_its_cuts() {
        use LevelOfService::{A, B, C, D, E, F};
        let pcu = Pcu::configured("").unwrap();
        let level = |speed_kmh| pcu.level(speed_kmh, 50.0).unwrap();
        let found = [40.0, 39.9, 33.5, 33.4, 25.0, 24.9, 20.0, 19.9, 15.0, 14.9].map(level);
        assert_eq!(found, [A, B, B, C, C, D, D, E, E, F]);
        assert_eq!(pcu.level(30.0, 0.0), None);
    }

    #[test]
    fn congestion_needs_a_low_speed_and_a_full_road_or_a_very_low_speed() {
        let pcu = Pcu::configured("").unwrap();
        let of = |speed_kmh, occupancy| pcu.congestion(speed_kmh, 50.0, occupancy).unwrap();
        assert_eq!(of(40.0, Some(0.5)), Congestion::Free, "full but fast");
        assert_eq!(of(25.0, Some(0.2)), Congestion::Dense);
        assert_eq!(of(20.0, Some(0.35)), Congestion::Dense, "not below 40 %");
        assert_eq!(of(19.9, Some(0.1)), Congestion::Congested, "level E");
        assert_eq!(of(14.9, None), Congestion::Jammed);
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused() {
        let broken = |from: &str, to: &str| {
            let pcu: Pcu = toml::from_str(&DEFAULT.replacen(from, to, 1)).unwrap();
            pcu.check().unwrap_err()
        };
        assert!(broken("b_pct = 67", "b_pct = 87").contains("descend"));
        assert!(broken("default = \"tcxdvn", "default = \"no-tcxdvn").contains("no profile"));
        assert!(broken("id = \"tcvn-4054-flat\"", "id = \"tcvn-4054-mountain\"").contains("twice"));
        assert!(thousandths(0.2941).is_err() && thousandths(-0.1).is_err());
    }
}
