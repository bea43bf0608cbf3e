/** The runner's view of the wire: the connections of a script, and the packets sent on them. */
import type { Micros } from '../../base/time.js';
import type { PacketAction } from './ast.js';
import { continues, join } from './compare.js';
import { decode, type Decoded, type DecodedTcp, type Segment } from './decode.js';
import { flagBits } from './encode.js';
import { type Bases, ScriptFlow } from './flow.js';
import type { Target } from './target.js';
import { packetLine, timeText } from './text.js';

const REMOTE_PORT = 45_678;
const SYN = 2;
const ACK = 16;
const NO_BASES: Bases = { seq: 0, ack: 0 };

type Ports = PacketAction['ports'];

/**
 * A script concerns one connection at a time, the newest. Packets of earlier connections are
 * ignored, unless the script names their ports. A passive connection begins with an inbound SYN,
 * each from a port of its own; an active one begins with a SYN of our side.
 */
export class Flows {
  private readonly target: Target;
  /** Lets one thing happen, not after `limit`; false if nothing did. */
  private readonly step: (limit: Micros) => boolean;
  private readonly all: ScriptFlow[] = [];
  /** The connections that the script names by their ports. */
  private readonly named = new Set<ScriptFlow>();
  /** listen() was called after the newest connection began, so a SYN is for that socket. */
  private listensAnew = false;
  private nextRemotePort = REMOTE_PORT;

  constructor(target: Target, step: (limit: Micros) => boolean) {
    this.target = target;
    this.step = step;
  }

  get last(): ScriptFlow | undefined {
    return this.all.at(-1);
  }

  /** Notes that a socket listens from now on. */
  listens(): void {
    this.listensAnew = true;
  }

  /**
   * The connection for an inbound packet: by its ports, or the newest. `answeredBySyn` returns true
   * if the next packet that the script expects has SYN and ACK, because such a packet never belongs
   * to an open connection.
   */
  forInbound(p: PacketAction, answeredBySyn: () => boolean): ScriptFlow {
    const { ports } = p;
    const found =
      ports === null
        ? this.last
        : this.all.find((f) => f.localPort === ports.destination && f.remotePort === ports.source);
    if (found !== undefined && !this.beginsAnother(p, found, answeredBySyn)) return found;
    const flow = new ScriptFlow(
      ports?.destination ?? this.target.listeningPort(),
      ports?.source ?? this.nextRemotePort++,
    );
    if (found !== undefined && ports !== null) this.all.splice(this.all.indexOf(found), 1);
    if (ports !== null) this.named.add(flow);
    this.listensAnew = false;
    this.all.push(flow);
    return flow;
  }

  private beginsAnother(
    p: PacketAction,
    newest: ScriptFlow,
    answeredBySyn: () => boolean,
  ): boolean {
    if ((flagBits(p.flags) & (SYN | ACK)) !== SYN) return false;
    return (p.ports === null && this.listensAnew) || (newest.isPastHandshake && answeredBySyn());
  }

  of(segment: Segment): ScriptFlow {
    return this.all.find((f) => f.owns(segment))!;
  }

  /**
   * Takes the next segment of a connection of the script, or of the one with these ports; null if
   * none comes until `limit`. With `bytes`, the following segments are joined to it up to that
   * payload, because a script may state a write that the MSS cut as one segment.
   */
  take(limit: Micros, ports: Ports, bytes = 0): { first: Segment; whole: DecodedTcp } | null {
    if (ports !== null) for (const f of this.all) if (f.hasPorts(ports)) this.named.add(f);
    // A segment of another connection is better than none, because the failure then has its ports.
    const first = this.next(limit, ports, true) ?? this.next(this.target.now, null, true);
    if (first === null) return null;
    let last = first;
    let whole = first.tcp;
    const { sourcePort: source, destinationPort: destination } = first.tcp;
    while (whole.payloadBytes < bytes && whole.payloadBytes > 0) {
      const next = this.peek(limit, { source, destination });
      if (
        next === null ||
        !continues(first, last, next) ||
        whole.payloadBytes + next.tcp.payloadBytes > bytes
      )
        break;
      last = this.next(limit, { source, destination })!;
      whole = join(whole, last.tcp);
    }
    return { first, whole };
  }

  private peek(limit: Micros, ports: Ports): Segment | null {
    return this.find(limit, ports, false)?.segment ?? null;
  }

  /** `mayOpen`: a SYN of our side adds its connection. */
  private next(limit: Micros, ports: Ports, mayOpen = false): Segment | null {
    const found = this.find(limit, ports, mayOpen);
    if (found === null) return null;
    this.target.sent.splice(found.at, 1);
    return found.segment;
  }

  /**
   * The index in the sent packets. Segments of other connections stay, because the script may
   * expect them later.
   */
  private find(
    limit: Micros,
    ports: Ports,
    mayOpen: boolean,
  ): { at: number; segment: Segment } | null {
    const { sent } = this.target;
    if (mayOpen) for (const packet of sent) this.learnOpening(decode(packet));
    for (let at = 0; ;) {
      const packet = sent[at];
      if (packet === undefined) {
        if (!this.step(limit)) return null;
        if (mayOpen && sent.length > at) this.learnOpening(decode(sent.at(-1)!));
        continue;
      }
      const decoded = decode(packet);
      const { tcp } = decoded;
      const flow = this.all.find((f) => f.owns(decoded));
      if (tcp === null || flow === undefined)
        sent.splice(at, 1); // ICMP, or a connection that the script does not name
      else if (ports === null ? flow === this.last : flow.hasPorts(ports))
        return { at, segment: { ...decoded, tcp } };
      else at++;
    }
  }

  /** Adds the connection of our SYN. */
  private learnOpening(d: Decoded): void {
    if (d.tcp === null || (d.tcp.flags & (SYN | ACK)) !== SYN || this.all.some((f) => f.owns(d)))
      return;
    this.all.push(new ScriptFlow(d.tcp.sourcePort, d.tcp.destinationPort));
  }

  /** The first segment of the script's connections that the script did not expect. */
  leftOver(limit: Micros): Segment | null {
    while (this.step(limit));
    for (const packet of this.target.sent) this.learnOpening(decode(packet));
    for (const packet of this.target.sent) {
      const decoded = decode(packet);
      const flow = this.all.find((f) => f.owns(decoded));
      if (
        decoded.tcp !== null &&
        flow !== undefined &&
        (flow === this.last || this.named.has(flow))
      )
        return { ...decoded, tcp: decoded.tcp };
    }
    return null;
  }

  /** The last `count` packets in both directions, as tcpdump prints them. */
  lastPackets(count: number, start: Micros): string[] {
    return this.target.log.slice(-count).map((p) => {
      const d = decode(p);
      const at = timeText(p.at - start);
      const { tcp } = d;
      if (tcp === null) return `${at} ${packetLine(d, NO_BASES)}`;
      const [source, destination] =
        p.way === 'in'
          ? [tcp.destinationPort, tcp.sourcePort]
          : [tcp.sourcePort, tcp.destinationPort];
      const flow = this.all.find((f) => f.hasPorts({ source, destination }));
      const bases = p.way === 'in' ? flow?.inboundBases(tcp.flags) : flow?.outboundBases(tcp.flags);
      return `${at} ${packetLine(d, bases ?? NO_BASES)}`;
    });
  }
}
