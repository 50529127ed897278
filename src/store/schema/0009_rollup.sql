-- Rollups of an hour and of a civil day, and the state that makes every read of them exact.

create table interval_1h (
  like interval_5min including comments,
  count_ms bigint not null,
  primary key (detector_id, bucket)
);
select create_hypertable('interval_1h', by_range('bucket', interval '30 days'), create_default_indexes => false);
comment on table interval_1h is 'Sums of interval_5min per lane or zone and hour. A row counts only when its hour lies before rollup_state.built_before and is not in rollup_dirty; any other hour is summed from interval_5min when it is read.';
comment on column interval_1h.bucket is 'Start of the hour, UTC.';
comment on column interval_1h.count_ms is 'Duration of the rows with a count, milliseconds; of each 5 minutes in proportion.';

create table interval_1d (
  like interval_1h including comments,
  primary key (detector_id, bucket)
);
select create_hypertable('interval_1d', by_range('bucket', interval '365 days'), create_default_indexes => false);
comment on table interval_1d is 'Sums of interval_5min per lane or zone and civil day of the city. A row counts only when its day lies before rollup_state.days_before and none of its hours is in rollup_dirty.';
comment on column interval_1d.bucket is 'Start of the civil day.';

create table rollup_state (
  is_single boolean primary key default true check (is_single),
  closed_before timestamptz not null,
  built_before timestamptz not null,
  days_before timestamptz not null,
  kept_since timestamptz not null,
  lowered integer not null,
  zone text not null
);
comment on table rollup_state is 'How far the rollups of hours and days have come. One row.';
comment on column rollup_state.is_single is 'Keeps it at one row.';
comment on column rollup_state.closed_before is 'Hours before this are closed: whoever changes their 5-minute rows marks them in rollup_dirty. Hours from here on are open and never stored. Advanced by the hub''s writer alone.';
comment on column rollup_state.built_before is 'Hours before this are stored in interval_1h, unless they are marked. Never beyond closed_before.';
comment on column rollup_state.days_before is 'Civil days that begin before this are stored in interval_1d, unless one of their hours is marked.';
comment on column rollup_state.kept_since is '5-minute rows before this may be gone: hours and days before it are never built again.';
comment on column rollup_state.lowered is 'How often closed_before was set back because the hub''s clock had been ahead.';
comment on column rollup_state.zone is 'Zone of the civil days in interval_1d; empty before the first.';
-- History that is there already lies in closed hours that are still to be built.
insert into rollup_state (closed_before, built_before, days_before, kept_since, lowered, zone)
values ('1970-01-01 00:00:00Z', '1970-01-01 00:00:00Z', '1970-01-01 00:00:00Z', '1970-01-01 00:00:00Z', 0, '');

create table rollup_dirty (
  detector_id integer not null,
  hour timestamptz not null,
  marks integer not null,
  primary key (detector_id, hour)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
comment on table rollup_dirty is 'Closed hours whose 5-minute rows changed since they were built. Marked in the transaction of the change; an empty list is the normal state.';
comment on column rollup_dirty.detector_id is 'Lane or zone (detector.id).';
comment on column rollup_dirty.hour is 'Start of the hour, UTC.';
comment on column rollup_dirty.marks is 'Batches that changed it. Counting them locks the row, which keeps a change from slipping past the worker.';
