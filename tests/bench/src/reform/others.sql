-- For $3 dossiers a year, from the day $1 on and for $2 days: as many calls and documents as tickets (a
-- twentieth of the dossiers), petitions a tenth of that, and forms on the nine indicators: of each unit
-- its own, the appraiser's and fifty citizens' a quarter.
with era as (
  select first, last,
    (select array_agg(code order by code) from administrative_unit a
     where kind in ('commune', 'ward', 'town', 'agency') and a.valid_from <= first
       and coalesce(a.valid_to, 'infinity') > first) as units
  from (
    select day as first, coalesce(lead(day) over (order by day), 'infinity') as last from (
      select valid_from as day from administrative_unit
      union select valid_to from administrative_unit where valid_to is not null
    ) cut
  ) between_cuts
), made as (
  select *, units[1 + floor(cardinality(units) * power(r1, 1.5))::int] as unit,
    day + interval '9 h' as morning
  from (
    select i, $1::date + (i * 364 * 20 / $3::int8)::int as day, random() as r1, random() as r2
    from generate_series(0, $3::int8 * $2::int4 / 364 / 20 - 1) i
  ) dated join era on day >= first and day < last
), calls as (
  insert into call (device_id, call, direction, queued_at, answered_at, abandoned_at, ended_at, time, day)
  select 1, 'C' || i, 'in', morning, case when r2 < 0.95 then morning + r2 * interval '40 s' end,
    case when r2 >= 0.95 then morning + r2 * interval '60 s' end, morning + interval '3 min', morning, day
  from made
), documents as (
  insert into document (device_id, document, result_type, unit, has_holder, state, state_at, first_at,
    reviewed_at, digitised_at, signed_at, reviewed_day, digitised_day, signed_day)
  select 1, 'D' || i, 'type-' || i % 315, unit, r2 < 0.98, 'signed', morning, morning, morning, morning,
    case when r2 < 0.9 then morning end, day, day, case when r2 < 0.9 then day end
  from made
), petitions as (
  insert into petition (device_id, petition, kind, class, unit, status, status_at, received_at, sent_at,
    answered_at, ended_at, due_at, outcome, illegal_moves, calendar, received_day, ended_day)
  select 1, 'P' || i, 'complaint', 'class-' || i % 8, unit, 'answered', morning, morning, morning,
    morning + interval '8 days', morning + interval '8 days', morning + interval '21 days', 'on_time',
    0, 0, day, day + 8
  from made where i % 10 = 0
)
insert into assessment (device_id, form, time, unit, quarter, by, channel, n1_e3, n2_e3, n3_e3, n4_e3,
  n5_e3, n6_e3, n7_e3, n8_e3, n9_e3)
select 1, 'F' || unit || quarter || n, quarter + interval '60 days', unit, quarter,
  case n when 0 then 'agency' when 1 then 'appraiser' else 'citizen' end,
  case when n > 1 then 'tablet' end, 2000 - n * 10, 1500 + n, 2000, 1000 + n * 5, 2000, 1800, 1900,
  1700, 1000
from era, unnest(units) unit, generate_series(0, 51) n,
  generate_series(date_trunc('quarter', $1::date::timestamp), $1::date::timestamp + $2::int4 * interval '1 day',
    interval '3 months') begun, lateral (select begun::date as quarter) q
where quarter >= first and quarter < last
