// Who is signed in: the session cookie is the hub's and invisible to the page.
import { get, post, remove } from './http';
import type { Credentials } from './wire/api';

/** Throws `Problem` with status 401 when nobody is signed in. */
export async function checkSession(): Promise<void> {
  await get('sessions/current');
}

/** Throws `Problem` with status 401 when the name or the password is wrong. */
export async function signIn(credentials: Credentials): Promise<void> {
  await post('sessions', credentials);
}

export async function signOut(): Promise<void> {
  await remove('sessions/current');
}
