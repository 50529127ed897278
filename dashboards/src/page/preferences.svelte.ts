// What somebody chose for this browser: colours and whether single keys act. Kept in local storage, like
// the language and the sound; a wall and a desk of the same account need not agree.

export const THEMES = ['dark', 'light', 'contrast'] as const;
export type Theme = (typeof THEMES)[number];

const KEY_THEME = 'ioc.theme';
const KEY_KEYS = 'ioc.keys';

class Preferences {
  theme = $state<Theme>('dark');
  /** Single keys without Ctrl or Alt act (WCAG 2.1.4 wants them to be switched off where asked). */
  keys = $state(true);

  /** Takes over what was chosen before; `?theme=` in the address wins for this visit. */
  restore(): void {
    const asked = new URLSearchParams(location.search).get('theme') ?? localStorage.getItem(KEY_THEME);
    this.#show(THEMES.find((theme) => theme === asked) ?? 'dark');
    this.keys = localStorage.getItem(KEY_KEYS) !== 'off';
  }

  setTheme(theme: Theme): void {
    localStorage.setItem(KEY_THEME, theme);
    this.#show(theme);
  }

  setKeys(on: boolean): void {
    if (on) localStorage.removeItem(KEY_KEYS);
    else localStorage.setItem(KEY_KEYS, 'off');
    this.keys = on;
  }

  #show(theme: Theme): void {
    this.theme = theme;
    document.documentElement.dataset['theme'] = theme;
  }
}

export const preferences = new Preferences();
