/*
 * Links, addresses and routes by rtnetlink(7), so that no `ip` command is needed. Each request is
 * followed by one acknowledgment.
 */
#include "native.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
  struct nlmsghdr header;
  char body[512];
};

static void start(struct request *r, int type, int flags, const void *fixed, size_t length) {
  memset(r, 0, sizeof *r);
  r->header.nlmsg_type = (unsigned short)type;
  r->header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
  r->header.nlmsg_len = (unsigned int)NLMSG_LENGTH(length);
  memcpy(NLMSG_DATA(&r->header), fixed, length);
}

static struct rtattr *add(struct request *r, int type, const void *data, size_t length) {
  struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
  a->rta_type = (unsigned short)type;
  a->rta_len = (unsigned short)RTA_LENGTH(length);
  if (length > 0) memcpy(RTA_DATA(a), data, length);
  r->header.nlmsg_len = (unsigned int)(NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len));
  return a;
}

static int transact(struct request *r) {
  _Alignas(struct nlmsghdr) char answer[1024];
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  int result = -EIO;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  if (sendto(fd, r, r->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) {
    result = -errno;
  } else {
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
    if (n < 0) result = -errno;
    else if (NLMSG_OK(h, (size_t)n) && h->nlmsg_type == NLMSG_ERROR)
      result = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
  }
  close(fd);
  return result;
}

/* 0, or a negative errno. */
static int ask(const char *name, unsigned long request, struct ifreq *ifr) {
  int result;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  memset(ifr, 0, sizeof *ifr);
  strncpy(ifr->ifr_name, name, IFNAMSIZ - 1);
  result = ioctl(fd, request, ifr) < 0 ? -errno : 0;
  close(fd);
  return result;
}

int link_index(const char *name) {
  struct ifreq ifr;
  int result = ask(name, SIOCGIFINDEX, &ifr);
  return result < 0 ? result : ifr.ifr_ifindex;
}

int link_mtu(const char *name) {
  struct ifreq ifr;
  int result = ask(name, SIOCGIFMTU, &ifr);
  return result < 0 ? result : ifr.ifr_mtu;
}

int link_set(const char *name, int mtu, int tx_queue_length, int up) {
  struct request r;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  int index = link_index(name);
  if (index < 0) return index;
  info.ifi_index = index;
  if (up >= 0) {
    info.ifi_change = IFF_UP;
    info.ifi_flags = up ? IFF_UP : 0;
  }
  start(&r, RTM_NEWLINK, 0, &info, sizeof info);
  if (mtu >= 0) add(&r, IFLA_MTU, &mtu, sizeof mtu);
  if (tx_queue_length >= 0) add(&r, IFLA_TXQLEN, &tx_queue_length, sizeof tx_queue_length);
  return transact(&r);
}

int link_delete(const char *name) {
  struct request r;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  int index = link_index(name);
  if (index < 0) return index;
  info.ifi_index = index;
  start(&r, RTM_DELLINK, 0, &info, sizeof info);
  return transact(&r);
}

static int address_change(const char *name, int family, const uint8_t *address, int prefix_bits,
                          int type, int flags) {
  struct request r;
  struct ifaddrmsg message;
  size_t length = family == AF_INET ? 4 : 16;
  uint32_t no_dad = IFA_F_NODAD;
  int index = link_index(name);
  if (index < 0) return index;
  if (prefix_bits < 0 || (size_t)prefix_bits > 8 * length) return -EINVAL;
  memset(&message, 0, sizeof message);
  message.ifa_family = (unsigned char)family;
  message.ifa_prefixlen = (unsigned char)prefix_bits;
  message.ifa_index = (unsigned int)index;
  start(&r, type, flags, &message, sizeof message);
  add(&r, IFA_LOCAL, address, length);
  add(&r, IFA_ADDRESS, address, length);
  if (family == AF_INET6) add(&r, IFA_FLAGS, &no_dad, sizeof no_dad);
  return transact(&r);
}

int address_add(const char *name, int family, const uint8_t *address, int prefix_bits) {
  return address_change(name, family, address, prefix_bits, RTM_NEWADDR,
                        NLM_F_CREATE | NLM_F_REPLACE);
}

int address_delete(const char *name, int family, const uint8_t *address, int prefix_bits) {
  return address_change(name, family, address, prefix_bits, RTM_DELADDR, 0);
}

/*
 * The kernel's own connected route of IPv6 has metric 256 and stays; ours has a lower one, so it is
 * preferred.
 */
static const uint32_t V6_METRIC = 128;

int route_congestion(const char *name, int family, const uint8_t *address, int prefix_bits,
                     const char *algorithm) {
  struct request r;
  struct rtmsg message;
  struct rtattr *metrics;
  uint8_t network[16];
  size_t length = family == AF_INET ? 4 : 16;
  int index = link_index(name);
  if (index < 0) return index;
  if (prefix_bits < 0 || (size_t)prefix_bits > 8 * length) return -EINVAL;
  memcpy(network, address, length);
  for (size_t bit = (size_t)prefix_bits; bit < 8 * length; bit++)
    network[bit / 8] &= (uint8_t)~(0x80u >> (bit % 8));
  memset(&message, 0, sizeof message);
  message.rtm_family = (unsigned char)family;
  message.rtm_dst_len = (unsigned char)prefix_bits;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = family == AF_INET ? RTPROT_KERNEL : RTPROT_STATIC;
  message.rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  message.rtm_type = RTN_UNICAST;
  start(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &message, sizeof message);
  add(&r, RTA_DST, network, length);
  add(&r, RTA_OIF, &index, sizeof index);
  if (family == AF_INET) add(&r, RTA_PREFSRC, address, length);
  else add(&r, RTA_PRIORITY, &V6_METRIC, sizeof V6_METRIC);
  metrics = add(&r, RTA_METRICS, NULL, 0);
  add(&r, RTAX_CC_ALGO, algorithm, strlen(algorithm) + 1);
  metrics->rta_len = (unsigned short)((char *)&r + r.header.nlmsg_len - (char *)metrics);
  return transact(&r);
}
