/** Our own lint rules: each reports invalid code, and no valid code. */
import { ESLint } from 'eslint';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfigFile: resolve(ROOT, '.ci/eslint.config.js'),
  // Otherwise, if CI is set, the parser would read the file's text from the disk instead of ours.
  overrideConfig: {
    languageOptions: { parserOptions: { disallowAutomaticSingleRunInference: true } },
  },
});

/** Our rules that report something in `code`, as the content of the file `path`. */
async function broken(code: string, path: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: resolve(ROOT, path) });
  const fatal = result!.messages.find((m) => m.fatal);
  if (fatal !== undefined) throw new Error(fatal.message);
  return result!.messages
    .map((m) => String(m.ruleId))
    .filter((id) => /seq-compare|no-restricted/.test(id));
}

/** A file of the core with the declarations that the lines below need. */
const inTcp = (line: string): string => `
import { seqAdd, seqDiff, type Seq } from '../base/seq.js';
interface Half { nxt: Seq; una: Seq; wnd: number; finSeq: Seq; segments: number; ack: boolean }
interface Careless { seq: number; una: number; length: number }
export function f(snd: Half, other: Careless, seg: Seq, n: number): unknown {
  const end = seqAdd(snd.nxt, 1);
  ${line};
}
export type U = typeof seqDiff;
`;

describe('sequence numbers are compared only by base/seq.ts', () => {
  it.each([
    'return snd.una < snd.nxt',
    'return snd.nxt >= n',
    'return n <= snd.finSeq',
    'return end > n',
    'return seqAdd(snd.una, 5) < n',
    'return snd.una + n > 7',
    'return snd.una - snd.nxt > 0',
    'return seg! < n',
    'return other.seq < n',
    'const { finSeq } = snd; return finSeq < n',
    'const { una: first } = snd; return first < n',
    'for (const mark of [snd.finSeq]) if (mark < n) return 1',
    'if (other.una > 3) return 1',
    'return Math.max(snd.una, n)',
    'return Math.min(n, end)',
  ])('%s', async (line) => {
    expect(await broken(inTcp(line), 'src/tcp/input.ts')).toEqual(['tcplab/seq-compare']);
  });

  it.each([
    'return snd.una === snd.nxt',
    'return snd.wnd < n',
    'return seqDiff(snd.nxt, snd.una) > 0',
    'return snd.segments > 2 && other.length < 5',
    'return Math.max(seqDiff(end, snd.una), n)',
    'const ack = snd.ack; return ack',
  ])('allowed: %s', async (line) => {
    expect(await broken(inTcp(line), 'src/tcp/input.ts')).toEqual([]);
  });

  it('base/seq.ts itself may compare them', async () => {
    expect(
      await broken(
        'export const lt = (seq: number, b: number): boolean => seq < b;\n',
        'src/base/seq.ts',
      ),
    ).toEqual([]);
  });
});

describe('the core reads no clock, draws no random number and waits for nothing', () => {
  const BANNED: readonly (readonly [code: string, rule: string])[] = [
    ['export const t = Date.now();', 'no-restricted-globals'],
    ['export const t = performance.now();', 'no-restricted-globals'],
    ['export const r = Math.random();', 'no-restricted-properties'],
    ['setTimeout(() => {}, 1);', 'no-restricted-globals'],
    ['setInterval(() => {}, 1);', 'no-restricted-globals'],
    ['setImmediate(() => {});', 'no-restricted-globals'],
    ['export const p = process.pid;', 'no-restricted-globals'],
    ['export const p = Promise.resolve(1);', 'no-restricted-globals'],
    ['export async function f(): Promise<void> {}', 'no-restricted-syntax'],
    ['await 1; export {};', 'no-restricted-syntax'],
  ];
  it.each(BANNED)('%s', async (code, rule) => {
    for (const path of [
      'src/tcp/send/rtt.ts',
      'src/stack/tcp/ports.ts',
      'src/base/time.ts',
      'src/wire/drop.ts',
      'src/ip/address.ts',
    ]) {
      expect(await broken(code, path), path).toContain(rule);
    }
    expect(await broken(code, 'src/index.ts'), 'allowed in the shell').toEqual([]);
  });
});

describe('the same bits on every engine, so that recordings replay', () => {
  it.each([
    'export const f = (x: number): number => Math.cbrt(x);',
    'export const f = (x: number): number => Math.log2(x);',
    'export const f = (x: number): number => Math.sqrt(x);',
    'export const f = (x: number): number => 2 ** x;',
    'export function f(x: number): number { x **= 2; return x; }',
    'const { exp } = Math; export const f = (x: number): number => exp(x);',
  ])('%s', async (code) => {
    for (const path of ['src/tcp/send/rtt.ts', 'src/device/pair.ts'])
      expect(await broken(code, path), path).toEqual(['no-restricted-syntax']);
    expect(await broken(code, 'src/index.ts'), 'views may').toEqual([]);
  });

  it.each(['floor', 'min', 'abs', 'clz32', 'imul'])('Math.%s is exact', async (name) => {
    const code = `export const f = (x: number): number => Math.${name}(x, 1);`;
    expect(await broken(code, 'src/device/pair.ts')).toEqual([]);
  });
});
