// Who is signed in: the session cookie is the hub's and invisible to the page.
import { get, post, remove } from './http';
import { isRecord, text, texts } from './narrow';
import type { Session } from './wire/wire';

export async function currentSession(): Promise<Session> {
  return readSession(await get('sessions/current'));
}

/** Throws `Problem` with status 401 when the name or the password is wrong. */
export async function signIn(user: string, password: string): Promise<void> {
  await post('sessions', { user, password });
}

export async function signOut(): Promise<void> {
  await remove('sessions/current');
}

function readSession(body: unknown): Session {
  const fields = isRecord(body) ? body : {};
  return { user: text(fields['user']) ?? '', rights: texts(fields['rights']) };
}
