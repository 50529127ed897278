//! The schedule of signal plans and the presence detectors: references, and rows that contradict each other.

use std::collections::{HashMap, HashSet};

use ioc_ingest::{Service, signal::GroupKind};

use crate::city::{
    Files,
    plan::PLANS,
    presence::PRESENCE,
    problem::{At, Cause, Problems, nearest},
    scope::Scope,
};

/// Checks `plans.csv`.
pub(in crate::city) fn check_plans(files: &Files, problems: &mut Problems) {
    let named = files.plans.iter().map(|located| (located.at, &located.value.signals));
    check_scopes(files, PLANS, named, problems);
    for (index, located) in files.plans.iter().enumerate() {
        let row = &located.value;
        for earlier in &files.plans[..index] {
            if let Some(id) = row.signals.shared(&earlier.value.signals)
                && row.meets(&earlier.value)
            {
                let text = format!("{id} has a plan at such a time already,{}", earlier.at);
                problems.add(PLANS, located.at, "from", Cause::Conflict(text));
                break;
            }
        }
    }
}

/// Checks `presence.csv`.
pub(in crate::city) fn check_presence(files: &Files, problems: &mut Problems) {
    let named = files.presence.iter().map(|located| (located.at, &located.value.signals));
    check_scopes(files, PRESENCE, named, problems);
    let phases: HashMap<&str, HashSet<u8>> = signals(files)
        .map(|device| {
            let groups = device.groups.iter().filter(|group| group.kind != GroupKind::Pedestrian);
            (device.source.as_str(), groups.map(|group| group.group).collect())
        })
        .collect();
    for (index, located) in files.presence.iter().enumerate() {
        let row = &located.value;
        let mut conflict = |key, text| {
            problems.add(PRESENCE, located.at, key, Cause::Conflict(text));
        };
        for earlier in &files.presence[..index] {
            let is_same = row.channel == earlier.value.channel;
            if let (true, Some(id)) = (is_same, row.signals.shared(&earlier.value.signals)) {
                conflict(
                    "channel",
                    format!("{id} has channel {} already,{}", row.channel, earlier.at),
                );
                break;
            }
        }
        // A row about many signals may name phases that some of them do not have.
        let Scope::Of(ids) = &row.signals else { continue };
        for id in ids {
            if phases.get(&**id).is_some_and(|phases| !phases.contains(&row.phase)) {
                conflict("phase", format!("{id} has no phase {}", row.phase));
            }
        }
    }
}

fn signals(files: &Files) -> impl Iterator<Item = &crate::city::Device> {
    let devices = files.devices.iter().map(|located| &located.value);
    devices.filter(|device| device.service == Service::Signal)
}

/// Reports ids that name no signal and no corridor.
fn check_scopes<'a>(
    files: &Files,
    file: &'static str,
    named: impl Iterator<Item = (At, &'a Scope)>,
    problems: &mut Problems,
) {
    let corridors = files.corridors.iter().map(|located| located.value.id.as_str());
    let known: HashSet<&str> =
        signals(files).map(|device| device.source.as_str()).chain(corridors).collect();
    for (at, scope) in named {
        let Scope::Of(ids) = scope else { continue };
        for id in ids.iter().filter(|id| !known.contains(&***id)) {
            let suggestion = nearest(id, known.iter().copied());
            let found = id.to_string();
            let cause = Cause::Reference { kind: "signal or corridor", found, suggestion };
            problems.add(file, at, "signals", cause);
        }
    }
}
