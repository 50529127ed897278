-- Buckets of interval_5min that differ from the sums of their intervals. Written apart from the program's own sums.
-- $1 detectors, $2 to $3 on whole buckets, $4 most rows. The first row tells in "checked" how many were compared.
with reading as (
  -- A camera off its home preset (bit 13) is counted as a row, its values are not.
  select
    time, detector_id, duration_ms, quality,
    case when quality & 8192 = 0 then count end as count,
    case when quality & 8192 = 0 then occupancy_e4 end as occupancy_e4,
    case when quality & 8192 = 0 then speed_e1_kmh end as speed_e1_kmh,
    case when quality & 8192 = 0 then samples end as samples,
    case when quality & 8192 = 0 then samples_expected end as samples_expected,
    case when quality & 8192 = 0 then classes end as classes
  from interval_reading
  where detector_id = any($1::int4[]) and time >= $2 and time < $3
),
moving as (
  select
    *,
    count > 0 and speed_e1_kmh > 0 as is_moving,
    -- 1e-6 h/km of all vehicles of the interval, rounded half up
    (count::int8 * 20000000 + speed_e1_kmh) / nullif(2 * speed_e1_kmh, 0) as pace
  from reading
),
expected as (
  select
    date_bin('5 minutes', time, '2000-01-01 00:00:00Z') as bucket,
    detector_id,
    count(*)::int4 as intervals,
    count(*) filter (where quality & ~6144 = 0)::int4 as good,
    sum(duration_ms)::int8 as duration_ms,
    count(count)::int4 as count_n,
    coalesce(sum(count), 0)::int8 as count_sum,
    min(count) as count_min,
    max(count) as count_max,
    coalesce(sum(duration_ms) filter (where occupancy_e4 is not null), 0)::int8 as occupancy_ms,
    coalesce(sum(occupancy_e4::int8 * duration_ms), 0)::int8 as occupancy_sum,
    min(occupancy_e4) as occupancy_min,
    max(occupancy_e4) as occupancy_max,
    coalesce(sum(count) filter (where is_moving), 0)::int8 as speed_count,
    coalesce(sum(count::int8 * speed_e1_kmh) filter (where is_moving), 0)::int8 as speed_sum,
    coalesce(sum(pace) filter (where is_moving), 0)::int8 as pace_sum,
    min(speed_e1_kmh) filter (where is_moving) as speed_min,
    max(speed_e1_kmh) filter (where is_moving) as speed_max,
    coalesce(sum(samples), 0)::int8 as samples,
    coalesce(sum(samples_expected), 0)::int8 as samples_expected,
    bit_or(quality) as quality,
    sum(classes[1])::int8 as motorcycle,
    sum(classes[2])::int8 as bicycle,
    sum(classes[3])::int8 as car,
    sum(classes[4])::int8 as van,
    sum(classes[5])::int8 as bus,
    sum(classes[6])::int8 as truck2,
    sum(classes[7])::int8 as truck3,
    sum(classes[8])::int8 as trailer,
    sum(classes[9])::int8 as other,
    sum(classes[10])::int8 as pedestrian
  from moving
  group by 1, 2
),
stored as (
  select
    bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms,
    occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples,
    samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_5min
  where detector_id = any($1::int4[]) and bucket >= $2 and bucket < $3
),
compared as (
  select detector_id, bucket, to_jsonb(s) as stored, to_jsonb(e) as recomputed, s is not distinct from e as equal
  from expected e full join stored s using (detector_id, bucket)
)
select null::int4, null::timestamptz, null::jsonb, null::jsonb, count(*) as checked from compared
union all (
  select detector_id, bucket, stored, recomputed, 0 from compared where not equal
  order by detector_id, bucket limit $4
)
