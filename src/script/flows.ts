/** The connections of a script, and what was sent on them: the runner's view of the wire. */
import type { Micros } from '../base/time.js';
import type { PacketAction } from './ast.js';
import { continues, join } from './compare.js';
import { decode, type Decoded, type DecodedTcp, type Segment } from './decode.js';
import { ScriptFlow } from './flow.js';
import type { Target } from './target.js';
import { packetLine, timeText } from './text.js';

const REMOTE_PORT = 45_678;
const SYN = 2;
const ACK = 16;

type Ports = PacketAction['ports'];

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
   * The next segment of a connection of the script, or of the one with these ports; null when none comes by `limit`. With `bytes`, what follows is joined to it
   * up to that payload: a write that was cut by the MSS may be written as one.
   */
  take(limit: Micros, ports: Ports, bytes = 0): { first: Segment; whole: DecodedTcp } | null {
    // Of another connection is better than none: the failure names the ports.
    const first = this.next(limit, ports, true) ?? this.next(this.target.now, null, true);
    if (first === null) return null;
    let last = first;
    let whole = first.tcp;
    const { sourcePort: source, destinationPort: destination } = first.tcp;
    while (whole.payloadBytes < bytes && whole.payloadBytes > 0) {
      const next = this.peek(limit, { source, destination });
      if (next === null || !continues(first, last, next) || whole.payloadBytes + next.tcp.payloadBytes > bytes) break;
      last = this.next(limit, { source, destination })!;
      whole = join(whole, last.tcp);
    }
    return { first, whole };
  }

  /** `mayOpen`: a SYN of ours makes its connection known. */
  peek(limit: Micros, ports: Ports = null, mayOpen = false): Segment | null {
    return this.find(limit, ports, mayOpen)?.segment ?? null;
  }

  private next(limit: Micros, ports: Ports, mayOpen = false): Segment | null {
    const found = this.find(limit, ports, mayOpen);
    if (found === null) return null;
    this.target.sent.splice(found.at, 1);
    return found.segment;
  }

  /** Where among what was sent. Other connections' segments stay: an expectation of theirs may come. */
  private find(limit: Micros, ports: Ports, mayOpen: boolean): { at: number; segment: Segment } | null {
    const { sent } = this.target;
    for (let at = 0; ;) {
      const packet = sent[at];
      if (packet === undefined) {
        if (!this.step(limit)) return null;
        continue;
      }
      const decoded = decode(packet);
      const { tcp } = decoded;
      if (tcp === null || !this.belongs(decoded, tcp, mayOpen))
        sent.splice(at, 1); // ICMP, or a connection that the script does not speak of
      else if (ports === null || (ports.source === tcp.sourcePort && ports.destination === tcp.destinationPort))
        return { at, segment: { ...decoded, tcp } };
      else at++;
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
