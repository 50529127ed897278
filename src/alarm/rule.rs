//! Rules as data: read from `config/alarms.toml`, which explains every key, and refused when incomplete.
//!
//! A rule without a priority, a cause, a consequence, an action and a time to respond, in Vietnamese and
//! English, is no alarm but a noise: the hub does not start with one. All mistakes of a file are told at
//! once, each with the code of its rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{NaiveDate, TimeDelta};
use ioc_ingest::{Service, topic::is_token};
use serde::Deserialize;
use unicode_normalization::is_nfc;

use super::{
    Priority,
    condition::{Condition, Term, Written},
    field::{Field, Trigger},
};

/// The rules that are compiled in.
pub const DEFAULT: &str = include_str!("../../config/alarms.toml");

/// The file of the rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("load {file} (key alarms.rules): {}", .why.join("; "))]
pub struct RulesError {
    /// The file, or `(compiled in)`.
    pub file: String,
    /// What is wrong, all of it.
    pub why: Vec<String>,
}

/// What kind of object a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A device or system of this service.
    Device(Service),
    /// A lane or zone of a device.
    Detector,
    /// What other devices hang on: cabinet, switch, gateway.
    Group,
    /// A part of the hub.
    Hub,
    /// An administrative unit.
    Unit,
    /// A corridor.
    Corridor,
    /// An indicator.
    Indicator,
}

impl Subject {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "detector" => Some(Self::Detector),
            "group" => Some(Self::Group),
            "hub" => Some(Self::Hub),
            "unit" => Some(Self::Unit),
            "corridor" => Some(Self::Corridor),
            "indicator" => Some(Self::Indicator),
            word => Service::parse(word).map(Self::Device),
        }
    }

    /// The word in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device(service) => service.as_str(),
            Self::Detector => "detector",
            Self::Group => "group",
            Self::Hub => "hub",
            Self::Unit => "unit",
            Self::Corridor => "corridor",
            Self::Indicator => "indicator",
        }
    }

    /// The kind of an object that is no device, by the text before the colon.
    pub fn of_figure(object: &str) -> Option<Self> {
        match object.split_once(':')?.0 {
            "hub" => Some(Self::Hub),
            "unit" => Some(Self::Unit),
            "corridor" => Some(Self::Corridor),
            "indicator" => Some(Self::Indicator),
            _ => None,
        }
    }

    /// Whether a field can be told of it.
    const fn has(self, trigger: Trigger) -> bool {
        match self {
            Self::Device(Service::Vds) => !matches!(trigger, Trigger::Figure),
            Self::Device(_) => !matches!(trigger, Trigger::Figure | Trigger::Pair),
            Self::Detector => matches!(trigger, Trigger::Quality),
            Self::Group => false,
            Self::Hub | Self::Unit | Self::Corridor | Self::Indicator => {
                matches!(trigger, Trigger::Figure)
            }
        }
    }
}

/// What people read of a rule, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// Name.
    pub name: String,
    /// What usually causes it.
    pub cause: String,
    /// What follows when nobody acts.
    pub consequence: String,
    /// What the operator does.
    pub action: String,
}

/// One alarm for many children that are lost together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Share of the children beyond which it is one loss.
    pub share: f64,
    /// Fewest children that are lost.
    pub children: usize,
    /// They were lost within this time.
    pub window: TimeDelta,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Code, a token, never reused for another meaning.
    pub code: Arc<str>,
    /// What it is about.
    pub on: Vec<Subject>,
    /// Only these objects; empty for all.
    pub objects: BTreeSet<String>,
    /// Priority.
    pub priority: Priority,
    /// Conditions under which it is graver, the gravest first.
    pub graver: Vec<(Condition, Priority)>,
    /// When it holds; null for a group.
    pub when: Option<Condition>,
    /// Whether it is one alarm for many.
    pub group: Option<Group>,
    /// Code of the group rule that takes its place when many are lost together.
    pub follows: Option<Arc<str>>,
    /// For how long the condition holds before it is raised.
    pub delay_on: TimeDelta,
    /// The same in signal cycles, where the cycle is known and this is longer.
    pub delay_on_cycles: f64,
    /// For how long the condition is gone before it clears.
    pub delay_off: TimeDelta,
    /// Whether it waits for a reset after its return.
    pub latches: bool,
    /// Time that the operator has, seconds.
    pub time_to_respond_s: u32,
    /// Whether it is judged.
    pub enabled: bool,
    /// Why not, in Vietnamese and English.
    pub off: Option<(String, String)>,
    /// Vietnamese.
    pub vi: Texts,
    /// English.
    pub en: Texts,
    /// Standard, document or measurement that it comes from.
    pub source: String,
    /// Unit of measure of its value; empty for none.
    pub unit_of_measure: &'static str,
    /// Fields that it asks about, as triggers.
    pub triggers: BTreeSet<Trigger>,
}

/// What differs for some objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Rule.
    pub code: Arc<str>,
    /// Only this object, or what belongs to this device.
    pub device: Option<String>,
    /// Only objects of this area.
    pub area: Option<String>,
    /// Only devices of this service.
    pub service: Option<Service>,
    /// Switches the rule on or off.
    pub enabled: Option<bool>,
    /// Another priority.
    pub priority: Option<Priority>,
    /// Another delay.
    pub delay_on: Option<TimeDelta>,
    /// Another delay.
    pub delay_off: Option<TimeDelta>,
    /// Other limits.
    pub limits: Vec<(Field, f64)>,
    /// First civil day.
    pub from: Option<NaiveDate>,
    /// First civil day without.
    pub to: Option<NaiveDate>,
}

/// Numbers that hold for all rules.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Priority from which on new alarms are suppressed in a flood; 5 for none.
    pub flood_priority: u8,
    /// Raises within the window after which an alarm counts as chattering.
    pub chatter_raises: u32,
    /// The window, seconds.
    pub chatter_window_s: u32,
    /// It has calmed down after this time without a raise, seconds.
    pub chatter_calm_s: u32,
    /// An alarm is the first at its place when none was raised there for this time, seconds.
    pub first_out_s: u32,
    /// Free-flow speed where no corridor tells one, km/h.
    pub free_flow_kmh: f64,
    /// When a cycle of a signal leaves vehicles behind, and of which cycles a share is told.
    pub split: crate::measure::split::Limits,
    /// When there is something usual to compare an occupancy with.
    pub usual: crate::measure::usual::Limits,
    /// Which stations are a pair, and what a bottleneck is.
    pub pair: crate::measure::pair::Limits,
}

impl Settings {
    fn mistakes(&self) -> Vec<String> {
        let tables = [
            ("split", self.split.mistake()),
            ("usual", self.usual.mistake()),
            ("pair", self.pair.mistake()),
        ];
        let told = tables.into_iter().filter_map(|(table, why)| Some((table, why?)));
        told.map(|(table, why)| format!("settings.{table}: {why}")).collect()
    }
}

/// Every rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Version of the file.
    pub version: String,
    /// Numbers for all.
    pub settings: Settings,
    list: Vec<Rule>,
    /// What differs for some objects; a later one counts over an earlier one.
    pub overrides: Vec<Override>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRules {
    version: String,
    settings: Settings,
    #[serde(rename = "rule")]
    rules: Vec<WrittenRule>,
    #[serde(rename = "override", default)]
    overrides: Vec<WrittenOverride>,
    /// Read by the figures on the performance of the alarm system.
    #[serde(default, rename = "targets")]
    _targets: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    code: String,
    #[serde(default)]
    on: Vec<String>,
    #[serde(default)]
    objects: BTreeSet<String>,
    priority: Option<u8>,
    when: Option<Written>,
    #[serde(default)]
    graver: Vec<WrittenGraver>,
    group: Option<WrittenGroup>,
    follows: Option<String>,
    delay_on_s: Option<u32>,
    #[serde(default)]
    delay_on_cycles: f64,
    delay_off_s: Option<u32>,
    #[serde(default)]
    latch: bool,
    time_to_respond_s: Option<u32>,
    #[serde(default = "yes")]
    enabled: bool,
    off_vi: Option<String>,
    off_en: Option<String>,
    #[serde(default)]
    vi: BTreeMap<String, String>,
    #[serde(default)]
    en: BTreeMap<String, String>,
    #[serde(default)]
    source: String,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGraver {
    when: Written,
    priority: u8,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGroup {
    share: f64,
    children: usize,
    window_s: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOverride {
    code: String,
    device: Option<String>,
    area: Option<String>,
    service: Option<Service>,
    enabled: Option<bool>,
    priority: Option<u8>,
    delay_on_s: Option<u32>,
    delay_off_s: Option<u32>,
    #[serde(default)]
    limits: BTreeMap<String, f64>,
    from: Option<toml::value::Datetime>,
    to: Option<toml::value::Datetime>,
    #[serde(default)]
    reason: String,
}

impl Rules {
    /// The rules in this file, or the compiled-in ones for "".
    ///
    /// # Errors
    /// The file cannot be read, or some rule is not complete.
    pub fn configured(file: &str) -> Result<Self, RulesError> {
        let named = if file.is_empty() { "(compiled in)" } else { file };
        let failed = |why: Vec<String>| RulesError { file: named.to_owned(), why };
        if file.is_empty() {
            return Self::read(DEFAULT).map_err(failed);
        }
        let text =
            std::fs::read_to_string(file).map_err(|error| failed(vec![error.to_string()]))?;
        Self::read(&text).map_err(failed)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, all of it.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let written: WrittenRules =
            toml::from_str(text).map_err(|error| vec![error.to_string().trim().to_owned()])?;
        let mut mistakes = written.settings.mistakes();
        let mut rules = Vec::new();
        for rule in written.rules {
            let code = rule.code.clone();
            match Rule::of(rule) {
                Ok(rule) => rules.push(rule),
                Err(wrong) => {
                    mistakes.extend(wrong.into_iter().map(|why| format!("{code}: {why}")));
                }
            }
        }
        let mut overrides = Vec::new();
        for other in written.overrides {
            let code = other.code.clone();
            match Override::of(other) {
                Ok(other) if !rules.iter().any(|rule| rule.code == other.code) => {
                    mistakes.push(format!("override of {code}: there is no such rule"));
                }
                Ok(other) => overrides.push(other),
                Err(why) => mistakes.push(format!("override of {code}: {why}")),
            }
        }
        check_together(&rules, &mut mistakes);
        let rules =
            Self { version: written.version, settings: written.settings, list: rules, overrides };
        if mistakes.is_empty() { Ok(rules) } else { Err(mistakes) }
    }

    /// Every rule, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.list.iter()
    }

    /// The rule at a place in that order.
    pub fn at(&self, index: usize) -> Option<&Rule> {
        self.list.get(index)
    }

    /// Services of whose devices a rule that is judged asks for such a field.
    pub fn asked_of(&self, is_such: impl Fn(Field) -> bool) -> BTreeSet<Service> {
        let asks = |rule: &&Rule| rule.enabled && rule.terms().any(|term| is_such(term.field));
        let on = self.list.iter().filter(asks).flat_map(|rule| &rule.on);
        on.filter_map(|subject| match subject {
            Subject::Device(service) => Some(*service),
            Subject::Detector
            | Subject::Group
            | Subject::Hub
            | Subject::Unit
            | Subject::Corridor
            | Subject::Indicator => None,
        })
        .collect()
    }

    /// The rule of a code, with its place.
    pub fn get(&self, code: &str) -> Option<(usize, &Rule)> {
        self.list.iter().enumerate().find(|(_, rule)| *rule.code == *code)
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check_together(rules: &[Rule], mistakes: &mut Vec<String>) {
    let mut codes = BTreeSet::new();
    for rule in rules {
        if !codes.insert(&rule.code) {
            mistakes.push(format!("{}: stands twice", rule.code));
        }
    }
    for rule in rules {
        let Some(group) = &rule.follows else { continue };
        if !rules.iter().any(|other| other.code == *group && other.group.is_some()) {
            mistakes.push(format!("{}: follows {group}, which is no rule with a group", rule.code));
        }
    }
}

impl Texts {
    fn of(language: &str, mut written: BTreeMap<String, String>, wrong: &mut Vec<String>) -> Self {
        let mut take = |key: &str| {
            let text = written.remove(key).unwrap_or_default();
            if text.trim().is_empty() {
                wrong.push(format!("{language}.{key} is missing"));
            } else if !is_nfc(&text) {
                wrong.push(format!("{language}.{key} is not composed (Unicode NFC)"));
            }
            text
        };
        let texts = Self {
            name: take("name"),
            cause: take("cause"),
            consequence: take("consequence"),
            action: take("action"),
        };
        wrong.extend(written.keys().map(|key| format!("{language}.{key} is no text of a rule")));
        texts
    }
}

impl Rule {
    fn of(written: WrittenRule) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        if !is_token(&written.code) {
            wrong.push("its code is no token".to_owned());
        }
        let on = subjects(&written.on, &mut wrong);
        let priority = written.priority.and_then(Priority::of);
        let priority = priority.unwrap_or_else(|| {
            wrong.push("priority is missing or not 1 to 4".to_owned());
            Priority::Low
        });
        let (when, group) = (written.when, written.group);
        if when.is_some() == group.is_some() {
            wrong.push("exactly one of when and group".to_owned());
        }
        let when = when.and_then(|when| kept(Condition::of(when), &mut wrong));
        let graver = gravers(written.graver, priority, &mut wrong);
        for (key, value) in [
            ("delay_on_s", written.delay_on_s),
            ("delay_off_s", written.delay_off_s),
            ("time_to_respond_s", written.time_to_respond_s.filter(|seconds| *seconds > 0)),
        ] {
            if value.is_none() {
                wrong.push(format!("{key} is missing"));
            }
        }
        let off = written.off_vi.zip(written.off_en);
        if written.enabled == off.is_some() {
            wrong
                .push("off_vi and off_en tell why a rule is not enabled, and only then".to_owned());
        }
        let terms: Vec<_> = when
            .iter()
            .chain(graver.iter().map(|(when, _)| when))
            .flat_map(Condition::terms)
            .collect();
        check_subjects(&on, &terms, &mut wrong);
        let measured = terms.iter().map(|term| term.field.unit()).find(|unit| !unit.is_empty());
        let rule = Self {
            code: written.code.into(),
            on,
            objects: written.objects,
            priority,
            unit_of_measure: measured.unwrap_or_default(),
            triggers: terms.iter().map(|term| term.field.trigger()).collect(),
            graver,
            when,
            group: group.map(|group| Group {
                share: group.share,
                children: group.children,
                window: seconds(group.window_s),
            }),
            follows: written.follows.map(Into::into),
            delay_on: seconds(written.delay_on_s.unwrap_or_default()),
            delay_on_cycles: written.delay_on_cycles,
            delay_off: seconds(written.delay_off_s.unwrap_or_default()),
            latches: written.latch,
            time_to_respond_s: written.time_to_respond_s.unwrap_or_default(),
            enabled: written.enabled,
            off,
            vi: Texts::of("vi", written.vi, &mut wrong),
            en: Texts::of("en", written.en, &mut wrong),
            source: written.source,
        };
        if wrong.is_empty() { Ok(rule) } else { Err(wrong) }
    }

    /// Every test of it.
    fn terms(&self) -> impl Iterator<Item = &Term> {
        let graver = self.graver.iter().map(|(when, _)| when);
        self.when.iter().chain(graver).flat_map(Condition::terms)
    }

    /// Whether it is about an object of this kind and text.
    pub fn is_about(&self, subject: Subject, object: &str) -> bool {
        self.on.contains(&subject) && (self.objects.is_empty() || self.objects.contains(object))
    }
}

/// Every kind of object is told at least one field, and every field of at least one of them.
fn check_subjects(on: &[Subject], terms: &[&Term], wrong: &mut Vec<String>) {
    let has = |on: &Subject, term: &Term| on.has(term.field.trigger());
    for on in on.iter().filter(|on| !terms.is_empty() && !terms.iter().any(|term| has(on, term))) {
        let field = terms[0].field.as_str();
        wrong.push(format!("{field} is never told of a {}", on.as_str()));
    }
    for term in terms.iter().filter(|term| !on.iter().any(|on| has(on, term))) {
        wrong.push(format!("{} is told of none of its objects", term.field.as_str()));
    }
}

fn seconds(seconds: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(seconds))
}

fn kept<T>(result: Result<T, String>, wrong: &mut Vec<String>) -> Option<T> {
    result.map_err(|why| wrong.push(why)).ok()
}

fn subjects(words: &[String], wrong: &mut Vec<String>) -> Vec<Subject> {
    if words.is_empty() {
        wrong.push("on is missing: what the rule is about".to_owned());
    }
    let mut subject = |word: &String| {
        let subject = Subject::parse(word);
        if subject.is_none() {
            wrong.push(format!("on: {word:?} is no kind of object"));
        }
        subject
    };
    words.iter().filter_map(&mut subject).collect()
}

fn gravers(
    written: Vec<WrittenGraver>,
    priority: Priority,
    wrong: &mut Vec<String>,
) -> Vec<(Condition, Priority)> {
    let mut gravers = Vec::new();
    for WrittenGraver { when, priority: number } in written {
        match Priority::of(number).filter(|graver| *graver < priority) {
            None => {
                wrong.push("graver: its priority is not graver than that of the rule".to_owned());
            }
            Some(graver) => {
                gravers.extend(kept(Condition::of(when), wrong).map(|when| (when, graver)));
            }
        }
    }
    gravers.sort_by_key(|(_, priority)| *priority);
    gravers
}

impl Override {
    fn of(written: WrittenOverride) -> Result<Self, String> {
        if written.reason.trim().is_empty() {
            return Err("reason is missing".to_owned());
        }
        let day = |date: Option<toml::value::Datetime>, key: &str| match date {
            None => Ok(None),
            Some(date) => {
                date.to_string().parse().map(Some).map_err(|_| format!("{key} is no date"))
            }
        };
        let priority = match written.priority {
            None => None,
            Some(number) => Some(Priority::of(number).ok_or("priority is not 1 to 4")?),
        };
        let limit = |(name, limit): (String, f64)| {
            let field = Field::parse(&name).ok_or_else(|| format!("there is no field {name:?}"))?;
            Ok::<_, String>((field, limit))
        };
        Ok(Self {
            code: written.code.into(),
            device: written.device,
            area: written.area,
            service: written.service,
            enabled: written.enabled,
            priority,
            delay_on: written.delay_on_s.map(seconds),
            delay_off: written.delay_off_s.map(seconds),
            limits: written.limits.into_iter().map(limit).collect::<Result<_, _>>()?,
            from: day(written.from, "from")?,
            to: day(written.to, "to")?,
        })
    }

    /// Whether it holds on a day for an object of a service and area.
    pub fn holds(
        &self,
        object: &str,
        service: Option<Service>,
        area: Option<&str>,
        day: NaiveDate,
    ) -> bool {
        let is_object = |device: &String| {
            *device == object || super::source_of(object).is_some_and(|source| source == device)
        };
        self.device.as_ref().is_none_or(is_object)
            && self.area.as_deref().is_none_or(|wanted| area == Some(wanted))
            && self.service.is_none_or(|wanted| service == Some(wanted))
            && self.from.is_none_or(|from| day >= from)
            && self.to.is_none_or(|to| day < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of the catalogue, row by row, and those beyond it.
    const CODES: &str = "sig_dark sig_conflict_flash sig_flash_other sig_flash_startup sig_manual \
        sig_cycle_fail sig_coord_fail sig_stuck_state sig_plan_mismatch sig_config_changed clock_drift \
        comm_loss_signal comm_loss_vds comm_loss_camera comm_loss_cabinet comm_loss_system \
        comm_degraded comm_group_loss door_open power_line on_battery batt_low temp_high temp_low \
        lamp_major lamp_minor ped_stuck det_failed det_group_bad cam_offline cam_video_loss \
        cam_frozen cam_dark cam_moved cam_rec_fail cong_occ cong_los split_fail_persist \
        aid_california aid_snd bottleneck vsa_like incident_wrong_way incident_stopped \
        incident_pedestrian incident_fire preempt_long data_gap dq_feed broker_away desk_sla \
        dossiers_overdue books_broken rollup_differs spool_filling spool_trouble disk_low alarm_flood";

    fn default() -> Rules {
        Rules::read(DEFAULT).unwrap()
    }

    #[test]
    fn the_compiled_in_rules_hold_the_whole_catalogue() {
        let rules = default();
        let known: BTreeSet<&str> = rules.iter().map(|rule| &*rule.code).collect();
        for code in CODES.split_whitespace() {
            assert!(known.contains(code), "{code}");
        }
        assert_eq!(known.len(), CODES.split_whitespace().count());
    }

    #[test]
    fn formulas_for_motorways_are_off_and_say_why() {
        for code in ["aid_california", "bottleneck", "vsa_like"] {
            let rules = default();
            let (_, rule) = rules.get(code).unwrap();
            assert!(!rule.enabled && rule.off.is_some(), "{code}");
        }
    }

    #[test]
    fn the_languages_differ() {
        for rule in &default() {
            for (vi, en) in [(&rule.vi.name, &rule.en.name), (&rule.vi.action, &rule.en.action)] {
                assert_ne!(vi, en, "{}", rule.code);
                let is_vietnamese = !vi.is_ascii();
                assert!(is_vietnamese, "{}: {vi}", rule.code);
            }
        }
    }

    #[test]
    fn a_rule_without_its_texts_or_time_is_refused_with_everything_that_is_missing() {
        let rule = "\n[[rule]]\ncode = \"x\"\non = [\"signal\"]\n\
                    when = { field = \"signal.flash\", is = 5 }\ndelay_on_s = 0\n";
        let head = "version = \"1\"\n[settings]\nflood_priority = 4\nchatter_raises = 3\n\
                    chatter_window_s = 60\nchatter_calm_s = 600\nfirst_out_s = 60\nfree_flow_kmh = 40\n\
                    [settings.split]\noccupancy = 0.8\nred_s = 5\nwindow_s = 900\ncycles = 3\n\
                    [settings.usual]\ndeviation_min = 0.03\nsamples = 8\n\
                    [settings.pair]\ndistance_max_m = 4800\nbins = 7\nbins_known = 5\ndrop_kmh = 32\n\
                    slow_kmh = 64\n";
        let mistakes = Rules::read(&format!("{head}{rule}")).unwrap_err();
        for missing in
            ["priority", "delay_off_s", "time_to_respond_s", "vi.name", "en.cause", "vi.action"]
        {
            assert!(
                mistakes.iter().any(|m| m.starts_with("x: ") && m.contains(missing)),
                "{missing}"
            );
        }
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        for (from, to, why) in [
            ("code = \"sig_dark\"", "code = \"sig_manual\"", "stands twice"),
            ("code = \"sig_dark\"", "code = \"Sig Dark\"", "no token"),
            ("follows = \"comm_group_loss\"", "follows = \"sig_dark\"", "no rule with a group"),
            ("on = [\"signal\"]", "on = [\"hub\"]", "never told of a hub"),
            ("on = [\"signal\"]", "on = [\"lamp\"]", "no kind of object"),
            ("dead_band = 3", "", "dead_band"),
            ("on = [\"signal\"]", "on = [\"signal\"]\nenabled = false", "off_vi"),
            ("occupancy = 0.8", "occupancy = 80", "settings.split: occupancy is above 0, up to 1"),
            ("window_s = 900", "window_s = 0", "settings.split: window_s is 60 to 86400"),
            ("red_s = 5\n", "", "red_s"),
            ("samples = 8", "samples = 30", "settings.usual: samples is 2 to 20"),
            ("bins = 7", "bins = 9", "settings.pair: bins is 1 to 8"),
        ] {
            let text = DEFAULT.replacen(from, to, 1);
            assert_ne!(text, DEFAULT, "{from}");
            let mistakes = Rules::read(&text).unwrap_err().join("\n");
            assert!(mistakes.contains(why), "{to}: {mistakes}");
        }
    }

    #[test]
    fn an_override_holds_for_its_objects_and_days_only() {
        let other = "\n[[override]]\ncode = \"temp_high\"\nservice = \"cabinet\"\n\
                     limits = { \"health.temperature_c\" = 60 }\nfrom = 2026-03-01\nto = 2026-06-01\n\
                     reason = \"dry season\"\n";
        let rules = Rules::read(&format!("{DEFAULT}{other}")).unwrap();
        let hot = rules.overrides.last().unwrap();
        let day = |text: &str| text.parse().unwrap();
        let cabinet = Some(Service::Cabinet);
        assert!(hot.holds("cab-1", cabinet, None, day("2026-03-01")));
        assert!(!hot.holds("cab-1", cabinet, None, day("2026-06-01")));
        assert!(!hot.holds("sig-1", Some(Service::Signal), None, day("2026-03-01")));
        let unknown = other.replace("temp_high", "no_such");
        assert!(Rules::read(&format!("{DEFAULT}{unknown}")).is_err());
        let silent = other.replace("dry season", "");
        assert!(Rules::read(&format!("{DEFAULT}{silent}")).is_err());
    }
}
