-- The one-stop system: steps as they came, and dossiers, petitions and documents as they stand; forms on
-- the nine indicators; the catalogue of formalities and online services. Tickets learn what indicators
-- need of them.

create table dossier_step (
  device_id integer not null,
  dossier text not null,
  status smallint not null,
  at timestamptz not null,
  time timestamptz not null,
  boot bigint not null,
  seq bigint not null,
  formality text,
  field text,
  unit text,
  received_by text,
  channel text,
  submitted_at timestamptz,
  received_at timestamptz,
  due_at timestamptz,
  limit_value smallint,
  limit_unit text,
  has_component_file boolean,
  digitised boolean,
  reused boolean,
  from_national_store boolean,
  vneid boolean,
  paid_online smallint,
  fees jsonb,
  result_links smallint,
  applicant text,
  step text,
  step_due_at timestamptz,
  apology_at timestamptz,
  primary key (device_id, dossier, status, at)
);
comment on table dossier_step is 'Steps in the life of dossiers, append-only. Natural key: source, dossier, status, at. What a step does not tell is null.';
comment on column dossier_step.device_id is 'Publishing system (device.id).';
comment on column dossier_step.dossier is 'Dossier code, opaque.';
comment on column dossier_step.status is 'Status reached, the codes of the national portal: 1 registered, 2 accepted, 3 not accepted, 4 in process, 5 supplement requested, 6 payment requested, 7 withdrawn, 8 stopped, 9 done, 10 result returned.';
comment on column dossier_step.at is 'When it was reached.';
comment on column dossier_step.time is 'Message time, source clock.';
comment on column dossier_step.boot is 'Restart counter of the source.';
comment on column dossier_step.seq is 'Message number within the boot.';
comment on column dossier_step.formality is 'Code of the formality; null when not told in this step.';
comment on column dossier_step.field is 'Field of the formality, a token; null when not told.';
comment on column dossier_step.unit is 'Handling unit; null when not told.';
comment on column dossier_step.received_by is 'Receiving unit; null when not told.';
comment on column dossier_step.channel is 'direct, online or post; null when not told.';
comment on column dossier_step.submitted_at is 'When it was handed in; null when not told.';
comment on column dossier_step.received_at is 'When it was accepted; null when not told.';
comment on column dossier_step.due_at is 'Until when the result is due; null when not told.';
comment on column dossier_step.limit_value is 'Time that the formality may take, in limit_unit; null when not told.';
comment on column dossier_step.limit_unit is 'hour (of opening hours), day, working_day or month; null when not told.';
comment on column dossier_step.has_component_file is 'There are electronic files of components; null when not told.';
comment on column dossier_step.digitised is 'Components were digitised; null when not told.';
comment on column dossier_step.reused is 'A component was reused from digitised data; null when not told.';
comment on column dossier_step.from_national_store is 'A component came from the national personal store; null when not told.';
comment on column dossier_step.vneid is 'The applicant was authenticated by VNeID; null when not told.';
comment on column dossier_step.paid_online is '0 not online, 1 on the national portal, 2 through the gateway of a ministry or province; null when not told.';
comment on column dossier_step.fees is 'Fees as [{kind, amount_vnd}], dong; an empty list is "none"; null when not told.';
comment on column dossier_step.result_links is 'Links to electronic results; null when not told.';
comment on column dossier_step.applicant is 'person, business or organisation; null when not told.';
comment on column dossier_step.step is 'Step of the internal process that begins; null when not told.';
comment on column dossier_step.step_due_at is 'Until when that step is due; null when not told.';
comment on column dossier_step.apology_at is 'When the apology for the delay (form 04) was sent; null when not told.';

create table dossier (
  device_id integer not null,
  dossier text not null,
  formality text,
  field text,
  unit text,
  received_by text,
  channel text not null,
  status smallint not null,
  status_at timestamptz not null,
  submitted_at timestamptz not null,
  received_at timestamptz,
  due_at timestamptz,
  limit_value smallint,
  limit_unit text,
  has_component_file boolean,
  digitised boolean,
  reused boolean,
  from_national_store boolean,
  vneid boolean,
  paid_online smallint,
  fee_count smallint,
  fee_vnd bigint,
  result_links smallint,
  applicant text,
  apology_at timestamptz,
  petitions smallint not null,
  disliked boolean not null,
  ended_at timestamptz,
  end_status smallint,
  returned_at timestamptz,
  refused_at timestamptz,
  supplements smallint not null,
  is_paused boolean not null,
  paused_s bigint not null,
  effective_due timestamptz,
  overdue_at timestamptz,
  outcome text,
  on_time boolean,
  handling_min integer,
  limit_min integer,
  acceptance_min integer,
  steps_total smallint not null,
  steps_on_time smallint not null,
  boundary_free boolean,
  illegal_moves smallint not null,
  calendar smallint not null,
  code_date_differs boolean not null,
  submitted_day date not null,
  received_day date,
  ended_day date,
  refused_day date,
  overdue_day date,
  primary key (device_id, dossier)
) with (fillfactor = 80);
create index dossier_code on dossier (dossier);
create index dossier_submitted on dossier (submitted_at);
create index dossier_submitted_day on dossier (submitted_day, unit);
create index dossier_received_day on dossier (received_day, unit) where received_day is not null;
create index dossier_ended_day on dossier (ended_day, unit) where ended_day is not null;
create index dossier_refused_day on dossier (refused_day) where refused_day is not null;
create index dossier_overdue_day on dossier (overdue_day) where overdue_day is not null;
create index dossier_formality on dossier (formality, received_day);
create index dossier_open on dossier (overdue_at) where ended_at is null and received_at is not null;
comment on table dossier is 'Dossiers as they stand: folded from all their steps in the order of at, time, boot, seq, so no order of arrival changes them; null never overwrites a value. Never accepted (received_at null) means: in no base but those of submitted and refused ones.';
comment on column dossier.device_id is 'Publishing system (device.id).';
comment on column dossier.dossier is 'Dossier code, opaque.';
comment on column dossier.formality is 'Latest known code of the formality; null when never told.';
comment on column dossier.field is 'Latest known field; null when never told.';
comment on column dossier.unit is 'Latest known handling unit; null when never told.';
comment on column dossier.received_by is 'Latest known receiving unit; null when never told.';
comment on column dossier.channel is 'direct, online or post; direct when never told.';
comment on column dossier.status is 'Status of the latest step, code 1 to 10.';
comment on column dossier.status_at is 'When it was reached.';
comment on column dossier.submitted_at is 'When it was handed in: as told, else its registration, else its first step or its acceptance, whichever is earlier.';
comment on column dossier.received_at is 'When it was accepted, from which the limit runs: as told, else the first step 2, else the first step that only follows acceptance (4, 6, 8, 9, 10). Null while it is not, and when it was refused without acceptance.';
comment on column dossier.due_at is 'Due time in force at the end, or the latest known while open; null when never told.';
comment on column dossier.limit_value is 'Latest known limit, in limit_unit; null when never told.';
comment on column dossier.limit_unit is 'hour (of opening hours), day, working_day or month; null when never told.';
comment on column dossier.has_component_file is 'There are electronic files of components; null when never told.';
comment on column dossier.digitised is 'Components were digitised; null when never told.';
comment on column dossier.reused is 'A component was reused from digitised data; null when never told.';
comment on column dossier.from_national_store is 'A component came from the national personal store; null when never told.';
comment on column dossier.vneid is 'The applicant was authenticated by VNeID; null when never told.';
comment on column dossier.paid_online is '0 not online, 1 on the national portal, 2 through another gateway; null when never told.';
comment on column dossier.fee_count is 'Fees of the latest known list, waived ones included; null when never told.';
comment on column dossier.fee_vnd is 'Sum of those fees, dong; null when never told.';
comment on column dossier.result_links is 'Links to electronic results; null when never told.';
comment on column dossier.applicant is 'person, business or organisation; null when never told.';
comment on column dossier.apology_at is 'When the apology for the delay was sent; null when none.';
comment on column dossier.petitions is 'Petitions that name this dossier.';
comment on column dossier.disliked is 'Whether a citizen''s form on this dossier has a mean below 1 point.';
comment on column dossier.ended_at is 'When handling ended: the first step 9 since it was last open, else 10, else 8, 3 or 7. Null while open and for a dossier that was never accepted.';
comment on column dossier.end_status is 'Status of that step; null where ended_at is.';
comment on column dossier.returned_at is 'When the result was returned (10); null when it was not, or is open again.';
comment on column dossier.refused_at is 'When it was refused (3); null when it was not, or is open again.';
comment on column dossier.supplements is 'Steps 5: how often papers were asked for.';
comment on column dossier.is_paused is 'Whether the clock stands: an accepted dossier that waits for papers (5) or payment (6).';
comment on column dossier.paused_s is 'Time of the pauses that are over, since acceptance and before the end, seconds.';
comment on column dossier.effective_due is 'Due time with the pauses that began after it was set; by limit and calendar where no due time was told. Null while paused, without both, and where the calendar does not reach.';
comment on column dossier.overdue_at is 'First instant that is too late: the day after the due day (limits in hours: the next minute), shifted by the same pauses. Of an open dossier also in the future; of an ended one null unless it ended late; null while paused.';
comment on column dossier.outcome is 'Null while open; withdrawn, refused or stopped by the end status; else no_due when no due time was told, else early, on_day or late by civil days (late: by minutes where the limit is in hours).';
comment on column dossier.on_time is 'Rule of Decision 766: whether it ended in time by due time or limit. Of one that waits for papers: asked once and in time; asked more than once is false. Null while the clock runs, and where nothing is known to judge by.';
comment on column dossier.handling_min is 'Working minutes from acceptance to end without pauses; null while open and where the calendar does not reach.';
comment on column dossier.limit_min is 'Working minutes that the limit allows, else the due time; null where neither is known or the calendar does not reach.';
comment on column dossier.acceptance_min is 'Online only: working minutes from hand-in to acceptance; null where either is not known.';
comment on column dossier.steps_total is 'Steps of the internal process that are over and had a due time.';
comment on column dossier.steps_on_time is 'Those of them that were over in time.';
comment on column dossier.boundary_free is 'Whether the receiving unit lies outside the area of the handling unit; null when either is not known.';
comment on column dossier.illegal_moves is 'Steps that the rules do not allow after the step before them; they count all the same.';
comment on column dossier.calendar is 'Calendar between acceptance and due time or end: 0 complete, 1 unverified, 2 incomplete.';
comment on column dossier.code_date_differs is 'Whether the date in the code is not the day of acceptance.';
comment on column dossier.submitted_day is 'Civil day of submitted_at.';
comment on column dossier.received_day is 'Civil day of received_at.';
comment on column dossier.ended_day is 'Civil day of ended_at.';
comment on column dossier.refused_day is 'Civil day of refused_at.';
comment on column dossier.overdue_day is 'Civil day of overdue_at.';

create table petition_step (
  device_id integer not null,
  petition text not null,
  status text not null,
  at timestamptz not null,
  time timestamptz not null,
  boot bigint not null,
  seq bigint not null,
  kind text,
  class text,
  unit text,
  dossier text,
  satisfied boolean,
  primary key (device_id, petition, status, at)
);
comment on table petition_step is 'Steps in the life of petitions about administrative procedures, append-only. Natural key: source, petition, status, at.';
comment on column petition_step.device_id is 'Publishing system (device.id).';
comment on column petition_step.petition is 'Petition number.';
comment on column petition_step.status is 'received, more_info, transferred, processing, answered, published or refused.';
comment on column petition_step.at is 'When the step was taken.';
comment on column petition_step.time is 'Message time, source clock.';
comment on column petition_step.boot is 'Restart counter of the source.';
comment on column petition_step.seq is 'Message number within the boot.';
comment on column petition_step.kind is 'regulation, conduct or service; null when not told in this step.';
comment on column petition_step.class is 'formality, staff or other; null when not told.';
comment on column petition_step.unit is 'Responsible unit; null when not told.';
comment on column petition_step.dossier is 'Dossier that it complains of; null when not told.';
comment on column petition_step.satisfied is 'Whether the petitioner was satisfied; null when not told.';

create table petition (
  device_id integer not null,
  petition text not null,
  kind text,
  class text,
  unit text,
  dossier text,
  status text not null,
  status_at timestamptz not null,
  received_at timestamptz not null,
  sent_at timestamptz not null,
  info_at timestamptz,
  answered_at timestamptz,
  published_at timestamptz,
  refused_at timestamptz,
  ended_at timestamptz,
  satisfied boolean,
  due_at timestamptz,
  overdue_at timestamptz,
  outcome text,
  published_on_time boolean,
  handling_min integer,
  illegal_moves smallint not null,
  calendar smallint not null,
  received_day date not null,
  ended_day date,
  published_day date,
  primary key (device_id, petition)
) with (fillfactor = 80);
create index petition_received on petition (received_at);
create index petition_received_day on petition (received_day);
create index petition_ended_day on petition (ended_day) where ended_day is not null;
create index petition_published_day on petition (published_day) where published_day is not null;
create index petition_dossier on petition (dossier) where dossier is not null;
create index petition_open on petition (overdue_at) where ended_at is null;
comment on table petition is 'Petitions as they stand: folded from all their steps in the order of at, time, boot, seq; null never overwrites a value.';
comment on column petition.device_id is 'Publishing system (device.id).';
comment on column petition.petition is 'Petition number.';
comment on column petition.kind is 'Latest known kind: regulation, conduct or service.';
comment on column petition.class is 'Latest known class: formality, staff or other.';
comment on column petition.unit is 'Latest known responsible unit.';
comment on column petition.dossier is 'Latest known dossier that it complains of; null for none.';
comment on column petition.status is 'Status of the latest step.';
comment on column petition.status_at is 'When that step was taken.';
comment on column petition.received_at is 'When the earliest known step was taken.';
comment on column petition.sent_at is 'When it came to the responsible unit: the latest transfer, else received_at. The limits run from it.';
comment on column petition.info_at is 'When more information was last asked for; null when never.';
comment on column petition.answered_at is 'When it was answered, since it was last in process; null while it is not.';
comment on column petition.published_at is 'When the answer was published; null while it is not.';
comment on column petition.refused_at is 'When it was refused; null when it was not.';
comment on column petition.ended_at is 'First of answered, published and refused since it was last in process; null while open.';
comment on column petition.satisfied is 'Latest known answer of the petitioner; null when not told.';
comment on column petition.due_at is 'End of the 15th working day after sent_at; null where the calendar does not reach.';
comment on column petition.overdue_at is 'First instant that is too late: the day after the due day. Of an open petition also in the future; of an ended one null unless it ended late; null while it waits for the petitioner.';
comment on column petition.outcome is 'on_time or late; of an ended one by 15 working days (refused: 2), of one that waits for the petitioner by 5 until it was asked. Null while in process and where the calendar does not reach.';
comment on column petition.published_on_time is 'Whether it was published within 2 working days after the answer; null while it is not published, and without an answer before.';
comment on column petition.handling_min is 'Working minutes from sent_at to ended_at; null while open and where the calendar does not reach.';
comment on column petition.illegal_moves is 'Steps that the rules do not allow after the step before them; they count all the same.';
comment on column petition.calendar is 'Calendar between sent_at and due time or end: 0 complete, 1 unverified, 2 incomplete.';
comment on column petition.received_day is 'Civil day of received_at.';
comment on column petition.ended_day is 'Civil day of ended_at.';
comment on column petition.published_day is 'Civil day of published_at.';

create table document_step (
  device_id integer not null,
  document text not null,
  state text not null,
  at timestamptz not null,
  time timestamptz not null,
  boot bigint not null,
  seq bigint not null,
  result_type text,
  unit text,
  has_holder boolean,
  primary key (device_id, document, state, at)
);
comment on table document_step is 'Steps in the life of result documents, append-only. Natural key: source, document, state, at.';
comment on column document_step.device_id is 'Publishing system (device.id).';
comment on column document_step.document is 'Token of the document, never a person''s number.';
comment on column document_step.state is 'reviewed, digitised, signed or withdrawn.';
comment on column document_step.at is 'When.';
comment on column document_step.time is 'Message time, source clock.';
comment on column document_step.boot is 'Restart counter of the source.';
comment on column document_step.seq is 'Message number within the boot.';
comment on column document_step.result_type is 'Type of result in the national catalogue; null when not told in this step.';
comment on column document_step.unit is 'Unit that holds it; null when not told.';
comment on column document_step.has_holder is 'Whether the sender knows a holder; null when not told.';

create table document (
  device_id integer not null,
  document text not null,
  result_type text,
  unit text,
  has_holder boolean,
  state text not null,
  state_at timestamptz not null,
  first_at timestamptz not null,
  reviewed_at timestamptz,
  digitised_at timestamptz,
  signed_at timestamptz,
  withdrawn_at timestamptz,
  reviewed_day date,
  digitised_day date,
  signed_day date,
  withdrawn_day date,
  primary key (device_id, document)
) with (fillfactor = 80);
create index document_first on document (first_at);
create index document_reviewed_day on document (reviewed_day, unit) where reviewed_day is not null;
create index document_signed_day on document (signed_day, unit) where signed_day is not null;
create index document_withdrawn_day on document (withdrawn_day) where withdrawn_day is not null;
comment on table document is 'Result documents as they stand: folded from all their steps in the order of at, time, boot, seq; null never overwrites a value.';
comment on column document.device_id is 'Publishing system (device.id).';
comment on column document.document is 'Token of the document.';
comment on column document.result_type is 'Latest known type of result; null when never told.';
comment on column document.unit is 'Latest known unit; null when never told.';
comment on column document.has_holder is 'Whether a holder is known; null when never told.';
comment on column document.state is 'State of the latest step.';
comment on column document.state_at is 'When that step was taken.';
comment on column document.first_at is 'When the earliest known step was taken.';
comment on column document.reviewed_at is 'When it was first found valid and to be digitised; a document that came to digitised or signed counts from then on. Null for one of which only the withdrawal is known.';
comment on column document.digitised_at is 'When it was first digitised, signed ones included; null while it is not.';
comment on column document.signed_at is 'When the signed electronic copy was first stored; null while it is not.';
comment on column document.withdrawn_at is 'When it was withdrawn; null unless that is its latest step.';
comment on column document.reviewed_day is 'Civil day of reviewed_at.';
comment on column document.digitised_day is 'Civil day of digitised_at.';
comment on column document.signed_day is 'Civil day of signed_at.';
comment on column document.withdrawn_day is 'Civil day of withdrawn_at.';

create table assessment (
  device_id integer not null,
  form text not null,
  time timestamptz not null,
  unit text not null,
  quarter date not null,
  by text not null,
  channel text,
  dossier text,
  n1_e3 smallint,
  n2_e3 smallint,
  n3_e3 smallint,
  n4_e3 smallint,
  n5_e3 smallint,
  n6_e3 smallint,
  n7_e3 smallint,
  n8_e3 smallint,
  n9_e3 smallint,
  primary key (device_id, form)
);
create index assessment_quarter on assessment (quarter, unit);
create index assessment_time on assessment (time);
create index assessment_dossier on assessment (dossier) where dossier is not null;
comment on table assessment is 'Forms on the nine indicators, append-only. Natural key: source, form.';
comment on column assessment.device_id is 'Publishing system (device.id).';
comment on column assessment.form is 'Form number.';
comment on column assessment.time is 'Message time, source clock.';
comment on column assessment.unit is 'The unit that it is about.';
comment on column assessment.quarter is 'First day of the quarter that it is about.';
comment on column assessment.by is 'citizen, agency (about itself) or appraiser.';
comment on column assessment.channel is 'tablet, web or paper; null when not told.';
comment on column assessment.dossier is 'The dossier that it is about; null for none.';
comment on column assessment.n1_e3 is 'Points of N1 in thousandths, 0..2000; null where not answered.';
comment on column assessment.n2_e3 is 'Points of N2 in thousandths; null where not answered.';
comment on column assessment.n3_e3 is 'Points of N3 in thousandths; null where not answered.';
comment on column assessment.n4_e3 is 'Points of N4 in thousandths; null where not answered.';
comment on column assessment.n5_e3 is 'Points of N5 in thousandths; null where not answered.';
comment on column assessment.n6_e3 is 'Points of N6 in thousandths; null where not answered.';
comment on column assessment.n7_e3 is 'Points of N7 in thousandths; null where not answered.';
comment on column assessment.n8_e3 is 'Points of N8 in thousandths; null where not answered.';
comment on column assessment.n9_e3 is 'Points of N9 in thousandths; null where not answered.';

create table formality (
  code text not null,
  valid_from date not null,
  valid_to date,
  name_vi text not null,
  name_en text not null,
  field text,
  level text not null check (level in ('city', 'district', 'commune', 'sector')),
  announced_on date,
  effective_on date,
  published_on date,
  complete_parts boolean,
  eligible_full boolean,
  online_level text not null check (online_level in ('none', 'partial', 'full', '3', '4')),
  has_fee boolean,
  npsp_linked boolean,
  requires_paper_result boolean,
  audience text check (audience in ('person', 'organisation', 'both')),
  limit_value smallint,
  limit_unit text check (limit_unit in ('hour', 'day', 'working_day', 'month')),
  sector text,
  source text not null,
  mark text not null,
  primary key (code, valid_from)
);
comment on table formality is 'Catalogue of administrative formalities with validity.';
comment on column formality.code is 'Code of the formality.';
comment on column formality.valid_from is 'First day of validity, civil day of the city.';
comment on column formality.valid_to is 'First day after validity; null while valid.';
comment on column formality.name_vi is 'Vietnamese name, Unicode NFC.';
comment on column formality.name_en is 'English name.';
comment on column formality.field is 'Field, a token; null when not known.';
comment on column formality.level is 'Who handles it: city, district, commune, or a sector agency received at the one-stop unit.';
comment on column formality.announced_on is 'Day of the announcing decision; null when not known.';
comment on column formality.effective_on is 'Day on which its law took effect; null when not known.';
comment on column formality.published_on is 'Day of publication in the national database; null when not published or not known.';
comment on column formality.complete_parts is 'Whether every part that has to be public is; null when not known.';
comment on column formality.eligible_full is 'Whether it may be done wholly online; null when not known.';
comment on column formality.online_level is 'none, partial or full; before 2022-06-24 the levels 3 and 4.';
comment on column formality.has_fee is 'Whether it has a fee; null when not known.';
comment on column formality.npsp_linked is 'Whether its payment runs on the national portal; null when not known.';
comment on column formality.requires_paper_result is 'Whether its result is a paper that needs an electronic original; null when not known.';
comment on column formality.audience is 'person, organisation or both; null when not known.';
comment on column formality.limit_value is 'Time that it may take, in limit_unit; null when not known.';
comment on column formality.limit_unit is 'hour, day, working_day or month; null when not known.';
comment on column formality.sector is 'Sector agency that handles it, a token; null for the city''s own.';
comment on column formality.source is 'Where the row comes from.';
comment on column formality.mark is 'How far to trust it: verified, unverified or demonstration.';

create table online_service (
  code text not null,
  valid_from date not null,
  valid_to date,
  formality text,
  name_vi text not null,
  name_en text not null,
  state text not null check (state in ('public', 'closing', 'testing', 'closed')),
  npsp_linked boolean not null,
  source text not null,
  mark text not null,
  primary key (code, valid_from)
);
create index online_service_formality on online_service (formality);
comment on table online_service is 'Online services with validity: any number of a formality, each with a state of its own.';
comment on column online_service.code is 'Code of the service.';
comment on column online_service.valid_from is 'First day of validity, civil day of the city.';
comment on column online_service.valid_to is 'First day after validity; null while valid.';
comment on column online_service.formality is 'Code of its formality; null when not known.';
comment on column online_service.name_vi is 'Vietnamese name, Unicode NFC.';
comment on column online_service.name_en is 'English name.';
comment on column online_service.state is 'public, closing, testing or closed.';
comment on column online_service.npsp_linked is 'Whether it is offered on the national portal.';
comment on column online_service.source is 'Where the row comes from.';
comment on column online_service.mark is 'How far to trust it: verified, unverified or demonstration.';

-- What was stored before is folded anew by the hub: record_rule says by which rules it was.
alter table ticket
  add column units smallint not null default 0,
  add column reopened smallint not null default 0,
  add column assigned_at timestamptz,
  add column is_paused boolean not null default false,
  add column paused_s bigint not null default 0,
  add column effective_due timestamptz,
  add column on_time boolean,
  add column dispatch_min integer,
  add column first_response_min integer,
  add column resolve_min integer,
  add column calendar smallint not null default 0,
  add column left_at timestamptz,
  add column created_day date,
  add column handled_day date,
  add column left_day date,
  add column due_day date;
create index ticket_created_day on ticket (created_day, unit);
create index ticket_left_day on ticket (left_day) where left_day is not null;
create index ticket_due_day on ticket (due_day) where due_day is not null;
create index ticket_handled_day on ticket (handled_day, unit) where handled_day is not null;
create index ticket_open on ticket (effective_due)
  where status in ('new', 'triaged', 'assigned', 'in_progress', 'waiting_citizen', 'waiting_other', 'reopened');
comment on column ticket.units is 'Different units that it was given to; more than one counts as misrouted.';
comment on column ticket.reopened is 'How often it was reopened.';
comment on column ticket.assigned_at is 'When it was first assigned or taken in hand; null while it is not.';
comment on column ticket.is_paused is 'Whether the clock stands: it waits for the citizen or for others.';
comment on column ticket.paused_s is 'Waiting time that is over, until it was handled, seconds.';
comment on column ticket.due_at is 'Due time in force when it was handled or left, or the latest known while open; null when never told.';
comment on column ticket.effective_due is 'Due time in force, else the usual one, with the waiting that began after it was set; null while it waits.';
comment on column ticket.on_time is 'Whether it was handled by then; null while it is not.';
comment on column ticket.dispatch_min is 'Minutes from creation to assignment; null while it is not.';
comment on column ticket.first_response_min is 'Working minutes from creation to the first reply; null without one and where the calendar does not reach.';
comment on column ticket.resolve_min is 'Working minutes from creation to handling without waiting; null while it is not and where the calendar does not reach.';
comment on column ticket.calendar is 'Calendar between creation and handling: 0 complete, 1 unverified, 2 incomplete.';
comment on column ticket.left_at is 'When it left by the side exit at which it stands: rejected, duplicate or transferred; null otherwise.';
comment on column ticket.created_day is 'Civil day of created_at; null only until the hub has folded a row of an older schema.';
comment on column ticket.handled_day is 'Civil day of handled_at.';
comment on column ticket.left_day is 'Civil day of left_at.';
comment on column ticket.due_day is 'Civil day of effective_due.';

alter table call add column day date;
create index call_day on call (day);
comment on column call.day is 'Civil day on which it was offered: of queued_at, else of answered_at, else of time; null only until the hub has filled it in.';

create table record_rule (
  noun text primary key,
  rules text not null,
  after_device integer not null,
  after_number text not null,
  is_done boolean not null
);
comment on table record_rule is 'By which rules the records of each noun are judged, and how far the hub has come in judging them anew.';
comment on column record_rule.noun is 'dossier, petition, document or ticket.';
comment on column record_rule.rules is 'Version of the fold, zone, versions of calendar and units, limits.';
comment on column record_rule.after_device is 'Records up to this device and number are judged by these rules.';
comment on column record_rule.after_number is 'See after_device.';
comment on column record_rule.is_done is 'Whether all are.';
