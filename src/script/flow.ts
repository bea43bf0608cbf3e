/** One connection of a script: its ports, and how the script's numbers map to those on the wire. */
import type { Address } from '../ip/address.js';
import type { TcpOptionSpec } from './ast.js';
import type { Decoded, DecodedTcp } from './decode.js';
import type { Ends } from './encode.js';

/** Sequence numbers of the remote side are the script's own; ours count from our ISN. */
export class ScriptFlow {
  readonly localPort: number;
  readonly remotePort: number;
  /** Our ISN on the wire; 0 until our SYN was seen. */
  localIsn = 0;
  /** The MSS that the script's side announced, and ours. */
  remoteMss = 0;
  /** What the script wrote for a TSval of ours, and what it was. */
  private readonly timestamps = new Map<number, number>();
  private firstTimestamp: { script: number; live: number } | null = null;

  constructor(localPort: number, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  inbound(local: Address, remote: Address): Ends {
    return { source: remote, sourcePort: this.remotePort, destination: local, destinationPort: this.localPort };
  }

  owns(d: Decoded): boolean {
    return d.tcp !== null && d.tcp.sourcePort === this.localPort && d.tcp.destinationPort === this.remotePort;
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
    return first === null ? null : { script: (script - first.script) | 0, live: (live - first.live) | 0 };
  }

  /** Options of an injected packet, with the numbers of the wire. */
  inboundOptions(options: readonly TcpOptionSpec[]): TcpOptionSpec[] {
    return options.map((o) => {
      if (o.kind === 'TS') return { ...o, ecr: o.ecr === 0 ? 0 : this.liveTimestamp(o.ecr) };
      if (o.kind !== 'sack') return o;
      return {
        ...o,
        blocks: o.blocks.map(([l, r]) => [(l + this.localIsn) >>> 0, (r + this.localIsn) >>> 0] as const),
      };
    });
  }

  /** Our SYN tells our ISN. */
  sawOutbound(t: DecodedTcp): void {
    if ((t.flags & 2) !== 0) this.localIsn = t.seq;
  }
}
