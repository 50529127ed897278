-- Dossiers $1..$2 of $3 a year, five working days a week from the Monday $4 on; working day $5 is today.
-- Four in five are handled by the communes of that day, which share 350 formalities, the rest by its
-- agencies, which share 1,150; some formalities are much more frequent than others. Three in a hundred
-- end late.
with era as (
  select first, last,
    (select array_agg(code order by code) from administrative_unit a
     where kind in ('commune', 'ward', 'town') and a.valid_from <= first
       and coalesce(a.valid_to, 'infinity') > first) as communes,
    (select array_agg(code order by code) from administrative_unit a
     where kind = 'agency' and a.valid_from <= first
       and coalesce(a.valid_to, 'infinity') > first) as agencies
  from (
    select day as first, coalesce(lead(day) over (order by day), 'infinity') as last from (
      select valid_from as day from administrative_unit
      union select valid_to from administrative_unit where valid_to is not null
    ) cut
  ) between_cuts
)
insert into dossier (
  device_id, dossier, formality, field, unit, received_by, channel, status, status_at, submitted_at,
  received_at, due_at, limit_value, limit_unit, has_component_file, digitised, reused,
  from_national_store, vneid, paid_online, fee_count, fee_vnd, result_links, applicant, apology_at,
  petitions, disliked, ended_at, end_status, returned_at, refused_at, supplements, is_paused, paused_s,
  effective_due, overdue_at, outcome, on_time, handling_min, limit_min, acceptance_min, steps_total,
  steps_on_time, boundary_free, illegal_moves, calendar, code_date_differs, submitted_day, received_day,
  ended_day, refused_day, overdue_day
)
select
  1, 'H13.' || lpad((r2 * 122)::int::text, 3, '0') || '-' || to_char(received, 'YYMMDD') || '-' || i,
  '1.' || lpad(form::text, 6, '0'), 'field-' || form % 30, unit,
  case when r6 < 0.1 then agencies[1] else unit end, channel,
  case when refused then 3 when ended is null then 4 else 9 end,
  coalesce(ended + interval '15 h', received + interval '9 h'), submitted,
  case when not refused then accepted end, case when not refused then due + interval '17 h' end,
  days, 'working_day', r7 < 0.7, r7 < 0.6, r7 < 0.3, r7 < 0.1, r8 < 0.5, (r8 < 0.4)::int,
  (form % 3 = 0)::int, case when form % 3 = 0 then 20000 else 0 end,
  (ended is not null and r7 < 0.8)::int, (array['person', 'business', 'organisation'])[1 + i % 3],
  case when late and r6 < 0.5 then due + interval '8 h' end, (r6 < 0.002)::int, r6 > 0.998,
  ended + interval '15 h', case when ended is not null then 9 end, null,
  case when refused then accepted end, (r8 < 0.08)::int + (r8 < 0.02)::int,
  ended is null and not refused and r8 < 0.05, 0,
  case when not refused then due + interval '17 h' end,
  case when not refused and (late or ended is null) then due + interval '1 day' end,
  case when ended is null then null when late then 'late' when ended < due then 'early' else 'on_day' end,
  case when ended is not null then not late end, case when ended is not null then took * 480 + i % 480 end,
  days * 480, case when channel = 'online' then (r2 * 900)::int end,
  case when ended is null then 0 else 3 end, case when ended is null then 0 when late then 2 else 3 end,
  r6 < 0.1, 0, 0, false, received, case when not refused then received end, ended,
  case when refused then received end,
  case when not refused and (late or ended is null) then due + 1 end
from (
  select *,
    ($4::date + (w / 5 * 7 + w % 5)) + interval '8 h' + i % 480 * interval '1 min' as submitted,
    ($4::date + (w / 5 * 7 + w % 5)) + interval '9 h' + i % 480 * interval '1 min' as accepted,
    $4::date + ((w + days) / 5 * 7 + (w + days) % 5) as due,
    case when not refused and w + took <= $5::int4
      then $4::date + ((w + took) / 5 * 7 + (w + took) % 5) end as ended,
    took > days and not refused and w + took <= $5::int4 as late
  from (
    select *,
      case when is_commune then communes[1 + floor(cardinality(communes) * power(r2, 1.5))::int]
        else agencies[1 + floor(cardinality(agencies) * r2)::int] end as unit,
      (array[1, 3, 5, 7, 10, 15, 20, 30])[1 + form % 8] as days,
      case when r4 < 0.03 then (array[1, 3, 5, 7, 10, 15, 20, 30])[1 + form % 8] + 1 + (r5 * 9)::int
        else floor((array[1, 3, 5, 7, 10, 15, 20, 30])[1 + form % 8] * r5)::int end as took,
      r4 > 0.99 as refused,
      case when r5 < 0.55 then 'online' when r5 < 0.95 then 'direct' else 'post' end as channel
    from (
      select *,
        $4::date + (w / 5 * 7 + w % 5) as received,
        case when is_commune then floor(350 * power(r3, 2.5))::int
          else 350 + floor(20 * r2)::int * 57 + floor(58 * r3 * r3)::int end as form
      from (
        select i, (i * 260 / $3::int8)::int as w, random() < 0.8 as is_commune, random() as r2,
          random() as r3, random() as r4, random() as r5, random() as r6, random() as r7, random() as r8
        from generate_series($1::int8, $2::int8) i
      ) lot
    ) placed join era on received >= first and received < last
  ) limited
) dated
