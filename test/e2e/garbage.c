/*
 * Writes invalid packets directly to a TUN device, from the kernel's side:
 *
 *     garbage DEVICE COUNT SEED
 *
 * A quarter each: bytes of chance; packets that just went to the stack, with one 16-bit word
 * changed (so that a sum is wrong for certain) or cut off; TCP segments with right sums for the
 * stack's port 80 with numbers of chance; fragments, ICMP errors and IPv4 options of chance.
 * Nothing of it may hurt a connection: whoever sends it does not know the sequence numbers. 10,000
 * a second.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, RECENT = 64 };
static const uint8_t KERNEL[4] = {198, 18, 0, 1}, STACK[4] = {198, 18, 0, 2};
static uint32_t state;

static uint32_t below(uint32_t n) {
  state = state * 1664525 + 1013904223;
  return (uint32_t)(((uint64_t)state * n) >> 32);
}

static uint16_t sum_of(const uint8_t *p, size_t n, uint32_t sum) {
  for (size_t i = 0; i < n; i++) sum += i & 1 ? p[i] : p[i] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t n) {
  p[0] = (uint8_t)(n >> 8);
  p[1] = (uint8_t)n;
}

static void chance(uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) p[i] = (uint8_t)below(256);
}

/* An IPv4 header before `n` bytes of payload; the packet's length. */
static size_t head(uint8_t *p, size_t n, uint8_t protocol, uint16_t fragment) {
  const uint8_t start[12] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol};
  memcpy(p, start, 12);
  put16(p + 2, (uint16_t)(20 + n));
  put16(p + 4, (uint16_t)below(16));
  put16(p + 6, fragment);
  memcpy(p + 12, KERNEL, 4);
  memcpy(p + 16, STACK, 4);
  put16(p + 10, sum_of(p, 20, 0));
  return 20 + n;
}

static size_t segment(uint8_t *p) {
  uint8_t *tcp = p + 20;
  size_t n = 20 + (below(2) ? below(1400) : 0);
  chance(tcp, n);
  put16(tcp, (uint16_t)(32768 + below(28232))); /* where curl's ports are */
  put16(tcp + 2, 80);
  tcp[12] = (uint8_t)((5 + below(3)) << 4);
  put16(tcp + 16, 0);
  put16(tcp + 16, sum_of(tcp, n, 6 + (uint32_t)n + 2 * (198 << 8 | 18) + 1 + 2));
  return head(p, n, 6, 0x4000);
}

/* A datagram whose IPv4 options are bytes of chance. */
static size_t options(uint8_t *p) {
  size_t bytes = 4 + 4 * below(10), n = bytes + 8 + below(100);
  chance(p + 20, n);
  n = head(p, n, 17, 0);
  p[0] = (uint8_t)(0x45 + bytes / 4);
  put16(p + 10, 0);
  put16(p + 10, sum_of(p, 20 + bytes, 0));
  return n;
}

static size_t other(uint8_t *p) {
  if (below(4) == 0) return options(p);
  size_t n = 8 + below(600);
  chance(p + 20, n);
  if (below(2)) return head(p, n, below(2) ? 6 : 17, (uint16_t)(below(2) << 13 | below(200)));
  p[20] = (uint8_t)(3 + below(10));
  size_t quoted = head(p + 28, 8, 6, 0);
  memcpy(p + 28 + 12, STACK, 4);
  memcpy(p + 28 + 16, KERNEL, 4);
  put16(p + 28 + 10, 0);
  put16(p + 28 + 10, sum_of(p + 28, 20, 0));
  put16(p + 28 + 20, 80);
  put16(p + 22, 0);
  put16(p + 22, sum_of(p + 20, 8 + quoted, 0));
  return head(p, 8 + quoted, 1, 0);
}

int main(int argc, char **argv) {
  static uint8_t recent[RECENT][2048], packet[MOST];
  static size_t lengths[RECENT];
  int seen = 0, count = argc == 4 ? atoi(argv[2]) : 0, sent = 0;
  if (count <= 0 || count > 1000000) {
    fprintf(stderr, "garbage: DEVICE COUNT SEED, COUNT up to 1000000\n");
    return 2;
  }
  state = (uint32_t)atoi(argv[3]);
  int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
  struct sockaddr_ll to = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons(ETH_P_IP),
      .sll_ifindex = (int)if_nametoindex(argv[1]),
  };
  if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("garbage");
    return 1;
  }
  for (int i = 0; i < count; i++) {
    struct sockaddr_ll from;
    socklen_t size = sizeof from;
    size_t n;
    ssize_t got;
    while ((got = recvfrom(fd, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&from,
                           &size)) > 0) {
      if (from.sll_pkttype != PACKET_OUTGOING || packet[0] != 0x45 || packet[9] != 6) continue;
      lengths[seen % RECENT] = got < 2048 ? (size_t)got : 2048;
      memcpy(recent[seen % RECENT], packet, lengths[seen % RECENT]);
      seen++;
    }
    uint32_t kind = below(4);
    if (kind == 0 || (kind == 1 && seen == 0)) {
      n = 1 + below(below(2) ? 60 : 1500);
      chance(packet, n);
      if (below(2)) packet[0] = below(2) ? 0x45 : 0x60;
    } else if (kind == 1) {
      int which = (int)below((uint32_t)(seen < RECENT ? seen : RECENT));
      n = lengths[which];
      memcpy(packet, recent[which], n);
      if (below(4) == 0) n = 1 + below((uint32_t)n);
      else packet[2 * below((uint32_t)(n / 2))] ^= (uint8_t)(1 + below(255));
    } else {
      n = kind == 2 ? segment(packet) : other(packet);
    }
    if (sendto(fd, packet, n, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)n) sent++;
    if (i % 100 == 99) nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  printf("%d\n", sent);
  return 0;
}
