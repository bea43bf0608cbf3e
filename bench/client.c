/*
 * The client of the bench: an ordinary program on the kernel's sockets, the same for every server.
 * It prints one line of JSON. If an answer is wrong, it prints an error message and exits.
 *
 *     client upload      HOST PORT BYTES SECONDS PARALLEL
 *     client download    HOST PORT BYTES SECONDS PARALLEL
 *     client roundtrips  HOST PORT COUNT SECONDS 1
 *     client connections HOST PORT COUNT SECONDS PARALLEL SOURCE...
 *     client idle        HOST PORT COUNT SECONDS 1 SOURCE...
 *
 *   upload       sends; the server answers with the number of bytes that it received
 *   download     asks for BYTES and counts them
 *   roundtrips   echoes one byte, COUNT times in turn
 *   connections  connects, echoes 64 bytes, closes
 *   idle         opens COUNT connections, prints a line, and closes them when its input ends
 *
 * A run ends after the amount or after SECONDS, whichever comes first. BYTES is per connection,
 * COUNT is the total. Sockets block, with one thread for each of PARALLEL connections. They ask for
 * CUBIC, because with BBR as the default an upload would measure BBR's pacing and not the stack's
 * speed. `processorSeconds` is the client's own processor time. If it is far below `seconds` times
 * the number of threads, the client was not the bottleneck.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (256 * 1024)
#define SMALL 64
#define MAX_THREADS 64
#define MAX_SOURCES 256
/* Time limit for an answer. */
#define PATIENCE_SECONDS 10

static struct sockaddr_in server;
static uint64_t amount;
static double seconds, start, end;
static in_addr_t sources[MAX_SOURCES];
static unsigned source_count;

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double of(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

static double processor_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return of(used.ru_utime) + of(used.ru_stime);
}

/* Returns a connected socket, bound to the n-th source address if there are any. */
static int open_connection(unsigned n) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  int one = 1;
  struct timeval patience = {PATIENCE_SECONDS, 0};
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (source_count > 0) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = sources[n % source_count]};
    /* connect chooses the port, so that it only has to be unique for the four-tuple. */
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

/* The work of one thread. `count` is the amount done so far, `number` is the thread's index. */
struct work {
  pthread_t thread;
  unsigned number;
  uint64_t count;
};

static void *upload(void *argument) {
  struct work *w = argument;
  char *block = calloc(1, BLOCK);
  int fd = open_connection(w->number);
  while (w->count < amount && now() < end) {
    size_t n = amount - w->count < BLOCK ? (size_t)(amount - w->count) : BLOCK;
    write_all(fd, block, n);
    w->count += n;
  }
  shutdown(fd, SHUT_WR);
  char answer[32] = "";
  size_t got = 0;
  for (ssize_t n; got < sizeof answer - 1; got += (size_t)n) {
    n = read(fd, answer + got, sizeof answer - 1 - got);
    if (n < 0) fail("read");
    if (n == 0) break;
  }
  if (strtoull(answer, NULL, 10) != w->count) {
    fprintf(stderr, "client: sent %llu bytes, and the server got '%s'\n",
            (unsigned long long)w->count, answer);
    exit(1);
  }
  close(fd);
  return NULL;
}

static void *download(void *argument) {
  struct work *w = argument;
  char *block = malloc(BLOCK);
  int fd = open_connection(w->number);
  char request[32];
  int length = snprintf(request, sizeof request, "%llu\n", (unsigned long long)amount);
  write_all(fd, request, (size_t)length);
  while (now() < end) {
    ssize_t n = read(fd, block, BLOCK);
    if (n < 0) fail("read");
    if (n == 0) break;
    w->count += (uint64_t)n;
  }
  if (w->count != amount && now() < end) {
    fprintf(stderr, "client: asked for %llu bytes and got %llu\n", (unsigned long long)amount,
            (unsigned long long)w->count);
    exit(1);
  }
  close(fd);
  return NULL;
}

static void round_trip(int fd, size_t bytes) {
  char there[SMALL], back[SMALL];
  memset(there, 'x', bytes);
  write_all(fd, there, bytes);
  for (size_t got = 0; got < bytes;) {
    ssize_t n = read(fd, back + got, bytes - got);
    if (n <= 0) fail(n == 0 ? "the server closed" : "read");
    got += (size_t)n;
  }
  if (memcmp(there, back, bytes) != 0) fail("the echo is not what was sent");
}

/*
 * Threads use different addresses at a time, so that they do not search the same range for a free
 * port.
 */
static void *connections(void *argument) {
  struct work *w = argument;
  for (unsigned i = w->number * 7; w->count < amount && now() < end; i++) {
    int fd = open_connection(i);
    round_trip(fd, SMALL);
    close(fd);
    w->count++;
  }
  return NULL;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void roundtrips(void) {
  double *took = malloc(amount * sizeof *took);
  int fd = open_connection(0);
  for (int i = 0; i < 1000; i++) round_trip(fd, 1); /* warm up both ends */
  end = now() + seconds;
  uint64_t n = 0;
  for (double before = now(); n < amount && before < end; n++) {
    round_trip(fd, 1);
    double after = now();
    took[n] = after - before;
    before = after;
  }
  qsort(took, n, sizeof *took, by_size);
  printf("{\"count\": %llu, \"p50Us\": %.3f, \"p99Us\": %.3f}\n", (unsigned long long)n,
         took[n / 2] * 1e6, took[n * 99 / 100] * 1e6);
}

/* Each connection has echoed one byte, so the server has accepted it. */
static void idle(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  uint64_t n = 0;
  for (; n < amount && now() < end; n++) round_trip(open_connection((unsigned)n), 1);
  printf("{\"count\": %llu, \"seconds\": %.6f}\n", (unsigned long long)n, now() - start);
  fflush(stdout);
  for (char c; read(0, &c, 1) > 0;) {
  }
}

static void in_parallel(unsigned threads, void *(*body)(void *), const char *what) {
  static struct work work[MAX_THREADS];
  if (threads < 1 || threads > MAX_THREADS) {
    fprintf(stderr, "client: PARALLEL is 1 to %d\n", MAX_THREADS);
    exit(2);
  }
  for (unsigned i = 0; i < threads; i++) {
    work[i].number = i;
    if (pthread_create(&work[i].thread, NULL, body, &work[i]) != 0) fail("pthread_create");
  }
  uint64_t total = 0;
  for (unsigned i = 0; i < threads; i++) {
    pthread_join(work[i].thread, NULL);
    total += work[i].count;
  }
  printf("{\"%s\": %llu, \"seconds\": %.6f, \"processorSeconds\": %.6f}\n", what,
         (unsigned long long)total, now() - start, processor_seconds());
}

int main(int argc, char **argv) {
  if (argc < 7) {
    fprintf(stderr, "usage: client upload|download|roundtrips|connections|idle "
                    "HOST PORT AMOUNT SECONDS PARALLEL [SOURCE...]\n");
    return 2;
  }
  server.sin_family = AF_INET;
  server.sin_port = htons((uint16_t)atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
    fprintf(stderr, "client: not an IPv4 address: %s\n", argv[2]);
    return 2;
  }
  amount = strtoull(argv[4], NULL, 10);
  seconds = atof(argv[5]);
  unsigned parallel = (unsigned)atoi(argv[6]);
  for (int i = 7; i < argc && source_count < MAX_SOURCES; i++)
    sources[source_count++] = inet_addr(argv[i]);
  start = now();
  end = start + seconds;
  if (strcmp(argv[1], "upload") == 0) in_parallel(parallel, upload, "bytes");
  else if (strcmp(argv[1], "download") == 0) in_parallel(parallel, download, "bytes");
  else if (strcmp(argv[1], "connections") == 0) in_parallel(parallel, connections, "count");
  else if (strcmp(argv[1], "roundtrips") == 0) roundtrips();
  else if (strcmp(argv[1], "idle") == 0) idle();
  else return 2;
  return 0;
}
