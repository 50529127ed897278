-- The latest figure of every series. The series are found by one look at the index each: their figures of ten
-- years are not read.
with recursive series as (
  (
    select name, device_id, unit, labels from metric_value
    order by name, device_id, unit, labels limit 1
  )
  union all
  select next.*
  from series s
  cross join lateral (
    select m.name, m.device_id, m.unit, m.labels from metric_value m
    where (m.name, m.device_id, m.unit, m.labels) > (s.name, s.device_id, s.unit, s.labels)
    order by m.name, m.device_id, m.unit, m.labels limit 1
  ) next
)
select d.source, s.name, s.unit, s.labels, v.value, v.bound, v.time
from series s
join device d on d.id = s.device_id
cross join lateral (
  select m.value, m.bound, m.time from metric_value m
  where m.name = s.name and m.device_id = s.device_id and m.unit = s.unit and m.labels = s.labels
  order by m.time desc limit 1
) v
