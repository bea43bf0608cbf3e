/**
 * Segments in TIME-WAIT (RFC 9293 section 3.10.7.4, RFC 6191, RFC 7323), tested on the record
 * alone, without a stack.
 */
import { describe, expect, it } from 'vitest';
import { PROFILES, type ProfileName, type TcpConfig } from '../../src/tcp/config.js';
import {
  arrivesInTimeWait,
  TimeWait,
  timeWaitAck,
  TimeWaitRecord,
} from '../../src/tcp/time-wait.js';
import { Segment } from '../../src/wire/tcp.js';
import { fill, type Wire } from './peer.js';

type Verdict = keyof typeof TimeWait;

/** SND.NXT is 2 and RCV.NXT 101; both ISSs are 0. */
function record(timestamps: boolean, tsRecent = 1000): TimeWaitRecord {
  const r = new TimeWaitRecord();
  Object.assign(r, {
    sndNxt: 2,
    rcvNxt: 101,
    wnd: 500,
    timestamps,
    tsRecent: timestamps ? tsRecent : 0,
    tsOffset: 7,
  });
  return r;
}

function verdict(
  r: TimeWaitRecord,
  w: Partial<Wire>,
  o: Partial<TcpConfig> & { profile?: ProfileName } = {},
): Verdict {
  const seg = new Segment();
  fill(seg, { flags: '.', seq: 101, ...w }, 0, 0);
  const value = arrivesInTimeWait(r, seg, { ...PROFILES[o.profile ?? 'linux'], ...o });
  return (Object.keys(TimeWait) as Verdict[]).find((name) => TimeWait[name] === value)!;
}

const plain = (): TimeWaitRecord => record(false);
const agreed = (): TimeWaitRecord => record(true);
const strict = { profile: 'rfc' } as const;

describe('an ACK, text or FIN', () => {
  it.each<[string, Partial<Wire>, Verdict]>([
    ['the ACK of our ACK', {}, 'drop'],
    ['an old ACK', { seq: 100 }, 'acknowledge'],
    ['text', { len: 1 }, 'acknowledge'],
    ['the FIN retransmitted', { flags: 'F.', seq: 100 }, 'acknowledge'],
  ])('%s', (_, w, expected) => {
    expect(verdict(plain(), w)).toBe(expected);
    expect(verdict(plain(), w, strict)).toBe(expected);
    for (const o of [{}, strict])
      expect(verdict(agreed(), { ...w, ts: [1000, 0] }, o)).toBe(expected);
  });

  it('with an old timestamp is acknowledged (RFC 7323 section 5.3)', () => {
    const r = agreed();
    expect(verdict(r, { ts: [999, 0] })).toBe('acknowledge');
    expect(r.tsRecent).toBe(1000);
  });

  it('ignores timestamps that were not negotiated', () => {
    expect(verdict(plain(), { ts: [-1, 0] })).toBe('drop');
  });

  it('with a newer timestamp updates TS.Recent; without one TS.Recent stays', () => {
    const r = agreed();
    expect(verdict(r, { ts: [1005, 0] })).toBe('drop');
    expect(r.tsRecent).toBe(1005);
    expect(verdict(r, {})).toBe('drop');
    expect(r.tsRecent).toBe(1005);
  });
});

describe('without the negotiated timestamps (RFC 7323 section 3.2)', () => {
  it.each<[string, Partial<Wire>, Verdict, Verdict]>([
    ['text', { len: 1 }, 'acknowledge', 'drop'],
    ['a FIN', { flags: 'F.', seq: 100 }, 'acknowledge', 'drop'],
    ['a SYN that may reopen', { flags: 'S', seq: 102 }, 'reopen', 'reopen'],
    ['an old SYN', { flags: 'S', seq: 50 }, 'acknowledge', 'acknowledge'],
  ])('%s', (_, w, linux, rfc) => {
    expect([verdict(agreed(), w), verdict(agreed(), w, strict)]).toEqual([linux, rfc]);
  });

  it('a RST is processed, because strict timestamps do not apply to it', () => {
    expect(verdict(agreed(), { flags: 'R' }, { ...strict, rfc1337: false })).toBe('close');
  });

  it('with TS.Recent in the upper half of the number space it is not older, and a SYN not newer', () => {
    const r = (): TimeWaitRecord => record(true, -5);
    expect(verdict(record(true, 5), {})).toBe('drop');
    expect(verdict(r(), { flags: 'S', seq: 50 })).toBe('acknowledge');
    expect(verdict(r(), { flags: 'S', seq: 50, ts: [0, 0] })).toBe('reopen');
  });
});

describe('a RST (RFC 5961 section 3.2, RFC 1337)', () => {
  it.each<[string, TimeWaitRecord, Partial<Wire>, boolean, Verdict]>([
    ['exactly RCV.NXT', plain(), {}, false, 'close'],
    ['another', plain(), { seq: 102 }, false, 'drop'],
    ['with tcp_rfc1337', plain(), {}, true, 'drop'],
    ['with an old timestamp', agreed(), { ts: [999, 0] }, false, 'drop'],
    ['with TS.Recent', agreed(), { ts: [1000, 0] }, false, 'close'],
  ])('%s', (_, r, w, rfc1337, expected) => {
    expect(verdict(r, { flags: 'R', ...w }, { rfc1337 })).toBe(expected);
  });
});

describe('a SYN (RFC 9293 MAY-2, RFC 6191)', () => {
  it.each<[string, TimeWaitRecord, Partial<Wire>, Verdict]>([
    ['above RCV.NXT', plain(), { seq: 102 }, 'reopen'],
    ['at RCV.NXT', plain(), { seq: 101 }, 'acknowledge'],
    [
      'at RCV.NXT, timestamp that was not negotiated',
      plain(),
      { seq: 101, ts: [5, 0] },
      'acknowledge',
    ],
    ['below, newer timestamp', agreed(), { seq: 50, ts: [1001, 0] }, 'reopen'],
    ['below, the same timestamp', agreed(), { seq: 50, ts: [1000, 0] }, 'acknowledge'],
    ['above, the same timestamp', agreed(), { seq: 102, ts: [1000, 0] }, 'reopen'],
    ['above, older timestamp', agreed(), { seq: 102, ts: [999, 0] }, 'acknowledge'],
    ['SYN,ACK above RCV.NXT', agreed(), { flags: 'S.', seq: 102, ts: [1001, 0] }, 'acknowledge'],
  ])('%s', (_, r, w, expected) => {
    expect(verdict(r, { flags: 'S', ...w })).toBe(expected);
  });
});

describe('the ACK that it sends', () => {
  it.each([true, false])(
    'is <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; timestamps negotiated: %s',
    (timestamps) => {
      const ack = new Segment();
      timeWaitAck(record(timestamps), new Segment(), ack, 100);
      expect(ack).toMatchObject({
        flags: 16,
        seq: 2,
        ack: 101,
        wnd: 500,
        hasTimestamps: timestamps,
      });
      expect([ack.tsVal, ack.tsEcr]).toEqual(timestamps ? [107, 1000] : [0, 0]);
    },
  );
});
