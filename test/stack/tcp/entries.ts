/** Entries for the flow tables, without a connection, only with the numbers of TIME-WAIT. */
import { Address } from '../../../src/ip/address.js';
import { TcpEntry } from '../../../src/stack/tcp/entry.js';
import { Tuple } from '../../../src/stack/tuple.js';
import type { Connection } from '../../../src/tcp/connection.js';

export interface EntrySpec {
  local?: string;
  localPort?: number;
  remote?: string;
  remotePort?: number;
  hash?: number;
  sndNxt?: number;
  rcvNxt?: number;
  wnd?: number;
  wscale?: number;
  timestamps?: boolean;
  tsRecent?: number;
  tsOffset?: number;
  tos?: number;
}

export function entry(o: EntrySpec = {}): TcpEntry {
  const local = Address.parse(o.local ?? '198.18.0.2');
  const remote = Address.parse(o.remote ?? '198.18.0.1');
  // No test here sends packets, so an entry needs no device.
  const e = new TcpEntry(
    local,
    o.localPort ?? 80,
    remote,
    o.remotePort ?? 50_000,
    o.hash ?? 0,
    0,
    null as never,
  );
  e.tos = o.tos ?? 0;
  e.conn = {
    snd: { nxt: o.sndNxt ?? 0 },
    rcv: { nxt: o.rcvNxt ?? 0, wnd: o.wnd ?? 0, wscale: o.wscale ?? 0, tsRecent: o.tsRecent ?? 0 },
    timestamps: o.timestamps ?? false,
    tsOffset: o.tsOffset ?? 0,
  } as unknown as Connection;
  return e;
}

/** The four-tuple of `e`, with the hash that the test gave it. */
export function tupleOf(e: TcpEntry): Tuple {
  const tuple = new Tuple(0);
  tuple.of(e.local, e.localPort, e.remote, e.remotePort);
  tuple.hash = e.hash;
  return tuple;
}

/**
 * Eight variants of `tuple`, each with the lowest bit of another word of its addresses flipped.
 */
export function* withOtherWord(tuple: Tuple): Generator<[what: string, other: Tuple]> {
  for (const side of ['local', 'remote'] as const) {
    for (const word of ['w0', 'w1', 'w2', 'w3'] as const) {
      tuple[side][word] ^= 1;
      yield [`${side}.${word}`, tuple];
      tuple[side][word] ^= 1;
    }
  }
}
