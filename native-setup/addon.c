/*
 * What the addon exports to JavaScript (Node-API): opening devices, links and addresses, and queues
 * that watch a descriptor.
 *
 * A queue is one descriptor of a TUN. The event loop polls it (uv_poll), so it needs no thread. The
 * loop calls the queue's callback when packets are waiting, and the callback reads a batch. All
 * state belongs to one environment, so several worker threads may load the addon. When an
 * environment ends, its queues close, so no descriptor leaks.
 *
 * Three references keep a queue's memory alive: the external in JavaScript (until it is garbage
 * collected), the poll handle in the event loop (until uv_close calls back) and the cleanup hook of
 * the environment (until it is removed). Closing a queue closes its descriptor at once; the memory
 * is freed with the last reference.
 */
#define NAPI_VERSION 8
#include "native.h"

#include <errno.h>
#include <linux/if.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define MOST_BUFFERS 256

struct queue {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  int fd;
  /* Bits of QUEUE_*. */
  int mode;
  /* The descriptor is closed. */
  int closed;
  /* The event loop, and JavaScript, have dropped their references. */
  int unpolled;
  int finalized;
};

/* ---- Small parts ---- */

static napi_value fail(napi_env env, int error, const char *syscall) {
  napi_value code, message, object, number, name;
  const char *text = uv_err_name(-error);
  /* A deleted device gives EBADFD, for which libuv has no name. */
  if (error == EBADFD) text = "EBADFD";
  char full[160];
  snprintf(full, sizeof full, "%s: %s, %s", text,
           error == EBADFD ? "file descriptor in bad state" : uv_strerror(-error), syscall);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, full, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &object);
  napi_create_int32(env, -error, &number);
  napi_set_named_property(env, object, "errno", number);
  napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &name);
  napi_set_named_property(env, object, "syscall", name);
  napi_throw(env, object);
  return NULL;
}

static napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value checked(napi_env env, int result, const char *syscall) {
  return result < 0 ? fail(env, -result, syscall) : undefined(env);
}

static int get_args(napi_env env, napi_callback_info info, napi_value *args, size_t wanted) {
  size_t count = wanted;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok && count >= wanted) return 1;
  napi_throw_type_error(env, "ERR_MISSING_ARGS", "too few arguments");
  return 0;
}

/* -1 if the value is not a number. It means "no descriptor" or "leave unchanged". */
static int get_int(napi_env env, napi_value value) {
  int32_t n = -1;
  return napi_get_value_int32(env, value, &n) == napi_ok ? n : -1;
}

/* Throws and returns 0 for a name that is too long: truncated, it would name another device. */
static int get_name(napi_env env, napi_value value, char name[IFNAMSIZ]) {
  size_t length = 0;
  memset(name, 0, IFNAMSIZ);
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && length < IFNAMSIZ &&
      napi_get_value_string_utf8(env, value, name, IFNAMSIZ, NULL) == napi_ok)
    return 1;
  napi_throw_range_error(env, "EINVAL", "the name of a device has at most 15 bytes");
  return 0;
}

/* NULL if the value is not a typed array of that type; `length` is in elements. */
static void *get_array(napi_env env, napi_value value, napi_typedarray_type wanted,
                       size_t *length) {
  napi_typedarray_type type;
  void *data = NULL;
  *length = 0;
  if (napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) == napi_ok &&
      type == wanted)
    return data;
  *length = 0;
  return NULL;
}

static uint8_t *get_bytes(napi_env env, napi_value value, size_t *length) {
  return get_array(env, value, napi_uint8_array, length);
}

static int32_t *get_words(napi_env env, napi_value value, size_t *length) {
  return get_array(env, value, napi_int32_array, length);
}

static struct queue *get_queue(napi_env env, napi_value value) {
  void *data = NULL;
  napi_get_value_external(env, value, &data);
  struct queue *q = data;
  if (q == NULL || q->closed) {
    fail(env, EBADF, "queue");
    return NULL;
  }
  return q;
}

/* ---- The device ---- */

/* openTun(name, flags) -> { fd, name } */
static napi_value open_tun(napi_env env, napi_callback_info info) {
  napi_value args[2], object, value;
  char name[IFNAMSIZ];
  if (!get_args(env, info, args, 2)) return NULL;
  if (!get_name(env, args[0], name)) return NULL;
  int fd = tun_open(name, get_int(env, args[1]));
  int open_failed = fd == -ENOENT || fd == -EACCES || fd == -ENODEV || fd == -ENXIO;
  if (fd < 0) return fail(env, -fd, open_failed ? "open" : "TUNSETIFF");
  napi_create_object(env, &object);
  napi_create_int32(env, fd, &value);
  napi_set_named_property(env, object, "fd", value);
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, "name", value);
  return object;
}

/* tunInfo(fd) -> { name, flags } */
static napi_value get_tun_info(napi_env env, napi_callback_info info) {
  napi_value args[1], object, value;
  char name[IFNAMSIZ + 1] = {0};
  int flags = 0;
  if (!get_args(env, info, args, 1)) return NULL;
  int result = tun_info(get_int(env, args[0]), name, &flags);
  if (result < 0) return fail(env, -result, "TUNGETIFF");
  napi_create_object(env, &object);
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, "name", value);
  napi_create_int32(env, flags, &value);
  napi_set_named_property(env, object, "flags", value);
  return object;
}

#define FD_CALL(function, call, syscall)                             \
  static napi_value function(napi_env env, napi_callback_info info) { \
    napi_value args[2];                                               \
    if (!get_args(env, info, args, 2)) return NULL;                   \
    int fd = get_int(env, args[0]), n = get_int(env, args[1]);        \
    return checked(env, call, syscall);                               \
  }
FD_CALL(set_offload, tun_set_offload(fd, (unsigned int)n), "TUNSETOFFLOAD")
FD_CALL(set_vnet_header_size, tun_set_vnet_header_size(fd, n), "TUNSETVNETHDRSZ")
FD_CALL(set_persist, tun_set_persist(fd, n), "TUNSETPERSIST")
FD_CALL(set_owner, tun_set_owner(fd, (uid_t)n), "TUNSETOWNER")

static napi_value close_fd(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!get_args(env, info, args, 1)) return NULL;
  return checked(env, close(get_int(env, args[0])) < 0 ? -errno : 0, "close");
}

/* ---- The network ---- */

/* linkSet(name, mtu, txQueueLength, up): -1 leaves a setting unchanged */
static napi_value set_link(napi_env env, napi_callback_info info) {
  napi_value args[4];
  char name[IFNAMSIZ];
  if (!get_args(env, info, args, 4)) return NULL;
  if (!get_name(env, args[0], name)) return NULL;
  int result = link_set(name, get_int(env, args[1]), get_int(env, args[2]), get_int(env, args[3]));
  return checked(env, result, "RTM_NEWLINK");
}

/* linkMtu(name): throws ENODEV if this network namespace has no such device */
static napi_value get_link_mtu(napi_env env, napi_callback_info info) {
  napi_value args[1], value;
  char name[IFNAMSIZ];
  if (!get_args(env, info, args, 1) || !get_name(env, args[0], name)) return NULL;
  int mtu = link_mtu(name);
  if (mtu < 0) return fail(env, -mtu, "SIOCGIFMTU");
  napi_create_int32(env, mtu, &value);
  return value;
}

static napi_value delete_link(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char name[IFNAMSIZ];
  if (!get_args(env, info, args, 1)) return NULL;
  if (!get_name(env, args[0], name)) return NULL;
  return checked(env, link_delete(name), "RTM_DELLINK");
}

/*
 * addressAdd(name, bytes, prefixBits), addressDelete, routeCongestion(..., algorithm): 4 bytes are
 * IPv4, 16 are IPv6
 */
static int address_args(napi_env env, napi_value *args, char name[IFNAMSIZ], uint8_t **address) {
  size_t length;
  if (!get_name(env, args[0], name)) return -1;
  *address = get_bytes(env, args[1], &length);
  if (*address != NULL && (length == 4 || length == 16)) return length == 4 ? AF_INET : AF_INET6;
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "an address has 4 or 16 bytes");
  return -1;
}

static napi_value add_address(napi_env env, napi_callback_info info) {
  napi_value args[3];
  char name[IFNAMSIZ];
  uint8_t *address;
  if (!get_args(env, info, args, 3)) return NULL;
  int family = address_args(env, args, name, &address);
  if (family < 0) return NULL;
  return checked(env, address_add(name, family, address, get_int(env, args[2])), "RTM_NEWADDR");
}

static napi_value delete_address(napi_env env, napi_callback_info info) {
  napi_value args[3];
  char name[IFNAMSIZ];
  uint8_t *address;
  if (!get_args(env, info, args, 3)) return NULL;
  int family = address_args(env, args, name, &address);
  if (family < 0) return NULL;
  return checked(env, address_delete(name, family, address, get_int(env, args[2])), "RTM_DELADDR");
}

static napi_value set_route_congestion(napi_env env, napi_callback_info info) {
  napi_value args[4];
  char name[IFNAMSIZ], algorithm[16] = {0};
  uint8_t *address;
  if (!get_args(env, info, args, 4)) return NULL;
  int family = address_args(env, args, name, &address);
  if (family < 0) return NULL;
  napi_get_value_string_utf8(env, args[3], algorithm, sizeof algorithm, NULL);
  int result = route_congestion(name, family, address, get_int(env, args[2]), algorithm);
  return checked(env, result, "RTM_NEWROUTE");
}

/* ---- Queues ---- */

static void release(struct queue *q) {
  if (q->unpolled && q->finalized) free(q);
}

static void on_closed(uv_handle_t *handle) {
  struct queue *q = handle->data;
  q->unpolled = 1;
  if (q->cleanup != NULL) napi_remove_async_cleanup_hook(q->cleanup);
  q->cleanup = NULL;
  release(q);
}

static void start_closing(struct queue *q) {
  if (q->closed) return;
  q->closed = 1;
  /*
   * After uv_close the loop no longer uses the descriptor. Close it now, so that the device's name
   * is free again.
   */
  uv_close((uv_handle_t *)&q->poll, on_closed);
  if (q->fd >= 0) close(q->fd);
  q->fd = -1;
  if (q->callback != NULL) napi_delete_reference(q->env, q->callback);
  if (q->context != NULL) napi_async_destroy(q->env, q->context);
  q->callback = NULL;
  q->context = NULL;
}

/* The environment ends while the queue is open, because a worker exits. */
static void on_environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  start_closing(data);
}

static void on_finalize(napi_env env, void *data, void *hint) {
  struct queue *q = data;
  (void)env;
  (void)hint;
  q->finalized = 1;
  start_closing(q);
  release(q);
}

/*
 * `status` is 0 if packets are waiting, or a negative errno if the descriptor failed. A deleted
 * device causes POLLERR, which libuv reports as EBADF.
 */
static void on_ready(uv_poll_t *poll, int status, int events) {
  struct queue *q = poll->data;
  napi_env env = q->env;
  napi_handle_scope scope;
  napi_value callback, argument, global, result, error;
  (void)events;
  if (q->closed || napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, q->callback, &callback) == napi_ok &&
      napi_get_global(env, &global) == napi_ok &&
      napi_create_int32(env, status == UV_EBADF ? -EBADFD : status, &argument) == napi_ok &&
      napi_make_callback(env, q->context, global, callback, 1, &argument, &result) ==
          napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  napi_close_handle_scope(env, scope);
}

/*
 * queueOpen(fd, mode, callback): the queue owns the descriptor and closes it. If the call throws,
 * the caller still owns it.
 */
static napi_value queue_open(napi_env env, napi_callback_info info) {
  napi_value args[3], external, name;
  napi_valuetype type;
  uv_loop_t *loop;
  if (!get_args(env, info, args, 3)) return NULL;
  if (napi_typeof(env, args[2], &type) != napi_ok || type != napi_function ||
      napi_get_uv_event_loop(env, &loop) != napi_ok)
    return fail(env, EINVAL, "queueOpen");
  struct queue *q = calloc(1, sizeof *q);
  if (q == NULL) return fail(env, ENOMEM, "queueOpen");
  q->env = env;
  q->fd = get_int(env, args[0]);
  q->mode = get_int(env, args[1]);
  int result = uv_poll_init(loop, &q->poll, q->fd);
  if (result < 0) {
    free(q);
    return fail(env, -result, "uv_poll_init");
  }
  q->poll.data = q;
  if (napi_create_string_utf8(env, "tcplab:tun", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_async_init(env, NULL, name, &q->context) == napi_ok &&
      napi_create_reference(env, args[2], 1, &q->callback) == napi_ok &&
      napi_add_async_cleanup_hook(env, on_environment_ends, q, &q->cleanup) == napi_ok &&
      uv_poll_start(&q->poll, UV_READABLE, on_ready) == 0 &&
      napi_create_external(env, q, on_finalize, NULL, &external) == napi_ok)
    return external;
  q->fd = -1;
  q->finalized = 1;
  start_closing(q);
  return fail(env, ENOMEM, "queueOpen");
}

static napi_value queue_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  void *data = NULL;
  if (!get_args(env, info, args, 1)) return NULL;
  if (napi_get_value_external(env, args[0], &data) == napi_ok && data != NULL) start_closing(data);
  return undefined(env);
}

/* queueRef(queue, on): whether the queue keeps the process alive */
static napi_value queue_ref(napi_env env, napi_callback_info info) {
  napi_value args[2];
  if (!get_args(env, info, args, 2)) return NULL;
  struct queue *q = get_queue(env, args[0]);
  if (q == NULL) return NULL;
  if (get_int(env, args[1])) uv_ref((uv_handle_t *)&q->poll);
  else uv_unref((uv_handle_t *)&q->poll);
  return undefined(env);
}

/* queueRead(queue, slab, start, descriptors, most) -> packets, or a negative errno */
static napi_value queue_read(napi_env env, napi_callback_info info) {
  napi_value args[5], value;
  size_t slab_length, words;
  if (!get_args(env, info, args, 5)) return NULL;
  struct queue *q = get_queue(env, args[0]);
  if (q == NULL) return NULL;
  uint8_t *slab = get_bytes(env, args[1], &slab_length);
  int32_t *rx = get_words(env, args[3], &words);
  int start = get_int(env, args[2]), most = get_int(env, args[4]);
  if (slab == NULL || rx == NULL || start < 0 || most < 0 || (size_t)most * RX_WORDS > words)
    return fail(env, EINVAL, "queueRead");
  int n = batch_read(q->fd, q->mode, slab, slab_length, (size_t)start, rx, most);
  napi_create_int32(env, n, &value);
  return value;
}

/*
 * queueWrite(queue, slab, descriptors, count, buffers, result): fills `result` with the packets
 * written, their bytes, the packets dropped by a full queue, the packets refused, and the errno of
 * the refusal
 */
static napi_value queue_write(napi_env env, napi_callback_info info) {
  napi_value args[6];
  size_t slab_length, words, result_words;
  uint32_t buffer_count = 0;
  struct iovec buffers[MOST_BUFFERS];
  struct write_result result = {0};
  if (!get_args(env, info, args, 6)) return NULL;
  struct queue *q = get_queue(env, args[0]);
  if (q == NULL) return NULL;
  uint8_t *slab = get_bytes(env, args[1], &slab_length);
  int32_t *tx = get_words(env, args[2], &words);
  int count = get_int(env, args[3]);
  int32_t *out = get_words(env, args[5], &result_words);
  if (napi_get_array_length(env, args[4], &buffer_count) != napi_ok)
    return fail(env, EINVAL, "queueWrite");
  if (slab == NULL || tx == NULL || out == NULL || result_words < 5 || count < 0 ||
      (size_t)count * TX_WORDS > words || buffer_count > MOST_BUFFERS)
    return fail(env, EINVAL, "queueWrite");
  for (uint32_t i = 0; i < buffer_count; i++) {
    napi_value element;
    if (napi_get_element(env, args[4], i, &element) != napi_ok)
      return fail(env, EINVAL, "queueWrite");
    buffers[i].iov_base = get_bytes(env, element, &buffers[i].iov_len);
  }
  batch_write(q->fd, slab, slab_length, tx, count, buffers, (int)buffer_count, &result);
  out[0] = result.written;
  out[1] = result.bytes;
  out[2] = result.full;
  out[3] = result.refused;
  out[4] = result.error;
  return undefined(env);
}

static void on_slab_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  slab_give_back(hint);
}

/* takeSlab() -> ArrayBuffer; its memory is reused after it is garbage collected */
static napi_value take_slab(napi_env env, napi_callback_info info) {
  napi_value buffer;
  struct slab *slab = slab_take();
  (void)info;
  if (slab == NULL) return fail(env, ENOMEM, "takeSlab");
  if (napi_create_external_arraybuffer(env, slab_memory(slab), SLAB_BYTES, on_slab_collected, slab,
                                       &buffer) == napi_ok)
    return buffer;
  slab_give_back(slab);
  return fail(env, ENOMEM, "takeSlab");
}

#ifdef TCPLAB_TEST_ADDON
#include "../test/native/test-functions.c"
#endif

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"openTun", open_tun},
      {"tunInfo", get_tun_info},
      {"setOffload", set_offload},
      {"setVnetHeaderSize", set_vnet_header_size},
      {"setPersist", set_persist},
      {"setOwner", set_owner},
      {"closeFd", close_fd},
      {"linkSet", set_link},
      {"linkMtu", get_link_mtu},
      {"linkDelete", delete_link},
      {"addressAdd", add_address},
      {"addressDelete", delete_address},
      {"routeCongestion", set_route_congestion},
      {"queueOpen", queue_open},
      {"queueClose", queue_close},
      {"queueRef", queue_ref},
      {"queueRead", queue_read},
      {"queueWrite", queue_write},
      {"takeSlab", take_slab},
#ifdef TCPLAB_TEST_ADDON
      {"injectFault", inject_fault},
      {"joinPackets", join_packets},
#endif
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL,
                         &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
