/** The device's MTU in packet scripts, and the path MTU that sockets report. */
import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../../src/lab/script/options.js';
import { playScript } from '../../../src/lab/script/play.js';
import type { Verdict } from '../../../src/lab/script/verdict.js';

const script = (mss: number, rest = ''): string => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 9000>
+0 > S. 0:0(0) ack 1 <mss ${mss}>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
${rest}`;
const play = (text: string, o: RunOptions = {}): Verdict => playScript('t.pkt', text, o);

describe('--mtu', () => {
  it('is 1500, unless the script or the command line sets it', () => {
    expect(play(script(1460)).outcome).toBe('PASS');
    expect(play(script(1160), { mtu: 1200 }).outcome).toBe('PASS');
    expect(play(script(1460), { mtu: 1200 }).outcome).toBe('FAIL');
    expect(play(`--mtu=900\n${script(860)}`).outcome).toBe('PASS');
    expect(play(`--mtu=900\n${script(1160)}`, { mtu: 1200 }).outcome).toBe('PASS');
  });

  it('bounds segments, and IP_MTU returns it', () => {
    const write = `+0 getsockopt(4, SOL_IP, IP_MTU, [1200], [4]) = 0
+0 write(4, ..., 1500) = 1500
+0 > . 1:1161(1160) ack 1
+0 > P. 1161:1501(340) ack 1`;
    expect(play(script(1160, write), { mtu: 1200, strict: true })).toMatchObject({
      outcome: 'PASS',
      reason: '',
    });
  });

  it.each(['67', '65536', 'x', '1500.5'])('=%s is invalid', (mtu) => {
    expect(play(`--mtu=${mtu}\n${script(1460)}`)).toMatchObject({
      outcome: 'SKIP',
      reason: `--mtu=${mtu} must be 68 to 65535 bytes`,
    });
  });
});

describe('sockets', () => {
  it('IP_MTU needs a connection', () => {
    expect(
      play(script(1460, '+0 getsockopt(3, SOL_IP, IP_MTU, [0], [4]) = -1 ENOTCONN')).outcome,
    ).toBe('PASS');
  });

  it('IP_MTU_DISCOVER reads back as set; the modes for UDP are not supported', () => {
    const set = (value: string, result: string): string =>
      `+0 setsockopt(4, SOL_IP, IP_MTU_DISCOVER, [${value}], 4) = ${result}`;
    const get = (value: string): string =>
      `+0 getsockopt(4, SOL_IP, IP_MTU_DISCOVER, [${value}], [4]) = 0`;
    const all = [
      get('IP_PMTUDISC_WANT'),
      set('IP_PMTUDISC_DO', '0'),
      get('2'),
      set('6', '-1 EINVAL'),
      get('2'),
    ];
    expect(play(script(1460, all.join('\n')))).toMatchObject({ outcome: 'PASS', reason: '' });
    expect(play(script(1460, set('IP_PMTUDISC_OMIT', '0')))).toMatchObject({
      outcome: 'SKIP',
      reason: 'IP_MTU_DISCOVER 5 is not supported, only 0 to 3',
    });
  });
});
