/**
 * A peer can make us keep a record for each few bytes that we sent: it announces a tiny MSS
 * (CVE-2019-11479), or SACKs small pieces of large segments (CVE-2019-11478). Both cost no more
 * memory than the send buffer may hold, all of it is accounted for, and the transfer continues.
 */
import { expect, it } from 'vitest';
import { MILLISECOND } from '../../src/base/time.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, SYN, Wire } from '../requirements/wire.js';

const PERIOD = 150 * MILLISECOND;
/** The size of a record (sent-queue.ts). */
const RECORD_BYTES = 200;
/** The maximum of the send buffer (tcp_wmem). */
const WMEM = 1 << 19;
const u32 = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

/**
 * A distant peer with a window of a gigabyte that acknowledges everything. The writer here never
 * stops.
 */
function opened(
  mss: number,
  offload = false,
): { w: Wire; conn: Connection; fill: () => void; acknowledge: () => void } {
  const w = new Wire({ offload, config: { wmem: { min: 4096, default: 65_536, max: WMEM } } });
  const accepted = w.listen();
  const options = [2, 4, mss >> 8, mss & 255, 1, 1, 4, 2, 1, 3, 3, 14];
  const [synAck] = w.tcp({ flags: SYN, seq: 100, options });
  w.wait(PERIOD);
  w.tcp({ flags: ACK, seq: 101, ack: synAck!.seq + 1 });
  const conn = accepted[0]!;
  const fill = (): void => {
    while (conn.send(new Uint8Array(65_536)) > 0);
    w.stack.wake(conn);
    w.take();
  };
  const acknowledge = (): void => {
    const { nxt } = conn.snd;
    w.wait(PERIOD);
    w.tcp({ flags: ACK, seq: 101, ack: nxt >>> 0 });
    fill();
  };
  fill();
  return { w, conn, fill, acknowledge };
}

it.each([1, 100, 1460])(
  'ATK-26: with an MSS of %i the records take no more memory than the send buffer allows',
  (mss) => {
    const { w, conn, acknowledge } = opened(mss);
    let most = 0;
    for (let i = 0; i < 20; i++) {
      acknowledge();
      most = Math.max(most, conn.snd.sent.length);
      expect(conn.memory.held).toBe(conn.snd.buffer.memory + RECORD_BYTES * conn.snd.sent.length);
      expect(w.stack.checkInvariants()).toBeNull();
    }
    expect(most * RECORD_BYTES).toBeLessThan(WMEM + RECORD_BYTES);
    expect(most).toBeGreaterThan(300); // it reached its rate, or nothing was tested
    const { bytesAcked } = conn.stats;
    acknowledge();
    expect(conn.stats.bytesAcked).toBeGreaterThan(bytesAcked);
  },
);

it('ATK-26: nor do SACKs of every second segment within large ones; further blocks are ignored and counted', () => {
  const { w, conn, acknowledge, fill } = opened(1, true);
  for (let i = 0; i < 12; i++) acknowledge();
  const { una, nxt } = conn.snd;
  const start = una >>> 0;
  const size = conn.snd.mss;
  for (let at = size; start + at + size < nxt >>> 0; at += 2 * size) {
    const sack = [1, 1, 5, 10, ...u32(start + at), ...u32(start + at + size)];
    w.tcp({ flags: ACK, seq: 101, ack: start, options: sack });
  }
  expect(conn.snd.sent.memory).toBeLessThanOrEqual(conn.snd.bufferBytes + RECORD_BYTES * 2);
  expect(w.stack.counters.TcpExtTCPWqueueTooBig).toBeGreaterThan(0);
  expect(w.stack.checkInvariants()).toBeNull();
  // In the end everything is acknowledged, and more.
  for (let i = 0; i < 5; i++) acknowledge();
  fill();
  expect([conn.stateName, conn.snd.una !== una]).toEqual(['ESTABLISHED', true]);
});
