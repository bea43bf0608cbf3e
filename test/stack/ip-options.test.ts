import { describe, expect, it } from 'vitest';
import { be16, ipv4 } from '../wire/build.js';
import { naiveSum } from '../device/packets.js';
import { SYN, ACK, RST, Wire, type Out } from '../requirements/wire.js';
import { checksumHolds, RawHost, type Reply } from './raw-host.js';

const OURS = [198, 18, 0, 2];
const ECHO_REPLY = 0;
const UNREACHABLE = 3;
const PARAMETER_PROBLEM = 12;

function echoRequest(dataBytes = 4): Uint8Array {
  const m = Uint8Array.from([8, 0, 0, 0, 0, 1, 0, 1, ...new Array<number>(dataBytes).fill(7)]);
  m.set(be16(~naiveSum(m)), 2);
  return m;
}

const ask = (options: number[], host = new RawHost()): Reply[] =>
  host.send(ipv4({ protocol: 1, options, payload: echoRequest() }));
const optionsOf = (r: Reply): number[] => [...r.bytes.subarray(20, (r.bytes[0]! & 15) * 4)];

describe('IPv4 options of incoming packets', () => {
  it('RFC 1122 section 3.2.2.6: an echo reply returns record route and timestamp', () => {
    const [reply] = ask([7, 11, 4, ...new Array<number>(8).fill(0), 1]);
    expect([reply!.payload[0], optionsOf(reply!)]).toEqual([
      ECHO_REPLY,
      [7, 11, 12, ...OURS, ...OURS, 0],
    ]);
    expect(checksumHolds(reply!)).toBe(true);
    const [timed] = ask([68, 12, 5, 3, ...OURS, 0, 0, 0, 0]);
    // 100 s on the test's clock, which is not relative to midnight.
    expect(optionsOf(timed!)).toEqual([68, 12, 13, 3, ...OURS, 0x80, 1, 0x86, 0xa0]);
  });

  it('RFC 791: room for only a part of an address is an error, and the packet is dropped', () => {
    const host = new RawHost();
    expect(ask([7, 9, 4, ...new Array<number>(9).fill(0)], host)).toEqual([]);
    expect(host.stack.dropsByName()).toEqual({ ipBadOption: 1 });
    expect(optionsOf(ask([], host)[0]!)).toEqual([]);
  });

  it('a fragmented reply has them in its first fragment only', () => {
    const host = new RawHost(576);
    const replies = host.send(
      ipv4({ protocol: 1, options: [7, 7, 4, 0, 0, 0, 0, 0], payload: echoRequest(1000) }),
    );
    expect(replies.map((r) => optionsOf(r).length)).toEqual([8, 0]);
    expect(replies.reduce((n, r) => n + r.payload.length, 0)).toBe(1008);
    expect(replies.every((r) => r.bytes.length <= 576 && r.isFragment)).toBe(true);
  });

  it('the next reply has none', () => {
    const host = new RawHost();
    ask([7, 7, 4, 0, 0, 0, 0, 0], host);
    expect(optionsOf(ask([], host)[0]!)).toEqual([]);
  });

  it('RFC 1122 section 3.2.2.5: an invalid one gets a Parameter Problem that points at it, and quotes the packet', () => {
    const host = new RawHost();
    const packet = ipv4({ protocol: 1, options: [1, 30, 9, 0], payload: echoRequest() });
    const [problem] = host.send(packet);
    expect([...problem!.payload.subarray(0, 2)]).toEqual([PARAMETER_PROBLEM, 0]);
    expect([...problem!.payload.subarray(4, 8)]).toEqual([21, 0, 0, 0]);
    expect([...problem!.payload.subarray(8)]).toEqual([...packet]);
    expect(checksumHolds(problem!)).toBe(true);
    expect(host.stack.dropsByName()).toEqual({ ipBadOption: 1 });
  });

  it.each([
    ['to a broadcast address', { destination: [198, 18, 0, 255] }],
    ['in a later fragment', { fragment: 2 }],
    ['in an ICMP error', { payload: [UNREACHABLE, 3, 0, 0, 0, 0, 0, 0] }],
  ])('an invalid one gets no Parameter Problem %s', (_, spec) => {
    const host = new RawHost();
    const packet = ipv4({ protocol: 1, options: [30, 0, 0, 0], payload: echoRequest(), ...spec });
    expect(host.send(packet)).toEqual([]);
    expect(host.stack.dropsByName()).toEqual({ ipBadOption: 1 });
  });

  it.each([131, 137])(
    'a source route, kind %i, is dropped silently (RFC 7126 section 4.3)',
    (kind) => {
      const host = new RawHost();
      expect(ask([kind, 7, 8, 192, 0, 2, 9, 0], host)).toEqual([]);
      expect(host.stack.dropsByName()).toEqual({ ipSourceRoute: 1 });
      const w = new Wire();
      w.listen();
      expect(w.tcp({ flags: SYN, ipOptions: [kind, 7, 8, 192, 0, 2, 9, 0] })).toEqual([]);
    },
  );
});

describe('a TCP option of invalid length', () => {
  const MSS = [2, 4, 5, 0];
  const bad = [
    ['0', [...MSS, 30, 0, 1, 1]],
    ['1', [...MSS, 30, 1, 1, 1]],
    ['past the end', [...MSS, 3, 5, 7, 1]],
    ['missing', [...MSS, 1, 1, 1, 3]],
  ] as const;
  const syn = (w: Wire, options: readonly number[]): Out[] =>
    w.tcp({ flags: SYN, seq: 100, options: [...options] });

  it.each(bad)(
    'linux: of length %s ends the options, and the segment is accepted',
    (_, options) => {
      const w = new Wire();
      w.listen();
      expect(syn(w, options)).toMatchObject([{ flags: SYN | ACK, ack: 101 }]);
      expect([...w.stack.connections()].map((c) => c.peerMss)).toEqual([1280]);
      expect(w.stack.dropsByName()).toEqual({});
    },
  );

  it.each(bad)('rfc: of length %s makes the segment invalid (MUST-7)', (_, options) => {
    const w = new Wire({ profile: 'rfc' });
    w.listen();
    expect(syn(w, options)).toEqual([]);
    expect(w.stack.dropsByName()).toEqual({ tcpBadOptionLength: 1 });
  });

  it('linux: to a closed port it is answered with a RST like any segment', () => {
    expect(syn(new Wire(), bad[0][1])).toMatchObject([{ flags: RST | ACK, ack: 101 }]);
  });
});
