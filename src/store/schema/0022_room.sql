-- Room beside rows that are written anew with every batch: the new version finds place on the same page,
-- and no index has to learn of it. Chunks that stand keep theirs.

alter table current_value set (fillfactor = 40);
alter table source_state set (fillfactor = 50);
alter table interval_5min set (fillfactor = 50);

-- Sums of tickets until a day read these indexes alone.
drop index ticket_due_day;
create index ticket_due_day on ticket (due_day, unit) include (status, on_time, sla_met) where due_day is not null;
drop index ticket_handled_day;
create index ticket_handled_day on ticket (handled_day, unit) include (on_time) where handled_day is not null;
drop index ticket_left_day;
create index ticket_left_day on ticket (left_day, unit) include (status) where left_day is not null;
