/** One connection of a script: its ports, and how the script's numbers map to the wire's. */
import type { Address } from '../../ip/address.js';
import type { PacketAction, TcpOptionSpec } from './ast.js';
import type { Decoded, DecodedTcp } from './decode.js';
import { flagBits, type Ends } from './encode.js';

const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * The numbers on the wire for a script's 0: of the sender's sequence numbers (`seq`), and of the
 * receiver's (`ack`), which ACK and SACK use.
 */
export interface Bases {
  readonly seq: number;
  readonly ack: number;
}

/**
 * A segment with SYN has absolute numbers: those of the script for its side, and for our side those
 * that the script gives to our first SYN. In every other segment the numbers of each side count
 * from its ISN.
 */
export class ScriptFlow {
  readonly localPort: number;
  readonly remotePort: number;
  /** Our ISN on the wire, and in the script; 0 until our SYN was seen. */
  private localIsn = 0;
  private scriptIsn = 0;
  /** The ISN of the script's side, which is the same on the wire. */
  private remoteIsn = 0;
  /** Our side has acknowledged the script's SYN, so another SYN does not change the ISN. */
  private isSynchronised = false;
  /**
   * The script's side has sent a segment after its SYN, or one side has sent a RST, so a SYN may
   * begin another connection.
   */
  isPastHandshake = false;
  /** Our TSvals: the script's value and the value on the wire. */
  private readonly timestamps = new Map<number, number>();
  private firstTimestamp: { script: number; live: number } | null = null;

  constructor(localPort: number, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  inbound(local: Address, remote: Address): Ends {
    return {
      source: remote,
      sourcePort: this.remotePort,
      destination: local,
      destinationPort: this.localPort,
    };
  }

  owns(d: Decoded): boolean {
    return (
      d.tcp !== null &&
      d.tcp.sourcePort === this.localPort &&
      d.tcp.destinationPort === this.remotePort
    );
  }

  /** True if a segment of our side has these ports. */
  hasPorts({ source, destination }: NonNullable<PacketAction['ports']>): boolean {
    return this.localPort === source && this.remotePort === destination;
  }

  /** Notes a TSval of our side: `script` was expected, `live` came. */
  learnTimestamp(script: number, live: number): void {
    this.timestamps.set(script, live);
    this.firstTimestamp ??= { script, live };
  }

  /** The value on the wire for the script's TSval. */
  liveTimestamp(script: number): number {
    const known = this.timestamps.get(script);
    if (known !== undefined) return known;
    const first = this.firstTimestamp;
    return first === null ? script : (first.live + (script - first.script)) >>> 0;
  }

  /** Ticks of our TSval since the first one: in the script and on the wire. */
  ticks(script: number, live: number): { script: number; live: number } | null {
    const first = this.firstTimestamp;
    return first === null
      ? null
      : { script: (script - first.script) | 0, live: (live - first.live) | 0 };
  }

  outboundBases(flags: number): Bases {
    return this.bases((flags & SYN) !== 0, false);
  }

  inboundBases(flags: number): Bases {
    return this.bases((flags & SYN) !== 0, true);
  }

  private bases(isSyn: boolean, inbound: boolean): Bases {
    const local = isSyn ? (this.localIsn - this.scriptIsn) >>> 0 : this.localIsn;
    const remote = isSyn ? 0 : this.remoteIsn;
    return inbound ? { seq: remote, ack: local } : { seq: local, ack: remote };
  }

  /** The options of an injected packet, with the numbers of the wire. */
  inboundOptions(options: readonly TcpOptionSpec[], { ack }: Bases): TcpOptionSpec[] {
    return options.map((o) => {
      if (o.kind === 'TS') return { ...o, ecr: o.ecr === 0 ? 0 : this.liveTimestamp(o.ecr) };
      if (o.kind !== 'sack') return o;
      return {
        ...o,
        blocks: o.blocks.map(([l, r]) => [(l + ack) >>> 0, (r + ack) >>> 0] as const),
      };
    });
  }

  /** Notes a packet that the script will inject; its SYN has the script's ISN. */
  goesIn(p: PacketAction): void {
    const flags = flagBits(p.flags);
    if ((flags & SYN) !== 0 && !this.isSynchronised) this.remoteIsn = p.seq;
    if ((flags & SYN) === 0 || ((flags & ACK) !== 0 && this.isSynchronised))
      this.isPastHandshake = true;
  }

  /** Notes a packet of our side; our SYN has our ISN. `want` is the script's packet for it. */
  cameOut(t: DecodedTcp, want: PacketAction | null = null): void {
    if ((t.flags & SYN) !== 0 && t.seq !== this.localIsn) {
      this.localIsn = t.seq;
      this.scriptIsn = want !== null && (flagBits(want.flags) & SYN) !== 0 ? want.seq : 0;
    }
    if ((t.flags & RST) !== 0) this.isPastHandshake = true;
    else if ((t.flags & ACK) !== 0) this.isSynchronised = true;
  }
}
