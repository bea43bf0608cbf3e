/**
 * The script's network: a device in memory. It keeps the packets of the stack with their times
 * until the script checks them, and hands injected packets to the stack at once.
 */
import { Slab } from '../../base/slab.js';
import { NEVER, type Micros } from '../../base/time.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, PROTOCOL_TCP } from '../../wire/ip.js';
import {
  type Device,
  type DeviceCounters,
  Gso,
  NO_OFFLOAD,
  type Receiver,
  RxPacket,
  TX_ROOM,
  TxPacket,
} from '../../device/device.js';

/** Offsets in the headers: the protocol, and the TCP header's length in words. */
const PROTOCOL_AT_4 = 9;
const NEXT_HEADER_AT_6 = 6;
const TCP_OFFSET_AT = 12;

export interface WirePacket {
  readonly way: 'in' | 'out';
  readonly at: Micros;
  readonly slab: Slab;
  readonly length: number;
}

export class ScriptWire implements Device {
  readonly name = 'script';
  readonly offload = NO_OFFLOAD;
  readonly counters: DeviceCounters = {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
  };
  readonly mtu: number;
  private readonly mss: number;
  /** All packets in both directions, for captures and for the last packets before a failure. */
  readonly log: WirePacket[] = [];
  /** Packets sent and not yet checked. */
  readonly sent: WirePacket[] = [];
  private readonly tx = new TxPacket();
  private readonly rx = new RxPacket();
  private receiver: Receiver | null = null;

  /**
   * `mss`: a longer inbound segment is a super-segment of this MSS, as from a device with offloads;
   * 0: there are no super-segments.
   */
  constructor(mtu: number, mss = 0) {
    this.mtu = mtu;
    this.mss = mss;
    this.tx.slab = new Slab(TX_ROOM);
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver;
  }

  inject(slab: Slab, length: number, now: Micros): void {
    this.log.push({ way: 'in', at: now, slab, length });
    this.counters.rxPackets++;
    this.rx.slab = slab;
    this.rx.offset = 0;
    this.rx.length = length;
    this.cut(slab.bytes);
    this.receiver!.packet(this.rx, now);
    this.receiver!.batchEnd(now);
  }

  private cut(packet: Uint8Array): void {
    const { rx } = this;
    const isV4 = packet[0]! >> 4 === 4;
    const ipBytes = isV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const isTcp = packet[isV4 ? PROTOCOL_AT_4 : NEXT_HEADER_AT_6] === PROTOCOL_TCP;
    const headerBytes = ipBytes + (packet[ipBytes + TCP_OFFSET_AT]! >> 4) * 4;
    const isSuper = this.mss > 0 && isTcp && packet.length - headerBytes > this.mss;
    rx.gsoType = isSuper ? (isV4 ? Gso.tcp4 : Gso.tcp6) : Gso.none;
    rx.gsoSize = isSuper ? this.mss : 0;
    rx.headerBytes = isSuper ? headerBytes : 0;
  }

  packet(): TxPacket {
    this.tx.clear();
    return this.tx;
  }

  transmit(now: Micros): void {
    const { tx } = this;
    const slab = new Slab(tx.length);
    slab.bytes.set(tx.slab.bytes.subarray(tx.start, tx.start + tx.headBytes));
    let at = tx.headBytes;
    for (let i = 0; i < tx.pieceCount; i++) {
      const from = tx.pieceOffset[i]!;
      slab.bytes.set(tx.pieceSlab[i]!.bytes.subarray(from, from + tx.pieceBytes[i]!), at);
      at += tx.pieceBytes[i]!;
    }
    const packet: WirePacket = { way: 'out', at: now, slab, length: at };
    this.counters.txPackets++;
    this.log.push(packet);
    this.sent.push(packet);
  }

  flush(): void {}
  nextTimeout(): Micros {
    return NEVER;
  }
  onTimeout(): void {}
  close(): void {}
}
