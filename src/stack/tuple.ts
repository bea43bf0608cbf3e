/**
 * The four-tuple of a TCP segment or connection, from this host's point of view: local address and
 * port, remote address and port.
 *
 * An address is four int32 words, an IPv4 address in v4-mapped form. A tuple is filled from a
 * packet's headers and reused for the next packet, so that finding a connection allocates nothing.
 * A `Flow` holds the same for longer than a packet.
 */
import { Address } from '../ip/address.js';
import { pseudoHeaderSum } from '../wire/checksum.js';
import type { IcmpQuote } from '../wire/icmp.js';
import { addressVersion, type AddressWords, type IpHeader, PROTOCOL_TCP } from '../wire/ip.js';
import type { Segment } from '../wire/tcp.js';
import { Flow } from './flow.js';

/** Number of words that `writeTo` writes: four for each address, and one for the ports. */
export const TUPLE_WORDS = 9;

/** A mutable address of a tuple. */
export class Words implements AddressWords {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;

  set(w0: number, w1: number, w2: number, w3: number): void {
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
  }

  toAddress(): Address {
    return Address.fromWords(this.w0, this.w1, this.w2, this.w3);
  }
}

export class Tuple {
  readonly local = new Words();
  readonly remote = new Words();
  localPort = 0;
  remotePort = 0;
  /**
   * Hash of the tuple, int32. It is seeded, so that an attacker cannot choose tuples that collide.
   */
  hash = 0;
  private readonly seed: number;

  /** Tuples whose hashes are compared must have the same seed. */
  constructor(seed: number) {
    this.seed = seed | 0;
  }

  /** Both ports in one int32: (local << 16) | remote. */
  get ports(): number {
    return (this.localPort << 16) | this.remotePort;
  }

  get version(): 4 | 6 {
    return addressVersion(this.remote);
  }

  /** Sum of the pseudo-header without the length. It is the same in both directions. */
  get pseudoSum(): number {
    const { local: l, remote: r } = this;
    return pseudoHeaderSum(l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, PROTOCOL_TCP);
  }

  /** Fills in the tuple of a received segment: its destination is local. */
  ofArrival(ip: IpHeader, seg: Segment): void {
    this.local.set(ip.d0, ip.d1, ip.d2, ip.d3);
    this.remote.set(ip.s0, ip.s1, ip.s2, ip.s3);
    this.setPorts(seg.destinationPort, seg.sourcePort);
  }

  /** Fills in the tuple of a sent segment that an ICMP error quotes: its source is local. */
  ofQuote(e: IcmpQuote): void {
    this.local.set(e.s0, e.s1, e.s2, e.s3);
    this.remote.set(e.d0, e.d1, e.d2, e.d3);
    this.setPorts(e.sourcePort, e.destinationPort);
  }

  of(local: AddressWords, localPort: number, remote: AddressWords, remotePort: number): void {
    this.local.set(local.w0, local.w1, local.w2, local.w3);
    this.remote.set(remote.w0, remote.w1, remote.w2, remote.w3);
    this.setPorts(localPort, remotePort);
  }

  /** Writes `TUPLE_WORDS` words to `w`, for keyed hashes. */
  writeTo(w: Int32Array): void {
    const { local, remote } = this;
    w[0] = local.w0;
    w[1] = local.w1;
    w[2] = local.w2;
    w[3] = local.w3;
    w[4] = remote.w0;
    w[5] = remote.w1;
    w[6] = remote.w2;
    w[7] = remote.w3;
    w[8] = this.ports;
  }

  toFlow(): Flow {
    return new Flow(
      this.local.toAddress(),
      this.localPort,
      this.remote.toAddress(),
      this.remotePort,
    );
  }

  private setPorts(localPort: number, remotePort: number): void {
    this.localPort = localPort;
    this.remotePort = remotePort;
    this.hash = this.mix();
  }

  private mix(): number {
    const { local: l, remote: r } = this;
    let h = this.seed;
    h = Math.imul(h ^ r.w3, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ this.ports, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 13) ^ l.w3, 0x27d4eb2f);
    h = Math.imul(h ^ (h >>> 16) ^ r.w2 ^ l.w2, 0x165667b1);
    h = Math.imul(h ^ (h >>> 15) ^ r.w1 ^ (l.w1 << 7), 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 13) ^ r.w0 ^ (l.w0 << 5), 0x85ebca77);
    return h ^ (h >>> 16);
  }
}
