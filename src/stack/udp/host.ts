/** UDP's part of the stack: maps datagrams to sockets and back. */
import { copyOf } from '../../base/copy.js';
import { StackError } from '../../base/errors.js';
import { MtuDiscover } from '../../base/mtu-discover.js';
import type { Micros } from '../../base/time.js';
import { Address } from '../../ip/address.js';
import type { IcmpError } from '../../ip/icmp-error.js';
import { UdpTable, type UdpBinding } from './table.js';
import type { Slab } from '../../base/slab.js';
import { Drop, type DropReason } from '../../wire/drop.js';
import { IpHeader, PROTOCOL_UDP } from '../../wire/ip.js';
import { parseUdp, UDP_HEADER_BYTES, UdpHeader, writeUdp } from '../../wire/udp.js';
import { checkPair } from '../tcp/address-pair.js';
import { endpointText } from '../flow.js';
import type { IpOutput } from '../ip-output.js';
import type { StackServices } from '../services.js';
import { EphemeralPorts } from '../tcp/ports.js';

export interface UdpUser {
  /** A datagram was received. `bytes` is a copy that belongs to the user. */
  udpDatagram(
    socket: UdpSocket,
    bytes: Uint8Array,
    from: Address,
    fromPort: number,
    to: Address,
    now: Micros,
  ): void;
  /** An ICMP error about a datagram sent to `to`. `errno` is Linux's name. */
  udpError?(socket: UdpSocket, errno: string, to: Address, toPort: number): void;
}

export interface UdpBindOptions {
  port: number;
  /** Default: all addresses of the stack. */
  address?: Address | null;
  user: UdpUser;
}

export class UdpSocket implements UdpBinding {
  readonly address: Address | null;
  readonly port: number;
  readonly user: UdpUser;
  /** IP_MTU_DISCOVER. */
  mtuDiscover: MtuDiscover = MtuDiscover.want;
  private readonly host: UdpHost;

  constructor(host: UdpHost, address: Address | null, port: number, user: UdpUser) {
    this.host = host;
    this.address = address;
    this.port = port;
    this.user = user;
  }

  /**
   * Sends one datagram. `from` defaults to the socket's address, else to the source address that
   * suits `to` best. Throws StackError EMSGSIZE, ENETUNREACH, EADDRNOTAVAIL, EINVAL.
   */
  send(bytes: Uint8Array, to: Address, toPort: number, now: Micros, from?: Address): void {
    this.host.send(this, bytes, to, toPort, now, from);
  }

  close(): void {
    this.host.close(this);
  }
}

/** RFC 768: the length field includes the header. */
const MAX_DATA = 65_535 - UDP_HEADER_BYTES;

export class UdpHost {
  private readonly table = new UdpTable<UdpSocket>();
  private readonly ports: EphemeralPorts;
  private readonly header = new UdpHeader();
  private readonly ip = new IpHeader();
  private readonly services: StackServices;
  private readonly out: IpOutput;

  constructor(services: StackServices, out: IpOutput) {
    this.services = services;
    this.out = out;
    this.ports = new EphemeralPorts(services.random);
  }

  bind(o: UdpBindOptions): UdpSocket {
    const address = o.address ?? null;
    if (address !== null) this.services.addresses.checkOwn(address);
    const port = o.port === 0 ? this.freePort() : o.port;
    if (port === 0) throw new StackError('EADDRINUSE', 'every ephemeral UDP port is in use');
    const socket = new UdpSocket(this, address, port, o.user);
    this.table.bind(socket);
    return socket;
  }

  private freePort(): number {
    const { random } = this.services;
    return this.ports.pick(random.int32(), random.int32(), (p) => !this.table.has(p));
  }

  close(socket: UdpSocket): void {
    this.table.unbind(socket);
  }

  /** Handles a received datagram. For Drop.udpNoSuchPort the stack sends a port unreachable. */
  arrives(slab: Slab, ip: IpHeader, trusted: boolean, now: Micros): DropReason {
    const { header } = this;
    const bad = parseUdp(slab, ip, trusted, header);
    if (bad !== Drop.none) return bad;
    const from = Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3);
    const to = Address.fromWords(ip.d0, ip.d1, ip.d2, ip.d3);
    const watch = this.services.observer;
    watch?.datagram(
      'in',
      endpointText(from, header.sourcePort),
      endpointText(to, header.destinationPort),
      { kind: 'udp', length: header.dataLength },
      now,
    );
    const socket = this.socketFor(to, header.destinationPort);
    if (socket === undefined) return Drop.udpNoSuchPort;
    const bytes = copyOf(slab, header.dataOffset, header.dataLength);
    socket.user.udpDatagram(socket, bytes, from, header.sourcePort, to, now);
    return Drop.none;
  }

  /**
   * RFC 1122 section 4.1.3.3: passes the error to the socket that sent the quoted datagram. Returns
   * false if there is none.
   */
  icmpError(e: IcmpError, now: Micros): boolean {
    const socket = this.socketFor(Address.fromWords(e.s0, e.s1, e.s2, e.s3), e.sourcePort);
    if (socket === undefined) return false;
    const remote = Address.fromWords(e.d0, e.d1, e.d2, e.d3);
    if (e.errno === 'EMSGSIZE') {
      const mtu = this.out.mtuTo(remote, MtuDiscover.probe, now);
      if (mtu > 0) this.services.paths.tooBig(e, socket.mtuDiscover, mtu, now);
      // As in Linux: a socket that lets its datagrams be fragmented gets no error.
      if (socket.mtuDiscover === MtuDiscover.dont) return true;
    }
    socket.user.udpError?.(socket, e.errno, remote, e.destinationPort);
    return true;
  }

  send(
    socket: UdpSocket,
    bytes: Uint8Array,
    to: Address,
    toPort: number,
    now: Micros,
    from?: Address,
  ): void {
    const { services, out, ip } = this;
    if (bytes.length > MAX_DATA)
      throw new StackError(
        'EMSGSIZE',
        `a UDP datagram holds at most ${MAX_DATA} bytes, not ${bytes.length}`,
      );
    const source = from ?? socket.address ?? services.addresses.sourceFor(to);
    if (source === null)
      throw new StackError(
        'ENETUNREACH',
        `the stack has no IPv${to.version} address to reach ${to.toString()} from`,
      );
    services.addresses.checkOwn(source);
    checkPair(source, to, services.addresses.isOwn(to));
    ip.setAddresses(source, to);
    ip.protocol = PROTOCOL_UDP;
    ip.ttl = services.config.ttl;
    ip.tos = 0;
    const { scratch } = out;
    scratch.bytes.set(bytes, UDP_HEADER_BYTES);
    writeUdp(scratch, 0, ip, socket.port, toPort, bytes.length);
    ip.payloadLength = UDP_HEADER_BYTES + bytes.length;
    services.observer?.datagram(
      'out',
      endpointText(source, socket.port),
      endpointText(to, toPort),
      { kind: 'udp', length: bytes.length },
      now,
    );
    if (out.send(ip, to, socket.mtuDiscover, now)) return;
    const most =
      socket.mtuDiscover >= MtuDiscover.do
        ? ` of ${out.mtuTo(to, socket.mtuDiscover, now)} bytes`
        : '';
    throw new StackError(
      'EMSGSIZE',
      `${bytes.length} bytes do not fit into an IPv${to.version} packet${most}`,
    );
  }

  private socketFor(to: Address, port: number): UdpSocket | undefined {
    return this.table.lookup(to, port);
  }
}
