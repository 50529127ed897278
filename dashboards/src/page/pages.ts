// The pages of a signed-in user: address, name, and the code of each, loaded when it is opened first.
// A further page is one line here.
import type { Component } from 'svelte';
import type { Hub } from '../data/hub.svelte';
import type { Key } from '../i18n.svelte';
import Ops from './Ops.svelte';

/** What every page is given: the hub, and where to go when the session has ended. */
export type PageProps = { hub: Hub; onsignedout: () => void };
export type Page = { path: string; name: Key; load: () => Promise<Component<PageProps>> | Component<PageProps> };

export const PAGES: readonly Page[] = [
  { path: '/ops', name: 'nav.ops', load: () => Ops },
  { path: '/1022', name: 'nav.desk', load: async () => (await import('./ServiceDesk.svelte')).default },
  { path: '/reform', name: 'nav.reform', load: async () => (await import('./Reform.svelte')).default },
];

/** The page of an address; the operations desk for every other one. */
export function pageOf(path: string): Page | undefined {
  return PAGES.find((page) => page.path === path) ?? PAGES[0];
}
