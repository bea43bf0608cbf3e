/** A connection that owes several segments at once: output sends them in the order of owed.ts. */
import { expect, it } from 'vitest';
import { setWindow } from './congestion/set-window.js';
import { oweReset } from '../../src/tcp/reset.js';
import { Peer, type Sent } from './peer.js';

const MSS = 1460;

/** `segments` full segments in flight, the first of them lost. */
function losing(segments: number): Peer {
  const s = Peer.established({ config: { noDelay: true, timestamps: false } });
  s.write(segments * MSS);
  const { snd } = s.conn;
  snd.sent.markLost(snd.sent.at(0));
  setWindow(snd.congestion, { cwnd: 100 });
  return s;
}

const told = ({ flags, seq, len }: Sent): string => `${flags} ${seq} ${len}`;

it('RST, then SYN', () => {
  const s = Peer.connect();
  s.conn.owed.syn = true;
  oweReset(s.conn);
  expect(s.poll().map((x) => x.flags)).toEqual(['R.', 'S']);
  expect(s.conn.owed).toMatchObject({ reset: null, syn: false });
});

it('duplicate ACKs, lost data, new data with the FIN, and the probe; these carry the ACK', () => {
  const s = losing(2);
  const { conn } = s;
  conn.send(new Uint8Array(100));
  conn.snd.finQueued = true;
  for (let i = 0; i < 2; i++) conn.rcv.owe(conn.rcv.nxt, conn.rcv.nxt);
  conn.rcv.ackNow = true;
  conn.owed.probe = true;
  const end = 1 + 2 * MSS;
  expect(s.poll().map(told)).toEqual([
    `. ${end} 0`,
    `. ${end} 0`,
    `. 1 ${MSS}`,
    `FP. ${end} 100`,
    '. 0 0',
  ]);
  expect(conn.owed.probe).toBe(false);
  expect(conn.rcv.ackNow).toBe(false);
  expect(s.poll()).toEqual([]);
});

it('a tail loss probe before new data; a bare ACK before the window probe', () => {
  const s = Peer.established({ config: { timestamps: false } });
  s.write(MSS);
  s.conn.owed.lossProbe = true;
  s.conn.send(new Uint8Array(2 * MSS));
  expect(s.poll().map((x) => x.seq)).toEqual([1 + MSS, 1 + 2 * MSS]);
  expect(s.notes).toContain('loss-probe');
  s.conn.rcv.ackNow = true;
  s.conn.owed.probe = true;
  expect(s.poll().map(told)).toEqual([`. ${1 + 3 * MSS} 0`, '. 0 0']);
});

it('after the end of the connection only the RST is owed', () => {
  const s = losing(1);
  Object.assign(s.conn.owed, { syn: true, lossProbe: true, probe: true });
  s.conn.rcv.ackNow = true;
  expect(s.abort().map((x) => x.flags)).toEqual(['R.']);
  expect(s.conn.owed).toEqual({ reset: null, syn: false, lossProbe: false, probe: false });
});
