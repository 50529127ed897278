-- Adds what the sources of a batch did. The state follows the newest boot, then the newest time.
insert into source_state as r (
  source, service, first_seen, last_seen, last_time, boot, seq, online, clock_source,
  clock_offset_ms, messages, refused, duplicates, late, dropped, unguaranteed,
  repeated, out_of_order, seq_reused, open_gaps, missing, restarts
)
select
  source, service, first_seen, last_seen, last_time, boot, seq, online, clock_source,
  clock_offset_ms, messages, refused, duplicates, late, dropped, unguaranteed,
  repeated, out_of_order, seq_reused, open_gaps, missing, restarts
from unnest(
  $1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::int8[],
  $7::int8[], $8::bool[], $9::text[], $10::int4[], $11::int8[], $12::int8[], $13::int8[],
  $14::int8[], $15::int8[], $16::int8[], $17::int8[], $18::int8[], $19::int8[], $20::int8[],
  $21::int8[], $22::int8[]
) as s (
  source, service, first_seen, last_seen, last_time, boot, seq, online, clock_source,
  clock_offset_ms, messages, refused, duplicates, late, dropped, unguaranteed,
  repeated, out_of_order, seq_reused, open_gaps, missing, restarts
)
on conflict (source) do update set
  service = excluded.service,
  first_seen = least(r.first_seen, excluded.first_seen),
  last_seen = greatest(r.last_seen, excluded.last_seen),
  last_time = greatest(r.last_time, excluded.last_time),
  boot = greatest(r.boot, excluded.boot),
  seq = case when coalesce(excluded.boot >= r.boot, true) then coalesce(excluded.seq, r.seq) else r.seq end,
  online = case when coalesce(excluded.boot >= r.boot, true) then coalesce(excluded.online, r.online) else r.online end,
  clock_source = case when coalesce(excluded.last_time >= r.last_time, r.last_time is null)
    then excluded.clock_source else r.clock_source end,
  clock_offset_ms = case when coalesce(excluded.last_time >= r.last_time, r.last_time is null)
    then excluded.clock_offset_ms else r.clock_offset_ms end,
  messages = r.messages + excluded.messages,
  refused = r.refused + excluded.refused,
  duplicates = r.duplicates + excluded.duplicates,
  late = r.late + excluded.late,
  dropped = r.dropped + excluded.dropped,
  unguaranteed = r.unguaranteed + excluded.unguaranteed,
  repeated = r.repeated + excluded.repeated,
  out_of_order = r.out_of_order + excluded.out_of_order,
  seq_reused = r.seq_reused + excluded.seq_reused,
  open_gaps = r.open_gaps + excluded.open_gaps,
  missing = r.missing + excluded.missing,
  restarts = r.restarts + excluded.restarts
