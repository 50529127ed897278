-- Buckets of {table} that differ from the sums of their 5-minute rows. Hours or days that are still to be built,
-- are marked, or whose rows may be gone are left out: they are summed up when they are read.
-- $1 detectors, $2 begins of the buckets in order, $3 end of the last, $4 most rows.
-- The first row tells in "checked" how many buckets were compared.
with state as (select {before} as before, kept_since from rollup_state),
marked as (
  select distinct m.detector_id, ($2::timestamptz[])[width_bucket(v.at, $2::timestamptz[])] as bucket
  from rollup_dirty m, state
  cross join lateral (values (m.hour), (m.hour + interval '55 minutes')) as v (at)
  where m.detector_id = any($1::int4[]) and v.at >= ($2::timestamptz[])[1] and v.at < $3
),
expected as (
  select
    ($2::timestamptz[])[width_bucket(f.bucket, $2::timestamptz[])] as bucket, f.detector_id,
    sum(f.intervals)::int4 as intervals, sum(f.good)::int4 as good, sum(f.duration_ms)::int8 as duration_ms,
    sum(f.count_n)::int4 as count_n, sum(f.count_sum)::int8 as count_sum, min(f.count_min) as count_min,
    max(f.count_max) as count_max, sum(f.occupancy_ms)::int8 as occupancy_ms,
    sum(f.occupancy_sum)::int8 as occupancy_sum, min(f.occupancy_min) as occupancy_min,
    max(f.occupancy_max) as occupancy_max, sum(f.speed_count)::int8 as speed_count,
    sum(f.speed_sum)::int8 as speed_sum, sum(f.pace_sum)::int8 as pace_sum, min(f.speed_min) as speed_min,
    max(f.speed_max) as speed_max, sum(f.samples)::int8 as samples, sum(f.samples_expected)::int8 as samples_expected,
    bit_or(f.quality) as quality, sum(f.motorcycle)::int8 as motorcycle, sum(f.bicycle)::int8 as bicycle,
    sum(f.car)::int8 as car, sum(f.van)::int8 as van, sum(f.bus)::int8 as bus, sum(f.truck2)::int8 as truck2,
    sum(f.truck3)::int8 as truck3, sum(f.trailer)::int8 as trailer, sum(f.other)::int8 as other,
    sum(f.pedestrian)::int8 as pedestrian, sum(f.duration_ms * f.count_n / f.intervals)::int8 as count_ms
  from interval_5min f
  where f.detector_id = any($1::int4[]) and f.bucket >= ($2::timestamptz[])[1] and f.bucket < $3
  group by 1, 2
),
stored as (
  select
    bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms,
    occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples,
    samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian,
    count_ms
  from {table}
  where detector_id = any($1::int4[]) and bucket >= ($2::timestamptz[])[1] and bucket < $3
),
compared as (
  select detector_id, bucket, to_jsonb(s) as stored, to_jsonb(e) as recomputed, s is not distinct from e as equal
  from expected e full join stored s using (detector_id, bucket)
  where bucket < (select before from state) and bucket >= (select kept_since from state)
    and not exists (
      select from marked m where m.detector_id = coalesce(e.detector_id, s.detector_id)
        and m.bucket = coalesce(e.bucket, s.bucket)
    )
)
select null::int4, null::timestamptz, null::jsonb, null::jsonb, count(*) as checked from compared
union all (
  select detector_id, bucket, stored, recomputed, 0 from compared where not equal
  order by detector_id, bucket limit $4
)
