-- Takes over what is newer by (time, boot, seq); of a status by (boot, receive time), since an
-- offline of an older boot says nothing.
insert into current_value as r (device_id, stream, time, boot, seq, received_at, payload)
select device_id, stream, time, boot, seq, received_at, payload
from stage_current_value
order by device_id, stream
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
