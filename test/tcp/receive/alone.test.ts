/**
 * The receiving half by itself, without a connection: segments in, bytes to read, and the fields of
 * the next ACK.
 */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../../src/base/slab.js';
import { Drop } from '../../../src/wire/drop.js';
import { Segment, TcpFlag } from '../../../src/wire/tcp.js';
import { PROFILES } from '../../../src/tcp/config.js';
import { TcpCounters } from '../../../src/tcp/counters.js';
import { MemoryShare, TcpMemory } from '../../../src/tcp/memory.js';
import { Receiver } from '../../../src/tcp/receive/receiver.js';

/** The peer's SYN has number 0, its data begins at 1. */
const IRS = 0;
const MSS = 1000;
const BUFFER = 4 * MSS;
const RTO = 200_000;
/** Unlimited memory. */
const LIMITS = { low: 1 << 20, pressure: 1 << 20, high: 1 << 20 };

function receiving(): Receiver {
  const memory = new TcpMemory(LIMITS, new TcpCounters());
  const rcv = new Receiver(
    { ...PROFILES.linux, receiveBufferBytes: BUFFER },
    MSS,
    (bytes) => new Uint8Array(bytes),
    new MemoryShare(memory, 0, 0),
  );
  rcv.start(IRS, false, false, 0);
  rcv.offerWindow();
  return rcv;
}

/** `length` bytes from `seq` on; each byte is its sequence number. */
function data(seq: number, length: number): Segment {
  const seg = new Segment();
  seg.clear();
  seg.flags = TcpFlag.ACK;
  seg.seq = seq;
  seg.payload = new Slab(Uint8Array.from({ length }, (_, i) => seq + i));
  seg.payloadBytes = length;
  return seg;
}

const take = (rcv: Receiver, seq: number, length: number): unknown =>
  rcv.takeText(data(seq, length), 0, RTO);

/** All unread bytes. */
function readAll(rcv: Receiver): number[] {
  const bytes: number[] = [];
  for (let piece = rcv.read(); piece !== null; piece = rcv.read()) bytes.push(...piece);
  return bytes;
}

/** The SACK blocks of the next ACK. */
function blocks(rcv: Receiver): number[] {
  const seg = new Segment();
  seg.clear();
  rcv.writeSack(seg, 4);
  return [...seg.sackEdges.subarray(0, 2 * seg.sackCount)];
}

describe('a Receiver alone', () => {
  it('accepts data in order: RCV.NXT advances, and the window shrinks by the unread data', () => {
    const rcv = receiving();
    const window = rcv.wnd;
    expect(take(rcv, 1, 100)).toBe(Drop.none);
    expect([rcv.nxt, rcv.wnd]).toEqual([101, window - 100]);
    expect(readAll(rcv)).toEqual(Array.from({ length: 100 }, (_, i) => 1 + i));
  });

  it('a segment after a hole is queued, and owes a duplicate ACK with a SACK block (RFC 2018)', () => {
    const rcv = receiving();
    take(rcv, 51, 50);
    expect([rcv.nxt, readAll(rcv), rcv.duplicatesOwed]).toEqual([1, [], 1]);
    expect(blocks(rcv)).toEqual([51, 101]);
    // The segment that fills the hole advances RCV.NXT past all data, and is acknowledged at once.
    take(rcv, 1, 50);
    expect([rcv.nxt, rcv.ackNow]).toEqual([101, true]);
    expect(readAll(rcv)).toEqual(Array.from({ length: 100 }, (_, i) => 1 + i));
  });

  it('duplicate data is not read twice, and is reported by D-SACK (RFC 2883)', () => {
    const rcv = receiving();
    take(rcv, 1, 50);
    readAll(rcv);
    rcv.ackSent();
    take(rcv, 21, 30);
    expect(readAll(rcv)).toEqual([]);
    expect(blocks(rcv)).toEqual([21, 51]);
  });

  it('data beyond the window is cut off, and a full buffer closes the window', () => {
    const rcv = receiving();
    const window = rcv.wnd;
    expect([window > 2 * MSS, window <= BUFFER]).toEqual([true, true]);
    expect(take(rcv, 1, window + 1)).toBe(Drop.tcpBeyondWindow);
    expect([rcv.nxt, rcv.wnd]).toEqual([1 + window, 0]);
    while (rcv.offerWindow() > 0) take(rcv, rcv.nxt, rcv.wnd);
    expect(rcv.wnd).toBe(0);
    expect(rcv.isAcceptable(rcv.nxt, 1)).toBe(true); // MUST-66: ACK yes, text no
    expect(rcv.isAcceptable(rcv.nxt + 1, 1)).toBe(false);
    // Reading opens the window, and an ACK tells the peer at once (RFC 9293 section 3.8.6.2.2).
    rcv.ackSent();
    rcv.onRead(readAll(rcv).length);
    expect(rcv.ackNow).toBe(true);
    expect(rcv.offerWindow()).toBeGreaterThanOrEqual(window);
  });

  it('a FIN is processed once everything before it is here (RFC 9293 section 3.10.7.4)', () => {
    const rcv = receiving();
    rcv.noteFin(101, 51);
    take(rcv, 51, 50);
    expect(rcv.reachFin()).toBe(false);
    take(rcv, 1, 50);
    expect([rcv.reachFin(), rcv.nxt]).toEqual([true, 102]);
  });
});
