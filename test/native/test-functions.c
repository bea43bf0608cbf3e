/*
 * Functions of the addon that only tests call: native-setup/addon.c includes them if
 * TCPLAB_TEST_ADDON is defined, for build/Release/tun-test.node. The shipped addon lacks them.
 */

/* Each environment of Node has its own thread, so a fault belongs to one environment. */
static _Thread_local struct {
  int reads_left, read_errno;
  int writes_left, write_errno;
  /* With write_errno 0: how many bytes too few are written. */
  int write_short;
} fault;

ssize_t test_readv(int fd, const struct iovec *parts, int count) {
  if (fault.reads_left > 0) {
    fault.reads_left--;
    errno = fault.read_errno;
    return -1;
  }
  return readv(fd, parts, count);
}

ssize_t test_writev(int fd, const struct iovec *parts, int count) {
  if (fault.writes_left > 0) {
    fault.writes_left--;
    if (fault.write_errno == 0) {
      size_t whole = 0;
      for (int i = 0; i < count; i++) whole += parts[i].iov_len;
      return (ssize_t)whole - fault.write_short;
    }
    errno = fault.write_errno;
    return -1;
  }
  return writev(fd, parts, count);
}

/*
 * injectFault('read' | 'write', errno, times, short): the next calls fail, or, with errno 0, write
 * `short` bytes too few.
 */
static napi_value inject_fault(napi_env env, napi_callback_info info) {
  napi_value args[4];
  char what[8] = {0};
  if (!get_args(env, info, args, 4)) return NULL;
  napi_get_value_string_utf8(env, args[0], what, sizeof what, NULL);
  if (strcmp(what, "read") == 0) {
    fault.read_errno = get_int(env, args[1]);
    fault.reads_left = get_int(env, args[2]);
  } else {
    fault.write_errno = get_int(env, args[1]);
    fault.writes_left = get_int(env, args[2]);
    fault.write_short = get_int(env, args[3]);
  }
  return undefined(env);
}

/*
 * joinPackets(slab, descriptors, count) -> packets: what a queue with QUEUE_RECEIVE_OFFLOAD does
 * with packets that were read.
 */
static napi_value join_packets(napi_env env, napi_callback_info info) {
  napi_value args[3], value;
  size_t slab_length, words;
  int joined = 0;
  if (!get_args(env, info, args, 3)) return NULL;
  uint8_t *slab = get_bytes(env, args[0], &slab_length);
  int32_t *rx = get_words(env, args[1], &words);
  int count = get_int(env, args[2]);
  if (slab == NULL || rx == NULL || count < 0 || (size_t)count * RX_WORDS > words)
    return fail(env, EINVAL, "joinPackets");
  for (int i = 0; i < count; i++) {
    int32_t *to = rx + joined * RX_WORDS;
    const int32_t *from = rx + i * RX_WORDS;
    size_t offset = (size_t)from[RX_OFFSET], length = (size_t)from[RX_LENGTH];
    if (offset > slab_length || length > slab_length - offset)
      return fail(env, EFAULT, "joinPackets");
    memset(to, 0, RX_WORDS * sizeof *to);
    to[RX_OFFSET] = (int32_t)offset;
    to[RX_LENGTH] = (int32_t)length;
    receive_offload(slab, to);
    if (joined == 0 || !receive_join(slab, to - RX_WORDS, to)) joined++;
  }
  napi_create_int32(env, joined, &value);
  return value;
}
