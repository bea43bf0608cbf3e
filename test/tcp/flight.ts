/**
 * A flight of segments of 1000 bytes over a round trip of 100 ms, and its ACKs, by the segments'
 * numbers.
 */
import { MILLISECOND } from '../../src/base/time.js';
import type { TcpSnapshot } from '../../src/tcp/snapshot.js';
import { Peer, type Sent, type Wire } from './peer.js';

export const MSS = 1000;
export const RTT = 100 * MILLISECOND;
/** The first byte of segment number n, counted from 0. */
export const at = (n: number): number => 1 + n * MSS;
/** The numbers of the segments sent. */
export const numbers = (sent: Sent[]): number[] =>
  sent.filter((x) => x.len > 0).map((x) => (x.seq - 1) / MSS);

/**
 * A connection with a round trip measured in its handshake, and `n` segments in flight or waiting
 * for cwnd.
 */
export function inFlight(
  n: number,
  o: Parameters<typeof Peer.established>[0] = {},
  syn: Partial<Wire> = {},
): Peer {
  const s = Peer.listen({
    mss: MSS,
    ...o,
    config: { slowStartAfterIdle: false, noDelay: true, ...o.config },
  });
  s.send({ flags: 'S', mss: MSS, sackOk: true, wscale: 7, ...syn });
  s.wait(RTT);
  s.send({
    flags: '.',
    seq: 1,
    ack: 1,
    win: 10_000,
    ...(syn.ts ? { ts: [syn.ts[0], s.last.ts![0]] } : {}),
  });
  s.write(n * MSS);
  return s;
}

export const ack = (n: number, ...sack: [number, number][]): Wire => ({
  flags: '.',
  seq: 1,
  ack: at(n),
  win: 10_000,
  ...(sack.length > 0 ? { sack: sack.map(([l, r]) => [at(l), at(r)] as [number, number]) } : {}),
});
export const congestion = (s: Peer): TcpSnapshot['congestion'] => s.conn.snapshot(s.now).congestion;
