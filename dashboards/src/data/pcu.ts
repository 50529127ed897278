// Profiles of passenger-car units, and the cuts that tell congestion: `GET pcu`.
import { get, Problem } from './http';
import { isRecord, list, number, text } from './narrow';
import type { PcuCatalogue } from './wire/api';

export async function fetchPcu(signal: AbortSignal): Promise<PcuCatalogue> {
  const body = await get('pcu', {}, signal);
  if (!isCatalogue(body)) throw Problem.ofShape('pcu');
  return body;
}

function isCatalogue(value: unknown): value is PcuCatalogue {
  if (!isRecord(value) || text(value['default']) === null) return false;
  const cuts = value['level_of_service'];
  return list(value['profiles']).every((each) => isRecord(each) && text(each['id']) !== null && isRecord(each['name'])) && isRecord(cuts) && number(cuts['d_pct']) !== null;
}
