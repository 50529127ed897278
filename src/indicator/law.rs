//! Laws of scores, bands of classes, limits and identities: `config/reform.toml`, which explains every key.
//!
//! All of it is data with a first day of validity; a period is judged by what is valid on its last day.
//! The laws of scores are those that were observed on the national portal, not the text of the law.

use std::fmt::Write as _;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    catalogue::{Unusable, date, named, read},
    exact::{Milli, divide},
};

/// The parameters that are compiled in.
pub const DEFAULT: &str = include_str!("../../config/reform.toml");

/// All parameters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Version, which every value carries.
    pub version: String,
    buckets: Vec<Buckets>,
    /// Thresholds that are not part of a law.
    pub thresholds: Thresholds,
    /// When periods are closed.
    pub closing: Closing,
    nine: Vec<NineLaw>,
    decision766: Vec<DecisionLaw>,
    onestop: Vec<OnestopLimits>,
    desk: Vec<DeskLimits>,
    petition: Vec<PetitionLimits>,
    /// Accounting identities.
    #[serde(rename = "identity")]
    pub identities: Vec<Identity>,
    #[serde(rename = "field", default)]
    fields: Vec<FieldName>,
}

/// Name of a field of formalities.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldName {
    /// Token of dossiers and formalities.
    pub token: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
}

/// Where a dossier counts that ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// A05.
    Early,
    /// A06.
    OnDay,
    /// A07.
    Late,
    /// A11.
    NoDue,
}

/// Buckets of the statuses that end a dossier without a result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buckets {
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    /// Withdrawn by the applicant.
    pub withdrawn: Bucket,
    /// Refused after acceptance.
    pub refused: Bucket,
    /// Stopped: reports differ on this one.
    pub stopped: Bucket,
    /// Where they come from.
    pub source: String,
}

/// Thresholds of single indicators; see the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "every key is documented in config/reform.toml")]
pub struct Thresholds {
    pub due_soon_working_days: u32,
    pub stock_days: u32,
    pub digitise_rate_working_days: u32,
    pub hot_spot_days: u32,
    pub hot_spot_cell_e3_deg: u32,
}

/// When periods are closed by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// Day of the next period, from 1.
    pub day: u32,
}

/// One class of a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// excellent, good, fair, average or weak.
    pub class: String,
    /// Least total of the class, itself included.
    #[schema(value_type = f64)]
    #[ts(type = "number")]
    pub from: Milli,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
}

/// The class of a total; bands stand from the best to the worst. The second value is its rank: 1 for the
/// worst.
pub fn class_of(bands: &[Band], total: Milli) -> Option<(&Band, usize)> {
    let at = bands.iter().position(|band| total >= band.from)?;
    Some((&bands[at], bands.len() - at))
}

/// Law of the nine indicators.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NineLaw {
    /// Version.
    pub id: String,
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    /// Most points of one indicator.
    pub max: Milli,
    /// N8: one point from this share of petitions handled in time, percent.
    pub petitions_partly_pct: Milli,
    /// N9: two points from this share of online dossiers, percent.
    pub online_full_pct: Milli,
    /// Where it comes from.
    pub source: String,
    /// Classes, best first.
    pub bands: Vec<Band>,
}

/// How a ratio becomes points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    /// max × r.
    Proportional,
    /// min(max, max × r / cap).
    Capped,
    /// No points.
    Shown,
}

/// What a denominator of 0 gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zero {
    /// No score.
    Null,
    /// All points.
    Full,
    /// No points.
    Zero,
}

/// One component of Decision 766.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Id of the indicator.
    pub id: String,
    /// Code on the national portal.
    pub code: String,
    /// Group of points.
    pub group: String,
    /// Most points; null when it is only shown.
    pub max: Option<Milli>,
    /// How the ratio becomes points.
    pub law: LawKind,
    /// Ratio with full marks, percent; of the capped law.
    pub cap_pct: Option<Milli>,
    /// What a denominator of 0 gives.
    pub zero: Zero,
}

impl Component {
    /// Points of `numerator / denominator` in thousandths, rounded half up; null without points, or with
    /// nothing to judge by. A ratio above one counts as one.
    ///
    /// 80 of 100 under the cap of 80 percent and 2 points is 2; 45 of 100 under 50 percent and 6 points is
    /// 5.4.
    pub fn score(&self, numerator: i64, denominator: i64) -> Option<Milli> {
        let max = self.max?;
        if denominator <= 0 {
            return match self.zero {
                Zero::Null => None,
                Zero::Full => Some(max),
                Zero::Zero => Some(Milli(0)),
            };
        }
        let cap_e3 = match self.law {
            LawKind::Shown => return None,
            LawKind::Proportional => 100_000,
            LawKind::Capped => self.cap_pct?.0,
        };
        let points = i128::from(max.0) * i128::from(numerator) * 100_000;
        let rounded = divide(points, i128::from(denominator) * i128::from(cap_e3))?;
        let bounded = rounded.clamp(0, i128::from(max.0));
        i64::try_from(bounded).ok().map(Milli)
    }
}

/// One version of the laws of Decision 766.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionLaw {
    /// Version.
    pub id: String,
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    is_default: bool,
    /// Q1.1: least working days from announcement to effect.
    pub announce_before_working_days: u32,
    /// Q1.2: most working days from announcement to publication.
    pub publish_within_working_days: u32,
    /// Where it comes from.
    pub source: String,
    /// Version whose bands and other components hold here too.
    like: Option<String>,
    /// Classes, best first.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// Components.
    pub components: Vec<Component>,
}

/// Limits of the one-stop offices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "every key is documented in config/reform.toml")]
pub struct OnestopLimits {
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    pub accept_online_working_min: i32,
    pub mark: String,
    pub source: String,
}

/// Service levels of the desk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "every key is documented in config/reform.toml")]
pub struct DeskLimits {
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    pub forward_working_min: i32,
    pub first_response_working_days: u16,
    pub urgent_h: u32,
    pub urgent_categories: Vec<String>,
    pub normal_working_days: u16,
    pub petition_working_days: u16,
    pub answer_s: i32,
    pub short_abandon_s: i32,
    pub satisfied_rating: u8,
    pub mark: String,
    pub source: String,
}

/// Limits of petitions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "every key is documented in config/reform.toml")]
pub struct PetitionLimits {
    #[serde(deserialize_with = "date")]
    valid_from: NaiveDate,
    pub refuse_working_days: u32,
    pub more_info_working_days: u32,
    pub handle_working_days: u32,
    pub publish_working_days: u32,
    pub source: String,
}

/// An accounting identity: two sums of quantities that must be equal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its word.
    pub id: String,
    /// Left side, `A03`.
    pub left: String,
    /// Right side, `A04 + A08`.
    pub right: String,
    /// Where it comes from.
    pub source: String,
}

/// What has a first day of validity.
trait Dated {
    fn valid_from(&self) -> NaiveDate;
}

macro_rules! dated {
    ($($kind:ty),+) => { $(impl Dated for $kind {
        fn valid_from(&self) -> NaiveDate {
            self.valid_from
        }
    })+ };
}

dated!(Buckets, NineLaw, DecisionLaw, OnestopLimits, DeskLimits, PetitionLimits);

/// The latest entry that is valid on a day.
fn valid<T: Dated>(entries: &[T], day: NaiveDate) -> Option<&T> {
    entries.iter().filter(|entry| entry.valid_from() <= day).max_by_key(|entry| entry.valid_from())
}

impl Parameters {
    /// The parameters in this file, or the compiled-in ones for "".
    ///
    /// # Errors
    /// The file cannot be read, has unknown keys or contradicts itself.
    pub fn configured(file: &str) -> Result<Self, Unusable> {
        let text = read(file, DEFAULT)?;
        Self::parse(&text).map_err(|why| Unusable { file: named(file), why })
    }

    /// The parameters in this text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parameters: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        parameters.inherit()?;
        parameters.check()?;
        Ok(parameters)
    }

    /// Fills in what a version takes over from another one.
    fn inherit(&mut self) -> Result<(), String> {
        let versions = self.decision766.clone();
        for law in &mut self.decision766 {
            let Some(like) = &law.like else { continue };
            let base = versions
                .iter()
                .find(|base| base.id == *like && base.like.is_none())
                .ok_or_else(|| format!("{}: like = {like:?} names no complete version", law.id))?;
            if law.bands.is_empty() {
                law.bands.clone_from(&base.bands);
            }
            let own = std::mem::take(&mut law.components);
            let pick = |component: &Component| {
                own.iter().find(|own| own.id == component.id).unwrap_or(component).clone()
            };
            law.components = base.components.iter().map(pick).collect();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for law in &self.decision766 {
            let total: i64 =
                law.components.iter().filter_map(|part| part.max).map(|max| max.0).sum();
            if total != 100_000 {
                return Err(format!(
                    "{}: maxima add up to {} points, not 100",
                    law.id,
                    Milli(total)
                ));
            }
            for part in &law.components {
                let has_points = part.law != LawKind::Shown;
                let has_cap = part.law == LawKind::Capped;
                if part.max.is_some() != has_points
                    || part.cap_pct.is_some() != has_cap
                    || part.cap_pct.is_some_and(|cap| cap.0 <= 0)
                {
                    return Err(format!(
                        "{} {}: max or cap_pct does not fit its law",
                        law.id, part.id
                    ));
                }
            }
        }
        let bands = self.nine.iter().map(|law| (&law.id, &law.bands));
        let bands = bands.chain(self.decision766.iter().map(|law| (&law.id, &law.bands)));
        for (id, bands) in bands {
            if bands.is_empty() || !bands.is_sorted_by(|a, b| a.from > b.from) {
                return Err(format!("{id}: bands do not stand from the best to the worst"));
            }
        }
        self.check_limits()?;
        self.check_fields()?;
        if self.closing.day == 0 || self.closing.day > 28 {
            return Err("closing.day is not between 1 and 28".to_owned());
        }
        Ok(())
    }

    fn check_fields(&self) -> Result<(), String> {
        let mut tokens: Vec<&str> = self.fields.iter().map(|field| field.token.as_str()).collect();
        tokens.sort_unstable();
        match tokens.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("the field {} is named twice", pair[0])),
            None => Ok(()),
        }
    }

    /// Limits below one would judge everything as late, and a rating outside of 1 to 5 nothing.
    fn check_limits(&self) -> Result<(), String> {
        let desk = self.desk.iter().all(|limits| {
            let days = [
                limits.first_response_working_days,
                limits.normal_working_days,
                limits.petition_working_days,
            ];
            let seconds = [limits.forward_working_min, limits.answer_s, limits.short_abandon_s];
            days.iter().all(|days| (1..=366).contains(days))
                && seconds.iter().all(|limit| (1..=86_400).contains(limit))
                && (1..=8_760).contains(&limits.urgent_h)
                && (1..=5).contains(&limits.satisfied_rating)
        });
        let mut onestop = self.onestop.iter().map(|limits| limits.accept_online_working_min);
        let onestop = onestop.all(|limit| (1..=86_400).contains(&limit));
        let petition = self.petition.iter().all(|limits| {
            let days = [
                limits.refuse_working_days,
                limits.more_info_working_days,
                limits.handle_working_days,
                limits.publish_working_days,
            ];
            days.iter().all(|days| (1..=366).contains(days))
        });
        for (name, is_good) in [("desk", desk), ("onestop", onestop), ("petition", petition)] {
            if !is_good {
                return Err(format!("a limit of [[{name}]] is zero or out of all proportion"));
            }
        }
        Ok(())
    }

    /// What stored records are judged by, as text that changes with it.
    pub fn judging(&self) -> String {
        let mut text = String::new();
        for limits in &self.onestop {
            let OnestopLimits { valid_from, accept_online_working_min: accept, .. } = limits;
            let _infallible = write!(text, "onestop {valid_from} {accept}; ");
        }
        for limits in &self.desk {
            let DeskLimits {
                valid_from,
                forward_working_min: forward,
                first_response_working_days: response,
                urgent_h: urgent,
                urgent_categories: categories,
                normal_working_days: normal,
                petition_working_days: petition,
                answer_s: answer,
                short_abandon_s: abandon,
                satisfied_rating: rating,
                mark: _,
                source: _,
            } = limits;
            let categories = categories.join(",");
            let _infallible = write!(
                text,
                "desk {valid_from} {forward}/{response}/{urgent}/{categories}/{normal}/{petition}/\
                 {answer}/{abandon}/{rating}; "
            );
        }
        for limits in &self.petition {
            let PetitionLimits {
                valid_from,
                refuse_working_days: refuse,
                more_info_working_days: ask,
                handle_working_days: handle,
                publish_working_days: publish,
                source: _,
            } = limits;
            let _infallible =
                write!(text, "petition {valid_from} {handle}/{ask}/{refuse}/{publish}; ");
        }
        text
    }

    /// Buckets on a day.
    pub fn buckets(&self, day: NaiveDate) -> Option<&Buckets> {
        valid(&self.buckets, day)
    }

    /// Law of the nine indicators on a day.
    pub fn nine(&self, day: NaiveDate) -> Option<&NineLaw> {
        valid(&self.nine, day)
    }

    /// Law of Decision 766 on a day: the default one, or the version that is named.
    pub fn decision766(&self, day: NaiveDate, version: Option<&str>) -> Option<&DecisionLaw> {
        self.decision766
            .iter()
            .filter(|law| version.map_or(law.is_default, |id| law.id == id))
            .filter(|law| law.valid_from <= day)
            .max_by_key(|law| law.valid_from)
    }

    /// Limits of the one-stop offices on a day.
    pub fn onestop(&self, day: NaiveDate) -> Option<&OnestopLimits> {
        valid(&self.onestop, day)
    }

    /// Limits of calls: first days of validity, seconds to answer, and seconds of a short abandonment.
    pub fn calls(&self) -> (Vec<NaiveDate>, Vec<i32>, Vec<i32>) {
        let days = self.desk.iter().map(|limits| limits.valid_from).collect();
        let answer = self.desk.iter().map(|limits| limits.answer_s).collect();
        let abandon = self.desk.iter().map(|limits| limits.short_abandon_s).collect();
        (days, answer, abandon)
    }

    /// The name of a field of formalities.
    pub fn field(&self, token: &str) -> Option<&FieldName> {
        self.fields.iter().find(|field| field.token == token)
    }

    /// Service levels on a day.
    pub fn desk(&self, day: NaiveDate) -> Option<&DeskLimits> {
        valid(&self.desk, day)
    }

    /// Limits of petitions on a day.
    pub fn petition(&self, day: NaiveDate) -> Option<&PetitionLimits> {
        valid(&self.petition, day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parameters() -> Parameters {
        Parameters::configured("").unwrap()
    }

    fn component(id: &str) -> Component {
        let parameters = parameters();
        let law = parameters.decision766("2024-03-31".parse().unwrap(), None).unwrap();
        law.components.iter().find(|part| part.id == id).unwrap().clone()
    }

    #[test]
    fn scores_follow_the_observed_laws() {
        assert_eq!(component("Q4.3").score(80, 100), Some(Milli(2_000)));
        assert_eq!(component("Q3.3").score(45, 100), Some(Milli(5_400)));
        assert_eq!(component("Q5.4").score(855, 1_000), Some(Milli(5_700)));
        assert_eq!(component("Q5.4").score(901, 1_000), Some(Milli(6_000)));
        assert_eq!(component("Q2.1").score(2, 3), Some(Milli(13_333)));
        assert_eq!(component("Q6.1").score(1, 2), Some(Milli(1_250)));
        assert_eq!(component("Q2.2").score(1, 2), None);
    }

    #[test]
    fn a_denominator_of_zero_follows_the_law_of_the_component() {
        assert_eq!(component("Q5.2").score(0, 0), Some(Milli(6_000)));
        assert_eq!(component("Q5.3").score(0, 0), Some(Milli(6_000)));
        assert_eq!(component("Q5.4").score(0, 0), Some(Milli(0)));
        assert_eq!(component("Q2.1").score(0, 0), None);
    }

    #[test]
    fn maxima_of_every_version_add_up_to_100_and_the_sheet_of_2026_is_only_on_request() {
        let parameters = parameters();
        let day = "2026-11-22".parse().unwrap();
        assert_eq!(parameters.decision766(day, None).unwrap().id, "portal");
        let sheet = parameters.decision766(day, Some("portal-2026")).unwrap();
        let max = |id: &str| sheet.components.iter().find(|part| part.id == id).unwrap().max;
        assert_eq!(
            (max("Q3.3"), max("Q3.4"), max("Q2.1")),
            (None, Some(Milli::whole(12)), Some(Milli::whole(20)))
        );
        assert_eq!(parameters.decision766("2022-07-31".parse().unwrap(), None), None);
    }

    #[test]
    fn a_total_of_exactly_15_is_excellent() {
        let parameters = parameters();
        let bands = &parameters.nine("2021-06-30".parse().unwrap()).unwrap().bands;
        for (total, class, rank) in [
            (18_000, "excellent", 5),
            (15_000, "excellent", 5),
            (14_999, "good", 4),
            (12_000, "good", 4),
            (11_999, "fair", 3),
            (9_000, "fair", 3),
            (6_000, "average", 2),
            (5_999, "weak", 1),
            (0, "weak", 1),
        ] {
            let (band, found) = class_of(bands, Milli(total)).unwrap();
            assert_eq!((band.class.as_str(), found), (class, rank), "{total}");
        }
    }

    #[test]
    fn what_records_are_judged_by_changes_with_each_limit_and_with_nothing_else() {
        let judging = |from: &str, to: &str| {
            assert!(DEFAULT.contains(from), "{from}");
            Parameters::parse(&DEFAULT.replacen(from, to, 1)).unwrap().judging()
        };
        let before = parameters().judging();
        for (from, to) in [
            ("accept_online_working_min = 480", "accept_online_working_min = 240"),
            ("urgent_categories = [", "urgent_categories = [\"parks\", "),
            ("answer_s = 20", "answer_s = 15"),
            ("more_info_working_days = 5", "more_info_working_days = 4"),
            ("valid_from = 2021-04-01", "valid_from = 2021-05-01"),
        ] {
            assert_ne!(judging(from, to), before, "{to}");
        }
        assert_eq!(judging("due_soon_working_days = 1", "due_soon_working_days = 2"), before);
    }

    #[test]
    fn every_field_of_the_demonstration_city_has_a_name() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/city/can-tho/formalities.csv");
        let mut reader = csv::Reader::from_path(file).unwrap();
        let column = reader.headers().unwrap().iter().position(|name| name == "field").unwrap();
        let tokens: std::collections::BTreeSet<String> =
            reader.records().map(|row| row.unwrap()[column].to_owned()).collect();
        assert!(tokens.len() > 20);
        let parameters = parameters();
        for token in tokens {
            assert!(parameters.field(&token).is_some(), "{token} has no name");
        }
    }

    #[test]
    fn parameters_that_contradict_themselves_are_refused() {
        for (from, to) in [
            ("max = 20,", "max = 21,"),
            ("law = \"capped\", cap_pct = 80", "law = \"capped\""),
            ("{ class = \"good\", from = 12,", "{ class = \"good\", from = 16,"),
            ("like = \"portal\"", "like = \"none\""),
            ("day = 5", "day = 0"),
            ("due_soon_working_days = 1", "due_soon_working_day = 1"),
            ("answer_s = 20", "answer_s = 0"),
            ("token = \"land\"", "token = \"trade\""),
            ("satisfied_rating = 4", "satisfied_rating = 6"),
            ("handle_working_days = 15", "handle_working_days = 0"),
            ("accept_online_working_min = 480", "accept_online_working_min = 0"),
        ] {
            assert!(DEFAULT.contains(from), "{from}");
            assert!(Parameters::parse(&DEFAULT.replacen(from, to, 1)).is_err(), "{to}");
        }
    }

    proptest! {
        #[test]
        fn a_score_grows_with_the_ratio_and_stays_within_its_maximum(
            part in 0_i64..100_000, more in 0_i64..100_000, rest in 1_i64..100_000,
        ) {
            let whole = part + more + rest;
            for component in &parameters().decision766("2024-01-01".parse().unwrap(), None).unwrap().components {
                let Some(max) = component.max else { continue };
                let less = component.score(part, whole).unwrap();
                prop_assert!(Milli(0) <= less && less <= component.score(part + more, whole).unwrap());
                prop_assert_eq!(component.score(whole, whole), Some(max));
            }
        }
    }
}
