/**
 * A stack and its wire: packets are bytes, built and parsed here by other code than the stack's
 * own. For tests of requirements on addresses, checksums, ICMP or several connections at once.
 */
import { SeededRandom } from '../../src/base/random.js';
import { SECOND, type Micros } from '../../src/base/time.js';
import type { RxPacket } from '../../src/device/device.js';
import { pair, type PairEnd } from '../../src/device/pair.js';
import { Address, Prefix } from '../../src/ip/address.js';
import { Stack, type StackOptions } from '../../src/stack/stack.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { naiveSum } from '../device/packets.js';

export const US = '198.18.0.2';
export const PEER = '198.18.0.1';

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

export interface Tcp {
  from?: string;
  to?: string;
  sport?: number;
  dport?: number;
  seq?: number;
  ack?: number;
  flags: number;
  /** The type of service byte, ECN's two bits included. */
  tos?: number;
  /** TCP option bytes, a multiple of four. */
  options?: number[];
  ipOptions?: number[];
  payload?: number[];
  badChecksum?: boolean;
  /** Sends two fragments; the first has this many bytes of the segment, a multiple of eight. */
  cutAt?: number;
  /** The window field; 65,535 by default. */
  wnd?: number;
}

/** A TCP packet that the stack sent, or ICMP with `protocol` 1. */
export interface Out {
  from: string;
  to: string;
  protocol: number;
  ttl: number;
  tos: number;
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  flags: number;
  wnd: number;
  options: number[];
  payload: number[];
  checksumRight: boolean;
  bytes: Uint8Array;
}

const bytesOf = (address: string): number[] => address.split('.').map(Number);
const u16 = (n: number): number[] => [(n >> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];
const get16 = (b: Uint8Array, o: number): number => b[o]! * 256 + b[o + 1]!;
const get32 = (b: Uint8Array, o: number): number => get16(b, o) * 65_536 + get16(b, o + 2);

function ipPacket(
  from: string,
  to: string,
  protocol: number,
  payload: number[],
  options: number[] = [],
  tos = 0,
  /** Flags and fragment offset. */
  fragment = 0x4000,
): number[] {
  const header = [
    0x45 + options.length / 4,
    tos,
    ...u16(20 + options.length + payload.length),
    0,
    1,
    ...u16(fragment),
    64,
    protocol,
    0,
    0,
  ];
  header.push(...bytesOf(from), ...bytesOf(to), ...options);
  header.splice(10, 2, ...u16(~naiveSum(Uint8Array.from(header))));
  return [...header, ...payload];
}

export const transportSum = (
  from: string,
  to: string,
  protocol: number,
  payload: number[],
): number =>
  naiveSum(
    Uint8Array.from([
      ...bytesOf(from),
      ...bytesOf(to),
      0,
      protocol,
      ...u16(payload.length),
      ...payload,
    ]),
  );

export class Wire {
  readonly stack: Stack;
  /** Packets that the stack sent since the last call of `take`. */
  private readonly out: Out[] = [];
  /** Packets that wait until their batch is complete. */
  private held: number[][] | null = null;
  now: Micros;
  private readonly end: PairEnd;
  private readonly stackEnd: PairEnd;

  constructor({
    now = SECOND,
    ...o
  }: Partial<StackOptions> & { now?: Micros; mtu?: number; offload?: boolean } = {}) {
    this.now = now;
    [this.end, this.stackEnd] = pair({ mtu: o.mtu ?? 1500, offload: o.offload ?? false });
    this.end.attach({
      packet: (rx) => this.out.push(read(rx)),
      batchEnd: () => undefined,
      deviceError: () => undefined,
      deviceDrop: () => undefined,
    });
    this.stack = new Stack({
      device: this.stackEnd,
      addresses: [new Prefix(Address.parse(US), 24)],
      random: new SeededRandom(1),
      secret: new Uint8Array(16).fill(7),
      ...o,
    });
  }

  /** Runs the stack's turn, and returns what it sent since the last time. */
  take(): Out[] {
    this.stack.run(this.now);
    this.end.deliver(this.now);
    return this.out.splice(0);
  }

  /** Puts packets on the wire, in one batch, and returns what the stack sent. */
  raw(...packets: number[][]): Out[] {
    if (this.held !== null) {
      this.held.push(...packets);
      return [];
    }
    for (const bytes of packets) {
      const p = this.end.packet();
      p.slab.bytes.set(bytes, p.start);
      p.headBytes = bytes.length;
      this.end.transmit(this.now);
    }
    this.stackEnd.deliver(this.now);
    return this.take();
  }

  tcp(t: Tcp): Out[] {
    const { from = PEER, to = US, options = [], payload = [] } = t;
    const header = [
      ...u16(t.sport ?? 50_000),
      ...u16(t.dport ?? 80),
      ...u32(t.seq ?? 0),
      ...u32(t.ack ?? 0),
    ];
    header.push(
      (5 + options.length / 4) << 4,
      t.flags,
      ...u16(t.wnd ?? 65_535),
      0,
      0,
      0,
      0,
      ...options,
    );
    const segment = [...header, ...payload];
    const sum = ~transportSum(from, to, 6, segment) ^ (t.badChecksum === true ? 1 : 0);
    segment.splice(16, 2, ...u16(sum));
    const { cutAt } = t;
    if (cutAt === undefined) return this.raw(ipPacket(from, to, 6, segment, t.ipOptions, t.tos));
    const first = this.raw(ipPacket(from, to, 6, segment.slice(0, cutAt), [], 0, 0x2000));
    return [...first, ...this.raw(ipPacket(from, to, 6, segment.slice(cutAt), [], 0, cutAt / 8))];
  }

  /** Several segments in one batch of the device; returns everything that the stack sent. */
  batch(...segments: Tcp[]): Out[] {
    this.held = [];
    for (const t of segments) this.tcp(t);
    const packets = this.held;
    this.held = null;
    return this.raw(...packets);
  }

  /**
   * An ICMP error about the packet `about` that the stack sent; `seq` replaces the sequence number
   * in the quote; `mtu`: of the next hop.
   */
  icmp(type: number, code: number, about: Out, seq?: number, mtu = 0): Out[] {
    const quote = [...about.bytes.slice(0, 28)];
    if (seq !== undefined) quote.splice(24, 4, ...u32(seq));
    const message = [type, code, 0, 0, 0, 0, ...u16(mtu), ...quote];
    message.splice(2, 2, ...u16(~naiveSum(Uint8Array.from(message))));
    return this.raw(ipPacket(PEER, about.from, 1, message));
  }

  /** Advances the clock and runs every timer on the way; returns what the stack sent. */
  wait(time: Micros): Out[] {
    const end = this.now + time;
    for (let next = this.stack.nextTimeout(); next <= end; next = this.stack.nextTimeout()) {
      this.now = Math.max(next, this.now);
      this.stack.onTimeout(this.now);
      this.end.deliver(this.now);
    }
    this.now = end;
    return this.take();
  }

  /** A listener that accepts every connection; `user` gets their events. */
  listen(user: TcpUser | null = null, port = 80): Connection[] {
    const accepted: Connection[] = [];
    this.stack.listen({
      port,
      user: {
        tcpAccept(conn) {
          conn.user = user;
          accepted.push(conn);
          return true;
        },
      },
    });
    return accepted;
  }

  /** The peer's handshake with our port 80; returns the SYN,ACK. */
  open(t: Partial<Tcp> = {}): Out {
    const [synAck] = this.tcp({ seq: 100, ...t, flags: SYN });
    this.tcp({ seq: 101, ...t, options: [], flags: ACK, ack: synAck!.seq + 1 });
    return synAck!;
  }
}

function read(rx: RxPacket): Out {
  const b = rx.slab.bytes.slice(rx.offset, rx.offset + rx.length);
  const from = b.slice(12, 16).join('.');
  const to = b.slice(16, 20).join('.');
  const protocol = b[9]!;
  const transport = b.slice(20);
  const header = protocol === 6 ? (transport[12]! >> 4) * 4 : 8;
  const checksumRight =
    naiveSum(b.slice(0, 20)) === 0xffff &&
    (protocol === 1 ? naiveSum(transport) : transportSum(from, to, protocol, [...transport])) ===
      0xffff;
  return {
    from,
    to,
    protocol,
    ttl: b[8]!,
    tos: b[1]!,
    sport: get16(transport, 0),
    dport: get16(transport, 2),
    seq: get32(transport, 4),
    ack: get32(transport, 8),
    flags: transport[13] ?? 0,
    wnd: get16(transport, 14),
    options: [...transport.slice(20, header)],
    payload: [...transport.slice(header)],
    checksumRight,
    bytes: b,
  };
}
