-- Alarms as they are now. An older state never replaces a newer one.
insert into alarm
select * from jsonb_populate_recordset(null::alarm, $1)
on conflict (code, object) do update set
  service = excluded.service, area = excluded.area, occurrence = excluded.occurrence,
  priority = excluded.priority, state = excluded.state, raised_at = excluded.raised_at,
  acked_at = excluded.acked_at, acked_by = excluded.acked_by, cleared_at = excluded.cleared_at,
  changed_at = excluded.changed_at, count = excluded.count, value = excluded.value,
  limit_value = excluded.limit_value, why = excluded.why, shelved_until = excluded.shelved_until,
  shelved_by = excluded.shelved_by, shelved_second = excluded.shelved_second,
  shelved_reason = excluded.shelved_reason, suppressed = excluded.suppressed, parent = excluded.parent,
  out_of_service_by = excluded.out_of_service_by,
  out_of_service_ticket = excluded.out_of_service_ticket, assignee = excluded.assignee,
  ticket = excluded.ticket, comments = excluded.comments, first_out = excluded.first_out,
  chattering = excluded.chattering, presented = excluded.presented, seq = excluded.seq
where alarm.seq < excluded.seq
