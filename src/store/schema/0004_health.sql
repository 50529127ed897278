-- Equipment: health, connection, what cameras saw.

create table health (
  time timestamptz not null,
  device_id integer not null,
  report jsonb not null
);
select create_hypertable('health', by_range('time', interval '7 days'), create_default_indexes => false);
create unique index health_key on health (device_id, time);
comment on table health is 'Health reports. Natural key: device, time.';
comment on column health.time is 'Source clock.';
comment on column health.device_id is 'Equipment (device.id).';
comment on column health.report is 'Reported keys of the health message in the contract''s names, fixed point as named (_e1, _e4); absent keys were not reported.';

create table connection (
  time timestamptz not null,
  device_id integer not null,
  boot bigint not null,
  online boolean not null
);
select create_hypertable('connection', by_range('time', interval '30 days'), create_default_indexes => false);
create unique index connection_key on connection (device_id, time, boot, online);
comment on table connection is 'Connects and last wills.';
comment on column connection.time is 'Receive time, hub clock: a will carries no time.';
comment on column connection.device_id is 'Equipment (device.id).';
comment on column connection.boot is 'Restart counter of the source.';
comment on column connection.online is 'True on connect, false by last will.';

create table incident (
  time timestamptz not null,
  device_id integer not null,
  confidence_e4 smallint,
  ended timestamptz,
  kind text not null,
  zone text not null
);
select create_hypertable('incident', by_range('time', interval '30 days'), create_default_indexes => false);
create unique index incident_key on incident (device_id, kind, zone, time);
comment on table incident is 'What cameras saw. Natural key: device, kind, zone, time. A later message may fill the end of an incident, never change it.';
comment on column incident.time is 'Begin, source clock.';
comment on column incident.device_id is 'Camera (device.id).';
comment on column incident.confidence_e4 is 'Confidence, 1e-4; null when not reported.';
comment on column incident.ended is 'End, source clock; null while it lasts.';
comment on column incident.kind is 'stopped_vehicle, wrong_way, queue, pedestrian, smoke or fire.';
comment on column incident.zone is 'Zone of the camera.';
