-- A clock that is off a little makes a time suspect and the interval still counts; bit 16 says that it does
-- not. What was marked as suspect before was left out of the good rows, and stays so with bit 16.

update interval_reading set quality = quality | 65536 where quality & 4096 <> 0;
update interval_5min set quality = quality | 65536 where quality & 4096 <> 0;
update interval_1h set quality = quality | 65536 where quality & 4096 <> 0;
update interval_1d set quality = quality | 65536 where quality & 4096 <> 0;
comment on column interval_reading.quality is 'Quality bits, 0 when good; bit 10 incomplete, 11 late, 12 clock suspect, 13 camera off its home preset, 16 clock invalid. Late and suspect rows still count as good.';
comment on column interval_5min.good is 'Rows of them without a quality bit but late (11) and clock suspect (12).';
comment on column interval_1h.good is 'Rows of them without a quality bit but late (11) and clock suspect (12).';
comment on column interval_1d.good is 'Rows of them without a quality bit but late (11) and clock suspect (12).';

comment on column notification_endpoint.cursor_seq is 'Last transition of alarms (alarm_transition.seq) that was looked at for it; what matched up to there is a row of notification. -1 while it is disabled: it begins anew with what comes when it is enabled again.';
