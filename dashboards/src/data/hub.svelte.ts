// The hub as a page sees it: one live channel, one clock and the stores that every page draws from.
// A page asks for the topics it shows; a further page adds a store and a line here, nothing else.
import { send } from './alarmActions';
import { fetchRules } from './alarmRules';
import { Alarms, PRIORITIES } from './alarms.svelte';
import { Announcer } from './announcer.svelte';
import { fetchCity, fetchDevices } from './city';
import { HubClock } from './clock.svelte';
import { DeviceDetail } from './detail.svelte';
import { Desk } from './desk.svelte';
import { Devices } from './devices.svelte';
import { Problem } from './http';
import { Link } from './link.svelte';
import { LiveChannel, type Listener, type Observer, type Socket, type SocketEvents } from './live';
import { Pending } from './pending.svelte';
import { Reform } from './reform.svelte';
import { checkSession, signOut } from './session';
import { AlarmSound, tellSilence } from './sound.svelte';
import { Sources } from './sources.svelte';
import { ToneSpeaker } from './speaker';
import { Traffic } from './traffic.svelte';
import type { City, Device } from './wire/api';
import type { Hello } from './wire/live';

const PROTOCOL = 'ioc.live.v1';
/** Pause before the registry is asked for again after a failure, or when unknown devices report. */
const RELOAD_MS = 5_000;
/** A flood ends by time alone, without a message. */
const FLOOD_MS = 5_000;
/** A page of an older build looks this often whether it may load the new one. */
const RENEW_MS = 2_000;

export class Hub {
  readonly link = new Link();
  readonly clock = new HubClock();
  readonly devices = new Devices();
  readonly desk = new Desk();
  readonly reform = new Reform();
  readonly sources = new Sources();
  readonly alarms = new Alarms();
  /** What was asked to be done to alarms and is not seen yet. */
  readonly pending = new Pending(send);
  readonly sound = new AlarmSound(new ToneSpeaker(), localStorage);
  readonly announcer = new Announcer();
  city = $state.raw<City | null>(null);
  /** The registry as it was read last. */
  documents = $state.raw<readonly Device[]>([]);
  /** Code of the failure when city or devices could not be loaded. */
  load_failure = $state<string | null>(null);
  /** Code of the failure when the session could not be ended. */
  sign_out_failure = $state<string | null>(null);
  /** Code of the failure when the hub was not told of a silence, which holds all the same. */
  silence_failure = $state<string | null>(null);
  /** Set by the page: the session has ended. */
  onSignedOut: () => void = () => {};
  /** Set by the page: whether a reload would take nothing from under somebody's hands or eyes. */
  safe_to_reload: () => boolean = () => true;
  readonly #channel = new LiveChannel(openSocket, this.#observer());
  #reload: ReturnType<typeof setTimeout> | undefined;
  #rules: ReturnType<typeof setTimeout> | undefined;
  #renew: ReturnType<typeof setInterval> | undefined;
  #leave: (() => void)[] = [];
  #stopped = false;

  /** Connects and loads; `stop` undoes all of it. */
  start(): void {
    const visibility = (): void => this.#channel.setHidden(document.hidden);
    const online = (): void => this.#channel.retryNow();
    const remembered = (): void => this.sound.read();
    document.addEventListener('visibilitychange', visibility);
    window.addEventListener('online', online);
    window.addEventListener('storage', remembered);
    const flood = setInterval(() => this.alarms.flood.update(this.clock.at()), FLOOD_MS);
    this.#leave = [
      this.clock.start(),
      this.sound.start(),
      this.alarms.onChange(() => this.#alarmsChanged()),
      () => this.announcer.stop(),
      () => clearInterval(flood),
      () => window.removeEventListener('storage', remembered),
      () => document.removeEventListener('visibilitychange', visibility),
      () => window.removeEventListener('online', online),
      this.#channel.subscribe('devices', this.devices.apply),
      this.#channel.subscribe('desk', this.desk.apply),
      this.#channel.subscribe('reform', this.reform.apply),
      this.#channel.subscribe('sources', this.sources.apply),
      this.#channel.subscribe('alarms', this.alarms.apply),
    ];
    visibility();
    this.#channel.start();
    void this.load();
    void this.loadRules();
  }

  stop(): void {
    // Answers that are still on their way concern nobody any more.
    this.#stopped = true;
    this.onSignedOut = () => {};
    clearTimeout(this.#reload);
    clearTimeout(this.#rules);
    clearInterval(this.#renew);
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
      this.documents = devices;
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

  /** Reads what the alarms mean; without it their codes are shown, so a failure is only tried again. */
  async loadRules(): Promise<void> {
    try {
      this.alarms.rules = await fetchRules();
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      if (!this.#stopped && cause.status !== 401) this.#rules = setTimeout(() => void this.loadRules(), RELOAD_MS);
    }
  }

  #alarmsChanged(): void {
    const { alarms } = this;
    this.pending.settle((id) => alarms.get(id));
    this.devices.mark(alarms.by_object);
    this.sound.want(PRIORITIES.find((priority) => alarms.unacknowledged[priority] > 0) ?? null);
  }

  /** Reads the registry again after a pause; used when devices report that it did not hold. */
  reloadSoon(): void {
    clearTimeout(this.#reload);
    this.#reload = setTimeout(() => void this.load(), RELOAD_MS);
  }

  /** The live details of one device, until the returned function is called. */
  watch(id: string, service: string): { detail: DeviceDetail; leave: () => void } {
    const detail = new DeviceDetail();
    const leaves = [this.#channel.subscribe(`device/${id}`, detail.apply)];
    if (service === 'signal') leaves.push(this.#channel.subscribe(`signal/${id}`, detail.applySignal));
    return { detail, leave: () => leaves.forEach((leave) => leave()) };
  }

  /** Rows of any topic, until the returned function is called; for what only one page shows. */
  listen(topic: string, listener: Listener): () => void {
    return this.#channel.subscribe(topic, listener);
  }

  /** Figures per corridor and area, until the returned function is called. */
  watchTraffic(): { traffic: Traffic; leave: () => void } {
    const traffic = new Traffic();
    return { traffic, leave: this.#channel.subscribe('traffic', traffic.apply) };
  }

  /** Silences this console; that it was done is for the journal, so a failure to tell is told. */
  async silence(): Promise<void> {
    const until_ms = this.sound.silence(Date.now());
    try {
      // The hub's clock says when it ends, not the one of this machine.
      await tellSilence(this.clock.at() + until_ms - Date.now());
      this.silence_failure = null;
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      if (cause.status === 401) this.onSignedOut();
      else this.silence_failure = cause.code;
    }
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
      refused: (topic, code) => link.refuse(topic, code),
      settled: (topic) => link.settle(topic),
    };
  }

  #opened(hello: Hello): void {
    const { link } = this;
    // New program, new pages: the old ones would ask for files that are gone.
    if (link.build !== null && link.build !== hello.build) this.#renewSafely();
    link.build = hello.build;
    link.user = hello.user;
    link.rights = hello.rights;
    this.alarms.greet(hello.alarms?.unacknowledged);
    link.insecure = hello.insecure;
    link.demonstration = hello.demonstration;
    link.limited = false;
    this.clock.restart(Date.parse(hello.time));
  }

  /** Loads the pages of the new build as soon as nobody loses anything by it and the hub gives them. */
  #renewSafely(): void {
    clearInterval(this.#renew);
    const attempt = async (): Promise<void> => {
      if (this.#stopped || this.link.phase === 'lost' || !this.safe_to_reload()) return;
      if (await isServed()) location.reload();
    };
    this.#renew = setInterval(() => void attempt(), RENEW_MS);
    void attempt();
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

/** Whether the hub answers with the page; a reload without that would leave an error page on a wall. */
async function isServed(): Promise<boolean> {
  try {
    return (await fetch('/', { cache: 'no-store' })).ok;
  } catch {
    return false;
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
