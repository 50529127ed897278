//! `config/quality.toml`: profiles of thresholds, numbers per lane class, overrides per site and device.
//!
//! [`Thresholds::limits`] makes of it what applies to one lane or zone on one day. The file explains every
//! key; numbers that cannot be kept within the lookback of the checks are refused.

use std::{collections::BTreeMap, path::Path};

use chrono::NaiveDate;
use ioc_ingest::Service;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    fold::LOOKBACK_MS,
    limits::Limits,
    numbers::{Numbers, Rest},
};
use crate::{
    city::LaneClass,
    pcu::{Mark, Pcu},
};

/// The thresholds that are compiled in.
pub const DEFAULT: &str = include_str!("../../config/quality.toml");
/// Id of the profile that completes every other.
const BASE: &str = "hub";

/// Why the thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("quality thresholds {file}: {why}")]
pub struct Unusable {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// One set of thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[schema(as = ThresholdProfile)]
#[ts(rename = "ThresholdProfile")]
pub struct Profile {
    /// Id in the configuration.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// How its numbers are known.
    pub mark: Mark,
    /// Where they come from.
    pub source: String,
    /// Numbers of every class.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// Keys that nobody knows.
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    #[ts(skip)]
    unknown: Unknown,
    /// Numbers of lanes for cars, trucks and buses.
    #[serde(default)]
    pub car_only: Numbers,
    /// Numbers of lanes for motorcycles and bicycles.
    #[serde(default)]
    pub motorcycle: Numbers,
    /// Numbers of other roads.
    #[serde(default)]
    pub local: Numbers,
    /// Numbers of main roads.
    #[serde(default)]
    pub arterial: Numbers,
}

impl Profile {
    const fn of_class(&self, class: LaneClass) -> &Numbers {
        match class {
            LaneClass::CarOnly => &self.car_only,
            LaneClass::Motorcycle => &self.motorcycle,
            LaneClass::Arterial => &self.arterial,
            LaneClass::Local => &self.local,
        }
    }
}

/// Other numbers for some lanes and zones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[schema(as = ThresholdOverride)]
#[ts(rename = "ThresholdOverride")]
pub struct Override {
    /// Only of this device.
    pub source: Option<String>,
    /// Only this lane or zone: `lane/1`, `zone/north`.
    pub place: Option<String>,
    /// Only of devices that this one feeds.
    pub parent: Option<String>,
    /// Only at this corridor.
    pub corridor: Option<String>,
    /// Only in this area.
    pub area: Option<String>,
    /// Only of this service.
    #[schema(value_type = Option<String>)]
    #[ts(type = "string | null")]
    pub service: Option<Service>,
    /// Only of this class of lane.
    pub lane_class: Option<String>,
    /// First civil day.
    #[schema(value_type = Option<String>, format = Date)]
    #[ts(type = "string | null")]
    pub valid_from: Option<Day>,
    /// First civil day after.
    #[schema(value_type = Option<String>, format = Date)]
    #[ts(type = "string | null")]
    pub valid_to: Option<Day>,
    /// Why.
    pub why: String,
    /// Takes the numbers of this profile first.
    pub profile: Option<String>,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// Keys that nobody knows.
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    #[ts(skip)]
    unknown: Unknown,
}

/// Keys of the file that nobody knows: flattened structures do not refuse them by themselves.
type Unknown = BTreeMap<String, toml::Value>;

fn refuse(unknown: &Unknown) -> Result<(), String> {
    unknown.keys().next().map_or(Ok(()), |key| Err(format!("unknown key {key}")))
}

/// A lane or zone, as far as thresholds depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Device.
    pub source: &'a str,
    /// Lane or zone.
    pub place: &'a str,
    /// What feeds the device.
    pub parent: Option<&'a str>,
    /// Its corridor.
    pub corridor: Option<&'a str>,
    /// Its area.
    pub area: Option<&'a str>,
    /// Its service.
    pub service: Service,
    /// Class of the lane; null when it is not known.
    pub class: Option<LaneClass>,
}

impl Override {
    fn fits(&self, site: &Site<'_>, day: NaiveDate) -> bool {
        let fits = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        fits(&self.source, Some(site.source))
            && fits(&self.place, Some(site.place))
            && fits(&self.parent, site.parent)
            && fits(&self.corridor, site.corridor)
            && fits(&self.area, site.area)
            && fits(&self.lane_class, site.class.map(LaneClass::as_str))
            && self.service.is_none_or(|service| service == site.service)
            && self.valid_from.is_none_or(|Day(from)| from <= day)
            && self.valid_to.is_none_or(|Day(to)| day < to)
    }
}

/// Every profile and override, and which profile applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Version of the file.
    pub version: String,
    /// The profile that applies.
    #[serde(default)]
    pub chosen: String,
    /// Profiles in the order of the file.
    #[serde(rename = "profile")]
    pub profiles: Vec<Profile>,
    /// Overrides in the order of the file.
    #[serde(rename = "override", default)]
    pub overrides: Vec<Override>,
    /// Passenger-car units per class, in hundredths, in the order of the contract.
    #[serde(skip)]
    #[ts(skip)]
    pcu_e2: Option<[u32; ioc_ingest::interval::CLASSES]>,
}

impl Thresholds {
    /// Reads a file, or takes what is compiled in when its name is empty. Passenger-car units are those
    /// of the default profile of `pcu`.
    ///
    /// # Errors
    /// The file cannot be read, has unknown keys or contradicts itself, or the profile is not in it.
    pub fn configured(file: &str, chosen: &str, pcu: &Pcu) -> Result<Self, Unusable> {
        let named = if file.is_empty() { "(compiled in)" } else { file };
        let why = |why: String| Unusable { file: named.to_owned(), why };
        let text = match file {
            "" => DEFAULT.to_owned(),
            file => std::fs::read_to_string(Path::new(file)).map_err(|e| why(e.to_string()))?,
        };
        let mut read: Self = toml::from_str(&text).map_err(|error| why(error.to_string()))?;
        chosen.clone_into(&mut read.chosen);
        let units = |profile: &crate::pcu::Profile| {
            profile.factors_e3.map(|factor| (factor.unwrap_or(1_000) + 5) / 10)
        };
        read.pcu_e2 = pcu.default_profile().map(units);
        read.check().map_err(why)?;
        Ok(read)
    }

    fn check(&self) -> Result<(), String> {
        let base = self.profile(BASE).ok_or_else(|| format!("there is no profile {BASE}"))?;
        base.numbers.is_complete().map_err(|key| format!("profile {BASE} does not state {key}"))?;
        self.profile(&self.chosen).ok_or_else(|| {
            format!("there is no profile {:?} (key quality.profile)", self.chosen)
        })?;
        for (at, profile) in self.profiles.iter().enumerate() {
            if self.profiles[..at].iter().any(|other| other.id == profile.id) {
                return Err(format!("profile {} stands twice", profile.id));
            }
            refuse(&profile.unknown).map_err(|why| format!("profile {}: {why}", profile.id))?;
            if profile.source.is_empty() {
                return Err(format!("profile {} has no source", profile.id));
            }
            for class in LaneClass::ALL {
                let numbers = self.of_profile(profile, class);
                self.settle(&numbers).map_err(|why| {
                    format!("profile {} for {}: {why}", profile.id, class.as_str())
                })?;
            }
        }
        for other in &self.overrides {
            refuse(&other.unknown).map_err(|why| format!("override {:?}: {why}", other.why))?;
            if other.why.is_empty() {
                return Err("an override has no `why`".to_owned());
            }
            if other.lane_class.as_ref().is_some_and(|text| parse_class(text).is_none()) {
                return Err(format!("the override {:?} names no lane class", other.why));
            }
            if let Some(id) = &other.profile
                && self.profile(id).is_none()
            {
                return Err(format!("the override {:?} names no profile", other.why));
            }
            let mut numbers = base.numbers.clone();
            numbers.take(&other.numbers);
            self.settle(&numbers).map_err(|why| format!("override {:?}: {why}", other.why))?;
        }
        Ok(())
    }

    /// The profile of this id.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == id)
    }

    fn of_profile(&self, profile: &Profile, class: LaneClass) -> Numbers {
        let mut numbers = Numbers::default();
        if let Some(base) = self.profile(BASE) {
            numbers.take(&base.numbers);
            numbers.take(base.of_class(class));
        }
        if profile.id != BASE {
            numbers.take(&profile.numbers);
            numbers.take(profile.of_class(class));
        }
        numbers
    }

    fn numbers(&self, site: &Site<'_>, day: NaiveDate) -> Numbers {
        let class = site.class.unwrap_or(LaneClass::Arterial);
        let chosen = |id: &str| self.profile(id).map(|profile| self.of_profile(profile, class));
        let mut numbers = chosen(&self.chosen).unwrap_or_default();
        for other in self.overrides.iter().filter(|other| other.fits(site, day)) {
            if let Some(profile) = other.profile.as_deref().and_then(chosen) {
                numbers = profile;
            }
            numbers.take(&other.numbers);
        }
        numbers
    }

    fn settle(&self, numbers: &Numbers) -> Result<Limits, String> {
        let mut limits = numbers.limits()?;
        if let Some(pcu_e2) = self.pcu_e2 {
            limits.pcu_e2 = pcu_e2;
        }
        check_span(&limits)?;
        Ok(limits)
    }

    /// What applies to a lane or zone on a civil day.
    pub fn limits(&self, site: &Site<'_>, day: NaiveDate) -> Limits {
        // Everything that can be combined was tried when the file was read.
        self.settle(&self.numbers(site, day)).unwrap_or_default()
    }

    /// What applies to the checks that are looked at now and then.
    pub fn rest(&self, site: &Site<'_>, day: NaiveDate) -> Rest {
        self.numbers(site, day).rest()
    }
}

/// Rows of the lookback must decide every mark.
fn check_span(limits: &Limits) -> Result<(), String> {
    let day_s = 86_400;
    let clears = [
        limits.volume_clear_s,
        limits.mismatch_clear_s,
        limits.stuck_clear_s,
        limits.spike_clear_s,
        limits.length_clear_s,
    ];
    let longest = clears.into_iter().max().unwrap_or(0);
    let runs = [limits.stuck_s, limits.idle_day_s, limits.idle_night_s, limits.constant_s];
    if longest > day_s || runs.into_iter().any(|run| run > day_s) {
        return Err("limits and clear times are at most 24 hours".to_owned());
    }
    let reach_ms = i64::from(limits.stuck_s + limits.stuck_clear_s) * 1_000;
    if reach_ms > LOOKBACK_MS {
        return Err("stuck_s and stuck_clear_s are more than the lookback together".to_owned());
    }
    if limits.idle_day_s > limits.idle_night_s || limits.day_from_h > limits.day_to_h {
        return Err("the limit of the day is longer than that of the night".to_owned());
    }
    Ok(())
}

/// The class of a word.
pub fn parse_class(text: &str) -> Option<LaneClass> {
    LaneClass::ALL.into_iter().find(|class| class.as_str() == text)
}

/// A civil day, as TOML writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = toml::value::Datetime::deserialize(deserializer)?;
        let refused = || D::Error::custom(format!("{date} is no date"));
        date.to_string().parse().map(Self).map_err(|_unreadable| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(text: &str, chosen: &str) -> Result<Thresholds, String> {
        let mut read: Thresholds = toml::from_str(text).map_err(|error| error.to_string())?;
        chosen.clone_into(&mut read.chosen);
        read.check()?;
        Ok(read)
    }

    const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();

    fn site(class: Option<LaneClass>) -> Site<'static> {
        Site {
            source: "vds-001",
            place: "lane/1",
            parent: Some("cab-001"),
            corridor: Some("ql91"),
            area: None,
            service: Service::Vds,
            class,
        }
    }

    #[test]
    fn the_file_that_is_compiled_in_says_what_the_program_assumes() {
        let pcu = Pcu::configured("").unwrap();
        let read = Thresholds::configured("", "hub", &pcu).unwrap();
        assert_eq!(read.limits(&site(None), DAY), Limits::HUB);
        let car = read.limits(&site(Some(LaneClass::CarOnly)), DAY);
        assert_eq!((car.count_max_30s, car.motorcycle_assumed_pct), (37, 0));
        assert_eq!(read.limits(&site(Some(LaneClass::Local)), DAY).idle_day_s, 7_200);
        let zone = Site { service: Service::Cctv, place: "zone/north", ..site(None) };
        assert!(!read.limits(&zone, DAY).measures_speed);
    }

    #[test]
    fn the_other_profiles_can_be_chosen() {
        let pcu = Pcu::configured("").unwrap();
        let of = |id| Thresholds::configured("", id, &pcu).unwrap().limits(&site(None), DAY);
        let iris = of("iris");
        assert_eq!((iris.count_max_30s, iris.volume_trips, iris.stuck_clear_s), (37, 1, 86_400));
        let pems = of("pems");
        assert_eq!((pems.high_occupancy_e4, pems.high_share_e1_pct, pems.stuck_s), (7_000, 200, 0));
        assert!(Thresholds::configured("", "nonsense", &pcu).is_err());
    }

    #[test]
    fn overrides_fit_by_every_key_and_within_their_days() {
        let text = format!(
            "{DEFAULT}\n[[override]]\nsource = \"vds-001\"\nplace = \"lane/1\"\nstuck_s = 600\n\
             valid_from = 2026-11-22\nvalid_to = 2026-12-01\nwhy = \"stop line\"\n\
             [[override]]\ncorridor = \"ql91\"\nlane_class = \"local\"\nprofile = \"iris\"\nwhy = \"x\"\n"
        );
        let read = thresholds(&text, "hub").unwrap();
        let stuck = |site: &Site<'_>, day: NaiveDate| read.limits(site, day).stuck_s;
        assert_eq!(stuck(&site(None), DAY), 600);
        assert_eq!(stuck(&site(None), DAY.pred_opt().unwrap()), 120);
        assert_eq!(stuck(&site(None), "2026-12-01".parse().unwrap()), 120);
        assert_eq!(stuck(&Site { place: "lane/2", ..site(None) }, DAY), 120);
        let local = Site { place: "lane/2", ..site(Some(LaneClass::Local)) };
        assert_eq!(read.limits(&local, DAY).stuck_clear_s, 86_400, "as IRIS");
    }

    #[test]
    fn numbers_that_cannot_be_are_refused_by_name() {
        let broken =
            |from: &str, to: &str| thresholds(&DEFAULT.replacen(from, to, 1), "hub").unwrap_err();
        assert!(
            broken("stuck_occupancy = 0.99", "stuck_occupancy = 1.5").contains("stuck_occupancy")
        );
        assert!(broken("volume_clear_s = 86400", "volume_clear_s = 86401").contains("24 hours"));
        assert!(broken("jumps = 2", "").contains("jumps"));
        assert!(broken("speed_max_kmh = 160", "speed_maximum = 160").contains("speed_max"));
        assert!(
            broken("measures_speed = false", "measure_speed = false").contains("measure_speed")
        );
        assert!(broken("why = \"Zones", "# \"Zones").contains("why"));
    }
}
