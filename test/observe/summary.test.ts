/** The line that each connection gets at its end. */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { parseLink } from '../../src/device/link/link-options.js';
import { type ConnectionSummary, summaryLine, summaryOf } from '../../src/observe/summary.js';
import type { Stack } from '../../src/stack/stack.js';
import type { Connection } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { A4, B4, Hosts } from '../stack/hosts.js';

/** Connects from a to port 80 of b. Each side closes when the peer has. */
function ends(
  play: (h: Hosts, client: Connection, server: () => Connection) => void,
  { link = '', listens = true } = {},
): { a: ConnectionSummary[]; b: ConnectionSummary[] } {
  const h = new Hosts({ link: parseLink(link) });
  const found = { a: [] as ConnectionSummary[], b: [] as ConnectionSummary[] };
  for (const side of ['a', 'b'] as const)
    h[side].tcp.connections.onEnd = (conn, flow, now) => {
      found[side].push(summaryOf(conn, flow, SECOND, now));
    };
  const user = (stack: Stack) => ({
    tcpEvents(conn: Connection, events: number): void {
      for (let p = conn.receive(); p !== null; p = conn.receive()) continue;
      if (events & TcpEvent.endOfStream) conn.shutdown(h.time.now);
      stack.wake(conn);
    },
  });
  let server: Connection | null = null;
  if (listens)
    h.b.listen({
      port: 80,
      user: {
        tcpAccept: (conn) => {
          conn.user = user(h.b);
          server = conn;
          return true;
        },
      },
    });
  const client = h.a.connect({ remote: B4, remotePort: 80, user: user(h.a) }, h.time.now);
  h.time.pass(10 * MILLISECOND);
  play(h, client, () => server!);
  h.settle(300 * SECOND);
  return found;
}
const text = ([summary, ...more]: readonly ConnectionSummary[]): string => {
  expect(more).toEqual([]);
  return summaryLine(summary!).replace(/198\.18\.0\.1:\d+/, 'A');
};

describe('a summary', () => {
  it('says who closed first, how long it took, and how much went each way', () => {
    const { a, b } = ends((h, client) => {
      client.send(new Uint8Array(1000));
      client.shutdown(h.time.now);
      h.a.wake(client);
    });
    expect(text(a)).toBe(
      '0.010000 A → 198.18.0.2:80  closed by us first, 10 ms, in 0 bytes, out 1000 bytes',
    );
    expect(text(b)).toBe(
      '0.010000 A → 198.18.0.2:80  closed by the peer first, 10 ms, in 1000 bytes, out 0 bytes',
    );
    expect(b[0]!.data).toMatchObject({
      passive: true,
      ending: 'closed',
      by: 'peer',
      cause: 'ack-of-fin',
      error: null,
    });
    expect(b[0]!.data.local).toBe(`${B4.toString()}:80`);
    expect(b[0]!.data.remote).toMatch(A4.toString());
  });

  it('counts retransmissions', () => {
    const { b } = ends(
      (h, _client, server) => {
        server().send(new Uint8Array(5));
        server().shutdown(h.time.now);
        h.b.wake(server());
      },
      { link: 'out drop data:1' },
    );
    expect(text(b)).toMatch(/closed by us first, .* out 5 bytes, 1 retransmission$/);
  });

  it('knows who reset, and why', () => {
    const { a, b } = ends((h, client) => {
      client.abort(h.time.now);
      h.a.wake(client);
    });
    expect(text(a)).toMatch(/reset by us \(ABORT\)/);
    expect(text(b)).toMatch(/reset by the peer/);
    expect(b[0]!.data.error).toBe('ECONNRESET');
  });

  it('tells what was never opened', () => {
    expect(text(ends(() => undefined, { listens: false }).a)).toMatch(/refused by the peer/);
    expect(text(ends(() => undefined, { link: 'drop syn' }).a)).toMatch(
      /not opened \(R2: the SYN or SYN,ACK was not answered/,
    );
  });

  it('tells what failed', () => {
    const { b } = ends(
      (h, _client, server) => {
        server().send(new Uint8Array(5));
        server().setUserTimeout(SECOND);
        h.b.wake(server());
      },
      { link: 'out drop data' },
    );
    expect(text(b)).toMatch(/failed \(R2: data was not acknowledged.*, 3 retransmissions$/);
  });
});
