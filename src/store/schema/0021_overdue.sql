-- What is open and overdue at the end of a past period, of petitions too; and measures that were another
-- thing than their rules say.

alter table petition add column overdue_day date;
create index petition_overdue_day on petition (overdue_day) where overdue_day is not null;
comment on column petition.overdue_day is 'Civil day of overdue_at; null where that is, and until the hub has judged it anew.';

alter table dossier_cell
  add column online_result integer,
  add column received_handling_min bigint,
  add column received_handling_known integer;
comment on column dossier_cell.online_result is 'By day of acceptance: handed in online, and with an electronic result where the formality requires one on paper.';
comment on column dossier_cell.full_online is 'By day of acceptance: of the formalities eligible to be offered in full that day, those that were: handed in online.';
comment on column dossier_cell.received_handling_min is 'By day of acceptance: ended with status 9 or 10: working minutes of handling without pauses.';
comment on column dossier_cell.received_handling_known is 'By day of acceptance: those of them whose handling time is known.';
comment on column dossier_cell.supplemented_twice is 'By day of acceptance: a supplement was asked for more than once; a repeated step is no second time.';
comment on column dossier_cell.used_share_e4 is 'By day of end: share of the limit that was used, in parts in ten thousand, each rounded half up, added up.';

-- Months whose dossiers are gone keep what is known of them; all others are built anew soon.
update dossier_cell set online_result = online where online is not null;
update dossier_cell_state set stale_since = now() where stale_since is null and exists (select from dossier);
