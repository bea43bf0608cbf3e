/**
 * The targets of the fuzzer: one stack with connections in every state of RFC 9293, and for each a
 * template of a segment that its real peer could send now. A connection that a mutated packet
 * closed is opened again.
 */
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { SECOND, type Micros } from '../../src/base/time.js';
import { type Device, RxPacket } from '../../src/device/device.js';
import { pair } from '../../src/device/pair.js';
import { Prefix } from '../../src/ip/address.js';
import { Stack } from '../../src/stack/stack.js';
import { entryOf } from '../../src/stack/tcp/entry.js';
import type { Connection } from '../../src/tcp/connection.js';
import { STATE_NAMES } from '../../src/tcp/state.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../../src/wire/checksum.js';
import { IpHeader, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../../src/wire/ip.js';
import { writeIcmp } from '../../src/wire/icmp.js';
import { writeIpv4 } from '../../src/wire/ipv4.js';
import { writeIpv6 } from '../../src/wire/ipv6.js';
import { Segment, TcpFlag, writeTcp } from '../../src/wire/tcp.js';
import { writeUdp } from '../../src/wire/udp.js';
import { A4, A6, B4, B6 } from '../stack/hosts.js';

/** States that a target may be held in; CLOSED is a port without a listener. */
export const TARGET_STATES = STATE_NAMES;
export type StateName = (typeof STATE_NAMES)[number];

export interface Target {
  readonly state: StateName;
  readonly version: 4 | 6;
  readonly port: number;
  /** Null for LISTEN, CLOSED and TIME-WAIT, which have no connection. */
  conn: Connection | null;
  /** The peer's next segment. */
  seq: number;
  ack: number;
}

const LISTEN_PORT = 80;
const CLOSED_PORT = 81;
const UDP_PORT = 7;
const { FIN, SYN, ACK, PSH } = TcpFlag;
const silent: TcpUser = { tcpEvents: () => undefined };

export class Targets {
  readonly stack: Stack;
  readonly random: SeededRandom;
  now: Micros = SECOND;
  private readonly rx = new RxPacket();
  private readonly ip = new IpHeader();
  private readonly seg = new Segment();
  private readonly end: Device;
  private nextPort = 1024;
  private accepted: Connection | null = null;
  private readonly targets: Target[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const [end, other] = pair({ offload: true });
    this.end = end;
    // The stack's replies are discarded.
    other.attach({
      packet: () => undefined,
      batchEnd: () => undefined,
      deviceError: () => undefined,
      deviceDrop: () => undefined,
    });
    this.stack = new Stack({
      device: end,
      addresses: [new Prefix(B4, 24), new Prefix(B6, 64)],
      random: new SeededRandom(seed + 1),
      secret: new Uint8Array(16).fill(seed),
      timeWaitLimit: 64,
    });
    this.stack.listen({
      port: LISTEN_PORT,
      backlog: 4096,
      user: {
        tcpAccept: (conn) => {
          conn.user = silent;
          this.accepted = conn;
          return true;
        },
      },
    });
    this.stack.bindUdp({
      port: UDP_PORT,
      user: {
        udpDatagram: (socket, bytes, from, port, _to, now) => {
          if (port > 0) socket.send(bytes, from, port, now);
        },
      },
    });
    this.drainOther = () => {
      while (other.nextTimeout() <= this.now) other.onTimeout(this.now);
    };
  }

  private readonly drainOther: () => void;

  /** Packets that the stack has sent. */
  get answers(): number {
    return this.end.counters.txPackets + this.end.counters.txDropped;
  }

  /** A target in that state, the old one if it still is. */
  target(state: StateName, version: 4 | 6): Target {
    const i = this.targets.findIndex((t) => t.state === state && t.version === version);
    const old = this.targets[i];
    if (old !== undefined && this.holds(old)) {
      this.refresh(old);
      return old;
    }
    if (old !== undefined) {
      this.targets.splice(i, 1);
      if (old.conn !== null && old.conn.stateName !== 'CLOSED') {
        old.conn.abort(this.now);
        this.stack.wake(old.conn);
        this.turn();
      }
    }
    const made = this.make(state, version);
    this.targets.push(made);
    return made;
  }

  private holds(t: Target): boolean {
    // Opened again each time, because a RST may have closed it.
    if (t.state === 'TIME-WAIT') return false;
    return t.conn === null || t.conn.stateName === t.state;
  }

  /**
   * Accepted data advances RCV.NXT. A template with an old number would fail in the first step
   * every time.
   */
  private refresh(t: Target): void {
    const { conn } = t;
    if (conn === null) return;
    while (conn.receive() !== null);
    this.stack.wake(conn);
    t.seq = conn.stateName === 'SYN-SENT' ? this.random.int32() : conn.rcv.nxt;
    t.ack = conn.snd.nxt;
  }

  private make(state: StateName, version: 4 | 6): Target {
    const port = this.freePort(version);
    const t: Target = { state, version, port, conn: null, seq: this.random.int32(), ack: 0 };
    if (state === 'CLOSED' || state === 'LISTEN') return t;
    if (state === 'SYN-SENT') {
      t.conn = this.stack.connect(
        { remote: version === 4 ? A4 : A6, remotePort: port, user: silent },
        this.now,
      );
      this.turn();
      t.ack = t.conn.snd.nxt;
      return t;
    }
    this.send(t, SYN, LISTEN_PORT);
    t.seq = (t.seq + 1) | 0;
    const conn = this.find(port, version)!;
    t.conn = conn;
    t.ack = conn.snd.nxt;
    if (state === 'SYN-RECEIVED') return t;
    this.accepted = null;
    this.send(t, ACK, LISTEN_PORT);
    if (this.accepted === null) throw new Error('the handshake of a target failed');
    conn.send(new Uint8Array(3000));
    this.stack.wake(conn);
    this.turn();
    t.ack = conn.snd.nxt;
    const close = (): void => {
      conn.shutdown(this.now);
      this.stack.wake(conn);
      this.turn();
    };
    const fin = (): void => {
      this.send(t, FIN | ACK, LISTEN_PORT);
      t.seq = (t.seq + 1) | 0;
    };
    switch (state) {
      case 'FIN-WAIT-1':
        close();
        break;
      case 'FIN-WAIT-2':
        close();
        t.ack = conn.snd.nxt;
        this.send(t, ACK, LISTEN_PORT);
        break;
      case 'CLOSING':
        t.ack = conn.snd.una; // our FIN stays unacknowledged
        close();
        fin();
        break;
      case 'TIME-WAIT':
        close();
        t.ack = conn.snd.nxt;
        fin();
        t.conn = null;
        return t;
      case 'CLOSE-WAIT':
        fin();
        break;
      case 'LAST-ACK':
        t.ack = conn.snd.una;
        fin();
        close();
        break;
      default:
    }
    t.ack = conn.snd.nxt;
    if (conn.stateName !== state) throw new Error(`a target for ${state} is in ${conn.stateName}`);
    return t;
  }

  /** True for a target's own connection. Mutated packets open others, from other ports. */
  private freePort(version: 4 | 6): number {
    for (;;) {
      const port = 1024 + (this.nextPort++ % 60_000);
      if (this.find(port, version) === null) return port;
    }
  }

  private find(port: number, version: 4 | 6): Connection | null {
    for (const c of this.stack.connections()) {
      const { remote, remotePort } = entryOf(c);
      if (remotePort === port && remote.version === version) return c;
    }
    return null;
  }

  // ---- Packets ----------------------------------------------------------------------------------

  private send(t: Target, flags: number, port: number): void {
    this.inject(this.segment(t, flags, port, 0));
  }

  /** A well-formed packet from the target's peer. `out`: its first byte of TCP. */
  segment(t: Target, flags: number, localPort: number, payload: number): Uint8Array {
    const { seg } = this;
    seg.clear();
    const active = t.state === 'SYN-SENT' && t.conn !== null;
    seg.sourcePort = t.port;
    seg.destinationPort = active ? t.conn!.flow.localPort : localPort;
    seg.seq = t.seq;
    seg.ack = t.ack;
    seg.flags = flags;
    seg.wnd = 8000 + this.random.below(50_000);
    if (flags & SYN) seg.mss = 1460;
    const slab = new Slab(2048);
    const ipBytes = t.version === 4 ? 20 : 40;
    const header = writeTcp(slab.bytes, ipBytes, seg);
    for (let i = 0; i < payload; i++) slab.bytes[ipBytes + header + i] = i;
    return this.finish(slab, t.version, PROTOCOL_TCP, header + payload);
  }

  /** Segments that a peer may send in any state, from which the fuzzer starts. */
  template(t: Target): Uint8Array {
    const port = t.state === 'CLOSED' ? CLOSED_PORT : LISTEN_PORT;
    const choice = this.random.below(8);
    if (t.state === 'SYN-SENT') return this.segment(t, choice < 5 ? SYN | ACK : SYN, port, 0);
    if (t.state === 'LISTEN' || t.state === 'CLOSED') {
      t.seq = this.random.int32();
      return this.segment(t, choice < 6 ? SYN : ACK, port, 0);
    }
    switch (choice) {
      case 0:
        return this.segment(t, ACK, port, 0);
      case 1:
        return this.segment(t, FIN | ACK, port, this.random.below(2) * 20);
      case 2:
        return this.segment(t, TcpFlag.RST, port, 0);
      case 3:
        return this.segment(t, SYN, port, 0);
      default:
        return this.segment(t, PSH | ACK, port, 1 + this.random.below(1200));
    }
  }

  /** ICMP (an echo, or an error about a target) or UDP. */
  datagram(t: Target): Uint8Array {
    const slab = new Slab(2048);
    const ipBytes = t.version === 4 ? 20 : 40;
    this.addresses(t.version);
    if (this.random.below(3) === 0) {
      const data = this.random.below(600);
      writeUdp(slab, ipBytes, this.ip, t.port, UDP_PORT, data);
      return this.finish(slab, t.version, PROTOCOL_UDP, 8 + data);
    }
    const quoted = this.segment(t, ACK, LISTEN_PORT, 0);
    slab.bytes.set(quoted, ipBytes + 8);
    const types = t.version === 4 ? [0, 3, 4, 5, 8, 11, 12] : [1, 2, 3, 4, 128, 129, 133, 143];
    const type = types[this.random.below(types.length)]!;
    this.ip.protocol = t.version === 4 ? PROTOCOL_ICMP : 58;
    writeIcmp(
      slab,
      ipBytes,
      this.ip,
      type,
      this.random.below(6),
      this.random.int32(),
      quoted.length,
    );
    return this.finish(slab, t.version, this.ip.protocol, 8 + quoted.length);
  }

  private addresses(version: 4 | 6): void {
    const { ip } = this;
    const [from, to] = version === 4 ? [A4, B4] : [A6, B6];
    ip.version = version;
    [ip.s0, ip.s1, ip.s2, ip.s3] = [from.w0, from.w1, from.w2, from.w3];
    [ip.d0, ip.d1, ip.d2, ip.d3] = [to.w0, to.w1, to.w2, to.w3];
    ip.ttl = 64;
    ip.tos = 0;
  }

  private finish(slab: Slab, version: 4 | 6, protocol: number, payloadLength: number): Uint8Array {
    this.addresses(version);
    const { ip } = this;
    ip.protocol = protocol;
    ip.payloadLength = payloadLength;
    const ipBytes = version === 4 ? writeIpv4(slab, 0, ip) : writeIpv6(slab, 0, ip);
    const packet = slab.bytes.slice(0, ipBytes + payloadLength);
    if (protocol === PROTOCOL_TCP) repairChecksums(packet);
    return packet;
  }

  inject(packet: Uint8Array): void {
    const { rx } = this;
    rx.slab = new Slab(packet);
    rx.offset = 0;
    rx.length = packet.length;
    rx.keep = false;
    this.stack.packet(rx, this.now);
    this.turn();
  }

  turn(): void {
    this.stack.batchEnd(this.now);
    this.drainOther();
  }

  pass(duration: Micros): void {
    this.now += duration;
    if (this.stack.nextTimeout() <= this.now) this.stack.onTimeout(this.now);
    this.drainOther();
  }
}

/**
 * Makes the IPv4 header's and TCP's checksums right, as far as there are such headers, so that a
 * mutation gets deeper than the first check.
 */
export function repairChecksums(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const v4 = packet.length > 0 && packet[0]! >> 4 === 4;
  const ipBytes = v4 ? (packet[0]! & 15) * 4 : 40;
  if (packet.length < ipBytes || ipBytes < 20) return;
  const put = (at: number, sum: number): void => {
    packet[at] = (~sum >> 8) & 255;
    packet[at + 1] = ~sum & 255;
  };
  if (v4) {
    packet[10] = 0;
    packet[11] = 0;
    put(10, checksumAdd(view, 0, ipBytes, 0));
  }
  const protocol = v4 ? packet[9]! : packet[6]!;
  const length = packet.length - ipBytes;
  const at =
    protocol === PROTOCOL_TCP
      ? 16
      : protocol === PROTOCOL_UDP
        ? 6
        : protocol === PROTOCOL_ICMP || protocol === 58
          ? 2
          : -1;
  if (at < 0 || length < at + 2) return;
  packet[ipBytes + at] = 0;
  packet[ipBytes + at + 1] = 0;
  const w = (o: number): number => view.getInt32(o);
  const pseudo = v4
    ? pseudoHeaderSum(0, 0, 0, w(12), 0, 0, 0, w(16), protocol)
    : pseudoHeaderSum(w(8), w(12), w(16), w(20), w(24), w(28), w(32), w(36), protocol);
  put(
    ipBytes + at,
    checksumAdd(view, ipBytes, length, protocol === PROTOCOL_ICMP ? 0 : fold(pseudo + length)),
  );
}
