/** Packet scripts and a few scenes reach every row of `TRANSITIONS` and every cause. */
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

const FOLDER = 'test/scripts';
const rows = new Set<string>();
const causes = new Set<Cause>();
const row = (from: State, to: State): string => `${STATE_NAMES[from]} -> ${STATE_NAMES[to]}`;
const observer: StackObserver = {
  ...fanOut(),
  stateChanged: (_conn, from, to, cause) => {
    rows.add(row(from, to));
    causes.add(cause);
  },
};

interface Scene {
  readonly h: Hosts;
  readonly conn: Connection;
}

/**
 * A connection of host `a`, which writes `up` bytes and closes (or, with -1, does neither); nobody
 * reads them.
 */
function connected(config: Partial<TcpConfig> = {}, up = -1): Scene {
  const h = new Hosts({ stack: { observer }, config: { receiveBufferBytes: 10_000, ...config } });
  const { client, server } = exchange(h, up, 1);
  server.reading = false;
  h.time.pass(SECOND);
  return { h, conn: client.conn! };
}

/** What no packet script does: a user who aborts, a host that ends, memory that is gone. */
const SCENES: Readonly<Record<string, () => void>> = {
  'ABORT when TIME-WAIT is told': () => {
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
  'an orphan makes room': () => {
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
  'the device is gone': () => {
    const { h } = connected();
    h.a.deviceError(Object.assign(new Error('gone'), { code: 'EBADFD' }), true, h.time.now);
  },
};

beforeAll(() => {
  for (const name of readdirSync(FOLDER, { recursive: true }) as string[])
    if (name.endsWith('.pkt'))
      playScript(name, readFileSync(join(FOLDER, name), 'utf8'), { observer });
  for (const play of Object.values(SCENES)) play();
});

describe('transitions', () => {
  it.each(TRANSITIONS.map(({ from, to }) => row(from, to)))('%s happens', (name) => {
    expect(rows).toContain(name);
  });

  it.each(CAUSES)('%s is the cause of one', (cause) => {
    expect(causes).toContain(cause);
  });

  it.each([
    [State.established, State.synSent, 'active-open'],
    [State.established, State.closeWait, 'close'],
    [State.finWait1, State.timeWait, 'fin'],
    [State.closed, State.closed, 'abort'],
  ] as const)('%i to %i by %s is none', (from, to, cause) => {
    expect(isAllowed(from, to, cause)).toBe(false);
  });
});
