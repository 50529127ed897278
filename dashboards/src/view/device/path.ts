// Addresses of the pages of devices and corridors.

const WITH_PAGE: readonly string[] = ['signal', 'vds', 'cctv', 'cabinet'];

/** Null for a system that has no page of its own. */
export function devicePath({ id, service }: { id: string; service: string }): string | null {
  return WITH_PAGE.includes(service) ? `/d/${service}/${encodeURIComponent(id)}` : null;
}

export function corridorPath(id: string): string {
  return `/corridor/${encodeURIComponent(id)}`;
}
