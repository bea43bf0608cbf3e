/** System calls return what Linux returns; unknown ones are a SKIP. */
import { describe, expect, it } from 'vitest';
import { playScript } from '../../../src/lab/script/play.js';
import { after, fields, fresh, OPEN, play, told } from './after-handshake.js';

describe('a script can end only its own run', () => {
  it('a second listener on a port', () => {
    const two =
      '+0 bind(3, ..., ...) = 0\n+0 socket(..., SOCK_STREAM, 0) = 4\n+0 bind(4, ..., ...) = ' +
      '0\n+0 listen(3, 1) = 0\n';
    expect(told(fresh(`${two}+0 listen(4, 1) = -1 EADDRINUSE`))).toBe('PASS');
    expect(fields(fresh(`${two}+0 listen(4, 1) = 0`))).toEqual(['result', 'errno']);
  });

  it('an unexpected error is a failure with its place', () => {
    const observer = new Proxy(
      {},
      {
        get: (_, name) => () => {
          if (name !== 'turnEnds') throw new TypeError('a fault');
        },
      },
    );
    const v = play(OPEN, { observer: observer as never });
    expect(v).toMatchObject({ outcome: 'FAIL', place: { line: 4, column: 1 } });
    expect(v.reason).toBe(
      'tcplab itself failed here; this is a bug of tcplab, not of the script: TypeError: a fault',
    );
    const parsing = playScript('t.pkt', null as never);
    expect(parsing).toMatchObject({ outcome: 'FAIL', place: null });
  });

  it('a write of 2 GiB accepts what fits into the send buffer', () => {
    expect(told(after('+0 send(4, ..., 2147483647, MSG_DONTWAIT) = ...'))).toBe('PASS');
  });
});

describe('descriptors', () => {
  it('an expected -1 fails if the call returns a descriptor', () => {
    expect(fields(play('0 socket(..., SOCK_STREAM, 0) = -1'))).toEqual(['result']);
    const accept = OPEN.replace(') = 4', ') = -1');
    expect(fields(play(accept))).toEqual(['result']);
    expect(fields(play(OPEN.replace(') = 4', ') = -1 EAGAIN')))).toEqual(['result', 'errno']);
    expect(told(play(OPEN.replace(') = 4', ') = ...')))).toBe('PASS');
  });

  it('an open descriptor is not reused', () => {
    expect(fresh('+0 socket(..., SOCK_STREAM, 0) = 3')).toMatchObject({
      outcome: 'FAIL',
      reason: 'descriptor 3 is already open: use another number',
    });
  });
});

describe('addresses', () => {
  const accepting = (address: string): string =>
    OPEN.replace('accept(3, ..., ...)', `accept(3, ${address}, [16])`);
  it.each([
    ['{sa_family = AF_INET, sin_port = htons(45678), sin_addr = inet_addr("192.0.2.1")}', []],
    ['{sin_family = AF_INET, sin_port = ..., sin_addr = ...}', []],
    [
      '{sa_family = AF_INET, sin_port = htons(45679), sin_addr = inet_addr("192.0.2.1")}',
      ['address'],
    ],
    [
      '{sa_family = AF_INET, sin_port = htons(45678), sin_addr = inet_addr("192.0.2.2")}',
      ['address'],
    ],
    ['{sa_family = AF_INET6, sin_port = htons(45678)}', ['address']],
  ])('accept() returns %s', (address, expected) => {
    expect(fields(play(accepting(address)))).toEqual(expected);
  });

  it.each([
    [
      'connect(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = ' +
        'inet_addr("192.0.2.9")}, 16) = 0',
      /^192\.0\.2\.9 is not the script's peer, which is 192\.0\.2\.1$/,
    ],
    ['connect(3, {sa_family = AF_INET6}, 28) = 0', /another family/],
    ['bind(3, {sa_family = AF_INET6}, 28) = 0', /another family/],
    ['bind(3, {sin_port = htons(0)}, 28) = 0', /where the stack chooses a port/],
    ['bind(3, {sin_what = 1}, 28) = 0', /an address with the field 'sin_what'/],
    ['bind(3, 5, 28) = 0', /a number where an address was expected/],
    ['bind(3, {sin_addr = inet_addr("nowhere")}, 28) = 0', /'nowhere' is not an IP address/],
    ['bind(3, {sin_addr = 5}, 28) = 0', /an IP address must be inet_addr/],
    ['socket(AF_INET6, SOCK_STREAM, 0) = 4', /a socket of another family/],
    ['socket(..., SOCK_STREAM, IPPROTO_IPV6) = 4', /the protocol 41 is not supported/],
  ])('%s is a SKIP', (call, reason) => {
    const v = fresh(`+0 ${call}`);
    expect([v.outcome, v.place?.line]).toEqual(['SKIP', 2]);
    expect(v.reason).toMatch(reason);
  });
});

describe('options', () => {
  it.each([
    'setsockopt(3, SOL_SOCKET, SO_LINGER, {1, 0}, 8) = 0',
    'setsockopt(3, SOL_SOCKET, SO_LINGER, {1, 0}, 4) = -1 EINVAL',
    'setsockopt(3, SOL_TCP, TCP_NODELAY, [1], -1) = -1 EINVAL',
    'setsockopt(3, 99, TCP_NODELAY, [1], 4) = -1 ENOPROTOOPT',
    'getsockopt(3, 99, TCP_NODELAY, [1], [4]) = -1 EOPNOTSUPP',
    'setsockopt(3, SOL_TCP, TCP_INFO, [1], 4) = -1 ENOPROTOOPT',
    'setsockopt(3, SOL_TCP, TCP_CONGESTION, ["renox"], 4) = 0',
    'setsockopt(3, SOL_TCP, TCP_CONGESTION, ["reno"], 0) = -1 EINVAL',
    'getsockopt(3, SOL_TCP, TCP_INFO, ..., ...) = 0',
  ])('%s', (call) => {
    expect(told(fresh(`+0 ${call}`))).toBe('PASS');
  });

  it('SO_LINGER {1, 0}: close() resets', () => {
    const text = '+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {1, 0}, 8) = 0\n+0 close(4) = 0\n';
    expect(told(after(`${text}+0 > R. 1:1(0) ack 1`))).toBe('PASS');
  });

  it('the number selects the option: TCP_NODELAY at SOL_IP is IP_TOS, which has the same number', () => {
    const text = '+0 setsockopt(3, SOL_IP, TCP_NODELAY, [16], 4) = 0\n';
    expect(
      told(
        fresh(
          `${text}+0 getsockopt(3, SOL_IP, IP_TOS, [16], [4]) = 0\n+0 getsockopt(3, SOL_TCP, ` +
            'TCP_NODELAY, [0], [4]) = 0',
        ),
      ),
    ).toBe('PASS');
  });

  it.each([
    ['getsockopt(3, SOL_TCP, TCP_INFO, [999], [4]) = 0', /^TCP_INFO can be compared by code only/],
    ['getsockopt(3, SOL_TCP, TCP_NODELAY, [0], [1]) = 0', /^getsockopt\(\) of 1 bytes/],
    [
      'setsockopt(3, SOL_SOCKET, TCP_NODELAY, [1], 4) = 0',
      /^the socket option TCP_NODELAY of SOL_SOCKET is not supported$/,
    ],
    [
      'setsockopt(3, SOL_TCP, TCP_WHAT, [1], 4) = 0',
      /^the socket option TCP_WHAT is not supported$/,
    ],
    ['setsockopt(3, SOL_SOCKET, SO_RCVBUF, [-1], 4) = 0', /^SO_RCVBUF below 0/],
    ['setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1}, 8) = 0', /^SO_LINGER without 'linger'/],
    [
      'setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, [1], 16) = 0',
      /^TCP_FASTOPEN_KEY must be a quoted string$/,
    ],
    ['readv(3, [{NULL, 10}], 1) = -1 EFAULT', /^an iovec entry at NULL$/],
    [
      'setsockopt(3, SOL_TCP, constructor, [1], 4) = 0',
      /^the socket option constructor is not supported$/,
    ],
  ])('%s is a SKIP', (call, reason) => {
    const v = fresh(`+0 ${call}`);
    expect(v.outcome).toBe('SKIP');
    expect(v.reason).toMatch(reason);
  });
});

describe('messages', () => {
  const receive = (fields_: string): string =>
    '+0 < P. 1:11(10) ack 1 win 65535\n+0 > . 1:1(0) ack 11\n+0 recvmsg(4, ' +
    `{msg_iov(1)=[{..., 10}], ${fields_}}, 0) = 10`;

  it('msg_flags are compared', () => {
    expect(told(after(receive('msg_flags=0, msg_control=[]')))).toBe('PASS');
    expect(told(after(receive('msg_flags=...')))).toBe('PASS');
    expect(fields(after(receive('msg_flags=MSG_EOR')))).toEqual(['msg_flags']);
    const oob =
      '+0 < PU. 1:11(10) ack 1 win 65535 urg 10\n+0 > . 1:1(0) ack 11\n+0 recvmsg(4, ' +
      '{msg_iov(1)=[{..., 1}], msg_flags=MSG_OOB}, MSG_OOB) = 1';
    expect(told(after(oob))).toBe('PASS');
  });

  it.each([
    [receive('msg_control=[{cmsg_level=SOL_SOCKET}]'), /^control messages other/],
    [
      receive('msg_name(...)={sa_family=AF_INET}'),
      /^msg_name cannot be compared, because TCP gives recvmsg\(\) no address/,
    ],
    [
      '+0 recvfrom(4, ..., 10, 0, {sa_family=AF_INET}, 16) = 10',
      /^an address cannot be compared, because TCP gives recvfrom\(\) none/,
    ],
    ['+0 send(4, ..., 10, MSG_ZEROCOPY) = 10', /^MSG_ZEROCOPY is not supported in this call$/],
    ['+0 send(4, ..., 10, MSG_ZEROCOPY) = 10', /^MSG_ZEROCOPY is not supported in this call$/],
    ['+0 send(4, ..., 10, 0x10) = 10', /^flags 0x10 is not supported in this call$/],
    ['+0 recv(4, ..., 10, MSG_ERRQUEUE) = 10', /^MSG_ERRQUEUE is not supported in this call$/],
    [
      '+0 sendmsg(4, {msg_iov(1)=[{..., 10}], msg_control=[{cmsg_level=0}]}, 0) = 10',
      /^msg_control of sendmsg/,
    ],
    ['+0 send(4, ..., -1, 0) = -1', /^send\(\) with a negative length$/],
    ['+0 sendmsg(4, {msg_iov(2)=[{..., 10}]}, 0) = 10', /^msg_iov\(2\) for a list of 1$/],
    ['+0 writev(4, [{..., 10}], 2) = 10', /^an iovec count of 2 for a list of 1$/],
    [
      '+0 poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 2, 0) = 1',
      /^poll\(\) with 2 descriptors for a list of 1$/,
    ],
  ])('%s is a SKIP', (text, reason) => {
    const v = after(text);
    expect(v.outcome).toBe('SKIP');
    expect(v.reason).toMatch(reason);
  });

  it('negative lengths', () => {
    expect(
      told(
        after(
          '+0 write(4, ..., -1) = -1 EFAULT\n+0 read(4, ..., -1) = -1 EFAULT\n+0 writev(4, ' +
            '[{..., -1}], 1) = -1 EINVAL',
        ),
      ),
    ).toBe('PASS');
  });
});

it('shutdown() of a connection that is being opened is a SKIP', () => {
  const text =
    '+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n+0 connect(3, ..., ...) = -1 EINPROGRESS\n+0 ' +
    'shutdown(3, SHUT_WR) = 0';
  expect(fresh(text)).toMatchObject({ outcome: 'SKIP', place: { line: 4 } });
});
