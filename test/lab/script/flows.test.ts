/** Which segment matches an expectation: ports, merging, unexpected segments, and allowed delay. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/lab/script/decode.js';
import type { Verdict } from '../../../src/lab/script/verdict.js';
import { after, fields, OPEN, play, told } from './after-handshake.js';

const SECOND_FLOW = `+0 < 4000 > 8080 S 0:0(0) win 65535 <mss 1000>
+0 > 8080 > 4000 S. 0:0(0) ack 1 <mss 1460>
+.1 < 4000 > 8080 . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 5
`;
const TWO = OPEN.replace('listen(3, 1)', 'listen(3, 2)') + SECOND_FLOW;

describe('ports', () => {
  it('written ports are compared', () => {
    const v = after('+0 write(4, ..., 10) = 10\n+0 > 8080 > 4001 P. 1:11(10) ack 1');
    expect([v.outcome, fields(v)]).toEqual(['FAIL', ['destination port']]);
    expect(after('+0 write(4, ..., 10) = 10\n+0 > 8080 > 45678 P. 1:11(10) ack 1').outcome).toBe(
      'PASS',
    );
  });

  it('they select the connection, whatever the order of the packets', () => {
    const both = '+0 write(4, ..., 10) = 10\n+0 write(5, ..., 20) = 20\n';
    const [first, second] = [
      '+0 > 8080 > 45678 P. 1:11(10) ack 1\n',
      '+0 > 8080 > 4000 P. 1:21(20) ack 1\n',
    ];
    expect(
      [first + second, second + first].map(
        (lines) => play(TWO + both + lines, { strict: true }).outcome,
      ),
    ).toEqual(['PASS', 'PASS']);
  });

  it('segments of another connection may come between the segments of one line', () => {
    const text = `+0 write(4, ..., 3000) = 3000\n+0 write(5, ..., 2000) = 2000
+0 < 4000 > 8080 . 1:1(0) ack 2001 win 65535\n+0 < 45678 > 8080 . 1:1(0) ack 3001 win 65535
+0 > 8080 > 4000 P. 1:2001(2000) ack 1\n+0 > 8080 > 45678 P. 1:3001(3000) ack 1`;
    expect(told(play(TWO + text))).toBe('PASS');
  });

  it('the ports of an outgoing SYN are compared', () => {
    const text = `0 socket(..., SOCK_STREAM, 0) = 3\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0
+0 bind(3, {sa_family = AF_INET, sin_port = htons(4000), sin_addr = inet_addr("0.0.0.0")}, ...) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS\n`;
    expect(told(play(`${text}+0 > 4000 > 8080 S 0:0(0) <...>`))).toBe('PASS');
    expect(fields(play(`${text}+0 > 4000 > 8081 S 0:0(0) <...>`))).toEqual(['destination port']);
  });
});

describe('segments that make up one line', () => {
  const three = `+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 write(4, ..., 1000) = 1000\n+0 write(4, ..., 200) = 200\n+0 write(4, ..., 1000) = 1000\n`;
  it('have the length of the first, except for the last', () => {
    expect(after(`${three}+0 > P. 1:1201(1200) ack 1\n+0 > P. 1201:2201(1000) ack 1`).outcome).toBe(
      'PASS',
    );
    expect(fields(after(`${three}+0 > P. 1:2201(2200) ack 1`))).toEqual(['payload length']);
  });

  it('are not compared with the length joined so far', () => {
    const text = `+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n+0 write(4, ..., 200) = 200
+0 write(4, ..., 200) = 200\n+0 write(4, ..., 300) = 300\n`;
    expect(fields(after(`${text}+0 > P. 1:701(700) ack 1`))).toEqual(['payload length']);
  });

  it('have the same type of service', () => {
    const text =
      '+0 write(4, ..., 1000) = 1000\n+0 setsockopt(4, SOL_IP, IP_TOS, [16], 4) = 0\n+0 ' +
      'write(4, ..., 1000) = 1000\n';
    expect(
      after(`${text}+0 > P. 1:1001(1000) ack 1\n+0 > [tos 16] P. 1001:2001(1000) ack 1`).outcome,
    ).toBe('PASS');
    expect(fields(after(`${text}+0 > P. 1:2001(2000) ack 1`))).toEqual(['payload length']);
  });
});

it('a missing acknowledgment number is 0', () => {
  expect(fields(after('+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10)'))).toEqual(['ack']);
});

it('--strict: an unexpected SYN is a failure', () => {
  const text =
    '0 socket(..., SOCK_STREAM, 0) = 3\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n+0 connect(3, ' +
    '..., ...) = -1 EINPROGRESS';
  expect(play(text).outcome).toBe('PASS');
  expect(play(text, { strict: true }).reason).toMatch(
    /^the script ends, but another packet was sent at 0\.000000 s: S 0:0/,
  );
});

it('the tolerance is an eighth of the gap in the script, not of the actual gap', () => {
  // The loss probe goes out after 0.3 s: 12.5 % of that would be 37 ms, of 0.265 s it is 33.
  const text = '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n';
  expect(fields(after(`${text}+.265 > P. 1:11(10) ack 1`))).toEqual(['time']);
  expect(after(`${text}+.27 > P. 1:11(10) ack 1`).outcome).toBe('PASS');
});

describe('sequence numbers', () => {
  it('a SYN has an absolute number; later segments count from 1 after it', () => {
    const text = `0 socket(..., SOCK_STREAM, 0) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0
+0 < S 7000:7000(0) win 65535 <mss 1000,sackOK>
+0 > S. 500:500(0) ack 7001 <mss 1460,nop,nop,sackOK>
+.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4
+0 < P. 11:21(10) ack 1 win 65535\n+0 > . 1:1(0) ack 1 <nop,nop,sack 11:21>
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <...>
+0 write(4, ..., 10) = 10\n+0 > P. 11:21(10) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,sack 11:21>\n+0 %{ assert tcpi_sacked == 1 }%`;
    expect(told(play(text))).toBe('PASS');
  });

  it('in a simultaneous open', () => {
    const text = `0 socket(..., SOCK_STREAM, 0) = 3\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <...>
+.1 < S 1234:1234(0) win 65535 <mss 1000>\n+0 > S. 0:0(0) ack 1235 <...>
+.1 < S. 1234:1234(0) ack 1 win 65535 <mss 1000>\n+0 > . 1:1(0) ack 1
+0 < P. 1:101(100) ack 1 win 65535\n+0 > . 1:1(0) ack 101\n+0 read(3, ..., 1000) = 100`;
    expect(told(play(text, { strict: true }))).toBe('PASS');
  });

  it('of a SYN into an open connection are absolute, too', () => {
    const open = OPEN.replace('S 0:0(0)', 'S 100:100(0)').replace(
      'ack 1 win 65535 <mss 1460>',
      'ack 101 <mss 1460>',
    );
    const v = play(`${open}+0 < S 101:101(0) win 65535 <mss 1000>\n+0 > . 1:1(0) ack 1`);
    expect([told(v), decode(v.log.at(-2)!).tcp?.seq]).toEqual(['PASS', 101]);
  });
});

describe('one connection after another', () => {
  const SYN = '+0 < S 0:0(0) win 65535 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n';
  const remotePorts = (v: Verdict): number[] => [
    ...new Set(v.log.filter((p) => p.way === 'in').map((p) => decode(p).tcp!.sourcePort)),
  ];

  it('each passive connection has its own remote port', () => {
    const v = after(`+0 close(4) = 0\n+0 > F. 1:1(0) ack 1
+0 < F. 1:1(0) ack 2 win 65535\n+0 > . 2:2(0) ack 2
${SYN}+.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4
+0 < P. 1:11(10) ack 1 win 65535\n+0 > . 1:1(0) ack 11`);
    expect([told(v), remotePorts(v)]).toEqual(['PASS', [45_678, 45_679]]);
  });

  it('the previous connection may still be open; its packets are skipped', () => {
    const text = `+0 write(4, ..., 10) = 10
${SYN}+.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 5
+1 write(5, ..., 20) = 20\n+0 > P. 1:21(20) ack 1`;
    expect(told(after(text, { strict: true }))).toBe('PASS');
  });

  it('a repeated SYN belongs to the same connection, also if it gets a challenge ACK', () => {
    const again = play(OPEN.replace('+.1 <', `${SYN}+.1 <`));
    const challenged = after('+0 < S 0:0(0) win 65535 <mss 1000>\n+0 > . 1:1(0) ack 1');
    expect([again, challenged].map((v) => [told(v), remotePorts(v)])).toEqual([
      ['PASS', [45_678]],
      ['PASS', [45_678]],
    ]);
  });

  it('a new listener has new connections, independent of earlier ones', () => {
    const v = after(`+0 close(3) = 0\n+0 socket(..., SOCK_STREAM, 0) = 3
+0 bind(3, {sa_family = AF_INET, sin_port = htons(8081), sin_addr = INADDR_ANY}, ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>\n+0 > 8081 > 45679 S. 0:0(0) ack 1 <mss 1460>`);
    expect([told(v), remotePorts(v)]).toEqual(['PASS', [45_678, 45_679]]);
  });

  it('an active connection is the newest from its SYN on', () => {
    const text = `+0 write(4, ..., 10) = 10
+0 socket(..., SOCK_STREAM, 0) = 5\n+0 fcntl(5, F_SETFL, O_NONBLOCK) = 0
+0 connect(5, ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <...>
+0 < S. 0:0(0) ack 1 win 100 <mss 1000>\n+0 > . 1:1(0) ack 1`;
    expect(told(after(text))).toBe('PASS');
  });
});
