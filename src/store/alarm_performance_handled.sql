-- $1 from, $2 to. Occurrences that operators saw first in the span, by priority at that time: how long
-- until somebody acknowledged them, and until they returned to normal for the last time.
with seen as (
  select distinct on (code, object, occurrence) code, object, occurrence, at, priority, seq
  from alarm_transition
  where at >= $1 and at < $2 and presented and (action in ('raise', 're_raise')
    or (action in ('unshelve', 'unsuppress', 'in_service') and to_state = 'unack'))
  order by code, object, occurrence, seq
), first as (
  select s.* from seen s where not exists (
    select from alarm_transition p
    where p.code = s.code and p.object = s.object and p.occurrence = s.occurrence and p.seq < s.seq
      and p.presented and (p.action in ('raise', 're_raise')
        or (p.action in ('unshelve', 'unsuppress', 'in_service') and p.to_state = 'unack')))
), handled as (
  select f.priority, l.to_state,
    case when a.at is not null then
      extract(epoch from greatest(a.at - f.at, interval '0'))::float8 end as acknowledge_s,
    case when l.to_state not in ('unack', 'ack') and a.cleared_at is not null then
      extract(epoch from greatest(a.cleared_at - f.at, interval '0'))::float8 end as clear_s
  from first f
  cross join lateral (
    select min(t.at) filter (where t.action = 'acknowledge') as at,
      max(t.at) filter (where t.action in ('clear', 'withdraw')) as cleared_at
    from alarm_transition t
    where t.code = f.code and t.object = f.object and t.occurrence = f.occurrence and t.seq > f.seq
  ) a
  cross join lateral (
    select t.to_state from alarm_transition t
    where t.code = f.code and t.object = f.object and t.occurrence = f.occurrence
    order by t.seq desc limit 1
  ) l
)
select priority, count(*), count(acknowledge_s),
  count(*) filter (where acknowledge_s is null and to_state in ('unack', 'rtnun')),
  percentile_cont(0.5) within group (order by acknowledge_s),
  percentile_cont(0.9) within group (order by acknowledge_s),
  count(clear_s), count(*) filter (where to_state in ('unack', 'ack')),
  percentile_cont(0.5) within group (order by clear_s),
  percentile_cont(0.9) within group (order by clear_s), avg(clear_s)
from handled group by priority order by priority
