/** TCP_INFO's times: how long a connection was busy, and when data arrived. */
import { expect, it } from 'vitest';
import { after, told } from './after-handshake.js';

const LARGE =
  '+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [2500], 4) = 0\n+0 fcntl(4, F_SETFL, ' +
  'O_RDWR|O_NONBLOCK) = 0\n';
const LIMITS = '(tcpi_busy_time, tcpi_sndbuf_limited, tcpi_rwnd_limited)';

it('tcpi_sndbuf_limited counts while the writer waits, and cwnd and window have room', () => {
  const text = `${LARGE}+0 write(4, ..., 9000) = 5000
+0 > P. 1:5001(5000) ack 1
+.1 %{ assert ${LIMITS} == (100000, 100000, 0), tcpi_sndbuf_limited }%
+0 < . 1:1(0) ack 5001 win 65535
+.1 %{ assert ${LIMITS} == (100000, 100000, 0), tcpi_busy_time }%`;
  expect(told(after(text, { strictSegments: false }))).toBe('PASS');
});

it('waiting for cwnd counts as busy, but not as limited', () => {
  const text = `+0 write(4, ..., 30000) = 30000\n+0 > P. 1:10001(10000) ack 1
+.1 %{ assert ${LIMITS} == (100000, 0, 0), tcpi_busy_time }%`;
  expect(told(after(text))).toBe('PASS');
});

it('tcpi_rwnd_limited counts until the window opens; tcpi_busy_time includes a FIN in flight', () => {
  const text = `+0 < . 1:1(0) ack 1 win 1000
+0 write(4, ..., 3000) = 3000\n+0 > . 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 65535\n+0 > P. 1001:3001(2000) ack 1\n+.1 < . 1:1(0) ack 3001 win 65535
+.1 close(4) = 0\n+0 > F. 3001:3001(0) ack 1
+.1 < F. 1:1(0) ack 3002 win 65535\n+0 > . 3002:3002(0) ack 2`;
  const read = '+0 %{ assert (tcpi_busy_time, tcpi_rwnd_limited) == (B, 100000), tcpi_busy_time }%';
  expect(told(after(text.replace('+.1 close', `${read.replace('B', '200000')}\n+.1 close`)))).toBe(
    'PASS',
  );
  expect(told(after(`${text}\n+.3 ${read.slice(3).replace('B', '300000')}`))).toBe('PASS');
});

it('a reset ends the busy time', () => {
  const text = `+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n+.1 < R 1:1(0) win 0
+5 %{ assert tcpi_busy_time == 100000, tcpi_busy_time }%`;
  expect(told(after(text))).toBe('PASS');
});

it('tcpi_rcv_ssthresh is the bound of the offered window', () => {
  // Without window scaling the field bounds it. The SYN,ACK meant half of the buffer, in whole
  // segments.
  const check =
    '+0 %{ assert (tcpi_rcv_ssthresh, tcpi_rcv_wnd) == (65535, 268640), tcpi_rcv_ssthresh }%';
  expect(told(after(check))).toBe('PASS');
});
