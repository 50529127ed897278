-- Readings of the detectors with these numbers, one per $4 milliseconds from $2 to $3: traffic of a day's shape.
insert into interval_reading (
  time, detector_id, duration_ms, count, headway_ms, quality, occupancy_e4, speed_e1_kmh, samples, samples_expected,
  classes
)
select
  t, d, $4, n, 900, 0, (200 + 30 * n)::int2, (550 - 4 * n)::int2, 30, 30,
  array[n / 2, 0, n - n / 2, 0, 0, 0, 0, 0, 0, null]
from unnest($1::int4[]) d
cross join generate_series($2::timestamptz, $3::timestamptz - interval '1 millisecond', make_interval(secs => $4::float8 / 1000)) t
cross join lateral (select (20 + 15 * sin(extract(epoch from t) / 13751) + (d * 7 + extract(epoch from t)::int8 / 30 * 13) % 9)::int4 as n) v
