// Pictures of cameras through the hub, and where their streams are.
import { get, getBytes, Problem } from './http';
import { instant, isRecord, list, text } from './narrow';
import type { Camera } from './wire/api';

/** One picture: ready for an image, with its times on the hub's clock. */
export type Still = {
  url: string;
  fetched_at_ms: number;
  /** Since when every picture was the same, byte for byte. */
  changed_at_ms: number;
};

const PICTURES = 'image/jpeg, image/png, image/webp, image/svg+xml';
/** The hub gives a camera three seconds; more than this is its own trouble. */
const TIMEOUT_MS = 8_000;

export async function fetchCameras(signal: AbortSignal): Promise<ReadonlyMap<string, Camera>> {
  const body = await get('cameras', {}, signal);
  if (!isRecord(body) || !Array.isArray(body['cameras'])) throw Problem.ofShape('cameras');
  return new Map(list(body['cameras']).filter(isCamera).map((camera) => [camera.id, camera]));
}

function isCamera(value: unknown): value is Camera {
  return isRecord(value) && text(value['id']) !== null && text(value['picture']) !== null;
}

export async function fetchStill(id: string, signal: AbortSignal): Promise<Still> {
  const { bytes, headers } = await getBytes(`devices/${encodeURIComponent(id)}/still`, {}, PICTURES, signal, TIMEOUT_MS);
  const fetched_at_ms = instant(headers.get('x-ioc-fetched-at'));
  if (fetched_at_ms === null) throw Problem.ofShape('still');
  const type = headers.get('content-type') ?? 'image/jpeg';
  return {
    // The policy of these pages allows pictures of this origin and data, not blobs.
    url: `data:${type};base64,${base64(new Uint8Array(bytes))}`,
    fetched_at_ms,
    changed_at_ms: instant(headers.get('x-ioc-changed-at')) ?? fetched_at_ms,
  };
}

/** In pieces, because a call takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  const PIECE = 0x8000;
  let characters = '';
  for (let at = 0; at < bytes.length; at += PIECE) {
    characters += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(characters);
}
