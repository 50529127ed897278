// One device of the city while its page is open: its row of the registry and its live details.
import type { DeviceDetail } from '../data/detail.svelte';
import type { Device } from '../data/devices.svelte';
import type { Hub } from '../data/hub.svelte';

export type Watched = { readonly device: Device | null; readonly detail: DeviceDetail | null };

/** Call while a page is made; what it watches ends with the page. */
export function watched(hub: Hub, id: string): Watched {
  let detail = $state.raw<DeviceDetail | null>(null);
  const device = $derived.by(() => {
    void hub.devices.list;
    return hub.devices.get(id) ?? null;
  });
  const service = $derived(device?.service ?? null);
  $effect(() => {
    if (service === null) return;
    const watch = hub.watch(id, service);
    detail = watch.detail;
    return watch.leave;
  });
  return {
    get device() {
      return device;
    },
    get detail() {
      return detail;
    },
  };
}
