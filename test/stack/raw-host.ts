/** One stack and its wire: packets of both IP versions go in and out as bytes. */
import { SeededRandom } from '../../src/base/random.js';
import { SECOND, type Micros } from '../../src/base/time.js';
import { NO_OFFLOAD } from '../../src/device/device.js';
import { PairEnd } from '../../src/device/pair.js';
import { Prefix } from '../../src/ip/address.js';
import { Stack } from '../../src/stack/stack.js';
import { IpHeader } from '../../src/wire/ip.js';
import { parseIpv4 } from '../../src/wire/ipv4.js';
import { parseIpv6 } from '../../src/wire/ipv6.js';
import { Slab } from '../../src/base/slab.js';
import { naiveSum } from '../device/packets.js';

/** A parsed IP packet that the stack sent. */
export interface Reply {
  bytes: Uint8Array;
  version: number;
  source: number[];
  destination: number[];
  /** In IPv6 after a fragment header. */
  protocol: number;
  isFragment: boolean;
  payload: Uint8Array;
}

export class RawHost {
  readonly stack: Stack;
  now: Micros = 100 * SECOND;
  private readonly wire: PairEnd;
  private readonly end: PairEnd;
  private readonly out: Reply[] = [];

  constructor(mtu = 1500, addresses = ['198.18.0.2/24', 'fd74:6370:6c61:62::2/64']) {
    this.wire = new PairEnd('wire', 65_535, NO_OFFLOAD, 8192);
    this.end = new PairEnd('host', mtu, NO_OFFLOAD, 8192);
    PairEnd.join(this.wire, this.end);
    this.wire.attach({
      packet: (rx) => this.out.push(read(rx.slab.bytes.slice(rx.offset, rx.offset + rx.length))),
      batchEnd: () => undefined,
      deviceError: () => undefined,
      deviceDrop: () => undefined,
    });
    this.stack = new Stack({
      device: this.end,
      addresses: addresses.map((a) => Prefix.parse(a)),
      random: new SeededRandom(5),
      secret: new Uint8Array(16).fill(3),
    });
  }

  /** Sends packets to the stack in one batch, and returns the packets that it sends. */
  send(...packets: Uint8Array[]): Reply[] {
    for (const bytes of packets) {
      const p = this.wire.packet();
      p.slab.bytes.set(bytes, p.start);
      p.headBytes = bytes.length;
      this.wire.transmit(this.now);
    }
    this.end.deliver(this.now);
    return this.take();
  }

  /** Advances the clock and runs every timer on the way. */
  wait(time: Micros): Reply[] {
    const end = this.now + time;
    for (let next = this.stack.nextTimeout(); next <= end; next = this.stack.nextTimeout()) {
      this.now = Math.max(next, this.now);
      this.stack.onTimeout(this.now);
    }
    this.now = end;
    return this.take();
  }

  take(): Reply[] {
    this.stack.run(this.now);
    this.wire.deliver(this.now);
    return this.out.splice(0);
  }

  get drops(): Record<string, number> {
    return this.stack.dropsByName();
  }
}

function read(bytes: Uint8Array): Reply {
  const h = new IpHeader();
  const slab = new Slab(bytes);
  const version = bytes[0]! >> 4;
  const reason =
    version === 4 ? parseIpv4(slab, 0, bytes.length, h) : parseIpv6(slab, 0, bytes.length, h);
  if (reason !== 0 || h.payloadOffset + h.payloadLength !== bytes.length)
    throw new Error(`invalid packet: drop ${reason}`);
  const at = version === 4 ? 12 : 8;
  const size = version === 4 ? 4 : 16;
  return {
    bytes,
    version,
    source: [...bytes.slice(at, at + size)],
    destination: [...bytes.slice(at + size, at + 2 * size)],
    protocol: h.protocol,
    isFragment: h.isFragment,
    payload: bytes.slice(h.payloadOffset),
  };
}

/**
 * Whether the transport checksum of an unfragmented packet is valid. (All protocols here sum the
 * same way, ICMPv4 without a pseudo-header.)
 */
export function checksumHolds(r: Reply): boolean {
  const pseudo =
    r.protocol === 1
      ? 0
      : naiveSum(Uint8Array.from([...r.source, ...r.destination]), r.protocol + r.payload.length);
  return naiveSum(r.payload, pseudo) === 0xffff;
}
