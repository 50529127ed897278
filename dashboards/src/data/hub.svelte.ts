// The hub as a page sees it: one live channel, one clock and the stores that every page draws from.
// A page asks for the topics it shows; a further page adds a store and a line here, nothing else.
import { fetchCity, fetchDevices } from './city';
import { HubClock } from './clock.svelte';
import { DeviceDetail } from './detail.svelte';
import { Desk } from './desk.svelte';
import { Devices } from './devices.svelte';
import { Problem } from './http';
import { Link } from './link.svelte';
import { LiveChannel, type Observer, type Socket, type SocketEvents } from './live';
import { Reform } from './reform.svelte';
import { checkSession, signOut } from './session';
import { Sources } from './sources.svelte';
import type { City } from './wire/api';
import type { Hello } from './wire/live';

const PROTOCOL = 'ioc.live.v1';
/** Pause before the registry is asked for again after a failure, or when unknown devices report. */
const RELOAD_MS = 5_000;

export class Hub {
  readonly link = new Link();
  readonly clock = new HubClock();
  readonly devices = new Devices();
  readonly desk = new Desk();
  readonly reform = new Reform();
  readonly sources = new Sources();
  city = $state.raw<City | null>(null);
  /** Code of the failure when city or devices could not be loaded. */
  load_failure = $state<string | null>(null);
  /** Code of the failure when the session could not be ended. */
  sign_out_failure = $state<string | null>(null);
  /** Set by the page: the session has ended. */
  onSignedOut: () => void = () => {};
  readonly #channel = new LiveChannel(openSocket, this.#observer());
  #reload: ReturnType<typeof setTimeout> | undefined;
  #leave: (() => void)[] = [];
  #stopped = false;

  /** Connects and loads; `stop` undoes all of it. */
  start(): void {
    const visibility = (): void => this.#channel.setHidden(document.hidden);
    const online = (): void => this.#channel.retryNow();
    document.addEventListener('visibilitychange', visibility);
    window.addEventListener('online', online);
    this.#leave = [
      this.clock.start(),
      () => document.removeEventListener('visibilitychange', visibility),
      () => window.removeEventListener('online', online),
      this.#channel.subscribe('devices', this.devices.apply),
      this.#channel.subscribe('desk', this.desk.apply),
      this.#channel.subscribe('reform', this.reform.apply),
      this.#channel.subscribe('sources', this.sources.apply),
    ];
    visibility();
    this.#channel.start();
    void this.load();
  }

  stop(): void {
    // Answers that are still on their way concern nobody any more.
    this.#stopped = true;
    this.onSignedOut = () => {};
    clearTimeout(this.#reload);
    for (const leave of this.#leave) leave();
    this.#leave = [];
    this.#channel.stop();
  }

  /** Reads the city and the registry; on failure again after a pause. */
  async load(): Promise<void> {
    clearTimeout(this.#reload);
    try {
      const [city, devices] = await Promise.all([this.city ?? fetchCity(), fetchDevices()]);
      if (this.#stopped) return;
      this.city = city;
      this.devices.load(devices);
      this.load_failure = null;
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 401) {
        this.onSignedOut();
        return;
      }
      if (this.#stopped) return;
      this.load_failure = cause instanceof Problem ? cause.code : 'unexpected';
      this.#reload = setTimeout(() => void this.load(), RELOAD_MS);
    }
  }

  /** Reads the registry again after a pause; used when devices report that it did not hold. */
  reloadSoon(): void {
    clearTimeout(this.#reload);
    this.#reload = setTimeout(() => void this.load(), RELOAD_MS);
  }

  /** The live details of one device, until the returned function is called. */
  watch(id: string, service: string): { detail: DeviceDetail; leave: () => void } {
    this.link.refused = null;
    const detail = new DeviceDetail();
    const leaves = [this.#channel.subscribe(`device/${id}`, detail.apply)];
    if (service === 'signal') leaves.push(this.#channel.subscribe(`signal/${id}`, detail.applySignal));
    return { detail, leave: () => leaves.forEach((leave) => leave()) };
  }

  /** Ends the session; one that has ended already is as good. */
  async signOut(): Promise<void> {
    try {
      await signOut();
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      if (cause.status !== 401) {
        this.sign_out_failure = cause.code;
        return;
      }
    }
    this.onSignedOut();
  }

  #observer(): Observer {
    const { link, clock } = this;
    return {
      opened: (hello) => this.#opened(hello),
      live: () => {
        link.phase = 'live';
        link.lost_at_ms = null;
      },
      lost: () => {
        if (link.phase === 'lost') return;
        if (link.phase === 'live') link.losses += 1;
        link.phase = 'lost';
        link.lost_at_ms = clock.at();
        link.round_trip_ms = null;
      },
      signedOut: () => this.onSignedOut(),
      unreachable: () => void this.#checkSession(),
      clock: (hub_ms, round_trip_ms) => {
        clock.learn(hub_ms, round_trip_ms);
        link.round_trip_ms = round_trip_ms;
      },
      resync: () => {
        link.resyncs += 1;
      },
      refused: (_topic, code) => {
        link.refused = code;
      },
    };
  }

  #opened(hello: Hello): void {
    const { link } = this;
    // New program, new pages: the old ones would ask for files that are gone.
    if (link.build !== null && link.build !== hello.build) location.reload();
    link.build = hello.build;
    link.user = hello.user;
    link.insecure = hello.insecure;
    link.demonstration = hello.demonstration;
    link.refused = null;
    this.clock.restart(Date.parse(hello.time));
  }

  /** A refused handshake does not tell a page why; an ended session is one reason. */
  async #checkSession(): Promise<void> {
    try {
      await checkSession();
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 401) this.onSignedOut();
    }
  }
}

function openSocket(events: SocketEvents): Socket {
  const url = new URL('/api/v1/live', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, PROTOCOL);
  socket.onopen = () => events.open();
  socket.onmessage = (event) => events.message(event.data);
  socket.onclose = (event) => events.close(event.code);
  return socket;
}
