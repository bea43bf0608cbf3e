// @ts-check
/**
 * Finds the code that a mutant changes (mutants.ts), in any file of src. Code is compared token by
 * token, so a mutant survives a move to another file, a reworded comment and the formatter.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

/** @typedef {import('./mutants.js').Mutant} Mutant */
/** @typedef {import('../../.ci/mutation.js').Mutation} Mutation */
/** @typedef {{ text: string, start: number, end: number }} Token */
/** @typedef {{ file: string, text: string, tokens: Token[] }} Source */
/**
 * `place` is the function, the `Class.method` or the constant around the code.
 * @typedef {Mutation & { place: string }} Located
 */

const ROOT = resolve(import.meta.dirname, '../..');
const BLANK = /(\/\/.*|\/\*[^]*?\*\/|\s+)/;
const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/;
/** White space or a comment (in the first group), a string, a word, or one other character. */
const TOKEN = new RegExp(`${BLANK.source}|${STRING.source}|[\\w$]+|[^]`, 'g');

/**
 * Omits white space, comments, and the trailing comma that the formatter may add to a list.
 * @param {string} text @returns {Token[]}
 */
function tokensOf(text) {
  /** @type {Token[]} */
  const tokens = [];
  for (const { 0: token, 1: blank, index: start } of text.matchAll(TOKEN)) {
    if (blank !== undefined) continue;
    if (/^[)\]}]$/.test(token) && tokens.at(-1)?.text === ',') tokens.pop();
    tokens.push({ text: token, start, end: start + token.length });
  }
  return tokens;
}

/** @param {string} file @param {string} text @returns {Source} */
export const sourceOf = (file, text) => ({ file, text, tokens: tokensOf(text) });

/** @type {Source[] | null} */
let ours = null;
function sources() {
  const files = /** @type {string[]} */ (
    readdirSync(join(ROOT, 'src'), { recursive: true })
  ).sort();
  return (ours ??= files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => sourceOf(`src/${file}`, readFileSync(join(ROOT, 'src', file), 'utf8'))));
}

/**
 * @param {Source} source @param {readonly string[]} code
 * @returns {{ start: number, end: number }[]}
 */
function occurrences({ tokens }, code) {
  const found = [];
  for (let i = 0; i + code.length <= tokens.length; i++) {
    let n = 0;
    while (n < code.length && tokens[i + n]?.text === code[n]) n++;
    const [first, last] = [tokens[i], tokens[i + n - 1]];
    if (n === code.length && first && last) found.push({ start: first.start, end: last.end });
  }
  return found;
}

/** @type {Map<Source, ts.SourceFile>} */
const trees = new Map();

/**
 * The names of the class, the function or the constant around a place.
 * @param {Source} source @param {number} at
 */
function namesAround(source, at) {
  let tree = trees.get(source);
  if (tree === undefined) {
    tree = ts.createSourceFile(source.file, source.text, ts.ScriptTarget.Latest);
    trees.set(source, tree);
  }
  /** @type {string[]} */
  const names = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (at < node.pos || at >= node.end) return;
    const { name } = /** @type {{ name?: ts.Node }} */ (/** @type {unknown} */ (node));
    const isConstant = ts.isVariableDeclaration(node) && names.length === 0;
    if (
      isConstant ||
      ts.isClassLike(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassElement(node)
    ) {
      names.push(ts.isConstructorDeclaration(node) ? 'constructor' : (name?.getText(tree) ?? ''));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return names;
}

/**
 * Throws an Error, which says what to do, unless `all` has the mutant's code exactly once (inside
 * the function or class that the mutant names, if it names one) and the mutant changes something.
 * @param {Mutant} mutant @param {readonly Source[]} all @returns {Located}
 */
export function locate(mutant, all = sources()) {
  const code = tokensOf(mutant.code).map(({ text }) => text);
  if (
    code.join(' ') ===
    tokensOf(mutant.becomes)
      .map(({ text }) => text)
      .join(' ')
  ) {
    throw new Error(`a mutant of ${mutant.id} changes nothing: ${mutant.code}`);
  }
  const longest = code.reduce((a, b) => (b.length > a.length ? b : a));
  const candidates = all.filter(({ text }) => text.includes(longest));
  const places = candidates.flatMap((source) =>
    occurrences(source, code).map((at) => {
      const names = namesAround(source, at.start);
      return { ...at, file: source.file, becomes: mutant.becomes, names, place: names.join('.') };
    }),
  );
  const inside = places.filter(({ names, place }) =>
    [undefined, place, ...names].includes(mutant.in),
  );
  const [found, another] = inside;
  if (found !== undefined && another === undefined) return found;
  const some = (inside.length > 0 ? inside : places).slice(0, 5);
  const where = some.map(({ file, place }) => `${place} (${file})`).join(', ');
  const what = `the code of a mutant of ${mutant.id}: ${mutant.code}`;
  if (inside.length > 1) {
    const advice = "Quote more of it, or name one: inside('...', code).";
    throw new Error(`src has ${inside.length} times ${what}\nIt is in ${where}. ${advice}`);
  }
  if (places.length > 0) {
    throw new Error(`${mutant.in} does not have ${what}\nIt is in ${where}: correct the name.`);
  }
  const advice =
    'If it was reworded, give the mutant its new words. It must still break the same rule.';
  throw new Error(`src does not have ${what}\n${advice}`);
}
