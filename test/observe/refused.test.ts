import { expect, it } from 'vitest';
import { LiveLines } from '../../src/observe/live.js';
import { Recorder } from '../../src/observe/recorder.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import { ACK, FIN, RST, SYN, Wire } from '../requirements/wire.js';

interface Scene {
  name: string;
  config?: Partial<TcpConfig>;
  backlog?: number;
  listens?: boolean;
  /** Returns the refused segment after it has made the state that refuses it. */
  until: (w: Wire) => Parameters<Wire['tcp']>[0];
  drops: Record<string, number>;
  line: RegExp;
}

const syn = (sport: number): Parameters<Wire['tcp']>[0] => ({ flags: SYN, sport, seq: 1000 });

function establish(w: Wire, sport: number): void {
  const [synAck] = w.tcp(syn(sport));
  w.tcp({ flags: ACK, sport, seq: 1001, ack: synAck!.seq + 1 });
}

const SCENES: Scene[] = [
  {
    name: 'a SYN, when the SYN queue is full',
    config: { synCookies: 0 },
    backlog: 1,
    until: (w) => (w.tcp(syn(1)), w.tcp(syn(2)), syn(3)),
    drops: { tcpSynQueueFull: 1 },
    line: /too many half-open connections on this port/,
  },
  {
    name: 'a SYN, when the stack has too many half-open connections',
    config: { synCookies: 0, maxHalfOpen: 1 },
    until: (w) => (w.tcp(syn(1)), syn(2)),
    drops: { tcpHalfOpenLimit: 1 },
    line: /too many half-open connections in the stack/,
  },
  {
    name: 'a SYN, when its host has too many half-open connections',
    config: { synCookies: 0, maxHalfOpenPerHost: 1 },
    until: (w) => (w.tcp(syn(1)), syn(2)),
    drops: { tcpHalfOpenHostLimit: 1 },
    line: /too many half-open connections from this host/,
  },
  {
    name: 'a SYN, when the accept queue is full',
    backlog: 1,
    until: (w) => (establish(w, 1), establish(w, 2), syn(3)),
    drops: { tcpListenOverflow: 1 },
    line: /the accept queue is full, dropped/,
  },
  {
    name: 'the ACK of a SYN cookie, when the accept queue is full',
    config: { synCookies: 2 },
    backlog: 1,
    until: (w) => {
      const [synAck] = w.tcp(syn(3));
      establish(w, 1);
      establish(w, 2);
      return { flags: ACK, sport: 3, seq: 1001, ack: synAck!.seq + 1 };
    },
    drops: { tcpListenOverflow: 1 },
    line: /a SYN cookie came back, but the accept queue is full/,
  },
  {
    name: 'the ACK of a SYN,ACK, when the accept queue is full',
    backlog: 1,
    until: (w) => {
      const [synAck] = w.tcp(syn(3));
      establish(w, 1);
      establish(w, 2);
      return { flags: ACK, sport: 3, seq: 1001, ack: synAck!.seq + 1 };
    },
    drops: { tcpListenOverflow: 1 },
    line: /tcpListenOverflow .*the accept queue is full/,
  },
  {
    name: 'an ACK to a listener',
    until: () => ({ flags: ACK, seq: 1, ack: 1 }),
    drops: { tcpBadAck: 1 },
    line: /LISTEN: unexpected ACK, RST/,
  },
  {
    name: 'a FIN to a listener',
    until: () => ({ flags: FIN, seq: 1 }),
    drops: { tcpBadFlags: 1 },
    line: /LISTEN: ignored/,
  },
  {
    name: 'a SYN to a port without a listener',
    listens: false,
    until: () => syn(1),
    drops: { tcpNoSuchPort: 1 },
    line: /CLOSED: RST/,
  },
  {
    name: 'a RST to a port without a listener',
    listens: false,
    until: () => ({ flags: RST, seq: 1 }),
    drops: { tcpNoSuchPort: 1 },
    line: /CLOSED: RST is ignored/,
  },
];

it.each(SCENES)('$name has one live line and one count', (scene) => {
  const lines: string[] = [];
  const live = new LiveLines((line) => lines.push(line));
  const w = new Wire({
    config: scene.config ?? {},
    observer: new Recorder(live.sink, 0),
  });
  if (scene.listens !== false)
    w.stack.listen({ port: 80, backlog: scene.backlog ?? 8, user: { tcpAccept: () => false } });
  const refused = scene.until(w);
  live.flush();
  const before = lines.length;
  w.tcp(refused);
  live.flush();
  const of = lines.slice(before).filter((line) => !/^\S+ 198\.18\.0\.2/.test(line));
  expect([of.length, w.stack.dropsByName()], lines.slice(before).join('\n')).toEqual([
    1,
    scene.drops,
  ]);
  expect(of[0]).toMatch(scene.line);
});
