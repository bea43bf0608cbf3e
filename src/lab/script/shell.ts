/**
 * Commands as a shell would read them: words, quotes, lines that a backslash continues, `;`, `&&`,
 * `||`, pipes, redirections, `$((1 << 20))`. No shell is run, and what needs one (variables, `if`,
 * `$(...)`) is left as it is written, for commands.ts to turn down.
 */

export interface ShellCommand {
  readonly words: readonly string[];
  /** `> file`: what it prints goes there; null for nowhere that matters. */
  readonly into: string | null;
  /** It reads what the command before it prints. */
  readonly isPiped: boolean;
  /** `a || b`: it is only for when the command before it fails. */
  readonly isFallback: boolean;
}

const ARITHMETIC = String.raw`\$\(\([^)]*(?:\([^)]*\)[^)]*)*\)\)`;
const TOKEN = new RegExp(
  [
    String.raw`(?<blank>[ \t]+|\\\n)`,
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<end>\n|;|&&|\|\||\||&(?!>))`,
    String.raw`(?<redirect>\d*(?:>>|>|<)&?\s*|&>\s*)`,
    String.raw`(?<word>(?:${ARITHMETIC}|\\[^\n]|"(?:[^"\\]|\\[^])*"|'[^']*'|[^\s;&|<>"'\\])+)`,
  ].join('|'),
  'y',
);

export function shellCommands(text: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let into: string | null = null;
  let before = '';
  let target: 'word' | 'file' | 'nothing' = 'word';
  const finish = (end: string): void => {
    if (words.length > 0)
      commands.push({ words, into, isPiped: before === '|', isFallback: before === '||' });
    if (words.length > 0 || end !== '\n') before = end;
    [words, into] = [[], null];
  };
  TOKEN.lastIndex = 0;
  for (let m = TOKEN.exec(text); m !== null && m[0] !== ''; m = TOKEN.exec(text)) {
    const { end, redirect, word } = m.groups!;
    if (end !== undefined) finish(end);
    else if (redirect !== undefined)
      target = redirect.startsWith('2') || redirect.includes('<') ? 'nothing' : 'file';
    else if (word !== undefined) {
      const plain = unquoted(word);
      if (target === 'word') words.push(plain);
      else if (target === 'file' && plain !== '/dev/null' && !/^\d$/.test(plain)) into = plain;
      target = 'word';
    }
  }
  finish('');
  return commands;
}

const unquoted = (word: string): string =>
  word
    .replace(/\$\(\(([^]*?)\)\)/g, (all, sum: string) => String(arithmetic(sum) ?? all))
    .replace(
      /"((?:[^"\\]|\\[^])*)"|'([^']*)'|\\([^])/g,
      (_, double?: string, single?: string, escaped?: string) =>
        double?.replace(/\\(["\\$`\n])/g, (__, c: string) => (c === '\n' ? '' : c)) ??
        single ??
        escaped ??
        '',
    );

/** Sums, products and shifts of whole numbers; null for anything else. */
function arithmetic(text: string): number | null {
  const inner = text.replace(/\(([^()]*)\)/g, (all, part: string) =>
    String(arithmetic(part) ?? all),
  );
  const level = (operator: string, of: (a: number, b: number) => number): number | null =>
    inner.split(operator).reduce<number | null>((sum, part, i) => {
      const n = arithmetic(part);
      return n === null || (i > 0 && sum === null) ? null : i === 0 ? n : of(sum!, n);
    }, null);
  if (inner.includes('<<')) return level('<<', (a, b) => a * 2 ** b);
  if (inner.includes('+')) return level('+', (a, b) => a + b);
  if (inner.includes('*')) return level('*', (a, b) => a * b);
  return /^\s*\d+\s*$/.test(inner) ? Number(inner) : null;
}
