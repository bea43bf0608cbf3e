/**
 * `-D NAME=VALUE`: replaces the word NAME by the text VALUE everywhere in the script. VALUE can be
 * a number, a name, several flags, an errno or a part of a packet. Comments and quoted strings do
 * not change; in code these are Python's. In commands everything is text except `$NAME`, which
 * belongs to the shell.
 */
type Defines = ReadonlyMap<string, string>;

/** The position of a value in the text, and of its name in the source. */
export interface Defined {
  readonly at: number;
  readonly bytes: number;
  readonly source: number;
  readonly sourceBytes: number;
}

const WORD = String.raw`(?<![\w$])[A-Za-z_]\w*`;
const QUOTED = String.raw`"(?:[^"\\\n]|\\.)*"`;
const COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`;
const PIECES = {
  script: new RegExp(
    `${COMMENT}|${QUOTED}|(?<command>\`[^\`]*\`)|(?<code>%\\{[^]*?\\}%)|(?<word>${WORD})`,
    'g',
  ),
  command: new RegExp(`(?<word>${WORD})`, 'g'),
  code: new RegExp(String.raw`#[^\n]*|${QUOTED}|'(?:[^'\\\n]|\\.)*'|(?<word>${WORD})`, 'g'),
};

export function substitute(source: string, defines: Defines): { text: string; defined: Defined[] } {
  const defined: Defined[] = [];
  if (defines.size === 0) return { text: source, defined };
  let text = '';
  let copied = 0;
  for (const { name, at } of namesOf(source, 'script', 0)) {
    const value = defines.get(name);
    if (value === undefined) continue;
    text += source.slice(copied, at);
    defined.push({ at: text.length, bytes: value.length, source: at, sourceBytes: name.length });
    text += value;
    copied = at + name.length;
  }
  return { text: text + source.slice(copied), defined };
}

function* namesOf(
  text: string,
  kind: keyof typeof PIECES,
  offset: number,
): Generator<{ name: string; at: number }> {
  for (const { groups, index } of text.matchAll(PIECES[kind])) {
    const { word, command, code } = groups ?? {};
    if (word !== undefined) yield { name: word, at: offset + index };
    else if (command !== undefined) yield* namesOf(command, 'command', offset + index);
    else if (code !== undefined) yield* namesOf(code, 'code', offset + index);
  }
}

/** The position in the source for `position` in the text; within a value, that of its name. */
export function sourcePosition(defined: readonly Defined[], position: number): number {
  let shift = 0;
  for (const d of defined) {
    if (position < d.at) break;
    if (position < d.at + d.bytes) return d.source;
    shift += d.sourceBytes - d.bytes;
  }
  return position + shift;
}
