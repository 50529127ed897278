// State of the live channel as views show it.

export type Phase = 'connecting' | 'live' | 'lost';

export class Link {
  phase = $state<Phase>('connecting');
  /** Hub time at which the channel was lost. */
  lost_at_ms = $state<number | null>(null);
  round_trip_ms = $state<number | null>(null);
  /** Times that frames were missing and a topic was asked for again. */
  resyncs = $state(0);
  /** Times that the channel was lost since the page was opened. */
  losses = $state(0);
  /** The account has too many connections, so this one was refused. */
  limited = $state(false);
  /** Codes of the topics that are refused now, by topic. */
  refusals = $state.raw<ReadonlyMap<string, string>>(new Map());
  user = $state<string | null>(null);
  /** What this account may do. */
  rights = $state.raw<readonly string[]>([]);
  build = $state<string | null>(null);
  insecure = $state(false);
  demonstration = $state(false);

  /** A topic is not served, or the whole connection when it is null. */
  refuse(topic: string | null, code: string): void {
    if (topic !== null) this.refusals = new Map([...this.refusals, [topic, code]]);
    else if (code === 'limit') this.limited = true;
  }

  /** A topic is served again, or wanted no more. */
  settle(topic: string): void {
    this.refusals = new Map([...this.refusals].filter(([refused]) => refused !== topic));
  }
}
