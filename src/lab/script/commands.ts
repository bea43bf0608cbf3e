/**
 * Turns a script's commands, which configure the kernel, into settings for the script's target. No
 * shell is ever run. If a command is not known, its script is skipped with the reason.
 */
import { SECOND, type Micros } from '../../base/time.js';
import { shellCommands, type ShellCommand } from './shell.js';
import { Unsupported } from './values.js';

/** `ip route change ... mtu 1200 advmss 500 initcwnd 20`. */
export interface RouteMetrics {
  readonly mtu?: number;
  readonly advmss?: number;
  readonly initcwnd?: number;
  readonly rtoMin?: Micros;
  readonly congestion?: string;
}

export type Setting =
  /**
   * All settings of defaults.sh. `unknown`: lines of the script's own defaults.sh that are not
   * known here.
   */
  | { readonly kind: 'defaults'; readonly unknown: readonly string[] }
  /** A sysctl by its path; `isDefault`: it comes from defaults.sh. */
  | {
      readonly kind: 'sysctl';
      readonly path: string;
      readonly value: string;
      readonly isDefault: boolean;
    }
  /** Forgets what was learnt about other hosts: Fast Open cookies. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'route'; readonly metrics: RouteMetrics; readonly words: readonly string[] }
  /** The queue before the device: whether it drops all packets, or paces them (fq). */
  | {
      readonly kind: 'queue';
      readonly drops: boolean;
      readonly paces: boolean;
      readonly words: readonly string[];
    }
  /** A file of zeros; null removes it. */
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number | null }
  /** `nstat -n`: counters restart at 0. */
  | { readonly kind: 'count' }
  /**
   * `nstat | grep TcpExtX | grep -q " 1 "`: a line of the counters must match all patterns.
   */
  | { readonly kind: 'counters'; readonly patterns: readonly RegExp[]; readonly text: string }
  | { readonly kind: 'wait'; readonly time: Micros };

/** Returns the text of a file in the script's folder; null if there is none. */
export type ReadBeside = (name: string) => string | null;

type Meaning = (c: ShellCommand, read: ReadBeside) => Setting[];

const nothing: Meaning = () => [];

const COMMANDS: Readonly<Record<string, Meaning>> = {
  sysctl: ({ words }) => assignments(words.slice(1).filter((word) => !/^-[a-zA-Z]+$/.test(word))),
  'set_sysctls.py': ({ words }) => assignments(words.slice(1)),
  ip: ({ words }) => ipSettings(words),
  tc: ({ words }) => queueSettings(words),
  nstat: ({ words }) => (words.includes('-n') ? [{ kind: 'count' }] : []),
  echo: ({ words, into }) =>
    into === null
      ? []
      : [{ kind: 'sysctl', path: into, value: words.slice(1).join(' '), isDefault: false }],
  dd: ({ words }) => fileOfDd(words),
  truncate: ({ words }) => fileOfSize(words, '-s'),
  fallocate: ({ words }) => fileOfSize(words, '-l'),
  head: ({ words, into }) => fileOfHead(words, into),
  rm: ({ words }) => {
    if (words.some((word) => word.startsWith('-') && word !== '-f')) unknown(words);
    return paths(words).map((path) => ({ kind: 'file', path, bytes: null }));
  },
  touch: ({ words }) => paths(words).map((path) => ({ kind: 'file', path, bytes: 0 })),
  sleep: ({ words }) => [{ kind: 'wait', time: Math.round(numberOr(words[1], words) * SECOND) }],
  usleep: ({ words }) => [{ kind: 'wait', time: Math.round(numberOr(words[1], words)) }],
  // Offloads, modules and shell commands that have no effect here.
  ...{
    ethtool: nothing,
    modprobe: nothing,
    true: nothing,
    ':': nothing,
    set: nothing,
    export: nothing,
  },
};

/** The settings of a script's command. Throws Unsupported for an unknown command. */
export function settingsOf(text: string, read: ReadBeside = () => null): Setting[] {
  const commands = shellCommands(text);
  const settings: Setting[] = [];
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i]!;
    let pipe = i + 1;
    while (commands[pipe]?.isPiped === true) pipe++;
    if (pipe > i + 1) {
      settings.push(countersOf(commands.slice(i, pipe)));
      i = pipe - 1;
    } else if (!command.isFallback) settings.push(...settingsOfOne(command, read));
  }
  return settings;
}

function settingsOfOne(command: ShellCommand, read: ReadBeside): Setting[] {
  const words = command.words[0] === 'sudo' ? command.words.slice(1) : command.words;
  const [first = ''] = words;
  const name = first.replace(/^.*\//, '');
  if (name === 'defaults.sh') return defaults(first, words, read);
  // set_sysctls.py writes a script that restores the settings; ours end with the run.
  if (/^sysctl_restore_\S*\.sh$/.test(name)) return [];
  const meaning = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (words.some((word) => /\$[({\w]/.test(word))) unknown(words);
  if (meaning !== undefined) return meaning({ ...command, words }, read);
  const script = words.length === 1 && /\.sh$/.test(name) ? read(first) : null;
  return script === null ? unknown(words) : settingsOf(script, read);
}

function unknown(words: readonly string[]): never {
  const text = words.join(' ');
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  throw new Unsupported(`the command '${short}' is not supported (no shell is run)`);
}

/** The default settings, followed by those of the script's own defaults.sh, if there is one. */
function defaults(path: string, words: readonly string[], read: ReadBeside): Setting[] {
  if (words.length > 1)
    throw new Unsupported(`'${words.join(' ')}': defaults.sh takes no arguments (no shell is run)`);
  return defaultSettings(read(path));
}

export function defaultSettings(text: string | null): Setting[] {
  const [own, unknownLines]: [Setting[], string[]] = [[], []];
  for (const line of (text ?? '').replace(/\\\n/g, ' ').split('\n')) {
    try {
      own.push(...settingsOf(line));
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      unknownLines.push(line.trim());
    }
  }
  const kept = own.filter((s) => s.kind === 'sysctl').map((s) => ({ ...s, isDefault: true }));
  return [{ kind: 'defaults', unknown: unknownLines }, ...kept];
}

/** `net.ipv4.tcp_rmem="4096 87380 6291456" net.ipv4.tcp_sack = 0`, or with paths of /proc/sys. */
function assignments(words: readonly string[]): Setting[] {
  const text = words.join(' ');
  const settings: Setting[] = [];
  for (let i = 0; i < words.length; i++) {
    // `name = value` is three words, `name= value` and `name =value` two.
    let word = words[i]!;
    if (words[i + 1]?.startsWith('=') === true) word += words[++i]!;
    if (word.endsWith('=') && words[i + 1] !== undefined) word += words[++i]!;
    const [, path, value] = /^([\w./-]+)=(.*)$/s.exec(word) ?? [];
    if (path === undefined || value === undefined)
      throw new Unsupported(`'sysctl ${text}' sets nothing that is known`);
    settings.push({ kind: 'sysctl', path, value, isDefault: false });
  }
  if (settings.length === 0) throw new Unsupported(`'sysctl ${text}' sets nothing that is known`);
  return settings;
}

// ---- ip and tc ----------------------------------------------------------------------------------

function ipSettings(all: readonly string[]): Setting[] {
  const words = all.filter((word) => !/^-[46]$|^-\w+$/.test(word));
  const [, object = '', verb = '', ...rest] = words;
  if (object === 'tcp_metrics' || object === 'tcpmetrics')
    return /^(?:flush|del)/.test(verb) ? [{ kind: 'forget' }] : [];
  if (/^r/.test(object) && /^(?:add|append|change|chg|replace)$/.test(verb))
    return [{ kind: 'route', metrics: metricsOf(rest, words), words: rest }];
  if (/^r/.test(object) && /^(?:flush|show|list|get)$/.test(verb)) return [];
  return unknown(all);
}

/** Words about where a route goes, which have no effect here, because there is only one route. */
const PATH_WORDS = /^(?:via|dev|src|proto|protocol|metric|scope|table|tos|preference|onlink)$/;
const NUMBER_WORDS: Readonly<Record<string, keyof RouteMetrics>> = {
  mtu: 'mtu',
  advmss: 'advmss',
  initcwnd: 'initcwnd',
};

function metricsOf(rest: readonly string[], all: readonly string[]): RouteMetrics {
  const metrics: { -readonly [K in keyof RouteMetrics]: RouteMetrics[K] } = {};
  for (let i = 1; i < rest.length; i++) {
    const word = rest[i]!;
    if (word === 'onlink') continue;
    const value = rest[rest[i + 1] === 'lock' ? (i += 2) : ++i];
    const number = NUMBER_WORDS[word];
    if (number !== undefined) Object.assign(metrics, { [number]: numberOr(value, all) });
    else if (word === 'congctl') metrics.congestion = value ?? '';
    else if (word === 'rto_min') metrics.rtoMin = timeOf(value, all);
    else if (!PATH_WORDS.test(word))
      throw new Unsupported(`'ip ${all.slice(1).join(' ')}': ${word} is not supported`);
  }
  return metrics;
}

/** `200ms`, `1s`, or a number of milliseconds. */
function timeOf(text: string | undefined, all: readonly string[]): Micros {
  const [, number, unit = 'ms'] = /^(\d+)(us|usecs?|ms|msecs?|s|secs?)?$/.exec(text ?? '') ?? [];
  return numberOr(number, all) * (unit.startsWith('u') ? 1 : unit.startsWith('m') ? 1000 : SECOND);
}

/** A queue here drops no packets, unless its limit is 0. */
function queueSettings(words: readonly string[]): Setting[] {
  const [, object, verb = ''] = words;
  if (object !== 'qdisc' || !/^(?:add|change|replace|link|del|delete|show|list)$/.test(verb))
    unknown(words);
  if (verb === 'show' || verb === 'list') return [];
  const kind = words.find((word) =>
    /^(?:pfifo|bfifo|pfifo_fast|fq|fq_codel|noqueue|netem|tbf|red|codel|etf|sfq)$/.test(word),
  );
  if (kind !== undefined && /^(?:netem|tbf|red|codel|fq_codel|etf|sfq)$/.test(kind))
    throw new Unsupported(`'${words.join(' ')}': this kind of queue is not supported`);
  const limit = words[words.indexOf('limit') + 1];
  return [
    { kind: 'queue', drops: words.includes('limit') && limit === '0', paces: kind === 'fq', words },
  ];
}

// ---- Files, which contain zeros -----------------------------------------------------------------

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  c: 1,
  w: 2,
  b: 512,
  k: 1024,
  m: 1 << 20,
  g: 2 ** 30,
};

function bytesOf(text: string | undefined, words: readonly string[]): number {
  const [, number, unit = ''] = /^(\d+)([a-z]?)(?:i?b)?$/i.exec(text ?? '') ?? [];
  const factor = UNITS[unit.toLowerCase()];
  return factor === undefined || number === undefined ? unknown(words) : Number(number) * factor;
}

function fileOfDd(words: readonly string[]): Setting[] {
  const said = new Map(words.slice(1).map((word) => word.split('=', 2) as [string, string]));
  const path = said.get('of');
  if (path === undefined || said.get('if') !== '/dev/zero') return unknown(words);
  return [
    {
      kind: 'file',
      path,
      bytes: bytesOf(said.get('bs') ?? '512', words) * bytesOf(said.get('count'), words),
    },
  ];
}

function fileOfSize(words: readonly string[], flag: string): Setting[] {
  const at = words.findIndex((word) => word.startsWith(flag));
  const size = words[at] === flag ? words[at + 1] : words[at]?.slice(flag.length);
  return [{ kind: 'file', path: words.at(-1)!, bytes: bytesOf(size, words) }];
}

function fileOfHead(words: readonly string[], into: string | null): Setting[] {
  if (into === null || words.at(-1) !== '/dev/zero') return unknown(words);
  const at = words.findIndex((word) => word.startsWith('-c'));
  return [
    { kind: 'file', path: into, bytes: bytesOf(words[at]!.slice(2) || words[at + 1], words) },
  ];
}

const paths = (words: readonly string[]): readonly string[] =>
  words.slice(1).filter((word) => !word.startsWith('-'));

// ---- Counters -----------------------------------------------------------------------------------

/** A pipe from nstat through grep. Throws Unsupported for any other pipe. */
function countersOf(pipe: readonly ShellCommand[]): Setting {
  const text = pipe.map((c) => c.words.join(' ')).join(' | ');
  const [source, ...filters] = pipe;
  if (source!.words[0] !== 'nstat' || !filters.every((c) => /^[ef]?grep$/.test(c.words[0]!)))
    unknown([text]);
  const names = source!.words.slice(1).filter((word) => !word.startsWith('-'));
  const patterns = filters.map((c) => {
    const flags = c.words.filter((word) => /^-\w/.test(word)).join('');
    if (/[^-qEwi]/.test(flags)) unknown([text]);
    const [pattern = ''] = paths(c.words);
    return patternOf(
      flags.includes('w') ? `\\b(?:${pattern})\\b` : pattern,
      flags.includes('i') ? 'i' : '',
      text,
    );
  });
  return {
    kind: 'counters',
    patterns: [...names.map((name) => patternOf(name, '', text)), ...patterns],
    text,
  };
}

function patternOf(source: string, flags: string, text: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch {
    return unknown([text]);
  }
}

function numberOr(text: string | undefined, words: readonly string[]): number {
  return text !== undefined && /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : unknown(words);
}
