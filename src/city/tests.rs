//! The demonstration city loads and holds what its sources state.

mod broken;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use ioc_ingest::{Service, interval::Place, metric::Bound};

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho")
}

fn can_tho() -> City {
    City::load(&folder()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Names of the kinds and how many units of each exist on `date`.
fn kinds(city: &City, date: &str) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for unit in city.units_valid_at(day(date)) {
        *counts.entry(unit.kind.as_str()).or_default() += 1;
    }
    counts
}

#[test]
fn the_three_trees_have_the_stated_numbers_of_units() {
    let city = can_tho();
    let before = kinds(&city, "2024-10-31");
    assert_eq!(before["ward"] + before["commune"] + before["town"], 83);
    assert_eq!((before["city"], before["district"], before["agency"]), (1, 9, 20));
    let between = kinds(&city, "2024-11-01");
    assert_eq!(
        (between["ward"], between["commune"], between["town"], between["district"]),
        (39, 36, 5, 9)
    );
    assert_eq!(kinds(&city, "2025-06-30"), between);
    let today = kinds(&city, "2025-07-01");
    let expected = BTreeMap::from([("agency", 14), ("city", 1), ("commune", 72), ("ward", 31)]);
    assert_eq!(today, expected);
    assert_eq!(kinds(&city, "2020-02-29"), BTreeMap::new());
}

#[test]
fn each_district_had_the_stated_number_of_communes() {
    let city = can_tho();
    let count = |code: &str| {
        let of =
            |unit: &&Unit| unit.parent.as_deref() == Some(code) && unit.kind.is_commune_level();
        city.units_valid_at(day("2021-12-01")).filter(of).count()
    };
    let districts = ["916", "917", "918", "919", "923", "924", "925", "926", "927"];
    let counts = districts.map(|code| count(&format!("gso:{code}")));
    assert_eq!(counts, [11, 7, 8, 7, 9, 11, 10, 7, 13]);
    let gone = ["31126", "31129", "31141"];
    assert!(
        gone.iter().all(|code| city.unit_at(&format!("gso:{code}"), day("2024-10-31")).is_some())
    );
    assert!(
        gone.iter().all(|code| city.unit_at(&format!("gso:{code}"), day("2024-11-01")).is_none())
    );
}

#[test]
fn a_reused_code_names_another_unit_after_the_reform() {
    let city = can_tho();
    let name = |code: &str, date: &str| {
        city.unit_at(&format!("gso:{code}"), day(date)).map(|unit| unit.name_vi.as_str())
    };
    let (old, new) = ("2025-06-30", "2025-07-01");
    for (code, was, is) in [
        ("31120", "Phường An Hòa", "Phường Cái Khế"),
        ("31135", "Phường Tân An", "Phường Ninh Kiều"),
        ("31147", "Phường Hưng Lợi", "Phường Tân An"),
        ("31157", "Phường Long Hưng", "Phường Thới Long"),
        ("31217", "Phường Thạnh Hòa", "Phường Trung Nhứt"),
        ("31288", "Xã Định Môn", "Xã Trường Thành"),
        ("31315", "Xã Nhơn Nghĩa", "Xã Nhơn Ái"),
        ("31231", "Thị trấn Thạnh An", "Xã Thạnh An"),
    ] {
        assert_eq!((name(code, old), name(code, new)), (Some(was), Some(is)), "{code}");
    }
    for (code, is) in [("31579", "Xã Long Hưng"), ("31408", "Xã Thạnh Hòa")] {
        assert_eq!((name(code, old), name(code, new)), (None, Some(is)), "{code}");
    }
    assert_eq!((name("31240", old), name("31240", new)), (Some("Xã Thạnh An"), None));
}

#[test]
fn only_stated_successions_are_recorded() {
    let city = can_tho();
    let part = city.successions.iter().find(|edge| edge.from.0 == "gso:31178").expect("the part");
    assert_eq!(part.to.0, "gso:31120");
    assert_eq!((part.share_e4, part.area_ha, part.population), (None, Some(183), Some(330)));
    let whole = city.successions.iter().filter(|edge| edge.share_e4 == Some(10_000));
    let whole: BTreeSet<_> = whole.map(|edge| edge.from.0.as_str()).collect();
    let stated = ["gso:31213", "gso:31249", "gso:31264", "gso:31309", "gso:92"];
    assert_eq!(whole, BTreeSet::from(stated));
    assert_eq!(city.successions.len(), 6);
}

#[test]
fn the_registry_has_the_stated_size() {
    let city = can_tho();
    let count = |service| city.devices.iter().filter(|device| device.service == service).count();
    assert_eq!(count(Service::Signal), 300);
    assert_eq!(count(Service::Vds), 150);
    assert_eq!(count(Service::Cctv), 200);
    assert_eq!(count(Service::Cabinet), 80);
    let analytics =
        |device: &&Device| device.service == Service::Cctv && !device.detectors.is_empty();
    assert_eq!(city.devices.iter().filter(analytics).count(), 100);
    let stations = city.devices.iter().filter(|device| device.service == Service::Vds);
    assert!(stations.into_iter().all(|station| (2..=6).contains(&station.detectors.len())));
    let lane = city.devices.iter().flat_map(|device| &device.detectors).next().expect("a lane");
    assert_eq!(lane.place, Place::Lane(1));
}

#[test]
fn a_device_outside_all_areas_is_kept_and_reported() {
    let city = can_tho();
    let outside: Vec<_> = city
        .devices
        .iter()
        .filter(|device| device.lon.is_some() && device.area.is_none())
        .map(|device| &device.source)
        .collect();
    assert_eq!(outside.len(), 2, "the two on the far bank of the bridge");
    let CityWarning::OutsideAreas { source_id, .. } = &city.warnings[0];
    assert_eq!((source_id, city.warnings.len()), (outside[0], 2));
}

#[test]
fn a_position_lies_in_its_area() {
    let city = can_tho();
    let area = |lon, lat| city.area_of(lon, lat).map(|area| area.id.as_str());
    assert_eq!(area(105.7846, 10.0358), Some("gso:31135"), "the city's government");
    assert_eq!(area(105.7120, 10.0830), Some("gso:31174"), "the airport");
    assert_eq!(area(105.7853, 10.0487), Some("gso:31120"), "the trade centre of Cái Khế");
    assert_eq!(area(105.9740, 9.6030), Some("rest"), "Sóc Trăng");
    assert_eq!(area(105.8300, 10.0600), None, "the far bank of the Hậu");
    for place in city.places.iter().filter(|place| place.kind == PlaceKind::Unit) {
        let found = city.area_of(place.point.x(), place.point.y()).map(|area| &area.name_en);
        let own = city.areas.iter().find(|area| area.name_en.starts_with(&place.name_en));
        let expected = own.map_or("Rest of the city", |area| &area.name_en);
        assert_eq!(found.map(String::as_str), Some(expected), "{}", place.id);
    }
}

#[test]
fn every_unit_with_devices_has_devices_in_its_cell() {
    let city = can_tho();
    let used: BTreeSet<_> = city.devices.iter().filter_map(|d| d.area.as_deref()).collect();
    let cells: BTreeSet<_> = city.areas.iter().map(|area| area.id.as_str()).collect();
    assert_eq!(used, cells);
    assert!(city.areas.iter().all(|area| area.schematic));
}

#[test]
fn the_printed_figures_add_up() {
    let city = can_tho();
    let sum = |metric: &str| -> f64 {
        city.published.iter().filter(|f| f.metric == metric).map(|figure| figure.value).sum()
    };
    let expected = [
        ("online_formalities", 1432.0),
        ("meetings_online_total", 660.0),
        ("onestop_units", 118.0),
        ("sector_formalities", 28.0),
        ("npsp_dossiers", 1200.0),
        ("npsp_services", 793.0),
        ("npsp_fee_formalities", 252.0),
        ("npsp_staff_accounts", 715.0),
        ("documents_to_digitise", 362_729.0),
        ("result_types", 315.0),
        ("reform_initiatives", 493.0),
    ];
    for (metric, value) in expected {
        assert!((sum(metric) - value).abs() < 1e-9, "{metric}");
    }
    let at_least: BTreeSet<_> = city
        .published
        .iter()
        .filter(|figure| figure.bound == Bound::AtLeast)
        .map(|figure| figure.metric.as_str())
        .collect();
    assert_eq!(at_least, BTreeSet::from(["documents_to_digitise", "npsp_dossiers"]));
    let history = city.desk_history.expect("a published period");
    assert_eq!((history.received, history.handled, history.in_process), (8_011, 7_863, 148));
}

#[test]
fn the_catalogue_of_2021_has_the_published_totals() {
    let city = can_tho();
    let on = day("2021-12-01");
    let count = |wanted: &dyn Fn(&Formality) -> bool| {
        city.formalities_valid_at(on).filter(|row| wanted(row)).count()
    };
    assert_eq!(count(&|row| row.online_level == OnlineLevel::Three), 280);
    assert_eq!(count(&|row| row.online_level == OnlineLevel::Four), 1_152);
    let has_fee = |row: &Formality| row.has_fee == Some(true);
    assert_eq!(count(&has_fee), 434);
    assert_eq!(count(&|row| has_fee(row) && row.npsp_linked == Some(true)), 252);
    let sector = |name: &str| count(&|row| row.sector.as_deref() == Some(name));
    assert_eq!(
        (sector("social_insurance"), sector("defence"), sector("police")),
        (6, 14, 8),
        "28 formalities of vertical sectors"
    );
    assert_eq!(city.services_valid_at(on).filter(|service| service.npsp_linked).count(), 793);
    // All that is eligible is on level 4, as the bulletin says.
    assert_eq!(count(&|row| row.eligible_full == Some(true)), 1_152);
    assert!(city.formalities.iter().all(|row| row.mark == Mark::Demonstration));
    assert!(city.services.iter().all(|row| row.mark == Mark::Demonstration));
}

#[test]
fn the_catalogue_of_today_has_scopes_instead_of_levels_and_units_of_today() {
    let city = can_tho();
    let on = day("2026-03-02");
    for row in city.formalities_valid_at(on) {
        assert!(
            !matches!(row.online_level, OnlineLevel::Three | OnlineLevel::Four),
            "{}",
            row.code
        );
        assert!(!matches!(row.level, FormalityLevel::District | FormalityLevel::Sector));
        assert_eq!(row.unit.is_some(), row.level == FormalityLevel::City, "{}", row.code);
    }
    assert_eq!(city.formalities_valid_at(on).count(), 1_500);
    assert_eq!(city.formalities_valid_at(day("2023-01-01")).count(), 28, "between the two nothing");
}

#[test]
fn the_map_has_every_layer_and_no_more_than_its_files() {
    let city = can_tho();
    let map = city.map_json();
    let features = |layer: &str| map[layer]["features"].as_array().map_or(0, Vec::len);
    assert_eq!(features("corridors"), city.corridors.len());
    assert_eq!(features("rivers"), city.rivers.len());
    assert_eq!(features("places"), city.places.len());
    assert_eq!(features("areas"), city.areas.len());
    assert_eq!(map["areas"]["features"][0]["properties"]["schematic"], true);
    assert!(map.to_string().parse::<geojson::GeoJson>().is_err(), "an object of layers");
    assert!(map["rivers"].to_string().parse::<geojson::GeoJson>().is_ok());
}

#[test]
fn design_points_have_their_counts_and_are_always_the_same() {
    let city = can_tho();
    let own: BTreeSet<_> = city.devices.iter().map(|device| &device.source).collect();
    for (scale, signals, stations, lanes, cameras, analytics) in [
        (Scale::S, 10, 10, 4, 20, 10),
        (Scale::M, 300, 150, 6, 1_000, 150),
        (Scale::L, 5_000, 2_000, 6, 20_000, 3_000),
    ] {
        let devices = city.scaled(scale);
        let of = |service| devices.iter().filter(move |device| device.service == service);
        assert_eq!(of(Service::Signal).count(), signals);
        assert_eq!(of(Service::Vds).count(), stations);
        assert!(of(Service::Vds).all(|station| station.detectors.len() == lanes));
        assert_eq!(of(Service::Cctv).count(), cameras);
        let seeing = of(Service::Cctv).filter(|camera| !camera.detectors.is_empty());
        assert_eq!(seeing.count(), analytics);
        let ids: BTreeSet<_> = devices.iter().map(|device| &device.source).collect();
        assert_eq!(ids.len(), devices.len(), "no id twice");
        assert!(ids.is_disjoint(&own));
        if scale == Scale::S {
            let areas: BTreeSet<_> = devices.iter().map(|device| &device.area).collect();
            assert!(areas.len() <= 2, "a ward and what lies across the street: {areas:?}");
            assert_eq!(city.scaled(scale), devices);
        }
    }
}
