/**
 * Formats of verdicts: text, TAP 14, JUnit's XML, JSON Lines. The totals follow the verdicts.
 */
import type { Place } from './ast.js';
import type { Difference } from './compare.js';
import type { Verdict } from './verdict.js';

export const FORMATS = ['text', 'tap', 'junit', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** A verdict and its time in milliseconds. */
export interface Timed {
  readonly verdict: Verdict;
  readonly ms: number;
  /** The script's lines. */
  readonly source: readonly string[];
}

/** The whole report. */
export function report(format: Format, all: readonly Timed[]): string {
  const lines = {
    text: () => [...all.flatMap(textLines), summary(all)],
    tap: () => ['TAP version 14', `1..${all.length}`, ...all.flatMap(tapLines)],
    junit: () => junitLines(all),
    json: () => [...all.map(jsonLine), JSON.stringify({ type: 'summary', ...counts(all) })],
  }[format]();
  return `${lines.join('\n')}\n`;
}

/** 0: some passed and none failed; 1: some failed; 77: all were skipped. */
export function exitCodeOf(all: readonly Timed[]): 0 | 1 | 77 {
  const { failed, passed } = counts(all);
  return failed > 0 ? 1 : passed > 0 ? 0 : 77;
}

function counts(all: readonly Timed[]): {
  passed: number;
  failed: number;
  skipped: number;
  ms: number;
} {
  const of = (outcome: string): number => all.filter((t) => t.verdict.outcome === outcome).length;
  return { passed: of('PASS'), failed: of('FAIL'), skipped: of('SKIP'), ms: total(all) };
}

const total = (all: readonly Timed[]): number =>
  Math.round(all.reduce((ms, t) => ms + t.ms, 0) * 10) / 10;

function summary(all: readonly Timed[]): string {
  const { passed, failed, skipped, ms } = counts(all);
  return `${passed} passed, ${failed} failed, ${skipped} skipped in ${ms} ms`;
}

/** `file:line:column`, or the file alone. */
const where = ({ file, place }: { file: string; place: Place | null }): string =>
  place === null ? file : `${file}:${place.line}:${place.column}`;

function textLines(t: Timed): string[] {
  const { verdict, ms } = t;
  const head =
    `${verdict.outcome} ${verdict.outcome === 'PASS' ? verdict.file : where(verdict)} ` +
    `(${ms.toFixed(1)} ms)`;
  const printed = verdict.printed.map((line) => `  printed: ${line}`);
  const warnings = [...warningLines(t).map((line) => `  ${line}`), ...printed];
  if (verdict.outcome === 'PASS') return [head, ...warnings];
  return [`${head}: ${verdict.reason}`, ...warnings, ...detailsOf(t).map((line) => `  ${line}`)];
}

function tapLines(t: Timed, i: number): string[] {
  const { verdict, ms } = t;
  // In TAP, '#' begins a directive.
  const plain = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
  const head = `${verdict.outcome === 'FAIL' ? 'not ok' : 'ok'} ${i + 1} - ${plain(verdict.file)}`;
  if (verdict.outcome === 'SKIP')
    return [`${head} # SKIP ${plain(`${where(verdict)}: ${verdict.reason}`)}`];
  const yaml = [`duration_ms: ${ms.toFixed(1)}`];
  const warnings = warningLines(t);
  if (warnings.length > 0) yaml.push('warnings: |2', ...warnings.map((line) => `  ${line}`));
  if (verdict.outcome === 'PASS')
    return [head, '  ---', ...yaml.map((line) => `  ${line}`), '  ...'];
  yaml.push(`at: ${JSON.stringify(where(verdict))}`);
  yaml.push(
    `message: ${JSON.stringify(verdict.reason)}`,
    'details: |2',
    ...detailsOf(t).map((line) => `  ${line}`),
  );
  return [head, '  ---', ...yaml.map((line) => `  ${line}`), '  ...'];
}

function junitLines(all: readonly Timed[]): string[] {
  const { failed, skipped } = counts(all);
  const attributes =
    `tests="${all.length}" failures="${failed}" errors="0" skipped="${skipped}" ` +
    `time="${(total(all) / 1000).toFixed(4)}"`;
  const cases = all.flatMap((t): string[] => {
    const { verdict, ms } = t;
    const head =
      `    <testcase classname="${xml(folderOf(verdict.file))}" ` +
      `name="${xml(baseOf(verdict.file))}" time="${(ms / 1000).toFixed(4)}"`;
    const warnings = warningLines(t).join('\n');
    const out = warnings === '' ? [] : [`      <system-out>${xml(warnings)}</system-out>`];
    if (verdict.outcome === 'PASS')
      return out.length === 0 ? [`${head}/>`] : [`${head}>`, ...out, '    </testcase>'];
    const message = `message="${xml(`${where(verdict)}: ${verdict.reason}`)}"`;
    if (verdict.outcome === 'SKIP')
      return [`${head}>`, `      <skipped ${message}/>`, ...out, '    </testcase>'];
    const details = xml(detailsOf(t).join('\n'));
    return [
      `${head}>`,
      `      <failure ${message}>${details}</failure>`,
      ...out,
      '    </testcase>',
    ];
  });
  const suite = [`  <testsuite name="tcplab script" ${attributes}>`, ...cases, '  </testsuite>'];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes}>`,
    ...suite,
    '</testsuites>',
  ];
}

const folderOf = (file: string): string => file.replace(/\/?[^/]*$/, '') || '.';
const baseOf = (file: string): string => file.replace(/^.*\//, '');

/** XML 1.0 allows no control characters but tab, line feed and carriage return. */
const xml = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function jsonLine(t: Timed): string {
  const { file, outcome, place, reason, differences, packets, tcb, ...verdict } = t.verdict;
  const { line, column } = place ?? {};
  const warnings = verdict.warnings.map(({ place: at, ...w }) => ({
    line: at.line,
    column: at.column,
    ...w,
  }));
  const head = { type: 'script', file, outcome, line, column, reason, differences };
  return JSON.stringify({ ...head, warnings, packets, tcb, ms: t.ms });
}

/** The warnings of `--non_fatal`, each with its line of the script and the fields that differ. */
function warningLines({ verdict, source }: Timed): string[] {
  return verdict.warnings.flatMap(({ place, reason, differences }) => [
    `warning: ${where({ file: verdict.file, place })}: ${reason}`,
    `      ${source[place.line - 1]?.trim() ?? ''}`,
    ...differences.map((d) => `  ${differenceText(d)}`),
  ]);
}

const differenceText = (d: Difference): string =>
  `${d.field}: expected ${d.expected}, came ${d.actual}`;

/**
 * Details of a failure: the script's line, the fields that differ, the last packets, the control
 * block.
 */
function detailsOf({ verdict, source }: Timed): string[] {
  const { place, differences, packets, tcb } = verdict;
  const out: string[] = [];
  const line = place === null ? undefined : source[place.line - 1];
  if (line !== undefined) out.push(`    ${line.trim()}`);
  out.push(...differences.map(differenceText));
  if (packets.length > 0) out.push('the last packets:', ...packets.map((p) => `    ${p}`));
  if (tcb !== null) out.push('the connection:', ...tcbLines(tcb));
  return out;
}

/** A line for each group of fields: `    snd: una 1, nxt 1001, ...`. */
function tcbLines(tcb: object): string[] {
  const value = (v: unknown): string =>
    typeof v === 'number' && !Number.isInteger(v) && Number.isFinite(v) ? v.toFixed(1) : String(v);
  return Object.entries(tcb as Record<string, unknown>).flatMap(([name, group]): string[] => {
    if (Array.isArray(group)) {
      const timers = (group as { name: string; inUs: number }[]).map(
        (t) => `${t.name} in ${Math.round(t.inUs)} us`,
      );
      return [`    ${name}: ${timers.join(', ') || 'none'}`];
    }
    if (typeof group !== 'object' || group === null) return [`    ${name} ${value(group)}`];
    const fields = Object.entries(group as Record<string, unknown>).map(
      ([k, v]) => `${k} ${value(v)}`,
    );
    return [`    ${name}: ${fields.join(', ')}`];
  });
}
