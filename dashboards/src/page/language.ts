// The reader's choice of language: `?lang=` in the address wins, then the last choice on this
// machine, then Vietnamese.
import type { Language } from '../format';
import { locale } from '../i18n.svelte';

const STORED = 'ioc.language';

export function restoreLanguage(): void {
  const wanted = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(STORED);
  show(wanted === 'en' ? 'en' : 'vi');
}

export function switchLanguage(): void {
  show(locale.language === 'vi' ? 'en' : 'vi');
  localStorage.setItem(STORED, locale.language);
}

function show(language: Language): void {
  locale.language = language;
  document.documentElement.lang = language;
}
