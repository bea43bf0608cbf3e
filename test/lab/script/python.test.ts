/** The Python of packet scripts returns what Python returns. */
import { describe, expect, it } from 'vitest';
import { newCodeState, runCode } from '../../../src/lab/script/python.js';
import { Unsupported } from '../../../src/lab/script/values.js';

const NAMES = { tcpi_snd_cwnd: 10, tcpi_rtt: 100_000, tcpi_congestion: 'cubic' };
const run = (text: string): string | null => runCode(text, NAMES);

describe('holds', () => {
  it.each([
    // Precedence, loosest first: | ^ & shifts + - * / // % signs **
    '1 | 2 ^ 3 == 1',
    '(6 & 3 + 1) == 4',
    '(1 << 2 + 1) == 8',
    '2 + 3 * 4 - 5 == 9',
    '7 & 3 == 3',
    '(5 | 2 & 3) == 7',
    '(12 ^ 10 & 6) == 14',
    '-2 ** 2 == -4',
    '2 ** -1 == 0.5',
    '2 ** 3 ** 2 == 512',
    '~5 & 0xff == 0xfa',
    '1 << 40 == 1099511627776',
    '(0xffffffff & 0xff00000000 | 1) == 1',
    '-7 // 2 == -4',
    '-7 % 3 == 2',
    '7 / 2 == 3.5',
    '1 < 2 < 3',
    'not 1 > 2',
    'not 0 and 1',
    '1 or 0 and 0',
    // Types
    'tcpi_congestion == "cubic"',
    '"10" != 10',
    '"" != 0',
    'True == 1',
    'None != 0',
    '"a" < "b"',
    '(1, 2) == (1, 2)',
    '"a" + "b" == "ab"',
    // Texts
    '"x=%d" % 3 == "x=3"',
    '"%s of %05.1f%%, %x" % ("a", 2.34, 255) == "a of 002.3%, ff"',
    'str(5) == "5"',
    '"#1; (" != ""',
    "'it\\'s' == \"it's\"",
    'round(2.5) == 2 and round(3.5) == 4',
    'min(3, 1, 2) == 1 and max(1, 2) == 2 and abs(-3) == 3 and int(2.9) == 2',
    // Evaluation stops as soon as the result is known.
    '1 or 1 / 0',
    'not (0 and 1 / 0)',
    '1 or tcpi_what',
    '1, 1 / 0',
    '(1 ==\n1)',
    '1 == \\\n1',
    'TCP_CA_Open == 0',
  ])('assert %s', (condition) => {
    expect(run(`assert ${condition}`)).toBeNull();
  });

  it('comments, several statements, print', () => {
    expect(run('# nothing\nassert 1 # "\nprint("a;b"); assert tcpi_snd_cwnd == 10\n')).toBeNull();
  });
});

describe('fails', () => {
  it.each([
    ['assert 0', 'assertion failed: 0; '],
    ['assert "10" == 10', 'assertion failed: "10" == 10; '],
    [
      'assert 1; assert tcpi_snd_cwnd == 9',
      'assertion failed: tcpi_snd_cwnd == 9; tcpi_snd_cwnd is 10',
    ],
    ['assert 0, "#%d" % tcpi_snd_cwnd', 'assertion failed: 0 (#10); tcpi_snd_cwnd is 10'],
    ['assert 1 / 0', 'ZeroDivisionError: division by zero: assert 1 / 0'],
    ['assert 1 % 0', 'ZeroDivisionError: division by zero: assert 1 % 0'],
    ['assert 1 // 0 == 1', 'ZeroDivisionError: division by zero: assert 1 // 0 == 1'],
    ['assert "a" < 1', 'TypeError: < between a text and a number: assert "a" < 1'],
    ['assert "a" + 1', 'TypeError: + of a text: assert "a" + 1'],
    ['assert 1.5 & 1', 'TypeError: & needs a whole number: assert 1.5 & 1'],
    ['assert "%d %d" % 1', 'TypeError: not enough arguments for format string: assert "%d %d" % 1'],
    [
      'assert "a" % 1',
      'TypeError: not all arguments converted during string formatting: assert "a" % 1',
    ],
  ])('%s', (text, failure) => {
    expect(run(text)).toBe(failure);
  });
});

describe('is not supported, so the script is skipped', () => {
  it.each([
    'assert tcpi_what == 1',
    'assert constructor',
    'x, y = 1, 2',
    'x.y = 1',
    'import os',
    'assert len("a")',
    'assert 1 if 1',
    'assert (1',
    'assert 1 1',
    'assert "a',
  ])('%s', (text) => {
    expect(() => run(text)).toThrow(Unsupported);
  });
});

describe('statements', () => {
  const state = newCodeState();
  const all = (text: string): string | null => runCode(text, { tcpi_snd_cwnd: 10 }, state);
  it('variables keep their values for later code', () => {
    expect(all('before = tcpi_snd_cwnd; n = m = 2')).toBeNull();
    expect(
      all('n += 3; n *= 2; n -= 1; n //= 2; n **= 2; n <<= 1; n |= 1\nassert n == 33, n'),
    ).toBeNull();
    expect(all('assert before + m == 12 and m <= 2')).toBeNull();
    expect(all('assert before == 11')).toBe('assertion failed: before == 11; before is 10');
  });

  it('the output of print is recorded as Python would write it', () => {
    expect(all('print(before, "of", 20); print "n:", m; print("%d" % m); print()')).toBeNull();
    expect(state.printed).toEqual(['10 of 20', 'n: 2', '2', '']);
  });

  it('in, not in, if and else, lists', () => {
    expect(all('assert m in (1, 2) and m not in [3, 4] and "a" in "cat"; pass')).toBeNull();
    expect(all('assert (1 if m == 2 else 0) == 1\nassert 0 if m == 2 else 1')).toMatch(
      /^assertion failed: 0 if/,
    );
    expect(all('assert 1 in 2')).toBe('TypeError: in of a number: assert 1 in 2');
  });
});
