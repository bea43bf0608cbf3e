import { describe, expect, it } from 'vitest';
import { Capture, type PacketTap } from '../../src/device/capture.js';
import { Gso } from '../../src/device/device.js';
import { pair } from '../../src/device/pair.js';
import { buildPacket, faultOf, Notebook, pattern, send, withPartialChecksum } from './packets.js';

/** A tap that records its packets. */
class Album implements PacketTap {
  readonly shown: { direction: string; bytes: Uint8Array; at: number }[] = [];
  readonly log: string[] = [];

  packet(
    direction: 'in' | 'out',
    slab: { bytes: Uint8Array },
    offset: number,
    length: number,
    now: number,
  ): void {
    this.shown.push({ direction, bytes: slab.bytes.slice(offset, offset + length), at: now });
    this.log.push(direction);
  }

  batchEnd(): void {
    this.log.push('end');
  }
}

describe('Capture', () => {
  const whole = buildPacket({ version: 4, payload: pattern(20_000), flags: 0x18 });
  const partial = withPartialChecksum(whole);
  const wired = (offload: boolean) => {
    const [a, far] = pair({ offload, mtu: 1500 });
    const album = new Album();
    const near = new Notebook();
    const other = new Notebook();
    const capture = new Capture(a, album);
    capture.attach(near);
    far.attach(other);
    return { capture, far, album, near, other };
  };
  const asSuper = (tx: Parameters<NonNullable<Parameters<typeof send>[3]>>[0]): void => {
    tx.checksumPartial = true;
    tx.checksumStart = 20;
    tx.checksumOffset = 16;
    tx.gsoType = Gso.tcp4;
    tx.gsoSize = 1460;
    tx.headerBytes = 40;
  };

  it('records packets with complete checksums, and passes them on unchanged', () => {
    const { capture, far, album, near, other } = wired(true);
    send(capture, partial, 5, asSuper, 40);
    capture.flush(5);
    far.deliver(6);
    send(far, partial, 7, asSuper);
    capture.onTimeout(8);
    expect(
      album.shown.map((s) => [s.direction, s.at, faultOf(s.bytes), Buffer.compare(s.bytes, whole)]),
    ).toEqual([
      ['out', 5, '', 0],
      ['in', 8, '', 0],
    ]);
    for (const book of [near, other]) {
      expect(book.arrivals.length).toBe(1);
      const [arrival] = book.arrivals;
      expect(Buffer.compare(arrival!.bytes, partial)).toBe(0);
      expect([arrival!.checksumPartial, arrival!.gsoType, arrival!.gsoSize]).toEqual([
        true,
        Gso.tcp4,
        1460,
      ]);
    }
  });

  it('records an invalid packet unchanged', () => {
    const { capture, album } = wired(false);
    const broken = buildPacket({ version: 6, payload: pattern(10) });
    broken[65]! ^= 4;
    send(capture, broken);
    expect(album.shown[0]!.bytes).toEqual(broken);
    expect(faultOf(album.shown[0]!.bytes)).toBe('transport checksum');
  });

  it('reports the end of a batch after the receiver has handled it', () => {
    const { capture, far, album, near } = wired(false);
    const small = buildPacket({ version: 4 });
    near.batchEnd = () => album.log.push('handled');
    send(far, small);
    send(far, small);
    capture.onTimeout(0);
    send(capture, small);
    capture.flush(0);
    expect(album.log).toEqual(['in', 'in', 'handled', 'end', 'out', 'end']);
  });

  it('otherwise behaves as the device that it wraps', () => {
    const { capture } = wired(true);
    expect([capture.name, capture.mtu, capture.offload.tso4]).toEqual(['paira', 1500, true]);
    send(capture, buildPacket({ version: 4 }));
    expect(capture.counters.txPackets).toBe(1);
    capture.close();
    send(capture, buildPacket({ version: 4 }));
    expect(capture.counters.txDropped).toBe(1);
  });
});
