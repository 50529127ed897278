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

/** What the groups of a controller showed. */
export type Indications = {
  /** Begin as asked for; what was shown then may have begun before. */
  from: string,
  /** End as asked for, or now. */
  to: string,
  /** `[time, mode, plan, cycle_s]` where one of them changed; null is "not reported". */
  programs: [time: string, mode: string | null, plan: number | null, cycle_s: number | null][],
  /** Every group that the controller told of. */
  groups: Array<GroupRuns>,
};

/** What one group showed, one run after the other. */
export type GroupRuns = {
  /** vehicle, pedestrian, bicycle, tram or overlap. */
  kind: string,
  /** Number within the kind. */
  group: number,
  /** `[begin_ms, state]`: begin in Unix milliseconds by the source's clock, state as in SAE J2735 0 to 9;
   * null from where on nobody knows. A run ends where the next one begins. */
  runs: [begin_ms: number, state: number | null][],
};

/** What a device said of its equipment. */
export type EquipmentHistory = {
  /** Begin as asked for. */
  from: string,
  /** End as asked for, or now. */
  to: string,
  /** Length of a step, seconds: of each the last report is told. */
  step_s: number,
  /** In order; steps without a report are missing. */
  reports: Array<EquipmentReport>,
  /** `[time, online]`: connects and last wills by the hub's clock, the state before the span first. */
  connections: [time: string, online: boolean][],
};

/** One report; null where it said nothing of it. */
export type EquipmentReport = {
  /** Source clock. */
  time: string,
  /** line, battery, bypass or off. */
  power: string | null,
  /** Battery charge, percent. */
  battery_pct: number | null,
  /** Temperature inside, degrees Celsius. */
  temperature_c: number | null,
  /** Cabinet door. */
  door_open: boolean | null,
  /** Whether the video system reaches the camera. */
  reachable: boolean | null,
  /** Why not: auth, ping, tcp, rtsp, nostream or decode. */
  why: string | null,
  /** For how long the picture has stood still, seconds. */
  freeze_s: number | null,
  /** Turned away from its home preset. */
  moved: boolean | null,
};

/** Cameras in the order of their ids. */
export type Cameras = {
  /** Every camera that is registered. */
  cameras: Array<Camera>,
};

/** Where the pictures of a camera are. */
export type Camera = {
  /** Source token. */
  id: string,
  /** `fetched` from its host, `drawn` because it is simulated, or `none`: no address is configured. */
  picture: PictureOrigin,
  /** Address of its stream or of its page in the video system; null when none is configured. */
  stream: string | null,
};

/** Where a picture comes from. */
export type PictureOrigin = "fetched" | "drawn" | "none";

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
  /** count, `flow_veh_h`, `flow_pcu_h`, occupancy, `speed_kmh` or `headway_s`. */
  quantity: string,
  /** Vehicle class; null for all. */
  class: string | null,
  /** vehicles, vehicles/h, PCU/h, share (0 to 1), km/h or s. */
  unit_of_measure: string,
  /** Profile of passenger-car units that was applied; null for other quantities. */
  pcu_profile: string | null,
  /** Length of a bucket, seconds. */
  resolution_s: number,
  /** `raw`, `5min`, `1h` or `1d`: the rows that it was summed up from; the values do not depend on it. */
  basis: string,
  /** `[time, value, good, expected]` per bucket: its begin; the value, null when nothing was measured; intervals without a quality bit; intervals that the registered period promises, null when none is registered. */
  points: [time: string, value: number | null, good: number, expected: number | null][],
};

/** Every profile of passenger-car units, and the cuts of level of service and congestion. */
export type PcuCatalogue = {
  /** Version of the configuration. */
  version: string,
  /** Id of the profile that is used where none is asked for. */
  default: string,
  /** The profiles. */
  profiles: Array<PcuProfile>,
  /** Cuts of the level of service. */
  level_of_service: LevelOfServiceCuts,
  /** Cuts of congestion. */
  congestion: CongestionCuts,
};

/** Passenger-car units of one standard or study. */
export type PcuProfile = {
  /** Id for `pcu_profile` of series. */
  id: string,
  /** Name. */
  name: Name,
  /** First civil day on which it holds. */
  valid_from: string,
  /** How its numbers are known. */
  mark: NumberMark,
  /** Where they come from. */
  source: string,
  /** Units per class. */
  factors: Array<PcuFactor>,
};

/** Passenger-car units of one vehicle class. */
export type PcuFactor = {
  /** Vehicle class. */
  class: string,
  /** Passenger-car units; null when the profile does not cover the class. */
  units: number | null,
};

/** How a number is known. */
export type NumberMark = "V" | "K";

/** Cuts of the level of service, percent of the speed without traffic. */
export type LevelOfServiceCuts = {
  /** How they are known. */
  mark: NumberMark,
  /** Where they come from. */
  source: string,
  /** A from this share on. */
  a_pct: number,
  /** B from this share on. */
  b_pct: number,
  /** C from this share on. */
  c_pct: number,
  /** D from this share on. */
  d_pct: number,
  /** E from this share on; below it F. */
  e_pct: number,
};

/** When a road counts as congested. */
export type CongestionCuts = {
  /** How they are known. */
  mark: NumberMark,
  /** Where they come from. */
  source: string,
  /** Dense from this level of service on. */
  dense_from: LevelOfService,
  /** Congested from this occupancy on (0 to 1), when the speed is below `speed_pct`. */
  occupancy: number,
  /** Percent of the speed without traffic. */
  speed_pct: number,
};

/** Level of service of a road. */
export type LevelOfService = "A" | "B" | "C" | "D" | "E" | "F";

/** How full a road is. */
export type Congestion = "free" | "dense" | "congested" | "jammed";

/** Traffic of every corridor and area now. */
export type TrafficNow = {
  /** Id of the profile of passenger-car units. */
  pcu_profile: string,
  /** Corridors and areas. */
  places: Array<TrafficOf>,
};

/** Traffic of one corridor or area. */
export type TrafficOf = {
  /** `corridor:ID` or `area:ID`. */
  key: string,
  /** Begin of the newest interval, source clock; null before the first. */
  time: string | null,
  /** Vehicles per hour of all devices; null when nothing was counted. */
  flow_veh_h: number | null,
  /** Passenger-car units per hour of the devices that measure classes. */
  flow_pcu_h: number | null,
  /** Mean speed, weighted by vehicles. */
  speed_kmh: number | null,
  /** Mean occupancy, 0 to 1. */
  occupancy: number | null,
  /** Devices that could report. */
  devices: number,
  /** Devices that do. */
  reporting: number,
  /** Level of service by speed against the speed without traffic; null when either is not known. */
  los: LevelOfService | null,
  /** Congestion by speed and occupancy; null when the speed is not known. */
  congestion: Congestion | null,
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
  /** How it was, judged by what it had told: 1 normal, 2 warning, 3 fault, 4 silent. */
  condition: number,
  /** Reason code; null when there is none. */
  why: string | null,
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

/** A category of tickets. */
export type Category = {
  /** Category in messages. */
  id: string,
  /** Its name. */
  name: Name,
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

/** A check that rests on more than one message. */
export type DetectorCheck = "max_volume" | "occupancy_without_count" | "count_without_occupancy" | "motorcycles_unseen" | "stuck_on" | "high_occupancy" | "no_activity" | "constant" | "spike" | "length" | "imbalance" | "conservation" | "unusual" | "unconfigured" | "camera_blind" | "forced";

/** A time in which a check of a detector was open. */
export type DetectorState = {
  /** Number. */
  id: number,
  /** Device. */
  source: string,
  /** `lane/1`, `zone/north`, `channel/5`, `phase/9`, `link/ID`; empty for the whole device. */
  place: string,
  /** The check. */
  check: DetectorCheck,
  /** Its number in the catalogue of checks; null for rules beyond it. */
  code: string | null,
  /** Whether the detector counted as failed by it; otherwise it is a hint. */
  failed: boolean,
  /** Begin of the first row that it marked, source clock. */
  since: string,
  /** Begin of the first row that it marked no more; null while it is open. */
  until: string | null,
  /** What was measured when it opened; null where nothing is measured. */
  value: number | null,
  /** The limit of it. */
  limit: number | null,
  /** Unit of both. */
  unit_of_measure: string,
};

/** What is known of the detectors of one device now. */
export type DeviceQuality = {
  /** Device. */
  source: string,
  /** Its lanes, zones, channels and phases. */
  places: Array<PlaceQuality>,
  /** What each bit of `quality` in rows and series means, from bit 0 on. */
  bits: string[],
};

/** What is known of one lane or zone. */
export type PlaceQuality = {
  /** `lane/1`, `zone/north`, `channel/5`, `phase/9`; empty for the whole device. */
  place: string,
  /** Good samples of the last hour, 0 to 1; null where none are known. */
  good_share: number | null,
  /** Checks that are open. */
  checks: Array<OpenCheck>,
  /** The thresholds that apply to it today; null for channels and phases. */
  limits: DetectorLimits | null,
};

/** An open check. */
export type OpenCheck = {
  /** The check. */
  check: DetectorCheck,
  /** Its number in the catalogue; null for rules beyond it. */
  code: string | null,
  /** Whether the detector counts as failed by it; otherwise it is a hint. */
  failed: boolean,
  /** Begin of the first row that it marked, source clock. */
  since: string,
  /** What was measured when it opened; null where nothing is measured. */
  value: number | null,
  /** The limit of it. */
  limit: number | null,
  /** Unit of both. */
  unit_of_measure: string,
};

/** Thresholds that apply to one detector. */
export type DetectorLimits = {
  /** Q01: fastest speed that can be, 0.1 km/h. */
  speed_max_e1_kmh: number,
  /** Q02: most vehicles in 30 s. */
  count_max_30s: number,
  /** Q02: most passenger-car units in 30 s, in hundredths. */
  pcu_max_30s_e2: number,
  /** Q02: passenger-car units per class in hundredths, in the order of the contract. */
  pcu_e2: [number, number, number, number, number, number, number, number, number, number],
  /** Q02: so many samples beyond the limit … */
  volume_trips: number,
  /** … among so many, at most 16, fail the detector. */
  volume_window: number,
  /** Q02: good time after which it clears, seconds. */
  volume_clear_s: number,
  /** Q03: occupancy above which a sample without vehicles contradicts itself, 1e-4. */
  empty_occupancy_e4: number,
  /** Q03: share of such samples in an hour, 0.1 %. */
  empty_share_e1_pct: number,
  /** Q04: share of samples with vehicles but without occupancy in an hour, 0.1 %. */
  unseen_share_e1_pct: number,
  /** Q03, Q04: good time after which they clear, seconds. */
  mismatch_clear_s: number,
  /** Q05: occupancy that counts as occupied, 1e-4. */
  stuck_occupancy_e4: number,
  /** Q05: so long, seconds … */
  stuck_s: number,
  /** … and longer than so many samples. */
  stuck_cycles: number,
  /** Q05: good time after which it clears, seconds. */
  stuck_clear_s: number,
  /** Profile `pems`: occupancy beyond belief, 1e-4. */
  high_occupancy_e4: number,
  /** Profile `pems`: share of such samples in an hour, 0.1 %. */
  high_share_e1_pct: number,
  /** Q06: longest time without a vehicle by day, seconds. */
  idle_day_s: number,
  /** Q06: the same at night, and across day and night. */
  idle_night_s: number,
  /** Q06: first hour of the day. */
  day_from_h: number,
  /** Q06: first hour of the night. */
  day_to_h: number,
  /** Q07: longest time without a change, seconds. */
  constant_s: number,
  /** Q08: difference of two occupancies that is a jump, 1e-4. */
  jump_e4: number,
  /** Q08: so many jumps, 2 or 3 … */
  jumps: number,
  /** … within so many seconds. */
  jumps_within_s: number,
  /** Q08: good time after which it clears, seconds. */
  spike_clear_s: number,
  /** Q09: vehicles from which a speed is expected; Q10: and a length can be told. */
  vehicles_min: number,
  /** Q09: whether a missing speed is a fault: the detector measures speed. */
  measures_speed: boolean,
  /** Q09: speed that is too fast … */
  fast_e1_kmh: number,
  /** … above this occupancy, 1e-4. */
  fast_occupancy_e4: number,
  /** Q10: shortest effective length, millimetres. */
  length_min_mm: number,
  /** Q10: the same where most vehicles are motorcycles. */
  length_motorcycle_min_mm: number,
  /** Q10: longest effective length, millimetres. */
  length_max_mm: number,
  /** Q10: share of implausible samples in an hour that fails the detector, 0.1 %. */
  length_share_e1_pct: number,
  /** Q10: good time after which it clears, seconds. */
  length_clear_s: number,
  /** Share of motorcycles from which they are the most, percent. */
  motorcycle_pct: number,
  /** Share of motorcycles where classes are not measured, percent. */
  motorcycle_assumed_pct: number,
  /** Shares of an hour are judged from so many samples on, or from as many as an hour has. */
  samples_min: number,
  /** Q12: share of sub-samples below which a sample is incomplete, percent. */
  complete_pct: number,
  /** Q13: clock offset from which a time is suspect, milliseconds. */
  clock_suspect_ms: number,
  /** Q13: clock offset from which an interval is invalid, milliseconds. */
  clock_invalid_ms: number,
};

/** Every profile and override, and which profile applies. */
export type Thresholds = {
  /** Version of the file. */
  version: string,
  /** The profile that applies. */
  chosen: string,
  /** Profiles in the order of the file. */
  profile: Array<ThresholdProfile>,
  /** Overrides in the order of the file. */
  override: Array<ThresholdOverride>,
};

/** One set of thresholds. */
export type ThresholdProfile = {
  /** Id in the configuration. */
  id: string,
  /** Vietnamese name. */
  name_vi: string,
  /** English name. */
  name_en: string,
  /** How its numbers are known. */
  mark: NumberMark,
  /** Where they come from. */
  source: string,
  /** Numbers of lanes for cars, trucks and buses. */
  car_only: ThresholdNumbers,
  /** Numbers of lanes for motorcycles and bicycles. */
  motorcycle: ThresholdNumbers,
  /** Numbers of other roads. */
  local: ThresholdNumbers,
  /** Numbers of main roads. */
  arterial: ThresholdNumbers,
  /**
   *Q01: fastest speed that can be, km/h. */
  speed_max_kmh?: number | null,
  /**
   *Q02: most vehicles of a lane in 30 s. */
  count_max_30s?: number | null,
  /**
   *Q02: most passenger-car units of a lane in 30 s. */
  pcu_max_30s?: number | null,
  /**
   *Q02: so many of the last samples beyond it fail the detector. */
  volume_trips?: number | null,
  /**
   *Q02: how many samples are the last ones. */
  volume_window?: number | null,
  /**
   *Q02: good time after which it clears, seconds. */
  volume_clear_s?: number | null,
  /**
   *Q03: occupancy (0 to 1) above which a sample without vehicles contradicts itself. */
  empty_occupancy?: number | null,
  /**
   *Q03: share of such samples in an hour, percent. */
  empty_share_pct?: number | null,
  /**
   *Q04: share of samples with vehicles but without occupancy, percent. */
  unseen_share_pct?: number | null,
  /**
   *Q03, Q04: good time after which they clear, seconds. */
  mismatch_clear_s?: number | null,
  /**
   *Q05: occupancy (0 to 1) that counts as occupied. */
  stuck_occupancy?: number | null,
  /**
   *Q05: longest time occupied, seconds. */
  stuck_s?: number | null,
  /**
   *Q05: and most samples occupied in a row. */
  stuck_cycles?: number | null,
  /**
   *Q05: good time after which it clears, seconds. */
  stuck_clear_s?: number | null,
  /**
   *Occupancy (0 to 1) beyond belief. */
  high_occupancy?: number | null,
  /**
   *Share of such samples in an hour, percent. */
  high_share_pct?: number | null,
  /**
   *Q06: longest time without a vehicle by day, seconds. */
  idle_day_s?: number | null,
  /**
   *Q06: the same at night, and across day and night, seconds. */
  idle_night_s?: number | null,
  /**
   *Q06: first hour of the day. */
  day_from_h?: number | null,
  /**
   *Q06: first hour of the night. */
  day_to_h?: number | null,
  /**
   *Q07: longest time without a change, seconds. */
  constant_s?: number | null,
  /**
   *Q08: difference of two occupancies (0 to 1) that is a jump. */
  jump?: number | null,
  /**
   *Q08: so many jumps, 2 or 3. */
  jumps?: number | null,
  /**
   *Q08: within this time, seconds. */
  jumps_within_s?: number | null,
  /**
   *Q08: good time after which it clears, seconds. */
  spike_clear_s?: number | null,
  /**
   *Q09, Q10: vehicles of a sample from which it is judged. */
  vehicles_min?: number | null,
  /**
   *Q09: speed that is too fast on an occupied lane, km/h. */
  fast_kmh?: number | null,
  /**
   *Q09: occupancy (0 to 1) from which that is judged. */
  fast_occupancy?: number | null,
  /**
   *Q10: shortest effective length of vehicle and zone, metres. */
  length_min_m?: number | null,
  /**
   *Q10: the same where most vehicles are motorcycles, metres. */
  length_motorcycle_min_m?: number | null,
  /**
   *Q10: longest effective length, metres. */
  length_max_m?: number | null,
  /**
   *Q10: share of implausible samples in an hour, percent. */
  length_share_pct?: number | null,
  /**
   *Q10: good time after which it clears, seconds. */
  length_clear_s?: number | null,
  /**
   *Share of motorcycles above which they are the most, percent. */
  motorcycle_pct?: number | null,
  /**
   *Share of motorcycles where classes are not measured, percent. */
  motorcycle_assumed_pct?: number | null,
  /**
   *Samples of an hour from which its shares are judged; all of it where it has fewer. */
  samples_min?: number | null,
  /**
   *Q12: share of sub-samples below which a sample is incomplete, percent. */
  complete_pct?: number | null,
  /**
   *Q13: clock offset beyond which a time is suspect, milliseconds. */
  clock_suspect_ms?: number | null,
  /**
   *Q13: clock offset beyond which an interval is invalid, milliseconds. */
  clock_invalid_ms?: number | null,
  /**
   *Q14: difference of switching on and off, percent. */
  imbalance_pct?: number | null,
  /**
   *Q14: switchings in 15 minutes from which that is judged. */
  imbalance_min?: number | null,
  /**
   *Q15: difference of what flows in and out, percent. */
  conservation_pct?: number | null,
  /**
   *Q15: good time after which it clears, seconds. */
  conservation_clear_s?: number | null,
  /**
   *Q16: standard deviations from what is usual. */
  unusual_z?: number | null,
  /**
   *Q16: weeks, days of the same time, from which that is judged. */
  unusual_samples_min?: number | null,
  /**
   *Q16: good time after which it clears, seconds. */
  unusual_clear_s?: number | null,
  /**
   *Q18: longest time for which a picture may stand still, seconds. */
  blind_freeze_s?: number | null,
  /**
   *Q18: darkness (0 to 1) above which a camera sees nothing. */
  blind_darkness?: number | null,
  /** Q09: whether a missing speed is a fault. */
  measures_speed?: boolean | null,
};

/** Other numbers for some lanes and zones. */
export type ThresholdOverride = {
  /** Only of this device. */
  source: string | null,
  /** Only this lane or zone: `lane/1`, `zone/north`. */
  place: string | null,
  /** Only of devices that this one feeds. */
  parent: string | null,
  /** Only at this corridor. */
  corridor: string | null,
  /** Only in this area. */
  area: string | null,
  /** Only of this service. */
  service: string | null,
  /** Only of this class of lane. */
  lane_class: string | null,
  /** First civil day. */
  valid_from: string | null,
  /** First civil day after. */
  valid_to: string | null,
  /** Why. */
  why: string,
  /** Takes the numbers of this profile first. */
  profile: string | null,
  /**
   *Q01: fastest speed that can be, km/h. */
  speed_max_kmh?: number | null,
  /**
   *Q02: most vehicles of a lane in 30 s. */
  count_max_30s?: number | null,
  /**
   *Q02: most passenger-car units of a lane in 30 s. */
  pcu_max_30s?: number | null,
  /**
   *Q02: so many of the last samples beyond it fail the detector. */
  volume_trips?: number | null,
  /**
   *Q02: how many samples are the last ones. */
  volume_window?: number | null,
  /**
   *Q02: good time after which it clears, seconds. */
  volume_clear_s?: number | null,
  /**
   *Q03: occupancy (0 to 1) above which a sample without vehicles contradicts itself. */
  empty_occupancy?: number | null,
  /**
   *Q03: share of such samples in an hour, percent. */
  empty_share_pct?: number | null,
  /**
   *Q04: share of samples with vehicles but without occupancy, percent. */
  unseen_share_pct?: number | null,
  /**
   *Q03, Q04: good time after which they clear, seconds. */
  mismatch_clear_s?: number | null,
  /**
   *Q05: occupancy (0 to 1) that counts as occupied. */
  stuck_occupancy?: number | null,
  /**
   *Q05: longest time occupied, seconds. */
  stuck_s?: number | null,
  /**
   *Q05: and most samples occupied in a row. */
  stuck_cycles?: number | null,
  /**
   *Q05: good time after which it clears, seconds. */
  stuck_clear_s?: number | null,
  /**
   *Occupancy (0 to 1) beyond belief. */
  high_occupancy?: number | null,
  /**
   *Share of such samples in an hour, percent. */
  high_share_pct?: number | null,
  /**
   *Q06: longest time without a vehicle by day, seconds. */
  idle_day_s?: number | null,
  /**
   *Q06: the same at night, and across day and night, seconds. */
  idle_night_s?: number | null,
  /**
   *Q06: first hour of the day. */
  day_from_h?: number | null,
  /**
   *Q06: first hour of the night. */
  day_to_h?: number | null,
  /**
   *Q07: longest time without a change, seconds. */
  constant_s?: number | null,
  /**
   *Q08: difference of two occupancies (0 to 1) that is a jump. */
  jump?: number | null,
  /**
   *Q08: so many jumps, 2 or 3. */
  jumps?: number | null,
  /**
   *Q08: within this time, seconds. */
  jumps_within_s?: number | null,
  /**
   *Q08: good time after which it clears, seconds. */
  spike_clear_s?: number | null,
  /**
   *Q09, Q10: vehicles of a sample from which it is judged. */
  vehicles_min?: number | null,
  /**
   *Q09: speed that is too fast on an occupied lane, km/h. */
  fast_kmh?: number | null,
  /**
   *Q09: occupancy (0 to 1) from which that is judged. */
  fast_occupancy?: number | null,
  /**
   *Q10: shortest effective length of vehicle and zone, metres. */
  length_min_m?: number | null,
  /**
   *Q10: the same where most vehicles are motorcycles, metres. */
  length_motorcycle_min_m?: number | null,
  /**
   *Q10: longest effective length, metres. */
  length_max_m?: number | null,
  /**
   *Q10: share of implausible samples in an hour, percent. */
  length_share_pct?: number | null,
  /**
   *Q10: good time after which it clears, seconds. */
  length_clear_s?: number | null,
  /**
   *Share of motorcycles above which they are the most, percent. */
  motorcycle_pct?: number | null,
  /**
   *Share of motorcycles where classes are not measured, percent. */
  motorcycle_assumed_pct?: number | null,
  /**
   *Samples of an hour from which its shares are judged; all of it where it has fewer. */
  samples_min?: number | null,
  /**
   *Q12: share of sub-samples below which a sample is incomplete, percent. */
  complete_pct?: number | null,
  /**
   *Q13: clock offset beyond which a time is suspect, milliseconds. */
  clock_suspect_ms?: number | null,
  /**
   *Q13: clock offset beyond which an interval is invalid, milliseconds. */
  clock_invalid_ms?: number | null,
  /**
   *Q14: difference of switching on and off, percent. */
  imbalance_pct?: number | null,
  /**
   *Q14: switchings in 15 minutes from which that is judged. */
  imbalance_min?: number | null,
  /**
   *Q15: difference of what flows in and out, percent. */
  conservation_pct?: number | null,
  /**
   *Q15: good time after which it clears, seconds. */
  conservation_clear_s?: number | null,
  /**
   *Q16: standard deviations from what is usual. */
  unusual_z?: number | null,
  /**
   *Q16: weeks, days of the same time, from which that is judged. */
  unusual_samples_min?: number | null,
  /**
   *Q16: good time after which it clears, seconds. */
  unusual_clear_s?: number | null,
  /**
   *Q18: longest time for which a picture may stand still, seconds. */
  blind_freeze_s?: number | null,
  /**
   *Q18: darkness (0 to 1) above which a camera sees nothing. */
  blind_darkness?: number | null,
  /** Q09: whether a missing speed is a fault. */
  measures_speed?: boolean | null,
};

/** Thresholds as they are written; null where they are not stated. */
export type ThresholdNumbers = {
  /**
   *Q01: fastest speed that can be, km/h. */
  speed_max_kmh?: number | null,
  /**
   *Q02: most vehicles of a lane in 30 s. */
  count_max_30s?: number | null,
  /**
   *Q02: most passenger-car units of a lane in 30 s. */
  pcu_max_30s?: number | null,
  /**
   *Q02: so many of the last samples beyond it fail the detector. */
  volume_trips?: number | null,
  /**
   *Q02: how many samples are the last ones. */
  volume_window?: number | null,
  /**
   *Q02: good time after which it clears, seconds. */
  volume_clear_s?: number | null,
  /**
   *Q03: occupancy (0 to 1) above which a sample without vehicles contradicts itself. */
  empty_occupancy?: number | null,
  /**
   *Q03: share of such samples in an hour, percent. */
  empty_share_pct?: number | null,
  /**
   *Q04: share of samples with vehicles but without occupancy, percent. */
  unseen_share_pct?: number | null,
  /**
   *Q03, Q04: good time after which they clear, seconds. */
  mismatch_clear_s?: number | null,
  /**
   *Q05: occupancy (0 to 1) that counts as occupied. */
  stuck_occupancy?: number | null,
  /**
   *Q05: longest time occupied, seconds. */
  stuck_s?: number | null,
  /**
   *Q05: and most samples occupied in a row. */
  stuck_cycles?: number | null,
  /**
   *Q05: good time after which it clears, seconds. */
  stuck_clear_s?: number | null,
  /**
   *Occupancy (0 to 1) beyond belief. */
  high_occupancy?: number | null,
  /**
   *Share of such samples in an hour, percent. */
  high_share_pct?: number | null,
  /**
   *Q06: longest time without a vehicle by day, seconds. */
  idle_day_s?: number | null,
  /**
   *Q06: the same at night, and across day and night, seconds. */
  idle_night_s?: number | null,
  /**
   *Q06: first hour of the day. */
  day_from_h?: number | null,
  /**
   *Q06: first hour of the night. */
  day_to_h?: number | null,
  /**
   *Q07: longest time without a change, seconds. */
  constant_s?: number | null,
  /**
   *Q08: difference of two occupancies (0 to 1) that is a jump. */
  jump?: number | null,
  /**
   *Q08: so many jumps, 2 or 3. */
  jumps?: number | null,
  /**
   *Q08: within this time, seconds. */
  jumps_within_s?: number | null,
  /**
   *Q08: good time after which it clears, seconds. */
  spike_clear_s?: number | null,
  /**
   *Q09, Q10: vehicles of a sample from which it is judged. */
  vehicles_min?: number | null,
  /**
   *Q09: speed that is too fast on an occupied lane, km/h. */
  fast_kmh?: number | null,
  /**
   *Q09: occupancy (0 to 1) from which that is judged. */
  fast_occupancy?: number | null,
  /**
   *Q10: shortest effective length of vehicle and zone, metres. */
  length_min_m?: number | null,
  /**
   *Q10: the same where most vehicles are motorcycles, metres. */
  length_motorcycle_min_m?: number | null,
  /**
   *Q10: longest effective length, metres. */
  length_max_m?: number | null,
  /**
   *Q10: share of implausible samples in an hour, percent. */
  length_share_pct?: number | null,
  /**
   *Q10: good time after which it clears, seconds. */
  length_clear_s?: number | null,
  /**
   *Share of motorcycles above which they are the most, percent. */
  motorcycle_pct?: number | null,
  /**
   *Share of motorcycles where classes are not measured, percent. */
  motorcycle_assumed_pct?: number | null,
  /**
   *Samples of an hour from which its shares are judged; all of it where it has fewer. */
  samples_min?: number | null,
  /**
   *Q12: share of sub-samples below which a sample is incomplete, percent. */
  complete_pct?: number | null,
  /**
   *Q13: clock offset beyond which a time is suspect, milliseconds. */
  clock_suspect_ms?: number | null,
  /**
   *Q13: clock offset beyond which an interval is invalid, milliseconds. */
  clock_invalid_ms?: number | null,
  /**
   *Q14: difference of switching on and off, percent. */
  imbalance_pct?: number | null,
  /**
   *Q14: switchings in 15 minutes from which that is judged. */
  imbalance_min?: number | null,
  /**
   *Q15: difference of what flows in and out, percent. */
  conservation_pct?: number | null,
  /**
   *Q15: good time after which it clears, seconds. */
  conservation_clear_s?: number | null,
  /**
   *Q16: standard deviations from what is usual. */
  unusual_z?: number | null,
  /**
   *Q16: weeks, days of the same time, from which that is judged. */
  unusual_samples_min?: number | null,
  /**
   *Q16: good time after which it clears, seconds. */
  unusual_clear_s?: number | null,
  /**
   *Q18: longest time for which a picture may stand still, seconds. */
  blind_freeze_s?: number | null,
  /**
   *Q18: darkness (0 to 1) above which a camera sees nothing. */
  blind_darkness?: number | null,
  /** Q09: whether a missing speed is a fault. */
  measures_speed?: boolean | null,
};

/** A span in which a person declares a lane or zone bad. */
export type ForcedBad = {
  /** First instant, RFC 3339 with offset. */
  from: string,
  /** First instant after; null while it lasts. The same as `from` ends what was declared before. */
  to: string | null,
  /** Why, at most 500 characters. */
  reason: string,
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

/** A console whose alarm sound was silenced. */
export type Silence = {
  /** When the sound comes back, at most ten minutes from now. */
  until: string,
};

/** A limit that somebody holds better for a rule: a file of the configuration holds the limits, so that a
 * person puts it there. */
export type LimitProposal = {
  /** The limit in words, 1 to 100 characters. */
  limit: string,
  /** Why, 1 to 500 characters. */
  reason: string,
};

/** A saved view. */
export type SavedView = {
  /** Number. */
  id: number,
  /** Account name. */
  owner: string,
  /** Name, unique for its owner. */
  name: string,
  /** Path and search of the page. */
  address: string,
  /** Everybody sees it; else only the owner. */
  shared: boolean,
  /** Hub clock. */
  created_at: string,
};

/** A view to be saved. */
export type NewView = {
  /** Name; a view of the caller with the same name is replaced. */
  name: string,
  /** Path and search of a page, beginning with one slash. */
  address: string,
  /** Everybody may see it; needs the right to operate. */
  shared: boolean,
};

/** What a display can show. */
export type DisplayView = "overview" | "traffic" | "service" | "alarms";

/** Panels, distance and views of a display. */
export type DisplayProfile = {
  /** Its name. */
  name: Name,
  /** Panels side by side, 1 to 12. */
  columns: number,
  /** Panels above each other, 1 to 6. */
  rows: number,
  /** Pixels of a panel from left to right, 640 to 15,360. */
  panel_width_px: number,
  /** Pixels of a panel from top to bottom, 480 to 8,640. */
  panel_height_px: number,
  /** From the middle of a pixel to that of the next, millimetres, 0.05 to 20. */
  pitch_mm: number,
  /** From the panels to the eyes of those who read, metres, 0.3 to 50. */
  distance_m: number,
  /** What it shows in turn; the first one also while there is an urgent alarm. */
  views: Array<DisplayView>,
  /** How long each view stays, seconds, 10 to 3,600; null when it never changes by itself. */
  rotate_s: number | null,
  /** Where the figures come from. */
  source: string,
};

/** A display. */
export type DisplayInfo = {
  /** Token, last part of the address `/wall/{id}`. */
  id: string,
  /** Whether the settings hold it; else it is of the city folder. */
  from_settings: boolean,
  /** Panels, distance and views. */
  profile: DisplayProfile,
  /** View that was put on it; null when none holds. */
  pushed: Pushed | null,
};

/** A view that somebody put on a display. */
export type Pushed = {
  /** The view. */
  view: DisplayView,
  /** Account name. */
  by: string,
  /** Hub clock. */
  at: string,
  /** Hub clock; from then on the display goes its own way again. */
  until: string,
};

/** What to put on a display. */
export type NewPush = {
  /** The view. */
  view: DisplayView,
  /** For how long, minutes, 1 to 720. */
  minutes: number,
};

/** A hand-over. */
export type Handover = {
  /** Number in order. */
  id: number,
  /** Begin of the shift. */
  from: string,
  /** End of the shift. */
  to: string,
  /** What who comes has to know. */
  note: string,
  /** Account that signed as going. */
  given_by: string,
  /** Hub clock. */
  given_at: string,
  /** Account that signed as coming; null until then. */
  taken_by: string | null,
  /** Hub clock; null until then. */
  taken_at: string | null,
  /** Entries of the journal during the shift. */
  entries: number,
};

/** A shift that ends. */
export type NewHandover = {
  /** Begin of the shift. */
  from: string,
  /** End of the shift, not more than 48 hours later. */
  to: string,
  /** What who comes has to know, 1 to 4,000 characters. */
  note: string,
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

/** An alarm as it is. */
export type Alarm = {
  /** `CODE:OBJECT`. */
  id: string,
  /** Code of the rule. */
  code: string,
  /** Source, `SOURCE/lane/N`, `SOURCE/zone/NAME`, `hub:PART`, `unit:CODE`, `corridor:ID` or `indicator:ID`. */
  object: string,
  /** Service of the source; null for objects that are no device. */
  service: string | null,
  /** Area that the object lies in, or the unit that it is; null for none. */
  area: string | null,
  /** Number of the present or last occurrence. */
  occurrence: number,
  /** 1 critical, 2 high, 3 medium, 4 low. */
  priority: number,
  /** norm, unack, ack, rtnun or latch. */
  state: string,
  /** First raise of the occurrence, hub clock. */
  raised_at: string | null,
  /** Last transition, hub clock. */
  changed_at: string,
  /** When it was acknowledged; null while it was not. */
  acked_at: string | null,
  /** Account that acknowledged it; null while it was not. */
  acked_by: string | null,
  /** Last return to normal; null while active. */
  cleared_at: string | null,
  /** Raises of the occurrence. */
  count: number,
  /** Value at the last raise; null where the rule measures none. */
  value: number | null,
  /** Limit that it crossed; null where the rule measures none. */
  limit: number | null,
  /** Unit of measure of both; null for none. */
  unit_of_measure: string | null,
  /** Reason code; null for none. */
  why: string | null,
  /** Shelving; null while it is not shelved. */
  shelved: AlarmShelf | null,
  /** By what it is suppressed: parent, works, flood, operator. */
  suppressed: Array<string>,
  /** Alarm that it follows from; null for none. */
  parent: string | null,
  /** Out of service; null while in service. */
  out_of_service: AlarmOut | null,
  /** Account that cares for it; null for nobody. */
  assignee: string | null,
  /** Ticket that it is linked to; null for none. */
  ticket: string | null,
  /** Comments of the occurrence. */
  comments: number,
  /** Whether it was the first at its place. */
  first_out: boolean,
  /** Whether it comes and goes so often that shelving is proposed. */
  chattering: boolean,
  /** Number of its last transition. */
  seq: number,
};

/** A shelving. */
export type AlarmShelf = {
  /** End, hub clock. */
  until: string,
  /** Account. */
  by: string,
  /** Account of the second person; null where none was needed. */
  second: string | null,
  /** Why. */
  reason: string,
};

/** Why an alarm is out of service. */
export type AlarmOut = {
  /** Account. */
  by: string,
  /** Ticket; null for none. */
  ticket: string | null,
};

/** Alarms that are not plainly normal. */
export type AlarmPage = {
  /** The alarms, the last changed first. */
  items: Array<Alarm>,
  /** What to give as `after` for the next page; null on the last one. */
  next: string | null,
  /** Whether all of it is in the database. */
  stored: boolean,
  /** Alarms that wait for an acknowledgement, by priority 1 to 4. */
  unacknowledged: [number, number, number, number],
};

/** What people read of a rule, in one language. */
export type AlarmTexts = {
  /** Name. */
  name: string,
  /** What usually causes it. */
  cause: string,
  /** What follows when nobody acts. */
  consequence: string,
  /** What the operator does. */
  action: string,
};

/** A rule of alarms. */
export type AlarmRule = {
  /** Code. */
  code: string,
  /** What it is about: services, detector, group, hub, unit, corridor, indicator. */
  on: Array<string>,
  /** Priority, 1 to 4, before the value makes it graver. */
  priority: number,
  /** The gravest priority that it may have. */
  gravest: number,
  /** For how long the condition holds before it is raised, seconds. */
  delay_on_s: number,
  /** For how long the condition is gone before it clears, seconds. */
  delay_off_s: number,
  /** Whether it waits for a reset after its return. */
  latches: boolean,
  /** Time that the operator has, seconds. */
  time_to_respond_s: number,
  /** Unit of measure of its value; null for none. */
  unit_of_measure: string | null,
  /** Fields that it asks about. */
  fields: Array<string>,
  /** Rule that takes its place when many are lost together; null for none. */
  follows: string | null,
  /** Whether it is judged. */
  enabled: boolean,
  /** Why not, in Vietnamese; null while it is. */
  off_vi: string | null,
  /** Why not, in English; null while it is. */
  off_en: string | null,
  /** Vietnamese texts. */
  vi: AlarmTexts,
  /** English texts. */
  en: AlarmTexts,
  /** Standard, document or measurement that it comes from. */
  source: string,
};

/** Every rule of alarms. */
export type AlarmRules = {
  /** Version of the file. */
  version: string,
  /** The rules, in the order of the file. */
  items: Array<AlarmRule>,
};

/** Something that happened to an alarm. */
export type AlarmTransition = {
  /** Number in the order of commits. */
  seq: number,
  /** Hub clock. */
  at: string,
  /** `CODE:OBJECT`. */
  id: string,
  /** Number of the occurrence. */
  occurrence: number,
  /** raise, `re_raise`, escalate, ease, clear, withdraw, acknowledge, reset, shelve, unshelve, suppress,
   * unsuppress, `out_of_service`, `in_service`, chatter, calm, comment, assign or link. */
  action: string,
  /** State before. */
  from_state: string,
  /** State after. */
  to_state: string,
  /** Priority after, 1 to 4. */
  priority: number,
  /** Whether operators saw the alarm after it. */
  presented: boolean,
  /** Account that asked for it; null when the hub did it by a rule. */
  who: string | null,
  /** Account of the second person; null where none was needed. */
  second: string | null,
  /** Reason or comment; null for none. */
  reason: string | null,
  /** End of a shelving; null for other actions. */
  until: string | null,
  /** By what it is suppressed, or no longer; null for other actions. */
  suppressed: string | null,
  /** Value; null where none was measured. */
  value: number | null,
  /** Limit; null for none. */
  limit: number | null,
  /** Reason code; null for none. */
  why: string | null,
  /** Whether it was the first at its place. */
  first_out: boolean,
  /** Alarm that it follows from; null for none. */
  parent: string | null,
  /** Ticket of the action; null for none. */
  ticket: string | null,
  /** Account that was assigned; null for none. */
  assignee: string | null,
};

/** An alarm with its rule and what happened to it. */
export type AlarmWithHistory = {
  /** Its rule; null when there is none of this code any more. */
  rule: AlarmRule | null,
  /** What happened to it, newest first, at most 200. */
  history: Array<AlarmTransition>,
  /** `CODE:OBJECT`. */
  id: string,
  /** Code of the rule. */
  code: string,
  /** Source, `SOURCE/lane/N`, `SOURCE/zone/NAME`, `hub:PART`, `unit:CODE`, `corridor:ID` or `indicator:ID`. */
  object: string,
  /** Service of the source; null for objects that are no device. */
  service: string | null,
  /** Area that the object lies in, or the unit that it is; null for none. */
  area: string | null,
  /** Number of the present or last occurrence. */
  occurrence: number,
  /** 1 critical, 2 high, 3 medium, 4 low. */
  priority: number,
  /** norm, unack, ack, rtnun or latch. */
  state: string,
  /** First raise of the occurrence, hub clock. */
  raised_at: string | null,
  /** Last transition, hub clock. */
  changed_at: string,
  /** When it was acknowledged; null while it was not. */
  acked_at: string | null,
  /** Account that acknowledged it; null while it was not. */
  acked_by: string | null,
  /** Last return to normal; null while active. */
  cleared_at: string | null,
  /** Raises of the occurrence. */
  count: number,
  /** Value at the last raise; null where the rule measures none. */
  value: number | null,
  /** Limit that it crossed; null where the rule measures none. */
  limit: number | null,
  /** Unit of measure of both; null for none. */
  unit_of_measure: string | null,
  /** Reason code; null for none. */
  why: string | null,
  /** Shelving; null while it is not shelved. */
  shelved: AlarmShelf | null,
  /** By what it is suppressed: parent, works, flood, operator. */
  suppressed: Array<string>,
  /** Alarm that it follows from; null for none. */
  parent: string | null,
  /** Out of service; null while in service. */
  out_of_service: AlarmOut | null,
  /** Account that cares for it; null for nobody. */
  assignee: string | null,
  /** Ticket that it is linked to; null for none. */
  ticket: string | null,
  /** Comments of the occurrence. */
  comments: number,
  /** Whether it was the first at its place. */
  first_out: boolean,
  /** Whether it comes and goes so often that shelving is proposed. */
  chattering: boolean,
  /** Number of its last transition. */
  seq: number,
};

/** An alarm as somebody saw it. */
export type SeenAlarm = {
  /** `CODE:OBJECT`. */
  id: string,
  /** Occurrence that was seen. */
  occurrence: number,
  /** State that was seen: unack or rtnun. */
  state: string,
};

/** Alarms to acknowledge: the selected ones, as they were seen. */
export type Acknowledgement = {
  /** The alarms, 1 to 1,000. */
  ids: Array<SeenAlarm>,
  /** Comment; null for none. */
  comment: string | null,
};

/** What an action came to for one alarm. */
export type AlarmResult = {
  /** `CODE:OBJECT`. */
  id: string,
  /** done, conflict (somebody was first, or it has changed since it was seen), refused, or unknown. */
  result: string,
  /** Why not, as a stable code; null when it is done. */
  code: string | null,
  /** Why not, in English; null when it is done. */
  detail: string | null,
  /** Who was first; null otherwise. */
  by: string | null,
  /** When that was; null otherwise. */
  at: string | null,
  /** The alarm as it is now; null when there is none. */
  alarm: Alarm | null,
};

/** What an action came to, alarm by alarm. */
export type AlarmResults = {
  /** In the order of the request. */
  results: Array<AlarmResult>,
};

/** Why something is done. */
export type AlarmReason = {
  /** Why, 1 to 500 characters. */
  reason: string,
};

/** A shelving. */
export type NewShelf = {
  /** End: at most 8 hours ahead, of priority 1 at most 1 hour. */
  until: string,
  /** Why, 1 to 500 characters. */
  reason: string,
  /** Somebody else who agrees, with their password; required for priority 1. */
  second: Credentials | null,
};

/** Equipment that is taken out of service. */
export type NewOutOfService = {
  /** Why, 1 to 500 characters. */
  reason: string,
  /** Ticket; null for none. */
  ticket: string | null,
};

/** A comment. */
export type NewAlarmComment = {
  /** Text, 1 to 500 characters. */
  text: string,
};

/** Who cares for an alarm. */
export type AlarmAssignment = {
  /** Account; null for nobody. */
  assignee: string | null,
};

/** Ticket of an alarm. */
export type AlarmLink = {
  /** Ticket; null for none. */
  ticket: string | null,
};

/** Planned works. */
export type AlarmWorks = {
  /** Number. */
  id: number,
  /** Objects; a source stands for its lanes and zones and for what hangs on it, too. */
  objects: Array<string>,
  /** Area whose objects are meant; null for none. */
  area: string | null,
  /** Corridor whose devices are meant; null for none. */
  corridor: string | null,
  /** Codes of rules that are expected; empty for all. */
  codes: Array<string>,
  /** Begin. */
  from: string,
  /** End. */
  to: string,
  /** What is done. */
  reason: string,
  /** Ticket; null for none. */
  ticket: string | null,
  /** Account that entered them. */
  by: string,
  /** When they were entered. */
  created_at: string,
  /** When they were ended early or called off; null otherwise. */
  ended_at: string | null,
  /** Account that ended them early; null otherwise. */
  ended_by: string | null,
};

/** Works to plan: objects, an area or a corridor. */
export type NewAlarmWorks = {
  /** Objects; may be left out with an area or corridor. */
  objects: Array<string>,
  /** Area; null for none. */
  area: string | null,
  /** Corridor; null for none. */
  corridor: string | null,
  /** Codes of rules that are expected; left out for all. */
  codes: Array<string>,
  /** Begin. */
  from: string,
  /** End, at most 90 days later. */
  to: string,
  /** What is done, 1 to 500 characters. */
  reason: string,
  /** Ticket; null for none. */
  ticket: string | null,
};

/** How an endpoint does. */
export type EndpointCondition = "off" | "untried" | "up" | "retrying" | "failing" | "paused";

/** A receiver of notifications. */
export type NotificationEndpoint = {
  /** Its name in the configuration. */
  endpoint: string,
  /** `webhook` or `email`; null when it is configured no longer. */
  kind: string | null,
  /** Where it sends, without secrets; null when it is configured no longer. */
  target: string | null,
  /** How it does; null when it is configured no longer. */
  condition: EndpointCondition | null,
  /** Since when, hub clock; null when it is configured no longer. */
  since: string | null,
  /** What came of the last attempt since the start; null before the first. */
  answer: string | null,
  /** Alarms that wait to be told, beside those in messages that wait. */
  alarms_waiting: number,
  /** Messages that wait. */
  waiting: number,
  /** Messages that were given up. */
  dead: number,
  /** Last delivery, hub clock; null when nothing was delivered. */
  delivered_at: string | null,
};

/** A message to an endpoint. */
export type Notification = {
  /** Number in order. */
  id: number,
  /** Name of the endpoint. */
  endpoint: string,
  /** Key that receivers know a repeated message by. */
  key: string,
  /** First transition that it tells of. */
  first_seq: number,
  /** Last transition that it tells of. */
  last_seq: number,
  /** Transitions that it tells of. */
  alarms: number,
  /** When it was made, hub clock. */
  made_at: string,
  /** waiting, delivered or dead. */
  state: string,
  /** Attempts so far. */
  attempts: number,
  /** Earliest next attempt, hub clock; null when none comes. */
  next_at: string | null,
  /** When it was delivered or given up, hub clock; null while it waits. */
  settled_at: string | null,
  /** What came of the last attempt; null before the first. */
  answer: string | null,
  /** What it says. */
  content: unknown,
};

/** How a figure stands to its target. */
export type TargetBound = "<=" | "<" | ">=";

/** What a figure should reach. */
export type AlarmTarget = {
  /** Which figure. */
  figure: string,
  /** How. */
  op: TargetBound,
  /** What, in the unit of measure. */
  value: number,
  /** Of target and figure. */
  unit_of_measure: string,
  /** Where the target comes from. */
  source: string,
};

/** A figure with its target. */
export type AlarmFigure = {
  /** Value in the unit of measure of the target; null when it is not known. */
  value: number | null,
  /** What it should reach; null for a figure that is only reported. */
  target: AlarmTarget | null,
  /** Whether it does; null when one of both is. */
  met: boolean | null,
};

/** How alarm system and equipment performed. */
export type AlarmPerformance = {
  /** Begin of the span. */
  from: string,
  /** End of the span: not after now. */
  to: string,
  /** Since when alarms are recorded, hub clock: rates are those of the span after it; null for never. */
  known_since: string | null,
  /** Hub clock. */
  at: string,
  /** Version of the targets. */
  version: string,
  /** Signed-in accounts with the right to operate, at least 1: by these the rates are divided. */
  operators: number,
  /** Alarms that operators saw; null when nothing is known of the span, as every figure. */
  alarms: number | null,
  /** Alarms that were recorded and not shown: suppressed, shelved or out of service. */
  not_presented: number | null,
  /** Alarms per operator in 10 minutes, mean. */
  rate_10min_mean: AlarmFigure,
  /** The same in the fullest 10 minutes. */
  rate_10min_max: AlarmFigure,
  /** Share of the time in which more than 10 alarms came in 10 minutes. */
  flood_share: AlarmFigure,
  /** Floods: 10 minutes with more than 10 alarms. */
  floods: Array<AlarmFlood>,
  /** Every hour of the span that is known. */
  hours: Array<AlarmHour>,
  /** Alarms that are active since more than 24 hours now. */
  stale: AlarmFigure,
  /** The oldest of them. */
  stale_alarms: Array<StaleAlarm>,
  /** The most frequent codes. */
  top: Array<AlarmCode>,
  /** Share of the ten most frequent codes. */
  top10_share: AlarmFigure,
  /** Alarms that came up at least three times within a minute. */
  chattering: Array<ChatteringAlarm>,
  /** Shares of the priorities. */
  priorities: Array<PriorityShare>,
  /** How alarms that operators saw first in the span were handled, by the priority they had then. */
  handling: Array<AlarmHandling>,
  /** How devices worked, by service. */
  equipment: Array<ServiceAvailability>,
  /** What of the messages came, by stream. */
  streams: Array<StreamCompleteness>,
  /** What of the intervals was good, by service. */
  intervals: Array<GoodIntervals>,
};

/** 10 minutes with a flood. */
export type AlarmFlood = {
  /** Begin. */
  start: string,
  /** Alarms. */
  alarms: number,
};

/** One hour. */
export type AlarmHour = {
  /** Begin. */
  start: string,
  /** Alarms that operators saw, of priority 1 to 4. */
  priorities: [number, number, number, number],
  /** Alarms that were recorded and not shown. */
  not_presented: number,
};

/** An alarm that is active for long. */
export type StaleAlarm = {
  /** `CODE:OBJECT`. */
  alarm: string,
  /** Code of the rule. */
  code: string,
  /** Object. */
  object: string,
  /** 1 to 4. */
  priority: number,
  /** First raise, hub clock. */
  raised_at: string,
};

/** A code. */
export type AlarmCode = {
  /** Code of the rule. */
  code: string,
  /** Alarms that operators saw. */
  alarms: number,
  /** Share of all, 0 to 1. */
  share: number,
};

/** An alarm that came again and again. */
export type ChatteringAlarm = {
  /** `CODE:OBJECT`. */
  alarm: string,
  /** Code of the rule. */
  code: string,
  /** Object. */
  object: string,
  /** How often it came up in the span. */
  alarms: number,
  /** How often of these for at least the third time within a minute. */
  third: number,
};

/** Share of priorities. */
export type PriorityShare = {
  /** `1-2`, `3` or `4`. */
  priorities: string,
  /** Alarms that operators saw. */
  alarms: number,
  /** Share of all, 0 to 1; null without alarms. */
  share: AlarmFigure,
};

/** How alarms of a priority were handled. */
export type AlarmHandling = {
  /** 1 to 4. */
  priority: number,
  /** Occurrences. */
  alarms: number,
  /** Those that were acknowledged. */
  acknowledged: number,
  /** Those that wait to be acknowledged; they are in no percentile yet. */
  waiting: number,
  /** Median time to acknowledge, seconds. */
  acknowledge_p50_s: number | null,
  /** 90th percentile of that, seconds. */
  acknowledge_p90: AlarmFigure,
  /** Those that returned to normal. */
  cleared: number,
  /** Those that are active; they are in no percentile yet. */
  active: number,
  /** Median time to return to normal, seconds. */
  clear_p50_s: number | null,
  /** 90th percentile of that, seconds. */
  clear_p90_s: number | null,
  /** Mean of that, seconds. */
  clear_mean_s: number | null,
};

/** How the devices of a service worked: by their failure alarms and their connection. */
export type ServiceAvailability = {
  /** Service. */
  service: string,
  /** Devices in service. */
  devices: number,
  /** Those that something is known of. */
  known: number,
  /** Outages that began in the span. */
  begun: number,
  /** Outages that ended in the span. */
  ended: number,
  /** Outages that go on at its end. */
  ongoing: number,
  /** Sum of the times that devices were down, seconds; null when nothing is known. */
  down_s: number | null,
  /** Mean time to repair, of outages that ended in the span, seconds; null for none. */
  mttr_s: number | null,
  /** Mean time between failures: time up per outage that began, seconds; null for none. */
  mtbf_s: number | null,
  /** Share of the known time in which devices worked, 0 to 1. */
  availability: AlarmFigure,
};

/** What came of a stream, by the ledger of seq: of every restart that it follows, whatever the span. */
export type StreamCompleteness = {
  /** Service. */
  service: string,
  /** Stream. */
  stream: string,
  /** Messages that are expected. */
  expected: number,
  /** Those of them that are missing. */
  missing: number,
  /** Those of them whose loss was seen in the span. */
  missing_in_span: number,
  /** Share that came, 0 to 1. */
  received: AlarmFigure,
};

/** What of the intervals of the span was good. */
export type GoodIntervals = {
  /** Service. */
  service: string,
  /** Intervals that came. */
  intervals: number,
  /** Those without a mark. */
  good: number,
  /** Share, 0 to 1; null when none came. */
  share: AlarmFigure,
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
