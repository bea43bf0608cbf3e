/**
 * What docs/rfc-coverage.md and docs/state-machine.md say, made from the tests' names, the mutants
 * and the table of states.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { causeText } from '../../src/observe/cause-texts.js';
import { CAUSES, ENDS, type Cause } from '../../src/tcp/causes.js';
import { State as TcpState, STATE_NAMES, TRANSITIONS } from '../../src/tcp/state.js';
import { DEFENCES } from '../attacks/defences.js';
import { ATTACK_MUTANTS } from '../attacks/mutants.js';
import { locate } from './locate.mjs';
import { MUTANTS, type Mutant } from './mutants.js';
import { NOT_DONE, REQUIREMENTS, type State } from './requirements.js';

export const ROOT = resolve(import.meta.dirname, '../..');

/**
 * A test whose title begins with the ids that it proves: `MUST-13: ...`, `SHLD-18, SHLD-19: ...`.
 */
export interface Proof {
  readonly ids: readonly string[];
  readonly file: string;
  /** The title without its ids. */
  readonly title: string;
}

const TITLE = /^((?:MUST|SHLD|MAY|REC|ATK)-\d+(?:, (?:MUST|SHLD|MAY|REC|ATK)-\d+)*): (.+)$/s;

/**
 * Every call in a test file whose first argument is such a title, of any function except
 * `describe`.
 */
export function proofsIn(file: string, source: string): Proof[] {
  const proofs: Proof[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isCallExpression(node) &&
      node.arguments[0] !== undefined &&
      !/^describe\b/.test(node.expression.getText())
    ) {
      const [, ids, title] = TITLE.exec(textOf(node.arguments[0])) ?? [];
      if (ids !== undefined && title !== undefined)
        proofs.push({ ids: ids.split(', '), file, title });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true));
  return proofs;
}

/** The text of a string; of a template, its literal parts with `…` for each expression. */
function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return '';
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
}

export function allProofs(): Proof[] {
  return (readdirSync(join(ROOT, 'test'), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .flatMap((file) => proofsIn(`test/${file}`, readFileSync(join(ROOT, 'test', file), 'utf8')));
}

export const mutantIds = (mutant: Mutant): string[] => mutant.id.split(', ');

export const ALL_MUTANTS = [...MUTANTS, ...ATTACK_MUTANTS];

export interface Row {
  readonly id: string;
  readonly section: string;
  readonly text: string;
  readonly state: 'done' | State;
  readonly reason: string;
  readonly proofs: readonly Proof[];
  readonly mutants: readonly Mutant[];
}

/** For RFC 9293's requirements, or for another list in the same form. */
export function rows(proofs: readonly Proof[] = allProofs(), list = REQUIREMENTS): Row[] {
  return list.map(([id, section, text]) => {
    const [state, reason] = NOT_DONE[id] ?? (['done', ''] as const);
    return {
      id,
      section,
      text,
      state,
      reason,
      proofs: proofs.filter((proof) => proof.ids.includes(id)),
      mutants: ALL_MUTANTS.filter((mutant) => mutantIds(mutant).includes(id)),
    };
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => (text === '' ? '(nothing)' : `\`${cell(text.trim())}\``);
/** Without a link to the file, because moving the code to another file would change the page. */
const place = (mutant: Mutant): string => {
  const { place } = locate(mutant);
  return place === '' ? '' : `\`${place}\`: `;
};
const link = (file: string): string => `[${file.split('/').slice(1).join('/')}](../${file})`;

export function coveragePage(
  all: readonly Row[] = rows(),
  defences = rows(allProofs(), DEFENCES),
): string {
  const count = (state: Row['state']): number => all.filter((row) => row.state === state).length;
  const line = (row: Row): string => {
    const tests = row.proofs
      .map((proof) => `${link(proof.file)}: ${cell(proof.title)}`)
      .join('<br>');
    const mutants = row.mutants
      .map((x) => `${place(x)}${code(x.code)} → ${code(x.becomes)}`)
      .join('<br>');
    const state = row.reason === '' ? row.state : `${row.state}: ${cell(row.reason)}`;
    return `| ${row.id} | ${row.section} | ${cell(row.text)} | ${state} | ${tests} | ${mutants} |`;
  };
  return `# RFC 9293, requirement by requirement

Made by \`npm run docs\` from the tests' names; do not edit.
${count('done')} of ${all.length} are done, ${count('waived')} are waived,
${count('not done, on purpose')} are not done, on purpose.

A test does not prove a requirement by naming it. So each requirement that is done has a mutant: a
small change of the sources that breaks the rule. \`npm run mutants\` applies each mutant, and its
test must fail.

| id | section | requirement | state | proved by | mutant that it kills |
| --- | --- | --- | --- | --- | --- |
${all.map(line).join('\n')}

## Attack resistance

Rules of other RFCs and remedies for known attacks, proved in the same way (test/attacks).

| id | source | rule | state | proved by | mutant that it kills |
| --- | --- | --- | --- | --- | --- |
${defences.map(line).join('\n')}
`;
}

/** Mermaid's names have no hyphens. */
const node = (state: number): string => STATE_NAMES[state]!.replaceAll('-', '_');

/** Causes as a list; `ends` are one entry, `an end`. */
function listOf(causes: readonly Cause[], ends: readonly Cause[]): string {
  const own = causes.filter((cause) => !ends.includes(cause)).map((cause) => `\`${cause}\``);
  return [...own, ...(causes.length > own.length ? ['an end'] : [])].join(', ');
}

/** For the table: the causes in `ENDS` are replaced by `an end` only if all of them are present. */
const inTable = (causes: readonly Cause[]): string =>
  listOf(causes, ENDS.every((cause) => causes.includes(cause)) ? ENDS : []);

/** For the picture, which has less room: also causes that end a connection in over two states. */
function inPicture(causes: readonly Cause[]): string {
  const ways = TRANSITIONS.filter(({ to }) => to === TcpState.closed);
  const many = (cause: Cause): boolean => ways.filter((t) => t.causes.includes(cause)).length > 2;
  return listOf(causes, causes.length > 1 ? causes.filter(many) : []).replaceAll('`', '');
}

export function stateMachinePage(): string {
  const names = STATE_NAMES.map((name, state) => `  state "${name}" as ${node(state)}`);
  const arrows = TRANSITIONS.map(({ from, to, causes, does }) => {
    const on = inPicture(causes);
    return `  ${node(from)} --> ${node(to)} : ${does === '' ? on : `${on} / ${does}`}`;
  });
  const table = TRANSITIONS.map(({ from, to, causes, does, section }) => {
    return (
      `| ${STATE_NAMES[from]} | ${STATE_NAMES[to]} | ${cell(inTable(causes))} | ${cell(does)} | ` +
      `${section} |`
    );
  });
  const meanings = CAUSES.map((cause) => `| \`${cause}\` | ${cell(causeText(cause))} |`);
  return `# The states of a connection

Made by \`npm run docs\` from [src/tcp/state.ts](../src/tcp/state.ts) and
[src/tcp/causes.ts](../src/tcp/causes.ts); do not edit. These are all transitions of a connection,
which rejects any other. An arrow names the causes and, after the slash, what is sent. LISTEN is the
state of a listener: passive OPEN creates it, and CLOSE ends it. TIME-WAIT ends after 2 MSL in the
stack's table (src/stack/tcp/time-wait-table.ts), which keeps no connection.

\`\`\`mermaid
stateDiagram-v2
  [*] --> CLOSED
  [*] --> LISTEN : passive OPEN
${names.join('\n')}
${arrows.join('\n')}
  TIME_WAIT --> [*] : 2 MSL
\`\`\`

| from | to | causes | we | RFC 9293 section |
| --- | --- | --- | --- | --- |
${table.join('\n')}

An end is one of ${ENDS.map((cause) => `\`${cause}\``).join(', ')}. 
In the picture it is also whatever else ends a connection in more than two states.

| cause | means |
| --- | --- |
${meanings.join('\n')}
`;
}
