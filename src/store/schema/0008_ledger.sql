-- The ledger of seq: what was received of every stream, what is missing, and how messages came.

create table seq_run (
  id integer primary key,
  source text not null,
  service text not null,
  stream text not null,
  boot bigint not null,
  first_seq bigint not null,
  last_seq bigint not null,
  unique (source, service, stream, boot)
) with (fillfactor = 70);
comment on table seq_run is 'One row per boot of a stream that is followed: at most 64 of a stream, the smallest boots leave.';
comment on column seq_run.id is 'Number of the row, given by the hub.';
comment on column seq_run.source is 'Source token.';
comment on column seq_run.service is 'Service level of its topic.';
comment on column seq_run.stream is 'Stream level of its topic.';
comment on column seq_run.boot is 'Restart counter of the source.';
comment on column seq_run.first_seq is 'Smallest seq that was received, refused messages included.';
comment on column seq_run.last_seq is 'Largest seq that was received, refused messages included.';

create table gap (
  id bigint primary key,
  source text not null,
  service text not null,
  stream text not null,
  boot bigint not null,
  from_seq bigint,
  to_seq bigint,
  missing bigint,
  spans bigint[],
  first_seen timestamptz not null,
  closed_at timestamptz
) with (fillfactor = 70);
create index gap_source on gap (source, id);
create index gap_open on gap (id) where closed_at is null and missing is not null;
comment on table gap is 'Known loss: holes in the seq of a stream, and restarts, across which nobody knows what was lost.';
comment on column gap.id is 'Number in order of discovery, given by the hub.';
comment on column gap.source is 'Source token.';
comment on column gap.service is 'Service level of its topic.';
comment on column gap.stream is 'Stream level of its topic.';
comment on column gap.boot is 'Restart counter; of a restart the one after it.';
comment on column gap.from_seq is 'First seq of the hole when it was first seen; null for a restart.';
comment on column gap.to_seq is 'Last seq of the hole when it was first seen; null for a restart.';
comment on column gap.missing is 'Messages that are still missing; null for a restart: unknown.';
comment on column gap.spans is 'What is still missing: first seq, last seq and count of missing messages of each span in turn. A count below the width of its span says that nobody knows which of its numbers are missing. Null for a restart.';
comment on column gap.first_seen is 'Receive time of the message that showed it, hub clock.';
comment on column gap.closed_at is 'When its last missing message came, or when its boot was followed no more (then messages are still missing), hub clock; null while it is open and for a restart.';

alter table source_state
  add column repeated bigint not null default 0,
  add column out_of_order bigint not null default 0,
  add column seq_reused bigint not null default 0,
  add column open_gaps bigint not null default 0,
  add column missing bigint not null default 0,
  add column restarts bigint not null default 0;
comment on column source_state.duplicates is 'Facts (rows) that were already there, under the same seq or another.';
comment on column source_state.repeated is 'Messages whose seq had been received before and that brought nothing new.';
comment on column source_state.out_of_order is 'New messages that came after a later one of their stream and boot.';
comment on column source_state.seq_reused is 'Messages whose seq had been received before and that yet brought new facts: the source gives numbers twice.';
comment on column source_state.open_gaps is 'Holes in seq that are not filled.';
comment on column source_state.missing is 'Messages that are missing in holes, the given-up ones included.';
comment on column source_state.restarts is 'Restarts of streams, across each of which it is unknown what was lost.';
