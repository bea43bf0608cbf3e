/*
 * The bench's services (services.mjs) as a C program on the kernel's TCP, with one thread and one
 * epoll. It shows the best rate of a server on this kernel. Prints `ready` when it listens, and
 * ends when its standard input ends.
 *
 *     7001 sink     counts bytes, answers with the count
 *     7002 source   reads a number, sends that many bytes
 *     7003 echo
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SINK = 7001, SOURCE = 7002, ECHO = 7003 };
#define BLOCK (256 * 1024)
#define EVENTS 256

/* A connection. A negative `port` marks a listener; descriptor 0 is standard input. */
struct peer {
  int fd, port;
  unsigned long long count; /* sink: bytes that came; source: bytes still to send */
  char line[32];
  unsigned line_bytes;
};

static char block[BLOCK];
static int epoll;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(struct peer *p, unsigned events, int how) {
  struct epoll_event e = {.events = events, .data.ptr = p};
  if (epoll_ctl(epoll, how, p->fd, &e) < 0) die("epoll_ctl");
}

static struct peer *peer(int fd, int port) {
  struct peer *p = calloc(1, sizeof *p);
  if (p == NULL) die("calloc");
  p->fd = fd;
  p->port = port;
  watch(p, EPOLLIN, EPOLL_CTL_ADD);
  return p;
}

static void finish(struct peer *p) {
  close(p->fd);
  free(p);
}

static void listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1024) < 0)
    die("listen");
  peer(fd, -port);
}

static void accept_all(struct peer *listener) {
  for (int fd; (fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    int one = 1;
    if (listener->port == -ECHO) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer(fd, -listener->port);
  }
}

static void pump(struct peer *p) {
  while (p->count > 0) {
    ssize_t n = write(p->fd, block, p->count < BLOCK ? (size_t)p->count : BLOCK);
    if (n < 0 && errno == EAGAIN) {
      watch(p, EPOLLOUT, EPOLL_CTL_MOD);
      return;
    }
    if (n < 0) break;
    p->count -= (unsigned long long)n;
  }
  finish(p);
}

/*
 * Handles the data of one read, which is empty at the end of the stream. Returns false if the peer
 * is gone.
 */
static void arrives(struct peer *p) {
  ssize_t n = read(p->fd, block, BLOCK);
  if (n < 0) {
    if (errno != EAGAIN) finish(p);
    return;
  }
  switch (p->port) {
    case SINK:
      p->count += (unsigned long long)n;
      if (n > 0) return;
      if (dprintf(p->fd, "%llu", p->count) < 0) perror("answer");
      finish(p);
      return;
    case SOURCE:
      if (n == 0 || p->line_bytes + (size_t)n >= sizeof p->line) {
        finish(p);
        return;
      }
      memcpy(p->line + p->line_bytes, block, (size_t)n);
      p->line_bytes += (unsigned)n;
      if (p->line[p->line_bytes - 1] != '\n') return;
      p->count = strtoull(p->line, NULL, 10);
      pump(p);
      return;
    default:
      if (n == 0 || write(p->fd, block, (size_t)n) != n) finish(p);
  }
}

int main(void) {
  signal(SIGUSR2, SIG_IGN); /* asks servers in Node to collect their garbage */
  signal(SIGPIPE, SIG_IGN); /* a client that has enough data resets the connection */
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(0);
  listen_on(SINK);
  listen_on(SOURCE);
  listen_on(ECHO);
  struct peer *input = peer(0, 0);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      struct peer *p = events[i].data.ptr;
      if (p == input) return 0;
      if (p->port < 0) accept_all(p);
      else if (events[i].events & EPOLLOUT) pump(p);
      else arrives(p);
    }
  }
}
