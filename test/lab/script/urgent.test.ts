/** System calls of packet scripts for urgent data, where Linux has rules of its own. */
import { describe, expect, it } from 'vitest';
import { playScript } from '../../../src/lab/script/play.js';

const OPEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4`;
const passes = (...lines: string[]): void => {
  expect(playScript('t.pkt', [OPEN, ...lines].join('\n'), { strict: true })).toMatchObject({
    outcome: 'PASS',
    reason: '',
  });
};
/** Ten bytes, the fifth is urgent. */
const URGENT = ['+0 < PU. 1:11(10) ack 1 win 65535 urg 5', '+0 > . 1:1(0) ack 11'];

describe('recv() with MSG_OOB', () => {
  it('fails without a connection', () => {
    passes('+0 recv(3, ..., 1, MSG_OOB) = -1 ENOTCONN');
    passes(
      '+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5',
      '+0 recv(5, ..., 1, MSG_OOB) = -1 EINVAL',
      '+0 recv(5, ..., 1, 0) = -1 ENOTCONN',
    );
  });

  it('of 0 bytes reads nothing', () => {
    passes(...URGENT, '+0 recv(4, ..., 0, MSG_OOB) = 0', '+0 recv(4, ..., 1, MSG_OOB) = 1');
  });

  it('never waits, and returns 0 after the end of the stream', () => {
    passes(
      '+0 < U. 1:6(5) ack 1 win 65535 urg 9',
      '+0 > . 1:1(0) ack 6',
      '+0 recv(4, ..., 1, MSG_OOB) = -1 EAGAIN',
      '+0 shutdown(4, SHUT_RD) = 0',
      '+0 recv(4, ..., 1, MSG_OOB) = 0',
    );
  });
});

describe('reading', () => {
  it('with MSG_PEEK ends at the mark, too', () => {
    passes(
      ...URGENT,
      '+0 recv(4, ..., 100, MSG_PEEK) = 4',
      '+0 recv(4, ..., 2, 0) = 2',
      '+0 ioctl(4, SIOCATMARK, [0]) = 0',
      '+0 recv(4, ..., 100, 0) = 2',
      '+0 ioctl(4, SIOCATMARK, [1]) = 0',
    );
  });

  it('does not return for the urgent byte alone, but waits for other data', () => {
    passes(
      '+0 < PU. 1:2(1) ack 1 win 65535 urg 1',
      '+0 > . 1:1(0) ack 2',
      '+0...0.2 read(4, ..., 100) = 10',
      '+.2 < P. 2:12(10) ack 1 win 65535',
      '* > . 1:1(0) ack 12',
    );
  });

  it('SO_OOBINLINE in the middle of a connection', () => {
    passes(
      '+0 setsockopt(4, SOL_SOCKET, SO_OOBINLINE, [1], 4) = 0',
      ...URGENT,
      '+0 read(4, ..., 100) = 4',
      '+0 ioctl(4, SIOCINQ, [6]) = 0',
      '+0 read(4, ..., 100) = 6',
    );
  });
});
