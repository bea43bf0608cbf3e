/**
 * The device of a replayed stack: it sends nothing, and compares the headers of each packet with
 * the recorded ones. What the recorded device called meanwhile, it calls, too.
 */
import { Slab } from '../base/slab.js';
import { AT_ONCE, NEVER, type Micros } from '../base/time.js';
import {
  type Device,
  type DeviceCounters,
  type Offload,
  TX_ROOM,
  TxPacket,
} from '../device/device.js';
import { SentHeaders } from './packets.js';
import { Op } from './records.js';
import { sentText } from './sent-text.js';
import type { Transcript } from './transcript.js';

export class ReplayDevice implements Device {
  readonly name: string;
  readonly offload: Offload;
  readonly counters: DeviceCounters = {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
  };
  private readonly replay: Transcript;
  private readonly tx = new TxPacket();
  private readonly expected = new SentHeaders();
  private readonly got = new SentHeaders();
  private lastMtu: number;

  constructor(replay: Transcript) {
    const { name, offload, mtu } = replay.header.device;
    this.replay = replay;
    this.name = name;
    this.offload = offload;
    this.lastMtu = mtu;
    this.tx.slab = new Slab(TX_ROOM);
  }

  get mtu(): number {
    const { replay } = this;
    if (replay.peek() === Op.mtu)
      replay.read((reader) => {
        reader.byte();
        this.lastMtu = reader.number() ?? this.lastMtu;
      });
    return this.lastMtu;
  }

  attach(): void {
    // the replay calls the stack itself
  }

  packet(): TxPacket {
    this.replay.cross();
    this.tx.clear();
    return this.tx;
  }

  transmit(): void {
    const { replay, tx, expected, got } = this;
    this.counters.txPackets++;
    this.counters.txBytes += tx.length;
    if (replay.isBroken) return;
    got.of(tx);
    if (!replay.expect(Op.sent, () => sentText(got))) return;
    replay.read((reader) => {
      expected.read(reader);
    });
    if (!replay.isBroken && !expected.equals(got, replay.header.snap === null))
      replay.diverge(sentText(expected), sentText(got));
    replay.cross();
  }

  flush(): void {
    this.replay.cross();
  }

  /** Due exactly where the recorded device was. */
  nextTimeout(): Micros {
    return this.replay.peek() === Op.deviceTimeout ? AT_ONCE : NEVER;
  }

  onTimeout(): void {
    if (this.replay.expect(Op.deviceTimeout)) this.replay.cross();
  }

  close(): void {
    // nothing is open
  }
}
