import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/lab/script/decode.js';
import { after, fields, OPEN, play } from './after-handshake.js';

const WRITE = '+0 write(4, ..., 3000) = 3000\n';

describe('PASS', () => {
  it.each([
    ['segments that make up one line', `${WRITE}+0 > P. 1:3001(3000) ack 1`],
    [
      'segments with a line each',
      `${WRITE}+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:3001(2000) ack 1`,
    ],
    ['any window, any options', `${WRITE}+0 > P. 1:3001(3000) ack 1 <...>`],
    ['at any time', `${WRITE}+0 > P. 1:3001(3000) ack 1\n* > . 1:1001(1000) ack 1`],
    ['between two times', `${WRITE}+0 > P. 1:3001(3000) ack 1\n+.2~+.4 > . 1:1001(1000) ack 1`],
    ['4 ms off', `${WRITE}+.004 > P. 1:3001(3000) ack 1`],
    [
      'an eighth of a long gap off',
      `+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.33 > P. 1:11(10) ack 1`,
    ],
    ['packets that are left over, when not strict', WRITE],
  ])('%s', (_, text) => {
    expect(after(text)).toMatchObject({
      outcome: 'PASS',
      reason: '',
      place: null,
      differences: [],
    });
  });

  it('over IPv6, too', () => {
    expect(after(`${WRITE}+0 > P. 1:3001(3000) ack 1`, { ipVersion: 6 }).outcome).not.toBe('SKIP');
    const mss = OPEN.replace('<mss 1460>', '<mss 1440>');
    expect(play(`${mss}${WRITE}+0 > P. 1:3001(3000) ack 1`, { ipVersion: 6 })).toMatchObject({
      outcome: 'PASS',
    });
  });

  it('an incoming packet has the given IP header fields: ICMP, and the flow label of IPv6', () => {
    const icmp = after('+0 < [ce,ttl 1] icmp unreachable host_unreachable [1:1(0)]').log.at(-1)!;
    expect(decode(icmp)).toMatchObject({ ttl: 1, tos: 3, protocol: 1 });
    const open = OPEN.replace('< S', '< (flowlabel 0xabcde,tos 0x10,ect1) S').replace(
      '<mss 1460>',
      '<mss 1440>',
    );
    const v = play(open, { ipVersion: 6 });
    expect([v.outcome, decode(v.log[0]!)]).toMatchObject([
      'PASS',
      { flowLabel: 0xabcde, tos: 0x11 },
    ]);
  });

  it('a segment without flags may have an acknowledgment number', () => {
    expect(
      after('+0 < - 1:1001(1000) ack 1\n+.1 read(4, ..., 10) = 1', { strict: true }).reason,
    ).toBe('read() blocks');
  });

  it('-D gives a name its value', () => {
    expect(
      play(`${OPEN}+0 write(4, ..., SIZE) = SIZE\n+0 > P. 1:701(700) ack 1`, {}, { SIZE: '700' })
        .outcome,
    ).toBe('PASS');
  });
});

describe('FAIL names the fields that differ', () => {
  it.each([
    ['flags', '+0 > . 1:3001(3000) ack 1', ['flags']],
    ['sequence number', '+0 > P. 2:3002(3000) ack 1', ['seq']],
    ['length', '+0 > P. 1:3002(3001) ack 1', ['payload length']],
    ['acknowledgment', '+0 > P. 1:3001(3000) ack 2', ['ack']],
    ['window', '+0 > P. 1:3001(3000) ack 1 win 1', ['window']],
    ['options', '+0 > P. 1:3001(3000) ack 1 <nop,nop>', ['options']],
    ['ECN', '+0 > [ect0] P. 1:3001(3000) ack 1', ['ECN']],
    ['TTL', '+0 > [ttl 9] P. 1:3001(3000) ack 1', ['TTL']],
    ['type of service', '+0 > [tos 0x10] P. 1:3001(3000) ack 1', ['TOS']],
    ['urgent pointer', '+0 > P. 1:3001(3000) ack 1 urg 3', ['urgent pointer']],
    ['time', '+.005 > P. 1:3001(3000) ack 1', ['time']],
    ['range of times', '+.05~+.2 > P. 1:3001(3000) ack 1', ['time']],
    ['several', '+0 > F. 1:3001(3000) ack 9', ['flags', 'ack']],
  ])('%s', (_, line, expected) => {
    const v = after(WRITE + line);
    expect([v.outcome, fields(v), v.place?.line]).toEqual(['FAIL', expected, 9]);
  });

  it.each([
    ['a result', '+0 write(4, ..., 10) = 9', ['result']],
    ['an errno', '+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EPIPE', ['errno']],
    ['an error instead of a result', '+0 recv(4, ..., 10, MSG_DONTWAIT) = 10', ['result', 'errno']],
    ['a value', '+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [5], [4]) = 0', ['value']],
    [
      'a time of return',
      '+0...0.2 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 9\n+0 > . 1:1(0) ack 11',
      ['time'],
    ],
  ])('of calls: %s', (_, text, expected) => {
    const v = after(text);
    expect([v.outcome, fields(v)]).toEqual(['FAIL', expected]);
  });

  it('a call that blocks unexpectedly, and one that never returns', () => {
    expect(after('+0 read(4, ..., 10) = 10')).toMatchObject({
      outcome: 'FAIL',
      reason: 'read() blocks',
    });
    expect(after('+0...1 read(4, ..., 10) = 10')).toMatchObject({
      outcome: 'FAIL',
      reason: 'read() has not returned',
    });
  });

  it('no packet where one was expected', () => {
    expect(after('+0 > . 1:1(0) ack 1')).toMatchObject({
      outcome: 'FAIL',
      reason: 'no packet came by 2.100000 s',
    });
  });

  it('an assertion, with the values', () => {
    const { outcome, reason } = after('+0 %{ assert tcpi_snd_cwnd == 11, "cwnd" }%');
    expect([outcome, reason]).toEqual([
      'FAIL',
      'assertion failed: tcpi_snd_cwnd == 11 (cwnd); tcpi_snd_cwnd is 10',
    ]);
  });

  it('shows the previous packets as tcpdump does, and the control block', () => {
    const v = after(`${WRITE}+0 > P. 1:3001(3000) ack 2`);
    expect(v.packets.slice(0, 2)).toEqual([
      '0.000000 IP 192.0.2.1.45678 > 192.168.0.1.8080: Flags [S], seq 0, win 65535, options ' +
        '[mss 1000], length 0',
      '0.000000 IP 192.168.0.1.8080 > 192.0.2.1.45678: Flags [S.], seq 0, ack 1, win 65535, ' +
        'options [mss 1460], length 0',
    ]);
    expect(v.tcb).toMatchObject({ state: 'ESTABLISHED' });
  });

  it('a script that cannot be read', () => {
    expect(play('0 close(')).toMatchObject({ outcome: 'FAIL', place: { line: 1, column: 9 } });
  });
});

describe('strict', () => {
  const strict = { strict: true };
  it('packets left over', () => {
    expect(after(WRITE, strict).reason).toMatch(
      /^the script ends, but another packet was sent at 0\.100000 s: /,
    );
  });

  it('one by one, with strictSegments', () => {
    expect(after(`${WRITE}+0 > P. 1:3001(3000) ack 1`, { strictSegments: true }).outcome).toBe(
      'FAIL',
    );
    const three =
      '+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:2001(1000) ack 1\n+0 > P. 2001:3001(1000) ack 1';
    expect(after(WRITE + three, { strictSegments: true }).outcome).toBe('PASS');
  });

  it('timestamps: the echoed value, and the elapsed time', () => {
    const open = (ecr: number, val: number): string => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000,sackOK,TS val 700 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr ${ecr}>
+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 800 ecr 100>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val ${val} ecr 800>`;
    const outcomes = [open(700, 200), open(701, 200), open(700, 300)].map((text) => [
      play(text).outcome,
      play(text, strict).outcome,
    ]);
    expect(outcomes).toEqual([
      ['PASS', 'PASS'],
      ['PASS', 'FAIL'],
      ['PASS', 'FAIL'],
    ]);
    expect(play(open(700, 300), { timestampTickUsecs: 1000 }).outcome).toBe('FAIL');
  });
});

describe('SKIP says what is not supported, and where', () => {
  it.each([
    [
      '`rm -rf /`\n0 close(3) = 0',
      /^the command 'rm -rf \/' is not supported \(no shell is run\)$/,
      1,
    ],
    [
      '`sysctl -q net.ipv4.tcp_magic=1`\n0 close(3) = 0',
      /^the sysctl net\.ipv4\.tcp_magic is not supported$/,
      1,
    ],
    ['0 socket(..., SOCK_DGRAM, 0) = 3', /^only SOCK_STREAM sockets are supported/, 1],
    [
      '0 splice(3, NULL, 4, NULL, 1, 0) = 1',
      /^the system call 'splice' is not supported: only sendfile/,
      1,
    ],
    ['0 < udp (10)', /^'udp' packets are not supported/, 1],
    [
      '0 < S 0:0(0) win 1 <md5 00112233445566778899aabbccddeeff>',
      /^TCP MD5 signatures are not supported/,
      1,
    ],
    ['0 < S 0:0(0) win 1 <cookie 00>', /^the TCP option 'cookie' is not supported$/, 1],
    ['0 close(3) = -1 EBADF\n* > icmp unreachable', /^expected ICMP packets are not supported$/, 2],
    [
      '0 < (flowlabel 0x0) S 0:0(0) win 1',
      /^a flow label needs IPv6, and this script is played over IPv4/,
      1,
    ],
    ['0 close(3) = -1 EBADF\n+0 > (flowlabel 0x0) S 0:0(0) win 1', /^a flow label needs IPv6/, 2],
  ])('%j', (text, reason, line) => {
    const v = play(text);
    expect([v.outcome, v.place?.line]).toEqual(['SKIP', line]);
    expect(v.reason).toMatch(reason);
  });

  it('code beyond the supported part of Python', () => {
    expect(after('+0 %{ import os }%')).toMatchObject({ outcome: 'SKIP' });
  });

  it('an option at the top', () => {
    expect(play('--strict_segments\n--magic=1\n0 close(3) = 0')).toMatchObject({
      outcome: 'SKIP',
      reason: 'the option --magic is not supported',
      place: { line: 2, column: 1 },
    });
  });
});
