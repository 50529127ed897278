//! A city as data: units, areas, roads, devices, metrics, ticket categories.
//!
//! `City::load` reads a folder under `config/city/` and gives every error at once. The result seeds
//! an empty registry, draws the schematic map and tells the simulator what to publish. Nothing in
//! here speaks to the database. After a load every reference holds: parents, corridors, detectors,
//! areas, metrics and successions name something that exists, in the time in which it exists.

pub mod area;
mod check;
pub mod corridor;
pub mod desk;
pub mod device;
pub mod display;
pub mod formality;
pub mod landmark;
mod map;
pub mod metric;
pub mod plan;
pub mod presence;
pub mod problem;
mod profile;
pub(crate) mod read;
pub(crate) mod record;
pub mod scale;
pub mod scope;
pub mod service;
mod shape;
pub mod unit;

#[cfg(test)]
mod tests;

use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;
use geo::{Intersects, Point};

pub use area::Area;
pub use corridor::{Corridor, RoadClass};
pub use desk::{DeskHistory, TicketCategory};
pub use device::{Detector, Device, LaneClass, SignalGroup};
pub use display::{Display, DisplayView};
pub use formality::{Audience, Formality, FormalityLevel, OnlineLevel};
pub use landmark::{Landmark, PlaceKind, River};
pub use metric::{LabelDefinition, MetricDefinition, PublishedFigure};
pub use plan::PlanRow;
pub use presence::PresenceRow;
pub use problem::{At, Cause, CityError, CityErrors, CityWarning};
pub use scale::Scale;
pub use scope::Scope;
pub use service::{OnlineService, ServiceState};
pub use unit::{Mark, Succession, Unit, UnitKind};

use problem::Problems;
use record::{Located, Record};

/// One city.
#[derive(Debug, Clone)]
pub struct City {
    /// Token in every topic: `can-tho`.
    pub token: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Zone of the city's civil days.
    pub time_zone: Tz,
    /// West, south, east, north in WGS 84 degrees; every position lies inside.
    pub bounds: [f64; 4],
    /// Longitude and latitude where the map opens.
    pub center: [f64; 2],
    /// Zoom level with which the map opens.
    pub zoom: f64,
    /// Whether the folder is a demonstration, which every screen then says.
    pub demonstration: bool,
    /// Agency code of the city in dossier codes.
    pub agency_code: String,
    /// Whether somebody checked the agency code.
    pub agency_code_verified: bool,
    /// What an administrator should know of the data.
    pub notes: Vec<String>,
    /// A published period of the service desk that the demonstration replays.
    pub desk_history: Option<DeskHistory>,
    /// Units of every time, in file order.
    pub units: Vec<Unit>,
    /// What became of units, as far as a source states it.
    pub successions: Vec<Succession>,
    /// Areas, in file order.
    pub areas: Vec<Area>,
    /// Corridors, in file order.
    pub corridors: Vec<Corridor>,
    /// Rivers and canals, in file order.
    pub rivers: Vec<River>,
    /// Named points, in file order.
    pub places: Vec<Landmark>,
    /// Devices and systems with their detectors, in file order.
    pub devices: Vec<Device>,
    /// The metric catalogue, in file order.
    pub metrics: Vec<MetricDefinition>,
    /// Figures that the city printed.
    pub published: Vec<PublishedFigure>,
    /// Ticket categories, in file order.
    pub categories: Vec<TicketCategory>,
    /// The catalogue of formalities, in file order.
    pub formalities: Vec<Formality>,
    /// Online services, in file order.
    pub services: Vec<OnlineService>,
    /// The schedule of signal plans, in file order.
    pub plans: Vec<PlanRow>,
    /// Presence detectors of signals, in file order.
    pub presence: Vec<PresenceRow>,
    /// Wall displays, in file order.
    pub displays: Vec<Display>,
    /// What a person should know of though it loads.
    pub warnings: Vec<CityWarning>,
}

/// What the files hold, each value with its place, before it is checked as a whole.
#[derive(Debug, Default)]
struct Files {
    units: Vec<Located<Unit>>,
    successions: Vec<Located<Succession>>,
    areas: Vec<Located<Area>>,
    corridors: Vec<Located<Corridor>>,
    rivers: Vec<Located<River>>,
    places: Vec<Located<Landmark>>,
    devices: Vec<Located<Device>>,
    detectors: Vec<Located<(ioc_ingest::Source, Detector)>>,
    metrics: Vec<Located<MetricDefinition>>,
    published: Vec<Located<PublishedFigure>>,
    categories: Vec<Located<TicketCategory>>,
    formalities: Vec<Located<Formality>>,
    services: Vec<Located<OnlineService>>,
    plans: Vec<Located<PlanRow>>,
    presence: Vec<Located<PresenceRow>>,
    displays: Vec<Located<Display>>,
}

impl City {
    /// Loads the folder `dir` and checks every reference.
    ///
    /// # Errors
    /// Every error of every file at once.
    pub fn load(dir: &Path) -> Result<Self, CityErrors> {
        let mut problems = Problems::default();
        let profile = read::read_toml(dir, profile::PROFILE, &mut problems)
            .and_then(|root| profile::read_profile(&root, &mut problems));
        let mut files = read_files(dir, &mut problems);
        check::attach_detectors(&mut files, &mut problems);
        check::check(&files, profile.as_ref(), &mut problems);
        match profile {
            Some(profile) if problems.0.is_empty() => Ok(assemble(profile, files)),
            _ => Err(CityErrors { dir: dir.to_owned(), errors: problems.0 }),
        }
    }

    /// The area that a position (WGS 84 degrees) lies in; on a shared edge the first of the file.
    pub fn area_of(&self, lon: f64, lat: f64) -> Option<&Area> {
        area_of(&self.areas, lon, lat)
    }

    /// The units that exist on `date`, in file order.
    pub fn units_valid_at(&self, date: NaiveDate) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(move |unit| unit.is_valid_at(date))
    }

    /// The unit that `code` names on `date`.
    pub fn unit_at(&self, code: &str, date: NaiveDate) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.code == code && unit.is_valid_at(date))
    }

    /// The formalities as they are on `date`, in file order.
    pub fn formalities_valid_at(&self, date: NaiveDate) -> impl Iterator<Item = &Formality> {
        self.formalities.iter().filter(move |formality| formality.is_valid_at(date))
    }

    /// The online services as they are on `date`, in file order.
    pub fn services_valid_at(&self, date: NaiveDate) -> impl Iterator<Item = &OnlineService> {
        self.services.iter().filter(move |service| service.is_valid_at(date))
    }

    /// The metric with this name.
    pub fn metric(&self, name: &str) -> Option<&MetricDefinition> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// What the page draws: an object with the `FeatureCollection`s `corridors`, `rivers`, `places` and
    /// `areas`, with the properties of the files.
    pub fn map_json(&self) -> serde_json::Value {
        map::map_json(self)
    }

    /// A generated registry of the size of a design point, along this city's corridors; always the
    /// same for the same city.
    pub fn scaled(&self, scale: Scale) -> Vec<Device> {
        scale::scaled(self, scale)
    }
}

fn area_of(areas: &[Area], lon: f64, lat: f64) -> Option<&Area> {
    let point = Point::new(lon, lat);
    areas.iter().find(|area| area.bounds.intersects(&point) && area.polygon.intersects(&point))
}

/// The rows of one CSV file, each read with `read_row`.
fn rows<T>(
    dir: &Path,
    (file, columns): (&'static str, &[&str]),
    read_row: impl Fn(&Record, &mut Problems) -> Option<Located<T>>,
    problems: &mut Problems,
) -> Vec<Located<T>> {
    let records = read::read_csv(dir, file, columns, problems);
    records.iter().filter_map(|row| read_row(row, problems)).collect()
}

/// The same for a file that a city may leave out.
fn optional_rows<T>(
    dir: &Path,
    (file, columns): (&'static str, &[&str]),
    read_row: impl Fn(&Record, &mut Problems) -> Option<Located<T>>,
    problems: &mut Problems,
) -> Vec<Located<T>> {
    if !dir.join(file).exists() {
        return Vec::new();
    }
    rows(dir, (file, columns), read_row, problems)
}

/// The features of one `GeoJSON` file, each read with `read_feature`.
fn features<T>(
    dir: &Path,
    file: &'static str,
    read_feature: impl Fn(&Record, &geojson::GeometryValue, &mut Problems) -> Option<Located<T>>,
    problems: &mut Problems,
) -> Vec<Located<T>> {
    let records = read::read_geojson(dir, file, problems);
    records.iter().filter_map(|(row, geometry)| read_feature(row, geometry, problems)).collect()
}

fn read_files(dir: &Path, problems: &mut Problems) -> Files {
    let p = problems;
    let metrics = read::read_toml(dir, metric::METRICS, p).map(|root| {
        root.refuse_unknown(&["metric"], p);
        let tables = root.children.get("metric").map_or(&[][..], Vec::as_slice);
        tables.iter().filter_map(|table| metric::read_metric(table, p)).collect()
    });
    Files {
        units: rows(dir, (unit::UNITS, unit::UNIT_COLUMNS), unit::read_unit, p),
        successions: rows(
            dir,
            (unit::SUCCESSIONS, unit::SUCCESSION_COLUMNS),
            unit::read_succession,
            p,
        ),
        areas: features(dir, area::AREAS, area::read_area, p),
        corridors: features(dir, corridor::CORRIDORS, corridor::read_corridor, p),
        rivers: features(dir, landmark::RIVERS, landmark::read_river, p),
        places: features(dir, landmark::PLACES, landmark::read_place, p),
        devices: rows(dir, (device::DEVICES, device::DEVICE_COLUMNS), device::read_device, p),
        detectors: rows(
            dir,
            (device::DETECTORS, device::DETECTOR_COLUMNS),
            device::read_detector,
            p,
        ),
        metrics: metrics.unwrap_or_default(),
        published: rows(
            dir,
            (metric::PUBLISHED, metric::PUBLISHED_COLUMNS),
            metric::read_published,
            p,
        ),
        categories: rows(dir, (desk::CATEGORIES, desk::CATEGORY_COLUMNS), desk::read_category, p),
        formalities: optional_rows(
            dir,
            (formality::FORMALITIES, formality::FORMALITY_COLUMNS),
            formality::read_formality,
            p,
        ),
        services: optional_rows(
            dir,
            (service::SERVICES, service::SERVICE_COLUMNS),
            service::read_service,
            p,
        ),
        plans: optional_rows(dir, (plan::PLANS, plan::PLAN_COLUMNS), plan::read_plan, p),
        presence: optional_rows(
            dir,
            (presence::PRESENCE, presence::PRESENCE_COLUMNS),
            presence::read_presence,
            p,
        ),
        displays: display::read_displays(dir, p),
    }
}

fn values<T>(located: Vec<Located<T>>) -> Vec<T> {
    located.into_iter().map(|located| located.value).collect()
}

/// Puts the checked parts together: places each device in its area and warns of those in none.
fn assemble(profile: profile::Profile, mut files: Files) -> City {
    let areas = values(files.areas);
    let mut warnings = Vec::new();
    for located in &mut files.devices {
        let device = &mut located.value;
        let (Some(lon), Some(lat)) = (device.lon, device.lat) else { continue };
        device.area = area_of(&areas, lon, lat).map(|area| area.id.clone());
        if let (None, At::Line(line)) = (&device.area, located.at) {
            let source_id = device.source.clone();
            warnings.push(CityWarning::OutsideAreas { line, source_id, lon, lat });
        }
    }
    City {
        token: profile.token,
        name_vi: profile.name_vi,
        name_en: profile.name_en,
        time_zone: profile.time_zone,
        bounds: profile.bounds,
        center: profile.center,
        zoom: profile.zoom,
        demonstration: profile.demonstration,
        agency_code: profile.agency_code,
        agency_code_verified: profile.agency_code_verified,
        notes: profile.notes,
        desk_history: profile.desk_history,
        units: values(files.units),
        successions: values(files.successions),
        areas,
        corridors: values(files.corridors),
        rivers: values(files.rivers),
        places: values(files.places),
        devices: values(files.devices),
        metrics: values(files.metrics),
        published: values(files.published),
        categories: values(files.categories),
        formalities: values(files.formalities),
        services: values(files.services),
        plans: values(files.plans),
        presence: values(files.presence),
        displays: values(files.displays),
        warnings,
    }
}
