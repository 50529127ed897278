-- Adds the batch's sums to the rollup, in the order in which they are handed over.
insert into interval_5min as r (
  bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms, occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples, samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
)
select
  bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms, occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples, samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
from unnest($1::sums_5min[])
on conflict (detector_id, bucket) do update set
  intervals = r.intervals + excluded.intervals,
  good = r.good + excluded.good,
  duration_ms = r.duration_ms + excluded.duration_ms,
  count_n = r.count_n + excluded.count_n,
  count_sum = r.count_sum + excluded.count_sum,
  count_min = least(r.count_min, excluded.count_min),
  count_max = greatest(r.count_max, excluded.count_max),
  occupancy_ms = r.occupancy_ms + excluded.occupancy_ms,
  occupancy_sum = r.occupancy_sum + excluded.occupancy_sum,
  occupancy_min = least(r.occupancy_min, excluded.occupancy_min),
  occupancy_max = greatest(r.occupancy_max, excluded.occupancy_max),
  speed_count = r.speed_count + excluded.speed_count,
  speed_sum = r.speed_sum + excluded.speed_sum,
  pace_sum = r.pace_sum + excluded.pace_sum,
  speed_min = least(r.speed_min, excluded.speed_min),
  speed_max = greatest(r.speed_max, excluded.speed_max),
  samples = r.samples + excluded.samples,
  samples_expected = r.samples_expected + excluded.samples_expected,
  quality = r.quality | excluded.quality,
  motorcycle = coalesce(r.motorcycle + excluded.motorcycle, r.motorcycle, excluded.motorcycle),
  bicycle = coalesce(r.bicycle + excluded.bicycle, r.bicycle, excluded.bicycle),
  car = coalesce(r.car + excluded.car, r.car, excluded.car),
  van = coalesce(r.van + excluded.van, r.van, excluded.van),
  bus = coalesce(r.bus + excluded.bus, r.bus, excluded.bus),
  truck2 = coalesce(r.truck2 + excluded.truck2, r.truck2, excluded.truck2),
  truck3 = coalesce(r.truck3 + excluded.truck3, r.truck3, excluded.truck3),
  trailer = coalesce(r.trailer + excluded.trailer, r.trailer, excluded.trailer),
  other = coalesce(r.other + excluded.other, r.other, excluded.other),
  pedestrian = coalesce(r.pedestrian + excluded.pedestrian, r.pedestrian, excluded.pedestrian)
