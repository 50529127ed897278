-- Notifications: what is sent to people and systems elsewhere, and how far each receiver has come.

create table notification_endpoint (
  endpoint text primary key,
  cursor_seq bigint not null,
  moved_at timestamptz not null
) with (fillfactor = 50);
comment on table notification_endpoint is 'How far each receiver of notifications has come. One row per endpoint that ever was configured.';
comment on column notification_endpoint.endpoint is 'Name of the endpoint in the configuration.';
comment on column notification_endpoint.cursor_seq is 'Last transition of alarms (alarm_transition.seq) that was looked at for it; what matched up to there is a row of notification.';
comment on column notification_endpoint.moved_at is 'When the cursor moved last, hub clock.';

create table notification (
  id bigint generated always as identity primary key,
  endpoint text not null,
  first_seq bigint not null,
  last_seq bigint not null,
  alarms integer not null,
  made_at timestamptz not null,
  content jsonb not null,
  state text not null check (state in ('waiting', 'delivered', 'dead')),
  attempts integer not null,
  next_at timestamptz,
  settled_at timestamptz,
  answer text,
  unique (endpoint, last_seq)
) with (fillfactor = 70);
create index notification_waiting on notification (endpoint, id) where state = 'waiting';
create index notification_dead on notification (id) where state = 'dead';
create index notification_made on notification (made_at);
comment on table notification is 'Every message to an endpoint. Written together with the cursor before the first attempt, so that a message that is sent again after a crash has the same key and the same content.';
comment on column notification.id is 'Number in order.';
comment on column notification.endpoint is 'Name of the endpoint.';
comment on column notification.first_seq is 'First transition that it tells of.';
comment on column notification.last_seq is 'Last transition that it tells of. ENDPOINT:LAST_SEQ is the key by which receivers know a message that comes again.';
comment on column notification.alarms is 'Transitions that it tells of: 1, or more in a digest.';
comment on column notification.made_at is 'When it was made, hub clock.';
comment on column notification.content is 'What it says, as it was when it was made.';
comment on column notification.state is 'waiting: to be sent, or sent again; delivered: the receiver took it; dead: given up, until somebody has it sent again.';
comment on column notification.attempts is 'Attempts so far; begins anew when somebody has it sent again.';
comment on column notification.next_at is 'Earliest next attempt, hub clock; null when it was delivered or given up.';
comment on column notification.settled_at is 'When it was delivered or given up, hub clock; null while it waits.';
comment on column notification.answer is 'What came of the last attempt, in words; null before the first.';
