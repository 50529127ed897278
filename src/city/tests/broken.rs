//! A broken city folder does not load, and tells everything that is wrong with it.

use std::path::PathBuf;

use super::{City, folder};

/// A copy of the demonstration city in a folder of its own, removed at the end.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("ioc-city-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        for entry in std::fs::read_dir(folder()).expect("the city") {
            let path = entry.expect("an entry").path();
            std::fs::copy(&path, dir.join(path.file_name().expect("a name"))).expect("a copy");
        }
        Self(dir)
    }

    /// Replaces the first `from` in `file`.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).expect("the file");
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("the file");
    }

    /// Adds `line` at the end of `file`.
    fn append(&self, file: &str, line: &str) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).expect("the file");
        std::fs::write(&path, text + line + "\n").expect("the file");
    }

    /// The messages of a load that must fail.
    fn errors(&self) -> Vec<String> {
        let errors = City::load(&self.0).expect_err("a broken folder").errors;
        errors.iter().map(ToString::to_string).collect()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory fails no test.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn every_error_is_told_at_once_with_place_and_what_is_allowed() {
    let copy = Copy::new("all");
    for (file, from, to) in [
        ("city.toml", "Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Min"),
        ("city.toml", "zoom = 13.0", "zooom = 13.0"),
        ("devices.csv", ",mau-than,", ",mau-thann,"),
        ("categories.csv", "roads,", "Roads,"),
        ("units.csv", ",town,", ",twon,"),
        ("metrics.toml", "feed = \"hydromet\"", "feed = \"hydrometer\""),
        ("areas.geojson", "\"schematic\":true", "\"schematic\":\"yes\""),
    ] {
        copy.edit(file, from, to);
    }
    let errors = copy.errors();
    let has = |parts: &[&str]| {
        assert!(
            errors.iter().any(|error| parts.iter().all(|part| error.contains(part))),
            "{parts:?} in {errors:#?}"
        );
    };
    has(&[
        "city.toml line ",
        "time_zone",
        "\"Asia/Ho_Chi_Min\"",
        "did you mean \"Asia/Ho_Chi_Minh\"?",
    ]);
    has(&["city.toml line ", "zooom: unknown", "did you mean \"zoom\"?"]);
    has(&["zoom: missing", "a number from 0 to 22"]);
    has(&["devices.csv line ", "corridor: no corridor \"mau-thann\"", "\"mau-than\"?"]);
    has(&["categories.csv line 3", "token", "\"Roads\"", "a-z 0-9 - _ ."]);
    has(&[
        "units.csv line ",
        "kind: \"twon\"",
        "city, district, ward, commune, town, agency",
        "\"town\"?",
    ]);
    has(&["metrics.toml line ", "feed: no device of service metric", "\"hydromet\"?"]);
    has(&["areas.geojson feature 1", "schematic: \"yes\"", "true or false"]);
}

#[test]
fn a_byte_order_mark_of_a_spreadsheet_is_no_error() {
    let copy = Copy::new("mark");
    copy.edit("categories.csv", "token,", "\u{feff}token,");
    assert!(City::load(&copy.0).is_ok());
}

/// A folder with one edit fails with an error that holds every part.
#[track_caller]
fn fails(name: &str, edit: impl Fn(&Copy), parts: &[&str]) {
    let copy = Copy::new(name);
    edit(&copy);
    let errors = copy.errors();
    assert!(
        errors.iter().any(|error| parts.iter().all(|part| error.contains(part))),
        "{parts:?} in {errors:#?}"
    );
}

#[test]
fn broken_units_are_refused() {
    let append = |line: &'static str| move |copy: &Copy| copy.append("units.csv", line);
    fails(
        "overlap",
        append("gso:31135,ward,Phường Tân An,Tân An Ward,gso:92,2025-07-01,,verified,x"),
        &["units.csv line 233", "gso:31135 names Phường Tân An", "Phường Ninh Kiều line "],
    );
    fails(
        "parent",
        append("gso:99001,ward,Phường A,A Ward,gso:9166,2021-01-01,2022-01-01,verified,x"),
        &["parent: no unit \"gso:9166\"", "did you mean \"gso:916\"?"],
    );
    fails(
        "parent-gap",
        append("gso:99001,ward,Phường A,A Ward,gso:916,2021-01-01,,verified,x"),
        &["gso:916 does not exist on 2025-07-01, when gso:99001 does"],
    );
    fails(
        "span",
        append("gso:99001,ward,Phường A,A Ward,gso:92,2021-01-01,2021-01-01,verified,x"),
        &["valid_to: 2021-01-01 is not after valid_from"],
    );
    fails(
        "kind",
        append("gso:99,district,Quận A,A District,gso:31135,2025-07-01,,verified,x"),
        &["a ward is not above a district"],
    );
    fails(
        "nfd",
        append("gso:99001,ward,Phu\u{31b}\u{300}ng,A Ward,gso:92,2025-07-01,,verified,x"),
        &["name_vi", "Unicode NFC"],
    );
    fails(
        "succession",
        |copy| {
            copy.append(
                "successions.csv",
                "gso:31117,2020-03-02,gso:31120,2025-07-01,2025-07-01,1,,,verified,x",
            );
        },
        &["from: no unit \"gso:31117 from 2020-03-02\"", "\"gso:31117 from 2020-03-01\"?"],
    );
    fails(
        "share",
        |copy| {
            copy.append(
                "successions.csv",
                "gso:31213,2020-03-01,gso:31207,2025-07-01,2025-07-01,0.1,,,verified,x",
            );
        },
        &["the shares of gso:31213 sum to more than 1"],
    );
}

#[test]
fn broken_devices_are_refused() {
    let append = |line: &'static str| move |copy: &Copy| copy.append("devices.csv", line);
    fails(
        "again",
        append("sig-0001,signal,A,A,105.7,10.0,,,10,v2,true"),
        &["sig-0001", "first line "],
    );
    fails(
        "lon",
        append("sig-x,signal,A,A,15.7,10.0,,,10,v2,true"),
        &["15.7, 10 lies outside the city's bounds"],
    );
    fails("half", append("sig-x,signal,A,A,105.7,,,,10,v2,true"), &["lon and lat go together"]);
    fails("place", append("sig-x,signal,A,A,,,,,10,v2,true"), &["it needs a position"]);
    fails(
        "cabinet",
        append("cam-x,cctv,A,A,105.7,10.0,,sig-0001,60,,true"),
        &["no cabinet \"sig-0001\""],
    );
    fails("groups", append("sig-x,signal,A,A,105.7,10.0,,,10,v2 v2,true"), &["groups: \"v2 v2\""]);
    fails("lanes", append("vds-x,vds,A,A,105.7,10.0,,,30,,true"), &["it needs lanes"]);
    fails(
        "detector",
        |copy| copy.append("detectors.csv", "sig-0001,1,,,forward,A,A,local,40"),
        &["detectors.csv line ", "sig-0001 is a signal"],
    );
    fails(
        "detector-twice",
        |copy| copy.append("detectors.csv", "vds-001,1,,,forward,A,A,local,40"),
        &["vds-001 has 1 already"],
    );
    fails(
        "detector-of-none",
        |copy| copy.append("detectors.csv", "vds-0001,1,,,forward,A,A,local,40"),
        &["no device \"vds-0001\"", "did you mean \"vds-001\"?"],
    );
}

#[test]
fn a_schedule_that_contradicts_itself_or_names_nothing_is_told() {
    let copy = Copy::new("plans");
    for line in [
        "sig-0001 sig-0003,sat,06:00,12:00,7,2026-01-01,",
        "sig-0003 mau-than,fri-sat,11:00,13:00,8,2026-06-01,",
        "sig-00001,mon,06:00,12:00,7,2026-01-01,",
        "sig-0001,mon-fry,06:00,12:00,7,2026-01-01,",
        "sig-0001,sun,22:00,05:00,7,2026-01-01,",
        "sig-0001,sun,24:00,24:00,7,2026-01-01,",
        "sig-0001,sun,6:00,25:00,7,2026-01-01,2026-01-01",
        "sig-0001,sun,06:00,07:00,7,2026-01-01,2026-01-01",
    ] {
        copy.append("plans.csv", line);
    }
    let errors = copy.errors();
    for (line, parts) in [
        (14, vec!["from: sig-0003 has a plan at such a time already, line 13"]),
        (15, vec!["signals: no signal or corridor \"sig-00001\"", "did you mean \"sig-0001\"?"]),
        (16, vec!["days: \"mon-fry\"", "ranges like mon-fri"]),
        (17, vec!["to: is not after from", "two rows"]),
        (18, vec!["from: \"24:00\"", "00:00 to 23:59"]),
        (19, vec!["to: \"25:00\"", "00:00 to 24:00"]),
        (20, vec!["valid_to: is not after valid_from"]),
    ] {
        let place = format!("plans.csv line {line}: ");
        let has = |error: &String| {
            error.starts_with(&place) && parts.iter().all(|part| error.contains(part))
        };
        assert!(errors.iter().any(has), "{place}{parts:?} in {errors:#?}");
    }
    assert_eq!(errors.iter().filter(|error| error.contains("line 13: ")).count(), 0);
}

#[test]
fn presence_detectors_that_contradict_each_other_are_told() {
    let append = |line: &'static str| move |copy: &Copy| copy.append("presence.csv", line);
    fails(
        "channel",
        append("*,8,4"),
        &["presence.csv line 10: channel: * has channel 8 already, line 9"],
    );
    fails("phase", append("sig-0001,3,3"), &["phase: sig-0001 has no phase 3"]);
    fails("signal", append("vds-001,3,3"), &["no signal or corridor \"vds-001\""]);
    let copy = Copy::new("no-plans");
    for file in ["plans.csv", "presence.csv"] {
        std::fs::remove_file(copy.0.join(file)).expect("the file");
    }
    assert!(
        City::load(&copy.0).is_ok_and(|city| city.plans.is_empty() && city.presence.is_empty())
    );
}

#[test]
fn broken_shapes_metrics_and_files_are_refused() {
    fails(
        "unit-of-area",
        |copy| copy.edit("areas.geojson", "\"unit\":\"gso:31120\"", "\"unit\":\"gso:31117\""),
        &["areas.geojson feature 1", "no unit of today \"gso:31117\""],
    );
    let square = |id: &str, w: f64| {
        format!(
            r#","geometry":{{"type":"Polygon","coordinates":[[[{w},10.03],[105.79,10.03],[105.79,10.04],[{w},10.04],[{w},10.03]]]}}}},{{"type":"Feature","properties":{{"id":"{id}","unit":"gso:92","name_vi":"A","name_en":"A","schematic":true}},"geometry":"#
        )
    };
    fails(
        "overlapping-areas",
        |copy| copy.edit("areas.geojson", ",\"geometry\":", &square("x", 105.78)),
        &["areas.geojson feature ", "geometry: overlaps gso:31120 feature 1"],
    );
    fails(
        "crossing",
        |copy| {
            let bow = r#","geometry":{"type":"Polygon","coordinates":[[[105.7,10.0],[105.8,10.1],[105.8,10.0],[105.7,10.1],[105.7,10.0]]]},"was":"#;
            copy.edit("areas.geojson", ",\"geometry\":", bow);
        },
        &["areas.geojson feature 1", "self-intersection"],
    );
    fails(
        "label",
        |copy| copy.edit("published.csv", "level=3", "level=5"),
        &["published.csv line 2", "online_formalities carries the labels level (3, 4)"],
    );
    fails(
        "metric-name",
        |copy| copy.edit("published.csv", "npsp_services,", "npsp_service,"),
        &["no metric \"npsp_service\"", "did you mean \"npsp_services\"?"],
    );
    fails(
        "since",
        |copy| copy.edit("published.csv", "2021-12-01,280", "2022-12-01,280"),
        &["online_formalities has no meaning on 2022-12-01"],
    );
    fails(
        "bound",
        |copy| copy.edit("published.csv", "793,exact", "793,at_least"),
        &["npsp_services does not allow this bound"],
    );
    fails(
        "sum",
        |copy| copy.edit("city.toml", "7863", "7864"),
        &["received 8011 is not handled 7864 plus in_process 148"],
    );
    fails(
        "column",
        |copy| copy.edit("categories.csv", "public_space", "publicspace"),
        &["categories.csv line 1", "publicspace: unknown", "did you mean \"public_space\"?"],
    );
    fails(
        "syntax",
        |copy| copy.edit("metrics.toml", "[[metric]]", "[[metric]"),
        &["metrics.toml line ", "does not parse"],
    );
    fails(
        "absent",
        |copy| std::fs::remove_file(copy.0.join("rivers.geojson")).expect("the file"),
        &["rivers.geojson: cannot be read"],
    );
}

#[test]
fn a_catalogue_that_contradicts_itself_is_told() {
    let copy = Copy::new("catalogue");
    copy.edit(
        "formalities.csv",
        "9.000001,2021-01-01,2022-06-24,",
        "9.000001,2021-01-01,2025-07-02,",
    );
    copy.edit("formalities.csv", ",2,working_day,", ",2,,");
    copy.append(
        "formalities.csv",
        "9.990001,2021-01-01,,A,A,land,sector,,agency:H13.31,,,,,,4,,,,,,,demonstration,x",
    );
    copy.append(
        "formalities.csv",
        "9.990002,2021-01-01,2021-01-01,A,A,Land,city,,,,,,,,full,,,,,,,demonstration,x",
    );
    copy.edit("services.csv", ",9.000001,", ",9.00000l,");
    let errors = copy.errors();
    let has = |parts: &[&str]| {
        assert!(
            errors.iter().any(|error| parts.iter().all(|part| error.contains(part))),
            "{parts:?} in {errors:#?}"
        );
    };
    has(&["formalities.csv line ", "limit_unit", "a unit for limit_value"]);
    has(&["formalities.csv line ", "sector", "only there"]);
    has(&["formalities.csv line ", "online_level: ", "3 and 4 end on 2022-06-24"]);
    has(&["formalities.csv line ", "unit: ", "agency:H13.31 does not exist on 2021-01-01"]);
    has(&["formalities.csv line ", "field: ", "\"Land\""]);
    has(&["services.csv line 2: formality: no formality \"9.00000l\""]);
}

#[test]
fn two_rows_of_a_formality_never_hold_on_one_day() {
    let copy = Copy::new("twice");
    copy.append(
        "formalities.csv",
        "9.000002,2026-01-05,,A,A,land,city,,,,,,,,full,,,,,,,demonstration,x",
    );
    let errors = copy.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("valid_from: 9.000002 since 2026-01-05 stands line "), "{errors:?}");
}

#[test]
fn a_city_without_a_catalogue_loads() {
    let copy = Copy::new("no-catalogue");
    for file in ["formalities.csv", "services.csv"] {
        std::fs::remove_file(copy.0.join(file)).expect("the file");
    }
    let city = City::load(&copy.0).expect("a city");
    assert!(city.formalities.is_empty() && city.services.is_empty());
}
