// @ts-check
/**
 * `npm run check:width`: no line of the sources and the pages is over 100 columns, comments
 * included.
 *
 * Longer lines are allowed where a break is impossible: lines with a long URL, rows of Markdown
 * tables, fenced blocks of pages (output of programs), and generated pages. In test/ a line may
 * also be as long as its test title, because a title is one string that the reporter prints and
 * that can be searched for. Inline snapshots are output of programs as well.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const WIDTH = 100;
const PATHS = ['src', 'test', 'bench', 'native-setup', '.ci', 'docs', 'README.md'];
const GENERATED = ['docs/rfc-coverage.md', 'docs/state-machine.md'];
const KINDS = /\.(?:ts|mjs|cjs|js|c|h|pkt|md)$/;

/** A line that calls `it` or `describe`, up to its title; or the end of the call of `each`. */
const BEFORE_TITLE = /^\s*(?:(?:it|test|describe)\b.*|\]\))\($/;
const STRING = /(['"`])(?:\\.|(?!\1).)*\1(?=,)/g;

/** The line without its title, if it has one. @param {string} line @param {string} before */
function withoutTitle(line, before) {
  for (const title of line.matchAll(STRING)) {
    const start = line.slice(0, title.index);
    if (BEFORE_TITLE.test(start.trim() === '' ? before : start))
      return start + line.slice(title.index + title[0].length);
  }
  return line;
}

/**
 * The numbers of the lines that are too long, from 1.
 * @param {string} file @param {string} text @returns {number[]}
 */
export function tooLong(file, text) {
  /** @type {number[]} */
  const found = [];
  const isPage = file.endsWith('.md');
  const isTest = file.startsWith('test/');
  let fenced = false;
  let isSnapshot = false;
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (isPage && /^\s*```/.test(line)) fenced = !fenced;
    if (isTest && isSnapshot && /(?<!\\)`/.test(line)) isSnapshot = false;
    else if (isTest && /toMatchInlineSnapshot\(`[^`]*$/.test(line)) isSnapshot = true;
    if ([...line].length <= WIDTH) continue;
    if (isSnapshot || (isPage && (fenced || /^\s*\|/.test(line)))) continue;
    const rest = isTest ? withoutTitle(line, lines[i - 1] ?? '') : line;
    if ([...rest.replace(/https?:\/\/\S+/g, '')].length > WIDTH) found.push(i + 1);
  }
  return found;
}

/** @param {string} path @returns {string[]} */
function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script) {
  process.chdir(dirname(dirname(script)));
  let count = 0;
  for (const file of PATHS.flatMap(filesIn)) {
    if (!KINDS.test(file) || GENERATED.includes(file)) continue;
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const n of tooLong(file, lines.join('\n'))) {
      const line = lines[n - 1] ?? '';
      console.log(`${file}:${n}: ${[...line].length} columns: ${line.trim().slice(0, 60)}...`);
      count++;
    }
  }
  if (count > 0) console.log(`${count} lines are over ${WIDTH} columns`);
  process.exitCode = count > 0 ? 1 : 0;
}
