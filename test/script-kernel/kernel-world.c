/*
 * The kernel as a packet script's target: system calls on request, and the other end of a TUN
 * device.
 *
 *     kernel-world PROGRAM ARGUMENT...
 *
 * creates the TUN device `tun0` and starts PROGRAM, which writes requests to descriptor 3 and reads
 * answers from descriptor 4, a line each:
 *
 *     send HEX                        an IP packet arrives at the kernel
 *     call ID NAME ARGUMENT...        starts a system call, in a thread of its own
 *     wait MICROSECONDS               waits for the next event until this time
 *                                     (CLOCK_MONOTONIC). The answer is one of
 *         packet MICROSECONDS HEX     the kernel sent an IP packet
 *         done MICROSECONDS ID RESULT ERRNO HEX...
 *         time MICROSECONDS           nothing happened
 *
 * An argument is a decimal number, bHEX (a pointer to these bytes), xHEX (the same, returned after
 * the call), oN (N zero bytes that the call writes to, returned), nN (the same, not returned), mN,C
 * (a msghdr with one buffer of N bytes and C bytes of room for control messages: its msg_flags,
 * four bytes, and the control messages are returned). It must run in a network namespace of its
 * own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define LINE 200000
#define PACKET 70000
#define ARGUMENTS 6

enum { TO_PROGRAM = 4, FROM_PROGRAM = 3 };

struct argument {
  long value;
  unsigned char *bytes;
  size_t length;
  int wanted;
  int is_message;
};

/* The msghdr of an argument mN,C, followed by its buffers. */
struct message {
  struct msghdr header;
  struct iovec data;
};

struct call {
  long id, number;
  struct argument argument[ARGUMENTS];
};

static int done_pipe[2];
static int answers[2];

static const struct { const char *name; long number; } CALLS[] = {
  {"socket", SYS_socket},         {"bind", SYS_bind},       {"listen", SYS_listen},
  {"connect", SYS_connect},       {"accept4", SYS_accept4}, {"read", SYS_read},
  {"write", SYS_write},           {"sendto", SYS_sendto},   {"recvfrom", SYS_recvfrom},
  {"close", SYS_close},           {"shutdown", SYS_shutdown}, {"fcntl", SYS_fcntl},
  {"ioctl", SYS_ioctl},           {"setsockopt", SYS_setsockopt}, {"getsockopt", SYS_getsockopt},
  {"ppoll", SYS_ppoll},           {"recvmsg", SYS_recvmsg}, {"openat", SYS_openat},
  {"sendfile", SYS_sendfile},     {"epoll_create1", SYS_epoll_create1},
  {"epoll_ctl", SYS_epoll_ctl},   {"epoll_pwait", SYS_epoll_pwait},
};

static void die(const char *what) {
  perror(what);
  exit(2);
}

static long long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static size_t from_hex(const char *hex, unsigned char *out) {
  size_t n = 0;
  for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) out[n] = (unsigned char)byte;
  return n;
}

static char *to_hex(char *out, const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) out += sprintf(out, "%02x", bytes[i]);
  return out;
}

/* A control buffer of 0 bytes means no buffer. */
static void make_message(struct argument *a, const char *sizes) {
  char *comma;
  size_t data = strtoul(sizes, &comma, 10), control = strtoul(comma + 1, NULL, 10);
  struct message *m = calloc(1, sizeof *m + control + data + 8);
  unsigned char *room = (unsigned char *)(m + 1);
  if (control > 0) m->header.msg_control = room;
  m->header.msg_controllen = control;
  m->data = (struct iovec){room + control, data};
  m->header.msg_iov = &m->data;
  m->header.msg_iovlen = 1;
  a->bytes = (unsigned char *)m;
  a->wanted = a->is_message = 1;
}

static char *message_to_hex(char *out, const struct message *m) {
  out = to_hex(out, (const unsigned char *)&m->header.msg_flags, sizeof m->header.msg_flags);
  return to_hex(out, m->header.msg_control, m->header.msg_controllen);
}

static struct argument parse_argument(const char *word) {
  struct argument a = {0};
  switch (*word) {
  case 'b':
  case 'x':
    a.bytes = calloc(1, strlen(word) / 2 + 8);
    a.length = from_hex(word + 1, a.bytes);
    a.wanted = *word == 'x';
    break;
  case 'o':
  case 'n':
    a.length = strtoul(word + 1, NULL, 10);
    a.bytes = calloc(1, a.length + 8);
    a.wanted = *word == 'o';
    break;
  case 'm':
    make_message(&a, word + 1);
    break;
  default:
    a.value = strtol(word, NULL, 10);
  }
  if (a.bytes != NULL) a.value = (long)a.bytes;
  return a;
}

/* The memory of a call that never returns is released when the process ends. */
static void *make_call(void *p) {
  struct call *c = p;
  struct argument *a = c->argument;
  long result = syscall(c->number, a[0].value, a[1].value, a[2].value, a[3].value, a[4].value,
                        a[5].value);
  char line[8192], *end = line;
  end += sprintf(end, "done %lld %ld %ld %d", now_us(), c->id, result, result < 0 ? errno : 0);
  for (int i = 0; i < ARGUMENTS; i++) {
    if (a[i].wanted) {
      *end++ = ' ';
      end = a[i].is_message ? message_to_hex(end, (const struct message *)a[i].bytes)
                            : to_hex(end, a[i].bytes, a[i].length);
    }
    free(a[i].bytes);
  }
  *end++ = '\n';
  if (write(done_pipe[1], line, end - line) < 0) die("write");
  free(c);
  return NULL;
}

static void start_call(char *line) {
  struct call *c = calloc(1, sizeof *c);
  char *save = NULL;
  c->id = strtol(strtok_r(line, " ", &save), NULL, 10);
  const char *name = strtok_r(NULL, " ", &save);
  c->number = -1;
  for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++)
    if (strcmp(CALLS[i].name, name) == 0) c->number = CALLS[i].number;
  char *word;
  for (int i = 0; i < ARGUMENTS && (word = strtok_r(NULL, " ", &save)) != NULL; i++)
    c->argument[i] = parse_argument(word);
  pthread_t thread;
  if (pthread_create(&thread, NULL, make_call, c) != 0) die("pthread_create");
  pthread_detach(thread);
}

static void answer(const char *line, size_t n) {
  for (size_t at = 0; at < n;) {
    ssize_t wrote = write(answers[1], line + at, n - at);
    if (wrote < 0) exit(0); /* the program has ended */
    at += wrote;
  }
}

static void wait_for(int tun, long long until) {
  static unsigned char packet[PACKET];
  static char line[2 * PACKET + 100];
  struct pollfd fds[2] = {{done_pipe[0], POLLIN, 0}, {tun, POLLIN, 0}};
  long long left = until - now_us();
  if (left < 0) left = 0;
  struct timespec timeout = {left / 1000000, left % 1000000 * 1000};
  if (ppoll(fds, 2, &timeout, NULL) < 0) die("ppoll");
  long long now = now_us();
  if (fds[0].revents & POLLIN) {
    size_t n = 0;
    do {
      if (read(done_pipe[0], line + n, 1) != 1) die("read");
    } while (line[n++] != '\n');
    answer(line, n);
  } else if (fds[1].revents & POLLIN) {
    ssize_t n = read(tun, packet, sizeof packet);
    if (n < 0) die("read of the TUN");
    char *end = line + sprintf(line, "packet %lld ", now);
    end = to_hex(end, packet, n);
    *end++ = '\n';
    answer(line, end - line);
  } else {
    answer(line, sprintf(line, "time %lld\n", now));
  }
}

static int open_tun(void) {
  struct ifreq request = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI};
  int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun < 0) die("/dev/net/tun");
  if (ioctl(tun, TUNSETIFF, &request) < 0) die("TUNSETIFF");
  return tun;
}

int main(int argc, char **argv) {
  static char line[LINE];
  int requests[2];
  if (argc < 2) return fprintf(stderr, "usage: kernel-world PROGRAM ARGUMENT...\n"), 2;
  int tun = open_tun();
  signal(SIGPIPE, SIG_IGN);
  if (pipe2(requests, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0 ||
      pipe2(done_pipe, O_CLOEXEC) < 0)
    die("pipe");
  pid_t program = fork();
  if (program == 0) {
    int to = fcntl(requests[1], F_DUPFD, 10), from = fcntl(answers[0], F_DUPFD, 10);
    dup2(to, FROM_PROGRAM);
    dup2(from, TO_PROGRAM);
    close(to);
    close(from);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[1], argv + 1);
    die(argv[1]);
  }
  close(requests[1]);
  FILE *in = fdopen(requests[0], "r");
  while (fgets(line, sizeof line, in) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "wait ", 5) == 0) {
      wait_for(tun, strtoll(line + 5, NULL, 10));
    } else if (strncmp(line, "send ", 5) == 0) {
      static unsigned char packet[PACKET];
      size_t n = from_hex(line + 5, packet);
      /* EINVAL means that the kernel received the packet and rejected it as malformed. */
      if (write(tun, packet, n) < 0 && errno != EINVAL) die("write to the TUN");
    } else if (strncmp(line, "call ", 5) == 0) {
      start_call(line + 5);
    }
  }
  int status = 0;
  waitpid(program, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
