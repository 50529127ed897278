// PNG pictures as bytes of colours and back, as far as Chromium writes them and the baselines need them.
// Reads 8 bits per channel, RGB, RGBA or palette, not interlaced; writes a palette of at most 256 colours,
// which keeps a page in a tenth of its size. Source: PNG specification (W3C, third edition), clauses 9 to 11.
// Depends on nothing but zlib, so that a comparison of pictures brings no package into the build.
import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bytes per pixel by colour type. */
const CHANNELS = { 2: 3, 3: 1, 6: 4 };
const PALETTE_MOST = 256;
/** Colours that agree in so many upper bits of each channel share a place of the palette. */
const BITS = 5;

/** Picture of `{ width, height, data }`, three bytes per pixel. */
export function decode(png) {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error('no PNG');
  const parts = [];
  let head = null;
  let palette = null;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') head = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), depth: body[8], type: body[9], interlaced: body[12] };
    if (type === 'PLTE') palette = body;
    if (type === 'IDAT') parts.push(body);
    at += 12 + length;
  }
  if (head === null || head.depth !== 8 || CHANNELS[head.type] === undefined || head.interlaced !== 0) throw new Error('a PNG of another kind');
  const channels = CHANNELS[head.type];
  const raw = unfiltered(inflateSync(Buffer.concat(parts)), head.width * channels, head.height, channels);
  const { width, height } = head;
  const data = Buffer.alloc(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const [from, at] = head.type === 3 ? [palette, raw[pixel] * 3] : [raw, pixel * channels];
    data[pixel * 3] = from[at];
    data[pixel * 3 + 1] = from[at + 1];
    data[pixel * 3 + 2] = from[at + 2];
  }
  return { width, height, data };
}

/** Undoes the filter of each line (clause 9.2). */
function unfiltered(bytes, stride, height, back) {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = bytes[y * (stride + 1)];
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x += 1) {
      const left = x >= back ? out[to + x - back] : 0;
      const up = y > 0 ? out[to + x - stride] : 0;
      const corner = x >= back && y > 0 ? out[to + x - stride - back] : 0;
      const guess = filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      out[to + x] = bytes[from + x] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** PNG with a palette; `made_by` stands in it as its software. Fewer bits make a smaller file of coarser colours. */
export function encode({ width, height, data }, made_by, bits = BITS) {
  const { palette, places } = reduced(data, bits);
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) lines[y * (width + 1) + 1 + x] = places[y * width + x];
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('tEXt', Buffer.from(`Software\0${made_by}`, 'latin1')),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** What the picture says of its software. */
export function madeBy(png) {
  const at = png.indexOf('Software\0', 0, 'latin1');
  return at < 4 ? '' : png.toString('latin1', at + 9, at - 4 + png.readUInt32BE(at - 8) + 4);
}

/** The most frequent colours, and for each pixel the place of the nearest. */
function reduced(data, bits) {
  const exact = new Map();
  for (let at = 0; at < data.length; at += 3) {
    const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    exact.set(colour, (exact.get(colour) ?? 0) + 1);
  }
  // Of each bucket its most frequent colour stands for all, so that panels and text keep theirs.
  const best = new Map();
  for (const [colour, count] of exact) {
    const key = bucketOf(colour >> 16, (colour >> 8) & 255, colour & 255, bits);
    const known = best.get(key);
    if (known === undefined) best.set(key, { colour, top: count, count });
    else {
      known.count += count;
      if (count > known.top) [known.colour, known.top] = [colour, count];
    }
  }
  const kept = [...best.values()].sort((a, b) => b.count - a.count || a.colour - b.colour).slice(0, PALETTE_MOST);
  const palette = Buffer.from(kept.flatMap(({ colour }) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const nearest = new Int16Array(1 << (3 * bits)).fill(-1);
  for (const [index, { colour }] of kept.entries()) nearest[bucketOf(colour >> 16, (colour >> 8) & 255, colour & 255, bits)] = index;
  const places = Buffer.alloc(data.length / 3);
  for (let at = 0; at < data.length; at += 3) {
    const key = bucketOf(data[at], data[at + 1], data[at + 2], bits);
    if (nearest[key] < 0) nearest[key] = closest(palette, data, at);
    places[at / 3] = nearest[key];
  }
  return { palette, places };
}

function bucketOf(red, green, blue, bits) {
  const shift = 8 - bits;
  return ((red >> shift) << (2 * bits)) | ((green >> shift) << bits) | (blue >> shift);
}

function closest(palette, data, at) {
  let [found, least] = [0, Infinity];
  for (let index = 0; index < palette.length; index += 3) {
    const far = (palette[index] - data[at]) ** 2 + (palette[index + 1] - data[at + 1]) ** 2 + (palette[index + 2] - data[at + 2]) ** 2;
    if (far < least) [found, least] = [index / 3, far];
  }
  return found;
}

function chunk(type, body) {
  const whole = Buffer.alloc(12 + body.length);
  whole.writeUInt32BE(body.length, 0);
  whole.write(type, 4, 'latin1');
  body.copy(whole, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + body.length)), 8 + body.length);
  return whole;
}

/** CRC of clause 5.5; Node 20's zlib does not give it. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
