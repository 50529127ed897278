// The search of the palette, addresses of the desk, rows of the replay, and the table of the log.
import { describe, expect, it } from 'vitest';
import { readSteps } from '../src/data/alarmHistory';
import { entry, find } from '../src/data/find';
import { csv } from '../src/data/journal';
import { alarmRows, deviceRow } from '../src/data/replay.svelte';
import { opsAddress, opsChoice } from '../src/page/opsChoice';

describe('search of the palette', () => {
  const all = [
    entry('page', '/health', 'Dữ liệu', 'g h', '/health'),
    entry('device', 'vds-017', 'Cầu Cần Thơ (bờ Bắc)', 'Dò xe · vds-017', '/d/vds/vds-017', 'Can Tho bridge (north)'),
    entry('device', 'sig-003', 'Nút Đường Ông Ích Khiêm', 'Đèn tín hiệu · sig-003', '/d/signal/sig-003'),
    entry('place', 'corridor:can', 'Cần Thơ – Hậu Giang', 'Tuyến đường', '/ops?near=1,2'),
    entry('ticket', '1022:77', 'Phiếu 77', 'Mới', '/1022?ticket=1022%3A77', 'Đèn hỏng ở cầu'),
  ];
  const ids = (text: string): string[] => find(all, text, 10).map((each) => each.id);

  it('needs no accents, takes words in any order and looks into ids and the other language', () => {
    expect(ids('duong ong')[0]).toBe('sig-003');
    expect(ids('KHIÊM đường')).toEqual(['sig-003']);
    expect(ids('vds-017')).toEqual(['vds-017']);
    expect(ids('bridge north')).toEqual(['vds-017']);
    expect(ids('den hong')).toEqual(['1022:77']);
    expect(ids('xyzzy')).toEqual([]);
  });

  it('puts what begins with the word before what holds it', () => {
    expect(ids('can tho')).toEqual(['corridor:can', 'vds-017']);
  });

  it('offers the screens where nothing was typed, and no more than asked', () => {
    expect(ids('')).toEqual(['/health']);
    expect(find(all, 'n', 2)).toHaveLength(2);
  });

  it('finds among tens of thousands', () => {
    const many = Array.from({ length: 30_000 }, (_, index) => entry('device', `vds-${index}`, `Điểm đo ${index}`, 'Dò xe', `/d/vds/vds-${index}`));
    expect(find(many, 'diem 29999', 5).map((each) => each.id)).toEqual(['vds-29999']);
  });
});

describe('address of the desk', () => {
  it('is read as it was written, and leaves out what is as usual', () => {
    const choice = {
      device: 'vds-017',
      filter: { text: 'cầu', service: 'vds', condition: 3, place: 'ql91' },
      hours: 6,
      at_ms: Date.parse('2026-11-22T01:15:00Z'),
      near: [105.78, 10.03],
    } as const;
    const address = opsAddress(choice, '?lang=en');
    expect(opsChoice(address.slice(address.indexOf('?')))).toEqual(choice);
    expect(address).toContain('lang=en');
    const usual = { device: null, filter: { text: '', service: null, condition: 'all', place: null }, hours: 1, at_ms: null, near: null } as const;
    expect(opsAddress(usual, '?at=2026-11-22T01:15:00Z&hours=6')).toBe('/ops');
    expect(opsChoice('')).toEqual(usual);
  });

  it('refuses what no desk can show', () => {
    expect(opsChoice('?hours=7&condition=9&near=500,1&at=never')).toEqual(opsChoice(''));
  });
});

describe('replay', () => {
  const at_ms = Date.parse('2026-11-22T01:15:00Z');
  const reading = (key: string, count: number | null, speed_kmh: number | null, occupancy: number | null) => ({
    key, time: '2026-11-22T01:14:00Z', duration_s: 30, count, speed_kmh, occupancy, quality: 0,
  });

  it('sums lanes as the live view does', () => {
    const shown = { condition: 1, why: null, readings: [reading('lane/1', 10, 40, 0.1), reading('lane/2', 30, 20, 0.3), reading('lane/3', null, null, null)], signal: null, health: null };
    expect(deviceRow('vds-1', shown, at_ms)).toEqual(['vds-1', 1, null, 60_000, 4_800, 25, 0.2, null]);
  });

  it('shows nothing as nothing, not as zero', () => {
    expect(deviceRow('cab-1', { condition: 4, why: 'silent', readings: [] }, at_ms)).toEqual(['cab-1', 4, 'silent', null, null, null, null, null]);
  });

  it('folds the journal of alarms to the state of the instant', () => {
    const step = (seq: number, id: string, action: string, from_state: string, to_state: string, at: string) => ({
      seq, id, occurrence: 1, action, from_state, to_state, at, priority: 2,
    });
    const steps = readSteps(
      [
        step(3, 'a:x', 'acknowledge', 'unack', 'ack', '2026-11-22T01:10:00Z'),
        step(1, 'a:x', 'raise', 'norm', 'unack', '2026-11-22T01:05:00Z'),
        step(2, 'b:y', 'raise', 'norm', 'unack', '2026-11-22T01:06:00Z'),
        step(4, 'b:y', 'clear', 'ack', 'norm', '2026-11-22T01:12:00Z'),
      ],
      '',
    );
    expect(alarmRows(steps, at_ms)).toEqual([['a:x', 'a', 'x', 1, 2, 'ack', 600_000, 1, 3]]);
  });
});

describe('table of the log', () => {
  it('quotes what has to be quoted and disarms formulas', () => {
    expect(csv([['a', 'b,c', 'say "x"'], ['=1+1', '@x', 'Cần Thơ']])).toBe('a,"b,c","say ""x"""\r\n\'=1+1,\'@x,Cần Thơ\r\n');
  });
});
