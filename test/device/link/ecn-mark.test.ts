/** The link sets Congestion Experienced. */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../../src/base/slab.js';
import { SECOND } from '../../../src/base/time.js';
import { isEcnCapable, markCe } from '../../../src/device/link/ecn-mark.js';
import { Link } from '../../../src/device/link/link.js';
import { parseLink } from '../../../src/device/link/link-options.js';
import { pair } from '../../../src/device/pair.js';
import { Ecn } from '../../../src/wire/tcp.js';
import { VirtualTime } from '../../sim/virtual.js';
import { buildPacket, faultOf, Notebook, send, withHeaderEcn } from '../packets.js';

const packet = (version: 4 | 6, ecn: number): Uint8Array =>
  withHeaderEcn(buildPacket({ version, payload: Uint8Array.of(1, 2, 3) }), ecn);
const ecnOf = (bytes: Uint8Array): number =>
  bytes[0]! >> 4 === 4 ? bytes[1]! & 3 : (bytes[1]! >> 4) & 3;

describe.each([4, 6] as const)('a mark in IPv%i', (version) => {
  it('sets CE and keeps every other bit and the checksum right', () => {
    for (const ecn of [Ecn.ect1, Ecn.ect0, Ecn.ce]) {
      const bytes = packet(version, ecn);
      const slab = new Slab(bytes.slice());
      expect(isEcnCapable(slab, 0, bytes.length)).toBe(true);
      markCe(slab, 0);
      expect(slab.bytes).toEqual(packet(version, Ecn.ce));
      expect(faultOf(slab.bytes)).toBe('');
    }
    expect(isEcnCapable(new Slab(packet(version, Ecn.notEct)), 0, 60)).toBe(false);
  });

  it('replaces a loss, except in packets without ECN', () => {
    const [a, b] = pair({});
    const link = new Link(a, parseLink('out mark 100%'));
    const far = new Notebook();
    link.attach(new Notebook());
    b.attach(far);
    const time = new VirtualTime(SECOND).add(link, b);
    for (const ecn of [Ecn.ect0, Ecn.notEct, Ecn.ect1, Ecn.ce])
      send(link, packet(version, ecn), time.now);
    time.runToQuiescence();
    expect(far.arrivals.map((p) => ecnOf(p.bytes))).toEqual([Ecn.ce, Ecn.ce, Ecn.ce]);
    expect(far.arrivals.map((p) => faultOf(p.bytes))).toEqual(['', '', '']);
    expect(link.out.counters).toMatchObject({ packets: 4, marked: 3, lost: 1, delivered: 3 });
  });
});

it('bytes that are not an IP packet are not ECN-capable', () => {
  for (const bytes of [
    [],
    [0x45, 3],
    [0x60, 0x30, ...new Array<number>(30).fill(0)],
    new Array<number>(60).fill(0xff),
  ])
    expect(isEcnCapable(new Slab(Uint8Array.from(bytes)), 0, bytes.length)).toBe(false);
});
