/** One connection of a script: its ports, and how the script's numbers map to those on the wire. */
import type { Address } from '../../ip/address.js';
import type { PacketAction, TcpOptionSpec } from './ast.js';
import type { Decoded, DecodedTcp } from './decode.js';
import { flagBits, type Ends } from './encode.js';

const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * What a script's 0 is on the wire: of the sender's sequence numbers, and of the other side's,
 * which ACK and SACK name.
 */
export interface Bases {
  readonly seq: number;
  readonly ack: number;
}

/**
 * A segment with SYN has the numbers that its sender chose: the script's own ones of its side, and
 * of ours what the script says of our first SYN. In every other segment each side's numbers count
 * from its ISN.
 */
export class ScriptFlow {
  readonly localPort: number;
  readonly remotePort: number;
  /** Our ISN on the wire, and what the script calls it; 0 until our SYN was seen. */
  private localIsn = 0;
  private scriptIsn = 0;
  /** The ISN of the script's side: the same on the wire. */
  private remoteIsn = 0;
  /** Our side has acknowledged the script's SYN: another one changes nothing. */
  private isSynchronised = false;
  /**
   * The script's side has spoken after its SYN, or a RST went either way: a SYN may begin another
   * connection.
   */
  isPastHandshake = false;
  /** What the script wrote for a TSval of ours, and what it was. */
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

  /** Of a segment of ours. */
  hasPorts({ source, destination }: NonNullable<PacketAction['ports']>): boolean {
    return this.localPort === source && this.remotePort === destination;
  }

  /** A TSval of ours was expected as `script` and came as `live`. */
  learnTimestamp(script: number, live: number): void {
    this.timestamps.set(script, live);
    this.firstTimestamp ??= { script, live };
  }

  /** What TSval `script` would be on the wire. */
  liveTimestamp(script: number): number {
    const known = this.timestamps.get(script);
    if (known !== undefined) return known;
    const first = this.firstTimestamp;
    return first === null ? script : (first.live + (script - first.script)) >>> 0;
  }

  /** Ticks of a TSval of ours since the first one that was seen: the script's and the wire's. */
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

  /** Options of an injected packet, with the numbers of the wire. */
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

  /** What the script is about to send; its SYN tells its ISN. */
  goesIn(p: PacketAction): void {
    const flags = flagBits(p.flags);
    if ((flags & SYN) !== 0 && !this.isSynchronised) this.remoteIsn = p.seq;
    if ((flags & SYN) === 0 || ((flags & ACK) !== 0 && this.isSynchronised))
      this.isPastHandshake = true;
  }

  /** Our SYN tells our ISN; `want` is what the script says of it. */
  cameOut(t: DecodedTcp, want: PacketAction | null = null): void {
    if ((t.flags & SYN) !== 0 && t.seq !== this.localIsn) {
      this.localIsn = t.seq;
      this.scriptIsn = want !== null && (flagBits(want.flags) & SYN) !== 0 ? want.seq : 0;
    }
    if ((t.flags & RST) !== 0) this.isPastHandshake = true;
    else if ((t.flags & ACK) !== 0) this.isSynchronised = true;
  }
}
