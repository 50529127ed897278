-- Data quality: states of detectors, and what makes the marks of their rows exact after a crash.

create table quality_state (
  is_single boolean primary key default true check (is_single),
  done_before timestamptz not null
);
comment on table quality_state is 'How far rows are marked by the history of their detectors. One row.';
comment on column quality_state.is_single is 'Keeps it at one row.';
comment on column quality_state.done_before is 'Rows before this carry their marks, unless their hour is in quality_dirty. After a start the rows from here on are judged again.';
insert into quality_state (done_before) values ('1970-01-01 00:00:00Z');

create table quality_dirty (
  detector_id integer not null,
  hour timestamptz not null,
  marks integer not null,
  primary key (detector_id, hour)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
comment on table quality_dirty is 'Closed hours that got rows whose marks, and those of the rows after them, are still to be judged. Marked in the transaction of the rows; an empty list is the normal state.';
comment on column quality_dirty.detector_id is 'Lane or zone (detector.id).';
comment on column quality_dirty.hour is 'Start of the hour, UTC.';
comment on column quality_dirty.marks is 'Changes of it, so that one that comes meanwhile is noticed.';

create table detector_marking (
  detector_id integer primary key,
  since timestamptz not null,
  fingerprint bigint
);
comment on table detector_marking is 'From when on the rows of a lane or zone are marked by its history, with the thresholds of now.';
comment on column detector_marking.detector_id is 'Lane or zone (detector.id).';
comment on column detector_marking.since is 'Rows before this keep the marks that they have.';
comment on column detector_marking.fingerprint is 'Number that changes with any threshold of it; null before the first.';
-- Rows of before are not judged anew.
insert into detector_marking (detector_id, since)
select id, date_trunc('hour', now()) + interval '1 hour' from detector d
where exists (select from interval_5min f where f.detector_id = d.id);

create table detector_fold (
  detector_id integer primary key,
  before timestamptz not null,
  state jsonb not null
);
comment on table detector_fold is 'History of a lane or zone as far as its checks need it, to go on from after a start.';
comment on column detector_fold.detector_id is 'Lane or zone (detector.id).';
comment on column detector_fold.before is 'It holds the rows before this.';
comment on column detector_fold.state is 'The history, in the program''s own form.';

create table detector_check (
  id bigint generated always as identity primary key,
  device_id integer not null references device (id),
  place text not null,
  detector_id integer,
  checked text not null,
  since timestamptz not null,
  until timestamptz,
  value real,
  limit_value real
);
create index detector_check_device on detector_check (device_id, since);
create index detector_check_detector on detector_check (detector_id, since) where detector_id is not null;
create index detector_check_open on detector_check (device_id) where until is null;
comment on table detector_check is 'States of detectors: one row for each time that a check was open, from the first row that it marked.';
comment on column detector_check.id is 'Number.';
comment on column detector_check.device_id is 'Device (device.id).';
comment on column detector_check.place is 'lane/NUMBER, zone/NAME, channel/NUMBER or phase/NUMBER; empty for the whole device.';
comment on column detector_check.detector_id is 'Lane or zone (detector.id); null for a channel, a phase or the whole device.';
comment on column detector_check.checked is 'Word of the check.';
comment on column detector_check.since is 'Begin of the first row that it marked, source clock.';
comment on column detector_check.until is 'Begin of the first row that it marked no more; null while it is open.';
comment on column detector_check.value is 'What was measured when it opened, in the unit of the check; null where nothing is measured.';
comment on column detector_check.limit_value is 'The limit of it.';

create table detector_forced (
  id bigint generated always as identity primary key,
  detector_id integer not null,
  from_at timestamptz not null,
  to_at timestamptz,
  reason text not null,
  who text not null,
  at timestamptz not null
);
create index detector_forced_detector on detector_forced (detector_id);
comment on table detector_forced is 'Spans in which a person declared a lane or zone bad: its rows carry quality bit 15.';
comment on column detector_forced.id is 'Number.';
comment on column detector_forced.detector_id is 'Lane or zone (detector.id).';
comment on column detector_forced.from_at is 'First instant.';
comment on column detector_forced.to_at is 'First instant after; null while it lasts.';
comment on column detector_forced.reason is 'Why.';
comment on column detector_forced.who is 'Who said so.';
comment on column detector_forced.at is 'When, hub clock.';

comment on column interval_reading.quality is 'Quality bits, 0 when good: 0 out of range, 1 max volume, 2 count against occupancy, 3 stuck on, 4 no activity, 5 constant, 6 spike, 7 speed, 8 length, 9 class sum, 10 incomplete, 11 late, 12 clock suspect, 13 off preset, 14 imputed, 15 declared bad.';
