// What the hub makes of the samples of one device: `GET quality/{source}`.
import { get, Problem } from './http';
import { isRecord, list, text } from './narrow';
import type { DeviceQuality } from './wire/api';

export async function fetchQuality(id: string, signal: AbortSignal): Promise<DeviceQuality> {
  const body = await get(`quality/${encodeURIComponent(id)}`, {}, signal);
  if (!isQuality(body)) throw Problem.ofShape('quality');
  return body;
}

function isQuality(value: unknown): value is DeviceQuality {
  return isRecord(value) && list(value['places']).every((each) => isRecord(each) && text(each['place']) !== null && Array.isArray(each['checks']));
}
