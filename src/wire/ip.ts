/**
 * The fields that IPv4 and IPv6 headers have in common, in one reused object that `parseIpv4` or
 * `parseIpv6` fills. An address is four int32 words. An IPv4 address is in v4-mapped form (RFC 4291
 * section 2.5.5.2), so that one code path serves both families.
 */
export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
/** The third word of an IPv4 address in v4-mapped form. */
export const V4_MAPPED_WORD = 0xffff;

/** An address as four int32 words. */
export interface AddressWords {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

export const addressVersion = (a: AddressWords): 4 | 6 =>
  a.w0 === 0 && a.w1 === 0 && a.w2 === V4_MAPPED_WORD ? 4 : 6;

export const isSameAddress = (a: AddressWords, b: AddressWords): boolean =>
  a.w3 === b.w3 && a.w2 === b.w2 && a.w1 === b.w1 && a.w0 === b.w0;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;
/** IPv6: no header follows. */
export const NO_NEXT_HEADER = 59;

export class IpHeader {
  version: 4 | 6 = 4;
  /** Source address in s0 to s3, destination address in d0 to d3. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  /** Protocol of the payload. IPv6: the header after all extension headers. */
  protocol = 0;
  /** TTL, or hop limit: 0..255. */
  ttl = 0;
  /** The TOS or traffic class byte: DSCP, and ECN in the lower two bits. */
  tos = 0;
  /** IPv4: 16 bits. IPv6: 32 bits, from the fragment header. */
  id = 0;
  dontFragment = false;
  /** True for a part of a larger datagram. */
  isFragment = false;
  moreFragments = false;
  /** In bytes. */
  fragmentOffset = 0;
  /**
   * Offsets in the slab. With IPv6 the payload begins after the last extension header that was
   * parsed.
   */
  headerOffset = 0;
  payloadOffset = 0;
  payloadLength = 0;
  /**
   * Offset of the protocol field from the packet's start, for an ICMPv6 Parameter Problem that
   * points at it.
   */
  protocolPointer = 0;
  /** Only for writing an IPv4 header: its options, padded to 32 bits. */
  options: Uint8Array | null = null;
  optionBytes = 0;
  /** Code of the Parameter Problem to send about this packet; -1 for none. */
  problemCode = -1;
  /** Second word of that ICMP message. ICMPv4's pointer is its first byte. */
  problemPointer = 0;

  /** The ECN field: a value of `Ecn`, 3 is CE. */
  get ecn(): number {
    return this.tos & 3;
  }

  /** For a header to be written without options. */
  setAddresses(source: AddressWords, destination: AddressWords): void {
    this.version = addressVersion(destination);
    this.optionBytes = 0;
    this.s0 = source.w0;
    this.s1 = source.w1;
    this.s2 = source.w2;
    this.s3 = source.w3;
    this.d0 = destination.w0;
    this.d1 = destination.w1;
    this.d2 = destination.w2;
    this.d3 = destination.w3;
  }

  /** Swaps the addresses: for a reply to `to`. */
  answer(to: IpHeader): void {
    this.version = to.version;
    this.optionBytes = 0;
    this.s0 = to.d0;
    this.s1 = to.d1;
    this.s2 = to.d2;
    this.s3 = to.d3;
    this.d0 = to.s0;
    this.d1 = to.s1;
    this.d2 = to.s2;
    this.d3 = to.s3;
  }
}
