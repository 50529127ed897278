// The symbols of the conditions as paths in a square of 24 units, for DOM, map and paper alike:
// 0 hollow dot, 1 dot, 2 triangle, 3 diamond, 4 ring with a cross. Shape carries the meaning, colour repeats it.
import type { Condition } from '../data/wire/live';

export type Shape = { path: string; filled: boolean; token: string };

const DOT = 'M12 5.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0 -13Z';

export const SHAPES: Record<Condition, Shape> = {
  0: { path: DOT, filled: false, token: 'normal' },
  1: { path: DOT, filled: true, token: 'normal' },
  2: { path: 'M12 2.5L22.5 21H1.5Z', filled: true, token: 'p2' },
  3: { path: 'M12 1L23 12L12 23L1 12Z', filled: true, token: 'p1' },
  4: { path: 'M12 2.5a9.5 9.5 0 1 1 0 19a9.5 9.5 0 1 1 0 -19ZM8 8L16 16M16 8L8 16', filled: false, token: 'lost' },
};

/** Width of the lines of hollow shapes, in the same units. */
export const STROKE = 2.5;
export const BOX = 24;

/** The symbol as an image for the map, `scale` device pixels per CSS pixel. */
export function shapeImage(condition: Condition, size: number, colour: string, halo: string, scale: number): ImageData {
  const canvas = document.createElement('canvas');
  const pixels = Math.round(size * scale);
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no 2d canvas');
  const { path, filled } = SHAPES[condition];
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
    context.stroke(outline);
  }
  return context.getImageData(0, 0, pixels, pixels);
}
