/**
 * The DSCP: RFC 9293 section 3.9.1.9, RFC 2474; and that ECN's two bits are not the user's (RFC
 * 3168).
 */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { Address } from '../../src/ip/address.js';
import { entryOf } from '../../src/stack/tcp/entry.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, FIN, type Out, PEER, RST, SYN, Wire } from './wire.js';

const EF = 0xb8;
const nobody = { tcpEvents: (): void => undefined };
const tosOf = (out: Out[]): number[] => out.map((x) => x.tos);

describe('the type of service', () => {
  it('MUST-48: the user can set it before the SYN or the SYN,ACK is sent', () => {
    const w = new Wire();
    w.stack.connect(
      { remote: Address.parse(PEER), remotePort: 80, typeOfService: EF, user: nobody },
      w.now,
    );
    expect(tosOf(w.take())).toEqual([EF]);
    w.stack.listen({ port: 81, typeOfService: 0x20, user: { tcpAccept: () => true } });
    expect(tosOf(w.tcp({ flags: SYN, dport: 81 }))).toEqual([0x20]);
    w.stack.listen({ port: 82, user: { tcpAccept: () => true } });
    expect(tosOf(w.tcp({ flags: SYN, dport: 82 }))).toEqual([0]);
  });

  it('MUST-48: every segment of the connection has it, up to the last ACK of TIME-WAIT', () => {
    const w = new Wire();
    const accepted: Connection[] = [];
    const user = { tcpAccept: (conn: Connection): boolean => accepted.push(conn) > 0 };
    w.stack.listen({ port: 80, typeOfService: EF, user });
    const synAck = w.open();
    const [conn] = accepted;
    conn!.send(Uint8Array.of(1));
    w.stack.wake(conn!);
    const out = [synAck, ...w.take(), ...w.wait(SECOND)];
    out.push(...w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 2, payload: [1] }));
    conn!.receive();
    conn!.shutdown(w.now);
    w.stack.wake(conn!);
    out.push(...w.take());
    for (let i = 0; i < 2; i++)
      out.push(...w.tcp({ flags: ACK | FIN, seq: 102, ack: synAck.seq + 3 }));
    expect(w.stack.tcp.timeWait.size).toBe(1);
    w.open({ sport: 50_001 });
    accepted[1]!.abort(w.now);
    w.stack.wake(accepted[1]!);
    out.push(...w.take());
    expect(
      out.filter((x) => x.payload.length > 0).length,
      'data and its retransmission',
    ).toBeGreaterThan(1);
    expect(out.slice(-4).map((x) => x.flags)).toEqual([ACK | FIN, ACK, ACK, RST | ACK]);
    expect(new Set(tosOf(out))).toEqual(new Set([EF]));
  });

  it('MUST-48: a SYN cookie has it', () => {
    const w = new Wire({ config: { synCookies: 2 } });
    w.stack.listen({ port: 80, typeOfService: EF, user: { tcpAccept: () => true } });
    expect(tosOf(w.tcp({ flags: SYN }))).toEqual([EF]);
  });

  it('SHLD-21: it can be changed while the connection lasts', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open();
    const [conn] = accepted;
    const sendOne = (): number[] => {
      conn!.send(Uint8Array.of(1));
      conn!.setNoDelay(true);
      w.stack.wake(conn!);
      return tosOf(w.take());
    };
    expect(sendOne()).toEqual([0]);
    w.stack.setTypeOfService(conn!, EF);
    expect(sendOne()).toEqual([EF]);
    w.stack.setTypeOfService(conn!, 0x28);
    expect(sendOne()).toEqual([0x28]);
    expect(tosOf(w.tcp({ flags: ACK, seq: 500, ack: synAck.seq + 1, payload: [1] }))).toEqual([
      0x28,
    ]);
  });

  it('SHLD-22: IP gets it unchanged, apart from the ECN bits', () => {
    const w = new Wire();
    const accepted = w.listen();
    // ECN was negotiated: ECT(0) replaces the ECN bits that the user gave.
    for (const given of [0x00, 0x04, 0xb8, 0xfc, 0xb9, 0xff]) {
      const out = w.tcp({ flags: SYN | 0xc0, seq: 100, sport: 40_000 + given });
      w.tcp({ flags: ACK, seq: 101, ack: out[0]!.seq + 1, sport: 40_000 + given });
      const conn = accepted.at(-1)!;
      w.stack.setTypeOfService(conn, given);
      conn.send(Uint8Array.of(1));
      w.stack.wake(conn);
      expect(tosOf(w.take())).toEqual([(given & 0xfc) | 2]);
    }
  });

  it('MAY-9: the value received can be read', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open({ tos: 0x40 });
    const entry = entryOf(accepted[0]!);
    expect(entry.receivedTos).toBe(0x40);
    w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 1, payload: [1], tos: EF | 3 });
    expect(entry.receivedTos).toBe(EF | 3);
  });

  it.each([-1, 256, 1.5, NaN])('%d is refused', (tos) => {
    const w = new Wire();
    const to = { remote: Address.parse(PEER), remotePort: 80, user: nobody };
    expect(() => w.stack.connect({ ...to, typeOfService: tos }, w.now)).toThrow(
      /EINVAL: the type of service is a byte/,
    );
    expect(w.stack.tcp.connectionCount).toBe(0);
    expect(() => w.stack.setTypeOfService(w.stack.connect(to, w.now), tos)).toThrow(/EINVAL/);
    expect(() =>
      w.stack.listen({ port: 80, typeOfService: tos, user: { tcpAccept: () => true } }),
    ).toThrow(/EINVAL/);
    expect(w.stack.listen({ port: 80, user: { tcpAccept: () => true } }).port).toBe(80);
  });
});
