// The symbols as paths in a square of 24 units, for DOM, map and paper alike. Alarms: diamond, triangle,
// dot, square for priorities 1 to 4, filled until acknowledged; theirs alone are the colours p1 to p4.
// Conditions without an alarm are neutral: 0 hollow dot, 1 dot, 2 and 3 hollow with a stroke inside,
// 4 ring with a cross. Shape carries the meaning, colour repeats it.
import type { Priority } from '../data/alarms.svelte';
import type { Condition } from '../data/wire/live';

export type Shape = { path: string; filled: boolean; token: string };

const DOT = 'M12 5.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0 -13Z';

export const SHAPES: Record<Condition, Shape> = {
  0: { path: DOT, filled: false, token: 'normal' },
  1: { path: DOT, filled: true, token: 'normal' },
  2: { path: 'M12 3L21.5 20.5H2.5ZM12 9.5V16', filled: false, token: 'lost' },
  3: { path: 'M12 2L22 12L12 22L2 12ZM12 8V16', filled: false, token: 'lost' },
  4: { path: 'M12 2.5a9.5 9.5 0 1 1 0 19a9.5 9.5 0 1 1 0 -19ZM8 8L16 16M16 8L8 16', filled: false, token: 'lost' },
};

export const ALARM_SHAPES: Record<Priority, Shape> = {
  1: { path: 'M12 1L23 12L12 23L1 12Z', filled: true, token: 'p1' },
  2: { path: 'M12 2.5L22.5 21H1.5Z', filled: true, token: 'p2' },
  3: { path: 'M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0 -18Z', filled: true, token: 'p3' },
  4: { path: 'M4 4H20V20H4Z', filled: true, token: 'p4' },
};
/** The same as outlines, drawn within the square although their lines are wide. */
export const ALARM_OUTLINES: Record<Priority, string> = {
  1: 'M12 3L21 12L12 21L3 12Z',
  2: 'M12 4.5L20.5 19.5H3.5Z',
  3: 'M12 4.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0 -15Z',
  4: 'M5 5H19V19H5Z',
};
/** What keeps an alarm from the operator: a clock, a struck-out ring, a wrench's open jaw. */
export const ASIDE_SHAPES = {
  shelved: 'M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0 -17ZM12 7.5V12L15 14.5',
  suppressed: 'M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0 -17ZM6 18L18 6',
  out_of_service: 'M4 20L13 11M13 11a4.5 4.5 0 0 1 6 -6L16 8V8.5L18.5 11L20.5 8.5a4.5 4.5 0 0 1 -7.5 2.5',
} as const;

/** Width of the lines of hollow shapes, in the same units. */
export const STROKE = 2.5;
export const BOX = 24;

/** The symbol as an image for the map, `scale` device pixels per CSS pixel. */
export function shapeImage({ path, filled }: Shape, size: number, colour: string, halo: string, scale: number, isDashed = false): ImageData {
  const canvas = document.createElement('canvas');
  const pixels = Math.round(size * scale);
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no 2d canvas');
  const outline = new Path2D(path);
  // A margin of one unit leaves room for the halo.
  context.scale(pixels / (BOX + 4), pixels / (BOX + 4));
  context.translate(2, 2);
  context.lineJoin = 'round';
  context.lineWidth = filled ? 3 : STROKE + 3;
  context.strokeStyle = halo;
  context.stroke(outline);
  context.fillStyle = filled ? colour : halo;
  context.fill(outline);
  if (!filled) {
    context.lineWidth = STROKE;
    context.strokeStyle = colour;
    if (isDashed) context.setLineDash([3.2, 2.4]);
    context.stroke(outline);
  }
  return context.getImageData(0, 0, pixels, pixels);
}
