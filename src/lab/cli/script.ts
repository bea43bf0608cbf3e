/** `tcplab script`: plays packet scripts against our stack, in memory and in virtual time. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pcapFileHeader, pcapPacket } from '../../capture/pcap-writer.js';
import { captureTime } from '../../capture/time.js';
import { Recorder } from '../../observe/recorder.js';
import { exitCodeOf, FORMATS, report, type Format, type Timed } from '../script/format.js';
import { playScript } from '../script/play.js';
import { optionMeaning, SCRIPT_OPTIONS } from '../script/option-table.js';
import type { RunOptions } from '../script/options.js';
import { Unsupported } from '../script/values.js';
import { START } from '../script/verdict.js';
import type { WirePacket } from '../script/wire.js';
import { CommandError, Exit } from './errors.js';

export interface ScriptCommandOptions {
  format: Format;
  define?: string[];
  strict?: boolean;
  pcap?: string;
  trace?: boolean;
  /** packetdrill's options, by their names (option-table.ts). */
  [name: string]: unknown;
}

export function script(names: readonly string[], o: ScriptCommandOptions): number {
  if (!FORMATS.includes(o.format))
    throw new CommandError(
      Exit.usage,
      `--format must be one of ${FORMATS.join(', ')}, not '${o.format}'`,
      'tcplab script --format text SCRIPT',
    );
  const files = names.flatMap(filesOf);
  const defines = definesOf(o.define ?? []);
  const options = runOptions(o);
  if (o.pcap !== undefined && files.length > 1) mkdirSync(o.pcap, { recursive: true });
  const captures = captureNames(files);
  const all: Timed[] = [];
  for (const [i, file] of files.entries()) {
    const text = readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8');
    const recorder =
      o.trace === true
        ? new Recorder((event) => process.stderr.write(`${JSON.stringify(event)}\n`), START)
        : null;
    const begin = process.hrtime.bigint();
    const readBeside = (name: string): string | null => textOf(resolve(dirname(file), name));
    const observed = recorder === null ? {} : { observer: recorder };
    const verdict = playScript(file, text, { ...options, ...observed, readBeside }, defines);
    all.push({
      verdict,
      ms: Number(process.hrtime.bigint() - begin) / 1e6,
      source: text.split('\n'),
    });
    if (o.pcap !== undefined)
      writePcap(files.length > 1 ? join(o.pcap, captures[i]!) : o.pcap, verdict.log);
  }
  process.stdout.write(report(o.format, all));
  return exitCodeOf(all);
}

/**
 * The scripts that an argument names: `-` for standard input, a file, all scripts in a folder and
 * below it, or a quoted pattern. Throws CommandError (2) if there are none.
 */
function filesOf(name: string): string[] {
  if (name === '-') return [name];
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) {
    const found = (readdirSync(name, { recursive: true }) as string[])
      .filter((f) => f.endsWith('.pkt'))
      .sort();
    if (found.length === 0)
      throw new CommandError(
        Exit.usage,
        `there is no packet script (*.pkt) in the folder ${name}`,
        'tcplab script test/scripts',
      );
    return found.map((f) => join(name, f));
  }
  if (stat !== undefined) return [name];
  const found = matching(name);
  if (found.length === 0)
    throw new CommandError(
      Exit.usage,
      `there is no packet script '${name}'`,
      'tcplab script test/scripts',
    );
  return found;
}

/** The files that match: `*` and `?` match within one name, `**` matches any folders. */
function matching(pattern: string): string[] {
  if (!/[*?]/.test(pattern)) return [];
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => /[*?]/.test(part));
  const base = parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const text = parts
    .slice(first)
    .map((part) =>
      part === '**'
        ? '(?:[^/]+/)*'
        : `${part
            .replace(/[.+^${}()|[\]\\]/g, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]')}/`,
    )
    .join('');
  const regex = new RegExp(`^${text.replace(/\/$/, '')}$`);
  if (statSync(base, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const names = (readdirSync(base, { recursive: true }) as string[])
    .filter((n) => regex.test(n))
    .sort();
  return names.map((n) => join(base, n)).filter((n) => statSync(n).isFile());
}

function definesOf(texts: readonly string[]): Map<string, string> {
  return new Map(
    texts.map((text) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new CommandError(
          Exit.usage,
          `-D must have the form NAME=VALUE, not '${text}'`,
          'for example -D CC=reno',
        );
      return [name, value];
    }),
  );
}

/** The options of the command line, with the meaning that they have in a script's first lines. */
function runOptions(o: ScriptCommandOptions): RunOptions {
  const said = Object.keys(SCRIPT_OPTIONS).filter((name) => o[name] !== undefined);
  const options = said.map((name) => ({
    place: NOWHERE,
    name,
    value: o[name] === true ? '' : String(o[name]),
  }));
  try {
    const meanings = options.map((option) => optionMeaning(option, { readBeside: textOf }));
    return Object.assign({}, ...meanings, o.strict === true ? { strict: true } : {}) as RunOptions;
  } catch (error) {
    if (error instanceof Unsupported)
      throw new CommandError(Exit.usage, error.message, 'tcplab script --help');
    throw error;
  }
}

const NOWHERE = { line: 0, column: 0 };
const STANDARD_INPUT = 0;

const textOf = (file: string): string | null =>
  statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, 'utf8') : null;

/**
 * A name for each script's capture in one folder: the script's path below the folder that all
 * scripts have in common, with `-` for `/`. The file name alone would not do, because scripts in
 * different folders often have the same name.
 */
function captureNames(files: readonly string[]): string[] {
  const paths = files.map((file) => resolve(file));
  const folders = paths.map((path) => dirname(path).split(sep));
  const common = folders.reduce((a, b) =>
    a.slice(0, a.findIndex((name, i) => name !== b[i]) >>> 0),
  );
  const taken = new Set<string>();
  return paths.map((path) => {
    const name = relative(common.join(sep) || sep, path)
      .replace(/\.pkt$/, '')
      .replaceAll(sep, '-');
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`;
    taken.add(unique);
    return `${unique}.pcap`;
  });
}

/** Second 0 of the script is the start of 1970 in the capture. */
function writePcap(file: string, packets: readonly WirePacket[]): void {
  const parts = packets.map(({ at, slab, length }) =>
    pcapPacket({
      ...captureTime(at - START),
      bytes: slab.bytes,
      offset: 0,
      capturedLength: length,
      originalLength: length,
    }),
  );
  writeFileSync(file, Buffer.concat([pcapFileHeader(), ...parts]));
}
