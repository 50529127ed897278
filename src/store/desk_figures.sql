-- Figures of the service desk at $1; the civil day began at $2. Handled: stands resolved, published or
-- closed. Open: neither handled nor left by a side exit. Overdue: open, and past the due time in force;
-- none is in force while it waits. A call counts by its begin.
with tickets as (
  select
    count(*) as received_total,
    count(*) filter (where handled) as handled_total,
    count(*) filter (where open) as in_process,
    count(*) filter (where open and effective_due < $1) as overdue,
    count(*) filter (where created_at >= $2) as received_today,
    count(*) filter (where handled_at >= $2) as handled_today,
    max(status_at) as latest
  from (
    select *,
      status in ('resolved', 'published', 'closed') as handled,
      status not in ('resolved', 'published', 'closed', 'rejected', 'duplicate', 'transferred') as open
    from ticket
  ) as judged
), calls as (
  select
    count(*) filter (where direction = 'in' and begun >= $2) as calls_today,
    count(*) filter (where direction = 'in' and begun >= $2 and abandoned_at is not null) as abandoned_today,
    max(time) as latest
  from (
    select *, coalesce(queued_at, answered_at, time) as begun
    from call where time >= $2::timestamptz - interval '1 day'
  ) as recent
)
select
  t.received_total, t.handled_total, t.in_process, t.overdue, t.received_today, t.handled_today,
  c.calls_today, c.abandoned_today,
  greatest(t.latest, coalesce(c.latest, (select max(time) from call)))
from tickets t, calls c
