import { describe, expect, it } from 'vitest';
import { GoKeys } from '../src/page/shortcuts';
import { PAGES, pageOf, paramsOf, pathTo, TOP_PAGES } from '../src/page/pages';

describe('addresses', () => {
  it('reads the named parts of a pattern', () => {
    expect(paramsOf('/d/signal/:id', '/d/signal/sig-017')).toEqual({ id: 'sig-017' });
    expect(paramsOf('/d/signal/:id', '/d/signal/a%2Fb%20c')).toEqual({ id: 'a/b c' });
    expect(paramsOf('/ops', '/ops')).toEqual({});
  });

  it('refuses what is not of the form', () => {
    for (const path of ['/d/signal', '/d/signal/', '/d/signal/a/b', '/d/vds/a', '/d/signal/%E0%A4%A', '/']) {
      expect(paramsOf('/d/signal/:id', path)).toBeNull();
    }
  });

  it('writes an address that it reads again', () => {
    const params = { id: 'cầu/3 %' };
    const path = pathTo('/d/signal/:id', params);
    expect(paramsOf('/d/signal/:id', path)).toEqual(params);
  });

  it('opens the desk for an address that no page has', () => {
    expect(pageOf('/nowhere').page.path).toBe('/ops');
    expect(pageOf('/').params).toEqual({});
  });

  it('has at most seven pages in the header, and each letter and address once', () => {
    expect(TOP_PAGES.length).toBeLessThanOrEqual(7);
    const letters = PAGES.flatMap((page) => page.letter ?? []);
    expect(new Set(letters).size).toBe(letters.length);
    expect(new Set(PAGES.map((page) => page.path)).size).toBe(PAGES.length);
  });

  it('opens by letter only pages whose address is whole', () => {
    for (const page of PAGES) if (page.letter !== undefined || page.top) expect(page.path).not.toContain(':');
  });
});

describe('keys', () => {
  const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, target: null, ...more });
  const keys = () => new GoKeys([{ path: '/ops', letter: 'o' }, { path: '/health', letter: 'h' }, { path: '/d/:id' }]);

  it('opens a page by g and its letter', () => {
    const own = keys();
    expect(own.press(press('g'), 0)).toBeNull();
    expect(own.press(press('h'), 400)).toBe('/health');
    expect(own.press(press('h'), 500)).toBeNull();
  });

  it('forgets g after a while, after another key, and where somebody writes', () => {
    const late = keys();
    late.press(press('g'), 0);
    expect(late.press(press('o'), 1_501)).toBeNull();
    const between = keys();
    between.press(press('g'), 0);
    between.press(press('x'), 10);
    expect(between.press(press('o'), 20)).toBeNull();
    const writing = keys();
    writing.press(press('g', { target: { tagName: 'INPUT' } }), 0);
    expect(writing.press(press('o'), 10)).toBeNull();
    const held = keys();
    held.press(press('g'), 0);
    expect(held.press(press('o', { ctrlKey: true }), 10)).toBeNull();
  });

  it('takes a second g as the first', () => {
    const own = keys();
    own.press(press('g'), 0);
    own.press(press('g'), 100);
    expect(own.press(press('o'), 1_590)).toBe('/ops');
  });
});
