//! `city.toml`: what the city is called, where it lies, which zone its days follow.

use chrono_tz::Tz;

use super::{
    desk::{DeskHistory, read_history},
    problem::{Cause, Problems, nearest},
    record::Record,
};

/// File of the profile.
pub(super) const PROFILE: &str = "city.toml";
const KEYS: &[&str] = &[
    "token",
    "name_vi",
    "name_en",
    "time_zone",
    "bounds",
    "center",
    "zoom",
    "demonstration",
    "agency_code",
    "agency_code_verified",
    "notes",
    "desk_history",
];

/// The keys of `city.toml`, see [`super::City`] for their meaning.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) token: String,
    pub(super) name_vi: String,
    pub(super) name_en: String,
    pub(super) time_zone: Tz,
    pub(super) bounds: [f64; 4],
    pub(super) center: [f64; 2],
    pub(super) zoom: f64,
    pub(super) demonstration: bool,
    pub(super) agency_code: String,
    pub(super) agency_code_verified: bool,
    pub(super) notes: Vec<String>,
    pub(super) desk_history: Option<DeskHistory>,
}

/// Reads the root table of `city.toml`.
pub(super) fn read_profile(root: &Record, problems: &mut Problems) -> Option<Profile> {
    root.refuse_unknown(KEYS, problems);
    let token = root.token("token", problems);
    let name_vi = root.text("name_vi", problems);
    let name_en = root.text("name_en", problems);
    let time_zone = read_zone(root, problems);
    let bounds = root.numbers("bounds", problems);
    let center = root.numbers("center", problems);
    let zoom = root.number("zoom", 0.0..=22.0, problems);
    let demonstration = root.boolean("demonstration", problems);
    let agency_code = root.text("agency_code", problems);
    let agency_code_verified = root.boolean("agency_code_verified", problems);
    let notes = root.texts("notes", problems);
    let history = root.children.get("desk_history").and_then(|tables| tables.first());
    let desk_history = history.map(|table| read_history(table, problems));
    let profile = Profile {
        token: token?,
        name_vi: name_vi?,
        name_en: name_en?,
        time_zone: time_zone?,
        bounds: bounds?,
        center: center?,
        zoom: zoom?,
        demonstration: demonstration?,
        agency_code: agency_code?,
        agency_code_verified: agency_code_verified?,
        notes: notes?,
        desk_history: desk_history.flatten(),
    };
    check_place(root, &profile, problems);
    Some(profile)
}

fn read_zone(root: &Record, problems: &mut Problems) -> Option<Tz> {
    let text = root.text("time_zone", problems)?;
    let zone = text.parse().ok();
    if zone.is_none() {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let cause = Cause::Value {
            allowed: "a name of the IANA time zone database".to_owned(),
            suggestion: nearest(&text, names),
            found: text,
        };
        root.report("time_zone", cause, problems);
    }
    zone
}

fn check_place(root: &Record, profile: &Profile, problems: &mut Problems) {
    let [west, south, east, north] = profile.bounds;
    let [lon, lat] = profile.center;
    let ordered = -180.0 <= west && west < east && east <= 180.0;
    if !(ordered && -90.0 <= south && south < north && north <= 90.0) {
        let text = "bounds are west, south, east, north in degrees".to_owned();
        root.report("bounds", Cause::Conflict(text), problems);
    } else if !(west..=east).contains(&lon) || !(south..=north).contains(&lat) {
        let text = format!("center {lon}, {lat} lies outside the bounds");
        root.report("center", Cause::Conflict(text), problems);
    }
}
