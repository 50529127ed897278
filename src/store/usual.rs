//! Occupancy of stations at the same time of the weeks before.

use chrono::{DateTime, Utc};
use tokio_postgres::Client;

use super::StoreError;

/// Occupancies of a device: each with its place, and 0 to 1.
pub type Occupancies = Vec<(usize, f32)>;

/// Spans of weeks, each with the place of its first bin; as long as one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans {
    /// Places of the first bins.
    pub places: Vec<i32>,
    /// Begins of them.
    pub begins: Vec<DateTime<Utc>>,
    /// Ends of the spans.
    pub ends: Vec<DateTime<Utc>>,
}

/// Mean occupancy of the lanes or zones of these devices in every bin of the spans. A bin counts when at least
/// half of it was measured, and every lane or zone that told an occupancy was good all the time.
///
/// Reads by the primary key of the 5-minute sums, per lane and span; the outer border of all spans keeps the
/// other chunks closed.
pub async fn occupancies(
    client: &Client,
    devices: &[i32],
    spans: &Spans,
) -> Result<Vec<(i32, Occupancies)>, StoreError> {
    // `offset 0` keeps the planner from joining whole chunks.
    let sql = "select s.device_id, array_agg(s.at), array_agg(s.occupancy) from ( \
                 select t.device_id, \
                   w.place + (extract(epoch from f.bucket - w.begin) / 300)::int4 as at, \
                   (avg(f.occupancy_sum::float8 / f.occupancy_ms) / 10000)::float4 as occupancy \
                 from detector t \
                 cross join unnest($2::int4[], $3::timestamptz[], $4::timestamptz[]) \
                   as w (place, begin, until) \
                 cross join lateral ( \
                   select f.bucket, f.occupancy_sum, f.occupancy_ms, f.good, f.intervals \
                   from interval_5min f \
                   where f.detector_id = t.id and f.bucket >= w.begin and f.bucket < w.until \
                     and f.bucket >= $5 and f.bucket < $6 and f.occupancy_ms >= 150000 offset 0 \
                 ) f \
                 where t.device_id = any($1) \
                 group by 1, 2 having bool_and(f.good = f.intervals) \
               ) s group by 1";
    let (Some(first), Some(last)) = (spans.begins.iter().min(), spans.ends.iter().max()) else {
        return Ok(Vec::new());
    };
    let Spans { places, begins, ends } = spans;
    let rows = client.query(sql, &[&devices, places, begins, ends, first, last]).await;
    let rows = rows.map_err(|error| StoreError::of("read what is usual of stations", error))?;
    let one = |row: &tokio_postgres::Row| {
        let (places, occupancies): (Vec<i32>, Vec<f32>) = (row.get(1), row.get(2));
        let places = places.into_iter().map(|place| usize::try_from(place).unwrap_or(usize::MAX));
        (row.get(0), places.zip(occupancies).collect())
    };
    Ok(rows.iter().map(one).collect())
}
