-- Whether a unit ever had a record: the first of each unit, without reading the others.
create index ticket_unit_day on ticket (unit, created_day);
create index petition_unit_day on petition (unit, received_day);
create index document_unit_reviewed on document (unit, reviewed_day);
create index document_unit_signed on document (unit, signed_day);
create index assessment_unit_quarter on assessment (unit, quarter);
