// The pages of a signed-in user: address, name, and the code of each, loaded when it is opened first.
// A further page is one line here. `:name` in an address stands for one part of it, which the page
// is given in `params`. Limits: at most seven pages stand in the header, each letter once.
import type { Component } from 'svelte';
import type { Hub } from '../data/hub.svelte';
import type { Key } from '../i18n.svelte';

/** What every page is given: the hub, what its address says, and the ways to other pages. */
export type PageProps = {
  hub: Hub;
  /** The parts of the address that its pattern names, decoded. */
  params: Readonly<Record<string, string>>;
  /** Opens another page of this site: path with or without search. */
  go: (path: string) => void;
  onsignedout: () => void;
};
export type Page = {
  path: string;
  name: Key;
  /** Opens the page when it is pressed after `g`. */
  letter?: string;
  /** Stands in the header of every page. */
  top?: true;
  /** Draws the whole screen itself: no header, no banners. */
  bare?: true;
  load: () => Promise<Component<PageProps>>;
};
export type Found = { page: Page; params: Readonly<Record<string, string>> };

const HOME: Page = { path: '/ops', name: 'nav.ops', letter: 'o', top: true, load: async () => (await import('./Ops.svelte')).default };
export const PAGES: readonly Page[] = [
  HOME,
  { path: '/alarms', name: 'nav.alarms', letter: 'a', top: true, load: async () => (await import('./Alarms.svelte')).default },
  { path: '/alarms/kpi', name: 'nav.alarm_performance', load: async () => (await import('./AlarmPerformance.svelte')).default },
  { path: '/1022', name: 'nav.desk', letter: 't', top: true, load: async () => (await import('./ServiceDesk.svelte')).default },
  { path: '/reform', name: 'nav.reform', letter: 'r', top: true, load: async () => (await import('./Reform.svelte')).default },
  { path: '/health', name: 'nav.health', letter: 'h', top: true, load: async () => (await import('./Health.svelte')).default },
  { path: '/log', name: 'nav.log', letter: 'l', top: true, load: async () => (await import('./Log.svelte')).default },
  { path: '/settings', name: 'nav.settings', letter: 's', load: async () => (await import('./Settings.svelte')).default },
  { path: '/wall/:profile', name: 'nav.wall', bare: true, load: async () => (await import('./Wall.svelte')).default },
  { path: '/cctv', name: 'nav.cctv', letter: 'c', top: true, load: async () => (await import('./CamerasPage.svelte')).default },
  { path: '/d/signal/:id', name: 'nav.signal', load: async () => (await import('./SignalPage.svelte')).default },
  { path: '/d/vds/:id', name: 'nav.vds', load: async () => (await import('./StationPage.svelte')).default },
  { path: '/d/cctv/:id', name: 'nav.camera', load: async () => (await import('./CameraPage.svelte')).default },
  { path: '/d/cabinet/:id', name: 'nav.cabinet', load: async () => (await import('./CabinetPage.svelte')).default },
  { path: '/corridor/:id', name: 'nav.corridor', load: async () => (await import('./CorridorPage.svelte')).default },
];
export const TOP_PAGES = PAGES.filter((page) => page.top);

/** The page of an address; the operations desk for every other one. */
export function pageOf(path: string, pages: readonly Page[] = PAGES): Found {
  for (const page of pages) {
    const params = paramsOf(page.path, path);
    if (params !== null) return { page, params };
  }
  return { page: HOME, params: {} };
}

/** What the named parts of a pattern are in an address, or null when it is not of this form. */
export function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const part = parts[index] ?? '';
    if (!want.startsWith(':')) {
      if (want !== part) return null;
      continue;
    }
    const value = decoded(part);
    if (value === null || value === '') return null;
    params[want.slice(1)] = value;
  }
  return params;
}

/** Where a device is shown. */
export function devicePath(service: string, id: string): string {
  const own = `/d/:service/:id`;
  const path = pathTo(own, { service, id });
  return PAGES.some((page) => paramsOf(page.path, path) !== null) ? path : `/ops?device=${encodeURIComponent(id)}`;
}

/** An address of a pattern, the reverse of `paramsOf`. */
export function pathTo(pattern: string, params: Readonly<Record<string, string>>): string {
  return pattern.replace(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
