// What a screen reader hears by itself: new alarms of the two highest priorities and changes of the
// connection, at most one text in five seconds; what comes meanwhile is told together.

export const PAUSE_MS = 5_000;

export class Announcer {
  text = $state('');
  #waiting: (() => string)[] = [];
  #pause: ReturnType<typeof setTimeout> | undefined;

  /** The text is put into words only when it is told, so that it can sum up what has come by then. */
  say(words: () => string): void {
    if (!this.#waiting.includes(words)) this.#waiting.push(words);
    if (this.#pause === undefined) this.#tell();
  }

  stop(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#waiting = [];
  }

  #tell(): void {
    this.#pause = undefined;
    if (this.#waiting.length === 0) return;
    const told = this.#waiting.map((words) => words()).filter((each) => each !== '');
    this.#waiting = [];
    if (told.length === 0) return;
    this.text = told.join('. ');
    this.#pause = setTimeout(() => this.#tell(), PAUSE_MS);
  }
}
