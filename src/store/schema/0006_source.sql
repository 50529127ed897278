-- What sources do: counters, current values, the quarantine.

create table source_state (
  source text primary key,
  service text not null,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  last_time timestamptz,
  boot bigint,
  seq bigint,
  online boolean,
  clock_source text,
  clock_offset_ms integer,
  messages bigint not null,
  refused bigint not null,
  duplicates bigint not null,
  late bigint not null,
  dropped bigint not null,
  unguaranteed bigint not null
) with (fillfactor = 70);
comment on table source_state is 'One row per source that ever published, registered or not.';
comment on column source_state.source is 'Source token.';
comment on column source_state.service is 'Service level of its topic.';
comment on column source_state.first_seen is 'First message, hub clock.';
comment on column source_state.last_seen is 'Latest message, hub clock.';
comment on column source_state.last_time is 'Largest message time, source clock; null before the first good message.';
comment on column source_state.boot is 'Largest restart counter; null before the first good message.';
comment on column source_state.seq is 'seq of the latest message of that boot.';
comment on column source_state.online is 'Latest connection state; null when it publishes no status.';
comment on column source_state.clock_source is 'ntp, gps, ptp or none; null when not reported.';
comment on column source_state.clock_offset_ms is 'Reported clock offset, milliseconds; null when not reported.';
comment on column source_state.messages is 'Messages received.';
comment on column source_state.refused is 'Messages or parts of them refused.';
comment on column source_state.duplicates is 'Rows that were already there.';
comment on column source_state.late is 'Messages marked late by the source.';
comment on column source_state.dropped is 'Refused messages beyond the bound of the quarantine: counted, not kept.';
comment on column source_state.unguaranteed is 'Messages published with QoS 0.';

create table current_value (
  device_id integer not null,
  stream text not null,
  time timestamptz not null,
  boot bigint not null,
  seq bigint not null,
  received_at timestamptz not null,
  payload bytea not null,
  primary key (device_id, stream)
) with (fillfactor = 50);
comment on table current_value is 'Latest message of each device and stream by (time, boot, seq), never by arrival. Read once at start, for the live view.';
comment on column current_value.device_id is 'Device (device.id).';
comment on column current_value.stream is 'Stream token.';
comment on column current_value.time is 'Message time, source clock; receive time of a status.';
comment on column current_value.boot is 'Restart counter.';
comment on column current_value.seq is 'Message number; 0 for a status.';
comment on column current_value.received_at is 'Hub clock.';
comment on column current_value.payload is 'The message as it came.';

create table quarantine (
  id bigint generated always as identity primary key,
  received_at timestamptz not null,
  topic text not null,
  service text,
  source text,
  message_time timestamptz,
  reason text not null,
  field text not null,
  detail text not null,
  personal boolean not null,
  partial boolean not null,
  payload bytea not null,
  replayed_at timestamptz,
  replay_result text
);
create index quarantine_source on quarantine (source, id);
create index quarantine_received on quarantine (received_at);
comment on table quarantine is 'Messages, or parts of them, that were not taken. Nothing of them is lost; after a fix they can be replayed.';
comment on column quarantine.id is 'Number in order of arrival.';
comment on column quarantine.received_at is 'Hub clock.';
comment on column quarantine.topic is 'Topic text as it came.';
comment on column quarantine.service is 'Service of the topic; null when the topic did not parse.';
comment on column quarantine.source is 'Source of the topic; null when the topic did not parse.';
comment on column quarantine.message_time is 'Message time, source clock; null when it could not be read.';
comment on column quarantine.reason is 'Reason code.';
comment on column quarantine.field is 'JSON path of the field at fault; empty for the whole message.';
comment on column quarantine.detail is 'What was found and what is allowed.';
comment on column quarantine.personal is 'True for streams that may carry personal data: shorter retention, administrators only.';
comment on column quarantine.partial is 'True when the rest of the message was taken.';
comment on column quarantine.payload is 'The bytes; of personal streams with digit runs masked, of personal_data only the key names.';
comment on column quarantine.replayed_at is 'When it was replayed with success; null when not.';
comment on column quarantine.replay_result is 'What the latest replay said; null before the first.';
