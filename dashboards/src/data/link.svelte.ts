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
  /** Code of the last refused subscription. */
  refused = $state<string | null>(null);
  user = $state<string | null>(null);
  build = $state<string | null>(null);
  insecure = $state(false);
  demonstration = $state(false);
}
