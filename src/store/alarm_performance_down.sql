-- $1 service, $2 codes of failures, $3 from, $4 to. When devices were down: source, begin, end (null while
-- it goes on). A state holds until the next transition of its alarm, an offline until the next online.
select split_part(object, '/', 1), at, until from (
  select object, at, to_state, lead(at) over (partition by code, object order by seq) as until
  from alarm_transition where code = any($2) and service = $1 and at < $4
) state
where to_state in ('unack', 'ack') and (until is null or until > $3)
union all
select source, time, until from (
  select d.source, c.time, c.online, lead(c.time) over (partition by c.device_id order by c.time, c.boot) as until
  from connection c join device d on d.id = c.device_id
  where d.service = $1 and c.time < $4
) state
where not online and (until is null or until > $3)
