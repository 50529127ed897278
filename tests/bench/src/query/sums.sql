-- The 5-minute sums of readings that `readings.sql` made, as the hub stores them with each batch.
insert into interval_5min (
  bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, count_min, count_max, occupancy_ms,
  occupancy_sum, occupancy_min, occupancy_max, speed_count, speed_sum, pace_sum, speed_min, speed_max, samples,
  samples_expected, quality, motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian
)
select
  date_bin('5 minutes', time, '2000-01-01 00:00:00Z'), detector_id, count(*), count(*), sum(duration_ms), count(*),
  sum(count), min(count), max(count), sum(duration_ms), sum(occupancy_e4::int8 * duration_ms), min(occupancy_e4),
  max(occupancy_e4), sum(count), sum(count::int8 * speed_e1_kmh),
  sum((count::int8 * 20000000 + speed_e1_kmh) / (2 * speed_e1_kmh)), min(speed_e1_kmh), max(speed_e1_kmh),
  sum(samples), sum(samples_expected), 0, sum(classes[1]), sum(classes[2]), sum(classes[3]), sum(classes[4]),
  sum(classes[5]), sum(classes[6]), sum(classes[7]), sum(classes[8]), sum(classes[9]), sum(classes[10])
from interval_reading
group by 1, 2
