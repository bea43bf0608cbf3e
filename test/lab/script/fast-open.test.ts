/** System calls of packet scripts for Fast Open: results and errnos as Linux gives them. */
import { describe, expect, it } from 'vitest';
import { playScript } from '../../../src/lab/script/play.js';
import type { Verdict } from '../../../src/lab/script/verdict.js';

const play = (...lines: string[]): Verdict =>
  playScript('t.pkt', lines.join('\n'), { strict: true });
const passes = (...lines: string[]): void => {
  expect(play(...lines)).toMatchObject({ outcome: 'PASS', reason: '' });
};
const SOCKET = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3';
const NON_BLOCKING = '+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0';
const LISTEN = [SOCKET, '+0 bind(3, ..., ...) = 0', '+0 listen(3, 5) = 0'];
const SYN = '> S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8,FO,nop,nop>';
const SYN_WITH_DATA = '> S 0:100(100) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8>';
const COOKIELESS = '`sysctl net.ipv4.tcp_fastopen=5`';

describe('socket options', () => {
  it.each([
    ['setsockopt(3, SOL_TCP, TCP_FASTOPEN, [-1], 4) = -1 EINVAL'],
    ['setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [2], 4) = -1 EINVAL'],
    ['setsockopt(3, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, [2], 4) = -1 EINVAL'],
    ['setsockopt(3, SOL_SOCKET, SO_OOBINLINE, [1], 4) = 0'],
  ])('%s', (call) => {
    passes(SOCKET, `+0 ${call}`);
  });

  it('read back as they were set', () => {
    passes(
      SOCKET,
      '+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN, [0], [4]) = 0',
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [9], 4) = 0',
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0',
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, [1], 4) = 0',
      '+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN, [9], [4]) = 0',
      '+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], [4]) = 0',
      '+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, [1], [4]) = 0',
    );
  });

  it('TCP_FASTOPEN applies after listen(), too; 0 switches it off', () => {
    const syn = ['+0 < S 0:10(10) win 9 <mss 1000,FO 3021b9d889017eeb,nop,nop>'];
    const taken = '+0 > S. 0:0(0) ack 11 <mss 1460>';
    passes(...LISTEN, ...syn, taken);
    passes(
      '`sysctl net.ipv4.tcp_fastopen=3`',
      ...LISTEN,
      ...syn,
      '+0 > S. 0:0(0) ack 1 <mss 1460>',
    );
    passes(
      '`sysctl net.ipv4.tcp_fastopen=3`',
      ...LISTEN,
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0',
      ...syn,
      taken,
    );
    passes(
      ...LISTEN,
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [0], 4) = 0',
      ...syn,
      '+0 > S. 0:0(0) ack 1 <mss 1460>',
    );
  });
});

describe('MSG_FASTOPEN', () => {
  it('applies to sendmsg(), too', () => {
    const message = '{msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}';
    passes(
      COOKIELESS,
      SOCKET,
      NON_BLOCKING,
      `+0 sendmsg(3, ${message}, MSG_FASTOPEN) = 100`,
      `+0 ${SYN_WITH_DATA}`,
    );
  });

  it('MSG_DONTWAIT does not wait', () => {
    passes(
      SOCKET,
      '+0 sendto(3, ..., 100, MSG_FASTOPEN|MSG_DONTWAIT, ..., ...) = -1 EINPROGRESS',
      `+0 ${SYN}`,
    );
  });

  it('without MSG_DONTWAIT waits for the connection, and sends what the SYN had no room for', () => {
    passes(
      SOCKET,
      '+0...0.1 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = 100',
      `+0 ${SYN}`,
      '+.1 < S. 0:0(0) ack 1 win 65535 <mss 1460>',
      '+0 > P. 1:101(100) ack 1',
    );
  });

  it('returns the error of a refused connection, also when the SYN carried data', () => {
    passes(
      COOKIELESS,
      SOCKET,
      '+0...0.1 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = -1 ECONNREFUSED',
      `+0 ${SYN_WITH_DATA}`,
      '+.1 < R. 0:0(0) ack 101 win 0',
    );
  });

  it('is refused on a listener', () => {
    passes(...LISTEN, '+0 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = -1 EISCONN');
  });
});

describe('TCP_FASTOPEN_NO_COOKIE', () => {
  it('of a client: data goes in the first SYN', () => {
    passes(
      SOCKET,
      NON_BLOCKING,
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, [1], 4) = 0',
      '+0 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = 100',
      `+0 ${SYN_WITH_DATA}`,
    );
  });

  it('with TCP_FASTOPEN_CONNECT: connect() waits for the first data', () => {
    passes(
      SOCKET,
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, [1], 4) = 0',
      '+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0',
      '+0 connect(3, ..., ...) = 0',
      '+0...0.2 write(3, ..., 100) = 100',
      `+0 ${SYN_WITH_DATA}`,
      '+.2 < S. 0:0(0) ack 101 win 65535 <mss 1460>',
      '+0 > . 101:101(0) ack 1',
    );
  });
});

describe('settings', () => {
  it.each([
    ['net.ipv4.tcp_fastopen_key=1-2-3', "'1-2-3' is not a Fast Open key"],
    ['net.ipv4.tcp_fastopen=x', "'x' is not a whole number"],
  ])('%s is skipped with the reason', (setting, reason) => {
    const verdict = play(`\`sysctl ${setting}\``, SOCKET);
    expect(verdict.outcome).toBe('SKIP');
    expect(verdict.reason).toContain(reason);
  });
});
