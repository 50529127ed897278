-- What people arrange for themselves and for the room: saved views, wall displays, hand-overs of shifts.

create table saved_view (
  id bigint generated always as identity primary key,
  owner text not null,
  name text not null,
  address text not null,
  shared boolean not null,
  created_at timestamptz not null,
  unique (owner, name)
);
comment on table saved_view is 'Addresses of pages with what is chosen on them, by name.';
comment on column saved_view.id is 'Number in order.';
comment on column saved_view.owner is 'Account name.';
comment on column saved_view.name is 'Name, unique for its owner.';
comment on column saved_view.address is 'Path and search of the page, beginning with one slash.';
comment on column saved_view.shared is 'Everybody sees it; else only the owner.';
comment on column saved_view.created_at is 'Hub clock.';

create table display (
  id text primary key,
  profile jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null
);
comment on table display is 'Wall displays that were changed or added in the settings; they replace those of the city folder with the same id.';
comment on column display.id is 'Token.';
comment on column display.profile is 'Names, panels, distance and views, as the API shows them.';
comment on column display.changed_by is 'Account name.';
comment on column display.changed_at is 'Hub clock.';

create table display_push (
  display text primary key,
  view text not null,
  pushed_by text not null,
  pushed_at timestamptz not null,
  until timestamptz not null
);
comment on table display_push is 'View that somebody put on a wall display for a time; the latest of each display.';
comment on column display_push.display is 'Id of the display.';
comment on column display_push.view is 'overview, traffic, service or alarms.';
comment on column display_push.pushed_by is 'Account name.';
comment on column display_push.pushed_at is 'Hub clock.';
comment on column display_push.until is 'Hub clock; from then on the display goes its own way again.';

create table handover (
  id bigint generated always as identity primary key,
  from_time timestamptz not null,
  to_time timestamptz not null,
  note text not null,
  given_by text not null,
  given_at timestamptz not null,
  taken_by text,
  taken_at timestamptz,
  check (from_time < to_time),
  check ((taken_by is null) = (taken_at is null))
);
create index handover_given_at on handover (given_at);
comment on table handover is 'Hand-overs of shifts: signed by who goes, then by who comes. A signature is never changed.';
comment on column handover.id is 'Number in order.';
comment on column handover.from_time is 'Begin of the shift.';
comment on column handover.to_time is 'End of the shift.';
comment on column handover.note is 'What who comes has to know.';
comment on column handover.given_by is 'Account that signed as going.';
comment on column handover.given_at is 'Hub clock.';
comment on column handover.taken_by is 'Account that signed as coming; null until then.';
comment on column handover.taken_at is 'Hub clock; null until then.';
