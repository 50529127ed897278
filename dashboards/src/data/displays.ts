// Wall displays: their panels, distance and views as the hub knows them, and putting a view on one.
import { get, Problem, put, remove } from './http';
import { flag, instant, isRecord, list, number, text, type Unknowns } from './narrow';

export const WALL_VIEWS = ['overview', 'traffic', 'service', 'alarms'] as const;
export type WallView = (typeof WALL_VIEWS)[number];
export type DisplayProfile = {
  name: { vi: string; en: string };
  /** Panels side by side and above each other. */
  columns: number;
  rows: number;
  /** Pixels of one panel. */
  panel_width_px: number;
  panel_height_px: number;
  pitch_mm: number;
  distance_m: number;
  views: WallView[];
  rotate_s: number | null;
  source: string;
};
export type Pushed = { view: WallView; by: string; at_ms: number; until_ms: number };
export type Display = { id: string; from_settings: boolean; profile: DisplayProfile; pushed: Pushed | null };

export async function fetchDisplays(signal?: AbortSignal): Promise<Display[]> {
  const body = await get('displays', {}, signal);
  if (!isRecord(body)) throw Problem.ofShape('displays');
  return list(body['items']).filter(isRecord).flatMap(readDisplay);
}

export async function pushView(id: string, view: WallView, minutes: number): Promise<void> {
  await put(`displays/${encodeURIComponent(id)}/view`, { view, minutes });
}

export async function releaseDisplay(id: string): Promise<void> {
  await remove(`displays/${encodeURIComponent(id)}/view`);
}

export async function setDisplay(id: string, profile: DisplayProfile): Promise<void> {
  await put(`displays/${encodeURIComponent(id)}`, profile);
}

export async function resetDisplay(id: string): Promise<void> {
  await remove(`displays/${encodeURIComponent(id)}`);
}

export function wallView(value: unknown): WallView | null {
  return WALL_VIEWS.find((view) => view === value) ?? null;
}

function readDisplay(row: Unknowns): Display[] {
  const id = text(row['id']);
  const profile = isRecord(row['profile']) ? readProfile(row['profile']) : null;
  if (id === null || profile === null) return [];
  const pushed = isRecord(row['pushed']) ? readPushed(row['pushed']) : null;
  return [{ id, from_settings: flag(row['from_settings']) ?? false, profile, pushed }];
}

function readProfile(row: Unknowns): DisplayProfile | null {
  const name = isRecord(row['name']) ? row['name'] : {};
  const numbers = ['columns', 'rows', 'panel_width_px', 'panel_height_px', 'pitch_mm', 'distance_m'].map((key) => number(row[key]));
  const [columns, rows, panel_width_px, panel_height_px, pitch_mm, distance_m] = numbers;
  const views = list(row['views']).map(wallView).filter((view) => view !== null);
  if (!columns || !rows || !panel_width_px || !panel_height_px || !pitch_mm || !distance_m || views.length === 0) return null;
  const vi = text(name['vi']) ?? '';
  return {
    name: { vi, en: text(name['en']) ?? vi },
    columns,
    rows,
    panel_width_px,
    panel_height_px,
    pitch_mm,
    distance_m,
    views,
    rotate_s: number(row['rotate_s']),
    source: text(row['source']) ?? '',
  };
}

function readPushed(row: Unknowns): Pushed | null {
  const view = wallView(row['view']);
  const [at_ms, until_ms] = [instant(row['at']), instant(row['until'])];
  if (view === null || at_ms === null || until_ms === null) return null;
  return { view, by: text(row['by']) ?? '', at_ms, until_ms };
}
