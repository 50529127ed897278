-- Buckets whose sums differ from those of their rows, counted. Written apart from the program's own sums.
with measured as (
  -- A camera off its home preset (bit 13) is counted as a row, its values are not.
  select
    r.time, r.detector_id, r.duration_ms, r.quality, m.count, m.occupancy_e4, m.speed_e1_kmh, m.samples,
    m.samples_expected, m.classes
  from interval_reading r left join interval_reading m
    on m.detector_id = r.detector_id and m.time = r.time and m.duration_ms = r.duration_ms and m.quality & 8192 = 0
),
reading as (
  select
    *,
    count > 0 and speed_e1_kmh > 0 as is_moving,
    -- 1e-6 h/km of all vehicles of the interval, rounded half up
    (count::int8 * 20000000 + speed_e1_kmh) / nullif(2 * speed_e1_kmh, 0) as pace
  from measured
),
expected as (
  select
    date_bin('5 minutes', time, '2000-01-01 00:00:00Z'),
    detector_id,
    count(*)::int4,
    count(*) filter (where quality & ~2048 = 0)::int4,
    sum(duration_ms)::int8,
    count(count)::int4,
    coalesce(sum(count), 0)::int8,
    min(count),
    max(count),
    coalesce(sum(duration_ms) filter (where occupancy_e4 is not null), 0)::int8,
    coalesce(sum(occupancy_e4::int8 * duration_ms), 0)::int8,
    min(occupancy_e4),
    max(occupancy_e4),
    coalesce(sum(count) filter (where is_moving), 0)::int8,
    coalesce(sum(count::int8 * speed_e1_kmh) filter (where is_moving), 0)::int8,
    coalesce(sum(pace) filter (where is_moving), 0)::int8,
    min(speed_e1_kmh) filter (where is_moving),
    max(speed_e1_kmh) filter (where is_moving),
    coalesce(sum(samples), 0)::int8,
    coalesce(sum(samples_expected), 0)::int8,
    bit_or(quality),
    sum(classes[1])::int8,
    sum(classes[2])::int8,
    sum(classes[3])::int8,
    sum(classes[4])::int8,
    sum(classes[5])::int8,
    sum(classes[6])::int8,
    sum(classes[7])::int8,
    sum(classes[8])::int8,
    sum(classes[9])::int8,
    sum(classes[10])::int8
  from reading
  group by 1, 2
),
stored as (
  select
    bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms,
    occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples,
    samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
  from interval_5min
)
select count(*) from (
  (table expected except table stored)
  union all
  (table stored except table expected)
) different
