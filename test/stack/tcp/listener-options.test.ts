import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/tcp/connection.js';
import { B4, Hosts, StreamUser } from '../hosts.js';

describe("a listener's own settings", () => {
  it.each([0, 2] as const)(
    'apply to its connections, with SYN cookies and without (tcp_syncookies = %i)',
    (synCookies) => {
      const h = new Hosts({ config: { synCookies } });
      const accepted: Connection[] = [];
      const user = {
        tcpAccept: (conn: Connection): boolean => {
          accepted.push(conn);
          return true;
        },
      };
      h.b.listen({
        port: 7,
        user,
        config: { receiveBufferBytes: 20_000, maxSegment: 600, keepAlive: true },
      });
      h.b.listen({ port: 8, user });
      const now = (): number => h.time.now;
      const clients = [7, 8].map((port) => {
        const client = new StreamUser(100, () => h.a, now);
        return h.a.connect({ remote: B4, remotePort: port, user: client }, h.time.now);
      });
      h.time.runUntil(() => accepted.length === 2);
      expect(accepted.map((c) => [c.receiveBuffer, c.advertisedMss, c.keepAlive])).toEqual([
        [40_000, 600, true],
        [131_072, 1460, false],
      ]);
      // As in the SYN,ACK: whole segments of 20,000 bytes, less the timestamps.
      expect(clients.map((c) => [c.peerMss, c.snd.maxWnd >= 60_000])).toEqual([
        [600, false],
        [1460, true],
      ]);
    },
  );
});
