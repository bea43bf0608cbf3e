/**
 * Capture filters in the language of pcap-filter(7). A filter accepts the packets that
 * `tcpdump -r FILE FILTER` prints, because it makes the same loads and comparisons in the same
 * order as the BPF program of libpcap's gencode.c. That includes what surprises:
 *
 * - A tagged Ethernet frame is no `ip` frame. `vlan and tcp` looks behind the tag.
 * - `tcp[...]` and `port` see no later fragments, and `tcp[...]` sees only IPv4.
 * - IPv6: `port` sees no ports behind extension headers; `tcp` sees TCP behind a fragment header.
 * - A byte that is asked for and was not captured rejects the packet, even under a `not`.
 *
 * Three things differ. `inbound` and `outbound` work for every capture that has directions. The
 * family of a loopback header is found in either byte order. And libpcap's optimizer may leave out
 * a load that its result does not need, and then accepts a cut packet that `tcpdump -O` rejects;
 * this compiler does as `-O`.
 */
import type { CapturedPacket } from '../packet.js';
import { LinkLayer } from './link-layer.js';
import { parseFilter } from './parser.js';
import {
  always,
  and,
  byteIs,
  compare,
  Frame,
  halfIs,
  loadOf,
  never,
  not,
  operate,
  or,
  type Test,
  type Value,
  wordIs,
} from './program.js';
import type { Arithmetic, Condition, Direction, NetworkWord } from './syntax.js';
import { NETWORK_WORDS, PROTOCOLS } from './words.js';

/** Whether a packet passes. It allocates nothing. */
export type CaptureFilter = (packet: CapturedPacket) => boolean;

const FRAGMENT = 44;
const ICMP6 = 58;
const IPV6_HEADER_BYTES = 40;

/** An empty filter accepts all packets. Throws FilterError. */
export function compileFilter(filter: string): CaptureFilter {
  const condition = parseFilter(filter);
  const frame = new Frame();
  const programs = new Map<number, Test>();
  let linkType = -1;
  let program = never;
  return (packet) => {
    if (packet.linkType !== linkType) {
      ({ linkType } = packet);
      program = programs.get(linkType) ?? new Generator(linkType).test(condition);
      programs.set(linkType, program);
    }
    frame.set(packet);
    return program(frame) && !frame.rejected;
  };
}

/** A number, and the condition under which it means something: libpcap's `struct arth`. */
interface Checked {
  readonly value: Value;
  readonly check: Test;
}

/** Makes the closures of one link type, from left to right because of `vlan`. */
class Generator {
  private readonly link: LinkLayer;

  constructor(linkType: number) {
    this.link = new LinkLayer(linkType);
  }

  test(c: Condition): Test {
    switch (c.kind) {
      case 'always':
        return always;
      case 'and': {
        const left = this.test(c.left);
        return and(left, this.test(c.right));
      }
      case 'or': {
        const left = this.test(c.left);
        return or(left, this.test(c.right));
      }
      case 'not':
        return not(this.test(c.of));
      case 'network':
        return this.link.carries(c.word);
      case 'protocol':
        return this.protocol(c.number, c.version);
      case 'address':
        return this.addresses(c);
      case 'port':
        return this.ports(c);
      case 'vlan':
        return this.link.vlan(c.id);
      case 'way':
        return (frame) => frame.direction === c.direction;
      case 'relation': {
        const left = this.number(c.left);
        const right = this.number(c.right);
        return and(and(left.check, right.check), compare(c.sign, left.value, right.value));
      }
    }
  }

  /** gen_proto: behind IPv6 also after a fragment header. */
  private protocol(number: number, version: 4 | 6 | null): Test {
    const { link } = this;
    const v4 = and(link.carries('ip'), link.protocol4(number));
    const behindFragment = and(
      link.protocol6(FRAGMENT),
      byteIs(link.network + IPV6_HEADER_BYTES, number),
    );
    const v6 = and(link.carries('ip6'), or(behindFragment, link.protocol6(number)));
    return version === 4 ? v4 : version === 6 ? v6 : or(v4, v6);
  }

  // ---- Addresses and ports ----------------------------------------------------------------------

  /** gen_host: an IPv4 address is looked for in ARP and RARP too, where nothing else is said. */
  private addresses(c: Condition & { kind: 'address' }): Test {
    if (c.version === 6) return this.address(c, 'ip6', 8, 24);
    const networks: readonly NetworkWord[] =
      c.network === null ? ['ip', 'arp', 'rarp'] : [c.network];
    return networks
      .map((network) =>
        network === 'ip' ? this.address(c, network, 12, 16) : this.address(c, network, 14, 24),
      )
      .reduce(or);
  }

  private address(
    c: Condition & { kind: 'address' },
    network: NetworkWord,
    source: number,
    destination: number,
  ): Test {
    const at = (offset: number): Test =>
      c.words
        .map((word, i) => wordIs(this.link.network + offset + 4 * i, word, c.masks[i]!))
        .reduce(and);
    return and(this.link.carries(network), inDirection(c.direction, at(source), at(destination)));
  }

  /** gen_port6, then gen_port. */
  private ports({ protocols, direction, low, high }: Condition & { kind: 'port' }): Test {
    const { link } = this;
    const start6 = link.network + IPV6_HEADER_BYTES;
    const isIn = (port: number): boolean => port >= low && port <= high;
    const v6 = and(
      protocols.map((number) => link.protocol6(number)).reduce(or),
      inDirection(
        direction,
        low === high ? halfIs(start6, low) : (frame) => isIn(frame.load16(start6)),
        low === high ? halfIs(start6 + 2, low) : (frame) => isIn(frame.load16(start6 + 2)),
      ),
    );
    const header = link.ipv4HeaderBytes();
    const start4 = link.network;
    const v4 = and(
      and(protocols.map((number) => link.protocol4(number)).reduce(or), link.isFirstFragment()),
      inDirection(
        direction,
        (frame) => isIn(frame.load16(header(frame) + start4)),
        (frame) => isIn(frame.load16(header(frame) + start4 + 2)),
      ),
    );
    return or(and(link.carries('ip6'), v6), and(link.carries('ip'), v4));
  }

  // ---- Arithmetic -------------------------------------------------------------------------------

  private number(a: Arithmetic): Checked {
    switch (a.kind) {
      case 'number':
        return { value: () => a.value, check: always };
      case 'length':
        return { value: (frame) => frame.wireLength, check: always };
      case 'negative': {
        const { value, check } = this.number(a.of);
        return { value: (frame) => -value(frame) >>> 0, check };
      }
      case 'binary': {
        const left = this.number(a.left);
        const right = this.number(a.right);
        // gen_arth keeps the check of the left operand only.
        return { value: operate(a.sign, left.value, right.value), check: left.check };
      }
      case 'load':
        return this.load(a);
    }
  }

  /** gen_load. The index is added in 32 bits, so it may be negative. */
  private load({ from, index, size }: Arithmetic & { kind: 'load' }): Checked {
    const { link } = this;
    const { value, check } = this.number(index);
    const load = loadOf(size);
    const at = (base: number): Value => {
      return (frame) => load(frame, (value(frame) + base) >>> 0);
    };
    if (from === 'ether') return { value: at(0), check };
    if ((NETWORK_WORDS as readonly string[]).includes(from))
      return { value: at(link.network), check: and(check, link.carries(from as NetworkWord)) };
    if (from === 'icmp6')
      return {
        value: at(link.network + IPV6_HEADER_BYTES),
        check: and(and(check, link.carries('ip6')), link.protocol6(ICMP6)),
      };
    const header = link.ipv4HeaderBytes();
    const base = link.network;
    const { number, version } = PROTOCOLS.get(from)!;
    return {
      value: (frame) => load(frame, (header(frame) + value(frame) + base) >>> 0),
      check: and(
        link.carries('ip'),
        and(check, and(this.protocol(number, version), link.isFirstFragment())),
      ),
    };
  }
}

function inDirection(direction: Direction, source: Test, destination: Test): Test {
  switch (direction) {
    case 'src':
      return source;
    case 'dst':
      return destination;
    case 'either':
      return or(source, destination);
    case 'both':
      return and(source, destination);
  }
}
