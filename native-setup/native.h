/*
 * Declarations that the addon's files share. Every function that may fail returns 0 or a count, or
 * a negative errno.
 */
#ifndef TCPLAB_NATIVE_H
#define TCPLAB_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* ---- tun-open.c: the device node and its ioctls ---- */

/*
 * Opens /dev/net/tun and creates the device `name` or attaches to it. `name` has IFNAMSIZ bytes; if
 * it is empty, the kernel chooses a name, which is written back. `flags` are IFF_* bits. Returns
 * the descriptor.
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
/* A negative value leaves that setting unchanged. */
int link_set(const char *name, int mtu, int tx_queue_length, int up);
int link_delete(const char *name);
/*
 * `family` is AF_INET or AF_INET6, `address` is in network order. IPv6 addresses skip duplicate
 * detection because a TUN has no neighbours.
 */
int address_add(const char *name, int family, const uint8_t *address, int prefix_bits);
int address_delete(const char *name, int family, const uint8_t *address, int prefix_bits);
/*
 * Sets the congestion control of the connected route to that address's subnet
 * (`ip route ... congctl NAME`).
 */
int route_congestion(const char *name, int family, const uint8_t *address, int prefix_bits,
                     const char *algorithm);

/* ---- batch.c: packets ---- */

#ifdef TCPLAB_TEST_ADDON
/* test/native/test-functions.c: a test can make the next calls of this thread fail. */
ssize_t test_readv(int fd, const struct iovec *parts, int count);
ssize_t test_writev(int fd, const struct iovec *parts, int count);
#define READV test_readv
#define WRITEV test_writev
#else
#define READV readv
#define WRITEV writev
#endif

/* Layout of the numbers that describe one packet in an Int32Array. */
enum {
  RX_OFFSET,
  RX_LENGTH,
  RX_FLAGS,
  RX_GSO_TYPE,
  RX_HEADER_LENGTH,
  RX_GSO_SIZE,
  RX_CSUM_START,
  RX_CSUM_OFFSET,
  RX_WORDS,
};
enum {
  TX_OFFSET,
  TX_LENGTH,
  TX_PIECES,
  TX_FIRST_PIECE,
  TX_MOST_PIECES = 4,
  TX_WORDS = TX_FIRST_PIECE + 3 * TX_MOST_PIECES,
};

/* Modes of a queue. */
enum {
  /* A virtio-net header precedes each packet. */
  QUEUE_VNET = 1,
  /* Segments that the device did not join are joined here (receive-offload.c). */
  QUEUE_RECEIVE_OFFLOAD = 2,
};

/*
 * Reads packets back to back into `slab`, from `start` on. Stops after `most` packets (joined ones
 * count once), when the device has no more, or when the slab has no room for another packet of the
 * largest size. Returns the number of packets, or a negative errno if the first read failed.
 */
int batch_read(int fd, int mode, uint8_t *slab, size_t slab_length, size_t start, int32_t *rx,
               int most);

/*
 * receive-offload.c. Verifies the checksum of the TCP segment that `rx` describes, and sets the
 * fields of `rx` that `receive_join` needs.
 */
void receive_offload(uint8_t *slab, int32_t *rx);
/*
 * Appends the segment `next` to `whole`, which precedes it in the slab, and returns 1 if `next`
 * continues it. Otherwise returns 0.
 */
int receive_join(uint8_t *slab, int32_t *whole, const int32_t *next);

struct write_result {
  /* Packets that the kernel accepted, and their bytes including the virtio-net headers. */
  int written, bytes;
  /* Packets dropped because the queue was full (EAGAIN, ENOBUFS). */
  int full;
  /*
   * Packets refused for another reason, and the errno of the first (0 if none). After EIO, EBADF or
   * EBADFD the rest of the batch is not tried and counts as refused.
   */
  int refused, error;
};

void batch_write(int fd, uint8_t *slab, size_t slab_length, const int32_t *tx, int count,
                 const struct iovec *buffers, int buffer_count, struct write_result *result);

/* ---- slab-pool.c: memory for received packets ---- */

enum { SLAB_BYTES = 1 << 20 };
struct slab;
/*
 * Returns a free slab or a new one, with undefined contents, or NULL if there is no memory. Any
 * thread may call these functions.
 */
struct slab *slab_take(void);
void *slab_memory(struct slab *slab);
void slab_give_back(struct slab *slab);

#endif
