-- Recomputes tickets ($1 devices, $2 ticket numbers) from all their steps.
-- Handled means: reached resolved, published or closed after the last step that left it open.
with touched as (
  select * from unnest($1::int4[], $2::text[]) as t (device_id, ticket)
), steps as (
  select s.*,
    max(s.at) filter (where s.status in (
      'new', 'triaged', 'assigned', 'in_progress', 'waiting_citizen', 'waiting_other', 'reopened'
    )) over (partition by s.device_id, s.ticket) as open_at
  from ticket_step s join touched using (device_id, ticket)
), state as (
  select
    s.device_id,
    s.ticket,
    (array_agg(s.status order by s.at desc, s.time desc, s.boot desc, s.seq desc))[1] as status,
    max(s.at) as status_at,
    min(s.at) as created_at,
    min(s.at) filter (
      where s.status in ('resolved', 'published', 'closed') and s.at >= coalesce(s.open_at, '-infinity')
    ) as handled_at,
    (array_agg(s.channel order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.channel is not null))[1] as channel,
    (array_agg(s.kind order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.kind is not null))[1] as kind,
    (array_agg(s.category order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.category is not null))[1] as category,
    (array_agg(s.unit order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.unit is not null))[1] as unit,
    (array_agg(s.summary order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.summary is not null))[1] as summary,
    (array_agg(s.lat order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.lat is not null))[1] as lat,
    (array_agg(s.lon order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.lon is not null))[1] as lon,
    (array_agg(s.due_at order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.due_at is not null))[1] as due_at,
    (array_agg(s.first_response_at order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.first_response_at is not null))[1] as first_response_at,
    (array_agg(s.solved_at_desk order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.solved_at_desk is not null))[1] as solved_at_desk,
    (array_agg(s.merged_into order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.merged_into is not null))[1] as merged_into,
    (array_agg(s.rating order by s.at desc, s.time desc, s.boot desc, s.seq desc) filter (where s.rating is not null))[1] as rating
  from steps s
  group by s.device_id, s.ticket
)
insert into ticket as r (
  device_id, ticket, status, status_at, created_at, handled_at, channel, kind, category, unit, summary, lat, lon, due_at, first_response_at, solved_at_desk, merged_into, rating
)
select
  device_id, ticket, status, status_at, created_at,
  case when status in ('resolved', 'published', 'closed') then handled_at end,
  channel, kind, category, unit, summary, lat, lon, due_at, first_response_at, solved_at_desk, merged_into, rating
from state
order by device_id, ticket
on conflict (device_id, ticket) do update set
  status = excluded.status,
  status_at = excluded.status_at,
  created_at = excluded.created_at,
  handled_at = excluded.handled_at,
  channel = excluded.channel,
  kind = excluded.kind,
  category = excluded.category,
  unit = excluded.unit,
  summary = excluded.summary,
  lat = excluded.lat,
  lon = excluded.lon,
  due_at = excluded.due_at,
  first_response_at = excluded.first_response_at,
  solved_at_desk = excluded.solved_at_desk,
  merged_into = excluded.merged_into,
  rating = excluded.rating
returning device_id, ticket, status, created_at, handled_at, due_at, channel
