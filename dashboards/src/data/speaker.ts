// The sounds of the four priorities, made from sine tones: the more urgent, the higher and the more often.
import type { Priority } from './alarms.svelte';
import type { Speaker } from './sound.svelte';

type Pattern = { hz: readonly number[]; tone_s: number; gap_s: number };

const PATTERNS: Record<Priority, Pattern> = {
  1: { hz: [1047, 784, 1047, 784, 1047], tone_s: 0.16, gap_s: 0.05 },
  2: { hz: [784, 784, 784], tone_s: 0.2, gap_s: 0.12 },
  3: { hz: [587, 659], tone_s: 0.25, gap_s: 0.08 },
  4: { hz: [440], tone_s: 0.3, gap_s: 0 },
};
const VOLUME = 0.25;
/** A tone that starts and ends softly does not click. */
const RAMP_S = 0.01;

export class ToneSpeaker implements Speaker {
  #context: AudioContext | null = null;

  isBlocked(): boolean {
    return this.#opened()?.state === 'suspended';
  }

  async unblock(): Promise<void> {
    await this.#opened()?.resume();
  }

  play(priority: Priority): void {
    const context = this.#opened();
    if (context === null) return;
    const { hz, tone_s, gap_s } = PATTERNS[priority];
    hz.forEach((each, index) => tone(context, each, context.currentTime + index * (tone_s + gap_s), tone_s));
  }

  /** One context for the whole life of the page; null where there is no sound at all. */
  #opened(): AudioContext | null {
    if (this.#context === null && typeof AudioContext !== 'undefined') this.#context = new AudioContext();
    return this.#context;
  }
}

function tone(context: AudioContext, hz: number, at_s: number, length_s: number): void {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = hz;
  volume.gain.setValueAtTime(0, at_s);
  volume.gain.linearRampToValueAtTime(VOLUME, at_s + RAMP_S);
  volume.gain.setValueAtTime(VOLUME, at_s + length_s - RAMP_S);
  volume.gain.linearRampToValueAtTime(0, at_s + length_s);
  source.connect(volume).connect(context.destination);
  source.start(at_s);
  source.stop(at_s + length_s);
}
