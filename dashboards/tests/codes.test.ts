// Whatever code the hub sends has words: its own lists of codes, and the rules that come with it, are
// read here and compared with the dictionary.
import { describe, expect, it } from 'vitest';

const PARTS = import.meta.glob<{ vi: Record<string, string> }>('../src/i18n/*.ts', { eager: true });
const SOURCES = import.meta.glob<string>(
  [
    '../../src/{live/{condition,hub_state},alarm/{field,machine,watch},alarm/engine/*,quality/check}.rs',
    '../../src/{api/{alarm_action,handover,view,display},access/*,store/city/noun}.rs',
    '../../src/store/{alarm_works,city,import,notify,quality_read,reform,register,request}.rs',
    '../../ingest/src/{health,signal,incident,ticket,topic,reject,decode/interval}.rs',
    '../../config/{alarms,indicators}.toml',
    '../src/data/wire/api.ts',
  ],
  { eager: true, query: '?raw', import: 'default' },
);
const keys = new Set(Object.values(PARTS).flatMap((part) => Object.keys(part.vi)));

/** A source without its tests. */
function read(path: string): string {
  const source = SOURCES[path];
  if (source === undefined) throw new Error(`there is no ${path}`);
  return source.split('#[cfg(test)]')[0] ?? '';
}
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((found) => found[1] ?? found[2] ?? '');
}
/** What stands between a start and the next end after it. */
function between(text: string, start: string, end: string): string {
  const from = text.indexOf(start);
  if (from < 0) throw new Error(`there is no ${start}`);
  return text.slice(from, text.indexOf(end, from));
}
/** Words of `words!(Name { … })` of a file of the contract. */
function contract(file: string, name: string): string[] {
  return all(between(read(`../../ingest/src/${file}.rs`), `words!(${name} {`, '}'), /= "(\w+)"/g);
}
/** Words of a type of the API that is a list of texts. */
function wire(name: string): string[] {
  return all(between(read('../src/data/wire/api.ts'), `export type ${name} =`, ';'), /["']([^"']+)["']/g);
}
function expectWords(start: string, codes: readonly string[]): void {
  expect(codes.length, `codes of ${start}`).toBeGreaterThan(0);
  expect(codes.filter((code) => !keys.has(`${start}.${code}`)), `words for ${start}.…`).toEqual([]);
}

const FIELD = '../../src/alarm/field.rs';

describe('codes of the hub', () => {
  it('have words for every condition of a device', () => {
    const source = read('../../src/live/condition.rs');
    expectWords('why', all(source, /(?:code\(|Some\()?"([a-z_]+(?:\.[a-z_]+)*)"(?:\.into\(\)|\))/g).filter((code) => code !== 'none'));
    expectWords('why.camera', [...contract('health', 'CameraWhy'), 'unreachable']);
    expectWords('why.detector', [...wire('DetectorCheck'), ...contract('health', 'DetectorState').filter((state) => state !== 'ok')]);
  });

  it('have words for every reason of an alarm', () => {
    const rules = read('../../config/alarms.toml').replace(/^#.*$/gm, '');
    expectWords('why', all(rules, /why = "([^"]+)"/g));
    expectWords('why', all(between(read(FIELD), '\nfields! {', '\n}\n'), /= "([a-z0-9_.]+)",/g));
    expectWords('why', [...all(between(read('../../src/quality/check.rs'), 'fn code(', '\n    }\n'), /Some\("(\w+)"\)/g), 'quality', 'comm.group']);
    expectWords('why_value', [...contract('signal', 'Mode'), ...contract('health', 'Power'), 'ok', 'none']);
  });

  it('have words for the states and steps of an alarm', () => {
    const machine = read('../../src/alarm/machine.rs');
    expectWords('alarm_state', all(between(machine, 'impl State {', '\n}\n'), /=> "(\w+)"/g));
    expectWords('suppressed', all(between(machine, 'impl Suppression {', '\n}\n'), /=> "(\w+)"/g));
    const noted = Object.keys(SOURCES).filter((path) => path.includes('/engine/')).map(read);
    expectWords('step', [...all(between(machine, 'Self::Raise(_) if', '\n    }\n'), /=> "(\w+)"/g), ...noted.flatMap((source) => all(source, /\bnote\(\w+, "(\w+)"/g))]);
    expectWords('refusal', all(between(read('../../src/api/alarm_action.rs'), 'fn told(', '\n}\n'), /=> \("(\w+)"/g));
  });

  it('have words for the hub’s own parts', () => {
    const source = read('../../src/live/hub_state.rs');
    expectWords('hub_object', [...all(source, /"hub:(\w+)"/g), ...all(read('../../src/alarm/watch.rs'), /"hub:(\w+)"/g)]);
    expectWords('hub_why', all(source, /Some\("([a-z]+\.[a-z_]+)"\)/g));
  });

  it('have words for what devices report', () => {
    expectWords('mode', contract('signal', 'Mode'));
    expectWords('kind', contract('signal', 'GroupKind'));
    expectWords('power', contract('health', 'Power'));
    expectWords('incident', contract('incident', 'IncidentKind'));
    expectWords('detector_state', contract('health', 'DetectorState').filter((state) => state !== 'ok'));
    expectWords('class', all(between(read('../../ingest/src/decode/interval.rs'), 'keys!(CameraClassKey {', '}'), /= "(\w+)"/g));
    expectWords('quality.check', wire('DetectorCheck'));
    expectWords('congestion', wire('Congestion'));
    expectWords('los', wire('LevelOfService'));
  });

  it('have words for tickets and figures', () => {
    expectWords('channel', contract('ticket', 'Channel'));
    expectWords('ticket_kind', contract('ticket', 'TicketKind'));
    expectWords('ticket_status', contract('ticket', 'TicketStatus'));
    expectWords('status', wire('Status'));
    expectWords('wall.view', wire('DisplayView'));
    const units = all(read('../../config/indicators.toml'), /unit_of_measure = "(\w+)"/g);
    // Percent is written as a sign, with the number.
    expectWords('uom', units.filter((unit) => unit !== 'percent'));
  });

  it('have words for streams, refused messages and the journal', () => {
    expectWords('data_stream', all(between(read('../../ingest/src/topic.rs'), 'impl Stream {', '\n}\n'), /Self::\w+ => "(\w+)"/g));
    expectWords('service', all(between(read('../../ingest/src/topic.rs'), 'impl Service {', '\n}\n'), /Self::\w+ => "(\w+)"/g));
    expectWords('reason', all(read('../../ingest/src/reject.rs'), /Self::\w+ => "(\w+)"/g));
    const sources = Object.keys(SOURCES).filter((path) => /\/src\/(api|access|store)\//.test(path)).map(read);
    const entries = sources.flatMap((source) => [
      ...all(source, /JournalEntry \{[^}]*?\baction: "(\w+)"/g),
      ...all(source, /\bentry\(&app, &caller, "(\w+)"/g),
      ...all(source, /\blet action = if \w+ \{ "(\w+)"/g),
      ...all(source, /\bactions: \[("\w+", "\w+", "\w+")\]/g).flatMap((three) => all(three, /"(\w+)"/g)),
      // As the statements themselves write it; the other words with a line below are columns.
      ...all(source, /insert into journal[^;]*?'([a-z]+_(?!at'|by')[a-z_]+)'/g),
    ]);
    expectWords('action', [...new Set(entries)]);
    expect(entries.length).toBeGreaterThan(40);
  });
});
