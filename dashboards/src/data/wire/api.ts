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
  /** Due time in force, with the waiting that counts; null while it waits. */
  effective_due: string | null,
  /** Whether it was handled by then; null while it is not. */
  on_time: boolean | null,
  /** Whether the clock stands: it waits for the citizen or for others. */
  is_paused: boolean,
  /** Waiting time that is over, seconds. */
  paused_s: number,
  /** Different units that it was given to. */
  units: number,
  /** How often it was reopened. */
  reopened: number,
  /** When it was first assigned or taken in hand; null while it is not. */
  assigned_at: string | null,
  /** Minutes from creation to assignment; null while it is not. */
  dispatch_min: number | null,
  /** Working minutes from creation to the first reply; null without one. */
  first_response_min: number | null,
  /** Working minutes from creation to handling without waiting; null while it is not. */
  resolve_min: number | null,
  /** When it was rejected, found a duplicate or transferred, while it stands so; null otherwise. */
  left_at: string | null,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
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
  /** Due time in force, with the waiting that counts; null while it waits. */
  effective_due: string | null,
  /** Whether it was handled by then; null while it is not. */
  on_time: boolean | null,
  /** Whether the clock stands: it waits for the citizen or for others. */
  is_paused: boolean,
  /** Waiting time that is over, seconds. */
  paused_s: number,
  /** Different units that it was given to. */
  units: number,
  /** How often it was reopened. */
  reopened: number,
  /** When it was first assigned or taken in hand; null while it is not. */
  assigned_at: string | null,
  /** Minutes from creation to assignment; null while it is not. */
  dispatch_min: number | null,
  /** Working minutes from creation to the first reply; null without one. */
  first_response_min: number | null,
  /** Working minutes from creation to handling without waiting; null while it is not. */
  resolve_min: number | null,
  /** When it was rejected, found a duplicate or transferred, while it stands so; null otherwise. */
  left_at: string | null,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
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

/** An import with what it did so far. */
export type ImportRun = {
  /** Number in order. */
  id: number,
  /** dossier, ticket, ii06a, official766 or formality. */
  kind: string,
  /** Who imported it. */
  who: string,
  /** SHA-256 of the file. */
  sha256: string,
  /** Hub clock. */
  started_at: string,
  /** Hub clock; null while it runs, or when it was cut off. */
  finished_at: string | null,
  /** Facts or rows of the file that can be stored. */
  storable: number,
  /** Of them handled so far. */
  done: number,
  /** What became of them. */
  stored: Stored,
  /** Rows of the file with a problem. */
  rows_bad: number,
};

/** What a table holds. */
export type Kind = "dossier" | "ticket" | "ii06a" | "official766" | "formality";

/** What was found in a table, and what was done with it. */
export type Report = {
  /** What the table holds. */
  kind: Kind,
  /** Version of the header and word lists. */
  words: string,
  /** True when nothing of the table is taken: it cannot be read, a needed column is missing, or a
   * column holds personal data. */
  is_refused: boolean,
  /** Encoding that was recognised; null when none was. */
  encoding: string | null,
  /** Character between the cells; null when none was recognised. */
  delimiter: string | null,
  /** First and last line of the header, from 1; null when none was found. */
  header_lines: [number, number] | null,
  /** Every column with what it is taken for. */
  columns: Array<ColumnUse>,
  /** Rows of data, without headings, totals and notes. */
  rows: number,
  /** Rows of data with at least one problem: nothing of them is stored. */
  rows_bad: number,
  /** Lines that are totals, headings or notes, and were not stored. */
  lines_skipped: Array<number>,
  /** Facts or rows that can be stored. */
  storable: number,
  /** What keeps a cell, a row or the table from being stored; in the order of the lines. */
  problems: Array<Flaw>,
  /** What a person should look at, though it is stored; in the order of the lines. */
  warnings: Array<Flaw>,
  /** What was stored; null after a dry run or a refusal. */
  stored: Stored | null,
};

/** One column of a table. */
export type ColumnUse = {
  /** Its header, upper lines first. */
  title: string,
  /** The field that it is taken for; null when it is not used. */
  field: string | null,
  /** Whether it holds personal data. */
  is_personal: boolean,
};

/** Something that is wrong, or strange. */
export type Flaw = {
  /** Line of the file, from 1; null for the table as a whole. */
  line: number | null,
  /** Header of the column; empty for the row or table as a whole. */
  column: string,
  /** The cell, shortened, with long digit runs masked; null for personal columns and whole rows. */
  value: string | null,
  /** What is wrong. */
  problem: string,
  /** What to do. */
  advice: string,
};

/** What was stored of a table. */
export type Stored = {
  /** New rows. */
  new: number,
  /** Rows that were stored before with the same content. */
  duplicates: number,
  /** Rows that replaced others (tables, formalities), or that were stored before with other content and
   * kept as they were (facts). */
  changed: number,
  /** Facts that the hub refused, with what it refuses of every message: see the quarantine. */
  refused: number,
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

/** A dossier as it stands. Times are instants; minutes are working minutes of the calendar. What was never
 * told is null. */
export type Dossier = {
  /** `SOURCE:CODE`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Dossier code. */
  dossier: string,
  /** Code of the formality. */
  formality: string | null,
  /** Field of the formality. */
  field: string | null,
  /** Handling unit. */
  unit: string | null,
  /** Receiving unit. */
  received_by: string | null,
  /** direct, online or post; direct when never told. */
  channel: string,
  /** Status of the latest step: registered, accepted, `not_accepted`, `in_process`,
   * `supplement_requested`, `payment_requested`, withdrawn, stopped, done or returned. */
  status: string,
  /** Its code on the national portal, 1 to 10. */
  status_code: number,
  /** When it was reached. */
  status_at: string,
  /** When it was handed in. */
  submitted_at: string,
  /** When it was accepted; null while it is not. */
  received_at: string | null,
  /** Due time as told. */
  due_at: string | null,
  /** Due time with the pauses that count; null while the clock stands. */
  effective_due: string | null,
  /** Since when it is overdue; of an open one also in the future. */
  overdue_at: string | null,
  /** Time that it may take. */
  limit: Limit | null,
  /** When handling ended; null while open. */
  ended_at: string | null,
  /** When the result was returned. */
  returned_at: string | null,
  /** When it was refused. */
  refused_at: string | null,
  /** early, `on_day`, late, `no_due`, withdrawn, refused or stopped; null while open. */
  outcome: string | null,
  /** In time by the rule of Decision 766; null while open or without a due time. */
  on_time: boolean | null,
  /** Whether the clock stands because papers or payment are waited for. */
  is_paused: boolean,
  /** Length of the pauses that are over, seconds. */
  paused_s: number,
  /** How often papers were asked for. */
  supplements: number,
  /** Working minutes from acceptance to the end. */
  handling_min: number | null,
  /** Working minutes that were allowed. */
  limit_min: number | null,
  /** Working minutes from handing in online to acceptance. */
  acceptance_min: number | null,
  /** Steps of the internal process that are over and had a due time. */
  steps_total: number,
  /** Those of them in time. */
  steps_on_time: number,
  /** Handed in outside the area of the handling unit. */
  boundary_free: boolean | null,
  /** There are electronic files of components. */
  has_component_file: boolean | null,
  /** Components were digitised. */
  digitised: boolean | null,
  /** A component was reused. */
  reused: boolean | null,
  /** A component came from the national personal store. */
  from_national_store: boolean | null,
  /** The applicant was authenticated by `VNeID`. */
  vneid: boolean | null,
  /** no, national or gateway. */
  paid_online: string | null,
  /** Number of fees, waived ones included. */
  fee_count: number | null,
  /** Sum of the fees, dong. */
  fee_vnd: number | null,
  /** Links to electronic results. */
  result_links: number | null,
  /** person, business or organisation. */
  applicant: string | null,
  /** When an apology for the delay was sent. */
  apology_at: string | null,
  /** Petitions that name it. */
  petitions: number,
  /** A citizen's form about it has a mean below one point. */
  disliked: boolean,
  /** Moves between statuses that the rules do not allow. */
  illegal_moves: number,
  /** The date in the code is not the day of acceptance. */
  code_date_differs: boolean,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
};

/** A dossier with its steps. */
export type DossierWithSteps = {
  /** Its steps, oldest first. */
  steps: Array<DossierStep>,
  /** `SOURCE:CODE`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Dossier code. */
  dossier: string,
  /** Code of the formality. */
  formality: string | null,
  /** Field of the formality. */
  field: string | null,
  /** Handling unit. */
  unit: string | null,
  /** Receiving unit. */
  received_by: string | null,
  /** direct, online or post; direct when never told. */
  channel: string,
  /** Status of the latest step: registered, accepted, `not_accepted`, `in_process`,
   * `supplement_requested`, `payment_requested`, withdrawn, stopped, done or returned. */
  status: string,
  /** Its code on the national portal, 1 to 10. */
  status_code: number,
  /** When it was reached. */
  status_at: string,
  /** When it was handed in. */
  submitted_at: string,
  /** When it was accepted; null while it is not. */
  received_at: string | null,
  /** Due time as told. */
  due_at: string | null,
  /** Due time with the pauses that count; null while the clock stands. */
  effective_due: string | null,
  /** Since when it is overdue; of an open one also in the future. */
  overdue_at: string | null,
  /** Time that it may take. */
  limit: Limit | null,
  /** When handling ended; null while open. */
  ended_at: string | null,
  /** When the result was returned. */
  returned_at: string | null,
  /** When it was refused. */
  refused_at: string | null,
  /** early, `on_day`, late, `no_due`, withdrawn, refused or stopped; null while open. */
  outcome: string | null,
  /** In time by the rule of Decision 766; null while open or without a due time. */
  on_time: boolean | null,
  /** Whether the clock stands because papers or payment are waited for. */
  is_paused: boolean,
  /** Length of the pauses that are over, seconds. */
  paused_s: number,
  /** How often papers were asked for. */
  supplements: number,
  /** Working minutes from acceptance to the end. */
  handling_min: number | null,
  /** Working minutes that were allowed. */
  limit_min: number | null,
  /** Working minutes from handing in online to acceptance. */
  acceptance_min: number | null,
  /** Steps of the internal process that are over and had a due time. */
  steps_total: number,
  /** Those of them in time. */
  steps_on_time: number,
  /** Handed in outside the area of the handling unit. */
  boundary_free: boolean | null,
  /** There are electronic files of components. */
  has_component_file: boolean | null,
  /** Components were digitised. */
  digitised: boolean | null,
  /** A component was reused. */
  reused: boolean | null,
  /** A component came from the national personal store. */
  from_national_store: boolean | null,
  /** The applicant was authenticated by `VNeID`. */
  vneid: boolean | null,
  /** no, national or gateway. */
  paid_online: string | null,
  /** Number of fees, waived ones included. */
  fee_count: number | null,
  /** Sum of the fees, dong. */
  fee_vnd: number | null,
  /** Links to electronic results. */
  result_links: number | null,
  /** person, business or organisation. */
  applicant: string | null,
  /** When an apology for the delay was sent. */
  apology_at: string | null,
  /** Petitions that name it. */
  petitions: number,
  /** A citizen's form about it has a mean below one point. */
  disliked: boolean,
  /** Moves between statuses that the rules do not allow. */
  illegal_moves: number,
  /** The date in the code is not the day of acceptance. */
  code_date_differs: boolean,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
};

/** A step in the life of a dossier; null for what it does not tell. */
export type DossierStep = {
  /** Status that it came to. */
  status: string,
  /** Its code, 1 to 10. */
  status_code: number,
  /** When the step was taken. */
  at: string,
  /** Message time, source clock. */
  time: string,
  /** Handling unit. */
  unit: string | null,
  /** Due time. */
  due_at: string | null,
  /** Step of the internal process. */
  step: string | null,
  /** Until when that step is due. */
  step_due_at: string | null,
};

/** Time that a formality may take. */
export type Limit = {
  /** How many. */
  value: number,
  /** hour (of opening hours), day, `working_day` or month. */
  unit: string,
};

/** A petition as it stands. What was never told is null. */
export type Petition = {
  /** `SOURCE:NUMBER`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Number of the petition. */
  petition: string,
  /** regulation, conduct or service. */
  kind: string | null,
  /** formality, staff or other. */
  class: string | null,
  /** Responsible unit. */
  unit: string | null,
  /** Code of the dossier that it complains of. */
  dossier: string | null,
  /** Status of the latest step: received, `more_info`, transferred, processing, answered, published or
   * refused. */
  status: string,
  /** When it was reached. */
  status_at: string,
  /** When it came. */
  received_at: string,
  /** When it came to the responsible unit, from which the limit runs. */
  sent_at: string,
  /** End of the last day of the limit; null where the calendar does not reach. */
  due_at: string | null,
  /** Since when it is overdue; of an open one also in the future. */
  overdue_at: string | null,
  /** When it was answered. */
  answered_at: string | null,
  /** When the answer was published. */
  published_at: string | null,
  /** When it was refused. */
  refused_at: string | null,
  /** When handling ended; null while open. */
  ended_at: string | null,
  /** Whether it ended in time; null while in process and where the calendar does not reach. */
  on_time: boolean | null,
  /** Whether the answer was published in time. */
  published_on_time: boolean | null,
  /** Whether the petitioner is satisfied. */
  satisfied: boolean | null,
  /** Working minutes until it ended. */
  handling_min: number | null,
  /** Moves between statuses that the rules do not allow. */
  illegal_moves: number,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
};

/** A petition with its steps. */
export type PetitionWithSteps = {
  /** Its steps, oldest first. */
  steps: Array<PetitionStep>,
  /** `SOURCE:NUMBER`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Number of the petition. */
  petition: string,
  /** regulation, conduct or service. */
  kind: string | null,
  /** formality, staff or other. */
  class: string | null,
  /** Responsible unit. */
  unit: string | null,
  /** Code of the dossier that it complains of. */
  dossier: string | null,
  /** Status of the latest step: received, `more_info`, transferred, processing, answered, published or
   * refused. */
  status: string,
  /** When it was reached. */
  status_at: string,
  /** When it came. */
  received_at: string,
  /** When it came to the responsible unit, from which the limit runs. */
  sent_at: string,
  /** End of the last day of the limit; null where the calendar does not reach. */
  due_at: string | null,
  /** Since when it is overdue; of an open one also in the future. */
  overdue_at: string | null,
  /** When it was answered. */
  answered_at: string | null,
  /** When the answer was published. */
  published_at: string | null,
  /** When it was refused. */
  refused_at: string | null,
  /** When handling ended; null while open. */
  ended_at: string | null,
  /** Whether it ended in time; null while in process and where the calendar does not reach. */
  on_time: boolean | null,
  /** Whether the answer was published in time. */
  published_on_time: boolean | null,
  /** Whether the petitioner is satisfied. */
  satisfied: boolean | null,
  /** Working minutes until it ended. */
  handling_min: number | null,
  /** Moves between statuses that the rules do not allow. */
  illegal_moves: number,
  /** Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete. */
  calendar: number,
};

/** A step in the life of a petition; null for what it does not tell. */
export type PetitionStep = {
  /** Status that it came to. */
  status: string,
  /** When the step was taken. */
  at: string,
  /** Message time, source clock. */
  time: string,
  /** Responsible unit. */
  unit: string | null,
  /** Whether the petitioner is satisfied. */
  satisfied: boolean | null,
};

/** A document as it stands. What was never told is null. */
export type Document = {
  /** `SOURCE:TOKEN`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Token of the document. */
  document: string,
  /** Type of result in the national catalogue. */
  result_type: string | null,
  /** Unit that holds it. */
  unit: string | null,
  /** Whether a holder is known. */
  has_holder: boolean | null,
  /** State of the latest step: reviewed, digitised, signed or withdrawn. */
  state: string,
  /** When it was reached. */
  state_at: string,
  /** When it was first known. */
  first_at: string,
  /** When it was first found valid. */
  reviewed_at: string | null,
  /** When it was digitised. */
  digitised_at: string | null,
  /** When the signed copy was stored. */
  signed_at: string | null,
  /** When it was withdrawn; null unless that is its latest step. */
  withdrawn_at: string | null,
};

/** A document with its steps. */
export type DocumentWithSteps = {
  /** Its steps, oldest first. */
  steps: Array<DocumentStep>,
  /** `SOURCE:TOKEN`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Token of the document. */
  document: string,
  /** Type of result in the national catalogue. */
  result_type: string | null,
  /** Unit that holds it. */
  unit: string | null,
  /** Whether a holder is known. */
  has_holder: boolean | null,
  /** State of the latest step: reviewed, digitised, signed or withdrawn. */
  state: string,
  /** When it was reached. */
  state_at: string,
  /** When it was first known. */
  first_at: string,
  /** When it was first found valid. */
  reviewed_at: string | null,
  /** When it was digitised. */
  digitised_at: string | null,
  /** When the signed copy was stored. */
  signed_at: string | null,
  /** When it was withdrawn; null unless that is its latest step. */
  withdrawn_at: string | null,
};

/** A step in the life of a document; null for what it does not tell. */
export type DocumentStep = {
  /** State that it came to. */
  state: string,
  /** When the step was taken. */
  at: string,
  /** Message time, source clock. */
  time: string,
  /** Unit that holds it. */
  unit: string | null,
};

/** A form on the nine indicators. */
export type Assessment = {
  /** `SOURCE:NUMBER`. */
  id: string,
  /** Publishing system. */
  source: string,
  /** Number of the form. */
  form: string,
  /** Message time, source clock. */
  time: string,
  /** The unit that it is about. */
  unit: string,
  /** Quarter, `2026-Q1`. */
  quarter: string,
  /** citizen, agency (about itself) or appraiser. */
  by: string,
  /** tablet, web or paper; null when not told. */
  channel: string | null,
  /** Code of the dossier that it is about; null for none. */
  dossier: string | null,
  /** Points by `N1` to `N9`, 0 to 2 with at most 3 decimals; null where not answered. */
  scores: Record<string, number | null>,
};

/** A formality in one span of time; null for what is not known. */
export type Formality = {
  /** Code, as in dossiers. */
  code: string,
  /** First civil day of the row. */
  valid_from: string,
  /** First civil day after; null while valid. */
  valid_to: string | null,
  /** Its name. */
  name: Name,
  /** Field. */
  field: string | null,
  /** city, district, commune or sector. */
  level: string,
  /** Sector of a vertical agency; on level sector only. */
  sector: string | null,
  /** Day of the announcing decision. */
  announced_on: string | null,
  /** Day on which its law took effect. */
  effective_on: string | null,
  /** Day on which it was published on the national portal. */
  published_on: string | null,
  /** Whether all obligatory parts are published. */
  complete_parts: boolean | null,
  /** Whether it could be offered wholly online. */
  eligible_full: boolean | null,
  /** none, partial, full, 3 or 4. */
  online_level: string,
  /** Whether it costs a fee. */
  has_fee: boolean | null,
  /** Whether it is offered on the national portal. */
  npsp_linked: boolean | null,
  /** Whether its result must be on paper. */
  requires_paper_result: boolean | null,
  /** person, organisation or both. */
  audience: string | null,
  /** Time that it may take. */
  limit: Limit | null,
  /** Where the row comes from. */
  source: string,
  /** verified, unverified or demonstration. */
  mark: string,
  /** Its online services in the same span, or on the asked day. */
  services: Array<OnlineService>,
};

/** An online service of a formality. */
export type OnlineService = {
  /** Code. */
  code: string,
  /** First civil day. */
  valid_from: string,
  /** First civil day after; null while valid. */
  valid_to: string | null,
  /** Its name. */
  name: Name,
  /** public, closing, testing or closed. */
  state: string,
  /** Whether it is offered on the national portal. */
  npsp_linked: boolean,
};

/** What the indicators are grouped by. */
export type Group = "dossier" | "nine" | "decision766" | "online" | "digitisation" | "desk" | "operations" | "hub";

/** How a value stands to its target. */
export type Operator = ">=" | "<=" | "<" | "=" | "abs<" | "abs<=";

/** What an indicator should keep to. */
export type TargetStatement = {
  /** `>=`, `<=`, `<`, `=`, or `abs<`, `abs<=` of the value without its sign. */
  op: Operator,
  /** In the indicator's unit of measure. */
  value: number,
};

/** An indicator of the catalogue. */
export type IndicatorStatement = {
  /** Id, such as `A12`. */
  id: string,
  /** dossier, nine, decision766, online, digitisation, desk, operations or hub. */
  group: Group,
  /** Its name. */
  name: Name,
  /** `percent`, `points`, `working_hours`, or what is counted. */
  unit_of_measure: string,
  /** How it is computed, in words. */
  formula: Name,
  /** By what it can be asked. */
  dimensions: Array<string>,
  /** What it should keep to; null for none. */
  target: TargetStatement | null,
  /** Article, form or bulletin that defines it. */
  source: string,
  /** First day with a meaning. */
  valid_from: string,
  /** First day without; null while valid. */
  valid_to: string | null,
  /** Whether the live channel carries it for the whole city. */
  headline: boolean,
  /** Stream that it is computed from; null while nothing feeds it. */
  feed: string | null,
  /** Why nothing feeds it yet; null where something does. */
  no_feed: Name | null,
};

/** The catalogue. */
export type IndicatorCatalogue = {
  /** Versions that values carry. */
  versions: Versions,
  /** Indicators in their order. */
  indicators: Array<IndicatorStatement>,
};

/** Versions of what a value was computed by. */
export type Versions = {
  /** Catalogue of the indicators. */
  indicators: string,
  /** Laws, bands and thresholds. */
  parameters: string,
  /** Calendar. */
  calendar: string,
  /** Trees of units. */
  units: string,
};

/** A period as the API states it. */
export type PeriodStatement = {
  /** `2026-Q1`. */
  id: string,
  /** First civil day. */
  from: string,
  /** First civil day after. */
  to: string,
  /** Whether its figures were published. */
  is_closed: boolean,
};

/** Why a value is what it is. */
export type Status = "ok" | "no_feed" | "no_data" | "calendar_unverified" | "calendar_incomplete";

/** How exact a value is. */
export type ValueBound = "exact" | "at_least";

/** How many units told something. */
export type Reporting = {
  /** Units with at least one record of the noun in the period. */
  reporting: number,
  /** Units below the asked one by the tree. */
  expected: number,
};

/** The value that was published when the period was closed. */
export type Published = {
  /** The value. */
  value: number | null,
  /** When the period was closed. */
  closed_at: string,
};

/** One value of an indicator. */
export type Value = {
  /** Indicator. */
  id: string,
  /** Code of the unit; `unmapped` for records whose unit is in no tree. */
  unit: string,
  /** Its name on the last day of the period; null for `unmapped`. */
  unit_name: Name | null,
  /** Second key: channel, formality, month …; `own` for a unit's own records beside those below it;
   * null without one. */
  key: string | null,
  /** Part of an indicator with several figures: `p90`, `share`, `6-10`, a channel …; null for the main
   * one. */
  part: string | null,
  /** The value in the indicator's unit of measure; null is not 0. */
  value: number | null,
  /** Numerator, or the count itself; null for what is no quotient of integers. */
  numerator: number | null,
  /** Denominator; null for counts. */
  denominator: number | null,
  /** Class or component in words; null for a number. */
  word: string | null,
  /** How exact it is. */
  bound: ValueBound,
  /** How many units told something; null where no units report, and for other keys. */
  completeness: Reporting | null,
  /** Why it is what it is. */
  status: Status,
  /** What was published when the period was closed; null while it is open. */
  as_published: Published | null,
};

/** Values with what holds for all of them. */
export type Answer = {
  /** Period. */
  period: PeriodStatement,
  /** Records that came until then are in the values. */
  cut_off: string,
  /** Versions. */
  versions: Versions,
  /** Values in the order of ids, units and keys. */
  values: Array<Value>,
};

/** An identity that was looked at. */
export type Checked = {
  /** Word of the identity. */
  identity: string,
  /** Unit. */
  unit: string,
  /** Period. */
  period: string,
  /** Left side. */
  left: number,
  /** Right side. */
  right: number,
};

/** A record behind a figure: what it is, when it counts, what it adds, and what is known of it. */
export type RecordBehind = {
  /** Publishing system. */
  source: string,
  /** Dossier code, ticket number, call, petition, document or form. */
  id: string,
  /** Instant that puts it into the period. */
  at: string,
  /** What it adds to the figure. */
  amount: number,
  /** Its columns by name; no personal data. */
  record: Record<string, unknown>,
};

/** Scorecards with what holds for all of them. */
export type Scorecards<Card> = {
  /** Period. */
  period: PeriodStatement,
  /** Records that came until then are in the scores. */
  cut_off: string,
  /** Versions. */
  versions: Versions,
  /** One card per unit: the asked unit first, then those below it. */
  units: Array<Card>,
};

/** One class of a total. */
export type Band = {
  /** excellent, good, fair, average or weak. */
  class: string,
  /** Least total of the class, itself included. */
  from: number,
  /** Vietnamese name. */
  name_vi: string,
  /** English name. */
  name_en: string,
};

/** Which score became the value. */
export type ScoreOrigin = "appraised" | "overruled" | "own" | "proposed" | "waived" | "missing";

/** A decision about one indicator of one unit and quarter. */
export type Overruled = {
  /** The score; null when the indicator is waived. */
  score: number | null,
  /** Why. */
  reason: string,
  /** Who decided. */
  who: string,
  /** When. */
  at: string,
};

/** The scores of one indicator. */
export type NineScore = {
  /** `N1` to `N9`. */
  id: string,
  /** The agency's own; null for none. */
  own: number | null,
  /** The appraiser's; null for none. */
  appraised: number | null,
  /** Mean of the citizens' forms; null without answers. */
  citizen: number | null,
  /** Citizens' forms that score it. */
  answers: number,
  /** Proposed from events, else from the citizens' forms where they are the source; null for none. */
  proposed: number | null,
  /** A decision; null for none. */
  overruled: Overruled | null,
  /** The value; null for none. */
  value: number | null,
  /** Which score became the value. */
  origin: ScoreOrigin,
};

/** One component of a scorecard. */
export type ComponentScore = {
  /** Id of the indicator. */
  id: string,
  /** Code on the national portal. */
  code: string,
  /** Group of points. */
  group: string,
  /** Most points; null when it is only shown. */
  max: number | null,
  /** Numerator; null when it cannot be computed. */
  numerator: number | null,
  /** Denominator; null when it cannot be computed. */
  denominator: number | null,
  /** Value in the indicator's unit of measure; null with a denominator of 0. */
  value: number | null,
  /** Own points; null when they cannot be computed. */
  score: number | null,
  /** Officially published points, unchanged; null for none. */
  official: number | null,
  /** Own minus official; null without both. */
  difference: number | null,
  /** Most points minus own points; null without them. */
  loss: number | null,
  /** Why it is what it is. */
  status: Status,
};

/** The scorecard of one unit. */
export type DecisionCard = {
  /** Code of the unit. */
  unit: string,
  /** Its name. */
  unit_name: Name | null,
  /** Version of the laws. */
  law: string,
  /** Components in the order of the law. */
  components: Array<ComponentScore>,
  /** Q7: sum of the points that can be computed; null when none can. */
  total: number | null,
  /** Out of how many points that is: 100 when nothing is missing. */
  of: number,
  /** Components with points that cannot be computed. */
  missing: Array<string>,
  /** Q10: class of the total; null while something is missing. */
  class: Band | null,
  /** Rank of the class, 1 for the worst. */
  rank: number | null,
  /** Q8: the total that was officially published; null for none. */
  official: number | null,
  /** Q9: own minus official over the components that have both, else over the totals when nothing is
   * missing; null otherwise. */
  difference: number | null,
  /** Q11: components by loss, largest first, those without loss left out. */
  losses: Array<string>,
};

/** The scorecard of one unit and quarter. */
export type NineCard = {
  /** Code of the unit. */
  unit: string,
  /** Its name. */
  unit_name: Name | null,
  /** Version of the law. */
  law: string,
  /** N1 to N9. */
  scores: Array<NineScore>,
  /** N10: sum of the values; null until all nine are present or waived. */
  total: number | null,
  /** N11: class of the total; null without one. */
  class: Band | null,
  /** Rank of the class, 1 for the worst. */
  rank: number | null,
  /** N12: citizens' forms. */
  forms: number,
  /** N13, points in thousandths that the citizens' forms gave. */
  points_e3: number,
  /** Answers on those forms. */
  answers: number,
  /** N14: own minus appraised, over the indicators that have both; null without any. */
  own_minus_appraised: number | null,
  /** Indicators with a value or waived. */
  present: number,
};

/** A person's decision about one of the nine indicators of a unit and quarter. */
export type NewScoreRuling = {
  /** Unit. */
  unit: string,
  /** Quarter, `2026-Q1`. */
  quarter: string,
  /** `N1` to `N9`. */
  indicator: string,
  /** 0 to 2 points with at most 3 decimals; null waives the indicator. */
  score: number | null,
  /** Why. */
  reason: string,
};

/** What closing came to. */
export type Closed = {
  /** Figures that were published; 0 when the period was closed before. */
  figures: number,
};
