/**
 * A stack learns the time from each call: after a silence none of them may use the time of the last
 * packet.
 */
import { describe, expect, it } from 'vitest';
import { SECOND, type Micros } from '../../src/base/time.js';
import { Address } from '../../src/ip/address.js';
import type { StackObserver } from '../../src/stack/observer.js';
import type { Connection } from '../../src/tcp/connection.js';
import { Timer } from '../../src/tcp/timers.js';
import { TcpFlag } from '../../src/wire/tcp.js';
import { ACK, FIN, PEER, RST, SYN, Wire } from '../requirements/wire.js';

const SILENCE = 60 * SECOND;
const user = { tcpEvents: () => undefined };
const remote = Address.parse(PEER);

/** Records the time of each call, which is its last argument. Only `called` has none. */
const recorder = (times: Micros[]): StackObserver =>
  new Proxy({} as StackObserver, {
    get:
      (_, name) =>
      (...told: unknown[]) =>
        name === 'called' ? undefined : times.push(told.at(-1) as Micros),
  });

/** A stack without any call for a minute. */
function silent(): { w: Wire; times: Micros[] } {
  const times: Micros[] = [];
  const w = new Wire({ observer: recorder(times) });
  w.now += SILENCE;
  return { w, times };
}

describe('after a silence', () => {
  it('an active open gets its full user timeout', () => {
    const { w } = silent();
    const conn = w.stack.connect(
      { remote, remotePort: 80, user, config: { userTimeout: 30 * SECOND } },
      w.now,
    );
    expect(w.take()).toMatchObject([{ flags: SYN }]);
    expect(conn.timers.deadline(Timer.rto)).toBe(w.now + SECOND);
    w.wait(29 * SECOND);
    expect(conn.stateName).toBe('SYN-SENT');
    w.wait(2 * SECOND);
    expect(conn.error).toBe('ETIMEDOUT');
  });

  it('ISN, TSval and traces use the current time', () => {
    const iss = (wait: Micros): number => {
      const w = new Wire();
      w.now += wait;
      return w.stack.connect({ remote, remotePort: 80, localPort: 5000, user }, w.now).iss;
    };
    expect((iss(SILENCE) - iss(0)) | 0).toBe(SILENCE / 4); // RFC 6528: a clock of 4 us
    const { w, times } = silent();
    w.stack.connect({ remote, remotePort: 80, user }, w.now);
    w.take();
    expect(times.length).toBeGreaterThan(2);
    expect(times.every((t) => t === w.now)).toBe(true);
  });

  it.each<[string, (conn: Connection, now: Micros) => void, number]>([
    ['a write', (conn) => conn.send(new Uint8Array(100)), ACK | TcpFlag.PSH],
    ['a close', (conn, now) => conn.shutdown(now), ACK | FIN],
    ['a close with close(2)', (conn, now) => conn.release(now), ACK | FIN],
    ['an abort', (conn, now) => conn.abort(now), ACK | RST],
  ])('%s uses the time of the turn that sends the segment', (_name, call, flags) => {
    const { w, times } = silent();
    const accepted = w.listen(user);
    w.open({ dport: 80 });
    const conn = accepted[0]!;
    times.length = 0;
    w.now += SILENCE;
    call(conn, w.now);
    w.stack.wake(conn);
    expect(w.take()).toMatchObject([{ flags }]);
    expect(times.length).toBeGreaterThan(0);
    expect(times.every((t) => t === w.now)).toBe(true);
    if (conn.stateName !== 'CLOSED')
      expect(conn.timers.deadline(Timer.rto)).toBe(w.now + conn.snd.rtt.rto);
  });

  it('a connection reset by a closing listener ends at the time of the close', () => {
    const { w, times } = silent();
    const listener = w.stack.listen({ port: 80, user: { tcpAccept: () => false } });
    w.open({ dport: 80 });
    times.length = 0;
    w.now += SILENCE;
    listener.close(w.now);
    w.take();
    expect(times.length).toBeGreaterThan(0);
    expect(times.every((t) => t === w.now)).toBe(true);
  });

  it('ping and datagrams are traced with the time of the call', () => {
    const { w, times } = silent();
    w.stack.ping(remote, 1, 1, new Uint8Array(8), w.now);
    const socket = w.stack.bindUdp({ port: 9, user: { udpDatagram: () => undefined } });
    w.now += SECOND;
    socket.send(new Uint8Array(8), remote, 9, w.now);
    expect(times).toEqual([w.now - SECOND, w.now]);
  });
});
