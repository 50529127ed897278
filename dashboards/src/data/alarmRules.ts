// What each alarm means and asks for: cause, consequence, action and time to respond, in both
// languages, and how urgent it is. From `GET alarms/rules`.
import { get, post } from './http';
import type { Name } from './wire/api';
import { isRecord, list, number, text, type Unknowns } from './narrow';
import { priorityOf, type Priority } from './alarms.svelte';

export type AlarmRule = {
  code: string;
  name: Name;
  cause: Name;
  consequence: Name;
  action: Name;
  time_to_respond_s: number | null;
  priority: Priority;
};

export async function fetchRules(): Promise<ReadonlyMap<string, AlarmRule>> {
  return readRules(await get('alarms/rules'));
}

/** Writes into the journal what somebody holds a better limit for a rule. Throws `Problem`. */
export async function proposeLimit(code: string, limit: string, reason: string): Promise<void> {
  await post(`alarms/rules/${encodeURIComponent(code)}/proposals`, { limit, reason });
}

export function readRules(body: unknown): ReadonlyMap<string, AlarmRule> {
  const rows = isRecord(body) ? body['items'] : null;
  return new Map(list(rows).filter(isRecord).map((row) => [text(row['code']) ?? '', readRule(row)]));
}

function readRule(row: Unknowns): AlarmRule {
  const code = text(row['code']) ?? '';
  const [vi, en] = [row['vi'], row['en']].map((texts) => (isRecord(texts) ? texts : {}));
  const words = (key: string): Name => ({ vi: text(vi?.[key]) ?? code, en: text(en?.[key]) ?? code });
  return {
    code,
    name: words('name'),
    cause: words('cause'),
    consequence: words('consequence'),
    action: words('action'),
    time_to_respond_s: number(row['time_to_respond_s']),
    priority: priorityOf(row['priority']),
  };
}
