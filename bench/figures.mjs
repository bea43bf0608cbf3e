// @ts-check
/** Formats the numbers and tables of the benches. */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** @param {number} value */
export const show = (value) =>
  value >= 1000 ? Math.round(value).toString() : value.toPrecision(3);

/** @param {string[][]} table @param {number} columns of text before those of numbers */
export function align(table, columns) {
  const widths =
    table[0]?.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0))) ?? [];
  const pad = (/** @type {string} */ cell, /** @type {number} */ i) =>
    i < columns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  const rule = widths.map((w, i) => (i < columns ? '-'.repeat(w) : `${'-'.repeat(w - 1)}:`));
  const [head = [], ...rows] = table.map((row) => `| ${row.map(pad).join(' | ')} |`);
  return [head, `| ${rule.join(' | ')} |`, ...rows].join('\n');
}

/** The machine that the bench runs on. */
export function machine() {
  const model = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  return `Node ${process.versions.node}, Linux ${release()}, ${cpus().length} cores of ${model}`;
}
