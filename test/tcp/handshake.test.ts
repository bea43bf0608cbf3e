import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { pattern, Script } from './script.js';

describe('passive open', () => {
  it('answers a SYN with SYN,ACK and its options, and is established by the ACK', () => {
    const s = Script.listen();
    const [synAck] = s.receive({ flags: 'S', mss: 1400, sackOk: true, ts: [1000, 0], wscale: 7 });
    expect(synAck).toMatchObject({ flags: 'S.', seq: 0, ack: 1, mss: 1460, sackOk: true, wscale: 5, win: 65_535 });
    expect(synAck!.ts![1]).toBe(1000);
    expect(s.state).toBe('SYN-RECEIVED');
    expect(s.receive({ flags: '.', seq: 1, ack: 1, ts: [1001, synAck!.ts![0]] })).toEqual([]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.conn.snd.mss).toBe(1388);
  });
});

describe('a conversation', () => {
  it('echoes and closes in good order', () => {
    const s = Script.established();
    expect(s.receive({ flags: 'P.', seq: 1, ack: 1, len: 10 })).toMatchObject([{ flags: '.', ack: 11 }]);
    expect(s.read()).toBe(10);
    expect(s.received).toEqual(pattern(10));
    expect(s.write(5)).toMatchObject([{ flags: 'P.', seq: 1, ack: 11, len: 5 }]);
    expect(s.receive({ flags: 'F.', seq: 11, ack: 6 })).toMatchObject([{ flags: '.', ack: 12 }]);
    expect(s.state).toBe('CLOSE-WAIT');
    expect(s.close()).toMatchObject([{ flags: 'F.', seq: 6, ack: 12 }]);
    expect(s.state).toBe('LAST-ACK');
    s.receive({ flags: '.', seq: 12, ack: 7 });
    expect(s.state).toBe('CLOSED');
    expect(s.wait(100 * SECOND)).toEqual([]);
  });

  it('retransmits, then gives up', () => {
    const s = Script.established();
    s.write(100);
    const again = s.wait(200 * MILLISECOND + 10_000);
    expect(again).toMatchObject([{ flags: 'P.', seq: 1, len: 100 }]);
    s.wait(2000 * SECOND);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });
});
