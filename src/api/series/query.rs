//! The query string of a series request.

use chrono::{DateTime, Utc};
use ioc_ingest::interval::Class;

use super::{fold::Quantity, plan};
use crate::api::{
    params::{FromParams, Params},
    problem::Problem,
};

/// Points of a series when neither `points` nor `step` is given.
pub(super) const POINTS: i64 = 2_000;

/// Which series.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct SeriesQuery {
    /// Devices, as comma list or repeated.
    pub(super) source: Vec<String>,
    /// Lane numbers; without lanes and zones, all of the device together.
    #[param(value_type = Option<Vec<u8>>)]
    pub(super) lane: Vec<u8>,
    /// Zones of cameras.
    #[param(value_type = Option<Vec<String>>)]
    pub(super) zone: Vec<String>,
    /// count, `flow_veh_h`, `flow_pcu_h`, occupancy, `speed_kmh`, `headway_s`. Default `flow_veh_h`.
    #[param(value_type = Option<Vec<String>>)]
    pub(super) quantity: Vec<Quantity>,
    /// Vehicle classes, for count and `flow_veh_h`; without it, all vehicles.
    #[param(value_type = Option<Vec<String>>)]
    pub(super) class: Vec<Class>,
    /// Profile of passenger-car units for `flow_pcu_h`, of `GET /api/v1/pcu`. Default that of the hub.
    pub(super) pcu_profile: Option<String>,
    /// Begin, RFC 3339 with offset; widened to a whole bucket.
    pub(super) from: DateTime<Utc>,
    /// End, RFC 3339 with offset; widened to a whole bucket. Default now.
    pub(super) to: Option<DateTime<Utc>>,
    /// Length of a bucket: 30s, 5m, 1h, 1d, 1w. Multiples of 5 min come from the rollups.
    #[param(value_type = Option<String>)]
    pub(super) step: Option<i64>,
    /// Without `step`: the most points that fit, at most 20,000, as columns 1,100,000; the hub chooses the
    /// step. Default 2,000.
    #[param(value_type = Option<i64>)]
    pub(super) points: i64,
}

impl FromParams for SeriesQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let sources = params.list("source");
        if sources.is_empty() {
            return Err(Problem::invalid("source", "is missing: name at least one device"));
        }
        let number = |lane: String| {
            lane.parse::<u8>().map_err(|_no_number| {
                Problem::invalid("lane", format!("{lane:?} is no lane number"))
            })
        };
        let lanes = params.list("lane").into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
        let zones = params.list("zone");
        let mut quantities =
            params.named("quantity", &Quantity::ALL.map(|item| (item.as_str(), item)))?;
        if quantities.is_empty() {
            quantities.push(Quantity::FlowVehH);
        }
        let classes = params.named("class", &Class::ALL.map(|item| (item.as_str(), item)))?;
        if !classes.is_empty() && !quantities.iter().all(|quantity| quantity.by_class()) {
            return Err(Problem::invalid("class", "is only for count and flow_veh_h"));
        }
        let pcu_profile = params.text("pcu_profile")?;
        if pcu_profile.is_some() && !quantities.contains(&Quantity::FlowPcuH) {
            return Err(Problem::invalid("pcu_profile", "is only for the quantity flow_pcu_h"));
        }
        let (from, to) = params.span()?;
        let from = from.ok_or_else(|| Problem::invalid("from", "is missing"))?;
        let step_s = params.text("step")?.as_deref().map(plan::parse_step).transpose()?;
        let points = params.number("points", 1..=plan::COLUMN_POINTS_MAX)?.unwrap_or(POINTS);
        Ok(Self {
            source: sources,
            lane: lanes,
            zone: zones,
            quantity: quantities,
            class: classes,
            pcu_profile,
            from,
            to,
            step: step_s,
            points,
        })
    }
}

impl SeriesQuery {
    /// Lanes, then zones, as the registry writes them.
    pub(super) fn places(&self) -> Vec<String> {
        let lanes = self.lane.iter().map(|lane| format!("lane/{lane}"));
        lanes.chain(self.zone.iter().map(|zone| format!("zone/{zone}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Result<SeriesQuery, Problem> {
        let pairs = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        SeriesQuery::from_params(&mut Params::new(pairs))
    }

    #[test]
    fn mistakes_name_their_field() {
        let from = ("from", "2026-03-02T00:00:00Z");
        let field =
            |query: &[(&str, &str)]| asked(query).unwrap_err().at_fault().unwrap().to_owned();
        assert_eq!(field(&[from]), "source");
        assert_eq!(field(&[("source", "vds-001")]), "from");
        assert_eq!(field(&[("source", "vds-001"), from, ("quantity", "density")]), "quantity");
        assert_eq!(field(&[("source", "vds-001"), from, ("lane", "left")]), "lane");
        assert_eq!(field(&[("source", "vds-001"), from, ("class", "tank")]), "class");
        let by_class = [("source", "a"), from, ("quantity", "speed_kmh"), ("class", "bus")];
        assert_eq!(field(&by_class), "class");
        assert_eq!(field(&[("source", "a"), from, ("points", "0")]), "points");
        assert_eq!(field(&[("source", "a"), from, ("pcu_profile", "x")]), "pcu_profile");
    }

    #[test]
    fn lists_may_be_repeated_or_separated_by_commas() {
        let from = ("from", "2026-03-02T00:00:00Z");
        let query = [("source", "a,b"), ("lane", "1"), ("lane", "2"), ("zone", "north-in"), from];
        let asking = asked(&query).unwrap();
        assert_eq!(asking.source, ["a", "b"]);
        assert_eq!(asking.places(), ["lane/1", "lane/2", "zone/north-in"]);
        assert_eq!(asking.quantity, [Quantity::FlowVehH]);
    }
}
