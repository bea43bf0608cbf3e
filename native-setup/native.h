/*
 * What the parts of the addon share. Every function that may fail returns 0 or a count, or a
 * negative errno.
 */
#ifndef TCPLAB_NATIVE_H
#define TCPLAB_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* ---- tun-open.c: the device node and its ioctls ---- */

/*
 * Opens /dev/net/tun and makes or attaches the device `name` (IFNAMSIZ bytes; "" lets the kernel
 * choose, and what it chose is written back). `flags`: bits of IFF_*. Returns the descriptor.
 */
int tun_open(char *name, int flags);
/* Name and flags of the device behind `fd`. */
int tun_info(int fd, char *name, int *flags);
int tun_set_offload(int fd, unsigned int mask);
int tun_set_vnet_header_size(int fd, int size);
int tun_set_persist(int fd, int on);
int tun_set_owner(int fd, uid_t uid);

/* ---- netlink.c: links, addresses, routes ---- */

int link_index(const char *name);
int link_mtu(const char *name);
/* Each is left alone when negative. */
int link_set(const char *name, int mtu, int tx_queue_length, int up);
int link_delete(const char *name);
/*
 * `family` AF_INET or AF_INET6, `address` in network order. IPv6 skips duplicate detection: there
 * is nobody to ask on a TUN.
 */
int address_add(const char *name, int family, const uint8_t *address, int prefix_bits);
int address_delete(const char *name, int family, const uint8_t *address, int prefix_bits);
/*
 * The connected route of that address's subnet, with a congestion control of its own
 * (`ip route ... congctl NAME`).
 */
int route_congestion(const char *name, int family, const uint8_t *address, int prefix_bits, const char *algorithm);

/* ---- batch.c: packets ---- */

#ifdef TCPLAB_TEST_ADDON
/* test/native/test-functions.c: a test may have the next calls of this thread fail. */
ssize_t test_readv(int fd, const struct iovec *parts, int count);
ssize_t test_writev(int fd, const struct iovec *parts, int count);
#define READV test_readv
#define WRITEV test_writev
#else
#define READV readv
#define WRITEV writev
#endif

/* Numbers that describe one packet in an Int32Array. */
enum { RX_OFFSET, RX_LENGTH, RX_FLAGS, RX_GSO_TYPE, RX_HEADER_LENGTH, RX_GSO_SIZE, RX_CSUM_START, RX_CSUM_OFFSET, RX_WORDS };
enum { TX_OFFSET, TX_LENGTH, TX_PIECES, TX_FIRST_PIECE, TX_MOST_PIECES = 4, TX_WORDS = TX_FIRST_PIECE + 3 * TX_MOST_PIECES };

/* What a queue does. */
enum {
  /* A virtio-net header stands before each packet. */
  QUEUE_VNET = 1,
  /* Packets that the device did not join are joined here (receive-offload.c). */
  QUEUE_RECEIVE_OFFLOAD = 2,
};

/*
 * Reads packets back to back into `slab` from `start` on, at most `most` (those that are joined are
 * one), until the device has no more or the slab no room for another of the largest size. Returns
 * how many; a negative errno only when there was none.
 */
int batch_read(int fd, int mode, uint8_t *slab, size_t slab_length, size_t start, int32_t *rx, int most);

/*
 * receive-offload.c. Checks the sum of the TCP segment that `rx` describes, and notes there what is
 * needed to join it with others.
 */
void receive_offload(uint8_t *slab, int32_t *rx);
/*
 * Appends the segment `next` to `whole`, which stands before it in the slab, if it continues that
 * one; 1 when it did.
 */
int receive_join(uint8_t *slab, int32_t *whole, const int32_t *next);

struct write_result {
  /* Packets that the kernel took, and their bytes with the virtio-net headers. */
  int written, bytes;
  /* Not taken: the queue was full (EAGAIN, ENOBUFS). */
  int full;
  /*
   * Not taken for another reason; the first of them, 0 for none. After EIO or EBADFD nothing more
   * was tried.
   */
  int refused, error;
};

void batch_write(int fd, uint8_t *slab, size_t slab_length, const int32_t *tx, int count, const struct iovec *buffers,
                 int buffer_count, struct write_result *result);

/* ---- slab-pool.c: memory that is read into ---- */

enum { SLAB_BYTES = 1 << 20 };
struct slab;
/*
 * One that is free, or a new one; its bytes are anything. NULL without memory. Any thread may call
 * these.
 */
struct slab *slab_take(void);
void *slab_memory(struct slab *slab);
void slab_give_back(struct slab *slab);

#endif
