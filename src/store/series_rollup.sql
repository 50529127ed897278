-- Sums of a series from days ($3 to $4), hours ($5 to $6) and 5 minutes ($7 to $8 and $9 to $10). $1 lanes and
-- zones, $2 borders of the buckets. Unused columns of the parts cost nothing: the planner leaves them out.
-- What stands between {marked} and {end} is left out where nothing is marked, which is the normal state.
--{marked}
-- Marked days and hours are summed up from their 5 minutes. $11 borders of the days. Before $12 there may be no
-- 5-minute rows any more: marks there are passed over.
with dirty_day as materialized (
  select distinct m.detector_id, ($11::timestamptz[])[width_bucket(v.at, $11::timestamptz[])] as day
  from rollup_dirty m
  cross join lateral (values (m.hour), (m.hour + interval '55 minutes')) as v (at)
  where m.detector_id = any($1::int4[]) and v.at >= $3 and v.at < $4
),
dirty_hour as materialized (
  select detector_id, hour
  from rollup_dirty
  where detector_id = any($1::int4[]) and hour >= greatest($5::timestamptz, $12::timestamptz) and hour < $6
)
--{end}
select width_bucket(bucket, $2::timestamptz[]) - 1 as at, {lane} as lane, null::timestamptz, {sums}
from (
  select
    bucket, detector_id, good, duration_ms, count_ms, count_n, count_sum, occupancy_ms, occupancy_sum,
    speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_1d r
  where detector_id = any($1) and bucket >= $3 and bucket < $4
    --{marked}
    and not exists (
      select from dirty_day d where d.detector_id = r.detector_id and d.day = r.bucket and d.day >= $12
    )
  union all
  select r.*
  from dirty_day d
  cross join lateral (
    select
      bucket, detector_id, good, duration_ms, duration_ms * count_n / intervals as count_ms, count_n, count_sum, occupancy_ms,
      occupancy_sum, speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
    from interval_5min
    where detector_id = d.detector_id and bucket >= d.day
      and bucket < ($11::timestamptz[])[width_bucket(d.day, $11::timestamptz[]) + 1]
      and bucket >= $3 and bucket < $4
    offset 0 -- one look at the index per day, whatever the planner thinks of their number
  ) as r
  where d.day >= $12
  --{end}
  union all
  select
    bucket, detector_id, good, duration_ms, count_ms, count_n, count_sum, occupancy_ms, occupancy_sum,
    speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_1h r
  where detector_id = any($1) and bucket >= $5 and bucket < $6
    --{marked}
    and not exists (select from dirty_hour d where d.detector_id = r.detector_id and d.hour = r.bucket)
  union all
  select r.*
  from dirty_hour d
  cross join lateral (
    select
      bucket, detector_id, good, duration_ms, duration_ms * count_n / intervals as count_ms, count_n, count_sum, occupancy_ms,
      occupancy_sum, speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
    from interval_5min
    where detector_id = d.detector_id and bucket >= d.hour and bucket < d.hour + interval '1 hour'
      and bucket >= $5 and bucket < $6
    offset 0
  ) as r
  --{end}
  union all
  select
    bucket, detector_id, good, duration_ms, duration_ms * count_n / intervals as count_ms, count_n, count_sum, occupancy_ms,
    occupancy_sum, speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_5min
  where detector_id = any($1) and bucket >= $7 and bucket < $8
  union all
  select
    bucket, detector_id, good, duration_ms, duration_ms * count_n / intervals as count_ms, count_n, count_sum, occupancy_ms,
    occupancy_sum, speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_5min
  where detector_id = any($1) and bucket >= $9 and bucket < $10
) as part
group by at, lane
order by at, lane
