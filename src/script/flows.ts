/** The connections of a script, and what was sent on them: the runner's view of the wire. */
import type { Micros } from '../base/time.js';
import type { PacketAction } from './ast.js';
import { continues, join } from './compare.js';
import { decode, type Decoded, type DecodedTcp } from './decode.js';
import { ScriptFlow } from './flow.js';
import type { Target } from './target.js';
import { packetLine, timeText } from './text.js';

const REMOTE_PORT = 45_678;
const SYN = 2;
const ACK = 16;

export type Segment = Decoded & { readonly tcp: DecodedTcp };

export class Flows {
  private readonly target: Target;
  /** Lets one thing happen, no later than `limit`; false: nothing did. */
  private readonly step: (limit: Micros) => boolean;
  private readonly all: ScriptFlow[] = [];

  constructor(target: Target, step: (limit: Micros) => boolean) {
    this.target = target;
    this.step = step;
  }

  get last(): ScriptFlow | undefined {
    return this.all.at(-1);
  }

  /** By its ports, or the one that the script is about; the first injected packet makes it. */
  forInbound({ ports }: PacketAction): ScriptFlow {
    const found =
      ports === null
        ? this.last
        : this.all.find((f) => f.localPort === ports.destination && f.remotePort === ports.source);
    if (found !== undefined) return found;
    const flow = new ScriptFlow(ports?.destination ?? this.target.listeningPort(), ports?.source ?? REMOTE_PORT);
    this.all.push(flow);
    return flow;
  }

  of(segment: Segment): ScriptFlow {
    return this.all.find((f) => f.owns(segment))!;
  }

  /**
   * The next segment of a connection of the script; null when none comes by `limit`. `mayOpen`: a SYN of ours makes its connection known.
   * With `bytes`, what follows is joined to it up to that payload: a write that was cut by the MSS may be written as one.
   */
  take(limit: Micros, mayOpen: boolean, bytes = 0): { first: Segment; whole: DecodedTcp } | null {
    const first = this.peek(limit, mayOpen);
    if (first === null) return null;
    this.target.sent.shift();
    let whole = first.tcp;
    while (whole.payloadBytes < bytes && whole.payloadBytes > 0) {
      const next = this.peek(limit);
      if (next === null || !continues(whole, next.tcp) || whole.payloadBytes + next.tcp.payloadBytes > bytes) break;
      this.target.sent.shift();
      whole = join(whole, next.tcp);
    }
    return { first, whole };
  }

  peek(limit: Micros, mayOpen = false): Segment | null {
    for (;;) {
      const packet = this.target.sent[0];
      if (packet === undefined) {
        if (!this.step(limit)) return null;
        continue;
      }
      const decoded = decode(packet);
      const { tcp } = decoded;
      if (tcp !== null && this.belongs(decoded, tcp, mayOpen)) return { ...decoded, tcp };
      this.target.sent.shift(); // ICMP, or a connection that the script does not speak of
    }
  }

  private belongs(d: Decoded, tcp: DecodedTcp, mayOpen: boolean): boolean {
    if (this.all.some((f) => f.owns(d))) return true;
    if (!mayOpen || (tcp.flags & (SYN | ACK)) !== SYN) return false;
    this.all.push(new ScriptFlow(tcp.sourcePort, tcp.destinationPort));
    return true;
  }

  /** The last `count` packets both ways, as tcpdump would print them. */
  lastPackets(count: number, start: Micros): string[] {
    return this.target.log.slice(-count).map((p) => {
      const d = decode(p);
      const at = timeText(p.at - start);
      if (d.tcp === null) return `${at} ${packetLine(d, 0, 0)}`;
      const [local, remote] =
        p.way === 'in' ? [d.tcp.destinationPort, d.tcp.sourcePort] : [d.tcp.sourcePort, d.tcp.destinationPort];
      const isn = this.all.find((f) => f.localPort === local && f.remotePort === remote)?.localIsn ?? 0;
      return `${at} ${p.way === 'in' ? packetLine(d, 0, isn) : packetLine(d, isn, 0)}`;
    });
  }
}
