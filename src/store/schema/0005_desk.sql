-- The 1022 service desk: ticket steps as they came, tickets as they stand, calls.

create table ticket_step (
  device_id integer not null,
  ticket text not null,
  status text not null,
  at timestamptz not null,
  time timestamptz not null,
  boot bigint not null,
  seq bigint not null,
  channel text,
  kind text,
  category text,
  unit text,
  summary text,
  lat double precision,
  lon double precision,
  due_at timestamptz,
  first_response_at timestamptz,
  solved_at_desk boolean,
  merged_into text,
  rating smallint,
  primary key (device_id, ticket, status, at)
);
comment on table ticket_step is 'Steps in the life of tickets, append-only. Natural key: source, ticket, status, at.';
comment on column ticket_step.device_id is 'Publishing system (device.id).';
comment on column ticket_step.ticket is 'Ticket number.';
comment on column ticket_step.status is 'new, triaged, assigned, in_progress, waiting_citizen, waiting_other, resolved, published, closed, rejected, duplicate, transferred or reopened.';
comment on column ticket_step.at is 'When the step was taken.';
comment on column ticket_step.time is 'Message time, source clock.';
comment on column ticket_step.boot is 'Restart counter of the source.';
comment on column ticket_step.seq is 'Message number within the boot.';
comment on column ticket_step.channel is 'hotline, web, app, zalo, facebook, in_person or email; null when not told in this step.';
comment on column ticket_step.kind is 'inquiry, request, report or petition; null when not told.';
comment on column ticket_step.category is 'Category token; null when not told.';
comment on column ticket_step.unit is 'Responsible unit; null when not told.';
comment on column ticket_step.summary is 'Text without personal data, never public; null when not told.';
comment on column ticket_step.lat is 'Latitude, degrees; null when not told.';
comment on column ticket_step.lon is 'Longitude, degrees; null when not told.';
comment on column ticket_step.due_at is 'Due time; null when not told.';
comment on column ticket_step.first_response_at is 'First reply; null when not told.';
comment on column ticket_step.solved_at_desk is 'Answered in the first contact; null when not told.';
comment on column ticket_step.merged_into is 'Ticket that this one duplicates; null for none.';
comment on column ticket_step.rating is 'Citizen''s rating 1..5; null when not given.';

create table ticket (
  device_id integer not null,
  ticket text not null,
  status text not null,
  status_at timestamptz not null,
  created_at timestamptz not null,
  handled_at timestamptz,
  channel text,
  kind text,
  category text,
  unit text,
  summary text,
  lat double precision,
  lon double precision,
  due_at timestamptz,
  first_response_at timestamptz,
  solved_at_desk boolean,
  merged_into text,
  rating smallint,
  primary key (device_id, ticket)
);
create index ticket_status on ticket (status);
create index ticket_created on ticket (created_at);
create index ticket_handled on ticket (handled_at);
comment on table ticket is 'Tickets as they stand: recomputed from all their steps in the order of at, time, boot, seq, so no order of arrival changes them; null never overwrites a value.';
comment on column ticket.device_id is 'Publishing system (device.id).';
comment on column ticket.ticket is 'Ticket number.';
comment on column ticket.status is 'Status of the latest step.';
comment on column ticket.status_at is 'When that step was taken.';
comment on column ticket.created_at is 'When the earliest known step was taken.';
comment on column ticket.handled_at is 'When it reached resolved, published or closed since it was last (re)opened; null while in process or left by a side exit.';
comment on column ticket.channel is 'Latest known channel.';
comment on column ticket.kind is 'Latest known kind.';
comment on column ticket.category is 'Latest known category.';
comment on column ticket.unit is 'Latest known responsible unit.';
comment on column ticket.summary is 'Latest known text, never public.';
comment on column ticket.lat is 'Latest known latitude, degrees.';
comment on column ticket.lon is 'Latest known longitude, degrees.';
comment on column ticket.due_at is 'Latest known due time.';
comment on column ticket.first_response_at is 'Latest known first reply.';
comment on column ticket.solved_at_desk is 'Latest known mark.';
comment on column ticket.merged_into is 'Latest known ticket that this one duplicates.';
comment on column ticket.rating is 'Latest known rating 1..5.';

create table call (
  device_id integer not null,
  call text not null,
  direction text not null,
  queued_at timestamptz,
  answered_at timestamptz,
  abandoned_at timestamptz,
  ended_at timestamptz,
  ticket text,
  time timestamptz not null,
  primary key (device_id, call)
);
create index call_time on call (time);
comment on table call is 'Calls at the switchboard. Natural key: source, call.';
comment on column call.device_id is 'Publishing system (device.id).';
comment on column call.call is 'Call id.';
comment on column call.direction is 'in or out.';
comment on column call.queued_at is 'When the caller entered the queue; null when not reported.';
comment on column call.answered_at is 'When it was answered; null when it was not.';
comment on column call.abandoned_at is 'When the caller gave up; null when not.';
comment on column call.ended_at is 'When it ended; null when not reported.';
comment on column call.ticket is 'Ticket that it led to; null for none.';
comment on column call.time is 'Message time, source clock.';

create table metric_value (
  time timestamptz not null,
  device_id integer not null,
  name text not null,
  unit text not null,
  labels jsonb not null,
  value double precision,
  bound text not null
);
select create_hypertable('metric_value', by_range('time', interval '365 days'), create_default_indexes => false);
create unique index metric_value_key on metric_value (name, device_id, unit, labels, time);
comment on table metric_value is 'Figures of other city systems. Natural key: source, name, unit, labels, time.';
comment on column metric_value.time is 'Source clock.';
comment on column metric_value.device_id is 'Publishing system (device.id).';
comment on column metric_value.name is 'Name in the metric catalogue.';
comment on column metric_value.unit is 'Unit that the figure belongs to; empty for none.';
comment on column metric_value.labels is 'Further dimensions.';
comment on column metric_value.value is 'The figure in the catalogue''s unit of measure; null when it was not measured.';
comment on column metric_value.bound is 'exact or at_least.';
