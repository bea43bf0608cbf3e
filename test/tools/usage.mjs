// @ts-check
/**
 * The command line of the project's scripts: --help prints the comment at the head of the script,
 * and a wrong option prints one sentence.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The first comment of a script, without its stars. @param {string} url `import.meta.url` */
export function usage(url) {
  const [, comment = ''] =
    /^\/\*\*\n([^]*?)\n \*\//m.exec(readFileSync(fileURLToPath(url), 'utf8')) ?? [];
  return comment
    .split('\n')
    .map((line) => line.replace(/^ \*(?: |$)/, ''))
    .filter((line) => !line.startsWith('@'))
    .join('\n')
    .trim();
}

/** @param {string} url @param {readonly string[]} args */
export function helpIfAsked(url, args = process.argv.slice(2)) {
  if (!args.some((arg) => arg === '--help' || arg === '-h')) return;
  console.log(usage(url));
  process.exit(0);
}

/**
 * `parseArgs` of node:util, with --help; exits with code 2 and one sentence if an option is wrong.
 *
 * @template {import('node:util').ParseArgsConfig} T
 * @param {string} url
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 */
export function commandLine(url, config) {
  helpIfAsked(url);
  try {
    return parseArgs(config);
  } catch (error) {
    // Only Node's first sentence, which says what is wrong; the second does not apply here.
    wrongUsage(url, /** @type {Error} */ (error).message.replace(/\. .*/s, ''));
  }
}

/** @param {string} url @param {string} what @returns {never} */
export function wrongUsage(url, what) {
  console.error(`${relative(ROOT, fileURLToPath(url))}: ${what}; --help lists the options`);
  process.exit(2);
}
