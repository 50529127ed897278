//! Devices: references, and the parts that each service must or must not have.

use std::collections::{HashMap, HashSet};

use ioc_ingest::{Service, Source, interval::Place};

use crate::city::{
    Device, Files,
    device::{DETECTORS, DEVICES},
    problem::{Cause, Problems, nearest},
    record::Located,
};

/// Most lanes of a station that a message of the contract carries.
const LANES_MAX: usize = 32;
/// Most zones of a camera that a message of the contract carries.
const ZONES_MAX: usize = 64;

/// Hands each detector to its device; reports those whose device does not exist or measures nothing.
pub(in crate::city) fn attach_detectors(files: &mut Files, problems: &mut Problems) {
    let by_source: HashMap<Source, usize> = files
        .devices
        .iter()
        .enumerate()
        .map(|(index, located)| (located.value.source.clone(), index))
        .collect();
    for Located { at, value: (source, detector) } in std::mem::take(&mut files.detectors) {
        let Some(index) = by_source.get(&source) else {
            let suggestion = nearest(source.as_str(), by_source.keys().map(Source::as_str));
            let found = source.to_string();
            problems.add(
                DETECTORS,
                at,
                "source",
                Cause::Reference { kind: "device", found, suggestion },
            );
            continue;
        };
        let device = &mut files.devices[*index].value;
        let fits = match (device.service, &detector.place) {
            (Service::Vds, Place::Lane(_)) | (Service::Cctv, Place::Zone(_)) => true,
            (
                Service::Signal
                | Service::Vds
                | Service::Cctv
                | Service::Cabinet
                | Service::Desk
                | Service::Onestop
                | Service::Metric,
                Place::Lane(_) | Place::Zone(_),
            ) => false,
        };
        if !fits {
            let text = format!("{source} is a {}: lanes are of vds, zones of cctv", device.service);
            problems.add(DETECTORS, at, "source", Cause::Conflict(text));
        } else if device.detectors.iter().any(|other| other.place == detector.place) {
            let text = format!("{source} has {} already", detector.place);
            problems.add(DETECTORS, at, "lane", Cause::Conflict(text));
        } else {
            device.detectors.push(detector);
        }
    }
}

/// Checks `devices.csv`, with the detectors attached.
pub(in crate::city) fn check_devices(files: &Files, problems: &mut Problems) {
    let corridors: HashSet<&str> =
        files.corridors.iter().map(|located| located.value.id.as_str()).collect();
    let cabinets: HashSet<&str> = files
        .devices
        .iter()
        .filter(|located| located.value.service == Service::Cabinet)
        .map(|located| located.value.source.as_str())
        .collect();
    for located in &files.devices {
        let device = &located.value;
        let mut report = |key: &str, cause| problems.add(DEVICES, located.at, key, cause);
        if let Some(id) = device.corridor.as_deref().filter(|id| !corridors.contains(id)) {
            let suggestion = nearest(id, corridors.iter().copied());
            report("corridor", Cause::Reference { kind: "corridor", found: id.into(), suggestion });
        }
        if let Some(id) = device.parent.as_ref().filter(|id| !cabinets.contains(id.as_str())) {
            let suggestion = nearest(id.as_str(), cabinets.iter().copied());
            let found = id.to_string();
            report("parent", Cause::Reference { kind: "cabinet", found, suggestion });
        }
        for (key, text) in misfits(device) {
            report(key, Cause::Conflict(text));
        }
    }
}

/// What of a device does not fit its service: key and text.
fn misfits(device: &Device) -> Vec<(&'static str, String)> {
    let service = device.service;
    let mut list = Vec::new();
    let mut refuse = |bad: bool, key, text: &str| {
        if bad {
            list.push((key, format!("{} is a {service}: {text}", device.source)));
        }
    };
    let equipment =
        matches!(service, Service::Signal | Service::Vds | Service::Cctv | Service::Cabinet);
    let detectors = device.detectors.len();
    refuse(device.lon.is_some() != device.lat.is_some(), "lat", "lon and lat go together");
    refuse(equipment && device.lon.is_none(), "lon", "it needs a position");
    refuse(equipment && device.period_ms.is_none(), "period_s", "it needs a period");
    refuse(!equipment && device.corridor.is_some(), "corridor", "it stands at no corridor");
    let may_have_parent = equipment && service != Service::Cabinet;
    refuse(!may_have_parent && device.parent.is_some(), "parent", "it has no cabinet");
    let is_signal = service == Service::Signal;
    refuse(is_signal && device.groups.is_empty(), "groups", "it needs groups");
    refuse(!is_signal && !device.groups.is_empty(), "groups", "only a signal has groups");
    refuse(service == Service::Vds && detectors == 0, "source", "it needs lanes in detectors.csv");
    let most = if service == Service::Vds { LANES_MAX } else { ZONES_MAX };
    refuse(
        detectors > most,
        "source",
        &format!("a message carries at most {most} of its detectors"),
    );
    list
}
