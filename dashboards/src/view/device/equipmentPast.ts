// Reports of equipment as stretches of equal states and as curves. Pure, but for the words.
import type { Equipment, Report } from '../../data/past';
import '../../i18n/detail';
import '../../i18n/device_pages';
import { coded, t } from '../../i18n.svelte';

/** `odd`: worth a look, drawn thick; `usual`: as it should be, drawn thin. */
export type Stretch = { from_ms: number; to_ms: number; kind: 'usual' | 'odd'; text: string };
export type StateRow = { key: string; name: string; rows: Stretch[] };
export type Curve = {
  points: readonly { at_ms: number; value: number }[];
  low: number;
  high: number;
  path: (x: (ms: number) => number, height: number) => string;
};

/** A report tells of the time until the next one, but of no longer than this. */
const HOLDS_MS = 180_000;
const FROZEN_S = 30;

type Told = { odd: boolean; text: string } | null;

/** One row for each state that was reported at all. */
export function stretches(past: Equipment): StateRow[] {
  const rows = [
    { key: 'power', name: t('health.power'), rows: byReport(past, power) },
    { key: 'door', name: t('health.door_open'), rows: byReport(past, door) },
    { key: 'picture', name: t('health.camera'), rows: byReport(past, picture) },
    { key: 'link', name: t('past.link'), rows: byConnection(past) },
  ];
  return rows.filter((row) => row.rows.length > 0);
}

function power({ power }: Report): Told {
  return power === null ? null : { odd: power !== 'line', text: coded('power', power) };
}
function door({ door_open }: Report): Told {
  return door_open === null ? null : { odd: door_open, text: t(door_open ? 'health.open' : 'health.closed') };
}
function picture({ reachable, why, freeze_s, moved }: Report): Told {
  if (reachable === null) return null;
  if (!reachable) return { odd: true, text: coded('why', `camera.${why ?? 'unreachable'}`) };
  if (freeze_s !== null && freeze_s > FROZEN_S) return { odd: true, text: coded('why', 'camera.frozen') };
  if (moved) return { odd: true, text: coded('why', 'camera.off_preset') };
  return { odd: false, text: t('why_value.ok') };
}

function byReport({ reports, to_ms }: Equipment, tell: (report: Report) => Told): Stretch[] {
  const rows: Stretch[] = [];
  reports.forEach((report, index) => {
    const told = tell(report);
    if (told === null) return;
    const end_ms = Math.min(reports[index + 1]?.time_ms ?? to_ms, report.time_ms + HOLDS_MS, to_ms);
    extend(rows, { from_ms: report.time_ms, to_ms: end_ms, kind: told.odd ? 'odd' : 'usual', text: told.text });
  });
  return rows;
}

function byConnection({ connections, from_ms, to_ms }: Equipment): Stretch[] {
  const rows: Stretch[] = [];
  connections.forEach(({ time_ms, online }, index) => {
    const end_ms = connections[index + 1]?.time_ms ?? to_ms;
    const begin_ms = Math.max(from_ms, time_ms);
    if (end_ms > begin_ms) extend(rows, { from_ms: begin_ms, to_ms: end_ms, kind: online ? 'usual' : 'odd', text: t(online ? 'past.online' : 'past.offline') });
  });
  return rows;
}

function extend(rows: Stretch[], next: Stretch): void {
  const last = rows.at(-1);
  if (last !== undefined && last.text === next.text && next.from_ms <= last.to_ms) last.to_ms = next.to_ms;
  else rows.push(next);
}

export function curve({ reports }: Equipment, of: (report: Report) => number | null): Curve {
  const points = reports.flatMap((report) => {
    const value = of(report);
    return value === null ? [] : [{ at_ms: report.time_ms, value }];
  });
  const values = points.map((point) => point.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const path = (x: (ms: number) => number, height: number): string => {
    let drawn = '';
    let before_ms = -Infinity;
    for (const { at_ms, value } of points) {
      const y = high === low ? height / 2 : 2 + (1 - (value - low) / (high - low)) * (height - 4);
      drawn += `${at_ms - before_ms > HOLDS_MS ? 'M' : 'L'}${x(at_ms).toFixed(1)} ${y.toFixed(1)}`;
      before_ms = at_ms;
    }
    return drawn;
  };
  return { points, low, high, path };
}
