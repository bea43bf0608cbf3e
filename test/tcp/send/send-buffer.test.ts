/**
 * Compares the send buffer with a plain array: after any sequence of writes, loans and releases the
 * bytes are the same.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlabPool } from '../../../src/base/slab-pool.js';
import { SendBuffer } from '../../../src/tcp/send/send-buffer.js';

type Step = { write: number } | { lend: number } | { release: number } | { keep: true };

const steps = fc.array(
  fc.oneof(
    fc.record({ write: fc.integer({ min: 0, max: 9000 }) }),
    fc.record({ lend: fc.integer({ min: 1, max: 9000 }) }),
    fc.record({ release: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ keep: fc.constant(true as const) }),
  ),
  { maxLength: 60 },
);

describe('the send buffer', () => {
  it('holds written and lent data in order, wherever its bytes are', () => {
    fc.assert(
      fc.property(
        steps,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (all: Step[], chance) => {
          const pool = new SlabPool();
          const buffer = new SendBuffer(pool);
          let model: number[] = [];
          let lent: { bytes: Uint8Array; end: number }[] = [];
          let taken = 0;
          let next = 0;
          const fresh = (n: number): Uint8Array =>
            Uint8Array.from({ length: n }, () => (next = (next * 5 + 17) & 255));
          const add = (bytes: Uint8Array): void => {
            model.push(...bytes);
            taken += bytes.length;
          };
          for (const step of all) {
            if ('write' in step) {
              const bytes = fresh(step.write);
              buffer.write(bytes);
              add(bytes);
              bytes.fill(0); // the memory belongs to the caller again
            } else if ('lend' in step) {
              const bytes = fresh(step.lend);
              buffer.lend(bytes);
              add(bytes);
              lent.push({ bytes, end: taken });
            } else if ('release' in step) {
              const n = Math.floor(step.release * model.length);
              if (n > 0) buffer.release(n);
              model = model.slice(n);
              const una = taken - model.length;
              for (const l of lent) if (l.end <= una) l.bytes.fill(0);
              lent = lent.filter((l) => l.end > una);
            } else {
              buffer.keepLent();
              for (const l of lent.splice(0)) l.bytes.fill(0);
            }
            const una = taken - model.length;
            const lentLength = lent.reduce(
              (sum, l) => sum + Math.min(l.bytes.length, l.end - una),
              0,
            );
            expect([buffer.length, buffer.lentLength]).toEqual([model.length, lentLength]);
            const from = Math.floor((chance.next().value as number) * model.length);
            const length = Math.floor((chance.next().value as number) * (model.length - from));
            const copy = new Uint8Array(length);
            if (length > 0) buffer.copyTo(copy, 0, from, length);
            expect(Buffer.from(copy).equals(Buffer.from(model.slice(from, from + length)))).toBe(
              true,
            );
            expect(buffer.memory >= buffer.length).toBe(true);
          }
          buffer.clear();
          expect([pool.lent, buffer.memory]).toEqual([0, 0]);
        },
      ),
      { seed: 20_261_123, numRuns: 300 },
    );
  });

  it('detects lent memory that was transferred', () => {
    const buffer = new SendBuffer(new SlabPool());
    const bytes = new Uint8Array(100);
    buffer.write(new Uint8Array(10));
    buffer.lend(bytes);
    expect(buffer.isDetached).toBe(false);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(buffer.isDetached).toBe(true);
  });
});
