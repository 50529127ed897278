-- Open records past the due time in force at $1, by unit. None is in force while a record waits.
select false, unit, count(*) filter (where effective_due < $1)
from ticket
where status not in ('resolved', 'published', 'closed', 'rejected', 'duplicate', 'transferred')
group by unit
union all
select true, unit, count(*) filter (where effective_due < $1)
from dossier
where ended_at is null and received_at is not null
group by unit
