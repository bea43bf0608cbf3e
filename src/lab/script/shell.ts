/**
 * Splits commands as a shell does: words, quotes, lines continued by a backslash, `;`, `&&`, `||`,
 * pipes, redirections, `$((1 << 20))`. No shell is run. Parts that need one (variables, `if`,
 * `$(...)`) stay as they are, and commands.ts rejects them.
 */

export interface ShellCommand {
  readonly words: readonly string[];
  /** `> file`: the file for the command's output; null if there is none of interest. */
  readonly into: string | null;
  /** The command reads the output of the previous one. */
  readonly isPiped: boolean;
  /** `a || b`: the command runs only if the previous one fails. */
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

/** The value of sums, products and shifts of whole numbers; null for anything else. */
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
