//! Checks of a city folder that need more than one row: ids, references, spans, shapes.
//!
//! Works on what could be read: a row that was refused is missing here, so a reference to it is
//! reported too, which is the price of showing everything in one run.

mod devices;
mod formalities;
mod metrics;
mod shapes;
mod signals;
mod units;

use std::collections::HashMap;

pub(super) use devices::attach_detectors;

use super::{
    Files, area, corridor, desk, device, display, landmark, metric,
    problem::{At, Cause, Problems},
    profile::Profile,
    record::Located,
};

/// Checks the folder as a whole.
pub(super) fn check(files: &Files, profile: Option<&Profile>, problems: &mut Problems) {
    check_ids(files, problems);
    units::check_units(files, problems);
    units::check_successions(files, problems);
    shapes::check_areas(files, problems);
    if let Some(profile) = profile {
        shapes::check_bounds(files, profile.bounds, problems);
    }
    devices::check_devices(files, problems);
    metrics::check_metrics(files, problems);
    metrics::check_published(files, problems);
    formalities::check_formalities(files, problems);
    formalities::check_services(files, problems);
    signals::check_plans(files, problems);
    signals::check_presence(files, problems);
}

fn check_ids(files: &Files, problems: &mut Problems) {
    let p = problems;
    unique(&files.areas, (area::AREAS, "id"), |area| area.id.clone(), p);
    unique(&files.corridors, (corridor::CORRIDORS, "id"), |corridor| corridor.id.clone(), p);
    unique(&files.rivers, (landmark::RIVERS, "id"), |river| river.id.clone(), p);
    unique(&files.places, (landmark::PLACES, "id"), |place| place.id.clone(), p);
    unique(&files.devices, (device::DEVICES, "source"), |device| device.source.to_string(), p);
    unique(&files.metrics, (metric::METRICS, "name"), |metric| metric.name.clone(), p);
    unique(&files.displays, (display::DISPLAYS, "id"), |display| display.id.clone(), p);
    unique(&files.categories, (desk::CATEGORIES, "token"), |category| category.token.clone(), p);
    unique(
        &files.published,
        (metric::PUBLISHED, "metric"),
        |figure| format!("{} {} {} {:?}", figure.metric, figure.date, figure.unit, figure.labels),
        p,
    );
}

/// Reports every value of `list` whose id stands before it.
fn unique<T>(
    list: &[Located<T>],
    (file, key): (&'static str, &str),
    id: impl Fn(&T) -> String,
    problems: &mut Problems,
) {
    let mut seen: HashMap<String, At> = HashMap::new();
    for located in list {
        let found = id(&located.value);
        if let Some(first) = seen.get(&found) {
            let cause = Cause::Duplicate { found, first: *first };
            problems.add(file, located.at, key, cause);
        } else {
            seen.insert(found, located.at);
        }
    }
}
