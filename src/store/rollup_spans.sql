-- Sums the 5-minute rows of each (lane or zone, span) and stores them in {table}, whatever stood there before.
-- $1 detectors, $2 begins and $3 ends of their spans; $4 to $5 is the range around all of them, so that no
-- other chunk is opened. A span without rows gets none.
insert into {table} as r (
  bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms,
  occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples,
  samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian, count_ms
)
select s.begin_at, s.detector_id, v.*
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (detector_id, begin_at, end_at)
cross join lateral (
  select
    sum(f.intervals)::int4, sum(f.good)::int4, sum(f.duration_ms)::int8, sum(f.count_n)::int4, sum(f.count_sum)::int8,
    min(f.count_min), max(f.count_max), sum(f.occupancy_ms)::int8, sum(f.occupancy_sum)::int8, min(f.occupancy_min),
    max(f.occupancy_max), sum(f.speed_count)::int8, sum(f.speed_sum)::int8, sum(f.pace_sum)::int8, min(f.speed_min),
    max(f.speed_max), sum(f.samples)::int8, sum(f.samples_expected)::int8, bit_or(f.quality), sum(f.motorcycle)::int8,
    sum(f.bicycle)::int8, sum(f.car)::int8, sum(f.van)::int8, sum(f.bus)::int8, sum(f.truck2)::int8,
    sum(f.truck3)::int8, sum(f.trailer)::int8, sum(f.other)::int8, sum(f.pedestrian)::int8,
    sum(f.duration_ms * f.count_n / f.intervals)::int8
  from interval_5min f
  where f.detector_id = s.detector_id and f.bucket >= s.begin_at and f.bucket < s.end_at
    and f.bucket >= $4 and f.bucket < $5
  having count(*) > 0
) as v
on conflict (detector_id, bucket) do update set
  intervals = excluded.intervals, good = excluded.good, duration_ms = excluded.duration_ms,
  count_n = excluded.count_n, count_sum = excluded.count_sum, count_min = excluded.count_min,
  count_max = excluded.count_max, occupancy_ms = excluded.occupancy_ms, occupancy_sum = excluded.occupancy_sum,
  occupancy_min = excluded.occupancy_min, occupancy_max = excluded.occupancy_max, speed_count = excluded.speed_count,
  speed_sum = excluded.speed_sum, pace_sum = excluded.pace_sum, speed_min = excluded.speed_min,
  speed_max = excluded.speed_max, samples = excluded.samples, samples_expected = excluded.samples_expected,
  quality = excluded.quality, motorcycle = excluded.motorcycle, bicycle = excluded.bicycle, car = excluded.car,
  van = excluded.van, bus = excluded.bus, truck2 = excluded.truck2, truck3 = excluded.truck3,
  trailer = excluded.trailer, other = excluded.other, pedestrian = excluded.pedestrian, count_ms = excluded.count_ms
