-- What is judged by limits that can change: kept with the record, so that whoever sums up need not know the
-- limits. The hub fills it in by judging every record anew; until then it counts as not met.

alter table dossier add column accepted_in_time boolean;
comment on column dossier.accepted_in_time is 'Whether acceptance_min is within the limit that was valid on the day of hand-in; null where either is not known.';

-- The cube follows the records, of which none is judged yet.
update dossier_cell set accepted_in_time = null where accepted_in_time is not null;

alter table ticket
  add column sla_met boolean,
  add column satisfied boolean;
comment on column ticket.effective_due is 'Due time in force, else by the service levels of the desk, with the waiting that began after it was set; null while it waits, and where neither levels nor calendar reach.';
comment on column ticket.sla_met is 'Whether it was handled, given to a unit and answered for the first time within the service levels, as far as that was told; null while it is not handled.';
comment on column ticket.satisfied is 'Whether the rating counts as satisfied; null without one.';

alter table call
  add column answered_soon boolean,
  add column abandoned_short boolean;
comment on column call.day is 'Civil day on which it was offered: of queued_at, else of answered_at, else of time; null only until the hub has judged it.';
comment on column call.answered_soon is 'Whether it was answered within the service level; null where that cannot be told.';
comment on column call.abandoned_short is 'Whether it was given up so early that it may be a misdial; null where that cannot be told.';

comment on column record_rule.noun is 'dossier, petition, document, ticket or call.';
comment on column record_rule.rules is 'Version of the fold, zone, versions of calendar and units, limits.';
