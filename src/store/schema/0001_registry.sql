-- The registry: what exists. The database is the truth; a city folder seeds it once.

create table city (
  only_one boolean primary key default true check (only_one),
  token text not null,
  settings jsonb not null
);
comment on table city is 'The one city of this hub.';
comment on column city.only_one is 'Keeps the table at one row.';
comment on column city.token is 'Token of the city in topics.';
comment on column city.settings is 'Names, time zone, bounds, centre and zoom of the map, demonstration mark; shape of GET /api/v1/city.';

create table administrative_unit (
  code text not null,
  valid_from date not null,
  valid_to date,
  kind text not null,
  name_vi text not null,
  name_en text not null,
  parent text,
  source text not null,
  primary key (code, valid_from)
);
comment on table administrative_unit is 'Administrative units and agencies with validity. A code is no identity: codes were reused, so the key is (code, valid_from).';
comment on column administrative_unit.code is 'gso:NNNNN (General Statistics Office) or agency:TEXT.';
comment on column administrative_unit.valid_from is 'First day of validity, civil day of the city.';
comment on column administrative_unit.valid_to is 'First day after validity; null while valid.';
comment on column administrative_unit.kind is 'city, district, ward, commune, town or agency.';
comment on column administrative_unit.name_vi is 'Vietnamese name, Unicode NFC.';
comment on column administrative_unit.name_en is 'English name.';
comment on column administrative_unit.parent is 'Code of the superior unit valid at the same time; null for the city.';
comment on column administrative_unit.source is 'Where the row comes from.';

create table unit_succession (
  from_code text not null,
  from_valid_from date not null,
  to_code text not null,
  to_valid_from date not null,
  whole boolean not null,
  source text not null,
  primary key (from_code, from_valid_from, to_code, to_valid_from),
  foreign key (from_code, from_valid_from) references administrative_unit (code, valid_from),
  foreign key (to_code, to_valid_from) references administrative_unit (code, valid_from)
);
comment on table unit_succession is 'Which unit went into which, wholly or in part; only edges that a source states.';
comment on column unit_succession.from_code is 'Code of the former unit.';
comment on column unit_succession.from_valid_from is 'Begin of validity of the former unit.';
comment on column unit_succession.to_code is 'Code of the successor.';
comment on column unit_succession.to_valid_from is 'Begin of validity of the successor.';
comment on column unit_succession.whole is 'True when the whole former unit went there.';
comment on column unit_succession.source is 'Where the edge is stated.';

create table map_feature (
  kind text not null check (kind in ('area', 'corridor', 'river', 'place')),
  id text not null,
  name_vi text not null,
  name_en text not null,
  properties jsonb not null,
  geometry jsonb not null,
  primary key (kind, id)
);
comment on table map_feature is 'What the schematic map draws. Areas are schematic cells, not surveyed boundaries, unless their properties say otherwise.';
comment on column map_feature.kind is 'area, corridor, river or place.';
comment on column map_feature.id is 'Id within the kind; of an area the code of its unit.';
comment on column map_feature.name_vi is 'Vietnamese name.';
comment on column map_feature.name_en is 'English name.';
comment on column map_feature.properties is 'Further properties: class, free_flow_kmh, lanes, rank, schematic.';
comment on column map_feature.geometry is 'GeoJSON geometry, WGS 84 longitude and latitude in degrees.';

create table device (
  id integer generated always as identity primary key,
  source text not null unique,
  service text not null,
  name_vi text not null,
  name_en text not null,
  lon double precision check (lon between -180 and 180),
  lat double precision check (lat between -90 and 90),
  area text,
  corridor text,
  parent text,
  period_ms integer check (period_ms > 0),
  simulated boolean not null default false,
  registered_at timestamptz not null,
  retired_at timestamptz
);
comment on table device is 'Registered equipment and systems that publish.';
comment on column device.id is 'Small id used by fact tables.';
comment on column device.source is 'Source token in topics, unique in the city.';
comment on column device.service is 'signal, vds, cctv, cabinet, desk, onestop or metric.';
comment on column device.name_vi is 'Vietnamese name.';
comment on column device.name_en is 'English name.';
comment on column device.lon is 'Longitude, degrees WGS 84; null for systems without a place.';
comment on column device.lat is 'Latitude, degrees WGS 84; null for systems without a place.';
comment on column device.area is 'Id of the area that the position lies in, computed; null when outside all areas or without a place.';
comment on column device.corridor is 'Id of the corridor; null for none.';
comment on column device.parent is 'Source of the cabinet that feeds it; null for none.';
comment on column device.period_ms is 'Expected time between messages of the main stream, milliseconds; null when there is none.';
comment on column device.simulated is 'True for equipment of the simulated city.';
comment on column device.registered_at is 'When it was registered, hub clock.';
comment on column device.retired_at is 'When it was retired, hub clock; null while in service.';

create table detector (
  id integer generated always as identity primary key,
  device_id integer not null references device (id),
  place text not null,
  name_vi text not null,
  name_en text not null,
  direction text,
  lane_class text,
  free_flow_kmh integer,
  unique (device_id, place)
);
comment on table detector is 'Lanes of detector stations and zones of cameras. A lane or zone that a registered device reports first is added by itself.';
comment on column detector.id is 'Small id used by fact tables.';
comment on column detector.device_id is 'Its device.';
comment on column detector.place is 'lane/NUMBER or zone/NAME.';
comment on column detector.name_vi is 'Vietnamese name.';
comment on column detector.name_en is 'English name.';
comment on column detector.direction is 'forward, reverse or both; null when not known.';
comment on column detector.lane_class is 'Class of lane for quality thresholds; null when not known.';
comment on column detector.free_flow_kmh is 'Free-flow speed, km/h; null when not known.';

create table metric_definition (
  name text primary key,
  name_vi text not null,
  name_en text not null,
  unit_of_measure text not null,
  minimum double precision,
  maximum double precision,
  source text not null
);
comment on table metric_definition is 'The metric catalogue: figures that other city systems may publish.';
comment on column metric_definition.name is 'Name in messages.';
comment on column metric_definition.name_vi is 'Vietnamese name.';
comment on column metric_definition.name_en is 'English name.';
comment on column metric_definition.unit_of_measure is 'Unit of measure.';
comment on column metric_definition.minimum is 'Smallest accepted value; null for none.';
comment on column metric_definition.maximum is 'Largest accepted value; null for none.';
comment on column metric_definition.source is 'Where the definition comes from.';

create table ticket_category (
  id text primary key,
  name_vi text not null,
  name_en text not null,
  public_space boolean not null
);
comment on table ticket_category is 'Categories of service-desk tickets.';
comment on column ticket_category.id is 'Token in messages.';
comment on column ticket_category.name_vi is 'Vietnamese name.';
comment on column ticket_category.name_en is 'English name.';
comment on column ticket_category.public_space is 'True when a location of this category concerns public space only.';
