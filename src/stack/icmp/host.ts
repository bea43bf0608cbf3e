/**
 * ICMP's part of the stack: replies to echo requests, reports undeliverable packets to their
 * senders, and passes errors about sent packets to their transport (RFC 792, RFC 4443, RFC 1122
 * section 3.2.2).
 */
import { StackError } from '../../base/errors.js';
import { MtuDiscover } from '../../base/mtu-discover.js';
import type { Slab } from '../../base/slab.js';
import { MILLISECOND, type Micros } from '../../base/time.js';
import { Address } from '../../ip/address.js';
import { classifyError, IcmpError } from '../../ip/icmp-error.js';
import { IcmpLimiter } from '../../ip/icmp-limiter.js';
import { Destination } from '../../ip/local-addresses.js';
import { Drop, type DropReason } from '../../wire/drop.js';
import {
  Icmp4,
  Icmp6,
  ICMP_HEADER_BYTES,
  IcmpMessage,
  parseIcmp,
  parseQuote,
  REASSEMBLY_TIME_EXCEEDED,
  Unreachable4,
  Unreachable6,
  writeIcmp,
} from '../../wire/icmp.js';
import { IpHeader, IPV4_HEADER_BYTES, PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../wire/ip.js';
import { CUT_SLOT, echoIpv4Options, IPV4_MAX_OPTION_BYTES } from '../../wire/ipv4-options.js';
import { ParameterProblem } from '../../wire/ipv6.js';
import type { Arrival } from '../arrival.js';
import type { IpOutput } from '../ip-output.js';
import type { Datagram } from '../observer.js';
import type { StackServices } from '../services.js';

/**
 * An error quotes as much of the packet as fits in 576 bytes (RFC 1812 section 4.3.2.3), or in
 * IPv6's minimum MTU (RFC 4443 section 2.4 (c)).
 */
const MOST_QUOTED_4 = 576 - 20 - ICMP_HEADER_BYTES;
const MOST_QUOTED_6 = 1280 - 40 - ICMP_HEADER_BYTES;

/** The most that fits in an IPv4 packet. */
const MAX_ECHO_DATA = 65_535 - 20 - ICMP_HEADER_BYTES;
/** The TOS byte without ECN. */
const DSCP = 0xfc;

/** Receives the replies to our echo requests. */
export interface PingUser {
  /** `what`: 'reply', or the errno of an error about the request. `bytes`: length of the reply. */
  pingAnswer(
    what: string,
    from: Address,
    id: number,
    seq: number,
    bytes: number,
    ttl: number,
  ): void;
}

/** Receives errors about sent packets; `packet` carried the error. */
export type OnIcmpError = (e: IcmpError, packet: Arrival, now: Micros) => void;

export class IcmpHost {
  pingUser: PingUser | null = null;
  private readonly message = new IcmpMessage();
  private readonly error = new IcmpError();
  private readonly ip = new IpHeader();
  private readonly services: StackServices;
  private readonly out: IpOutput;
  private readonly limiter: IcmpLimiter;
  private readonly onError: OnIcmpError;

  constructor(services: StackServices, out: IpOutput, onError: OnIcmpError) {
    this.services = services;
    this.out = out;
    this.limiter = new IcmpLimiter(services.random);
    this.onError = onError;
  }

  arrives(packet: Arrival, now: Micros): DropReason {
    const { message } = this;
    const { slab, ip, trusted } = packet;
    const bad = parseIcmp(slab, ip, trusted, message);
    if (bad !== Drop.none) return bad;
    if (this.isWatched) this.watch('in', ip, describe(message, ip.version), now);
    const echo = ip.version === 4 ? Icmp4.echo : Icmp6.echoRequest;
    const reply = ip.version === 4 ? Icmp4.echoReply : Icmp6.echoReply;
    if (message.type === echo) return this.answerEcho(slab, ip, reply, now);
    if (message.type === reply) {
      if (this.pingUser === null) return Drop.icmpUnknownType;
      const from = Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3);
      this.pingUser.pingAnswer(
        'reply',
        from,
        message.id,
        message.seq,
        message.bodyLength + ICMP_HEADER_BYTES,
        ip.ttl,
      );
      return Drop.none;
    }
    return this.errorArrives(packet, now);
  }

  /**
   * Replies with the same data. A request to a broadcast address is not answered (RFC 1122 section
   * 3.2.2.6 allows that).
   */
  private answerEcho(slab: Slab, ip: IpHeader, reply: number, now: Micros): DropReason {
    const { message, out } = this;
    if (
      this.services.addresses.destinationKind(ip.d0, ip.d1, ip.d2, ip.d3) === Destination.broadcast
    )
      return Drop.ipBadDestination;
    if (isUnspecified(ip)) return Drop.ipBadSource; // no address to reply to
    const h = this.answerHeader(ip);
    if (ip.version === 4 && !this.echoOptions(slab, ip, h, now)) return Drop.ipBadOption;
    h.tos = ip.tos & DSCP; // RFC 1349 section 5.1: a reply has the TOS of its request
    out.scratch.bytes.set(
      slab.bytes.subarray(message.bodyOffset, message.bodyOffset + message.bodyLength),
      ICMP_HEADER_BYTES,
    );
    h.payloadLength = ICMP_HEADER_BYTES + message.bodyLength;
    writeIcmp(out.scratch, 0, h, reply, 0, message.rest, message.bodyLength);
    if (this.isWatched)
      this.watch(
        'out',
        h,
        { kind: 'echo-reply', id: message.id, seq: message.seq, length: h.payloadLength },
        now,
      );
    out.send(h, Address.fromWords(h.d0, h.d1, h.d2, h.d3), MtuDiscover.dont, now);
    return Drop.none;
  }

  /**
   * RFC 1122 section 3.2.2.6: the reply continues Record Route and Internet Timestamp. Returns
   * false if the request must be discarded.
   */
  private echoOptions(slab: Slab, ip: IpHeader, h: IpHeader, now: Micros): boolean {
    const start = ip.headerOffset + IPV4_HEADER_BYTES;
    if (ip.payloadOffset === start) return true;
    const { addresses } = this.services;
    const by = {
      address: h.s3,
      milliseconds: Math.floor(now / MILLISECOND),
      isOwn: (w0: number, w1: number, w2: number, w3: number) =>
        addresses.isOwnWords(w0, w1, w2, w3),
    };
    h.options ??= new Uint8Array(IPV4_MAX_OPTION_BYTES);
    const bytes = echoIpv4Options(slab.bytes, start, ip.payloadOffset, by, h.options);
    h.optionBytes = Math.max(0, bytes);
    return bytes !== CUT_SLOT;
  }

  private errorArrives(packet: Arrival, now: Micros): DropReason {
    const { message, error } = this;
    const { slab, ip } = packet;
    if (!classifyError(message, ip.version, error))
      return this.isExpectedNoise(ip.version) ? Drop.none : Drop.icmpUnknownType;
    if (!parseQuote(slab, ip.version, message.bodyOffset, message.bodyLength, error))
      return Drop.icmpTruncated;
    if (!this.services.addresses.isLocal(error.s0, error.s1, error.s2, error.s3))
      return Drop.icmpNoSuchFlow;
    const ping =
      ip.version === 4 ? error.icmpType === Icmp4.echo : error.icmpType === Icmp6.echoRequest;
    const isIcmp = error.protocol === PROTOCOL_ICMP || error.protocol === PROTOCOL_ICMPV6;
    if (isIcmp && ping) {
      if (this.pingUser === null) return Drop.icmpNoSuchFlow;
      const about = Address.fromWords(error.d0, error.d1, error.d2, error.d3);
      this.pingUser.pingAnswer(error.errno, about, error.seq >>> 16, error.seq & 0xffff, 0, ip.ttl);
    } else this.onError(error, packet, now);
    return Drop.none;
  }

  /** Neighbour discovery and multicast listener messages, which a kernel sends on a new link. */
  private isExpectedNoise(version: 4 | 6): boolean {
    const { type } = this.message;
    return (
      version === 6 &&
      ((type >= Icmp6.multicastListenerQuery && type <= Icmp6.redirect) ||
        type === Icmp6.multicastListenerReportV2)
    );
  }

  // ---- Sending errors ---------------------------------------------------------------------------

  /** No socket has the packet's UDP port. */
  portUnreachable(slab: Slab, ip: IpHeader, now: Micros): void {
    if (ip.version === 4)
      this.sendError(slab, ip, Icmp4.destinationUnreachable, Unreachable4.port, 0, now);
    else this.sendError(slab, ip, Icmp6.destinationUnreachable, Unreachable6.port, 0, now);
  }

  /**
   * The protocol is not supported. In IPv6 the error points at the protocol's number (RFC 8200
   * section 4).
   */
  protocolUnreachable(slab: Slab, ip: IpHeader, now: Micros): void {
    if (ip.version === 4)
      this.sendError(slab, ip, Icmp4.destinationUnreachable, Unreachable4.protocol, 0, now);
    else
      this.sendError(
        slab,
        ip,
        Icmp6.parameterProblem,
        ParameterProblem.unknownNextHeader,
        ip.protocolPointer,
        now,
      );
  }

  parameterProblem(slab: Slab, ip: IpHeader, now: Micros): void {
    const type = ip.version === 4 ? Icmp4.parameterProblem : Icmp6.parameterProblem;
    this.sendError(slab, ip, type, ip.problemCode, ip.problemPointer, now);
  }

  /** Not all fragments of a datagram arrived; `ip` and `slab` hold its first fragment. */
  reassemblyTimeExceeded(slab: Slab, ip: IpHeader, now: Micros): void {
    const type = ip.version === 4 ? Icmp4.timeExceeded : Icmp6.timeExceeded;
    this.sendError(slab, ip, type, REASSEMBLY_TIME_EXCEEDED, 0, now);
  }

  private sendError(
    slab: Slab,
    ip: IpHeader,
    type: number,
    code: number,
    rest: number,
    now: Micros,
  ): void {
    const { out } = this;
    if (
      !this.mayComplain(
        slab,
        ip,
        code === ParameterProblem.unknownOption && type === Icmp6.parameterProblem,
      )
    )
      return;
    if (!this.limiter.allow(Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3), now)) {
      this.services.packetDropped(Drop.icmpRateLimited, '', now);
      return;
    }
    const h = this.answerHeader(ip);
    const length = ip.payloadOffset + ip.payloadLength - ip.headerOffset;
    const quoted = Math.min(length, ip.version === 4 ? MOST_QUOTED_4 : MOST_QUOTED_6);
    out.scratch.bytes.set(
      slab.bytes.subarray(ip.headerOffset, ip.headerOffset + quoted),
      ICMP_HEADER_BYTES,
    );
    h.payloadLength = ICMP_HEADER_BYTES + quoted;
    writeIcmp(out.scratch, 0, h, type, code, rest, quoted);
    if (this.isWatched)
      this.watch('out', h, { kind: 'icmp-error', type, code, length: h.payloadLength }, now);
    out.send(h, Address.fromWords(h.d0, h.d1, h.d2, h.d3), MtuDiscover.dont, now);
  }

  /**
   * RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no error is sent about an ICMP error, about a
   * broadcast or multicast packet (except for an IPv6 option that requests it), about a later
   * fragment (in IPv6 only if it carries ICMP, which may be an error), or to a source that is not a
   * unicast address.
   */
  private mayComplain(slab: Slab, ip: IpHeader, evenMulticast: boolean): boolean {
    const kind = this.services.addresses.destinationKind(ip.d0, ip.d1, ip.d2, ip.d3);
    if (kind !== Destination.unicast && !(kind === Destination.multicast && evenMulticast))
      return false;
    if (isUnspecified(ip)) return false;
    const isIcmp = ip.protocol === PROTOCOL_ICMP || ip.protocol === PROTOCOL_ICMPV6;
    if (ip.fragmentOffset > 0) return ip.version === 6 && !isIcmp;
    if (!isIcmp) return true;
    const type = slab.bytes[ip.payloadOffset] ?? 0;
    return ip.version === 4 ? type === Icmp4.echo || type === Icmp4.echoReply : type >= 128;
  }

  // ---- Sending echo requests --------------------------------------------------------------------

  /**
   * Sends an echo request with `data`. Returns false if there is no route to `to`. Throws
   * StackError EMSGSIZE.
   */
  ping(
    to: Address,
    id: number,
    seq: number,
    data: Uint8Array,
    now: Micros,
    ttl = this.services.config.ttl,
  ): boolean {
    const { out, ip } = this;
    if (data.length > MAX_ECHO_DATA) {
      throw new StackError(
        'EMSGSIZE',
        `an echo request holds at most ${MAX_ECHO_DATA} bytes, not ${data.length}`,
      );
    }
    const source = this.services.addresses.sourceFor(to);
    if (source === null) return false;
    ip.setAddresses(source, to);
    ip.protocol = to.version === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    ip.ttl = ttl;
    ip.tos = 0;
    out.scratch.bytes.set(data, ICMP_HEADER_BYTES);
    ip.payloadLength = ICMP_HEADER_BYTES + data.length;
    writeIcmp(
      out.scratch,
      0,
      ip,
      to.version === 4 ? Icmp4.echo : Icmp6.echoRequest,
      0,
      (id << 16) | (seq & 0xffff),
      data.length,
    );
    if (this.isWatched)
      this.watch('out', ip, { kind: 'echo-request', id, seq, length: ip.payloadLength }, now);
    return out.send(ip, to, MtuDiscover.dont, now);
  }

  private answerHeader(to: IpHeader): IpHeader {
    const h = this.ip;
    h.answer(to);
    // The reply to a multicast packet has a unicast source.
    if (
      this.services.addresses.destinationKind(to.d0, to.d1, to.d2, to.d3) === Destination.multicast
    ) {
      const remote = Address.fromWords(to.s0, to.s1, to.s2, to.s3);
      const source = this.services.addresses.sourceFor(remote);
      if (source !== null) h.setAddresses(source, remote);
    }
    h.protocol = to.version === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    h.ttl = this.services.config.ttl;
    h.tos = 0;
    return h;
  }

  /** Checked before a packet is described, so that a ping without an observer allocates nothing. */
  private get isWatched(): boolean {
    return this.services.observer !== null;
  }

  private watch(direction: 'in' | 'out', ip: IpHeader, what: Datagram, now: Micros): void {
    const from = Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3).toString();
    this.services.observer!.datagram(
      direction,
      from,
      Address.fromWords(ip.d0, ip.d1, ip.d2, ip.d3).toString(),
      what,
      now,
    );
  }
}

const isUnspecified = (ip: IpHeader): boolean =>
  ip.s0 === 0 && ip.s1 === 0 && ip.s2 === 0 && ip.s3 === 0;

function describe(m: IcmpMessage, version: 4 | 6): Datagram {
  const length = m.bodyLength + ICMP_HEADER_BYTES;
  const echo = version === 4 ? Icmp4.echo : Icmp6.echoRequest;
  const reply = version === 4 ? Icmp4.echoReply : Icmp6.echoReply;
  const mtu = version === 4 ? m.seq : m.rest >>> 0;
  if (
    version === 4 &&
    m.type === Icmp4.destinationUnreachable &&
    m.code === Unreachable4.fragmentationNeeded
  )
    return { kind: 'fragmentation-needed', mtu, length };
  if (version === 6 && m.type === Icmp6.packetTooBig)
    return { kind: 'packet-too-big', mtu, length };
  if (m.type === echo) return { kind: 'echo-request', id: m.id, seq: m.seq, length };
  if (m.type === reply) return { kind: 'echo-reply', id: m.id, seq: m.seq, length };
  return { kind: 'icmp', type: m.type, code: m.code, length };
}
