/**
 * The cost of moving data, counted in units that do not depend on the machine's load: packets
 * (behind a TUN each is a system call), batches (each is one call of the addon), copied bytes,
 * objects. A change that needs more of them for the same work exceeds a bound here. Tighten a bound
 * that has become too wide.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Device } from '../../src/device/device.js';
import { SECOND } from '../../src/base/time.js';
import { B4, exchange, Hosts } from '../stack/hosts.js';

const MB = 1_000_000;
const BYTES = 20 * MB;

interface Cost {
  /** Per megabyte: of the client, which sends, and of the server. */
  sent: number;
  answers: number;
  batches: number;
  answerBatches: number;
  /** Copied bytes for each byte that the user sent and received. */
  copies: number;
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts flushes that have something to flush. */
function countBatches(device: Device): () => number {
  let batches = 0;
  let waiting = false;
  const transmit = device.transmit.bind(device);
  const flush = device.flush.bind(device);
  vi.spyOn(device, 'transmit').mockImplementation((now) => {
    waiting = true;
    transmit(now);
  });
  vi.spyOn(device, 'flush').mockImplementation((now) => {
    if (waiting) batches++;
    waiting = false;
    flush(now);
  });
  return () => batches;
}

/** The stack copies bytes with `set`, except a few at a time. */
function countCopies(): () => number {
  let bytes = 0;
  const set = Uint8Array.prototype.set;
  vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, from, at) {
    bytes += from.length;
    set.call(this, from, at);
  });
  return () => bytes;
}

function costOf(offload: boolean): Cost {
  const h = new Hosts({ offload });
  const [a, b] = [h.a.device, h.b.device];
  const [batches, answerBatches] = [countBatches(a), countBatches(b)];
  const copied = countCopies();
  const { client, server } = exchange(h, BYTES, 0);
  h.settle();
  expect([server.received, client.closed, server.closed]).toEqual([BYTES, true, true]);
  // Copies by the cable in memory do not count.
  const copies = copied() - a.counters.txBytes - b.counters.txBytes;
  return {
    sent: a.counters.txPackets / (BYTES / MB),
    answers: b.counters.txPackets / (BYTES / MB),
    batches: batches() / (BYTES / MB),
    answerBatches: answerBatches() / (BYTES / MB),
    copies: copies / BYTES,
  };
}

describe('a megabyte', () => {
  // The receiver copies small segments, and the first segments of slow start.
  it('with offloads: packets of 64 KB, at most one ACK for each, one copy at the sender, none at the receiver', () => {
    const cost = costOf(true);
    expect(cost.sent).toBeLessThan(16.5);
    expect(cost.answers).toBeLessThan(16.5);
    expect(cost.batches).toBeLessThan(16.5);
    expect(cost.answerBatches).toBeLessThan(16.5);
    expect(cost.copies).toBeLessThan(1.06);
  });

  it('without offloads: packets of the MTU, at most one ACK for each batch, one copy at each end', () => {
    const cost = costOf(false);
    expect(cost.sent).toBeLessThan(MB / 1448 + 2);
    expect(cost.answers).toBeLessThan(20);
    expect(cost.batches).toBeLessThan(20);
    expect(cost.answerBatches).toBeLessThan(20);
    expect(cost.copies).toBeLessThan(2.05);
  });

  it('sent with sendZeroCopy() is never copied', () => {
    const h = new Hosts({ offload: true });
    let received = 0;
    h.b.listen({
      port: 7,
      user: {
        tcpAccept: (conn) => {
          conn.user = {
            tcpEvents: () => {
              for (let piece = conn.receive(); piece !== null; piece = conn.receive())
                received += piece.length;
              h.b.wake(conn);
            },
          };
          return true;
        },
      },
    });
    const conn = h.a.connect(
      { remote: B4, remotePort: 7, user: { tcpEvents: () => undefined } },
      h.time.now,
    );
    h.a.run(h.time.now);
    h.time.runUntil(() => conn.stateName === 'ESTABLISHED', SECOND);
    const copied = countCopies();
    const cable = h.a.device.counters.txBytes + h.b.device.counters.txBytes;
    expect(conn.sendZeroCopy(new Uint8Array(MB))).toBe(true);
    h.a.wake(conn);
    h.time.runUntil(() => conn.lentToSend === 0, SECOND);
    expect(received).toBe(MB);
    expect(
      copied() - (h.a.device.counters.txBytes + h.b.device.counters.txBytes - cable),
    ).toBeLessThan(0.06 * MB);
  });
});

describe('a connection', () => {
  it('with one request and one response costs nine packets at most', () => {
    const h = new Hosts({ offload: true });
    const { client, server } = exchange(h, 64, 64);
    h.settle();
    expect([client.received, server.received, client.closed, server.closed]).toEqual([
      64,
      64,
      true,
      true,
    ]);
    expect(h.a.device.counters.txPackets + h.b.device.counters.txPackets).toBeLessThanOrEqual(9);
  });
});

describe('100,000 packets', () => {
  const run = promisify(execFile);
  const packets = join(import.meta.dirname, 'packets.mjs');
  // The smallest young generation of V8 is one megabyte, which one object per packet fills several
  // times.
  const flags = ['--max-semi-space-size=1', '--min-semi-space-size=1'];

  it('cause no garbage collection', async () => {
    const { stdout } = await run(process.execPath, [...flags, packets]);
    expect(JSON.parse(stdout)).toMatchObject({ packets: 100_000, collections: 0 });
  });

  it('cause one if the stack allocates an object for each packet', async () => {
    const { stdout } = await run(process.execPath, [...flags, packets, '--garbage']);
    expect((JSON.parse(stdout) as { collections: number }).collections).toBeGreaterThan(0);
  });
});
