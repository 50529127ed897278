// What the HTTP API takes and answers, generated from the hub's own types: do not edit.
// `cargo test wire_types` writes it anew. Units stand in the names; null is "not known".

/** Why a request was refused or failed (RFC 9457). */
export type Problem = {
  /** `urn:ioc-hub:problem:CODE`. */
  type: string,
  /** HTTP status. */
  status: number,
  /** Stable code, for programs and translations. */
  code: string,
  /** What kind of problem it is, in English. */
  title: string,
  /** What was found and what is allowed, in English. */
  detail: string,
  /** Parameter or body key at fault; null when it is none. */
  field: string | null,
  /** What to do about it; null when nothing can be done. */
  help: string | null,
  /** Seconds after which trying again makes sense; null when it does not. */
  retry_s: number | null,
};

/** A name in both languages of the city. */
export type Name = {
  /** Vietnamese. */
  vi: string,
  /** English. */
  en: string,
};

/** One page of a list. */
export type Page<T> = {
  /** The items. */
  items: Array<T>,
  /** What to give as `after` for the next page; null on the last one. */
  next: string | null,
};

/** What a role may do, from least to most. */
export type Right = "read" | "operate" | "administer";

/** Role of an account. */
export type Role = "administrator" | "operator" | "viewer";

/** Name and password. */
export type Credentials = {
  /** Account name. */
  user: string,
  /** Password. */
  password: string,
};

/** Change of the caller's own password. */
export type PasswordChange = {
  /** The password until now. */
  current: string,
  /** The new one, at least 12 characters. */
  new: string,
};

/** Who is signed in. */
export type Session = {
  /** Account name. */
  user: string,
  /** Role. */
  role: Role,
  /** What the role may do. */
  rights: Array<Right>,
  /** End of the session, hub clock. */
  expires_at: string,
};

/** The city. */
export type City = {
  /** Token in topics. */
  city: string,
  /** Its name. */
  name: Name,
  /** IANA time zone of its civil days. */
  time_zone: string,
  /** West, south, east, north in degrees WGS 84. */
  bounds: [number, number, number, number],
  /** Longitude and latitude that the map opens at. */
  center: [number, number],
  /** Zoom that the map opens at. */
  zoom: number,
  /** Demonstration data: every screen says so. */
  demonstration: boolean,
  /** The hub listens or talks beyond this machine without encryption: every screen says so. */
  insecure: boolean,
  /** What a person should know of these data. */
  notes: Array<string>,
  /** What the schematic map draws. */
  map: CityMap,
};

/** Layers of the schematic map, each a GeoJSON `FeatureCollection`; the properties of a feature hold `id`, `name_vi` and `name_en`. */
export type CityMap = {
  /** Cells that areas are shown as; `schematic` in their properties says that they are no surveyed boundaries. */
  areas: FeatureCollection,
  /** Roads. */
  corridors: FeatureCollection,
  /** Rivers and canals. */
  rivers: FeatureCollection,
  /** Places to find one's way by. */
  places: FeatureCollection,
};

/** GeoJSON `FeatureCollection`. */
export type FeatureCollection = {
  /** `FeatureCollection`. */
  type: "FeatureCollection",
  /** Features. */
  features: Array<Feature>,
  /** What to give as `after` for the next page; left out on the last one and where there are no pages. */
  next?: string,
};

/** GeoJSON `Feature`. */
export type Feature = {
  /** `Feature`. */
  type: "Feature",
  /** Id. */
  id: string,
  /** Properties. */
  properties: Record<string, unknown>,
  /** GeoJSON geometry, degrees WGS 84; null without a place. */
  geometry: { type: string; coordinates: unknown } | null,
};

/** A registered device. */
export type Device = {
  /** Source token, unique in the city. */
  id: string,
  /** signal, vds, cctv, cabinet, desk, onestop or metric. */
  service: string,
  /** Its name. */
  name: Name,
  /** Longitude, degrees WGS 84; null for systems without a place. */
  lon: number | null,
  /** Latitude, degrees WGS 84; null for systems without a place. */
  lat: number | null,
  /** Id of the area that it lies in; null outside all of them. */
  area: string | null,
  /** Id of its corridor; null for none. */
  corridor: string | null,
  /** Source of the cabinet that feeds it; null for none. */
  parent: string | null,
  /** Expected time between messages of its main stream, seconds; null when there is none. */
  period_s: number | null,
  /** Equipment of the simulated city. */
  simulated: boolean,
  /** No longer in service. */
  retired: boolean,
  /** Lanes and zones. */
  detectors: Array<Detector>,
  /** 0 never heard, 1 normal, 2 warning, 3 fault, 4 offline. */
  condition: number,
  /** Code of the cause, such as `flash.fault_monitor`; null when normal or not known. */
  why: string | null,
  /** Age of the newest measurement by source time, milliseconds; null when there is none. */
  age_ms: number | null,
};

/** A lane or zone of a device. */
export type Detector = {
  /** `lane/1`, `zone/north-in`. */
  key: string,
  /** Its name. */
  name: Name,
  /** forward, reverse or both; null when not known. */
  direction: string | null,
};

/** An area of the schematic map. */
export type Area = {
  /** Code of the unit that it stands for. */
  id: string,
  /** Its name. */
  name: Name,
  /** Further properties; `schematic` says that the outline is no surveyed boundary. */
  properties: Record<string, unknown>,
  /** GeoJSON geometry, degrees WGS 84. */
  geometry: { type: string; coordinates: unknown },
};

/** An administrative unit or agency during its validity. */
export type Unit = {
  /** `gso:NNNNN` or `agency:TEXT`; codes were reused, so the identity is (code, `valid_from`). */
  code: string,
  /** First day of validity. */
  valid_from: string,
  /** First day after validity; null while valid. */
  valid_to: string | null,
  /** city, district, ward, commune, town or agency. */
  kind: string,
  /** Its name. */
  name: Name,
  /** Code of the superior unit; null for the city. */
  parent: string | null,
  /** Where the row comes from. */
  source: string,
  /** Which units it went into. */
  successors: Array<Successor>,
};

/** A unit that took over from another. */
export type Successor = {
  /** Its code. */
  code: string,
  /** First day of its validity. */
  valid_from: string,
  /** True when the whole former unit went there, false for a part. */
  whole: boolean,
};

/** Series over one span. */
export type SeriesSet = {
  /** Begin as asked for; the first bucket may begin earlier. */
  from: string,
  /** End as asked for; the last bucket may end later. */
  to: string,
  /** In the order of sources, lanes or zones, quantities and classes as asked for. */
  series: Array<Series>,
};

/** Totals over one span. */
export type TotalSet = {
  /** Begin as asked for; the first bucket may begin earlier. */
  from: string,
  /** End as asked for; the last bucket may end later. */
  to: string,
  /** Devices that were added up. */
  devices: number,
  /** Their lanes and zones. */
  detectors: number,
  /** Length of a bucket, seconds. */
  resolution_s: number,
  /** `5min`, `1h` or `1d`: the rows that it was summed up from; the values do not depend on it. */
  basis: string,
  /** In the order of quantities and classes as asked for. */
  totals: Array<Total>,
};

/** One total. */
export type Total = {
  /** count, occupancy or `speed_kmh`. */
  quantity: string,
  /** Vehicle class; null for all. */
  class: string | null,
  /** vehicles, share (0 to 1) or km/h. */
  unit_of_measure: string,
  /** `[time, value, good, expected]` per bucket, as of a series; expected is null when one of the devices has no registered period. */
  points: [time: string, value: number | null, good: number, expected: number | null][],
};

/** One series. */
export type Series = {
  /** Device. */
  source: string,
  /** Lane number; null for a zone or the whole device. */
  lane: number | null,
  /** Zone; null for a lane or the whole device. */
  zone: string | null,
  /** count, `flow_veh_h`, occupancy, `speed_kmh` or `headway_s`. */
  quantity: string,
  /** Vehicle class; null for all. */
  class: string | null,
  /** vehicles, vehicles/h, share (0 to 1), km/h or s. */
  unit_of_measure: string,
  /** Length of a bucket, seconds. */
  resolution_s: number,
  /** `raw`, `5min`, `1h` or `1d`: the rows that it was summed up from; the values do not depend on it. */
  basis: string,
  /** `[time, value, good, expected]` per bucket: its begin; the value, null when nothing was measured; intervals without a quality bit; intervals that the registered period promises, null when none is registered. */
  points: [time: string, value: number | null, good: number, expected: number | null][],
};

/** What every device showed at an instant. */
export type CityState = {
  /** The instant. */
  at: string,
  /** Devices that had told anything within 24 hours before it. */
  devices: Array<ShownDevice>,
};

/** What one device showed. */
export type ShownDevice = {
  /** Source token. */
  id: string,
  /** State of the signal groups; null when none was told. */
  signal: ShownSignal | null,
  /** Latest complete interval of each lane or zone. */
  readings: Array<ShownReading>,
  /** Latest health report; null when none was told. */
  health: ShownHealth | null,
};

/** State of a signal controller. */
export type ShownSignal = {
  /** Source clock. */
  time: string,
  /** Mode word of the contract. */
  mode: string,
  /** Running plan. */
  plan: number | null,
  /** Cycle length, seconds. */
  cycle_s: number | null,
  /** Position in the cycle at `time`, seconds. */
  cycle_position_s: number | null,
  /** Offset of the plan, seconds. */
  offset_s: number | null,
  /** NTCIP 1202 unitFlashStatus 1 to 8. */
  flash: number | null,
  /** Active preempt, 0 for none. */
  preempt: number | null,
  /** Signal groups as in `signal/state`. */
  groups: Record<string, unknown>[],
};

/** Interval of a lane or zone. */
export type ShownReading = {
  /** `lane/1`, `zone/north-in`. */
  key: string,
  /** Start, source clock. */
  time: string,
  /** Length, seconds. */
  duration_s: number,
  /** Vehicles; null when not measured. */
  count: number | null,
  /** Share of the time occupied, 0 to 1; null when not measured. */
  occupancy: number | null,
  /** Mean speed, km/h; null when not measured. */
  speed_kmh: number | null,
  /** Mean headway, seconds; null when not measured. */
  headway_s: number | null,
  /** Queue, metres; null when not measured. */
  queue_m: number | null,
  /** Vehicles per km; null when not measured. */
  density_per_km: number | null,
  /** Quality bits, 0 when good. */
  quality: number,
};

/** Health report. */
export type ShownHealth = {
  /** Source clock. */
  time: string,
  /** Report as in the `health` message. */
  report: Record<string, unknown>,
};

/** A ticket as it stands. */
export type Ticket = {
  /** `SOURCE:NUMBER`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Ticket number. */
  ticket: string,
  /** Status of the latest step. */
  status: string,
  /** When that step was taken. */
  status_at: string,
  /** When the earliest known step was taken. */
  created_at: string,
  /** When it was handled; null while in process or left by a side exit. */
  handled_at: string | null,
  /** hotline, web, app, zalo, facebook, `in_person` or email; null when not told. */
  channel: string | null,
  /** inquiry, request, report or petition; null when not told. */
  kind: string | null,
  /** Category; null when not told. */
  category: string | null,
  /** Responsible unit; null when not told. */
  unit: string | null,
  /** Text without personal data, not for the public; null when not told. */
  summary: string | null,
  /** Latitude, degrees; null when not told. */
  lat: number | null,
  /** Longitude, degrees; null when not told. */
  lon: number | null,
  /** Due time; null when not told. */
  due_at: string | null,
  /** First reply; null when not told. */
  first_response_at: string | null,
  /** Answered in the first contact; null when not told. */
  solved_at_desk: boolean | null,
  /** Ticket that this one duplicates; null for none. */
  merged_into: string | null,
  /** Citizen's rating 1 to 5; null when not given. */
  rating: number | null,
};

/** A ticket with its steps. */
export type TicketWithSteps = {
  /** Its steps, oldest first. */
  steps: Array<TicketStep>,
  /** `SOURCE:NUMBER`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Ticket number. */
  ticket: string,
  /** Status of the latest step. */
  status: string,
  /** When that step was taken. */
  status_at: string,
  /** When the earliest known step was taken. */
  created_at: string,
  /** When it was handled; null while in process or left by a side exit. */
  handled_at: string | null,
  /** hotline, web, app, zalo, facebook, `in_person` or email; null when not told. */
  channel: string | null,
  /** inquiry, request, report or petition; null when not told. */
  kind: string | null,
  /** Category; null when not told. */
  category: string | null,
  /** Responsible unit; null when not told. */
  unit: string | null,
  /** Text without personal data, not for the public; null when not told. */
  summary: string | null,
  /** Latitude, degrees; null when not told. */
  lat: number | null,
  /** Longitude, degrees; null when not told. */
  lon: number | null,
  /** Due time; null when not told. */
  due_at: string | null,
  /** First reply; null when not told. */
  first_response_at: string | null,
  /** Answered in the first contact; null when not told. */
  solved_at_desk: boolean | null,
  /** Ticket that this one duplicates; null for none. */
  merged_into: string | null,
  /** Citizen's rating 1 to 5; null when not given. */
  rating: number | null,
};

/** A step in the life of a ticket. */
export type TicketStep = {
  /** Status that it came to. */
  status: string,
  /** When the step was taken. */
  at: string,
  /** Message time, source clock. */
  time: string,
  /** Responsible unit; null when not told in this step. */
  unit: string | null,
  /** Text; null when not told in this step. */
  summary: string | null,
};

/** A call at the switchboard. */
export type Call = {
  /** Publishing system. */
  source: string,
  /** Call id. */
  call: string,
  /** in or out. */
  direction: string,
  /** When the caller entered the queue; null when not reported. */
  queued_at: string | null,
  /** When it was answered; null when it was not. */
  answered_at: string | null,
  /** When the caller gave up; null when not. */
  abandoned_at: string | null,
  /** When it ended; null when not reported. */
  ended_at: string | null,
  /** Ticket that it led to; null for none. */
  ticket: string | null,
  /** Message time, source clock. */
  time: string,
};

/** Figures of the service desk; all null when nothing ever came, since no feed is not zero tickets. */
export type DeskSummary = {
  /** Hub clock. */
  at: string,
  /** Latest step or call, source clock; null when nothing ever came. */
  latest: string | null,
  /** Tickets ever created. */
  received_total: number | null,
  /** Tickets that stand resolved, published or closed. */
  handled_total: number | null,
  /** Open tickets. */
  in_process: number | null,
  /** Open tickets past their due time. */
  overdue: number | null,
  /** Tickets created in this civil day. */
  received_today: number | null,
  /** Tickets handled in this civil day. */
  handled_today: number | null,
  /** Incoming calls of this civil day. */
  calls_today: number | null,
  /** Abandoned ones of them. */
  abandoned_today: number | null,
  /** Tickets per channel. */
  channels: Record<string, number>,
  /** Tickets per status. */
  statuses: Record<string, number>,
};

/** A metric of the catalogue. */
export type Metric = {
  /** Name in messages. */
  id: string,
  /** Its name. */
  name: Name,
  /** Unit of measure. */
  unit_of_measure: string,
  /** Smallest accepted value; null for none. */
  minimum: number | null,
  /** Largest accepted value; null for none. */
  maximum: number | null,
  /** Where the definition comes from. */
  source: string,
};

/** Figures of one metric. */
export type MetricFigures = {
  /** The metric. */
  metric: Metric,
  /** Its figures, oldest first. */
  items: Array<Figure>,
  /** What to give as `after` for the next page; null on the last one. */
  next: string | null,
};

/** A figure. */
export type Figure = {
  /** Source clock. */
  time: string,
  /** Publishing system. */
  source: string,
  /** Unit that the figure belongs to; null for none. */
  unit: string | null,
  /** Further dimensions. */
  labels: Record<string, string>,
  /** The figure in the metric's unit of measure; null when it was not measured. */
  value: number | null,
  /** exact or `at_least`. */
  bound: string,
};

/** A source. */
export type SourceInfo = {
  /** Source token. */
  id: string,
  /** `registered`, or `discovered`: it publishes and waits to be accepted. */
  state: SourceState,
  /** Service that it is registered under, else the one it publishes under. */
  service: string,
  /** Its name; null for discovered ones. */
  name: Name | null,
  /** First message, hub clock; null when it never published. */
  first_seen: string | null,
  /** Latest message, hub clock; null when it never published. */
  last_seen: string | null,
  /** Largest message time, source clock; null before the first good message. */
  last_time: string | null,
  /** Largest restart counter; null before the first good message. */
  boot: number | null,
  /** seq of the latest message of that boot. */
  seq: number | null,
  /** Latest connection state; null when it publishes none. */
  online: boolean | null,
  /** ntp, gps, ptp or none; null when not reported. */
  clock_source: string | null,
  /** Reported clock offset, milliseconds; null when not reported. */
  clock_offset_ms: number | null,
  /** What was counted; null when it never published. */
  counters: SourceCounters | null,
};

/** Whether a source is known. */
export type SourceState = "registered" | "discovered";

/** What was counted of a source. */
export type SourceCounters = {
  /** Messages received. */
  messages: number,
  /** Messages or parts of them refused. */
  refused: number,
  /** Facts (rows) that were already there, under the same seq or another. */
  duplicates: number,
  /** Messages marked late by the source. */
  late: number,
  /** Refused messages beyond the bound of the quarantine: counted, not kept. */
  dropped: number,
  /** Messages published with `QoS` 0. */
  unguaranteed: number,
  /** Messages whose seq had been received before and that brought nothing new. */
  repeated: number,
  /** New messages that came after a later one of their stream and boot. */
  out_of_order: number,
  /** Messages whose seq had been received before and that yet brought new facts. */
  seq_reused: number,
  /** Holes in seq that are not filled; `gaps` lists them. */
  open_gaps: number,
  /** Messages that are missing in holes. */
  missing: number,
  /** Restarts of streams, across each of which it is unknown what was lost. */
  restarts: number,
};

/** How a discovered source is registered. */
export type Acceptance = {
  /** signal, vds, cctv, cabinet, desk, onestop or metric. */
  service: string,
  /** Its name. */
  name: Name,
  /** Longitude, degrees WGS 84; null for systems without a place. */
  lon: number | null,
  /** Latitude, degrees WGS 84; null for systems without a place. */
  lat: number | null,
  /** Expected time between messages of its main stream, seconds; null when there is none. */
  period_s: number | null,
};

/** What became of the messages that were kept of an accepted source. */
export type Accepted = {
  /** Messages that are stored now. */
  replayed: number,
  /** Messages that are still refused; the quarantine tells why. */
  refused_again: number,
};

/** What was lost, or may have been. */
export type Gap = {
  /** Number in order of discovery. */
  id: number,
  /** `missing`: messages whose seq never came, or not yet. `restart`: the source began a new boot,
   * and nobody knows whether it lost messages before. */
  kind: GapKind,
  /** Source token. */
  source: string,
  /** Service level of the topic. */
  service: string,
  /** Stream level of the topic. */
  stream: string,
  /** Restart counter of the source; of a restart the one after it. */
  boot: number,
  /** First seq that was missing when it was first seen; null for a restart. */
  from_seq: number | null,
  /** Last seq that was missing when it was first seen; null for a restart. */
  to_seq: number | null,
  /** Messages that are still missing, 0 when all have come; null for a restart: unknown. */
  missing: number | null,
  /** Which of them are still missing: at most the first 20 spans. */
  spans: Array<GapSpan>,
  /** When it was first seen, hub clock. */
  first_seen: string,
  /** When the last missing message came, or when the boot was followed no more and the rest was
   * given up, hub clock; null while it is open and for a restart. */
  closed_at: string | null,
};

/** What kind of loss. */
export type GapKind = "missing" | "restart";

/** Numbers in a row that are still missing. */
export type GapSpan = {
  /** First seq. */
  from_seq: number,
  /** Last seq. */
  to_seq: number,
  /** How many of them are missing. Fewer than the span holds when there were too many spans to keep
   * apart: then it is not known which. */
  missing: number,
};

/** A refused message, or a refused part of one. */
export type Refused = {
  /** Number in order of arrival. */
  id: number,
  /** Hub clock. */
  received_at: string,
  /** Topic as it came. */
  topic: string,
  /** Service; null when the topic did not parse. */
  service: string | null,
  /** Source; null when the topic did not parse. */
  source: string | null,
  /** Message time, source clock; null when it could not be read. */
  message_time: string | null,
  /** Reason code. */
  reason: string,
  /** JSON path of the field at fault; empty for the whole message. */
  field: string,
  /** What was found and what is allowed. */
  detail: string,
  /** May carry personal data: only administrators see it. */
  personal: boolean,
  /** True when the rest of the message was taken. */
  partial: boolean,
  /** Length of the payload. */
  bytes: number,
  /** When it was replayed with success; null when not. */
  replayed_at: string | null,
  /** What the latest replay said; null before the first. */
  replay_result: string | null,
};

/** A refused message with its bytes. */
export type RefusedMessage = {
  /** The payload, base64. */
  payload_base64: string,
  /** The payload as text; null when it is not UTF-8. */
  payload_text: string | null,
  /** Number in order of arrival. */
  id: number,
  /** Hub clock. */
  received_at: string,
  /** Topic as it came. */
  topic: string,
  /** Service; null when the topic did not parse. */
  service: string | null,
  /** Source; null when the topic did not parse. */
  source: string | null,
  /** Message time, source clock; null when it could not be read. */
  message_time: string | null,
  /** Reason code. */
  reason: string,
  /** JSON path of the field at fault; empty for the whole message. */
  field: string,
  /** What was found and what is allowed. */
  detail: string,
  /** May carry personal data: only administrators see it. */
  personal: boolean,
  /** True when the rest of the message was taken. */
  partial: boolean,
  /** Length of the payload. */
  bytes: number,
  /** When it was replayed with success; null when not. */
  replayed_at: string | null,
  /** What the latest replay said; null before the first. */
  replay_result: string | null,
};

/** What a replay came to. */
export type Replayed = {
  /** Whether it was taken this time. */
  accepted: boolean,
  /** Why not; null when it was. */
  reason: string | null,
};

/** A change. */
export type JournalEntry = {
  /** Number in order. */
  id: number,
  /** Hub clock. */
  at: string,
  /** Account name, or `command:NAME` for the command line. */
  who: string,
  /** Verb and noun, such as `accept_source`. */
  action: string,
  /** What it was done to. */
  object: string,
  /** Value before; null when there was none. */
  before: unknown,
  /** Value after; null when there is none. */
  after: unknown,
};

/** Whether the hub can do its work. */
export type ReadinessReport = {
  /** Whether every part works. */
  ready: boolean,
  /** Build of the hub; null for callers from elsewhere. */
  build: string | null,
  /** The database; null for callers from elsewhere. */
  database: Component | null,
  /** The broker session; null for callers from elsewhere. */
  broker: Component | null,
  /** The writer; null for callers from elsewhere. */
  writer: Component | null,
  /** Whether the spool could take what the database does not; null for callers from elsewhere. */
  spool: Component | null,
};

/** State of one part. */
export type Component = {
  /** Whether it works. */
  ready: boolean,
  /** Why not, in words for the operator; null while it works. */
  why: string | null,
  /** Since when it works or does not, hub clock. */
  since: string,
};
