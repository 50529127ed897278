// Single keys that work on every page: `g` and then the letter of a page. They stay silent while
// somebody writes, with Ctrl, Alt or Meta, and when they are switched off in the settings
// (WCAG 2.1.4). Pure: key presses go in, the address to open comes out.

/** The part of KeyboardEvent that is read. */
export type Press = { key: string; ctrlKey: boolean; altKey: boolean; metaKey: boolean; target: unknown };

/** The letter has to follow `g` within this time. */
const FOLLOWS_MS = 1_500;

export class GoKeys {
  readonly #paths: ReadonlyMap<string, string>;
  #begun_ms: number | null = null;

  constructor(pages: readonly { path: string; letter?: string }[]) {
    this.#paths = new Map(pages.flatMap((page) => (page.letter === undefined ? [] : [[page.letter, page.path]])));
  }

  /** The address that this press asks for, or null. */
  press(event: Press, now_ms: number): string | null {
    const begun_ms = this.#begun_ms;
    this.#begun_ms = null;
    if (event.ctrlKey || event.altKey || event.metaKey || writes(event.target)) return null;
    if (begun_ms !== null && now_ms - begun_ms <= FOLLOWS_MS) {
      const path = this.#paths.get(event.key.toLowerCase());
      if (path !== undefined) return path;
    }
    if (event.key === 'g') this.#begun_ms = now_ms;
    return null;
  }
}

/** Whether keys that are pressed here are text. */
export function writes(target: unknown): boolean {
  const element = target as { tagName?: unknown; isContentEditable?: unknown } | null;
  return (
    element !== null &&
    typeof element === 'object' &&
    (element.isContentEditable === true || ['INPUT', 'TEXTAREA', 'SELECT'].includes(String(element.tagName)))
  );
}
