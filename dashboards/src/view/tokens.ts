// The colours of style.css for drawings that CSS does not reach: map and charts.

export type Tokens = (name: string) => string;

/** Reads `--name` as it stands now, on screen or on paper. */
export function tokens(): Tokens {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}
