-- Sums over dossiers, kept with them in the same transaction, and the figures of closed periods.
-- A day counts by unit and channel only: by formality a cell would hold one dossier on average, so that
-- the records answer as fast. Months are kept four times, for the questions that are asked of them.

create table dossier_cell (
  level smallint not null check (level between 1 and 7),
  day date not null,
  unit text collate "C" not null,
  field text collate "C" not null,
  formality text collate "C" not null,
  channel text collate "C" not null,
  submitted integer,
  submitted_online integer,
  refused integer,
  received integer,
  received_person integer,
  received_business integer,
  received_organisation integer,
  supplemented integer,
  supplemented_twice integer,
  withdrawn integer,
  component_file integer,
  component_file_result integer,
  digitised integer,
  reused integer,
  national_store integer,
  vneid integer,
  boundary_free integer,
  boundary_known integer,
  fee_formality integer,
  fee_known integer,
  fee_dossier integer,
  paid_online integer,
  result_link integer,
  dissatisfied integer,
  disliked integer,
  petitioned integer,
  online integer,
  online_accepted integer,
  acceptance_min bigint,
  accepted_in_time integer,
  full_online integer,
  full_eligible integer,
  result_required integer,
  result_required_link integer,
  resolved integer,
  early integer,
  on_day integer,
  late integer,
  no_due integer,
  ended_withdrawn integer,
  ended_refused integer,
  ended_stopped integer,
  on_time_766 integer,
  on_time_766_known integer,
  handling_min bigint,
  handling_known integer,
  used_share_e4 bigint,
  used_known integer,
  late_apology integer,
  steps bigint,
  steps_on_time bigint,
  stepped integer,
  stepped_on_time integer,
  ended_supplemented_once integer,
  ended_supplemented_twice integer,
  ended_result_link integer,
  overdue_ended integer,
  overdue_began integer,
  primary key (level, day, unit, field, formality, channel)
) with (fillfactor = 70);
create index dossier_cell_formality on dossier_cell (formality, level, day) where formality <> '';
comment on table dossier_cell is 'Sums of the measures of dossiers. Equal at all times to what the dossiers give; a null and a missing row are zeros.';
comment on column dossier_cell.level is '1 day by unit; 2 month by unit; 3 month by unit and field; 4 month by unit and formality; 5 month by formality; 6 quarter by unit and formality; 7 year by unit and formality. All of them also by channel; by formality means by field, too.';
comment on column dossier_cell.day is 'Civil day, or first day of the month, quarter or year.';
comment on column dossier_cell.unit is 'Handling unit; empty when not known, or when the level has none.';
comment on column dossier_cell.field is 'Field; empty when not known, or when the level has none.';
comment on column dossier_cell.formality is 'Formality; empty when not known, or when the level has none.';
comment on column dossier_cell.channel is 'direct, online or post.';
comment on column dossier_cell.submitted is 'By day of submission: handed in.';
comment on column dossier_cell.submitted_online is 'By day of submission: those of them handed in online.';
comment on column dossier_cell.refused is 'By day of refusal: not accepted.';
comment on column dossier_cell.received is 'By day of acceptance: accepted.';
comment on column dossier_cell.received_person is 'By day of acceptance: applicant is a person.';
comment on column dossier_cell.received_business is 'By day of acceptance: applicant is a company.';
comment on column dossier_cell.received_organisation is 'By day of acceptance: applicant is another organisation.';
comment on column dossier_cell.supplemented is 'By day of acceptance: a supplement was asked for.';
comment on column dossier_cell.supplemented_twice is 'By day of acceptance: a supplement was asked for more than once.';
comment on column dossier_cell.withdrawn is 'By day of acceptance: withdrawn by the applicant.';
comment on column dossier_cell.component_file is 'By day of acceptance: with electronic files of components.';
comment on column dossier_cell.component_file_result is 'By day of acceptance: with electronic files of components and an electronic result.';
comment on column dossier_cell.digitised is 'By day of acceptance: components were digitised.';
comment on column dossier_cell.reused is 'By day of acceptance: a component was reused from digitised data.';
comment on column dossier_cell.national_store is 'By day of acceptance: a component came from the national personal store.';
comment on column dossier_cell.vneid is 'By day of acceptance: applicant authenticated by VNeID.';
comment on column dossier_cell.boundary_free is 'By day of acceptance: received outside the handling unit''s area.';
comment on column dossier_cell.boundary_known is 'By day of acceptance: known whether it was received outside the handling unit''s area.';
comment on column dossier_cell.fee_formality is 'By day of acceptance: formality has a fee.';
comment on column dossier_cell.fee_known is 'By day of acceptance: at least one fee was told, waived ones included.';
comment on column dossier_cell.fee_dossier is 'By day of acceptance: formality has a fee (where the catalogue is silent: one was told), and the fees that were told are not all zero: base of online payment.';
comment on column dossier_cell.paid_online is 'By day of acceptance: of the base of online payment: paid through a portal.';
comment on column dossier_cell.result_link is 'By day of acceptance: with an electronic result.';
comment on column dossier_cell.dissatisfied is 'By day of acceptance: overdue, disliked or complained of, each dossier once. Overdue is judged when it ended; open ones past their due time come from the open dossiers themselves.';
comment on column dossier_cell.disliked is 'By day of acceptance: a citizen''s form about it has a mean below one point.';
comment on column dossier_cell.petitioned is 'By day of acceptance: a petition complains of it.';
comment on column dossier_cell.online is 'By day of acceptance: handed in online.';
comment on column dossier_cell.online_accepted is 'By day of acceptance: handed in online, and working time until acceptance is known.';
comment on column dossier_cell.acceptance_min is 'By day of acceptance: working minutes from submission to acceptance of those.';
comment on column dossier_cell.accepted_in_time is 'By day of acceptance: those of them accepted within 8 working hours.';
comment on column dossier_cell.full_online is 'By day of acceptance: handed in online, and the formality was offered in full that day.';
comment on column dossier_cell.full_eligible is 'By day of acceptance: the formality was eligible to be offered in full that day.';
comment on column dossier_cell.result_required is 'By day of acceptance: the formality requires a paper result: base of electronic results.';
comment on column dossier_cell.result_required_link is 'By day of acceptance: those of them with an electronic result.';
comment on column dossier_cell.resolved is 'By day of end: ended after acceptance.';
comment on column dossier_cell.early is 'By day of end: ended on a day before the due day.';
comment on column dossier_cell.on_day is 'By day of end: ended on the due day.';
comment on column dossier_cell.late is 'By day of end: ended after the due time.';
comment on column dossier_cell.no_due is 'By day of end: ended without any due time.';
comment on column dossier_cell.ended_withdrawn is 'By day of end: ended by withdrawal; which bucket it counts in is configuration.';
comment on column dossier_cell.ended_refused is 'By day of end: ended by refusal.';
comment on column dossier_cell.ended_stopped is 'By day of end: ended by a stop.';
comment on column dossier_cell.on_time_766 is 'By day of end: in time by the rule of Decision 766.';
comment on column dossier_cell.on_time_766_known is 'By day of end: known whether in time by that rule.';
comment on column dossier_cell.handling_min is 'By day of end: working minutes of handling without pauses.';
comment on column dossier_cell.handling_known is 'By day of end: handling time is known.';
comment on column dossier_cell.used_share_e4 is 'By day of end: share of the limit that was used, in parts in ten thousand, added up.';
comment on column dossier_cell.used_known is 'By day of end: share of the limit is known.';
comment on column dossier_cell.late_apology is 'By day of end: ended late, and an apology was sent before the due time.';
comment on column dossier_cell.steps is 'By day of end: steps of the internal process whose limit is known.';
comment on column dossier_cell.steps_on_time is 'By day of end: those of them within their limit.';
comment on column dossier_cell.stepped is 'By day of end: dossiers with such steps.';
comment on column dossier_cell.stepped_on_time is 'By day of end: those of them with every step within its limit.';
comment on column dossier_cell.ended_supplemented_once is 'By day of end: a supplement was asked for exactly once.';
comment on column dossier_cell.ended_supplemented_twice is 'By day of end: a supplement was asked for more than once.';
comment on column dossier_cell.ended_result_link is 'By day of end: with an electronic result.';
comment on column dossier_cell.overdue_ended is 'By day of end: was past its due time when it ended.';
comment on column dossier_cell.overdue_began is 'By day of the due time: went past it; of open ones also in future, if they stay open.';

create table dossier_handling (
  level smallint not null check (level in (1, 2, 3)),
  day date not null,
  unit text collate "C" not null,
  minutes integer not null,
  dossiers integer not null,
  primary key (level, day, unit, minutes)
) with (fillfactor = 80);
comment on table dossier_handling is 'How long the handling of dossiers took, for quantiles. Equal at all times to what the dossiers give; a missing row is zero.';
comment on column dossier_handling.level is '1 month, 2 quarter, 3 year.';
comment on column dossier_handling.day is 'First day of the civil month, quarter or year in which they ended.';
comment on column dossier_handling.unit is 'Handling unit; empty when not known.';
comment on column dossier_handling.minutes is 'Least value of the bucket, working minutes without pauses: exact below 64, then the six leading bits.';
comment on column dossier_handling.dossiers is 'How many.';

-- A change of the catalogue changes what cells of accepted dossiers hold: they are built anew soon.
create table dossier_cell_state (
  one boolean primary key default true check (one),
  stale_since timestamptz
);
insert into dossier_cell_state (stale_since) values (null);
comment on table dossier_cell_state is 'One row: whether the sums over dossiers have to be built anew.';
comment on column dossier_cell_state.one is 'Always true: there is one row.';
comment on column dossier_cell_state.stale_since is 'Since when the catalogue of formalities differs from the one that they were made with; null when it does not.';
create function note_stale_cells() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (old.code, old.valid_from, old.valid_to, old.online_level, old.has_fee, old.eligible_full, old.requires_paper_result)
      is not distinct from
      (new.code, new.valid_from, new.valid_to, new.online_level, new.has_fee, new.eligible_full, new.requires_paper_result)
    then
      return null;
    end if;
  end if;
  if exists (
    select from dossier
    where (tg_op <> 'DELETE' and formality = new.code) or (tg_op <> 'INSERT' and formality = old.code)
  ) then
    update dossier_cell_state set stale_since = now() where stale_since is null;
  end if;
  return null;
end $$;
create trigger formality_changes_cells after insert or update or delete on formality
  for each row execute function note_stale_cells();

create table indicator_published (
  indicator text not null,
  unit text not null,
  period text not null,
  key text not null,
  value_e3 bigint,
  numerator bigint,
  denominator bigint,
  bound text not null check (bound in ('exact', 'at_least')),
  status text not null,
  reporting integer,
  expected integer,
  indicators_version text not null,
  calendar_version text not null,
  units_version text not null,
  cut_off timestamptz not null,
  closed_at timestamptz not null,
  closed_by text,
  primary key (period, indicator, unit, key)
);
comment on table indicator_published is 'Figures as they stood when their period was closed; never changed afterwards. Later readers give both these and what the records say now.';
comment on column indicator_published.indicator is 'Id in the catalogue of indicators.';
comment on column indicator_published.unit is 'Unit code.';
comment on column indicator_published.period is 'Period id: 2026-11-20, 2026-W47, 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026.';
comment on column indicator_published.key is 'Second key as dimension=value; empty for none.';
comment on column indicator_published.value_e3 is 'Value in thousandths; null when there was none.';
comment on column indicator_published.numerator is 'Numerator; null where the formula has none.';
comment on column indicator_published.denominator is 'Denominator; null where the formula has none.';
comment on column indicator_published.bound is 'exact, or at_least for a lower bound.';
comment on column indicator_published.status is 'ok, no_feed, no_data, calendar_unverified or calendar_incomplete.';
comment on column indicator_published.reporting is 'Units that had reported; null where that has no meaning.';
comment on column indicator_published.expected is 'Units that should have; null where that has no meaning.';
comment on column indicator_published.indicators_version is 'Version of the catalogue of indicators.';
comment on column indicator_published.calendar_version is 'Version of the calendar.';
comment on column indicator_published.units_version is 'Version of the trees of units.';
comment on column indicator_published.cut_off is 'Newest fact that was stored.';
comment on column indicator_published.closed_at is 'When the period was closed.';
comment on column indicator_published.closed_by is 'User who closed it; null when it closed by itself.';

create table official_score (
  component text not null,
  unit text not null,
  period text not null,
  score_e3 bigint,
  source text not null,
  raw jsonb,
  imported_at timestamptz not null,
  primary key (period, unit, component)
);
comment on table official_score is 'Scores of Decision 766 as the national portal published them, unchanged.';
comment on column official_score.component is 'Component (Q1.1 to Q6.3), or total.';
comment on column official_score.unit is 'Unit code.';
comment on column official_score.period is 'Period id.';
comment on column official_score.score_e3 is 'Score in thousandths of points; null when none was published.';
comment on column official_score.source is 'Where it was taken from.';
comment on column official_score.raw is 'Fields of the source that the hub does not know; null for none.';
comment on column official_score.imported_at is 'When it was imported.';

create table score_ruling (
  unit text not null,
  quarter date not null,
  indicator smallint not null check (indicator between 1 and 9),
  score_e3 integer check (score_e3 between 0 and 2000),
  reason text not null,
  ruled_by text not null,
  ruled_at timestamptz not null,
  primary key (unit, quarter, indicator, ruled_at)
);
comment on table score_ruling is 'Scores of the nine indicators that a person set in place of the proposed ones, or waived; append-only, the latest counts.';
comment on column score_ruling.unit is 'Unit code.';
comment on column score_ruling.quarter is 'First day of the quarter.';
comment on column score_ruling.indicator is 'N1 to N9 as 1 to 9.';
comment on column score_ruling.score_e3 is 'Thousandths of points; null waives the indicator.';
comment on column score_ruling.reason is 'Why, in the words of the person.';
comment on column score_ruling.ruled_by is 'User.';
comment on column score_ruling.ruled_at is 'When.';
