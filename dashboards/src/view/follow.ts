// Links within this site: a plain click opens the page without loading everything again; a click with
// a key held, or of another button, does what the browser always does with it.

export function follow(event: MouseEvent, go: (path: string) => void, path: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  go(path);
}
