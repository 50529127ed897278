-- Signal controllers: states and high-resolution events.

create table signal_state (
  time timestamptz not null,
  device_id integer not null,
  mode text not null,
  plan integer,
  cycle_ms integer,
  cycle_position_ms integer,
  offset_ms integer,
  flash smallint,
  preempt smallint,
  groups jsonb not null
);
select create_hypertable('signal_state', by_range('time', interval '1 day'), create_default_indexes => false);
create unique index signal_state_key on signal_state (device_id, time);
comment on table signal_state is 'State of every signal group of one controller at one instant. Natural key: device, time.';
comment on column signal_state.time is 'Source clock.';
comment on column signal_state.device_id is 'Controller (device.id).';
comment on column signal_state.mode is 'coordinated, free, adaptive, manual, flash, preempt, startup, dark, all_red or unknown.';
comment on column signal_state.plan is 'Number of the running plan; null when not reported.';
comment on column signal_state.cycle_ms is 'Cycle length, milliseconds; null when not reported.';
comment on column signal_state.cycle_position_ms is 'Position in the cycle, milliseconds; null when not reported.';
comment on column signal_state.offset_ms is 'Offset of the plan, milliseconds; null when not reported.';
comment on column signal_state.flash is 'NTCIP 1202 unitFlashStatus 1..8; null when not reported.';
comment on column signal_state.preempt is 'Active preempt, 0 for none; null when not reported.';
comment on column signal_state.groups is 'Groups: kind, group, state (SAE J2735 MovementPhaseState 0..9), since, min_end_ms, max_end_ms, likely_end_ms, call.';

create table signal_event (
  time timestamptz not null,
  device_id integer not null,
  code integer not null,
  parameter integer not null
);
select create_hypertable('signal_event', by_range('time', interval '1 day'), create_default_indexes => false);
create unique index signal_event_key on signal_event (device_id, time, code, parameter);
comment on table signal_event is 'High-resolution controller events. Natural key: all columns.';
comment on column signal_event.time is 'Source clock, milliseconds.';
comment on column signal_event.device_id is 'Controller (device.id).';
comment on column signal_event.code is 'Event code of the Indiana enumeration and the vendors'' additions.';
comment on column signal_event.parameter is 'Parameter of the event: phase, channel, value.';
