/**
 * Parses a script. Any text gives either a script or a ScriptSyntaxError with line and column,
 * which says what was expected.
 *
 *     script:  --option…  `init command`?  event…  `clean-up command`?
 *     event:   TIME ( < or > packet | name(args) = result | `command` | %{ code }% )
 */
import { SECOND } from '../../base/time.js';
import type { Action, Command, Place, Script, ScriptEvent, ScriptOption, When } from './ast.js';
import { parseCall, SECONDS } from './parse-call.js';
import { parsePacket } from './parse-packet.js';
import { Scanner } from './scanner.js';

export interface ParseOptions {
  /** `-D NAME=value`: replaces the word NAME by the text `value` (defines.ts). */
  readonly defines?: ReadonlyMap<string, string>;
}

const OPTION = /--([A-Za-z][A-Za-z0-9_]*)(?:[ \t]*=[ \t]*(?:"([^"\n]*)"|([^\s]*)))?/y;
/** Matches before a time or `*`, which begins an event. */
const TIME_AHEAD = /(?=[+*\d]|\.\d)/y;

export function parseScript(file: string, text: string, o: ParseOptions = {}): Script {
  const s = new Scanner(file, text, o.defines);
  const options: ScriptOption[] = [];
  for (;;) {
    const place = s.place();
    const option = s.take(OPTION);
    if (option === null) break;
    options.push({ place, name: option[1]!, value: option[2] ?? option[3] ?? '' });
  }
  const init = s.next('`') ? parseCommand(s) : null;
  const events: ScriptEvent[] = [];
  while (!s.atEnd && !s.next('`')) events.push(parseEvent(s, events.length === 0));
  const cleanup = s.next('`') ? parseCommand(s) : null;
  if (!s.atEnd) s.fail('expected the end of the script after the clean-up command');
  if (events.length === 0) s.fail('expected an event: a script without events tests nothing');
  return { file, lines: text.split('\n'), options, init, events, cleanup };
}

function parseEvent(s: Scanner, isFirst: boolean): ScriptEvent {
  const place = s.place();
  if (s.take(TIME_AHEAD) === null)
    s.fail('expected the time of the next event, for example +0, 1.5 or *');
  const when = parseWhen(s);
  if (isFirst && (when.kind !== 'at' || when.at !== 0))
    s.failAt('the first event must be at time 0', place);
  const action = parseAction(s);
  const isExpectation =
    (action.type === 'packet' || action.type === 'icmp') && action.way === 'out';
  if (when.kind !== 'at' && !isExpectation) {
    const what = when.kind === 'any' ? "'*'" : 'a range of times';
    s.failAt(`${what} is allowed for expected packets (>) only`, place);
  }
  return { place, when, action };
}

function parseWhen(s: Scanner): When {
  if (s.takeText('*')) return { kind: 'any' };
  const relative = s.takeText('+');
  const from = seconds(s, relative);
  if (!s.takeText('~')) return { kind: 'at', relative, at: from };
  const place = s.place();
  if (s.takeText('+') !== relative)
    s.failAt('both ends of a range of times must have the same form: 1~2 or +1~+2', place);
  const to = seconds(s, relative);
  if (to < from) s.failAt('the end of a range of times must not be before its start', place);
  return { kind: 'between', relative, from, to };
}

/** Seconds. In `+0...0.2` the dots belong to the blocking call, not to the number before them. */
function seconds(s: Scanner, _relative: boolean): number {
  const match = s.take(/(\d+)(?=\.\.\.)/y) ?? s.need(SECONDS, 'a time in seconds');
  return Math.round(Number(match[0]) * SECOND);
}

function parseAction(s: Scanner): Action {
  const place = s.place();
  if (s.takeText('<') || s.take(/inject\b/y)) return parsePacket(s, place, 'in');
  if (s.takeText('>') || s.take(/expect\b/y)) return parsePacket(s, place, 'out');
  if (s.next('`')) return parseCommand(s);
  if (s.next('%{')) return parseCode(s, place);
  return parseCall(s, place);
}

function parseCommand(s: Scanner): Command {
  const place: Place = s.place();
  const match = s.take(/`([^`]*)`/y) ?? s.fail('expected the closing back-quote of this command');
  return { type: 'command', place, text: match[1]!.trim() };
}

function parseCode(s: Scanner, place: Place): Action {
  const match = s.take(/%\{([\s\S]*?)\}%/y) ?? s.fail("expected '}%' at the end of this code");
  return { type: 'code', place, text: match[1]! };
}
