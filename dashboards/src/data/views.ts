// Saved views: addresses of pages with what is chosen on them, one's own and shared ones.
import { get, post, Problem, remove } from './http';
import { flag, isRecord, list, number, text } from './narrow';

export type SavedView = { id: number; owner: string; name: string; address: string; shared: boolean };

export async function fetchViews(signal?: AbortSignal): Promise<SavedView[]> {
  const body = await get('views', {}, signal);
  if (!isRecord(body)) throw Problem.ofShape('views');
  return list(body['items'])
    .filter(isRecord)
    .flatMap((row) => {
      const [id, address] = [number(row['id']), text(row['address'])];
      // Only an address of this site: two slashes would lead to another host.
      if (id === null || address === null || !/^\/[^/\\]/.test(address)) return [];
      return [{ id, owner: text(row['owner']) ?? '', name: text(row['name']) ?? '', address, shared: flag(row['shared']) ?? false }];
    });
}

/** Saves a view, in place of an own one with the same name. */
export async function saveView(name: string, address: string, shared: boolean): Promise<void> {
  await post('views', { name, address, shared });
}

export async function removeView(id: number): Promise<void> {
  await remove(`views/${id}`);
}
