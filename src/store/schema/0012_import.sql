-- Tables that people import, beside the facts that they bring: form II.06a as it was published, and what
-- each import did. Officially published points go to official_score, formalities to formality.

create table imported_ii06a (
  unit text not null,
  period text not null,
  field text not null,
  received_total bigint,
  received_online bigint,
  received_direct bigint,
  carried_over bigint,
  resolved_total bigint,
  resolved_early bigint,
  resolved_on_day bigint,
  resolved_late bigint,
  open_total bigint,
  open_in_time bigint,
  open_late bigint,
  lower_bounds text[] not null,
  source text not null,
  imported_at timestamptz not null,
  primary key (period, unit, field)
);
comment on table imported_ii06a is 'Form II.06a/VPCP/KSTT as it was published, unchanged, also where its sums do not hold. A later import of the same row replaces it; the journal tells.';
comment on column imported_ii06a.unit is 'Unit code.';
comment on column imported_ii06a.period is 'Period id: 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026.';
comment on column imported_ii06a.field is 'Field of formalities, a token; empty for all fields of the unit.';
comment on column imported_ii06a.received_total is 'Column 3: received, carried over included; null where the cell was empty, as in all columns.';
comment on column imported_ii06a.received_online is 'Column 4: received online in the period.';
comment on column imported_ii06a.received_direct is 'Column 5: received directly or by post in the period.';
comment on column imported_ii06a.carried_over is 'Column 6: carried over from the period before.';
comment on column imported_ii06a.resolved_total is 'Column 7: resolved.';
comment on column imported_ii06a.resolved_early is 'Column 8: resolved before the due day.';
comment on column imported_ii06a.resolved_on_day is 'Column 9: resolved on the due day.';
comment on column imported_ii06a.resolved_late is 'Column 10: resolved after the due day.';
comment on column imported_ii06a.open_total is 'Column 11: open at the end.';
comment on column imported_ii06a.open_in_time is 'Column 12: open and in time.';
comment on column imported_ii06a.open_late is 'Column 13: open and overdue.';
comment on column imported_ii06a.lower_bounds is 'Names of the columns that were published as "more than".';
comment on column imported_ii06a.source is 'Where it was taken from.';
comment on column imported_ii06a.imported_at is 'When it was imported.';

create table import_run (
  id bigint generated always as identity primary key,
  kind text not null,
  who text not null,
  sha256 text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  storable bigint not null,
  done bigint not null,
  new bigint not null,
  duplicates bigint not null,
  changed bigint not null,
  refused bigint not null,
  rows_bad bigint not null
);
comment on table import_run is 'Imports with what they stored so far; dry runs are not kept.';
comment on column import_run.id is 'Number in order.';
comment on column import_run.kind is 'dossier, ticket, ii06a, official766 or formality.';
comment on column import_run.who is 'Account name, or command:NAME for the command line.';
comment on column import_run.sha256 is 'SHA-256 of the file, to recognise it again.';
comment on column import_run.started_at is 'Hub clock.';
comment on column import_run.finished_at is 'Hub clock; null while it runs, or when it was cut off.';
comment on column import_run.storable is 'Facts or rows of the file that can be stored.';
comment on column import_run.done is 'Of them handled so far.';
comment on column import_run.new is 'New ones.';
comment on column import_run.duplicates is 'Stored before with the same content.';
comment on column import_run.changed is 'Rows that replaced others; facts that were stored before with other content and kept as they were.';
comment on column import_run.refused is 'Facts that the hub refused.';
comment on column import_run.rows_bad is 'Rows of the file with a problem, of which nothing is stored.';
