/*
 * Reads and writes packets in batches. A TUN moves one packet per system call, so the work around
 * that call is kept small: JavaScript is entered once per batch, each packet is read straight into
 * its place in the slab, and a write gathers headers and payload where they are (writev).
 */
#include "native.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <unistd.h>

/*
 * The largest packet of a TUN. The length field allows 65,535 bytes, and in IPv6 it does not count
 * the header.
 */
#define MOST_PACKET_BYTES (65535 + 40)
/* Packets start on 8-byte boundaries because checksums are summed in words. */
#define ALIGNED(n) (((n) + 7) & ~(size_t)7)

int batch_read(int fd, int mode, uint8_t *slab, size_t slab_length, size_t start, int32_t *rx,
               int most) {
  int n = 0, vnet = (mode & QUEUE_VNET) != 0;
  size_t at = start;
  while (n < most && at <= slab_length && slab_length - at >= MOST_PACKET_BYTES) {
    struct virtio_net_hdr header = {0};
    struct iovec parts[2] = {{&header, sizeof header}, {slab + at, MOST_PACKET_BYTES}};
    ssize_t got = vnet ? READV(fd, parts, 2) : READV(fd, parts + 1, 1);
    size_t length;
    if (got < 0) {
      if (errno == EINTR) continue;
      return n > 0 ? n : -errno;
    }
    // End of file or a short header: never from a TUN.
    if (got == 0 || (vnet && (size_t)got < sizeof header)) return n;
    length = (size_t)got - (vnet ? sizeof header : 0);
    rx[RX_OFFSET] = (int32_t)at;
    rx[RX_LENGTH] = (int32_t)length;
    rx[RX_FLAGS] = header.flags;
    rx[RX_GSO_TYPE] = header.gso_type;
    rx[RX_HEADER_LENGTH] = header.hdr_len;
    rx[RX_GSO_SIZE] = header.gso_size;
    rx[RX_CSUM_START] = header.csum_start;
    rx[RX_CSUM_OFFSET] = header.csum_offset;
    if ((mode & QUEUE_RECEIVE_OFFLOAD) && header.flags == 0 &&
        header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
      receive_offload(slab, rx);
      if (n > 0 && receive_join(slab, rx - RX_WORDS, rx)) {
        at = ALIGNED((size_t)rx[RX_OFFSET - RX_WORDS] + (size_t)rx[RX_LENGTH - RX_WORDS]);
        continue;
      }
    }
    rx += RX_WORDS;
    at += ALIGNED(length);
    n++;
  }
  return n;
}

/*
 * Collects the parts of one packet, headers first. Returns their total length, or 0 if an offset or
 * length in `tx` lies outside its buffer.
 */
static size_t gather(uint8_t *slab, size_t slab_length, const int32_t *tx,
                     const struct iovec *buffers, int buffer_count, struct iovec *parts) {
  size_t head = (size_t)tx[TX_OFFSET], whole = (size_t)tx[TX_LENGTH];
  int pieces = tx[TX_PIECES];
  /* The casts to size_t turn negative numbers into huge ones, which fail here too. */
  if (head > slab_length || whole > slab_length - head || pieces < 0 || pieces > TX_MOST_PIECES)
    return 0;
  parts[0].iov_base = slab + head;
  parts[0].iov_len = whole;
  for (int k = 0; k < pieces; k++) {
    const int32_t *piece = tx + TX_FIRST_PIECE + 3 * k;
    size_t offset = (size_t)piece[1], length = (size_t)piece[2];
    const struct iovec *buffer;
    if (piece[0] < 0 || piece[0] >= buffer_count) return 0;
    buffer = buffers + piece[0];
    if (offset > buffer->iov_len || length > buffer->iov_len - offset) return 0;
    parts[1 + k].iov_base = (uint8_t *)buffer->iov_base + offset;
    parts[1 + k].iov_len = length;
    whole += length;
  }
  return whole;
}

void batch_write(int fd, uint8_t *slab, size_t slab_length, const int32_t *tx, int count,
                 const struct iovec *buffers, int buffer_count, struct write_result *result) {
  for (int i = 0; i < count; i++, tx += TX_WORDS) {
    struct iovec parts[1 + TX_MOST_PIECES];
    size_t whole = gather(slab, slab_length, tx, buffers, buffer_count, parts);
    ssize_t sent;
    int error;
    if (whole == 0) {
      error = EFAULT;
    } else {
      do sent = WRITEV(fd, parts, 1 + tx[TX_PIECES]);
      while (sent < 0 && errno == EINTR);
      if (sent == (ssize_t)whole) {
        result->written++;
        result->bytes += (int)whole;
        continue;
      }
      error = sent < 0 ? errno : EMSGSIZE; /* a short write truncated the packet, so it is lost */
    }
    if (error == EAGAIN || error == ENOBUFS) {
      result->full++;
      continue;
    }
    result->refused++;
    // A dead device is reported in preference to a refused packet.
    if (result->error == 0 || error == EBADFD || error == EBADF) result->error = error;
    if (error == EIO || error == EBADFD || error == EBADF) {
      result->refused += count - i - 1;
      return;
    }
  }
}
