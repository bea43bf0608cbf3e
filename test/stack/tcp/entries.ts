/** Entries for the tables of flows, with no connection but the numbers that TIME-WAIT keeps. */
import { Address } from '../../../src/ip/address.js';
import { TcpEntry } from '../../../src/stack/tcp/flow.js';
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
  // No test here sends anything: a device is nothing that an entry needs.
  const e = new TcpEntry(local, o.localPort ?? 80, remote, o.remotePort ?? 50_000, o.hash ?? 0, 0, null as never);
  e.tos = o.tos ?? 0;
  e.conn = {
    snd: { nxt: o.sndNxt ?? 0 },
    rcv: { nxt: o.rcvNxt ?? 0, wnd: o.wnd ?? 0, wscale: o.wscale ?? 0, tsRecent: o.tsRecent ?? 0 },
    timestamps: o.timestamps ?? false,
    tsOffset: o.tsOffset ?? 0,
  } as unknown as Connection;
  return e;
}

/** The four-tuple's words, in the order in which tables take them. */
export const words = ({
  local: l,
  remote: r,
}: TcpEntry): [number, number, number, number, number, number, number, number] => [
  l.w0,
  l.w1,
  l.w2,
  l.w3,
  r.w0,
  r.w1,
  r.w2,
  r.w3,
];

export const ports = (e: TcpEntry): number => (e.localPort << 16) | e.remotePort;
