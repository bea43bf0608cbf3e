import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/base/time.js';
import type { TcpEntry } from '../../../src/stack/tcp/entry.js';
import { HostCounts } from '../../../src/stack/tcp/host-counts.js';
import { TimeWaitTable } from '../../../src/stack/tcp/time-wait-table.js';
import { TimeWaitRecord } from '../../../src/tcp/time-wait.js';
import { entry, tupleOf, withOtherWord } from './entries.js';

const DURATION = 1000;
const find = (table: TimeWaitTable, e: TcpEntry): number => table.find(tupleOf(e));

describe('the TIME-WAIT table', () => {
  it('keeps all values that the rules need, to the bit', () => {
    const table = new TimeWaitTable(10, DURATION);
    const kept = fc.record({
      sndNxt: fc.integer(),
      rcvNxt: fc.integer(),
      wnd: fc.nat(0x3fff_ffff),
      wscale: fc.nat(14),
      timestamps: fc.boolean(),
      tsRecent: fc.integer(),
      tsOffset: fc.integer(),
      tos: fc.nat(63).map((dscp) => dscp << 2),
      localPort: fc.nat(65_535),
      remotePort: fc.nat(65_535),
      hash: fc.integer(),
      remote: fc.oneof(
        fc.ipV4(),
        fc.constantFrom('fd00::1', 'ff02::1', '::1', 'fd00:1:2:3:4:5:6:7'),
      ),
    });
    fc.assert(
      fc.property(kept, (o) => {
        const e = entry(o);
        table.add(e, 0);
        const out = new TimeWaitRecord();
        const row = find(table, e);
        table.read(row, out);
        const { sndNxt, rcvNxt, timestamps, tsRecent, tsOffset, tos } = o;
        const wnd = Math.min(o.wnd >> o.wscale, 65_535);
        expect({ ...out }).toEqual({ sndNxt, rcvNxt, timestamps, tsRecent, tsOffset, tos, wnd });
        expect(table.holdsPort(o.localPort)).toBe(true);
        table.remove(row);
        expect(find(table, e)).toBe(-1);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('finds the right four-tuple, also among equal hashes', () => {
    const table = new TimeWaitTable(10, DURATION);
    const e = entry();
    table.add(e, 0);
    for (const other of [
      { local: '198.18.0.3' },
      { remote: '198.18.0.3' },
      { localPort: 81 },
      { remotePort: 50_001 },
    ]) {
      expect(find(table, entry(other))).toBe(-1);
    }
    for (const [what, other] of withOtherWord(tupleOf(e))) expect(table.find(other), what).toBe(-1);
    expect(find(table, e)).not.toBe(-1);
  });

  it('behaves like a list ordered by age, for any additions, restarts, removals and expiries', () => {
    // Eight hashes: chains are long, and rows are removed from anywhere in them.
    const step = fc.record({ kind: fc.nat(9), port: fc.nat(700), wait: fc.nat(30) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.array(step, { maxLength: 1500, size: 'max' }),
        (limit, steps) => {
          const table = new TimeWaitTable(limit, DURATION);
          let model: { port: number; deadline: number }[] = [];
          const at = (port: number): TcpEntry =>
            entry({ remotePort: port, hash: (port & 7) * 0x1000_0001, sndNxt: port });
          let now = 0;
          for (const { kind, port, wait } of steps) {
            now += wait;
            const known = model.find((x) => x.port === port);
            const row = find(table, at(port));
            expect(row >= 0).toBe(known !== undefined);
            if (known === undefined) {
              const full = model.length === limit;
              expect(table.add(at(port), now)).toBe(!full);
              if (full) model.shift();
              model.push({ port, deadline: now + DURATION });
            } else if (kind < 5) {
              table.restart(row, now);
              model = [...model.filter((x) => x !== known), { port, deadline: now + DURATION }];
            } else if (kind < 8) {
              table.remove(row);
              model = model.filter((x) => x !== known);
            } else {
              table.expire(now);
              model = model.filter((x) => x.deadline > now);
            }
            expect(table.size).toBe(model.length);
            expect(table.nextTimeout()).toBe(model[0]?.deadline ?? NEVER);
          }
          const out = new TimeWaitRecord();
          for (const { port } of model) {
            table.read(find(table, at(port)), out);
            expect(out.sndNxt).toBe(port);
          }
          table.expire(now + DURATION);
          expect([table.size, table.nextTimeout()]).toEqual([0, NEVER]);
        },
      ),
      { seed: 2, numRuns: 40 },
    );
  });

  it('evicts the oldest at its limit, and counts it', () => {
    const table = new TimeWaitTable(300, DURATION);
    for (let port = 0; port < 300; port++)
      expect(table.add(entry({ remotePort: port }), port)).toBe(true);
    table.restart(find(table, entry({ remotePort: 0 })), 300);
    for (let port = 300; port < 310; port++)
      expect(table.add(entry({ remotePort: port }), 301)).toBe(false);
    expect(table.size).toBe(300);
    const gone = Array.from({ length: 310 }, (_, port) => port).filter(
      (port) => find(table, entry({ remotePort: port })) < 0,
    );
    expect(gone).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it.each([256, 257, 5000, 65_536])(
    'needs at most 128 bytes a row, and no memory before the first: limit %i',
    (limit) => {
      const table = new TimeWaitTable(limit, DURATION);
      const bytes = (): number =>
        Object.values(table).reduce((sum: number, value: unknown) => {
          // The count of each host: some 36 bytes for each row if all hosts differ.
          if (value instanceof HostCounts) return sum + 36 * limit * Math.sign(table.size);
          // Rows are words in these arrays; another kind of field could be an object per row.
          if (!ArrayBuffer.isView(value)) expect(typeof value).toBe('number');
          return sum + (ArrayBuffer.isView(value) ? value.byteLength : 0);
        }, 0);
      expect(bytes()).toBe(0);
      const e = entry();
      for (let i = 0; i < limit + 10; i++) {
        Object.assign(e, { remotePort: i & 0xffff, hash: Math.imul(i, 0x9e3779b1) });
        table.add(e, i);
      }
      expect(table.size).toBe(limit);
      expect(bytes() / limit).toBeLessThanOrEqual(128);
    },
  );
});
