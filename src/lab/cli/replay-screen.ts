/** The screen of `tcplab replay` on a terminal, as a function of what there is to show. */
import type { ConnectionView, StepView } from '../../record/player.js';

export interface ScreenState {
  readonly file: string;
  readonly steps: number;
  readonly view: StepView | null;
  /** One line for the user: what was not found, how it ended. */
  readonly message: string;
  /** What is being typed, with what it is for; null if nothing is. */
  readonly prompt: { readonly label: string; readonly text: string } | null;
  readonly isHelp: boolean;
}

export type Style = 'title' | 'changed' | 'dim' | 'message';
export type Paint = (style: Style, text: string) => string;

export const HELP = [
  'n, space, right   the next step',
  'b, p, left        the step before',
  'r, R              the next, the previous step with a retransmission',
  'd, D              ... with a dropped packet or segment',
  's, S              ... with a change of state',
  '/                 search a text in calls, live lines and reasons; m, M: the same again, back',
  'g                 go to a step (120), or to a time in seconds (1.5s)',
  '0, G              the first step, the last step',
  'h, ?              this help',
  'q, Ctrl-C         quit',
];
const KEYS =
  'n next  b back  r/R retransmission  d/D drop  s/S state  / search  g goto  h help  q quit';

/** Exactly `rows` lines of at most `columns` characters. */
export function screenOf(
  state: ScreenState,
  columns: number,
  rows: number,
  paint: Paint = (_style, text) => text,
): string[] {
  const fit = (text: string): string => cut(text, columns);
  const top = [paint('title', fit(titleOf(state))), ''];
  const bottom = ['', footer(state, fit, paint)];
  const room = Math.max(0, rows - top.length - bottom.length);
  const middle = (state.isHelp ? HELP.map(fit) : bodyOf(state, fit, paint)).slice(0, room);
  while (middle.length < room) middle.push('');
  return [...top, ...middle, ...bottom].slice(0, rows);
}

function titleOf({ file, steps, view }: ScreenState): string {
  if (view === null) return `${file}   ${steps} steps`;
  return `${file}   step ${view.step.number} of ${steps}   ${view.seconds.toFixed(6)} s`;
}

function footer(state: ScreenState, fit: (text: string) => string, paint: Paint): string {
  const { prompt, message } = state;
  if (prompt !== null) return fit(`${prompt.label}${prompt.text}_`);
  return message === '' ? paint('dim', fit(KEYS)) : paint('message', fit(message));
}

function bodyOf(state: ScreenState, fit: (text: string) => string, paint: Paint): string[] {
  const { view } = state;
  if (view === null) return ['Press n for the first step, h for help.'];
  const { step, lines } = view;
  const body = [fit(step.text)];
  if (step.threw !== null) body.push(fit(`threw: ${step.threw}`));
  for (const line of lines) body.push(fit(`  ${line}`));
  const { shown } = view;
  const connections =
    view.connections.length > 0 ? view.connections : shown === null ? [] : [shown];
  for (const conn of connections) {
    body.push('', paint('title', fit(`#${conn.number} ${conn.flow}`)));
    body.push(...blockLines(conn, fit, paint));
  }
  return body;
}

/** A line for each group of the control block; what changed is `before > after`. */
function blockLines(conn: ConnectionView, fit: (text: string) => string, paint: Paint): string[] {
  const changes = new Map(conn.changes.map((c) => [c.name, c]));
  const groups = new Map<string, string[]>();
  const add = (name: string, text: string): void => {
    const dot = name.indexOf('.');
    const group = dot < 0 ? '' : name.slice(0, dot);
    const list = groups.get(group) ?? [];
    groups.set(group, list);
    list.push(`${dot < 0 ? name : name.slice(dot + 1)} ${text}`);
  };
  const lines: string[] = [];
  for (const { name, before, after } of changes.values())
    if (!name.startsWith('stats.'))
      lines.push(paint('changed', fit(`* ${name}: ${before} > ${after}`)));
  for (const [name, value] of conn.block) if (!name.startsWith('stats.')) add(name, value);
  for (const [group, texts] of groups) lines.push(fit(`  ${group.padEnd(11)}${texts.join('  ')}`));
  return lines;
}

const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
