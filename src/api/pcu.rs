//! Passenger-car units, levels of service, and what they say of corridors and areas now.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::interval::Class;
use serde::Serialize;

use super::{App, answer, answer::Name, caller::Caller, problem::Problem};
use crate::{
    access::Right,
    live::PlaceTraffic,
    pcu::{Congestion, CongestionCuts, Cuts, LevelOfService, Mark, Profile},
};

/// Every profile of passenger-car units, and the cuts of level of service and congestion.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PcuCatalogue {
    /// Version of the configuration.
    version: String,
    /// Id of the profile that is used where none is asked for.
    default: String,
    /// The profiles.
    profiles: Vec<PcuProfile>,
    /// Cuts of the level of service.
    level_of_service: Cuts,
    /// Cuts of congestion.
    congestion: CongestionCuts,
}

/// Passenger-car units of one standard or study.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PcuProfile {
    /// Id for `pcu_profile` of series.
    id: String,
    /// Name.
    name: Name,
    /// First civil day on which it holds.
    valid_from: NaiveDate,
    /// How its numbers are known.
    mark: Mark,
    /// Where they come from.
    source: String,
    /// Units per class.
    factors: Vec<PcuFactor>,
}

/// Passenger-car units of one vehicle class.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct PcuFactor {
    /// Vehicle class.
    class: &'static str,
    /// Passenger-car units; null when the profile does not cover the class.
    units: Option<f64>,
}

impl From<&Profile> for PcuProfile {
    fn from(profile: &Profile) -> Self {
        let factors = Class::ALL.iter().zip(profile.factors_e3).map(|(class, factor)| PcuFactor {
            class: class.as_str(),
            units: factor.map(|e3| f64::from(e3) / 1_000.0),
        });
        Self {
            id: profile.id.clone(),
            name: Name { vi: profile.name_vi.clone(), en: profile.name_en.clone() },
            valid_from: profile.valid_from,
            mark: profile.mark,
            source: profile.source.clone(),
            factors: factors.collect(),
        }
    }
}

/// Profiles of passenger-car units, with sources, and the cuts of level of service and congestion.
#[utoipa::path(get, operation_id = "pcu_profiles", path = "/api/v1/pcu", tag = "history", responses(
    (status = 200, description = "The profiles", body = PcuCatalogue),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn catalogue(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let pcu = &app.pcu;
    let catalogue = PcuCatalogue {
        version: pcu.version.clone(),
        default: pcu.default.clone(),
        profiles: pcu.profiles.iter().map(PcuProfile::from).collect(),
        level_of_service: pcu.level_of_service.clone(),
        congestion: pcu.congestion.clone(),
    };
    answer::tagged(&headers, &catalogue)
}

/// Traffic of every corridor and area now.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TrafficNow {
    /// Id of the profile of passenger-car units.
    pcu_profile: String,
    /// Corridors and areas.
    places: Vec<TrafficOf>,
}

/// Traffic of one corridor or area.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TrafficOf {
    /// `corridor:ID` or `area:ID`.
    key: String,
    /// Begin of the newest interval, source clock; null before the first.
    time: Option<DateTime<Utc>>,
    /// Vehicles per hour of all devices; null when nothing was counted.
    #[ts(type = "number | null")]
    flow_veh_h: Option<u64>,
    /// Passenger-car units per hour of the devices that measure classes.
    #[ts(type = "number | null")]
    flow_pcu_h: Option<u64>,
    /// Mean speed, weighted by vehicles.
    speed_kmh: Option<f64>,
    /// Mean occupancy, 0 to 1.
    occupancy: Option<f64>,
    /// Devices that could report.
    devices: u32,
    /// Devices that do.
    reporting: u32,
    /// Level of service by speed against the speed without traffic; null when either is not known.
    los: Option<LevelOfService>,
    /// Congestion by speed and occupancy; null when the speed is not known.
    congestion: Option<Congestion>,
}

impl From<&PlaceTraffic> for TrafficOf {
    fn from(of: &PlaceTraffic) -> Self {
        Self {
            key: of.key.clone(),
            time: of.newest,
            flow_veh_h: of.flow_veh_h,
            flow_pcu_h: of.flow_pcu_h,
            speed_kmh: of.speed_kmh,
            occupancy: of.occupancy,
            devices: of.devices,
            reporting: of.reporting,
            los: of.los,
            congestion: of.congestion,
        }
    }
}

/// Flow, speed, level of service and congestion of every corridor and area, as of the last second.
#[utoipa::path(get, operation_id = "traffic_now", path = "/api/v1/traffic", tag = "history", responses(
    (status = 200, description = "Traffic now", body = TrafficNow),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn traffic(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let places = app.live.corridors().iter().map(TrafficOf::from).collect();
    answer::tagged(&headers, &TrafficNow { pcu_profile: app.pcu.default.clone(), places })
}
