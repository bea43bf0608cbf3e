import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TcpEntry } from '../../../src/stack/tcp/flow.js';
import { FlowTable } from '../../../src/stack/tcp/flow-table.js';
import { entry, ports, words } from './entries.js';

const find = (table: FlowTable, e: TcpEntry): TcpEntry | null =>
  table.find(e.hash, ...words(e), e.localPort, e.remotePort);

describe('the table of flows', () => {
  it('does what a map does, with chains as long as can be', () => {
    const step = fc.record({ port: fc.nat(400), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2000, size: 'max' }), fc.constantFrom(1, 7, 1000), (steps, hashes) => {
        const table = new FlowTable(1);
        const model = new Map<number, TcpEntry>();
        for (const { port, add } of steps) {
          const known = model.get(port);
          expect(find(table, entry({ remotePort: port, hash: port % hashes }))).toBe(known ?? null);
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
      }),
      { seed: 3, numRuns: 40 },
    );
  });

  it('finds the four-tuple and no other, also where hashes are the same', () => {
    const table = new FlowTable(1);
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
    for (const word of words(e).keys()) {
      const w = words(e);
      w[word]! ^= 1;
      expect(table.find(e.hash, ...w, e.localPort, e.remotePort), `word ${word}`).toBeNull();
    }
    expect(find(table, e)).toBe(e);
  });
});

describe("a flow's hash", () => {
  it('depends on the seed and on every word', () => {
    const e = entry();
    const hash = (seed: number, w: ReturnType<typeof words>, p: number): number => new FlowTable(seed).hash(...w, p);
    const base = hash(1, words(e), ports(e));
    expect(hash(2, words(e), ports(e))).not.toBe(base);
    expect(hash(1, words(e), ports(e) ^ 1)).not.toBe(base);
    expect(hash(1, words(e), ports(e) ^ 0x10000)).not.toBe(base);
    for (const word of words(e).keys()) {
      const w = words(e);
      w[word]! ^= 1;
      expect(hash(1, w, ports(e)), `word ${word}`).not.toBe(base);
    }
  });

  it.each(['ports', 'IPv4 hosts', 'IPv6 hosts'])(
    'spreads %s that follow each other over the buckets as luck would',
    (what) => {
      const table = new FlowTable(12_345);
      const [count, buckets] = [64 * 1024, 1024];
      const load = new Int32Array(buckets);
      const w = words(entry(what === 'IPv6 hosts' ? { local: 'fd00::2', remote: 'fd00::1' } : {}));
      for (let i = 0; i < count; i++) {
        if (what === 'IPv4 hosts') w[7] = i;
        else if (what === 'IPv6 hosts') w[5] = i;
        load[table.hash(...w, what === 'ports' ? (80 << 16) | i : 0x50_c350) & (buckets - 1)]!++;
      }
      // Chance gives a bucket 64 +- 8 (one standard deviation): twice that is eight of them away.
      expect(Math.max(...load)).toBeLessThan(128);
    },
  );
});
