/*
 * The client of the bench: an ordinary program on the kernel's sockets, the same against every server. It prints one line of
 * JSON, and exits with a sentence on standard error when an answer is not what it must be.
 *
 *     client upload      HOST PORT BYTES SECONDS        sends; the server answers with the count of what it got
 *     client download    HOST PORT BYTES SECONDS        asks for BYTES and counts them
 *     client roundtrips  HOST PORT COUNT SECONDS        one byte there and back, one at a time
 *     client connections HOST PORT THREADS SECONDS SOURCE...   connect, one byte there and back, close
 *
 * Whichever comes first ends a run: the amount or SECONDS. The sockets block, and ask for CUBIC: where a machine's default
 * is BBR, uploads into a stack in a process would show how BBR paces and not how fast that stack is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (256 * 1024)
#define MAX_THREADS 64
/* An answer that takes longer is none. */
#define PATIENCE_SECONDS 10

static struct sockaddr_in server;

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A connected socket, from `source` (network order) or from where the route says. */
static int open_connection(in_addr_t source) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  int one = 1;
  struct timeval patience = {PATIENCE_SECONDS, 0};
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (source != INADDR_ANY) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = source};
    /* The port is chosen at connect, by the whole four-tuple. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  }
  if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) fail("connect");
  return fd;
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0) fail("write");
    bytes += n;
    length -= (size_t)n;
  }
}

static void upload(uint64_t bytes, double seconds) {
  char *block = calloc(1, BLOCK);
  int fd = open_connection(INADDR_ANY);
  double start = now(), end = start + seconds;
  uint64_t sent = 0;
  while (sent < bytes && now() < end) {
    size_t n = bytes - sent < BLOCK ? (size_t)(bytes - sent) : BLOCK;
    write_all(fd, block, n);
    sent += n;
  }
  shutdown(fd, SHUT_WR);
  char answer[32] = "";
  size_t got = 0;
  for (ssize_t n; got < sizeof answer - 1; got += (size_t)n) {
    n = read(fd, answer + got, sizeof answer - 1 - got);
    if (n < 0) fail("read");
    if (n == 0) break;
  }
  double took = now() - start;
  if (strtoull(answer, NULL, 10) != sent) {
    fprintf(stderr, "client: sent %llu bytes, and the server got '%s'\n", (unsigned long long)sent, answer);
    exit(1);
  }
  printf("{\"bytes\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent, took);
}

static void download(uint64_t bytes, double seconds) {
  char *block = malloc(BLOCK);
  int fd = open_connection(INADDR_ANY);
  char request[32];
  int length = snprintf(request, sizeof request, "%llu\n", (unsigned long long)bytes);
  double start = now(), end = start + seconds;
  write_all(fd, request, (size_t)length);
  uint64_t got = 0;
  while (now() < end) {
    ssize_t n = read(fd, block, BLOCK);
    if (n < 0) fail("read");
    if (n == 0) break;
    got += (uint64_t)n;
  }
  double took = now() - start;
  if (got != bytes && took < seconds) {
    fprintf(stderr, "client: asked for %llu bytes and got %llu\n", (unsigned long long)bytes, (unsigned long long)got);
    exit(1);
  }
  printf("{\"bytes\": %llu, \"seconds\": %.6f}\n", (unsigned long long)got, took);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void round_trip(int fd) {
  char byte = 'x';
  if (write(fd, &byte, 1) != 1) fail("write");
  ssize_t n = read(fd, &byte, 1);
  if (n != 1 || byte != 'x') fail(n == 0 ? "the server closed" : "read");
}

static void roundtrips(uint64_t count, double seconds) {
  double *took = malloc(count * sizeof *took);
  int fd = open_connection(INADDR_ANY);
  for (int i = 0; i < 1000; i++) round_trip(fd); /* both ends warm */
  double end = now() + seconds;
  uint64_t n = 0;
  for (double before = now(); n < count && before < end; n++) {
    round_trip(fd);
    double after = now();
    took[n] = after - before;
    before = after;
  }
  qsort(took, n, sizeof *took, by_size);
  printf("{\"count\": %llu, \"p50Us\": %.3f, \"p99Us\": %.3f}\n", (unsigned long long)n, took[n / 2] * 1e6,
         took[n * 99 / 100] * 1e6);
}

static in_addr_t sources[256];
static int source_count;
static double connections_end;

/* One address a thread at a time: neighbours do not search the same range for a free port. */
static void *connect_again_and_again(void *argument) {
  uint64_t *count = argument;
  for (unsigned i = (unsigned)*count; now() < connections_end; i++) {
    int fd = open_connection(source_count > 0 ? sources[i % (unsigned)source_count] : INADDR_ANY);
    round_trip(fd);
    close(fd);
    ++*count;
  }
  return NULL;
}

static void connections(int threads, double seconds) {
  static pthread_t thread[MAX_THREADS];
  static uint64_t count[MAX_THREADS];
  if (threads < 1 || threads > MAX_THREADS) {
    fprintf(stderr, "client: 1 to %d threads\n", MAX_THREADS);
    exit(2);
  }
  double start = now();
  connections_end = start + seconds;
  for (int i = 0; i < threads; i++) {
    count[i] = (uint64_t)i * 7;
    if (pthread_create(&thread[i], NULL, connect_again_and_again, &count[i]) != 0) fail("pthread_create");
  }
  uint64_t total = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(thread[i], NULL);
    total += count[i] - (uint64_t)i * 7;
  }
  printf("{\"count\": %llu, \"seconds\": %.6f}\n", (unsigned long long)total, now() - start);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: client upload|download|roundtrips|connections HOST PORT AMOUNT SECONDS [SOURCE...]\n");
    return 2;
  }
  server.sin_family = AF_INET;
  server.sin_port = htons((uint16_t)atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
    fprintf(stderr, "client: not an IPv4 address: %s\n", argv[2]);
    return 2;
  }
  for (int i = 6; i < argc && source_count < 256; i++) sources[source_count++] = inet_addr(argv[i]);
  uint64_t amount = strtoull(argv[4], NULL, 10);
  double seconds = atof(argv[5]);
  if (strcmp(argv[1], "upload") == 0) upload(amount, seconds);
  else if (strcmp(argv[1], "download") == 0) download(amount, seconds);
  else if (strcmp(argv[1], "roundtrips") == 0) roundtrips(amount, seconds);
  else if (strcmp(argv[1], "connections") == 0) connections((int)amount, seconds);
  else return 2;
  return 0;
}
