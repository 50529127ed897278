-- Alarms: what they are now, everything that happened to them, and works during which they are expected.

create table alarm (
  code text not null,
  object text not null,
  service text,
  area text,
  occurrence bigint not null,
  priority smallint not null check (priority between 1 and 4),
  state text not null check (state in ('norm', 'unack', 'ack', 'rtnun', 'latch')),
  raised_at timestamptz,
  acked_at timestamptz,
  acked_by text,
  cleared_at timestamptz,
  changed_at timestamptz not null,
  count integer not null,
  value double precision,
  limit_value double precision,
  why text,
  shelved_until timestamptz,
  shelved_by text,
  shelved_second text,
  shelved_reason text,
  suppressed text[] not null,
  parent text,
  out_of_service_by text,
  out_of_service_ticket text,
  assignee text,
  ticket text,
  comments integer not null,
  first_out boolean not null,
  chattering boolean not null,
  presented boolean not null,
  seq bigint not null,
  primary key (code, object)
);
create index alarm_state on alarm (state) where state <> 'norm';
comment on table alarm is 'Every alarm that ever was raised, as it is now: one row per rule and object. Written with the transitions that change it, in their transaction.';
comment on column alarm.code is 'Code of the rule in the catalogue of alarms.';
comment on column alarm.object is 'What the alarm is about: a source, SOURCE/lane/N or SOURCE/zone/NAME of a detector, hub:PART, unit:CODE, corridor:ID or indicator:ID.';
comment on column alarm.service is 'Service of the source; null for objects that are no device.';
comment on column alarm.area is 'Area that the object lies in, or the unit that it is; null for none.';
comment on column alarm.occurrence is 'Number of the present or last occurrence, from 1; 0 when it never was raised.';
comment on column alarm.priority is '1 critical, 2 high, 3 medium, 4 low; by the value where the rule says so.';
comment on column alarm.state is 'norm, unack (active, not acknowledged), ack (active, acknowledged), rtnun (returned, not acknowledged) or latch (returned, waits for a reset).';
comment on column alarm.raised_at is 'First raise of the occurrence, hub clock; null before the first.';
comment on column alarm.acked_at is 'When the occurrence was acknowledged, hub clock; null while it was not.';
comment on column alarm.acked_by is 'Account that acknowledged it; null while it was not.';
comment on column alarm.cleared_at is 'Last return to normal, hub clock; null while active.';
comment on column alarm.changed_at is 'Last transition, hub clock.';
comment on column alarm.count is 'Raises of the occurrence.';
comment on column alarm.value is 'Value at the last raise, in the unit of measure of the rule; null where the rule measures none.';
comment on column alarm.limit_value is 'Limit that the value crossed, same unit; null where the rule measures none.';
comment on column alarm.why is 'Reason code at the last raise, such as flash.mmu or camera.auth; null for none.';
comment on column alarm.shelved_until is 'End of the shelving, hub clock; null while not shelved, as the three after it.';
comment on column alarm.shelved_by is 'Account that shelved it.';
comment on column alarm.shelved_second is 'Account of the second person; null where none was needed.';
comment on column alarm.shelved_reason is 'Why it was shelved.';
comment on column alarm.suppressed is 'By what it is suppressed: parent, works, flood, operator; empty for nothing.';
comment on column alarm.parent is 'Alarm that this one follows from, CODE:OBJECT; null for none.';
comment on column alarm.out_of_service_by is 'Account that took it out of service; null while in service.';
comment on column alarm.out_of_service_ticket is 'Ticket of that; null for none.';
comment on column alarm.assignee is 'Account that cares for it; null for nobody.';
comment on column alarm.ticket is 'Ticket that it is linked to; null for none.';
comment on column alarm.comments is 'Comments of the occurrence.';
comment on column alarm.first_out is 'Whether it was the first at its place, so probably the cause of those after it.';
comment on column alarm.chattering is 'Whether it came and went so often that shelving is proposed.';
comment on column alarm.presented is 'Whether the occurrence was shown to operators: what was not needs no acknowledgement.';
comment on column alarm.seq is 'Number of its last transition.';

create table alarm_transition (
  seq bigint primary key,
  at timestamptz not null,
  code text not null,
  object text not null,
  service text,
  area text,
  occurrence bigint not null,
  action text not null,
  from_state text not null,
  to_state text not null,
  priority smallint not null,
  presented boolean not null,
  who text,
  second text,
  reason text,
  until timestamptz,
  suppressed text,
  value double precision,
  limit_value double precision,
  why text,
  first_out boolean not null,
  parent text,
  ticket text,
  assignee text
);
create index alarm_transition_alarm on alarm_transition (code, object, seq);
create index alarm_transition_at on alarm_transition (at);
comment on table alarm_transition is 'Everything that happened to alarms, append-only: the application role may neither update nor delete. Committed with the facts that caused it.';
comment on column alarm_transition.seq is 'Number in the order of commits, from 1: whoever has read up to one has missed none before it.';
comment on column alarm_transition.at is 'Hub clock: receipt of the message that caused it, end of the delay that ran out, or when somebody asked for it. May lie before the transition before it.';
comment on column alarm_transition.code is 'Code of the rule.';
comment on column alarm_transition.object is 'Object, as in alarm.';
comment on column alarm_transition.service is 'Service of the source; null for objects that are no device.';
comment on column alarm_transition.area is 'Area of the object at that time; null for none.';
comment on column alarm_transition.occurrence is 'Number of the occurrence.';
comment on column alarm_transition.action is 'raise, re_raise, escalate, ease, clear, withdraw, acknowledge, reset, shelve, unshelve, suppress, unsuppress, out_of_service, in_service, chatter, calm, comment, assign or link.';
comment on column alarm_transition.from_state is 'State before: norm, unack, ack, rtnun or latch.';
comment on column alarm_transition.to_state is 'State after.';
comment on column alarm_transition.priority is 'Priority after, 1 to 4.';
comment on column alarm_transition.presented is 'Whether operators saw the alarm after it: neither shelved, nor suppressed, nor out of service.';
comment on column alarm_transition.who is 'Account that asked for it; null when the hub did it by a rule.';
comment on column alarm_transition.second is 'Account of the second person who agreed; null where none was needed.';
comment on column alarm_transition.reason is 'Reason or comment that was given; of the hub''s own transitions why, in a word; null for none.';
comment on column alarm_transition.until is 'End of a shelving, hub clock; null for other actions.';
comment on column alarm_transition.suppressed is 'parent, works, flood or operator where it is suppressed or no longer; null for other actions.';
comment on column alarm_transition.value is 'Value of the measured quantity; null where none was measured.';
comment on column alarm_transition.limit_value is 'Limit that it crossed; null for none.';
comment on column alarm_transition.why is 'Reason code, such as flash.mmu; null for none.';
comment on column alarm_transition.first_out is 'Whether it was the first at its place.';
comment on column alarm_transition.parent is 'Alarm that this one follows from, CODE:OBJECT; null for none.';
comment on column alarm_transition.ticket is 'Ticket of the action; null for none.';
comment on column alarm_transition.assignee is 'Account that was assigned; null for none.';

create table alarm_works (
  id bigint generated always as identity primary key,
  objects text[] not null,
  area text,
  corridor text,
  codes text[] not null,
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at > from_at),
  reason text not null,
  ticket text,
  by_whom text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  ended_by text
);
comment on table alarm_works is 'Planned works: alarms of these objects are expected meanwhile and suppressed.';
comment on column alarm_works.id is 'Number in order.';
comment on column alarm_works.objects is 'Objects, as in alarm; a source stands for its detectors and for what hangs on it, too. Empty when area or corridor tells.';
comment on column alarm_works.area is 'Area whose objects are meant; null for none.';
comment on column alarm_works.corridor is 'Corridor whose devices are meant; null for none.';
comment on column alarm_works.codes is 'Codes of rules that are expected; empty for all.';
comment on column alarm_works.from_at is 'Begin, hub clock.';
comment on column alarm_works.to_at is 'End, hub clock.';
comment on column alarm_works.reason is 'What is done.';
comment on column alarm_works.ticket is 'Ticket of the works; null for none.';
comment on column alarm_works.by_whom is 'Account that entered them.';
comment on column alarm_works.created_at is 'Hub clock.';
comment on column alarm_works.ended_at is 'When they were ended early or called off, hub clock; null otherwise.';
comment on column alarm_works.ended_by is 'Account that ended them early; null otherwise.';
