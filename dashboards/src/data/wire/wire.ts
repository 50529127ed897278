// The messages that the hub and the page exchange: websocket frames and HTTP documents.
// From: the hub's own types. To: the readers in data/, which narrow what arrives to these.
// Units stand in the names; null is "not known" and never zero.

/** Value of one cell of a live row. */
export type Cell = unknown;
/** One live row, in the order of the snapshot's columns; the first cell is the key. */
export type Row = readonly Cell[];

export type Filter = { service?: string[]; area?: string };

export type Hello = {
  op: 'hello';
  protocol: number;
  build: string;
  time: string;
  epoch: string;
  tick_ms: number;
  user: string;
  rights: string[];
  city: string;
  demonstration: boolean;
  insecure: boolean;
};
export type Snapshot = {
  op: 'snapshot';
  id: number;
  cursor: string;
  time: string;
  columns: string[];
  rows: Row[];
  part: number;
  last: boolean;
};
export type Delta = {
  op: 'delta';
  id: number;
  prev: string;
  cursor: string;
  time: string;
  rows: Row[];
  removed: string[];
  stored: boolean;
};
export type Resync = { op: 'resync'; id: number; reason: string };
export type Refusal = { op: 'error'; id: number | null; code: string; detail: string };
export type Pong = { op: 'pong'; t: number; time: string };
export type Bye = { op: 'bye'; reason: string; retry_ms: number };
export type ServerFrame = Hello | Snapshot | Delta | Resync | Refusal | Pong | Bye;

export type ClientFrame =
  | { op: 'subscribe'; id: number; topic: string; filter?: Filter; resume?: string | null }
  | { op: 'unsubscribe'; id: number }
  | { op: 'pace'; hz: number }
  | { op: 'ping'; t: number };

/** 0 never heard, 1 normal, 2 warning, 3 fault, 4 offline. */
export type Condition = 0 | 1 | 2 | 3 | 4;

export type Name = { vi: string; en: string };
export type Position = [lon: number, lat: number];
export type Geometry =
  | { type: 'Point'; coordinates: Position }
  | { type: 'LineString'; coordinates: Position[] }
  | { type: 'MultiLineString'; coordinates: Position[][] }
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] };
export type Feature = { type: 'Feature'; properties: Record<string, unknown>; geometry: Geometry };
export type FeatureCollection = { type: 'FeatureCollection'; features: Feature[] };

export type CityMap = {
  areas: FeatureCollection;
  corridors: FeatureCollection;
  rivers: FeatureCollection;
  places: FeatureCollection;
};
export type City = {
  city: string;
  name: Name;
  bounds: [west: number, south: number, east: number, north: number];
  center: Position;
  zoom: number;
  time_zone: string;
  demonstration: boolean;
  insecure: boolean;
  map: CityMap;
};

export type Detector = { key: string; name: Name; direction: string | null };
export type DeviceDocument = {
  id: string;
  service: string;
  name: Name;
  lon: number | null;
  lat: number | null;
  area: string | null;
  corridor: string | null;
  period_s: number | null;
  simulated: boolean;
  detectors: Detector[];
};

export type Session = { user: string; rights: string[] };


/** RFC 9457 problem document. */
export type ProblemDocument = {
  status: number;
  code: string;
  title: string;
  detail: string | null;
  field: string | null;
};
