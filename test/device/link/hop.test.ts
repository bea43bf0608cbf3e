/** The simulated link's hop with a smaller MTU, which treats long packets as a router does. */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { Link } from '../../../src/device/link/link.js';
import { parseLink } from '../../../src/device/link/link-options.js';
import { pair } from '../../../src/device/pair.js';
import { Drop } from '../../../src/wire/drop.js';
import { VirtualTime } from '../../sim/virtual.js';
import { buildPacket, faultOf, naiveSum, Notebook, pattern, send } from '../packets.js';

function wired(words: string) {
  const [a, b] = pair();
  const log: string[] = [];
  const link = new Link(a, parseLink(words), {
    linkDropped: (direction, reason, detail) =>
      log.push(`${direction} ${reason === Drop.linkTooBig} ${detail}`),
    linkAltered: () => undefined,
  });
  const [near, far] = [new Notebook(), new Notebook()];
  link.attach(near);
  b.attach(far);
  const time = new VirtualTime(SECOND).add(link, b);
  return { link, far: b, log, time, near, atFar: far };
}

/** A TCP packet of that many bytes. */
function packet(version: 4 | 6, length: number, df = true): Uint8Array {
  const p = buildPacket({
    version,
    payload: pattern(length - (version === 4 ? 40 : 60)),
    id: 0x1234,
  });
  if (version === 6 || df) return p;
  p[6] = 0;
  p.set([0, 0], 10);
  const sum = ~naiveSum(p.slice(0, 20)) & 0xffff;
  p.set([sum >> 8, sum & 255], 10);
  return p;
}

describe.each([4, 6] as const)('a hop of MTU 1300, IPv%i', (version) => {
  const [type, code] = version === 4 ? [3, 4] : [2, 0];
  const ip = version === 4 ? 20 : 40;

  it.each(['out', 'in'] as const)(
    'sends an ICMP error about a packet that is too long, and passes the others (%s)',
    (direction) => {
      const { link, far, log, time, near, atFar } = wired('mtu 1300 delay 5ms');
      const [sender, heard, arrived] =
        direction === 'out' ? [link, near, atFar] : [far, atFar, near];
      send(sender, packet(version, 1300), time.now);
      send(sender, packet(version, 1301), time.now);
      time.runToQuiescence();
      expect(arrived.arrivals.map((p) => p.bytes.length)).toEqual([1300]);
      expect(log).toEqual([`${direction} true MTU 1300, ICMP sent`]);
      expect(link[direction].counters).toMatchObject({ tooBig: 1, cut: 0, delivered: 1 });
      const [error] = heard.arrivals;
      // Not at once, because the sender is still in its own call.
      expect(error!.at).toBe(SECOND + 5 * MILLISECOND);
      const { bytes } = error!;
      if (version === 6) expect(faultOf(bytes)).toBe('');
      else
        expect([naiveSum(bytes.slice(0, 20)), naiveSum(bytes.slice(20))]).toEqual([0xffff, 0xffff]);
      expect([...bytes.slice(ip, ip + 2), ...bytes.slice(ip + 4, ip + 8)]).toEqual([
        type,
        code,
        0,
        0,
        5,
        20,
      ]);
      expect(bytes.length).toBe(version === 4 ? 576 : 1280);
      expect(bytes.slice(ip + 8)).toEqual(packet(version, 1301).slice(0, bytes.length - ip - 8));
      // From the packet's destination to its source.
      const size = version === 4 ? 4 : 16;
      const at = version === 4 ? 12 : 8;
      const original = packet(version, 1301);
      expect(bytes.slice(at, at + size)).toEqual(original.slice(at + size, at + 2 * size));
      expect(bytes.slice(at + size, at + 2 * size)).toEqual(original.slice(at, at + size));
    },
  );

  it('sends no error if it is a black hole', () => {
    const { link, log, time, near, atFar } = wired('mtu 1300 blackhole');
    send(link, packet(version, 1400), time.now);
    time.runToQuiescence();
    expect([near.arrivals.length, atFar.arrivals.length, log]).toEqual([
      0,
      0,
      ['out true MTU 1300'],
    ]);
  });

  it('sends no error about a later fragment, because it has no ports', () => {
    const { link, time, near } = wired('mtu 100');
    const p = packet(version, 400);
    if (version === 4) {
      p.set([0x40, 10], 6); // DF, and an offset
      p.set([0, 0], 10);
      const sum = ~naiveSum(p.slice(0, 20)) & 0xffff;
      p.set([sum >> 8, sum & 255], 10);
    } else {
      p[6] = 44;
      p.set([6, 0, 0, 80, 0, 0, 0, 1], 40);
    }
    send(link, p, time.now);
    time.runToQuiescence();
    expect(near.arrivals).toEqual([]);
    expect(link.out.counters.tooBig).toBe(1);
  });
});

it('a router from before RFC 1191 leaves the MTU out; IPv6 always has it', () => {
  for (const [version, mtu] of [
    [4, 0],
    [6, 1300],
  ] as const) {
    const { link, time, near } = wired('mtu 1300 no-mtu');
    send(link, packet(version, 1400), time.now);
    time.runToQuiescence();
    const [error] = near.arrivals;
    expect(new DataView(error!.bytes.buffer).getUint16((version === 4 ? 20 : 40) + 6)).toBe(mtu);
  }
});

it('cuts IPv4 packets without DF into fragments of at most its MTU', () => {
  const { link, time, near, atFar } = wired('mtu 576');
  const whole = packet(4, 1500, false);
  send(link, whole, time.now);
  time.runToQuiescence();
  expect(near.arrivals).toEqual([]);
  expect(link.out.counters).toMatchObject({ cut: 1, tooBig: 0, delivered: 3 });
  const pieces = atFar.arrivals.map((p) => p.bytes);
  expect(
    pieces.map((p) => [p.length, p[6]! & 0x20, ((p[6]! & 0x1f) << 8) | p[7]!, p[4]! * 256 + p[5]!]),
  ).toEqual([
    [572, 0x20, 0, 0x1234],
    [572, 0x20, 69, 0x1234],
    [396, 0, 138, 0x1234],
  ]);
  expect(pieces.every((p) => naiveSum(p.slice(0, 20)) === 0xffff)).toBe(true);
  expect(Uint8Array.from(pieces.flatMap((p) => [...p.slice(20)]))).toEqual(whole.slice(20));
});
