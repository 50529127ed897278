-- What happened to alarms, once each, and the journal of what people asked for.
with stored as (
  insert into alarm_transition
  select * from jsonb_populate_recordset(null::alarm_transition, $1)
  on conflict (seq) do nothing
  returning seq, at, code, object, occurrence, action, from_state, to_state, who, second, reason, until, ticket, assignee
)
insert into journal (at, who, action, object, before, after)
select at, who, action || '_alarm', 'alarm/' || code || ':' || object,
       jsonb_build_object('state', from_state),
       jsonb_strip_nulls(jsonb_build_object('state', to_state, 'occurrence', occurrence, 'second', second,
         'reason', reason, 'until', until, 'ticket', ticket, 'assignee', assignee))
from stored where who is not null order by seq
