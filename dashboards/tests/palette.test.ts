// The tokens of style.css: contrast of text and symbols, and how far apart the alarm colours are for
// normal, red-blind, green-blind and blue-blind eyes (CIEDE2000; deficiencies after Machado 2009, severity 1).
import { describe, expect, it } from 'vitest';
import css from '../src/style.css?raw';

type Triple = [number, number, number];

/** Tokens as they hold on paper or in a theme of the screen: those of `:root`, then what replaces them. */
function palette(of: 'dark' | 'light' | 'contrast' | 'paper'): Map<string, string> {
  const [screen = '', paper = ''] = css.split('@media print');
  const tokens = (part: string): [string, string][] =>
    [...part.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})\s*;/g)].map((match) => [match[1] ?? '', match[2] ?? '']);
  const block = (start: string): [string, string][] => {
    const at = screen.indexOf(start);
    if (at < 0) throw new Error(`no block ${start}`);
    return tokens(screen.slice(at, screen.indexOf('}', at)));
  };
  const base = block('\n:root {');
  if (of === 'dark') return new Map(base);
  return new Map([...base, ...(of === 'paper' ? tokens(paper) : block(`:root[data-theme='${of}']`))]);
}

function linear(hex: string): Triple {
  const channel = (from: number): number => {
    const value = parseInt(hex.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [red, green, blue] = linear(hex);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const SIGHT: Record<string, [Triple, Triple, Triple]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function lab(hex: string, sight: [Triple, Triple, Triple]): Triple {
  const rgb = linear(hex);
  const seen = sight.map((row) => {
    const value = row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
    return Math.min(1, Math.max(0, value));
  }) as Triple;
  const [r, g, b] = seen;
  const f = (value: number): number => (value > 216 / 24389 ? Math.cbrt(value) : (24389 / 27) * (value / 116) + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIEDE2000 after Sharma, Wu and Dalal (2005). */
function difference([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number {
  const degrees = (radians: number): number => ((radians * 180) / Math.PI + 360) % 360;
  const cosine = (angle: number): number => Math.cos((angle * Math.PI) / 180);
  const mean_c = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(mean_c ** 7 / (mean_c ** 7 + 25 ** 7)));
  const [x1, x2] = [(1 + g) * a1, (1 + g) * a2];
  const [c1, c2] = [Math.hypot(x1, b1), Math.hypot(x2, b2)];
  const h1 = c1 === 0 ? 0 : degrees(Math.atan2(b1, x1));
  const h2 = c2 === 0 ? 0 : degrees(Math.atan2(b2, x2));
  let dh = c1 * c2 === 0 ? 0 : h2 - h1;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const hue = 2 * Math.sqrt(c1 * c2) * Math.sin((dh * Math.PI) / 360);
  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  let h = h1 + h2;
  if (c1 * c2 !== 0) h = Math.abs(h1 - h2) <= 180 ? h / 2 : (h + (h < 360 ? 360 : -360)) / 2;
  const t = 1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) - 0.2 * cosine(4 * h - 63);
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  const turn = 60 * Math.exp(-(((h - 275) / 25) ** 2));
  const rt = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin((turn * Math.PI) / 180);
  const [dl, dc, dH] = [(l2 - l1) / sl, (c2 - c1) / sc, hue / sh];
  return Math.sqrt(dl ** 2 + dc ** 2 + dH ** 2 + rt * dc * dH);
}

const ALARMS = ['p1', 'p2', 'p3', 'p4', 'normal', 'lost'];

describe.each([
  ['dark', palette('dark')],
  ['light', palette('light')],
  ['contrast', palette('contrast')],
  ['paper', palette('paper')],
])('palette: %s', (name_of_palette, tokens) => {
  const colour = (name: string): string => {
    const found = tokens.get(name);
    if (found === undefined) throw new Error(`no token --${name}`);
    return found;
  };

  /** Who chooses the theme of high contrast gets the enhanced contrast of WCAG 1.4.6. */
  const least = name_of_palette === 'contrast' ? 7 : 4.5;
  it.each(['text', 'dim', ...ALARMS])('%s stands out from the panel', (name) => {
    expect(contrast(colour(name), colour('panel'))).toBeGreaterThanOrEqual(least);
  });

  it.each(['p1', 'p2', 'p3', 'p4'])('the ink has 4.5:1 on %s', (name) => {
    if (name_of_palette === 'paper') return; // Nothing is filled on paper.
    expect(contrast(colour('ink'), colour(name))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ['text', 'ground'],
    ['dim', 'ground'],
    ['text', 'raised'],
    ['dim', 'raised'],
    ['text', 'picked'],
    ['dim', 'picked'],
    ['water-text', 'water'],
  ])('%s has 4.5:1 on %s', (name, ground) => {
    expect(contrast(colour(name), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['edge', 'focus', 'series'])('%s has 3:1 on the panel', (name) => {
    if (name === 'focus' && name_of_palette === 'paper') return; // Paper has no focus.
    expect(contrast(colour(name), colour('panel'))).toBeGreaterThanOrEqual(3);
  });
});

describe.each([
  ['dark', palette('dark')],
  ['light', palette('light')],
  ['contrast', palette('contrast')],
])('alarm colours: %s', (_, tokens) => {
  it.each(Object.keys(SIGHT))('are at least 12 apart for %s eyes', (eyes) => {
    const sight = SIGHT[eyes];
    if (sight === undefined) throw new Error(eyes);
    const seen = ALARMS.map((name) => ({ name, lab: lab(tokens.get(name) ?? '#000000', sight) }));
    seen.forEach((a, index) =>
      seen.slice(index + 1).forEach((b) => {
        expect(difference(a.lab, b.lab), `${a.name} and ${b.name}`).toBeGreaterThanOrEqual(12);
      }),
    );
  });

  it('knows the published example of CIEDE2000', () => {
    expect(difference([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4);
    expect(difference([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387])).toBeCloseTo(1.2644, 4);
  });

  it('leave everything else grey: no other colour has a saturation above 25 %', () => {
    const exempt = new Set(['focus', 'p1', 'p2', 'p3', 'p4', 'ink']);
    for (const [name, hex] of tokens) {
      if (exempt.has(name)) continue;
      const [r, g, b] = [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16) / 255) as Triple;
      const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
      const saturation = high === low ? 0 : (high - low) / (1 - Math.abs(high + low - 1));
      expect(saturation, name).toBeLessThanOrEqual(0.25);
    }
  });
});
