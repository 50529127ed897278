-- Tickets $1..$2 of $3 a year, likewise: every day of the week from $4 on, until $5 days later.
with era as (
  select first, last,
    (select array_agg(code order by code) from administrative_unit a
     where kind in ('commune', 'ward', 'town') and a.valid_from <= first
       and coalesce(a.valid_to, 'infinity') > first) as communes
  from (
    select day as first, coalesce(lead(day) over (order by day), 'infinity') as last from (
      select valid_from as day from administrative_unit
      union select valid_to from administrative_unit where valid_to is not null
    ) cut
  ) between_cuts
)
insert into ticket (
  device_id, ticket, status, status_at, created_at, handled_at, channel, kind, category, unit, due_at,
  first_response_at, solved_at_desk, rating, units, reopened, assigned_at, is_paused, paused_s,
  effective_due, on_time, dispatch_min, first_response_min, resolve_min, calendar, created_day,
  handled_day, due_day, lat, lon
)
select
  1, 'T' || i, case when handled is null then 'in_progress' else 'closed' end,
  coalesce(handled, created), created, handled,
  (array['hotline', 'web', 'app', 'zalo', 'facebook', 'in_person', 'email'])[1 + i % 7],
  (array['inquiry', 'request', 'report', 'petition'])[1 + i % 4], 'category-' || i % 24,
  communes[1 + floor(cardinality(communes) * power(r1, 1.5))::int], created + interval '5 days',
  created + interval '2 h', r2 < 0.3, case when r2 < 0.2 then 1 + i % 5 end, 1 + (r2 < 0.05)::int,
  (r2 > 0.98)::int, created + interval '10 min', false, 0, created + interval '5 days',
  case when handled is not null then took <= 5 end, 10, 120,
  case when handled is not null then (took * 480)::int end, 0, created::date, handled::date,
  created::date + 5, 10.03 + r1 * r2 * 0.2, 105.75 + r2 * 0.2
from (
  select *, case when created + took * interval '1 day' < $4::date + $5::int4
    then created + took * interval '1 day' end as handled
  from (
    select i, $4::date::timestamp + i * 364.0 / $3::int8 * interval '1 day' as created, random() as r1,
      random() as r2, power(random(), 3) * 8 as took
    from generate_series($1::int8, $2::int8) i
  ) made join era on created::date >= first and created::date < last
) dated
