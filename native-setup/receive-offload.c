/*
 * GRO and checksum verification for a TUN without offloads, where each segment is a packet.
 * Consecutive segments of one flow with valid checksums are joined into one super-segment, in the
 * form that a TUN with offloads delivers. The stack then works once per 64 KB instead of once per
 * 1448 bytes. Segments are joined only if all other header fields are equal, so only the segment
 * boundaries are lost.
 *
 * Only plain headers are handled. Packets with IP options or extension headers and fragments go to
 * the stack as they are. So do packets with a wrong checksum, because the stack counts them.
 */
#include "native.h"

#include <linux/virtio_net.h>
#include <string.h>

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20, TCP = 6, MOST_IP_LENGTH = 65535 };
enum { FIN = 0x01, PSH = 0x08, ACK = 0x10 };

static uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t *p, uint32_t n) {
  p[0] = (uint8_t)(n >> 8);
  p[1] = (uint8_t)n;
}

/*
 * RFC 1071 section 2: the sum of 16-bit words may be computed with larger words and in the
 * machine's byte order, and folded at the end.
 */
static uint64_t sum_words(const uint8_t *p, size_t length) {
  uint64_t sum = 0;
  uint32_t last = 0;
  for (; length >= 4; p += 4, length -= 4) {
    uint32_t word;
    memcpy(&word, p, 4);
    sum += word;
  }
  memcpy(&last, p, length);
  return sum + last;
}

static uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

/* The sum is in the machine's byte order already. */
static void put_sum(uint8_t *p, uint16_t sum) { memcpy(p, &sum, 2); }

/*
 * The offset of the TCP header, or 0 if the packet has no TCP segment after a plain IP header, or
 * if the header's length field is not the packet's length.
 */
static size_t tcp_at(const uint8_t *ip, size_t length) {
  if (length >= IPV4_HEADER + TCP_HEADER && ip[0] == 0x45) {
    int is_fragment = (get16(ip + 6) & 0x3fff) != 0;
    if (ip[9] != TCP || is_fragment || get16(ip + 2) != length) return 0;
    if (fold(sum_words(ip, IPV4_HEADER)) != 0xffff) return 0;
    return IPV4_HEADER;
  }
  if (length >= IPV6_HEADER + TCP_HEADER && ip[0] >> 4 == 6) {
    if (ip[6] != TCP || get16(ip + 4) + IPV6_HEADER != length) return 0;
    return IPV6_HEADER;
  }
  return 0;
}

static uint64_t sum_pseudo_header(const uint8_t *ip, size_t tcp, size_t length) {
  size_t addresses = tcp == IPV4_HEADER ? 12 : 8;
  uint8_t rest[4] = {0, TCP};
  put16(rest + 2, (uint32_t)(length - tcp));
  return sum_words(ip + addresses, tcp - addresses) + sum_words(rest, 4);
}

static int is_sum_right(const uint8_t *ip, size_t tcp, size_t length) {
  return fold(sum_pseudo_header(ip, tcp, length) + sum_words(ip + tcp, length - tcp)) == 0xffff;
}

/*
 * Compares version, traffic class, flow label, DF, TTL and addresses. Lengths, IPv4's
 * identification and its header checksum may differ.
 */
static int is_same_ip(const uint8_t *a, const uint8_t *b, size_t tcp) {
  if (tcp == IPV4_HEADER)
    return get16(a) == get16(b) && get16(a + 6) == get16(b + 6) && a[8] == b[8] &&
           memcmp(a + 12, b + 12, 8) == 0;
  return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, IPV6_HEADER - 6) == 0;
}

void receive_offload(uint8_t *slab, int32_t *rx) {
  const uint8_t *ip = slab + rx[RX_OFFSET];
  size_t length = (size_t)rx[RX_LENGTH], tcp = tcp_at(ip, length);
  size_t headers;
  if (tcp == 0 || !is_sum_right(ip, tcp, length)) return;
  rx[RX_FLAGS] = VIRTIO_NET_HDR_F_DATA_VALID;
  headers = tcp + 4 * (ip[tcp + 12] >> 4);
  if (headers < tcp + TCP_HEADER || headers >= length || (ip[tcp + 13] & ~PSH) != ACK) return;
  rx[RX_HEADER_LENGTH] = (int32_t)headers;
  rx[RX_GSO_SIZE] = (int32_t)(length - headers);
}

int receive_join(uint8_t *slab, int32_t *whole, const int32_t *next) {
  size_t headers = (size_t)whole[RX_HEADER_LENGTH], length = (size_t)whole[RX_LENGTH];
  uint8_t *a = slab + whole[RX_OFFSET];
  const uint8_t *b = slab + next[RX_OFFSET];
  size_t tcp = a[0] >> 4 == 4 ? IPV4_HEADER : IPV6_HEADER;
  size_t payload = (size_t)next[RX_GSO_SIZE], size = (size_t)whole[RX_GSO_SIZE];
  /*
   * `receive_offload` leaves the header length 0 if a segment does not qualify. All segments of a
   * super-segment have one size, except the last, which may be shorter.
   */
  if (headers == 0 || next[RX_HEADER_LENGTH] != (int32_t)headers) return 0;
  if (payload > size || (length - headers) % size != 0) return 0;
  if (length + payload > MOST_IP_LENGTH || a[0] >> 4 != b[0] >> 4 || !is_same_ip(a, b, tcp))
    return 0;
  a += tcp;
  b += tcp;
  /* PSH ends a super-segment, because the sender wants the data delivered up to there. */
  if ((a[13] & PSH) != 0 || get32(a + 4) + (uint32_t)(length - headers) != get32(b + 4)) return 0;
  /* Ports; acknowledgment number and header length; window; urgent pointer and options. */
  if (memcmp(a, b, 4) != 0 || memcmp(a + 8, b + 8, 5) != 0 || memcmp(a + 14, b + 14, 2) != 0 ||
      memcmp(a + 18, b + 18, headers - tcp - 18) != 0)
    return 0;
  a[13] |= b[13] & PSH;
  memmove(slab + whole[RX_OFFSET] + length, b - tcp + headers, payload);
  length += payload;
  whole[RX_LENGTH] = (int32_t)length;
  whole[RX_GSO_TYPE] = tcp == IPV4_HEADER ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
  /*
   * As the kernel does after GRO: the checksums of the segments were valid, and the checksum field
   * now holds the sum of the pseudo-header only (NEEDS_CSUM).
   */
  whole[RX_FLAGS] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  whole[RX_CSUM_START] = (int32_t)tcp;
  whole[RX_CSUM_OFFSET] = 16;
  a -= tcp;
  if (tcp == IPV4_HEADER) {
    put16(a + 2, (uint32_t)length);
    put_sum(a + 10, 0);
    put_sum(a + 10, (uint16_t)~fold(sum_words(a, IPV4_HEADER)));
  } else {
    put16(a + 4, (uint32_t)(length - IPV6_HEADER));
  }
  put_sum(a + tcp + 16, fold(sum_pseudo_header(a, tcp, length)));
  return 1;
}
