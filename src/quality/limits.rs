//! The thresholds of one detector: numbers only, whole units, ready for use on every row.
//!
//! Made from `config/quality.toml` by [`super::thresholds`]. A limit of 0 switches its check off.

use ioc_ingest::interval::CLASSES;
use serde::Serialize;

/// Thresholds that apply to one detector.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[schema(as = DetectorLimits)]
#[ts(rename = "DetectorLimits")]
pub struct Limits {
    /// Q01: fastest speed that can be, 0.1 km/h.
    pub speed_max_e1_kmh: u16,
    /// Q02: most vehicles in 30 s.
    pub count_max_30s: u32,
    /// Q02: most passenger-car units in 30 s, in hundredths.
    pub pcu_max_30s_e2: u32,
    /// Q02: passenger-car units per class in hundredths, in the order of the contract.
    #[schema(value_type = Vec<u32>)]
    pub pcu_e2: [u32; CLASSES],
    /// Q02: so many samples beyond the limit …
    pub volume_trips: u8,
    /// … among so many, at most 16, fail the detector.
    pub volume_window: u8,
    /// Q02: good time after which it clears, seconds.
    pub volume_clear_s: u32,
    /// Q03: occupancy above which a sample without vehicles contradicts itself, 1e-4.
    pub empty_occupancy_e4: u16,
    /// Q03: share of such samples in an hour, 0.1 %.
    pub empty_share_e1_pct: u32,
    /// Q04: share of samples with vehicles but without occupancy in an hour, 0.1 %.
    pub unseen_share_e1_pct: u32,
    /// Q03, Q04: good time after which they clear, seconds.
    pub mismatch_clear_s: u32,
    /// Q05: occupancy that counts as occupied, 1e-4.
    pub stuck_occupancy_e4: u16,
    /// Q05: so long, seconds …
    pub stuck_s: u32,
    /// … and longer than so many samples.
    pub stuck_cycles: u8,
    /// Q05: good time after which it clears, seconds.
    pub stuck_clear_s: u32,
    /// Profile `pems`: occupancy beyond belief, 1e-4.
    pub high_occupancy_e4: u16,
    /// Profile `pems`: share of such samples in an hour, 0.1 %.
    pub high_share_e1_pct: u32,
    /// Q06: longest time without a vehicle by day, seconds.
    pub idle_day_s: u32,
    /// Q06: the same at night, and across day and night.
    pub idle_night_s: u32,
    /// Q06: first hour of the day.
    pub day_from_h: u8,
    /// Q06: first hour of the night.
    pub day_to_h: u8,
    /// Q07: longest time without a change, seconds.
    pub constant_s: u32,
    /// Q08: difference of two occupancies that is a jump, 1e-4.
    pub jump_e4: u16,
    /// Q08: so many jumps, 2 or 3 …
    pub jumps: u8,
    /// … within so many seconds.
    pub jumps_within_s: u32,
    /// Q08: good time after which it clears, seconds.
    pub spike_clear_s: u32,
    /// Q09: vehicles from which a speed is expected; Q10: and a length can be told.
    pub vehicles_min: u32,
    /// Q09: whether a missing speed is a fault: the detector measures speed.
    pub measures_speed: bool,
    /// Q09: speed that is too fast …
    pub fast_e1_kmh: u16,
    /// … above this occupancy, 1e-4.
    pub fast_occupancy_e4: u16,
    /// Q10: shortest effective length, millimetres.
    pub length_min_mm: u32,
    /// Q10: the same where most vehicles are motorcycles.
    pub length_motorcycle_min_mm: u32,
    /// Q10: longest effective length, millimetres.
    pub length_max_mm: u32,
    /// Q10: share of implausible samples in an hour that fails the detector, 0.1 %.
    pub length_share_e1_pct: u32,
    /// Q10: good time after which it clears, seconds.
    pub length_clear_s: u32,
    /// Share of motorcycles from which they are the most, percent.
    pub motorcycle_pct: u32,
    /// Share of motorcycles where classes are not measured, percent.
    pub motorcycle_assumed_pct: u32,
    /// Shares of an hour are judged from so many samples on, or from as many as an hour has.
    pub samples_min: u16,
    /// Q12: share of sub-samples below which a sample is incomplete, percent.
    pub complete_pct: u32,
    /// Q13: clock offset from which a time is suspect, milliseconds.
    pub clock_suspect_ms: u32,
    /// Q13: clock offset from which an interval is invalid, milliseconds.
    pub clock_invalid_ms: u32,
}

impl Limits {
    /// What a detector is judged by of which nothing is known, as in the file that is compiled in.
    pub const HUB: Self = Self {
        speed_max_e1_kmh: 1_600,
        count_max_30s: 90,
        pcu_max_30s_e2: 2_700,
        pcu_e2: [25, 30, 100, 250, 300, 250, 300, 400, 100, 0],
        volume_trips: 3,
        volume_window: 10,
        volume_clear_s: 86_400,
        empty_occupancy_e4: 500,
        empty_share_e1_pct: 20,
        unseen_share_e1_pct: 500,
        mismatch_clear_s: 3_600,
        stuck_occupancy_e4: 9_900,
        stuck_s: 120,
        stuck_cycles: 2,
        stuck_clear_s: 600,
        high_occupancy_e4: 0,
        high_share_e1_pct: 0,
        idle_day_s: 1_800,
        idle_night_s: 14_400,
        day_from_h: 5,
        day_to_h: 23,
        constant_s: 14_400,
        jump_e4: 2_500,
        jumps: 2,
        jumps_within_s: 60,
        spike_clear_s: 3_600,
        vehicles_min: 5,
        measures_speed: true,
        fast_e1_kmh: 900,
        fast_occupancy_e4: 3_500,
        length_min_mm: 1_000,
        length_motorcycle_min_mm: 500,
        length_max_mm: 20_000,
        length_share_e1_pct: 200,
        length_clear_s: 3_600,
        motorcycle_pct: 60,
        motorcycle_assumed_pct: 80,
        samples_min: 20,
        complete_pct: 60,
        clock_suspect_ms: 2_000,
        clock_invalid_ms: 5_000,
    };

    /// A number that changes with any limit, to notice that a detector is judged anew.
    pub fn fingerprint(&self, period_ms: Option<u32>) -> i64 {
        let text = format!("{self:?} {period_ms:?}");
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash.cast_signed()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::HUB
    }
}
