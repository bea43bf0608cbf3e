import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TcpEntry } from '../../../src/stack/tcp/entry.js';
import { FlowTable } from '../../../src/stack/tcp/flow-table.js';
import { entry, tupleOf, withOtherWord } from './entries.js';

const find = (table: FlowTable, e: TcpEntry): TcpEntry | null => table.find(tupleOf(e));

describe('the table of flows', () => {
  it('behaves like a map, with the longest possible chains', () => {
    const step = fc.record({ port: fc.nat(400), add: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 2000, size: 'max' }),
        fc.constantFrom(1, 7, 1000),
        (steps, hashes) => {
          const table = new FlowTable();
          const model = new Map<number, TcpEntry>();
          for (const { port, add } of steps) {
            const known = model.get(port);
            expect(find(table, entry({ remotePort: port, hash: port % hashes }))).toBe(
              known ?? null,
            );
            if (known === undefined && add) {
              const e = entry({ remotePort: port, hash: port % hashes });
              table.add(e);
              model.set(port, e);
            } else if (known !== undefined && !add) {
              table.remove(known);
              table.remove(known); // twice is harmless
              model.delete(port);
            }
            expect(table.size).toBe(model.size);
          }
          expect([...table].map((e) => e.remotePort).sort((a, b) => a - b)).toEqual(
            [...model.keys()].sort((a, b) => a - b),
          );
        },
      ),
      { seed: 3, numRuns: 40 },
    );
  });

  it('finds the right four-tuple, also among equal hashes', () => {
    const table = new FlowTable();
    const e = entry();
    table.add(e);
    for (const other of [
      { local: '198.18.0.3' },
      { remote: '198.18.0.3' },
      { localPort: 81 },
      { remotePort: 50_001 },
    ]) {
      expect(find(table, entry(other))).toBeNull();
    }
    for (const [what, other] of withOtherWord(tupleOf(e)))
      expect(table.find(other), what).toBeNull();
    expect(find(table, e)).toBe(e);
  });
});
