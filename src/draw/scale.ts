/** Axes: from values to pixels, and round numbers to write beside them. */

export interface Scale {
  readonly from: number;
  readonly to: number;
  /** The pixel of a value. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly label: (value: number) => string;
}

export type Unit = 'seconds' | 'bytes' | 'bits/s';

export function linear(
  from: number,
  to: number,
  firstPixel: number,
  lastPixel: number,
  unit: Unit,
  wanted = 6,
): Scale {
  const end = to > from ? to : from + 1;
  const step = roundStep((end - from) / wanted, unit);
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= end * (1 + 1e-9); i++)
    ticks.push(i * step);
  const perUnit = (lastPixel - firstPixel) / (end - from);
  return {
    from,
    to: end,
    at: (value) => firstPixel + (value - from) * perUnit,
    ticks,
    label: (value) => labelOf(value, step, unit),
  };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(least: number, unit: Unit): number {
  let power = 1;
  while (power > least) power /= 10;
  while (power * 10 <= least) power *= 10;
  for (const factor of [1, 2, 5, 10]) {
    const step = factor * power;
    // There is no half byte.
    if (step >= least * 0.999) return unit === 'bytes' ? Math.max(1, step) : step;
  }
  return 10 * power;
}

const PREFIXES = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

function labelOf(value: number, step: number, unit: Unit): string {
  if (value === 0) return '0';
  if (unit === 'seconds') {
    if (step >= 0.1) return `${trim(value, step)} s`;
    return step >= 1e-4
      ? `${trim(value * 1e3, step * 1e3)} ms`
      : `${trim(value * 1e6, step * 1e6)} us`;
  }
  const [size, prefix] = PREFIXES.find(([s]) => Math.abs(value) >= s) ?? [1, ''];
  const name = unit === 'bytes' ? 'B' : 'bit/s';
  return `${trim(value / size, step / size)} ${prefix}${name}`;
}

function trim(value: number, step: number): string {
  let digits = 0;
  for (let rest = step; rest < 0.9995 && digits < 6; rest *= 10) digits++;
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
