/**
 * Changes a packet script at one place at a time: a time, a flag, a number, an option, a result.
 * TCP does not behave as the changed script says, so the script must fail. Otherwise it proves less
 * than it seems to.
 */
export interface ScriptMutant {
  /** From 1. */
  readonly line: number;
  readonly what: string;
  readonly text: string;
  /** It changes the stack's input and not the expectation, so the same reply may be correct. */
  readonly isInput: boolean;
}

/**
 * Exemptions with their reasons. Each is a pattern whose matches in an event's text are not
 * changed.
 */
export const EXEMPT: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /^[+.\d*~]+\s+listen\(\d+, \d+\)/,
    reason: 'listen: the backlog matters only to a script that fills it',
  },
  {
    pattern: /, (?:\[?\d+\]?)\) = 0$/,
    reason: "setsockopt, getsockopt: the last argument is the size of the option's value",
  },
  {
    pattern: /\b(?:socket|bind|accept|connect|poll)\([^)]*\)/,
    reason: 'arguments that select a descriptor or address: another value makes a different script',
  },
  { pattern: /\b\w+\(\d+(?=[,)])/, reason: 'descriptors: another number makes a different script' },
  {
    pattern: /[<>]=? *-?\d+/,
    reason: 'code: the limit of an inequality; only equalities are changed',
  },
  {
    pattern: /SO_REUSEADDR, \[1\]/,
    reason: 'SO_REUSEADDR has no effect, because a script is alone in its network',
  },
];

type Edit = readonly [from: number, to: number, with_: string, what: string];

export function mutantsOf(text: string): ScriptMutant[] {
  return eventsOf(text).flatMap(({ line, at, event }) => {
    const isOut = /^\S+\s+>/.test(event);
    const isInput = !isOut && !/%\{/.test(event);
    return editsOf(event).map(([from, to, with_, what]): ScriptMutant => {
      const changed = text.slice(0, at + from) + with_ + text.slice(at + to);
      // The result of a call is an expectation, everything before it is not.
      const isResult = /^\S+\s+\w+\(/.test(event) && from > event.lastIndexOf(') = ');
      return { line, what, text: changed, isInput: isInput && !isResult };
    });
  });
}

/** The events. Code, calls, commands and options of packets may span several lines. */
function eventsOf(text: string): { line: number; at: number; event: string }[] {
  const found = [];
  const lines = text.split('\n').map((l) => l.replace(/\/\/.*$/, (c) => ' '.repeat(c.length)));
  let at = 0;
  for (let i = 0; i < lines.length; i++) {
    const first = i;
    let event = lines[i]!;
    while (goesOn(event) && i + 1 < lines.length) event += ` ${lines[++i]!}`;
    if (event.trim() !== '') found.push({ line: first + 1, at, event: event.trimEnd() });
    at += event.length + 1;
  }
  return found;
}

function goesOn(event: string): boolean {
  if (event.endsWith('\\')) return true; // a command
  if (/^\S+\s+%\{/.test(event)) return !event.includes('}%');
  if (/^\S+\s+[<>]/.test(event)) return /^\S+\s+[<>][^<>]*<[^<>]*$/.test(event);
  const depth = event.split('(').length - event.split(')').length;
  return /^\S+\s+\w+\(/.test(event) && depth > 0;
}

function editsOf(line: string): Edit[] {
  const event = /^(\S+)(\s+)(\S.*)$/.exec(line);
  if (event === null) return [];
  if (line.startsWith('`')) return numbers(line, 0, 'setting');
  const [, time, blank, rest] = event;
  const at = time!.length + blank!.length;
  const edits = timeEdits(time!);
  if (/^[<>]/.test(rest!)) return [...edits, ...packetEdits(rest!, at)];
  if (rest!.startsWith('%{')) return numbers(rest!, at, 'code');
  return [...edits, ...callEdits(rest!, at)];
}

const number = (n: number): string => String(Math.round(n * 1e6) / 1e6);
/** Seconds by which a time is changed. */
export const LATER = 0.5;

/** `+.1` becomes `+.6`. If a call blocks, its time of return is changed, too. */
function timeEdits(time: string): Edit[] {
  const parts = /^(\+?)([\d.]+?)(?:(~\+?|\.\.\.)([\d.]+))?$/.exec(time);
  if (parts === null) return [];
  const [, plus, first, join, second] = parts;
  const later = number(Number(first) + LATER);
  if (join === undefined) return plus === '+' ? [[0, time.length, `+${later}`, 'time']] : [];
  const end = number(Number(second) + LATER);
  if (join === '...') return [[0, time.length, `${plus}${first}...${end}`, 'time of return']];
  return [[0, time.length, `${plus}${later}${join}${end}`, 'time']];
}

function packetEdits(text: string, at: number): Edit[] {
  const edits: Edit[] = [];
  const icmp = /icmp/.test(text);
  const head = /^[<>]\s*(?:\[[^\]]*\]\s*)?(?:\d+ > \d+\s+)?(\S+)\s+(\d+):(\d+)\((\d+)\)/.exec(text);
  if (head !== null && !icmp) {
    const flags = head[1]!;
    const flagsAt = at + text.indexOf(` ${flags} `) + 1;
    for (const letter of flags) {
      const less = flags.replace(letter, '') || '-';
      // Without ACK a segment has no acknowledgment number.
      if (letter === '.' && / ack \d/.test(text)) continue;
      edits.push([flagsAt, flagsAt + flags.length, less, `flags without ${letter}`]);
    }
    for (const letter of ['F', 'U'])
      if (!flags.includes(letter))
        edits.push([
          flagsAt,
          flagsAt + flags.length,
          `${letter}${flags}`.replace('-', ''),
          `flags with ${letter}`,
        ]);
    const range = `${head[2]}:${head[3]}(${head[4]})`;
    const rangeAt = at + text.indexOf(range);
    const [seq, end, bytes] = [Number(head[2]), Number(head[3]), Number(head[4])];
    // Our sequence numbers count from our SYN.
    if (!(flags.includes('S') && text.startsWith('>')))
      edits.push([
        rangeAt,
        rangeAt + range.length,
        `${wrap(seq + 1)}:${wrap(end + 1)}(${bytes})`,
        'sequence number',
      ]);
    edits.push([
      rangeAt,
      rangeAt + range.length,
      `${seq}:${wrap(end + 1)}(${bytes + 1})`,
      'length',
    ]);
  }
  for (const m of text.matchAll(/\b(ack|win|urg|mtu|ttl|tos) (\d+)/g)) {
    const from = at + m.index + m[1]!.length + 1;
    // One unit more would not change the stack's output, so a window is closed or opened.
    const value =
      m[1] === 'win' && text.startsWith('<') ? (Number(m[2]) === 0 ? 1000 : 0) : Number(m[2]) + 1;
    edits.push([from, from + m[2]!.length, String(Math.min(value, 0xffffffff)), m[1]!]);
  }
  for (const m of text.matchAll(/\b(noecn|ect0|ect1|ce)\b/g))
    edits.push([at + m.index, at + m.index + m[1]!.length, m[1] === 'ce' ? 'noecn' : 'ce', 'ECN']);
  const options = /<([^<>]*)>\s*$/.exec(text.slice(1));
  if (options !== null && options[1] !== '' && options[1] !== '...')
    edits.push(...optionEdits(options[1]!, at + options.index + 2));
  return edits.filter(([from, to, with_]) => !(with_ === '65536' && to - from === 5));
}

const wrap = (n: number): number => n % 2 ** 32;

/** Removes each option, and changes each number in an option. */
function optionEdits(list: string, at: number): Edit[] {
  const edits: Edit[] = [];
  const options = list.split(',');
  let from = 0;
  for (const [i, option] of options.entries()) {
    const rest = options.filter((_, k) => k !== i).join(',');
    edits.push([at, at + list.length, rest, `without option ${option.trim()}`]);
    for (const m of option.matchAll(/\d+/g)) {
      // A timestamp of another millisecond is within the tolerance; a second is not.
      const step = /\bval $/.test(option.slice(0, m.index)) ? 1000 : 1;
      const n = Number(m[0]) + step;
      const start = at + from + m.index;
      edits.push([start, start + m[0].length, String(n), `number in ${option.trim()}`]);
    }
    from += option.length + 1;
  }
  return edits;
}

function callEdits(text: string, at: number): Edit[] {
  const edits: Edit[] = [];
  const hidden = hide(text);
  const result = /\) = (-?\d+)(?: (E[A-Z]+))?/.exec(text);
  if (result !== null) {
    const from = at + result.index + 4;
    const opens = /^(?:socket|accept)/.test(text);
    if (!opens)
      edits.push([from, from + result[1]!.length, String(Number(result[1]) + 1), 'result']);
    if (result[2] !== undefined) {
      const errnoAt = from + result[1]!.length + 1;
      edits.push([
        errnoAt,
        errnoAt + result[2].length,
        result[2] === 'EPIPE' ? 'EAGAIN' : 'EPIPE',
        'errno',
      ]);
    }
  }
  const argsEnd = text.lastIndexOf(') = ');
  for (const m of hidden.slice(0, argsEnd).matchAll(/(?<![\w.])\d+(?![\w.])/g)) {
    const from = at + m.index;
    edits.push([from, from + m[0].length, String(Number(m[0]) + 1), 'argument']);
  }
  return edits;
}

/** The text with the exempt parts blanked out. Its length stays the same. */
function hide(text: string): string {
  let out = text;
  for (const { pattern } of EXEMPT) {
    const all = new RegExp(pattern.source.replace('^[+.\\d*~]+\\s+', '^'), 'g');
    out = out.replace(all, (found) => '#'.repeat(found.length));
  }
  return out;
}

function numbers(text: string, at: number, what: string): Edit[] {
  return [...hide(text).matchAll(/(?<![\w.])\d+(?![\w.])/g)].map((m): Edit => {
    const from = at + m.index;
    return [from, from + m[0].length, String(Number(m[0]) + 1), what];
  });
}
