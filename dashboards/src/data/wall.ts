// How a wall display lays out its regions and which view it shows. Pure: profile, pushed view, alarms
// and time go in. Invariants: a view has at most seven regions; the borders of regions lie on borders
// of cells, and a cell never lies across two panels.
import type { DisplayProfile, Pushed, WallView } from './displays';

export type RegionKind = 'map' | 'alarms' | 'traffic' | 'exceptions' | 'desk' | 'reform' | 'status';
/** A rectangle of cells; column and row count from 1. */
export type Region = { kind: RegionKind; column: number; row: number; columns: number; rows: number };
export type Layout = { columns: number; rows: number; regions: Region[] };

/** Cells of a wall that has fewer panels than a view needs: a panel is divided evenly. */
const COLUMNS_LEAST = 3;
const ROWS_LEAST = 2;
const DIVIDED_COLUMNS = 4;
const DIVIDED_ROWS = 3;

/** What stands in the big place, the two tall ones, and at the bottom: left, wide, right. */
const PLACES: Record<WallView, readonly [RegionKind, RegionKind, RegionKind, RegionKind, RegionKind, RegionKind]> = {
  overview: ['map', 'alarms', 'traffic', 'desk', 'reform', 'status'],
  traffic: ['map', 'traffic', 'exceptions', 'alarms', 'desk', 'status'],
  service: ['reform', 'desk', 'traffic', 'alarms', 'map', 'status'],
  alarms: ['alarms', 'exceptions', 'traffic', 'desk', 'map', 'status'],
};

export function arrange(view: WallView, panels: { columns: number; rows: number }): Layout {
  const columns = divided(panels.columns, COLUMNS_LEAST, DIVIDED_COLUMNS);
  const rows = divided(panels.rows, ROWS_LEAST, DIVIDED_ROWS);
  const [big, tall, other, left, wide, right] = PLACES[view];
  const top = rows - 1;
  const bottom: Region[] = [
    { kind: left, column: 1, row: rows, columns: 1, rows: 1 },
    { kind: wide, column: 2, row: rows, columns: columns - 2, rows: 1 },
    { kind: right, column: columns, row: rows, columns: 1, rows: 1 },
  ];
  if (columns === 3) {
    // One column beside the big place: both tall ones share it, or the second one is left out.
    const upper = Math.ceil(top / 2);
    const beside: Region[] = [{ kind: tall, column: 3, row: 1, columns: 1, rows: upper }];
    if (top > upper) beside.push({ kind: other, column: 3, row: upper + 1, columns: 1, rows: top - upper });
    return { columns, rows, regions: [{ kind: big, column: 1, row: 1, columns: 2, rows: top }, ...beside, ...bottom] };
  }
  return {
    columns,
    rows,
    regions: [
      { kind: big, column: 1, row: 1, columns: columns - 2, rows: top },
      { kind: tall, column: columns - 1, row: 1, columns: 1, rows: top },
      { kind: other, column: columns, row: 1, columns: 1, rows: top },
      ...bottom,
    ],
  };
}

/** The least multiple of the panels that has enough cells. */
function divided(panels: number, least: number, wanted: number): number {
  return panels >= least ? panels : panels * Math.ceil(wanted / panels);
}

/** Height of capitals of Inter, in em. */
const CAP_HEIGHT_EM = 0.7275;
/** Angle that reading text is to fill, minutes of arc (NUREG-0700: 20 to 22, at least 16). */
const ARC_MIN = 20;
/** The smallest text of a wall, as a share of the root size: 16 of 20 minutes of arc. */
export const SMALLEST_REM = 0.8;

/** Height in millimetres that fills so many minutes of arc: 6.283 · D · MA / 21,600 (NUREG-0700). */
export function arcHeight_mm(distance_m: number, arc_min: number): number {
  return (6.283 * distance_m * 1000 * arc_min) / 21_600;
}

/**
 * Root font size in CSS pixels, so that its capitals fill 20 minutes of arc at the distance.
 * `width_px` is how many CSS pixels the window is wide: where it is not the number of the panels'
 * pixels, a wall controller or a preview scales the picture, and the pitch with it.
 */
export function rootFont_px(profile: DisplayProfile, width_px: number): number {
  const scale = (profile.columns * profile.panel_width_px) / width_px;
  return arcHeight_mm(profile.distance_m, ARC_MIN) / (profile.pitch_mm * scale) / CAP_HEIGHT_EM;
}

export type Why = 'pushed' | 'pinned' | 'rotating' | 'steady';
export type Shown = { view: WallView; why: Why };

/**
 * The view of a moment. An unacknowledged alarm of priority 1 or 2 pins the first view; one that was
 * put on the display by hand stays unless such an alarm was raised after it: who pushed a view knew of
 * the alarms before. Nothing urgent: the views take turns, all displays alike, by the hub's clock.
 */
export function shownView(profile: DisplayProfile, pushed: Pushed | null, urgent_since_ms: number | null, now_ms: number): Shown {
  const first = profile.views[0] ?? 'overview';
  const pushes = pushed !== null && pushed.until_ms > now_ms;
  if (pushes && (urgent_since_ms === null || urgent_since_ms <= pushed.at_ms)) return { view: pushed.view, why: 'pushed' };
  if (urgent_since_ms !== null) return { view: first, why: 'pinned' };
  if (profile.rotate_s === null || profile.views.length < 2) return { view: first, why: 'steady' };
  const turn = Math.floor(now_ms / (profile.rotate_s * 1000)) % profile.views.length;
  return { view: profile.views[turn] ?? first, why: 'rotating' };
}

/** How many rows of a list each cell of a region holds, in reading order. */
export function capacities(region: Region, cell_em: number, head_em: number, row_em: number, padding_em: number): number[] {
  const room = (taken: number): number => Math.max(0, Math.floor((cell_em - padding_em - taken) / row_em));
  const cells = region.columns * region.rows;
  return Array.from({ length: cells }, (_, index) => room(index === 0 ? head_em : 0));
}

/** Deals items out to cells; what does not fit is counted. */
export function dealt<Item>(items: readonly Item[], room: readonly number[]): { cells: Item[][]; left: number } {
  const cells: Item[][] = [];
  let at = 0;
  for (const most of room) {
    cells.push(items.slice(at, at + most));
    at += most;
  }
  return { cells, left: Math.max(0, items.length - at) };
}
