/**
 * Packet scripts, a few scenarios and scripted peers reach every cause of every row of
 * `TRANSITIONS`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { playScript } from '../../src/lab/script/play.js';
import { fanOut } from '../../src/observe/fanout.js';
import type { StackObserver } from '../../src/stack/observer.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import type { Connection } from '../../src/tcp/connection.js';
import { CAUSES, type Cause } from '../../src/tcp/causes.js';
import { isAllowed, State, STATE_NAMES, TRANSITIONS } from '../../src/tcp/state.js';
import { exchange, Hosts } from '../stack/hosts.js';
import { Peer, type Wire } from './peer.js';

const FOLDER = 'test/scripts';
/** The transitions that occurred: `ESTABLISHED -> CLOSE-WAIT: fin`. */
const happened = new Set<string>();
const transition = (from: State, to: State, cause: Cause): string =>
  `${STATE_NAMES[from]} -> ${STATE_NAMES[to]}: ${cause}`;
const observer: StackObserver = {
  ...fanOut(),
  stateChanged: (_conn, from, to, cause) => {
    happened.add(transition(from, to, cause));
  },
};

interface Scene {
  readonly h: Hosts;
  readonly conn: Connection;
}

/**
 * A connection of host `a`, which writes `up` bytes and closes (or, with -1, does neither); its
 * data stays unread.
 */
function connected(config: Partial<TcpConfig> = {}, up = -1): Scene {
  const h = new Hosts({ stack: { observer }, config: { receiveBufferBytes: 10_000, ...config } });
  const { client, server } = exchange(h, up, 1);
  server.reading = false;
  h.time.pass(SECOND);
  return { h, conn: client.conn! };
}

/** Causes without a packet script: a user aborts, a host closes, memory is exhausted. */
const SCENES: Readonly<Record<string, () => void>> = {
  'ABORT in the event of TIME-WAIT': () => {
    const h = new Hosts({ stack: { observer } });
    const { client } = exchange(h, 0, 0);
    const told = client.tcpEvents.bind(client);
    client.tcpEvents = (conn, events) => {
      told(conn, events);
      if (conn.state === State.timeWait) conn.abort(h.time.now);
    };
    h.settle();
  },
  'CLOSE without room for an orphan': () => {
    const { h, conn } = connected({ maxOrphans: 0 }, 1_000_000);
    conn.rcv.queue.clear();
    conn.release(h.time.now);
  },
  'an orphan is evicted': () => {
    const { h, conn } = connected({ maxOrphans: 1 }, 1_000_000);
    conn.rcv.queue.clear();
    conn.release(h.time.now);
    h.a.wake(conn);
    h.settle();
  },
  'lent memory is transferred': () => {
    const { h, conn } = connected();
    const bytes = new Uint8Array(50_000);
    conn.sendZeroCopy(bytes);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    h.a.wake(conn);
    h.a.run(h.time.now);
  },
  'the stack closes': () => {
    const { h } = connected();
    h.a.close(h.time.now);
  },
  'the device has failed': () => {
    const { h } = connected();
    h.a.deviceError(Object.assign(new Error('gone'), { code: 'EBADFD' }), true, h.time.now);
  },
};

const UNANSWERED = 4 * 3600 * SECOND;
/** How a connection reaches each state. */
const TO: Readonly<Record<string, (o: Way) => Peer>> = {
  'SYN-SENT': ({ config = {} }) => Peer.connect({ config }),
  'SYN-RECEIVED': ({ config = {} }) => {
    const s = Peer.connect({ config });
    s.send({ flags: 'S' });
    return s;
  },
  ESTABLISHED: established,
  'FIN-WAIT-1': (o) => then(established(o), (s) => s.close()),
  'FIN-WAIT-2': (o) =>
    then(TO['FIN-WAIT-1']!(o), (s) => {
      s.send({ ...next(s, '.'), win: 100 }); // the FIN may have waited for the window
      s.send({ ...next(s, '.'), ack: 2 });
    }),
  'CLOSE-WAIT': (o) => then(established(o), (s) => s.send(next(s, 'F.'))),
  CLOSING: (o) => then(TO['FIN-WAIT-1']!(o), (s) => s.send(next(s, 'F.'))),
  'LAST-ACK': (o) => then(TO['CLOSE-WAIT']!(o), (s) => s.close()),
  'TIME-WAIT': (o) => then(TO['FIN-WAIT-2']!(o), (s) => s.send({ ...next(s, 'F.'), ack: 2 })),
};

interface Way {
  readonly config?: Partial<TcpConfig>;
  /** The window that the peer offers. */
  readonly win?: number;
  /** The peer sends data that stays unread. */
  readonly unread?: boolean;
  /** Our user writes, before it closes. */
  readonly up?: number;
  /** Our user lends memory, before it closes. */
  readonly lent?: Uint8Array;
}

function established({ config = {}, win = 65_535, unread, up = 0, lent }: Way): Peer {
  const s = Peer.established({ config });
  s.send({ flags: '.', seq: 1, ack: 1, win, len: unread === true ? 10 : 0 });
  if (lent !== undefined) s.conn.sendZeroCopy(lent);
  if (up > 0) s.write(up);
  return s;
}

function then(s: Peer, play: (s: Peer) => void): Peer {
  play(s);
  return s;
}

/** The peer's next segment, without an ACK of our data or FIN. */
const next = ({ conn }: Peer, flags: string): Wire => ({
  flags,
  seq: (conn.rcv.nxt - conn.rcv.irs) | 0,
  ack: 1,
  win: conn.snd.wnd,
});

/** How it ends from that state. */
const ENDINGS: Readonly<Partial<Record<Cause, (to: (o: Way) => Peer) => Peer>>> = {
  close: (to) => then(to({}), (s) => s.close()),
  'close-unread': (to) => then(to({ unread: true }), (s) => s.release()),
  'close-no-linger': (to) =>
    then(to({}), (s) => {
      s.conn.linger = 0;
      s.release();
    }),
  'close-no-room': (to) => then(to({ config: { maxOrphans: 0 } }), (s) => s.release()),
  abort: (to) => then(to({}), (s) => s.abort()),
  disconnect: (to) => then(to({}), (s) => s.conn.abort(s.now, 'disconnect')),
  // As the host does with each connection: stack/tcp/host.ts.
  'stack-closes': (to) => then(to({}), (s) => s.conn.abort(s.now, 'stack-closes')),
  killed: (to) => then(to({}), (s) => s.conn.abort(s.now, 'killed')),
  'device-gone': (to) => then(to({}), (s) => s.conn.finish('ENETDOWN', 'device-gone', s.now)),
  rst: (to) => then(to({}), (s) => s.send(next(s, s.state === 'SYN-SENT' ? 'R.' : 'R'))),
  'data-after-close': (to) =>
    then(to({}), (s) => {
      s.release();
      s.send({ ...next(s, 'P.'), ack: s.state === 'FIN-WAIT-2' ? 2 : 1, len: 10 });
    }),
  'data-timeout': (to) =>
    then(to({}), (s) => {
      if (s.conn.snd.flight === 0) s.write(10);
      s.wait(UNANSWERED);
    }),
  'window-timeout': (to) =>
    then(to({ win: 0, up: 10, config: { userTimeout: 5 * SECOND } }), (s) => s.wait(UNANSWERED)),
  'probes-unanswered': (to) => then(to({ win: 0, up: 10 }), (s) => s.wait(UNANSWERED)),
  // Nothing may be in flight, so the FIN waits for a window.
  'keep-alive-unanswered': (to) =>
    then(to({ win: 0 }), (s) => {
      s.conn.setKeepAlive(true, s.now, SECOND, SECOND, 2);
      s.wait(UNANSWERED);
    }),
  'orphan-limit': (to) =>
    then(to({ config: { maxOrphans: 1 } }), (s) => {
      s.release();
      s.wait(UNANSWERED);
    }),
  'lent-data-gone': (to) => {
    const lent = new Uint8Array(50_000);
    return then(to({ lent }), (s) => {
      if (s.conn.lentToSend === 0) s.conn.sendZeroCopy(lent);
      structuredClone(lent, { transfer: [lent.buffer] });
      s.conn.failWhatIsDetached(s.now);
    });
  },
};

beforeAll(() => {
  for (const name of readdirSync(FOLDER, { recursive: true }) as string[])
    if (name.endsWith('.pkt'))
      playScript(name, readFileSync(join(FOLDER, name), 'utf8'), { observer });
  for (const play of Object.values(SCENES)) play();
  for (const { from, to, causes } of TRANSITIONS)
    for (const cause of causes) {
      const ending = ENDINGS[cause];
      const way = TO[STATE_NAMES[from]];
      if (to !== State.closed || ending === undefined || way === undefined) continue;
      for (const told of ending(way).transitions) happened.add(told.replace(/^\d+ /, ''));
    }
});

describe('transitions', () => {
  const all = TRANSITIONS.flatMap(({ from, to, causes }) =>
    causes.map((cause) => transition(from, to, cause)),
  );

  it.each(all)('%s', (name) => {
    expect(happened).toContain(name);
  });

  it('have no other causes', () => {
    expect([...happened].filter((name) => !all.includes(name))).toEqual([]);
  });

  it.each(CAUSES)('%s is the cause of a transition', (cause) => {
    expect(TRANSITIONS.some(({ causes }) => causes.includes(cause))).toBe(true);
  });

  it.each([
    [State.established, State.synSent, 'active-open'],
    [State.established, State.closeWait, 'close'],
    [State.finWait1, State.timeWait, 'fin'],
    [State.closed, State.closed, 'abort'],
  ] as const)('%i to %i by %s is not a transition', (from, to, cause) => {
    expect(isAllowed(from, to, cause)).toBe(false);
  });
});
