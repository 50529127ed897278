-- Traffic intervals: one wide row per (lane or zone, start, duration), and their 5-minute rollup.

create table interval_reading (
  time timestamptz not null,
  detector_id integer not null,
  duration_ms integer not null,
  count integer,
  headway_ms integer,
  queue_dm integer,
  density_e1_per_km integer,
  quality integer not null,
  occupancy_e4 smallint,
  speed_e1_kmh smallint,
  confidence_e4 smallint,
  samples smallint,
  samples_expected smallint,
  classes integer[],
  class_speed_e1_kmh smallint[]
);
select create_hypertable('interval_reading', by_range('time', interval '1 day'), create_default_indexes => false);
create unique index interval_reading_key on interval_reading (detector_id, time, duration_ms);
comment on table interval_reading is 'One collection period of one lane or zone. Natural key: detector, time, duration.';
comment on column interval_reading.time is 'Start of the period, source clock.';
comment on column interval_reading.detector_id is 'Lane or zone (detector.id).';
comment on column interval_reading.duration_ms is 'Length of the period, milliseconds.';
comment on column interval_reading.count is 'Vehicles in the period; null when not measured, 0 when none passed.';
comment on column interval_reading.headway_ms is 'Mean time headway, milliseconds; null when not measured.';
comment on column interval_reading.queue_dm is 'Queue length, decimetres; null when not measured.';
comment on column interval_reading.density_e1_per_km is 'Density, 0.1 vehicles per km; null when not measured.';
comment on column interval_reading.quality is 'Quality bits, 0 when good; bit 10 incomplete, 11 late, 12 clock suspect, 13 camera off its home preset.';
comment on column interval_reading.occupancy_e4 is 'Share of the period occupied, 1e-4; null when not measured.';
comment on column interval_reading.speed_e1_kmh is 'Mean speed of the counted vehicles, 0.1 km/h; null when not measured.';
comment on column interval_reading.confidence_e4 is 'Confidence of video analytics, 1e-4; null for other detectors.';
comment on column interval_reading.samples is 'Sub-samples that the figures rest on; null when not reported.';
comment on column interval_reading.samples_expected is 'Sub-samples of a complete period; null when not reported.';
comment on column interval_reading.classes is 'Vehicles per class: motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian; null elements were not measured.';
comment on column interval_reading.class_speed_e1_kmh is 'Mean speed per class in the same order, 0.1 km/h.';

create table interval_5min (
  bucket timestamptz not null,
  detector_id integer not null,
  intervals integer not null,
  good integer not null,
  duration_ms bigint not null,
  count_n integer not null,
  count_sum bigint not null,
  count_min integer,
  count_max integer,
  occupancy_ms bigint not null,
  occupancy_sum bigint not null,
  occupancy_min smallint,
  occupancy_max smallint,
  speed_count bigint not null,
  speed_sum bigint not null,
  pace_sum bigint not null,
  speed_min smallint,
  speed_max smallint,
  samples bigint not null,
  samples_expected bigint not null,
  quality integer not null,
  motorcycle bigint,
  bicycle bigint,
  car bigint,
  van bigint,
  bus bigint,
  truck2 bigint,
  truck3 bigint,
  trailer bigint,
  other bigint,
  pedestrian bigint,
  primary key (detector_id, bucket)
) with (fillfactor = 70);
select create_hypertable('interval_5min', by_range('bucket', interval '7 days'), create_default_indexes => false);
comment on table interval_5min is 'Sums of interval_reading per lane or zone and 5 minutes, kept in the transaction that stores the rows. An interval belongs to the bucket of its start. Integer sums: no order of arrival changes a digit. Values of cameras off their home preset (quality bit 13) are left out.';
comment on column interval_5min.bucket is 'Start of the 5 minutes, UTC.';
comment on column interval_5min.detector_id is 'Lane or zone (detector.id).';
comment on column interval_5min.intervals is 'Rows in the bucket.';
comment on column interval_5min.good is 'Rows of them without a quality bit.';
comment on column interval_5min.duration_ms is 'Sum of their durations, milliseconds.';
comment on column interval_5min.count_n is 'Rows with a count; 0 means that the count is not known.';
comment on column interval_5min.count_sum is 'Vehicles.';
comment on column interval_5min.count_min is 'Smallest count of a row; null when none had one.';
comment on column interval_5min.count_max is 'Largest count of a row; null when none had one.';
comment on column interval_5min.occupancy_ms is 'Duration of the rows with an occupancy, milliseconds; 0 means not known.';
comment on column interval_5min.occupancy_sum is 'Sum of occupancy times duration, 1e-4 x ms.';
comment on column interval_5min.occupancy_min is 'Smallest occupancy of a row, 1e-4.';
comment on column interval_5min.occupancy_max is 'Largest occupancy of a row, 1e-4.';
comment on column interval_5min.speed_count is 'Vehicles of the rows with count above 0 and a speed above 0; 0 means that the speed is not known.';
comment on column interval_5min.speed_sum is 'Sum of speed times count over those rows, 0.1 km/h; divided by speed_count it is the time-mean speed.';
comment on column interval_5min.pace_sum is 'Sum of count / speed over those rows, 1e-6 h/km, rounded per row; speed_count / pace_sum is the space-mean speed.';
comment on column interval_5min.speed_min is 'Smallest speed of such a row, 0.1 km/h.';
comment on column interval_5min.speed_max is 'Largest speed of such a row, 0.1 km/h.';
comment on column interval_5min.samples is 'Sum of sub-samples got.';
comment on column interval_5min.samples_expected is 'Sum of sub-samples expected in the rows that came; silent rows are counted from the registered period at query time.';
comment on column interval_5min.quality is 'Quality bits of all rows, or-ed.';
comment on column interval_5min.motorcycle is 'Motorcycles; null when no row carried the class.';
comment on column interval_5min.bicycle is 'Bicycles; null when no row carried the class.';
comment on column interval_5min.car is 'Cars; null when no row carried the class.';
comment on column interval_5min.van is 'Vans and minibuses; null when no row carried the class.';
comment on column interval_5min.bus is 'Buses; null when no row carried the class.';
comment on column interval_5min.truck2 is 'Trucks with two axles; null when no row carried the class.';
comment on column interval_5min.truck3 is 'Trucks with three and more axles; null when no row carried the class.';
comment on column interval_5min.trailer is 'Trailers; null when no row carried the class.';
comment on column interval_5min.other is 'Others; null when no row carried the class.';
comment on column interval_5min.pedestrian is 'Pedestrians; null when no row carried the class.';
