/**
 * Options of scripts and of the command line: which one has precedence, which values are valid, and
 * what --non_fatal reports.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandError } from '../../../src/lab/cli/errors.js';
import { script } from '../../../src/lab/cli/script.js';
import { FORMATS, report } from '../../../src/lab/script/format.js';
import { after, OPEN, play } from './after-handshake.js';

describe('an invalid value is a SKIP, never a PASS', () => {
  it.each([
    ['--tolerance_usecs=abc', /^--tolerance_usecs=abc must be 0 to 1000000000 microseconds/],
    ['--tolerance_usecs=', /^--tolerance_usecs= must be/],
    ['--tcp_ts_tick_usecs=abc', /^--tcp_ts_tick_usecs=abc must be/],
    ['--non_fatal=foo', /^--non_fatal=foo: use packet or syscall$/],
    ['--non_fatal=packet,foo', /^--non_fatal=packet,foo: /],
    [
      '--init_scripts=none.sh',
      /^--init_scripts=none\.sh: there is no file 'none\.sh' in the script's folder$/,
    ],
  ])('%s', (line, reason) => {
    const v = play(`${line}\n${OPEN}`);
    expect([v.outcome, v.place]).toEqual(['SKIP', { line: 1, column: 1 }]);
    expect(v.reason).toMatch(reason);
  });

  it.each([
    './defaults.sh rm -rf /',
    './defaults.sh net.ipv4.tcp_sack=0',
    'sysctl -q net.ipv4.tcp_ecn=3',
    'sysctl -q net.ipv4.tcp_syncookies=7',
    'sysctl -q net.ipv4.tcp_mtu_probing=3',
    'sysctl -q net.ipv4.tcp_sack=yes',
    'sysctl -q net.ipv4.tcp_sack=-1',
    'sysctl -q net.ipv4.tcp_syn_retries=0',
    'sysctl -q net.ipv4.tcp_retries2=1.5',
    'sysctl -q net.ipv4.tcp_sack=1 and more',
    'sysctl -q net.ipv4.tcp_rmem="1 2 3 4"',
  ])('`%s`', (command) => {
    expect(play(`\`${command}\`\n${OPEN}`)).toMatchObject({
      outcome: 'SKIP',
      place: { line: 1, column: 1 },
    });
  });

  it('an unknown clean-up command, with its line', () => {
    expect(play(`${OPEN}\`halt\``)).toMatchObject({
      outcome: 'SKIP',
      place: { line: 8, column: 1 },
    });
  });
});

describe('the command line has precedence over the script', () => {
  it.each([
    ['--tolerance_usecs=200000', { toleranceUsecs: 4000 }],
    ['--ip_version=ipv6', { ipVersion: 4 as const }],
    ['--mtu=1000', { mtu: 1500 }],
    ['--init_scripts=no-sack', { init: [{ isDefaults: true, text: null }] }],
  ])('%s', (line, o) => {
    const open = OPEN.replace('<mss 1000>', '<mss 1000,sackOK>').replace(
      '<mss 1460>',
      '<mss 1460,nop,nop,sackOK>',
    );
    const text = `${line}\n${open}+0 write(4, ..., 10) = 10\n+.01 > P. 1:11(10) ack 1`;
    const readBeside = (name: string): string | null =>
      name === 'no-sack' ? 'sysctl -q net.ipv4.tcp_sack=0' : null;
    const line10 = line.startsWith('--tol') ? text : text.replace('+.01', '+0');
    expect(play(line10, { readBeside }).outcome).toBe(line.startsWith('--tol') ? 'PASS' : 'FAIL');
    expect(play(line10, { readBeside, ...o }).outcome).toBe(
      line.startsWith('--tol') ? 'FAIL' : 'PASS',
    );
  });
});

describe('--non_fatal', () => {
  const wrong =
    '+0 write(4, ..., 10) = 9\n+0 > . 1:11(10) ack 1\n+0 %{ assert tcpi_snd_cwnd == 3 }%\n';

  it('reports each difference with its line', () => {
    const v = after(wrong, { nonFatal: ['packet', 'syscall'] });
    expect(v.outcome).toBe('PASS');
    expect(v.warnings.map((w) => [w.place.line, w.reason, w.differences.length])).toEqual([
      [8, 'write() gave another result', 1],
      [9, 'P. 1:11(10) ack 1 win 65535 is not the expected packet', 1],
      [10, 'assertion failed: tcpi_snd_cwnd == 3; tcpi_snd_cwnd is 10', 0],
    ]);
    expect(after(wrong, { nonFatal: ['packet'] })).toMatchObject({ outcome: 'FAIL', warnings: [] });
    expect(after(wrong, { nonFatal: ['syscall'] })).toMatchObject({
      outcome: 'FAIL',
      warnings: [{ place: { line: 8 } }],
    });
  });

  it.each(FORMATS)('in the report: %s', (format) => {
    const text = OPEN + wrong;
    for (const more of ['', '+0 close(4) = 7\n']) {
      const verdict = play(text + more, {
        nonFatal: ['packet', ...(more === '' ? (['syscall'] as const) : [])],
      });
      const all = [
        {
          verdict:
            more === ''
              ? verdict
              : { ...verdict, warnings: play(text, { nonFatal: ['packet', 'syscall'] }).warnings },
          ms: 1,
          source: (text + more).split('\n'),
        },
      ];
      const out = report(format, all);
      expect(out).toContain('write() gave another result');
      expect(out).toContain('assertion failed: tcpi_snd_cwnd');
    }
  });

  it('in text, below the script', () => {
    const verdict = after('+0 write(4, ..., 10) = 9\n', { nonFatal: ['syscall'] });
    const source = `${OPEN}+0 write(4, ..., 10) = 9\n`.split('\n');
    expect(report('text', [{ verdict, ms: 1, source }])).toBe(`PASS t.pkt (1.0 ms)
  warning: t.pkt:8:4: write() gave another result
        +0 write(4, ..., 10) = 9
    result: expected 9, came 10
1 passed, 0 failed, 0 skipped in 1 ms
`);
  });
});

describe('files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tcplab-options-'));
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it('--init_scripts in a script is relative to the script', () => {
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'no-sack.sh'), 'sysctl -q net.ipv4.tcp_sack=0\n');
    const open = OPEN.replace('<mss 1000>', '<mss 1000,sackOK>');
    writeFileSync(join(folder, 'deep', 'a.pkt'), `--init_scripts=../no-sack.sh\n${open}`);
    writeFileSync(join(folder, 'deep', 'b.pkt'), open);
    const code = (name: string): number => script([join(folder, 'deep', name)], { format: 'text' });
    expect([code('a.pkt'), code('b.pkt')]).toEqual([0, 1]);
  });

  it('--non_fatal with an unknown word is wrong usage', () => {
    writeFileSync(join(folder, 'a.pkt'), OPEN);
    const call = (): number =>
      script([join(folder, 'a.pkt')], { format: 'text', non_fatal: 'packet,foo' });
    expect(call).toThrow(CommandError);
    expect(call).toThrow(/^--non_fatal=packet,foo: use packet or syscall$/);
  });
});
