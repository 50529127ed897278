-- $1 from, $2 to, $3 and $4: the hours between count as built, but for those in rollup_dirty.
with dirty as (
  select detector_id, hour from rollup_dirty where hour >= $3 and hour < $4
), part as (
  select detector_id, intervals, good from interval_1h h
  where bucket >= $3 and bucket < $4
    and not exists (select from dirty d where d.detector_id = h.detector_id and d.hour = h.bucket)
  union all
  select f.detector_id, f.intervals, f.good from dirty d join interval_5min f
    on f.detector_id = d.detector_id and f.bucket >= d.hour and f.bucket < d.hour + interval '1 hour'
  union all
  select detector_id, intervals, good from interval_5min where bucket >= $1 and bucket < $3
  union all
  select detector_id, intervals, good from interval_5min where bucket >= $4 and bucket < $2
)
select v.service, sum(p.intervals)::int8, sum(p.good)::int8
from part p join detector t on t.id = p.detector_id join device v on v.id = t.device_id
group by v.service order by v.service
