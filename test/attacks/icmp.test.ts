/**
 * Forged ICMP errors (RFC 5927) are accepted only for data in flight, and never abort a
 * synchronized connection.
 */
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, FIN, type Out, Wire } from '../requirements/wire.js';

/** A connection with data in flight, and the packet that carries it. */
function inFlight(): { w: Wire; conn: Connection; data: Out } {
  const w = new Wire();
  const accepted = w.listen();
  w.open();
  const conn = accepted[0]!;
  conn.send(new Uint8Array(1000));
  w.stack.wake(conn);
  const [data] = w.take();
  return { w, conn, data: data! };
}

const states: [string, (w: Wire, conn: Connection, data: Out) => Out][] = [
  ['ESTABLISHED', (_w, _conn, data) => data],
  [
    'FIN-WAIT-1',
    (w, conn) => {
      conn.shutdown(w.now);
      w.stack.wake(conn);
      return w.take()[0]!;
    },
  ],
  [
    'CLOSING',
    (w, conn, data) => {
      conn.shutdown(w.now);
      w.stack.wake(conn);
      const fin = w.take()[0]!;
      w.tcp({ flags: FIN | ACK, seq: 101, ack: data.seq });
      return fin;
    },
  ],
  [
    'CLOSE-WAIT',
    (w, _conn, data) => {
      w.tcp({ flags: FIN | ACK, seq: 101, ack: data.seq });
      return data;
    },
  ],
  [
    'LAST-ACK',
    (w, conn, data) => {
      w.tcp({ flags: FIN | ACK, seq: 101, ack: data.seq });
      conn.shutdown(w.now);
      w.stack.wake(conn);
      return w.take().at(-1)!;
    },
  ],
];

describe('a synchronised connection', () => {
  it.each(states)(
    'ATK-13: in %s survives errors of every type and code, even if they quote data in flight',
    (state, reach) => {
      const { w, conn, data } = inFlight();
      const about = reach(w, conn, data);
      expect(conn.stateName).toBe(state);
      for (let type = 0; type < 256; type++)
        for (let code = 0; code < 16; code++) w.icmp(type, code, about);
      expect([conn.stateName, conn.error, w.stack.tcp.connectionCount]).toEqual([state, null, 1]);
      expect(w.stack.checkInvariants()).toBeNull();
      // It continues: all sent data is acknowledged.
      w.tcp({
        flags: ACK,
        seq: state.startsWith('FIN') || state === 'ESTABLISHED' ? 101 : 102,
        ack: conn.snd.nxt >>> 0,
      });
      expect(conn.snd.una).toBe(conn.snd.nxt);
    },
  );

  it('ATK-12: does not record an error that quotes a sequence number not in flight', () => {
    const { w, conn, data } = inFlight();
    for (const off of [-1, 1000, 5000, 0x4000_0000, 0x8000_0000]) {
      w.icmp(3, 1, data, (data.seq + off) >>> 0);
      expect(conn.softError, `SND.UNA + ${off}`).toBeNull();
    }
    w.icmp(3, 1, data, data.seq + 999);
    expect(conn.softError).toBe('EHOSTUNREACH');
  });

  it('is not affected by an error about other ports or addresses', () => {
    const { w, conn, data } = inFlight();
    for (const at of [16, 19, 20, 21, 22, 23]) {
      const about = { ...data, bytes: data.bytes.slice() };
      about.bytes[at]! ^= 1;
      w.icmp(3, 1, about);
    }
    expect(conn.softError).toBeNull();
    expect(w.stack.dropsByName()).toMatchObject({ icmpNoSuchFlow: 6 });
  });
});
