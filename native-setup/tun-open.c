/* The TUN device node: creates a device or attaches to one, and sets its descriptor's options. */
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int tun_open(char *name, int flags) {
  struct ifreq ifr;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, name, IFNAMSIZ);
  ifr.ifr_name[IFNAMSIZ - 1] = 0;
  ifr.ifr_flags = (short)flags;
  if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  memcpy(name, ifr.ifr_name, IFNAMSIZ);
  return fd;
}

int tun_info(int fd, char *name, int *flags) {
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  if (ioctl(fd, TUNGETIFF, &ifr) < 0) return -errno;
  memcpy(name, ifr.ifr_name, IFNAMSIZ);
  *flags = (unsigned short)ifr.ifr_flags;
  return 0;
}

int tun_set_offload(int fd, unsigned int mask) {
  return ioctl(fd, TUNSETOFFLOAD, (unsigned long)mask) < 0 ? -errno : 0;
}

int tun_set_vnet_header_size(int fd, int size) {
  return ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 ? -errno : 0;
}

int tun_set_persist(int fd, int on) {
  return ioctl(fd, TUNSETPERSIST, (unsigned long)on) < 0 ? -errno : 0;
}

int tun_set_owner(int fd, uid_t uid) {
  return ioctl(fd, TUNSETOWNER, (unsigned long)uid) < 0 ? -errno : 0;
}
