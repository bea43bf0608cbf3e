import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandError } from '../../../src/lab/cli/errors.js';
import { script } from '../../../src/lab/cli/script.js';
import { exitCodeOf, report, type Timed } from '../../../src/lab/script/format.js';
import { playScript } from '../../../src/lab/script/play.js';

const PASS = '0 socket(..., SOCK_STREAM, 0) = 3\n';
const FAIL = '0 socket(..., SOCK_STREAM, 0) = 3\n+0 listen(3, 1) = 7\n';
const SKIP = '`mv "<&#1>"`\n0 close(3) = 0\n';
const timed = (file: string, text: string): Timed => ({
  verdict: playScript(file, text),
  ms: 1.25,
  source: text.split('\n'),
});
const ALL = [timed('a/pass.pkt', PASS), timed('a/fail.pkt', FAIL), timed('skip#1.pkt', SKIP)];

describe('formats', () => {
  it('text', () => {
    expect(report('text', ALL)).toMatchInlineSnapshot(`
      "PASS a/pass.pkt (1.3 ms)
      FAIL a/fail.pkt:2:4 (1.3 ms): listen() gave another result
            +0 listen(3, 1) = 7
        result: expected 7, came 0
      SKIP skip#1.pkt:1:1 (1.3 ms): the command 'mv <&#1>' is not supported (no shell is run)
            \`mv "<&#1>"\`
      1 passed, 1 failed, 1 skipped in 3.8 ms
      "
    `);
  });

  it('TAP', () => {
    expect(report('tap', ALL)).toMatchInlineSnapshot(`
      "TAP version 14
      1..3
      ok 1 - a/pass.pkt
        ---
        duration_ms: 1.3
        ...
      not ok 2 - a/fail.pkt
        ---
        duration_ms: 1.3
        at: "a/fail.pkt:2:4"
        message: "listen() gave another result"
        details: |2
              +0 listen(3, 1) = 7
          result: expected 7, came 0
        ...
      ok 3 - skip\\#1.pkt # SKIP skip\\#1.pkt:1:1: the command 'mv <&\\#1>' is not supported (no shell is run)
      "
    `);
  });

  it("JUnit's XML", () => {
    expect(report('junit', ALL)).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites tests="3" failures="1" errors="0" skipped="1" time="0.0038">
        <testsuite name="tcplab script" tests="3" failures="1" errors="0" skipped="1" time="0.0038">
          <testcase classname="a" name="pass.pkt" time="0.0013"/>
          <testcase classname="a" name="fail.pkt" time="0.0013">
            <failure message="a/fail.pkt:2:4: listen() gave another result">    +0 listen(3, 1) = 7
      result: expected 7, came 0</failure>
          </testcase>
          <testcase classname="." name="skip#1.pkt" time="0.0013">
            <skipped message="skip#1.pkt:1:1: the command &#39;mv &#60;&#38;#1&#62;&#39; is not supported (no shell is run)"/>
          </testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });

  it('JSON Lines', () => {
    const lines = report('json', ALL)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { type: 'script', file: 'a/pass.pkt', outcome: 'PASS', ms: 1.25 },
      {
        file: 'a/fail.pkt',
        outcome: 'FAIL',
        line: 2,
        column: 4,
        differences: [{ field: 'result', expected: '7', actual: '0' }],
      },
      { file: 'skip#1.pkt', outcome: 'SKIP', line: 1 },
      { type: 'summary', passed: 1, failed: 1, skipped: 1, ms: 3.8 },
    ]);
  });

  it('the exit code: 0 needs a pass and no failure, 77 nothing but skips', () => {
    const [pass, fail, skip] = ALL;
    expect(
      [[pass!], [pass!, skip!], [pass!, fail!], [fail!, skip!], [skip!], []].map(exitCodeOf),
    ).toEqual([0, 0, 1, 1, 77, 77]);
  });
});

describe('tcplab script', () => {
  let folder: string;
  let out = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tcplab-script-'));
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'pass.pkt'), PASS);
    writeFileSync(join(folder, 'deep', 'fail.pkt'), FAIL);
    writeFileSync(join(folder, 'deep', 'other.txt'), 'no script');
    out = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['a file', ['pass.pkt'], 1, 0],
    ['a folder and all below', ['.'], 2, 1],
    ['a pattern', ['*.pkt'], 1, 0],
    ['a pattern over folders', ['**/*.pkt'], 2, 1],
    ['a pattern for one letter', ['deep/fai?.pkt'], 1, 1],
    ['several', ['pass.pkt', 'deep'], 2, 1],
  ])('%s', (_, names, count, code) => {
    expect(
      script(
        names.map((name) => join(folder, name)),
        { format: 'tap' },
      ),
    ).toBe(code);
    expect(out).toContain(`1..${count}\n`);
  });

  it.each([
    [
      'no such file',
      ['nothing.pkt'],
      { format: 'text' as const },
      /there is no packet script '.*nothing\.pkt'/,
    ],
    [
      'a pattern without a match',
      ['*.nix'],
      { format: 'text' as const },
      /there is no packet script/,
    ],
    [
      'a bad -D',
      ['pass.pkt'],
      { format: 'text' as const, define: ['A'] },
      /-D must have the form NAME=VALUE, not 'A'/,
    ],
    [
      'an unknown format',
      ['pass.pkt'],
      { format: 'yaml' as 'text' },
      /--format must be one of text, tap, junit, json, not 'yaml'/,
    ],
  ])('wrong usage: %s', (_, names, o, message) => {
    const call = (): number =>
      script(
        names.map((name) => join(folder, name)),
        o,
      );
    expect(call).toThrow(CommandError);
    expect(call).toThrow(message);
  });

  it('--init_scripts: settings before each script; any other line is a SKIP', () => {
    const open =
      '+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 9 <mss 99,sackOK>\n';
    writeFileSync(join(folder, 'no-sack.pkt'), `${PASS}${open}+0 > S. 0:0(0) ack 1 <mss 1460>\n`);
    writeFileSync(
      join(folder, 'no-sack.sh'),
      '#!/bin/sh\n# no SACK\nsysctl -q net.ipv4.tcp_sack=0\n',
    );
    writeFileSync(join(folder, 'other.sh'), 'rm -rf /\n');
    const play = (inits: string): number =>
      script([join(folder, 'no-sack.pkt')], { format: 'text', init_scripts: inits });
    expect(play('../defaults.sh')).toBe(1);
    expect(play(`defaults.sh,${join(folder, 'no-sack.sh')}`)).toBe(0);
    expect(play(join(folder, 'other.sh'))).toBe(77);
    expect(out).toContain('SKIP');
    expect(() => play('nothing.sh')).toThrow(
      /--init_scripts=nothing\.sh: there is no file 'nothing\.sh'/,
    );
  });

  it('--pcap: the packets of one script in a file, of several in a folder', () => {
    writeFileSync(
      join(folder, 'pass.pkt'),
      `${PASS}+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 9 <mss 99>\n`,
    );
    script([join(folder, 'pass.pkt')], { format: 'text', pcap: join(folder, 'one.pcap') });
    // The head of the file, and two packets of 44 bytes.
    expect(readFileSync(join(folder, 'one.pcap'))).toHaveLength(24 + 2 * (16 + 44));
    script([folder], { format: 'text', pcap: join(folder, 'all') });
    expect(readFileSync(join(folder, 'all', 'deep-fail.pcap'))).toHaveLength(24);
  });
});
