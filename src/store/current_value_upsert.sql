-- Takes over what is newer by (time, boot, seq); of a status by (boot, receive time), since an
-- offline of an older boot says nothing.
insert into current_value as r (device_id, stream, time, boot, seq, received_at, payload)
select device_id, stream, time, boot, seq, received_at, payload
from unnest(
  $1::int4[], $2::text[], $3::timestamptz[], $4::int8[], $5::int8[], $6::timestamptz[], $7::bytea[]
) as s (device_id, stream, time, boot, seq, received_at, payload)
on conflict (device_id, stream) do update set
  time = excluded.time,
  boot = excluded.boot,
  seq = excluded.seq,
  received_at = excluded.received_at,
  payload = excluded.payload
where case
  when r.stream = 'status' then (excluded.boot, excluded.time) > (r.boot, r.time)
  else (excluded.time, excluded.boot, excluded.seq) > (r.time, r.boot, r.seq)
end
