/** Turns: the order of events, users that throw, and users that never stop sending. */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { Address } from '../../src/ip/address.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { ACK, SYN, Wire } from '../requirements/wire.js';

const PSH = 8;

describe('a turn', () => {
  it('gives a user one event for several packets of a batch, and its reply carries the ACK', () => {
    const w = new Wire();
    let calls = 0;
    const user: TcpUser = {
      tcpEvents(conn, events) {
        if ((events & TcpEvent.readable) === 0) return;
        calls++;
        while (conn.receive() !== null);
        conn.send(Uint8Array.of(42));
      },
    };
    const accepted = w.listen(user);
    const { seq } = w.open();
    const out = w.tcp({ flags: ACK | PSH, seq: 101, ack: seq + 1, payload: [1, 2, 3] });
    expect(calls).toBe(1);
    expect(out).toMatchObject([{ flags: ACK | PSH, seq: seq + 1, ack: 104, payload: [42] }]);
    expect(accepted).toHaveLength(1);
  });

  it('requests one run, however many calls need it', () => {
    const w = new Wire();
    let wakes = 0;
    w.stack.onWake = () => wakes++;
    const accepted = w.listen();
    w.open();
    for (let i = 0; i < 5; i++) {
      accepted[0]!.send(Uint8Array.of(i));
      w.stack.wake(accepted[0]!);
    }
    expect(wakes).toBe(1);
    expect(w.take().map((x) => x.payload)).toEqual([[0, 1, 2, 3, 4]]);
    accepted[0]!.send(Uint8Array.of(5));
    w.stack.wake(accepted[0]!);
    expect(wakes).toBe(2);
  });

  it('ends when a user throws, and the caller gets the exception; the next turn serves all other users', () => {
    const w = new Wire();
    let angry = true;
    const told: number[] = [];
    const user: TcpUser = {
      tcpEvents(conn, events) {
        if ((events & TcpEvent.readable) === 0) return;
        if (angry) throw new Error('not now');
        told.push(conn.flow.remotePort);
      },
    };
    w.listen(user);
    const { seq: first } = w.open({ sport: 1 });
    const { seq: second } = w.open({ sport: 2 });
    let wakes = 0;
    w.stack.onWake = () => wakes++;
    expect(() => w.tcp({ flags: ACK, sport: 1, seq: 101, ack: first + 1, payload: [1] })).toThrow(
      'not now',
    );
    expect(wakes, 'work is left').toBe(1);
    angry = false;
    expect(w.tcp({ flags: ACK, sport: 2, seq: 101, ack: second + 1, payload: [1] })).toHaveLength(
      2,
    );
    expect(told).toEqual([2]);
    w.wait(SECOND);
    expect(w.stack.checkInvariants()).toBeNull();
  });

  it('is bounded, even if two users answer each other over loopback for ever', () => {
    const w = new Wire();
    let turns = 0;
    const echo: TcpUser = {
      tcpEvents(conn) {
        for (let piece = conn.receive(); piece !== null; piece = conn.receive()) {
          turns++;
          conn.send(piece);
        }
      },
    };
    w.listen(echo);
    let wakes = 0;
    w.stack.onWake = () => wakes++;
    const conn = w.stack.connect(
      { remote: Address.parse('127.0.0.1'), remotePort: 80, user: echo },
      w.now,
    );
    w.take();
    conn.send(Uint8Array.of(1));
    w.stack.wake(conn);
    wakes = 0;
    w.take();
    const inOne = turns;
    expect(inOne).toBeGreaterThan(10);
    expect(wakes, 'it requests another').toBe(1);
    w.take();
    expect(turns).toBeGreaterThan(inOne);
  });

  it('is not reentrant: run() inside of run() has no effect', () => {
    const w = new Wire();
    let depth = 0;
    let deepest = 0;
    const user: TcpUser = {
      tcpEvents() {
        deepest = Math.max(deepest, ++depth);
        w.stack.run(w.now);
        depth--;
      },
    };
    const accepted: Connection[] = w.listen(user);
    for (const sport of [1, 2, 3]) w.open({ sport });
    // All three have an event in the same turn.
    for (const conn of accepted) {
      conn.abort(w.now);
      w.stack.wake(conn);
    }
    expect(w.take().map((x) => x.dport)).toEqual([1, 2, 3]);
    expect([deepest, accepted.length]).toEqual([1, 3]);
    expect(w.tcp({ flags: SYN, sport: 9 })).toHaveLength(1);
  });

  it('delays an ACK while the user may still reply, and the reply carries it', () => {
    const w = new Wire();
    const user = { tcpEvents: (): void => {}, mayAnswer: false };
    const accepted = w.listen(user);
    const { seq } = w.open();
    const conn = accepted[0]!;
    user.mayAnswer = true;
    expect(w.tcp({ flags: ACK | PSH, seq: 101, ack: seq + 1, payload: [1, 2, 3] })).toEqual([]);
    expect(w.stack.checkInvariants()).toBeNull();
    user.mayAnswer = false;
    conn.send(Uint8Array.of(42));
    w.stack.wake(conn);
    expect(w.take()).toMatchObject([{ flags: ACK | PSH, seq: seq + 1, ack: 104, payload: [42] }]);
  });
});
