/**
 * Packet scripts fail if they are changed. This test makes a sample of the changes;
 * `npm run script:mutants` makes all of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { mutantsOf } from './mutate.js';
import { runMutants, share } from './mutation-run.js';

const FOLDER = resolve(import.meta.dirname, '../../scripts');
const SCRIPTS = (readdirSync(FOLDER, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.pkt'))
  .sort()
  .map((file) => ({ file, text: readFileSync(join(FOLDER, file), 'utf8') }));
const ALL = process.env['TCPLAB_SCRIPT_MUTANTS'] === 'all';
const SAMPLE = 0.15;
const SEED = 1;

describe('changed packet scripts', () => {
  it(
    `at least 98 % fail (${ALL ? 'all changes' : `a sample, seed ${SEED}`})`,
    { timeout: 600_000 },
    () => {
      const random = new SeededRandom(SEED);
      const result = runMutants(SCRIPTS, () => ALL || random.float() < SAMPLE);
      const total = result.killed + result.survived.length;
      if (ALL) {
        console.log(
          `${result.killed} of ${total} changes noticed, ${result.noEffect} changed nothing ` +
            'that goes out',
        );
        const kinds = [...result.noEffectBy].sort(([, a], [, b]) => b - a);
        for (const [kind, count] of kinds) console.log(`no effect: ${count}: ${kind}`);
        for (const s of result.survived)
          console.log(`survived: ${s.file}:${s.line}: ${s.what}: ${s.changed}`);
      }
      expect(total).toBeGreaterThan(SCRIPTS.length);
      expect(share(result), JSON.stringify(result.survived, null, 1)).toBeGreaterThanOrEqual(0.98);
    },
  );

  it('each kind of change is made', () => {
    const text = [
      '`sysctl -q net.ipv4.tcp_sack=0`',
      '0 read(4, ..., 10) = -1 EAGAIN (no)',
      '+0...0.2 write(4, ..., 10) = 10',
      '+.1 > [ect0] P. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>',
      '+0 %{ assert tcpi_snd_cwnd == 10 }%',
    ].join('\n');
    expect(mutantsOf(text).map((m) => [m.line, m.what, m.text.split('\n')[m.line - 1]]))
      .toMatchInlineSnapshot(`
      [
        [
          1,
          "setting",
          "\`sysctl -q net.ipv4.tcp_sack=1\`",
        ],
        [
          2,
          "result",
          "0 read(4, ..., 10) = 0 EAGAIN (no)",
        ],
        [
          2,
          "errno",
          "0 read(4, ..., 10) = -1 EPIPE (no)",
        ],
        [
          2,
          "argument",
          "0 read(4, ..., 11) = -1 EAGAIN (no)",
        ],
        [
          3,
          "time of return",
          "+0...0.7 write(4, ..., 10) = 10",
        ],
        [
          3,
          "result",
          "+0...0.2 write(4, ..., 10) = 11",
        ],
        [
          3,
          "argument",
          "+0...0.2 write(4, ..., 11) = 10",
        ],
        [
          4,
          "time",
          "+0.6 > [ect0] P. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "flags without P",
          "+.1 > [ect0] . 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "flags with F",
          "+.1 > [ect0] FP. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "flags with U",
          "+.1 > [ect0] UP. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "sequence number",
          "+.1 > [ect0] P. 2:12(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "length",
          "+.1 > [ect0] P. 1:12(11) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "ack",
          "+.1 > [ect0] P. 1:11(10) ack 2 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "win",
          "+.1 > [ect0] P. 1:11(10) ack 1 win 6 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "ECN",
          "+.1 > [ce] P. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 2>",
        ],
        [
          4,
          "without option nop",
          "+.1 > [ect0] P. 1:11(10) ack 1 win 5 <TS val 1 ecr 2>",
        ],
        [
          4,
          "without option TS val 1 ecr 2",
          "+.1 > [ect0] P. 1:11(10) ack 1 win 5 <nop>",
        ],
        [
          4,
          "number in TS val 1 ecr 2",
          "+.1 > [ect0] P. 1:11(10) ack 1 win 5 <nop,TS val 1001 ecr 2>",
        ],
        [
          4,
          "number in TS val 1 ecr 2",
          "+.1 > [ect0] P. 1:11(10) ack 1 win 5 <nop,TS val 1 ecr 3>",
        ],
        [
          5,
          "code",
          "+0 %{ assert tcpi_snd_cwnd == 11 }%",
        ],
      ]
    `);
  });

  it('an event may span several lines', () => {
    const text = [
      '`sysctl -q \\',
      '  net.ipv4.tcp_sack=0`',
      '0 bind(3, {sa_family = AF_INET, // of',
      '  sin_port = htons(80)}, [16]) = 5',
      '+.1 > S 0:0(0) win 5 <mss 1000,',
      '  wscale 3>',
      '+0 %{',
      'assert (tcpi_rtt,',
      '        tcpi_rto) == (1, 2) }%',
    ].join('\n');
    const lines = text.split('\n');
    const changed = mutantsOf(text).map((m) => {
      const now = m.text.split('\n');
      return [m.line, m.what, m.isInput, ...now.filter((line, i) => line !== lines[i])];
    });
    expect(changed.filter(([line]) => line !== 5)).toEqual([
      [1, 'setting', true, '  net.ipv4.tcp_sack=1`'],
      [3, 'result', false, '  sin_port = htons(80)}, [16]) = 6'],
      [3, 'argument', true, '  sin_port = htons(80)}, [17]) = 5'],
      [7, 'code', false, '        tcpi_rto) == (2, 2) }%'],
      [7, 'code', false, '        tcpi_rto) == (1, 3) }%'],
    ]);
    expect(changed).toContainEqual([5, 'number in wscale 3', false, '  wscale 4>']);
  });
});
