/** After any behaviour of users and peers, no connection, timer or memory is left. */
import { expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { SECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import type { Stack } from '../../src/stack/stack.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { B4, B6, Hosts } from './hosts.js';

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

it.each(seeds)(
  'opened, refused, not accepted, cut off, half closed, forgotten: seed %i',
  (seed) => {
    const random = new SeededRandom(seed);
    const bad = {
      ...NO_IMPAIRMENTS,
      loss: 0.1,
      duplicate: 0.1,
      reorder: 0.2,
      delay: 20_000,
      jitter: 10_000,
    };
    const h = new Hosts({ seed, link: { in: bad, out: bad }, stack: { timeWaitLimit: 20 } });
    const open = new Map<Connection, Stack>();
    let heard = 0;
    const user: TcpUser = {
      tcpEvents(conn, events) {
        heard++;
        if (random.below(4) > 0) while (conn.receive() !== null);
        if (events & TcpEvent.closed) open.delete(conn);
      },
    };
    const listener = h.b.listen({
      port: 7,
      backlog: 5,
      user: {
        tcpAccept(conn) {
          if (random.below(3) === 0) return false;
          conn.user = user;
          open.set(conn, h.b);
          return true;
        },
      },
    });
    for (let n = 0; n < 300; n++) {
      h.time.runUntil(() => false, random.below(200_000));
      h.check();
      const { now } = h.time;
      const [conn, stack] = [...open][random.below(open.size)] ?? [];
      switch (random.below(7)) {
        case 0:
        case 1: {
          const remote = random.below(2) === 0 ? B4 : B6;
          open.set(
            h.a.connect({ remote, remotePort: random.below(4) === 0 ? 8 : 7, user }, h.time.now),
            h.a,
          );
          h.a.run(now);
          break;
        }
        case 2:
          conn?.send(new Uint8Array(random.below(30_000)));
          break;
        case 3:
          conn?.shutdown(now);
          break;
        case 4:
          conn?.release(now);
          break;
        case 5:
          if (random.below(3) === 0) conn?.abort(now);
          break;
        default: {
          const waiting = listener.accept();
          if (waiting === undefined) break;
          waiting.user = user;
          open.set(waiting, h.b);
        }
      }
      if (conn === undefined || stack === undefined) continue;
      stack.wake(conn);
      stack.run(now);
    }
    for (const [conn, stack] of open) {
      if (random.below(2) === 0) conn.abort(h.time.now);
      else conn.release(h.time.now);
      stack.wake(conn);
      stack.run(h.time.now);
    }
    listener.close(h.time.now);
    h.settle(10_000 * SECOND);
    expect(heard).toBeGreaterThan(100);
    for (const stack of [h.a, h.b]) {
      expect([stack.tcp.connectionCount, stack.tcp.timeWait.size, stack.tcp.env.pool.lent]).toEqual(
        [0, 0, 0],
      );
      expect(stack.nextTimeout()).toBe(Infinity);
      expect([stack.counters.TcpCurrEstab, stack.counters.TcpPassiveOpens > 0]).toEqual([
        0,
        stack === h.b,
      ]);
    }
    expect([listener.queue.halfOpenCount, listener.queue.establishedCount]).toEqual([0, 0]);
  },
);
