-- The same as series_rollup.sql where no day or hour of the span is marked.
select width_bucket(bucket, $2::timestamptz[]) - 1 as at, {lane} as lane, null::timestamptz, {sums}
from (
  select
    bucket, detector_id, good, duration_ms, count_ms, count_n, count_sum, occupancy_ms, occupancy_sum,
    speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_1d
  where detector_id = any($1) and bucket >= $3 and bucket < $4
  union all
  select
    bucket, detector_id, good, duration_ms, count_ms, count_n, count_sum, occupancy_ms, occupancy_sum,
    speed_count, speed_sum, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_1h
  where detector_id = any($1) and bucket >= $5 and bucket < $6
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
