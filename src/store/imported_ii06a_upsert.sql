insert into imported_ii06a as old (
  unit, period, field, received_total, received_online, received_direct, carried_over,
  resolved_total, resolved_early, resolved_on_day, resolved_late, open_total, open_in_time, open_late,
  lower_bounds, source, imported_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (period, unit, field) do update set
  received_total = excluded.received_total,
  received_online = excluded.received_online,
  received_direct = excluded.received_direct,
  carried_over = excluded.carried_over,
  resolved_total = excluded.resolved_total,
  resolved_early = excluded.resolved_early,
  resolved_on_day = excluded.resolved_on_day,
  resolved_late = excluded.resolved_late,
  open_total = excluded.open_total,
  open_in_time = excluded.open_in_time,
  open_late = excluded.open_late,
  lower_bounds = excluded.lower_bounds,
  source = excluded.source,
  imported_at = excluded.imported_at
where (old.received_total, old.received_online, old.received_direct, old.carried_over,
       old.resolved_total, old.resolved_early, old.resolved_on_day, old.resolved_late,
       old.open_total, old.open_in_time, old.open_late, old.lower_bounds)
  is distinct from
      (excluded.received_total, excluded.received_online, excluded.received_direct,
       excluded.carried_over, excluded.resolved_total, excluded.resolved_early,
       excluded.resolved_on_day, excluded.resolved_late, excluded.open_total,
       excluded.open_in_time, excluded.open_late, excluded.lower_bounds)
returning old.xmax = 0
